"""Calibration error without bins: residuals smoothed by a kernel that chooses its own width."""

from __future__ import annotations

import numpy as np
from scipy.fft import dct, idct
from scipy.optimize import brentq

from .._utils._probabilities import argmax_labels, entries, largest
from .._utils._typing import ArrayLike, Proba
from ._proba import check_predictions

N_CELLS = 2**13  # of the grid on [0, 1] on which residuals are smoothed
SMALLEST_WIDTH = 1e-6  # far below that of a cell


def smooth_calibration_error(
    y_true: Proba,
    proba: Proba,
    *,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Calibration error without bins: mean size of the residuals after smoothing.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_classes)
        True labels. With probabilities, a row's outcome is that of the label concerned.

    proba : array-like of shape (n_samples, n_classes) or (n_samples,)
        Predicted probabilities, columns in the order of the sorted classes, or named by class. For
        two classes, one number per row is the probability of the second.

    classes : array-like of shape (n_classes,), default=None
        All labels, in the order of the columns. They are those of `proba`, sorted; needed if some
        do not occur in the labels.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default.

    Returns
    -------
    float
        In [0, 1], lower is better; to about 1e-4. On few rows it is biased upwards, as every
        estimate of a calibration error is, but it does not jump where predictions cross the edge
        of a bin.

    Raises
    ------
    ValueError
        If the shapes differ, or if rows are not probabilities.

    See Also
    --------
    expected_calibration_error : The usual one, of the confidence, with bins.

    Notes
    -----
    The SmoothECE of Błasiok and Nakkiran ("Smooth ECE: Principled reliability diagrams via kernel
    smoothing", ICLR 2024, arXiv 2309.12236). With predictions f_i in [0, 1], outcomes y_i, and the
    Gaussian kernel K_σ reflected at 0 and 1,

        smECE_σ = ∫₀¹ ``|mean of K_σ(t, f_i) (y_i − f_i)|`` dt,

    and the result is the one σ at which smECE_σ = σ. It is a consistent measure of calibration:
    between a constant times the distance to the nearest calibrated predictor, and a constant times
    the square root of this distance.

    For two classes f is the probability of the second class, and y whether a row is of this class.
    For more, as in :func:`expected_calibration_error`, f is the confidence max_y q_y, and y whether
    the predicted label is right.

    Residuals are collected on a grid of 8192 cells, where the reflected kernel is a product in
    the cosine transform.

    Examples
    --------
    A prediction of 0.7 for each row, of which 4 in 10 are positive:

    >>> from skdistill.metrics import smooth_calibration_error
    >>> y, proba = [0, 0, 0, 1, 1] * 20, [0.7] * 100
    >>> round(smooth_calibration_error(y, proba), 3)
    0.3
    """
    target, proba, weight = check_predictions(y_true, proba, classes, sample_weight)
    predicted, outcome = _predicted_and_outcome(target, proba)
    residuals = _on_grid(predicted, weight * (outcome - predicted) / weight.sum())
    coefficients = dct(residuals, norm="ortho")

    def excess(width):
        return _smoothed_size(coefficients, width) - width

    if excess(SMALLEST_WIDTH) <= 0:  # also where all residuals are zero
        return 0.0
    # At 2 the size is below the width for sure: it is at most 1. Rounding may take the root past 1.
    return min(float(brentq(excess, SMALLEST_WIDTH, 2.0, xtol=1e-12)), 1.0)


def _predicted_and_outcome(target, proba):
    """Return the probability that is judged, and the outcome that it is for."""
    if proba.shape[1] == 2:
        second = np.ones(proba.shape[0], dtype=int)
        return entries(proba, second), entries(target, second)
    return largest(proba), entries(target, argmax_labels(proba))


def _on_grid(positions, masses):
    """Return masses in cells of [0, 1], each split between the two nearest centres of cells."""
    scaled = np.clip(positions * N_CELLS - 0.5, 0, N_CELLS - 1)
    lower = np.minimum(scaled.astype(int), N_CELLS - 2)
    share = scaled - lower
    return np.bincount(lower, masses * (1 - share), N_CELLS) + np.bincount(
        lower + 1, masses * share, N_CELLS
    )


def _smoothed_size(coefficients, width):
    """Return Σ |masses| after smoothing; cos(πkt) shrinks by exp(−(πkσ)² / 2)."""
    frequency = np.pi * np.arange(N_CELLS)
    smoothed = coefficients * np.exp(-((frequency * width) ** 2) / 2)
    return np.abs(idct(smoothed, norm="ortho")).sum()
