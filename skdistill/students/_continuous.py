"""Students of a continuous target: any regressor, fitted to means on the original rows."""

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .._utils._fit import fitted
from .._utils._sample_weight import last_step_of, takes_sample_weight
from ._capabilities import check_weight_requests, requires_2d_target, supports_multioutput
from ._fitters import check_same_length
from ._predictions import is_net_of_skorch


def fit_regressor(student, X, targets, **fit_params):
    """Return a clone of a regressor fitted to the means of RegressionTargets.

    Weights are passed on only if they differ from one, as in ordinary training.
    """
    check_same_length(X, targets, "targets")
    if not (targets.weight == 1).all():
        fit_params = {**fit_params, **_weight_params(student, targets.weight)}
    mean = targets.mean
    if is_net_of_skorch(student):  # torch does not mix precisions: that of y is kept
        mean = mean.astype(targets.values.dtype)
    return fitted(clone(student), X, shaped_target(student, mean), **fit_params)


def check_outputs(regressor, n_outputs):
    """Raise unless a regressor supports so many outputs."""
    if n_outputs > 1 and not takes_columns(regressor):
        raise ValueError(
            f"y has {n_outputs} outputs, and {regressor!r} takes one only. Wrap it: "
            f"MultiOutputRegressor({type(regressor).__name__}(...))."
        )


def check_weights(student):
    """Raise unless a regressor takes row weights that differ."""
    if not takes_weights(student):
        raise ValueError(
            f"{student!r} takes no sample_weight, but the row weights differ (from sample_weight, "
            "or unlabelled rows with unlabeled_weight other than 1). Use a regressor that takes "
            "it, or give every row the same weight."
        )
    check_weight_requests(student)


def takes_columns(regressor):
    """Return whether a regressor takes a target of several columns."""
    return is_net_of_skorch(regressor) or supports_multioutput(regressor)


def takes_weights(regressor):
    """Return whether a regressor takes row weights; a Pipeline for its last step."""
    return takes_sample_weight(_weighted_part(regressor)[1])


def shaped_target(regressor, values):
    """Return values (n, n_outputs) in the shape that a regressor takes: (n,) for one output."""
    by_columns = requires_2d_target(regressor) or is_net_of_skorch(regressor)
    return values if values.shape[1] > 1 or by_columns else values[:, 0]


def predicted_values(regressor, X, n_outputs):
    """Return the predictions of a fitted regressor as float64 of shape (n, n_outputs)."""
    return np.asarray(regressor.predict(X), dtype=np.float64).reshape(-1, n_outputs)


def _weight_params(regressor, weight):
    """Return the fit parameters that pass row weights to a regressor."""
    names, _ = _weighted_part(regressor)
    return {"__".join([*names, "sample_weight"]): weight}


def _weighted_part(regressor):
    """Return the names of the last steps of nested Pipelines, and the regressor they lead to.

    With metadata routing a Pipeline takes the weights itself.
    """
    names = []
    while isinstance(regressor, Pipeline) and not get_config()["enable_metadata_routing"]:
        names.append(regressor.steps[-1][0])
        regressor = last_step_of(regressor)
    return names, regressor
