"""Ways in which a student learns from soft labels, behind one function."""

from ._dispatch import fit_soft_labels, register
from .cross_validating import learn_with_folds_of_real_rows
from .expansion import learn_by_expansion
from .pipeline import learn_pipeline
from .regression import learn_by_regression, logit_regressor

__all__ = [
    "fit_soft_labels",
    "learn_by_expansion",
    "learn_by_regression",
    "learn_pipeline",
    "learn_with_folds_of_real_rows",
    "logit_regressor",
    "register",
]
