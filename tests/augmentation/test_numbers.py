"""Numbers plus noise are values of their column: rounded, within its range, exact without noise."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdistill.augmentation import MungeAugmenter
from skdistill.augmentation._numbers import add_noise

# Floats hold none of these integers exactly.
LARGE = np.array([2**53 + 1, 2**62 + 1, 2**63 - 1])
NOISE = np.array([-5.0, 0.4, 0.6, 99.0])


def test_integers_are_rounded_and_clipped():
    column = np.array([0, 1, 2, 7])
    assert_array_equal(add_noise(column, NOISE, column), [0, 1, 3, 7])
    assert_array_equal(add_noise(column * 1.0, NOISE, column * 1.0), column + NOISE)


def test_integers_among_objects_stay_integers():
    column = np.array([3, np.nan, 1, 7], dtype=object)
    new = add_noise(column, NOISE, column)
    assert [type(value) for value in new] == [int, float, int, int]
    assert_array_equal(new.astype(float), [1, np.nan, 2, 7])


def test_noise_wider_than_the_range_is_no_overflow():
    column = np.array([-(2**63), 2**63 - 1])
    new = add_noise(column, np.array([np.inf, -1e300]), column)
    assert_array_equal(new, column[::-1])


def test_floats_beyond_their_dtype_are_clipped():
    column = np.array([-6e4, 1.0, 6.5e4], dtype=np.float16)
    new = add_noise(column, np.array([-1e4, 0.5, 1e4]), column)
    assert_array_equal(new, np.array([-6e4, 1.5, 6.5e4], dtype=np.float16))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float64, object])
def test_sums_beyond_all_floats_are_clipped(dtype):
    column = np.array([-1.7e308, 1.0, 1.7e308, 2.0, np.nan], dtype=dtype)
    new = add_noise(column, np.array([-1e308, 0.5, 1e308, np.inf, np.inf]), column)
    assert new.dtype == dtype
    assert_array_equal(new.astype(float), [-1.7e308, 1.5, 1.7e308, 1.7e308, np.nan])


@pytest.mark.parametrize("parameters", [{"swap_probability": 0}, {"local_variance": np.inf}])
def test_large_integers_without_noise_are_copied(parameters):
    new = MungeAugmenter(9, **parameters).sample(LARGE[:, None], random_state=0)
    assert set(new[:, 0].tolist()) == set(LARGE.tolist())
