"""Logistic sums of scores whose range needs more cells than fit into memory.

The pairs (i, j) are split by the score of i into bands of cells. For each band, j is either in the
near field, the band and the cells next to it, or in the far field, where φ is 0 or linear.
"""

from itertools import pairwise

import numpy as np

from ._bipartite_rows import CheckedRows
from ._kernel_sum import MAX_CELLS, NEAR_FIELD


class Bands:
    """Sorted rows, and the ranks of each band. It holds four vectors."""

    def __init__(self, rows, cells):
        self.order = np.argsort(rows.s)
        self.z = rows.s[self.order].astype(np.float64, copy=False)
        self.a, self.b = rows.weights(self.order)
        # Half of the maximum: the cells of the near field are added.
        edges = cells.ids[:: MAX_CELLS // 2] * cells.width
        self.ranks = [*np.searchsorted(self.z, edges).tolist(), len(rows)]

    def __iter__(self):
        """Yield the ranks in a band and in its near field, and the rows of pairs with i in it."""
        for start, stop in pairwise(self.ranks):
            inside = slice(start, stop)
            near = slice(
                int(np.searchsorted(self.z, self.z[start] - NEAR_FIELD)),
                int(np.searchsorted(self.z, self.z[stop - 1] + NEAR_FIELD, side="right")),
            )
            a = np.zeros(near.stop - near.start)
            a[start - near.start : stop - near.start] = self.a[inside]
            yield inside, near, CheckedRows(self.z[near], a, self.b[near])

    def sum_over_near_rows(self, function):
        """Return the sum of a function of the rows near each band and of their positions."""
        result = np.zeros(len(self.z))
        for _, near, rows in self:
            at = self.order[near]
            result[at] += function(rows, at)
        return result

    def loss_and_gradient(self, function):
        """Return loss and gradient, from a function that returns those of rows near a band."""
        loss, gradient = 0.0, np.zeros(len(self.z))
        for inside, near, rows in self:
            loss_near, gradient_near = function(rows)
            gradient[near] += gradient_near
            # Pairs with j far to the right of i: φ is s_j − s_i, taken relative to the border.
            far, border = slice(near.stop, None), self.z[near.stop - 1]
            sum_a, sum_b = self.a[inside].sum(), self.b[far].sum()
            gradient[inside] -= self.a[inside] * sum_b
            gradient[far] += self.b[far] * sum_a
            loss += loss_near + sum_a * (self.b[far] @ (self.z[far] - border))
            loss += sum_b * (self.a[inside] @ (border - self.z[inside]))
        unsorted = np.empty_like(gradient)
        unsorted[self.order] = gradient
        return loss, unsorted
