"""Sample rows by an augmenter, and check them."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state, indexable

from .._utils._rows import count_rows
from .._utils._validation import column_names
from ._table import columns_of, missing


def check_augmenter(augmenter):
    """Raise unless an augmenter has `sample` or is None."""
    if isinstance(augmenter, type):
        raise TypeError(
            f"augmenter must be an object, not a class; got {augmenter.__name__}. Write "
            f"augmenter={augmenter.__name__}()."
        )
    if augmenter is not None and not hasattr(augmenter, "sample"):
        raise TypeError(
            f"augmenter must have sample(X, random_state); {augmenter!r} has none. Use "
            "skdistill.augmentation.MungeAugmenter(), or give the rows themselves to fit as "
            "X_unlabeled."
        )


def sampled_rows(augmenter, X, random_state):
    """Return the rows that an augmenter samples, after checking their columns."""
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    new = augmenter.sample(X, random_state=seed)
    what = f"{augmenter!r}.sample(X, random_state)"
    if isinstance(new, tuple) or not count_rows(new):
        raise ValueError(
            f"{what} must return rows like those of X, at least one; got a {type(new).__name__}"
            f"{' without rows' if count_rows(new) == 0 else ''}. Return only the new rows, without "
            "labels: the teacher labels them."
        )
    new = indexable(new)[0]
    _check_columns(new, X, what)
    _check_missing(new, X, what)
    return new


def _check_columns(new, X, what):
    """Raise unless new rows have the columns of X."""
    names, expected = column_names(new), column_names(X)
    if names != expected:
        raise ValueError(
            f"{what} must return the columns of X, in their order: expected "
            f"{_described(expected)}, got {_described(names)}. Return rows of the type of X, as "
            "X.iloc[...] does."
        )
    width, expected_width = np.shape(new)[1:], np.shape(X)[1:]
    if width != expected_width:
        raise ValueError(
            f"{what} must return rows of the shape of the rows of X, {expected_width}; got {width}."
        )


def _check_missing(new, X, what):
    """Raise if a column of new rows has missing values where that of X has none."""
    if sparse.issparse(new) or sparse.issparse(X) or len(np.shape(X)) != 2:
        return  # texts, sparse matrices: the teacher checks them
    pairs = zip(*(columns_of(_as_table(rows)) for rows in (new, X)), strict=True)
    names = column_names(X) or range(np.shape(X)[1])
    for name, (column, expected) in zip(names, pairs, strict=True):
        lacking = missing(column)
        if lacking.any() and not missing(expected).any():
            raise ValueError(
                f"{what} returned missing values in column {name!r}, {lacking.sum()} of "
                f"{len(lacking)}, the first in row {np.argmax(lacking)}, and X has none there. "
                "Impute them in `sample`."
            )


def _as_table(rows):
    """Return rows as a dataframe or an array."""
    return rows if column_names(rows) is not None else np.asarray(rows)


def _described(names):
    """Return column names as text."""
    return "an array without column names" if names is None else f"columns {names}"
