"""Logistic surrogate of all pairs, φ(d) = log(1 + e^{−d}): sums over cells of scores."""

import numpy as np

from ._bands import Bands
from ._kernel_sum import MIRRORED_SIGMOID, MIRRORED_SOFTPLUS, SIGMOID, SIGMOID_SLOPE, Cells

LOSS_OF_EQUALS = np.log(2)
# φ''(0)
CURVATURE_OF_EQUALS = 0.25


def loss_and_gradient(rows):
    """Return Σ a_i b_j φ(s_i − s_j) and its derivatives b_k S_a(s_k) − a_k S̄_b(s_k)."""
    cells = Cells(rows.s, rows.low, rows.high)
    if cells.are_too_many:
        return Bands(rows, cells).loss_and_gradient(loss_and_gradient)
    loss, expansions = loss_and_expansions(cells, moments(cells, rows))
    return loss, gradient(cells, expansions, rows)


def moments(cells, rows):
    """Return the moments of a and of b in each cell."""
    return cells.moments(((s, (a, b)) for _, s, a, b in rows), n_rows=2)


def loss_and_expansions(cells, moments):
    """Return Σ a_i b_j φ(s_i − s_j), and S_a and S̄_b in each cell, from the moments of all rows."""
    pairs = [(SIGMOID, 0), (MIRRORED_SIGMOID, 1), (MIRRORED_SOFTPLUS, 1)]
    *sigmoids, losses = cells.local_expansions(moments, pairs)
    # The moments sum a polynomial over the points of a cell, without another pass over the rows.
    return np.vdot(moments[0], losses), sigmoids


def gradient(cells, expansions, rows):
    """Return b_k S_a(s_k) − a_k S̄_b(s_k) for some rows."""
    fine_expansions = [cells.to_fine_cells(each) for each in expansions]
    result = np.empty(len(rows))
    for block, s, a, b in rows:
        sum_a, sum_b = cells.evaluate(s, fine_expansions)
        result[block] = b * sum_a - a * sum_b
    return result


def diagonal(rows):
    """Return a_k T_b(s_k) + b_k T_a(s_k) minus the pairs of a row with itself."""
    cells = Cells(rows.s, rows.low, rows.high)
    if cells.are_too_many:
        return Bands(rows, cells).sum_over_near_rows(lambda near, at: diagonal(near))
    expansions = cells.local_expansions(
        moments(cells, rows), [(SIGMOID_SLOPE, 0), (SIGMOID_SLOPE, 1)]
    )
    fine_expansions = [cells.to_fine_cells(each) for each in expansions]
    result = np.empty(len(rows))
    for block, s, a, b in rows:
        sum_a, sum_b = cells.evaluate(s, fine_expansions)
        result[block] = a * sum_b + b * sum_a - 2 * CURVATURE_OF_EQUALS * a * b
    return result


def product(rows, vector):
    """Return v (a T_b + b T_a) − (a T_{bv} + b T_{av})."""
    cells = Cells(rows.s, rows.low, rows.high)
    if cells.are_too_many:
        return Bands(rows, cells).sum_over_near_rows(lambda near, at: product(near, vector[at]))
    expansions = slope_expansions(cells, slope_moments(cells, rows, vector))
    return slope_product(cells, expansions, rows, vector)


def slope_moments(cells, rows, vector):
    """Return the moments of a, b, a v and b v in each cell."""
    weighted = ((s, (a, b, a * vector[at], b * vector[at])) for at, s, a, b in rows)
    return cells.moments(weighted, n_rows=4)


def slope_expansions(cells, moments):
    """Return T_a, T_b, T_{av} and T_{bv} in each cell, from the moments of all rows."""
    return cells.local_expansions(moments, [(SIGMOID_SLOPE, row) for row in range(4)])


def slope_product(cells, expansions, rows, vector):
    """Return v (a T_b + b T_a) − (a T_{bv} + b T_{av}) for some rows."""
    fine_expansions = [cells.to_fine_cells(each) for each in expansions]
    result = np.empty(len(rows))
    for block, s, a, b in rows:
        sum_a, sum_b, sum_av, sum_bv = cells.evaluate(s, fine_expansions)
        v = vector[block]
        result[block] = a * (v * sum_b - sum_bv) + b * (v * sum_a - sum_av)
    return result
