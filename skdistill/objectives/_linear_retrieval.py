"""Retrieval losses of linear scores, in chunks of rows: the full score matrix is never stored."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from .._utils._typing import ArrayLike, Floats, Proba, Rows
from .._utils._validation import check_marginals
from ._retrieval import check_row_shares, chunks_of, loss_and_gradient


class LinearGradient(NamedTuple):
    """The gradient of a loss of linear scores.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), or None
        Gradient by the features; None if these are sparse.

    weight : ndarray of shape (n_labels, n_features)
        Gradient by the weight matrix.

    bias : ndarray of shape (n_labels,)
        Gradient by the bias.
    """

    X: Floats | None
    weight: Floats
    bias: Floats


def linear_retrieval_loss(
    X: Rows,
    weight: ArrayLike,
    bias: ArrayLike,
    positives: Proba,
    negative_discount: Proba | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> tuple[float, LinearGradient]:
    """Return the general retrieval loss of linear scores, without a rows × labels matrix.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Features. The scores are f = X weightᵀ + bias.

    weight : array-like of shape (n_labels, n_features)
        Weights of the labels.

    bias : array-like of shape (n_labels,)
        Intercept of each label.

    positives : array-like or sparse matrix of shape (n_samples, n_labels)
        a in [0, 1], the weight of each label as a positive.

    negative_discount : array-like or sparse matrix of shape (n_samples, n_labels), default=None
        d in [0, 1]: the weight of each label as a negative is 1 − d; d = 0 by default. With p the
        teacher's probabilities and Y the indicator of the row's labels, (a, d) = (p, None) is
        the soft cross-entropy, (Y, max(Y, p)) the label-weighted cross-entropy, and (p, p) double
        distillation.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight w >= 0 of each row; 1 by default.

    Returns
    -------
    loss : float
        Σ_n w_n l_n / Σ_n w_n with l = Σ_y a_y (log D_y − f_y), where
        D_y = d_y e^{f_y} + Σ_{y′} (1 − d_{y′}) e^{f_{y′}}.

    gradient : LinearGradient
        Its derivative by `X` (None for sparse X), `weight` and `bias`.

    Raises
    ------
    ValueError
        For inconsistent shapes, entries outside [0, 1], negative weights, or if no row carries
        weight.

    See Also
    --------
    label_weighted_cross_entropy, double_distillation_loss : The same for given scores.

    Notes
    -----
    About a million scores are held at once, for any number of rows. Float32 features are
    processed in float32.

    Examples
    --------
    >>> from skdistill.objectives import linear_retrieval_loss
    >>> p = [[0.2, 0.8, 0.0]]
    >>> loss, gradient = linear_retrieval_loss([[1.0]], [[0.0]] * 3, [0.0] * 3, p, p)
    >>> round(loss, 4), gradient.bias.round(3)
    (0.9814, array([ 0.119, -0.496,  0.377]))
    """
    X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
    weight, bias = np.asarray(weight, dtype=X.dtype), np.asarray(bias, dtype=X.dtype)
    a = check_marginals(positives, name="positives")
    d = (
        sparse.csr_array(a.shape)
        if negative_discount is None
        else check_marginals(negative_discount, name="negative_discount")
    )
    shape = X.shape[0], len(weight)
    if a.shape != shape or d.shape != shape:
        raise ValueError(
            f"positives and negative_discount must have a row for each row of X and a column for "
            f"each row of weight, shape {shape}; got shapes {a.shape} and {d.shape}."
        )
    if weight.shape[1:] != X.shape[1:] or bias.shape != weight.shape[:1]:
        raise ValueError(
            f"weight must have shape (n_labels, {X.shape[1]}) and bias (n_labels,); got shapes "
            f"{weight.shape} and {bias.shape}."
        )
    shares = check_row_shares(sample_weight, X.shape[0])
    return linear_loss(X, weight, bias, chunks_of(a, d, shares), by_features=not sparse.issparse(X))


def linear_loss(X, weight, bias, chunks, *, by_features):
    """Return the loss of chunks of rows, and its gradient; by the features if requested."""
    # Sparse products are faster with contiguous weights of a feature: transpose once.
    weight_t = np.ascontiguousarray(weight.T) if sparse.issparse(X) else weight.T
    by_weight_t = np.zeros(weight_t.shape, weight.dtype)
    by_bias = np.zeros(bias.shape, bias.dtype)
    by_X = np.empty(X.shape, X.dtype) if by_features else None
    loss = 0.0
    for rows, entries in chunks:
        scores = X[rows] @ weight_t
        scores += bias
        loss += loss_and_gradient(scores, entries)
        by_weight_t += X[rows].T @ scores
        by_bias += scores.sum(axis=0)
        if by_X is not None:
            by_X[rows] = scores @ weight
    return loss, LinearGradient(by_X, np.ascontiguousarray(by_weight_t.T), by_bias)
