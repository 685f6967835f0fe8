"""Marginal resampling keeps the marginals, breaks dependence, and returns no copy of a row."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse, stats

from skdistill.augmentation import MarginalAugmenter


@pytest.fixture
def correlated():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    return np.column_stack([x, x + 0.1 * rng.normal(size=400), np.round(x)])


def test_marginals_are_preserved(correlated):
    new = MarginalAugmenter(10).sample(correlated, random_state=0)
    for before, after in zip(correlated.T, new.T, strict=True):
        assert set(after) <= set(before)
        assert stats.ks_2samp(before, after).statistic < 0.03


@pytest.mark.parametrize("probability", [0.2, 0.5, 1.0])
def test_columns_are_resampled_with_the_given_probability(correlated, probability):
    X = np.column_stack([correlated[:, :2], np.random.default_rng(1).normal(size=400)])
    new = MarginalAugmenter(20, resample_probability=probability).sample(X, random_state=0)
    # The first two still belong together where neither was replaced. The third one was replaced
    # then: a row in which nothing was is a copy, and drawn anew.
    together = (1 - probability) ** 2 * probability / (1 - (1 - probability) ** 3)
    expected = together * np.corrcoef(X[:, :2].T)[0, 1]
    assert np.corrcoef(new[:, :2].T)[0, 1] == pytest.approx(expected, abs=0.04)


def test_no_row_is_a_copy():
    X = np.random.default_rng(0).integers(0, 3, size=(40, 4))
    X = X[X.sum(axis=1) != 2]
    known = set(map(tuple, X.tolist()))
    assert len(known) > 20
    new = MarginalAugmenter(20, resample_probability=0.1).sample(X, random_state=0)
    assert len(new) == 20 * len(X)
    assert not known & set(map(tuple, new.tolist()))


def test_every_combination_is_there_already():
    X = np.array([[a, b] for a in range(3) for b in range(3)])
    with pytest.raises(ValueError, match=r"9 of 9 new rows are still copies.*leave out"):
        MarginalAugmenter().sample(X, random_state=0)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_dataframes_with_missing_values(library):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "number": np.where(rng.random(60) < 0.3, np.nan, rng.normal(size=60)),
            "word": [None, *rng.choice(["a", "b"], 59)],
            "kind": pd.Categorical(rng.choice(["u", "v"], 60), categories=["u", "v", "never"]),
            "whole": rng.integers(0, 99, 60),
        }
    )
    if library == "polars":
        X = pytest.importorskip("polars").from_pandas(X)
    new = MarginalAugmenter(2).sample(X, random_state=0)
    assert type(new) is type(X)
    assert list(new.columns) == list(X.columns)
    assert list(new.dtypes) == list(X.dtypes)
    assert len(new) == 120
    assert new.equals(MarginalAugmenter(2).sample(X, random_state=0))


def test_determinism_and_rows_left_alone(correlated):
    before = correlated.copy()
    one, other, another = (MarginalAugmenter().sample(correlated, seed) for seed in (3, 3, 4))
    assert_array_equal(one, other)
    assert (one != another).any()
    assert_array_equal(correlated, before)


@pytest.mark.parametrize(
    ("parameters", "error", "match"),
    [
        ({"size_factor": -1}, ValueError, "size_factor must be"),
        ({"resample_probability": 0}, ValueError, "every new row is a copy"),
        ({"resample_probability": "half"}, ValueError, r"must be a number in \[0, 1\]"),
    ],
)
def test_parameters_out_of_range(correlated, parameters, error, match):
    with pytest.raises(error, match=match):
        MarginalAugmenter(**parameters).sample(correlated, random_state=0)


def test_sparse_rows_are_refused():
    with pytest.raises(TypeError, match="MarginalAugmenter samples dense rows"):
        MarginalAugmenter().sample(sparse.eye_array(5), random_state=0)


@pytest.mark.parametrize("probability", [0.5, 1.0])
@pytest.mark.parametrize("rows", [np.arange(9.0)[:, None], np.ones((9, 3))], ids=["one", "equal"])
def test_rows_without_other_combinations(rows, probability):
    augmenter = MarginalAugmenter(resample_probability=probability)
    with pytest.raises(ValueError, match=r"a row already\. Use .* leave out the augmenter"):
        augmenter.sample(rows, random_state=0)
