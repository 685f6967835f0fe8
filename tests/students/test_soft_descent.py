"""Descent without copies: the steps of hard labels, with the expected gradients of soft ones."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import _soft_descent
from skdistill.students._class_weight import class_weights
from skdistill.students._soft_descent import (
    REGRESSORS,
    SoftLogLoss,
    SoftSquaredError,
    fit_by_regressions,
    log_loss_takes_probabilities,
)

N_ROWS = 200
rng = np.random.default_rng(0)
X, Y, P = make_gaussian_classes(N_ROWS, 4, 3, class_sep=0.5, random_state=0)
PROBA = {3: P, 2: P[:, :2] / P[:, :2].sum(axis=1, keepdims=True)}
WEIGHT = rng.uniform(0.1, 2, N_ROWS)
# Fixed steps in the order of the rows, whose end can be calculated by hand.
STEPS = {"shuffle": False, "tol": None, "max_iter": 3, "learning_rate": "constant", "eta0": 0.05}


def descend(proba, weight, student, factors):
    """Return coefficients and intercepts after fixed steps, by a loop over rows and labels."""
    n_classes = proba.shape[1]
    coefs, intercepts = [], []
    for k in range(n_classes) if n_classes > 2 else [1]:
        coef, intercept = np.zeros(X.shape[1]), 0.0
        of_rest = factors[0] if n_classes == 2 else 1.0
        for row, p, w in list(zip(X, proba[:, k], weight, strict=True)) * student.max_iter:
            f = row @ coef + intercept
            gradient = 0.0
            for is_class, label_weight in ((True, factors[k] * p), (False, of_rest * (1 - p))):
                if student.loss == "log_loss":
                    of_label = 1 / (1 + np.exp(-f)) - is_class
                else:
                    of_label = f - (1 if is_class else -1)
                gradient += w * label_weight * of_label
            coef = coef * (1 - student.eta0 * student.alpha) - student.eta0 * gradient * row
            intercept -= student.eta0 * gradient
        coefs.append(coef)
        intercepts.append(intercept)
    return np.array(coefs), np.array(intercepts)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 1: 0.5}], ids=str)
@pytest.mark.parametrize("loss", REGRESSORS)
def test_steps_are_those_of_the_expected_gradient(loss, class_weight, n_classes):
    soft_labels = SoftLabels(PROBA[n_classes], sample_weight=WEIGHT)
    student = SGDClassifier(loss=loss, alpha=0.1, class_weight=class_weight, **STEPS)
    fitted = fit_soft_labels(student, X, soft_labels)
    factors = class_weights(class_weight, soft_labels)
    coef, intercept = descend(PROBA[n_classes], WEIGHT, student, factors)
    assert_allclose(fitted.coef_, coef, rtol=1e-8, atol=1e-12)
    assert_allclose(fitted.intercept_, intercept, rtol=1e-8, atol=1e-12)
    assert fitted.get_params() == student.get_params()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", REGRESSORS)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"average": True},
        {"average": 150},
        {"class_weight": "balanced"},
        {"penalty": "l1", "alpha": 0.01},
        {"penalty": "elasticnet", "fit_intercept": False},
        {"learning_rate": "adaptive", "eta0": 0.1, "n_iter_no_change": 2},
        {"learning_rate": "invscaling", "eta0": 0.1, "tol": None, "max_iter": 4},
    ],
    ids=str,
)
def test_one_hot_rows_are_ordinary_training(params, loss, n_classes):
    """In the order of the rows; else the order is as random, but another one."""
    student = SGDClassifier(loss=loss, shuffle=False, random_state=0)
    student.set_params(**{"alpha": 0.02, **params})
    y = Y % n_classes
    labels = SoftLabels.from_labels(y, sample_weight=WEIGHT)
    factors = class_weights(student.class_weight, labels)
    if student.class_weight == "balanced":  # scikit-learn counts rows without their weights
        labels = SoftLabels.from_labels(y)
        factors = class_weights("balanced", labels)
    ordinary = clone(student).fit(X, y, sample_weight=labels.weight)
    found = fit_by_regressions(clone(student), X, labels, factors)
    assert (found.n_iter_, found.t_) == (ordinary.n_iter_, ordinary.t_)
    assert vars(found).keys() - {"n_features_in_"} == vars(ordinary).keys() - {"n_features_in_"}
    assert_allclose(found.coef_, ordinary.coef_, rtol=1e-7, atol=1e-10)
    assert_allclose(found.intercept_, ordinary.intercept_, rtol=1e-7, atol=1e-10)
    if n_classes == 2 and student.average:
        return  # with averages scikit-learn forgets the intercept of two classes; ours stays
    # A stream goes on from it as from ordinary training.
    for each in (found, ordinary):
        each.set_params(class_weight=None).partial_fit(X[:50], y[:50])
    assert_allclose(found.coef_, ordinary.coef_, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_repetitions(n_classes):
    """Steps of a row twice as heavy are twice as long: the same but for the square of a step."""
    times = np.arange(N_ROWS) % 3 + 1
    student = SGDClassifier(loss="log_loss", alpha=0.01, **{**STEPS, "eta0": 1e-4})
    labels = SoftLabels(PROBA[n_classes], sample_weight=times)
    weighted = fit_soft_labels(student.set_params(alpha=0.0), X, labels)
    repeated = SoftLabels(np.repeat(PROBA[n_classes], times, axis=0))
    by_hand = fit_soft_labels(student, np.repeat(X, times, axis=0), repeated)
    assert_allclose(weighted.coef_, by_hand.coef_, rtol=0.01, atol=1e-5)


def test_both_kinds_of_sparse_arrays_are_taken():
    student = SGDClassifier(loss="log_loss", alpha=0.1, **STEPS)
    coarse = np.where(P > 0.2, P, 0)
    coarse /= coarse.sum(axis=1, keepdims=True)
    dense = fit_soft_labels(student, X, SoftLabels(coarse))
    sparse_proba = fit_soft_labels(student, X, SoftLabels(sparse.csr_array(coarse)))
    assert_allclose(sparse_proba.coef_, dense.coef_)
    # Intercepts of sparse rows take smaller steps in scikit-learn.
    student.set_params(fit_intercept=False)
    both = [fit_soft_labels(student, rows, SoftLabels(coarse)) for rows in (X, sparse.csr_array(X))]
    assert_allclose(both[1].coef_, both[0].coef_)


def test_single_precision_stays():
    student = SGDClassifier(loss="log_loss", alpha=0.1, **STEPS)
    fitted = fit_soft_labels(student, X.astype(np.float32), SoftLabels(P))
    assert fitted.coef_.dtype == np.float32
    assert_allclose(fitted.coef_, fit_soft_labels(student, X, SoftLabels(P)).coef_, atol=1e-4)


@pytest.mark.parametrize("loss", REGRESSORS)
def test_early_stopping_scores_held_out_rows_by_soft_labels(loss, monkeypatch):
    scores = []

    def recorded(regressor, rows, target, sample_weight=None):
        scores.append(score(regressor, rows, target, sample_weight))
        p = (target + 1) / 2 if loss == "squared_error" else target
        right = np.where(rows @ regressor.coef_.ravel() + regressor.intercept_ > 0, p, 1 - p)
        assert scores[-1] == pytest.approx(np.average(right, weights=sample_weight))
        assert len(rows) == 0.3 * N_ROWS
        return scores[-1]

    score = SoftSquaredError.score
    monkeypatch.setattr(SoftSquaredError, "score", recorded)
    student = SGDClassifier(
        loss=loss, alpha=0.1, early_stopping=True, validation_fraction=0.3, random_state=0
    )
    fitted = fit_soft_labels(student, X, SoftLabels(P, sample_weight=WEIGHT))
    assert fitted.early_stopping is True
    assert 6 <= fitted.n_iter_ < 1000
    assert len(scores) > 6


def test_training_goes_on_from_a_fitted_student():
    student = SGDClassifier(loss="log_loss", alpha=0.1, warm_start=True, **STEPS)
    once = fit_soft_labels(student, X, SoftLabels(P))
    again = fit_soft_labels(once, X, SoftLabels(P))
    longer = fit_soft_labels(clone(student).set_params(max_iter=6), X, SoftLabels(P))
    assert_allclose(again.coef_, longer.coef_)
    given = fit_soft_labels(
        clone(student), X, SoftLabels(P), coef_init=once.coef_, intercept_init=once.intercept_
    )
    assert_allclose(given.coef_, longer.coef_)
    with pytest.raises(ValueError, match=r"coef_init has the shape \(2, 4\)"):
        fit_soft_labels(clone(student), X, SoftLabels(P), coef_init=once.coef_[:2])


def test_jobs_and_seeds_do_not_change_each_other():
    student = SGDClassifier(loss="log_loss", random_state=0, alpha=0.01)
    one, two = (fit_soft_labels(student.set_params(n_jobs=n), X, SoftLabels(P)) for n in (1, 2))
    assert_array_equal(one.coef_, two.coef_)
    assert (fit_soft_labels(student.set_params(random_state=1), X, SoftLabels(P)).coef_
            != one.coef_).any()  # fmt: skip


def test_there_is_one_warning_for_all_classes():
    student = SGDClassifier(loss="log_loss", max_iter=2, tol=1e-9, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit_soft_labels(student, X, SoftLabels(P))
    assert [each.category for each in caught] == [ConvergenceWarning]


def test_a_class_of_weight_zero_is_learnt_as_the_rest():
    student = SGDClassifier(loss="log_loss", class_weight={0: 0.0}, **STEPS)
    certain = np.vstack([P, np.eye(3)[:1]])
    fitted = fit_soft_labels(student, np.vstack([X, X[:1]]), SoftLabels(certain))
    assert np.isfinite(fitted.coef_).all()
    assert (fitted.decision_function(X)[:, 0] < 0).all()


def test_relied_upon_behaviour_of_losses():
    """If this fails, SGD students are fitted by expansion, with a warning."""
    assert log_loss_takes_probabilities()
    one = SoftSquaredError(
        penalty=None, fit_intercept=False, max_iter=1, tol=None, learning_rate="constant", eta0=1.0
    ).fit([[1.0]], [0.5])
    assert one.coef_ == pytest.approx(0.5)
    averaged = SGDClassifier(average=True, max_iter=1, tol=None).fit(X, Y)
    assert set(_soft_descent.AVERAGES) <= vars(averaged).keys()
    assert set(_soft_descent.AVERAGES) <= vars(SoftLogLoss(average=True).fit(X, P[:, 0])).keys()


@pytest.mark.parametrize("losses", [{}, {"squared_error": ()}, "those of squared error"], ids=str)
def test_where_losses_are_used_in_another_way(losses, monkeypatch):
    if isinstance(losses, str):
        losses = SoftSquaredError.loss_functions
    monkeypatch.setattr(SoftLogLoss, "loss_functions", losses)
    log_loss_takes_probabilities.cache_clear()
    try:
        student = SGDClassifier(loss="log_loss", alpha=0.01, random_state=0)
        with pytest.warns(UserWarning, match="uses its log-loss. Please report it"):
            expanded = fit_soft_labels(student, X, SoftLabels(P))
    finally:
        monkeypatch.undo()
        log_loss_takes_probabilities.cache_clear()
    fitted = fit_soft_labels(student, X, SoftLabels(P))
    assert np.abs(expanded.predict_proba(X) - fitted.predict_proba(X)).mean() < 0.02


@pytest.mark.parametrize("loss", ["hinge", "modified_huber"])
def test_other_losses_are_fitted_by_expansion(loss, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("no regression has this loss")

    monkeypatch.setattr("skdistill.students.stochastic.fit_by_regressions", refuse)
    student = SGDClassifier(loss=loss, max_iter=2, tol=None)
    fit_soft_labels(student, X, SoftLabels(P))
    with pytest.raises(ValueError, match="set early_stopping=False"):
        fit_soft_labels(student.set_params(early_stopping=True), X, SoftLabels(P))
