"""Rows and classes of weight 0 have no effect on any student."""

import warnings
from inspect import signature

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill.students._registry import FITTERS

STUDENTS = sorted(
    {cls for cls in FITTERS if cls.__module__.startswith("sklearn.")}, key=lambda cls: cls.__name__
)
# These draw rows by number: a row of weight 0 takes a place, as it does in their own `fit`.
DRAW_ROWS = {
    "CalibratedClassifierCV",
    "LogisticRegressionCV",
    "RandomForestClassifier",
    "StackingClassifier",
}


def small(cls):
    if cls is Pipeline:
        return make_pipeline(GaussianNB())
    needs_estimators = "estimators" in signature(cls).parameters
    student = cls(estimators=[("nb", GaussianNB())]) if needs_estimators else cls()
    own = student.get_params(deep=False)
    cheap = {"n_estimators": 5, "cv": 3, "Cs": 2, "max_depth": 3, "random_state": 0}
    return student.set_params(**{name: cheap[name] for name in cheap.keys() & own})


def problem(sparse_proba=False):
    """Return rows, probabilities and weights: the middle class is in rows of weight 0 only."""
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(90, 3))
    P = np.zeros((90, 3))
    P[:, 0] = 0.05 + 0.9 * (X[:, 0] > 0.5)
    P[:, 2] = 1 - P[:, 0]
    P[:6] = [0, 1, 0]
    P[6:9] = [0.2, 0.5, 0.3]
    weight = np.ones(90)
    weight[:9] = 0
    return X, sparse.csr_array(P) if sparse_proba else P, weight


def fitted(student, X, soft_labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit_soft_labels(student, X, soft_labels)


def output(student, X):
    for method in ("predict_proba", "decision_function"):
        if hasattr(student, method):
            return getattr(student, method)(X)
    return student.predict(X)


@pytest.mark.parametrize("cls", STUDENTS)
def test_a_class_that_only_rows_of_weight_zero_have(cls):
    X, P, weight = problem()
    student = fitted(small(cls), X, SoftLabels(P, sample_weight=weight))
    assert_array_equal(student.classes_, [0, 2])
    counted = weight > 0
    alone = fitted(small(cls), X[counted], SoftLabels(P[counted]))
    assert_array_equal(alone.classes_, [0, 2])
    if cls.__name__ not in DRAW_ROWS:
        assert_allclose(output(student, X), output(alone, X), atol=2e-4)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    "cls", [cls for cls in STUDENTS if "class_weight" in signature(cls).parameters]
)
def test_a_class_of_weight_zero(cls, form):
    X, P, _ = problem()
    student = small(cls).set_params(class_weight={0: 1, 1: 0.0, 2: 1})
    student = fitted(student, X, SoftLabels(form(P)))
    found = np.asarray(output(student, X))
    assert np.isfinite(found).all()
    assert 1 not in student.predict(X)
    if cls in (DecisionTreeClassifier, LogisticRegression):  # others count rows, or draw numbers
        rows, classes = np.nonzero(P * [1, 0, 1])
        by_hand = small(cls).fit(X[rows], classes, sample_weight=P[rows, classes])
        of_both = found[:, np.isin(student.classes_, [0, 2])]
        assert_allclose(of_both, by_hand.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize(
    ("package", "name", "quiet"),
    [
        ("lightgbm", "LGBMClassifier", {"verbose": -1}),
        ("catboost", "CatBoostClassifier", {"verbose": 0, "allow_writing_files": False}),
    ],
)
def test_a_booster_takes_rows_of_weight_zero(package, name, quiet):
    X, P, weight = problem()
    student = getattr(pytest.importorskip(package), name)(n_estimators=5, **quiet)
    student = fitted(student, X, SoftLabels(P, sample_weight=weight))
    assert np.isfinite(student.predict_proba(X)).all()
    assert 1 not in student.predict(X)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_rows_of_soft_labels_sum_to_one_whatever_is_dropped(form):
    _, P, weight = problem()
    for soft_labels in (
        SoftLabels(form(P), sample_weight=weight),
        SoftLabels(form(P)).reweight_classes([1, 0, 1]),
        SoftLabels(form(P)).reweight_classes([0, 0, 1]),
    ):
        dropped = soft_labels.drop_empty_classes()
        for each in (soft_labels, dropped):
            assert_allclose(np.asarray(each.proba.sum(axis=1)).ravel(), 1)
        assert_allclose(
            dropped.class_weight_sums,
            soft_labels.class_weight_sums[soft_labels.class_weight_sums > 0],
        )
        rows, labels, weights = soft_labels.expand()
        again = dropped.expand()
        assert_array_equal(rows, again[0])
        assert_array_equal(labels, again[1])
        assert_allclose(weights, again[2])
