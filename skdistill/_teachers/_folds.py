"""Folds of the labelled rows, and the folds nested in the training rows of each."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import sparse

from .._utils._typing import Rows


class LabelledRows(NamedTuple):
    """Rows with labels, and the unlabelled rows that their teachers predict as well."""

    X: Rows
    y: np.ndarray | sparse.csr_array
    X_unlabeled: Rows | None = None


class Fold(NamedTuple):
    """Training rows and test rows of one fit, and its name in messages."""

    train: np.ndarray
    test: np.ndarray
    name: str = ""


def named_folds(splits):
    """Return folds for pairs of training and test rows, named by their number."""
    return [
        Fold(train, test, f"fold {number} of {len(splits)}")
        for number, (train, test) in enumerate(splits, start=1)
    ]


def check_folds(folds, n_rows):
    """Raise unless the folds test every row, and none tests a row that it trains on."""
    if not folds:
        raise ValueError(
            "cv has no folds. A generator can be used only once: give a list, as in "
            "cv=list(splits)."
        )
    n_tested = np.bincount(np.concatenate([fold.test for fold in folds]), minlength=n_rows)
    if (n_tested == 0).any():
        raise ValueError(
            f"The test folds of cv must cover every row; {(n_tested == 0).sum()} of {n_rows} rows "
            f"are in none of the {len(folds)}, the first is row {np.argmin(n_tested)}. Use a "
            "splitter that tests every row, such as KFold, StratifiedKFold or GroupKFold."
        )
    for number, fold in enumerate(folds, start=1):
        is_shared = np.zeros(n_rows, dtype=bool)
        is_shared[fold.train] = True
        is_shared &= np.bincount(fold.test, minlength=n_rows) > 0
        if is_shared.any():
            raise ValueError(
                f"Fold {number} of {len(folds)} tests {is_shared.sum()} rows that it trains on, "
                f"the first is row {np.argmax(is_shared)}: its teacher would repeat their labels. "
                "Use disjoint training and test rows; for in-sample probabilities, use "
                'cv="in-sample" with a teacher.'
            )


def check_nested_folds(folds):
    """Raise unless there are rows outside each two folds."""
    if len(folds) < 3:
        raise ValueError(
            f"Nested folds need at least 3 folds, got {len(folds)}: estimators are fitted on the "
            "rows outside two folds, and fewer folds leave no such rows. Use cv=3 or more."
        )


def pairs_of_folds(folds):
    """Return, for each two folds, one that trains on the rows outside both; keys are positions.

    It tests the rows that one of the two tests. One fit serves both, so that K folds need
    K (K − 1) / 2 of them.
    """
    pairs = {}
    for (one, fold), (two, other) in combinations(enumerate(folds), 2):
        train = fold.train[np.isin(fold.train, other.train)]
        name = f"folds {one + 1} and {two + 1} of {len(folds)}"
        pairs[one, two] = Fold(train, np.union1d(fold.test, other.test), name)
    return pairs


def nested_folds(folds):
    """Return, for each fold, the folds nested in its training rows: the other ones without it."""
    pairs = pairs_of_folds(folds)
    return [
        [
            pair._replace(test=pair.test[np.isin(pair.test, fold.train)])
            for members, pair in pairs.items()
            if number in members
        ]
        for number, fold in enumerate(folds)
    ]
