"""Ways in which a student learns to rank labels, behind one function."""

# Each of these registers the classes that it teaches.
from ..._targets._retrieval_targets import RetrievalTargets
from . import linear, pipeline
from ._registry import fit_retriever, register

__all__ = ["RetrievalTargets", "fit_retriever", "linear", "pipeline", "register"]
