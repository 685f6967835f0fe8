"""Newton's method on binned scores leads to the optimum of the exact loss."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from skdistill import SoftLabels
from skdistill.students.ranking import _binned_newton, fit_ranker, linear


def problem(n=300, n_features=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)) + 3
    p = expit((X - 3) @ rng.normal(size=n_features) + rng.normal(size=n))
    soft_labels = SoftLabels(np.column_stack([1 - p, p]), sample_weight=rng.random(n) + 0.1)
    return linear.LinearObjective(X, linear.risk_of(soft_labels, "logistic"), 0.01), soft_labels


def test_the_hessian_is_that_of_rounded_scores():
    """Σ a_i b_j φ''(s_i − s_j) (x_i − x_j)(x_i − x_j)ᵀ, pair by pair."""
    objective, _ = problem(n=60)
    w = np.array([1.0, -2.0, 0.5, 0.3])
    found = _binned_newton.BinnedObjective(objective).expand(w).hessian
    scores, width = objective.X @ w, _binned_newton.BIN_WIDTH
    rounded = np.floor((scores - scores.min()) / width) * width
    a, b = (objective.risk.weight * p for p in (objective.risk.proba, 1 - objective.risk.proba))
    d = rounded[:, None] - rounded
    pairs = np.outer(a, b) / (a.sum() * b.sum()) * expit(d) * expit(-d)
    differences = objective.X[:, None] - objective.X
    expected = np.einsum("ij,ijk,ijl->kl", pairs, differences, differences)
    assert_allclose(found, expected + 0.01 * np.eye(4), rtol=1e-10)


@pytest.mark.parametrize("scale", [0.0, 0.1, 1.0, 3.0])
def test_loss_and_gradient_are_nearly_the_exact_ones(scale):
    objective, _ = problem(n=3000)
    w = scale * np.random.default_rng(1).normal(size=4)
    loss, gradient = objective.loss_and_gradient(w)
    binned = _binned_newton.BinnedObjective(objective).expand(w)
    assert_allclose(binned.loss, loss, rtol=1e-3)
    assert_allclose(binned.gradient, gradient, atol=3e-3 * np.abs(gradient).max())


@pytest.mark.parametrize("tol", [1e-4, 1e-9])
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_it_is_the_optimum_that_conjugate_gradients_find(C, tol, monkeypatch):
    objective, soft_labels = problem(n=1000)
    X = objective.X
    binned = fit_ranker(LogisticRegression(C=C, tol=tol), X, soft_labels)
    monkeypatch.setattr(linear, "MAX_BINNED_FEATURES", 0)
    exact = fit_ranker(LogisticRegression(C=C, tol=tol), X, soft_labels)
    assert_allclose(binned.coef_, exact.coef_, atol=100 * tol)


def test_scores_that_spread_too_far_are_not_binned():
    objective, _ = problem()
    binned = _binned_newton.BinnedObjective(objective)
    far = np.array([1e3, 0, 0, 0])
    assert binned.expand(far) is None
    steps = _binned_newton.BinnedThenExactSteps(objective, objective)
    _, gradient = objective.loss_and_gradient(far)
    exact = linear.ConjugateGradientSteps(objective, objective).step(far, gradient)
    assert_allclose(steps.step(far, gradient), exact)


def test_collinear_features_without_a_penalty():
    objective, soft_labels = problem()
    X = np.column_stack([objective.X, np.ones(len(objective.X))])
    student = fit_ranker(LogisticRegression(C=np.inf, tol=1e-6), X, soft_labels)
    plain = fit_ranker(LogisticRegression(C=np.inf, tol=1e-6), objective.X, soft_labels)
    assert_allclose(student.decision_function(X), plain.decision_function(objective.X), atol=1e-3)


def test_which_objectives_are_binned():
    objective, soft_labels = problem()
    assert objective.has_binned_scores
    sparse_rows = linear.LinearObjective(sparse.csr_array(objective.X), objective.risk, 0.01)
    many = linear.LinearObjective(np.ones((300, 65)), objective.risk, 0.01)
    other = linear.LinearObjective(objective.X, linear.risk_of(soft_labels, "squared_hinge"), 0.01)
    assert not any(each.has_binned_scores for each in (sparse_rows, many, other))


def test_a_larger_loss_ends_the_binned_steps():
    """Newton's full step goes too far where scores are separated: the last good point is kept."""
    objective, _ = problem()
    binned = _binned_newton.BinnedObjective(objective)
    start = np.array([6.0, -6.0, 6.0, -6.0])
    w, _, _ = _binned_newton.minimise_binned(binned, start, 100)
    assert binned.expand(w).loss <= binned.expand(start).loss
