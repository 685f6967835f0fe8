"""Metrics of predicted probabilities and of retrieved labels."""

from ._proba import (
    brier_loss,
    expected_calibration_error,
    pairwise_disagreement,
    soft_log_loss,
    soft_log_loss_scorer,
    teacher_agreement,
)
from ._retrieval import (
    label_propensities,
    ndcg_at_k,
    precision_at_k,
    propensity_scored_precision_at_k,
    recall_at_k,
    retrieval_scorer,
)
from ._smooth_calibration import smooth_calibration_error

__all__ = [
    "brier_loss",
    "expected_calibration_error",
    "label_propensities",
    "ndcg_at_k",
    "pairwise_disagreement",
    "precision_at_k",
    "propensity_scored_precision_at_k",
    "recall_at_k",
    "retrieval_scorer",
    "smooth_calibration_error",
    "soft_log_loss",
    "soft_log_loss_scorer",
    "teacher_agreement",
]
