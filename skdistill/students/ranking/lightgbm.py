"""LightGBM on all pairs: one query with any number of rows, exact gradients and Hessians."""

from typing import Any

import numpy as np
from lightgbm import LGBMRanker, LGBMRegressor

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Estimator, Rows
from .._boosting import proba_of_second
from ..lightgbm import (
    BOOSTING,
    NEED_BUILTIN_OBJECTIVE,
    OBJECTIVE,
    boost_or_fit_constant,
    has_known_attributes,
)
from ._boosting import check_default_objective, pair_objective
from ._registry import register

# LightGBM rejects larger queries, whatever the objective.
MAX_ROWS_PER_QUERY = 10_000


@register(LGBMRegressor)
def fit_lgbm_regressor(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Boost an LGBMRegressor on the loss of all pairs; its predictions are the scores.

    Each round uses the gradient and Hessian diagonal of the exact loss, computed in NumPy, on one
    core. The loss is scaled so that it starts like the log-loss: learning rates, penalties and
    minima per leaf keep their meaning. A row of weight 2 equals two rows, except for parameters
    that count rows: ``min_child_samples``, ``min_data_in_bin`` and ``subsample``. Evaluation sets
    need a metric that only compares scores, as in ``eval_metric="auc"`` with ``metric="None"``.

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
        The student, fitted, without references to skdistill.

    Raises
    ------
    ValueError
        If the student's `objective` is not the default, if it is a random forest, or if it has
        parameters that need LightGBM's built-in objectives.
    """
    return _boost(student, X, soft_labels, surrogate, "regression", fit_params)


@register(LGBMRanker)
def fit_lgbm_ranker(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Boost an LGBMRanker on the loss of all pairs, of all rows.

    LightGBM requires queries of at most 10,000 rows. Rows are split into such queries, which the
    loss ignores: it also compares rows of different queries.

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
    full, rest = divmod(len(soft_labels), MAX_ROWS_PER_QUERY)
    queries = [MAX_ROWS_PER_QUERY] * full + ([rest] if rest else [])
    fit_params = {"group": queries, **fit_params}
    return _boost(student, X, soft_labels, surrogate, "lambdarank", fit_params)


def _boost(student, X, soft_labels, surrogate, default, fit_params):
    """Fit a student by the objective of all pairs and restore its objective."""
    check_default_objective(student, [None, default])
    check_custom_objective_params(student)
    # The metric of a ranker needs integers; the labels are not used otherwise.
    labels = (proba_of_second(soft_labels) > 0.5).astype(int)
    weights = {"sample_weight": soft_labels.weight, **fit_params}

    def fit_boosted():
        student.set_params(objective=pair_objective(soft_labels, surrogate))
        student.fit(X, labels, **weights)

    def fit_constant():  # all scores are 0
        student.set_params(objective=None)
        student.fit(X, np.zeros_like(labels), **weights)

    boost_or_fit_constant(student, X, len(soft_labels), fit_params, fit_boosted, fit_constant)
    if has_known_attributes(student):  # otherwise it keeps our objective, and the same scores
        student._objective = default
    return student


def check_custom_objective_params(student):
    """Raise for parameters that need one of LightGBM's built-in objectives."""
    params = student.get_params()
    names = [name for name in (*OBJECTIVE, *NEED_BUILTIN_OBJECTIVE) if params.get(name)]
    names += [name for name in BOOSTING if params.get(name) in ("rf", "random_forest")]
    if names:
        raise ValueError(
            f"{type(student).__name__}({names[0]}={params[names[0]]!r}) works with LightGBM's "
            "built-in objectives only, and a ranker is boosted on the loss of all pairs. Leave it "
            "at its default."
        )
