"""Rows of whatever holds them: arrays, sparse matrices, dataframes, lists."""

import sys

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing

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


def refuse_partitions(estimator, **values):
    """Raise if a value is a Dask collection, which an estimator would load into this process."""
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


def bytes_per_row(X):
    """Return about how many bytes a row takes; 0 where that cannot be told."""
    if sparse.issparse(X):
        return X.nnz * (X.dtype.itemsize + 4) / X.shape[0]
    if column_names(X) is not None:
        return 8 * X.shape[1]
    return X.nbytes / X.shape[0] if hasattr(X, "nbytes") else 0


def stack_rows(first, second):
    """Return the rows of `first` followed by those of `second`, in the container of `first`."""
    if sparse.issparse(first) or sparse.issparse(second):
        return sparse.vstack([first, second], format="csr")
    if column_names(first) is not None:
        # pandas and polars both have a concat; whoever made the dataframe has imported theirs.
        library = sys.modules[type(first).__module__.partition(".")[0]]
        return library.concat([first, second])
    if isinstance(first, list) and isinstance(second, list):
        return first + second
    return np.concatenate([np.asarray(first), np.asarray(second)])


def check_same_columns(X_unlabeled, X):
    """Raise unless the unlabelled rows have the columns of the labelled ones."""
    names, expected = column_names(X_unlabeled), column_names(X)
    if expected is not None and names is None:
        raise ValueError(
            f"X has column names, {expected}, but X_unlabeled, a {type(X_unlabeled).__name__}, has "
            "none. Give it as a dataframe with the same columns."
        )
    if expected is None and names is not None:
        raise ValueError(
            f"X_unlabeled has column names, {names}, but X, a {type(X).__name__}, has none, so "
            "that nothing says which column is which. Give X as a dataframe too; behind a "
            'transforming Pipeline, use Pipeline(..., transform_input=["X_unlabeled"]).'
        )
    if names != expected:
        lacking = [name for name in expected if name not in names]
        surplus = [name for name in names if name not in expected]
        what = f"lacks {lacking} and adds {surplus}" if lacking or surplus else "orders them anew"
        raise ValueError(
            f"X_unlabeled must have the columns of X, in their order: X has {expected}, "
            f"X_unlabeled {what}. Select X_unlabeled[list(X.columns)]."
        )
    width, expected_width = np.shape(X_unlabeled)[1:], np.shape(X)[1:]
    if width != expected_width:
        raise ValueError(
            f"X_unlabeled must have the columns of X; got rows of shape {width}, expected "
            f"{expected_width}. Behind a transforming Pipeline X_unlabeled must be transformed "
            'too: Pipeline(..., transform_input=["X_unlabeled"]).'
        )
