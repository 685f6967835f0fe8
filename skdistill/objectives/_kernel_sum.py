"""Sums Σ_j w_j K(x_i − x_j) over all j for every i, in linear time.

The kernels here are analytic for |Im d| < π and flat or linear beyond 40, so that the points can
be put into cells: within two cells that are D apart the kernel is, to rounding, a polynomial in the
positions within each. A cell keeps its moments Σ w T_k(u) by Chebyshev polynomials, the cells talk
by matrices that depend on D alone, and each point reads its sum back by the same polynomials.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import expit

# Beyond this distance a logistic function is 0 or 1 in float64.
REACH = 40.0
# Points per block when polynomials are evaluated: they stay in the processor's cache.
BLOCK = 8192
# More cells than this are not laid out: only those that hold a point.
MOST_CELLS = 16_384
# Up to this range small cells of few terms are fastest; beyond, large cells of more terms.
NARROW = 64.0


class Kernel(NamedTuple):
    """A function of the distance d: far left `left` + `slope` · d, far right `right`."""

    name: str
    left: float
    slope: float
    right: float

    def __call__(self, d):
        if self.name == "sigmoid":
            return expit(d)
        if self.name == "mirrored sigmoid":
            return expit(-d)
        if self.name == "mirrored softplus":
            return np.logaddexp(0, -d)
        return expit(d) * expit(-d)


SIGMOID = Kernel("sigmoid", 0.0, 0.0, 1.0)
MIRRORED_SIGMOID = Kernel("mirrored sigmoid", 1.0, 0.0, 0.0)
MIRRORED_SOFTPLUS = Kernel("mirrored softplus", 0.0, -1.0, 0.0)
SIGMOID_SLOPE = Kernel("sigmoid slope", 0.0, 0.0, 0.0)


def kernel_sums(points, weights, wanted):
    """Return Σ_j w_j K(x_i − x_j) for each wanted pair of a kernel and a row of weights.

    Parameters
    ----------
    points : ndarray of shape (n,), float64
        Finite, and below 2^50 in size.

    weights : list of ndarray of shape (n,), float64
        Rows of weights.

    wanted : list of (Kernel, int)
        Which kernel is summed with which row of weights.

    Returns
    -------
    list of ndarray of shape (n,), float64
        One sum per wanted pair.
    """
    width, n_terms = (0.25, 9) if np.ptp(points) <= NARROW else (1.0, 14)
    cells = _Cells(points, width)
    moments = _moments(cells, weights, n_terms)
    answers = [_answers(cells, kernel, moments[row], n_terms) for kernel, row in wanted]
    return _read_back(cells, answers, n_terms)


class _Cells:
    """Points in cells whose borders are multiples of a power of two: no rounding decides."""

    def __init__(self, points, width):
        self.points, self.width = points, width
        index = np.floor(points / width).astype(np.int64)
        low, high = index.min(), index.max()
        if high - low < MOST_CELLS:
            self.ids = np.arange(low, high + 1)
            self.cell = index - low
        else:
            self.ids, self.cell = np.unique(index, return_inverse=True)

    def polynomials(self, block, n_terms):
        """Return T_k(u) of the points of a block, one row per point, with u in [−1, 1]."""
        half = self.width / 2
        u = (self.points[block] - (self.ids[self.cell[block]] * self.width + half)) / half
        values = np.empty((n_terms, len(u)))
        values[0], values[1] = 1, u
        for k in range(2, n_terms):
            np.multiply(u, values[k - 1], out=values[k])
            values[k] *= 2
            values[k] -= values[k - 2]
        return values


def _blocks(cells, points_per_cell=4):
    """Yield slices over the points: small ones, but not small beside the table of cells."""
    size = max(BLOCK, points_per_cell * len(cells.ids))
    for start in range(0, len(cells.points), size):
        yield slice(start, min(start + size, len(cells.points)))


def _moments(cells, rows, n_terms):
    """Return Σ w T_k(u) over the points of each cell: (n_rows, n_terms, n_cells)."""
    n_cells = len(cells.ids)
    moments = np.zeros((len(rows), n_terms, n_cells))
    for block in _blocks(cells):
        cell, polynomials = cells.cell[block], cells.polynomials(block, n_terms)
        for row, weights in enumerate(rows):
            for k in range(n_terms):
                terms = polynomials[k] * weights[block]
                moments[row, k] += np.bincount(cell, weights=terms, minlength=n_cells)
    return moments


def _answers(cells, kernel, moments, n_terms):
    """Return each cell's sum as a polynomial in u: coefficients of shape (n_terms, n_cells)."""
    answers = np.zeros_like(moments)
    reach = int(REACH / cells.width) + 1
    span = int(min(reach, cells.ids[-1] - cells.ids[0]))
    for shift in range(-span, span + 1):
        near = _near(kernel, cells.width, n_terms, shift)
        here, there = _pairs(cells.ids, shift)
        answers[:, here] += near @ moments[:, there]
    _add_far(answers, cells, kernel, moments, reach)
    return answers


def _pairs(ids, shift):
    """Return the cells that have one `shift` cells to their left, and those ones."""
    if ids[-1] - ids[0] == len(ids) - 1:  # no gaps: the pairs are slices
        n_pairs = len(ids) - abs(shift)
        here, there = max(shift, 0), max(-shift, 0)
        return slice(here, here + n_pairs), slice(there, there + n_pairs)
    there = np.minimum(np.searchsorted(ids, ids - shift), len(ids) - 1)
    here = np.flatnonzero(ids[there] == ids - shift)
    return here, there[here]


@cache
def _near(kernel, width, n_terms, shift):
    """Return how moments turn into coefficients `shift` cells further to the right."""
    angles = (np.arange(n_terms) + 0.5) * np.pi / n_terms
    nodes = np.cos(angles)
    to_coefficients = 2 / n_terms * np.cos(np.outer(np.arange(n_terms), angles))
    to_coefficients[0] /= 2
    distances = shift * width + width / 2 * (nodes[:, None] - nodes[None, :])
    return to_coefficients @ kernel(distances) @ to_coefficients.T


def _add_far(answers, cells, kernel, moments, reach):
    """Add what lies beyond the kernel's reach: constants, and lines on the right."""
    ids, half = cells.ids, cells.width / 2
    # Seen from a cell in the middle, so that far-away points cost no digit of the near ones.
    centre = (ids - ids[len(ids) // 2]) * cells.width + half
    mass, place = moments[0], centre * moments[0] + half * moments[1]
    before = np.concatenate([[0], np.cumsum(mass)])
    after = np.concatenate([np.cumsum(mass[::-1])[::-1], [0]])
    place_after = np.concatenate([np.cumsum(place[::-1])[::-1], [0]])
    answers[0] += kernel.right * before[np.searchsorted(ids, ids - reach)]
    first = np.searchsorted(ids, ids + reach, side="right")
    answers[0] += (kernel.left + kernel.slope * centre) * after[first]
    answers[0] -= kernel.slope * place_after[first]
    answers[1] += kernel.slope * half * after[first]


def _read_back(cells, answers, n_terms):
    """Return the sum at each point."""
    sums = [np.empty(len(cells.points)) for _ in answers]
    for block in _blocks(cells):
        cell, polynomials = cells.cell[block], cells.polynomials(block, n_terms)
        for total, coefficients in zip(sums, answers, strict=True):
            total[block] = coefficients[0].take(cell)
            for k in range(1, n_terms):
                total[block] += polynomials[k] * coefficients[k].take(cell)
    return sums
