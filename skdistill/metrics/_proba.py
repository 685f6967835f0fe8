"""Metrics of probabilities against labels, soft labels or a teacher."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline

from .._utils._labels import check_classes, check_labels, one_hot
from .._utils._named import check_row_names, columns_by_name
from .._utils._one_column import both_columns, is_soft
from .._utils._probabilities import argmax_labels, entries, largest, row_sums
from .._utils._typing import ArrayLike, Estimator, Proba, Rows
from .._utils._validation import check_number, check_proba, check_row_weights, column_names

__all__ = [
    "brier_loss",
    "expected_calibration_error",
    "pairwise_disagreement",
    "soft_log_loss",
    "soft_log_loss_scorer",
    "teacher_agreement",
]

# log(0) is infinite; scikit-learn's log_loss clips at the same number.
SMALLEST = np.finfo(np.float64).eps


def soft_log_loss(
    y_true_or_proba: Proba,
    proba: Proba,
    *,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Cross-entropy of predicted probabilities under labels or soft labels.

    Parameters
    ----------
    y_true_or_proba : array-like of shape (n_samples,) or (n_samples, n_classes)
        True labels or soft labels.

    proba : array-like of shape (n_samples, n_classes) or (n_samples,)
        Predicted probabilities, columns in the order of the sorted classes, or named by class. For
        two classes, one number per row is the probability of the second.

    classes : array-like of shape (n_classes,), default=None
        All labels, in the order of the columns. They are those of `proba`, sorted; needed if some
        do not occur in the labels.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Mean of −Σ_y p_y log q_y over the rows, in nats; lower is better. Predicted
        probabilities count as at least 2.2e-16.

    Raises
    ------
    ValueError
        If the shapes differ, or if rows are not probabilities.

    Notes
    -----
    With soft labels for p this is the distilled risk of the log-loss (Menon et al., ICML
    2021, equation of section 3); with labels it is ``sklearn.metrics.log_loss``.

    Examples
    --------
    >>> from skdistill.metrics import soft_log_loss
    >>> round(soft_log_loss([[0.5, 0.5]], [[0.5, 0.5]]), 4)
    0.6931
    """
    target, proba, weight = check_predictions(y_true_or_proba, proba, classes, sample_weight)
    # Relative to the smallest probability, so that entries that are not stored are 0.
    gain = proba.copy()
    stored = gain.data if sparse.issparse(gain) else gain
    stored[...] = np.log(np.clip(stored, SMALLEST, 1)) - np.log(SMALLEST)
    row_loss = -np.log(SMALLEST) * row_sums(target) - row_sums(target * gain)
    return float(np.average(row_loss, weights=weight))


def brier_loss(
    y_true_or_proba: Proba,
    proba: Proba,
    *,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean squared distance between predicted probabilities and labels or soft labels.

    Parameters
    ----------
    y_true_or_proba : array-like of shape (n_samples,) or (n_samples, n_classes)
        True labels or soft labels.

    proba : array-like of shape (n_samples, n_classes) or (n_samples,)
        Predicted probabilities, columns in the order of the sorted classes, or named by class. For
        two classes, one number per row is the probability of the second.

    classes : array-like of shape (n_classes,), default=None
        All labels, in the order of the columns. They are those of `proba`, sorted; needed if some
        do not occur in the labels.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Σ_y (p_y − q_y)², averaged over the rows, in [0, 2]; lower is better. For two
        classes and hard labels this is twice ``sklearn.metrics.brier_score_loss``.

    Raises
    ------
    ValueError
        If the shapes differ, or if rows are not probabilities.

    Notes
    -----
    For a teacher independent of the labels its expectation is E‖q − p*‖² plus a constant that
    does not depend on the teacher. So it compares teachers by the term that bounds the student's
    error (Menon et al., ICML 2021, section 4); accuracy does not.

    Examples
    --------
    >>> from skdistill.metrics import brier_loss
    >>> brier_loss([0, 1], [[1.0, 0.0], [0.5, 0.5]])
    0.25
    """
    target, proba, weight = check_predictions(y_true_or_proba, proba, classes, sample_weight)
    difference = target - proba
    return float(np.average(row_sums(difference * difference), weights=weight))


def expected_calibration_error(
    y_true: Proba,
    proba: Proba,
    *,
    classes: ArrayLike | None = None,
    n_bins: int = 15,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Mean gap between the confidence and the accuracy of the predicted label.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_classes)
        True labels. With probabilities, a row's accuracy is that of the predicted label.

    proba : array-like of shape (n_samples, n_classes) or (n_samples,)
        Predicted probabilities, columns in the order of the sorted classes, or named by class. For
        two classes, one number per row is the probability of the second.

    classes : array-like of shape (n_classes,), default=None
        All labels, in the order of the columns. They are those of `proba`, sorted; needed if some
        do not occur in the labels.

    n_bins : int, default=15
        Bins of equal width on [0, 1] for the confidence max_y q_y (15 as in Guo et al.,
        ICML 2017).

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Σ over bins of (share of rows) · ``|mean confidence − accuracy|``, in [0, 1]; lower is
        better. It is biased upwards on few rows: compare models on the same rows.

    Raises
    ------
    ValueError
        If the shapes differ, if rows are not probabilities, or if there is not at least one bin.

    Examples
    --------
    >>> from skdistill.metrics import expected_calibration_error
    >>> round(expected_calibration_error([0, 1], [[0.9, 0.1], [0.9, 0.1]]), 6)
    0.4
    """
    check_number("n_bins", n_bins, Integral)
    target, proba, weight = check_predictions(y_true, proba, classes, sample_weight)
    gaps = calibration_gaps(target, proba, weight, n_bins)
    return float(np.abs(gaps).sum() / weight.sum())


def calibration_gaps(target, proba, weight, n_bins=15):
    """Return Σ w (confidence − accuracy) of the rows in each bin; blocks of rows can be added."""
    confidence = largest(proba)
    accuracy = entries(target, argmax_labels(proba))
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    return np.bincount(bins, weights=weight * (confidence - accuracy), minlength=n_bins)


def pairwise_disagreement(
    y_true_or_proba: ArrayLike, scores: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of pairs that scores rank in the wrong order, under labels or soft labels.

    Parameters
    ----------
    y_true_or_proba : array-like of shape (n_samples,)
        True labels or soft labels. A soft label is the probability in [0, 1] that a row is
        positive; labels 0 and 1 are such probabilities.

    scores : array-like of shape (n_samples,), float
        Score of each row, higher for more likely positive.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Σ_{i≠j} w_i w_j p_i (1 − p_j) [s_i < s_j] divided by the same sum without the bracket; ties
        count half. In [0, 1], lower is better. For labels it is 1 − AUC.

    Raises
    ------
    ValueError
        For probabilities outside [0, 1], scores that are NaN, or if no pair carries weight.

    Notes
    -----
    The distilled bipartite risk of Menon et al. (ICML 2021), in O(n log n).

    Examples
    --------
    >>> from skdistill.metrics import pairwise_disagreement
    >>> pairwise_disagreement([0, 1, 1], [0.3, 0.2, 0.9])
    0.5
    """
    p, s = np.asarray(y_true_or_proba, np.float64), np.asarray(scores, np.float64)
    if p.ndim != 1 or p.shape != s.shape:
        raise ValueError(
            "y_true_or_proba and scores must both have shape (n_samples,), one number per row; "
            f"got {p.shape} and {s.shape}."
        )
    if np.isnan(s).any() or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(
            "scores must not be NaN and probabilities must lie in [0, 1]; got scores with "
            f"{np.isnan(s).sum()} NaN and probabilities from {p.min():.6g} to {p.max():.6g}."
        )
    w = check_row_weights(sample_weight, len(s))
    a, b = w * p, w * (1 - p)
    total = a.sum() * b.sum() - a @ b
    if not total > 0:
        raise ValueError(
            f"No pair of the {len(s)} rows carries weight. Give rows that may be positive and "
            "other rows that may be negative."
        )
    _, level = np.unique(s, return_inverse=True)
    a_level, b_level = np.bincount(level, weights=a), np.bincount(level, weights=b)
    b_above = b.sum() - np.cumsum(b_level)
    wrong = a_level @ (b_above + b_level / 2) - a @ b / 2
    return float(max(wrong, 0) / total)


def teacher_agreement(
    teacher: ArrayLike, student: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Share of rows in which teacher and student predict the same label.

    Parameters
    ----------
    teacher, student : array-like of shape (n_samples,) or (n_samples, n_classes)
        Predicted labels, or probabilities over the same classes; the columns of dataframes are
        matched by name.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        In [0, 1]. It is fidelity, not quality: where a student disagrees, it may be right (Stanton
        et al., NeurIPS 2021).

    Raises
    ------
    ValueError
        If one side has labels and the other probabilities, or if the shapes differ.

    Examples
    --------
    >>> from skdistill.metrics import teacher_agreement
    >>> teacher_agreement(["cat", "dog"], ["cat", "cat"])
    0.5
    """
    classes = _column_classes(None, teacher, student)
    teacher = both_columns(teacher, classes, name="teacher") if is_soft(teacher) else teacher
    student = both_columns(student, classes, name="student") if is_soft(student) else student
    of_student, of_teacher = (
        _by_name(_as_array(each), each, classes) for each in (student, teacher)
    )
    if of_student.shape != of_teacher.shape:
        raise ValueError(
            f"teacher and student must both be labels or both be probabilities of the same rows; "
            f"got shapes {of_teacher.shape} and {of_student.shape}."
        )
    if of_student.ndim == 2:
        check_row_names(student, teacher, name="student", of="teacher")
        of_student, of_teacher = argmax_labels(of_student), argmax_labels(of_teacher)
    weight = check_row_weights(sample_weight, len(of_student))
    return float(np.average(of_student == of_teacher, weights=weight))


def soft_log_loss_scorer(
    estimator: Estimator, X: Rows, y: Proba, sample_weight: ArrayLike | None = None
) -> float:
    """Score an estimator by minus :func:`soft_log_loss`: ``scoring=soft_log_loss_scorer``.

    scikit-learn's scorers do not accept probabilities as `y`. ``cross_val_score`` and
    ``GridSearchCV`` accept this callable instead.

    Parameters
    ----------
    estimator : object
        Fitted, with `predict_proba` and `classes_`.

    X : array-like of shape (n_samples, n_features)
        Rows to predict.

    y : array-like of shape (n_samples,) or (n_samples, n_classes)
        True labels. Soft labels are accepted, too.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        Higher is better.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from skdistill import SoftLabelClassifier
    >>> from skdistill.metrics import soft_log_loss_scorer
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> P = np.column_stack([X[:, 0] < 0, X[:, 0] >= 0]) * 0.8 + 0.1
    >>> cross_val_score(SoftLabelClassifier(), X, P, scoring=soft_log_loss_scorer).shape
    (5,)
    """
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    declared = getattr(last, "classes", None)
    soft = is_soft(y, declared)
    if soft:
        check_row_names(y, X, name="y")
        y = both_columns(y, declared, name="y")
    if soft and declared is not None and column_names(y) is None:
        y = check_proba(y, name="y")[:, np.argsort(declared)]  # columns are in the declared order
    proba, classes = sorted_proba(estimator, X)
    return -soft_log_loss(y, proba, classes=classes, sample_weight=sample_weight)


def sorted_proba(estimator, X):
    """Return an estimator's probabilities with columns sorted by class, and the classes.

    `classes_` may be unsorted: CatBoost sorts strings that look like numbers as numbers.
    """
    proba, classes = estimator.predict_proba(X), np.asarray(estimator.classes_)
    order = np.argsort(classes, kind="stable")
    if np.array_equal(order, np.arange(len(classes))) or column_names(proba) is not None:
        return proba, classes[order]
    return np.asarray(proba)[:, order], classes[order]


def check_predictions(y_true_or_proba, proba, classes, sample_weight):
    """Return targets as probability rows, predictions and weights, all of one length."""
    soft = is_soft(y_true_or_proba, classes)
    if classes is not None and not np.array_equal(np.sort(classes), classes):
        unnamed = column_names(proba) is None or (soft and column_names(y_true_or_proba) is None)
        if unnamed:
            raise ValueError(
                "classes must be sorted, as the columns of predict_proba are; got "
                f"{list(classes)}. Sort both: order = np.argsort(classes); proba[:, order]."
            )
        classes = np.sort(classes)
    if soft:
        check_row_names(proba, y_true_or_proba, name="proba", of="y_true_or_proba")
        classes = _column_classes(classes, y_true_or_proba, proba)
        y_true_or_proba = both_columns(y_true_or_proba, classes, name="y_true_or_proba")
        target = check_proba(y_true_or_proba, name="y_true_or_proba")
        target = _by_name(target, y_true_or_proba, classes)
    else:
        y = check_labels(y_true_or_proba)
        classes = check_classes(y, classes)
        target = one_hot(y, classes)
    proba = both_columns(proba, classes)
    proba = _by_name(check_proba(proba), proba, classes)
    if target.shape != proba.shape:
        raise ValueError(
            f"Targets and predictions must have the same rows and classes; got shapes "
            f"{target.shape} and {proba.shape}. If some classes do not occur in the labels, "
            "give classes=, the label of each column."
        )
    return target, proba, check_row_weights(sample_weight, proba.shape[0])


def _as_array(values):
    """Return dense or CSR rows, or labels."""
    return sparse.csr_array(values) if sparse.issparse(values) else np.asarray(values)


def _column_classes(classes, *tables):
    """Return the sorted classes: as given, or the column names of the first named table."""
    candidates = [names for names in (classes, *map(column_names, tables)) if names is not None]
    return np.sort(np.asarray(candidates[0])) if candidates else None


def _by_name(values, given, classes):
    """Return columns in the order of the classes, if `given` has column names."""
    names = column_names(given)
    return values if names is None else columns_by_name(values, names, classes)
