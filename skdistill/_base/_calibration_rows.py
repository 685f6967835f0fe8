"""Rows that calibrate a cascade: drawn at random, whole groups, sets within which a bound holds."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from sklearn.utils import _safe_indexing

from .._utils._rows import count_rows
from .._utils._typing import Rows


class CalibrationRows(NamedTuple):
    """Rows with what is known of them: arrays, None where nothing is."""

    X: Rows
    y: Any
    groups: Any
    strata: Any

    def take(self, rows):
        """Return some of the rows."""
        return CalibrationRows(
            *(None if each is None else _safe_indexing(each, rows) for each in self)
        )


def split_rows(X, groups, size, rng):
    """Return the positions of two random parts of the rows; the second has the given size.

    They are not stratified: the second part is then a random sample, for which the bound is exact.
    """
    splitter = ShuffleSplit if groups is None else GroupShuffleSplit
    splitter = splitter(1, test_size=size, random_state=rng.randint(2**31 - 1))
    first, second = next(splitter.split(np.zeros((count_rows(X), 1)), groups=groups))
    return np.sort(first), np.sort(second)


def one_row_of_each(groups, rows, rng):
    """Return one of the rows of each group, drawn at random."""
    rows = rng.permutation(rows)
    return np.sort(rows[np.unique(groups[rows], return_index=True)[1]])


def sets_of_rows(within, codes, criterion, strata, n_classes):
    """Return which rows are in each set within which the bound holds; None for all rows."""
    members = []
    if within is not None:
        of_row = codes.student if within == "prediction" else criterion.class_of_rows(codes)
        members.append(np.arange(n_classes)[:, None] == of_row)
    if strata is not None:
        members.append(np.arange(strata.max() + 1)[:, None] == strata)
    return np.concatenate(members) if members else None
