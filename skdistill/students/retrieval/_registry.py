"""Registry of the functions that fit retrievers, and their entry point."""

from collections.abc import Callable
from typing import Any

from ..._targets._retrieval_targets import RetrievalTargets
from ..._utils._typing import Estimator, Rows
from .._capabilities import refuse_foreign_pipeline
from .._fitters import FitFunction, Fitters, check_same_length, fit_clone
from ..pipeline import last_step

FITTERS = Fitters("skdistill.students.retrieval", ("skorch",))


def register(
    student_class: type, *, check: Callable[[Estimator], None] | None = None
) -> Callable[[FitFunction], FitFunction]:
    """Register a function that fits students of a class as retrievers: a decorator.

    Parameters
    ----------
    student_class : type
        An estimator class. Subclasses are included unless they override its `fit`.

    check : callable, default=None
        Function ``check(student)`` that raises if a student is not supported, for example with
        some parameters. It is called before any teacher is fitted.

    Returns
    -------
    callable
        Decorator of a function ``fit(student, X, targets, **fit_params)``, which fits `student`
        in place (it is already a clone) and returns it. The student scores labels by its
        `decision_function`: one column per label, for two labels one number per row.

    Examples
    --------
    A user-defined student that scores labels by how often they are positive, for every row:

    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator, ClassifierMixin
    >>> from skdistill import SoftLabels
    >>> from skdistill.students.retrieval import RetrievalTargets, fit_retriever, register
    >>> class Popular(ClassifierMixin, BaseEstimator):
    ...     def fit(self, X, y):
    ...         return self
    ...     def decision_function(self, X):
    ...         return np.tile(self.popularity_, (len(X), 1))
    >>> @register(Popular)
    ... def fit_popularity(student, X, targets, **fit_params):
    ...     student.popularity_ = targets.weight @ targets.positives
    ...     return student
    >>> soft_labels = SoftLabels([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
    >>> targets = RetrievalTargets.of(soft_labels, "cross_entropy")
    >>> X = np.array([[0.0], [1.0]])
    >>> fit_retriever(Popular(), X, targets).decision_function(X[:1]).round(2)
    array([[0.6, 1.1, 0.3]])
    """
    return FITTERS.register(student_class, check)


def fit_retriever(
    student: Estimator, X: Rows, targets: RetrievalTargets, **fit_params: Any
) -> Estimator:
    """Fit a clone of a student so that its scores rank the labels of each row.

    Parameters
    ----------
    student : estimator
        A ``LogisticRegression``, which becomes a linear scorer; a
        :class:`skdistill.nets.SoftLabelNet` or a net of skorch; a Pipeline that ends in one of
        them, or a class that was registered with
        :func:`skdistill.students.retrieval.register`. It is cloned, never changed.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows, in any form that the student takes.

    targets : RetrievalTargets
        Positives and discounted negatives of the rows.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    estimator
        A fitted clone of `student`.

    Raises
    ------
    TypeError
        If the student cannot be fitted as a retriever.

    ValueError
        If `X` and `targets` differ in length, or if there is nothing to learn.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skdistill import SoftLabels
    >>> from skdistill.students.retrieval import RetrievalTargets, fit_retriever
    >>> X = np.array([[-1.0], [0.0], [1.0]])
    >>> soft_labels = SoftLabels([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.2, 0.7]])
    >>> targets = RetrievalTargets.of(soft_labels, "double_distillation")
    >>> fit_retriever(LogisticRegression(), X, targets).predict(X)
    array([0, 1, 2])
    """
    check_targets(X, targets)
    return fit_clone(resolve_retrieval_fitter(student), student, X, targets, **fit_params)


def check_targets(X, targets):
    """Raise unless there are targets for the rows of X, and they are not degenerate."""
    check_same_length(X, targets, "targets")
    targets.check_something_to_learn()


def check_retriever(student):
    """Raise unless a student can be fitted as a retriever; called before any teacher is fitted."""
    student = last_step(student)
    FITTERS.check(resolve_retrieval_fitter(student), student)


def resolve_retrieval_fitter(student):
    """Return the function that fits a student as a retriever."""
    fitter = FITTERS.find(student)
    if fitter is None:
        refuse_foreign_pipeline(student)
        raise TypeError(
            f"The student {student!r} cannot be fitted to rank labels. Use LogisticRegression (the "
            "linear scorer), a net, or a Pipeline that ends in one of them. A classifier already "
            "ranks labels by their probabilities: use it with DistilledClassifier."
        )
    return fitter
