"""The plain definition of the risk: a double sum over all pairs, i = j among them."""

import numpy as np


def surrogate_and_slope(name, d):
    """Return φ and φ' of margins, written out."""
    if name == "logistic":
        return np.logaddexp(0, -d), -1 / (1 + np.exp(d))
    if name == "exponential":
        return np.exp(-d), -np.exp(-d)
    if name == "hinge":
        return np.maximum(0, 1 - d), -(d < 1).astype(float)
    return np.maximum(0, 1 - d) ** 2, -2 * np.maximum(0, 1 - d)


def dense_risk(name, scores, proba, weight):
    """Return the mean loss over all pairs and its gradient by the scores."""
    pairs = np.outer(weight * proba, weight * (1 - proba))
    phi, slope = surrogate_and_slope(name, scores[:, None] - scores[None, :])
    slopes = pairs * slope
    gradient = slopes.sum(axis=1) - slopes.sum(axis=0)
    return (pairs * phi).sum() / pairs.sum(), gradient / pairs.sum()


def dense_objective(name, w, X, proba, weight, C):
    """Return ½‖w‖² / (C n) plus the mean loss of linear scores, and its gradient."""
    loss, gradient = dense_risk(name, X @ w, proba, weight)
    l2 = 1 / (C * weight.sum())
    return loss + l2 / 2 * w @ w, X.T @ gradient + l2 * w
