"""Given probabilities are read once, and those that a fit would compute make the same student."""

from inspect import signature

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RepeatedKFold, StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import skdistill
from skdistill import DistilledClassifier, DistilledMulticlassRetriever
from skdistill.datasets import make_gaussian_classes

# Of every estimator that takes probabilities of a teacher.
ESTIMATORS = {
    name: getattr(skdistill, name)
    for name in skdistill.__all__
    if hasattr(getattr(skdistill, name), "fit")
    and "teacher_proba" in signature(getattr(skdistill, name).fit).parameters
}
TEACHER = ExtraTreesClassifier(10, min_samples_leaf=3, random_state=0)
FOLDS = StratifiedKFold(4, shuffle=True, random_state=1)
STUDENTS = {
    "DistilledClassifier": [
        LogisticRegression(),
        DecisionTreeClassifier(max_depth=3, random_state=0),
        Ridge(),
    ],
    "DistilledBipartiteRanker": [LogisticRegression(), DecisionTreeRegressor(max_depth=3)],
    "DistilledMulticlassRetriever": [LogisticRegression()],
}
CASES = [(name, student) for name in ESTIMATORS for student in STUDENTS[name]]


def problem(name):
    """Return rows, labels and weights of as many classes as an estimator takes."""
    n_classes = 2 if name == "DistilledBipartiteRanker" else 3
    X, y, _ = make_gaussian_classes(200, 4, n_classes, random_state=0)
    return X, y, np.random.default_rng(0).uniform(0.5, 2, size=200)


def fitted(name, student, data, *, settings=None, **fit_params):
    X, y, weight = data
    settings = {
        "teacher": TEACHER,
        "alpha": 0.7,
        "cv": FOLDS,
        "random_state": 0,
        **(settings or {}),
    }
    model = ESTIMATORS[name](student=clone(student), **settings)
    return model.fit(X, y, weight, **fit_params)


def assert_same_student(model, other, X):
    assert model.teacher_scores_ == other.teacher_scores_
    assert model.teacher_temperature_ == other.teacher_temperature_
    method = "predict_proba" if hasattr(model, "predict_proba") else "decision_function"
    assert_array_equal(getattr(model, method)(X), getattr(other, method)(X))


@pytest.mark.parametrize("temperature", [1.0, "auto"])
@pytest.mark.parametrize(("name", "student"), CASES, ids=str)
def test_given_probabilities_equal_computed_ones(name, student, temperature):
    data = problem(name)
    X, y, weight = data
    settings = {"teacher_temperature": temperature}
    computed = fitted(name, student, data, settings=settings)
    proba = cross_val_predict(
        TEACHER, X, y, cv=FOLDS, method="predict_proba", params={"sample_weight": weight}
    )
    given = fitted(name, student, data, settings=settings, teacher_proba=proba)
    assert_same_student(computed, given, X)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_means_over_repeated_folds_equal_computed_ones(name):
    data = problem(name)
    X, y, weight = data
    splits = list(RepeatedKFold(n_splits=3, n_repeats=2, random_state=0).split(X))
    total, n_tested = np.zeros((len(y), len(np.unique(y)))), np.zeros(len(y))
    for train, test in splits:
        teacher = clone(TEACHER).fit(X[train], y[train], weight[train])
        total[test] += teacher.predict_proba(X[test])
        n_tested[test] += 1
    student = STUDENTS[name][0]
    computed = fitted(name, student, data, settings={"cv": splits})
    given = fitted(name, student, data, teacher_proba=total * (1 / n_tested)[:, None])
    assert_same_student(computed, given, X)


def test_given_marginals_equal_computed_ones():
    X, _, _ = make_gaussian_classes(200, 4, 3, random_state=0)
    Y = (np.random.default_rng(0).random((200, 3)) < 1 / (1 + np.exp(-X[:, :3]))).astype(int)
    splits = list(FOLDS.split(X, Y[:, 0]))
    marginals = np.zeros(Y.shape)
    for train, test in splits:
        columns = clone(TEACHER).fit(X[train], Y[train]).predict_proba(X[test])
        marginals[test] = np.column_stack([each[:, 1] for each in columns])
    model = DistilledMulticlassRetriever(TEACHER, cv=splits, alpha=0.7)
    computed = clone(model).fit(X, Y).decision_function(X)
    given = model.fit(X, Y, teacher_proba=marginals).decision_function(X)
    assert_allclose(given, computed, rtol=1e-9)  # sums over sparse rows have another order


def test_given_partitions_equal_computed_ones():
    array = pytest.importorskip("dask.array")
    from sklearn.naive_bayes import GaussianNB

    X, y, _ = problem("DistilledClassifier")
    proba = np.zeros((200, 3))
    for part in range(4):
        test = np.arange(50) + 50 * part
        train = np.setdiff1d(np.arange(200), test)
        proba[test] = clone(TEACHER).fit(X[train], y[train]).predict_proba(X[test])
    X_parts, y_parts, proba_parts = (array.from_array(each, chunks=50) for each in (X, y, proba))
    X_parts, proba_parts = X_parts.rechunk((50, 4)), proba_parts.rechunk((50, 3))
    model = DistilledClassifier(TEACHER, GaussianNB(), alpha=0.7, teacher_temperature=1.0, cv=4)
    computed = clone(model).fit(X_parts, y_parts)
    given = model.fit(X_parts, y_parts, teacher_proba=proba_parts)
    assert_same_student(computed, given, X)


class Counted:
    """An array that counts how often it is read, and can be neither indexed nor iterated over."""

    def __init__(self, values):
        self.values, self.n_reads = np.asarray(values), 0
        self.shape, self.ndim, self.dtype = self.values.shape, self.values.ndim, self.values.dtype

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        self.n_reads += 1
        return np.array(self.values, dtype=dtype)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_array_is_read_once(name):
    X, y, weight = problem(name)
    proba = cross_val_predict(TEACHER, X, y, cv=FOLDS, method="predict_proba")
    arrays = {
        "X": Counted(X),
        "y": Counted(y),
        "sample_weight": Counted(weight),
        "teacher_proba": Counted(proba),
    }
    model = ESTIMATORS[name](student=STUDENTS[name][0], alpha=0.7).fit(**arrays)
    expected = ESTIMATORS[name](student=STUDENTS[name][0], alpha=0.7).fit(
        X, y, weight, teacher_proba=proba
    )
    assert_same_student(model, expected, X)
    assert {label: array.n_reads for label, array in arrays.items()} == dict.fromkeys(arrays, 1)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_given_probabilities_are_checked_and_copied_once(name, monkeypatch):
    from skdistill._targets import _soft_labels
    from skdistill._utils import _validation

    X, y, _ = problem(name)
    proba = np.full((200, len(np.unique(y))), 1 / len(np.unique(y)))
    n_checks = []

    def counted_check(*args, **kwargs):
        n_checks.append(1)
        return _validation.check_proba(*args, **kwargs)

    monkeypatch.setattr(_soft_labels, "check_proba", counted_check)
    kept = proba.copy()
    ESTIMATORS[name](student=STUDENTS[name][0], alpha=0.7).fit(X, y, teacher_proba=proba)
    assert len(n_checks) == 1
    assert_array_equal(proba, kept)
