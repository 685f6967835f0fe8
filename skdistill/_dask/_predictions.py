"""Predictions for Dask collections: lazy, each partition by itself."""

import dask.array as da
import numpy as np

from ._partitions import Partitions, sizes_of
from ._run import once, task


def predict_partitions(estimator, method, X, tail=(), dtype=np.float64):
    """Return a Dask array of what a method of a fitted estimator answers; nothing is computed.

    It has the partitions of X; `tail` is the shape of the answer to one row.
    """
    partitions = Partitions(X)
    estimator._check_features(partitions.header)
    model = once(estimator)
    answers = [
        da.from_delayed(task(_answer, model, method, block, tail, dtype), (size, *tail), dtype)
        for block, size in zip(partitions.X, sizes_of(X, "X"), strict=True)
    ]
    return da.concatenate(answers, allow_unknown_chunksizes=True)


def _answer(estimator, method, X, tail, dtype):
    """Return the answer for a partition, which may have no rows."""
    if X.shape[0] == 0:
        return np.empty((0, *tail), dtype=dtype)
    return np.asarray(getattr(estimator, method)(X), dtype=dtype)
