"""Methods that an estimator has, now or after `fit`."""

from sklearn.pipeline import Pipeline


def may_have_method(estimator, method):
    """Return whether an estimator has a method, or may have it after `fit`.

    With ``available_if``, a method of a scikit-learn estimator may depend on what `fit` chooses:
    the default `final_estimator` of a stack, or the parameters that a search sets. The class then
    has the method, but the unfitted object does not.
    """
    if hasattr(estimator, method):
        return True
    if not (hasattr(type(estimator), method) and hasattr(estimator, "get_params")):
        return False
    if isinstance(estimator, Pipeline):
        return bool(estimator.steps) and may_have_method(estimator.steps[-1][1], method)
    params = estimator.get_params(deep=False)
    if "refit" in params:  # a search: depends on the parameters that it sets
        return bool(params["refit"]) and hasattr(type(params.get("estimator")), method)
    if "final_estimator" in params and params["final_estimator"] is None:
        return True
    inside = [each for each in _nested(params) if not hasattr(each, method)]
    return any(may_have_method(each, method) for each in inside)


def _nested(params):
    """Yield the estimators among parameters, alone or in lists of (name, estimator)."""
    for value in params.values():
        for item in value if isinstance(value, list) else [value]:
            candidate = item[1] if isinstance(item, tuple) and len(item) > 1 else item
            if hasattr(candidate, "fit") and not isinstance(candidate, type):
                yield candidate
