"""Regressions that grow the classification tree of an impurity: targets and inverse transform.

Gini: the impurity of weighted labels, 1 − Σ_k p̄_k², and the summed variance of the probability
rows, Σ_k (mean of p_k² − p̄_k²), differ by a sum over rows that does not depend on the split.

Entropy: the same holds for −Σ_k p̄_k log p̄_k and the Poisson deviance of the probability rows,
Σ_k (mean of p_k log p_k − p̄_k log p̄_k), which is half of scikit-learn's. Hence both choose the
same splits, and the mean probabilities of a leaf are its class frequencies.
"""

import numpy as np
from scipy.special import xlogy

# scikit-learn's Poisson criterion rejects children in which the sum of a target is (almost) 0,
# which would forbid leaves without a class. So every target is raised by FLOOR, a power of two
# that is subtracted from the means exactly. All targets are scaled if weights are so small that
# the sum over a single row would be below the smallest sum.
FLOOR = 2.0**-30
SMALLEST_SUM = 1e-14
# Rounding error of a probability of 0 after the floor is subtracted.
ROUNDING_ERROR = 1e-22


class SquaredError:
    """Regression for the Gini impurity; two classes need one column, which takes half the time."""

    criterion = "squared_error"

    def __init__(self, proba, weight):
        self.n_classes = proba.shape[1]
        self.targets = proba[:, 1] if self.n_classes == 2 else proba
        # The criterion is the mean over columns, Gini the sum over classes.
        self.per_impurity = 1 / self.n_classes

    def proba(self, means):
        """Return the frequency of each class from means of the targets, one column for each."""
        return np.column_stack([1 - means, means]) if self.n_classes == 2 else means

    @staticmethod
    def impurity(frequencies):
        """Return the Gini impurity of rows of frequencies."""
        return 1 - np.einsum("nk,nk->n", frequencies, frequencies)


class PoissonDeviance:
    """Regression for the entropy."""

    criterion = "poisson"

    def __init__(self, proba, weight):
        lightest = weight[weight > 0].min(initial=1.0)
        needed = SMALLEST_SUM / FLOOR / lightest
        self.scale = 2.0 ** max(0, np.ceil(np.log2(needed)))
        self.targets = self.scale * (proba + FLOOR)
        # The deviance is the mean over columns, in nats; scikit-learn's entropy is in bits.
        self.per_impurity = self.scale * np.log(2) / proba.shape[1]

    def proba(self, means):
        """Return the frequency of each class from means of the targets, one column for each."""
        frequencies = means / self.scale - FLOOR
        frequencies[frequencies < ROUNDING_ERROR] = 0
        return frequencies

    @staticmethod
    def impurity(frequencies):
        """Return the entropy of rows of frequencies, in bits."""
        return -xlogy(frequencies, frequencies).sum(axis=1) / np.log(2)


REGRESSIONS = {"gini": SquaredError, "entropy": PoissonDeviance, "log_loss": PoissonDeviance}
