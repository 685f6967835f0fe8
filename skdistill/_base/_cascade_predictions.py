"""Predictions of a student and of a teacher in a cascade, as codes of common classes."""

from typing import NamedTuple

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from .._teachers._predict import shown
from .._utils._labels import class_positions
from .._utils._rows import copied
from ..students._confidence import OF_PROBA, confidence_of, max_proba, scored_student
from ..students._predictions import (
    predicts_labels,
    predicts_numbers,
    student_labels,
    student_proba,
)
from ._deployable import deployable
from ._student_predictions import StudentPredictionsMixin


def served(model):
    """Return the fitted object that predicts for a model: without skdistill where possible."""
    last = model
    while isinstance(last, FrozenEstimator | Pipeline) or hasattr(last, "best_estimator_"):
        if isinstance(last, Pipeline):
            last = last[-1]
        else:
            last = getattr(last, "best_estimator_", None) or last.estimator
    if isinstance(last, StudentPredictionsMixin):
        try:
            return deployable(model)
        except (TypeError, ValueError):  # several generations, or classes that it lacks
            pass
    return model


def common_classes(teacher, student):
    """Return the sorted classes of a teacher, which those of its student must be among."""
    of_teacher = getattr(teacher, "classes_", None)
    of_student = getattr(student, "classes_", None)
    if of_teacher is None and of_student is None:
        raise TypeError(
            "Neither teacher nor student has classes_, so that their predictions cannot be "
            "compared. Give fitted classifiers; an API needs the attribute classes_, the sorted "
            "labels."
        )
    of_teacher = of_student if of_teacher is None else of_teacher
    of_student = of_teacher if of_student is None else of_student
    if isinstance(of_teacher, list) or isinstance(of_student, list):
        raise ValueError("Teacher and student must have one label per row, not several.")
    classes = np.unique(of_teacher)
    check_several(classes)
    of_student = np.asarray(of_student)
    other = class_positions(of_student, classes) < 0
    if other.any():
        raise ValueError(
            f"The classes of the student are not those of the teacher: it has "
            f"{shown(of_student[other])}, which are not among {shown(classes)} of the teacher. "
            "Fit both on the same labels, in the same type."
        )
    return classes


def check_several(labels):
    """Raise if labels show fewer than two classes."""
    seen = np.unique(labels)
    if len(seen) < 2:
        raise ValueError(
            f"A cascade needs at least two classes; got {shown(seen)} in the training labels, or "
            "as the classes of the teacher. Give rows of several classes."
        )


def codes_among(labels, classes):
    """Return the position of each label in the classes, -1 where it is none of them."""
    values, inverse = np.unique(labels, return_inverse=True)
    positions = class_positions(values, classes)
    if (positions < 0).all():
        raise ValueError(
            f"None of the labels {shown(values)} is a class of the teacher, {shown(classes)}. Give "
            "y in the type of these classes."
        )
    return positions[inverse]


def predicted_codes(model, X, classes, role):
    """Return the codes of the classes that a fitted model predicts."""
    labels = student_labels(model, X, classes)
    values, inverse = np.unique(labels, return_inverse=True)
    positions = class_positions(values, classes)
    if (positions < 0).any():
        raise ValueError(
            f"The {role} predicts {shown(values[positions < 0])}, which are not among its classes "
            f"{shown(classes)}."
        )
    return positions[inverse]


def predicts_classes(model, classes):
    """Return whether a fitted model predicts labels from these classes, in the same order."""
    return predicts_labels(model) and np.array_equal(getattr(model, "classes_", None), classes)


def has_proba(student):
    """Return whether a fitted student predicts probabilities, or numbers that stand for them."""
    return predicts_numbers(student) or hasattr(student, "predict_proba")


class Predictions(NamedTuple):
    """What a student predicts for some rows."""

    codes: np.ndarray  # of the predicted classes
    scores: np.ndarray  # confidence
    proba: np.ndarray | None


class ScoredStudent(NamedTuple):
    """A fitted student with a measure of its confidence.

    `by_proba` is whether its prediction is the class of the largest probability, as it was in all
    calibration rows: then one pass over the rows is enough. `in_order` is whether the columns of
    its `predict_proba` are the classes, so that there is nothing to align.
    """

    student: object
    classes: np.ndarray
    score_name: str
    scored: object  # the estimator that the measure reads
    by_proba: bool
    in_order: bool

    @classmethod
    def of(cls, student, classes, score_name, X):
        """Return a student with a measure, tried on rows."""
        by_proba = in_order = False
        if has_proba(student):
            proba = student_proba(student, copied(X), classes)
            codes = predicted_codes(student, copied(X), classes, "student")
            by_proba = np.array_equal(proba.argmax(axis=1), codes)
            in_order = predicts_classes(student, classes)
        scored = scored_student(score_name, student)
        return cls(student, classes, score_name, scored, by_proba, in_order)

    def predict(self, X):
        """Return the predictions and confidences of rows, which stay unchanged."""
        if self.score_name == "leaf_counts" and self.in_order and hasattr(self.student, "tree_"):
            return self._predict_by_leaves(X)
        proba = self._proba(X)
        if self.by_proba:
            codes = proba.argmax(axis=1)
        else:
            codes = predicted_codes(self.student, copied(X), self.classes, "student")
        reads_rows = self.score_name not in OF_PROBA
        rows = copied(X) if reads_rows else X
        return Predictions(codes, confidence_of(self.score_name, self.scored, rows, proba), proba)

    def _predict_by_leaves(self, X):
        """Return the predictions of a single tree in one pass: both trees have the same leaves."""
        leaves = self.student.apply(copied(X))
        proba, shrunk = (each.tree_.value[leaves, 0] for each in (self.student, self.scored))
        return Predictions(proba.argmax(axis=1), max_proba(shrunk), proba)

    def _proba(self, X):
        """Return the probabilities of a copy of the rows, None if the student has none."""
        if self.in_order:
            return np.asarray(self.student.predict_proba(copied(X)))
        if not has_proba(self.student):
            return None
        return student_proba(self.student, copied(X), self.classes)
