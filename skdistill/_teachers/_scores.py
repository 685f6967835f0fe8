"""Scores of a teacher's probabilities, given the true labels of the same rows."""

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
