"""XGBoost on soft labels: its own softmax and logistic loss, with probabilities for labels."""

from typing import Any

import numpy as np
from xgboost import XGBClassifier

from .._soft_labels import SoftLabels
from .._typing import Estimator, Rows
from ._boosting import (
    on_probabilities,
    soft_objective,
    stand_in_labels,
)
from ._dispatch import register
from .expansion import learn_by_expansion, warn_of_expansion


@register(XGBClassifier)
def learn_xgboost(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit an XGBClassifier to soft labels at the cost of hard ones, without a copy of X.

    Gradients, Hessians and the base score are those of the expansion, so that the trees are
    the same, up to what counts rows: `subsample` and `sampling_method` draw real rows here,
    copies there. All boosters, tree methods and constraints learn in this way, and evaluation
    sets, with their true labels, metrics and early stopping work as they do for hard labels.
    `scale_pos_weight` counts by the probability of the second class. Gradients are computed
    in NumPy, on one core, whatever `n_jobs` or `device`; sparse soft labels stay sparse, but
    the gradients, like XGBoost's own scores, are dense: 2.7 times the memory of hard labels at
    50 classes.

    A custom `objective`, and any but the logistic and softprob ones, learn by expansion, with
    a warning.

    Parameters
    ----------
    student : XGBClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights. XGBoost takes the classes 0, 1, ... only. One
        without any mass is in `classes_` all the same, and falls towards probability 0; since
        XGBoost 3.1 it starts there.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    XGBClassifier
        The student, as it is after its own `fit`: nothing of skdistill stays in it.

    Raises
    ------
    ValueError
        If the classes are not 0, 1, ..., n_classes - 1.

    Warns
    -----
    UserWarning
        If the student learns by expansion.
    """
    check_codes(soft_labels.classes)
    if soft_labels.is_hard:
        return learn_by_expansion(student, X, soft_labels, **fit_params)
    obstacle = find_obstacle(student, soft_labels)
    if obstacle is not None:
        warn_of_expansion(student, obstacle)
        return learn_by_expansion(student, X, soft_labels, **fit_params)
    two_classes = len(soft_labels.classes) == 2
    taught = soft_labels
    if two_classes and student.scale_pos_weight is not None:
        taught = soft_labels.reweight_classes([1, student.scale_pos_weight])
    own_base_score, own_metric = student.base_score, student.eval_metric
    if own_base_score is None and fit_params.get("xgb_model") is None:
        student.base_score = base_score_of_expansion(student, soft_labels)
    student.eval_metric = metric_on_probabilities(own_metric)
    student.objective = soft_objective(taught, hessian_factor=1 if two_classes else 2)
    student.fit(X, stand_in_labels(soft_labels), sample_weight=soft_labels.weight, **fit_params)
    # Beside a callable objective XGBoost keeps its own, for metrics and predictions.
    student.objective = "binary:logistic" if two_classes else "multi:softprob"
    student.base_score, student.eval_metric = own_base_score, own_metric
    return student


def check_codes(classes):
    """Raise unless the classes are those that XGBoost takes."""
    if not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError(
            f"XGBClassifier takes the labels 0, 1, ..., {len(classes) - 1} only; got the classes "
            f"{classes.tolist()}. Encode the labels first, y = LabelEncoder().fit_transform(y), or "
            "use LGBMClassifier or CatBoostClassifier, which take any labels."
        )


def find_obstacle(student, soft_labels):
    """Return what keeps a student from the soft objective; None if nothing does."""
    n_classes = len(soft_labels.classes)
    if callable(student.objective):
        return "it has a custom objective, which knows labels only"
    # With more classes XGBoost itself takes softprob for everything else.
    if n_classes == 2 and student.objective != "binary:logistic":
        return f'objective={student.objective!r} is not "binary:logistic"'
    if student.objective == "multi:softmax":
        return 'objective="multi:softmax" has no probabilities ("multi:softprob" has)'
    if len(soft_labels) < n_classes:
        return f"there are only {len(soft_labels)} rows for {n_classes} classes"
    return None


def base_score_of_expansion(student, soft_labels):
    """Return the base score of the expansion, by XGBoost itself: it leans on the masses only."""
    n_classes = len(soft_labels.classes)
    own_weight = {"scale_pos_weight": student.scale_pos_weight} if n_classes == 2 else {}
    small = XGBClassifier(n_estimators=1, max_depth=1, n_jobs=1, **own_weight)
    small.fit(
        np.zeros((n_classes, 1)),
        np.arange(n_classes),
        sample_weight=soft_labels.mass,
    )
    scores = np.atleast_1d(small.intercept_).tolist()
    return scores if len(scores) > 1 else scores[0]


def metric_on_probabilities(metric):
    """Return `eval_metric` with its callables, alone or in a list, fed with probabilities."""
    if callable(metric):
        return on_probabilities(metric)
    if isinstance(metric, list | tuple):
        return [metric_on_probabilities(each) for each in metric]
    return metric
