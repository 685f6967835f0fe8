"""Students of Poisson, gamma and Tweedie deviance get exact means, mixed on their own scale."""

import numpy as np
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators
from xgboost import XGBRegressor

from skdistill import DistilledRegressor
from skdistill.students._mean_losses import LOSS_PARAMETERS, lower_bound

SMALL = {"n_estimators": 5, "max_iter": 20, "random_state": 0, "iterations": 5, "verbose": 0}
BOOSTER = {"n_estimators": 5, "random_state": 0, "n_jobs": 1}


def small(student):
    """Return a student with few trees, seeded."""
    if isinstance(student, TweedieRegressor | PoissonRegressor | GammaRegressor):
        return student
    return student.set_params(**{k: v for k, v in SMALL.items() if k in student.get_params()})


def of_scikit_learn():
    """Yield each regressor with each documented loss whose targets have a lower bound."""
    for _, cls in all_estimators(type_filter="regressor"):
        constraints = getattr(cls, "_parameter_constraints", {})
        for parameter in sorted(LOSS_PARAMETERS & constraints.keys()):
            for constraint in constraints[parameter]:
                for value in sorted(getattr(constraint, "options", ())):
                    student = cls(**{parameter: value})
                    if lower_bound(student) is not None:
                        yield small(student)


STUDENTS = [
    PoissonRegressor(), GammaRegressor(), TweedieRegressor(power=1.5), TweedieRegressor(power=3),
    make_pipeline(StandardScaler(), PoissonRegressor()),
    *of_scikit_learn(),
    *(LGBMRegressor(objective=each, verbose=-1, **BOOSTER)
      for each in ("poisson", "gamma", "tweedie")),
    *(XGBRegressor(objective=each, **BOOSTER)
      for each in ("count:poisson", "reg:gamma", "reg:tweedie")),
    *(CatBoostRegressor(loss_function=each, iterations=20, learning_rate=0.5, random_state=0,
                        verbose=0, thread_count=1, allow_writing_files=False)
      for each in ("Poisson", "Tweedie:variance_power=1.5")),
]  # fmt: skip


def name(student):
    """Return the class and the loss of a student."""
    if hasattr(student, "steps"):
        return f"pipeline of {name(student[-1])}"
    params = student.get_params()
    found = [str(params[each]) for each in (*sorted(LOSS_PARAMETERS), "power") if params.get(each)]
    return "-".join([type(student).__name__, *found[:1]])


@pytest.fixture(scope="module")
def rows():
    """Rows, positive values and a teacher's positive means."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    mean = np.exp(0.5 * X[:, 0])
    return X, 0.1 + rng.poisson(mean), mean + rng.uniform(0, 0.5, 120)


def test_the_registry_has_each_loss():
    names = {name(each) for each in STUDENTS}
    assert {"HistGradientBoostingRegressor-poisson", "HistGradientBoostingRegressor-gamma"} <= names
    assert {"DecisionTreeRegressor-poisson", "RandomForestRegressor-poisson"} <= names


@pytest.mark.parametrize("student", STUDENTS, ids=name)
def test_means_are_mixed_on_their_own_scale(rows, student):
    X, y, teacher_pred = rows
    model = DistilledRegressor(student=student, alpha=0.5).fit(X, y, teacher_pred=teacher_pred)
    expected = clone(student).fit(X, (y + teacher_pred) / 2)
    assert_allclose(model.predict(X), expected.predict(X), rtol=1e-6)
    of_logarithms = clone(student).fit(X, np.sqrt(y * teacher_pred))
    assert model.predict(X).mean() > 1.05 * of_logarithms.predict(X).mean()


@pytest.mark.parametrize("student", STUDENTS, ids=name)
def test_means_below_the_bound_are_raised_to_it(rows, student):
    X, y, _ = rows
    teacher_pred = y - 1
    least = y.min() if lower_bound(student).excluded else 0.0
    with pytest.warns(UserWarning, match=f"predicts less than {least:.6g}, the least target"):
        model = DistilledRegressor(student=student, alpha=1.0).fit(X, y, teacher_pred=teacher_pred)
    expected = clone(student).fit(X, np.maximum(teacher_pred, least))
    assert_allclose(model.predict(X), expected.predict(X), rtol=1e-6)


@pytest.mark.parametrize("student", STUDENTS, ids=name)
def test_values_below_the_bound_are_refused(rows, student):
    X, y, teacher_pred = rows
    y = y.copy()
    y[7] = -0.5
    with pytest.raises(ValueError, match=r"y must be .*; 1 values are not, the first is -0.5 in"):
        DistilledRegressor(student=student).fit(X, y, teacher_pred=teacher_pred)


@pytest.mark.filterwarnings("ignore:.*auto. chose 0")
def test_weights_are_chosen_by_squared_error(rows):
    X, y, teacher_pred = rows
    student = PoissonRegressor(alpha=0.1)
    model = DistilledRegressor(student=student, cv=4)
    curve = model.fit(X, y, teacher_pred=teacher_pred).alpha_curve_
    predicted = np.zeros((2, len(y)))
    for train, test in KFold(4).split(X):
        for k, target in enumerate((y, teacher_pred)):
            predicted[k, test] = clone(student).fit(X[train], target[train]).predict(X[test])
    errors = np.mean((y - predicted) ** 2, axis=1) / y.var()
    assert_allclose([each.loss for each in curve.candidates[:2]], errors)


@pytest.mark.parametrize(
    "student",
    [
        TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp),
        TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
        make_pipeline(
            StandardScaler(), TransformedTargetRegressor(func=np.sqrt, inverse_func=np.square)
        ),
    ],
    ids=["log", "scaled", "pipeline"],
)
def test_students_that_transform_y_get_means_of_y_itself(rows, student):
    X, y, teacher_pred = rows
    model = DistilledRegressor(student=student, alpha=0.5).fit(X, y, teacher_pred=teacher_pred)
    expected = clone(student).fit(X, (y + teacher_pred) / 2)
    assert_allclose(model.predict(X), expected.predict(X), rtol=1e-9)


def test_a_transformation_around_it_makes_means_of_logarithms(rows):
    """As documented: predictions are too small, here by the variance of the noise."""
    X, _, _ = rows
    rng = np.random.default_rng(1)
    X = np.repeat(X, 20, axis=0)
    y = np.exp(X[:, 0] + rng.normal(size=len(X)))
    pair = DistilledRegressor(LinearRegression(), Ridge(), alpha=1.0, cv=KFold(5, shuffle=True))
    around = TransformedTargetRegressor(pair, func=np.log, inverse_func=np.exp).fit(X, y)
    assert around.predict(X).mean() < 0.7 * y.mean()
