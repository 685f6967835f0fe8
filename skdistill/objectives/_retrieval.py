"""Objectives for ranking labels: softmax losses with a lower weight for plausible negatives.

All of them have one general form. In each row a label has the weight a as a positive, and the
weight 1 − d as a negative:

    loss = Σ_y a_y (log D_y − f_y),   D_y = Z + d_y e^{f_y},   Z = Σ_y (1 − d_y) e^{f_y}

With d = 0 it is the cross-entropy of a. Both a and d are sparse, so a loss costs one dense pass
over the scores, as cross-entropy does, and a gather of the entries.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite, gen_batches

from .._utils._typing import ArrayLike, Floats, NDArray, Proba
from .._utils._validation import check_marginals, check_row_weights

# Scores that are held at once: 8 to 16 MiB, which fit into the processor's cache.
CHUNK = 2**20


def label_weighted_cross_entropy(
    logits: ArrayLike,
    y: ArrayLike,
    proba: Proba,
    *,
    sample_weight: ArrayLike | None = None,
) -> tuple[float, Floats]:
    """Return the cross-entropy of labels in which plausible negatives count less.

    Parameters
    ----------
    logits : array-like of shape (n_samples, n_labels), float
        The student's logits. They are the scores f in the formula, and finite.

    y : array-like of shape (n_samples,), int, or indicator of shape (n_samples, n_labels)
        Column of each row's true label. For several labels per row, an indicator, dense or sparse.

    proba : array-like or sparse matrix of shape (n_samples, n_labels), float
        The teacher's probabilities p. They are in [0, 1]; rows need not sum to one: with several
        labels per row they are marginals. Entries that are not stored are 0.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight w >= 0 of each row; 1 by default.

    Returns
    -------
    loss : float
        Σ_n w_n l_n / Σ_n w_n with l = Σ_{y∈Y} [log Σ_{y′} α_{y′} e^{f_{y′}} − f_y], where α is 1
        for the label y itself, 0 for the row's other labels, and 1 − p_{y′} for all others.

    gradient : ndarray of shape (n_samples, n_labels), float64
        Its derivative by each score.

    Raises
    ------
    ValueError
        For inconsistent shapes, scores that are not finite, probabilities outside [0, 1],
        columns that do not exist, negative weights, or if no row carries weight.

    See Also
    --------
    double_distillation_loss : The teacher weights the positives, too.

    Notes
    -----
    The distilled retrieval loss of Menon et al. (ICML 2021, on multiclass retrieval). It is the
    cross-entropy of f + log α. A label with a high teacher probability is almost removed from the
    negatives, even if the teacher is wrong.

    Examples
    --------
    >>> from skdistill.objectives import label_weighted_cross_entropy
    >>> loss, gradient = label_weighted_cross_entropy([[0.0, 0.0, 0.0]], [0], [[0.2, 0.8, 0.0]])
    >>> round(loss, 4), gradient.round(3)
    (0.7885, array([[-0.545,  0.091,  0.455]]))
    """
    z = _check_logits(logits)
    relevant = _check_relevant(y, z.shape)
    return _loss_of_logits(z, relevant, relevant.maximum(_check(proba, z)), sample_weight)


def double_distillation_loss(
    logits: ArrayLike, proba: Proba, *, sample_weight: ArrayLike | None = None
) -> tuple[float, Floats]:
    """Return the retrieval loss with positives and negatives weighted by the teacher.

    Parameters
    ----------
    logits : array-like of shape (n_samples, n_labels), float
        The student's logits. They are the scores f in the formula, and finite.

    proba : array-like or sparse matrix of shape (n_samples, n_labels), float
        The teacher's probabilities p. They are in [0, 1]; rows need not sum to one: with several
        labels per row they are marginals. Entries that are not stored are 0.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight w >= 0 of each row; 1 by default.

    Returns
    -------
    loss : float
        Σ_n w_n l_n / Σ_n w_n with
        l = Σ_y p_y [log(e^{f_y} + Σ_{y′≠y} (1 − p_{y′}) e^{f_{y′}}) − f_y].

    gradient : ndarray of shape (n_samples, n_labels), float64
        Its derivative by each score.

    Raises
    ------
    ValueError
        For inconsistent shapes, scores that are not finite, probabilities outside [0, 1],
        negative weights, or if no row carries weight.

    See Also
    --------
    label_weighted_cross_entropy : Only the row's label is a positive.
    soft_cross_entropy : Plain distillation; the softmax of its scores are probabilities.

    Notes
    -----
    For one label per row it is the expectation of :func:`label_weighted_cross_entropy` over labels
    drawn from p. The scores that minimise it rank labels as p does, but their softmax is not p.

    Examples
    --------
    >>> from skdistill.objectives import double_distillation_loss
    >>> loss, gradient = double_distillation_loss([[0.0, 0.0, 0.0]], [[0.2, 0.8, 0.0]])
    >>> round(loss, 4), gradient.round(3)
    (0.9814, array([[ 0.119, -0.496,  0.377]]))
    """
    z = _check_logits(logits)
    p = _check(proba, z)
    return _loss_of_logits(z, p, p, sample_weight)


class Entries(NamedTuple):
    """Positives and discounted negatives of some rows, as positions and values."""

    position: NDArray  # of positives, in the flat scores
    row: NDArray
    a: Floats
    negative_discount: Floats  # d of the positives
    log_discount: Floats  # log d of the positives
    discounted_position: NDArray  # of all labels with d > 0, in the flat scores
    log_negative_weight: Floats  # log(1 − d) of these

    @classmethod
    def of(cls, positives, negative_discount, weight) -> Self:
        """Return the entries of CSR rows, each positive times the weight of its row."""
        row, position = _positions(positives)
        a = positives.data * weight[row]
        d = negative_discount[row, positives.indices]
        d = np.ravel(d.toarray() if sparse.issparse(d) else d)
        with np.errstate(divide="ignore"):
            logs = np.log(d), np.log1p(-negative_discount.data)
        return cls(position, row, a, d, logs[0], _positions(negative_discount)[1], logs[1])


def chunks_of(positives, negative_discount, weight):
    """Return slices of rows with their entries, small enough to hold their scores at once."""
    n_rows, n_labels = positives.shape
    return [
        (rows, Entries.of(positives[rows], negative_discount[rows], weight[rows]))
        for rows in gen_batches(n_rows, max(1, CHUNK // n_labels))
    ]


def loss_and_gradient(scores, entries):
    """Return the sum of the losses of some rows, and overwrite their scores by its gradient."""
    flat = scores.reshape(-1)
    f = flat[entries.position]
    flat[entries.discounted_position] += entries.log_negative_weight
    largest = scores.max(axis=1)  # −inf if d = 1 for every label
    scores -= np.where(np.isfinite(largest), largest, 0)[:, None]
    np.exp(scores, out=scores)
    with np.errstate(divide="ignore"):
        log_negatives = np.log(scores.sum(axis=1)) + largest
    log_d = np.logaddexp(log_negatives[entries.row], entries.log_discount + f)
    # D is at least e^largest, so that nothing overflows here.
    factor = np.bincount(
        entries.row, entries.a * np.exp(largest[entries.row] - log_d), minlength=len(scores)
    )
    scores *= factor[:, None].astype(scores.dtype)
    flat[entries.position] += entries.a * (entries.negative_discount * np.exp(f - log_d) - 1)
    return float(entries.a @ (log_d - f))


def check_row_shares(sample_weight, n_rows):
    """Return the weight of each row divided by the total weight."""
    weight = check_row_weights(sample_weight, n_rows)
    if not weight.any():
        raise ValueError(
            f"None of the {n_rows} rows carries weight. Give at least one row of positive weight."
        )
    return weight / weight.sum()


def _loss_of_logits(logits, positives, negative_discount, sample_weight):
    """Return the mean loss and its gradient, which overwrites the logits."""
    shares = check_row_shares(sample_weight, len(logits))
    loss = sum(
        loss_and_gradient(logits[rows], entries)
        for rows, entries in chunks_of(positives, negative_discount, shares)
    )
    return loss, logits


def _positions(rows):
    """Return the row of each entry of CSR rows, and its position in the flat dense rows."""
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    return row, row * rows.shape[1] + rows.indices


def _check_logits(logits):
    """Return a checked copy of the logits."""
    z = np.array(logits, dtype=np.float64, order="C")
    if z.ndim != 2 or z.shape[1] < 2:
        raise ValueError(
            "logits must have shape (n_samples, n_labels) with at least two labels; got shape "
            f"{z.shape}."
        )
    assert_all_finite(z, input_name="logits")
    return z


def _check(proba, logits):
    """Return the teacher's probabilities as checked CSR rows."""
    p = check_marginals(proba)
    if p.shape != logits.shape:
        raise ValueError(
            "proba must have the shape of logits, one probability for each label of each row; got "
            f"shapes {p.shape} and {logits.shape}."
        )
    return p


def _check_relevant(y, shape):
    """Return the labels of each row as CSR rows of ones."""
    if sparse.issparse(y) or np.ndim(y) == 2:
        relevant = check_marginals(y, name="y")
        if relevant.shape != shape or not (relevant.data == 1).all():
            raise ValueError(
                f"y as an indicator must hold 0 and 1 in the shape of logits, {shape}; got shape "
                f"{relevant.shape} with values from {relevant.data.min(initial=0):.6g} to "
                f"{relevant.data.max(initial=0):.6g}."
            )
        return relevant
    codes = np.asarray(y)
    if codes.shape != shape[:1] or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(
            f"y must hold one integer per row, the column of its label, shape ({shape[0]},), or be "
            f"an indicator of shape {shape}; got shape {codes.shape}, dtype {codes.dtype}."
        )
    if ((codes < 0) | (codes >= shape[1])).any():
        bad = np.argmax((codes < 0) | (codes >= shape[1]))
        raise ValueError(
            f"y must hold columns from 0 to {shape[1] - 1}; row {bad} has {codes[bad]}."
        )
    starts = np.arange(len(codes) + 1)
    return sparse.csr_array((np.ones(len(codes)), codes.astype(np.int64), starts), shape=shape)
