"""Losses of soft labels and their gradients: functions of arrays, without estimators."""

from ._linear_retrieval import LinearGradient, linear_retrieval_loss
from ._pairwise import pairwise_hessian_diagonal, pairwise_hessian_product, pairwise_loss
from ._retrieval import double_distillation_loss, label_weighted_cross_entropy
from ._simplex import centred_logits, project_onto_simplex, softmax_rows
from ._softmax import distillation_loss, logit_matching_loss, soft_cross_entropy

__all__ = [
    "LinearGradient",
    "centred_logits",
    "distillation_loss",
    "double_distillation_loss",
    "label_weighted_cross_entropy",
    "linear_retrieval_loss",
    "logit_matching_loss",
    "pairwise_hessian_diagonal",
    "pairwise_hessian_product",
    "pairwise_loss",
    "project_onto_simplex",
    "soft_cross_entropy",
    "softmax_rows",
]
