"""SGD students on soft labels: those of no regression use mini-batches, in bounded memory."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.metrics import soft_log_loss
from skdistill.students._chunks import fit_one_pass


class Watched(SGDClassifier):
    """Remembers how large the chunks were that it was fed."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.fed_ = [*getattr(self, "fed_", []), len(X)]
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)


@pytest.fixture
def problem():
    X, y, P = make_gaussian_classes(3000, 10, 5, class_sep=0.5, random_state=0)
    return X[:1000], SoftLabels(P[:1000], y=y[:1000]), X[1000:], P[1000:]


def test_a_chunk_holds_no_more_copies_than_there_are_rows(problem):
    X, labels, _, _ = problem
    student = fit_soft_labels(Watched(loss="modified_huber", random_state=0), X, labels)
    assert max(student.fed_) <= len(X)
    assert sum(student.fed_) == student.n_iter_ * 5 * len(X)


def test_soft_labels_are_worth_more_than_hard_ones(problem):
    X, labels, X_test, P_test = problem
    for params in ({}, {"average": True}):
        student = SGDClassifier(loss="log_loss", random_state=0, **params)
        soft = fit_soft_labels(student, X, labels)
        hard = student.fit(X, labels.hard_labels())
        losses = [soft_log_loss(P_test, each.predict_proba(X_test)) for each in (soft, hard)]
        assert losses[0] < losses[1] - 0.01
        assert soft.get_params() == student.get_params()


@pytest.mark.parametrize("negligible", [0.0, 1e-9])
def test_two_classes_have_the_optimum_of_logistic_regression(negligible):
    X, y, P = make_gaussian_classes(2000, 5, 2, class_sep=0.5, random_state=0)
    if negligible:  # labels that are all but hard make copies too, and must not change a thing
        P = np.where(np.eye(2)[y] == 1, 1 - negligible, negligible)
    labels, alpha = SoftLabels(P), 0.01
    student = SGDClassifier(loss="log_loss", alpha=alpha, random_state=0, tol=None, max_iter=30)
    best = fit_soft_labels(LogisticRegression(C=1 / (alpha * len(X)), tol=1e-8), X, labels)
    fitted = fit_soft_labels(student, X, labels)
    assert np.abs(fitted.predict_proba(X) - best.predict_proba(X)).max() < 0.02


@pytest.mark.parametrize("student", [SGDClassifier(random_state=0), Perceptron(random_state=0)])
def test_students_without_probabilities(problem, student):
    X, labels, X_test, P_test = problem
    fitted = fit_soft_labels(student, X, labels)
    bayes = P_test.max(axis=1).mean()
    assert SoftLabels(P_test).expected_accuracy(fitted.predict(X_test)) > 0.8 * bayes
    assert fitted.class_weight is None


def test_class_weights_count_mass(problem):
    X, labels, _, _ = problem
    heavy = SGDClassifier(loss="log_loss", random_state=0, class_weight={2: 50.0})
    fitted = fit_soft_labels(heavy, X, labels)
    assert fitted.class_weight == {2: 50.0}
    y = labels.hard_labels()
    assert (fitted.predict(X) == 2).mean() > 2 * (y == 2).mean()
    balanced = SGDClassifier(loss="log_loss", random_state=0, class_weight="balanced")
    assert fit_soft_labels(balanced, X, labels).class_weight == "balanced"


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("names", "class_weight"),
    [
        (["a", "b", "c"], {"a": 0.5, "b": 20.0}),
        ([1, 2, 3], {1: 0.0, 2: 3.0}),
        ([1, 2, 3], "balanced"),
        (["10", "9", "11"], "balanced"),  # scikit-learn looks for numbers
    ],
    ids=str,
)
def test_class_weights_are_those_of_ordinary_training(names, class_weight, n_classes):
    """One against the rest, a class weight applies where its class is the one, not in the rest."""
    X, y, _ = make_gaussian_classes(2000, 5, n_classes, class_sep=0.5, random_state=0)
    y = np.where(y == 0, np.arange(len(y)) % 3 // 2, y)  # unequal classes
    names = np.array(names[:n_classes])
    student = SGDClassifier(
        loss="log_loss", alpha=0.01, max_iter=40, tol=None, random_state=0,
        class_weight=class_weight,
    )  # fmt: skip
    nearly_hard = np.where(np.eye(n_classes)[y] == 1, 1 - 1e-9 * (n_classes - 1), 1e-9)
    fitted = fit_soft_labels(student, X, SoftLabels(nearly_hard, names))
    ordinary = clone(student).fit(X, names[y])
    found, expected = (each.predict_proba(X) for each in (fitted, ordinary))
    assert_array_equal(fitted.classes_, ordinary.classes_)
    assert np.abs(found - expected).mean() < 0.02


def test_plain_labels_are_ordinary_training(problem):
    X, labels, _, _ = problem
    y = labels.hard_labels()
    student = SGDClassifier(random_state=0)
    fitted = fit_soft_labels(student, X, SoftLabels.from_labels(y))
    assert_array_equal(fitted.coef_, SGDClassifier(random_state=0).fit(X, y).coef_)


def test_chunks_without_weight_are_passed_over(problem):
    X, labels, _, _ = problem
    weight = np.where(np.arange(len(X)) < 900, 0.0, 1.0)
    labels = SoftLabels(labels.proba, sample_weight=weight)
    fitted = fit_soft_labels(SGDClassifier(random_state=0, max_iter=5, tol=None), X, labels)
    assert np.isfinite(fitted.coef_).all()


def test_averages_learn_from_the_whole_expansion():
    X, _, P = make_gaussian_classes(150, 3, 3, random_state=0)
    labels = SoftLabels(P)
    student = SGDClassifier(loss="hinge", average=True, random_state=0, tol=None, max_iter=5)
    rows, y, weight = labels.expand()
    by_hand = clone(student).set_params(alpha=student.alpha / 3)
    by_hand.fit(X[rows], y, sample_weight=weight)
    assert_allclose(fit_soft_labels(student, X, labels).coef_, by_hand.coef_, rtol=1e-4)


class Fed(SGDClassifier):
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.rows_ = [*getattr(self, "rows_", []), X[:, 0].copy()]
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)


def test_each_pass_takes_the_rows_in_a_new_order(problem):
    X, labels, _, _ = problem
    student = Fed(loss="modified_huber", random_state=0, tol=None, max_iter=2)
    fed = fit_soft_labels(student, X, labels).rows_
    first, second = np.concatenate(fed[: len(fed) // 2]), np.concatenate(fed[len(fed) // 2 :])
    assert_array_equal(np.sort(first), np.sort(second))
    assert (first != second).any()


@pytest.mark.parametrize("quality", [[0, 5e-4, 6e-4, 7e-4, 8e-4, 9e-4], [0, -1, -0.5, 1, 1, 1]])
def test_it_stops_where_nothing_beats_the_best_by_tol(problem, monkeypatch, quality):
    X, labels, _, _ = problem
    values = iter(quality)
    monkeypatch.setattr("skdistill.students._chunks.fit_quality", lambda *args: next(values))
    student = SGDClassifier(loss="modified_huber", tol=1e-3, n_iter_no_change=2, max_iter=6)
    assert fit_soft_labels(student, X, labels).n_iter_ == 3


def test_classes_without_mass_are_left_out_as_by_the_expansion(problem):
    X, labels, _, _ = problem
    p = labels.proba[:, 0]
    wider = SoftLabels(np.column_stack([p, np.zeros(len(p)), 1 - p]), ["a", "b", "c"])
    fitted = fit_soft_labels(SGDClassifier(random_state=0), X, wider)
    assert_array_equal(fitted.classes_, ["a", "c"])


def test_a_chunk_without_weight_is_passed_over(problem):
    X, labels, _, _ = problem
    weight = np.where(np.arange(len(X)) < 600, 0.0, 1.0)
    sgd = Watched(loss="log_loss", random_state=0)
    fit_one_pass(sgd, X, labels.reweight_rows(weight), np.arange(len(X)), 200, {})
    assert sgd.fed_ == [1000, 1000]
