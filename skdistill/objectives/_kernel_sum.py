"""Sums Σ_j w_j K(x_i − x_j) over all j for every i, by a one-dimensional fast multipole method.

The kernels are analytic for |Im d| < π, and constant or linear beyond 40. Points are put into
cells. For two cells at distance D the kernel is, to rounding, a polynomial in the positions of the
points within their cells. There are three steps, and only the first and the last use the points:

1. compute the moments Σ w t^m of each cell, with t the position of a point in its cell
   (`Cells.moments`);
2. translate the moments of all cells into a local expansion in each cell, by matrices that depend
   only on the distance of two cells (`Cells.local_expansions`);
3. evaluate the local expansion of its cell, a polynomial in t, at each point (`Cells.evaluate`).

Narrow cells need fewer terms, but there are more of them to translate. So there are two levels:
fine cells with few terms for the points, and coarse cells for the translation. The moments of a
coarse cell are sums over its fine cells, since its polynomials are polynomials on each of them.
"""

from functools import cache
from math import ceil, floor, log, pi
from typing import NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.special import expit

# Beyond this distance, the far field, a logistic function is 0 or 1 in float64.
NEAR_FIELD = 40.0
# Up to this range of points, narrow coarse cells with few terms are fastest; beyond, wide ones.
NARROW = 64.0
NARROW_WIDTH = 0.25
# If the range needs more coarse cells than this, or than points, only occupied cells are stored.
MAX_CELLS = 16_384
# Coarse cells whose near field is computed at once.
CELLS_PER_BATCH = 128
# Widths of fine cells: the widest for 4, 5, 6, 7 and 8 terms.
FINE_WIDTHS = (2.0**-10, 2.0**-7, 2.0**-5, 2.0**-4, 2.0**-3)
# Fine cells are faster with this many points per cell, while their table stays in cache.
POINTS_PER_FINE_CELL = 8
MAX_FINE_CELLS = 32_768


class Kernel(NamedTuple):
    """A function of the distance d; `left` + `slope` · d for d → −∞, and `right` for d → ∞."""

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


def n_terms(width):
    """Return the number of terms for which a kernel is exact to rounding in cells of this width.

    For polynomials of p terms on [−width/2, width/2] and singularities at ±πi, the error is about
    2 (width / 4π)^p.
    """
    return ceil(log(5e-16) / log(width / (4 * pi)))


class Cells:
    """Cells of points; borders are multiples of a power of two, and so exact in float64."""

    def __init__(self, points, low, high):
        width = NARROW_WIDTH if high - low <= NARROW else 1.0
        first, last = floor(low / width), floor(high / width)
        if last - first < min(MAX_CELLS, len(points)):
            ids = np.arange(first, last + 1)
        else:
            ids = np.unique(np.floor(points / width)).astype(np.int64)
        self._set_cells(ids, width, len(points))

    @classmethod
    def contiguous(cls, first, n_cells, n_points=0):
        """Return a contiguous range of narrow cells, occupied or not.

        Blocks of rows on different machines get the same cells without exchanging points.
        """
        cells = object.__new__(cls)
        cells._set_cells(np.arange(first, first + n_cells), NARROW_WIDTH, n_points)
        return cells

    def _set_cells(self, ids, width, n_points):
        """Set the coarse cells, and the fine cells that suit the number of points."""
        self.ids, self.width = ids, width
        self.are_too_many = len(self.ids) > MAX_CELLS
        most = min(n_points // POINTS_PER_FINE_CELL, MAX_FINE_CELLS)
        fine = [w for w in FINE_WIDTHS if len(self.ids) * self.width / w <= most]
        self.fine_width = fine[0] if fine else self.width
        self.n_children = int(self.width / self.fine_width)
        # Shape of the moments of fine cells: terms and cells.
        self.fine_shape = n_terms(self.fine_width), len(self.ids) * self.n_children
        # Number of a fine cell minus its index among the stored ones.
        self.offset = (self.ids - np.arange(len(self.ids))) * self.n_children
        self.has_gaps = self.offset[0] != self.offset[-1]

    def locate(self, points):
        """Return the fine cell of each point, and its position in the cell, in [−1/2, 1/2)."""
        position = points * (1 / self.fine_width)
        number = np.floor(position)
        position -= number
        position -= 0.5
        cell = number.astype(np.int64)
        if self.has_gaps:
            cell -= self.offset[np.searchsorted(self.ids, cell // self.n_children)]
        else:
            cell -= self.offset[0]
        return cell, position

    def moments(self, blocks, n_rows):
        """Return Σ w T_k over the points of each coarse cell: (n_rows, n_terms, n_cells).

        `blocks` yields points and `n_rows` arrays of their weights.
        """
        fine = np.zeros((n_rows, *self.fine_shape))
        for points, weights in blocks:
            cell, position = self.locate(points)
            for powers, terms in zip(fine, weights, strict=True):
                np.add.at(powers[0], cell, terms)
                for power in powers[1:]:
                    terms = terms * position
                    np.add.at(power, cell, terms)
        return self.merge_moments(fine)

    def merge_moments(self, fine):
        """Return the moments of coarse cells, in T_k, from those of fine cells, in t^m."""
        fine = fine.reshape(*fine.shape[:2], len(self.ids), self.n_children)
        children = _child_polynomials(self.width, self.fine_width)
        return np.einsum("cmk,rmic->rki", children, fine, optimize=True)

    def local_expansions(self, moments, pairs):
        """Return Σ_j w_j K(x − x_j) over each coarse cell, as coefficients of its T_k.

        One array of shape (n_terms, n_cells) for each pair of a kernel and a row of the moments.
        """
        radius = _near_field_radius(self.width)
        span = int(min(radius, self.ids[-1] - self.ids[0]))
        shifts = np.arange(-span, span + 1)
        empty_cell = np.zeros((*moments.shape[:2], 1))
        moments = np.concatenate([moments, empty_cell], axis=2)
        expansions = [_far_field(self, kernel, moments[row], radius) for kernel, row in pairs]
        for start in range(0, len(self.ids), CELLS_PER_BATCH):
            batch = slice(start, start + CELLS_PER_BATCH)
            sources = self._find(self.ids[batch, None] - shifts)
            near_moments = {row: moments[row][:, sources] for row in {row for _, row in pairs}}
            for expansion, (kernel, row) in zip(expansions, pairs, strict=True):
                near = _translations(kernel, self.width)[radius - span : radius + span + 1]
                expansion[:, batch] += np.tensordot(near, near_moments[row], axes=([0, 2], [2, 0]))
        return expansions

    def _find(self, ids):
        """Return the index of each coarse cell, the number of cells if it is not stored."""
        found = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[found] == ids, found, len(self.ids))

    def to_fine_cells(self, expansions):
        """Return expansions as coefficients of t^m in each fine cell: (n_terms, n_fine_cells)."""
        children = _child_polynomials(self.width, self.fine_width)
        fine = np.einsum("cmk,ki->mic", children, expansions)
        return fine.reshape(len(fine), -1)

    def evaluate(self, points, fine_expansions):
        """Return, for each of the expansions on fine cells, its value at each point."""
        cell, position = self.locate(points)
        sums = []
        for coefficients in fine_expansions:
            total = coefficients[-1].take(cell)
            for each in coefficients[-2::-1]:
                total *= position
                total += each.take(cell)
            sums.append(total)
        return sums


def _near_field_radius(width):
    """Return the number of cells on each side in the near field of a cell."""
    return int(NEAR_FIELD / width) + 1


def _nodes(n):
    """Return Chebyshev's nodes for a cell, in (−1/2, 1/2)."""
    return np.cos((np.arange(n) + 0.5) * np.pi / n) / 2


def _chebyshev(n, t):
    """Return T_k of positions in [−1/2, 1/2], for k < n along a new last axis."""
    return chebvander(2 * t, n - 1)


@cache
def _translations(kernel, width):
    """Return the matrix from moments to local coefficients for each shift in the near field."""
    n, radius = n_terms(width), _near_field_radius(width)
    t = _nodes(n)
    shifts = np.arange(-radius, radius + 1)[:, None, None]
    values = kernel(width * (shifts + (t[:, None] - t)))
    to_coefficients = np.linalg.inv(_chebyshev(n, t))
    return to_coefficients @ values @ to_coefficients.T


@cache
def _child_polynomials(width, fine_width):
    """Return T_k of a coarse cell as polynomials Σ_m t^m of its fine ones: (children, m, k)."""
    n_children = int(width / fine_width)
    t = _nodes(n_terms(fine_width))
    child = np.arange(n_children)[:, None]
    values = _chebyshev(n_terms(width), (child + 0.5 + t) / n_children - 0.5)
    return np.linalg.solve(np.vander(t, increasing=True), values)


def _far_field(cells, kernel, moments, radius):
    """Return the far-field part of the expansions: constants, and linear terms on the right."""
    ids, half = cells.ids, cells.width / 2
    # Relative to a cell in the middle, to avoid cancellation.
    centre = (ids - ids[len(ids) // 2]) * cells.width + half
    weight, dipole = moments[0, :-1], half * moments[1, :-1]
    first_moment = centre * weight + dipole
    weight_before = np.concatenate([[0], np.cumsum(weight)])
    weight_after = np.concatenate([np.cumsum(weight[::-1])[::-1], [0]])
    first_moment_after = np.concatenate([np.cumsum(first_moment[::-1])[::-1], [0]])
    expansions = np.zeros((len(moments), len(ids)))
    first = np.searchsorted(ids, ids + radius, side="right")
    expansions[0] = kernel.right * weight_before[np.searchsorted(ids, ids - radius)]
    expansions[0] += (kernel.left + kernel.slope * centre) * weight_after[first]
    expansions[0] -= kernel.slope * first_moment_after[first]
    expansions[1] = kernel.slope * half * weight_after[first]
    return expansions
