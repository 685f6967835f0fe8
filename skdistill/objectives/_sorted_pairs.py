"""Sums over the pairs with a margin below 1, which are suffixes of the sorted scores."""

import numpy as np


class SortedPairs:
    """The active pairs (i, j), s_i − s_j < 1: for each i, the j are a suffix of the ranks.

    Without sample weights it holds four vectors; sums of degree r take r + 1 more. Sums and
    results are in the order of the ranks.
    """

    def __init__(self, rows):
        self.order = np.argsort(rows.s)
        self.rows = rows.reordered(self.order)
        self.z = self.rows.s.astype(np.float64, copy=False)
        self.first, self.last = self._active_ranks()

    def _active_ranks(self):
        """Return the first active j of each i, and the last active i of each j."""
        n = len(self.rows)
        first = np.empty(n, dtype=np.int32 if n < 2**31 else np.int64)
        for ranks in self.rows.blocks():
            # For i and j alike, a pair is active if z_j > z_i − 1: z_j + 1 would round differently.
            lowest = self.z[ranks] - 1
            first[ranks] = np.searchsorted(self.z, lowest, side="right")
        # The i with first_i <= j are active.
        last = np.cumsum(np.bincount(first, minlength=n), dtype=first.dtype)
        last -= 1
        return first, last

    def sums_over_j(self, weight, degree=0):
        """Yield Σ weight_j (1 − (s_i − s_j))^r over the active j of each i, for r up to `degree`.

        Each block of sums follows the ranks of its rows, and their a and b. `weight` is a
        function of these three.
        """
        sums = self._sums_on_one_side(weight, degree, step=-1)
        for ranks in self.rows.blocks():
            first = self.first[ranks]
            slack = 1 - (self.z[ranks] - self.z[first])
            yield ranks, *self.rows.weights(ranks), _slack_sums(slack, sums[:, first])

    def sums_over_i(self, weight, degree=0):
        """Yield the same sums of weight_i over the active i of each j."""
        sums = self._sums_on_one_side(weight, degree, step=1)
        for ranks in self.rows.blocks():
            last = self.last[ranks]
            slack = 1 - (self.z[last] - self.z[ranks])
            yield ranks, *self.rows.weights(ranks), _slack_sums(slack, sums[:, last])

    def in_order_of_rows(self, values):
        """Return values of the ranks in the order of the rows."""
        unsorted = np.empty_like(values)
        unsorted[self.order] = values
        return unsorted

    def _sums_on_one_side(self, weight, degree, step):
        """Return Σ weight |z − z_k|^r over the ranks up to each k (step 1), or from it on (−1).

        All terms have the same sign, so that nothing cancels.
        """
        sums = np.zeros((degree + 1, len(self.rows)))
        for ranks in self.rows.blocks():
            sums[0, ranks] = weight(ranks, *self.rows.weights(ranks))
        cumulative = sums[:, ::step]
        np.cumsum(cumulative[0], out=cumulative[0])
        if degree > 0:
            gaps = np.diff(self.z[::step])
            np.abs(gaps, out=gaps)
            np.multiply(gaps, cumulative[0, :-1], out=cumulative[1, 1:])
        if degree > 1:
            cumulative[2] = cumulative[1]  # gap · sum of degree 0, before it is summed up
            np.cumsum(cumulative[1], out=cumulative[1])
            for _ in range(2):
                cumulative[2, 1:] += cumulative[1, :-1]
            cumulative[2, 1:] *= gaps
        if degree > 0:
            np.cumsum(cumulative[degree], out=cumulative[degree])
        return sums


def _slack_sums(slack, sums):
    """Return Σ w (slack + distance)^r from Σ w distance^r."""
    if len(sums) == 1:
        return sums
    linear = slack * sums[0] + sums[1]
    if len(sums) == 2:
        return sums[0], linear
    return sums[0], linear, slack * (linear + sums[1]) + sums[2]
