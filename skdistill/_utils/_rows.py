"""Rows of whatever holds them: arrays, sparse matrices, dataframes, lists."""

import sys

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing, indexable

from ._validation import column_names


def count_rows(value):
    """Return the number of rows; None for a scalar, a string or None."""
    if hasattr(value, "shape"):
        return value.shape[0] if value.shape else None
    return len(value) if hasattr(value, "__len__") and not isinstance(value, str) else None


def is_in_partitions(*values):
    """Return whether one of these is a Dask collection; whoever made it has imported dask."""
    dask = sys.modules.get("dask")
    return dask is not None and any(dask.is_dask_collection(each) for each in values)


def refuse_queries(**values):
    """Raise if a value is a query that has not been run, such as a LazyFrame of polars."""
    for name, value in values.items():
        if hasattr(value, "collect") and not hasattr(value, "shape"):
            kind = type(value)
            raise TypeError(
                f"{name} is a {kind.__name__} of {kind.__module__.partition('.')[0]}, a query that "
                f"has not been run and has no rows yet. Give its result, {name}.collect()."
            )


def refuse_partitions(estimator, **values):
    """Raise for a Dask collection, which an estimator would load into this process; for queries."""
    refuse_queries(**values)
    for name, value in values.items():
        if is_in_partitions(value):
            raise TypeError(
                f"{type(estimator).__name__} takes rows in memory only, and {name} is a collection "
                f"of Dask, {type(value).__name__}. Load it, {name}.compute(), or a sample of its "
                "partitions; DistilledClassifier and DistilledBipartiteRanker learn from "
                "collections as they are."
            )


def row_positions(rows):
    """Return the rows of a fold as an array of integers; an iterable may hold lists or masks."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def rows_of(params, rows, n_rows):
    """Return named parameters with those that have one entry per row cut to some rows."""
    return {
        name: _safe_indexing(value, rows) if count_rows(value) == n_rows else value
        for name, value in params.items()
    }


def copied(X):
    """Return a copy of rows, for a model that may change those that it gets."""
    (X,) = indexable(X)
    return _safe_indexing(X, np.arange(count_rows(X)))


def predict_on_copy(predict, X):
    """Return what a method of a model predicts; X stays as it is, whatever the model does.

    A Pipeline with ``StandardScaler(copy=False)`` changes the rows that it gets. Whoever uses rows
    again after a model has seen them, in `fit` or in `predict`, gives it a copy.
    """
    return predict(copied(X))


def bytes_per_row(X):
    """Return about how many bytes a row takes; 0 where that cannot be told."""
    if sparse.issparse(X):
        return X.nnz * (X.dtype.itemsize + 4) / X.shape[0]
    if column_names(X) is not None:
        return 8 * X.shape[1]
    return X.nbytes / X.shape[0] if hasattr(X, "nbytes") else 0
