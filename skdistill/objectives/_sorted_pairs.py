"""Sums over the pairs with a margin below 1, which are suffixes of the sorted scores."""

import numpy as np


class SortedPairs:
    """The active pairs (i, j), s_i − s_j < 1: for each i, the j are a suffix of the ranks.

    It holds three vectors; sums of degree r take r + 2 more.
    """

    def __init__(self, rows):
        self.rows = rows
        self.order = np.argsort(rows.s)
        self.z = rows.s[self.order].astype(np.float64, copy=False)
        # For i and j alike, a pair is active if z_j > z_i − 1: z_j + 1 would round differently.
        self.less_one = self.z - 1

    def sums_over_j(self, weight, degree=0):
        """Yield Σ weight_j (1 − (s_i − s_j))^r over the active j of each i, for r up to `degree`.

        Each block of sums follows the positions of its rows, and their a and b. `weight` is a
        function of these three.
        """
        sums = self._sums_on_one_side(weight, degree, step=-1)
        for ranks in self.rows.blocks():
            first = np.searchsorted(self.z, self.less_one[ranks], side="right")
            slack = 1 - (self.z[ranks] - self.z[first])
            yield *self._read(ranks), _slack_sums(slack, sums[:, first])

    def sums_over_i(self, weight, degree=0):
        """Yield the same sums of weight_i over the active i of each j."""
        sums = self._sums_on_one_side(weight, degree, step=1)
        for ranks in self.rows.blocks():
            last = np.searchsorted(self.less_one, self.z[ranks], side="left") - 1
            slack = 1 - (self.z[last] - self.z[ranks])
            yield *self._read(ranks), _slack_sums(slack, sums[:, last])

    def _sums_on_one_side(self, weight, degree, step):
        """Return Σ weight |z − z_k|^r over the ranks up to each k (step 1), or from it on (−1).

        All terms have the same sign, so that nothing cancels.
        """
        sums = np.zeros((degree + 1, len(self.rows)))
        for ranks in self.rows.blocks():
            sums[0, ranks] = weight(*self._read(ranks))
        cumulative = sums[:, ::step]
        np.cumsum(cumulative[0], out=cumulative[0])
        if degree > 0:
            gaps = np.abs(np.diff(self.z[::step]))
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

    def _read(self, ranks):
        """Return the positions of the rows of these ranks, and their a and b."""
        at = self.order[ranks]
        return at, *self.rows.weights(at)


def _slack_sums(slack, sums):
    """Return Σ w (slack + distance)^r from Σ w distance^r."""
    if len(sums) == 1:
        return sums
    linear = slack * sums[0] + sums[1]
    if len(sums) == 2:
        return sums[0], linear
    return sums[0], linear, slack * (linear + sums[1]) + sums[2]
