"""Any regressor as a ranker: one Newton step of the pairwise loss, fitted by least squares."""

from typing import Any

import numpy as np

from ..._targets._soft_labels import SoftLabels
from ..._utils._fit import fitted
from ..._utils._sample_weight import takes_sample_weight
from ..._utils._typing import Estimator, Rows
from .._boosting import proba_of_second
from .._capabilities import DataSummary, check_regression, requires_2d_target


def fit_newton_step(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Fit a regressor to the first Newton step of pairwise boosting, from equal scores.

    At equal scores, the gradient of the mean logistic loss over all pairs is proportional to
    −w (p − π), and its diagonal curvature to w (p (1 − π) + (1 − p) π) / 2, where π is the mean
    of p. So the step is 2 (p − π) / (p (1 − π) + (1 − p) π), which is in [−2, 2] and increases
    with p. The regressor is fitted to the step, with the curvature as weight. The other surrogates
    give the same target up to its scale, so `surrogate` has no effect. Unlike logits, these
    targets need no clipping where p is 0 or 1. A regressor without weights is fitted to the same
    targets with equal weights.

    Parameters
    ----------
    student : regressor
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Probabilities of two classes, and weights.

    surrogate : str
        Not used.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    estimator
        The student, fitted.

    Raises
    ------
    ValueError
        If row weights differ and the student takes no `sample_weight`.
    """
    check_regression(student, DataSummary.of(soft_labels))
    p, weight = proba_of_second(soft_labels), soft_labels.weight
    prior = np.average(p, weights=weight)
    curvature = p * (1 - prior) + (1 - p) * prior
    step = 2 * (p - prior) / curvature
    step = step[:, None] if requires_2d_target(student) else step
    if takes_sample_weight(student):
        # With mean 1 per weighted row, so that penalties of the student keep their meaning.
        weight = weight * curvature / (2 * prior * (1 - prior))
        return fitted(student, X, step, sample_weight=weight, **fit_params)
    return fitted(student, X, step, **fit_params)
