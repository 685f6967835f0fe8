"""The choice of the weights by the squared loss of held-out rows, for a continuous target.

The candidates are those of `_alpha_selection.py`: students of the labels, of the nested teacher, of
their best mixture, and of unlabelled rows. The loss of each output is divided by the variance of
y, so that outputs in other units count alike, and a linear change of y changes no choice.
"""

import numpy as np

from ..students._continuous import fit_regressor, predicted_values
from ..students.leaf_shrinkage import has_leaves
from ._alpha_selection import (
    LEAF_SHRINKAGES,
    Comparison,
    HeldOut,
    select,
    standard_error,
)


def select_by_squared_loss(data, weights, n_jobs):
    """Return the losses of the candidates: squared errors of held-out rows."""
    return select(SquaredLossComparison(_held_out(data), data, n_jobs), weights)


def best_mixture(residuals, other_residuals, weights):
    """Return the weight in [0, 1] of the second of two predictions, of least squared loss.

    Predictions are given by their residuals, of shape (n_rows, n_outputs). The loss of their
    mixture is quadratic in the weight; where both predict alike, the weight is 0.
    """
    difference = residuals - other_residuals
    curvature = float(weights @ (difference**2).sum(axis=1))
    if curvature == 0:
        return 0.0
    slope = float(weights @ (residuals * difference).sum(axis=1))
    return min(max(slope / curvature, 0.0), 1.0)


class SquaredLossComparison(Comparison):
    """Students that are compared by the squared loss of held-out rows."""

    alpha_margin = 1.0

    def best_mixture(self, by_labels, by_teacher):
        """Return the weight of the best mixture, from the residuals of both students."""
        _, row_weights = self.held_out.unit_losses(by_labels)
        return best_mixture(np.concatenate(by_labels), np.concatenate(by_teacher), row_weights)


def _held_out(data):
    """Return how students are fitted and compared on held-out rows."""
    labelled = data.soft_labels.take(data.soft_labels.is_labelled)
    rows = np.concatenate([fold.test for fold in data.folds])
    unit = rows if data.groups is None else data.groups[rows]
    scale, weight = labelled.scale, labelled.weight[rows]

    def residuals(student, X, true):
        return (true.values - predicted_values(student, X, len(scale))) / scale

    def unit_losses(residuals):
        return np.mean(np.concatenate(residuals) ** 2, axis=1), weight

    def error_of_mean(gains):
        return standard_error(gains, weight, unit=unit)

    shrinkages = (0.0, *LEAF_SHRINKAGES) if has_leaves(data.student) else (0.0,)
    return HeldOut(fit_regressor, residuals, unit_losses, error_of_mean, shrinkages)
