"""Predictions of a fitted model on test rows: labels, and probabilities or scores if available."""

from typing import Any, NamedTuple

import numpy as np

from .._utils._labels import check_labels, class_positions, codes_of_labels, encode
from .._utils._rows import predict_on_copy
from .._utils._typing import Floats, NDArray
from .._utils._validation import check_proba
from ..students._predictions import predicts_positions, student_decision


class Predictions(NamedTuple):
    """Predictions of one model for all test rows."""

    codes: NDArray[np.int_]  # (n_samples,): position of the predicted label among the classes
    proba: Floats | None  # (n_samples, n_classes), None without predict_proba
    score: Floats | None  # (n_samples,): of the second of two classes, None if it has none


def classes_in_common(models):
    """Return the sorted classes of named fitted models, which must all have the same."""
    classes_of = {
        name: np.sort(np.asarray(model.classes_))
        for name, model in models.items()
        if hasattr(model, "classes_")
    }
    if not classes_of:
        raise ValueError(
            f"None of the models {list(models)} has classes_, so that the labels of the columns "
            "of probabilities are unknown. Pass fitted classifiers."
        )
    first, classes = next(iter(classes_of.items()))
    for name, others in classes_of.items():
        positions = class_positions(others, classes)
        lacking, surplus = np.delete(classes, positions[positions >= 0]), others[positions < 0]
        if len(lacking) or len(surplus):
            raise ValueError(
                f"The models must have the same classes: {first} has {_text(classes)}, {name} has "
                f"{_text(others)}; {name} lacks {_text(lacking)} and adds {_text(surplus)}. Fit "
                "them on the same labels; a DistilledClassifier takes all of them as classes=."
            )
    return classes


def encode_test_labels(y, classes):
    """Return the position of each true label among the classes, all of which must be known."""
    y = check_labels(y)
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        n_rows = int(np.isin(y, unknown).sum())
        raise ValueError(
            f"y holds {_text(unknown)} in {n_rows} of {len(y)} rows, which none of the models "
            f"knows: their classes are {_text(classes)}. Fit the models on every class, or leave "
            "those rows out of X and y."
        )
    return encode(y, classes)


def predict(model, X, classes, *, name):
    """Return a model's predictions, with columns in the order of the sorted classes."""
    proba = None
    if hasattr(model, "predict_proba"):
        proba = proba_by_class(model, X, classes, name=name)
    codes = _predicted_codes(model, X, classes, name)
    return Predictions(codes, proba, _score(model, X, classes, proba))


def proba_by_class(model, X, classes, *, name):
    """Return a model's checked probabilities, columns in the order of the sorted classes."""
    prediction = np.asarray(predict_on_copy(model.predict_proba, X))
    proba = check_proba(prediction, name=f"{name}.predict_proba(X)")
    if proba.shape[1] != len(classes):
        raise ValueError(
            f"{name}.predict_proba(X) has {proba.shape[1]} columns, and the models have "
            f"{len(classes)} classes, {_text(classes)}. Fit {name} on all of them."
        )
    return proba[:, np.argsort(class_positions(getattr(model, "classes_", classes), classes))]


def _predicted_codes(model, X, classes, name):
    """Return the position among the classes of each label that a model predicts."""
    labels = np.ravel(predict_on_copy(model.predict, X))  # CatBoost has a column of them
    if predicts_positions(model):
        return labels
    # Not by `labels_of_outputs`, which reads the numbers of a regressor as probabilities.
    codes, unknown = codes_of_labels(labels, classes)
    if len(unknown):
        raise ValueError(
            f"{name}.predict(X) returns {_text(unknown)}, which is not among the "
            f"classes {_text(classes)}. A report compares classifiers; wrap a regressor as the "
            "student of a DistilledClassifier."
        )
    return codes


def _score(model, X, classes, proba):
    """Return the number that ranks rows by the second of two classes, None if there is none."""
    if proba is not None:
        return proba[:, 1] if proba.shape[1] == 2 else None
    if not hasattr(model, "decision_function"):
        return None
    if hasattr(model, "classes_"):
        score = predict_on_copy(lambda rows: student_decision(model, rows, classes), X)
    else:
        score = predict_on_copy(model.decision_function, X)
    score = np.asarray(score, dtype=np.float64)
    return score if score.ndim == 1 else None


def _text(labels: Any) -> str:
    """Return labels as text, the first ten of many."""
    labels = np.asarray(labels).tolist()
    return str(labels) if len(labels) <= 10 else f"{str(labels[:10])[:-1]}, ... ({len(labels)})]"
