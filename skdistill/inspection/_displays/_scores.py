"""Scores of predicted probabilities for displays."""

import numpy as np

from ..._utils._probabilities import argmax_labels, entries
from ...metrics import brier_loss, expected_calibration_error, pairwise_disagreement, soft_log_loss
from ...metrics._proba import check_predictions

SCORES = ("accuracy", "log_loss", "brier", "ece", "auc")


def score(name, y_true, proba, *, classes=None, sample_weight=None):
    """Return a score of predicted probabilities, under labels or soft labels."""
    given = {"classes": classes, "sample_weight": sample_weight}
    if name == "log_loss":
        return soft_log_loss(y_true, proba, **given)
    if name == "brier":
        return brier_loss(y_true, proba, **given)
    if name == "ece":
        return expected_calibration_error(y_true, proba, **given)
    target, proba, weight = check_predictions(y_true, proba, classes, sample_weight)
    if name == "accuracy":
        return float(np.average(entries(target, argmax_labels(proba)), weights=weight))
    if name == "auc" and proba.shape[1] == 2:
        second = np.ones(len(proba), dtype=int)
        return 1 - pairwise_disagreement(
            entries(target, second), entries(proba, second), sample_weight=weight
        )
    raise ValueError(
        f"A display's score must be one of {list(SCORES)}, the last for two classes only; got "
        f"{name!r} for {proba.shape[1]} classes."
    )
