"""Students whose loss is not linear in y are refused: means in the place of values bias them."""

import warnings

import numpy as np
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    LinearRegression,
    QuantileRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators
from skorch import NeuralNetRegressor
from torch import nn
from xgboost import XGBRegressor

from skdistill.students._mean_losses import LOSS_PARAMETERS, check_loss, lower_bound

SKLEARN = dict(all_estimators(type_filter="regressor"))
# Their `loss` is not the one of the rows: AdaBoost.R2 weights trees by it; RANSAC selects rows.
OTHER_MEANING = {"AdaBoostRegressor", "RANSACRegressor"}
# Refused without a parameter that names the loss.
ROBUST = {"HuberRegressor", "NuSVR", "QuantileRegressor", "RANSACRegressor", "SVR"} | {
    "TheilSenRegressor"
}


def losses_of(cls):
    """Yield the parameter and each of its documented values that names a loss."""
    for name in sorted(LOSS_PARAMETERS & cls._parameter_constraints.keys()):
        for constraint in cls._parameter_constraints[name]:
            for value in sorted(getattr(constraint, "options", ())):
                yield name, value


SKLEARN_LOSSES = [
    (name, parameter, value)
    for name, cls in SKLEARN.items()
    if hasattr(cls, "_parameter_constraints") and name not in OTHER_MEANING
    for parameter, value in losses_of(cls)
    # the split criterion of boosting does not change what leaves predict
    if not (name == "GradientBoostingRegressor" and parameter == "criterion")
]


def mean_of_skewed(student):
    """Return what a student predicts for skewed values, as a share of their mean."""
    X = np.repeat([[0.0], [1.0]], 200, axis=0)
    y = np.r_[np.tile([0.5, 0.5, 0.5, 0.5, 18.0], 40), np.full(200, 4.0)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return student.fit(X, y).predict([[0.0]])[0] / 4


def settings_for(name, cls):
    """Return parameters that let a student fit the mean of a group of rows closely."""
    wanted = {
        # a penalty, except for gradient boosting, where it is a quantile
        "alpha": {"SGDRegressor": 1e-8, "GradientBoostingRegressor": 0.5}.get(name, 0.0),
        "epsilon": 0.01, "quantile": 0.5, "random_state": 0, "max_iter": 2000, "C": 100.0,
        "tol": 1e-6, "batch_size": 400, "learning_rate_init": 0.01,
    }  # fmt: skip
    known = cls().get_params()
    return {key: value for key, value in wanted.items() if key in known}


@pytest.mark.parametrize(("name", "parameter", "value"), SKLEARN_LOSSES)
def test_losses_of_scikit_learn_are_judged_by_their_estimate(name, parameter, value):
    cls = SKLEARN[name]
    student = cls(**{**settings_for(name, cls), parameter: value})
    if value in ("huber", "squared_epsilon_insensitive"):  # nearly a mean, and not linear in y
        with pytest.raises(ValueError, match="does not estimate a mean"):
            check_loss(student)
        return
    estimates_mean = abs(mean_of_skewed(student) - 1) < 0.15
    if estimates_mean:
        check_loss(student)
    else:
        with pytest.raises(ValueError, match=rf"{name}\({parameter}='{value}'\) as student"):
            check_loss(student)


def test_the_registry_has_losses_of_both_kinds():
    names = {(name, value) for name, _, value in SKLEARN_LOSSES}
    assert {("HistGradientBoostingRegressor", "poisson"), ("SGDRegressor", "huber")} <= names
    assert len(names) > 20


@pytest.mark.parametrize("name", sorted(SKLEARN))
def test_defaults_of_scikit_learn(name):
    cls = SKLEARN[name]
    try:
        student = cls()
    except TypeError:  # meta-estimators
        student = None
    if student is None:
        pytest.skip("needs an inner estimator")
    insensitive = getattr(student, "loss", None) == "epsilon_insensitive"
    if name in ROBUST or insensitive:
        with pytest.raises((TypeError, ValueError), match="does not estimate a mean"):
            check_loss(student)
    else:
        check_loss(student)


FOREIGN = [
    *((LGBMRegressor, "objective", each) for each in ("l1", "mae", "huber", "fair", "quantile")),
    *((LGBMRegressor, "objective", each) for each in ("mape", "regression_l1")),
    *((LGBMRegressor, "application", each) for each in ("mean_absolute_error",)),
    *((XGBRegressor, "objective", f"reg:{each}error") for each in ("absolute", "pseudohuber")),
    *((XGBRegressor, "objective", f"reg:{each}") for each in ("quantileerror", "squaredlogerror")),
    *((XGBRegressor, "objective", each) for each in ("survival:cox", "survival:aft")),
    *((CatBoostRegressor, "loss_function", each) for each in ("MAE", "Quantile:alpha=0.9")),
    *((CatBoostRegressor, "loss_function", each) for each in ("MAPE", "Huber:delta=1")),
    *((CatBoostRegressor, "loss_function", each) for each in ("LogCosh", "Lq:q=3", "Expectile")),
    *((CatBoostRegressor, "objective", each) for each in ("MAE", "MultiQuantile:alpha=0.1,0.9")),
]


@pytest.mark.parametrize(("cls", "parameter", "value"), FOREIGN)
def test_losses_of_other_packages_are_refused(cls, parameter, value):
    with pytest.raises(ValueError, match=f"{cls.__name__}.{parameter}='{value}'.* as student"):
        check_loss(cls(**{parameter: value}))


MEANS = [
    *(LGBMRegressor(objective=each) for each in ("regression", "l2", "mse", "rmse", "l2_root")),
    *(LGBMRegressor(objective=each) for each in ("poisson", "gamma", "tweedie", None)),
    *(XGBRegressor(objective=f"reg:{each}") for each in ("squarederror", "gamma", "tweedie")),
    XGBRegressor(objective="count:poisson"), XGBRegressor(objective="reg:logistic"),
    XGBRegressor(), LGBMRegressor(),
    CatBoostRegressor(), CatBoostRegressor(loss_function="RMSE"),
    CatBoostRegressor(loss_function="Poisson"), CatBoostRegressor(loss_function="MultiRMSE"),
    CatBoostRegressor(loss_function="Tweedie:variance_power=1.5"),
    NeuralNetRegressor(nn.Linear), NeuralNetRegressor(nn.Linear, criterion=nn.PoissonNLLLoss),
]  # fmt: skip


@pytest.mark.parametrize(
    "student", MEANS, ids=[f"{type(each).__name__}-{n}" for n, each in enumerate(MEANS)]
)  # the repr of an old CatBoost has an address
def test_losses_of_means_are_accepted(student):
    check_loss(student)


@pytest.mark.parametrize("criterion", [nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss])
def test_criteria_of_torch(criterion):
    with pytest.raises(ValueError, match=f"criterion='{criterion.__name__}'"):
        check_loss(NeuralNetRegressor(nn.Linear, criterion=criterion))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda each: make_pipeline(StandardScaler(), each),
        BaggingRegressor,
        AdaBoostRegressor,
        MultiOutputRegressor,
        lambda each: VotingRegressor([("a", Ridge()), ("b", each)]),
        lambda each: StackingRegressor([("a", Ridge())], each),
        lambda each: make_pipeline(make_pipeline(StandardScaler(), BaggingRegressor(each))),
    ],
)
def test_losses_inside_other_estimators(wrap):
    check_loss(wrap(LinearRegression()))
    for inside in (HuberRegressor(), RandomForestRegressor(criterion="absolute_error")):
        with pytest.raises((TypeError, ValueError), match="does not estimate a mean"):
            check_loss(wrap(inside))


def test_steps_before_the_last_are_not_the_student():
    check_loss(make_pipeline(SelectFromModel(QuantileRegressor()), Ridge()))


@pytest.mark.parametrize(
    ("student", "excluded"),
    [
        (GammaRegressor(), True),
        (TweedieRegressor(power=1.5), False),
        (TweedieRegressor(power=3), True),
        (LGBMRegressor(objective="gamma"), True),
        (XGBRegressor(objective="count:poisson"), False),
        (CatBoostRegressor(loss_function="Tweedie:variance_power=1.5"), False),
        (make_pipeline(StandardScaler(), RandomForestRegressor(criterion="poisson")), False),
    ],
)
def test_targets_with_a_lower_bound(student, excluded):
    assert lower_bound(student).excluded is excluded


@pytest.mark.parametrize("student", [Ridge(), TweedieRegressor(power=0), XGBRegressor()])
def test_targets_without_a_bound(student):
    assert lower_bound(student) is None
