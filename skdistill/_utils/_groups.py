"""Groups: rows that are not independent of each other, such as all rows of a person.

An integer `cv` with groups means that many folds of whole groups, stratified by class. With any
splitter, no group has rows on both sides of a fold. Standard errors and intervals count groups
instead of rows.
"""

from numbers import Integral

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold, check_cv

from ._rows import count_rows, row_positions

# With fewer groups no bootstrap interval is computed: the coverage of a 95 % interval is about
# 90 % at 10 groups, 83 % at 5 and 74 % at 3.
MIN_GROUPS_FOR_INTERVAL = 10


def group_codes(groups, n_rows, *, name="groups"):
    """Return a number for the group of each row, in the sorted order of groups; None for None."""
    if groups is None:
        return None
    values = _as_array(groups)
    if values.shape != (n_rows,):
        raise ValueError(
            f"{name} must have one entry per row, shape ({n_rows},); got shape {values.shape}. "
            "Give the group of each row, in the order of the rows."
        )
    missing = _missing(groups, values)
    if missing.any():
        raise ValueError(
            f"{name} must not be missing; {missing.sum()} of {n_rows} entries are (NaN or None), "
            f"the first in row {np.argmax(missing)}. Give each independent row its own group, or "
            "remove the row."
        )
    try:
        return np.unique(values, return_inverse=True)[1].reshape(n_rows)
    except TypeError:  # numbers and strings cannot be sorted
        numbers = {}
        return np.array([numbers.setdefault(value, len(numbers)) for value in values.tolist()])


def make_folds(cv, X, y, split_params, *, by_class=True):
    """Return (train, test) row positions of each fold, no group on both sides of one.

    `split_params` are the arguments of the splitter's `split`, with `groups` if given. A number of
    folds is stratified by class if `by_class`, and `y` has classes.
    """
    _check_number_of_folds(cv)
    groups = split_params.get("groups")
    codes = group_codes(groups, count_rows(y))
    splitter = check_cv(cv, y, classifier=by_class)
    if codes is None:
        params = {name: value for name, value in split_params.items() if name != "groups"}
        return _positions(splitter.split(X, y, **params))
    if cv is None or isinstance(cv, Integral):
        by_class = isinstance(splitter, StratifiedKFold)  # not for several labels
        splitter = (StratifiedGroupKFold if by_class else GroupKFold)(splitter.get_n_splits())
        split_params = {**split_params, "groups": codes}
    _check_enough_groups(splitter, codes)
    folds = _positions(splitter.split(X, y, **split_params))
    for number, (train, test) in enumerate(folds, start=1):
        _check_fold(f"Fold {number} of {len(folds)}", train, test, codes, groups)
    return folds


def _check_number_of_folds(cv):
    """Raise for a number of folds below 2: scikit-learn's message does not name `cv`."""
    if isinstance(cv, Integral) and cv < 2:
        raise ValueError(
            f"cv must be at least 2 folds; got cv={cv!r}. Each row is predicted by a model that is "
            "fitted on the other folds. Use cv=5."
        )


def splitter_for_routing(cv):
    """Return the object whose metadata requests are those of `cv`.

    A splitter has its own requests. A number of folds, and given folds, request groups.
    """
    return cv if hasattr(cv, "split") else StratifiedGroupKFold()


def _positions(folds):
    """Return folds as a list of arrays of integers."""
    return [(row_positions(train), row_positions(test)) for train, test in folds]


def _check_enough_groups(splitter, codes):
    """Raise if a splitter that holds out whole groups has fewer groups than folds."""
    n_groups = codes.max() + 1
    if not isinstance(splitter, GroupKFold | StratifiedGroupKFold) or n_groups >= splitter.n_splits:
        return
    if n_groups > 1:
        remedy = f"Use at most {n_groups} folds, as in cv={n_groups}, or rows of more groups."
    else:
        remedy = "Give rows of more groups, or no groups if the rows are independent."
    raise ValueError(
        f"cv has {splitter.n_splits} folds, and groups has {n_groups} "
        f"{'groups' if n_groups > 1 else 'group'}: each fold holds out whole groups. {remedy}"
    )


def _check_fold(fold, train, test, codes, groups):
    """Raise if a fold has rows of one group on both sides, or tests none."""
    if not len(test):
        raise ValueError(
            f"{fold} tests no row: the groups differ too much in size or classes for so many "
            "folds. Use fewer folds, or cv=GroupKFold(...)."
        )
    shared = np.intersect1d(codes[train], codes[test])
    if len(shared):
        example = _as_array(groups)[np.argmax(codes == shared[0])]
        raise ValueError(
            f"{fold} has {len(shared)} groups on both sides, such as {_plain(example)!r}: scores "
            "would be optimistic. Use GroupKFold or StratifiedGroupKFold, or give cv as a number."
        )


def _as_array(groups):
    """Return groups as an array; for a list, of objects, so that numbers and text stay distinct."""
    if not isinstance(groups, list | tuple):
        return np.asarray(groups)
    values = np.empty(len(groups), dtype=object)
    for position, value in enumerate(groups):
        values[position] = value
    return values


def _missing(groups, values):
    """Return which entries are missing: None, NaN, NA of pandas, or masked."""
    masked = np.ma.getmaskarray(groups) if isinstance(groups, np.ma.MaskedArray) else False
    if values.dtype.kind == "O":
        return masked | np.array([_is_missing(value) for value in values.tolist()], dtype=bool)
    return masked | (values != values)


def _is_missing(value):
    """Return whether a single value is missing."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _plain(value):
    """Return a NumPy scalar as a Python object."""
    return value.item() if isinstance(value, np.generic) else value
