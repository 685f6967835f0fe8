"""Logistic sums over all pairs of few rows, pair by pair: for these, cells would be slower."""

import numpy as np

# Up to this number of rows it is faster.
MAX_ROWS = 256
# Rows at once, so that the pairs stay in the processor's cache.
BLOCK = 64


def loss_and_gradient(rows):
    """Return Σ a_i b_j φ(s_i − s_j) and its derivatives b_k S_a(s_k) − a_k S̄_b(s_k)."""
    s, a, b = _read(rows)
    loss, sum_a, sum_b = 0.0, np.zeros(len(s)), np.empty(len(s))
    for block in _blocks(s):
        d = s - s[block, None]  # s_j − s_i
        u = np.exp(-np.abs(d))
        slope = np.exp(np.minimum(d, 0))  # σ(d) = slope / (1 + u)
        slope /= 1 + u
        sum_a += a[block] @ slope
        sum_b[block] = slope @ b
        np.log1p(u, out=u)
        u += np.maximum(d, 0, out=d)
        loss += a[block] @ (u @ b)
    return loss, b * sum_a - a * sum_b


def diagonal(rows):
    """Return a_k T_b(s_k) + b_k T_a(s_k), without the pairs of a row with itself."""
    s, a, b = _read(rows)
    sums = _curvatures(s) @ np.column_stack([a, b])
    return a * sums[:, 1] + b * sums[:, 0] - a * b / 2


def product(rows, vector):
    """Return v (a T_b + b T_a) − (a T_{bv} + b T_{av})."""
    s, a, b = _read(rows)
    sum_a, sum_b, sum_av, sum_bv = (
        _curvatures(s) @ np.column_stack([a, b, a * vector, b * vector])
    ).T
    return a * (vector * sum_b - sum_bv) + b * (vector * sum_a - sum_av)


def _read(rows):
    """Return s, a and b as float64."""
    return rows.s.astype(np.float64, copy=False), *rows.weights(slice(None))


def _blocks(s):
    """Yield slices over the rows."""
    for start in range(0, len(s), BLOCK):
        yield slice(start, start + BLOCK)


def _curvatures(s):
    """Return φ''(s_i − s_j) = u / (1 + u)² of all pairs."""
    curvature = np.empty((len(s), len(s)))
    for block in _blocks(s):
        u = np.exp(-np.abs(s[block, None] - s))
        curvature[block] = u / (1 + u) ** 2
    return curvature
