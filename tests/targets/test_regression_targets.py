"""Regression targets are values: mixed, weighted, taken and extended without changing."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdistill._targets._regression_targets import RegressionTargets, checked_values

VALUES = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
MEANS = np.array([[0.5, 12.0], [2.5, 18.0], [3.0, 50.0]])


def targets(weight=None):
    return RegressionTargets.of_values(VALUES, weight).replace_proba(MEANS)


def test_mixing_is_linear_and_exact_at_both_ends():
    assert_array_equal(targets().mix_with_labels(0.0).mean, VALUES)
    assert_array_equal(targets().mix_with_labels(1.0).mean, MEANS)
    np.testing.assert_allclose(
        targets().mix_with_labels(0.25).mean, 0.25 * MEANS + 0.75 * VALUES, rtol=1e-15
    )


def test_unlabelled_rows_keep_their_mean_and_get_a_weight():
    more = targets(np.array([0.0, 1.0, 3.0])).append_unlabeled(MEANS[:1] + 1)
    assert_array_equal(more.is_labelled, [True, True, True, False])
    assert_array_equal(more.weight, [0, 1, 3, 2])
    assert np.isnan(more.values[3]).all()
    assert_array_equal(more.mix_with_labels(0.0).mean, [*VALUES, MEANS[0] + 1])


def test_rows_are_taken_by_position_or_mask():
    by_position, by_mask = (
        targets(np.array([1.0, 2.0, 3.0])).take(rows)
        for rows in (np.array([0, 2]), np.array([True, False, True]))
    )
    for taken in (by_position, by_mask):
        assert_array_equal(taken.mean, MEANS[[0, 2]])
        assert_array_equal(taken.weight, [1, 3])
        assert len(taken) == 2


def test_methods_return_new_targets():
    before = targets()
    (
        before.mix_with_labels(0.3),
        before.reweight_rows(np.full(3, 2.0)),
        before.append_unlabeled(MEANS),
    )
    assert_array_equal(before.mean, MEANS)
    assert_array_equal(before.values, VALUES)
    assert_array_equal(before.weight, 1)
    with pytest.raises(FrozenInstanceError):
        before.mean = VALUES


@pytest.mark.parametrize("offset", [0.0, 1e6, -1e9])
def test_the_scale_is_the_weighted_deviation_of_labelled_rows(offset):
    weight = np.array([1.0, 2.0, 0.0])
    of_labels = RegressionTargets.of_values(VALUES + offset, weight)
    expected = np.std(np.repeat(VALUES, [1, 2, 0], axis=0), axis=0)
    np.testing.assert_allclose(of_labels.append_unlabeled(1e3 * MEANS).scale, expected, rtol=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 / 3])
def test_the_scale_of_a_constant_is_one(constant):
    values = np.column_stack([np.full(7, constant), np.arange(7.0)])
    scale = RegressionTargets.of_values(values, np.linspace(0.1, 0.7, 7)).scale
    assert scale[0] == 1
    assert scale[1] != 1


def test_no_weight_is_an_error():
    with pytest.raises(ValueError, match="Every one of the 3 rows has weight zero"):
        targets(np.zeros(3)).check_some_weight()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        ([1.0, np.nan], "Input y contains NaN"),
        ([1.0, np.inf], "Input y contains infinity"),
        (["a", "b"], "could not convert string"),
        (3.0, "y must have one value per row"),
        (np.zeros((2, 2, 2)), "dim 3"),
        (np.ma.masked_equal([1.0, 2.0], 2.0), "Input y contains NaN"),
        (np.array([1 + 2j]), "Complex data not supported"),
    ],
)
def test_values_that_are_no_finite_numbers(y, message):
    with pytest.raises(ValueError, match=message):
        checked_values(y)


def test_precision_is_kept():
    assert checked_values(np.ones(3, dtype=np.float32)).dtype == np.float32
    for values in ([1, 2], np.array([True, False]), np.ones(3, dtype=np.float16)):
        assert checked_values(values).dtype == np.float64
