"""A Pipeline as student: its steps see X once, unexpanded, and the last one learns."""

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from .._sample_weight import is_pipeline
from .._soft_labels import SoftLabels
from .._typing import Rows
from ._answers import predicts_labels
from ._capabilities import DataSummary
from ._dispatch import check_student, fit_soft_labels, register


def check_last_step(pipeline: Pipeline, summary: DataSummary) -> None:
    """Raise unless the last step of a Pipeline can learn soft labels."""
    if pipeline.steps:
        check_student(pipeline.steps[-1][1], summary)


@register(Pipeline, check=check_last_step)
def learn_pipeline(
    pipeline: Pipeline, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Pipeline:
    """Fit the steps before the last on X, and the last on the soft labels.

    Steps that want a `y` (feature selection) get the true labels, and the most probable
    class for a row that has none. The Pipeline itself runs, with its memory and its
    routing; only its last step is exchanged for the time of the fit.
    """
    if soft_labels.is_ordinary and predicts_labels(pipeline):
        return pipeline.fit(X, soft_labels.first_choice(), **fit_params)
    return fit_last_step(pipeline, X, soft_labels, fit_soft_labels, **fit_params)


def last_step(student):
    """Return the last step of a Pipeline of scikit-learn, anything else as it is."""
    return student[-1] if is_pipeline(student) else student


def fit_last_step(pipeline, X, soft_labels, learn, **fit_params):
    """Fit a Pipeline whose last step learns by ``learn(step, X, soft_labels, ...)``."""
    *before, (name, last) = pipeline.steps
    stand_in = _SoftLabelStep(last, soft_labels, learn)
    pipeline.set_params(steps=[*before, (name, stand_in)])
    pipeline.fit(X, soft_labels.hard_labels(), **fit_params)
    return pipeline.set_params(steps=[*pipeline.steps[:-1], (name, stand_in.student_)])


class _SoftLabelStep(BaseEstimator):
    """The last step of a Pipeline while it is being fitted: it learns from soft labels."""

    def __init__(self, student, soft_labels, learn):
        self.student = student
        self.soft_labels = soft_labels
        self.learn = learn

    def fit(self, X, y, sample_weight=None, **fit_params):
        soft_labels = self.soft_labels
        if sample_weight is not None:
            soft_labels = soft_labels.reweight_rows(sample_weight)
        self.student_ = self.learn(self.student, X, soft_labels, **fit_params)
        return self

    def get_metadata_routing(self):
        return get_routing_for_object(self.student)
