"""Folds of comparisons are stratified, keep groups whole, and may be given as masks."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from skdistill.inspection._folds import make_checked_folds, share_of_duplicates

X = np.arange(40.0).reshape(20, 2)
Y = np.tile([0, 1], 10)


def same(folds, others):
    return all(
        np.array_equal(a, b) and np.array_equal(c, d)
        for (a, c), (b, d) in zip(folds, others, strict=True)
    )


def test_integer_cv_means_stratified_folds_that_respect_groups():
    groups = np.repeat(np.arange(10), 2)
    assert same(make_checked_folds(4, X, Y), StratifiedKFold(4).split(X, Y))
    assert same(make_checked_folds(None, X, Y), StratifiedKFold(5).split(X, Y))
    for n_folds in (4, np.int64(4)):
        grouped = StratifiedGroupKFold(4).split(X, Y, groups)
        assert same(make_checked_folds(n_folds, X, Y, groups), grouped)


def test_splits_may_be_masks():
    mask = np.arange(20) < 8
    (train, test), _ = make_checked_folds([(mask, ~mask), (~mask, mask)], X, Y)
    assert np.array_equal(train, np.arange(8)) and np.array_equal(test, np.arange(8, 20))


def _texts(rows):
    return [str(row) for row in rows]


def _ragged(rows):
    return [list(range(int(row[0]))) for row in rows]


def _frame(rows):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(rows).assign(kind=[f"kind {row[0]}" for row in rows])


@pytest.mark.parametrize(
    "container", [np.asarray, sparse.csr_array, sparse.csc_matrix, _texts, _ragged, _frame]
)
def test_the_share_of_rows_with_a_twin(container):
    rows = X.copy()
    rows[13] = rows[12] = rows[3]  # two tested rows, one of which would do for the other
    rows[11] = rows[10]  # on the same side
    fold = (np.arange(10), np.arange(10, 20))
    assert share_of_duplicates(container(rows), [fold]) == 2 / 10
    assert share_of_duplicates(container(rows), [fold, fold[::-1]]) == 3 / 20
