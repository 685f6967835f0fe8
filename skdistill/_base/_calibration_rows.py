"""Rows that calibrate a cascade: drawn at random, whole groups, sets within which a bound holds."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from sklearn.utils import _safe_indexing

from .._teachers._predict import shown
from .._utils._groups import group_codes
from .._utils._rows import count_rows
from .._utils._typing import Rows


class CalibrationRows(NamedTuple):
    """Rows with what is known of them: arrays, None where nothing is.

    `strata`, of shape (n_rows, n_strata), says which rows are in each stratum.
    """

    X: Rows
    y: Any
    groups: Any
    strata: Any

    @classmethod
    def of(cls, X, y, groups, strata):
        """Return rows with their groups and strata as codes, None for None."""
        groups = group_codes(groups, count_rows(X))
        strata = group_codes(strata, count_rows(X), name="strata")
        if strata is not None:
            strata = strata[:, None] == np.arange(strata.max(initial=-1) + 1)
        return cls(X, y, groups, strata)

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


def sets_of_rows(within, codes, criterion, strata, classes):
    """Return which rows are in each set within which the bound holds; None for all rows.

    The sets are all classes and all strata, those without calibration rows included.
    """
    members = []
    if within is not None:
        of_row = codes.student if within == "prediction" else criterion.class_of_rows(codes)
        if of_row.min(initial=0) < 0:
            raise ValueError(
                'within="class" keeps the budget within the classes of the teacher, '
                f"{shown(classes)}, and {(of_row < 0).sum()} of {len(of_row)} calibration rows "
                "have other labels. Leave these rows out, or set within=None and give strata=y."
            )
        members.append(np.arange(len(classes))[:, None] == of_row)
    if strata is not None:
        members.append(strata.T)
    return np.concatenate(members) if members else None
