import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.pipeline import Pipeline

from skdistill import SoftLabels, fit_soft_labels
from skdistill.students import learn_by_expansion, register
from skdistill.students._registry import _ways, way_of_learning
from skdistill.students.cross_validating import learn_with_folds_of_real_rows
from skdistill.students.linear import learn_logistic
from skdistill.students.pipeline import learn_pipeline
from skdistill.students.regression import learn_by_regression


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
    def learn_plain(student, X, soft_labels, **fit_params):
        student.soft_labels_ = soft_labels
        return student

    yield learn_plain
    del _ways[Plain]


@pytest.mark.parametrize(
    ("student", "way"),
    [
        (LogisticRegression(), learn_logistic),
        (LogisticRegressionCV(), learn_with_folds_of_real_rows),
        (CalibratedClassifierCV(), learn_with_folds_of_real_rows),
        (StackingClassifier([]), learn_with_folds_of_real_rows),
        (Ridge(), learn_by_regression),
        (Pipeline([]), learn_pipeline),
    ],
)
def test_each_class_learns_in_its_way(student, way):
    assert way_of_learning(student) is way


def test_subclasses_are_taken_for_their_class_unless_they_override_fit(registered):
    assert way_of_learning(Plain()) is registered
    assert way_of_learning(KeepsFit()) is registered
    assert way_of_learning(OverridesFit()) is learn_by_expansion


def test_a_pipeline_of_somebody_elses_is_not_taken_for_ours():
    class OtherPipeline(Pipeline):
        def fit(self, X, y=None, **params):
            return super().fit(X, y, **params)

    assert way_of_learning(OtherPipeline([])) is not learn_pipeline


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

    assert way_of_learning(Untagged()) is learn_by_expansion
    assert way_of_learning(Numbers()) is learn_by_regression
