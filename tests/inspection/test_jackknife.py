"""Jackknife standard errors equal the usual ones for means, and differences are paired."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdistill.inspection._jackknife import JackknifeEstimate, jackknife_over_folds


def mean_over_folds(values):
    """Return the JackknifeEstimate of the mean of one number per fold."""
    values = np.asarray(values, dtype=float)
    fold_of = np.arange(len(values))
    return jackknife_over_folds(lambda rows: {"mean": values[rows].mean()}, fold_of, len(values))[
        "mean"
    ]


def test_the_jackknife_of_a_mean_is_the_usual_standard_error():
    values = np.random.default_rng(0).normal(size=7)
    estimate = mean_over_folds(values)
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(7))
    assert_allclose(estimate.without, (values.sum() - values) / 6)


def test_differences_are_paired():
    values = np.random.default_rng(0).normal(size=7)
    difference = mean_over_folds(values + 1) - mean_over_folds(values)
    assert difference.value == pytest.approx(1)
    assert difference.standard_error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("n_folds", "quantile"), [(2, 12.706), (5, 2.776), (10, 2.262)])
def test_noise_ends_at_students_quantile(n_folds, quantile):
    spread = mean_over_folds(np.arange(n_folds)).standard_error
    without = mean_over_folds(np.arange(n_folds)).without
    assert JackknifeEstimate((quantile + 0.001) * spread, without).exceeds_noise
    assert not JackknifeEstimate((quantile - 0.001) * spread, without).exceeds_noise
    assert not JackknifeEstimate(-100 * spread, without).exceeds_noise  # in the other direction


def test_nothing_never_exceeds_noise():
    assert not mean_over_folds(np.zeros(3)).exceeds_noise
