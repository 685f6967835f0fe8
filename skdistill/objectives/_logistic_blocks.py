"""Logistic sums of all pairs over blocks of rows, which may lie on different machines.

Each block tells the moments of its cells, which add up; each reads its rows' derivatives from the
answers to their sum. What is told grows with the spread of the scores, and not with the rows.
"""

from math import floor

import numpy as np
from scipy.optimize import brentq

from . import _logistic_pairs
from ._kernel_sum import MIRRORED_SIGMOID, MOST_CELLS, NARROW_WIDTH, Cells


class Moments:
    """Moments of a and b in a row of cells; with a vector v those of a v and b v, too."""

    def __init__(self, first, values):
        self.first, self.values = first, values  # (2 or 4, n_terms, n_cells)

    @classmethod
    def of(cls, rows, vector=None):
        """Return the moments of a block, None if its scores spread over too many cells."""
        first, n_cells = _span(rows.low, rows.high)
        if n_cells > MOST_CELLS:
            return None
        cells = Cells.in_a_row(first, n_cells, len(rows))
        if vector is None:
            return cls(first, _logistic_pairs.moments(cells, rows))
        return cls(first, _logistic_pairs.slope_moments(cells, rows, vector))

    @property
    def stop(self):
        """The cell behind the last one."""
        return self.first + self.values.shape[2]

    def __add__(self, other):
        """Return the moments of both; None if they spread over too many cells together."""
        first, stop = min(self.first, other.first), max(self.stop, other.stop)
        if stop - first > MOST_CELLS:
            return None
        return self.over(first, stop)._add_inside(other)

    def over(self, first, stop):
        """Return the same moments over more cells, which are empty."""
        values = np.zeros((*self.values.shape[:2], stop - first))
        return Moments(first, values)._add_inside(self)

    def _add_inside(self, other):
        self.values[:, :, other.first - self.first : other.stop - self.first] += other.values
        return self

    def expansions(self):
        """Return what the cells of all blocks answer to their moments."""
        cells = Cells.in_a_row(self.first, self.values.shape[2])
        if len(self.values) == 4:
            return LocalExpansions(
                self.first, None, _logistic_pairs.slope_expansions(cells, self.values)
            )
        return LocalExpansions(self.first, *_logistic_pairs.loss_and_expansions(cells, self.values))

    def best_shift(self, positive, negative):
        """Return the c at which Σ (a + b) σ(s + c) is the positive weight Σ a.

        There the log-loss of the scores shifted by c is least; no row need be seen for it.
        """
        logit = np.log(positive) - np.log(negative)
        low, high = self.first * NARROW_WIDTH, self.stop * NARROW_WIDTH
        # Were all scores equal, c would be the logit of the positive share less that score.
        shifts = logit - high - 1, logit - low + 1
        first, n_cells = _span(-shifts[1], -shifts[0])
        wide = self.over(min(first, self.first), max(first + n_cells, self.stop))
        cells = Cells.in_a_row(wide.first, wide.values.shape[2])
        weight = wide.values.sum(axis=0, keepdims=True)
        (expansion,) = cells.expansions(weight, [(MIRRORED_SIGMOID, 0)])
        readable = [cells.readable(expansion)]

        def slope(c):
            (mass,) = cells.read(np.array([-c]), readable)
            return mass.item() - positive

        return float(brentq(slope, *shifts))


class LocalExpansions:
    """What each block needs of the others: sums over all rows, as polynomials of each cell."""

    def __init__(self, first, loss, sums):
        self.first, self.loss, self.sums = first, loss, sums

    def gradient(self, rows):
        """Return the derivative of the double sum by each score of a block."""
        return _logistic_pairs.gradient(*self._of_cells(rows), rows)

    def product(self, rows, vector):
        """Return the Hessian of the double sum times a vector, in the rows of a block."""
        return _logistic_pairs.slope_product(*self._of_cells(rows), rows, vector)

    def _of_cells(self, rows):
        """Return the cells of a block and their answers."""
        first, n_cells = _span(rows.low, rows.high)
        own = slice(first - self.first, first - self.first + n_cells)
        return Cells.in_a_row(first, n_cells, len(rows)), [each[:, own] for each in self.sums]


def _span(low, high):
    """Return the cell of the lowest score, and how many there are up to the highest."""
    first, last = floor(low / NARROW_WIDTH), floor(high / NARROW_WIDTH)
    return first, last - first + 1
