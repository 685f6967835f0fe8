"""Losses for nets, in torch."""

from ._pairwise import PairwiseLoss, pairwise_loss

__all__ = ["PairwiseLoss", "pairwise_loss"]
