"""Hierarchical shrinkage: predictions of a tree's leaves moved towards those of their ancestors.

A leaf with few rows has extreme probabilities; one with rows of a single class has probabilities
of 0 and 1. Shrinkage moves each node towards its parent, the further the fewer rows the parent
has (Agarwal, Tan, Ronen, Singh and Yu, "Hierarchical shrinkage", ICML 2022, equation 2). Only
the values of the nodes change: the result is an ordinary tree or forest of scikit-learn.
"""

import copy
from numbers import Real

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._utils._typing import Estimator
from .._utils._validation import check_number
from .trees import REGRESSORS

# Decision trees, extra-trees and forests, classifiers and regressors.
WITH_LEAVES = (*REGRESSORS, *REGRESSORS.values())


def shrink_leaves(student: Estimator, strength: float, *, row_weight: float = 1.0) -> Estimator:
    """Return a copy of a fitted tree or forest with hierarchically shrunk leaves.

    Parameters
    ----------
    student : estimator
        A fitted decision tree, forest or extra-trees of scikit-learn, classifier or regressor, or
        a ``Pipeline`` that ends in one.

    strength : float
        λ >= 0, in rows: the step from a parent of n rows to its child is divided by 1 + λ / n. 0
        changes nothing.

    row_weight : float, default=1.0
        Weight that counts as one row: the mean `sample_weight` of the training rows.

    Returns
    -------
    estimator
        Of the same class, with the same splits. Constraints on monotonicity still hold, since
        each shrunk leaf is a weighted mean of itself and its ancestors.

    Raises
    ------
    TypeError
        If `student` is none of these estimators.
    ValueError
        If `strength` is negative, or `row_weight` not positive.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill.students import shrink_leaves
    >>> tree = DecisionTreeClassifier().fit([[0], [1], [2], [3]], [0, 0, 0, 1])
    >>> tree.predict_proba([[0], [3]])
    array([[1., 0.],
           [0., 1.]])
    >>> shrink_leaves(tree, strength=4).predict_proba([[0], [3]])
    array([[0.875, 0.125],
           [0.375, 0.625]])
    """
    if not (isinstance(strength, Real) and 0 <= strength < np.inf):
        raise ValueError(f"strength must be a number of at least 0; got strength={strength!r}.")
    check_number("row_weight", row_weight, Real)
    if not has_leaves(student):
        raise TypeError(
            f"only leaves of scikit-learn's trees and forests can be shrunk; got {student!r}. Give "
            "a fitted tree, forest or extra-trees, or a Pipeline that ends in one."
        )
    check_is_fitted(student)
    shrunk = copy.deepcopy(student)
    if strength:
        for tree in _trees(shrunk):
            _shrink(tree.tree_, strength * row_weight)
            if is_classifier(tree):  # rounding leaves probabilities a little below 0
                np.maximum(tree.tree_.value, 0, out=tree.tree_.value)
    return shrunk


def has_leaves(student):
    """Return whether an estimator is a tree or forest, or a Pipeline that ends in one."""
    while isinstance(student, Pipeline) and student.steps:
        student = student.steps[-1][1]
    return type(student) in WITH_LEAVES


def _trees(student):
    """Return the fitted decision trees of a student."""
    while isinstance(student, Pipeline):
        student = student.steps[-1][1]
    return getattr(student, "estimators_", [student])


def _shrink(tree, strength):
    """Shrink the values of a tree, level by level from the root; `strength` is a weight."""
    values, shrunk = tree.value.copy(), tree.value
    parents = np.array([0])
    while len(parents := parents[tree.children_left[parents] >= 0]):
        factors = 1 / (1 + strength / tree.weighted_n_node_samples[parents])
        for children in (tree.children_left[parents], tree.children_right[parents]):
            steps = values[children] - values[parents]
            shrunk[children] = shrunk[parents] + factors[:, None, None] * steps
        parents = np.concatenate([tree.children_left[parents], tree.children_right[parents]])
