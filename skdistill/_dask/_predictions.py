"""Lazy predictions for Dask collections, by partition."""

import dask.array as da
import numpy as np

from .._utils._rows import predict_on_copy
from ._partitions import Partitions, check_rows, sizes_of
from ._run import as_delayed, run, task, total


def predict_partitions(estimator, method, X, tail=(), dtype=np.float64):
    """Return the predictions of a method of a fitted estimator as a lazy Dask array.

    It has the partitions of X; `tail` is the shape of the prediction of one row.
    """
    partitions = Partitions(X)
    model = as_delayed(estimator)
    predictions = [
        da.from_delayed(task(_predict, model, method, block, tail, dtype), (size, *tail), dtype)
        for block, size in zip(partitions.X, sizes_of(X, "X"), strict=True)
    ]
    return da.concatenate(predictions, allow_unknown_chunksizes=True)


def _predict(estimator, method, X, tail, dtype):
    """Return the predictions of a partition, which may be empty."""
    if X.shape[0] == 0:
        return np.empty((0, *tail), dtype=dtype)
    return np.asarray(predict_on_copy(getattr(estimator, method), X), dtype=dtype)


def accuracy_on_partitions(estimator, X, y, sample_weight):
    """Return the weighted accuracy of an estimator."""
    correct, weight = run([total(_tasks_of(_correct_weight, estimator, X, y, sample_weight))])[0]
    return float(correct / weight)


def scored_partitions(estimator, X, y, sample_weight):
    """Return labels, scores and weights of the rows of all partitions, in memory."""
    parts = run(_tasks_of(_scored, estimator, X, y, sample_weight))
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def _tasks_of(function, estimator, X, y, sample_weight):
    """Return a task for each partition, with its labels and weights."""
    partitions = Partitions(X, y, sample_weight)
    model = as_delayed(estimator)
    return [
        task(function, model, k, partitions.X[k], partitions.y[k], partitions.weight[k])
        for k in range(len(partitions))
    ]


def _correct_weight(estimator, number, X, y, weight):
    """Return the weight of the correctly predicted rows of a partition, and of all its rows."""
    check_rows(number, X, y=y, sample_weight=weight)
    weight = np.ones(len(y)) if weight is None else np.asarray(weight)
    is_correct = np.zeros(0)
    if len(y):
        is_correct = predict_on_copy(estimator.predict, X) == np.asarray(y)
    return np.array([weight @ is_correct, weight.sum()])


def _scored(estimator, number, X, y, weight):
    """Return the labels, scores and weights of a partition."""
    check_rows(number, X, y=y, sample_weight=weight)
    scores = np.zeros(0) if len(y) == 0 else predict_on_copy(estimator.decision_function, X)
    return np.asarray(y), scores, np.ones(len(y)) if weight is None else np.asarray(weight)
