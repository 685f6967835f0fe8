"""Unusable students and unevaluated input raise an error before any teacher is fitted."""

import traceback
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from contracts.student_cases import students
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
)
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import bias_variance, compare_teachers

PACKAGE = Path(skdistill.__file__).parent
X, Y, P = make_gaussian_classes(60, 3, 2, random_state=0)
X = np.abs(X)


class Counting(ExtraTreesClassifier):
    """A teacher that counts how often it is fitted."""

    n_fits = 0

    def fit(self, *args, **kwargs):
        Counting.n_fits += 1
        return super().fit(*args, **kwargs)


TEACHER = Counting(3, max_depth=2, random_state=0)
MODELS = {
    "classifier": DistilledClassifier(TEACHER, alpha=0.5, cv=2),
    "classifier, auto": DistilledClassifier(TEACHER, cv=3),
    "ranker": DistilledBipartiteRanker(TEACHER, cv=2),
    "retriever": DistilledMulticlassRetriever(TEACHER, k=1, cv=2),
}


def error_of_fit(model, X=X, y=Y, **params):
    """Return the error of a fit, None if there is none, and how many teachers were fitted."""
    Counting.n_fits = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y, **params)
        except Exception as error:  # whatever a library raises
            return error, Counting.n_fits
    return None, Counting.n_fits


def is_ours(error):
    return PACKAGE in Path(traceback.extract_tb(error.__traceback__)[-1].filename).parents


@pytest.mark.parametrize("weighted", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("name", ["ranker", "retriever"])
def test_every_student_of_a_ranker_or_retriever(name, weighted):
    """As tests/contracts have it for classifiers: refused at once, or not at all."""
    weight = np.arange(60) % 3 if weighted else None
    late = []
    for maker in students():
        model = clone(MODELS[name]).set_params(student=maker.make())
        error, n_fits = error_of_fit(model, sample_weight=weight)
        if error is not None and is_ours(error) and n_fits:
            late.append(f"{maker.name}: {error}")
    assert not late, "\n".join(late)


class OwnFit(Pipeline):
    """A Pipeline of another package: its `fit` is its own, as where steps drop rows."""

    def fit(self, X, y=None, **params):
        return super().fit(X[1:], y[1:], **params)


OTHERS = {
    "imbalanced-learn's": make_imblearn_pipeline(StandardScaler(), LogisticRegression()),
    "one that resamples": make_imblearn_pipeline(SMOTE(), DecisionTreeClassifier()),
    "another": OwnFit([("scale", StandardScaler()), ("last", LogisticRegression())]),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", MODELS)
def test_pipelines_of_other_packages(name, other):
    error, n_fits = error_of_fit(clone(MODELS[name]).set_params(student=OTHERS[other]))
    assert isinstance(error, TypeError)
    assert n_fits == 0
    cls = type(OTHERS[other])
    package = cls.__module__.partition(".")[0]
    assert f"{package}'s {cls.__name__}" in str(error)
    assert "Use sklearn.pipeline.Pipeline" in str(error)


@pytest.mark.filterwarnings("ignore:alpha=")
@pytest.mark.parametrize("name", ["classifier", "classifier, auto"])
def test_such_pipelines_of_regressors_fit_unless_they_resample(name):
    """A regressor gets the rows themselves, so that whatever its `fit` does is right."""
    with_step = make_imblearn_pipeline(StandardScaler(), LinearRegression())
    model = clone(MODELS[name]).set_params(student=with_step).fit(X, Y, teacher_proba=P)
    plain = clone(MODELS[name]).set_params(student=make_pipeline(*with_step)).fit(
        X, Y, teacher_proba=P
    )  # fmt: skip
    assert_allclose(model.predict_proba(X), plain.predict_proba(X))
    resampling = make_imblearn_pipeline(SMOTE(), Ridge())
    error, n_fits = error_of_fit(clone(MODELS[name]).set_params(student=resampling))
    assert isinstance(error, TypeError)
    assert n_fits == 0
    assert "SMOTE in the student adds or drops rows" in str(error)


# A LazyFrame is a query that has not been run.


@pytest.mark.parametrize("name", [*MODELS, "soft labels", "born again"])
@pytest.mark.parametrize("argument", ["X", "y", "sample_weight", "teacher_proba", "X_unlabeled"])
def test_queries_that_have_not_been_run(name, argument):
    models = {**MODELS, "soft labels": SoftLabelClassifier(), "born again": BornAgainClassifier()}
    model = clone(models[name])
    values = {"X": X, "y": Y, "sample_weight": np.ones(60), "teacher_proba": P, "X_unlabeled": X}
    given = {"X": pl.DataFrame(X), "y": Y, argument: pl.DataFrame(values[argument]).lazy()}
    if argument in ("teacher_proba", "X_unlabeled") and name not in MODELS:
        pytest.skip("it has no such argument")
    error, n_fits = error_of_fit(model, given.pop("X"), given.pop("y"), **given)
    assert isinstance(error, TypeError)
    assert f"{argument} is a LazyFrame of polars" in str(error)
    assert f"Give its result, {argument}.collect()" in str(error)
    assert n_fits == 0


def test_predictions_and_comparisons_of_queries():
    rows = pl.DataFrame(X)
    for model in (*MODELS.values(), SoftLabelClassifier()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = clone(model).fit(rows, Y)
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            if hasattr(fitted, method):
                with pytest.raises(TypeError, match=r"X\.collect\(\)"):
                    getattr(fitted, method)(rows.lazy())
    with pytest.raises(TypeError, match=r"X\.collect\(\)"):
        compare_teachers({"nb": GaussianNB()}, rows.lazy(), Y)
    with pytest.raises(TypeError, match=r"X\.collect\(\)"):
        bias_variance(P, P, rows.lazy(), Y)


# A bag may hold rows of one class: a plain student decides for itself what that is worth.


@pytest.mark.filterwarnings("ignore:divide by zero")  # of GaussianNB itself
@pytest.mark.parametrize("student", [LogisticRegression(), GaussianNB()])
def test_bags_of_one_class(student):
    rare = np.r_[np.flatnonzero(Y == 0)[:20], np.flatnonzero(Y == 1)[:1]]

    def bags(estimator):
        bagging = BaggingClassifier(estimator, 8, max_samples=5, random_state=0)
        return bagging.fit(X[rare], Y[rare])

    plain = bags(student)
    for model in (
        DistilledClassifier(TEACHER, clone(student), alpha=0.0),
        SoftLabelClassifier(clone(student)),
    ):
        assert_allclose(bags(model).predict_proba(X), plain.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.5, "auto"])
def test_rows_of_weight_are_of_one_class(alpha):
    """A teacher of one class could only repeat the labels, so that none is fitted."""
    weight = (Y == 0).astype(float)
    model = DistilledClassifier(TEACHER, LogisticRegression(), alpha=alpha)
    error, n_fits = error_of_fit(model, sample_weight=weight)
    assert error is None
    assert n_fits == 0
    assert model.alpha_ == (0.5 if alpha == 0.5 else 0.0)
    plain = LogisticRegression().fit(X, Y, sample_weight=weight)
    assert_allclose(model.predict_proba(X), plain.predict_proba(X), rtol=1e-9)
    error, _ = error_of_fit(clone(model), y=np.zeros(60, dtype=int))
    assert "There is only 1 class to learn" in str(error)
