"""Rows that models are scored on, and the columns that split them into groups."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import column_or_1d

from .._utils._rows import count_rows
from .._utils._typing import Floats, NDArray, Rows
from .._utils._validation import column_names

MIN_SEGMENT_ROWS = 50  # with fewer, the worst segment is often the one with the worst luck
MOST_GROUPS = 100


class Grouping(NamedTuple):
    """The value of a column for each row, as the number of a label."""

    labels: list
    codes: NDArray

    def weights(self, weight, min_rows=1):
        """Return the labels with enough rows, and the weights of the rows of each."""
        counts = np.bincount(self.codes[weight > 0], minlength=len(self.labels))
        kept = np.flatnonzero(counts >= min_rows)
        return [self.labels[k] for k in kept], weight * (self.codes == kept[:, None])

    def take(self, rows):
        """Return the values of some rows."""
        return self._replace(codes=self.codes[rows])


class EvaluatedRows(NamedTuple):
    """Targets and weights of the rows that models are scored on."""

    X: Rows  # for times, and to compile the teacher
    y: NDArray  # positions of the classes, or values
    weight: Floats
    replicates: object
    is_test: bool  # whether the models that are shipped have seen none of them
    has_groups: bool = False  # whether rows of a group depend on each other
    segments: Grouping | None = None
    sensitive: Grouping | None = None

    @property
    def is_independent(self):
        """Whether these are independent rows that the models that are shipped have not seen."""
        return self.is_test and not self.has_groups


def grouping(values, X, *, name):
    """Return a column of X, or an entry for each of its rows, as numbers of its values."""
    if values is None:
        return None
    if isinstance(values, str):
        values = _column(values, X, name)
    values = np.asarray(values)
    if values.shape != (count_rows(X),):
        raise ValueError(
            f"{name} must have one entry for each evaluated row, shape ({count_rows(X)},), or be "
            f"the name of a column; got shape {values.shape}."
        )
    texts = values.astype(str)
    labels, codes = np.unique(texts, return_inverse=True)
    if len(labels) > MOST_GROUPS:
        raise ValueError(
            f"{name} has {len(labels)} different values, too many to be groups. Give at most "
            f"{MOST_GROUPS}; of a number, bins such as pandas.qcut(column, 4)."
        )
    return Grouping(labels.tolist(), codes)


def _column(column, X, name):
    """Return a column of a dataframe by its name."""
    columns = column_names(X)
    if columns is None or column not in columns:
        have = f"the columns are {list(columns)}" if columns is not None else "X has no names"
        raise ValueError(
            f"{name}={column!r} is no column of the evaluated rows: {have}. Give the name of a "
            "column, or an array with one entry for each row."
        )
    return X[column]


def checked_values(y, name):
    """Return one finite number for each row."""
    try:
        values = column_or_1d(np.asarray(y, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold one number for each row: {error}") from error
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite; {(~np.isfinite(values)).sum()} values are not.")
    return values
