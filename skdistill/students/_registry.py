"""Registry of the functions that fit students, and their entry point."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from sklearn.base import clone, is_classifier, is_regressor

from .._targets._soft_labels import SoftLabels
from .._utils._class_codes import check_codes
from .._utils._typing import Estimator, Rows
from ._capabilities import DataSummary, check_expansion, check_regression
from ._fitters import Check, FitFunction, Fitters, check_same_length
from ._predictions import predicts_numbers
from .expansion import fit_by_expansion
from .regression import fit_by_regression

FITTERS = Fitters("skdistill.students", ("xgboost", "lightgbm", "catboost", "interpret", "skorch"))
FITTERS.checks |= {fit_by_expansion: check_expansion, fit_by_regression: check_regression}


def register(
    student_class: type, *, check: Check | None = None
) -> Callable[[FitFunction], FitFunction]:
    """Register a function that fits students of a class to soft labels: a decorator.

    Parameters
    ----------
    student_class : type
        An estimator class. Subclasses are included unless they override its `fit`.

    check : callable, default=None
        Function ``check(student, summary)`` that raises if a student is not supported, for example
        with some parameters. It is called before any teacher is fitted. `summary` has the
        attributes `n_classes`, `n_rows` (an upper bound), and `weighted`, whether row weights
        differ.

    Returns
    -------
    callable
        Decorator of a function ``fit(student, X, soft_labels, **fit_params)``, which
        fits `student` in place (it is already a clone) and returns it, an ordinary
        fitted instance of its class. `fit_params` are further arguments of its `fit`.

    Examples
    --------
    A user-defined student that predicts the class frequencies for every row:

    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator, ClassifierMixin
    >>> from skdistill import SoftLabels, fit_soft_labels
    >>> from skdistill.students import register
    >>> class Shares(ClassifierMixin, BaseEstimator):
    ...     def fit(self, X, y):
    ...         self.classes_, counts = np.unique(y, return_counts=True)
    ...         self.shares_ = counts / counts.sum()
    ...         return self
    ...     def predict_proba(self, X):
    ...         return np.tile(self.shares_, (len(X), 1))
    >>> @register(Shares)
    ... def fit_shares(student, X, soft_labels, **fit_params):
    ...     student.classes_ = soft_labels.classes
    ...     student.shares_ = soft_labels.class_weight_sums / soft_labels.class_weight_sums.sum()
    ...     return student
    >>> X = np.array([[0.0], [1.0]])
    >>> soft_labels = SoftLabels([[0.75, 0.25], [0.25, 0.75]], classes=["a", "b"])
    >>> fit_soft_labels(Shares(), X, soft_labels).predict_proba(X[:1])
    array([[0.5, 0.5]])
    """
    return FITTERS.register(student_class, check)


def fit_soft_labels(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a clone of a student to soft labels, by the function registered for its class.

    Parameters
    ----------
    student : estimator
        A classifier whose `fit` (or `partial_fit`) takes `sample_weight`, any regressor, a
        Pipeline that ends in one of them, or a class that was registered with
        :func:`skdistill.students.register`. It is cloned, never changed. With
        ``warm_start=True`` the clone continues from the fitted student, except for scikit-learn's
        forests, which start again.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows, in any form that the student takes.

    soft_labels : SoftLabels
        Class probabilities and weights of the same rows.

    **fit_params : dict
        Further arguments of the student's `fit`. Those with one entry per row are
        indexed with the rows.

    Returns
    -------
    estimator
        A fitted clone of `student`: an ordinary object of its class. A classifier is
        fitted on labels from ``soft_labels.classes``; a regressor on probabilities, of
        the second class where there are two.

    Raises
    ------
    TypeError
        If the student supports neither sample weights nor numeric targets.

    ValueError
        If `X` and `soft_labels` differ in length. If the student would split copies of one row
        inside its `fit`. If the labels are not 0, 1, ... for a classifier of XGBoost.

    Notes
    -----
    It minimises Σ_n weight_n · p_nᵀ ℓ(f(x_n)) (Menon et al., ICML 2021, section 3). With
    one-hot labels of weight one this is ordinary training: ``student.fit(X, y)``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import SoftLabels, fit_soft_labels
    >>> X = np.array([[0.0], [2.0]])
    >>> soft_labels = SoftLabels([[0.9, 0.1], [0.1, 0.9]], classes=["a", "b"])
    >>> fit_soft_labels(LogisticRegression(), X, soft_labels).predict([[2.0]])
    array(['b'], dtype='<U1')
    """
    if predicts_numbers(student) or not soft_labels.is_one_hot:
        check_student(student, DataSummary.of(soft_labels))
    else:
        check_predicts(student)
    check_same_length(X, soft_labels, "soft labels")
    check_codes(student, soft_labels.classes)
    warm_start = getattr(student, "warm_start", False)
    fitted = deepcopy(student) if warm_start else clone(student)
    resolve_fitter(student)(fitted, X, soft_labels, **fit_params)
    return fitted  # not the result of the call: a user's function may return something else


def check_student(student: Estimator, summary: DataSummary) -> None:
    """Raise unless a student supports soft labels; needs no rows, so it runs before any teacher.

    Parameters
    ----------
    student : estimator
        See :func:`fit_soft_labels`.

    summary : DataSummary
        Summary of the soft labels.

    Raises
    ------
    TypeError
        If the student supports neither sample weights nor numeric targets.

    ValueError
        If it supports them, but not with its parameters.
    """
    check_predicts(student)
    FITTERS.check(resolve_fitter(student), student, summary)


def check_predicts(student):
    """Raise unless a student is a predictor."""
    if not (hasattr(student, "fit") or hasattr(student, "partial_fit")):
        raise TypeError(f"student must be an estimator, with fit and predict; got {student!r}.")
    predicts = hasattr(student, "predict") or hasattr(student, "predict_proba")
    if not (predicts or is_classifier(student) or is_regressor(student)):
        raise TypeError(
            f"student must be a classifier or a regressor that predicts; {student!r} does not. "
            "A transformer belongs before the last step of a Pipeline as student."
        )


def resolve_fitter(student):
    """Return the function that fits a student."""
    fitter = FITTERS.find(student)
    if fitter is not None:
        return fitter
    return fit_by_regression if predicts_numbers(student) else fit_by_expansion
