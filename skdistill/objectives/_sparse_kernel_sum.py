"""Kernel sums Σ_j w_j K(z_i − z_j) at sorted points that are few in each cell.

Where cells have many points, moments of the cells are cheapest (`_kernel_sum.py`). Where they have
few, translating them costs more than the points: here the pairs of the same cell and of adjacent
cells are summed one by one, and those of other cells by exponentials of the distance.
"""

import numpy as np
from scipy import sparse

from ._exponential_tails import sums_of_exponentials
from ._kernel_sum import near_values

# Width of a cell, and the number of exponentials that are exact beyond it.
WIDTH, N_TERMS = 4.0, 7
# With more pairs per point than this, cells are faster.
MAX_PAIRS_PER_POINT = 20
# Share of near pairs from which it is faster to compute all pairs of a distance in rank.
MIN_SHARE = 0.4


class SparseCells:
    """Occupied cells of sorted points."""

    def __init__(self, z):
        self.z = z
        number = np.floor(z * (1 / WIDTH))
        self.starts = np.flatnonzero(np.concatenate([[True], number[1:] != number[:-1]]))
        self.ids = number[self.starts].astype(np.int64)
        self.counts = np.diff(self.starts, append=len(z))
        self.position = z - (number + 0.5) * WIDTH

    @property
    def are_sparse(self):
        """Whether there are few pairs of the same cell or of adjacent cells."""
        counts = self.counts.astype(np.float64)
        adjacent = np.diff(self.ids) == 1
        n_pairs = counts @ (counts - 1) / 2 + (counts[1:] * counts[:-1]) @ adjacent
        return n_pairs <= MAX_PAIRS_PER_POINT * len(self.z)

    def sums(self, weights, pairs):
        """Return Σ_j w_j K(z_i − z_j) at each point, for each pair of a kernel and its weights.

        `weights` has shape (n_rows, n_points), and each of the pairs a kernel and a row.
        """
        sums = self._far_sums(weights, pairs)
        for total, (kernel, row) in zip(sums, pairs, strict=True):
            total += kernel(np.zeros(1)) * weights[row]
        self._add_near_pairs(sums, weights, pairs)
        return sums

    def _far_sums(self, weights, pairs):
        """Return the sums over the points that are two or more cells away."""
        # e^{mt} and e^{−mt} for the position t in a cell.
        exponents = np.concatenate([np.arange(1, N_TERMS + 1), -np.arange(1, N_TERMS + 1)])
        powers = np.exp(self.position[:, None] * exponents)
        rows = sorted({row for _, row in pairs})
        moments = np.stack([self._sum_over_points(weights[row], powers).T for row in rows])
        from_left = sums_of_exponentials(self.ids, WIDTH, 1, moments[:, :N_TERMS])
        mirrored = moments[:, N_TERMS:, ::-1]
        from_right = sums_of_exponentials(-self.ids[::-1], WIDTH, 1, mirrored)[:, :, ::-1]
        sums = []
        for kernel, row in pairs:
            at = rows.index(row)
            to_left, to_right = kernel.tails(WIDTH, N_TERMS)
            # Points on the left go with e^{−mt}.
            expansion = np.concatenate([to_left * from_right[at], to_right * from_left[at]]).T
            total = np.einsum("ij,ij->i", powers, expansion.repeat(self.counts, axis=0))
            total += self._limits(kernel, weights[row])
            sums.append(total)
        return sums

    def _sum_over_points(self, weight, powers):
        """Return Σ w times the powers over the points of each cell: (n_cells, n_powers)."""
        n = len(self.z)
        ends = np.append(self.starts, n)
        return sparse.csr_array((weight, np.arange(n), ends), (len(self.ids), n)) @ powers

    def _limits(self, kernel, weight):
        """Return the constant and the linear parts of the far field."""
        per_cell = np.add.reduceat(weight, self.starts)
        before = np.concatenate([[0.0], np.cumsum(per_cell)])
        after = np.concatenate([np.cumsum(per_cell[::-1])[::-1], [0.0]])
        first = np.searchsorted(self.ids, self.ids + 1, side="right")
        limits = kernel.right * before[np.searchsorted(self.ids, self.ids - 1)]
        limits = (limits + kernel.left * after[first]).repeat(self.counts)
        if kernel.slope:
            limits += kernel.slope * self._distances(weight, after, first)
        return limits

    def _distances(self, weight, after, first):
        """Return Σ w_j (z_i − z_j), at most 0, over the cells from `first` on.

        The sums are taken over the gaps between cells, so that nothing cancels.
        """
        centres = (self.ids + 0.5) * WIDTH
        inside = np.add.reduceat(weight * self.position, self.starts)
        gaps = np.diff(centres, append=centres[-1:])
        beyond = np.cumsum((inside + gaps * after[1:])[::-1])[::-1]
        beyond, centres = np.append(beyond, 0.0)[first], np.append(centres, centres[-1])[first]
        to_first = self.z - centres.repeat(self.counts)
        return to_first * after[first].repeat(self.counts) - beyond.repeat(self.counts)

    def _add_near_pairs(self, sums, weights, pairs):
        """Add the pairs of the same cell and of adjacent ones, by their distance in rank."""
        n = len(self.z)
        # Number of later points in the same cell and in the next one.
        has_next = np.append(np.diff(self.ids) == 1, False)
        ends = np.append(self.starts, [n, n])
        last = np.where(has_next, ends[2:], ends[1:-1]).repeat(self.counts)
        n_later = last - np.arange(n) - 1
        for distance in range(1, n_later.max(initial=0) + 1):
            near = n_later[: n - distance] >= distance
            if np.count_nonzero(near) > MIN_SHARE * len(near):
                lower, upper = slice(0, n - distance), slice(distance, n)
            else:
                (lower,) = near.nonzero()
                upper, near = lower + distance, 1.0
            d = self.z[upper] - self.z[lower]
            values = near_values({kernel for kernel, _ in pairs}, d)
            for total, (kernel, row) in zip(sums, pairs, strict=True):
                of_upper, of_lower = values[kernel]
                w = weights[row]
                total[upper] += w[lower] * of_upper * near
                total[lower] += w[upper] * of_lower * near
