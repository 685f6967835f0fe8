"""Numbers near those of a column, in its dtype."""

import numpy as np

from ._table import as_list, floats, kind_of, missing


def add_noise(values, noise, column):
    """Return values of a column plus noise, as values that the column may hold.

    Integers are rounded and stay within the range of the column; those with noise 0 are unchanged.
    Floats too large for their dtype are clipped to that range. Missing values stay missing.
    """
    if kind_of(column) == "integer":
        return _column(_noisy_integers(values, noise, column), like=column)
    if column.dtype == object:
        return _column(_noisy_objects(values, noise, column), like=column)
    with np.errstate(over="ignore"):
        numbers = floats(values) + noise
    new = _column(numbers, like=column)
    overflow = np.isinf(floats(new))
    return _column(_clipped(numbers, overflow, column), like=column) if overflow.any() else new


def _clipped(numbers, overflow, column):
    """Return numbers of which those that overflow are clipped to the range of a column."""
    known = floats(column)
    return np.where(overflow, np.clip(numbers, np.nanmin(known), np.nanmax(known)), numbers)


def _noisy_objects(values, noise, column):
    """Return the sums as Python floats; a missing value, None, NaN or NA, stays as it is."""
    with np.errstate(over="ignore"):
        numbers = floats(values) + noise
    numbers = _clipped(numbers, np.isinf(numbers), column).tolist()
    rows = zip(as_list(values), missing(values), numbers, strict=True)
    return [value if is_missing else number for value, is_missing, number in rows]


def _noisy_integers(values, noise, column):
    """Return the sums as Python integers: floats would not be exact beyond 2 ** 53."""
    known = np.array(as_list(column), dtype=object)[~missing(column)]
    smallest, largest = int(min(known)), int(max(known))
    width = float(largest - smallest)
    steps = np.clip(np.rint(noise), -width, width).tolist()
    rows = zip(as_list(values), steps, missing(values), strict=True)
    return [
        value if is_missing else min(max(int(value) + int(step), smallest), largest)
        for value, step, is_missing in rows
    ]


def _column(numbers, like):
    """Return numbers as a column of the dtype of another."""
    with np.errstate(over="ignore"):
        if isinstance(like, np.ndarray):
            return np.array(numbers, dtype=like.dtype)
        if hasattr(like, "null_count"):  # polars
            nan_to_null = like.null_count() > 0
            return type(like)("", numbers, dtype=like.dtype, nan_to_null=nan_to_null)
        return type(like)(numbers, dtype=like.dtype)
