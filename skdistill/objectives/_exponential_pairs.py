"""Exponential surrogate of all pairs, φ(d) = e^{−d}: the double sum is a product of two sums."""

import numpy as np

LOSS_OF_EQUALS = 1.0


def loss_and_gradient(rows):
    """Return Σ a_i b_j e^{−(s_i − s_j)} and its derivatives."""
    factors = Factors.of(rows)
    loss, gradient = 0.0, np.empty(len(rows))
    for block, s, a, b in rows:
        positive, negative = factors.losses_by_role(s, a, b)
        loss += positive.sum()
        gradient[block] = negative - positive
    return loss, gradient


def diagonal(rows):
    """Return the second derivatives, without the pairs of a row with itself."""
    factors = Factors.of(rows)
    result = np.empty(len(rows))
    for block, s, a, b in rows:
        positive, negative = factors.losses_by_role(s, a, b)
        result[block] = positive + negative - 2 * a * b
    return result


def product(rows, vector):
    """Return the Hessian of the double sum times a vector."""
    return Factors.of(rows, vector).product(rows, vector)


class Factors:
    """Σ a_i e^{−s_i} and Σ b_j e^{s_j}, each scaled by its largest exponential.

    With a vector v also Σ a_i v_i e^{−s_i} and Σ b_j v_j e^{s_j}. The factors of blocks of rows
    can be added.
    """

    def __init__(self, lowest, highest, of_a, of_b):
        self.lowest, self.highest = lowest, highest
        # Each has the sum without and with the vector.
        self.of_a, self.of_b = of_a, of_b

    @classmethod
    def of(cls, rows, vector=None):
        """Return the factors of some rows."""
        lowest = min(s[a > 0].min(initial=np.inf) for _, s, a, _ in rows)
        highest = max(s[b > 0].max(initial=-np.inf) for _, s, _, b in rows)
        factors = cls(lowest, highest, np.zeros(2), np.zeros(2))
        for block, s, a, b in rows:
            for sums, terms in zip(
                (factors.of_a, factors.of_b), factors.terms(s, a, b), strict=True
            ):
                sums[0] += terms.sum()
                if vector is not None:
                    sums[1] += vector[block] @ terms
        return factors

    def __add__(self, other):
        """Return the factors of both blocks."""
        lowest, highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        both = Factors(lowest, highest, np.zeros(2), np.zeros(2))
        for part in (self, other):  # without positives or negatives there is nothing to scale
            if part.lowest < np.inf:
                both.of_a += part.of_a * np.exp(lowest - part.lowest)
            if part.highest > -np.inf:
                both.of_b += part.of_b * np.exp(part.highest - highest)
        return both

    def expansions(self):
        """Return the sums over all blocks, as `Moments.expansions` does."""
        return self

    @property
    def loss(self):
        """Σ a_i b_j e^{−(s_i − s_j)}."""
        with np.errstate(over="ignore"):
            return self.of_a[0] * self.of_b[0] * np.exp(self.highest - self.lowest)

    def terms(self, s, a, b):
        """Return a e^{lowest − s} and b e^{s − highest}."""
        return _times_exp(a, self.lowest - s), _times_exp(b, s - self.highest)

    def losses_by_role(self, s, a, b):
        """Return a_k Σ_j b_j e^{−(s_k − s_j)} and b_k Σ_i a_i e^{−(s_i − s_k)} for each k."""
        positive, negative = _times_exp(a, self.highest - s), _times_exp(b, s - self.lowest)
        return positive * self.of_b[0], negative * self.of_a[0]

    def gradient(self, rows):
        """Return the derivative of the double sum by each score of a block."""
        result = np.empty(len(rows))
        for block, s, a, b in rows:
            positive, negative = self.losses_by_role(s, a, b)
            result[block] = negative - positive
        return result

    def product(self, rows, vector):
        """Return the Hessian of the double sum times a vector, for the rows of a block.

        Row k is positive_k (v_k − mean of v over the negatives) + negative_k (v_k − mean over the
        positives), with the two terms of `losses_by_role`.
        """
        mean_a, mean_b = self.of_a[1] / self.of_a[0], self.of_b[1] / self.of_b[0]
        result = np.empty(len(rows))
        for block, s, a, b in rows:
            positive, negative = self.losses_by_role(s, a, b)
            result[block] = positive * (vector[block] - mean_b) + negative * (
                vector[block] - mean_a
            )
        return result


def _times_exp(weight, x):
    """Return weight · e^x: infinite if e^x overflows, but 0 where the weight is 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(weight > 0, weight * np.exp(x), 0.0)
