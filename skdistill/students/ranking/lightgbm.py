"""LightGBM on all pairs: one query of any number of rows, with exact gradients and Hessians."""

from typing import Any

import numpy as np
from lightgbm import LGBMRanker, LGBMRegressor

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Estimator, Rows
from .._boosting import proba_of_second
from ..lightgbm import BOOSTING, NEED_ITS_OBJECTIVE, OBJECTIVE, boost_where_features_split
from ._boosting import pair_objective, refuse_own_objective
from ._registry import register

# LightGBM refuses larger ones, whatever the objective.
MOST_ROWS_PER_QUERY = 10_000


@register(LGBMRegressor)
def fit_lgbm_regressor(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Boost an LGBMRegressor on the loss of all pairs; its predictions are the scores.

    Each round takes gradient and Hessian diagonal of the exact loss, computed in NumPy, on one
    core. It is scaled so that it begins as the log-loss does: learning rates, penalties and
    minima per leaf keep their meaning. A row of weight 2 is two rows, but to what counts rows:
    ``min_child_samples``, ``min_data_in_bin`` and ``subsample``. Evaluation sets need a metric
    that only compares scores, as in ``eval_metric="auc"`` with ``metric="None"``.

    Parameters
    ----------
    student : LGBMRegressor
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
    LGBMRegressor
        The student, as it is after its own `fit`: nothing of skdistill stays in it.

    Raises
    ------
    ValueError
        If the student has an objective of its own, is a random forest, or has parameters that
        only go with LightGBM's own objectives.
    """
    return _boost(student, X, soft_labels, surrogate, "regression", fit_params)


@register(LGBMRanker)
def fit_lgbm_ranker(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Boost an LGBMRanker on the loss of all pairs, of all rows.

    LightGBM wants queries, of 10,000 rows at most. It gets some, of which the loss knows nothing:
    rows of different ones are compared as all others are.

    Parameters
    ----------
    student : LGBMRanker
        It is fitted in place.

    X, soft_labels, surrogate, **fit_params
        As for :func:`fit_lgbm_regressor`.

    Returns
    -------
    LGBMRanker
        The student, fitted.
    """
    full, rest = divmod(len(soft_labels), MOST_ROWS_PER_QUERY)
    queries = [MOST_ROWS_PER_QUERY] * full + ([rest] if rest else [])
    fit_params = {"group": queries, **fit_params}
    return _boost(student, X, soft_labels, surrogate, "lambdarank", fit_params)


def _boost(student, X, soft_labels, surrogate, default, fit_params):
    """Fit a student by the objective of all pairs, and put its own objective back."""
    refuse_own_objective(student, [None, default])
    refuse_what_needs_its_objective(student)
    # A ranker's metric wants integers; nothing else looks at the labels.
    labels = (proba_of_second(soft_labels) > 0.5).astype(int)
    weights = {"sample_weight": soft_labels.weight, **fit_params}

    def boosted():
        student.set_params(objective=pair_objective(soft_labels, surrogate))
        student.fit(X, labels, **weights)

    def constant():  # all scores are 0
        student.set_params(objective=None)
        student.fit(X, np.zeros_like(labels), **weights)

    boost_where_features_split(student, X, len(soft_labels), fit_params, boosted, constant)
    student._objective = default
    return student


def refuse_what_needs_its_objective(student):
    """Raise for parameters that LightGBM reads together with objectives of its own only."""
    params = student.get_params()
    names = [name for name in (*OBJECTIVE, *NEED_ITS_OBJECTIVE) if params.get(name)]
    names += [name for name in BOOSTING if params.get(name) in ("rf", "random_forest")]
    if names:
        raise ValueError(
            f"{type(student).__name__}({names[0]}={params[names[0]]!r}) goes with objectives of "
            "LightGBM's own only, and a ranker is boosted on the loss of all pairs. Leave it at "
            "its default."
        )
