"""Logistic sums of scores that spread over more cells than there are rows, or memory, for.

The pairs (i, j) are split by the score of i into bands of sorted rows. For each band, j is either
in the near field, the band and the rows next to it, or in the far field, where φ is 0 or linear.
"""

from itertools import pairwise

import numpy as np

from ._bipartite_rows import CheckedRows
from ._exponential_tails import NEGLIGIBLE
from ._kernel_sum import MAX_CELLS


class Bands:
    """Sorted rows, and the ranks of each band. It holds four vectors."""

    def __init__(self, rows):
        self.order = np.argsort(rows.s)
        self.z = rows.s[self.order].astype(np.float64, copy=False)
        self.a, self.b = rows.weights(self.order)
        cell = np.floor(self.z)
        starts = np.flatnonzero(cell[1:] != cell[:-1]) + 1

        n_cells = MAX_CELLS
        self._ranks = [0, *starts[n_cells - 1 :: n_cells].tolist(), len(rows)]
        lowest, highest = self.z[self._ranks[:-1]], self.z[np.subtract(self._ranks[1:], 1)]
        self._near = [
            np.searchsorted(self.z, lowest - NEGLIGIBLE).tolist(),
            np.searchsorted(self.z, highest + NEGLIGIBLE, side="right").tolist(),
        ]

    def __iter__(self):
        """Yield the near field of each band, and the rows of the pairs with i in the band."""
        for (start, stop), *near in zip(pairwise(self._ranks), *self._near, strict=True):
            a = np.zeros(near[1] - near[0])
            a[start - near[0] : stop - near[0]] = self.a[start:stop]
            near = slice(*near)
            yield near, CheckedRows(self.z[near], a, self.b[near])

    def sum_over_near_rows(self, function):
        """Return the sum of a function of the rows near each band and of their positions."""
        result = np.zeros(len(self.z))
        for near, rows in self:
            at = self.order[near]
            result[at] += function(rows, at)
        return result

    def loss_and_gradient(self, function):
        """Return loss and gradient, from a function that returns those of rows near a band."""
        gradient = np.zeros(len(self.z))
        loss = self._add_far_pairs(gradient)
        for near, rows in self:
            loss_near, gradient_near = function(rows)
            loss += loss_near
            gradient[near] += gradient_near
        unsorted = np.empty_like(gradient)
        unsorted[self.order] = gradient
        return loss, unsorted

    def _add_far_pairs(self, gradient):
        """Return Σ a_i b_j (s_j − s_i) over j to the right of i's near field; add its derivative.

        Sums over j are taken segment by segment, between the ends of the near fields.
        """
        ends = self._near[1]
        segments = [slice(*each) for each in pairwise([*ends, len(self.z)])]
        bands = [slice(*each) for each in pairwise(self._ranks)]
        positive = [self.a[band].sum() for band in bands]
        for segment, before in zip(segments, np.cumsum(positive), strict=True):
            gradient[segment] += before * self.b[segment]
        loss = negative = distances = 0.0
        border = self.z[-1]
        for segment, band, weight in zip(segments[::-1], bands[::-1], positive[::-1], strict=True):
            # Relative to the last row of the near field.
            last = self.z[segment.start - 1]
            b = self.b[segment]
            distances += negative * (border - last) + b @ (self.z[segment] - last)
            negative, border = negative + b.sum(), last
            gradient[band] -= negative * self.a[band]
            loss += weight * distances + negative * (self.a[band] @ (last - self.z[band]))
        return loss
