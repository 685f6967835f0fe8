"""Rows to fit on: with their labels, weights and groups, and rows without labels."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing

from .._utils._rows import count_rows, mean_row_weight
from .._utils._typing import NDArray, Rows


class TrainingRows(NamedTuple):
    """Rows with their labels or values, and rows without."""

    X: Rows
    y: NDArray
    weight: NDArray | None = None
    groups: NDArray | None = None
    X_unlabeled: Rows | None = None

    def take(self, rows):
        """Return some of the rows, and all of those without labels."""
        weight, groups = (
            None if each is None else each[rows] for each in (self.weight, self.groups)
        )
        return self._replace(
            X=_safe_indexing(self.X, rows), y=self.y[rows], weight=weight, groups=groups
        )

    @property
    def row_weight(self):
        """The weight of each row, 1 where none are given."""
        return np.ones(count_rows(self.X)) if self.weight is None else self.weight

    @property
    def mean_weight(self):
        """The weight that counts as one row."""
        return mean_row_weight(self.row_weight)
