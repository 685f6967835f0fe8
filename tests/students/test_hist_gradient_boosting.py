"""Histogram boosting equals the expansion without its copies, and stops early by original rows.

Where the columns have few values, or rows have weights, the bins of both are the same, and so the
predictions, up to rounding of gradients in float32. Otherwise the border of two bins may lie at the
next value: `test_bins_of_many_values` states how much that changes.
"""

import pickle
import sys
from inspect import signature

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import _soft_loss, fit_by_expansion
from skdistill.students._soft_loss import LOSS_FAILED, fit_with_soft_loss

TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}  # of float32 gradients
SMALL = HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=7, early_stopping=False)


def problem(n_classes=3, n_rows=400, n_features=4):
    """Return rows with few values in each column, their labels, probabilities and weights."""
    X, y, P = make_gaussian_classes(n_rows, n_features, n_classes, class_sep=0.5, random_state=0)
    weight = np.random.default_rng(1).uniform(0.1, 2, size=n_rows)
    return np.round(X * 8), y, P, weight


def check_same(fitted, expected, X):
    assert_array_equal(fitted.classes_, expected.classes_)
    assert_allclose(fitted.predict_proba(X), expected.predict_proba(X), **TOLERANCE)
    assert fitted.n_iter_ == expected.n_iter_


# Against the expansion

VARIANTS = {
    "default": {},
    "small leaves": {"min_samples_leaf": 1, "l2_regularization": 0.5},
    "balanced": {"class_weight": "balanced"},
    "class weights": {"class_weight": {0: 0.2, 1: 3.0}},
    "a class of no weight": {"class_weight": {0: 0.0}},
    "interactions": {"interaction_cst": [{0, 1}, {2, 3}]},
    "some features": {"max_features": 0.5, "random_state": 0},
    "few bins": {"max_bins": 255, "max_depth": 2, "learning_rate": 0.5},
}


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_the_expansion(variant, n_classes, weighted, form, recwarn):
    X, y, P, weight = problem(n_classes)
    X[::7, 1] = X[3, :] = np.nan
    P[::5, 0] = 0  # these rows have a copy less
    labels = SoftLabels(
        form(P / P.sum(axis=1, keepdims=True)), y=y, sample_weight=weight if weighted else None
    )
    student = clone(SMALL).set_params(**VARIANTS[variant])
    fitted = fit_soft_labels(student, X, labels)
    check_same(fitted, fit_by_expansion(clone(student), X, labels), X)
    assert fitted.get_params() == student.get_params()
    assert not recwarn


@pytest.mark.parametrize("n_classes", [2, 3])
def test_monotonic_constraints(n_classes):
    X, _, P, _ = problem(n_classes)
    student = clone(SMALL).set_params(monotonic_cst=[1, 0, -1, 0])
    if n_classes > 2:
        with pytest.raises(ValueError, match="not supported for multiclass"):
            fit_soft_labels(student, X, SoftLabels(P))
        return
    fitted = fit_soft_labels(student, X, SoftLabels(P))
    check_same(fitted, fit_by_expansion(clone(student), X, SoftLabels(P)), X)
    larger = X + np.eye(4)[0]
    assert (fitted.decision_function(larger) >= fitted.decision_function(X) - 1e-9).all()


def categories(n_classes=3):
    """Return rows whose second column has three categories, missing in some rows."""
    pd = pytest.importorskip("pandas")
    X, y, P, _ = problem(n_classes)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["b"] = pd.Categorical(np.array(["x", "y", "z"])[np.digitize(X[:, 1], [-8, 8])])
    frame.loc[::9, "b"] = np.nan
    return frame, y, P


@pytest.mark.parametrize("n_classes", [2, 3])
def test_categories(n_classes):
    frame, _, P = categories(n_classes)
    student = clone(SMALL).set_params(max_depth=1)  # so that each category has enough rows
    fitted = fit_soft_labels(student, frame, SoftLabels(P))
    check_same(fitted, fit_by_expansion(clone(student), frame, SoftLabels(P)), frame)
    assert_array_equal(fitted.is_categorical_, [False, True, False, False])
    assert_array_equal(fitted.feature_names_in_, list("abcd"))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_categories_need_as_many_rows_as_in_ordinary_fits(n_classes):
    """scikit-learn ignores a category of a node with less than 10 rows; copies are no rows."""
    frame, y, _ = categories(n_classes)
    frame["a"] = (frame["a"] - frame["a"].min()) % 40
    student = clone(SMALL).set_params(categorical_features=["a", "b"], min_samples_leaf=1)
    nearly_hard = np.where(np.eye(n_classes)[y] == 1, 1 - 1e-9 * (n_classes - 1), 1e-9)
    fitted = fit_soft_labels(student, frame, SoftLabels(nearly_hard))
    assert_allclose(
        fitted.predict_proba(frame), clone(student).fit(frame, y).predict_proba(frame), atol=1e-5
    )


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_other_numbers(dtype):
    X, _, P, _ = problem()
    fitted = fit_soft_labels(SMALL, X.astype(dtype), SoftLabels(P.astype(np.float32)))
    assert_allclose(
        fitted.predict_proba(X),
        fit_soft_labels(SMALL, X, SoftLabels(P)).predict_proba(X),
        atol=1e-4,
    )


def test_bins_of_many_values():
    X, _, P = make_gaussian_classes(2000, 4, 3, class_sep=0.5, random_state=0)
    fitted = fit_soft_labels(SMALL, X, SoftLabels(P))
    expected = fit_by_expansion(clone(SMALL), X, SoftLabels(P))
    assert np.abs(fitted.predict_proba(X) - expected.predict_proba(X)).mean() < 0.01
    ordinary = clone(SMALL).fit(X, P.argmax(axis=1))
    for ours, theirs in zip(
        fitted._bin_mapper.bin_thresholds_, ordinary._bin_mapper.bin_thresholds_, strict=True
    ):
        assert_array_equal(ours, theirs)


# Against ordinary training


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_hot_rows_are_ordinary_training(n_classes, weighted):
    X, y, _, weight = problem(n_classes)
    weight = weight if weighted else None
    one_hot = SoftLabels(np.eye(n_classes)[y], sample_weight=weight)
    expected = clone(SMALL).fit(X, y, sample_weight=weight)
    fitted = fit_soft_labels(SMALL, X, one_hot)
    assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))
    by_loss = fit_with_soft_loss(clone(SMALL), X, one_hot, y)
    assert_allclose(by_loss.predict_proba(X), expected.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_what_is_left_is_an_ordinary_student(n_classes):
    X, y, P, _ = problem(n_classes)
    names = np.array(["c", "a", "b"])[:n_classes]
    fitted = fit_soft_labels(SMALL, X, SoftLabels(P, names))
    ordinary = clone(SMALL).fit(X, names[y])
    assert vars(fitted).keys() == vars(ordinary).keys()
    assert fitted.loss == "log_loss"
    assert type(fitted._loss) is type(ordinary._loss)
    assert vars(fitted._loss).keys() == vars(ordinary._loss).keys()
    assert_array_equal(fitted.classes_, sorted(names))
    assert b"skdistill" not in pickle.dumps(fitted)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_repetitions(n_classes):
    X, y, P, _ = problem(n_classes)
    times = np.random.default_rng(0).integers(1, 4, size=len(X))
    student = clone(SMALL).set_params(min_samples_leaf=1)
    weighted = fit_soft_labels(student, X, SoftLabels(P, y=y, sample_weight=times))
    rows = np.repeat(np.arange(len(X)), times)
    repeated = fit_soft_labels(student, X[rows], SoftLabels(P[rows], y=y[rows]))
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), **TOLERANCE)


def test_rows_of_weight_zero_are_not_counted():
    X, y, P, weight = problem()
    weight[::3] = 0
    P[::3] = [0, 1, 0]
    fitted = fit_soft_labels(SMALL, X, SoftLabels(P, y=y, sample_weight=weight))
    kept = weight > 0
    labels = SoftLabels(P[kept], y=y[kept], sample_weight=weight[kept])
    alone = fit_soft_labels(SMALL, X[kept], labels)
    assert_array_equal(fitted.predict_proba(X), alone.predict_proba(X))


def test_rows_that_all_weigh_nothing():
    X, _, P, weight = problem()
    with pytest.raises(ValueError, match="Every one of the 400 rows has weight zero"):
        fit_soft_labels(SMALL, X, SoftLabels(P, sample_weight=0 * weight))


# Classes that are not among the labels of rows


def test_classes_that_no_row_is_labelled_with():
    X, _, P, _ = problem(5)
    P = P * [1, 1, 1e-3, 1e-4, 0]
    labels = SoftLabels(P / P.sum(axis=1, keepdims=True))
    fitted = fit_soft_labels(SMALL, X, labels)
    assert_array_equal(fitted.classes_, [0, 1, 2, 3])
    check_same(fitted, fit_by_expansion(clone(SMALL), X, labels), X)


def test_more_classes_than_rows():
    P = np.random.default_rng(0).dirichlet(np.ones(6), size=4)
    X = np.arange(4.0)[:, None]
    fitted = fit_soft_labels(SMALL, X, SoftLabels(P))
    check_same(fitted, fit_by_expansion(clone(SMALL), X, SoftLabels(P)), X)


def test_true_labels_that_the_teacher_excludes(monkeypatch):
    """Tools that log a fit see labels of positive probability only."""
    X, y, P, _ = problem()
    P[np.arange(50), y[:50]] = 0
    labels = SoftLabels(P / P.sum(axis=1, keepdims=True), y=y)
    seen, fit = [], HistGradientBoostingClassifier.fit

    def watched(self, X, y, sample_weight=None):
        seen.append(y)
        return fit(self, X, y, sample_weight)

    monkeypatch.setattr(HistGradientBoostingClassifier, "fit", watched)
    fitted = fit_soft_labels(SMALL, X, labels)
    assert len(seen) == 1
    assert (P[np.arange(len(X)), seen[0]] > 0).all()
    assert_array_equal(seen[0][50:], y[50:])
    monkeypatch.undo()
    check_same(fitted, fit_by_expansion(clone(SMALL), X, labels), X)


# Warm start


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("max_iter", [3, 8])
def test_warm_start_continues(max_iter, n_classes, recwarn):
    X, _, P, _ = problem(n_classes)
    labels = SoftLabels(P)
    student = clone(SMALL).set_params(warm_start=True, max_iter=3, random_state=0)
    begun = fit_soft_labels(student, X, labels).set_params(max_iter=max_iter)
    fitted = fit_soft_labels(begun, X, labels)
    assert begun.n_iter_ == 3
    at_once = fit_soft_labels(clone(student).set_params(max_iter=max_iter), X, labels)
    check_same(fitted, at_once, X)
    assert not recwarn


@pytest.mark.parametrize("scoring", ["loss", "neg_log_loss"])
def test_warm_start_with_early_stopping(scoring):
    X, y, P, _ = problem()
    labels = SoftLabels(P, y=y)
    student = clone(SMALL).set_params(
        warm_start=True, early_stopping=True, max_iter=3, scoring=scoring, random_state=0
    )
    begun = fit_soft_labels(student, X, labels).set_params(max_iter=6)
    at_once = fit_soft_labels(clone(student).set_params(max_iter=6), X, labels)
    continued = fit_soft_labels(begun, X, labels)
    check_same(continued, at_once, X)
    assert_allclose(continued.train_score_, at_once.train_score_)
    assert_allclose(continued.validation_score_, at_once.validation_score_)


# Early stopping


def test_real_rows_decide_whether_auto_stops_early():
    rng = np.random.default_rng(0)
    X, P = rng.normal(size=(3500, 2)), rng.dirichlet(np.ones(4), size=3500)
    student = HistGradientBoostingClassifier(max_iter=15, n_iter_no_change=1, max_depth=2)
    fitted = fit_soft_labels(student, X, SoftLabels(P))  # 14,000 expanded rows
    assert fitted.n_iter_ == 15
    assert fitted.early_stopping == "auto"


@pytest.mark.parametrize("scoring", ["loss", "accuracy", "neg_log_loss", None])
@pytest.mark.parametrize("n_rows", [2000, 12_000])
def test_early_stopping_holds_out_original_rows_and_labels(n_rows, scoring):
    X, y, P, _ = problem(n_rows=n_rows)
    student = HistGradientBoostingClassifier(
        early_stopping=True if n_rows == 2000 else "auto",
        max_iter=100,
        max_leaf_nodes=7,
        learning_rate=0.3,
        n_iter_no_change=3,
        scoring=scoring,
        random_state=0,
    )
    labels = SoftLabels(P, y=y)
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
    assert 1 < fitted.n_iter_ < 100
    check_same(fitted, by_hand, X)
    assert_allclose(fitted.validation_score_, by_hand.validation_score_)
    if scoring == "loss":
        assert_allclose(fitted.train_score_, by_hand.train_score_, rtol=1e-6)
    assert fitted.early_stopping == student.early_stopping


@pytest.mark.filterwarnings("ignore:.*is fitted to soft labels by expansion")
@pytest.mark.parametrize("scoring", ["loss", "accuracy"])
def test_early_stopping_by_the_training_rows(scoring):
    X, _, P, weight = problem()
    student = clone(SMALL).set_params(
        early_stopping=True, validation_fraction=None, tol=0.01, max_iter=50, n_iter_no_change=2,
        scoring=scoring,
    )  # fmt: skip
    labels = SoftLabels(P, sample_weight=weight)
    rows, codes = np.nonzero(P)
    by_hand = clone(student).set_params(min_samples_leaf=20 * 3)  # copies of 20 rows
    by_hand.fit(X[rows], codes, sample_weight=(weight[:, None] * P)[rows, codes])
    fitted = fit_soft_labels(student, X, labels)
    assert 1 < fitted.n_iter_ < 50
    check_same(fitted, by_hand, X)
    assert_allclose(fitted.train_score_, by_hand.train_score_, rtol=1e-6)


def test_held_out_rows_of_ones_own(gaussian):
    X, y, p_star = gaussian
    student = HistGradientBoostingClassifier(early_stopping=True, max_iter=50, random_state=0)
    fitted = fit_soft_labels(
        student, X[:100], SoftLabels(p_star[:100], y=y[:100]), X_val=X[100:], y_val=y[100:]
    )
    assert fitted.n_iter_ <= 50
    assert len(fitted.validation_score_) == fitted.n_iter_ + 1


def test_training_rows_that_are_held_out_as_well():
    """Their loss is that of their labels, where they are the rows held out."""
    X, y, P, _ = problem()
    student = clone(SMALL).set_params(early_stopping=True)
    fitted = fit_soft_labels(student, X, SoftLabels(P, y=y), X_val=X, y_val=y)
    proba = fitted.predict_proba(X)
    hard = np.log(proba[np.arange(len(X)), y]).mean()
    assert_allclose(fitted.validation_score_[-1], hard)
    assert_allclose(fitted.train_score_[-1], (P * np.log(proba)).sum(axis=1).mean(), rtol=1e-6)


@pytest.mark.parametrize("class_weight", [None, {0: 1.0, 1: 20.0, 2: 3.0}, "balanced"], ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_held_out_weigh_as_their_class(class_weight, n_classes):
    X, y, p_star, weight = problem(n_classes, n_rows=600, n_features=5)
    P = p_star ** np.linspace(1, 3, n_classes)
    P /= P.sum(axis=1, keepdims=True)
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
    names = np.array(["a", "b", "c"])[:n_classes]  # class weights name positions
    labels = SoftLabels(P, names, y=names[y], sample_weight=weight)
    fitted = fit_soft_labels(student, X, labels)
    train, held_out = train_test_split(np.arange(600), test_size=0.1, stratify=y, random_state=0)
    rows, codes = np.nonzero(P[train])
    by_hand = (
        clone(student)
        .set_params(class_weight=None, min_samples_leaf=20 * n_classes)  # copies of 20 rows
        .fit(
            X[train][rows],
            names[codes],
            sample_weight=(weight[train, None] * P[train] * factors)[rows, codes],
            X_val=X[held_out],
            y_val=names[y[held_out]],
            sample_weight_val=weight[held_out] * factors[y[held_out]],
        )
    )
    check_same(fitted, by_hand, X)
    assert_allclose(fitted.validation_score_, by_hand.validation_score_, rtol=1e-6)
    assert fitted.get_params() == student.get_params()


STOPS = HistGradientBoostingClassifier(
    early_stopping=True, max_iter=40, validation_fraction=0.2, n_iter_no_change=3, random_state=0
)


def test_unlabelled_rows_are_trained_on_beside_labelled_rows():
    X, y, P, _ = problem()
    labels = SoftLabels(P[:100], y=y[:100]).append(SoftLabels(P[100:]))
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
    check_same(fitted, by_hand, X)


def test_unlabelled_held_out_rows_are_scored_by_soft_labels():
    """A class that is most probable in one row only could not be held out by that."""
    X, _, P, _ = problem()
    P = P * [1, 1, 0.01]
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
    check_same(fitted, by_hand, X)


# What the loss relies upon, and the fallback


@pytest.mark.parametrize("n_classes", [2, 3])
def test_relied_upon_behaviour_of_losses(n_classes):
    """If this fails, scikit-learn has changed its losses, and students are fitted by expansion."""
    X, _, P, weight = problem(n_classes)
    labels = SoftLabels(P, sample_weight=weight)
    fitted = fit_with_soft_loss(clone(SMALL), X, labels, P.argmax(axis=1))
    check_same(fitted, fit_by_expansion(clone(SMALL), X, labels), X)


class LossesUnlikeThese:
    """Ways in which scikit-learn might keep or call its losses in the future."""

    @staticmethod
    def without_the_module(monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn._loss", None)

    @staticmethod
    def with_another_constructor(monkeypatch):
        def of_labels(n_classes):
            return _loss_of_labels(n_classes)[0], {"labels": n_classes}

        _loss_of_labels = _soft_loss._loss_of_labels
        monkeypatch.setattr(_soft_loss, "_loss_of_labels", of_labels)

    @staticmethod
    def with_gradients_by_another_name(monkeypatch):
        monkeypatch.delattr(_soft_loss._SoftLoss, "gradient_hessian")

    @staticmethod
    def with_rows_in_another_order(monkeypatch):
        def check(self, y_true):
            return original(self, y_true[::-1])

        original = _soft_loss._SoftLoss._check_training_rows
        monkeypatch.setattr(_soft_loss._SoftLoss, "_check_training_rows", check)

    @staticmethod
    def with_the_loss_elsewhere(monkeypatch):
        def fit(self, *args, **kwargs):
            original(self, *args, **kwargs)
            self._loss_elsewhere = self.__dict__.pop("_loss")
            return self

        original = HistGradientBoostingClassifier.fit
        fit.__signature__ = signature(original)
        monkeypatch.setattr(HistGradientBoostingClassifier, "fit", fit)


CHANGES = [name for name in vars(LossesUnlikeThese) if name.startswith("with")]


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_where_losses_are_used_in_another_way(change, warm_start, monkeypatch):
    X, _, P, _ = problem()
    expected = fit_by_expansion(clone(SMALL), X, SoftLabels(P)).decision_function(X)
    student = clone(SMALL).set_params(warm_start=warm_start)
    getattr(LossesUnlikeThese, change)(monkeypatch)
    with pytest.raises(LOSS_FAILED):
        fit_with_soft_loss(clone(student), X, SoftLabels(P), P.argmax(axis=1))
    with pytest.warns(UserWarning, match=r"by expansion.*how this scikit-learn uses its losses"):
        fitted = fit_soft_labels(student, X, SoftLabels(P))
    assert_allclose(fitted.decision_function(X), expected)
    assert fitted.n_iter_ == 8
    assert fitted.get_params() == student.get_params()


def test_a_loss_of_ones_own_is_used_by_expansion():
    X, _, P, _ = problem()
    loss_class, arguments = _soft_loss._loss_of_labels(3)
    student = clone(SMALL).set_params(loss=loss_class(**arguments))
    with pytest.warns(UserWarning, match=r"by expansion.* takes labels only"):
        fitted = fit_soft_labels(student, X, SoftLabels(P))
    check_same(fitted, fit_by_expansion(clone(SMALL), X, SoftLabels(P)), X)


def test_errors_are_those_of_the_student():
    X, _, P, _ = problem()
    with pytest.raises(ValueError, match="'learning_rate' parameter"):
        fit_soft_labels(clone(SMALL).set_params(learning_rate=-1), X, SoftLabels(P))
    with pytest.raises(ValueError, match="not in class_weight"):
        fit_soft_labels(clone(SMALL).set_params(class_weight={"a": 1}), X, SoftLabels(P))
