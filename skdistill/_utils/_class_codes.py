"""Class codes: XGBoost's classifiers accept only the labels 0, 1, ..., n_classes - 1."""

import numpy as np
from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.pipeline import Pipeline

from ._labels import class_positions

# Their inner estimator gets encoded labels, or is never fitted.
ENCODING_META_ESTIMATORS = (
    BaggingClassifier,
    FrozenEstimator,
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)


def takes_codes(estimator):
    """Return whether an estimator passes its labels unchanged to a classifier of XGBoost."""
    while isinstance(estimator, Pipeline) and estimator.steps:
        estimator = estimator.steps[-1][1]
    if _is_xgboost_classifier(estimator):
        return True
    if isinstance(estimator, ENCODING_META_ESTIMATORS) or not hasattr(estimator, "get_params"):
        return False
    inside = estimator.get_params(deep=False).get("estimator")
    return hasattr(inside, "fit") and takes_codes(inside)


def _is_xgboost_classifier(estimator):
    """Return whether an XGBClassifier has XGBoost's `fit`, without importing XGBoost.

    A subclass that overrides `fit` may encode labels there.
    """
    bases = type(estimator).__mro__
    owner = next((base for base in bases if "fit" in vars(base)), None)
    return getattr(owner, "__module__", "").partition(".")[0] == "xgboost" and any(
        base.__name__ == "XGBClassifier" for base in bases
    )


def with_codes(estimator, y, fit_params):
    """Return labels and fit parameters, encoded if the estimator accepts only codes.

    The codes number the sorted labels of `y`; columns of probabilities are in this order.
    """
    if np.ndim(y) != 1 or not takes_codes(estimator):
        return y, fit_params
    seen, codes = np.unique(y, return_inverse=True)
    if fit_params.get("eval_set") is None:
        return codes, fit_params
    sets = [(rows, _codes_among(seen, labels)) for rows, labels in fit_params["eval_set"]]
    return codes, {**fit_params, "eval_set": sets}


def _codes_among(seen, labels):
    """Return the codes of the labels of an evaluation set."""
    labels, codes = np.unique(np.asarray(labels), return_inverse=True)
    positions = class_positions(labels, seen)
    if (positions < 0).any():
        raise ValueError(
            f"eval_set holds the labels {labels[positions < 0].tolist()}, which are not in the "
            f"training rows of XGBoost: these have {seen.tolist()}. Remove those rows from "
            "eval_set, or use fewer folds, or stratified ones."
        )
    return positions[codes]


def check_codes(student, classes):
    """Raise if a student accepts only codes and the classes are not codes."""
    if takes_codes(student) and not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError(
            f"{type(student).__name__} takes the labels 0, 1, ..., {len(classes) - 1} only; got "
            f"the classes {classes.tolist()}. Encode the labels first, "
            "y = LabelEncoder().fit_transform(y), or use LGBMClassifier or CatBoostClassifier, "
            "which take any labels."
        )
