"""Newton's method with conjugate gradients finds the minimum, and stops where it cannot."""

import numpy as np
from numpy.testing import assert_allclose

from skdistill.objectives import _newton
from skdistill.objectives._newton import ConjugateGradientSteps, conjugate_gradients


def minimise(problem, model, point, tol, max_iter):
    steps = ConjugateGradientSteps(problem, model)
    return _newton.minimise(problem, steps, point, tol, max_iter)


class Quadratic:
    """½ xᵀ H x − bᵀ x, which counts evaluations of its curvature."""

    def __init__(self, seed=0, n=8):
        rng = np.random.default_rng(seed)
        root = rng.normal(size=(n, n)) * 10.0 ** rng.uniform(-2, 2, size=n)
        self.hessian, self.b, self.n_asked = root.T @ root + np.eye(n), rng.normal(size=n), 0

    def loss_and_gradient(self, x):
        product = self.hessian @ x
        return x @ product / 2 - self.b @ x, product - self.b

    def curvature(self, x):
        self.n_asked += 1
        return lambda v: self.hessian @ v, np.diag(self.hessian)


def test_conjugate_gradients_solve_badly_scaled_systems():
    problem = Quadratic()
    multiply, diagonal = problem.curvature(None)
    solution = conjugate_gradients(multiply, diagonal, problem.b)
    residual = problem.b - problem.hessian @ solution
    assert residual @ (residual / diagonal) <= 1e-4 * problem.b @ (problem.b / diagonal)


def test_conjugate_gradients_where_nothing_curves():
    target = np.array([1.0, -2.0])
    step = conjugate_gradients(lambda v: 0 * v, np.array([2.0, 2.0]), target)
    assert_allclose(step, target / 2)


def test_it_finds_the_minimum():
    problem = Quadratic()
    x, gradient, n_iter = minimise(problem, problem, np.zeros(8), 1e-10, 100)
    assert_allclose(x, np.linalg.solve(problem.hessian, problem.b), rtol=1e-8)
    assert np.abs(gradient).max() <= 1e-10
    assert n_iter < 30


def test_it_stops_after_so_many_steps():
    problem = Quadratic()
    assert minimise(problem, problem, np.zeros(8), 1e-12, 2)[2] == 2
    x, _, n_iter = minimise(problem, problem, np.ones(8), np.inf, 2)
    assert n_iter == 0
    assert_allclose(x, 1)


def test_good_curvature_model_is_kept_and_bad_one_dropped():
    for factor, kept in [(1.05, True), (1e-4, False), (1e4, False)]:
        problem, model = Quadratic(), Quadratic()
        model.hessian = factor * model.hessian
        x, gradient, _ = minimise(problem, model, np.zeros(8), 1e-8, 100)
        assert np.abs(gradient).max() <= 1e-8
        assert_allclose(problem.hessian @ x, problem.b, atol=1e-8)
        assert (problem.n_asked == 0) == kept


class Steep(Quadratic):
    """A function whose Newton steps overshoot: Σ log cosh x."""

    def loss_and_gradient(self, x):
        return np.logaddexp(x, -x).sum(), np.tanh(x)

    def curvature(self, x):
        hessian = 1 - np.tanh(x) ** 2
        return lambda v: hessian * v, hessian


def test_steps_that_overshoot_are_halved():
    problem = Steep()
    x, _, _ = minimise(problem, problem, np.array([2.0, -1.5, 0.3]), 1e-9, 100)
    assert_allclose(x, 0, atol=1e-8)


class Overflowing(Steep):
    """Beyond |x| = 3 there is no number."""

    def loss_and_gradient(self, x):
        if np.abs(x).max() > 3:
            return np.inf, np.full_like(x, np.nan)
        return super().loss_and_gradient(x)


def test_steps_into_the_void_are_halved():
    problem = Overflowing()
    x, _, _ = minimise(problem, problem, np.array([2.0, -1.5, 0.3]), 1e-9, 100)
    assert_allclose(x, 0, atol=1e-8)


class Rough(Quadratic):
    """A loss that rounding makes equal everywhere but at the start."""

    def loss_and_gradient(self, x):
        _, gradient = super().loss_and_gradient(x)
        return (x != 1).any().astype(float), gradient


def test_it_gives_up_where_no_step_goes_down():
    problem = Rough()
    x, gradient, n_iter = minimise(problem, problem, np.ones(8), 1e-12, 50)
    assert_allclose(x, 1)
    assert np.abs(gradient).max() > 1
    assert n_iter == 0
