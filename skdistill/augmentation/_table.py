"""Tables of rows by their columns: arrays, and dataframes of pandas and polars alike.

A column is an array or a Series. New ones get the dtype of the one that they stand for.
"""

import sys

import numpy as np
from scipy import sparse
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils import _safe_indexing, assert_all_finite

from .._validation import column_names


def check_table(X, augmenter):
    """Return rows as a dataframe or a two-dimensional array, or say who can sample others."""
    name = type(augmenter).__name__
    if sparse.issparse(X):
        raise TypeError(
            f"{name} samples dense rows; got a {type(X).__name__} of shape {X.shape}. Give "
            "X.toarray(), or an augmenter of your own: any object with sample(X, random_state)."
        )
    if column_names(X) is None:
        X = np.asarray(X)
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(
            f"{name} samples rows of shape (n_samples, n_features), at least one of each; got "
            f"shape {X.shape}. For texts or images give an augmenter of your own: any object with "
            "sample(X, random_state)."
        )
    for column in columns_of(X):
        if kind_of(column) == "float":
            assert_all_finite(floats(column), input_name="X", allow_nan=True)
    return X


def columns_of(X):
    """Return the columns of a table."""
    return [_safe_indexing(X, column, axis=1) for column in range(X.shape[1])]


def kind_of(column):
    """Return "integer" or "float" for a column of numbers, "nominal" for every other."""
    dtype = column.dtype
    if hasattr(dtype, "is_numeric"):  # polars
        return "integer" if dtype.is_integer() else "float" if dtype.is_numeric() else "nominal"
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        dtype = np.asarray(column.tolist()).dtype
    return {"i": "integer", "u": "integer", "f": "float"}.get(dtype.kind, "nominal")


def floats(column):
    """Return a column of numbers as an array, NaN where a value is missing."""
    if hasattr(column, "astype"):  # pandas 2 turns its NA into NaN here only
        return np.asarray(column.astype(np.float64))
    return np.asarray(column, dtype=np.float64)


def missing(column):
    """Return which values of a column are missing."""
    if kind_of(column) != "nominal":
        return np.isnan(floats(column))
    for name in ("isna", "is_null"):  # pandas, polars
        if hasattr(column, name):
            return np.asarray(getattr(column, name)())
    return np.array([value is None or value != value for value in column.tolist()])


def values_of(X):
    """Return which of its column's values each entry is, as integers; missing is one of them."""
    encoder = OrdinalEncoder(dtype=np.int64, encoded_missing_value=-1)
    return encoder.fit_transform(X)


def take(column, rows):
    """Return the values of a column in some rows."""
    taken = _safe_indexing(column, rows)
    return taken.reset_index(drop=True) if hasattr(taken, "reset_index") else taken


def as_column(values, like):
    """Return floats as a column of the dtype of another."""
    if isinstance(like, np.ndarray):
        return values.astype(like.dtype)
    if hasattr(like, "cast"):  # polars
        return type(like)(values, nan_to_null=like.null_count() > 0).cast(like.dtype)
    return type(like)(values).astype(like.dtype)


def table_of(columns, like):
    """Return columns as a table: a dataframe with the column names of another, or an array."""
    names = column_names(like)
    if names is None:
        table = np.empty((len(columns[0]), len(columns)), dtype=like.dtype)
        for position, column in enumerate(columns):
            table[:, position] = column
        return table
    # Whoever made the dataframe has imported pandas or polars.
    library = sys.modules[type(like).__module__.partition(".")[0]]
    return library.DataFrame(dict(zip(names, columns, strict=True)))
