"""Held-out rows that are the same after resuming, and in all processes that train together."""

from copy import copy
from typing import Any

from skorch.dataset import ValidSplit


def draws_each_time(train_split: Any) -> bool:
    """Return whether a `train_split` is a ValidSplit that holds out other rows in each call."""
    if not isinstance(train_split, ValidSplit):
        return False
    if _is_share(train_split.cv):
        return train_split.random_state is None
    cv = train_split.cv
    return getattr(cv, "random_state", 0) is None and getattr(cv, "shuffle", True)


def seeded_split(train_split: Any, seed: int) -> Any:
    """Return a ValidSplit that draws rows each time with a seed; others as they are."""
    if not draws_each_time(train_split):
        return train_split
    seeded = copy(train_split)
    if _is_share(train_split.cv):
        seeded.random_state = seed
    else:
        seeded.cv = copy(train_split.cv)
        seeded.cv.random_state = seed
    return seeded


def _is_share(cv):
    """Return whether a `cv` is a share of the rows, not a number of folds."""
    return isinstance(cv, float) and not cv.is_integer()
