"""Problems in memory and the same in partitions."""

import dask.array as da
import numpy as np
from scipy.special import expit

COEF = np.array([1.0, 0.5, -0.5, 0.2, 0.0])


def make_problem(n=1000, seed=0):
    """Return rows, the exact probability of class 1, and labels drawn from it."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, len(COEF)))
    p = expit(X @ COEF - 0.5)
    return X, p, (rng.random(n) < p).astype(int)


def in_partitions(n_partitions, *arrays):
    """Return Dask arrays of the same rows, in partitions of about the same size."""
    size = -(-len(arrays[0]) // n_partitions)
    return [da.from_array(each, chunks=(size, *each.shape[1:])) for each in arrays]
