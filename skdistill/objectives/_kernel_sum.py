"""Sums Σ_j w_j K(x_i − x_j) over all j for every i, by a one-dimensional fast multipole method.

The kernels are analytic for |Im d| < π; beyond 3 they are constant or linear plus a few
exponentials of the distance. Points are put into cells. For two cells at distance D the kernel is,
to rounding, a polynomial in the positions of the points within their cells. There are three steps,
and only the first and the last use the points:

1. compute the moments Σ w t^m of each cell, with t the position of a point in its cell
   (`Cells.moments`);
2. translate the moments of all cells into a local expansion in each cell
   (`Cells.local_expansions`): in the near field by matrices that depend only on the distance of two
   cells, in the far field by the sums of `_exponential_tails.py`;
3. evaluate the local expansion of its cell, a polynomial in t, at each point (`Cells.evaluate`).

Narrow cells need fewer terms, but there are more of them to translate. So there are two levels:
fine cells with few terms for the points, and coarse cells for the translation. The moments of a
coarse cell are sums over its fine cells, since its polynomials are polynomials on each of them.
"""

from functools import cache, partial
from math import ceil, floor, log, pi
from typing import NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.special import expit

from ._exponential_tails import sums_of_exponentials, tail_coefficients

# Distance from which the far field begins, and the number of its exponentials. In a cell of width h
# with p terms, they are exact to about (h / 12)^p: rounding for the widths below.
NEAR_FIELD, FAR_TERMS = 3.0, 8
# Up to this range of points, narrow coarse cells with few terms are fastest; beyond, wide ones.
NARROW = 64.0
NARROW_WIDTH = 0.25
# If the range needs more coarse cells than this, or than points, only occupied cells are stored.
MAX_CELLS = 16_384
# Cells of width 1 with fewer points are slower than sorted points.
POINTS_PER_WIDE_CELL = 4
# Coarse cells whose near field is computed at once.
CELLS_PER_BATCH = 512
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

    def tails(self, nearest, n_terms):
        """Return the coefficients of the exponentials for d → −∞ and for d → ∞."""
        tail = tail_coefficients(self.name, nearest, n_terms)[:, None]
        # Where the limit is 1, the kernel is 1 minus the tail.
        return (1 - 2 * self.left) * tail, (1 - 2 * self.right) * tail


SIGMOID = Kernel("sigmoid", 0.0, 0.0, 1.0)
MIRRORED_SIGMOID = Kernel("mirrored sigmoid", 1.0, 0.0, 0.0)
MIRRORED_SOFTPLUS = Kernel("mirrored softplus", 0.0, -1.0, 0.0)
SIGMOID_SLOPE = Kernel("sigmoid slope", 0.0, 0.0, 0.0)


def near_values(kernels, d):
    """Return a dict with K(d) and K(−d) for each kernel, from one exponential; all d >= 0."""
    u = np.exp(-d)
    up = 1 / (1 + u)
    down = u * up
    values = {
        SIGMOID: lambda: (up, down),
        MIRRORED_SIGMOID: lambda: (down, up),
        SIGMOID_SLOPE: lambda: (up * down,) * 2,
        MIRRORED_SOFTPLUS: lambda: _softplus_values(d, u),
    }
    return {kernel: values[kernel]() for kernel in kernels}


def _softplus_values(d, u):
    """Return log(1 + e^{−d}) and log(1 + e^d)."""
    mirrored = np.log1p(u)
    return mirrored, mirrored + d


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
    def contiguous_or_none(cls, points, low, high):
        """Return cells over the whole range, None if they are too many for the points."""
        if high - low > min(NARROW + len(points) / POINTS_PER_WIDE_CELL, MAX_CELLS):
            return None
        return cls(points, low, high)

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
        radius = int(NEAR_FIELD / self.width)
        span = int(min(radius, self.ids[-1] - self.ids[0]))
        shifts = np.arange(-span, span + 1)
        expansions = self._far_field(moments, pairs, radius)
        moments = np.concatenate([moments, np.zeros((*moments.shape[:2], 1))], axis=2)
        for start in range(0, len(self.ids), CELLS_PER_BATCH):
            batch = slice(start, start + CELLS_PER_BATCH)
            sources = self._find(self.ids[batch] - shifts[:, None])
            near = {row: moments[row].take(sources, axis=1) for row in {row for _, row in pairs}}
            for expansion, (kernel, row) in zip(expansions, pairs, strict=True):
                translation = _translation(kernel, self.width, span)
                expansion[:, batch] += translation @ near[row].reshape(translation.shape[1], -1)
        return expansions

    def _far_field(self, moments, pairs, radius):
        """Return the part of the expansions that is due to cells beyond the radius."""
        rows = sorted({row for _, row in pairs})
        rising, falling = _exponentials(self.width)
        sums = partial(sums_of_exponentials, width=self.width, radius=radius)
        from_left = sums(self.ids, moments=rising.T @ moments[rows])
        mirrored = (falling.T @ moments[rows])[:, :, ::-1]
        from_right = sums(-self.ids[::-1], moments=mirrored)[:, :, ::-1]
        expansions = []
        for kernel, row in pairs:
            expansion = _limits(self, kernel, moments[row], radius)
            at = rows.index(row)
            to_left, to_right = kernel.tails(NEAR_FIELD, FAR_TERMS)
            expansion += falling @ (to_right * from_left[at])
            expansion += rising @ (to_left * from_right[at])
            expansions.append(expansion)
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


def _nodes(n):
    """Return Chebyshev's nodes for a cell, in (−1/2, 1/2)."""
    return np.cos((np.arange(n) + 0.5) * np.pi / n) / 2


def _chebyshev(n, t):
    """Return T_k of positions in [−1/2, 1/2], for k < n along a new last axis."""
    return chebvander(2 * t, n - 1)


@cache
def _translation(kernel, width, span):
    """Return the matrix from the moments of 2 span + 1 cells to the local coefficients.

    Its columns are ordered by the terms of the moments, then by the shift.
    """
    n = n_terms(width)
    t = _nodes(n)
    shifts = np.arange(-span, span + 1)[:, None, None]
    values = kernel(width * (shifts + (t[:, None] - t)))
    to_coefficients = np.linalg.inv(_chebyshev(n, t))
    translations = to_coefficients @ values @ to_coefficients.T
    return translations.transpose(1, 2, 0).reshape(n, -1)


@cache
def _exponentials(width):
    """Return e^{m x} and e^{−m x} on a cell, x from its centre, as coefficients of its T_k.

    Both have shape (n_terms, FAR_TERMS).
    """
    n = n_terms(width)
    t = _nodes(n)
    exponents = width * t[:, None] * np.arange(1, FAR_TERMS + 1)
    to_coefficients = np.linalg.inv(_chebyshev(n, t))
    return to_coefficients @ np.exp(exponents), to_coefficients @ np.exp(-exponents)


@cache
def _child_polynomials(width, fine_width):
    """Return T_k of a coarse cell as polynomials Σ_m t^m of its fine ones: (children, m, k)."""
    n_children = int(width / fine_width)
    t = _nodes(n_terms(fine_width))
    child = np.arange(n_children)[:, None]
    values = _chebyshev(n_terms(width), (child + 0.5 + t) / n_children - 0.5)
    return np.linalg.solve(np.vander(t, increasing=True), values)


def _limits(cells, kernel, moments, radius):
    """Return the far field without exponentials: constants, and linear terms on the right."""
    ids, half = cells.ids, cells.width / 2
    # Relative to a cell in the middle, to avoid cancellation.
    centre = (ids - ids[len(ids) // 2]) * cells.width + half
    weight, dipole = moments[0], half * moments[1]
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
