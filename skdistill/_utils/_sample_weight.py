"""Whether an estimator takes row weights, for itself and for the estimators inside it.

With metadata routing, the requests of the user decide, as everywhere in scikit-learn. Without, the
weights of a Pipeline are those of its last step: the last step of a student is fitted separately,
and the Pipelines of a teacher take `sample_weight`, see `_teachers/_sample_weight.py`. Steps before
the last get no weights, except the copies for supervised ones, see `students/_step_targets.py`.
"""

from inspect import Parameter, signature
from typing import NamedTuple

import sklearn
from sklearn import get_config
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, RFECV, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RANSACRegressor
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

ALWAYS, ROUTED, UNROUTED = "always", "with routing", "without routing"


class InnerFit(NamedTuple):
    """How a meta-estimator of scikit-learn fits the estimators inside it."""

    draws: bool = False  # draws rows by weight, so inner estimators need not take weights
    takes_weights: str = ALWAYS  # ROUTED: only with metadata routing; UNROUTED: only without
    labels: str = "own"  # labels of inner estimators: "own" (unchanged), "codes" or "binary"
    by_name: bool = False  # without routing, weights are passed only if `fit` names them


_SKLEARN = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
# Bagging draws rows by weight since scikit-learn 1.8; before, it passes the weights on.
BAGGING_DRAWS = _SKLEARN >= (1, 8)
# Forests do since 1.9; before, they draw rows uniformly and weight the drawn ones.
FORESTS_DRAW = _SKLEARN >= (1, 9)

# An entry also applies to subclasses that do not override `fit`.
INNER_FITS = {
    AdaBoostClassifier: InnerFit(takes_weights=UNROUTED, by_name=True),
    AdaBoostRegressor: InnerFit(draws=True, takes_weights=UNROUTED),
    BaggingClassifier: InnerFit(draws=BAGGING_DRAWS, labels="codes", by_name=not BAGGING_DRAWS),
    BaggingRegressor: InnerFit(draws=BAGGING_DRAWS, by_name=not BAGGING_DRAWS),
    CalibratedClassifierCV: InnerFit(),
    ClassifierChain: InnerFit(takes_weights=ROUTED, labels="binary"),
    FixedThresholdClassifier: InnerFit(takes_weights=ROUTED),
    MultiOutputClassifier: InnerFit(by_name=True),
    MultiOutputRegressor: InnerFit(by_name=True),
    OneVsOneClassifier: InnerFit(takes_weights=ROUTED, labels="binary"),
    OneVsRestClassifier: InnerFit(takes_weights=ROUTED, labels="binary"),
    OutputCodeClassifier: InnerFit(takes_weights=ROUTED, labels="binary"),
    RANSACRegressor: InnerFit(by_name=True),
    RFE: InnerFit(),
    RFECV: InnerFit(takes_weights=ROUTED),
    RegressorChain: InnerFit(),
    SelectFromModel: InnerFit(),
    SelfTrainingClassifier: InnerFit(takes_weights=ROUTED),
    SequentialFeatureSelector: InnerFit(takes_weights=ROUTED),
    StackingClassifier: InnerFit(labels="codes"),
    StackingRegressor: InnerFit(),
    TransformedTargetRegressor: InnerFit(),
    TunedThresholdClassifierCV: InnerFit(takes_weights=ROUTED),
    VotingClassifier: InnerFit(labels="codes"),
    VotingRegressor: InnerFit(),
}


def inner_fit(estimator):
    """Return how a meta-estimator fits its inner estimators; None if unknown."""
    cls = type(estimator)
    for base in cls.__mro__:
        if base in INNER_FITS and cls.fit is base.fit:
            return INNER_FITS[base]
    return None


def is_pipeline(estimator):
    """Return whether an estimator is a Pipeline with the `fit` of scikit-learn's Pipeline."""
    return isinstance(estimator, Pipeline) and type(estimator).fit is Pipeline.fit


def takes_sample_weight(estimator, method="fit"):
    """Return whether a method takes `sample_weight`, for itself and for all inner estimators."""
    function = getattr(estimator, method, None)
    if function is None:
        return False
    parameters = signature(function).parameters
    named = "sample_weight" in parameters
    routing = get_config()["enable_metadata_routing"]
    if isinstance(estimator, Pipeline) and not named:
        # Without routing a Pipeline takes step__sample_weight only.
        return routing and takes_sample_weight(last_step_of(estimator), method)
    inner = inner_fit(estimator)
    if inner is not None:
        if inner.takes_weights == (UNROUTED if routing else ROUTED):
            return False
        if inner.draws and method == "fit":
            return True
    elif named:
        return True
    passes_on = named or any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    has_inner = inner is not None or inner_estimators(estimator)
    return bool(passes_on and has_inner and not without_weights(estimator, method))


def without_weights(estimator, method="fit"):
    """Return the inner estimators that do not get the weights which an estimator passes on."""
    inner, inside = inner_fit(estimator), inner_estimators(estimator).values()
    by_name = inner is not None and inner.by_name and not get_config()["enable_metadata_routing"]
    return [
        each
        for each in inside
        if not takes_sample_weight(each, method)
        or (by_name and "sample_weight" not in signature(getattr(each, method)).parameters)
    ]


def inner_estimators(estimator):
    """Return {name: estimator} of the inner estimators that a `fit` fits.

    They are parameters, or items (name, estimator) of a parameter that is a list.
    """
    params = estimator.get_params(deep=False)
    if isinstance(params.get("cv"), str) and params["cv"] == "prefit":
        params = {"final_estimator": params.get("final_estimator")}
    found = {}
    for name, value in params.items():
        is_list = isinstance(value, list) and all(map(_is_named, value))
        found.update({item[0]: item[1] for item in value} if is_list else {name: value})
    return {
        name: value
        for name, value in found.items()
        if hasattr(value, "fit") and not isinstance(value, type | FrozenEstimator)
    }


def _is_named(item):
    """Return whether an item of a list is (name, estimator), and not (train, test)."""
    return isinstance(item, tuple) and len(item) > 1 and isinstance(item[0], str)


def last_step_of(pipeline):
    """Return the last step of a Pipeline, None if it has no steps."""
    return pipeline.steps[-1][1] if pipeline.steps else None


def pop_row_weights(fit_params, student):
    """Remove the row weights from a student's fit parameters, and return them.

    With metadata routing, a Pipeline passes the weights to the steps that request them, so they
    are left in its fit parameters.
    """
    if isinstance(student, Pipeline) and get_config()["enable_metadata_routing"]:
        return None
    return fit_params.pop("sample_weight", None)


def requesting_weights(estimator):
    """Return a default estimator that requests sample weights if metadata routing is enabled."""
    if get_config()["enable_metadata_routing"]:
        estimator.set_fit_request(sample_weight=True)
    return estimator
