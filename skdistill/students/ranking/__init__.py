"""Fitters of students that rank rows of two classes, behind one function."""

# Importing a module registers its fitters.
from . import linear, pipeline
from ._registry import fit_ranker, register

__all__ = ["fit_ranker", "linear", "pipeline", "register"]
