"""What a fitted model costs to ship: kilobytes, time on one thread, leaves or coefficients."""

import copy
import time
from statistics import median

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from threadpoolctl import threadpool_limits

from .._utils._rows import count_rows
from ._cost import BATCH, timings
from ._shipped import shipped_file

COSTS = ("kB", "us_per_row", "ms_per_1000", "onnx_kB", "onnx_us_per_row", "onnx_ms_per_1000")
N_CALLS = 20


def student_costs(model, compiled, X):
    """Return the costs of a model by name, and those of its ONNX file, NaN if there is none."""
    with threadpool_limits(limits=1):
        milliseconds = timings(_on_one_thread(model), X)
    file = shipped_file(model)
    costs = {
        "kB": file.kilobytes,
        "file": file.format,
        "us_per_row": milliseconds["single"],  # of a thousand rows, one by one
        "ms_per_1000": milliseconds["batch"],
        **{name: float("nan") for name in COSTS if name.startswith("onnx_")},
    }
    if compiled is not None:
        costs |= {f"onnx_{name}": value for name, value in compiled_costs(compiled, X).items()}
    costs["size"], costs["size_unit"] = size_of(model)
    return costs


def compiled_costs(compiled, X):
    """Return the costs of an ONNX file; rows are prepared beforehand, as a service gets them."""
    n_rows = min(count_rows(X), BATCH)
    batch = compiled.inputs(_safe_indexing(X, np.arange(n_rows)))
    singles = [compiled.inputs(_safe_indexing(X, [k % n_rows])) for k in range(N_CALLS)]
    return {
        "kB": compiled.n_bytes / 1000,
        "us_per_row": 1e6 * _median_seconds(compiled.run, singles),
        "ms_per_1000": 1e6 / n_rows * _median_seconds(compiled.run, [batch] * N_CALLS),
    }


def _median_seconds(run, calls):
    """Return the median time of calls, after a warm-up call."""
    run(calls[0])
    seconds = []
    for each in calls:
        start = time.perf_counter()
        run(each)
        seconds.append(time.perf_counter() - start)
    return median(seconds)


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


def _on_one_thread(model):
    """Return a copy of a model whose parameters `n_jobs`, nested ones too, are 1."""
    if not hasattr(model, "get_params"):
        return model
    names = [name for name in model.get_params() if name.rpartition("__")[2] == "n_jobs"]
    if not names:
        return model  # not a copy: some fitted models cannot be copied
    return copy.deepcopy(model).set_params(**dict.fromkeys(names, 1))
