"""What a fitted model costs to ship: kilobytes, time on one thread, leaves or coefficients."""

import copy
import pickle

import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ._cost import pickled_bytes, timings

COSTS = ("kB", "us_per_row", "ms_per_1000")


def student_costs(model, X):
    """Return the costs of a model by name; bytes are NaN if it cannot be pickled."""
    single_threaded = _on_one_thread(model)
    with threadpool_limits(limits=1):
        milliseconds = timings(single_threaded, X)
    count, unit = size_of(model)
    return {
        "kB": _kilobytes(model),
        "us_per_row": milliseconds["single"],  # of a thousand rows, one by one
        "ms_per_1000": milliseconds["batch"],
        "size": count,
        "size_unit": unit,
    }


def size_of(model):
    """Return how many leaves or coefficients a model has, and which of both."""
    while isinstance(model, Pipeline):
        model = model.steps[-1][1]
    trees = getattr(model, "estimators_", [model])
    trees = list(np.ravel(np.asarray(trees, dtype=object)))
    if all(hasattr(tree, "get_n_leaves") for tree in trees):
        return float(sum(tree.get_n_leaves() for tree in trees)), "leaves"
    if hasattr(model, "coefs_"):  # a network: one array for each layer
        arrays = [*model.coefs_, *model.intercepts_]
    elif hasattr(model, "coef_"):
        arrays = [model.coef_, getattr(model, "intercept_", 0.0)]
    else:
        return float("nan"), ""
    return float(sum(np.size(array) for array in arrays)), "coefficients"


def _kilobytes(model):
    """Return the size of a pickle."""
    if hasattr(model, "n_bytes"):  # a compiled model is a file
        return model.n_bytes / 1000
    try:
        return pickled_bytes(model) / 1000
    except (pickle.PicklingError, AttributeError, TypeError):
        return float("nan")


def _on_one_thread(model):
    """Return a copy of a model whose parameters `n_jobs`, nested ones too, are 1."""
    if not hasattr(model, "get_params"):
        return model
    model = copy.deepcopy(model)
    names = [name for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"]
    if names:
        model.set_params(**dict.fromkeys(names, 1))
    return model
