"""Registry of the functions that fit rankers, and their entry point."""

from collections.abc import Callable
from typing import Any

from sklearn.pipeline import Pipeline

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Estimator, Rows
from .._capabilities import check_regression, refuse_foreign_pipeline
from .._fitters import Check, FitFunction, Fitters, check_same_length, fit_clone
from .._predictions import predicts_numbers
from .._step_targets import check_steps
from ..pipeline import last_step
from ._pairs import check_pairs, check_surrogate
from .regression import fit_newton_step

FITTERS = Fitters("skdistill.students.ranking", ("xgboost", "lightgbm", "skorch"))
FITTERS.checks[fit_newton_step] = check_regression


def register(
    student_class: type, *, check: Check | None = None
) -> Callable[[FitFunction], FitFunction]:
    """Register a function that fits students of a class as rankers: a decorator.

    Parameters
    ----------
    student_class : type
        An estimator class. Subclasses are included unless they override its `fit`.

    check : callable, default=None
        Function ``check(student, summary)`` that raises if a student is not supported, called
        before any teacher is fitted; see :func:`skdistill.students.register`.

    Returns
    -------
    callable
        Decorator of a function ``fit(student, X, soft_labels, surrogate, **fit_params)``,
        which fits `student` in place (it is already a clone) and returns it. The score is the
        student's `decision_function`, threshold included, if it has one; otherwise its
        `predict`, one number per row, to which the ranker adds an intercept.

    Examples
    --------
    A user-defined student that scores by the feature that correlates with the second class:

    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator, RegressorMixin
    >>> from skdistill import SoftLabels
    >>> from skdistill.students.ranking import fit_ranker, register
    >>> class OneFeature(RegressorMixin, BaseEstimator):
    ...     def fit(self, X, y):
    ...         return self
    ...     def predict(self, X):
    ...         return X[:, self.feature_]
    >>> @register(OneFeature)
    ... def fit_one_feature(student, X, soft_labels, surrogate, **fit_params):
    ...     student.feature_ = np.argmax((X - X.mean(axis=0)).T @ soft_labels.proba[:, 1])
    ...     return student
    >>> X = np.array([[0.0, 1.0], [0.0, 2.0]])
    >>> fit_ranker(OneFeature(), X, SoftLabels([[0.9, 0.1], [0.2, 0.8]])).predict(X)
    array([1., 2.])
    """
    return FITTERS.register(student_class, check)


def fit_ranker(
    student: Estimator,
    X: Rows,
    soft_labels: SoftLabels,
    surrogate: str = "logistic",
    **fit_params: Any,
) -> Estimator:
    """Fit a clone of a student so that its scores rank rows as soft labels of two classes do.

    Parameters
    ----------
    student : estimator
        A ``LogisticRegression``, which becomes a linear scorer; a regressor or ranker of
        XGBoost or LightGBM; a :class:`skdistill.nets.RankingNet` or a net of skorch with one
        output; any other regressor; a Pipeline that ends in one of them, or a class that was
        registered with :func:`skdistill.students.ranking.register`. It is cloned, never changed.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows, in any form that the student takes.

    soft_labels : SoftLabels
        Probabilities of two classes and weights of the rows.

    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}, default="logistic"
        Loss of a pair, see :func:`skdistill.objectives.pairwise_loss`.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    estimator
        A fitted clone of `student`, whose scores are higher for the second class.

    Raises
    ------
    TypeError
        If the student predicts labels without scores, or supports neither pairs nor numeric
        targets.

    ValueError
        If `X` and `soft_labels` differ in length, there are not two classes, or no pair
        of rows carries weight.

    Notes
    -----
    With a = w p and b = w (1 − p) of each row, it minimises
    Σ_ij a_i b_j φ(s_i − s_j) / (Σ a · Σ b) over all pairs of rows. This is the distilled bipartite
    risk of Menon et al., ICML 2021, but each row is also paired with itself, so that a row of
    weight 2 counts as two rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import SoftLabels
    >>> from skdistill.students.ranking import fit_ranker
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> soft_labels = SoftLabels([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]])
    >>> fit_ranker(LogisticRegression(), X, soft_labels).decision_function(X).round(2)
    array([-0.7 , -0.14,  0.42])
    """
    check_surrogate(surrogate)
    check_same_length(X, soft_labels, "soft labels")
    check_pairs(soft_labels)
    fit = resolve_ranking_fitter(student)
    return fit_clone(fit, student, X, soft_labels, surrogate, **fit_params)


def check_ranker(student, summary):
    """Raise unless a student can be fitted as a ranker; called before any teacher is fitted."""
    if isinstance(student, Pipeline):
        check_steps(student, summary)
    student = last_step(student)
    FITTERS.check(resolve_ranking_fitter(student), student, summary)


def resolve_ranking_fitter(student):
    """Return the function that fits a student as a ranker."""
    fitter = FITTERS.find(student)
    if fitter is not None:
        return fitter
    if predicts_numbers(student):
        return fit_newton_step
    refuse_foreign_pipeline(student)
    raise TypeError(
        f"The student {student!r} cannot be fitted to rank by pairs. Use LogisticRegression (the "
        "linear scorer), any regressor, a ranker of XGBoost or LightGBM, a net, or a Pipeline that "
        "ends in one of them. A classifier already ranks rows by its probabilities: use it with "
        "DistilledClassifier."
    )
