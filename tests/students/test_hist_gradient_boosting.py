"""Histogram boosting equals the expansion, and stops early by original rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import fit_by_expansion


def test_without_early_stopping_it_is_the_expansion(gaussian):
    X, y, p_star = gaussian
    student = HistGradientBoostingClassifier(max_iter=5)
    labels = SoftLabels(p_star, y=y)
    fitted = fit_soft_labels(student, X, labels)
    assert_array_equal(
        fitted.predict_proba(X), fit_by_expansion(clone(student), X, labels).predict_proba(X)
    )


def test_real_rows_decide_whether_auto_stops_early():
    rng = np.random.default_rng(0)
    X, P = rng.normal(size=(3500, 2)), rng.dirichlet(np.ones(4), size=3500)
    student = HistGradientBoostingClassifier(max_iter=15, n_iter_no_change=1, max_depth=2)
    fitted = fit_soft_labels(student, X, SoftLabels(P))  # 14,000 expanded rows
    assert fitted.n_iter_ == 15
    assert fitted.early_stopping == "auto"


@pytest.mark.parametrize("n_rows", [2000, 12_000])
def test_early_stopping_holds_out_original_rows_and_labels(n_rows):
    X, y, p_star = make_gaussian_classes(n_rows, 5, 3, class_sep=0.5, random_state=0)
    student = HistGradientBoostingClassifier(
        early_stopping=True if n_rows == 2000 else "auto",
        max_iter=200,
        learning_rate=0.3,
        n_iter_no_change=3,
        random_state=0,
    )
    labels = SoftLabels(p_star, y=y)
    fitted = fit_soft_labels(student, X, labels)
    train, held_out = train_test_split(np.arange(n_rows), test_size=0.1, stratify=y, random_state=0)
    rows, expanded, weight = labels.take(train).expand()
    by_hand = clone(student).set_params(min_samples_leaf=20 * 3)  # copies of 20 rows
    by_hand.fit(
        X[train][rows],
        expanded,
        sample_weight=weight,
        X_val=X[held_out],
        y_val=y[held_out],
        sample_weight_val=np.ones(len(held_out)),
    )
    assert fitted.n_iter_ == by_hand.n_iter_
    assert 1 < fitted.n_iter_ < 200
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X))
    assert fitted.early_stopping == student.early_stopping


def test_held_out_rows_of_ones_own(gaussian):
    X, y, p_star = gaussian
    student = HistGradientBoostingClassifier(early_stopping=True, max_iter=50, random_state=0)
    fitted = fit_soft_labels(
        student, X[:100], SoftLabels(p_star[:100], y=y[:100]), X_val=X[100:], y_val=y[100:]
    )
    assert fitted.n_iter_ <= 50
    assert len(fitted.validation_score_) == fitted.n_iter_ + 1


@pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 20.0, 2: 3.0}, "balanced"], ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_held_out_weigh_as_their_class(class_weight, n_classes):
    X, y, p_star = make_gaussian_classes(600, 5, n_classes, class_sep=0.3, random_state=0)
    P = p_star ** np.linspace(1, 3, n_classes)
    P /= P.sum(axis=1, keepdims=True)
    weight = np.random.default_rng(0).random(600) + 0.5
    if isinstance(class_weight, dict):
        class_weight = {label: class_weight[label] for label in range(n_classes)}
        factors = np.array(list(class_weight.values()))
    else:
        mass = weight @ P
        factors = mass.sum() / (n_classes * mass) if class_weight else np.ones(n_classes)
    student = HistGradientBoostingClassifier(
        early_stopping=True, max_iter=60, class_weight=class_weight, max_leaf_nodes=7,
        n_iter_no_change=3, random_state=0,
    )  # fmt: skip
    labels = SoftLabels(P, y=y, sample_weight=weight)
    fitted = fit_soft_labels(student, X, labels)
    train, held_out = train_test_split(np.arange(600), test_size=0.1, stratify=y, random_state=0)
    rows, codes = np.nonzero(P[train])
    by_hand = (
        clone(student)
        .set_params(class_weight=None, min_samples_leaf=20 * n_classes)  # copies of 20 rows
        .fit(
            X[train][rows],
            codes,
            sample_weight=(weight[train, None] * P[train] * factors)[rows, codes],
            X_val=X[held_out],
            y_val=y[held_out],
            sample_weight_val=weight[held_out] * factors[y[held_out]],
        )
    )
    assert fitted.n_iter_ == by_hand.n_iter_
    assert_allclose(fitted.validation_score_, by_hand.validation_score_)
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X))
    assert fitted.get_params() == student.get_params()


STOPS = HistGradientBoostingClassifier(
    early_stopping=True, max_iter=40, validation_fraction=0.2, n_iter_no_change=3, random_state=0
)


def test_unlabelled_rows_are_trained_on_beside_labelled_rows(gaussian):
    X, y, p_star = gaussian
    labels = SoftLabels(p_star[:100], y=y[:100]).append(SoftLabels(p_star[100:]))
    fitted = fit_soft_labels(STOPS, X, labels)
    train, held_out = train_test_split(
        np.arange(100), test_size=0.2, stratify=y[:100], random_state=0
    )
    train = np.r_[train, 100 : len(X)]
    rows, copies, weight = labels.take(train).expand()
    by_hand = clone(STOPS).set_params(min_samples_leaf=20 * 3).fit(  # copies of 20 rows
        X[train][rows], copies, weight, X_val=X[held_out], y_val=y[held_out],
        sample_weight_val=np.ones(len(held_out)),
    )  # fmt: skip
    assert_allclose(fitted.validation_score_, by_hand.validation_score_)
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X))


def test_unlabelled_held_out_rows_are_scored_by_soft_labels(gaussian):
    """A class that is most probable in one row only could not be held out by that."""
    X, _, p_star = gaussian
    P = p_star * [1, 1, 0.01]
    P[0] = [0.1, 0.1, 0.8]
    labels = SoftLabels(P / P.sum(axis=1, keepdims=True))
    fitted = fit_soft_labels(STOPS, X, labels)
    train, held_out = train_test_split(np.arange(len(X)), test_size=0.2, random_state=0)
    rows, copies, weight = labels.take(train).expand()
    of_held_out, y_val, weight_val = labels.take(held_out).expand()
    by_hand = clone(STOPS).set_params(min_samples_leaf=20 * 3).fit(  # copies of 20 rows
        X[train][rows], copies, weight,
        X_val=X[held_out][of_held_out], y_val=y_val, sample_weight_val=weight_val,
    )  # fmt: skip
    assert_allclose(fitted.validation_score_, by_hand.validation_score_)
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X))
