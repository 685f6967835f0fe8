"""Students that cross-validate inside `fit`: expansion, with folds of original rows."""

from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegressionCV

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._capabilities import DataSummary, check_cross_validating
from ._original_rows import folds_of_original_rows
from ._registry import register
from .expansion import fit_by_expansion, fit_on_copies


@register(LogisticRegressionCV, check=check_cross_validating)
@register(CalibratedClassifierCV, check=check_cross_validating)
@register(StackingClassifier, check=check_cross_validating)
def fit_with_folds_of_original_rows(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a classifier on expanded rows, with the folds of its `cv` drawn over original rows.

    These three apply the weights of the expanded rows to the held-out rows, so that a copy
    counts by the probability of its class. Others, such as GridSearchCV, do not.
    """
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    check_cross_validating(student, DataSummary.of(soft_labels))
    with folds_of_original_rows(student, X, soft_labels, fit_params) as params_of_fit:
        return fit_on_copies(student, X, soft_labels, **params_of_fit)
