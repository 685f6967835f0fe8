"""Students of Torch: losses, nets and batches. Importing this is all that imports torch."""

from ._device_batches import DeviceBatches
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
from ._soft_label_net import SoftLabelNet
from ._targets import SoftTargets

__all__ = [
    "DeviceBatches",
    "DistillationLoss",
    "LogitMatching",
    "PairwiseLoss",
    "RankingNet",
    "SoftCrossEntropy",
    "SoftLabelNet",
    "SoftTargets",
    "TopK",
    "distillation_loss",
    "logit_matching_loss",
    "pairwise_loss",
    "soft_cross_entropy",
]
