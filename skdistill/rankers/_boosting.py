"""What the boosters share: the loss of all pairs as a custom objective."""

import numpy as np

from ..students._boosting import HESSIAN_FLOOR
from ._pairs import risk_of


def pair_objective(soft_labels, surrogate):
    """Return the pairwise risk as a custom objective of XGBoost and LightGBM.

    It is the mean over all pairs times the weight of all rows, so that penalties and minima per
    leaf keep their meaning: a row of even classes counts twice as much as in the log-loss. The
    hinge has no curvature: there a row's Hessian is its weight, and a leaf takes its mean gradient.
    """
    risk, weight = risk_of(soft_labels, surrogate), soft_labels.weight
    n, is_flat = weight.sum(), surrogate == "hinge"

    def objective(y_true, scores, sample_weight=None):
        _, gradient = risk.loss_and_gradient(scores)
        hessian = weight if is_flat else n * risk.hessian_diagonal(scores)
        return n * gradient, np.maximum(hessian, HESSIAN_FLOOR)

    return objective


def refuse_own_objective(student, defaults):
    """Raise if a student has an objective of its own: here its objective is the loss of pairs."""
    if student.objective not in defaults:
        raise ValueError(
            f"{type(student).__name__}(objective={student.objective!r}) cannot be honoured: a "
            "ranker is boosted on the loss of all pairs, which `surrogate` chooses. Leave its "
            "objective at the default."
        )
