"""Logistic sums of all pairs over blocks of rows, which may be on different machines.

The moments of the blocks are added. Each block then evaluates the derivatives of its rows from the
local expansions of the sum. The size of moments and expansions depends on the range of the scores,
not on the number of rows.
"""

from math import floor

import numpy as np
from scipy.optimize import brentq

from . import _logistic_pairs
from ._kernel_sum import MAX_CELLS, MIRRORED_SIGMOID, NARROW_WIDTH, Cells


class Moments:
    """Moments of a and b in contiguous cells; with a vector v also those of a v and b v."""

    def __init__(self, first, values):
        self.first, self.values = first, values  # (2 or 4, n_terms, n_cells)

    @classmethod
    def of(cls, rows, vector=None):
        """Return the moments of a block, None if its scores need too many cells."""
        first, n_cells = _span(rows.low, rows.high)
        if n_cells > MAX_CELLS:
            return None
        cells = Cells.contiguous(first, n_cells, len(rows))
        if vector is None:
            return cls(first, _logistic_pairs.moments(cells, rows))
        return cls(first, _logistic_pairs.slope_moments(cells, rows, vector))

    @property
    def stop(self):
        """Number of the last cell, plus one."""
        return self.first + self.values.shape[2]

    def __add__(self, other):
        """Return the moments of both blocks; None if they need too many cells together."""
        first, stop = min(self.first, other.first), max(self.stop, other.stop)
        if stop - first > MAX_CELLS:
            return None
        return self.over(first, stop)._add_inside(other)

    def over(self, first, stop):
        """Return the same moments over a larger range of cells."""
        values = np.zeros((*self.values.shape[:2], stop - first))
        return Moments(first, values)._add_inside(self)

    def _add_inside(self, other):
        self.values[:, :, other.first - self.first : other.stop - self.first] += other.values
        return self

    def expansions(self):
        """Return the local expansions of the moments of all blocks."""
        cells = Cells.contiguous(self.first, self.values.shape[2])
        if len(self.values) == 4:
            return LocalExpansions(
                self.first, None, _logistic_pairs.slope_expansions(cells, self.values)
            )
        return LocalExpansions(self.first, *_logistic_pairs.loss_and_expansions(cells, self.values))

    def best_shift(self, positive, negative):
        """Return the c at which Σ (a + b) σ(s + c) is the positive weight Σ a.

        It minimises the log-loss of the scores shifted by c, and needs no rows.
        """
        logit = np.log(positive) - np.log(negative)
        low, high = self.first * NARROW_WIDTH, self.stop * NARROW_WIDTH
        # If all scores were equal, c would be the logit of the positive share minus that score.
        shifts = logit - high - 1, logit - low + 1
        first, n_cells = _span(-shifts[1], -shifts[0])
        wide = self.over(min(first, self.first), max(first + n_cells, self.stop))
        cells = Cells.contiguous(wide.first, wide.values.shape[2])
        weight = wide.values.sum(axis=0, keepdims=True)
        (expansion,) = cells.local_expansions(weight, [(MIRRORED_SIGMOID, 0)])
        fine_expansions = [cells.to_fine_cells(expansion)]

        def slope(c):
            (expected,) = cells.evaluate(np.array([-c]), fine_expansions)
            return expected.item() - positive

        return float(brentq(slope, *shifts))


class LocalExpansions:
    """Sums over the rows of all blocks, as polynomials in each cell."""

    def __init__(self, first, loss, sums):
        self.first, self.loss, self.sums = first, loss, sums

    def gradient(self, rows):
        """Return the derivative of the double sum by each score of a block."""
        return _logistic_pairs.gradient(*self._in_cells_of(rows), rows)

    def product(self, rows, vector):
        """Return the Hessian of the double sum times a vector, for the rows of a block."""
        return _logistic_pairs.slope_product(*self._in_cells_of(rows), rows, vector)

    def _in_cells_of(self, rows):
        """Return the cells of a block and the expansions in them."""
        first, n_cells = _span(rows.low, rows.high)
        inside = slice(first - self.first, first - self.first + n_cells)
        return Cells.contiguous(first, n_cells, len(rows)), [each[:, inside] for each in self.sums]


def _span(low, high):
    """Return the cell of the lowest score, and the number of cells up to the highest."""
    first, last = floor(low / NARROW_WIDTH), floor(high / NARROW_WIDTH)
    return first, last - first + 1
