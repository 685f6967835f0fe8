"""Hinge surrogate of all pairs, φ(d) = max(0, 1 − d): sums over the sorted scores."""

import numpy as np

from ._sorted_pairs import SortedPairs

LOSS_OF_EQUALS = 1.0


def loss_and_gradient(rows):
    """Return Σ a_i b_j (1 − d) and b_k Σ_i a_i − a_k Σ_j b_j, over active pairs."""
    pairs = SortedPairs(rows)
    loss, gradient = 0.0, np.empty(len(rows))
    for ranks, a, _, (count, slack) in pairs.sums_over_j(lambda ranks, a, b: b, degree=1):
        loss += a @ slack
        gradient[ranks] = -a * count
    for ranks, _, b, (count,) in pairs.sums_over_i(lambda ranks, a, b: a):
        gradient[ranks] += b * count
    return loss, pairs.in_order_of_rows(gradient)


def diagonal(rows):
    """Return zeros: the hinge is piecewise linear."""
    return np.zeros(len(rows))


def product(rows, vector):
    """Return zeros, as for the diagonal."""
    return np.zeros(len(rows))
