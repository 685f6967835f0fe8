"""Losses of softmax students on soft labels, with their gradients."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite

from .._utils._probabilities import row_sums, temper
from .._utils._typing import ArrayLike, Floats, Proba
from .._utils._validation import check_alpha, check_proba, check_row_weights, check_temperature
from ._simplex import LOGIT_FLOOR

# Lower limit of a difference of logits, so that no log-probability becomes −inf.
LOWEST = np.finfo(np.float64).min


def soft_cross_entropy(
    logits: ArrayLike,
    proba: Proba,
    *,
    label_weight: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[float, Floats]:
    """Return the cross-entropy of soft labels, and its gradient.

    Parameters
    ----------
    logits : array-like of shape (n_samples, n_classes), float
        The student's logits. They are z in the formula, and finite.

    proba : array-like or sparse matrix of shape (n_samples, n_classes), float
        The teacher's probabilities p. Rows that miss 1 by at most 1e-3 are renormalised. Sparse
        ones stay sparse.

    label_weight : array-like of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight w >= 0 of each row; 1 by default.

    Returns
    -------
    loss : float
        Σ_n w_n l_n / Σ_n w_n with l = −Σ_k c_k p_k log softmax(z)_k. Class weights are not in
        the denominator.

    gradient : ndarray of shape (n_samples, n_classes), float64
        Its derivative by each logit.

    Raises
    ------
    ValueError
        For inconsistent shapes, logits that are not finite, rows that are not probabilities,
        negative weights, or if no row carries weight.

    See Also
    --------
    skdistill.metrics.soft_log_loss : The same for probabilities, as a metric.

    Notes
    -----
    The distilled risk of Menon et al. (ICML 2021, section 3) with the softmax loss.

    Examples
    --------
    >>> from skdistill.objectives import soft_cross_entropy
    >>> loss, gradient = soft_cross_entropy([[0.0, 0.0]], [[0.9, 0.1]])
    >>> round(loss, 4), gradient
    (0.6931, array([[-0.4,  0.4]]))
    """
    z, p, c, w = _check(logits, proba, label_weight, sample_weight)
    losses, gradient = _cross_entropy(z, _times(p, c))
    return _weighted_mean(losses, gradient, w)


def distillation_loss(
    logits: ArrayLike,
    proba: Proba,
    y: ArrayLike | None,
    *,
    temperature: float,
    alpha: float,
    label_weight: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[float, Floats]:
    """Return the distillation loss of Hinton et al. (2015), and its gradient.

    Parameters
    ----------
    logits : array-like of shape (n_samples, n_classes), float
        The student's logits. They are z in the formula, and finite.

    proba : array-like or sparse matrix of shape (n_samples, n_classes), float
        The teacher's probabilities p. Rows that miss 1 by at most 1e-3 are renormalised. Sparse
        ones stay sparse. A probability of exactly 0 stays 0 at every temperature.

    y : array-like of shape (n_samples,), int, or None
        Column of each row's true label. -1 where it is unknown: such a row has no hard part, only
        alpha times its soft part. May be None if `alpha` is 1.

    temperature : float
        T > 0, applied to both the teacher and the student.

    alpha : float in [0, 1]
        Weight of the soft part: 1 uses the teacher alone, 0 is ordinary training.

    label_weight : array-like of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default. It applies to both parts.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight w >= 0 of each row; 1 by default.

    Returns
    -------
    loss : float
        Σ_n w_n l_n / Σ_n w_n with
        l = −alpha T² Σ_k c_k p̃_k log softmax(z/T)_k − (1 − alpha) c_y log softmax(z)_y and
        p̃ ∝ p^(1/T).

    gradient : ndarray of shape (n_samples, n_classes), float64
        Its derivative by each logit.

    Raises
    ------
    ValueError
        For inconsistent shapes, logits that are not finite, rows that are not probabilities,
        codes that are not columns, a temperature or alpha out of range, no `y` with alpha below
        1, negative weights, or if no row carries weight.

    Notes
    -----
    Gradients of the soft part scale as 1/T². The factor T² compensates, so that `alpha` need not
    change with the temperature. For large T the gradient of the soft part becomes that of
    :func:`logit_matching_loss` times alpha / 2.

    References
    ----------
    Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015, section 2.

    Examples
    --------
    >>> from skdistill.objectives import distillation_loss
    >>> loss, gradient = distillation_loss(
    ...     [[0.0, 0.0]], [[0.8, 0.2]], [0], temperature=2.0, alpha=0.5
    ... )
    >>> round(loss, 4), gradient.round(4)
    (1.7329, array([[-0.4167,  0.4167]]))
    """
    temperature, alpha = check_temperature(temperature), check_alpha(alpha)
    z, p, c, w = _check(logits, proba, label_weight, sample_weight)
    labels = _one_hot(y, alpha, z.shape)
    soft, by_soft = _cross_entropy(z, _times(temper(p, temperature), c), temperature)
    hard, by_hard = _cross_entropy(z, _times(labels, c))
    losses = alpha * temperature**2 * soft + (1 - alpha) * hard
    return _weighted_mean(losses, alpha * temperature**2 * by_soft + (1 - alpha) * by_hard, w)


def logit_matching_loss(
    logits: ArrayLike,
    proba: Proba,
    *,
    label_weight: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> tuple[float, Floats]:
    """Return the squared error between centred logits, and its gradient.

    Parameters
    ----------
    logits : array-like of shape (n_samples, n_classes), float
        The student's logits. They are z in the formula, and finite.

    proba : array-like or sparse matrix of shape (n_samples, n_classes), float
        The teacher's probabilities p. Rows that miss 1 by at most 1e-3 are renormalised. Sparse
        ones stay sparse. Probabilities below 1e-7 count as 1e-7.

    label_weight : array-like of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight w >= 0 of each row; 1 by default.

    Returns
    -------
    loss : float
        Σ_n w_n l_n / Σ_n w_n with l = Σ_k c_k (z̄_k − t_k)² / n_classes, z̄ the logits without
        their row mean and t = :func:`centred_logits` of the probabilities.

    gradient : ndarray of shape (n_samples, n_classes), float64
        Its derivative by each logit.

    Raises
    ------
    ValueError
        For inconsistent shapes, logits that are not finite, rows that are not probabilities,
        negative weights, or if no row carries weight.

    References
    ----------
    Ba and Caruana, "Do deep nets really need to be deep?", NeurIPS 2014, equation 2.

    Examples
    --------
    >>> from skdistill.objectives import logit_matching_loss
    >>> loss, gradient = logit_matching_loss([[1.0, -1.0]], [[0.5, 0.5]])
    >>> round(loss, 4), gradient
    (1.0, array([[ 1., -1.]]))
    """
    z, p, c, w = _check(logits, proba, label_weight, sample_weight)
    # The rows are centred once, after the subtraction: centring is linear.
    gap = _centred(_minus(z.copy(), _logs_above_floor(p)))
    losses = (c * gap**2).mean(axis=1)
    return _weighted_mean(losses, 2 / z.shape[1] * _centred(c * gap), w)


def check_codes_given(y, alpha):
    """Raise if the loss uses true labels and there are none."""
    if y is None and alpha < 1:
        raise ValueError(
            f"y is None, but the loss uses true labels with alpha={alpha:g}. Give the column of "
            "each row's true label, -1 where it is unknown; only alpha=1 needs none."
        )


def _check(logits, proba, label_weight, sample_weight):
    """Return checked logits, probabilities, class weights and sample weights."""
    z, p = np.asarray(logits, dtype=np.float64), check_proba(proba)
    if z.shape != p.shape or z.shape[1] < 2:
        raise ValueError(
            "logits and proba must both have shape (n_samples, n_classes) with at least two "
            f"classes; got shapes {z.shape} and {p.shape}."
        )
    assert_all_finite(z, input_name="logits")
    c = np.asarray(np.ones(z.shape[1]) if label_weight is None else label_weight, dtype=np.float64)
    if c.shape != z.shape[1:] or not ((c >= 0) & (c < np.inf)).all():
        raise ValueError(
            f"label_weight must be one finite number >= 0 per class, shape {z.shape[1:]}; got "
            f"shape {c.shape} with values {c}."
        )
    w = check_row_weights(sample_weight, len(z))
    if not w.any():
        raise ValueError(
            f"None of the {len(z)} rows carries weight. Give at least one row of positive weight."
        )
    return z, p, c, w


def _one_hot(y, alpha, shape):
    """Return the true labels as CSR rows, empty where they are unknown."""
    check_codes_given(y, alpha)
    codes = np.full(shape[0], -1) if y is None else np.asarray(y)
    if codes.shape != shape[:1] or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(
            "y must hold one integer per row, the column of its true label, shape "
            f"({shape[0]},); got shape {codes.shape}, dtype {codes.dtype}."
        )
    if ((codes < -1) | (codes >= shape[1])).any():
        bad = np.argmax((codes < -1) | (codes >= shape[1]))
        raise ValueError(
            f"y must hold columns from 0 to {shape[1] - 1}, -1 where the true label is not known; "
            f"row {bad} has {codes[bad]}."
        )
    rows = np.flatnonzero(codes >= 0)
    return sparse.csr_array((np.ones(len(rows)), (rows, codes[rows])), shape=shape)


def _cross_entropy(z, target, temperature=1.0):
    """Return −Σ_k t_k log softmax(z/T)_k of each row, and its derivative by z."""
    with np.errstate(over="ignore"):
        z = np.maximum((z - z.max(axis=1, keepdims=True)) / temperature, LOWEST)
    q = np.exp(z)
    total = q.sum(axis=1, keepdims=True)
    q /= total
    target_sum = row_sums(target)
    losses = target_sum * np.log(total[:, 0]) - _row_sums_of_products(target, z)
    return losses, _minus(target_sum[:, None] * q, target) / temperature


def _weighted_mean(losses, gradient, weight):
    """Return the mean loss over rows, and its gradient."""
    share = weight / weight.sum()
    return float(share @ losses), share[:, None] * gradient


def _logs_above_floor(proba):
    """Return log p − log floor: log-probabilities shifted so that absent classes are 0."""
    clipped = np.clip(_stored(proba) / LOGIT_FLOOR, 1, 1 / LOGIT_FLOOR - 1)
    return _with_stored(proba, np.log(clipped))


def _centred(values):
    """Return rows without their mean."""
    return values - values.mean(axis=1, keepdims=True)


# Arithmetic on rows of probabilities, dense or CSR, without dense copies of CSR rows


def _stored(proba):
    """Return the stored entries."""
    return proba.data if sparse.issparse(proba) else proba


def _with_stored(proba, entries):
    """Return rows with other entries at the same positions."""
    if sparse.issparse(proba):
        return sparse.csr_array((entries, proba.indices, proba.indptr), shape=proba.shape)
    return entries


def _times(proba, of_classes):
    """Return the entries times a number for each class."""
    if sparse.issparse(proba):
        return _with_stored(proba, proba.data * of_classes[proba.indices])
    return proba * of_classes


def _minus(values, proba):
    """Subtract the entries from dense values in place, and return these."""
    if sparse.issparse(proba):
        rows = np.repeat(np.arange(len(values)), np.diff(proba.indptr))
        values[rows, proba.indices] -= proba.data
    else:
        values -= proba
    return values


def _row_sums_of_products(proba, values):
    """Return Σ_k p_k v_k of each row, for dense values."""
    if sparse.issparse(proba):
        return row_sums(proba.multiply(values))
    return np.einsum("nk,nk->n", proba, values)
