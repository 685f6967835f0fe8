"""Sums Σ_j w_j K(x_i − x_j) over all j for every i, in linear time and blocks of rows.

The kernels here are analytic for |Im d| < π and flat or linear beyond 40, so that the points can
be put into cells: within two cells that are D apart the kernel is, to rounding, a polynomial in the
positions within each. Three steps, of which only the first and the last see the points:

1. each cell gathers its moments Σ w t^m, t the position of a point within it;
2. the cells talk, by matrices that depend on their distance alone (`Cells.answers`);
3. each point reads its sum, a polynomial of its t with coefficients of its cell.

The narrower a cell, the fewer terms it needs, and the more cells there are to talk. So there are
two sizes: fine cells of few terms for the points, and within the talk coarse cells, which take the
moments of their fine cells over, a fine cell's polynomials being some of the coarse one's.
"""

from functools import cache
from math import ceil, floor, log, pi
from typing import NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.special import expit

# Beyond this distance a logistic function is 0 or 1 in float64.
REACH = 40.0
# Up to this range small coarse cells of few terms are fastest; beyond, large ones of more terms.
NARROW = 64.0
NARROW_WIDTH = 0.25
# More coarse cells than this, or than points, are not laid out: only those that hold a point.
MOST_CELLS = 16_384
# So many coarse cells talk at once.
TALKING = 128
# Widths of fine cells: the widest for 4, 5, 6, 7 and 8 terms.
FINE_WIDTHS = (2.0**-10, 2.0**-7, 2.0**-5, 2.0**-4, 2.0**-3)
# Fine cells pay if there are so many points for each, and while a table of them stays in cache.
POINTS_PER_FINE_CELL = 8
MOST_FINE_CELLS = 32_768


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


def n_terms(width):
    """Return how many terms make a kernel exact to rounding in cells of this width.

    By polynomials of p terms on [−width/2, width/2], with singularities at ±πi, the error is
    about 2 (width / 4π)^p.
    """
    return ceil(log(5e-16) / log(width / (4 * pi)))


class Cells:
    """Cells for points: their borders are multiples of a power of two, so that none is rounded."""

    def __init__(self, points, low, high):
        width = NARROW_WIDTH if high - low <= NARROW else 1.0
        first, last = floor(low / width), floor(high / width)
        if last - first < min(MOST_CELLS, len(points)):
            ids = np.arange(first, last + 1)
        else:
            ids = np.unique(np.floor(points / width)).astype(np.int64)
        self._lay_out(ids, width, len(points))

    @classmethod
    def in_a_row(cls, first, n_cells, n_points=0):
        """Return narrow cells from a number on, whichever of them hold a point.

        Whoever lays them out so lays out the same, without having seen the points of others.
        """
        cells = object.__new__(cls)
        cells._lay_out(np.arange(first, first + n_cells), NARROW_WIDTH, n_points)
        return cells

    def _lay_out(self, ids, width, n_points):
        """Set the coarse cells, and the fine ones that pay for so many points."""
        self.ids, self.width = ids, width
        self.are_too_many = len(self.ids) > MOST_CELLS
        most = min(n_points // POINTS_PER_FINE_CELL, MOST_FINE_CELLS)
        fine = [w for w in FINE_WIDTHS if len(self.ids) * self.width / w <= most]
        self.fine_width = fine[0] if fine else self.width
        self.n_children = int(self.width / self.fine_width)
        # Of the moments of fine cells: terms and cells.
        self.fine_shape = n_terms(self.fine_width), len(self.ids) * self.n_children
        # What to take off the number of a fine cell, so that those in use are counted from 0.
        self.offset = (self.ids - np.arange(len(self.ids))) * self.n_children
        self.has_gaps = self.offset[0] != self.offset[-1]

    def locate(self, points):
        """Return the fine cell of each point, and its position in there, in [−1/2, 1/2)."""
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

        `blocks` yields points and `n_rows` rows of their weights.
        """
        fine = np.zeros((n_rows, *self.fine_shape))
        for points, weights in blocks:
            cell, position = self.locate(points)
            for own, terms in zip(fine, weights, strict=True):
                np.add.at(own[0], cell, terms)
                for power in own[1:]:
                    terms = terms * position
                    np.add.at(power, cell, terms)
        return self.gathered(fine)

    def gathered(self, fine):
        """Return the moments of coarse cells by T_k from those of fine ones by t^m."""
        fine = fine.reshape(*fine.shape[:2], len(self.ids), self.n_children)
        children = _children(self.width, self.fine_width)
        return np.einsum("cmk,rmic->rki", children, fine, optimize=True)

    def expansions(self, moments, wanted):
        """Return Σ_j w_j K(x − x_j) over each coarse cell, as coefficients of its T_k.

        One array of shape (n_terms, n_cells) for each wanted pair of a kernel and a row of the
        moments.
        """
        reach = _reach(self.width)
        span = int(min(reach, self.ids[-1] - self.ids[0]))
        shifts = np.arange(-span, span + 1)
        nobody = np.zeros((*moments.shape[:2], 1))
        moments = np.concatenate([moments, nobody], axis=2)
        expansions = [_far(self, kernel, moments[row], reach) for kernel, row in wanted]
        for start in range(0, len(self.ids), TALKING):
            here = slice(start, start + TALKING)
            others = self._find(self.ids[here, None] - shifts)
            heard = {row: moments[row][:, others] for row in {row for _, row in wanted}}
            for expansion, (kernel, row) in zip(expansions, wanted, strict=True):
                near = _near(kernel, self.width)[reach - span : reach + span + 1]
                expansion[:, here] += np.tensordot(near, heard[row], axes=([0, 2], [2, 0]))
        return expansions

    def _find(self, ids):
        """Return where these coarse cells are; the number of cells for those that are not."""
        found = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[found] == ids, found, len(self.ids))

    def readable(self, expansions):
        """Return answers as coefficients of t^m of each fine cell: (n_terms, n_fine_cells)."""
        fine = np.einsum("cmk,ki->mic", _children(self.width, self.fine_width), expansions)
        return fine.reshape(len(fine), -1)

    def read(self, points, readable):
        """Return, for each of the readable answers, the sum at each point."""
        cell, position = self.locate(points)
        sums = []
        for coefficients in readable:
            total = coefficients[-1].take(cell)
            for each in coefficients[-2::-1]:
                total *= position
                total += each.take(cell)
            sums.append(total)
        return sums


def _reach(width):
    """Return how many cells away a kernel is still not flat."""
    return int(REACH / width) + 1


def _nodes(n):
    """Return Chebyshev's nodes for a cell, in (−1/2, 1/2)."""
    return np.cos((np.arange(n) + 0.5) * np.pi / n) / 2


def _chebyshev(n, t):
    """Return T_k of positions in [−1/2, 1/2], for k < n along a new last axis."""
    return chebvander(2 * t, n - 1)


@cache
def _near(kernel, width):
    """Return how moments turn into coefficients in each cell within reach, leftmost first."""
    n, reach = n_terms(width), _reach(width)
    t = _nodes(n)
    shifts = np.arange(-reach, reach + 1)[:, None, None]
    values = kernel(width * (shifts + (t[:, None] - t)))
    to_coefficients = np.linalg.inv(_chebyshev(n, t))
    return to_coefficients @ values @ to_coefficients.T


@cache
def _children(width, fine_width):
    """Return T_k of a coarse cell as polynomials Σ_m t^m of its fine ones: (children, m, k)."""
    n_children = int(width / fine_width)
    t = _nodes(n_terms(fine_width))
    child = np.arange(n_children)[:, None]
    values = _chebyshev(n_terms(width), (child + 0.5 + t) / n_children - 0.5)
    return np.linalg.solve(np.vander(t, increasing=True), values)


def _far(cells, kernel, moments, reach):
    """Return what lies beyond the kernel's reach: constants, and lines on the right."""
    ids, half = cells.ids, cells.width / 2
    # Seen from a cell in the middle, so that far-away points cost no digit of the near ones.
    centre = (ids - ids[len(ids) // 2]) * cells.width + half
    mass, step = moments[0, :-1], half * moments[1, :-1]
    place = centre * mass + step
    before = np.concatenate([[0], np.cumsum(mass)])
    after = np.concatenate([np.cumsum(mass[::-1])[::-1], [0]])
    place_after = np.concatenate([np.cumsum(place[::-1])[::-1], [0]])
    expansions = np.zeros((len(moments), len(ids)))
    first = np.searchsorted(ids, ids + reach, side="right")
    expansions[0] = kernel.right * before[np.searchsorted(ids, ids - reach)]
    expansions[0] += (kernel.left + kernel.slope * centre) * after[first]
    expansions[0] -= kernel.slope * place_after[first]
    expansions[1] = kernel.slope * half * after[first]
    return expansions
