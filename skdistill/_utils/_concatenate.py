"""Concatenation of the rows of containers: each column keeps the dtype of the first container.

Categories are merged. Values of another dtype are converted if no value changes; otherwise an
error names the column and both dtypes.
"""

import sys
from datetime import datetime, timedelta
from itertools import takewhile
from numbers import Integral, Number

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing

from ._validation import column_names

GIVEN = ("X", "X_unlabeled")
NUMBERS = "biuf"  # kinds of NumPy dtypes
EXACT = 2**53  # float64 represents all integers up to here
ONE_DTYPE = "Give it one dtype in both, one that holds the values of both"
CATEGORICAL_IN_BOTH = (
    'Make it categorical in both, in pandas by astype("category"): their categories are then merged'
)
BEHIND_A_PIPELINE = (
    "Behind a transforming Pipeline, X_unlabeled must be transformed, too: make the Pipeline the "
    "student; or set sklearn.set_config(enable_metadata_routing=True), "
    "set_fit_request(X_unlabeled=True) of the last step, and "
    'Pipeline(..., transform_input=["X_unlabeled"]).'
)


def stack_rows(first, *others, names=GIVEN):
    """Return the rows of `first` followed by those of the others, in the container of `first`."""
    for other in others:
        first, _ = align_rows(first, other, names)
    blocks = [first, *(align_rows(first, other, names)[1] for other in others)]
    if sparse.issparse(first):
        return sparse.vstack(blocks, format="csr")
    if column_names(first) is not None:
        return _library_of(first).concat(blocks)
    if isinstance(first, list):
        return [row for block in blocks for row in block]
    return np.concatenate([np.asarray(block) for block in blocks])


def align_rows(first, second, names=GIVEN):
    """Return both with the same container type and the same dtype of each column.

    Raise for values that `first` cannot contain; `names` are the names in the error message.
    """
    if column_names(first) is not None:
        return _align_dataframes(first, second, names)
    if sparse.issparse(first):
        if not sparse.issparse(second):
            second = sparse.csr_array(
                _array_like(second, np.empty((0, first.shape[1]), first.dtype), names)
            )
        _numbers_like(sparse.csr_array(second).data, sparse.csr_array(first).data, names)
        return first, second
    if sparse.issparse(second):
        second = second.toarray()
    if isinstance(first, list):
        return first, second.tolist() if hasattr(second, "tolist") else list(second)
    return first, _array_like(second, first, names)


def have_same_dtypes(first, second):
    """Return whether two dataframes have the same dtypes and categories."""
    return all(map(_same_dtype, first.dtypes, second.dtypes))


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
            f"that columns cannot be matched. Give X as a dataframe too. {BEHIND_A_PIPELINE}"
        )
    if expected is not None:
        _check_same_library(X_unlabeled, X, ("X_unlabeled", "X"))
    if names != expected:
        lacking = [name for name in expected if name not in names]
        surplus = [name for name in names if name not in expected]
        what = f"lacks {lacking} and adds {surplus}" if lacking or surplus else "reorders them"
        raise ValueError(
            f"X_unlabeled must have the columns of X, in their order: X has {expected}, "
            f"X_unlabeled {what}. Select X_unlabeled[list(X.columns)]."
        )
    width, expected_width = np.shape(X_unlabeled)[1:], np.shape(X)[1:]
    if width != expected_width:
        raise ValueError(
            f"X_unlabeled must have the columns of X; got rows of shape {width}, expected "
            f"{expected_width}. {BEHIND_A_PIPELINE}"
        )


def _library_of(frame):
    """Return the library of a dataframe, pandas or polars, which is already imported."""
    return sys.modules[type(frame).__module__.partition(".")[0]]


def _check_same_library(frame, expected, names):
    """Raise unless two dataframes are of one library."""
    library, required = (_library_of(each).__name__ for each in (frame, expected))
    if library != required:
        raise ValueError(
            f"{names[0]} is a dataframe of {library}, {names[1]} one of {required}. Give both as "
            f"dataframes of {required}."
        )


# Dataframes, column by column.


def _align_dataframes(first, second, names):
    """Return dataframes whose columns have the same dtypes."""
    _check_same_library(second, first, names[::-1])
    if column_names(second) != column_names(first):
        raise ValueError(
            f"{names[1]} must have the columns of {names[0]}, in their order: "
            f"expected {column_names(first)}, got {column_names(second)}."
        )
    changed = {}
    for position, (ours, theirs) in enumerate(zip(first.dtypes, second.dtypes, strict=True)):
        if str(ours) != "object" and _same_dtype(ours, theirs):
            continue
        pair = [_safe_indexing(rows, position, axis=1) for rows in (first, second)]
        try:
            changed[position] = _align_columns(*pair)
        except _IncompatibleColumns as error:
            raise ValueError(
                f"Column {column_names(first)[position]!r} of {names[1]} has dtype "
                f"{_described(theirs)}, expected {_described(ours)} as in {names[0]}. {error}."
            ) from error
    return tuple(
        _with_columns(rows, {position: pair[number] for position, pair in changed.items()})
        for number, rows in enumerate((first, second))
    )


class _IncompatibleColumns(ValueError):
    """Two columns cannot have the same dtype; the message is the remedy."""


def _with_columns(frame, columns):
    """Return a dataframe with the columns in some positions replaced."""
    if not columns:
        return frame
    if hasattr(frame, "with_columns"):  # polars
        return frame.with_columns(*columns.values())
    frame = frame.copy(deep=False)
    for position, column in columns.items():
        frame.isetitem(position, column)
    return frame


def _align_columns(ours, theirs):
    """Return two columns in the dtype of the first, with the categories of both."""
    if all(_categories(column.dtype) is not None for column in (ours, theirs)):
        return _merge_categories(ours, theirs)
    _check_kinds(ours, theirs)
    if ours.dtype == theirs.dtype:
        return ours, theirs
    return ours, _converted(theirs, ours.dtype)


def _check_kinds(ours, theirs):
    """Raise if the second column contains other kinds of values than the first."""
    kinds, expected = (_kinds(_values(column)) for column in (theirs, ours))
    if kinds and _is_categorical(ours.dtype) != _is_categorical(theirs.dtype):
        raise _IncompatibleColumns(CATEGORICAL_IN_BOTH)
    unknown = kinds - expected
    if unknown and expected:
        raise _IncompatibleColumns(
            f"It holds {_listed(unknown)}, expected {_listed(expected)}. {ONE_DTYPE}"
        )


def _converted(column, dtype):
    """Return a column in another dtype, unless that would change a value."""
    cast = column.cast if hasattr(column, "cast") else column.astype  # polars, pandas
    try:
        with np.errstate(all="ignore"):
            new = cast(dtype)
    except Exception as error:  # pandas, polars and Arrow raise different errors
        raise _IncompatibleColumns(f"It cannot be converted ({error}). {ONE_DTYPE}") from error
    values = _values(column)
    changed = np.flatnonzero([a != b for a, b in zip(values, _values(new), strict=True)])
    if len(changed):
        raise _IncompatibleColumns(
            f"Converting it would change {len(changed)} values, the first in row {changed[0]}: "
            f"{values[changed[0]]!r}. {ONE_DTYPE}"
        )
    return new


def _values(column):
    """Return the values of a column as Python objects, None for missing ones."""
    values = column.to_list()
    if hasattr(column, "isna"):  # pandas has several missing values
        missing = column.isna().tolist()
        return [None if is_na else value for value, is_na in zip(values, missing, strict=True)]
    return [None if value != value else value for value in values]


def _kinds(values):
    """Return the set of kinds of the values, without missing ones."""
    return {_kind(value) for value in values if value is not None}


def _listed(kinds):
    """Return kinds of values as text."""
    return " and ".join(sorted(kinds)) or "missing values only"


def _kind(value):
    """Return the kind of a value in words; booleans are numbers."""
    if isinstance(value, Number | np.bool_):
        return "numbers"
    if isinstance(value, str):
        return "text"
    if isinstance(value, datetime):
        return "times" if value.tzinfo is None else "times with a time zone"
    return "durations" if isinstance(value, timedelta) else type(value).__name__


# Categories.


def _same_dtype(ours, theirs):
    """Return whether two dtypes are equal, the order of their categories included."""
    first, second = _categories(ours), _categories(theirs)
    if first is None or second is None:
        return ours == theirs
    return ours == theirs and first.dtype == second.dtype and first.to_list() == second.to_list()


def _is_categorical(dtype):
    """Return whether a dtype is categorical, also polars' Categorical without listed categories."""
    return hasattr(dtype, "categories") or type(dtype).__name__ == "Categorical"


def _categories(dtype):
    """Return the categories of a dtype, None if it lists none."""
    categories = getattr(dtype, "categories", None)
    return categories if hasattr(categories, "to_list") else None


def _is_ordered(dtype):
    """Return whether categories are ordered, as they are in an Enum of polars."""
    return getattr(dtype, "ordered", True)


def _merge_categories(ours, theirs):
    """Return two columns with the categories of the first, then the further ones of the second."""
    first, second = ours.dtype.categories, theirs.dtype.categories
    ordered = _is_ordered(ours.dtype)
    if ordered != _is_ordered(theirs.dtype):
        raise _IncompatibleColumns("Let its categories be ordered in both, or in neither")
    if not len(first):
        first = second[:0]
    if first.dtype != second.dtype:
        _, second = _align_columns(first, second)
        theirs = theirs.cat.rename_categories(second)
    lists = first.to_list(), second.to_list()
    merged = _merge_orders(*lists) if ordered else list(dict.fromkeys(lists[0] + lists[1]))
    if hasattr(ours, "cast"):  # polars
        dtype = type(ours.dtype)(merged)
        return ours.cast(dtype), theirs.cast(dtype)
    joined = first.append(second)  # as a list the categories might get another dtype
    position_of = {category: position for position, category in enumerate(joined.to_list())}
    merged = joined[[position_of[category] for category in merged]]
    return ours.cat.set_categories(merged), theirs.cat.set_categories(merged)


def _merge_orders(first, second):
    """Return the order of all categories that agrees with both given orders."""
    shared = [each for each in first if each in set(second)]
    if shared != [each for each in second if each in set(first)]:
        raise _IncompatibleColumns(
            "The orders of its categories contradict each other: use one order in both"
        )
    merged, end = [], object()
    left, right = iter(first), iter(second)
    for mark in [*shared, end]:
        before = [list(takewhile(lambda each, mark=mark: each != mark, it)) for it in (left, right)]
        if all(before):
            raise _IncompatibleColumns(
                f"The order of {before[0]} and {before[1]} is not defined: use one order of all "
                "categories in both"
            )
        merged += [*before[0], *before[1], mark]
    return merged[:-1]


def _described(dtype):
    """Return a dtype as text, with its categories."""
    categories = _categories(dtype)
    if categories is None:
        return str(dtype)
    listed = categories.to_list()
    shown = str(listed) if len(listed) <= 10 else f"{str(listed[:10])[:-1]}, ... ({len(listed)})]"
    return f"{'ordered ' * _is_ordered(dtype)}category {shown}"


# Arrays.


def _array_like(array, like, names):
    """Return an array with the kinds of values of another, column by column."""
    array, like = np.asarray(array), np.asarray(like)
    if array.dtype == like.dtype != object:
        return array
    tables = array.ndim == like.ndim == 2
    pairs = zip(array.T, like.T, strict=True) if tables else [(array.ravel(), like.ravel())]
    for position, (theirs, ours) in enumerate(pairs):
        kinds, expected = _kinds_of_array(theirs), _kinds_of_array(ours)
        if not kinds <= expected and (expected or array.dtype != like.dtype):
            where = f" in column {position}" if tables else ""
            raise ValueError(
                f"{names[1]} has dtype {array.dtype}, expected {like.dtype} as in {names[0]}: it "
                f"holds {_listed(kinds)}{where}, expected {_listed(expected)}. Give both as arrays "
                "of one dtype."
            )
    if like.dtype == object:
        return array.astype(object)
    if like.dtype.kind in NUMBERS:
        return _numbers_like(array, like, names)
    return array  # NumPy can concatenate strings


def _numbers_like(array, like, names):
    """Return numbers that NumPy can append to others, unless the common dtype changes integers."""
    numbers = array.astype(np.float64) if array.dtype == object else array
    dtype = np.result_type(numbers, like)
    for values, other, name in ((like, numbers, names[0]), (array, like, names[1])):
        changed = _inexact_integers(values) if dtype.kind == "f" else []
        if changed:
            raise ValueError(
                f"{name} holds integers of dtype {values.dtype} beyond 2^53, the other rows have "
                f"dtype {other.dtype}, and both as {dtype} would change {len(changed)} integers, "
                f"the first is {changed[0]}. Give both as arrays of one dtype; codes can be text."
            )
    return numbers


def _inexact_integers(values):
    """Return the integers that no float64 represents."""
    if values.dtype.kind in "iu":
        values = values[(values > EXACT) | (values < -EXACT)]
    elif values.dtype != object:
        return []
    integers = (value for value in values.ravel().tolist() if isinstance(value, Integral))
    return [value for value in integers if float(value) != value]


def _kinds_of_array(array):
    """Return the set of kinds of the values of an array, without missing ones."""
    if array.dtype == object:
        return _kinds([None if value != value else value for value in array])
    if array.dtype.kind in NUMBERS:
        return {"numbers"}
    return {"text" if array.dtype.kind == "U" else array.dtype.name}
