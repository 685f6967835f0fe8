"""Exact binomial bounds: known values, the definition, and how often they hold."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import binom, binomtest

from skdistill._cascade._bounds import largest_bound, rows_needed, upper_bound

COUNTS = [(0, 1), (0, 10), (1, 10), (9, 10), (3, 299), (50, 1000), (500, 1000)]


@pytest.mark.parametrize(("k", "n"), COUNTS)
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_the_bound_solves_its_definition(k, n, confidence):
    p = float(upper_bound(k, n, confidence))
    assert binom.cdf(k, n, p) == pytest.approx(1 - confidence, rel=1e-9)
    interval = binomtest(k, n, alternative="less").proportion_ci(confidence, method="exact")
    assert p == pytest.approx(interval.high, rel=1e-6)


@pytest.mark.parametrize(
    ("k", "n", "confidence", "expected"),
    [  # textbook tables; 1 - .05^(1/n) without failures
        (0, 10, 0.95, 0.2589),
        (1, 10, 0.95, 0.3942),
        (2, 20, 0.95, 0.2826),
        (0, 100, 0.975, 0.0362),
        (5, 100, 0.975, 0.1128),
        (0, 299, 0.95, 0.00997),
    ],
)
def test_tabulated_bounds(k, n, confidence, expected):
    assert float(upper_bound(k, n, confidence)) == pytest.approx(expected, abs=6e-5)


def test_limits():
    assert_allclose(upper_bound([0, 5, 5], 5, 0.95), [1 - 0.05**0.2, 1, 1])
    assert upper_bound(0, 0, 0.95) == 1  # no rows, nothing known


@pytest.mark.parametrize(
    ("risk", "confidence", "k", "n"),
    [(0.01, 0.95, 0, 299), (0.05, 0.95, 0, 59), (0.1, 0.9, 0, 22), (0.01, 0.95, 1, 473)],
)
def test_rows_needed(risk, confidence, k, n):
    assert rows_needed(risk, confidence, k) == n
    assert upper_bound(k, n, confidence) <= risk < upper_bound(k, n - 1, confidence)


@pytest.mark.parametrize("n", [0, 1, 10, 298, 299, 1000])
@pytest.mark.parametrize("risk", [0.01, 0.3, 0.999])
def test_the_largest_bound_within_a_budget(n, risk):
    bounds = [float(upper_bound(k, n, 0.95)) for k in range(n + 1)]
    assert largest_bound(risk, n, 0.95) == max((b for b in bounds if b <= risk), default=0.0)


@pytest.mark.parametrize("p", [0.005, 0.01, 0.1, 0.5])
@pytest.mark.parametrize("n", [30, 299, 2000])
def test_the_bound_is_below_the_probability_rarely(p, n):
    """Exactly: the probability of all counts whose bound is too low."""
    k = np.arange(n + 1)
    too_low = upper_bound(k, n, 0.95) < p
    assert binom.pmf(k[too_low], n, p).sum() <= 0.05
