"""MUNGE equals its definition: the neighbour, the values taken from it, and their spread."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from sklearn.base import clone

from skdistill.augmentation import MungeAugmenter
from skdistill.augmentation._table import missing

# Two pairs of neighbours, far from each other, and which row is whose neighbour.
PAIRS = np.array([[0.0, 5.0], [1.0, 7.0], [20.0, 30.0], [24.0, 31.0]])
NEIGHBOUR = [1, 0, 3, 2]


def as_rows(X):
    return sorted(map(tuple, np.asarray(X).tolist()))


def test_without_a_swap_rows_are_copies():
    new = MungeAugmenter(swap_probability=0).sample(PAIRS, random_state=0)
    assert as_rows(new) == as_rows(PAIRS)


def test_swap_probability_one_without_noise_copies_neighbours():
    augmenter = MungeAugmenter(3, swap_probability=1, local_variance=np.inf)
    new = augmenter.sample(PAIRS, random_state=0)
    assert as_rows(new) == as_rows(np.repeat(PAIRS[NEIGHBOUR], 3, axis=0))


@pytest.mark.parametrize("local_variance", [0.5, 1.0, 4.0])
def test_numbers_are_normal_around_the_neighbour(local_variance):
    augmenter = MungeAugmenter(5000, swap_probability=1, local_variance=local_variance)
    new = augmenter.sample(PAIRS[:2], random_state=0)
    for column, (one, other) in enumerate(PAIRS[:2].T):
        spread = abs(one - other) / local_variance
        both = [stats.norm(value, spread) for value in (one, other)]  # half of the rows each
        mixture = lambda x, both=both: (both[0].cdf(x) + both[1].cdf(x)) / 2
        assert stats.kstest(new[:, column], mixture).pvalue > 1e-3
    assert abs(np.corrcoef(new.T)[0, 1] - _correlation(local_variance)) < 0.03


def _correlation(s):
    """Return that of both columns: the pair itself has 1, and each column noise of its own."""
    return 0.25 / (0.25 + 1 / s**2)


def test_columns_are_swapped_independently_at_the_given_rate():
    augmenter = MungeAugmenter(4000, swap_probability=0.3, local_variance=np.inf)
    new = augmenter.sample(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), random_state=0)
    # Which row it started from is not seen, but two columns agree if both are swapped or none.
    for one, other in ((0, 1), (0, 2), (1, 2)):
        agree = (new[:, one] == new[:, other]).mean()
        assert agree == pytest.approx(0.3**2 + 0.7**2, abs=0.02)


def test_every_row_starts_equally_many_new_ones():
    X = np.arange(10.0)[:, None]
    new = MungeAugmenter(2.5, swap_probability=0).sample(X, random_state=0)
    assert set(np.bincount(new[:, 0].astype(int))) == {2, 3}
    assert len(MungeAugmenter(0.01).sample(X, random_state=0)) == 1


def test_nominal_values_are_taken_from_the_neighbour():
    X = np.array([["red", 0.0], ["green", 1.0], ["blue", 50.0], ["black", 51.0]], dtype=object)
    augmenter = MungeAugmenter(swap_probability=1, local_variance=np.inf)
    new = augmenter.sample(X, random_state=0)
    assert as_rows(new) == as_rows(X[NEIGHBOUR])
    assert new.dtype == object


def test_numbers_that_are_codes():
    X = np.array([[3, 0.0], [8, 0.1], [3, 90.0], [40, 90.1]])
    for chosen in ([0], [True, False]):
        new = MungeAugmenter(100, swap_probability=1, categorical_features=chosen).sample(X, 0)
        assert set(new[:, 0]) == {3, 8, 40}
    assert len(set(MungeAugmenter(100, swap_probability=1).sample(X, 0)[:, 0])) > 100


def test_distance_is_standardised_and_one_between_categories():
    # In its own units the first column would decide, in standard deviations the second does.
    X = np.array([[0.0, 0.0], [1000.0, 0.0], [0.0, 3.0], [1000.0, 3.0], [500.0, 0.1]])
    augmenter = MungeAugmenter(swap_probability=1, local_variance=np.inf)
    new = augmenter.sample(X, random_state=0)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    distance = np.linalg.norm(scaled[:, None] - scaled[None], axis=2) + np.diag([np.inf] * 5)
    assert as_rows(new) == as_rows(X[distance.argmin(axis=1)])


def test_a_row_that_occurs_twice_is_not_its_own_neighbour():
    X = np.array([[0.0], [0.0], [1.0], [9.0]])
    augmenter = MungeAugmenter(swap_probability=1, local_variance=np.inf)
    assert as_rows(augmenter.sample(X, random_state=0)) == [(0.0,), (1.0,), (1.0,), (1.0,)]


def test_integers_stay_integers_in_their_range():
    X = np.random.default_rng(0).integers(0, 5, size=(50, 3)).astype(np.uint8)
    new = MungeAugmenter(20, local_variance=0.2).sample(X, random_state=0)
    assert new.dtype == np.uint8
    assert set(new.ravel()) == set(range(5))


def test_missing_numbers():
    X = np.array([[0.0, np.nan], [1.0, 7.0], [200.0, 30.0], [204.0, 31.0]])
    new = MungeAugmenter(50, swap_probability=1).sample(X, random_state=0)
    second = new[new[:, 0] < 100, 1]  # of the first pair: taken as they are
    assert set(second[~np.isnan(second)]) == {7.0}
    assert 0 < np.isnan(second).sum() < len(second)
    assert not np.isnan(new[:, 0]).any()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_dataframes_keep_names_dtypes_and_categories(library):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "whole": rng.integers(0, 9, 40),
            "single": rng.normal(size=40).astype("float32"),
            "gap": pd.array([None, *range(39)], dtype="Int64"),
            "word": rng.choice(["a", "b"], 40),
            "flag": rng.random(40) < 0.5,
            "kind": pd.Categorical(rng.choice(["u", "v"], 40), categories=["u", "v", "never"]),
        },
        index=range(7, 47),
    )
    if library == "polars":
        X = pytest.importorskip("polars").from_pandas(X)
    new = MungeAugmenter(2).sample(X, random_state=0)
    assert type(new) is type(X)
    assert list(new.columns) == list(X.columns)
    assert list(new.dtypes) == list(X.dtypes)
    assert len(new) == 80
    again = MungeAugmenter(2).sample(X, random_state=0)
    assert new.equals(again)
    assert not new.equals(MungeAugmenter(2).sample(X, random_state=1))


def test_it_is_an_estimator_in_its_parameters():
    augmenter = MungeAugmenter(3, swap_probability=0.2)
    assert repr(augmenter) == "MungeAugmenter(size_factor=3, swap_probability=0.2)"
    assert clone(augmenter).set_params(size_factor=4).get_params()["size_factor"] == 4
    before = PAIRS.copy()
    same = [augmenter.sample(PAIRS, random_state=seed) for seed in (5, np.random.RandomState(5))]
    assert_array_equal(*same)
    assert_array_equal(PAIRS, before)
    assert_allclose(augmenter.sample(PAIRS.tolist(), random_state=5), same[0])


@pytest.mark.parametrize(
    ("parameters", "X", "error", "match"),
    [
        ({"size_factor": 0}, PAIRS, ValueError, "size_factor must be a finite number above 0"),
        ({"size_factor": np.inf}, PAIRS, ValueError, "size_factor must be a finite number"),
        ({"swap_probability": 1.5}, PAIRS, ValueError, r"swap_probability must be .* \[0, 1\]"),
        (
            {"local_variance": 0},
            PAIRS,
            ValueError,
            "local_variance must be a finite number above 0",
        ),
        ({"categorical_features": [2]}, PAIRS, ValueError, r"below 2.*of which \[2\]"),
        ({"categorical_features": ["x"]}, PAIRS, ValueError, r"of which \['x'\]"),
        ({"categorical_features": [True]}, PAIRS, ValueError, "the length"),
        ({}, sparse.csr_array(PAIRS), TypeError, r"dense rows.*X.toarray\(\)"),
        ({}, np.array(["some", "texts"]), ValueError, r"shape \(2,\).*of your own"),
        ({}, PAIRS[:0], ValueError, r"at least one of each; got shape \(0, 2\)"),
        ({}, np.ones((4, 2)), ValueError, "the 4 rows of X are all the same"),
        ({}, np.where(PAIRS == 7, np.inf, PAIRS), ValueError, "infinity"),
    ],
)
def test_bad_input(parameters, X, error, match):
    with pytest.raises(error, match=match):
        MungeAugmenter(**parameters).sample(X, random_state=0)


def test_missing_words_of_a_plain_array():
    assert missing(np.array(["a", None, np.nan], dtype=object)).tolist() == [False, True, True]
