"""Fitters of students on soft labels, behind one function."""

# Importing a module registers its fitters.
from . import (
    cross_validating,
    discriminant_analysis,
    hist_gradient_boosting,
    linear,
    naive_bayes,
    neural_network,
    pipeline,
    quadratic_discriminant_analysis,
    stochastic,
    trees,
)
from ._confidence import register_confidence
from ._registry import fit_soft_labels, register
from .expansion import fit_by_expansion
from .leaf_shrinkage import shrink_leaves
from .regression import logit_regressor

__all__ = [
    "cross_validating",
    "discriminant_analysis",
    "fit_by_expansion",
    "fit_soft_labels",
    "hist_gradient_boosting",
    "linear",
    "logit_regressor",
    "naive_bayes",
    "neural_network",
    "pipeline",
    "quadratic_discriminant_analysis",
    "register",
    "register_confidence",
    "shrink_leaves",
    "stochastic",
    "trees",
]
