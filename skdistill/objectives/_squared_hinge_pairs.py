"""Squared hinge surrogate of all pairs, φ(d) = max(0, 1 − d)²: sums over the sorted scores."""

import numpy as np

from ._sorted_pairs import SortedPairs

LOSS_OF_EQUALS = 1.0


def loss_and_gradient(rows):
    """Return Σ a_i b_j (1 − d)² and 2 b_k Σ_i a_i (1 − d) − 2 a_k Σ_j b_j (1 − d), active pairs."""
    pairs = SortedPairs(rows)
    loss, gradient = 0.0, np.empty(len(rows))
    for ranks, a, _, (_, slack, square) in pairs.sums_over_j(lambda ranks, a, b: b, degree=2):
        loss += a @ square
        gradient[ranks] = -2 * a * slack
    for ranks, _, b, (_, slack) in pairs.sums_over_i(lambda ranks, a, b: a, degree=1):
        gradient[ranks] += 2 * b * slack
    return loss, pairs.in_order_of_rows(gradient)


def diagonal(rows):
    """Return 2 a_k Σ_j b_j + 2 b_k Σ_i a_i over active pairs, without j = k and i = k."""
    pairs, result = SortedPairs(rows), np.empty(len(rows))
    for ranks, a, b, (of_b,) in pairs.sums_over_j(lambda ranks, a, b: b):
        result[ranks] = 2 * a * (of_b - b)
    for ranks, a, b, (of_a,) in pairs.sums_over_i(lambda ranks, a, b: a):
        result[ranks] += 2 * b * (of_a - a)
    return pairs.in_order_of_rows(result)


def product(rows, vector):
    """Return 2 a_k Σ_j b_j (v_k − v_j) + 2 b_k Σ_i a_i (v_k − v_i), over active pairs."""
    pairs, result = SortedPairs(rows), np.empty(len(rows))
    vector = vector[pairs.order]
    for ranks, a, _, (of_b,) in pairs.sums_over_j(lambda ranks, a, b: b):
        result[ranks] = 2 * a * of_b * vector[ranks]
    for ranks, _, b, (of_a,) in pairs.sums_over_i(lambda ranks, a, b: a):
        result[ranks] += 2 * b * of_a * vector[ranks]
    for ranks, a, _, (of_bv,) in pairs.sums_over_j(lambda ranks, a, b: b * vector[ranks]):
        result[ranks] -= 2 * a * of_bv
    for ranks, _, b, (of_av,) in pairs.sums_over_i(lambda ranks, a, b: a * vector[ranks]):
        result[ranks] -= 2 * b * of_av
    return pairs.in_order_of_rows(result)
