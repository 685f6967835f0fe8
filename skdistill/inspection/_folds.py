"""Folds to compare teachers on: disjoint, with whole groups and all classes."""

from numbers import Integral

import numpy as np
from scipy import sparse

from .._utils._groups import make_folds


def make_checked_folds(cv, X, y, groups=None, weight=None, *, by_class=True):
    """Return pairs of (train, test) row numbers; raise if they give no unbiased score.

    A number of folds is stratified if `by_class`, and keeps `groups` whole if these are given.
    """
    if isinstance(cv, str):
        raise ValueError(
            "cv must be a number of folds, a splitter or an iterable of splits: a teacher is "
            f"scored on rows that it has not seen; got cv={cv!r}."
        )
    n_folds = 5 if cv is None else cv
    if by_class and isinstance(n_folds, Integral):
        _check_enough_rows(n_folds, y)
    folds = make_folds(cv, X, y, {"groups": groups}, by_class=by_class)
    if len(folds) < 2:
        raise ValueError(
            f"cv must have at least 2 folds, to estimate errors over them; got {len(folds)}."
        )
    for number, (train, test) in enumerate(folds, start=1):
        fold = f"Fold {number} of {len(folds)}"
        _check_disjoint(fold, train, test)
        if by_class:
            _check_classes(fold, y, train, test)
        _check_weight(fold, weight, train, test)
    return folds


def _check_enough_rows(n_folds, y):
    """Raise if no class has a row for each fold: they cannot be stratified."""
    labels, counts = np.unique(y, return_counts=True)
    if counts.max() < n_folds:
        raise ValueError(
            f"cv={n_folds} folds need at least as many rows of some class; the classes "
            f"{labels.tolist()} have {counts.tolist()} rows. Use fewer folds or more rows."
        )


def _check_disjoint(fold, train, test):
    """Raise if a fold tests rows that it trains on."""
    shared = np.intersect1d(train, test)
    if len(shared):
        raise ValueError(
            f"{fold} tests {len(shared)} rows that it trains on, the first is row {shared[0]}: its "
            "teacher would repeat their labels. Make the two disjoint."
        )


def _check_classes(fold, y, train, test):
    """Raise unless the training rows of a fold have all classes of its test rows."""
    lacking = np.setdiff1d(y[test], y[train])
    if len(lacking):
        label = lacking.tolist()[0]
        raise ValueError(
            f"{fold} tests the class {label!r}, but its training rows show none of it, so that no "
            f"teacher can be scored. There are {(y == label).sum()} rows of it in all. Use fewer "
            "or stratified folds, merge rare classes, or leave their rows out."
        )


def _check_weight(fold, weight, train, test):
    """Raise if the training or test rows of a fold have no weight."""
    for what, rows in (("tests", test), ("trains on", train)):
        if weight is not None and not weight[rows].any():
            raise ValueError(
                f"{fold} {what} {len(rows)} rows of weight zero: it has no score. Leave such rows "
                "out, or use fewer folds."
            )


def share_of_duplicates(X, folds):
    """Return the share of tested rows that have a duplicate among the training rows."""
    identity = _row_ids(X)
    twins = [np.isin(identity[test], identity[train]) for train, test in folds]
    return float(np.concatenate(twins).mean())


def _row_ids(X):
    """Return a number for each row, the same for equal rows."""
    if sparse.issparse(X):
        X = sparse.csr_array(X)
        columns, values = (np.split(each, X.indptr[1:-1]) for each in (X.indices, X.data))
        keys = ((a.tobytes(), b.tobytes()) for a, b in zip(columns, values, strict=True))
    elif isinstance(X, list):  # of texts, or of rows that may differ in length
        keys = (np.asarray(row).tobytes() for row in X)
    else:
        rows = np.asarray(X)
        keys = (row.tobytes() for row in (rows.astype(str) if rows.dtype == object else rows))
    numbers = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])
