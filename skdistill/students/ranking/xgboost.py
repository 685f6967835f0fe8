"""XGBoost on all pairs: exact gradients and Hessians instead of sampled pairs."""

from typing import Any

from xgboost import XGBRanker, XGBRegressor

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Estimator, Rows
from .._boosting import proba_of_second
from ._boosting import check_default_objective, pair_objective
from ._registry import register


@register(XGBRegressor)
def fit_xgb_regressor(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Boost an XGBRegressor on the loss of all pairs; its predictions are the scores.

    Each round uses the gradient and Hessian diagonal of the exact loss, computed in NumPy, on one
    core. The loss is scaled so that it starts like the log-loss: learning rates, penalties and
    minima per leaf keep their meaning. A row of weight 2 equals two rows, except for
    ``subsample``, which draws rows. Evaluation sets need a metric that only compares scores, as
    in ``eval_metric="auc"``.

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
        The student, fitted, without references to skdistill.

    Raises
    ------
    ValueError
        If the student's `objective` is not the default.
    """
    check_default_objective(student, ["reg:squarederror"])
    objective, base_score = student.objective, student.base_score
    student.objective = pair_objective(soft_labels, surrogate)
    if base_score is None:
        student.base_score = 0.0  # the pairwise loss is invariant to shifts
    weight = soft_labels.weight
    student.fit(X, proba_of_second(soft_labels), sample_weight=weight, **fit_params)
    student.objective, student.base_score = objective, base_score
    return student


@register(XGBRanker)
def fit_xgb_ranker(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Boost an XGBRanker on the loss of all pairs, through an XGBRegressor.

    XGBRanker takes no custom objective. So an XGBRegressor with the same parameters is boosted,
    and the ranker loads its trees. `qid` and `group` are not accepted: all rows are one query.
    The ranker's own objective, ``"rank:..."``, has no effect.

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
    saved_params = student.get_params()
    regressor = XGBRegressor(**{**saved_params, "objective": "reg:squarederror"})
    fit_xgb_regressor(regressor, X, soft_labels, surrogate, **fit_params)
    booster = regressor.get_booster()
    booster.set_param({"objective": student.objective})
    student.load_model(booster.save_raw("ubj"))
    student.set_params(**saved_params)  # loading a model changes some
    return student
