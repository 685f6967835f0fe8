"""The calibration rows of a cascade, and the thresholds that they certify for a budget."""

from typing import Any, NamedTuple

import numpy as np

from .._utils._typing import Floats, NDArray
from ._thresholds import ThresholdPath, separate_thresholds, threshold_path


class Certificate(NamedTuple):
    """What is certified for a budget.

    Attributes
    ----------
    threshold : float or ndarray of shape (n_classes,)
        Smallest confidence at which the student keeps a row.

    coverage : float
        Share of the calibration rows that the student keeps.

    bound : float
        Upper bound for the probability that the student keeps a row and fails, valid although the
        same rows chose the threshold; the largest one, if it is computed within several sets.
    """

    threshold: float | Floats
    coverage: float
    bound: float


class Calibration(NamedTuple):
    """Rows from which the thresholds of a cascade are computed.

    Attributes
    ----------
    scores : ndarray of shape (n_calibration,)
        Confidence of the student in each row.

    failures : ndarray of shape (n_calibration,)
        Whether its prediction fails.

    members : ndarray of shape (n_sets, n_calibration) or None
        Which rows are in each set within which the bound holds; None for all rows.

    separate : bool
        Whether each set has its own threshold.
    """

    scores: Floats
    failures: NDArray
    members: Any = None
    separate: bool = False

    def certify(self, risk: float, confidence: float) -> Certificate:
        """Return the thresholds at which the student keeps most rows, for a budget."""
        if not self.separate:
            return Certificate(*self.path(confidence).accept(risk))
        accepted = separate_thresholds(self.scores, self.failures, risk, confidence, self.members)
        n_rows = self.members.sum(axis=1)
        coverage = sum(each.coverage * n for each, n in zip(accepted, n_rows, strict=True))
        return Certificate(
            threshold=np.array([each.threshold for each in accepted]),
            coverage=float(coverage / len(self.scores)),
            bound=max(each.bound for each in accepted),
        )

    def path(self, confidence: float) -> ThresholdPath:
        """Return the bounds of all thresholds that are common to all sets."""
        return threshold_path(self.scores, self.failures, confidence, self.members)

    def smallest_set(self, confidence: float) -> tuple[int, float]:
        """Return the rows in the smallest set within which the bound holds, and its level."""
        if self.members is None:
            return len(self.scores), confidence
        level = 1 - (1 - confidence) / len(self.members) if self.separate else confidence
        return int(self.members.sum(axis=1).min()), level

    def smallest_budget(self, confidence: float) -> float:
        """Return the smallest budget for which some row is kept."""
        if not self.separate:
            return float(self.path(confidence).bound[0])
        _, level = self.smallest_set(confidence)
        paths = [
            threshold_path(self.scores[rows], self.failures[rows], level)
            for rows in self.members
            if rows.any()
        ]
        return min(float(each.bound[0]) for each in paths)
