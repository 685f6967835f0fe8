"""XGBoost on all pairs: exact gradients and Hessians in the place of sampled pairs."""

from typing import Any

from xgboost import XGBRanker, XGBRegressor

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Estimator, Rows
from .._boosting import proba_of_second
from ._boosting import pair_objective, refuse_own_objective
from ._registry import register


@register(XGBRegressor)
def fit_xgb_regressor(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Boost an XGBRegressor on the loss of all pairs; its predictions are the scores.

    Each round takes gradient and Hessian diagonal of the exact loss, computed in NumPy, on one
    core. It is scaled so that it begins as the log-loss does: learning rates, penalties and
    minima per leaf keep their meaning. A row of weight 2 is two rows, but to ``subsample``, which
    draws rows. Evaluation sets need a metric that only compares scores, as in
    ``eval_metric="auc"``.

    Parameters
    ----------
    student : XGBRegressor
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Probabilities of two classes, and weights.

    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}
        Loss of a pair. The hinge has no Hessian and gets that of the logistic loss at equal
        scores.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    XGBRegressor
        The student, as it is after its own `fit`: nothing of skdistill stays in it.

    Raises
    ------
    ValueError
        If the student has an objective of its own.
    """
    refuse_own_objective(student, ["reg:squarederror"])
    own_objective, own_base_score = student.objective, student.base_score
    student.objective = pair_objective(soft_labels, surrogate)
    if own_base_score is None:
        student.base_score = 0.0  # pairs see no shift
    weight = soft_labels.weight
    student.fit(X, proba_of_second(soft_labels), sample_weight=weight, **fit_params)
    student.objective, student.base_score = own_objective, own_base_score
    return student


@register(XGBRanker)
def fit_xgb_ranker(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Boost an XGBRanker on the loss of all pairs, by way of an XGBRegressor.

    XGBRanker takes no objective from outside. So an XGBRegressor of the same parameters is
    boosted, and the ranker loads its trees. `qid` and `group` are neither needed nor taken: all
    rows are one query. Which ``"rank:..."`` is its objective does not matter.

    Parameters
    ----------
    student : XGBRanker
        It is fitted in place.

    X, soft_labels, surrogate, **fit_params
        As for :func:`fit_xgb_regressor`.

    Returns
    -------
    XGBRanker
        The student, with the fitted trees.
    """
    own_params = student.get_params()
    regressor = XGBRegressor(**{**own_params, "objective": "reg:squarederror"})
    fit_xgb_regressor(regressor, X, soft_labels, surrogate, **fit_params)
    booster = regressor.get_booster()
    booster.set_param({"objective": student.objective})
    student.load_model(booster.save_raw("ubj"))
    student.set_params(**own_params)  # loading a model sets some
    return student
