"""The calibration error without bins is its definition, computed plainly, and its known values."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import brentq
from scipy.stats import norm

from skdistill.metrics import expected_calibration_error, smooth_calibration_error

rng = np.random.default_rng(0)


def smoothed_size(f, y, weight, width, n_points=801):
    """Integrate |mean of K(t, f_i) (y_i - f_i)|, K a Gaussian with its reflections at 0 and 1."""
    t = (np.arange(n_points) + 0.5) / n_points
    images = range(-4, 5, 2)
    kernel = sum(
        norm.pdf(t[:, None], sign * f + shift, width) for shift in images for sign in (1, -1)
    )
    return np.abs(kernel @ (weight * (y - f)) / weight.sum()).mean()


def by_definition(f, y, weight=None):
    weight = np.ones(len(f)) if weight is None else weight
    return brentq(lambda width: smoothed_size(f, y, weight, width) - width, 1e-3, 1.5)


def problem(kind, n=100):
    """Return predictions and labels that are drawn from a distortion of them."""
    f = rng.random(n)
    p = {
        "calibrated": f,
        "overconfident": 0.5 + 0.4 * (f - 0.5),
        "underconfident": f**2 / (f**2 + (1 - f) ** 2),
        "shifted": np.clip(f + 0.2, 0, 1),
        "wrong": 1 - f,
    }[kind]
    return f, (rng.random(n) < p).astype(int)


KINDS = ["calibrated", "overconfident", "underconfident", "shifted", "wrong"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_definition(kind, weighted):
    f, y = problem(kind)
    weight = rng.random(len(f)) if weighted else None
    got = smooth_calibration_error(y, f, sample_weight=weight)
    assert got == pytest.approx(by_definition(f, y, weight), abs=1e-4)


@pytest.mark.parametrize("f", [0.0, 0.05, 0.7, 1.0])
@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_a_constant_prediction_is_off_by_its_mean_residual(f, rate):
    y = np.arange(40) < 40 * rate
    got = smooth_calibration_error(y, np.full(40, f), classes=[False, True])
    assert got == pytest.approx(abs(rate - f), abs=1e-5)


def test_residuals_that_balance_at_a_point_are_no_error():
    assert smooth_calibration_error([0, 1] * 20, [0.5] * 40) == 0


def test_opposite_residuals_far_apart_do_not_cancel():
    """At 0.25 the rate is 0.5, at 0.75 it is 0.5 too: both are off by 0.25."""
    f, y = np.repeat([0.25, 0.75], 40), np.tile([0, 1], 40)
    got = smooth_calibration_error(y, f)
    assert got == pytest.approx(by_definition(f, y), abs=1e-4)
    assert 0.1 < got < 0.25


@pytest.mark.parametrize("kind", KINDS)
def test_on_many_rows_only_a_calibrated_prediction_has_none(kind):
    f, y = problem(kind, n=100_000)
    got = smooth_calibration_error(y, f)
    assert got < 0.03 if kind == "calibrated" else got > 0.06


def test_own_probabilities_have_no_error():
    proba = rng.dirichlet(np.ones(2), size=50)
    assert smooth_calibration_error(proba, proba) == 0


def test_of_many_classes_it_judges_the_confidence():
    proba, y = rng.dirichlet(np.ones(4), size=100), rng.integers(4, size=100)
    confidence, right = proba.max(axis=1), (proba.argmax(axis=1) == y).astype(float)
    expected = by_definition(confidence, right)
    assert smooth_calibration_error(y, proba) == pytest.approx(expected, abs=1e-4)
    as_csr = sparse.csr_array(proba)
    assert smooth_calibration_error(y, as_csr) == pytest.approx(expected, abs=1e-4)


def test_weights_are_repeated_rows():
    f, y = problem("overconfident", n=100)
    times = rng.integers(0, 4, size=100)
    repeated = smooth_calibration_error(np.repeat(y, times), np.repeat(f, times))
    assert smooth_calibration_error(y, f, sample_weight=times) == pytest.approx(repeated)


def test_it_does_not_jump_at_the_edges_of_bins():
    """Two predictions that a rounding separates fall into other bins of the usual error."""
    y = np.tile([0, 1], 50)
    edge = 2 / 3  # of fifteen bins
    f = np.where(y, edge - 1e-9, edge + 1e-9)
    together = np.full(100, edge)
    moved = smooth_calibration_error(y, f) - smooth_calibration_error(y, together)
    by_bins = expected_calibration_error(y, f) - expected_calibration_error(y, together)
    assert abs(moved) < 1e-4
    assert by_bins > 0.1


def test_soft_labels_are_the_expectation():
    f, p = rng.random(200), rng.random(200)
    soft = np.column_stack([1 - p, p])
    assert smooth_calibration_error(soft, f) == pytest.approx(by_definition(f, p), abs=1e-4)
