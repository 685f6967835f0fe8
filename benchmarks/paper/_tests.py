"""From scores over seeds to a verdict: holds, does not hold, or undecided."""

from typing import NamedTuple

import numpy as np
from scipy import stats

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
CONFIDENCE = 0.95


class Test(NamedTuple):
    """One prediction of a claim, the mean difference that it is judged by, and the verdict."""

    prediction: str
    difference: float
    error: float  # standard error over seeds
    n_seeds: int
    verdict: str


def smaller(prediction, small, large):
    """Test whether one column of scores is smaller than another, paired by seed.

    It holds if the whole 95 % interval (Student's t) of the mean difference lies on the predicted
    side of zero, and does not hold if all of it lies on the other side.
    """
    difference, error, n_seeds, margin = _difference(small, large)
    verdict = UNDECIDED
    if abs(difference) > margin:
        verdict = HOLDS if difference < 0 else FAILS
    return Test(prediction, difference, error, n_seeds, verdict)


def larger(prediction, large, small):
    """Test whether one column of scores is larger than another, paired by seed."""
    return smaller(prediction, small, large)._replace(
        difference=float(np.mean(np.asarray(large) - np.asarray(small)))
    )


def equal(prediction, ours, theirs, *, within):
    """Test whether two columns agree but for `within`, paired by seed.

    It holds if the whole 95 % interval of the mean difference lies within, and does not hold if
    all of it lies beyond.
    """
    difference, error, n_seeds, margin = _difference(ours, theirs)
    if abs(difference) + margin < within:
        verdict = HOLDS
    else:
        verdict = FAILS if abs(difference) - margin > within else UNDECIDED
    return Test(prediction, difference, error, n_seeds, verdict)


def _difference(ours, theirs):
    """Return the mean difference over seeds, its standard error, their number and the margin."""
    differences = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    n_seeds = len(differences)
    error = float(differences.std(ddof=1) / np.sqrt(n_seeds))
    margin = error * stats.t.ppf((1 + CONFIDENCE) / 2, n_seeds - 1)
    return float(differences.mean()), error, n_seeds, margin


def verdict_of(tests):
    """Return what all tests say of their claim: it holds if all do, and not if one does not."""
    verdicts = {test.verdict for test in tests}
    if FAILS in verdicts:
        return FAILS
    return UNDECIDED if UNDECIDED in verdicts else HOLDS
