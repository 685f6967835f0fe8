"""Temperature scaling: one parameter that corrects a teacher's over- or under-confidence."""

import numpy as np
from scipy import sparse
from scipy.optimize import brentq

from .._utils._probabilities import entries
from .._utils._warnings import warn

# Beyond this range the teacher is wrong rather than badly calibrated.
LOWEST, HIGHEST = 1 / 20, 20.0


def best_temperature(soft_labels):
    """Return the temperature that minimises the log-loss of the true labels.

    Parameters
    ----------
    soft_labels : SoftLabels
        Probabilities from a teacher that has not seen the labels, with true labels.

    Returns
    -------
    float
        T in [1/20, 20]; tempered probabilities are p^(1/T), renormalised.

    Warns
    -----
    UserWarning
        If the optimum is at the edge of the range, or if temperatures have no effect
        since every probability is 0 or 1.

    Notes
    -----
    The log-loss is convex in the inverse temperature b = 1/T (not in T), and its slope in
    b is Σ w (E_q[log p] − log p_y) with q ∝ p^b, so the optimum is the root of an
    increasing function. A row whose true class has probability exactly 0 has the same
    loss at every T (see :meth:`SoftLabels.temper`) and is ignored, so the optimum does not
    depend on a floor for the probabilities.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    log_p, weight, log_p_true = _log_rows(soft_labels)
    varies = (log_p > -np.inf).sum(axis=1) > 1
    if not varies.any():
        warn(
            "The teacher's probabilities are all 0 or 1 for the rows whose label has positive "
            "probability, so no temperature changes them; 1.0 is used. Calibrate the teacher with "
            "CalibratedClassifierCV, or use a smaller alpha (alpha < 1)."
        )
        return 1.0

    weight = weight / weight.sum()  # products of tiny ones would be 0
    finite = np.where(log_p > -np.inf, log_p, 0.0)

    def slope(b):
        q = np.exp(b * log_p - (b * log_p).max(axis=1, keepdims=True))
        q /= q.sum(axis=1, keepdims=True)
        return weight @ ((q * finite).sum(axis=1) - log_p_true)

    low, high = 1 / HIGHEST, 1 / LOWEST
    if slope(low) < 0 < slope(high):
        return float(1 / brentq(slope, low, high, xtol=1e-10))
    edge = HIGHEST if slope(low) >= 0 else LOWEST
    warn(
        f'teacher_temperature="auto" is at the edge of its range, at {edge:g}: '
        + (
            "the teacher's probabilities are unrelated to the labels. "
            if edge == HIGHEST
            else "the teacher's most probable class is the label in every row. "
        )
        + "Compare teacher_scores_ with other teachers, or set the temperature by hand."
    )
    return edge


def _without_zeros(proba):
    """Return the stored entries of CSR rows as a dense array, padded with zeros."""
    n_entries = np.diff(proba.indptr)
    row = np.repeat(np.arange(len(n_entries)), n_entries)
    rows = np.zeros((len(n_entries), n_entries.max(initial=0)))
    rows[row, np.arange(proba.nnz) - np.repeat(proba.indptr[:-1], n_entries)] = proba.data
    return rows


def _log_rows(soft_labels):
    """Return log p, weight and log p_y of the rows whose true class has positive probability."""
    proba = soft_labels.proba
    p_true = entries(proba, soft_labels.codes)
    included = (p_true > 0) & (soft_labels.codes >= 0)
    rows = _without_zeros(proba[included]) if sparse.issparse(proba) else proba[included]
    with np.errstate(divide="ignore"):
        return np.log(rows), soft_labels.weight[included], np.log(p_true[included])
