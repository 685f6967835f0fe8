"""Tables by their columns: arrays, and pandas and polars dataframes.

A column is an array or a Series. New columns get the dtype of the original one.
"""

import sys

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing, assert_all_finite

from .._utils._validation import column_names

NUMBERS = (int, float, np.integer, np.floating)


def check_table(X, augmenter):
    """Return rows as a dataframe or a two-dimensional array; raise for other types."""
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
    """Return "integer" or "float" for a numeric column, "nominal" for any other."""
    dtype = column.dtype
    if hasattr(dtype, "is_numeric"):  # polars
        return "integer" if dtype.is_integer() else "float" if dtype.is_numeric() else "nominal"
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _kind_of_objects(column.tolist())
    return {"i": "integer", "u": "integer", "f": "float"}.get(dtype.kind, "nominal")


def _kind_of_objects(values):
    """Return the kind of the values of a column of objects; bool is nominal."""
    types = {type(value) for value in values if not _is_missing(value)}
    if not types or bool in types or not all(issubclass(each, NUMBERS) for each in types):
        return "nominal"
    return "float" if any(issubclass(each, float | np.floating) for each in types) else "integer"


def as_list(column):
    """Return the values of a column as Python objects."""
    return column.to_list() if hasattr(column, "to_list") else column.tolist()


def floats(column):
    """Return a numeric column as an array, NaN where a value is missing."""
    if hasattr(column, "isna"):  # pandas 2 has NA that no other conversion turns into NaN
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if column.dtype == object:  # may contain None or NA
        return np.array([np.nan if _is_missing(value) else float(value) for value in column])
    return np.asarray(column, dtype=np.float64)


def missing(column):
    """Return a mask of the missing values of a column."""
    if kind_of(column) != "nominal":
        return np.isnan(floats(column))
    for name in ("isna", "is_null"):  # pandas, polars
        if hasattr(column, name):
            return np.asarray(getattr(column, name)())
    return np.array([_is_missing(value) for value in column.tolist()])


def _is_missing(value):
    """Return whether an object is a missing value: None, or not equal to itself."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA, which cannot be converted to bool
        return True


def values_of(X):
    """Return each entry as an integer code of its column's values; missing has a code, too."""
    names = column_names(X) or range(X.shape[1])
    columns = zip(names, columns_of(X), strict=True)
    return np.column_stack([_codes(name, column) for name, column in columns])


def _codes(name, column):
    """Return the position of each value among the sorted values of its column, -1 if missing."""
    not_missing = np.flatnonzero(~missing(column))
    values = np.asarray(_safe_indexing(column, not_missing))
    if values.dtype == object:
        try:
            distinct = set(values.tolist())
        except TypeError as error:
            raise TypeError(
                f"Column {name!r} holds values that cannot be compared for equality "
                f"({error}). Leave it out, or convert it to text or numbers."
            ) from error
        try:
            distinct = sorted(distinct)
        except TypeError:  # numbers among texts: there is no order, and it is not needed
            distinct = dict.fromkeys(values.tolist())
        code_of = {value: position for position, value in enumerate(distinct)}
        codes = [code_of[value] for value in values.tolist()]
    else:
        codes = np.unique(values, return_inverse=True)[1]
    all_codes = np.full(len(column), -1)
    all_codes[not_missing] = codes
    return all_codes


def take(column, rows):
    """Return the values of a column at some rows."""
    taken = _safe_indexing(column, rows)
    return taken.reset_index(drop=True) if hasattr(taken, "reset_index") else taken


def table_of(columns, like):
    """Return columns as a table: a dataframe with the column names of another, or an array."""
    if column_names(like) is None:
        table = np.empty((len(columns[0]), len(columns)), dtype=like.dtype)
        for position, column in enumerate(columns):
            table[:, position] = column
        return table
    # The library of the dataframe has been imported already.
    library = sys.modules[type(like).__module__.partition(".")[0]]
    frame = library.DataFrame({str(k): column for k, column in enumerate(columns)})
    frame.columns = like.columns  # names may be repeated
    return frame
