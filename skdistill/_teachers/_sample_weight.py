"""Row weights for a teacher: for a Pipeline, its last step; for an ensemble, its members."""

from sklearn import get_config
from sklearn.base import clone, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from .._utils._class_codes import with_codes
from .._utils._sample_weight import (
    ROUTED,
    inner_estimators,
    inner_fit,
    last_step_of,
    takes_sample_weight,
)
from .._utils._validation import check_row_weights
from .._utils._warnings import warn


def check_takes_weights(teacher):
    """Return whether a teacher takes row weights; warn, with the remedy, if it does not.

    With metadata routing it gets what it requests, and there is no warning.
    """
    if get_config()["enable_metadata_routing"] or teacher_takes_weights(teacher):
        return True
    warn(
        f"{type(teacher).__name__} takes no sample_weight: the teacher is fitted without it, and "
        "only the student and teacher_scores_ are weighted. "
        f"{sample_weight_remedy(teacher)}"
    )
    return False


def weight_params(teacher, sample_weight, otherwise, *, name=""):
    """Return the fit parameters of a teacher: the row weights, if it takes them.

    If it does not, warn; `otherwise` states what the weights are used for then.
    """
    if sample_weight is None or isinstance(teacher, FrozenEstimator):
        return {}
    if teacher_takes_weights(teacher):
        return {"sample_weight": check_row_weights(sample_weight, len(sample_weight))}
    warn(
        f"{name}{type(teacher).__name__} takes no sample_weight: it is fitted without, and "
        f"{otherwise}. {sample_weight_remedy(teacher)}"
    )
    return {}


def fit_teacher(teacher, X, y, fit_params):
    """Fit a teacher in place, on class codes if it accepts no other labels."""
    y, fit_params = with_codes(teacher, y, fit_params)
    if "sample_weight" in fit_params:
        enable_pipeline_weights(teacher)
    teacher.fit(X, y, **fit_params)
    return teacher


class WeightedPipeline(Pipeline):
    """A Pipeline whose `fit` takes `sample_weight` without metadata routing, for its last step."""

    def fit(self, X, y=None, sample_weight=None, **params):
        """Fit all steps, the last one with the weights."""
        if sample_weight is not None:
            params[f"{self.steps[-1][0]}__sample_weight"] = sample_weight
        return super().fit(X, y, **params)


def enable_pipeline_weights(estimator):
    """Make the Pipelines of an unfitted estimator, itself included, take `sample_weight`; in place.

    Pipelines whose last step takes no weights are left unchanged, and so are estimators inside
    those of other packages. With metadata routing nothing is changed: Pipelines take weights then.
    """
    if get_config()["enable_metadata_routing"]:
        return
    for each in _fitted_inside(estimator):
        enable_pipeline_weights(each)
    if type(estimator) is Pipeline and takes_sample_weight(last_step_of(estimator)):
        estimator.__class__ = WeightedPipeline


def teacher_takes_weights(teacher):
    """Return whether a teacher can be fitted with row weights, Pipelines by their last step."""
    teacher = clone(teacher)
    enable_pipeline_weights(teacher)
    return takes_sample_weight(teacher)


def sample_weight_remedy(teacher):
    """Return why a teacher takes no weights, and the remedy."""
    teacher = clone(teacher)
    enable_pipeline_weights(teacher)
    culprit = _estimator_without_weights(teacher)
    name = type(culprit).__name__
    inside = "" if culprit is teacher else f"{name} inside it takes none. "
    inner = inner_fit(culprit)
    if inner is not None and inner.takes_weights == ROUTED:
        return (
            f"{inside}{name} takes them where metadata is routed: enable it, "
            "sklearn.set_config(enable_metadata_routing=True), and let the estimators inside it "
            "request them, set_fit_request(sample_weight=True)."
        )
    if isinstance(culprit, Pipeline):
        return (
            f"{inside}{type(culprit).__module__.partition('.')[0]}'s {name} may define another "
            "fit: use sklearn.pipeline.Pipeline, whose last step gets them, or enable "
            "metadata routing, sklearn.set_config(enable_metadata_routing=True), and let its steps "
            "request them."
        )
    if hasattr(culprit, "__sklearn_tags__") and is_regressor(culprit):
        return (
            f"{inside}Instead of {name}, use a regressor whose fit takes sample_weight, such as "
            "Ridge, a forest or a booster; or pass out-of-fold predictions of a weighted teacher."
        )
    return (
        f"{inside}Instead of {name}, use a classifier whose fit takes sample_weight, such as "
        "LogisticRegression, a forest or a booster; or pass out-of-fold probabilities of a "
        "weighted teacher as teacher_proba."
    )


def _estimator_without_weights(estimator):
    """Return the estimator that takes no weights: the given one, or one inside it."""
    inside = [each for each in _fitted_inside(estimator) if not takes_sample_weight(each)]
    inner = inner_fit(estimator)
    if not inside or (inner is not None and inner.takes_weights == ROUTED):
        return estimator
    return _estimator_without_weights(inside[0])


def _fitted_inside(estimator):
    """Return the estimators to which the `fit` of a scikit-learn estimator passes weights."""
    owner = getattr(getattr(type(estimator), "fit", None), "__module__", None) or ""
    if isinstance(estimator, FrozenEstimator) or not owner.startswith("sklearn."):
        return []
    if isinstance(estimator, Pipeline):
        return [last_step_of(estimator)] if hasattr(last_step_of(estimator), "fit") else []
    return list(inner_estimators(estimator).values())
