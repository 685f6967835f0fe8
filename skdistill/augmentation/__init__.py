"""Augmenters: sample further rows for the teacher to label."""

from ._marginal import MarginalAugmenter
from ._munge import MungeAugmenter

__all__ = ["MarginalAugmenter", "MungeAugmenter"]
