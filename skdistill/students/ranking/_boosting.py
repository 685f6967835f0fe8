"""What the boosters share: the loss of all pairs as a custom objective."""

import numpy as np

from .._boosting import HESSIAN_FLOOR, proba_of_second
from ._pairs import risk_of

# Second derivative of a pair's loss by its margin, at equal scores.
CURVATURE_OF_EQUALS = {"logistic": 0.25, "exponential": 1.0, "squared_hinge": 2.0}


def pair_objective(soft_labels, surrogate):
    """Return the pairwise risk as a custom objective of XGBoost and LightGBM.

    It is the mean over all pairs times 2 Σ a Σ b / Σ w. At equal scores, where boosting begins,
    the gradient is then w (π − p), with π the mean of p, that of the log-loss at its best
    constant, and the Hessians have the same sum: learning rates, penalties and minima per leaf
    keep their meaning. The hinge has no curvature: there a row's Hessian is what the logistic
    loss has at equal scores.

    The pair of a row with itself has no slope, and counts in the Hessian: of two copies of a
    row, each meets the other, and a row of weight 2 must weigh as much.
    """
    weight, proba = soft_labels.weight, proba_of_second(soft_labels)
    risk = risk_of(soft_labels, surrogate)
    share = np.average(proba, weights=weight)
    scale = 2 * share * (1 - share) * weight.sum()
    a, b = weight * proba, weight * (1 - proba)
    of_itself = 2 * CURVATURE_OF_EQUALS.get(surrogate, 0) * a * b / (a.sum() * b.sum())
    at_equal_scores = weight * (proba * (1 - share) + (1 - proba) * share) / 2

    def objective(y_true, scores, sample_weight=None):
        _, gradient = risk.loss_and_gradient(scores)
        hessian = at_equal_scores
        if surrogate != "hinge":
            hessian = scale * (risk.hessian_diagonal(scores) + of_itself)
        return scale * gradient, np.maximum(hessian, HESSIAN_FLOOR)

    return objective


def refuse_own_objective(student, defaults):
    """Raise if a student has an objective of its own: here its objective is the loss of pairs."""
    if student.objective not in defaults:
        raise ValueError(
            f"{type(student).__name__}(objective={student.objective!r}) cannot be honoured: a "
            "ranker is boosted on the loss of all pairs, which `surrogate` chooses. Leave its "
            "objective at the default."
        )
