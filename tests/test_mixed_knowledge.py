"""Labels, probabilities of some rows, and unlabelled rows with probabilities in one `fit`."""

from inspect import signature

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

import skdistill
from skdistill import DistilledClassifier, DistilledMulticlassRetriever, SoftLabels, fit_soft_labels
from skdistill.augmentation import MungeAugmenter
from skdistill.datasets import make_gaussian_classes
from skdistill.teachers import cross_val_proba

ESTIMATORS = {
    name: getattr(skdistill, name)
    for name in skdistill.__all__
    if hasattr(getattr(skdistill, name), "fit")
    and "unlabeled_proba" in signature(getattr(skdistill, name).fit).parameters
}
FOREST = ExtraTreesClassifier(10, min_samples_leaf=3, random_state=0)
NAN = np.arange(150) % 3 == 0  # rows without a prediction


def problem(name):
    """Return labelled rows, labels, out-of-fold probabilities, unlabelled rows, theirs, a model."""
    n_classes = 2 if name == "DistilledBipartiteRanker" else 3
    X, y, _ = make_gaussian_classes(350, 4, n_classes, random_state=0)
    X, y, X_elsewhere, y_elsewhere = X[:150], y[:150], X[250:], y[250:]
    more = X_elsewhere + 0.1
    model = clone(FOREST).fit(X_elsewhere, y_elsewhere)
    return X, y, cross_val_proba(FOREST, X, y), more, model.predict_proba(more), model


def scores_of(model, X):
    return model.decision_function(X)


@pytest.mark.parametrize("alpha", [0.6, 1.0])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_given_unlabeled_proba_equal_a_frozen_teacher(name, alpha):
    X, y, _, more, Q, model = problem(name)
    distilled = ESTIMATORS[name](FrozenEstimator(model), alpha=alpha)
    predicted = scores_of(clone(distilled).fit(X, y, X_unlabeled=more), X)
    given = scores_of(distilled.fit(X, y, X_unlabeled=more, unlabeled_proba=Q), X)
    assert_array_equal(given, predicted)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_both_given_need_no_teacher(name):
    X, y, P, more, Q, _ = problem(name)
    distilled = ESTIMATORS[name](FOREST, alpha=0.6, unlabeled_weight=1.0, teacher_temperature=1.0)
    cross_fitted = clone(distilled).fit(X, y, X_unlabeled=more, unlabeled_proba=Q)
    given = distilled.fit(X, y, teacher_proba=P, X_unlabeled=more, unlabeled_proba=Q)
    assert_array_equal(scores_of(given, X), scores_of(cross_fitted, X))


@pytest.mark.parametrize("auto", [False, True])
def test_the_mixture_is_the_one_by_hand(auto):
    X, y, P, more, Q, _ = problem("DistilledClassifier")
    missing = np.where(NAN[:, None], np.nan, P)
    weights = ("auto", "auto") if auto else (0.6, 0.3)
    model = DistilledClassifier(
        alpha=weights[0], teacher_temperature=1.0, unlabeled_weight=weights[1]
    )
    model.fit(X, y, teacher_proba=missing, X_unlabeled=more, unlabeled_proba=Q)
    temperature = model.teacher_temperature_
    one_hot = np.eye(3)[y]
    tempered = SoftLabels(P, y=y).soften(temperature, alpha=model.alpha_).proba
    targets = np.where(NAN[:, None], one_hot, tempered)
    rows = np.vstack([X, more])
    targets = np.vstack([targets, SoftLabels(Q).temper(temperature).proba])
    weight = np.r_[np.ones(150), np.full(100, model.unlabeled_weight_)]
    expected = fit_soft_labels(
        LogisticRegression(), rows, SoftLabels(targets, sample_weight=weight)
    )
    assert_allclose(model.student_.coef_, expected.coef_, rtol=1e-10)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_rows_of_nan_do_not_count_in_scores_and_temperature(name):
    X, y, P, *_ = problem(name)
    missing = np.where(NAN[:, None], np.nan, P)
    distilled = ESTIMATORS[name](alpha=0.6, teacher_temperature="auto")
    model = clone(distilled).fit(X, y, teacher_proba=missing)
    known = clone(distilled).fit(X[~NAN], y[~NAN], teacher_proba=P[~NAN])
    assert model.teacher_temperature_ == known.teacher_temperature_
    assert model.teacher_scores_ == known.teacher_scores_


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_row_given_equals_no_missing_rows(name):
    X, y, P, *_ = problem(name)
    none = np.where((np.arange(150) < 0)[:, None], np.nan, P)
    distilled = ESTIMATORS[name](alpha=0.6)
    expected = scores_of(clone(distilled).fit(X, y, teacher_proba=P), X)
    assert_array_equal(scores_of(distilled.fit(X, y, teacher_proba=none), X), expected)


def test_one_number_per_row_and_dataframes_may_be_missing():
    X, y, P, *_ = problem("DistilledBipartiteRanker")
    missing = np.where(NAN[:, None], np.nan, P)
    model = DistilledClassifier(alpha=0.6, teacher_temperature=1.0)
    expected = clone(model).fit(X, y, teacher_proba=missing).student_.coef_
    forms = [missing[:, 1], missing[:, [1]], pd.DataFrame(missing[:, ::-1], columns=[1, 0])]
    for form in forms:
        coef = clone(model).fit(X, y, teacher_proba=form).student_.coef_
        assert_allclose(coef, expected, rtol=1e-10)


def test_labels_and_probabilities_of_different_rows_only():
    X, y, P, more, Q, _ = problem("DistilledClassifier")
    nothing = np.full(P.shape, np.nan)
    model = DistilledClassifier(alpha=0.5, unlabeled_weight=0.5)
    with pytest.warns(UserWarning, match="every row of teacher_proba is NaN; 1.0 is used"):
        model.fit(X, y, teacher_proba=nothing, X_unlabeled=more, unlabeled_proba=Q)
    assert model.teacher_temperature_ == 1.0
    assert model.teacher_scores_ is None
    targets = SoftLabels(
        np.vstack([np.eye(3)[y], Q]), sample_weight=np.r_[np.ones(150), np.full(100, 0.5)]
    )
    expected = fit_soft_labels(LogisticRegression(), np.vstack([X, more]), targets)
    assert_allclose(model.student_.coef_, expected.coef_, rtol=1e-10)


def test_alpha_is_chosen_on_labels_where_no_row_has_both():
    X, y, P, more, Q, _ = problem("DistilledClassifier")
    nothing = np.full(P.shape, np.nan)
    model = DistilledClassifier()
    model.fit(X, y, teacher_proba=nothing, X_unlabeled=more, unlabeled_proba=Q)
    candidates = [each[:2] for each in model.alpha_curve_.candidates]
    assert candidates[:3] == [(0, 0), (0, 1), (0, 0.2)]
    assert (model.alpha_, model.unlabeled_weight_) in candidates


def test_marginals_of_unlabelled_rows():
    X, y, P, more, Q, _ = problem("DistilledMulticlassRetriever")
    Y = np.eye(3, dtype=int)[y]
    model = DistilledMulticlassRetriever(alpha=0.6)
    dense = clone(model).fit(X, Y, teacher_proba=P, X_unlabeled=more, unlabeled_proba=Q)
    sparse_rows = sparse.csr_array(Q)
    other = model.fit(X, Y, teacher_proba=P, X_unlabeled=more, unlabeled_proba=sparse_rows)
    assert_allclose(scores_of(other, X), scores_of(dense, X))
    with pytest.raises(ValueError, match="one column for each of the 3 labels"):
        model.fit(X, Y, teacher_proba=P, X_unlabeled=more, unlabeled_proba=Q[:, :2])


def test_a_search_cuts_missing_rows_to_each_split():
    X, y, P, *_ = problem("DistilledClassifier")
    missing = np.where(NAN[:, None], np.nan, P)
    search = GridSearchCV(DistilledClassifier(), {"alpha": [0.2, 0.8]}, cv=3)
    search.fit(X, y, teacher_proba=missing)
    best = DistilledClassifier(**search.best_params_).fit(X, y, teacher_proba=missing)
    assert_array_equal(search.best_estimator_.student_.coef_, best.student_.coef_)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_bad_mixtures_are_refused(name):
    X, y, P, more, Q, _ = problem(name)

    def fails(match, estimator=None, **fit):
        with pytest.raises(ValueError, match=match):
            (estimator or ESTIMATORS[name](FOREST, alpha=0.5)).fit(X, y, **fit)

    partly = P.copy()
    partly[7, 0] = np.nan
    fails("NaN in some columns of 1 rows, the first is row 7", teacher_proba=partly)
    fails("X_unlabeled, which is not given", unlabeled_proba=Q)
    fails("unlabeled_proba has 99 rows, but X_unlabeled has 100", X_unlabeled=more,
          unlabeled_proba=Q[:99])  # fmt: skip
    fails("unlabeled_proba holds NaN", X_unlabeled=more, unlabeled_proba=Q * np.nan)
    fails("unlabeled_proba has .* columns but there are", X_unlabeled=more,
          unlabeled_proba=np.full((100, 5), 0.2))  # fmt: skip
    fails(r"augmenter=MungeAugmenter.* samples rows", X_unlabeled=more, unlabeled_proba=Q,
          estimator=ESTIMATORS[name](FOREST, augmenter=MungeAugmenter()))  # fmt: skip
    fails("every row of teacher_proba is NaN", teacher_proba=np.full(P.shape, np.nan))
