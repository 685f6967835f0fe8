"""Ways in which a student learns to rank labels, behind one function."""

# Each of these registers the classes that it teaches.
from .._retrieval_targets import RetrievalTargets
from . import linear, pipeline
from ._dispatch import fit_retriever, register

__all__ = ["RetrievalTargets", "fit_retriever", "linear", "pipeline", "register"]
