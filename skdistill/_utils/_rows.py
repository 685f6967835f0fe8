"""Rows of arrays, sparse matrices, dataframes and lists."""

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


def mean_row_weight(weight):
    """Return the mean of the weights that are positive."""
    positive = weight[weight > 0]
    return float(positive.mean()) if len(positive) else 1.0


def is_in_partitions(*values):
    """Return whether one of the values is a Dask collection, without importing dask."""
    dask = sys.modules.get("dask")
    return dask is not None and any(dask.is_dask_collection(each) for each in values)


def refuse_queries(**values):
    """Raise if a value is a lazy query, such as a LazyFrame of polars."""
    for name, value in values.items():
        if hasattr(value, "collect") and not hasattr(value, "shape"):
            kind = type(value)
            raise TypeError(
                f"{name} is a {kind.__name__} of {kind.__module__.partition('.')[0]}, a lazy query "
                f"without rows. Give its result, {name}.collect()."
            )


def refuse_partitions(user, **values):
    """Raise for Dask collections, which would be loaded into this process, and for lazy queries.

    `user` is an estimator, or the name of a function.
    """
    refuse_queries(**values)
    name_of_user = user if isinstance(user, str) else type(user).__name__
    for name, value in values.items():
        if is_in_partitions(value):
            raise TypeError(
                f"{name_of_user} takes rows in memory only, and {name} is a collection "
                f"of Dask, {type(value).__name__}. Load it, {name}.compute(), or a sample of its "
                "partitions; DistilledClassifier and DistilledBipartiteRanker accept Dask "
                "collections."
            )


def row_positions(rows):
    """Return the rows of a fold, given as positions or as a mask, as an array of integers."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def rows_of(params, rows, n_rows):
    """Return parameters in which those with one entry per row are restricted to some rows."""
    return {
        name: _safe_indexing(value, rows) if count_rows(value) == n_rows else value
        for name, value in params.items()
    }


def rows_where(X, mask):
    """Return the rows for which a mask is True."""
    return X[mask] if type(X) is np.ndarray else _safe_indexing(X, np.flatnonzero(mask))


def copied(X):
    """Return a copy of rows, for a model that may change its input in place."""
    if type(X) is np.ndarray and X.ndim:
        return X.copy()
    (X,) = indexable(X)
    return _safe_indexing(X, np.arange(count_rows(X)))


def predict_on_copy(predict, X):
    """Return the predictions of a model for a copy of X, so that X is not changed in place.

    A Pipeline with ``StandardScaler(copy=False)`` changes its input. Rows that are used again after
    `fit` or `predict` must therefore be copied.
    """
    return predict(copied(X))


def bytes_per_row(X):
    """Return the approximate number of bytes per row; 0 if unknown."""
    if sparse.issparse(X):
        return X.nnz * (X.dtype.itemsize + 4) / X.shape[0]
    if column_names(X) is not None:
        return 8 * X.shape[1]
    return X.nbytes / X.shape[0] if hasattr(X, "nbytes") else 0
