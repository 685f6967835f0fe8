"""Thresholds of a student's confidence, tried strictest first until a bound exceeds the budget.

A row fails if the student keeps it, its confidence is at least the threshold, and the prediction is
wrong. The guarantee needs no list of thresholds that is fixed beforehand. As the threshold t falls,
both the risk R(t), the probability of a failure, and the number K(t) of failures among the n
calibration rows can only grow. A threshold is accepted only if K(t) <= k, the largest number whose
bound is within the budget; k depends on n alone. Let t* be the supremum of the thresholds whose
risk exceeds the budget. It depends on the distribution alone, and R(t*) is at least the budget,
since R is continuous from the left. If an accepted t breaks the budget, then t <= t*, so that
K(t*) <= K(t) <= k. That has a probability of at most 1 − confidence: k is the number for which the
bound of a binomial count is within the budget. So thresholds may be those of the calibration rows
themselves, tied or not, and it does not matter in which order they are tried.

Several sets of rows, each with its own n and k, may have one threshold in common: t* is that of the
set in which it is largest, and the rest is the same. No correction for their number is needed.

The same argument, with the bound of k in place of the budget, shows that the risk is at most that
bound. The bound of K(t) at the accepted t may be lower where confidences are tied, and is not
valid: the same rows chose t. Only if every row is kept, the threshold is one that was fixed
beforehand, and the bound of all failures holds.
"""

from typing import NamedTuple

import numpy as np

from .._utils._typing import Floats, NDArray
from ._bounds import largest_bound, upper_bound


class ThresholdPath(NamedTuple):
    """All thresholds that tell calibration rows apart, the strictest first.

    Attributes
    ----------
    threshold : ndarray of shape (n_thresholds,)
        Decreasing. The last one is minus infinity: every row is kept.

    coverage : ndarray of shape (n_thresholds,)
        Share of the calibration rows that are kept.

    bound : ndarray of shape (n_thresholds,)
        Upper bound for the probability that a row is kept and fails, for a threshold that is fixed
        beforehand: the largest one, if it is computed within several sets of rows.

    n_rows : ndarray of shape (n_sets,)
        Number of rows in each set.

    confidence : float
        Level of the bounds.
    """

    threshold: Floats
    coverage: Floats
    bound: Floats
    n_rows: NDArray
    confidence: float

    def accept(self, risk):
        """Return the last threshold before the first failure, its coverage, and the valid bound.

        Without any, the threshold is infinite: no row is kept.
        """
        failing = self.bound > risk
        if not failing.any():
            return Accepted(-np.inf, 1.0, float(self.bound[-1]))
        last = int(failing.argmax()) - 1
        if last < 0:
            return Accepted(np.inf, 0.0, 0.0)
        bound = max(largest_bound(risk, int(n), self.confidence) for n in np.unique(self.n_rows))
        return Accepted(float(self.threshold[last]), float(self.coverage[last]), bound)


class Accepted(NamedTuple):
    """An accepted threshold; its bound holds although the same rows chose it."""

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
    return ThresholdPath(
        threshold, (ends + 1) / len(scores), np.max(bounds, axis=0), sets.sum(axis=1), confidence
    )


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
