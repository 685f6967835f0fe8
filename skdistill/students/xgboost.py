"""XGBoost on soft labels: its softmax and logistic loss, with probabilities as targets."""

import json
from typing import Any

import numpy as np
from xgboost import Booster, DMatrix, XGBClassifier, XGBRFClassifier

from .._targets._soft_labels import SoftLabels
from .._utils._rows import rows_of
from .._utils._typing import Estimator, Rows
from ._boosting import (
    placeholder_labels,
    soft_objective,
    wrap_metric,
)
from ._registry import register
from .expansion import fit_by_expansion, repeat_rows, warn_of_expansion


@register(XGBClassifier)
@register(XGBRFClassifier)
def fit_xgboost(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a classifier of XGBoost to soft labels at the cost of hard ones, without a copy of X.

    Gradients, Hessians and the base score are those of the expansion, so that the trees are the
    same, except that `subsample` and `sampling_method` draw original rows here and copies in the
    expansion. All boosters, tree methods and constraints are supported, and evaluation sets with
    true labels, metrics and early stopping work as for hard labels.
    `scale_pos_weight` counts by the probability of the second class. Gradients are computed
    in NumPy, on one core, whatever `n_jobs` or `device`; sparse soft labels stay sparse, but
    the gradients, like XGBoost's scores, are dense: 2.7 times the memory of hard labels at
    50 classes.

    A custom `objective`, and any objective except the logistic and softprob ones, use the
    expansion, with a warning.

    Parameters
    ----------
    student : XGBClassifier or XGBRFClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Class probabilities and weights of the rows. XGBoost takes the classes 0, 1, ... only. A
        class of total weight 0 is also in `classes_`; its probability starts near 0.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    XGBClassifier or XGBRFClassifier
        The student, fitted, without references to skdistill.

    Warns
    -----
    UserWarning
        If the student is fitted by expansion.
    """
    if soft_labels.is_one_hot and every_class_is_argmax(soft_labels):
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    reason = unsupported_reason(student, soft_labels)
    if reason is not None:
        if not soft_labels.is_one_hot:
            warn_of_expansion(student, reason)
        return fit_with_empty_classes(student, X, soft_labels, **fit_params)
    starts_anew = student.base_score is None and fit_params.get("xgb_model") is None
    start = base_score_of_expansion(student, soft_labels) if starts_anew else student.base_score
    if start is None and starts_anew:
        warn_of_expansion(student, "this XGBoost writes models in a way unknown to skdistill")
        return fit_with_empty_classes(student, X, soft_labels, **fit_params)
    two_classes = len(soft_labels.classes) == 2
    targets = soft_labels
    if two_classes and student.scale_pos_weight is not None:
        targets = soft_labels.reweight_classes([1, student.scale_pos_weight])
    base_score, eval_metric = student.base_score, student.eval_metric
    student.base_score = start
    student.eval_metric = metric_on_probabilities(eval_metric)
    student.objective = soft_objective(targets, hessian_factor=1 if two_classes else 2)
    student.fit(X, placeholder_labels(soft_labels), sample_weight=soft_labels.weight, **fit_params)
    # With a callable objective, XGBoost uses this one for metrics and predictions.
    student.objective = "binary:logistic" if two_classes else "multi:softprob"
    student.base_score, student.eval_metric = base_score, eval_metric
    return student


def every_class_is_argmax(soft_labels):
    """Return whether each class is the most probable one of some row."""
    return len(np.unique(soft_labels.argmax_labels())) == len(soft_labels.classes)


def fit_with_empty_classes(student, X, soft_labels, **fit_params):
    """Fit a student on the expansion, with a copy of weight zero for each empty class.

    XGBoost requires that the labels include all classes.
    """
    rows, labels, weight = soft_labels.expand()
    missing = np.setdiff1d(soft_labels.classes, labels)
    rows = np.concatenate([rows, np.zeros(len(missing), dtype=rows.dtype)])
    labels = np.concatenate([labels, missing])
    weight = np.concatenate([weight, np.zeros(len(missing))])
    fit_params = rows_of(fit_params, rows, len(soft_labels))
    return student.fit(repeat_rows(X, rows), labels, sample_weight=weight, **fit_params)


def unsupported_reason(student, soft_labels):
    """Return why the soft objective cannot be used for a student, None if it can."""
    n_classes = len(soft_labels.classes)
    if callable(student.objective):
        return "it has a custom objective, which takes hard labels only"
    # With more classes XGBoost replaces all other objectives by softprob.
    if n_classes == 2 and student.objective != "binary:logistic":
        return f'objective={student.objective!r} is not "binary:logistic"'
    if student.objective == "multi:softmax":
        return 'objective="multi:softmax" gives no probabilities ("multi:softprob" does)'
    if len(soft_labels) < n_classes:
        return f"there are only {len(soft_labels)} rows for {n_classes} classes"
    return None


def base_score_of_expansion(student, soft_labels):
    """Return XGBoost's base score of the expansion, which depends on class weight sums only.

    None if XGBoost writes it in another form than is known here. It uses a bare
    Booster, because experiment trackers would log a fit of the estimator.
    """
    n_classes = len(soft_labels.classes)
    rows = DMatrix(
        np.zeros((n_classes, 1)),
        label=np.arange(n_classes),
        weight=soft_labels.class_weight_sums,
        nthread=1,
    )
    if n_classes == 2:
        pos_weight = 1 if student.scale_pos_weight is None else student.scale_pos_weight
        params = {"objective": "binary:logistic", "scale_pos_weight": pos_weight}
    else:
        params = {"objective": "multi:softprob", "num_class": n_classes}
    booster = Booster({**params, "max_depth": 1, "nthread": 1}, [rows])
    booster.update(rows, 0)
    try:
        learner = json.loads(booster.save_config())["learner"]["learner_model_param"]
        scores = np.atleast_1d(json.loads(learner["base_score"])).astype(np.float32).tolist()
    except (KeyError, TypeError, ValueError):
        return None
    return scores if len(scores) > 1 else scores[0]


def metric_on_probabilities(metric):
    """Return `eval_metric` with callables, alone or in a list, wrapped to get probabilities."""
    if callable(metric):
        return wrap_metric(metric)
    if isinstance(metric, list | tuple):
        return [metric_on_probabilities(each) for each in metric]
    return metric
