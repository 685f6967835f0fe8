"""Rows with weights as positives and as negatives: the input of the pairwise objectives."""

from copy import copy

import numpy as np

from .._utils._validation import check_row_weights

# Rows per block: intermediate results stay in the processor's cache.
BLOCK = 8192
# The numbers of the cells of scores must be exact in float64.
LARGEST_SCORE = 2.0**50


class BipartiteRows:
    """Scores s and weights a = w p and b = w (1 − p), read in blocks to avoid full copies.

    `pair_weight` is Σ_{i≠j} a_i b_j, and `self_weight` Σ a_i b_i.
    """

    def __init__(self, scores, proba, sample_weight):
        self.s, self.p = _as_floats(scores), _as_floats(proba)
        if self.s.ndim != 1 or self.s.shape != self.p.shape:
            raise ValueError(
                "scores and proba must both have shape (n_samples,), proba the probability of the "
                f"positive class; got shapes {self.s.shape} and {self.p.shape}."
            )
        n = len(self.s)
        if n == 0:
            raise ValueError("scores and proba are empty. Ranking needs at least two rows.")
        self.low, self.high = float(self.s.min()), float(self.s.max())
        if not (self.low >= -LARGEST_SCORE and self.high <= LARGEST_SCORE):  # also for NaN
            bad = np.argmin(np.abs(self.s) <= LARGEST_SCORE)
            raise ValueError(
                f"scores must be finite and at most 2^50 in absolute value; row {bad} has "
                f"{self.s[bad]}. Scale the features, or lower the learning rate of the model."
            )
        if not (self.p.min() >= 0 and self.p.max() <= 1):
            bad = np.argmin((self.p >= 0) & (self.p <= 1))
            raise ValueError(
                f"proba must lie in [0, 1]; row {bad} has {self.p[bad]}. Pass the probability of "
                "the positive class, as in predict_proba(X)[:, 1]."
            )
        self.w = None if sample_weight is None else check_row_weights(sample_weight, n)
        self._set_weight_sums()

    def _set_weight_sums(self):
        sums = np.zeros(3)
        for block in self.blocks():
            a, b = self.weights(block)
            sums += a.sum(), b.sum(), a @ b
        positive, negative, self.self_weight = sums.tolist()
        self.pair_weight = positive * negative - self.self_weight
        if not self.pair_weight > 0:
            raise ValueError(
                f"No pair of rows carries weight: the positive weights Σ w p sum to {positive:.6g},"
                f" the negative ones Σ w (1 − p) to {negative:.6g}, over {len(self)} rows. Ranking "
                "needs rows that may be positive and other rows that may be negative."
            )

    def __len__(self):
        return len(self.s)

    def reordered(self, order):
        """Return the same rows in another order."""
        new = copy(self)
        new.s, new.p = self.s[order], self.p[order]
        new.w = None if self.w is None else self.w[order]
        return new

    def blocks(self):
        """Yield slices over the rows."""
        for start in range(0, len(self), BLOCK):
            yield slice(start, start + BLOCK)

    def weights(self, rows):
        """Return a and b of some rows, as float64."""
        p = self.p[rows].astype(np.float64, copy=False)
        if self.w is None:
            return p, 1 - p
        w = self.w[rows]
        return w * p, w * (1 - p)

    def __iter__(self):
        """Yield the slice of each block, and its s, a and b as float64."""
        for block in self.blocks():
            yield block, self.s[block].astype(np.float64, copy=False), *self.weights(block)


class CheckedRows:
    """Scores s and weights a and b that need no checks."""

    def __init__(self, s, a, b):
        self.s, self.a, self.b = s, a, b
        self.low, self.high = s.min(), s.max()

    def __len__(self):
        return len(self.s)

    def __iter__(self):
        """Yield the slice of each block, and its s, a and b."""
        for start in range(0, len(self.s), BLOCK):
            block = slice(start, start + BLOCK)
            yield block, self.s[block], self.a[block], self.b[block]


def _as_floats(values):
    """Return float32 and float64 arrays unchanged, other numbers as float64."""
    values = np.asarray(values)
    return values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
