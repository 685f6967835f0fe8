"""A teacher of medians is reported, one of means is not."""

import warnings

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, QuantileRegressor, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledRegressor
from skdistill._base._mean_error import significant_mean, warn_of_mean_error
from skdistill._targets._regression_targets import RegressionTargets

STUDENT = DecisionTreeRegressor(max_depth=3, random_state=0)
MEANS = {
    "boosting": HistGradientBoostingRegressor(max_iter=30),
    "forest": ExtraTreesRegressor(20, random_state=0),
    "neighbours": KNeighborsRegressor(10),
    "ridge": Ridge(),
}
MEDIANS = {
    "boosting": HistGradientBoostingRegressor(max_iter=30, loss="absolute_error"),
    "quantile": HistGradientBoostingRegressor(max_iter=30, loss="quantile", quantile=0.3),
    "linear": QuantileRegressor(alpha=0.0),
}


def skewed(n_rows, seed=0):
    """Return rows with the errors of delays: most are small, a few large."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    return X, np.exp(0.5 * X[:, 0]) * rng.exponential(10.0, size=n_rows) - 5


def messages(fit, *args, **given):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(*args, **given)
    return [str(each.message) for each in caught if "mean error of" in str(each.message)]


@pytest.mark.parametrize("name", MEDIANS)
@pytest.mark.parametrize("alpha", ["auto", 0.5])
def test_teachers_of_medians_are_reported(name, alpha):
    X, y = skewed(800)
    (message,) = messages(DistilledRegressor(MEDIANS[name], STUDENT, alpha=alpha).fit, X, y)
    assert "have a mean error of -" in message and "Use a teacher that predicts means" in message


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("n_rows", [100, 300, 1500])
def test_teachers_of_means_are_not(name, n_rows):
    X, y = skewed(n_rows)
    assert messages(DistilledRegressor(MEANS[name], STUDENT, alpha=0.5).fit, X, y) == []


def test_frozen_teachers_and_given_predictions_are_reported_too():
    X, y = skewed(800)
    model = QuantileRegressor(alpha=0.0).fit(*skewed(800, seed=1))
    frozen = DistilledRegressor(FrozenEstimator(model), STUDENT, alpha=0.5)
    (of_frozen,) = messages(frozen.fit, X, y)
    given = DistilledRegressor(student=STUDENT, alpha=0.5)
    predicted = model.predict(X)
    assert messages(given.fit, X, y, teacher_pred=predicted) == [of_frozen]
    good = FrozenEstimator(LinearRegression().fit(*skewed(800, seed=1)))
    assert messages(frozen.set_params(teacher=good).fit, X, y) == []


def test_rows_that_do_not_count():
    X, y = skewed(800)
    in_sample = DistilledRegressor(MEDIANS["linear"], STUDENT, alpha=0.5, cv="in-sample")
    assert messages(in_sample.fit, X, y) == []
    predicted = np.where(np.arange(800) < 400, y.mean() - 100, y)
    given = DistilledRegressor(student=STUDENT, alpha=0.5)
    assert len(messages(given.fit, X, y, teacher_pred=predicted)) == 1
    without = np.where(predicted == y, y, np.nan)
    assert messages(given.fit, X, y, teacher_pred=without) == []
    X_unlabeled, unlabeled_pred = skewed(50)
    none = np.full(800, np.nan)
    given_all = {"X_unlabeled": X_unlabeled, "unlabeled_pred": unlabeled_pred}
    assert messages(given.fit, X, y, teacher_pred=none, **given_all) == []
    weight = np.where(predicted == y, 1.0, 0.0)
    assert messages(given.fit, X, y, weight, teacher_pred=predicted) == []


def test_a_group_counts_once():
    rng = np.random.default_rng(0)
    of_groups = rng.normal(0.3, 1.0, size=20)
    errors, units = np.repeat(of_groups, 50), np.repeat(np.arange(20), 50)
    weight = np.ones(1000)
    assert significant_mean(errors, weight, np.arange(1000)) == pytest.approx(of_groups.mean())
    assert significant_mean(errors, weight, units) == 0
    assert significant_mean(errors, weight, np.zeros(1000)) == 0


def test_the_worst_of_several_outputs_is_named_in_its_unit():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 2)) * [1.0, 1000.0]
    shifted = values + rng.normal(size=(500, 2)) + [0.0, -400.0]
    targets = RegressionTargets.of_values(values)
    (message,) = messages(warn_of_mean_error, targets.replace_proba(shifted))
    assert "predictions of output 1 have a mean error of -400" in message
    assert messages(warn_of_mean_error, targets) == []
