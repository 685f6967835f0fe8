"""Scores of predicted numbers from means of per-row values, for resamples of the rows."""

import numpy as np

from ._row_scores import RowScores


def number_rows(predicted, y, teacher=None):
    """Return the per-row values from whose weighted means `number_scores` follows.

    For arrays of shape (n_samples, n_outputs) they are means over the outputs. Those of fidelity
    are left out if `teacher` is None, R² if y is constant, and the calibration slope if the
    prediction is.
    """
    error = predicted - y
    columns = {"mse": error**2, "mean_prediction": predicted, "bias": error}
    columns |= _products("y", y, "f", predicted)
    if teacher is not None:
        columns["teacher_mse"] = (predicted - teacher) ** 2
        columns |= _products("r", y - predicted, "s", y - teacher)
    of_rows = [each.reshape(len(y), -1).mean(axis=1) for each in columns.values()]
    return RowScores(list(columns), np.column_stack(of_rows), None)


def number_scores(weights, rows):
    """Return each score under each row of weights, shape (n_weightings, n_samples)."""
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample without weight: NaN
        means = weights @ rows.values / weights.sum(axis=1, keepdims=True)
        mean = dict(zip(rows.names, means.T, strict=True))
        scores = {}
        if "y y" in mean:
            scores["r2"] = 1 - mean["mse"] / _variance(mean, "y")
        scores |= {name: mean[name] for name in ("mse", "mean_prediction", "bias")}
        if "f f" in mean:
            scores["calibration_slope"] = _covariance(mean, "y", "f") / _variance(mean, "f")
        if "teacher_mse" in mean:
            scores["teacher_mse"] = mean["teacher_mse"]
        if "r r" in mean and "s s" in mean:
            variances = _variance(mean, "r") * _variance(mean, "s")
            scores["residual_correlation"] = _covariance(mean, "r", "s") / np.sqrt(variances)
    return scores


def _products(one, a, two, b):
    """Return the columns of the covariances of a and b, those of the squares if they vary.

    They are centred, since squares far from 0 lose digits.
    """
    a, b = (each - each.mean() for each in (a, b))
    columns = {one: a, two: b, f"{one} {two}": a * b}
    for name, values in ((one, a), (two, b)):
        if np.ptp(values) > 0:
            columns[f"{name} {name}"] = values**2
    return columns


def _variance(mean, name):
    """Return the variance from means; NaN where it is a rounding error, in a constant resample."""
    variance = _covariance(mean, name, name)
    return np.where(variance > 1e-12 * mean[f"{name} {name}"], variance, np.nan)


def _covariance(mean, one, two):
    """Return the covariance from means of the values and of their products."""
    return mean[f"{one} {two}"] - mean[one] * mean[two]
