"""Fitting and predicting on Dask collections; only this package imports dask.

Partitions stay on their workers. Only models, parameters and sums over rows are sent.
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
