"""Metrics of the first k retrieved labels of each row, against its relevant labels.

The input is the retrieved labels, shape (n_samples, k), best first. Scores of all labels for all
rows are not needed.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from .._utils._labels import check_classes, check_labels, encode
from .._utils._named import columns_by_name
from .._utils._probabilities import best_columns, row_sums, top_entries
from .._utils._rows import count_rows
from .._utils._score_columns import check_columns_are_classes
from .._utils._typing import ArrayLike, Estimator, Floats, Proba, Rows
from .._utils._validation import check_number, check_row_weights, column_names
from .._utils._warnings import warn

__all__ = [
    "label_propensities",
    "ndcg_at_k",
    "precision_at_k",
    "propensity_scored_precision_at_k",
    "recall_at_k",
    "retrieval_scorer",
]

# Scores that the scorer computes at once, about 64 MB.
SCORES_PER_BLOCK = 2**23


def precision_at_k(
    y_true: Proba,
    retrieved: ArrayLike,
    *,
    k: int | None = None,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Share of relevant labels among the first k retrieved ones.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_labels)
        True labels. With several labels per row, an indicator of 0 and 1, dense or sparse, with a
        column for each of `classes`.

    retrieved : array-like of shape (n_samples, n_retrieved)
        Labels, best first, without repeats in a row, as returned by
        :meth:`~skdistill.DistilledMulticlassRetriever.retrieve`.

    k : int, default=None
        Number of retrieved labels that count. All by default.

    classes : array-like of shape (n_labels,), default=None
        All labels, in the order of the columns. For an indicator, 0, 1, ... by default. With labels
        as `y_true`, all valid labels; others raise.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Mean over the rows of (relevant labels among the first k) / k, in [0, 1]; higher is
        better. Rows with fewer than k relevant labels cannot reach 1, and rows without
        any count as 0.

    Raises
    ------
    ValueError
        If k is more than was retrieved, if labels are unknown or retrieved twice, or if
        shapes do not fit.

    Examples
    --------
    >>> from skdistill.metrics import precision_at_k
    >>> precision_at_k(["cat", "dog"], [["cat", "cow"], ["cow", "hen"]])
    0.25
    >>> precision_at_k([[1, 1, 0], [0, 0, 1]], [[1, 0], [2, 1]])
    0.75
    """
    found = _check(y_true, retrieved, k, classes, sample_weight)
    return float(np.average(found.hits.mean(axis=1), weights=found.weight))


def recall_at_k(
    y_true: Proba,
    retrieved: ArrayLike,
    *,
    k: int | None = None,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Share of a row's relevant labels among the first k retrieved ones.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_labels)
        True labels. With several labels per row, an indicator of 0 and 1, dense or sparse, with a
        column for each of `classes`.

    retrieved : array-like of shape (n_samples, n_retrieved)
        Labels, best first, without repeats in a row, as returned by
        :meth:`~skdistill.DistilledMulticlassRetriever.retrieve`.

    k : int, default=None
        Number of retrieved labels that count. All by default.

    classes : array-like of shape (n_labels,), default=None
        All labels, in the order of the columns. For an indicator, 0, 1, ... by default. With labels
        as `y_true`, all valid labels; others raise.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Mean over the rows of (relevant labels among the first k) / (relevant labels), in
        [0, 1]; higher is better. With one label per row this is top-k accuracy. Rows of
        an indicator without any label are left out of the mean, with a warning.

    Raises
    ------
    ValueError
        If k is more than was retrieved, or if labels are unknown or retrieved twice. If shapes do
        not fit, or if no row has a label.

    Warns
    -----
    UserWarning
        If rows without a label are left out; the message has their number.

    See Also
    --------
    sklearn.metrics.top_k_accuracy_score : The same for one label per row, from all scores.

    Examples
    --------
    >>> from skdistill.metrics import recall_at_k
    >>> recall_at_k(["cat", "dog"], [["cat", "cow"], ["cow", "hen"]])
    0.5
    >>> recall_at_k([[1, 1, 0], [0, 0, 1]], [[1, 0], [2, 1]], k=1)
    0.75
    """
    found = _with_labels(_check(y_true, retrieved, k, classes, sample_weight))
    recall = found.hits.sum(axis=1) / found.n_relevant
    return float(np.average(recall, weights=found.weight))


def ndcg_at_k(
    y_true: Proba,
    retrieved: ArrayLike,
    *,
    k: int | None = None,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Discounted gain of the first k retrieved labels, relative to the best order.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_labels)
        True labels. With several labels per row, an indicator of 0 and 1, dense or sparse, with a
        column for each of `classes`.

    retrieved : array-like of shape (n_samples, n_retrieved)
        Labels, best first, without repeats in a row, as returned by
        :meth:`~skdistill.DistilledMulticlassRetriever.retrieve`.

    k : int, default=None
        Number of retrieved labels that count. All by default.

    classes : array-like of shape (n_labels,), default=None
        All labels, in the order of the columns. For an indicator, 0, 1, ... by default. With labels
        as `y_true`, all valid labels; others raise.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Mean over the rows of DCG / IDCG, in [0, 1]; higher is better. DCG is the sum of
        1 / log2(1 + rank) over the relevant labels among the first k, IDCG that of ranks
        1 to min(k, relevant labels). Rows of an indicator without any label are left out
        of the mean, with a warning.

    Raises
    ------
    ValueError
        If k is more than was retrieved, or if labels are unknown or retrieved twice. If shapes do
        not fit, or if no row has a label.

    Warns
    -----
    UserWarning
        If rows without a label are left out; the message has their number.

    See Also
    --------
    sklearn.metrics.ndcg_score : The same from all scores; rows without a label count as 0.

    Examples
    --------
    >>> from skdistill.metrics import ndcg_at_k
    >>> ndcg_at_k(["cat", "dog", "hen"], [["cat", "cow"], ["cow", "hen"], ["cow", "dog"]])
    0.3333333333333333
    >>> round(ndcg_at_k([[0, 1, 1]], [[0, 1, 2]]), 4)
    0.6934
    """
    found = _with_labels(_check(y_true, retrieved, k, classes, sample_weight))
    discount = 1 / np.log2(np.arange(2, found.hits.shape[1] + 2))
    best = np.cumsum(discount)[np.minimum(found.n_relevant, len(discount)) - 1]
    return float(np.average(found.hits @ discount / best, weights=found.weight))


def propensity_scored_precision_at_k(
    y_true: Proba,
    retrieved: ArrayLike,
    propensities: ArrayLike,
    *,
    k: int | None = None,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Precision among the first k, with a higher weight for rare labels, often missing from y.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_labels)
        True labels. With several labels per row, an indicator of 0 and 1, dense or sparse, with a
        column for each of `classes`.

    retrieved : array-like of shape (n_samples, n_retrieved)
        Labels, best first, without repeats in a row, as returned by
        :meth:`~skdistill.DistilledMulticlassRetriever.retrieve`.

    propensities : array-like of shape (n_labels,)
        Probability that a relevant label was observed, above 0, for each of `classes`:
        from :func:`label_propensities` of the training labels.

    k : int, default=None
        Number of retrieved labels that count. All by default.

    classes : array-like of shape (n_labels,), default=None
        All labels, in the order of the columns. They are those of the propensities, and of an
        indicator, 0, 1, ... by default. With labels as `y_true`, by default the sorted labels that
        occur in `y_true` or `retrieved`; there must be as many propensities.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Σ_n w_n Σ_{l relevant, among the first k} 1 / p_l, divided by the largest value that
        k labels per row could give it: the same sum over the k relevant labels of each row
        with the smallest p. In [0, 1], higher is better. Both sums run over all rows
        before they are divided; rows without a label add nothing to either.

    Raises
    ------
    ValueError
        If propensities are not one number above 0 for each class. If k is more than was retrieved,
        or if labels are unknown or retrieved twice. If shapes do not fit, or if no row has a label.

    References
    ----------
    Jain, Prabhu and Varma, "Extreme multi-label loss functions for recommendation, tagging,
    ranking and other missing label applications", KDD 2016.

    Examples
    --------
    >>> from skdistill.metrics import propensity_scored_precision_at_k
    >>> y_true = [[1, 0, 0], [0, 1, 0]]
    >>> propensity_scored_precision_at_k(y_true, [[0], [0]], [0.5, 0.25, 0.25])
    0.3333333333333333
    """
    relevant, columns, names, weight = _columns(y_true, retrieved, k, classes, sample_weight)
    worth = 1 / _check_propensities(propensities, names)
    gain = _hits(relevant, columns) * worth[columns]
    value = relevant.copy()
    value.data = worth[relevant.indices]
    best = row_sums(top_entries(value, columns.shape[1]))
    if not weight @ best > 0:
        raise ValueError(_no_label_message(relevant.shape[0]))
    return float(weight @ gain.sum(axis=1) / (weight @ best))


def label_propensities(
    y: Proba, *, classes: ArrayLike | None = None, A: float = 0.55, B: float = 1.5
) -> Floats:
    """Probability that a relevant label was observed, estimated from its frequency.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        True labels. They are those of the training rows; several per row are an indicator, dense or
        sparse.

    classes : array-like of shape (n_labels,), default=None
        All labels, in the order of the columns. Needed if some may not occur in `y`; by default
        those of `y`, sorted. An indicator has one propensity for each column.

    A, B : float, default=0.55 and 1.5
        Shape of the curve; the defaults are those of Jain et al. without a fit to the data.

    Returns
    -------
    ndarray of shape (n_labels,), float64
        p_l with 1 / p_l = 1 + C (N_l + B)^(−A) and C = (ln N − 1) (B + 1)^A, where N_l of
        the N rows have the label l. In (0, 1).

    Raises
    ------
    ValueError
        For fewer than 3 rows (C would be negative), A or B not finite numbers above 0, or labels
        that `classes` lacks.

    References
    ----------
    Jain, Prabhu and Varma, "Extreme multi-label loss functions for recommendation, tagging,
    ranking and other missing label applications", KDD 2016.

    Examples
    --------
    >>> from skdistill.metrics import label_propensities
    >>> label_propensities(["a"] * 90 + ["b"] * 10).round(3)
    array([0.668, 0.391])
    """
    check_number("A", A, Real)
    check_number("B", B, Real)
    if _is_indicator(y):
        relevant, _ = _read_indicator(y, classes)
    else:
        y = check_labels(y)
        relevant = _indicator_of(y, np.unique(y) if classes is None else np.asarray(classes))
    if relevant.shape[0] < 3:
        raise ValueError(
            f"Propensities need at least 3 rows, so that ln N > 1; got {relevant.shape[0]}. Give "
            "the labels of the training rows."
        )
    n_rows_with = np.bincount(relevant.indices, minlength=relevant.shape[1])
    C = (np.log(relevant.shape[0]) - 1) * (B + 1) ** A
    return 1 / (1 + C * (n_rows_with + B) ** -float(A))


def retrieval_scorer(metric: Callable[..., float], k: int = 10, **metric_params: Any) -> Any:
    """Return a scorer for searches and cross-validation: a retrieval metric of the first k.

    Parameters
    ----------
    metric : callable
        A metric of this module, or any ``metric(y_true, retrieved, k=, sample_weight=)`` for
        which higher is better.

    k : int, default=10
        Number of retrieved labels that count. No others are retrieved.

    **metric_params
        Passed to `metric`, such as `propensities` and `classes`. For an indicator as `y`, the
        default of `classes` is that of the estimator.

    Returns
    -------
    callable
        ``scorer(estimator, X, y, sample_weight=None)``, for ``scoring=``; it can be pickled.
        It uses the estimator's `retrieve` if it has one, also as the last step of a Pipeline,
        and otherwise the k largest values of `decision_function` or `predict_proba`, by blocks
        of rows (the order of ties is undefined). An SVC with
        ``decision_function_shape="ovo"``, whose columns are pairs of classes, raises.
        Classifiers that were fitted on an indicator, such as forests, retrieve its columns.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill.metrics import recall_at_k, retrieval_scorer
    >>> X, y = load_digits(return_X_y=True)
    >>> scores = cross_val_score(GaussianNB(), X, y, scoring=retrieval_scorer(recall_at_k, k=3))
    >>> print(f"{scores.mean():.2f}")
    0.95
    """
    return _RetrievalScorer(metric, k, metric_params)


class _RetrievalScorer:
    """A scorer that retrieves the first k labels of each row."""

    def __init__(self, metric, k, metric_params):
        self.metric = metric
        self.k = k
        self.metric_params = metric_params

    def __call__(self, estimator, X, y, sample_weight=None):
        params = {"sample_weight": sample_weight, **self.metric_params}
        labels = estimator.classes_
        if _is_indicator(y):
            labels = _labels_of_columns(estimator, y, params.get("classes"))
            params.setdefault("classes", labels)
        return self.metric(y, _retrieve(estimator, X, self.k, labels), k=self.k, **params)

    def __repr__(self):
        params = "".join(f", {name}=..." for name in self.metric_params)
        return f"retrieval_scorer({self.metric.__name__}, k={self.k}{params})"


def _labels_of_columns(estimator, y, classes):
    """Return the labels of an estimator's columns, as named by an indicator `y`.

    scikit-learn classifiers that were fitted on an indicator number its columns.
    """
    labels = estimator.classes_
    names = column_names(y) if classes is None else np.asarray(classes).tolist()
    n_labels = len(labels)
    are_numbers = isinstance(labels, list) or np.array_equal(labels, np.arange(n_labels))
    if not are_numbers or hasattr(_last_step(estimator), "retrieve"):
        return labels
    positions = [str(k) for k in range(n_labels)]
    texts = positions if names is None else [str(name) for name in names]
    if texts == positions:
        return np.arange(n_labels)
    if sorted(texts) == sorted(positions):
        raise ValueError(
            f"The columns of y_true are named {names}, and the classes of "
            f"{type(estimator).__name__} are 0 to {n_labels - 1}: these may be names or positions. "
            "Give the columns of y_true in the order of their numbers, or other names."
        )
    return np.asarray(names)


def _last_step(estimator):
    """Return the last step of a Pipeline, anything else as it is."""
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def _retrieve(estimator: Estimator, X: Rows, k: int, labels):
    """Return the k best labels of each row, by the estimator's `retrieve` or its scores."""
    last = _last_step(estimator)
    if hasattr(last, "retrieve"):
        transforms = last is not estimator and len(estimator) > 1
        return last.retrieve(estimator[:-1].transform(X) if transforms else X, k)[0]
    score = getattr(estimator, "decision_function", None) or estimator.predict_proba
    if isinstance(labels, list) or np.ndim(labels) != 1 or k > len(labels):
        raise ValueError(
            f"The first k={k} labels cannot be taken from {type(estimator).__name__}, whose "
            f"classes_ are {labels!r}: it must list at least k labels. Lower k, or "
            "give an estimator with one score per label; one that was fitted on an indicator is "
            "scored by an indicator."
        )
    labels = np.asarray(labels)
    n_rows, step = count_rows(X), max(1, SCORES_PER_BLOCK // len(labels))
    blocks = [slice(start, start + step) for start in range(0, n_rows, step)]
    scores = (_scores_of_labels(estimator, score(_safe_indexing(X, block))) for block in blocks)
    return labels[np.vstack([best_columns(each, k) for each in scores])]


def _scores_of_labels(estimator, scores):
    """Return one column of scores for each class of a fitted estimator, in their order."""
    if isinstance(scores, list):  # of each column of an indicator, the probability of each value
        of_one = zip(scores, estimator.classes_, strict=True)
        scores = np.column_stack(
            [
                p[:, list(values).index(1)] if 1 in values else np.zeros(len(p))
                for p, values in of_one
            ]
        )
    scores = np.asarray(scores)
    if scores.ndim == 1:  # decision_function of two classes
        scores = np.column_stack([-scores, scores])
    check_columns_are_classes(estimator, scores)
    return scores


class _Hits(NamedTuple):
    """Which of the first k labels are relevant, by row."""

    hits: np.ndarray  # (n_samples, k), bool
    n_relevant: np.ndarray  # (n_samples,)
    weight: np.ndarray  # (n_samples,)


def _check(y_true, retrieved, k, classes, sample_weight):
    """Check the input, and return the hits."""
    relevant, columns, _, weight = _columns(y_true, retrieved, k, classes, sample_weight)
    return _Hits(_hits(relevant, columns), np.diff(relevant.indptr), weight)


def _with_labels(found):
    """Return the hits of rows that have a label; warn if there are others."""
    has_label = found.n_relevant > 0
    if has_label.all():
        return found
    if not found.weight[has_label].sum() > 0:
        raise ValueError(_no_label_message(len(has_label)))
    warn(
        f"{(~has_label).sum()} of {len(has_label)} rows of y_true have no label; the mean leaves "
        "them out."
    )
    return _Hits(*(part[has_label] for part in found))


def _no_label_message(n_rows):
    """Return the error message for rows without labels."""
    return (
        f"None of the {n_rows} rows of y_true has both a label and a weight: there is nothing to "
        "retrieve. Check which columns the indicator kept."
    )


def _columns(y_true, retrieved, k, classes, sample_weight):
    """Return relevant labels (CSR), columns of the first k retrieved, the labels, and weights."""
    retrieved = _first_retrieved(retrieved, k)
    if _is_indicator(y_true):
        relevant, classes = _read_indicator(y_true, classes)
    else:
        y_true = check_labels(y_true, name="y_true")
        _check_same_kind(y_true, retrieved)
        classes = np.union1d(y_true, retrieved) if classes is None else np.asarray(classes)
        relevant = _indicator_of(y_true, classes)
    if relevant.shape[0] != len(retrieved):
        raise ValueError(
            f"y_true and retrieved must have the same rows; got {relevant.shape[0]} and "
            f"{len(retrieved)}."
        )
    _check_known(retrieved, classes)
    columns = _positions(retrieved.ravel(), classes).reshape(retrieved.shape)
    _check_no_repeats(columns, classes)
    weight = check_row_weights(sample_weight, len(retrieved))
    if not weight.sum() > 0:
        raise ValueError(f"No row counts: the weights of the {len(weight)} rows sum to 0.")
    return relevant, columns, classes, weight


def _first_retrieved(retrieved, k):
    """Return the first k labels of each row."""
    retrieved = np.asarray(retrieved)
    if retrieved.ndim != 2 or 0 in retrieved.shape:
        raise ValueError(
            "retrieved must have shape (n_samples, n_retrieved), the labels of each row, best "
            f"first; got shape {retrieved.shape}. retrieve(X, k) returns (labels, scores): give "
            "the labels only."
        )
    if k is None:
        return retrieved
    if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= k <= retrieved.shape[1]:
        raise ValueError(
            f"k must be an integer from 1 to the {retrieved.shape[1]} labels that were retrieved "
            f"for each row; got k={k!r}. Retrieve more, or lower k."
        )
    return retrieved[:, :k]


def _is_indicator(y):
    """Return whether `y` has a column for each label, rather than one label for each row."""
    return sparse.issparse(y) or (np.ndim(y) == 2 and np.shape(y)[1] > 1)


def _read_indicator(y, classes):
    """Return an indicator as a CSR array of stored ones, and the label of each column."""
    names = column_names(y)
    if names is not None and classes is not None:
        y = columns_by_name(sparse.csr_array(np.asarray(y)), names, np.asarray(classes))
    elif names is not None:
        classes = names
    classes = np.arange(np.shape(y)[1]) if classes is None else np.asarray(classes)
    if len(classes) != np.shape(y)[1] or len(np.unique(classes)) != len(classes):
        raise ValueError(
            f"classes must list the label of each column of the indicator once; got "
            f"{len(classes)} labels, {len(np.unique(classes))} of them different, for "
            f"{np.shape(y)[1]} columns."
        )
    relevant = sparse.csr_array(y if sparse.issparse(y) else np.asarray(y), copy=True)
    relevant.sum_duplicates()
    relevant.eliminate_zeros()
    if (relevant.data != 1).any():
        raise ValueError(
            "An indicator holds only 0 and 1; y_true also holds "
            f"{relevant.data[relevant.data != 1][0]!r}. If these are probabilities, threshold "
            "them: y_true > 0.5."
        )
    return relevant, classes


def _indicator_of(y, classes):
    """Return labels as a CSR array with a single 1 per row, columns in the order of `classes`."""
    check_classes(y, classes)
    ones, starts = np.ones(len(y)), np.arange(len(y) + 1)
    return sparse.csr_array((ones, _positions(y, classes), starts), shape=(len(y), len(classes)))


def _positions(labels, classes):
    """Return the position of each label in `classes`, which may be unsorted."""
    order = np.argsort(classes, kind="stable")
    return order[encode(labels, classes[order])]


def _check_same_kind(y_true, retrieved):
    """Raise if one side has strings and the other numbers, which are never equal."""
    true, other = y_true[:1].tolist()[0], retrieved[0].tolist()[0]
    if isinstance(true, str) != isinstance(other, str):
        raise ValueError(
            f"y_true and retrieved must be labels of one kind; got {true!r} and {other!r}. Turn "
            "both into strings, or both into numbers."
        )


def _check_known(retrieved, classes):
    """Raise if a retrieved label is not in `classes`."""
    seen = np.unique(retrieved)
    known = set(classes.tolist())
    unknown = [label for label in seen.tolist() if label not in known]
    if unknown:
        raise ValueError(
            f"retrieved holds {len(unknown)} labels that classes does not list, such as "
            f"{unknown[:3]}; the labels are {classes[:3].tolist()}... Give classes=, the label of "
            "each column of y_true, and labels as retrieved, not scores."
        )


def _check_no_repeats(columns, classes):
    """Raise if a row has a retrieved label twice: it would count twice."""
    ordered = np.sort(columns, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    if twice.any():
        row = np.argmax(twice)
        raise ValueError(
            f"A label may be retrieved only once for each row; {twice.sum()} rows repeat one, the "
            f"first is row {row}: {classes[columns[row]].tolist()[:10]}."
        )


def _check_propensities(propensities, classes):
    """Return one propensity for each class."""
    propensities = np.asarray(propensities, dtype=np.float64)
    if propensities.shape != (len(classes),):
        raise ValueError(
            f"propensities must have one number for each of the {len(classes)} labels; got shape "
            f"{propensities.shape}. If some labels do not occur in y_true and retrieved, give "
            "classes=, the label of each propensity."
        )
    if not ((propensities > 0) & (propensities < np.inf)).all():
        raise ValueError(
            "propensities must be finite numbers above 0; the smallest is "
            f"{propensities.min():.6g}. Compute them by label_propensities."
        )
    return propensities


def _hits(relevant, columns):
    """Return whether each column is stored in its row of a CSR array."""
    n_rows, n_labels = relevant.shape
    row_of = np.repeat(np.arange(n_rows), np.diff(relevant.indptr))
    stored = row_of * n_labels + relevant.indices
    return np.isin(np.arange(n_rows)[:, None] * n_labels + columns, stored)
