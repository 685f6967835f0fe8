"""What an estimator can take is what every estimator inside it can take."""

from sklearn.ensemble import StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags


def narrow(tags, inside):
    """Return tags without the abilities that an estimator inside does not have.

    An object without tags, such as somebody's API, says nothing and narrows nothing.
    """
    if isinstance(inside, FrozenEstimator):
        inside = inside.estimator
    if not hasattr(inside, "__sklearn_tags__"):
        return tags
    inside = get_tags(inside)
    tags.input_tags.sparse &= inside.input_tags.sparse
    tags.input_tags.allow_nan &= inside.input_tags.allow_nan
    if inside.classifier_tags is not None:
        tags.classifier_tags.multi_class &= inside.classifier_tags.multi_class
    return tags


def answers_several_labels(estimator):
    """Return whether an estimator says that it takes rows with several labels; a silent one may."""
    if isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    if not hasattr(estimator, "__sklearn_tags__"):
        return True
    tags = get_tags(estimator).classifier_tags
    return tags is None or tags.multi_label


def allows_nan(estimator):
    """Return whether an estimator says that it takes missing values."""
    return hasattr(estimator, "__sklearn_tags__") and get_tags(estimator).input_tags.allow_nan


def predictor_of(estimator):
    """Return what has the methods that an estimator predicts with, once it is fitted.

    It is the estimator itself. Only stacking with its default final estimator does not show
    them before.
    """
    last = estimator
    while isinstance(last, Pipeline) and last.steps:
        last = last.steps[-1][1]
    fitted = hasattr(last, "final_estimator_")
    if isinstance(last, StackingClassifier) and last.final_estimator is None and not fitted:
        return LogisticRegression()
    return estimator
