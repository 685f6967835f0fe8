"""Figures with standard errors from replicates: folds left out in turn, or rows drawn again."""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t

from .._utils._groups import MIN_GROUPS_FOR_INTERVAL
from ._intervals import estimate
from ._jackknife import CONFIDENCE, JackknifeEstimate
from ._row_scores import resampled_weights


class Figure(NamedTuple):
    """A number, its standard error, and the ends of its 95 % interval; NaN where it has none."""

    value: float
    standard_error: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")

    def negative(self):
        """Return the figure of the difference the other way round."""
        return Figure(-self.value, self.standard_error, -self.high, -self.low)

    def __str__(self):
        if np.isnan(self.standard_error):
            return f"{self.value:.4f}"
        return f"{self.value:.4f} ± {self.standard_error:.4f}"


class Replicated(NamedTuple):
    """A number from all rows, and the same number from each replicate of the rows."""

    value: float
    replicates: np.ndarray

    def minus(self, other):
        """Return the difference, paired over replicates."""
        return Replicated(self.value - other.value, self.replicates - other.replicates)

    def over(self, other):
        """Return the ratio, paired over replicates."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.divide(self.value, other.value)
            return Replicated(float(value), self.replicates / other.replicates)


class FoldReplicates:
    """Each fold is left out in turn (the jackknife); intervals are those of Student's t."""

    def __init__(self, fold_of):
        self.fold_of = fold_of  # number of the fold that tested each row
        self.n_folds = int(fold_of.max()) + 1

    def weightings(self, weight):
        """Yield the weights of the rows in each replicate, one row of an array for each."""
        yield weight * (self.fold_of != np.arange(self.n_folds)[:, None])

    def figure(self, replicated):
        """Return a number with its jackknife standard error."""
        error = JackknifeEstimate(*replicated).standard_error
        half = error * float(student_t.ppf((1 + CONFIDENCE) / 2, self.n_folds - 1))
        value = float(replicated.value)
        return Figure(value, error, value - half, value + half)

    def __str__(self):
        return f"± is the standard error over {self.n_folds} folds"


class RowReplicates:
    """Test rows, or whole groups of them, are drawn with replacement (the bootstrap)."""

    def __init__(self, n_bootstrap, random_state, groups=None):
        self.n_bootstrap = n_bootstrap
        self.random_state = random_state
        self.groups = groups  # number of the group of each row
        self.n_groups = None if groups is None else int(groups.max()) + 1

    def weightings(self, weight):
        """Yield blocks of weights of the rows, one row of an array for each replicate."""
        rng = np.random.RandomState(self.random_state)
        yield from resampled_weights(weight, self.n_bootstrap, rng, self.groups)

    def figure(self, replicated):
        """Return a number with the standard deviation and percentiles of its replicates."""
        too_few = self.n_groups is not None and self.n_groups < MIN_GROUPS_FOR_INTERVAL
        if too_few or np.isnan(replicated.replicates).all():
            return Figure(float(replicated.value))
        value, low, high = estimate(replicated.value, replicated.replicates)
        return Figure(value, float(np.nanstd(replicated.replicates)), low, high)

    def __str__(self):
        drawn = "test rows" if self.groups is None else "groups of test rows"
        return f"± is the standard error over {drawn}, from {self.n_bootstrap:,} resamples"


def replicate(measure, rows, weight, replicates):
    """Return {model: {measure: Replicated}}; all models have the same replicates.

    `measure(weights, rows)` returns each number under each row of weights, and `rows` holds what
    it needs for each model.
    """
    values = {model: measure(weight[None], each) for model, each in rows.items()}
    blocks = [
        {model: measure(weights, each) for model, each in rows.items()}
        for weights in replicates.weightings(weight)
    ]
    return {
        model: {
            name: Replicated(value[0], np.concatenate([block[model][name] for block in blocks]))
            for name, value in of_model.items()
        }
        for model, of_model in values.items()
    }
