"""How a teacher gets row weights: its Pipelines by their last step, its votes by those inside."""

import warnings

from sklearn import get_config
from sklearn.base import clone
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


def check_takes_weights(teacher, *, stacklevel):
    """Return whether a teacher takes row weights; say so, with the remedy, where it does not.

    With metadata routing it gets what it requests, and nothing more is asked.
    """
    if get_config()["enable_metadata_routing"] or teacher_takes_weights(teacher):
        return True
    warnings.warn(
        f"{type(teacher).__name__} takes no sample_weight: the teacher is fitted without, and the "
        "weights count for the student and for teacher_scores_ only. "
        f"{sample_weight_remedy(teacher)}",
        UserWarning,
        stacklevel=stacklevel + 1,
    )
    return False


def fit_teacher(teacher, X, y, fit_params):
    """Fit a teacher in place; one that takes codes only is fitted on those of its labels."""
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

    Those whose last step takes none stay as they are, and so does what scikit-learn does not fit
    itself. With metadata routing nothing is changed: Pipelines take weights there.
    """
    if get_config()["enable_metadata_routing"]:
        return
    for each in _fitted_inside(estimator):
        enable_pipeline_weights(each)
    if type(estimator) is Pipeline and takes_sample_weight(last_step_of(estimator)):
        estimator.__class__ = WeightedPipeline


def teacher_takes_weights(teacher):
    """Return whether a teacher is fitted with row weights, its Pipelines by their last step."""
    teacher = clone(teacher)
    enable_pipeline_weights(teacher)
    return takes_sample_weight(teacher)


def sample_weight_remedy(teacher):
    """Return what keeps weights from a teacher that takes none, and the remedy."""
    teacher = clone(teacher)
    enable_pipeline_weights(teacher)
    culprit = _estimator_without_weights(teacher)
    name = type(culprit).__name__
    inside = "" if culprit is teacher else f"{name} inside it takes none. "
    known = inner_fit(culprit)
    if known is not None and known.takes_weights == ROUTED:
        return (
            f"{inside}{name} takes them where metadata is routed: enable it, "
            "sklearn.set_config(enable_metadata_routing=True), and let the estimators inside it "
            "request them, set_fit_request(sample_weight=True)."
        )
    if isinstance(culprit, Pipeline):
        return (
            f"{inside}{type(culprit).__module__.partition('.')[0]}'s {name} may be fitted in a way "
            "of its own: use sklearn.pipeline.Pipeline, whose last step gets them, or enable "
            "metadata routing, sklearn.set_config(enable_metadata_routing=True), and let its steps "
            "request them."
        )
    return (
        f"{inside}In the place of {name}, take a classifier whose fit takes sample_weight, such as "
        "LogisticRegression, a forest or a booster; or give out-of-fold probabilities that the "
        "weights are in as teacher_proba."
    )


def _estimator_without_weights(estimator):
    """Return who takes no weights: an estimator itself, or one inside it."""
    inside = [each for each in _fitted_inside(estimator) if not takes_sample_weight(each)]
    known = inner_fit(estimator)
    if not inside or (known is not None and known.takes_weights == ROUTED):
        return estimator
    return _estimator_without_weights(inside[0])


def _fitted_inside(estimator):
    """Return what the `fit` of an estimator of scikit-learn hands weights on to."""
    owner = getattr(getattr(type(estimator), "fit", None), "__module__", None) or ""
    if isinstance(estimator, FrozenEstimator) or not owner.startswith("sklearn."):
        return []
    if isinstance(estimator, Pipeline):
        return [last_step_of(estimator)] if hasattr(last_step_of(estimator), "fit") else []
    return list(inner_estimators(estimator).values())
