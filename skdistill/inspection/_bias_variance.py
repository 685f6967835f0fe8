"""Bias and variance of a student's objective with a teacher's soft labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state, indexable
from sklearn.utils.parallel import Parallel, delayed

from .._teachers._folds import LabelledRows
from .._teachers._frozen import check_frozen
from .._teachers._predict import MulticlassOutput, check_teacher
from .._teachers._sample_weight import fit_teacher
from .._utils._groups import group_codes
from .._utils._labels import check_classes, check_labels, one_hot
from .._utils._named import columns_by_name
from .._utils._one_column import both_columns
from .._utils._random_state import seeded_clones
from .._utils._rows import count_rows, refuse_queries
from .._utils._typing import ArrayLike, Estimator, Proba, Rows
from .._utils._validation import check_proba, column_names
from ..metrics._proba import SMALLEST
from ._kinds import predicts_numbers
from ._tables import html_list, html_table, import_pandas, text_table

FORMULAS = {
    "variance_one_hot": "1/N · V[ℓ(y, f(x))]",
    "variance_bayes": "1/N · V_x[p*ᵀ ℓ(f(x))]",
    "variance_distilled": "1/N · E_T V_x[pᵗᵀ ℓ(f(x))]",
    "squared_bias": "E_T (E_x[(pᵗ − p*)ᵀ ℓ(f(x))])²",
    "error_distilled": "variance_distilled + squared_bias",
    "bound": "variance_distilled + E‖ℓ − mean ℓ‖² · E‖pᵗ − p*‖²",
    "teacher_squared_bias": "E_x ‖E_T pᵗ − p*‖²",
    "teacher_variance": "E_x E_T ‖pᵗ − E_T pᵗ‖²",
    "teacher_brier": "E ‖pᵗ − e_y‖²",
    "label_noise": "E_x [1 − ‖p*‖²]",
    "break_even": "N · (variance_one_hot − variance_distilled) / squared_bias",
    "break_even_low": "the same with squared_bias + 2 standard errors",
}
HEADER = ("term", "value", "formula")


@dataclass(frozen=True)
class BiasVariance:
    """Result of :func:`bias_variance`, whose notes define every term.

    Attributes
    ----------
    n_samples : int
        N, the number of rows of an objective.

    row_variance_one_hot, row_variance_bayes, row_variance_distilled : float
        N times the variance of the objective (nats²), the same for every N; that of the
        Bayes teacher is NaN without `p_star`.

    squared_bias, squared_bias_se : float
        Squared bias of the distilled objective (nats²), and its standard error over rows and
        teachers. The estimate is unbiased, and so may be negative.

    loss_scale : float
        E‖ℓ − mean ℓ‖² (nats²), the factor of the teacher's error in the bound.

    teacher_squared_bias, teacher_variance, teacher_brier, label_noise : float
        Of the teacher's probabilities; Brier = squared bias + variance + label noise in
        expectation. Squared bias and noise are NaN without `p_star`.
    """

    n_samples: int
    row_variance_one_hot: float
    row_variance_bayes: float
    row_variance_distilled: float
    squared_bias: float
    squared_bias_se: float
    loss_scale: float
    teacher_squared_bias: float
    teacher_variance: float
    teacher_brier: float
    label_noise: float

    @property
    def variance_one_hot(self) -> float:
        """Variance of the objective with labels, which is its error, since it is unbiased."""
        return self.row_variance_one_hot / self.n_samples

    @property
    def variance_bayes(self) -> float:
        """Variance of the objective with p*; NaN without `p_star`."""
        return self.row_variance_bayes / self.n_samples

    @property
    def variance_distilled(self) -> float:
        """Variance of the objective with the teacher's soft labels."""
        return self.row_variance_distilled / self.n_samples

    @property
    def error_distilled(self) -> float:
        """Mean squared error of the distilled objective: variance and squared bias."""
        return self.variance_distilled + self.squared_bias

    @property
    def bound(self) -> float:
        """The paper's bound on `error_distilled`; NaN without `p_star`."""
        teacher_error = self.teacher_squared_bias + self.teacher_variance
        return self.variance_distilled + self.loss_scale * teacher_error

    @property
    def break_even(self) -> float:
        """Sample size below which the distilled objective has the smaller error."""
        return self._break_even(self.squared_bias)

    @property
    def break_even_low(self) -> float:
        """The break-even size if the squared bias is two standard errors larger."""
        return self._break_even(max(self.squared_bias, 0) + 2 * self.squared_bias_se)

    def _break_even(self, squared_bias):
        saved = self.row_variance_one_hot - self.row_variance_distilled
        if saved <= 0:
            return 0.0
        return saved / squared_bias if squared_bias > 0 else np.inf

    @property
    def pays(self) -> bool:
        """Whether the distilled objective has the smaller error at `n_samples`."""
        return self.error_distilled < self.variance_one_hot

    def at(self, n_samples: int) -> Self:
        """Return the result for another number of rows of the objectives.

        Parameters
        ----------
        n_samples : int
            N; the teacher stays the same and labels all of them.

        Returns
        -------
        BiasVariance

        Examples
        --------
        See :func:`bias_variance`.
        """
        return replace(self, n_samples=_size("n_samples", n_samples))

    def to_frame(self) -> Any:
        """Return the terms as a dataframe.

        Returns
        -------
        pandas.DataFrame
            Index: the terms. Columns: "value" and "formula".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_pandas("BiasVariance.to_frame")
        rows = [(getattr(self, term), formula) for term, formula in FORMULAS.items()]
        index = pandas.Index(FORMULAS, name="term")
        return pandas.DataFrame(rows, columns=["value", "formula"], index=index)

    def _verdict(self):
        if self.break_even == 0:
            return (
                "The teacher's soft labels vary as much as the labels do: distilling pays at no "
                "sample size."
            )
        if np.isfinite(self.break_even):
            size = f"below about {self.break_even:,.0f} rows"
        else:
            size = "at every size, as far as these rows show"
        if np.isfinite(self.break_even_low):
            size += f" ({self.break_even_low:,.0f} if its bias is two standard errors larger)"
        return (
            f"The distilled objective has the smaller error {size}. At N = {self.n_samples:,} "
            f"distilling {'pays' if self.pays else 'does not pay'}."
        )

    def _cells(self):
        return [(term, f"{getattr(self, term):.4g}", formula) for term, formula in FORMULAS.items()]

    def __str__(self):
        return f"{text_table(HEADER, self._cells())}\n{self._verdict()}"

    def _repr_html_(self):
        return f"<div>{html_table(HEADER, self._cells())}{html_list([self._verdict()])}</div>"


def bias_variance(
    student: Estimator | Proba,
    teacher: Estimator | Proba,
    X: Rows,
    y: ArrayLike,
    *,
    p_star: Proba | None = None,
    groups: ArrayLike | None = None,
    X_train: Rows | None = None,
    y_train: ArrayLike | None = None,
    n_samples: int | None = None,
    n_repeats: int = 20,
    classes: ArrayLike | None = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> BiasVariance:
    """Estimate the variance that a teacher removes from a student's objective, and its bias.

    An objective is the mean loss of a fixed student over N rows, with labels or with the
    teacher's soft labels. Its error is the squared distance to the student's true risk.

    Parameters
    ----------
    student : estimator or array-like of shape (n_samples, n_classes)
        The fitted student to evaluate. It is a classifier with `predict_proba`, or its
        probabilities for `X`. It must not have been fitted on `X`.

    teacher : estimator or array-like of shape (n_repeats, n_samples, n_classes) or \
(n_samples, n_classes)
        The model that is distilled. An estimator with `predict_proba` is cloned, and the clones are
        fitted on bootstraps of `X_train`. A ``sklearn.frozen.FrozenEstimator`` is one fixed
        teacher. An array holds probabilities for `X`, from repeated fits or one fixed teacher. None
        of these may have seen the labels of `X`.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows to evaluate on. Expectations are taken over them: use a test set, the larger the
        better.

    y : array-like of shape (n_samples,)
        Their true labels.

    p_star : array-like of shape (n_samples, n_classes), default=None
        True class probabilities of `X`, if known. They make the estimates more precise, and
        terms that need them are not NaN.

    groups : array-like of shape (n_samples,), default=None
        Group of each row, such as a person with many rows. Rows of one group are not independent:
        `squared_bias` is corrected for the noise of groups, and `squared_bias_se` is over groups,
        of which there must be at least 2. Variances remain those of N independent rows.

    X_train : array-like, sparse matrix or dataframe of shape (n_train, n_features), default=None
        Rows to fit an unfitted `teacher` on; none of them may be in `X`.

    y_train : array-like of shape (n_train,), default=None
        Their labels.

    n_samples : int, default=None
        N, the number of training rows of the student; by default that of `X_train`, or of `X`
        without `X_train`. :meth:`BiasVariance.at` changes it afterwards.

    n_repeats : int, default=20
        Number of bootstraps to fit an unfitted `teacher` on, at least two. The relative error
        of its variance is about √(2 / n_repeats) if rows are correlated.

    classes : array-like of shape (n_classes,), default=None
        The sorted classes, in the order of the columns of probabilities. By default those of a
        student that has `classes_`, else the labels of `y` and `y_train`.

    n_jobs : int, default=None
        Number of jobs for fitting teachers, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Seed of all random steps. It seeds the bootstraps, and every `random_state` of the teacher
        that is None.

    Returns
    -------
    BiasVariance
        The terms, with `to_frame()`; printed, a table.

    Raises
    ------
    ValueError
        For probabilities of the wrong shape or of other classes. For an unfitted teacher without
        `X_train` and `y_train`. For fewer than two repeats, rows or groups in `X`. If a group is
        missing (NaN or None).

    TypeError
        If student or teacher is a regressor, or an estimator without `predict_proba`.

    See Also
    --------
    compare_teachers : Compare teachers by their probabilities.

    Notes
    -----
    Let ℓ(f(x)) be the vector of the student's log-losses −log f_y(x), in nats, with f_y at least
    2.2e-16. The terms are those of Menon, Rawat, Reddi, Kim and Kumar, "A statistical perspective
    on distillation", ICML 2021, sections 3 and 4:

    - Labels, R̂ = 1/N Σ ℓ_{y_n}(f(x_n)): unbiased, its error is `variance_one_hot`,
      1/N · V[ℓ(y, f(x))].
    - A Bayes teacher: unbiased too, with `variance_bayes`, 1/N · V_x[p*ᵀℓ]. The gap to the
      labels is 1/N · E_x V_{y|x}[ℓ(y, f(x))].
    - A teacher pᵗ: its error is `variance_distilled`, 1/N · E_T V_x[pᵗᵀℓ], plus
      `squared_bias`, E_T (E_x[(pᵗ − p*)ᵀℓ])²; the expectation over teachers T is taken of
      both terms. This holds for rows that the teacher has not seen. Without p* the labels
      replace it, and the squares are corrected for their noise.
    - `bound`: as E_x[(pᵗ − p*)ᵀℓ]² ≤ E‖ℓ − mean ℓ‖² · E‖pᵗ − p*‖² by Cauchy and Schwarz, the
      error is at most the variance plus a multiple of `teacher_squared_bias` +
      `teacher_variance`. It may be loose.
    - `break_even`: N at which both errors are equal. Below it distilling pays; above it the
      noise of the labels averages out and the teacher's bias remains.

    Bootstraps repeat rows, so that a teacher fitted on one is somewhat worse than one fitted
    on as many new rows. If you can draw new rows, give the probabilities of fits on them.

    The comparison is of the objective's error at one student. The result of training also
    depends on the student.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill.datasets import make_gaussian_classes
    >>> from skdistill.inspection import bias_variance
    >>> X, y, p_star = make_gaussian_classes(2300, n_classes=3, random_state=0)
    >>> student = LogisticRegression().fit(X[:100], y[:100])
    >>> terms = bias_variance(
    ...     student, GaussianNB(), X[300:], y[300:], p_star=p_star[300:],
    ...     X_train=X[100:300], y_train=y[100:300], n_samples=50, random_state=0,
    ... )
    >>> terms.variance_bayes < terms.variance_one_hot
    True
    >>> terms.pays, terms.at(1_000_000).pays
    (True, False)
    """
    refuse_queries(X=X, y=y)
    _check_kinds(student=student, teacher=teacher)
    rows, true = indexable(X)[0], check_labels(y)
    check_consistent_length(rows, true)
    if len(true) < 2:
        raise ValueError(f"X must have at least 2 rows, to estimate variances; got {len(true)}.")
    codes = group_codes(groups, len(true))
    if codes is not None and not codes.any():
        raise ValueError(
            "groups must have at least 2 groups, to estimate variances; all rows are in one group."
        )
    train_rows, train_true = _training_rows(X_train, y_train)
    labels = _all_classes(student, true, train_true, classes)
    losses = -np.log(np.clip(_student_proba(student, rows, labels), SMALLEST, 1))
    predictions = _teacher_predictions(
        teacher, LabelledRows(train_rows, train_true, rows), labels, n_repeats, n_jobs, random_state
    )
    one_hot_rows = one_hot(true, labels).toarray()
    if p_star is not None:
        p_star = _class_columns(p_star, "p_star", len(true), labels)
    if n_samples is None:
        n_samples = len(true) if train_true is None else len(train_true)
    return BiasVariance(
        n_samples=_size("n_samples", n_samples),
        **_objective_terms(losses, predictions, one_hot_rows, p_star, codes),
        **_teacher_terms(predictions, one_hot_rows, p_star),
    )


def _check_kinds(**models):
    """Raise for regressors: their objective has other terms."""
    for role, model in models.items():
        if predicts_numbers(model):
            raise TypeError(
                f"bias_variance is for classifiers, and {model!r} as {role} is a regressor. For "
                "regressors compare_teachers estimates the teacher's error, and "
                "distillation_report what it changes in a student. For a student that predicts "
                "scores of classes, give its probabilities for X."
            )


def _training_rows(X_train, y_train):
    """Return checked rows and labels to fit a teacher on, or None and None."""
    if (X_train is None) != (y_train is None):
        raise ValueError(
            "X_train and y_train belong together; got only "
            f"{'y_train' if X_train is None else 'X_train'}. Give both or neither."
        )
    if y_train is None:
        return None, None
    X_train, y_train = indexable(X_train)[0], check_labels(y_train, name="y_train")
    check_consistent_length(X_train, y_train)
    return X_train, y_train


def _objective_terms(losses, predictions, labels, p_star, groups):
    """Return variances (times N) and squared bias of the objectives, from rows of losses."""
    truth = labels if p_star is None else p_star
    expected = (truth * losses).sum(axis=1)  # expected loss of each row; its loss without p*
    within = (truth * losses**2).sum(axis=1) - expected**2  # over labels given x
    distilled = (predictions * losses).sum(axis=2)  # (n_repeats, n_samples)
    difference = distilled - expected
    bias, of_mean = difference.mean(axis=1), _variance_of_mean(difference, groups)
    # The square of a mean is biased upwards by the variance of the mean.
    squared_bias = (bias**2 - of_mean).mean()
    influence = 2 * (bias[:, None] * difference).mean(axis=0)
    # V[mean²] = 4 bias² v + 2 v² with v the mean's variance; the first is corrected for noise.
    v = of_mean.mean()
    noise = max(_variance_of_mean(influence, groups) - 4 * v**2, 0) + 2 * v**2
    if len(bias) > 1:
        noise += (bias**2).var(ddof=1) / len(bias)  # the bias varies between teachers
    between = expected.var(ddof=1)
    centred = losses - losses.mean(axis=1, keepdims=True)
    return {
        "row_variance_one_hot": float(between + within.mean()),
        "row_variance_bayes": float(between) if p_star is not None else np.nan,
        "row_variance_distilled": float(distilled.var(axis=1, ddof=1).mean()),
        "squared_bias": float(squared_bias),
        "squared_bias_se": float(np.sqrt(noise)),
        "loss_scale": float((centred**2).sum(axis=1).mean()),
    }


def _variance_of_mean(values, groups):
    """Return the variance of the mean over rows, the last axis; over groups if there are any.

    That over groups is cluster-robust: it uses the sums of the deviations of a group's rows.
    """
    n_rows = values.shape[-1]
    if groups is None:
        return values.var(axis=-1, ddof=1) / n_rows
    n_groups = groups.max() + 1
    of_group = sparse.csr_array((np.ones(n_rows), (np.arange(n_rows), groups)), (n_rows, n_groups))
    sums = (values - values.mean(axis=-1, keepdims=True)) @ of_group
    return (sums**2).sum(axis=-1) * n_groups / (n_groups - 1) / n_rows**2


def _teacher_terms(predictions, labels, p_star):
    """Return squared bias, variance and Brier score of a teacher's repeated predictions."""
    n_repeats = len(predictions)
    mean = predictions.mean(axis=0)
    variance = 0.0  # of a single fixed teacher
    if n_repeats > 1:
        variance = ((predictions - mean) ** 2).sum(axis=2).mean() * n_repeats / (n_repeats - 1)
    squared_bias = noise = np.nan
    if p_star is not None:
        # Correct for the variance of the mean over repeats.
        squared_bias = ((mean - p_star) ** 2).sum(axis=1).mean() - variance / n_repeats
        noise = 1 - (p_star**2).sum(axis=1).mean()
    return {
        "teacher_squared_bias": float(squared_bias),
        "teacher_variance": float(variance),
        "teacher_brier": float(((predictions - labels) ** 2).sum(axis=2).mean()),
        "label_noise": float(noise),
    }


def _all_classes(student, y, y_train, classes):
    """Return the sorted classes that every column of probabilities stands for."""
    if classes is None and hasattr(student, "classes_"):
        classes = np.sort(student.classes_)
    seen = y if y_train is None else np.concatenate([y, y_train])
    sorted_classes = check_classes(seen, classes)
    if classes is not None and not np.array_equal(sorted_classes, classes):
        raise ValueError(
            f"classes must be sorted, as the columns of predict_proba are; got {list(classes)}. "
            "Sort both: order = np.argsort(classes); proba[:, order]."
        )
    return sorted_classes


def _student_proba(student, X, classes):
    """Return the student's probabilities, predicted or as given."""
    if hasattr(student, "predict_proba"):
        return MulticlassOutput(classes).predict_proba(student, X)
    if hasattr(student, "fit"):
        raise TypeError(
            f"student must have predict_proba; {student!r} has none. Give its probabilities "
            "for X instead, an array of shape (n_samples, n_classes)."
        )
    return _class_columns(student, "student", count_rows(X), classes)


def _teacher_predictions(teacher, rows, classes, n_repeats, n_jobs, random_state):
    """Return a teacher's probabilities for rows whose labels it does not get.

    Their shape is (n_repeats, n_samples, n_classes).
    """
    X_train, y_train, X = rows
    n_rows, output = count_rows(X), MulticlassOutput(classes)
    if not hasattr(teacher, "fit"):
        if column_names(teacher) is None and np.ndim(teacher) == 3:
            return np.stack([_class_columns(each, "teacher", n_rows, classes) for each in teacher])
        return _class_columns(teacher, "teacher", n_rows, classes)[None]
    check_teacher(teacher)
    if isinstance(teacher, FrozenEstimator):
        seen = check_frozen(teacher, output)
        if len(seen) < len(classes):
            raise ValueError(
                f"The classes of the frozen teacher are {classes[seen].tolist()}, those of y "
                f"{classes.tolist()}: it has no estimate for the others. Fit it on rows of all "
                "classes, or leave out the rows of the others."
            )
        return output.predict_proba(teacher, X)[None]
    if y_train is None:
        raise ValueError(
            f"The teacher {teacher!r} is not fitted, and there are no rows to fit it on. Give "
            "X_train and y_train, rows that are not in X; or a fitted teacher as "
            "FrozenEstimator(teacher); or its probabilities for X."
        )
    if _size("n_repeats", n_repeats) < 2:
        raise ValueError("n_repeats must be at least 2, to estimate a variance; got 1.")
    rng = check_random_state(random_state)
    teachers = [seeded_clones(rng, teacher)[0] for _ in range(n_repeats)]
    bootstraps = [rng.randint(len(y_train), size=len(y_train)) for _ in range(n_repeats)]
    predictions = Parallel(n_jobs=n_jobs)(
        delayed(_fit_and_predict)(clone(each), X_train, y_train, rows, X, output)
        for each, rows in zip(teachers, bootstraps, strict=True)
    )
    return np.stack(predictions)


def _fit_and_predict(teacher, X_train, y_train, rows, X, output):
    """Return the probabilities of a teacher fitted on chosen rows."""
    fit_teacher(teacher, _safe_indexing(X_train, rows), y_train[rows], {})
    return output.predict_proba(teacher, X, np.unique(y_train[rows]))


def _class_columns(proba, name, n_rows, classes):
    """Return checked dense probabilities of shape (n_rows, n_classes)."""
    proba = both_columns(proba, classes, name=name)
    names = column_names(proba)
    proba = check_proba(proba, name=name)
    if names is not None:
        proba = columns_by_name(proba, names, classes)
    if proba.shape != (n_rows, len(classes)):
        raise ValueError(
            f"{name} must have shape ({n_rows}, {len(classes)}), a row for each row of X and a "
            f"column for each of the classes {classes.tolist()}; got {proba.shape}. If some do "
            "not occur in the labels, list all classes in classes."
        )
    return proba if isinstance(proba, np.ndarray) else proba.toarray()


def _size(name, size):
    """Return a number of rows or repeats as an int of at least 1."""
    if isinstance(size, Integral) and not isinstance(size, bool) and size >= 1:
        return int(size)
    raise ValueError(f"{name} must be an integer of at least 1; got {name}={size!r}.")
