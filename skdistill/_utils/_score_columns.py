"""Check that the columns of a `decision_function` are classes, not pairs as in one-vs-one."""

from sklearn.ensemble import BaggingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline


def check_columns_are_classes(estimator, scores):
    """Raise unless scores, (n_samples, n_columns), have a column for each class of an estimator.

    The number of columns decides, except for three classes, which have three pairs: then the
    estimator inside pipelines, searches and other wrappers is inspected.
    """
    n_classes = len(estimator.classes_)
    if scores.ndim == 2 and scores.shape[1] == n_classes and not _scores_pairs(estimator):
        return
    raise ValueError(
        f"{type(estimator).__name__} has {n_classes} classes and returns scores of shape "
        f"{scores.shape}, whose columns are not the classes: scores of pairs do not rank "
        'classes. Set decision_function_shape="ovr", or use an estimator with one score '
        "per class."
    )


def _scores_pairs(estimator):
    """Return whether a fitted estimator, or the one that it wraps, scores pairs of classes."""
    while estimator is not None:
        if getattr(estimator, "decision_function_shape", None) == "ovo":
            return len(estimator.classes_) > 2
        estimator = _wrapped(estimator)
    return False


def _wrapped(estimator):
    """Return the inner estimator whose scores a fitted estimator returns, None if there is none."""
    if isinstance(estimator, Pipeline):
        return estimator[-1]
    if isinstance(estimator, FrozenEstimator):
        return estimator.estimator
    if isinstance(estimator, BaggingClassifier):
        return estimator.estimators_[0]
    inside = [
        getattr(estimator, f"{name}_", None) for name in ("best_estimator", "estimator", "student")
    ]
    # The `estimator_` of AdaBoost is never fitted.
    return next((each for each in inside if hasattr(each, "classes_")), None)
