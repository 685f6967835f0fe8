"""Tags of a meta-estimator: the capabilities that all inner estimators share."""

from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags


def intersect_tags(tags, inside):
    """Return tags without the capabilities that an inner estimator lacks.

    An object without tags changes nothing.
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


def supports_multilabel(estimator):
    """Return whether an estimator supports multilabel targets; True if it has no tags."""
    if isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    if not hasattr(estimator, "__sklearn_tags__"):
        return True
    tags = get_tags(estimator).classifier_tags
    return tags is None or tags.multi_label


def allows_nan(estimator):
    """Return whether the tags of an estimator allow missing values."""
    return hasattr(estimator, "__sklearn_tags__") and get_tags(estimator).input_tags.allow_nan
