"""Losses of regressors whose exact target is the mean of y.

A loss that is linear in y for a given prediction, up to terms without the prediction, is minimised
by the same model if each y is replaced by its conditional mean: squared error, Poisson, gamma and
Tweedie deviance. Absolute error, quantiles, and losses that limit large residuals are not linear:
under skewed noise a student of means estimates something else than one of values.
"""

import re
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    PoissonRegressor,
    QuantileRegressor,
    RANSACRegressor,
    TheilSenRegressor,
    TweedieRegressor,
)
from sklearn.pipeline import Pipeline
from sklearn.svm import SVR, NuSVR

from .._utils._sample_weight import inner_estimators, last_step_of

# Names of the parameter in scikit-learn, LightGBM and its aliases, XGBoost, CatBoost and skorch.
LOSS_PARAMETERS = {
    "loss", "criterion", "objective", "loss_function", "application", "app", "objective_type",
}  # fmt: skip
# Parts of the names of losses that are not linear in y, in all these packages.
NOT_LINEAR = re.compile(
    "absolute|mae|mape|l1|quantile|pinball|huber|fair|epsilon|^lq|expectile|cosh|squaredlog|cox"
    "|aft|rank|pairwise|ndcg"
)
# Regressors whose loss is not linear, without a parameter that says so.
ROBUST = (HuberRegressor, NuSVR, QuantileRegressor, RANSACRegressor, SVR, TheilSenRegressor)
REMEDY = (
    "Use a student of squared error, or of Poisson, gamma or Tweedie deviance; or train this one "
    "on the labels."
)


class LowerBound(NamedTuple):
    """Lower bound of the targets of a loss, and whether the bound itself is no valid target."""

    loss: str
    excluded: bool


def check_loss(student):
    """Raise if the loss of a student is not linear in y."""
    for estimator in regressors_inside(student):
        if isinstance(estimator, ROBUST):
            raise TypeError(
                f"{estimator!r} as student does not estimate a mean, and the teacher predicts "
                f"means: as targets they bias it. {REMEDY}"
            )
        for name, loss in _losses(estimator):
            if NOT_LINEAR.search(loss.lower()):
                raise ValueError(
                    f"{type(estimator).__name__}({name}={loss!r}) as student does not estimate a "
                    "mean, and the teacher predicts means: as targets they bias it. Set another "
                    f"{name}. {REMEDY}"
                )


def lower_bound(student):
    """Return the bound at 0 of the targets of a student, None without one."""
    for estimator in regressors_inside(student):
        power = _power(estimator)
        if power is not None and power >= 1:
            return LowerBound(type(estimator).__name__, excluded=power >= 2)
        for _, loss in _losses(estimator):
            if "gamma" in loss.lower():
                return LowerBound(loss, excluded=True)
            if re.search("poisson|tweedie", loss.lower()):
                return LowerBound(loss, excluded=False)
    return None


def check_bound(student, values):
    """Raise if some values are below what the loss of a student accepts."""
    bound = lower_bound(student)
    if bound is None:
        return
    invalid = values <= 0 if bound.excluded else values < 0
    if invalid.any():
        least = "positive" if bound.excluded else "at least 0"
        raise ValueError(
            f"y must be {least} for a student with the loss {bound.loss}; {invalid.sum()} values "
            f"are not, the first is {values[invalid][0]:.6g} in row "
            f"{np.flatnonzero(invalid.any(axis=1))[0]}. Use a student of squared error, or another "
            "y."
        )


def least_target(student, values):
    """Return the least valid target of a student, given valid values; None without a bound."""
    bound = lower_bound(student)
    if bound is None:
        return None
    return float(values.min()) if bound.excluded else 0.0


def regressors_inside(student):
    """Yield a student and the regressors inside it: the last step of a Pipeline."""
    if isinstance(student, Pipeline):
        if student.steps:
            yield from regressors_inside(last_step_of(student))
        return
    yield student
    if hasattr(student, "get_params"):
        for each in inner_estimators(student).values():
            yield from regressors_inside(each)


def _losses(estimator):
    """Yield (parameter, name of the loss) of an estimator."""
    params = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    for name in sorted(LOSS_PARAMETERS & params.keys()):
        value = params[name]
        if value is not None:
            named = value if isinstance(value, str) else getattr(value, "__name__", None)
            yield name, named or type(value).__name__


def _power(estimator):
    """Return the power of the mean that a linear model of Tweedie has as variance, or None."""
    if isinstance(estimator, PoissonRegressor):
        return 1
    if isinstance(estimator, GammaRegressor):
        return 2
    return estimator.power if isinstance(estimator, TweedieRegressor) else None
