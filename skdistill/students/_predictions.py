"""What a fitted student's `predict` answers: labels, the positions of labels, or numbers."""

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from .._utils._labels import class_positions
from .._utils._score_columns import check_columns_are_classes
from ..objectives import project_onto_simplex


def predicts_numbers(student):
    """Return whether a student predicts numbers; one that has no tags does not say so."""
    if not hasattr(student, "__sklearn_tags__"):
        return False
    try:
        numbers = is_regressor(student)
    except AttributeError as error:  # a meta-estimator asks what is inside it
        raise TypeError(
            f"{student!r} holds something that is no estimator, so that it cannot say whether it "
            f"is a regressor: {error} Give it an estimator."
        ) from error
    return numbers or (_is_net_of_skorch(student) and not is_classifier(student))


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


def class_columns(student, classes):
    """Return the position in `classes` of each class of a fitted student, in its own order.

    What its columns and labels stand for says the fitted student, by its `classes_`: CatBoost
    sorts text that looks like numbers as numbers, and takes an order that the user declares.
    """
    columns = class_positions(student.classes_, classes)
    if columns.min(initial=0) < 0 or len(np.unique(columns)) < len(columns):
        raise ValueError(
            f"The classes_ of {type(student).__name__} are {np.asarray(student.classes_).tolist()} "
            f"once it is fitted, and it was fitted on the labels {classes.tolist()}: nothing says "
            "which class a column or a prediction of it belongs to. Let its classes_ list the "
            "labels that it has seen, in the order of its columns."
        )
    return columns


def student_proba(student, X, classes):
    """Return a fitted student's probabilities, one column per class, 0 for those it never met."""
    if predicts_numbers(student):
        return proba_of_numbers(student.predict(X))
    return _in_columns(student.predict_proba(X), class_columns(student, classes), classes, fill=0)


def student_log_proba(student, X, classes):
    """Return a fitted student's log-probabilities, one column per class, -inf for those unmet."""
    with np.errstate(divide="ignore"):  # a class that no row showed has probability 0
        log_proba = student.predict_log_proba(X)
    columns = class_columns(student, classes)
    return _in_columns(log_proba, columns, classes, fill=-np.inf)


def student_decision(student, X, classes):
    """Return a fitted student's scores: one for two classes, else one column per class.

    A class that the student never met gets the lowest float.
    """
    scores, columns = student.decision_function(X), class_columns(student, classes)
    if scores.ndim == 1 and len(columns) == len(classes):
        return scores if columns[0] < columns[1] else -scores  # it is the score of its second one
    if scores.ndim == 1:
        scores = np.column_stack([-scores, scores])
    check_columns_are_classes(student, scores)
    scores = _finite_scores(scores)
    return _in_columns(scores, columns, classes, fill=np.finfo(scores.dtype).min)


def _finite_scores(scores):
    """Return scores with the lowest float for classes that no row showed, which have -inf.

    Two classes that rows did show have the score of the second and its negative, as they have
    where the student was not made to know further ones.
    """
    learnt = np.flatnonzero(~np.isneginf(scores).all(axis=0))
    if len(learnt) == scores.shape[1]:
        return scores
    finite = np.full_like(scores, np.finfo(scores.dtype).min)
    finite[:, learnt] = scores[:, learnt]
    if len(learnt) == 2:
        finite[:, learnt[0]] = -scores[:, learnt[1]]
    return finite


def student_labels(student, X, classes):
    """Return the label from `classes` that a fitted student predicts for each row."""
    outputs = student.predict(X)
    if predicts_numbers(student):
        return classes[proba_of_numbers(outputs).argmax(axis=1)]
    outputs = np.ravel(outputs)  # CatBoost has a column of them
    if predicts_positions(student):
        return classes[outputs]
    if not hasattr(student, "classes_"):
        return outputs
    if outputs.dtype.kind == classes.dtype.kind and outputs.dtype.kind in "biuU":
        return outputs.astype(classes.dtype, copy=False)
    known = np.asarray(student.classes_).tolist()
    columns = dict(zip(known, class_columns(student, classes).tolist(), strict=True))
    unknown = sorted(set(outputs.tolist()) - set(columns), key=str)
    if unknown:
        raise ValueError(
            f"{type(student).__name__} predicts {unknown[:10]}, which its classes_ {known} do not "
            "list. Let it predict labels from its classes_."
        )
    return classes[[columns[label] for label in outputs.tolist()]]


def _in_columns(values, columns, classes, *, fill):
    """Return a student's columns in the places of all classes."""
    if np.array_equal(columns, np.arange(len(classes))):
        return values
    values = np.asarray(values)
    if values.shape[1] != len(columns):
        raise ValueError(
            f"A student of {len(columns)} classes has {values.shape[1]} columns of scores, so that "
            "nothing says which one belongs to which class. Let it give one per class, as an SVC "
            'does with decision_function_shape="ovr".'
        )
    padded = np.full((len(values), len(classes)), fill, dtype=values.dtype)
    padded[:, columns] = values
    return padded


def student_scores(student, X):
    """Return one score per row of a fitted ranker: higher for the second class."""
    if hasattr(student, "decision_function"):
        return student.decision_function(X)
    return np.ravel(student.predict(X))
