"""Linear students on soft labels reach the optimum of the expansion, without copies."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import check_grad
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.metrics import soft_log_loss
from skdistill.students import fit_by_expansion
from skdistill.students.linear import _LogisticObjective

TIGHT = {"tol": 1e-9, "max_iter": 5000}
X, _, P = make_gaussian_classes(150, 3, 3, random_state=0)


def problem(n_classes, n_rows=200, sparse_rows=False, weighted=True):
    X, y, P = make_gaussian_classes(n_rows, 4, n_classes, class_sep=0.7, random_state=n_classes)
    weight = np.random.default_rng(0).random(n_rows) + 0.2 if weighted else None
    if sparse_rows:
        X = sparse.csr_array(np.where(np.abs(X) > 0.5, X, 0))
    return X, SoftLabels(P, y=y, sample_weight=weight)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("sparse_rows", [False, True])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"C": 0.01},
        {"C": np.inf},
        {"fit_intercept": False},
        {"class_weight": "balanced"},
        {"class_weight": {0: 3.0, 1: 0.5}},
        {"solver": "newton-cholesky"},
        {"solver": "newton-cholesky", "C": np.inf},
        {"solver": "newton-cholesky", "fit_intercept": False},
        {"solver": "newton-cg"},
    ],
    ids=str,
)
def test_it_is_the_optimum_of_the_expansion(n_classes, sparse_rows, params):
    X, labels = problem(n_classes, sparse_rows=sparse_rows)
    student = LogisticRegression(**TIGHT, **params)
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, labels)
    assert_allclose(fast.coef_, slow.coef_, rtol=1e-5, atol=2e-6)
    assert_allclose(fast.intercept_, slow.intercept_, rtol=1e-5, atol=5e-6)
    assert fast.coef_.shape == slow.coef_.shape
    assert fast.intercept_.shape == slow.intercept_.shape
    assert fast.n_iter_.shape == slow.n_iter_.shape
    assert_array_equal(fast.classes_, slow.classes_)


@given(st.integers(2, 5), st.integers(0, 1000), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=25)
def test_it_is_the_expansion_for_any_soft_labels(n_classes, seed, sparse_proba, intercept):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 3))
    P = rng.dirichlet(np.full(n_classes, 0.3), size=40)
    P[rng.random(P.shape) < 0.3] = 0
    P[:, 0] += 1e-9
    P /= P.sum(axis=1, keepdims=True)
    weight = rng.integers(0, 3, size=40)
    weight[:3] = 1
    labels = SoftLabels(sparse.csr_array(P) if sparse_proba else P, sample_weight=weight)
    student = LogisticRegression(**TIGHT, fit_intercept=intercept)
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, SoftLabels(P, sample_weight=weight))
    assert_allclose(fast.predict_proba(X), slow.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_gradient_and_hessian_are_those_of_the_objective(n_classes):
    X, labels = problem(n_classes)
    objective = _LogisticObjective(X, labels, LogisticRegression(C=0.3))
    rng = np.random.default_rng(0)
    flat = rng.normal(size=objective.start(LogisticRegression()).shape)
    error = check_grad(
        lambda w: objective.loss_and_gradient(w)[0],
        lambda w: objective.loss_and_gradient(w)[1],
        flat,
    )
    assert error < 1e-6
    # Along directions that shift no class alone, the Hessian is that of finite differences.
    direction = rng.normal(size=(objective.n_rows, 5))
    if n_classes > 2:
        direction -= direction.mean(axis=0)
    step = 1e-6 * direction.ravel()
    difference = (
        objective.loss_and_gradient(flat + step)[1] - objective.loss_and_gradient(flat - step)[1]
    )
    assert_allclose(objective.hessian(flat) @ step * 2, difference, rtol=1e-4, atol=1e-12)


def test_the_objective_is_the_definition():
    X, labels = problem(3)
    objective = _LogisticObjective(X, labels, LogisticRegression(C=2.0))
    rows = np.random.default_rng(0).normal(size=(3, 5))
    total = 0
    for x, p, w in zip(X, labels.proba, labels.weight, strict=True):
        f = rows[:, :4] @ x + rows[:, 4]
        total += w * sum(p * (np.log(np.exp(f).sum()) - f))
    expected = total + (rows[:, :4] ** 2).sum() / (2 * 2.0)
    loss, _ = objective.loss_and_gradient(rows.ravel())
    assert loss * labels.weight.sum() == pytest.approx(expected, rel=1e-12)


def test_l2_by_its_old_name_and_no_penalty_by_its_old_name():
    X, labels = problem(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", UserWarning)
        old = LogisticRegression(penalty=None, **TIGHT)
        fast = fit_soft_labels(old, X, labels)
    assert_allclose(
        fast.coef_, fit_soft_labels(LogisticRegression(C=np.inf, **TIGHT), X, labels).coef_
    )


def test_sparse_probabilities_without_densifying():
    X, labels = problem(10)
    top = labels.truncate_top_k(3)
    fast = fit_soft_labels(LogisticRegression(**TIGHT), X, top)
    dense = SoftLabels(top.proba.toarray(), sample_weight=top.weight)
    assert_allclose(fast.coef_, fit_soft_labels(LogisticRegression(**TIGHT), X, dense).coef_)


def test_zero_weight_classes_are_omitted_as_by_expansion():
    X, labels = problem(3)
    P = np.column_stack([labels.proba[:, 0], np.zeros(len(labels)), 1 - labels.proba[:, 0]])
    labels = SoftLabels(P, ["a", "b", "c"])
    fast = fit_soft_labels(LogisticRegression(**TIGHT), X, labels)
    slow = fit_by_expansion(LogisticRegression(**TIGHT), X, labels)
    assert_array_equal(fast.classes_, ["a", "c"])
    assert_allclose(fast.coef_, slow.coef_, rtol=1e-6)


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cholesky"])
def test_one_hot_weighted_rows_are_ordinary_training(solver):
    X, labels = problem(3)
    hard = SoftLabels.from_labels(labels.hard_labels(), sample_weight=labels.weight)
    student = LogisticRegression(**TIGHT, solver=solver)
    fast = fit_soft_labels(student, X, hard)
    by_hand = clone(student).fit(X, labels.hard_labels(), sample_weight=labels.weight)
    assert_allclose(fast.coef_, by_hand.coef_, atol=1e-6)


def test_the_lbfgs_path_is_that_of_scikit_learn():
    X, labels = problem(3)
    for max_iter in (1, 3, 7):
        student = LogisticRegression(max_iter=max_iter)
        with pytest.warns(ConvergenceWarning):
            fast = fit_soft_labels(student, X, labels)
        with pytest.warns(ConvergenceWarning):
            slow = fit_by_expansion(clone(student), X, labels)
        assert_allclose(fast.coef_, slow.coef_, rtol=1e-6)
        assert fast.n_iter_ == slow.n_iter_ == [max_iter]


def test_warm_start_begins_where_the_student_stands():
    X, labels = problem(3)
    student = LogisticRegression(warm_start=True, tol=1e-6, max_iter=1000)
    first = fit_soft_labels(student, X, labels)
    again = fit_soft_labels(first, X, labels)
    assert again.n_iter_[0] <= 1
    assert first.n_iter_[0] > 5
    assert again is not first
    cold = fit_soft_labels(first.set_params(warm_start=False), X, labels)
    assert cold.n_iter_[0] > 5


def test_a_hessian_beyond_the_working_memory_is_not_built():
    X, labels = problem(10)
    student = LogisticRegression(solver="newton-cholesky", **TIGHT)
    with config_context(working_memory=0):
        fast = fit_soft_labels(student, X, labels)
    assert fast.n_iter_[0] > 15  # L-BFGS, not Newton's handful
    assert_allclose(fast.coef_, fit_soft_labels(student, X, labels).coef_, atol=1e-5)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"solver": "liblinear"}, "liblinear"),
        ({"solver": "saga", "l1_ratio": 0.5, "penalty": "elasticnet"}, "elasticnet"),
        ({"solver": "saga", "penalty": "l1"}, "l1"),
    ],
)
def test_what_it_cannot_honour_expands_with_one_warning(params, named):
    X, labels = problem(2)
    student = LogisticRegression(**params, random_state=0, max_iter=5000)
    with pytest.warns(UserWarning, match="by expansion") as caught:
        fast = fit_soft_labels(student, X, labels)
    ours = [str(w.message) for w in caught if "by expansion" in str(w.message)]
    assert len(ours) == 1
    assert named in ours[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slow = fit_by_expansion(clone(student), X, labels)
    assert_allclose(fast.coef_, slow.coef_)


def test_class_weights_that_name_no_class_are_refused():
    X, labels = problem(3)
    with pytest.raises(ValueError, match=r"names \['x'\], which are no classes, and leaves out"):
        fit_soft_labels(LogisticRegression(class_weight={"x": 2.0, 0: 1.0}), X, labels)
    with pytest.raises(ValueError, match="got 'even'"):
        fit_soft_labels(LogisticRegression(class_weight="even"), X, labels)


def test_names_of_features_and_float32(gaussian):
    pd = pytest.importorskip("pandas")
    X, _, p_star = gaussian
    student = LogisticRegression(**TIGHT)
    named = fit_soft_labels(student, pd.DataFrame(X, columns=list("abc")), SoftLabels(p_star))
    assert list(named.feature_names_in_) == ["a", "b", "c"]
    small = fit_soft_labels(student, X.astype(np.float32), SoftLabels(p_star))
    assert_allclose(small.coef_, named.coef_, rtol=1e-3)


def test_unpenalised_separable_rows_give_finite_coefficients():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    labels = SoftLabels([[1, 0], [1, 0], [0, 1], [0, 1.0]], sample_weight=[1, 2, 2, 1])
    for solver in ("lbfgs", "newton-cholesky"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            student = LogisticRegression(C=np.inf, solver=solver, max_iter=50)
            fitted = fit_soft_labels(student, X, labels)
        assert np.isfinite(fitted.coef_).all()
        assert_array_equal(fitted.predict(X), [0, 0, 1, 1])


@pytest.mark.parametrize(
    "params", [{"C": -1}, {"C": "x"}, {"tol": -1}, {"solver": "foo"}, {"dual": True}], ids=str
)
def test_scikit_learn_checks_the_parameters(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        fit_soft_labels(LogisticRegression(**params), X, SoftLabels(P))


def test_no_warning_when_the_last_iteration_converged():
    labels = SoftLabels(P)
    n = int(fit_soft_labels(LogisticRegression(solver="newton-cholesky"), X, labels).n_iter_[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        fit_soft_labels(LogisticRegression(solver="newton-cholesky", max_iter=n), X, labels)


def newton_problem(seed):
    rng = np.random.default_rng(seed)
    n, k = rng.integers(6, 20), rng.integers(2, 4)
    X = rng.normal(size=(n, 2)) * rng.choice([1, 10, 100])
    return X, SoftLabels(rng.dirichlet(np.full(k, 0.05), size=n))


@pytest.mark.parametrize("seed", [33, 39, 41, 49, 52])
def test_newton_halves_steps_that_overshoot(seed):
    X, labels = newton_problem(seed)
    newton = LogisticRegression(C=1e4, solver="newton-cholesky", tol=1e-8, max_iter=200)
    fitted = fit_soft_labels(newton, X, labels)
    slow = clone(newton).set_params(solver="lbfgs", max_iter=100_000)
    best = fit_soft_labels(slow, X, labels)
    losses = [soft_log_loss(labels.proba, each.predict_proba(X)) for each in (fitted, best)]
    assert losses[0] <= losses[1] + 1e-4
    assert np.isfinite(fitted.coef_).all()


def test_unknown_fit_parameters_are_refused():
    with pytest.raises(TypeError, match="colour"):
        fit_soft_labels(LogisticRegression(), X, SoftLabels(P), colour=1)


def test_class_weights_of_classes_that_do_not_show_up():
    same = [
        fit_soft_labels(LogisticRegression(class_weight=w), X, SoftLabels(P)).coef_
        for w in ({0: 2, 1: 1, 2: 1, 9: 5}, {0: 2, 1: 1, 2: 1})
    ]
    assert_array_equal(*same)


def test_newton_comes_back_from_a_start_that_overshoots():
    cold = LogisticRegression(C=1e4, solver="newton-cholesky", tol=1e-8, max_iter=200)
    best = fit_soft_labels(cold, X, SoftLabels(P))
    far = clone(cold).set_params(warm_start=True)
    far.classes_, far.coef_, far.intercept_ = best.classes_, 5 * best.coef_, 5 * best.intercept_
    assert_allclose(fit_soft_labels(far, X, SoftLabels(P)).coef_, best.coef_, rtol=1e-4)


@pytest.mark.skipif(
    LogisticRegression().penalty != "deprecated", reason="l1_ratio alone says it from 1.8 on"
)
def test_an_l1_ratio_expands():
    X, labels = problem(3)
    student = LogisticRegression(solver="saga", l1_ratio=0.5, random_state=0)
    with pytest.warns(UserWarning, match=r"l1_ratio=0\.5"):
        fit_soft_labels(student, X, labels)


def test_where_nothing_curves_newton_stops():
    X = np.array([[-1.0, -1.0], [1.0, 1.0]])  # two features that are one: a singular Hessian
    student = LogisticRegression(C=np.inf, solver="newton-cholesky", max_iter=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        found = fit_soft_labels(student, X, SoftLabels([[0.75, 0.25], [0.25, 0.75]]))
    assert np.isfinite(found.coef_).all()
