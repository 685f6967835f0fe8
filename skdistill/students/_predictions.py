"""Output of a fitted student's `predict`: labels, positions of labels, or numbers."""

import numpy as np
from sklearn.base import RegressorMixin, is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from .._utils._labels import class_positions
from .._utils._score_columns import check_columns_are_classes
from ..objectives import project_onto_simplex


def predicts_numbers(student):
    """Return whether a student predicts numbers; False without scikit-learn tags."""
    if not hasattr(student, "__sklearn_tags__"):
        return False
    try:
        numbers = is_regressor(student)
    except AttributeError as error:  # a meta-estimator reads the tags of its inner estimator
        raise TypeError(
            f"{student!r} has a parameter that is no estimator but must be one: {error} Set it to "
            "an estimator."
        ) from error
    if is_classifier(student):
        return False
    # A mixin that comes after BaseEstimator, as in pystreed, does not reach the tags.
    return numbers or isinstance(student, RegressorMixin) or is_net_of_skorch(student)


def predicts_labels(student):
    """Return whether a student is fitted on the user's labels and predicts them."""
    return not (predicts_numbers(student) or predicts_positions(student))


def predicts_positions(student):
    """Return whether a student predicts the column of a class instead of its label."""
    return is_net_of_skorch(student) and is_classifier(student)


def is_net_of_skorch(student):
    """Return whether `predict` is skorch's: columns for a classifier, else the module's output."""
    while isinstance(student, Pipeline) and student.steps:
        student = student.steps[-1][1]
    predict = getattr(type(student), "predict", None)
    return getattr(predict, "__module__", "").startswith("skorch.")


def proba_of_numbers(numbers):
    """Return predicted numbers as probabilities, one column per class."""
    numbers = np.asarray(numbers, dtype=np.float64)
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        numbers = numbers[:, 0]
    if numbers.ndim == 1:
        p = np.clip(numbers, 0, 1)
        return np.column_stack([1 - p, p])
    return project_onto_simplex(numbers)


def _has_classes(student, classes):
    """Return whether a fitted student's columns are those of `classes`, as they mostly are."""
    own = student.classes_
    if not isinstance(own, np.ndarray) or own.dtype != classes.dtype or len(own) != len(classes):
        return False
    return bool((own == classes).all())


def class_columns(student, classes):
    """Return the position in `classes` of each of a fitted student's `classes_`.

    Its columns follow `classes_`, which may have another order: CatBoost sorts numeric text as
    numbers, and takes an order that the user declares.
    """
    columns = class_positions(student.classes_, classes)
    if columns.min(initial=0) < 0 or len(np.unique(columns)) < len(columns):
        raise ValueError(
            f"The classes_ of {type(student).__name__} are {np.asarray(student.classes_).tolist()} "
            f"once it is fitted, and its training labels were {classes.tolist()}: its columns and "
            " predictions cannot be matched with classes. Let its classes_ list the training "
            "labels, in the order of its columns."
        )
    return columns


def student_proba(student, X, classes):
    """Return a fitted student's probabilities, one column per class, 0 for unseen classes."""
    if predicts_numbers(student):
        return proba_of_numbers(student.predict(X))
    proba = student.predict_proba(X)
    if _has_classes(student, classes):
        return proba
    return _in_columns(proba, class_columns(student, classes), classes, fill=0)


def student_log_proba(student, X, classes):
    """Return a fitted student's log-probabilities, one column per class, -inf for unseen ones."""
    with np.errstate(divide="ignore"):  # an added class has probability 0
        log_proba = student.predict_log_proba(X)
    if _has_classes(student, classes):
        return log_proba
    columns = class_columns(student, classes)
    return _in_columns(log_proba, columns, classes, fill=-np.inf)


def student_decision(student, X, classes):
    """Return a fitted student's scores: one for two classes, else one column per class.

    An unseen class gets the lowest float.
    """
    scores, columns = student.decision_function(X), class_columns(student, classes)
    if scores.ndim == 1 and len(columns) == len(classes):
        return scores if columns[0] < columns[1] else -scores  # the score of its second class
    if scores.ndim == 1:
        scores = np.column_stack([-scores, scores])
    check_columns_are_classes(student, scores)
    scores = _finite_scores(scores)
    return _in_columns(scores, columns, classes, fill=np.finfo(scores.dtype).min)


def _finite_scores(scores):
    """Replace the scores -inf of classes absent from training by the lowest float.

    If two classes were present, the score of the first is set to the negative of the second's, as
    in a student without added classes.
    """
    seen = np.flatnonzero(~np.isneginf(scores).all(axis=0))
    if len(seen) == scores.shape[1]:
        return scores
    finite = np.full_like(scores, np.finfo(scores.dtype).min)
    finite[:, seen] = scores[:, seen]
    if len(seen) == 2:
        finite[:, seen[0]] = -scores[:, seen[1]]
    return finite


def student_labels(student, X, classes):
    """Return the label from `classes` that a fitted student predicts for each row."""
    return labels_of_outputs(student, student.predict(X), classes)


def labels_of_outputs(student, outputs, classes):
    """Return what a fitted student's `predict` returned as labels from `classes`."""
    if predicts_numbers(student):
        return classes[proba_of_numbers(outputs).argmax(axis=1)]
    outputs = np.ravel(outputs)  # CatBoost returns a column
    if predicts_positions(student):
        return classes[outputs]
    if not hasattr(student, "classes_"):
        return outputs
    if outputs.dtype.kind == classes.dtype.kind and outputs.dtype.kind in "biuU":
        return outputs.astype(classes.dtype, copy=False)
    own_classes = np.asarray(student.classes_).tolist()
    columns = dict(zip(own_classes, class_columns(student, classes).tolist(), strict=True))
    unknown = sorted(set(outputs.tolist()) - set(columns), key=str)
    if unknown:
        raise ValueError(
            f"{type(student).__name__} predicts {unknown[:10]}, which its classes_ {own_classes} "
            "do not list. It must predict labels from its classes_."
        )
    return classes[[columns[label] for label in outputs.tolist()]]


def _in_columns(values, columns, classes, *, fill):
    """Return a student's columns at the positions of their classes among all classes."""
    if np.array_equal(columns, np.arange(len(classes))):
        return values
    values = np.asarray(values)
    if values.shape[1] != len(columns):
        raise ValueError(
            f"A student of {len(columns)} classes has {values.shape[1]} columns of scores, which "
            "cannot be matched with classes. It must give one column per class, as an SVC "
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
