"""Shared by the boosters: a softmax objective on soft labels, and placeholder labels."""

from functools import wraps

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from ..objectives import softmax_rows

# XGBoost clips the Hessian of a row at this value; LightGBM adds as much in its trees.
HESSIAN_FLOOR = 1e-16
CELLS_AT_ONCE = 2**15  # the arrays of a block of rows fit the cache


def soft_objective(soft_labels, *, hessian_factor, start=0.0):
    """Return the cross-entropy of soft labels as a custom objective of XGBoost and LightGBM.

    The gradient of a row is weight · (q − p), and the diagonal of its Hessian is
    factor · weight · q (1 − q), where q are the student's probabilities. Both equal the library's
    own sums over the expanded rows of the sample. `start` is added to the raw scores.
    Probabilities are not copied. Both results are calculated in blocks of rows, and returned in
    single precision, in which the libraries keep them.
    """
    weight, proba = soft_labels.weight, soft_labels.proba
    if proba.shape[1] == 2:
        proba = proba_of_second(soft_labels)
    else:
        weight = weight[:, None]

    n_rows = max(1, CELLS_AT_ONCE // (1 if proba.ndim == 1 else proba.shape[1]))

    def objective(y_true, scores, sample_weight=None):
        gradient, hessian = (np.empty_like(scores, dtype=np.float32) for _ in range(2))
        for rows in gen_batches(len(scores), n_rows):
            q, p, w = softmax_rows(scores[rows] + start), proba[rows], weight[rows]
            product = 1 - q
            product *= q
            product *= hessian_factor * w
            hessian[rows] = np.maximum(product, HESSIAN_FLOOR, out=product)
            q -= p.toarray() if sparse.issparse(p) else p
            q *= w
            gradient[rows] = q
        return gradient, hessian

    return objective


def proba_of_second(soft_labels):
    """Return the probability of the second class, dense."""
    second = soft_labels.proba[:, [1]]
    return (second.toarray() if sparse.issparse(second) else second).ravel()


def wrap_metric(metric, start=0.0):
    """Wrap a user's metric so that it gets probabilities; a custom objective passes raw scores."""

    @wraps(metric)
    def metric_on_proba(y_true, scores, *args, **kwargs):
        return metric(y_true, softmax_rows(scores + start), *args, **kwargs)

    return metric_on_proba


def placeholder_labels(soft_labels):
    """Return labels in which every class occurs, for a library that infers the classes from them.

    They are the true or most probable labels, so that scores on the training labels are
    meaningful. Each class without a row replaces the label of one row. The objective carries
    the soft labels and does not use these.
    """
    labels = soft_labels.hard_labels()
    seen, first_rows = np.unique(labels, return_index=True)
    missing = np.setdiff1d(soft_labels.classes, seen)
    others = np.delete(np.arange(len(labels)), first_rows)[: len(missing)]
    labels[others] = missing[: len(others)]
    return labels
