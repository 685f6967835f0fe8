"""Exponential surrogate of all pairs, φ(d) = e^{−d}: the double sum is a product of two sums."""

import numpy as np

LOSS_OF_EQUALS = 1.0


def loss_and_gradient(rows):
    """Return Σ a_i b_j e^{−(s_i − s_j)} and its derivatives, pushes less pulls."""
    factors = Factors.of(rows)
    loss, gradient = 0.0, np.empty(len(rows))
    for block, s, a, b in rows:
        pulls, pushes = factors.pulls_and_pushes(s, a, b)
        loss += pulls.sum()
        gradient[block] = pushes - pulls
    return loss, gradient


def diagonal(rows):
    """Return pulls + pushes less the pairs of a row with itself."""
    factors = Factors.of(rows)
    result = np.empty(len(rows))
    for block, s, a, b in rows:
        pulls, pushes = factors.pulls_and_pushes(s, a, b)
        result[block] = pulls + pushes - 2 * a * b
    return result


def product(rows, vector):
    """Return pulls · (v − its mean over the negatives) + pushes · (v − that over the positives)."""
    return Factors.of(rows, vector).product(rows, vector)


class Factors:
    """Σ a_i e^{−s_i} and Σ b_j e^{s_j}, each with its largest e-power taken out: a shift is free.

    A positive row i is pulled up by a_i e^{−s_i} Σ_j b_j e^{s_j}, a negative one pushed down.
    With a vector v there are Σ a_i v_i e^{−s_i} and Σ b_j v_j e^{s_j}, too. Those of several blocks
    of rows add up.
    """

    def __init__(self, lowest, highest, of_a, of_b):
        self.lowest, self.highest = lowest, highest
        # Each the sum without and with the vector.
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
        """Return the factors of both."""
        lowest, highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        both = Factors(lowest, highest, np.zeros(2), np.zeros(2))
        for part in (self, other):  # a block without positives or negatives has no e-power, nor sum
            if part.lowest < np.inf:
                both.of_a += part.of_a * np.exp(lowest - part.lowest)
            if part.highest > -np.inf:
                both.of_b += part.of_b * np.exp(part.highest - highest)
        return both

    def expansions(self):
        """Return what each block needs of the others: the sums themselves."""
        return self

    @property
    def loss(self):
        """Σ a_i b_j e^{−(s_i − s_j)}."""
        with np.errstate(over="ignore"):
            return self.of_a[0] * self.of_b[0] * np.exp(self.highest - self.lowest)

    def terms(self, s, a, b):
        """Return a e^{lowest − s} and b e^{s − highest}."""
        return _times_exp(a, self.lowest - s), _times_exp(b, s - self.highest)

    def pulls_and_pushes(self, s, a, b):
        """Return a_k Σ_j b_j e^{−(s_k − s_j)} and b_k Σ_i a_i e^{−(s_i − s_k)} for each k."""
        pulls, pushes = _times_exp(a, self.highest - s), _times_exp(b, s - self.lowest)
        return pulls * self.of_b[0], pushes * self.of_a[0]

    def gradient(self, rows):
        """Return the derivative of the double sum by each score of a block."""
        result = np.empty(len(rows))
        for block, s, a, b in rows:
            pulls, pushes = self.pulls_and_pushes(s, a, b)
            result[block] = pushes - pulls
        return result

    def product(self, rows, vector):
        """Return the Hessian of the double sum times a vector, in the rows of a block."""
        mean_a, mean_b = self.of_a[1] / self.of_a[0], self.of_b[1] / self.of_b[0]
        result = np.empty(len(rows))
        for block, s, a, b in rows:
            pulls, pushes = self.pulls_and_pushes(s, a, b)
            result[block] = pulls * (vector[block] - mean_b) + pushes * (vector[block] - mean_a)
        return result


def _times_exp(weight, x):
    """Return weight · e^x: infinite beyond float64, but 0 where the weight is."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(weight > 0, weight * np.exp(x), 0.0)
