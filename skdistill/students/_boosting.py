"""What the boosters share: a softmax objective on soft labels, and stand-ins for labels."""

from functools import wraps

import numpy as np
from scipy import sparse

from ..objectives import softmax_rows

# XGBoost keeps a row's Hessian above this; LightGBM's trees add as much themselves.
HESSIAN_FLOOR = 1e-16


def soft_objective(soft_labels, *, hessian_factor, start=0.0):
    """Return the cross-entropy of soft labels as a custom objective of XGBoost and LightGBM.

    The gradient of a row is weight · (q − p), and the diagonal of its Hessian is
    factor · weight · q (1 − q), with q the student's probabilities: what the library itself
    sums over the copies of the row in the expansion. `start` is added to the raw scores.
    Dense probabilities are held once more, times the weights; sparse ones stay sparse.
    """
    weight, proba = soft_labels.weight, soft_labels.proba
    if proba.shape[1] == 2:
        target = weight * proba_of_second(soft_labels)
    else:
        weight = weight[:, None]
        target = sparse.coo_array(proba * weight) if sparse.issparse(proba) else proba * weight

    def objective(y_true, scores, sample_weight=None):
        q = softmax_rows(scores + start)
        hessian = np.maximum(hessian_factor * weight * q * (1 - q), HESSIAN_FLOOR)
        gradient = weight * q
        if sparse.issparse(target):
            gradient[target.row, target.col] -= target.data
        else:
            gradient -= target
        return gradient, hessian

    return objective


def proba_of_second(soft_labels):
    """Return the probability of the second class, dense."""
    second = soft_labels.proba[:, [1]]
    return (second.toarray() if sparse.issparse(second) else second).ravel()


def on_probabilities(metric, start=0.0):
    """Return a user's own metric fed with probabilities: a custom objective hands it raw scores."""

    @wraps(metric)
    def measure(y_true, scores, *args, **kwargs):
        return metric(y_true, softmax_rows(scores + start), *args, **kwargs)

    return measure


def placeholder_labels(soft_labels):
    """Return labels in which every class shows up, for a library that counts classes by them.

    Nothing else of them is used where the objective carries the soft labels. They are the true
    or most probable ones, for those who score a fit on what it was given, but that classes
    which no row has get a row each.
    """
    labels = soft_labels.hard_labels()
    seen, first_rows = np.unique(labels, return_index=True)
    lacking = np.setdiff1d(soft_labels.classes, seen)
    others = np.delete(np.arange(len(labels)), first_rows)[: len(lacking)]
    labels[others] = lacking[: len(others)]
    return labels
