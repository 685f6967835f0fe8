"""Ways in which a student learns to rank rows of two classes, behind one function."""

# Each of these registers the classes that it teaches.
from . import linear, pipeline
from ._registry import fit_ranker, register

__all__ = ["fit_ranker", "linear", "pipeline", "register"]
