"""How good a teacher's probabilities are against the true labels of the same rows."""

import numpy as np

from .._utils._labels import one_hot
from ..metrics import brier_loss, expected_calibration_error, soft_log_loss


def teacher_scores(soft_labels):
    """Return how good probabilities are against the true labels of the same rows."""
    measures = {
        "log_loss": soft_log_loss,
        "brier": brier_loss,
        "ece": expected_calibration_error,
    }
    y = soft_labels.classes[soft_labels.codes]
    labels = one_hot(y, soft_labels.classes)  # as labels they would be looked through each time
    known = {"classes": soft_labels.classes, "sample_weight": soft_labels.weight}
    scores = {
        name: measure(labels, soft_labels.proba, **known) for name, measure in measures.items()
    }
    right = soft_labels.argmax_labels() == y
    return {**scores, "accuracy": float(np.average(right, weights=soft_labels.weight))}
