"""Sums over the pairs with a margin below 1, which are suffixes of the sorted scores."""

import numpy as np


class SortedPairs:
    """The active pairs (i, j), s_i − s_j < 1: for each i the j from some rank on.

    It keeps three vectors; sums of degree r take r + 2 more.
    """

    def __init__(self, rows):
        self.rows = rows
        self.order = np.argsort(rows.s)
        self.z = rows.s[self.order].astype(np.float64, copy=False)
        # A pair is active if z_j > z_i − 1, seen from either side: z_j + 1 would round apart.
        self.less_one = self.z - 1

    def sums_over_j(self, weight, degree=0):
        """Yield Σ weight_j (1 − (s_i − s_j))^r over the active j of each i, for r up to `degree`.

        With each block of sums comes where its rows stand, and their a and b; `weight` is a
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

        From one rank to the next only terms of the same sign come in: no digit is lost.
        """
        sums = np.zeros((degree + 1, len(self.rows)))
        for ranks in self.rows.blocks():
            sums[0, ranks] = weight(*self._read(ranks))
        onwards = sums[:, ::step]
        np.cumsum(onwards[0], out=onwards[0])
        if degree > 0:
            gaps = np.abs(np.diff(self.z[::step]))
            np.multiply(gaps, onwards[0, :-1], out=onwards[1, 1:])
        if degree > 1:
            onwards[2] = onwards[1]  # gap · sum of degree 0, before it is summed up
            np.cumsum(onwards[1], out=onwards[1])
            for _ in range(2):
                onwards[2, 1:] += onwards[1, :-1]
            onwards[2, 1:] *= gaps
        if degree > 0:
            np.cumsum(onwards[degree], out=onwards[degree])
        return sums

    def _read(self, ranks):
        """Return where the rows of these ranks stand, and their a and b."""
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
