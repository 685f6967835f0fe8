"""A fitted student with a measure of its confidence: its predictions in a cascade."""

from typing import NamedTuple

import numpy as np

from .._utils._rows import copied
from ..students._confidence import OF_PROBA, confidence_of, margin, scored_student
from ..students._most_probable import leaves_rows_unchanged, predicts_most_probable
from ..students._predictions import predicts_numbers, student_proba
from ._cascade_classes import predicted_codes, predicts_classes


class Predictions(NamedTuple):
    """What a student predicts for some rows."""

    codes: np.ndarray  # of the predicted classes
    scores: np.ndarray  # confidence
    proba: np.ndarray | None


class ScoredStudent(NamedTuple):
    """A fitted student with a measure of its confidence.

    What is used of it is known from the class of the student alone, and never from rows: the rows
    that certify a bound may not choose whose predictions it is for.
    """

    student: object
    classes: np.ndarray
    score_name: str
    scored: object  # the estimator that the measure reads
    has_proba: bool
    by_proba: bool  # whether the prediction is the class of the largest probability
    in_order: bool  # whether the columns of its probabilities are the classes
    rows_stay: bool  # whether it changes no row that it predicts

    @classmethod
    def of(cls, student, classes, score_name):
        """Return a student with a measure."""
        has_proba = predicts_numbers(student) or hasattr(student, "predict_proba")
        return cls(
            student, classes, score_name, scored_student(score_name, student), has_proba,
            by_proba=has_proba and predicts_most_probable(student),
            in_order=hasattr(student, "predict_proba") and predicts_classes(student, classes),
            rows_stay=leaves_rows_unchanged(student),
        )  # fmt: skip

    def predict(self, X):
        """Return the predictions and confidences of rows, which stay unchanged."""
        if self.score_name == "leaf_counts" and self.in_order and hasattr(self.student, "tree_"):
            return self._predict_by_leaves(X)
        proba = self._proba(X)
        if self.by_proba:
            codes = proba.argmax(axis=1)
        else:
            codes = predicted_codes(self.student, self._rows(X), self.classes, "student")
        rows = X if self.score_name in OF_PROBA else self._rows(X)
        return Predictions(codes, confidence_of(self.score_name, self.scored, rows, proba), proba)

    def _predict_by_leaves(self, X):
        """Return the predictions of a single tree in one pass: both trees have the same leaves."""
        leaves = self.student.apply(X)
        proba, shrunk = (each.tree_.value[leaves, 0] for each in (self.student, self.scored))
        return Predictions(proba.argmax(axis=1), margin(shrunk), proba)

    def _proba(self, X):
        """Return the probabilities of rows, None if the student has none."""
        if self.in_order:
            return np.asarray(self.student.predict_proba(self._rows(X)))
        if not self.has_proba:
            return None
        return student_proba(self.student, self._rows(X), self.classes)

    def _rows(self, X):
        """Return rows that the student may change."""
        return X if self.rows_stay else copied(X)
