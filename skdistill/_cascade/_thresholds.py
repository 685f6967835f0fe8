"""Thresholds of a student's confidence, tried strictest first until a bound exceeds the budget.

A row fails if the student keeps it, its confidence is at least the threshold, and the prediction is
wrong. The probability of that can only grow as the threshold falls. So let t be the largest
threshold at which it exceeds the budget: a lower one is accepted only if all that lie above it
are, and with them some just below t, whose bound is exceeded by chance in at most 1 − confidence of
the samples. No correction for the number of thresholds is needed, and they may be those of the
calibration rows themselves (fixed-sequence testing).
"""

from typing import NamedTuple

import numpy as np

from .._utils._typing import Floats
from ._bounds import upper_bound


class ThresholdPath(NamedTuple):
    """All thresholds that tell calibration rows apart, the strictest first.

    Attributes
    ----------
    threshold : ndarray of shape (n_thresholds,)
        Decreasing. The last one is minus infinity: every row is kept.

    coverage : ndarray of shape (n_thresholds,)
        Share of the calibration rows that are kept.

    bound : ndarray of shape (n_thresholds,)
        Upper bound for the probability that a row is kept and fails: the largest one, if it is
        computed within several sets of rows.
    """

    threshold: Floats
    coverage: Floats
    bound: Floats

    def accept(self, risk):
        """Return the threshold, coverage and bound of the last one before the first failure.

        Without any, the threshold is infinite: no row is kept.
        """
        failing = self.bound > risk
        n_accepted = int(failing.argmax()) if failing.any() else len(failing)
        if n_accepted == 0:
            return Accepted(np.inf, 0.0, 0.0)
        return Accepted(*(float(each[n_accepted - 1]) for each in self))


class Accepted(NamedTuple):
    """An accepted threshold."""

    threshold: float
    coverage: float
    bound: float


def threshold_path(scores, failures, confidence, members=None):
    """Return the bounds of all thresholds.

    `scores` are confidences and `failures` says which rows fail if they are kept. `members`,
    of shape (n_sets, n_rows), says which rows belong to each set within which a bound is computed;
    by default there is one set, all rows. The largest bound has the level `confidence` for all sets
    together: to exceed the budget in one of them by chance, the bound of that one must fail.
    """
    order = np.argsort(-scores, kind="stable")
    scores, failures = scores[order], failures[order]
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # equal scores go together
    sets = np.ones((1, len(scores)), dtype=bool) if members is None else members[:, order]
    bounds = [_bounds_along(failures & each, each.sum(), ends, confidence) for each in sets]
    threshold = np.append(_between(scores[ends[:-1]], scores[ends[1:]]), -np.inf)
    return ThresholdPath(threshold, (ends + 1) / len(scores), np.max(bounds, axis=0))


def _bounds_along(failures, n_rows, ends, confidence):
    """Return the bound after each of the first rows up to `ends`."""
    counts, of_end = np.unique(np.cumsum(failures)[ends], return_inverse=True)
    return upper_bound(counts, n_rows, confidence)[of_end]


def _between(higher, lower):
    """Return thresholds in the middle of two scores, so that rounding keeps no other rows."""
    middle = lower + (higher - lower) / 2
    return np.where(middle > lower, middle, higher)


def common_threshold(scores, failures, risk, confidence, members=None):
    """Return the threshold that keeps the bound in every set of rows; see `threshold_path`."""
    return threshold_path(scores, failures, confidence, members).accept(risk)


def separate_thresholds(scores, failures, risk, confidence, members):
    """Return one accepted threshold for each of several disjoint sets of rows.

    Each has the level 1 − (1 − confidence) / n_sets, so that all of them hold together.
    """
    confidence = 1 - (1 - confidence) / len(members)
    return [
        common_threshold(scores[rows], failures[rows], risk, confidence)
        if rows.any()
        else Accepted(np.inf, 0.0, 0.0)
        for rows in members
    ]
