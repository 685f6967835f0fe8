"""Fitted students that are made to know further classes, which no row of theirs showed.

A service that is retrained each week expects one column per known class, whatever the rows of this
week show. A class that was not learnt gets probability 0, and is never predicted; nothing else
changes, and the student stays an ordinary object of its class.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import softmax
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    SGDClassifier,
)
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from .._utils._labels import class_positions
from .._utils._sample_weight import is_pipeline

# Class -> function of a fitted instance, the places of its classes among all, and all classes.
_extensions: dict[type, Callable[..., None]] = {}


def extends(*classes):
    """Register how fitted students of some classes are made to know further classes."""

    def decorator(extend):
        _extensions.update(dict.fromkeys(classes, extend))
        return extend

    return decorator


def add_classes(student, classes):
    """Let a fitted student know all of some sorted classes, if its class can."""
    if is_pipeline(student):
        add_classes(student.steps[-1][1], classes)
        return
    extend = next(
        (
            _extensions[base]
            for base in type(student).__mro__
            if base in _extensions and type(student).fit is base.fit
        ),
        None,
    )
    if extend is not None and len(lacking_classes(student, classes)):
        extend(student, class_positions(student.classes_, classes), classes)


def lacking_classes(student, classes):
    """Return those of some classes that a fitted student does not know; one that has none, none."""
    positions = class_positions(getattr(student, "classes_", classes), classes)
    return np.delete(classes, positions[positions >= 0])


def spread(values, positions, n_classes, fill, axis=0):
    """Return values of known classes in their places among all, with `fill` for the others."""
    shape = list(values.shape)
    shape[axis] = n_classes
    spread_out = np.full(shape, fill, dtype=values.dtype)
    spread_out[(slice(None),) * axis + (positions,)] = values
    return spread_out


@extends(LogisticRegression, LogisticRegressionCV, SGDClassifier, Perceptron)
def extend_linear(student, positions, classes):
    """Give further classes coefficients of 0 and an intercept of minus infinity."""
    coef, intercept = student.coef_, student.intercept_
    first = _score_of_first(student)
    if first is None:
        return
    if len(coef) == 1:  # two classes have one score, that of the second
        coef, intercept = (np.concatenate([first * each, each]) for each in (coef, intercept))
    student.coef_ = spread(coef, positions, len(classes), 0)
    student.intercept_ = spread(intercept, positions, len(classes), -np.inf)
    student.classes_ = classes


def _score_of_first(student):
    """Return the factor by which the score of the first of two classes is that of the second.

    The scores f of three classes and more become probabilities by softmax, for which it is 0, or
    one against the rest, for which it is -1, as where there are none. None for other ways.
    """
    if not hasattr(student, "predict_proba"):
        return -1
    probe, scores = clone(student), np.array([0.0, 1.0, 3.0])
    probe.coef_, probe.intercept_, probe.classes_ = np.zeros((3, 1)), scores, np.arange(3)
    probe.n_features_in_ = 1
    found = probe.predict_proba(np.zeros((1, 1)))[0]
    one_against_rest = 1 / (1 + np.exp(-scores))
    if np.allclose(found, softmax(scores)):
        return 0
    return -1 if np.allclose(found, one_against_rest / one_against_rest.sum()) else None


@extends(DecisionTreeClassifier, ExtraTreeClassifier)
def extend_tree(student, positions, classes):
    """Give each node a share of 0 of further classes."""
    student.tree_ = _extended(student.tree_, positions, len(classes))
    student.classes_, student.n_classes_ = classes, np.intp(len(classes))


def _extended(tree, positions, n_classes):
    """Return the tree of a classifier with further classes."""
    state = tree.__getstate__()
    extended = type(tree)(tree.n_features, np.array([n_classes], dtype=np.intp), 1)
    values = np.ascontiguousarray(spread(state["values"], positions, n_classes, 0, axis=2))
    extended.__setstate__({**state, "values": values})
    return extended


@extends(RandomForestClassifier, ExtraTreesClassifier)
def extend_forest(student, positions, classes):
    """Give each node of each tree a share of 0 of further classes."""
    for tree in student.estimators_:
        extend_tree(tree, positions, np.arange(len(classes), dtype=np.float64))
    student.classes_, student.n_classes_ = classes, len(classes)
    if hasattr(student, "oob_decision_function_"):
        student.oob_decision_function_ = spread(
            student.oob_decision_function_, positions, len(classes), 0, axis=1
        )


@extends(MultinomialNB, BernoulliNB)
def extend_counts(student, positions, classes):
    """Give further classes a prior of 0, and every count the same probability."""
    n_classes = len(classes)
    student.class_log_prior_ = spread(student.class_log_prior_, positions, n_classes, -np.inf)
    student.feature_log_prob_ = spread(student.feature_log_prob_, positions, n_classes, np.log(0.5))
    student.class_count_ = spread(student.class_count_, positions, n_classes, 0)
    student.feature_count_ = spread(student.feature_count_, positions, n_classes, 0)
    student.classes_ = classes


@extends(GaussianNB)
def extend_gaussian(student, positions, classes):
    """Let the means of further classes be infinite, so that no row is near them.

    A prior of 0 would do, too, and warn of its logarithm in each prediction.
    """
    n_classes = len(classes)
    student.theta_ = spread(student.theta_, positions, n_classes, np.inf)
    student.var_ = spread(student.var_, positions, n_classes, 1)
    smallest = np.finfo(np.float64).tiny
    student.class_prior_ = spread(student.class_prior_, positions, n_classes, smallest)
    student.class_count_ = spread(student.class_count_, positions, n_classes, 0)
    student.classes_ = classes


@extends(MLPClassifier)
def extend_network(student, positions, classes):
    """Give further classes an output with weights of 0 and a bias of minus infinity."""
    coef, intercept = student.coefs_[-1], student.intercepts_[-1]
    if student.n_outputs_ == 1:  # two classes have one output, the logit of the second
        coef = np.column_stack([np.zeros_like(coef), coef])
        intercept = np.append(np.zeros_like(intercept), intercept)
    student.coefs_[-1] = spread(coef, positions, len(classes), 0, axis=1)
    student.intercepts_[-1] = spread(intercept, positions, len(classes), -np.inf)
    student.n_outputs_, student.out_activation_ = len(classes), "softmax"
    for value in vars(student).values():
        if isinstance(value, LabelBinarizer):  # which turns outputs into labels
            value.fit(classes)
    student.classes_ = classes
