"""What a fitted student's `predict` answers: labels, the positions of labels, or numbers."""

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from ..objectives import project_onto_simplex


def predicts_numbers(student):
    """Return whether a student predicts numbers; one that has no tags does not say so."""
    if not hasattr(student, "__sklearn_tags__"):
        return False
    return is_regressor(student) or (_is_net_of_skorch(student) and not is_classifier(student))


def predicts_labels(student):
    """Return whether a student learns and predicts the user's own labels."""
    return not (predicts_numbers(student) or predicts_positions(student))


def predicts_positions(student):
    """Return whether a student predicts the column of a class, and not its label."""
    return is_classifier(student) and _is_net_of_skorch(student)


def _is_net_of_skorch(student):
    """Return whether `predict` is skorch's own: it answers columns, and a plain net its output."""
    while isinstance(student, Pipeline) and student.steps:
        student = student.steps[-1][1]
    predict = getattr(type(student), "predict", None)
    return getattr(predict, "__module__", "").startswith("skorch.")


def proba_of_numbers(numbers):
    """Return what a student predicts as probabilities, one column per class."""
    numbers = np.asarray(numbers, dtype=np.float64)
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        numbers = numbers[:, 0]
    if numbers.ndim == 1:
        p = np.clip(numbers, 0, 1)
        return np.column_stack([1 - p, p])
    return project_onto_simplex(numbers)


def student_proba(student, X, classes):
    """Return a fitted student's probabilities, one column per class, 0 for those it never met."""
    if predicts_numbers(student):
        return proba_of_numbers(student.predict(X))
    return in_columns(student.predict_proba(X), student.classes_, classes, fill=0)


def in_columns(values, known, classes, *, fill):
    """Return a student's columns in the places of all classes."""
    if len(known) == len(classes):
        return values
    padded = np.full((len(values), len(classes)), fill, dtype=values.dtype)
    padded[:, np.searchsorted(classes, known)] = values
    return padded


def student_scores(student, X):
    """Return one score per row of a fitted ranker: higher for the second class."""
    if hasattr(student, "decision_function"):
        return student.decision_function(X)
    return np.ravel(student.predict(X))
