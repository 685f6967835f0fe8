"""XGBoost's classifiers take the labels 0, 1, ..., n_classes - 1 only, and all of them."""

import numpy as np
from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.pipeline import Pipeline

from ._labels import class_positions

# They turn labels into codes themselves, or never fit the estimator inside them.
HAND_ON_NO_LABELS = (
    BaggingClassifier,
    FrozenEstimator,
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)


def takes_codes(estimator):
    """Return whether an estimator hands its labels to a classifier of XGBoost as they are."""
    while isinstance(estimator, Pipeline) and estimator.steps:
        estimator = estimator.steps[-1][1]
    if _is_xgboost_classifier(estimator):
        return True
    if isinstance(estimator, HAND_ON_NO_LABELS) or not hasattr(estimator, "get_params"):
        return False
    inside = estimator.get_params(deep=False).get("estimator")
    return hasattr(inside, "fit") and takes_codes(inside)


def _is_xgboost_classifier(estimator):
    """Return whether the `fit` of an XGBClassifier is XGBoost's own; it is not imported for that.

    A subclass with a `fit` of its own may encode labels there.
    """
    bases = type(estimator).__mro__
    owner = next((base for base in bases if "fit" in vars(base)), None)
    return getattr(owner, "__module__", "").partition(".")[0] == "xgboost" and any(
        base.__name__ == "XGBClassifier" for base in bases
    )


def with_codes(estimator, y, fit_params):
    """Return labels, and parameters of `fit`, as an estimator takes them.

    One that takes codes gets those of the labels that `y` shows; its columns are in their order.
    """
    if np.ndim(y) != 1 or not takes_codes(estimator):
        return y, fit_params
    seen, codes = np.unique(y, return_inverse=True)
    if fit_params.get("eval_set") is None:
        return codes, fit_params
    sets = [(rows, _codes_among(seen, labels)) for rows, labels in fit_params["eval_set"]]
    return codes, {**fit_params, "eval_set": sets}


def _codes_among(seen, labels):
    """Return the positions of the labels of an evaluation set among those that were seen."""
    labels, codes = np.unique(np.asarray(labels), return_inverse=True)
    positions = class_positions(labels, seen)
    if (positions < 0).any():
        raise ValueError(
            f"eval_set has labels {labels[positions < 0].tolist()}, which the rows that XGBoost "
            f"is fitted on do not: they show {seen.tolist()}. Leave those rows out of eval_set, or "
            "use fewer folds, or stratified ones."
        )
    return positions[codes]


def check_codes(student, classes):
    """Raise if a student that takes codes is to learn other labels."""
    if takes_codes(student) and not np.array_equal(classes, np.arange(len(classes))):
        raise ValueError(
            f"{type(student).__name__} takes the labels 0, 1, ..., {len(classes) - 1} only; got "
            f"the classes {classes.tolist()}. Encode the labels first, "
            "y = LabelEncoder().fit_transform(y), or use LGBMClassifier or CatBoostClassifier, "
            "which take any labels."
        )
