"""Logistic sums of scores that spread too far for all their cells to be held at once.

The pairs (i, j) are parted by the score of i: those with i in one band of cells have j near, in
the band or within reach of it, and the sums over these are those of a few rows; or j far away,
where φ is 0 or a line.
"""

from itertools import pairwise

import numpy as np

from ._bipartite_rows import KnownRows
from ._kernel_sum import MOST_CELLS, REACH


class Bands:
    """Sorted rows, and the ranks of each band. It keeps four vectors."""

    def __init__(self, rows, cells):
        self.order = np.argsort(rows.s)
        self.z = rows.s[self.order].astype(np.float64, copy=False)
        self.a, self.b = rows.weights(self.order)
        # Half as many cells as can be held: those within reach come on top.
        edges = cells.ids[:: MOST_CELLS // 2] * cells.width
        self.ranks = [*np.searchsorted(self.z, edges).tolist(), len(rows)]

    def __iter__(self):
        """Yield the ranks in a band, the ranks near it, and the rows of the pairs with i in it."""
        for start, stop in pairwise(self.ranks):
            inside = slice(start, stop)
            near = slice(
                int(np.searchsorted(self.z, self.z[start] - REACH)),
                int(np.searchsorted(self.z, self.z[stop - 1] + REACH, side="right")),
            )
            a = np.zeros(near.stop - near.start)
            a[start - near.start : stop - near.start] = self.a[inside]
            yield inside, near, KnownRows(self.z[near], a, self.b[near])

    def sum_near(self, function):
        """Return the sum of what a function gives for the rows near each band, and their places."""
        result = np.zeros(len(self.z))
        for _, near, rows in self:
            at = self.order[near]
            result[at] += function(rows, at)
        return result

    def loss_and_gradient(self, function):
        """Return loss and gradient by a function that gives those of the rows near a band."""
        loss, gradient = 0.0, np.zeros(len(self.z))
        for inside, near, rows in self:
            loss_near, gradient_near = function(rows)
            gradient[near] += gradient_near
            # Pairs with j far to the right of i: φ is s_j − s_i, both seen from between them.
            far, border = slice(near.stop, None), self.z[near.stop - 1]
            sum_a, sum_b = self.a[inside].sum(), self.b[far].sum()
            gradient[inside] -= self.a[inside] * sum_b
            gradient[far] += self.b[far] * sum_a
            loss += loss_near + sum_a * (self.b[far] @ (self.z[far] - border))
            loss += sum_b * (self.a[inside] @ (border - self.z[inside]))
        unsorted = np.empty_like(gradient)
        unsorted[self.order] = gradient
        return loss, unsorted
