"""Logistic surrogate of all pairs, φ(d) = log(1 + e^{−d}): sums over cells of scores."""

import numpy as np

from . import _dense_pairs
from ._bands import Bands
from ._kernel_sum import MIRRORED_SIGMOID, MIRRORED_SOFTPLUS, SIGMOID, SIGMOID_SLOPE, Cells
from ._sparse_kernel_sum import SparseCells

LOSS_OF_EQUALS = np.log(2)
# φ''(0)
CURVATURE_OF_EQUALS = 0.25
# The kernels of S_a, S̄_b and the loss, and the row of their weights: a or b.
PAIRS = [(SIGMOID, 0), (MIRRORED_SIGMOID, 1), (MIRRORED_SOFTPLUS, 1)]


def loss_and_gradient(rows):
    """Return Σ a_i b_j φ(s_i − s_j) and its derivatives b_k S_a(s_k) − a_k S̄_b(s_k)."""
    if len(rows) <= _dense_pairs.MAX_ROWS:
        return _dense_pairs.loss_and_gradient(rows)
    cells = Cells.contiguous_or_none(rows.s, rows.low, rows.high)
    if cells is None:
        return Bands(rows).loss_and_gradient(_loss_and_gradient_near)
    return _loss_and_gradient_in(cells, rows)


def _loss_and_gradient_in(cells, rows):
    loss, expansions = loss_and_expansions(cells, moments(cells, rows))
    return loss, gradient(cells, expansions, rows)


def _loss_and_gradient_near(rows):
    """Return loss and gradient of sorted rows near a band."""
    cells = SparseCells(rows.s)
    if not cells.are_sparse:
        return _loss_and_gradient_in(Cells(rows.s, rows.low, rows.high), rows)
    sum_a, sum_b, losses = cells.sums((rows.a, rows.b), PAIRS)
    return rows.a @ losses, rows.b * sum_a - rows.a * sum_b


def moments(cells, rows):
    """Return the moments of a and of b in each cell."""
    return cells.moments(((s, (a, b)) for _, s, a, b in rows), n_rows=2)


def loss_and_expansions(cells, moments):
    """Return Σ a_i b_j φ(s_i − s_j), and S_a and S̄_b in each cell, from the moments of all rows."""
    *sigmoids, losses = cells.local_expansions(moments, PAIRS)
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
    if len(rows) <= _dense_pairs.MAX_ROWS:
        return _dense_pairs.diagonal(rows)
    cells = Cells.contiguous_or_none(rows.s, rows.low, rows.high)
    if cells is None:
        return Bands(rows).sum_over_near_rows(lambda near, at: _diagonal_near(near))
    return _diagonal_in(cells, rows)


def _diagonal_in(cells, rows):
    expansions = cells.local_expansions(
        moments(cells, rows), [(SIGMOID_SLOPE, 0), (SIGMOID_SLOPE, 1)]
    )
    fine_expansions = [cells.to_fine_cells(each) for each in expansions]
    result = np.empty(len(rows))
    for block, s, a, b in rows:
        sum_a, sum_b = cells.evaluate(s, fine_expansions)
        result[block] = a * sum_b + b * sum_a - 2 * CURVATURE_OF_EQUALS * a * b
    return result


def _diagonal_near(rows):
    """Return the diagonal of sorted rows near a band."""
    cells = SparseCells(rows.s)
    if not cells.are_sparse:
        return _diagonal_in(Cells(rows.s, rows.low, rows.high), rows)
    a, b = rows.a, rows.b
    sum_a, sum_b = cells.sums((a, b), [(SIGMOID_SLOPE, 0), (SIGMOID_SLOPE, 1)])
    return a * sum_b + b * sum_a - 2 * CURVATURE_OF_EQUALS * a * b


def product(rows, vector):
    """Return v (a T_b + b T_a) − (a T_{bv} + b T_{av})."""
    if len(rows) <= _dense_pairs.MAX_ROWS:
        return _dense_pairs.product(rows, vector)
    cells = Cells.contiguous_or_none(rows.s, rows.low, rows.high)
    if cells is None:
        return Bands(rows).sum_over_near_rows(lambda near, at: _product_near(near, vector[at]))
    return _product_in(cells, rows, vector)


def _product_near(rows, vector):
    """Return the product of sorted rows near a band."""
    cells = SparseCells(rows.s)
    if not cells.are_sparse:
        return _product_in(Cells(rows.s, rows.low, rows.high), rows, vector)
    a, b, v = rows.a, rows.b, vector
    kernels = [(SIGMOID_SLOPE, row) for row in range(4)]
    sum_a, sum_b, sum_av, sum_bv = cells.sums((a, b, a * v, b * v), kernels)
    return a * (v * sum_b - sum_bv) + b * (v * sum_a - sum_av)


def _product_in(cells, rows, vector):
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
