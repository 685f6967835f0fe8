"""Predictions for Dask collections: lazy, each partition by itself."""

import dask.array as da
import numpy as np

from .._utils._rows import predict_on_copy
from ._partitions import Partitions, check_rows, sizes_of
from ._run import as_delayed, run, task, total


def predict_partitions(estimator, method, X, tail=(), dtype=np.float64):
    """Return a Dask array of what a method of a fitted estimator answers; nothing is computed.

    It has the partitions of X; `tail` is the shape of the answer to one row.
    """
    partitions = Partitions(X)
    estimator._check_features(partitions.header)
    model = as_delayed(estimator)
    predictions = [
        da.from_delayed(task(_answer, model, method, block, tail, dtype), (size, *tail), dtype)
        for block, size in zip(partitions.X, sizes_of(X, "X"), strict=True)
    ]
    return da.concatenate(predictions, allow_unknown_chunksizes=True)


def _answer(estimator, method, X, tail, dtype):
    """Return the answer for a partition, which may have no rows."""
    if X.shape[0] == 0:
        return np.empty((0, *tail), dtype=dtype)
    return np.asarray(predict_on_copy(getattr(estimator, method), X), dtype=dtype)


def accuracy_on_partitions(estimator, X, y, sample_weight):
    """Return the share of rows, by weight, whose label an estimator predicts."""
    right, weight = run([total(_tasks_of(_right, estimator, X, y, sample_weight))])[0]
    return float(right / weight)


def scored_partitions(estimator, X, y, sample_weight):
    """Return labels, scores and weights of the rows of all partitions, in memory."""
    parts = run(_tasks_of(_scored, estimator, X, y, sample_weight))
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _tasks_of(function, estimator, X, y, sample_weight):
    """Return a task for each partition, with its labels and weights."""
    partitions = Partitions(X, y, sample_weight)
    estimator._check_features(partitions.header)
    model = as_delayed(estimator)
    return [
        task(function, model, k, partitions.X[k], partitions.y[k], partitions.weight[k])
        for k in range(len(partitions))
    ]


def _right(estimator, number, X, y, weight):
    """Return the weight of the rows of a partition that are predicted rightly, and of all."""
    check_rows(number, X, y=y, sample_weight=weight)
    weight = np.ones(len(y)) if weight is None else np.asarray(weight)
    right = np.zeros(0)
    if len(y):
        right = predict_on_copy(estimator.predict, X) == np.asarray(y)
    return np.array([weight @ right, weight.sum()])


def _scored(estimator, number, X, y, weight):
    """Return the labels, scores and weights of a partition."""
    check_rows(number, X, y=y, sample_weight=weight)
    scores = np.zeros(0) if len(y) == 0 else predict_on_copy(estimator.decision_function, X)
    return np.asarray(y), scores, np.ones(len(y)) if weight is None else np.asarray(weight)
