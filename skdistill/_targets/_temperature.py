"""Temperature scaling: the one number that repairs a teacher's over- or under-confidence."""

import warnings

import numpy as np
from scipy import sparse
from scipy.optimize import brentq

from .._utils._probabilities import entries

# Beyond these the teacher is broken rather than badly calibrated.
COLDEST, HOTTEST = 1 / 20, 20.0


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
        If the optimum lies on the edge of the range, or if no temperature changes
        anything since every probability is 0 or 1.

    Notes
    -----
    The log-loss is convex in the inverse temperature b = 1/T (not in T), and its slope in
    b is Σ w (E_q[log p] − log p_y) with q ∝ p^b, so the optimum is the root of an
    increasing function. A row whose true class got exactly 0 loses the same at every T
    (see :meth:`SoftLabels.temper`), so it has no say: no floor on the probabilities
    decides the answer.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    log_p, weight, log_p_true = _log_rows(soft_labels)
    undecided = (log_p > -np.inf).sum(axis=1) > 1
    if not undecided.any():
        warnings.warn(
            "The teacher's probabilities are all 0 or 1 where they are not wrong outright, so no "
            "temperature changes them; 1.0 is used. Calibrate such a teacher with "
            "CalibratedClassifierCV, or trust it less (alpha < 1).",
            UserWarning,
            stacklevel=2,
        )
        return 1.0

    finite = np.where(log_p > -np.inf, log_p, 0.0)

    def slope(b):
        q = np.exp(b * log_p - (b * log_p).max(axis=1, keepdims=True))
        q /= q.sum(axis=1, keepdims=True)
        return weight @ ((q * finite).sum(axis=1) - log_p_true)

    low, high = 1 / HOTTEST, 1 / COLDEST
    if slope(low) < 0 < slope(high):
        return float(1 / brentq(slope, low, high, xtol=1e-10))
    edge = HOTTEST if slope(low) >= 0 else COLDEST
    warnings.warn(
        f'teacher_temperature="auto" ended on the edge of its range, at {edge:g}: '
        + (
            "the teacher's probabilities say nothing about the labels. "
            if edge == HOTTEST
            else "the labels agree with the teacher's first choice in every row. "
        )
        + "Compare teacher_scores_ with other teachers, or set the temperature by hand.",
        UserWarning,
        stacklevel=2,
    )
    return edge


def _without_zeros(proba):
    """Return the entries of CSR rows as dense ones, only as wide as the longest row."""
    n_entries = np.diff(proba.indptr)
    row = np.repeat(np.arange(len(n_entries)), n_entries)
    rows = np.zeros((len(n_entries), n_entries.max(initial=0)))
    rows[row, np.arange(proba.nnz) - np.repeat(proba.indptr[:-1], n_entries)] = proba.data
    return rows


def _log_rows(soft_labels):
    """Return log-probabilities, weights and that of the true class, where it got any."""
    proba = soft_labels.proba
    p_true = entries(proba, soft_labels.codes)
    counted = (p_true > 0) & (soft_labels.codes >= 0)
    rows = _without_zeros(proba[counted]) if sparse.issparse(proba) else proba[counted]
    with np.errstate(divide="ignore"):
        return np.log(rows), soft_labels.weight[counted], np.log(p_true[counted])
