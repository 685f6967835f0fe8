"""Fitters of students that rank labels, behind one function."""

# Importing a module registers its fitters.
from ..._targets._retrieval_targets import RetrievalTargets
from . import linear, pipeline
from ._registry import fit_retriever, register

__all__ = ["RetrievalTargets", "fit_retriever", "linear", "pipeline", "register"]
