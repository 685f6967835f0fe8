"""Thresholds tried strictest first: a plain loop, limits, and how often the bound holds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdistill._cascade._bounds import upper_bound
from skdistill._cascade._thresholds import common_threshold, separate_thresholds, threshold_path

RNG = np.random.default_rng(0)


def plain_loop(scores, failures, risk, confidence, members):
    """Return which rows are kept: each threshold in turn, until a bound is above the risk."""
    kept = np.zeros(len(scores), dtype=bool)
    for t in np.unique(scores)[::-1]:
        now = scores >= t
        bounds = [upper_bound((failures & now & s).sum(), s.sum(), confidence) for s in members]
        if max(bounds) > risk:
            return kept
        kept = now
    return kept


@pytest.mark.parametrize("risk", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("n_values", [5, 1000])
@pytest.mark.parametrize("n_sets", [1, 3])
def test_thresholds_are_those_of_a_plain_loop(risk, n_values, n_sets):
    for _ in range(20):
        scores = RNG.integers(n_values, size=300) / n_values
        failures = RNG.random(300) > 0.7 + 0.3 * scores
        members = np.arange(n_sets)[:, None] == RNG.integers(n_sets, size=300)
        found = common_threshold(scores, failures, risk, 0.95, members)
        kept = plain_loop(scores, failures, risk, 0.95, members)
        assert_array_equal(scores >= found.threshold, kept)
        assert found.coverage == pytest.approx(kept.mean())
        assert found.bound <= risk


def test_the_bound_is_the_one_of_the_most_failures_allowed():
    scores = np.repeat([0.9, 0.5, 0.2], 100)
    failures = np.zeros(300, dtype=bool)
    failures[:2], failures[110:120] = True, True
    path = threshold_path(scores, failures, 0.95)
    found = path.accept(0.03)
    assert found.coverage == pytest.approx(1 / 3)
    allowed = [upper_bound(k, 300, 0.95) for k in range(10)]
    assert found.bound == max(bound for bound in allowed if bound <= 0.03) > path.bound[0]
    assert path.accept(0.2).bound == upper_bound(12, 300, 0.95)  # nothing was chosen


def test_the_first_failure_ends_the_search():
    """Sets of rows: a later threshold may pass again only if an earlier one has failed."""
    scores = np.arange(200.0)[::-1]
    failures = np.zeros(200, dtype=bool)
    failures[0] = True
    path = threshold_path(scores, failures, 0.95)
    assert (np.diff(path.bound) >= 0).all()
    assert path.accept(path.bound[0] - 1e-9).threshold == np.inf
    assert path.accept(path.bound[0]).threshold == -np.inf


def test_a_student_without_failures_keeps_everything():
    found = common_threshold(RNG.random(299), np.zeros(299, dtype=bool), 0.01, 0.95)
    assert found.threshold == -np.inf
    assert found.coverage == 1
    too_few = common_threshold(RNG.random(298), np.zeros(298, dtype=bool), 0.01, 0.95)
    assert too_few == (np.inf, 0.0, 0.0)


def test_a_student_that_always_fails_keeps_nothing():
    assert common_threshold(RNG.random(999), np.ones(999, dtype=bool), 0.002, 0.95).coverage == 0


def test_thresholds_lie_between_scores():
    """A score that is rounded in another way is still on its side of the threshold."""
    scores = np.repeat([0.9, 0.5, 0.2], 100)
    path = threshold_path(scores, scores == 0.2, 0.95)
    assert_allclose(path.threshold, [0.7, 0.35, -np.inf])
    assert_allclose(path.coverage, [1 / 3, 2 / 3, 1])
    close = np.array([np.nextafter(0.5, 1), 0.5])
    found = threshold_path(close, np.array([False, True]), 0.5).threshold[0]
    assert_array_equal(close >= found, [True, False])


def test_separate_thresholds_share_the_level():
    scores, failures = RNG.random(1000), RNG.random(1000) < 0.02
    members = np.arange(3)[:, None] == RNG.integers(2, size=1000)  # the last set is empty
    found = separate_thresholds(scores, failures, 0.05, 0.94, members)
    for rows, each in zip(members[:2], found, strict=False):
        assert each == common_threshold(scores[rows], failures[rows], 0.05, 0.98)
    assert found[2].threshold == np.inf


# Guarantees, by simulation: calibration rows are drawn from a pool whose own risk is known.

N_SAMPLES = 400


def true_risk(pool, threshold, rows):
    scores, failures = pool
    return np.mean(failures[rows] & (scores[rows] >= np.broadcast_to(threshold, len(scores))[rows]))


def make_pool(n_values=None):
    scores = RNG.random(5000)
    failures = RNG.random(5000) < 0.4 * (1 - scores)
    return (scores if n_values is None else np.floor(scores * n_values) / n_values), failures


def allowed(confidence, n_samples):
    """Return the largest share of broken guarantees: two standard errors above the level."""
    level = 1 - confidence
    return level + 2 * np.sqrt(level * confidence / n_samples)


@pytest.mark.parametrize("n_values", [None, 8])
@pytest.mark.parametrize("risk", [0.02, 0.08])
def test_the_guarantee_holds(risk, n_values):
    pool = make_pool(n_values)
    broken = 0
    for _ in range(N_SAMPLES):
        drawn = RNG.integers(5000, size=500)
        found = common_threshold(pool[0][drawn], pool[1][drawn], risk, 0.9)
        broken += true_risk(pool, found.threshold, slice(None)) > risk
    assert broken / N_SAMPLES <= allowed(0.9, N_SAMPLES)


def test_the_bound_holds_where_confidences_are_tied():
    """The bound of the threshold alone does not: the same rows have chosen it."""
    rng = np.random.default_rng(0)
    scores = np.repeat([0.9, 0.5, 0.2], [1000, 1000, 8000])
    failures = scores == 0.2
    failures[:30], failures[1000:1390] = True, True
    risks = np.array([0.003, 0.042, 0.842])
    n, n_samples, budget = 1000, 1000, 0.042
    above, above_alone = 0, 0
    for _ in range(n_samples):
        drawn = rng.integers(10_000, size=n)
        path = threshold_path(scores[drawn], failures[drawn], 0.95)
        found = path.accept(budget)
        if found.coverage > 0:
            last = np.flatnonzero(path.threshold == found.threshold)[0]
            above += risks[last] > found.bound
            above_alone += risks[last] > path.bound[last]
    assert above / n_samples <= allowed(0.95, n_samples)
    assert above_alone / n_samples > allowed(0.95, n_samples)


@pytest.mark.parametrize("way", ["common", "separate"])
def test_the_guarantee_holds_in_every_set(way):
    pool = make_pool()
    of_set = RNG.choice(3, size=5000, p=[0.6, 0.3, 0.1])
    pool[1][of_set == 2] |= RNG.random((of_set == 2).sum()) < 0.1  # the rare one is harder
    broken = 0
    for _ in range(N_SAMPLES):
        drawn = RNG.integers(5000, size=800)
        members = np.arange(3)[:, None] == of_set[drawn]
        arguments = (pool[0][drawn], pool[1][drawn], 0.1, 0.9, members)
        if way == "common":
            thresholds = [common_threshold(*arguments).threshold] * 3
        else:
            thresholds = [each.threshold for each in separate_thresholds(*arguments)]
        risks = [true_risk(pool, t, of_set == k) for k, t in enumerate(thresholds)]
        broken += max(risks) > 0.1
    assert broken / N_SAMPLES <= allowed(0.9, N_SAMPLES)


def test_a_bound_without_confidence_is_broken_often():
    """The simulation can fail: with the observed share in place of the bound it does."""
    pool = make_pool()
    broken = 0
    for _ in range(N_SAMPLES):
        drawn = RNG.integers(5000, size=500)
        order = drawn[np.argsort(-pool[0][drawn])]
        last = np.flatnonzero(np.cumsum(pool[1][order]) <= 0.08 * 500)[-1]
        broken += true_risk(pool, pool[0][order[last]], slice(None)) > 0.08
    assert broken / N_SAMPLES > 0.3
