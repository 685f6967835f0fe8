"""Confidence of a fitted student: one number per row, larger where it is more sure.

Only the order of rows counts, so that a measure needs no calibration. Those of a class that the
user registers come first.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from scipy.special import entr
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from .._utils._typing import Estimator, Rows
from ._predictions import predicts_numbers
from .leaf_shrinkage import has_leaves, shrink_leaves

# Strength of the shrinkage of leaves, in rows. On ten data sets 10 was a little better than 3, and
# than adding one row of each class to every leaf.
SHRINKAGE = 10.0

ConfidenceFunction: TypeAlias = Callable[[Estimator, Rows], Any]
REGISTERED: dict[type, ConfidenceFunction] = {}


def register_confidence(
    student_class: type,
) -> Callable[[ConfidenceFunction], ConfidenceFunction]:
    """Register a function that measures the confidence of students of a class: a decorator.

    :class:`skdistill.CascadeClassifier` uses it for such a student, under the name "registered".

    Parameters
    ----------
    student_class : type
        A classifier class. Subclasses are included.

    Returns
    -------
    callable
        Decorator of a function ``confidence(student, X)`` of a fitted student, which returns an
        array of shape (n_samples,): finite numbers, larger where the student is more sure. It must
        depend on nothing but the student and the row.

    Examples
    --------
    Nearest neighbours, by the distance to the farthest of them:

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skdistill.students import register_confidence
    >>> class NearRows(KNeighborsClassifier):
    ...     pass
    >>> @register_confidence(NearRows)
    ... def nearness(student, X):
    ...     return -student.kneighbors(X)[0][:, -1]
    """

    def decorator(function):
        REGISTERED[student_class] = function
        return function

    return decorator


def max_proba(proba):
    """Return the largest probability."""
    return proba.max(axis=1)


def margin(proba):
    """Return the largest value minus the second."""
    if proba.shape[1] == 2:
        return np.abs(proba[:, 1] - proba[:, 0])
    second, first = np.partition(proba, -2, axis=1)[:, -2:].T
    return first - second


def entropy(proba):
    """Return the negative entropy, in nats."""
    return -entr(proba).sum(axis=1)


# Measures of probabilities alone, the preferred one first. On ten data sets, half of those of the
# benchmark, the margin kept at least as many rows as the others, and more with many classes: soft
# labels may be flat, and then the largest probability is small where the prediction is certain.
OF_PROBA = {"margin": margin, "max_proba": max_proba, "entropy": entropy}


def scored_student(name, student):
    """Return the estimator that a measure reads: the student, or a copy with shrunk leaves.

    A leaf of few rows is less certain than one of many, and moves further towards its ancestors.
    """
    if name != "leaf_counts":
        return student
    root = tree_of(student).tree_
    row_weight = float(root.weighted_n_node_samples[0] / root.n_node_samples[0])
    return shrink_leaves(student, SHRINKAGE, row_weight=row_weight)


def confidence_of(name, scored, X, proba):
    """Return the confidence of each row by a measure; `scored` is from `scored_student`."""
    if name in OF_PROBA:
        return OF_PROBA[name](proba)
    if name == "leaf_counts":
        return margin(scored.predict_proba(X))
    if name == "registered":
        return np.asarray(registered_confidence(scored)(scored, X), dtype=np.float64)
    scores = scored.decision_function(X)
    return np.abs(scores) if scores.ndim == 1 else margin(scores)


NAMES = ("registered", "leaf_counts", *OF_PROBA, "decision")


def available_scores(student):
    """Return the names of the measures that a student has, the preferred one first."""
    has_proba = predicts_numbers(student) or hasattr(student, "predict_proba")
    available = {
        "registered": registered_confidence(student) is not None,
        "leaf_counts": has_leaves(student) and is_classifier(student),
        "decision": hasattr(student, "decision_function"),
    }
    return [name for name in NAMES if available.get(name, has_proba)]


def registered_confidence(student):
    """Return the function that is registered for the class of a student, None without one."""
    return next((REGISTERED[base] for base in type(student).__mro__ if base in REGISTERED), None)


def tree_of(student):
    """Return a tree or forest, or the one that a Pipeline ends in; of a forest, its first tree."""
    while isinstance(student, Pipeline):
        student = student[-1]
    return getattr(student, "estimators_", [student])[0]
