"""Marginals of a teacher become the targets of rows with several labels as defined."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from skdistill import DistilledMulticlassRetriever
from skdistill._teachers._predict import _positive_proba

TIGHT = {"tol": 1e-8, "max_iter": 5000}


@pytest.fixture
def filled():
    X, Y = make_multilabel_classification(
        150, 5, n_classes=4, allow_unlabeled=False, random_state=0
    )
    return StandardScaler().fit_transform(X), Y


def test_unlabelled_rows_have_their_weight_and_marginals(filled):
    X, Y = filled
    frozen = FrozenEstimator(OneVsRestClassifier(GaussianNB()).fit(X, Y))
    p = frozen.predict_proba(X)
    p[:50] = 0.3 * p[:50] + 0.7 * Y[:50]
    weight = np.where(np.arange(150) < 50, 1.0, 0.3)
    found = DistilledMulticlassRetriever(frozen, alpha=0.3, unlabeled_weight=0.3, k=2, **TIGHT).fit(
        X[:50], Y[:50], X_unlabeled=X[50:]
    )
    expected = DistilledMulticlassRetriever(k=2, **TIGHT).fit(
        X, Y, teacher_proba=p, sample_weight=weight
    )
    np.testing.assert_allclose(found.decision_function(X), expected.decision_function(X), atol=1e-6)


def test_scores_of_marginals_are_weighed(filled):
    X, Y = filled
    p = np.random.default_rng(0).uniform(size=Y.shape)
    weight = np.random.default_rng(1).uniform(size=150)
    model = DistilledMulticlassRetriever(k=2).fit(X, Y, sample_weight=weight, teacher_proba=p)
    raw = model.teacher_scores_["raw"]
    assert raw["brier"] == pytest.approx(np.average(((p - Y) ** 2).sum(axis=1), weights=weight))
    right = Y[np.arange(150), p.argmax(axis=1)]
    assert raw["precision_at_1"] == pytest.approx(np.average(right, weights=weight))


@pytest.mark.filterwarnings("ignore:The teacher of fold")
@pytest.mark.parametrize("always", [0, 1])
def test_constant_training_label_gets_probability_zero_or_one(filled, always):
    X, Y = filled
    Y[:, 3] = always
    forest = ExtraTreesClassifier(10, random_state=0)
    p = np.zeros(Y.shape)
    for train, test in KFold(3).split(X):
        proba = clone(forest).fit(X[train], Y[train]).predict_proba(X[test])
        p[test] = np.column_stack([*(each[:, 1] for each in proba[:3]), np.full(50, always)])
    found = DistilledMulticlassRetriever(forest, cv=KFold(3), k=2, **TIGHT).fit(X, Y)
    expected = DistilledMulticlassRetriever(k=2, **TIGHT).fit(X, Y, teacher_proba=p)
    # The score of a label that all rows have grows without end: it is where the search stops.
    np.testing.assert_allclose(found.decision_function(X), expected.decision_function(X), atol=0.1)


def test_two_labels_of_which_a_row_may_have_both(filled):
    X, Y = filled
    Y = Y[:, :2]
    some = Y.any(axis=1)
    X, Y = X[some], Y[some]
    model = DistilledMulticlassRetriever(k=1).fit(X, Y, teacher_proba=Y)
    scores = model.decision_function(X)
    assert scores.shape == Y.shape
    np.testing.assert_array_equal(model.retrieve(X)[0][:, 0], scores.argmax(axis=1))


def test_the_teacher_of_several_labels_gets_the_weights(filled):
    X, Y = filled
    forest = ExtraTreesClassifier(10, random_state=0)
    weight = (np.arange(150) % 2).astype(float)
    p = np.zeros(Y.shape)
    for train, test in KFold(3).split(X):
        own = clone(forest).fit(X[train], Y[train], sample_weight=weight[train])
        p[test] = np.column_stack([each[:, 1] for each in own.predict_proba(X[test])])
    model = DistilledMulticlassRetriever(forest, k=2, cv=KFold(3), **TIGHT)
    found = model.fit(X, Y, sample_weight=weight).decision_function(X)
    expected = clone(model).fit(X, Y, sample_weight=weight, teacher_proba=p)
    np.testing.assert_allclose(found, expected.decision_function(X), atol=1e-6)


def test_marginals_are_cut_and_not_renormalised(filled):
    X, Y = filled
    p = np.random.default_rng(0).uniform(size=Y.shape)
    largest = np.where(p >= np.sort(p, axis=1)[:, -2:-1], p, 0)
    model = DistilledMulticlassRetriever(k=2, top_k=2, **TIGHT)
    found = model.fit(X, Y, teacher_proba=p).decision_function(X)
    expected = clone(model).set_params(top_k=None).fit(X, Y, teacher_proba=largest)
    np.testing.assert_allclose(found, expected.decision_function(X), atol=1e-6)


def test_the_labels_of_a_row_do_not_compete_in_the_slide_form(filled):
    X, Y = filled
    Y = np.where(np.arange(4) < 2, 1, Y)  # the first two labels always go together
    p = np.full(Y.shape, 0.2)
    model = DistilledMulticlassRetriever(objective="label_weighted", k=2, **TIGHT)
    found = model.fit(X, Y, teacher_proba=p).decision_function(X)
    negative_discount = clone(model).fit(X, Y, teacher_proba=np.maximum(Y, p)).decision_function(X)
    np.testing.assert_array_equal(found, negative_discount)


def test_a_label_that_a_teacher_never_saw_has_no_probability():
    np.testing.assert_array_equal(_positive_proba(np.ones((3, 1)), np.array([0])), np.zeros(3))
    np.testing.assert_array_equal(_positive_proba(np.ones((3, 1)), np.array([1])), np.ones(3))


def test_rows_without_any_weight_are_an_error(filled):
    X, Y = filled
    model = DistilledMulticlassRetriever(k=2)
    with pytest.raises(ValueError, match="Every one of the 150 rows has weight zero"):
        model.fit(X, Y, teacher_proba=0.5 * Y, sample_weight=np.zeros(150))


def test_marginals_of_one_dimension_are_an_error(filled):
    X, Y = filled
    with pytest.raises(ValueError, match=r"shape \(n_samples, n_labels\); got shape \(150,\)"):
        DistilledMulticlassRetriever(k=2).fit(X, Y, teacher_proba=np.full(150, 0.5))
