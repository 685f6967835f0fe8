"""Explainable boosting machines on soft labels: the expansion, in bags of real rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputRegressor

from skdistill import DistilledClassifier, DistilledRegressor, SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import logit_regressor

pytest.importorskip("interpret")
from interpret.glassbox import (
    ExplainableBoostingClassifier,
    ExplainableBoostingRegressor,
)

from skdistill.students.interpret import draw_bags

SMALL = {"interactions": 0, "outer_bags": 2, "max_rounds": 20, "n_jobs": 1}


def data(n_classes, n_rows=150):
    X, y, P = make_gaussian_classes(n_rows, 3, n_classes, random_state=0)
    return X, y, P


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_fit_is_the_expansion_in_bags_of_real_rows(n_classes, weighted):
    X, _, P = data(n_classes)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(X)) if weighted else None
    soft_labels = SoftLabels(P, sample_weight=weight)
    student = ExplainableBoostingClassifier(**SMALL, min_samples_leaf=1)
    fitted = fit_soft_labels(student, X, soft_labels)
    rows, labels, weights = soft_labels.expand()
    bags = draw_bags(student, len(X))[rows]
    expected = ExplainableBoostingClassifier(**SMALL, min_samples_leaf=1)
    expected.fit(X[rows], labels, sample_weight=weights, bags=bags)
    assert_allclose(fitted.predict_proba(X), expected.predict_proba(X), rtol=1e-9)
    assert type(fitted) is ExplainableBoostingClassifier


@pytest.mark.parametrize("min_samples_leaf", [1, 5])
def test_copies_of_a_row_are_on_one_side(min_samples_leaf, monkeypatch):
    """Some rows have one label and others three, so that copies are uneven."""
    X, _, P = data(3)
    P[::2] = np.eye(3)[P[::2].argmax(axis=1)]
    seen = []
    plain = ExplainableBoostingClassifier.fit

    def fit(self, X, y, sample_weight=None, bags=None, init_score=None):
        seen.append((X, bags, self.min_samples_leaf))
        return plain(self, X, y, sample_weight, bags, init_score)

    monkeypatch.setattr(ExplainableBoostingClassifier, "fit", fit)
    student = ExplainableBoostingClassifier(**SMALL, min_samples_leaf=min_samples_leaf)
    fitted = fit_soft_labels(student, X, SoftLabels(P))
    ((rows, bags, counted),) = seen
    assert len(rows) > len(X) and bags.shape == (len(rows), 2)
    sides = {}
    for row, bag in zip(map(tuple, rows), map(tuple, bags), strict=True):
        assert sides.setdefault(row, bag) == bag
    held_out = np.mean([np.array(side) < 0 for side in sides.values()], axis=0)
    assert_allclose(held_out, 22 / 150)  # 15 %, rounded down
    assert counted == min_samples_leaf * (3 if min_samples_leaf > 1 else 1)
    assert fitted.min_samples_leaf == min_samples_leaf


def test_one_hot_labels_are_ordinary_training():
    X, y, _ = data(3)
    student = ExplainableBoostingClassifier(**SMALL)
    fitted = fit_soft_labels(student, X, SoftLabels(np.eye(3)[y]))
    assert_allclose(fitted.predict_proba(X), student.fit(X, y).predict_proba(X))


@pytest.mark.parametrize("size", [0, 0.001, 10])
def test_bags_hold_out_what_validation_size_says(size):
    student = ExplainableBoostingClassifier(outer_bags=3, validation_size=size)
    bags = draw_bags(student, 100)
    if size < 1:
        assert bags is None
    else:
        assert ((bags == -1).sum(axis=0) == 10).all() and (bags[:, 0] != bags[:, 1]).any()
        assert (bags == draw_bags(student, 100)).all()


def test_given_bags_have_a_row_for_each_original_row():
    X, _, P = data(2)
    student = ExplainableBoostingClassifier(**SMALL, min_samples_leaf=1)
    bags = np.where(np.arange(300).reshape(150, 2) % 5 == 0, -1, 1).astype(np.int8)
    fitted = fit_soft_labels(student, X, SoftLabels(P), bags=bags)
    rows, labels, weights = SoftLabels(P).expand()
    expected = ExplainableBoostingClassifier(**SMALL, min_samples_leaf=1)
    expected.fit(X[rows], labels, sample_weight=weights, bags=bags[rows])
    assert_allclose(fitted.predict_proba(X), expected.predict_proba(X), rtol=1e-9)


def test_a_classifier_is_distilled():
    X, y, _ = data(3)
    student = ExplainableBoostingClassifier(**SMALL)
    model = DistilledClassifier(LogisticRegression(), student, alpha=1.0, cv=3).fit(X, y)
    assert type(model.student_) is ExplainableBoostingClassifier
    assert model.score(X, y) > 0.5


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_regressor_on_logits(n_classes):
    X, y, _ = data(n_classes)
    inner = ExplainableBoostingRegressor(**SMALL)
    if n_classes > 2:
        with pytest.raises(ValueError, match=r"Wrap it: MultiOutputRegressor\(ExplainableBoosting"):
            fit_soft_labels(logit_regressor(inner), X, SoftLabels(np.eye(n_classes)[y]))
        inner = MultiOutputRegressor(inner)
    student = logit_regressor(inner)
    model = DistilledClassifier(LogisticRegression(), student, alpha=1.0, cv=3).fit(X, y)
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert model.score(X, y) > 0.5


def test_the_regressor_of_numbers():
    X, _, _ = data(2)
    student = ExplainableBoostingRegressor(**SMALL)
    model = DistilledRegressor(ExplainableBoostingRegressor(**SMALL), student, alpha=1.0, cv=3)
    assert model.fit(X, X[:, 0]).score(X, X[:, 0]) > 0.1
