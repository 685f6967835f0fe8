"""The mathematics of soft labels: arrays in, numbers out, no estimator anywhere."""

from ._pairwise import pairwise_hessian_diagonal, pairwise_hessian_product, pairwise_loss
from ._simplex import centred_logits, project_onto_simplex, softmax_rows
from ._softmax import distillation_loss, logit_matching_loss, soft_cross_entropy

__all__ = [
    "centred_logits",
    "distillation_loss",
    "logit_matching_loss",
    "pairwise_hessian_diagonal",
    "pairwise_hessian_product",
    "pairwise_loss",
    "project_onto_simplex",
    "soft_cross_entropy",
    "softmax_rows",
]
