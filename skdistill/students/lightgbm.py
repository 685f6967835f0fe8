"""LightGBM on soft labels: its softmax and logistic loss, with probabilities as targets."""

from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from lightgbm import Booster, Dataset, LGBMClassifier
from lightgbm.basic import LightGBMError

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._boosting import (
    placeholder_labels,
    soft_objective,
    wrap_metric,
)
from ._capabilities import DataSummary
from ._chunks import drop_zero_weight_rows
from ._class_weight import class_weights
from ._registry import register
from .expansion import fit_by_expansion, fit_on_copies, warn_of_expansion

# Attributes of LGBMClassifier that cannot be set publicly.
PRIVATE = ("_Booster", "_objective", "_other_params")

# LightGBM clips probabilities at this value before the logarithm.
FLOOR = 1e-15

# Metrics that only compare scores, so that LightGBM's versions work on raw scores.
RANKINGS = ("auc", "auc_mu", "average_precision")

# Parameters, with their aliases, that need one of LightGBM's built-in objectives or hard labels.
NEED_BUILTIN_OBJECTIVE = (
    *("sigmoid", "linear_tree", "linear_trees"),
    *("pos_bagging_fraction", "pos_sub_row", "pos_subsample", "pos_bagging"),
    *("neg_bagging_fraction", "neg_sub_row", "neg_subsample", "neg_bagging"),
)
# LightGBM's aliases of parameters.
OBJECTIVE = ("objective_type", "application", "app", "loss")
MIN_ROWS = (
    *("min_child_samples", "min_data_in_leaf", "min_data_per_leaf", "min_data", "min_samples_leaf"),
)
BOOSTING = ("boosting_type", "boosting", "boost")
METRIC = ("metric", "metrics", "metric_types")
COUNT_ROWS = ("is_unbalance", "unbalance", "unbalanced_sets")
# Objectives that are not proportional to the weight, so that copies do not add up to their row.
NOT_PROPORTIONAL_TO_WEIGHT = ("cross_entropy_lambda", "xentlambda")


class UnknownModelError(Exception):
    """LightGBM writes a model in a form that skdistill does not know."""


def has_known_attributes(student):
    """Return whether a model of LightGBM has the private attributes that are set here."""
    return all(hasattr(student, name) for name in PRIVATE)


def check_lightgbm(student: Estimator, summary: DataSummary) -> None:
    """Raise if the student counts rows per class, or if its loss is not proportional to weights.

    In the expansion each class has one copy of each row, with its probability as weight.
    """
    params = student.get_params()
    for name in COUNT_ROWS:
        if params.get(name):
            raise ValueError(
                f"LGBMClassifier({name}=True) counts the rows of each class, which soft labels do "
                'not have. Use class_weight="balanced", which counts their probability mass.'
            )
    for name in ("objective", *OBJECTIVE):
        objective = params.get(name)
        if isinstance(objective, str) and objective in NOT_PROPORTIONAL_TO_WEIGHT:
            raise ValueError(
                f"LGBMClassifier({name}={objective!r}) has a loss that is not proportional to the "
                "weights of rows, which soft labels require, and predicts no probabilities. Use "
                '"cross_entropy" or "binary".'
            )


@register(LGBMClassifier, check=check_lightgbm)
def fit_lightgbm(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit an LGBMClassifier to soft labels at the cost of hard ones, without a copy of X.

    Gradients, Hessians and initial scores are those of the expansion, so that the trees are the
    same, except where rows are counted or drawn: `min_child_samples`, the bins of the features,
    the statistics of categories, `subsample` and GOSS use original rows here and copies in the
    expansion, and `colsample_bytree` draws other columns. DART never drops the initial score,
    which LightGBM's built-in objectives drop along with the first tree. Evaluation sets with true
    labels and early stopping work as for hard labels; log-loss and error rate are computed from
    probabilities by skdistill. `class_weight` and `scale_pos_weight` count by the probability of
    a class. Gradients are computed in NumPy, on one core, whatever `n_jobs`; sparse soft labels
    stay sparse, but the gradients, like LightGBM's scores, are dense: 2.3 times the memory of
    hard labels at 50 classes.

    A custom `objective`, any objective except binary and softmax, random forests, linear trees
    and evaluation by further metrics use the expansion, with a warning.

    Parameters
    ----------
    student : LGBMClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Class probabilities and weights of the rows. A class of total weight 0 is also in
        `classes_`, with a probability near 0.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    LGBMClassifier
        The student, fitted, without references to skdistill.

    Raises
    ------
    ValueError
        With `is_unbalance`, which counts rows.

    Warns
    -----
    UserWarning
        If the student is fitted by expansion.
    """
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    # LightGBM would also place its borders between rows of weight 0.
    X, soft_labels, fit_params = drop_zero_weight_rows(X, soft_labels, fit_params)
    metrics = metrics_to_evaluate(fit_params)
    reason = unsupported_reason(student, soft_labels, metrics)
    if reason is None:
        with suppress(UnknownModelError):
            fit_soft(student, X, soft_labels, metrics, fit_params)
            student._Booster = with_objective(student.booster_, student.objective_)
            return student
        reason = "this LightGBM writes models in a way that skdistill does not know"
    warn_of_expansion(student, reason)
    # Not `fit_by_expansion`: `early_stopping` is a number of rounds here and does not split rows.
    return fit_on_copies(student, X, soft_labels, **fit_params)


def fit_soft(student, X, soft_labels, metrics, fit_params):
    """Fit a student by the soft objective and restore its parameters."""
    targets = soft_labels
    if student.class_weight is not None:
        targets = soft_labels.reweight_classes(class_weights(student.class_weight, soft_labels))

    def fit_boosted():
        boost(student, X, targets, metrics, fit_params)

    def fit_constant():
        fit_class_frequencies(student, X, targets, fit_params)

    boost_or_fit_constant(student, X, len(soft_labels), fit_params, fit_boosted, fit_constant)
    # "softmax" is an alias of "multiclass", the name that LightGBM writes to models.
    student._objective = "binary" if student.n_classes_ == 2 else "multiclass"


def boost(student, X, soft_labels, metrics, fit_params):
    """Train by the soft objective, from LightGBM's initial scores."""
    start = start_scores(student, soft_labels, fit_params)
    student.set_params(objective=objective_for(student, soft_labels, start))
    if metrics:
        # With a custom objective LightGBM would evaluate raw scores and stop after one round.
        student.set_params(metric="None")
        fit_params = {
            **fit_params,
            "eval_metric": [proba_metric(metric, start) for metric in metrics],
        }
    student.fit(X, placeholder_labels(soft_labels), **fit_params)
    add_to_first_trees(student.booster_, start)


def fit_class_frequencies(student, X, soft_labels, fit_params):
    """Train by a built-in objective if no feature can be split: the model is constant.

    It predicts the class frequencies, because the weight of each class is split over its rows.
    """
    labels = placeholder_labels(soft_labels)
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    student.set_params(objective=None, class_weight=None)
    student.fit(
        X, labels, sample_weight=(soft_labels.class_weight_sums / counts)[codes], **fit_params
    )


@contextmanager
def restored_parameters(student):
    """Restore the parameters of a student on exit.

    Within the context, aliases of `objective` are removed, because LightGBM prefers them.
    """
    saved_params = {name: getattr(student, name) for name in ("objective", "class_weight")}
    had_metric, is_known = hasattr(student, "metric"), has_known_attributes(student)
    if is_known:
        other_params = student._other_params
        student._other_params = {
            name: value for name, value in other_params.items() if name not in OBJECTIVE
        }
    try:
        yield
    finally:
        if not had_metric and hasattr(student, "metric"):
            del student.metric
        vars(student).update(saved_params)
        if is_known:
            student._other_params = other_params


def boost_or_fit_constant(student, X, n_rows, fit_params, fit_boosted, fit_constant):
    """Call `fit_boosted`, or `fit_constant` if no feature can be split.

    With fewer rows than two leaves need, or with constant columns only, LightGBM raises an error
    for custom objectives, which `fit_boosted` uses.
    """
    params = student.get_params()
    if n_rows >= 2 * min(params[name] for name in MIN_ROWS if name in params):
        try:
            with restored_parameters(student):
                fit_boosted()
            return
        except LightGBMError:
            if has_usable_feature(student, X, fit_params):
                raise
    with restored_parameters(student):
        fit_constant()


def has_usable_feature(student, X, fit_params):
    """Return whether LightGBM keeps a feature; a constant feature has at most one bin."""
    feature_params = {
        name: fit_params[name]
        for name in ("feature_name", "categorical_feature")
        if name in fit_params
    }
    params = {**student.get_params(), "objective": None, "class_weight": None, "verbosity": -1}
    data = Dataset(X, params=params, **feature_params).construct()
    return any(data.feature_num_bin(column) > 1 for column in range(data.num_feature()))


def unsupported_reason(student, soft_labels, metrics):
    """Return why the soft objective cannot be used for a student, None if it can."""
    params, n_classes = student.get_params(), len(soft_labels.classes)
    supported = (None, "binary") if n_classes == 2 else (None, "multiclass", "softmax")
    unsupported = [name for name in NEED_BUILTIN_OBJECTIVE if params.get(name)]
    metric_params = [name for name in METRIC if name in params]
    builtin_metrics = [each for each in metrics if not (callable(each) or each in RANKINGS)]
    # LightGBM prefers an alias to "objective".
    name = next((name for name in OBJECTIVE if name in params), "objective")
    objective = params[name]
    if callable(objective):
        return "it has a custom objective, which takes hard labels only"
    if objective not in supported:
        return f"{name}={objective!r} is none of {supported}"
    if any(params.get(name) in ("rf", "random_forest") for name in BOOSTING):
        return "random forests of LightGBM take no custom objective"
    if unsupported:
        name = unsupported[0]
        return f"{name}={params[name]!r} works with LightGBM's built-in objectives only"
    if metrics and metric_params:
        return f"{metric_params[0]}={params[metric_params[0]]!r} would be evaluated on raw scores"
    if builtin_metrics:
        return f"the metric {builtin_metrics[0]!r} would be evaluated on raw scores"
    if len(soft_labels) < n_classes:
        return f"there are only {len(soft_labels)} rows for {n_classes} classes"
    if not has_known_attributes(student):
        return "this LightGBM keeps its model where skdistill does not expect it"
    return None


def objective_for(student, soft_labels, start):
    """Return the soft objective with the Hessian of LightGBM's built-in objective."""
    n_classes = len(soft_labels.classes)
    if n_classes > 2:
        factor = n_classes / (n_classes - 1)
        return soft_objective(soft_labels, hessian_factor=factor, start=start)
    scale_pos_weight = student.get_params().get("scale_pos_weight", 1)
    return soft_objective(
        soft_labels.reweight_classes([1, scale_pos_weight]), hessian_factor=1, start=start
    )


def start_scores(student, soft_labels, fit_params):
    """Return LightGBM's initial scores: log class frequencies, or the logit of two classes.

    They are 0 with ``boost_from_average=False``, `init_score` or `init_model`.
    """
    warm_start = any(fit_params.get(name) is not None for name in ("init_score", "init_model"))
    if warm_start or not student.get_params().get("boost_from_average", True):
        return np.zeros(())
    sums = soft_labels.class_weight_sums
    frequencies = np.clip(sums / sums.sum(), FLOOR, 1 - FLOOR)
    if len(frequencies) == 2:
        return np.log(frequencies[1] / (1 - frequencies[1]))
    return np.log(frequencies)


def add_to_first_trees(booster, start):
    """Add the initial score to the leaves of the first tree of each class, like LightGBM."""
    if not start.any():
        return
    try:
        first_round = booster.dump_model(num_iteration=1)["tree_info"]
        trees = [(tree["tree_index"], tree["num_leaves"]) for tree in first_round]
    except (KeyError, TypeError) as error:
        raise UnknownModelError from error
    for (index, n_leaves), constant in zip(trees, np.atleast_1d(start), strict=True):
        for leaf in range(n_leaves):
            value = booster.get_leaf_output(index, leaf)
            booster.set_leaf_output(index, leaf, value + constant)


def with_objective(booster, name):
    """Return the booster with a built-in objective."""
    params = "sigmoid:1" if name == "binary" else f"num_class:{booster.num_model_per_iteration()}"
    line = f"\nobjective={name} {params}\n"
    text = booster.model_to_string(num_iteration=-1)
    if line in text:
        return booster
    text = text.replace("\nfeature_names=", f"{line}feature_names=", 1)
    text = text.replace("\n[objective: custom]", f"\n[objective: {name}]", 1)
    try:
        restored = Booster(model_str=text)
    except LightGBMError as error:
        raise UnknownModelError from error
    if line not in restored.model_to_string():
        raise UnknownModelError
    restored.best_iteration, restored.best_score = booster.best_iteration, booster.best_score
    return restored


def metrics_to_evaluate(fit_params):
    """Return the metrics for the evaluation sets, including LightGBM's default; [] without sets."""
    if all(fit_params.get(name) is None for name in ("eval_set", "eval_X")):
        return []
    given = fit_params.get("eval_metric")
    given = given if isinstance(given, list) else [] if given is None else [given]
    metrics = [PROBA_METRICS.get(metric, metric) for metric in given]
    return metrics if log_loss in metrics else [*metrics, log_loss]


def proba_metric(metric, start):
    """Return a callable metric on probabilities; built-in metrics are returned unchanged."""
    return wrap_metric(metric, start) if callable(metric) else metric


def log_loss(y_true, q, weight):
    """Return LightGBM's log-loss, for its `eval_metric`."""
    loss = -np.log(np.maximum(proba_of_true_class(y_true, q), FLOOR))
    return f"{problem_name(q)}_logloss", np.average(loss, weights=weight), False


def error_rate(y_true, q, weight):
    """Return LightGBM's error rate, for its `eval_metric`: ties are errors."""
    if q.ndim == 1:
        wrong = (q > 0.5) != (y_true > 0)
    else:
        wrong = (q >= proba_of_true_class(y_true, q)[:, None]).sum(axis=1) > 1
    return f"{problem_name(q)}_error", np.average(wrong, weights=weight), False


def proba_of_true_class(y_true, q):
    """Return the probability of each row's true class."""
    if q.ndim == 1:
        return np.where(y_true > 0, q, 1 - q)
    return q[np.arange(len(q)), y_true.astype(int)]


def problem_name(q):
    """Return LightGBM's name for the type of problem."""
    return "binary" if q.ndim == 1 else "multi"


PROBA_METRICS = {
    **dict.fromkeys(["logloss", "binary_logloss", "multi_logloss"], log_loss),
    **dict.fromkeys(["error", "binary_error", "multi_error"], error_rate),
}
