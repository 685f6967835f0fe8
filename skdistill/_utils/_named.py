"""Probabilities with named columns and rows, such as dataframes.

The columns of a dataframe are matched to the classes by name, in any order. A class without a
column has probability 0; a column that is no class raises an error. Rows are not reordered: an
index with the same rows in another order, or with other rows, raises an error.
"""

from numbers import Real

import numpy as np
from scipy import sparse


def match_columns(names, classes):
    """Return the class of each column name.

    Names are matched by equality, by text or by number, in this order: polars and text files turn
    labels into strings, and missing values turn integers into floats, so that "1" and 1.0 match
    the class 1. Raise a ValueError for a name of no class, and for two names of the same class.
    """
    labels = classes.tolist()
    find_position = _position_finder(labels)
    positions = [find_position(name) for name in names]
    surplus = [name for name, found in zip(names, positions, strict=True) if found is None]
    if surplus:
        missing = [label for number, label in enumerate(labels) if number not in positions]
        lacking = f"no column for {missing}, " if missing else ""
        raise ValueError(
            f"The columns {names} are not the classes {labels}: {lacking}no class for {surplus}. "
            "Rename the columns, drop those that are no class, or list every class in classes."
        )
    if len(set(positions)) < len(positions):
        twice = [
            name for name, found in zip(names, positions, strict=True) if positions.count(found) > 1
        ]
        raise ValueError(
            f"The columns {twice} name the same class; the classes are {labels}. Give one "
            "column for each class."
        )
    return np.asarray([labels[position] for position in positions], dtype=classes.dtype)


def _position_finder(labels):
    """Return a function that maps a name to the position of its label, or to None."""
    by_label = {(isinstance(label, str), label): k for k, label in enumerate(labels)}
    by_text = {str(label): k for k, label in enumerate(labels)}
    by_number = {(isinstance(label, str), _number(label)): k for k, label in enumerate(labels)}

    def find_position(name):
        is_text = isinstance(name, str)
        found = by_label.get((is_text, name), by_text.get(str(name)))
        # "01" and "1" are different strings, but both may be the number 1.
        number = _number(name)
        return (
            by_number.get((not is_text, number)) if found is None and number is not None else found
        )

    return find_position


def _number(name):
    """Return a number, or a string converted to a number; None for anything else."""
    if isinstance(name, str | Real) and not isinstance(name, bool):
        try:
            return float(name)
        except ValueError:
            return None
    return None


def columns_by_name(values, names, classes):
    """Return columns in the order of `classes`, zeros for classes without a column."""
    positions = {label: k for k, label in enumerate(match_columns(names, classes).tolist())}
    order = [positions.get(label, -1) for label in classes.tolist()]
    if sparse.issparse(values):
        zeros = sparse.csr_array((values.shape[0], 1), dtype=values.dtype)
        ordered = sparse.csr_array(sparse.hstack([values, zeros], format="csr")[:, order])
        ordered.sort_indices()
        return ordered
    zeros = np.zeros((len(values), 1), dtype=values.dtype)
    return np.hstack([values, zeros])[:, order]


def check_row_names(values, X, *, name, of="X"):
    """Raise if both have an index, and these are not the same rows in the same order.

    An index of increasing integers with other labels is accepted: it is the default index, or the
    part of it in a split.
    """
    index, expected = _index(values), _index(X)
    if index is None or expected is None or len(index) != len(expected) or index.equals(expected):
        return
    same_rows = bool(index.isin(expected).all() and expected.isin(index).all())
    if not same_rows and (_only_numbers(index) or _only_numbers(expected)):
        return
    first = next(
        k for k, pair in enumerate(zip(index, expected, strict=True)) if pair[0] != pair[1]
    )
    which = "the same rows in another order" if same_rows else "other rows"
    remedy = f"Give {name}.loc[{of}.index]"
    if not (index.is_unique and expected.is_unique):
        remedy = "Index labels are repeated, so rows cannot be matched by them: reorder the rows"
    raise ValueError(
        f"The index of {name} names {which} than that of {of}: row {first} is {index[first]!r} in "
        f"{name} and {expected[first]!r} in {of}. {remedy}. If the "
        f"rows are in the order of {of} and this index has no meaning, give "
        f"{name}.set_axis({of}.index)."
    )


def _index(rows):
    """Return the index of a dataframe or series of pandas, None for anything else."""
    index = getattr(rows, "index", None)
    return index if hasattr(index, "is_monotonic_increasing") else None


def _only_numbers(index):
    """Return whether an index is of increasing integers."""
    integers = getattr(index.dtype, "kind", "O") in "iu"
    return integers and index.is_monotonic_increasing and index.is_unique
