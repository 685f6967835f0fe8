"""A Pipeline as student: its steps are fitted on X without expansion, the last on soft labels."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from .._targets._soft_labels import SoftLabels
from .._utils._sample_weight import is_pipeline
from .._utils._typing import Rows
from ._capabilities import DataSummary
from ._predictions import predicts_labels
from ._registry import check_student, fit_soft_labels, register
from ._step_targets import check_steps, with_soft_targets, without_soft_targets


def check_pipeline(pipeline: Pipeline, summary: DataSummary) -> None:
    """Raise unless the steps of a Pipeline, the last one included, support soft labels."""
    if pipeline.steps:
        check_steps(pipeline, summary)
        check_student(pipeline.steps[-1][1], summary)


@register(Pipeline, check=check_pipeline)
def fit_pipeline(
    pipeline: Pipeline, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Pipeline:
    """Fit the steps before the last on X, and the last on the soft labels.

    The target of a supervised step before the last is described in `_step_targets.py`; with
    one-hot rows it is the labels. The Pipeline's own `fit` is called, with its memory and its
    metadata routing; its last step and the supervised ones are wrapped during the fit.
    """
    if soft_labels.is_unweighted_one_hot and predicts_labels(pipeline):
        return pipeline.fit(X, soft_labels.argmax_labels(), **fit_params)
    return fit_last_step(pipeline, X, soft_labels, fit_soft_labels, **fit_params)


def last_step(student):
    """Return the last step of a scikit-learn Pipeline; any other student unchanged."""
    return student[-1] if is_pipeline(student) else student


def fit_last_step(pipeline, X, soft_labels, fit, **fit_params):
    """Fit a Pipeline whose last step is fitted by ``fit(step, X, soft_labels, ...)``."""
    *before, (name, last) = pipeline.steps
    if has_soft_targets(soft_labels):
        before = [(key, with_soft_targets(step, soft_labels)) for key, step in before]
    last = _SoftLabelStep(last, soft_labels, fit)
    pipeline.set_params(steps=[*before, (name, last)])
    pipeline.fit(X, _step_labels(soft_labels), **fit_params)
    before = [(key, without_soft_targets(step)) for key, step in pipeline.steps[:-1]]
    return pipeline.set_params(steps=[*before, (name, last.student_)])


def has_soft_targets(soft_labels):
    """Return whether the target of the steps differs from the labels of all rows."""
    if isinstance(soft_labels, SoftLabels):
        return not soft_labels.is_one_hot
    return not soft_labels.multilabel and bool((soft_labels.codes < 0).any())


def _step_labels(soft_labels):
    """Return one label per row; with soft labels it is used by unsupervised steps only."""
    is_one_hot = isinstance(soft_labels, SoftLabels) and soft_labels.is_one_hot
    return soft_labels.argmax_labels() if is_one_hot else soft_labels.hard_labels()


class _SoftLabelStep(BaseEstimator):
    """Wrapper of the last step during the fit of a Pipeline: it is fitted on soft labels."""

    def __init__(self, student, soft_labels, fit):
        self.student = student
        self.soft_labels = soft_labels
        self.fit_function = fit

    def fit(self, X, y, sample_weight=None, **fit_params):
        soft_labels = self.soft_labels
        if sample_weight is not None:
            soft_labels = soft_labels.reweight_rows(sample_weight)
        self.student_ = self.fit_function(self.student, X, soft_labels, **fit_params)
        return self

    def get_metadata_routing(self):
        return get_routing_for_object(self.student)
