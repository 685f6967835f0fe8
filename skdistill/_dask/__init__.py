"""Rows in partitions, on one machine or many: this room is all that imports dask.

Partitions stay where they lie. What travels is what they are asked, and what they tell.
"""

from ._classifier import fit_classifier
from ._predictions import accuracy_on_partitions, predict_partitions, scored_partitions
from ._ranker import fit_ranker_on_partitions

__all__ = [
    "accuracy_on_partitions",
    "fit_classifier",
    "fit_ranker_on_partitions",
    "predict_partitions",
    "scored_partitions",
]
