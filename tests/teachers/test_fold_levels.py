"""Fold teachers that miss the level of their fold, as in sorted rows, are reported."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, LeaveOneOut
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledRegressor
from skdistill._teachers._fold_levels import share_of_levels

FOREST = ExtraTreesRegressor(20, random_state=0)
STUDENT = DecisionTreeRegressor(max_depth=4, random_state=0)
DATA = {
    "friedman": make_friedman1(200, noise=2.0, random_state=0),
    "diabetes": load_diabetes(return_X_y=True),
    "noise": np.split(np.random.default_rng(0).normal(size=(200, 4)), [3], axis=1),
}


def warnings_of_levels(model, X, y, **given):
    """Return the warnings of a fit that speak of levels."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, **given)
    return [str(each.message) for each in caught if "mean error of each fold" in str(each.message)]


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("alpha", ["auto", 0.5])
@pytest.mark.parametrize("teacher", [FOREST, LinearRegression()], ids=["forest", "linear"])
def test_sorted_rows_are_reported_and_random_order_is_not(name, alpha, teacher):
    X, y = DATA[name]
    order, y = np.argsort(y.ravel()), y.ravel()
    model = DistilledRegressor(teacher, STUDENT, alpha=alpha)
    (message,) = warnings_of_levels(model, X[order], y[order])
    assert f"cv=KFold({4 if alpha == 'auto' else 5}, shuffle=True" in message
    if alpha == "auto":  # what then happens: the labels, unless the student gains even so
        first, best = model.alpha_curve_.candidates[0], model.alpha_curve_.best
        assert best is first or best.loss < first.loss
    assert warnings_of_levels(model, X, y) == []
    shuffled = model.set_params(cv=KFold(4, shuffle=True, random_state=0))
    assert warnings_of_levels(shuffled, X[order], y[order]) == []


def test_only_teachers_fitted_here_are_reported():
    X, y = DATA["friedman"]
    order = np.argsort(y)
    X, y = X[order], y[order]
    assert warnings_of_levels(DistilledRegressor(alpha=0.0), X, y) == []
    frozen = FrozenEstimator(LinearRegression().fit(X, y[::-1]))
    assert warnings_of_levels(DistilledRegressor(frozen, STUDENT), X, y) == []
    model = DistilledRegressor(student=STUDENT, alpha=1.0)
    assert warnings_of_levels(model, X, y, teacher_pred=y[::-1]) == []


def test_the_share_by_hand():
    errors = [np.array([[9.0, 9.0, 9.0, 13.0]]).T, np.array([[-12.0, -8.0, -8.0, -12.0]]).T]
    # Between: 4 · 100 + 4 · 100; within: 12 + 16, of 6 degrees of freedom.
    assert share_of_levels(errors) == pytest.approx(1 - (28 / 6) * 8 / 828)
    of_levels_alone = [np.full((5, 1), 3.0), np.full((5, 1), -3.0)]
    assert share_of_levels(of_levels_alone) == 1
    assert share_of_levels([np.zeros((5, 2))] * 3) == 0
    assert share_of_levels([np.ones((1, 1))] * 5) == 0  # a fold of one row shows no level


def test_rows_in_random_order_are_hardly_ever_reported():
    rng = np.random.default_rng(0)
    shares = [share_of_levels(np.split(rng.normal(size=(20, 1)), 5)) for _ in range(500)]
    assert sum(share > 0 for share in shares) <= 3


def test_rows_of_weight_zero_do_not_count():
    X, y = DATA["friedman"]
    weight = np.ones(len(y))
    weight[-50:] = 0
    far = y.copy()
    far[-50:] += 1e3
    model = DistilledRegressor(LinearRegression(), STUDENT, alpha=0.5, cv=KFold(4))
    assert warnings_of_levels(model, X, far, sample_weight=weight) == []
    assert len(warnings_of_levels(model, X, far)) == 1


def test_each_row_alone_has_no_level():
    X, y = DATA["friedman"]
    model = DistilledRegressor(LinearRegression(), STUDENT, alpha=0.5, cv=LeaveOneOut())
    order = np.argsort(y)[::5]
    assert warnings_of_levels(model, X[order], y[order]) == []
