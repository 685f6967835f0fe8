"""The estimator is used, not the return value of its `fit`."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
    SoftLabels,
    fit_soft_labels,
)
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_teachers
from skdistill.students import _registry as students
from skdistill.students.ranking import _registry as rankers
from skdistill.students.retrieval import _registry as retrievers

X, y, P = make_gaussian_classes(120, 3, 2, random_state=0)


class Quiet(ClassifierMixin, BaseEstimator):
    def __init__(self, returned=None):
        self.returned = returned

    def fit(self, X, y, sample_weight=None):
        self.model_ = GaussianNB().fit(X, y, sample_weight)
        self.classes_ = self.model_.classes_
        return self.returned

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


class QuietRegressor(RegressorMixin, BaseEstimator):
    def __init__(self, returned=None):
        self.returned = returned

    def fit(self, X, y, sample_weight=None):
        self.model_ = Ridge().fit(X, y, sample_weight)
        return self.returned

    def predict(self, X):
        return self.model_.predict(X)


class Unweighted(QuietRegressor):
    def fit(self, X, y):
        return super().fit(X, y)


@pytest.mark.parametrize("returned", [None, True, "text", np.zeros(3)], ids=repr)
@pytest.mark.parametrize(
    "make",
    [
        lambda quiet, _: DistilledClassifier(
            quiet, LogisticRegression(), alpha=0.5, teacher_temperature=1.0, cv=3
        ),
        lambda quiet, _: DistilledClassifier(
            GaussianNB(), quiet, alpha=0.5, teacher_temperature=1.0, cv=3
        ),
        lambda quiet, _: DistilledClassifier(GaussianNB(), quiet, alpha=0, cv=3),
        lambda quiet, _: DistilledClassifier(GaussianNB(), quiet, cv=3),
        lambda quiet, _: DistilledClassifier(
            GaussianNB(),
            make_pipeline(StandardScaler(), quiet),
            alpha=0.5,
            teacher_temperature=1.0,
            cv=3,
        ),
        lambda _, quiet: DistilledClassifier(
            GaussianNB(), quiet, alpha=0.5, teacher_temperature=1.0, cv=3
        ),
        lambda quiet, _: BornAgainClassifier(quiet, n_generations=1, cv=3),
        lambda quiet, _: SoftLabelClassifier(quiet),
        lambda quiet, _: DistilledBipartiteRanker(quiet, alpha=0.5, cv=3),
        lambda _, quiet: DistilledBipartiteRanker(GaussianNB(), quiet, alpha=0.5, cv=3),
        lambda quiet, _: DistilledMulticlassRetriever(quiet, alpha=0.5, cv=3),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_estimators(make, returned):
    model = make(Quiet(returned), QuietRegressor(returned)).fit(X, y)
    again = make(Quiet("text"), QuietRegressor("text")).fit(X, y)
    assert hasattr(model.student_, "fit")
    method = "predict_proba" if hasattr(model, "predict_proba") else "decision_function"
    np.testing.assert_array_equal(getattr(model, method)(X), getattr(again, method)(X))


@pytest.mark.parametrize("student", [Quiet(), QuietRegressor(), Unweighted()], ids=repr)
@pytest.mark.parametrize("labels", [P, np.eye(2)[y]], ids=["soft", "hard"])
def test_students(student, labels):
    fitted = fit_soft_labels(student, X, SoftLabels(labels))
    assert type(fitted) is type(student)
    fitted.predict(X)


@pytest.mark.parametrize("student", [QuietRegressor(), Unweighted()], ids=repr)
def test_rankers(student):
    fitted = rankers.fit_ranker(student, X, SoftLabels(P))
    assert type(fitted) is type(student)


@pytest.mark.parametrize("module", [students, rankers, retrievers], ids=lambda m: m.__name__)
def test_ways_of_a_users_own(module, monkeypatch):
    def fit_returning_other(student, X, targets, *args, **fit_params):
        student.learnt_ = True

    monkeypatch.setitem(module.FITTERS, Quiet, fit_returning_other)
    doors = {students: students.fit_soft_labels, rankers: rankers.fit_ranker}
    if module is retrievers:
        targets = retrievers.RetrievalTargets.of(SoftLabels(P, y=y), "cross_entropy")
        assert retrievers.fit_retriever(Quiet(), X, targets).learnt_
    else:
        assert doors[module](Quiet(), X, SoftLabels(P)).learnt_


def test_teachers_that_are_compared():
    frame = compare_teachers({"quiet": Quiet(), "text": Quiet("text")}, X, y, cv=3).to_frame()
    assert np.isfinite(frame.select_dtypes("number").to_numpy()).any()


def test_a_teacher_among_partitions():
    array = pytest.importorskip("dask.array")
    student = GaussianNB()
    parts = [array.from_array(each, chunks=30) for each in (X, y)]
    parts[0] = parts[0].rechunk((30, 3))
    model = DistilledClassifier(Quiet(), student, alpha=0.5, teacher_temperature=1.0, cv=2).fit(
        *parts
    )
    assert model.predict(X).shape == (120,)
