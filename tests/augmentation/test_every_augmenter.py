"""Every public augmenter has the same interface, shared parameters and reproducible rows."""

from inspect import signature

import numpy as np
import pytest
from contracts.augmenters import AUGMENTERS, SMALL_OF, make_augmenter
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, clone

from skdistill import augmentation

X = np.random.default_rng(0).normal(size=(10, 3))
TWO_ROWS = np.array([[0.0, 5.0], [1.0, 7.0]])


@pytest.mark.parametrize("name", AUGMENTERS)
def test_size_factor_comes_first_and_the_seed_is_not_kept(name):
    parameters = signature(getattr(augmentation, name)).parameters
    assert next(iter(parameters)) == "size_factor"
    assert parameters["size_factor"].default == 1
    assert "random_state" not in parameters
    of_sample = signature(make_augmenter(name).sample).parameters
    assert list(of_sample) == ["X", "random_state"]
    assert of_sample["random_state"].default is None


@pytest.mark.parametrize("name", AUGMENTERS)
def test_it_is_cloned_with_its_parameters(name):
    augmenter = make_augmenter(name, 2)
    assert isinstance(augmenter, BaseEstimator)
    assert clone(augmenter).get_params() == augmenter.get_params()
    before = vars(augmenter).copy()
    augmenter.sample(X, random_state=0)
    assert vars(augmenter) == before


@pytest.mark.parametrize("name", AUGMENTERS)
def test_the_seed_decides_and_rows_stay_as_they_are(name):
    rows = X.copy()
    seeds = (5, np.random.RandomState(5), 6)
    one, same, another = (make_augmenter(name).sample(rows, random_state=s) for s in seeds)
    assert_array_equal(one, same)
    assert (one != another).any()
    assert_array_equal(rows, X)
    assert_array_equal(make_augmenter(name).sample(X.tolist(), random_state=5), one)


@pytest.mark.parametrize("name", AUGMENTERS)
@pytest.mark.parametrize(("size_factor", "n_new"), [(0.01, 1), (0.5, 5), (1, 10), (2.5, 25)])
def test_number_of_new_rows(name, size_factor, n_new):
    new = make_augmenter(name, size_factor).sample(X, random_state=0)
    assert new.shape == (n_new, 3)


@pytest.mark.parametrize("name", AUGMENTERS)
def test_two_rows_are_enough(name):
    """Parameters for which they are, if the defaults need more, belong in SMALL_OF."""
    assert make_augmenter(name, 3).sample(TWO_ROWS, random_state=0).shape == (6, 2)


@pytest.mark.parametrize("name", AUGMENTERS)
@pytest.mark.parametrize("size_factor", [0, -1, np.inf, np.nan, True, "2"])
def test_size_factor_out_of_range(name, size_factor):
    with pytest.raises(ValueError, match="size_factor must be"):
        make_augmenter(name, size_factor).sample(X, random_state=0)


@pytest.mark.parametrize("name", AUGMENTERS)
@pytest.mark.parametrize("size_factor", [1e18, 1.8e308, 10**400], ids=["1e18", "max", "integer"])
def test_more_rows_than_any_memory_holds(name, size_factor):
    with pytest.raises(ValueError, match="size_factor"):
        make_augmenter(name, size_factor).sample(X, random_state=0)


@pytest.mark.parametrize("name", AUGMENTERS)
def test_unsuitable_rows(name):
    augmenter = make_augmenter(name)
    for rows, error, match in [
        (sparse.csr_array(X), TypeError, f"{name} samples dense rows"),
        (np.array(["some", "texts"]), ValueError, rf"{name} .* got shape \(2,\)"),
        (X[:0], ValueError, rf"{name} .* got shape \(0, 3\)"),
        (np.full((4, 3), np.inf), ValueError, "infinity"),
    ]:
        with pytest.raises(error, match=match):
            augmenter.sample(rows, random_state=0)


def test_parameters_without_defaults_need_an_entry(monkeypatch):
    class Incomplete(BaseEstimator):
        def __init__(self, size_factor=1.0, *, width):
            self.size_factor, self.width = size_factor, width

    monkeypatch.setattr(augmentation, "Incomplete", Incomplete, raising=False)
    with pytest.raises(pytest.fail.Exception, match=r"'width'.*tests/contracts/augmenters\.py"):
        make_augmenter("Incomplete")
    monkeypatch.setitem(SMALL_OF, "Incomplete", {"width": 2})
    assert make_augmenter("Incomplete", 3).get_params() == {"size_factor": 3, "width": 2}


def test_small_parameters_belong_to_augmenters():
    assert set(SMALL_OF) <= set(AUGMENTERS)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", AUGMENTERS)
@pytest.mark.parametrize("exponent", [-900, -600, 600, 900])
def test_the_unit_of_a_column_does_not_matter(name, exponent):
    """Powers of two scale without rounding; squares of these leave the range of floats."""
    augmenter = make_augmenter(name, 3)
    new = augmenter.sample(X * [2.0**exponent, 1, 1], random_state=0)
    assert_array_equal(new, augmenter.sample(X, random_state=0) * [2.0**exponent, 1, 1])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", AUGMENTERS)
def test_real_parameters_at_the_ends_of_their_range(name):
    for parameter, value in make_augmenter(name).get_params().items():
        if not isinstance(value, float) or parameter == "size_factor":
            continue
        for end in (np.nextafter(0, 1), 1e-300, 1.0, 1e300, np.inf):
            augmenter = make_augmenter(name).set_params(**{parameter: end})
            try:
                new = augmenter.sample(X * 1e150, random_state=0)
            except ValueError as error:
                assert parameter in str(error)  # out of its range
            else:
                assert np.isfinite(new).all()
