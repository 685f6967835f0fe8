"""Conversions between real vectors and probability vectors."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from .._utils._typing import ArrayLike, Floats

# A logit needs a probability above 0; 1e-7 keeps the logits of one-hot rows near 16.
LOGIT_FLOOR = 1e-7


def project_onto_simplex(outputs: ArrayLike) -> Floats:
    """Return the probability vector nearest to each row, in the Euclidean sense.

    Parameters
    ----------
    outputs : array-like of shape (n_samples, n_classes), float
        Any real numbers, such as a regressor's predictions of class probabilities.

    Returns
    -------
    ndarray of shape (n_samples, n_classes), float64
        Rows that are non-negative and sum to one.

    Notes
    -----
    The simplex is convex, so projecting never moves a prediction away from any
    probability vector: the squared error to p* cannot rise. The projection is
    max(v − t, 0), where the threshold t comes from the sorted entries (Held, Wolfe and
    Crowder, 1974).

    Examples
    --------
    >>> from skdistill.objectives import project_onto_simplex
    >>> project_onto_simplex([[0.7, 0.5, -0.2]])
    array([[0.6, 0.4, 0. ]])
    """
    outputs = np.asarray(outputs, dtype=np.float64)
    descending = -np.sort(-outputs, axis=1)
    excess = np.cumsum(descending, axis=1) - 1
    count = np.arange(1, outputs.shape[1] + 1)
    n_positive = (descending * count > excess).sum(axis=1)
    threshold = excess[np.arange(len(outputs)), n_positive - 1] / n_positive
    return np.maximum(outputs - threshold[:, None], 0)


def centred_logits(proba: ArrayLike) -> Floats:
    """Return log-probabilities minus the mean of each row: logits without an arbitrary shift.

    Parameters
    ----------
    proba : array-like of shape (n_samples, n_classes) or (n_samples,), float
        Class probabilities; one column, or one dimension, is the probability of the
        second of two classes. Probabilities below 1e-7 count as 1e-7.

    Returns
    -------
    ndarray of the shape of `proba`, float64
        Rows sum to zero; for two classes, log p/(1 − p).

    See Also
    --------
    softmax_rows : The inverse.

    References
    ----------
    Ba and Caruana, "Do deep nets really need to be deep?", NeurIPS 2014: matching logits.

    Examples
    --------
    >>> from skdistill.objectives import centred_logits
    >>> centred_logits([[0.5, 0.5]])
    array([[0., 0.]])
    """
    proba = np.clip(np.asarray(proba, dtype=np.float64), LOGIT_FLOOR, 1 - LOGIT_FLOOR)
    if proba.ndim == 1 or proba.shape[1] == 1:
        return np.log(proba / (1 - proba))
    logits = np.log(proba)
    return logits - logits.mean(axis=1, keepdims=True)


def softmax_rows(logits: ArrayLike) -> Floats:
    """Return the probabilities of logits: the inverse of :func:`centred_logits`.

    Parameters
    ----------
    logits : array-like of shape (n_samples, n_classes) or (n_samples,), float
        One column, or one dimension, is log p/(1 − p) of the second of two classes.

    Returns
    -------
    ndarray of the shape of `logits`, float64
        Rows sum to one; for one column, the probability of the second class.

    Examples
    --------
    >>> from skdistill.objectives import softmax_rows
    >>> softmax_rows([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """
    logits = np.asarray(logits, dtype=np.float64)
    if logits.ndim == 1 or logits.shape[1] == 1:
        return expit(logits)
    return softmax(logits, axis=1)
