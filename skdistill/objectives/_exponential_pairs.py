"""Exponential surrogate of all pairs, φ(d) = e^{−d}: the double sum is a product of two sums."""

import numpy as np

LOSS_OF_EQUALS = 1.0


def loss_and_gradient(rows):
    """Return Σ a_i b_j e^{−(s_i − s_j)} and its derivatives, pushes less pulls."""
    factors = _Factors(rows)
    loss, gradient = 0.0, np.empty(len(rows))
    for block, s, a, b in rows:
        pulls, pushes = factors.pulls_and_pushes(s, a, b)
        loss += pulls.sum()
        gradient[block] = pushes - pulls
    return loss, gradient


def diagonal(rows):
    """Return pulls + pushes less the pairs of a row with itself."""
    factors = _Factors(rows)
    result = np.empty(len(rows))
    for block, s, a, b in rows:
        pulls, pushes = factors.pulls_and_pushes(s, a, b)
        result[block] = pulls + pushes - 2 * a * b
    return result


def product(rows, vector):
    """Return pulls · (v − its mean over the negatives) + pushes · (v − that over the positives)."""
    factors = _Factors(rows)
    by_a, by_b = 0.0, 0.0
    for block, s, a, b in rows:
        from_a, from_b = factors.terms(s, a, b)
        by_a, by_b = by_a + vector[block] @ from_a, by_b + vector[block] @ from_b
    mean_a, mean_b = by_a / factors.sum_a, by_b / factors.sum_b
    result = np.empty(len(rows))
    for block, s, a, b in rows:
        pulls, pushes = factors.pulls_and_pushes(s, a, b)
        result[block] = pulls * (vector[block] - mean_b) + pushes * (vector[block] - mean_a)
    return result


class _Factors:
    """Σ a_i e^{−s_i} and Σ b_j e^{s_j}, each with its largest e-power taken out: a shift is free.

    A positive row i is pulled up by a_i e^{−s_i} Σ_j b_j e^{s_j}, a negative one pushed down.
    """

    def __init__(self, rows):
        self.lowest = min(s[a > 0].min(initial=np.inf) for _, s, a, _ in rows)
        self.highest = max(s[b > 0].max(initial=-np.inf) for _, s, _, b in rows)
        self.sum_a = self.sum_b = 0.0
        for _, s, a, b in rows:
            from_a, from_b = self.terms(s, a, b)
            self.sum_a, self.sum_b = self.sum_a + from_a.sum(), self.sum_b + from_b.sum()

    def terms(self, s, a, b):
        """Return a e^{lowest − s} and b e^{s − highest}."""
        return _times_exp(a, self.lowest - s), _times_exp(b, s - self.highest)

    def pulls_and_pushes(self, s, a, b):
        """Return a_k Σ_j b_j e^{−(s_k − s_j)} and b_k Σ_i a_i e^{−(s_i − s_k)} for each k."""
        pulls, pushes = _times_exp(a, self.highest - s), _times_exp(b, s - self.lowest)
        return pulls * self.sum_b, pushes * self.sum_a


def _times_exp(weight, x):
    """Return weight · e^x: infinite beyond float64, but 0 where the weight is."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(weight > 0, weight * np.exp(x), 0.0)
