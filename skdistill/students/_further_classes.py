"""Add classes to fitted students that were absent from their training rows.

A service that is retrained each week expects one column per class, whatever classes occur in this
week's rows. An added class gets probability 0 and is never predicted. Nothing else changes, and
the student stays an ordinary object of its class.
"""

from collections.abc import Callable
from contextlib import suppress

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

# Class -> function of a fitted instance, the positions of its classes among all, and all classes.
_extensions: dict[type, Callable[..., None]] = {}


class UnknownStateError(Exception):
    """The trees of this scikit-learn have a state that skdistill does not know."""


def extends(*classes):
    """Register the function that adds classes to fitted students of some types.

    Scores of an added class are −inf. If two classes were seen, the score of the second is taken as
    that of a student of two classes, see `_predictions._finite_scores`: true of linear models.
    """

    def decorator(extend):
        _extensions.update(dict.fromkeys(classes, extend))
        return extend

    return decorator


def add_classes(student, classes):
    """Add the missing ones of some sorted classes to a fitted student, if supported."""
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
    if extend is not None and len(missing_classes(student, classes)):
        with suppress(UnknownStateError):  # then it keeps its classes, which `deployable` refuses
            extend(student, class_positions(student.classes_, classes), classes)


def missing_classes(student, classes):
    """Return the classes missing from a fitted student's `classes_`; none without `classes_`."""
    positions = class_positions(getattr(student, "classes_", classes), classes)
    return np.delete(classes, positions[positions >= 0])


def pad_classes(values, positions, n_classes, fill, axis=0):
    """Return values at the positions of their classes among all, with `fill` for the others."""
    shape = list(values.shape)
    shape[axis] = n_classes
    padded = np.full(shape, fill, dtype=values.dtype)
    padded[(slice(None),) * axis + (positions,)] = values
    return padded


@extends(LogisticRegression, LogisticRegressionCV, SGDClassifier, Perceptron)
def extend_linear(student, positions, classes):
    """Add classes with coefficients of 0 and an intercept of minus infinity."""
    coef, intercept = student.coef_, student.intercept_
    first = _first_class_factor(student)
    if first is None:
        return
    if len(coef) == 1:  # two classes have one score, that of the second
        coef, intercept = (np.concatenate([first * each, each]) for each in (coef, intercept))
    student.coef_ = pad_classes(coef, positions, len(classes), 0)
    student.intercept_ = pad_classes(intercept, positions, len(classes), -np.inf)
    student.classes_ = classes


def _first_class_factor(student):
    """Return the score of the first of two classes as a multiple of the score of the second.

    It is 0 if scores of three or more classes become probabilities by softmax, and -1 if they do
    so one-vs-rest or if there are no probabilities. None otherwise.
    """
    if not hasattr(student, "predict_proba"):
        return -1
    probe, scores = clone(student), np.array([0.0, 1.0, 3.0])
    probe.coef_, probe.intercept_, probe.classes_ = np.zeros((3, 1)), scores, np.arange(3)
    probe.n_features_in_ = 1
    found = probe.predict_proba(np.zeros((1, 1)))[0]
    one_vs_rest = 1 / (1 + np.exp(-scores))
    if np.allclose(found, softmax(scores)):
        return 0
    return -1 if np.allclose(found, one_vs_rest / one_vs_rest.sum()) else None


@extends(DecisionTreeClassifier, ExtraTreeClassifier)
def extend_tree(student, positions, classes):
    """Add classes with a frequency of 0 in each node."""
    student.tree_ = _extended(student.tree_, positions, len(classes))
    student.classes_, student.n_classes_ = classes, np.intp(len(classes))


def _extended(tree, positions, n_classes):
    """Return a classification tree with added classes."""
    try:
        state = tree.__getstate__()
        extended = type(tree)(tree.n_features, np.array([n_classes], dtype=np.intp), 1)
        values = np.ascontiguousarray(pad_classes(state["values"], positions, n_classes, 0, axis=2))
        extended.__setstate__({**state, "values": values})
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UnknownStateError from error
    return extended


@extends(RandomForestClassifier, ExtraTreesClassifier)
def extend_forest(student, positions, classes):
    """Add classes with a frequency of 0 in each node of each tree."""
    for tree in student.estimators_:
        extend_tree(tree, positions, np.arange(len(classes), dtype=np.float64))
    student.classes_, student.n_classes_ = classes, len(classes)
    if hasattr(student, "oob_decision_function_"):
        student.oob_decision_function_ = pad_classes(
            student.oob_decision_function_, positions, len(classes), 0, axis=1
        )


@extends(MultinomialNB, BernoulliNB)
def extend_counts(student, positions, classes):
    """Add classes with a prior of 0 and uniform feature probabilities."""
    n_classes = len(classes)
    student.class_log_prior_ = pad_classes(student.class_log_prior_, positions, n_classes, -np.inf)
    student.feature_log_prob_ = pad_classes(
        student.feature_log_prob_, positions, n_classes, np.log(0.5)
    )
    student.class_count_ = pad_classes(student.class_count_, positions, n_classes, 0)
    student.feature_count_ = pad_classes(student.feature_count_, positions, n_classes, 0)
    student.classes_ = classes


@extends(GaussianNB)
def extend_gaussian(student, positions, classes):
    """Add classes with infinite means, so that their density is 0 at every row.

    A prior of 0 would also work, but each prediction would warn about its logarithm.
    """
    n_classes = len(classes)
    student.theta_ = pad_classes(student.theta_, positions, n_classes, np.inf)
    student.var_ = pad_classes(student.var_, positions, n_classes, 1)
    smallest = np.finfo(np.float64).tiny
    student.class_prior_ = pad_classes(student.class_prior_, positions, n_classes, smallest)
    student.class_count_ = pad_classes(student.class_count_, positions, n_classes, 0)
    student.classes_ = classes


@extends(MLPClassifier)
def extend_network(student, positions, classes):
    """Add classes as outputs with weights of 0 and a bias of minus infinity."""
    coef, intercept = student.coefs_[-1], student.intercepts_[-1]
    if student.n_outputs_ == 1:  # two classes have one output, the logit of the second
        coef = np.column_stack([np.zeros_like(coef), coef])
        intercept = np.append(np.zeros_like(intercept), intercept)
    student.coefs_[-1] = pad_classes(coef, positions, len(classes), 0, axis=1)
    student.intercepts_[-1] = pad_classes(intercept, positions, len(classes), -np.inf)
    student.n_outputs_, student.out_activation_ = len(classes), "softmax"
    for value in vars(student).values():
        if isinstance(value, LabelBinarizer):  # it maps outputs to labels
            value.fit(classes)
    student.classes_ = classes
