"""Torch students: losses, nets and batches. Only this package imports torch."""

from ._device_batches import DeviceBatches
from ._linear_retrieval import (
    linear_double_distillation_loss,
    linear_label_weighted_cross_entropy,
    linear_soft_cross_entropy,
)
from ._losses import (
    DistillationLoss,
    LogitMatching,
    SoftCrossEntropy,
    TopK,
    distillation_loss,
    logit_matching_loss,
    soft_cross_entropy,
)
from ._pairwise import PairwiseLoss, pairwise_loss
from ._ranking_net import RankingNet
from ._retrieval import (
    DoubleDistillation,
    LabelWeightedCrossEntropy,
    double_distillation_loss,
    label_weighted_cross_entropy,
)
from ._soft_label_net import SoftLabelNet
from ._targets import SoftTargets

__all__ = [
    "DeviceBatches",
    "DistillationLoss",
    "DoubleDistillation",
    "LabelWeightedCrossEntropy",
    "LogitMatching",
    "PairwiseLoss",
    "RankingNet",
    "SoftCrossEntropy",
    "SoftLabelNet",
    "SoftTargets",
    "TopK",
    "distillation_loss",
    "double_distillation_loss",
    "label_weighted_cross_entropy",
    "linear_double_distillation_loss",
    "linear_label_weighted_cross_entropy",
    "linear_soft_cross_entropy",
    "logit_matching_loss",
    "pairwise_loss",
    "soft_cross_entropy",
]
