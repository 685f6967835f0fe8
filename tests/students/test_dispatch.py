"""Each class of student gets its registered fitter; subclasses that override `fit` do not."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.pipeline import Pipeline

from skdistill import SoftLabels, fit_soft_labels
from skdistill.students import fit_by_expansion, register
from skdistill.students._registry import FITTERS, resolve_fitter
from skdistill.students.cross_validating import fit_with_folds_of_original_rows
from skdistill.students.linear import fit_logistic
from skdistill.students.pipeline import fit_pipeline
from skdistill.students.regression import fit_by_regression


class Plain(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class KeepsFit(Plain):
    pass


class OverridesFit(Plain):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight)


@pytest.fixture
def registered():
    @register(Plain)
    def fit_plain(student, X, soft_labels, **fit_params):
        student.soft_labels_ = soft_labels
        return student

    yield fit_plain
    del FITTERS[Plain]


@pytest.mark.parametrize(
    ("student", "way"),
    [
        (LogisticRegression(), fit_logistic),
        (LogisticRegressionCV(), fit_with_folds_of_original_rows),
        (CalibratedClassifierCV(), fit_with_folds_of_original_rows),
        (StackingClassifier([]), fit_with_folds_of_original_rows),
        (Ridge(), fit_by_regression),
        (Pipeline([]), fit_pipeline),
    ],
)
def test_each_class_resolves_to_its_fitter(student, way):
    assert resolve_fitter(student) is way


def test_subclasses_use_the_parent_fitter_unless_fit_overridden(registered):
    assert resolve_fitter(Plain()) is registered
    assert resolve_fitter(KeepsFit()) is registered
    assert resolve_fitter(OverridesFit()) is fit_by_expansion


def test_pipeline_subclass_with_own_fit_is_not_fit_pipeline():
    class OtherPipeline(Pipeline):
        def fit(self, X, y=None, **params):
            return super().fit(X, y, **params)

    assert resolve_fitter(OtherPipeline([])) is not fit_pipeline


def test_the_registered_way_gets_a_clone(registered):
    student, labels = KeepsFit(), SoftLabels([[0.5, 0.5]])
    fitted = fit_soft_labels(student, np.ones((1, 1)), labels)
    assert fitted is not student
    assert fitted.soft_labels_ is labels


def test_objects_without_tags_are_taken_for_classifiers():
    class Untagged:
        def get_params(self, deep=True):
            return {}

        def fit(self, X, y, sample_weight=None):
            return self

    class Numbers(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            return self

    assert resolve_fitter(Untagged()) is fit_by_expansion
    assert resolve_fitter(Numbers()) is fit_by_regression
