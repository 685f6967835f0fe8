"""Probabilities whose columns and rows have names: one rule, wherever probabilities are given.

Columns of a dataframe are matched to the classes by name, in whatever order they come. A class
without a column has probability 0, and a column of no class is refused. Rows stay where they are:
an index that names the same rows in another order, or other rows, is refused.
"""

from numbers import Real

import numpy as np
from scipy import sparse


def match_columns(names, classes):
    """Return the class that each column name stands for.

    By equality, by text or by number, in this order: polars and text files turn every label into a
    string, and missing values turn integers into floats, so that "1" and 1.0 stand for 1 if that
    is a class. Raises a ValueError for a name of no class, and for two of the same.
    """
    labels = classes.tolist()
    place_of = _places(labels)
    positions = [place_of(name) for name in names]
    surplus = [name for name, place in zip(names, positions, strict=True) if place is None]
    if surplus:
        missing = [label for place, label in enumerate(labels) if place not in positions]
        lacking = f"no column for {missing}, " if missing else ""
        raise ValueError(
            f"The columns {names} are not the classes {labels}: {lacking}no class for {surplus}. "
            "Rename the columns, drop those that are no class, or list every class in classes."
        )
    if len(set(positions)) < len(positions):
        twice = [
            name for name, place in zip(names, positions, strict=True) if positions.count(place) > 1
        ]
        raise ValueError(
            f"The columns {twice} stand for the same class; the classes are {labels}. Give one "
            "column for each class."
        )
    return np.asarray([labels[place] for place in positions], dtype=classes.dtype)


def _places(labels):
    """Return a function that gives the position of the label that a name stands for, or None."""
    by_label = {(isinstance(label, str), label): k for k, label in enumerate(labels)}
    by_text = {str(label): k for k, label in enumerate(labels)}
    by_number = {(isinstance(label, str), _number(label)): k for k, label in enumerate(labels)}

    def place_of(name):
        is_text = isinstance(name, str)
        found = by_label.get((is_text, name), by_text.get(str(name)))
        # "01" and "1" are two texts, but either may have been written for the number 1.
        number = _number(name)
        return (
            by_number.get((not is_text, number)) if found is None and number is not None else found
        )

    return place_of


def _number(name):
    """Return a number, or the number that a text spells; None for anything else."""
    if isinstance(name, str | Real) and not isinstance(name, bool):
        try:
            return float(name)
        except ValueError:
            return None
    return None


def columns_by_name(values, names, classes):
    """Return columns in the order of `classes`, for those without a name of theirs zeros."""
    positions = {label: k for k, label in enumerate(match_columns(names, classes).tolist())}
    taken = [positions.get(label, -1) for label in classes.tolist()]
    if sparse.issparse(values):
        none = sparse.csr_array((values.shape[0], 1), dtype=values.dtype)
        ordered = sparse.csr_array(sparse.hstack([values, none], format="csr")[:, taken])
        ordered.sort_indices()
        return ordered
    none = np.zeros((len(values), 1), dtype=values.dtype)
    return np.hstack([values, none])[:, taken]


def check_row_names(values, X, *, name, of="X"):
    """Raise if both have an index, and they do not name the same rows in the same order.

    An index of increasing integers only numbers rows, and says nothing beside another one of other
    labels: it is the default, or what a split of the rows leaves of it.
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
    remedy = f"Give {name}.loc[{of}.index]; or, if"
    if not (index.is_unique and expected.is_unique):
        remedy = (
            "Labels are repeated, so that rows cannot be matched by them: bring them in order. If"
        )
    raise ValueError(
        f"The index of {name} names {which} than that of {of}: row {first} is {index[first]!r} in "
        f"{name} and {expected[first]!r} in {of}. {remedy} the rows are in the order of {of} and "
        f"this index means nothing, give {name}.set_axis({of}.index)."
    )


def _index(rows):
    """Return the index of a dataframe or series of pandas, None for anything else."""
    index = getattr(rows, "index", None)
    return index if hasattr(index, "is_monotonic_increasing") else None


def _only_numbers(index):
    """Return whether an index is of increasing integers."""
    integers = getattr(index.dtype, "kind", "O") in "iu"
    return integers and index.is_monotonic_increasing and index.is_unique
