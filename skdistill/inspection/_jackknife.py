"""Estimates over all folds, with jackknife standard errors."""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as student_t

CONFIDENCE = 0.95


class JackknifeEstimate(NamedTuple):
    """A value from all folds, and the values with each fold left out in turn (the jackknife).

    For a mean over equal folds the standard error is the usual one, the folds' standard
    deviation over √K; it also holds for the calibration error, which is not a mean.
    Differences are paired: variation that is common to both cancels.
    """

    value: float
    without: np.ndarray  # (n_folds,)

    @property
    def standard_error(self):
        """Jackknife standard error, √((K − 1)/K · Σ_k (θ_−k − mean)²)."""
        n_folds = len(self.without)
        return float(np.sqrt((n_folds - 1) * self.without.var()))

    @property
    def exceeds_noise(self):
        """Whether it is positive beyond its two-sided 95 % interval, by Student's t."""
        return bool(self.value > self.half_width)

    @property
    def half_width(self):
        """Half of the width of its two-sided 95 % interval, by Student's t."""
        quantile = student_t.ppf((1 + CONFIDENCE) / 2, len(self.without) - 1)
        return float(quantile * self.standard_error)

    def __sub__(self, other):
        return JackknifeEstimate(self.value - other.value, self.without - other.without)

    def __str__(self):
        return f"{self.value:.4f} ± {self.standard_error:.4f}"

    def rounded(self):
        """Write a value in any unit: as many decimals as give its error two digits."""
        write = self._writer()
        return f"{write(self.value)} ± {write(self.standard_error)}"

    def interval(self):
        """Write the two-sided 95 % interval, with the decimals of `rounded`."""
        write = self._writer()
        return f"[{write(self.value - self.half_width)}, {write(self.value + self.half_width)}]"

    def _writer(self):
        """Return the function that writes numbers with as many decimals as the error needs."""
        error = self.standard_error
        if not error > 1e-9 * abs(self.value):  # rounding errors, or NaN
            return "{:.4g}".format
        return f"{{:,.{max(0, 1 - int(np.floor(np.log10(error))))}f}}".format


def jackknife_over_folds(measure, fold_of, n_folds):
    """Return the estimate of each number in the dict that `measure` gives for chosen rows."""
    whole = measure(np.ones(len(fold_of), dtype=bool))
    parts = [measure(fold_of != k) for k in range(n_folds)]
    return {
        name: JackknifeEstimate(value, np.array([part[name] for part in parts]))
        for name, value in whole.items()
    }
