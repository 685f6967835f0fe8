"""More rows for the teacher to label, sampled from those that there are."""

from ._marginal import MarginalAugmenter
from ._munge import MungeAugmenter

__all__ = ["MarginalAugmenter", "MungeAugmenter"]
