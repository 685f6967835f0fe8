"""Rows in partitions, on one machine or many: this room is all that imports dask.

Partitions stay where they lie. What travels is what they are asked, and what they tell.
"""

from ._classifier import fit_classifier
from ._predictions import predict_partitions
from ._ranker import fit_ranker_on_partitions

__all__ = ["fit_classifier", "fit_ranker_on_partitions", "predict_partitions"]
