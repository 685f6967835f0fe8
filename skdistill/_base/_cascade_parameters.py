"""Checks of the parameters of a cascade, before anything is fitted."""

from numbers import Integral, Real

from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from .._cascade._criteria import CRITERIA
from .._utils._methods import may_have_method
from ..students._confidence import NAMES
from ..students._predictions import predicts_numbers

REMEDIES = {
    "teacher": "Cascades are for classification only. For a continuous target use "
    "DistilledRegressor, which needs no teacher to predict.",
    "student": "For classes, fit the regressor to probabilities: "
    "student=DistilledClassifier(student=...). Cascades do not predict a continuous target.",
}


def check_parameters(cascade, strata):
    """Raise for invalid parameters of a cascade."""
    for name in ("max_disagreement", "confidence"):
        check_inner_share(name, getattr(cascade, name))
    check_option("criterion", cascade.criterion, tuple(CRITERIA))
    check_option("within", cascade.within, (None, "class", "prediction"))
    check_score_names(cascade.confidence_score)
    check_size(cascade.calibration_size)
    check_classifier("teacher", cascade.teacher)
    check_classifier("student", cascade.student)
    if strata is not None and cascade.within == "prediction":
        raise ValueError(
            'strata have one threshold in common, and within="prediction" has one for each '
            'predicted class. Give strata with within=None or within="class".'
        )


def check_inner_share(name, value):
    """Raise unless a parameter is a number between 0 and 1, both excluded."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_number and 0 < value < 1):
        raise ValueError(f"{name} must be a number above 0 and below 1; got {name}={value!r}.")


def check_option(name, value, options):
    """Raise unless a parameter is one of its options."""
    if not (value is None or isinstance(value, str)) or value not in options:
        raise ValueError(f"{name} must be one of {list(options)}; got {name}={value!r}.")


def check_score_names(given):
    """Raise unless `confidence_score` is "auto", a measure, or several."""
    names = [given] if isinstance(given, str) else given
    is_list = isinstance(names, list | tuple) and len(names) > 0
    allowed = ("auto", *NAMES) if isinstance(given, str) else NAMES
    if not is_list or not all(isinstance(each, str) and each in allowed for each in names):
        raise ValueError(
            f'confidence_score must be "auto", one of {list(NAMES)}, or a list of these; got '
            f"confidence_score={given!r}."
        )


def check_size(size):
    """Raise unless `calibration_size` is a share or a number of rows."""
    is_number = isinstance(size, Real) and not isinstance(size, bool)
    is_count = isinstance(size, Integral)
    if not is_number or not (size >= 1 if is_count else 0 < size < 1):
        raise ValueError(
            "calibration_size must be a share of the rows, above 0 and below 1, or a number of "
            f"rows, an integer of at least 1; got calibration_size={size!r}."
        )


def check_classifier(role, estimator):
    """Raise unless an estimator is a classifier that predicts."""
    if estimator is None:
        return
    if isinstance(estimator, type):
        raise TypeError(
            f"{role} must be an estimator, not a class; got {estimator.__name__}. Write "
            f"{role}={estimator.__name__}()."
        )
    inside = estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator
    if predicts_numbers(inside):
        raise TypeError(
            f"{role} must be a classifier, and {estimator!r} is a regressor. {REMEDIES[role]}"
        )
    if not may_have_method(estimator, "predict"):
        raise TypeError(f"{role} must have predict and be a classifier; got {estimator!r}.")


def check_fitted(role, frozen):
    """Raise unless a frozen estimator is fitted."""
    if not hasattr(frozen.estimator, "fit"):
        return
    try:
        check_is_fitted(frozen.estimator)
    except NotFittedError as error:
        raise NotFittedError(
            f"The frozen {role} {frozen.estimator!r} is not fitted. Fit it before you freeze it, "
            "or pass it without FrozenEstimator to have it fitted."
        ) from error
