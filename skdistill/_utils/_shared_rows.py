"""Rows that are given twice: with a label, and without."""

from collections import Counter
from itertools import pairwise

import numpy as np
from scipy import sparse

from ._rows import count_rows
from ._validation import column_names
from ._warnings import warn

# Pairs of equal rows that chance explains beside the expected ones: with an expected number across
# of at most that inside, more are found in less than 1 % of all cases, where none is inside, too.
BY_CHANCE = 6


def warn_of_shared_rows(X, X_unlabeled):
    """Warn of rows of X that are in X_unlabeled, too, if these are more than chance explains.

    Both are aligned. Where rows have few different values, many rows equal others. The share of
    equal pairs inside X and inside X_unlabeled says how many equal pairs across are expected. A few
    more are chance, and change no result.
    """
    labelled, unlabeled = Counter(_row_keys(X)), Counter(_row_keys(X_unlabeled))
    n_pairs = sum(count * unlabeled[key] for key, count in labelled.items())
    equal, possible = (sum(each) for each in zip(_pairs(labelled), _pairs(unlabeled), strict=True))
    expected = equal / possible * labelled.total() * unlabeled.total() if equal else 0.0
    if n_pairs > 2 * expected + BY_CHANCE:
        n_shared = sum(count for key, count in labelled.items() if key in unlabeled)
        warn(
            f"{n_shared} of the {labelled.total()} rows of X are in X_unlabeled, too. Students "
            "that are compared on such a row were fitted to the teacher's probabilities of it, "
            "and this teacher may have seen its label. Leave these rows out of X_unlabeled."
        )


def _pairs(counts):
    """Return the number of pairs of equal rows, and of all pairs."""
    n_rows = counts.total()
    return sum(count * (count - 1) for count in counts.values()) / 2, n_rows * (n_rows - 1) / 2


def _row_keys(X):
    """Return one hashable object for each row; equal rows of containers alike have equal ones."""
    if sparse.issparse(X):
        X = sparse.csr_array(X, copy=True)
        X.sum_duplicates()  # sorts the columns of each row
        return [
            X.indices[start:stop].tobytes() + X.data[start:stop].tobytes()
            for start, stop in pairwise(X.indptr)
        ]
    if column_names(X) is not None:
        X = np.column_stack([_codes(np.asarray(X[name])) for name in X.columns])
    if isinstance(X, list):
        return [repr(row) for row in X]
    if X.dtype == object:
        return [repr(row) for row in X.tolist()]
    rows = np.ascontiguousarray(X).reshape(count_rows(X), -1)
    return [row.tobytes() for row in rows]


def _codes(values):
    """Return one integer for each value of a column; equal values have equal ones."""
    if values.dtype.kind in "mM":
        return values.view(np.int64)
    if values.dtype.kind in "biuf":
        return values.astype(np.float64).view(np.int64)  # NaN is equal to NaN here
    return np.array([hash(str(value)) for value in values.tolist()])
