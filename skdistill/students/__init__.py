"""Ways in which a student learns from soft labels, behind one function."""

from ._dispatch import fit_soft_labels, register
from .cross_validating import learn_with_folds_of_real_rows
from .expansion import learn_by_expansion
from .hist_gradient_boosting import learn_hist_boosting
from .linear import learn_logistic
from .naive_bayes import learn_counts, learn_gaussian
from .pipeline import learn_pipeline
from .regression import learn_by_regression, logit_regressor
from .stochastic import learn_by_descent
from .trees import learn_forest, learn_tree

__all__ = [
    "fit_soft_labels",
    "learn_by_descent",
    "learn_by_expansion",
    "learn_by_regression",
    "learn_counts",
    "learn_forest",
    "learn_gaussian",
    "learn_hist_boosting",
    "learn_logistic",
    "learn_pipeline",
    "learn_tree",
    "learn_with_folds_of_real_rows",
    "logit_regressor",
    "register",
]
