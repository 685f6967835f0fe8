"""LightGBM on soft labels: its own softmax and logistic loss, with probabilities for labels."""

from contextlib import contextmanager
from typing import Any

import numpy as np
from lightgbm import Booster, Dataset, LGBMClassifier
from lightgbm.basic import LightGBMError

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._boosting import (
    on_probabilities,
    placeholder_labels,
    soft_objective,
)
from ._capabilities import DataSummary
from ._chunks import without_weightless_rows
from ._class_weight import class_weights
from ._registry import register
from .expansion import fit_by_expansion, fit_on_copies, warn_of_expansion

# Where LGBMClassifier keeps what no public name sets.
PRIVATE = ("_Booster", "_objective", "_other_params")

# The least probability that LightGBM takes the logarithm of.
FLOOR = 1e-15

# Metrics that only compare scores, so that LightGBM's own need no probabilities.
RANKINGS = ("auc", "auc_mu", "average_precision")

# Parameters, with their aliases, that LightGBM reads in objectives of its own, or with labels.
NEED_ITS_OBJECTIVE = (
    *("sigmoid", "linear_tree", "linear_trees"),
    *("pos_bagging_fraction", "pos_sub_row", "pos_subsample", "pos_bagging"),
    *("neg_bagging_fraction", "neg_sub_row", "neg_subsample", "neg_bagging"),
)
# Other names of parameters: LightGBM's own table of aliases.
OBJECTIVE = ("objective_type", "application", "app", "loss")
MIN_ROWS = (
    *("min_child_samples", "min_data_in_leaf", "min_data_per_leaf", "min_data", "min_samples_leaf"),
)
BOOSTING = ("boosting_type", "boosting", "boost")
METRIC = ("metric", "metrics", "metric_types")
COUNT_ROWS = ("is_unbalance", "unbalance", "unbalanced_sets")
# Objectives in which a weight is no factor of the loss, so that copies do not add up to their row.
WEIGHTS_ARE_NO_FACTORS = ("cross_entropy_lambda", "xentlambda")


def check_lightgbm(student: Estimator, summary: DataSummary) -> None:
    """Raise if the student counts classes by their rows, or if weights are no factors of its loss.

    Each class has one copy of each row, with its probability as weight.
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
        if isinstance(objective, str) and objective in WEIGHTS_ARE_NO_FACTORS:
            raise ValueError(
                f"LGBMClassifier({name}={objective!r}) has no loss that is proportional to the "
                "weights of rows, which soft labels come as, and predicts no probabilities. Use "
                '"cross_entropy" or "binary".'
            )


@register(LGBMClassifier, check=check_lightgbm)
def fit_lightgbm(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit an LGBMClassifier to soft labels at the cost of hard ones, without a copy of X.

    Gradients, Hessians and the scores that it starts from are those of the expansion, so that
    the trees are the same, up to what counts rows or draws: `min_child_samples`, the bins of
    the features, the statistics of categories, `subsample` and GOSS take real rows here, copies
    there, and `colsample_bytree` draws other columns. DART never drops the start, which
    LightGBM's own objectives drop along with the first tree. Evaluation sets with their true
    labels and early stopping work as they do for hard labels; log-loss and error rate are
    computed here, from probabilities. `class_weight` and `scale_pos_weight` count by the
    probability of a class. Gradients are computed in NumPy, on one core, whatever `n_jobs`;
    sparse soft labels stay sparse, but the gradients, like LightGBM's own scores, are dense: 2.3
    times the memory of hard labels at 50 classes.

    A custom `objective`, any but the binary and softmax ones, random forests, linear trees and
    evaluation by further metrics learn by expansion, with a warning.

    Parameters
    ----------
    student : LGBMClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights. A class without any mass is in `classes_` all
        the same, with a probability near 0.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    LGBMClassifier
        The student, as it is after its own `fit`: nothing of skdistill stays in it.

    Raises
    ------
    ValueError
        With `is_unbalance`, which counts rows.

    Warns
    -----
    UserWarning
        If the student learns by expansion.
    """
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    # LightGBM would place its borders between rows of weight 0, too.
    X, soft_labels, fit_params = without_weightless_rows(X, soft_labels, fit_params)
    metrics = metrics_to_evaluate(fit_params)
    obstacle = unsupported_reason(student, soft_labels, metrics)
    if obstacle is None:
        fit_soft(student, X, soft_labels, metrics, fit_params)
        student._Booster = with_objective(student.booster_, student.objective_)
        if student._Booster is not None:
            return student
        obstacle = "this LightGBM writes models in a way that skdistill does not know"
    warn_of_expansion(student, obstacle)
    # Not `fit_by_expansion`: `early_stopping` is a number of rounds here, and splits nothing.
    return fit_on_copies(student, X, soft_labels, **fit_params)


def fit_soft(student, X, soft_labels, metrics, fit_params):
    """Fit a student by the soft objective, and put its parameters back."""
    targets = soft_labels
    if student.class_weight is not None:
        targets = soft_labels.reweight_classes(class_weights(student.class_weight, soft_labels))

    def boosted():
        boost(student, X, targets, metrics, fit_params)

    def constant():
        fit_shares(student, X, targets, fit_params)

    boost_where_features_split(student, X, len(soft_labels), fit_params, boosted, constant)
    # "softmax" is another name of "multiclass", which LightGBM gives it in models.
    student._objective = "binary" if student.n_classes_ == 2 else "multiclass"


def boost(student, X, soft_labels, metrics, fit_params):
    """Train by the soft objective, from the scores that LightGBM itself would start from."""
    start = start_scores(student, soft_labels, fit_params)
    student.set_params(objective=objective_for(student, soft_labels, start))
    if metrics:
        # Under a custom objective LightGBM would evaluate raw scores, and stop after one round.
        student.set_params(metric="None")
        fit_params = {**fit_params, "eval_metric": [fed(metric, start) for metric in metrics]}
    student.fit(X, placeholder_labels(soft_labels), **fit_params)
    add_to_first_trees(student.booster_, start)


def fit_shares(student, X, soft_labels, fit_params):
    """Train by LightGBM's own objective where no feature can be split: the shares are the model.

    Each row counts by the share of its class.
    """
    labels = placeholder_labels(soft_labels)
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    student.set_params(objective=None, class_weight=None)
    student.fit(
        X, labels, sample_weight=(soft_labels.class_weight_sums / counts)[codes], **fit_params
    )


@contextmanager
def own_parameters_after(student):
    """Let a student's parameters be changed: afterwards they are as they were.

    Meanwhile its objective has one name only, since LightGBM would take another before this one.
    """
    own = {name: getattr(student, name) for name in ("objective", "class_weight")}
    others, had_metric = student._other_params, hasattr(student, "metric")
    kept = {name: value for name, value in others.items() if name not in OBJECTIVE}
    student._other_params = kept
    try:
        yield
    finally:
        if not had_metric and hasattr(student, "metric"):
            del student.metric
        vars(student).update(own)
        student._other_params = others


def boost_where_features_split(student, X, n_rows, fit_params, boosted, constant):
    """Call `boosted`, which has a custom objective, or `constant` where no feature can be split.

    There, with fewer rows than two leaves need or constant columns only, LightGBM ends in an
    error if the objective is not its own.
    """
    params = student.get_params()
    if n_rows >= 2 * min(params[name] for name in MIN_ROWS if name in params):
        try:
            with own_parameters_after(student):
                boosted()
            return
        except LightGBMError:
            if has_usable_feature(student, X, fit_params):
                raise
    with own_parameters_after(student):
        constant()


def has_usable_feature(student, X, fit_params):
    """Return whether LightGBM keeps a feature: that of a constant has one bin, or none."""
    about = {
        name: fit_params[name]
        for name in ("feature_name", "categorical_feature")
        if name in fit_params
    }
    params = {**student.get_params(), "objective": None, "class_weight": None, "verbosity": -1}
    data = Dataset(X, params=params, **about).construct()
    return any(data.feature_num_bin(column) > 1 for column in range(data.num_feature()))


def unsupported_reason(student, soft_labels, metrics):
    """Return what keeps a student from the soft objective; None if nothing does."""
    params, n_classes = student.get_params(), len(soft_labels.classes)
    known = (None, "binary") if n_classes == 2 else (None, "multiclass", "softmax")
    further = [name for name in NEED_ITS_OBJECTIVE if params.get(name)]
    own_metric = [name for name in METRIC if name in params]
    foreign = [metric for metric in metrics if not (callable(metric) or metric in RANKINGS)]
    # Where it goes by another of its names, LightGBM looks at that one only.
    name = next((name for name in OBJECTIVE if name in params), "objective")
    objective = params[name]
    if callable(objective):
        return "it has a custom objective, which knows labels only"
    if objective not in known:
        return f"{name}={objective!r} is none of {known}"
    if any(params.get(name) in ("rf", "random_forest") for name in BOOSTING):
        return "random forests of LightGBM take no objective from outside"
    if further:
        return f"{further[0]}={params[further[0]]!r} goes with objectives of LightGBM's own only"
    if metrics and own_metric:
        return f"{own_metric[0]}={params[own_metric[0]]!r} would be evaluated on raw scores"
    if foreign:
        return f"the metric {foreign[0]!r} would be evaluated on raw scores"
    if len(soft_labels) < n_classes:
        return f"there are only {len(soft_labels)} rows for {n_classes} classes"
    if not all(hasattr(student, name) for name in PRIVATE):
        return "this LightGBM keeps its model where skdistill does not know"
    return None


def objective_for(student, soft_labels, start):
    """Return the soft objective with the Hessian of LightGBM's own."""
    n_classes = len(soft_labels.classes)
    if n_classes > 2:
        factor = n_classes / (n_classes - 1)
        return soft_objective(soft_labels, hessian_factor=factor, start=start)
    own_weight = student.get_params().get("scale_pos_weight", 1)
    return soft_objective(
        soft_labels.reweight_classes([1, own_weight]), hessian_factor=1, start=start
    )


def start_scores(student, soft_labels, fit_params):
    """Return where LightGBM starts: the logarithm of each class's share; the logit of the second.

    It starts from 0 where it is told to, or goes on from scores or a model that are given.
    """
    warm_start = any(fit_params.get(name) is not None for name in ("init_score", "init_model"))
    if warm_start or not student.get_params().get("boost_from_average", True):
        return np.zeros(())
    mass = soft_labels.class_weight_sums
    share = np.clip(mass / mass.sum(), FLOOR, 1 - FLOOR)
    return np.log(share[1] / (1 - share[1])) if len(share) == 2 else np.log(share)


def add_to_first_trees(booster, start):
    """Add the start to the leaves of the first tree of each class: LightGBM has it there, too."""
    if not start.any():
        return
    first_round = booster.dump_model(num_iteration=1)["tree_info"]
    for tree, constant in zip(first_round, np.atleast_1d(start), strict=True):
        index = tree["tree_index"]
        for leaf in range(tree["num_leaves"]):
            value = booster.get_leaf_output(index, leaf)
            booster.set_leaf_output(index, leaf, value + constant)


def with_objective(booster, name):
    """Return the booster with an objective of LightGBM's own; None if it cannot be given one."""
    about = "sigmoid:1" if name == "binary" else f"num_class:{booster.num_model_per_iteration()}"
    line = f"\nobjective={name} {about}\n"
    text = booster.model_to_string(num_iteration=-1)
    if line in text:
        return booster
    text = text.replace("\nfeature_names=", f"{line}feature_names=", 1)
    text = text.replace("\n[objective: custom]", f"\n[objective: {name}]", 1)
    restored = Booster(model_str=text)
    restored.best_iteration, restored.best_score = booster.best_iteration, booster.best_score
    return restored if line in restored.model_to_string() else None


def metrics_to_evaluate(fit_params):
    """Return the metrics of the evaluation sets, LightGBM's default among them; [] without sets."""
    if all(fit_params.get(name) is None for name in ("eval_set", "eval_X")):
        return []
    given = fit_params.get("eval_metric")
    given = given if isinstance(given, list) else [] if given is None else [given]
    metrics = [OF_PROBABILITIES.get(metric, metric) for metric in given]
    return metrics if log_loss in metrics else [*metrics, log_loss]


def fed(metric, start):
    """Return a metric fed with probabilities, unless it is one of LightGBM's own."""
    return on_probabilities(metric, start) if callable(metric) else metric


def log_loss(y_true, q, weight):
    """Return LightGBM's log-loss, for its `eval_metric`."""
    loss = -np.log(np.maximum(p_of_truth(y_true, q), FLOOR))
    return f"{kind(q)}_logloss", np.average(loss, weights=weight), False


def error_rate(y_true, q, weight):
    """Return LightGBM's error rate, for its `eval_metric`: ties are errors."""
    if q.ndim == 1:
        wrong = (q > 0.5) != (y_true > 0)
    else:
        wrong = (q >= p_of_truth(y_true, q)[:, None]).sum(axis=1) > 1
    return f"{kind(q)}_error", np.average(wrong, weights=weight), False


def p_of_truth(y_true, q):
    """Return the probability of each row's true class."""
    if q.ndim == 1:
        return np.where(y_true > 0, q, 1 - q)
    return q[np.arange(len(q)), y_true.astype(int)]


def kind(q):
    """Return what LightGBM calls problems of so many classes."""
    return "binary" if q.ndim == 1 else "multi"


OF_PROBABILITIES = {
    **dict.fromkeys(["logloss", "binary_logloss", "multi_logloss"], log_loss),
    **dict.fromkeys(["error", "binary_error", "multi_error"], error_rate),
}
