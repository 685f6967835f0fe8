"""Shared by the boosters: the loss of all pairs as a custom objective."""

import numpy as np

from .._boosting import HESSIAN_FLOOR, proba_of_second
from ._pairs import risk_of

# Second derivative of the loss of a pair with respect to its margin, at equal scores.
CURVATURE_AT_EQUAL_SCORES = {"logistic": 0.25, "exponential": 1.0, "squared_hinge": 2.0}


def pair_objective(soft_labels, surrogate):
    """Return the pairwise risk as a custom objective of XGBoost and LightGBM.

    It is the mean over all pairs times 2 Σ a Σ b / Σ w. At equal scores, where boosting starts,
    the gradient is then w (π − p), where π is the mean of p. This is the gradient of the log-loss
    at its optimal constant, and the Hessians have the same sum, so that learning rates, penalties
    and minima per leaf keep their meaning. The hinge has no curvature; its Hessian is that of the
    logistic loss at equal scores.

    The pair of a row with itself has gradient 0 but counts in the Hessian, so that a row of
    weight 2 equals two copies of the row, which form pairs with each other.
    """
    weight, proba = soft_labels.weight, proba_of_second(soft_labels)
    risk = risk_of(soft_labels, surrogate)
    prior = np.average(proba, weights=weight)
    scale = 2 * prior * (1 - prior) * weight.sum()
    a, b = weight * proba, weight * (1 - proba)
    self_pairs = 2 * CURVATURE_AT_EQUAL_SCORES.get(surrogate, 0) * a * b / (a.sum() * b.sum())
    at_equal_scores = weight * (proba * (1 - prior) + (1 - proba) * prior) / 2

    def objective(y_true, scores, sample_weight=None):
        _, gradient = risk.loss_and_gradient(scores)
        hessian = at_equal_scores
        if surrogate != "hinge":
            hessian = scale * (risk.hessian_diagonal(scores) + self_pairs)
        return scale * gradient, np.maximum(hessian, HESSIAN_FLOOR)

    return objective


def check_default_objective(student, defaults):
    """Raise if a student's `objective` is not a default; the pairwise loss replaces it."""
    if student.objective not in defaults:
        raise ValueError(
            f"{type(student).__name__}(objective={student.objective!r}) is not supported: a "
            "ranker is boosted on the loss of all pairs, set by `surrogate`. Leave its "
            "objective at the default."
        )
