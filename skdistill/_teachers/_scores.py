"""Scores of a teacher's predictions, given the true labels or values of the same rows."""

import numpy as np

from .._utils._labels import one_hot
from ..metrics import brier_loss, expected_calibration_error, soft_log_loss


def teacher_scores(soft_labels):
    """Return log-loss, Brier score, calibration error and accuracy of soft labels."""
    metrics = {
        "log_loss": soft_log_loss,
        "brier": brier_loss,
        "ece": expected_calibration_error,
    }
    y = soft_labels.classes[soft_labels.codes]
    labels = one_hot(y, soft_labels.classes)  # encoded once for all metrics
    options = {"classes": soft_labels.classes, "sample_weight": soft_labels.weight}
    scores = {
        name: metric(labels, soft_labels.proba, **options) for name, metric in metrics.items()
    }
    correct = soft_labels.argmax_labels() == y
    return {**scores, "accuracy": float(np.average(correct, weights=soft_labels.weight))}


def regression_scores(values, predicted, weight):
    """Return mean squared error, R², bias and calibration slope of predicted numbers.

    Arrays of shape (n_rows, n_outputs); each score is a float, or an array for several outputs.
    """

    def mean(numbers):
        return np.average(numbers, axis=0, weights=weight)

    def ratio(numerator, denominator):
        return np.divide(
            numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0
        )

    centred, deviation = values - mean(values), predicted - mean(predicted)
    mse = mean((values - predicted) ** 2)
    scores = {
        "mse": mse,
        "r2": 1 - ratio(mse, mean(centred**2)),
        "bias": mean(predicted - values),
        "calibration_slope": ratio(mean(centred * deviation), mean(deviation**2)),
    }
    return {name: float(score[0]) if len(score) == 1 else score for name, score in scores.items()}
