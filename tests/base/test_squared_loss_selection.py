"""The weights of a regressor are chosen by held-out squared loss, as documented."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_friedman1
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledRegressor
from skdistill._base._alpha_selection import Candidate
from skdistill._base._squared_loss_selection import SquaredLossComparison, best_mixture

HARMLESS = pytest.mark.filterwarnings("ignore:.*auto. chose 0")
FOREST = ExtraTreesRegressor(10, min_samples_leaf=3, random_state=0)
NEIGHBOURS = KNeighborsRegressor(7)
TREE = DecisionTreeRegressor(max_depth=5, random_state=0)


class CountingTeacher(Ridge):
    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        CountingTeacher.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture(scope="module")
def problem():
    X, y = make_friedman1(600, noise=3.0, random_state=0)
    return X[:200], y[:200], X[200:]


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_mixture_has_the_least_loss_of_all(n_outputs, offset):
    rng = np.random.default_rng(n_outputs)
    y = rng.normal(size=(80, n_outputs)) + offset
    first, second = y + rng.normal(size=y.shape), y + rng.normal(size=y.shape)
    weight = rng.uniform(size=80)
    found = best_mixture(y - first, y - second, weight)
    grid = np.linspace(0, 1, 10_001)
    losses = [weight @ ((y - (1 - w) * first - w * second) ** 2).sum(axis=1) for w in grid]
    assert found == pytest.approx(grid[np.argmin(losses)], abs=1e-4)


def test_the_mixture_stays_within_its_bounds():
    residuals, weight = np.array([[1.0], [-1.0]]), np.ones(2)
    assert best_mixture(residuals, residuals, weight) == 0
    assert best_mixture(residuals, 3 * residuals, weight) == 0
    assert best_mixture(residuals, 0.5 * residuals, weight) == 1
    assert best_mixture(residuals, 0 * residuals, np.zeros(2)) == 0


def test_a_linear_smoother_mixes_as_its_targets(problem):
    """The student of the mixed target is the mixture of the students, for linear smoothers."""
    X, y, _ = problem
    teacher_pred = FOREST.fit(X, y).predict(X)
    by_labels, by_teacher = (Ridge().fit(X, each).predict(X) for each in (y, teacher_pred))
    mixed = DistilledRegressor(student=Ridge(), alpha=0.3).fit(X, y, teacher_pred=teacher_pred)
    assert_allclose(mixed.predict(X), 0.7 * by_labels + 0.3 * by_teacher, rtol=1e-10)


@HARMLESS
def test_candidates_are_those_of_the_documentation(problem):
    X, y, _ = problem
    teacher_pred = y + np.random.default_rng(0).normal(size=len(y))
    model = DistilledRegressor(student=LinearRegression(), cv=4)
    curve = model.fit(X, y, teacher_pred=teacher_pred).alpha_curve_
    by_labels, by_teacher = np.zeros((2, len(y)))
    for train, test in KFold(4).split(X):
        by_labels[test] = LinearRegression().fit(X[train], y[train]).predict(X[test])
        by_teacher[test] = LinearRegression().fit(X[train], teacher_pred[train]).predict(X[test])
    losses = [np.mean((y - (1 - a) * by_labels - a * by_teacher) ** 2) for a in curve.alpha]
    assert_allclose(curve.loss, np.array(losses) / y.var(), rtol=1e-9)
    assert_allclose([each.loss for each in curve.candidates[:2]], curve.loss[[0, -1]], rtol=1e-9)
    assert not curve.nested


@HARMLESS
@pytest.mark.parametrize("n_more", [0, 50, 400])
def test_the_default_fits_at_most_six_teachers(problem, n_more):
    X, y, more = problem
    CountingTeacher.n_fits = 0
    given = {"X_unlabeled": more[:n_more]} if n_more else {}
    model = DistilledRegressor(CountingTeacher(), TREE).fit(X, y, **given)
    assert CountingTeacher.n_fits == 6
    assert model.alpha_curve_.nested


@HARMLESS
def test_many_unlabelled_rows_leave_labels_as_they_are(problem):
    X, y, more = problem
    model = DistilledRegressor(FOREST, TREE, random_state=0).fit(X, y, X_unlabeled=more)
    weights = [each[:2] for each in model.alpha_curve_.candidates]
    assert weights == [(0, 0), (0, 1), (0, 0.2)]
    best = model.alpha_curve_.best
    assert (model.alpha_, model.unlabeled_weight_) == best[:2]
    assert model.leaf_shrinkage_ == best.leaf_shrinkage


@HARMLESS
# In small nodes several features give the same split, and rounding decides between them.
@pytest.mark.parametrize("student", [DecisionTreeRegressor(min_samples_leaf=12), Ridge()])
@pytest.mark.parametrize(("factor", "offset"), [(1e-3, 0.0), (1000.0, 1e6), (-2.0, 5.0)])
def test_a_linear_change_of_y_changes_no_choice(problem, student, factor, offset):
    X, y, more = problem

    def choose(target):
        model = DistilledRegressor(NEIGHBOURS, student, random_state=0).fit(
            X, target, X_unlabeled=more[:100]
        )
        return model, [tuple(each) for each in model.alpha_curve_.candidates]

    (model, candidates), (changed, other) = choose(y), choose(factor * y + offset)
    assert_allclose(other, candidates, rtol=1e-5, atol=1e-7)
    assert changed.alpha_ == pytest.approx(model.alpha_, rel=1e-5)
    assert changed.unlabeled_weight_ == model.unlabeled_weight_
    assert_allclose((changed.predict(X) - offset) / factor, model.predict(X), rtol=1e-4)


@HARMLESS
def test_outputs_count_alike_in_any_unit(problem):
    X, y, _ = problem
    both = np.column_stack([y, X[:, 0] + 0.1 * y])
    models = [
        DistilledRegressor(NEIGHBOURS, LinearRegression()).fit(X, both * unit)
        for unit in ([1, 1], [1, 1e5])
    ]
    assert_allclose(models[1].alpha_curve_.loss, models[0].alpha_curve_.loss, rtol=1e-6)
    assert models[1].alpha_ == pytest.approx(models[0].alpha_, rel=1e-6)


@HARMLESS
def test_the_unit_of_weights_changes_no_choice(problem):
    X, y, more = problem
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    models = [
        DistilledRegressor(FOREST, TREE, random_state=0).fit(
            X, y, unit * weight, X_unlabeled=more[:100]
        )
        for unit in (1.0, 2.0**13)  # exact, so that equal splits stay equal
    ]
    assert_allclose(*([tuple(c) for c in m.alpha_curve_.candidates] for m in models), rtol=1e-6)
    assert_allclose(models[1].predict(X), models[0].predict(X), rtol=1e-6)


@HARMLESS
def test_groups_are_the_units_of_the_standard_error(problem):
    """Copies of the rows in one group with them make no gain more certain."""
    X, y, _ = problem
    rows = np.tile(np.arange(len(y)), 2)
    splits = list(KFold(3).split(X))
    of_copies = [tuple(np.concatenate([part, part + len(y)]) for part in pair) for pair in splits]
    teacher_pred = y[::-1]
    once = DistilledRegressor(student=LinearRegression(), cv=splits)
    twice = DistilledRegressor(student=LinearRegression(), cv=of_copies)
    once.fit(X, y, teacher_pred=teacher_pred)
    twice.fit(X[rows], y[rows], teacher_pred=teacher_pred[rows], groups=rows)
    errors = [[each.standard_error for each in m.alpha_curve_.candidates] for m in (once, twice)]
    assert errors[0][1] > 0
    assert_allclose(errors[1], errors[0], rtol=1e-6)


def test_the_labels_win_within_one_standard_error():
    for loss, alpha in ((0.95, 0), (0.85, 1)):
        comparison = SquaredLossComparison(None, None, None)
        comparison.candidates += [
            Candidate(0, 0, False, 0, 1.0, 0.0), Candidate(1, 0, False, 0, loss, 0.1)
        ]  # fmt: skip
        assert comparison.choose().alpha == alpha


def test_a_bad_teacher_is_not_used(problem):
    X, y, _ = problem
    said = r'alpha="auto" chose 0: .* student LinearRegression\(\) .* Do not distil this teacher'
    with pytest.warns(UserWarning, match=said):
        model = DistilledRegressor(student=LinearRegression()).fit(
            X, y, teacher_pred=2 * y.mean() - y
        )
    assert model.alpha_ == 0
    assert_allclose(model.predict(X), LinearRegression().fit(X, y).predict(X))


@HARMLESS
def test_a_frozen_teacher_is_not_nested(problem):
    X, y, _ = problem
    frozen = FrozenEstimator(clone(FOREST).fit(X[100:], y[100:]))
    model = DistilledRegressor(frozen, TREE).fit(X[:100], y[:100])
    assert not model.alpha_curve_.nested


@HARMLESS
def test_a_constant_target_is_learned():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = DistilledRegressor(LinearRegression(), TREE).fit(X, np.full(60, 7.3))
    assert_allclose(model.predict(X), 7.3)
    assert model.alpha_ == 0
    assert np.isnan(model.teacher_scores_["r2"])
