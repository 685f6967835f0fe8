"""The pairwise risk, its Hessian and the intercept equal their definitions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import check_grad, minimize_scalar
from scipy.special import logit
from students.ranking.dense_pairs import dense_risk

from skdistill import SoftLabels
from skdistill.students.ranking._pairs import PairwiseRisk, SmoothHinge, best_intercept, check_pairs

SURROGATES = ["logistic", "exponential", "hinge", "squared_hinge"]


def problem(n=30, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.random(n), rng.random(n) + 0.2


@pytest.mark.parametrize("name", SURROGATES)
def test_the_risk_is_the_double_sum_up_to_a_constant(name):
    scores, proba, weight = problem()
    risk = PairwiseRisk(proba, weight, name)
    loss, gradient = risk.loss_and_gradient(scores)
    other_loss, _ = risk.loss_and_gradient(0.5 * scores)
    expected, expected_gradient = dense_risk(name, scores, proba, weight)
    other_expected, _ = dense_risk(name, 0.5 * scores, proba, weight)
    assert loss - other_loss == pytest.approx(expected - other_expected, rel=1e-10)
    assert_allclose(gradient, expected_gradient, atol=1e-15)


@pytest.mark.parametrize("name", ["logistic", "exponential", "squared_hinge"])
def test_its_hessian_is_the_slope_of_the_double_sum(name):
    scores, proba, weight = problem()
    risk = PairwiseRisk(proba, weight, name)
    step = 1e-6
    for k in (0, 7):
        unit = np.eye(30)[k]
        ahead = dense_risk(name, scores + step * unit, proba, weight)[1]
        behind = dense_risk(name, scores - step * unit, proba, weight)[1]
        column = (ahead - behind) / (2 * step)
        assert_allclose(risk.hessian_product(scores, unit), column, atol=1e-8)
        assert risk.hessian_diagonal(scores)[k] == pytest.approx(column[k], rel=1e-4)


@pytest.mark.parametrize("name", SURROGATES)
def test_weights_are_repeated_rows(name):
    scores, proba, _ = problem()
    weight = np.arange(30) % 4
    repeated = np.repeat(np.arange(30), weight)
    ones = np.ones(len(repeated))
    _, gradient = PairwiseRisk(proba, weight, name).loss_and_gradient(scores)
    _, of_copies = PairwiseRisk(proba[repeated], ones, name).loss_and_gradient(scores[repeated])
    summed = np.bincount(repeated, weights=of_copies, minlength=30)
    assert_allclose(gradient, summed, atol=1e-15)


def test_overflowing_scores_give_infinite_loss_without_warning(recwarn):
    loss, _ = PairwiseRisk(np.array([0.2, 0.8]), np.ones(2), "exponential").loss_and_gradient(
        np.array([1e5, 0.0])
    )
    assert loss == np.inf
    assert not recwarn


def smooth_hinge_of(d, width):
    bend = (1 - d) ** 2 / (2 * width)
    return np.where(d >= 1, 0, np.where(d <= 1 - width, 1 - d - width / 2, bend))


@pytest.mark.parametrize("width", [0.5, 0.01])
def test_the_smooth_hinge_is_the_hinge_with_its_kink_bent(width):
    scores, proba, weight = problem()
    risk = SmoothHinge(proba, weight, width)
    pairs = np.outer(weight * proba, weight * (1 - proba))
    pairs /= pairs.sum()

    def by_hand(s):
        return (pairs * smooth_hinge_of(s[:, None] - s[None, :], width)).sum()

    difference = risk.loss_and_gradient(scores)[0] - risk.loss_and_gradient(0.3 * scores)[0]
    assert difference == pytest.approx(by_hand(scores) - by_hand(0.3 * scores), rel=1e-10)
    error = check_grad(by_hand, lambda s: risk.loss_and_gradient(s)[1], scores)
    assert error < 1e-6
    hinge, _ = dense_risk("hinge", scores, proba, weight)
    assert 0 <= hinge - by_hand(scores) <= width / 2


def test_smooth_hinge_hessian_is_the_derivative_of_gradient():
    scores, proba, weight = problem()
    risk = SmoothHinge(proba, weight, 0.3)
    v = np.random.default_rng(1).normal(size=30)
    ahead = risk.loss_and_gradient(scores + 1e-7 * v)[1]
    behind = risk.loss_and_gradient(scores - 1e-7 * v)[1]
    assert_allclose(risk.hessian_product(scores, v), (ahead - behind) / 2e-7, atol=1e-7)
    units = [risk.hessian_product(scores, unit)[k] for k, unit in enumerate(np.eye(30))]
    assert_allclose(risk.hessian_diagonal(scores), units, atol=1e-12)


@pytest.mark.parametrize("risk_class", [PairwiseRisk, SmoothHinge])
def test_the_risk_of_some_rows(risk_class):
    scores, proba, weight = problem()
    last = {PairwiseRisk: "logistic", SmoothHinge: 0.2}[risk_class]
    rows, other = np.array([3, 5, 9, 20]), np.array([1.0, 2.0, 1.0, 0.5])
    some = risk_class(proba, weight, last).of_rows(rows, other)
    expected = risk_class(proba[rows], other, last)
    assert_allclose(
        some.loss_and_gradient(scores[rows])[1], expected.loss_and_gradient(scores[rows])[1]
    )


@pytest.mark.parametrize("scale", [0.0, 1.0, 300.0])
def test_the_intercept_minimises_the_log_loss(scale):
    scores, proba, weight = problem()
    scores = 5.0 + scale * scores
    labels = SoftLabels(np.column_stack([1 - proba, proba]), sample_weight=weight)

    def log_loss(c):
        return weight @ (np.logaddexp(0, scores + c) - proba * (scores + c))

    c = best_intercept(scores, labels)
    bounds = (-5 - 4 * scale, 5 + 4 * scale)
    found = minimize_scalar(log_loss, bounds=bounds, method="bounded", options={"xatol": 1e-8})
    assert log_loss(c) <= found.fun + 1e-9
    if scale == 0:
        assert c + 5 == pytest.approx(logit(np.average(proba, weights=weight)))


def test_the_intercept_of_scores_that_are_none():
    labels = SoftLabels([[0.5, 0.5], [0.2, 0.8]])
    with pytest.raises(ValueError, match="scores of the student contains NaN"):
        best_intercept(np.array([np.nan, 1.0]), labels)


def test_pairs_without_weight():
    with pytest.raises(ValueError, match=r"targets of the 2 rows are all 'a', and none gives 'b'"):
        check_pairs(SoftLabels([[1.0, 0.0], [1.0, 0.0]], classes=["a", "b"]))
    with pytest.raises(ValueError, match="are all 1, and none gives 0"):
        check_pairs(SoftLabels([[0.0, 1.0], [1.0, 0.0]], sample_weight=[1, 0]))
    with pytest.raises(ValueError, match="weight zero"):
        check_pairs(SoftLabels([[0.5, 0.5]], sample_weight=[0]))
    with pytest.raises(ValueError, match=r"two classes; got \[0, 1, 2\]"):
        check_pairs(SoftLabels([[0.5, 0.5, 0.0]]))
