"""Fitting and predicting on Dask collections; only this package imports dask.

Partitions stay on their workers. Only models, parameters and sums over rows are sent.
"""

from ._classifier import fit_classifier
from ._distillation import FitSettings, check_supported
from ._partitions import header_of
from ._predictions import accuracy_on_partitions, predict_partitions, scored_partitions
from ._ranker import fit_ranker_on_partitions

__all__ = [
    "FitSettings",
    "accuracy_on_partitions",
    "check_supported",
    "fit_classifier",
    "fit_ranker_on_partitions",
    "header_of",
    "predict_partitions",
    "scored_partitions",
]
