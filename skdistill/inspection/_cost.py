"""Cost of a deployed model: bytes, and time per thousand rows."""

import pickle
import time
from statistics import median

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from .._base._student_predictions import FittedStudentMixin
from .._utils._rows import copied, count_rows, predict_on_copy
from ..students._predictions import predicts_numbers
from ._intervals import Estimate

COSTS = ("bytes", "batch", "batch_preprocessing", "batch_model", "single")
BATCH = 1000  # rows
# Times are the median of MOST_CALLS calls, or of at least FEWEST_CALLS if these take LONGEST.
MOST_CALLS, FEWEST_CALLS, LONGEST = 20, 3, 1.0  # seconds


def deployable(model):
    """Return the model to deploy: its student if it has one, else the model itself."""
    by_student_alone = isinstance(model, FittedStudentMixin) and not hasattr(model, "estimators_")
    return model.student_ if by_student_alone else model


def costs(models, X):
    """Return {cost: {model: Estimate}}, and a sentence for each model that cannot be pickled."""
    cost = {kind: {} for kind in COSTS}
    missing = []
    for name, model in models.items():
        model = deployable(model)
        try:
            cost["bytes"][name] = Estimate(pickled_bytes(model))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            missing.append(f"The {name} cannot be pickled ({error}): no bytes.")
        for kind, milliseconds in (timings(model, X) | timings_of_steps(model, X)).items():
            cost[kind][name] = Estimate(milliseconds)
    return {kind: row for kind, row in cost.items() if row}, missing


def description(model):
    """Return a description of the model that is pickled and timed."""
    deployed = deployable(model)
    kind = kind_of(deployed)
    return kind if deployed is model else f"student_ of a {type(model).__name__}, a {kind}"


def kind_of(model):
    """Return the class of a model; of a Pipeline, the classes of its steps."""
    if isinstance(model, Pipeline):
        steps = [
            type(step).__name__ for _, step in model.steps if step not in (None, "passthrough")
        ]
        return f"Pipeline of {' and '.join(steps)}"
    return type(model).__name__


def pickled_bytes(model):
    """Return the bytes of a model when pickled."""
    return len(pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL))


def timings(model, X):
    """Return the median milliseconds per thousand rows, in one batch and row by row."""
    method = _prediction(model)
    n_rows = min(count_rows(X), BATCH)
    batch = _safe_indexing(X, np.arange(n_rows))
    singles = [_safe_indexing(X, [row % n_rows]) for row in range(MOST_CALLS)]
    return {
        "batch": 1e6 / n_rows * _median_seconds(method, [batch] * MOST_CALLS),
        "single": 1e6 * _median_seconds(method, singles),
    }


def timings_of_steps(model, X):
    """Return the milliseconds of a Pipeline before its last step, and of that step, in one batch.

    Nothing for other models.
    """
    if not isinstance(model, Pipeline) or len(model.steps) < 2:
        return {}
    n_rows = min(count_rows(X), BATCH)
    batch = _safe_indexing(X, np.arange(n_rows))
    before, last = model[:-1], model[-1]
    if not hasattr(before, "transform"):
        return {}
    rows = before.transform(copied(batch))
    milliseconds = 1e6 / n_rows
    return {
        "batch_preprocessing": milliseconds
        * _median_seconds(before.transform, [batch] * MOST_CALLS),
        "batch_model": milliseconds * _median_seconds(_prediction(last), [rows] * MOST_CALLS),
    }


def _prediction(model):
    """Return the method that is timed."""
    has_proba = hasattr(model, "predict_proba") and not predicts_numbers(model)
    return model.predict_proba if has_proba else model.predict


def _median_seconds(method, calls):
    """Return the median time of calls, after a warm-up call."""
    predict_on_copy(method, calls[0])
    seconds = []
    for each in calls:
        rows = copied(each)  # not timed
        start = time.perf_counter()
        method(rows)
        seconds.append(time.perf_counter() - start)
        if len(seconds) >= FEWEST_CALLS and sum(seconds) > LONGEST:
            break
    return median(seconds)
