"""Does an estimator take row weights? Also one that hands them on to those inside it."""

from inspect import Parameter, signature

from sklearn import get_config
from sklearn.ensemble import BaggingClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

# Methods of scikit-learn that hand weights on to each estimator inside, without metadata routing
# too. Its others that have `**params` refuse them without it.
HANDS_ON = {
    "BaseSearchCV.fit",
    "BaseSuccessiveHalving.fit",
    "MultiOutputClassifier.fit",
    "MultiOutputRegressor.partial_fit",
    "RFE.fit",
    "RegressorChain.fit",
    "StackingClassifier.fit",
    "StackingRegressor.fit",
    "TransformedTargetRegressor.fit",
    "VotingClassifier.fit",
    "VotingRegressor.fit",
    "_MultiOutputEstimator.fit",
    "_MultiOutputEstimator.partial_fit",
}


def takes_sample_weight(estimator, method="fit"):
    """Return whether a method takes `sample_weight`, itself or by handing it on."""
    function = getattr(estimator, method, None)
    if function is None:
        return False
    parameters = signature(function).parameters
    of_sklearn = function.__module__.partition(".")[0] == "sklearn"
    hands_on = of_sklearn and function.__qualname__ in HANDS_ON
    if "sample_weight" in parameters and not hands_on:
        return True
    if of_sklearn and not hands_on and not get_config()["enable_metadata_routing"]:
        return False
    hands_on |= any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    inner = list(_inner_estimators(estimator))
    return hands_on and bool(inner) and all(takes_sample_weight(each, method) for each in inner)


def _inner_estimators(estimator):
    """Yield the estimators among the parameters, alone or in lists of (name, estimator)."""
    for value in estimator.get_params(deep=False).values():
        several = isinstance(value, list) and all(isinstance(item, tuple) for item in value)
        for candidate in [item[1] for item in value] if several else [value]:
            if hasattr(candidate, "fit") and not isinstance(candidate, type):
                yield candidate


def check_soft_labels_arrive(student):
    """Raise if one inside a student declines the weights, which are what soft labels come as.

    Metadata routing would show it the copies of a row, one per class, as equals.
    """
    if not get_config()["enable_metadata_routing"]:
        return
    if isinstance(student, BaggingClassifier):
        return  # it draws rows by their weights, for whoever is inside
    for inside in _inner_estimators(student):
        requests = get_routing_for_object(inside)
        asked = None
        if isinstance(requests, MetadataRequest):
            asked = requests.fit.requests.get("sample_weight")
        if asked is False or isinstance(asked, str):
            raise ValueError(
                f"{type(student).__name__} hands soft labels on as sample_weight, and "
                f"{type(inside).__name__} inside it has set_fit_request(sample_weight={asked!r}): "
                "it would see each row once per class, all alike. Let it request "
                "sample_weight=True; to leave out the weights of rows, pass none."
            )
        check_soft_labels_arrive(inside)


def pop_row_weights(fit_params, student):
    """Take the row weights for the soft labels out of a student's fit parameters.

    With metadata routing a Pipeline hands them to those of its steps that request them, the
    last one among them or not: they stay in.
    """
    if isinstance(student, Pipeline) and get_config()["enable_metadata_routing"]:
        return None
    return fit_params.pop("sample_weight", None)


def requesting_weights(estimator):
    """Return a default estimator that asks for sample weights where metadata is routed."""
    if get_config()["enable_metadata_routing"]:
        estimator.set_fit_request(sample_weight=True)
    return estimator
