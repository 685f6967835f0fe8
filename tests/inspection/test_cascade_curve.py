"""The curve of a cascade against fits with each budget, its costs by hand, and its picture."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.naive_bayes import GaussianNB

from skdistill import CascadeClassifier
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import CascadeDisplay, cascade_curve

BUDGETS = [0.001, 0.03, 0.1, 0.5]


@pytest.fixture(scope="module")
def rows():
    X, y, _ = make_gaussian_classes(2000, n_features=3, n_classes=3, random_state=0)
    return X, y


@pytest.fixture(scope="module")
def cascade(rows):
    X, y = rows
    pair = RandomForestClassifier(20, random_state=0), GaussianNB()
    frozen = [FrozenEstimator(each.fit(X[:500], y[:500])) for each in pair]
    return CascadeClassifier(*frozen, max_disagreement=0.1).fit(X[500:])


@pytest.mark.parametrize("within", [None, "class", "prediction"])
def test_the_curve_is_that_of_fits_with_each_budget(within, cascade, rows):
    X = rows[0][500:]
    curve = cascade_curve(clone(cascade).set_params(within=within).fit(X), budgets=BUDGETS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no row is kept at the smallest
        fitted = [
            clone(cascade).set_params(within=within, max_disagreement=budget).fit(X)
            for budget in BUDGETS
        ]
    assert_array_equal(curve.budgets, BUDGETS)
    assert_array_equal(curve.coverage, [each.coverage_ for each in fitted])
    assert_array_equal(curve.bound, [each.bound_ for each in fitted])
    assert_array_equal(curve.threshold, [each.threshold_ for each in fitted])
    assert curve.coverage[0] == 0 < curve.coverage[1]
    assert (curve.expected_cost, curve.speedup) == (None, None)


def test_costs_by_hand(cascade):
    curve = cascade_curve(cascade, budgets=BUDGETS, student_cost=2, teacher_cost=100)
    share = curve.coverage[1:]
    assert_allclose(curve.expected_cost, [100, *(2 + (1 - share) * 100)])
    assert_allclose(curve.speedup, 100 / curve.expected_cost)
    assert (np.diff(curve.speedup) >= 0).all()


def test_costs_are_measured_on_rows(cascade, rows):
    curve = cascade_curve(cascade, rows[0], budgets=BUDGETS)
    assert (curve.expected_cost > 0).all()
    assert curve.speedup[0] == 1
    given = cascade_curve(cascade, rows[0], budgets=BUDGETS, student_cost=1, teacher_cost=3)
    assert given.expected_cost[0] == 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"budgets": [0.1, 1.0]}, r"budgets must be numbers above 0 and below 1; .*1\.0"),
        ({"budgets": []}, "budgets must be"),
        ({"budgets": [np.nan]}, "budgets must be"),
        ({"student_cost": 0, "teacher_cost": 1}, "student_cost must be a number above 0"),
        ({"student_cost": 1, "teacher_cost": np.nan}, "teacher_cost must be a number above 0"),
        ({"student_cost": 1}, "teacher_cost is not given, and there are no rows"),
    ],
)
def test_bad_arguments_are_named(params, message, cascade):
    with pytest.raises(ValueError, match=message):
        cascade_curve(cascade, **params)


def test_an_unfitted_cascade_has_no_curve():
    with pytest.raises(NotFittedError):
        cascade_curve(CascadeClassifier())


@pytest.mark.parametrize("costs", [{}, {"student_cost": 1, "teacher_cost": 20}])
def test_the_picture_has_the_curve_the_budget_and_the_speed_up(costs, cascade):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    display = CascadeDisplay.from_estimator(cascade, **costs)
    assert_array_equal(display.line_.get_ydata(), display.curve.coverage)
    assert display.point_.get_xdata()[0] == 0.1
    assert display.point_.get_ydata()[0] == cascade.coverage_
    assert (display.cost_axis_ is None) == (not costs)
    other = CascadeDisplay.from_estimator(cascade, name="another", ax=display.ax_)
    assert other.line_.get_linestyle() != display.line_.get_linestyle()
    if costs:
        labels = [each.get_text() for each in display.cost_axis_.get_yticklabels()]
        assert labels[0] == "1×"
        assert labels[-1] == "20×"
    matplotlib.pyplot.close("all")
