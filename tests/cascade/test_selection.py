"""The choice among measures of confidence: the one with most rows before the first failures."""

import numpy as np
import pytest

from skdistill._cascade._selection import best_score
from skdistill._cascade._thresholds import common_threshold

RNG = np.random.default_rng(0)
FAILURES = RNG.random(500) < 0.1
PERFECT = np.where(FAILURES, 0.0, 1.0)
NOISE = RNG.random(500)


@pytest.mark.parametrize("risk", [0.01, 0.05, 0.3])
def test_the_measure_that_puts_failures_last_is_chosen(risk):
    assert best_score([NOISE, PERFECT, -PERFECT], FAILURES, risk) == 1


def test_only_the_order_counts():
    scores = [NOISE, PERFECT + 0.1 * NOISE]
    assert best_score([np.exp(5 * each) for each in scores], FAILURES, 0.05) == 1


def test_the_first_is_preferred_among_equals():
    assert best_score([2 * PERFECT, PERFECT], FAILURES, 0.05) == 0
    assert best_score([NOISE, PERFECT], np.zeros(500, dtype=bool), 0.05) == 0


def test_failures_come_first_among_equal_scores():
    """A constant puts no row before a failure."""
    slightly_better = np.where(FAILURES, 0.0, RNG.random(500) > 0.9)
    assert best_score([np.ones(500), slightly_better], FAILURES, 0.05) == 1


@pytest.mark.parametrize("chosen_on", ["other rows", "the rows that certify"])
def test_rows_that_choose_a_measure_do_not_certify(chosen_on):
    """Of twenty measures of nothing, the luckiest breaks the budget if the same rows certify it."""
    rng = np.random.default_rng(0)
    rate, risk, n_rows, n_samples = 0.3, 0.05, 500, 100
    broken = 0
    for _ in range(n_samples):
        failures = rng.random(n_rows) < rate
        scores = rng.random((20, n_rows))
        if chosen_on == "other rows":
            best = best_score(list(scores[:, :100]), failures[:100], risk)
            found = common_threshold(scores[best, 100:], failures[100:], risk, 0.95)
        else:
            each = [common_threshold(values, failures, risk, 0.95) for values in scores]
            found = max(each, key=lambda accepted: accepted.coverage)
        broken += rate * (1 - max(found.threshold, 0)) > risk  # scores are uniform
    allowed = 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_samples)
    assert (broken / n_samples <= allowed) == (chosen_on == "other rows")
