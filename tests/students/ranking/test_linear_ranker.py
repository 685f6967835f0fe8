"""The linear ranker finds the optimum of the double sum over pairs."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from students.ranking.dense_pairs import dense_objective

from skdistill import SoftLabels
from skdistill.students.ranking import fit_ranker, linear

SURROGATES = ["logistic", "exponential", "hinge", "squared_hinge"]
SMOOTH = [name for name in SURROGATES if name != "hinge"]


def problem(n=60, n_features=3, seed=0, hard=False, shift=0.0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)) + 0.5
    p = 1 / (1 + np.exp(-X @ rng.normal(size=n_features) - rng.normal(size=n) - shift))
    p = (rng.random(n) < p).astype(float) if hard else p
    return X, p, rng.random(n) + 0.2


def soft(p, weight=None):
    return SoftLabels(np.column_stack([1 - p, p]), sample_weight=weight)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("name", SMOOTH)
def test_it_is_the_optimum_of_the_dense_double_sum(name, C, hard):
    X, p, weight = problem(hard=hard)
    student = fit_ranker(LogisticRegression(C=C, tol=1e-10), X, soft(p, weight), name)
    found = minimize(
        lambda w: dense_objective(name, w, X, p, weight, C),
        np.zeros(3),
        jac=True,
        method="BFGS",
        options={"gtol": 1e-9},
    )
    assert_allclose(student.coef_[0], found.x, atol=2e-5)
    _, gradient = dense_objective(name, student.coef_[0], X, p, weight, C)
    assert np.abs(gradient).max() < 1e-9


def hinge_optimum(X, p, weight, C):
    """Return the least hinge objective, as a quadratic program with a slack for each pair."""
    i, j = np.indices((len(p), len(p))).reshape(2, -1)
    mass = weight[i] * p[i] * weight[j] * (1 - p[j])
    i, j, mass = i[mass > 0], j[mass > 0], mass[mass > 0] / mass.sum()
    d, l2 = X.shape[1], 1 / (C * weight.sum())
    margins = np.hstack([X[i] - X[j], np.eye(len(i))])  # margin + slack >= 1
    found = minimize(
        lambda v: (l2 / 2 * v[:d] @ v[:d] + mass @ v[d:], np.concatenate([l2 * v[:d], mass])),
        np.concatenate([np.zeros(d), np.ones(len(i))]),
        jac=True,
        method="SLSQP",
        bounds=[(None, None)] * d + [(0, None)] * len(i),
        constraints={"type": "ineq", "fun": lambda v: margins @ v - 1, "jac": lambda v: margins},
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert found.success
    return found.fun


@pytest.mark.parametrize("tol", [1e-2, 1e-5])
@pytest.mark.parametrize(("n", "hard", "C"), [(8, False, 1.0), (14, True, 1.0), (14, True, 50.0)])
def test_the_hinge_is_minimised_to_the_tolerance(n, hard, C, tol):
    X, p, weight = problem(n=n, seed=3, hard=hard)
    student = fit_ranker(LogisticRegression(C=C, tol=tol), X, soft(p, weight), "hinge")
    reached, _ = dense_objective("hinge", student.coef_[0], X, p, weight, C)
    assert reached <= hinge_optimum(X, p, weight, C) + 1.1 * tol


def test_without_a_penalty():
    X, p, weight = problem()
    none = fit_ranker(LogisticRegression(C=np.inf, tol=1e-9), X, soft(p, weight))
    _, gradient = dense_objective("logistic", none.coef_[0], X, p, weight, np.inf)
    assert np.abs(gradient).max() < 1e-9
    weak = fit_ranker(LogisticRegression(C=1e9, tol=1e-9), X, soft(p, weight))
    assert_allclose(none.coef_, weak.coef_, rtol=1e-5)


@pytest.mark.parametrize("name", SURROGATES)
def test_weights_are_repeated_rows(name):
    X, p, _ = problem()
    weight = np.arange(60) % 3
    rows = np.repeat(np.arange(60), weight)
    # What narrows the hinge leaves the coefficients open to about the root of the tolerance.
    student, close = LogisticRegression(tol=1e-9), 1e-6
    if name == "hinge":
        student, close = LogisticRegression(tol=1e-3), 1e-3
    weighted = fit_ranker(student, X, soft(p, weight), name)
    repeated = fit_ranker(student, X[rows], soft(p[rows]), name)
    assert_allclose(weighted.coef_, repeated.coef_, atol=close)
    assert_allclose(weighted.intercept_, repeated.intercept_, atol=close)


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
def test_sparse_rows_are_dense_rows(name, container):
    X, p, weight = problem(n_features=5)
    X[np.abs(X) < 0.7] = 0
    student = LogisticRegression(tol=1e-8 if name != "hinge" else 1e-3)
    dense = fit_ranker(student, X, soft(p, weight), name)
    thin = fit_ranker(student, container(X), soft(p, weight), name)
    assert_allclose(thin.coef_, dense.coef_, atol=1e-6)
    assert_allclose(thin.decision_function(container(X)), dense.decision_function(X), atol=1e-6)


def test_float32():
    X, p, weight = problem()
    wide = fit_ranker(LogisticRegression(), X, soft(p, weight))
    narrow = fit_ranker(LogisticRegression(), X.astype(np.float32), soft(p, weight))
    assert_allclose(narrow.coef_, wide.coef_, rtol=1e-3)


@pytest.mark.parametrize("shift", [0.0, -6.0])
@pytest.mark.parametrize("hard", [False, True])
def test_many_rows_converge_to_the_optimum_of_all_rows(monkeypatch, hard, shift):
    X, p, weight = problem(n=20_000, n_features=6, hard=hard, shift=shift)
    X *= [1, 100, 0.01, 1, 1, 1]
    student = LogisticRegression(tol=1e-7)
    exact = fit_ranker(student, X, soft(p, weight))
    monkeypatch.setattr(linear, "SAMPLE_SIZE", 500)
    monkeypatch.setattr(linear, "SAMPLE_PER_FEATURE", 1)
    sampled = fit_ranker(student, X, soft(p, weight))
    assert_allclose(sampled.coef_, exact.coef_, rtol=1e-4)
    objective = linear.LinearObjective(X, linear.risk_of(soft(p, weight), "logistic"), 0.0)
    assert len(objective.sample().X) <= 500


def test_the_sample_stands_for_all_rows_and_holds_what_is_rare(monkeypatch):
    X, p, weight = problem(n=5000, hard=True, shift=-6)
    assert 0 < p.sum() < 50
    monkeypatch.setattr(linear, "SAMPLE_SIZE", 400)
    sample = linear.LinearObjective(X, linear.risk_of(soft(p, weight), "logistic"), 0.0).sample()
    risk = sample.risk
    assert risk.proba.sum() == p.sum()  # every positive row is there
    share = (risk.weight @ risk.proba) / risk.weight.sum()
    assert share == pytest.approx(np.average(p, weights=weight), rel=0.1)


@pytest.mark.parametrize("name", ["squared_hinge", "hinge"])
def test_many_rows_with_hinges(monkeypatch, name):
    X, p, weight = problem(n=3000)
    student = LogisticRegression(tol=1e-3)
    exact = fit_ranker(student, X, soft(p, weight), name)
    monkeypatch.setattr(linear, "SAMPLE_SIZE", 300)
    sampled = fit_ranker(student, X, soft(p, weight), name)
    assert_allclose(sampled.coef_, exact.coef_, atol=5e-3)


def test_features_of_any_scale_and_constant_ones():
    X, p, weight = problem()
    X = np.column_stack([X, np.full(60, 1e3), np.zeros(60)])
    scale = np.array([1e-4, 1.0, 1e3, 1.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = fit_ranker(LogisticRegression(C=np.inf, tol=1e-8), X, soft(p, weight))
        scaled = fit_ranker(LogisticRegression(C=np.inf, tol=1e-8), X * scale, soft(p, weight))
    assert_allclose((scaled.coef_ * scale)[0, :3], plain.coef_[0, :3], rtol=1e-4)
    assert_allclose(plain.coef_[0, 3:], 0, atol=1e-6)


def test_class_weights_and_no_intercept_move_the_threshold_only():
    X, p, weight = problem()
    labels = soft(p, weight)
    plain = fit_ranker(LogisticRegression(C=np.inf, tol=1e-8), X, labels)
    heavy = LogisticRegression(C=np.inf, tol=1e-8, class_weight={0: 1.0, 1: 5.0})
    heavy = fit_ranker(heavy, X, labels)
    assert_allclose(heavy.coef_, plain.coef_, rtol=1e-5)
    assert heavy.intercept_[0] > plain.intercept_[0] + 1
    none = fit_ranker(LogisticRegression(fit_intercept=False), X, labels)
    assert_array_equal(none.intercept_, [0.0])


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    "params",
    [{"solver": "liblinear"}, {"solver": "saga", "l1_ratio": 1.0, "penalty": "l1"}],
)
def test_what_is_no_l2_penalty_is_refused(params):
    X, p, _ = problem()
    with pytest.raises(ValueError, match="an L2 penalty or none; got"):
        fit_ranker(LogisticRegression(**params), X, soft(p))


def test_scikit_learn_checks_the_parameters():
    X, p, _ = problem()
    with pytest.raises(ValueError, match="'C' parameter"):
        fit_ranker(LogisticRegression(C=-1), X, soft(p))
    with pytest.raises(TypeError, match=r"no fit parameters; got \['colour'\]"):
        fit_ranker(LogisticRegression(), X, soft(p), colour=1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_none(bad):
    X, p, _ = problem()
    X[3, 1] = bad
    with pytest.raises(ValueError, match="Input X contains"):
        fit_ranker(LogisticRegression(), X, soft(p))


def test_it_warns_where_it_did_not_converge():
    X, p, _ = problem()
    with pytest.warns(ConvergenceWarning, match=r"after 1 iterations \(max_iter=1\)"):
        fit_ranker(LogisticRegression(max_iter=1), X, soft(p))


@pytest.mark.parametrize("name", SURROGATES)
def test_rows_that_a_line_separates(name):
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    student = LogisticRegression(C=1e6, max_iter=1000)
    fitted = fit_ranker(student, X, soft(np.array([0.0, 0, 1, 1])), name)
    assert np.isfinite(fitted.coef_).all()
    assert_array_equal(fitted.predict(X), [0, 0, 1, 1])


def test_scores_that_go_astray_have_an_infinite_loss():
    X, p, _ = problem()
    objective = linear.LinearObjective(X, linear.risk_of(soft(p), "logistic"), 0.0)
    assert objective.loss_and_gradient(np.full(3, 1e300))[0] == np.inf
    assert objective.loss_and_gradient(np.full(3, 1e16))[0] == np.inf
    assert np.isfinite(objective.loss_and_gradient(np.full(3, 1e3))[0])


@pytest.mark.parametrize("seed", range(5))
def test_unpenalised_hinge_reaches_optimum_or_warns(seed):
    X, p, weight = problem(n=14, seed=seed, hard=True)
    student = LogisticRegression(C=np.inf, tol=1e-3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = fit_ranker(student, X, soft(p, weight), "hinge")
    reached, _ = dense_objective("hinge", fitted.coef_[0], X, p, weight, np.inf)
    assert caught or reached <= hinge_optimum(X, p, weight, np.inf) + 1.1e-3
    assert np.isfinite(fitted.coef_).all()
