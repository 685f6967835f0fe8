"""SoftLabelClassifier fits given probabilities, and works in scikit-learn's tools as documented."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    check_cv,
    cross_val_predict,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import DistilledClassifier, SoftLabelClassifier, SoftLabels, fit_soft_labels
from skdistill.metrics import soft_log_loss, soft_log_loss_scorer

LOGISTIC = LogisticRegression(max_iter=1000, tol=1e-8)


def test_it_is_fit_soft_labels(gaussian):
    X, _, p_star = gaussian
    weight = np.arange(len(X)) % 3 + 1.0
    model = SoftLabelClassifier(LOGISTIC).fit(X, p_star, sample_weight=weight)
    by_hand = fit_soft_labels(LOGISTIC, X, SoftLabels(p_star, sample_weight=weight))
    assert_array_equal(model.student_.coef_, by_hand.coef_)
    assert_array_equal(model.classes_, [0, 1, 2])


@pytest.mark.parametrize("labels", [["c", "a", "b"], [True, False]])
def test_hard_labels_are_ordinary_training(gaussian, labels):
    X, y, _ = gaussian
    y = np.array(labels)[y % len(labels)]
    model = SoftLabelClassifier(LOGISTIC).fit(X, y)
    assert_array_equal(model.student_.coef_, clone(LOGISTIC).fit(X, y).coef_)
    assert model.score(X, y) == model.student_.score(X, y)


def test_classes_name_the_columns(gaussian):
    pd = pytest.importorskip("pandas")
    X, _, p_star = gaussian
    plain = SoftLabelClassifier(LOGISTIC).fit(X, p_star)
    named = SoftLabelClassifier(LOGISTIC, classes=["z", "a", "m"]).fit(X, p_star)
    assert_array_equal(named.classes_, ["a", "m", "z"])
    assert_allclose(named.predict_proba(X), plain.predict_proba(X)[:, [1, 2, 0]], atol=1e-5)
    frame = SoftLabelClassifier(LOGISTIC).fit(X, pd.DataFrame(p_star, columns=["z", "a", "m"]))
    assert_array_equal(frame.predict(X), named.predict(X))


def test_sparse_probabilities(gaussian):
    X, _, p_star = gaussian
    dense = SoftLabelClassifier(LOGISTIC).fit(X, p_star)
    for container in (sparse.csr_array, sparse.csr_matrix, sparse.coo_array):
        model = SoftLabelClassifier(LOGISTIC).fit(X, container(p_star))
        assert_allclose(model.predict_proba(X), dense.predict_proba(X), atol=1e-8)


def test_an_all_zero_column_is_padded_not_dropped(gaussian):
    X, _, p_star = gaussian
    wider = np.column_stack([p_star[:, 0], np.zeros(len(X)), p_star[:, 1:]])
    model = SoftLabelClassifier(LOGISTIC).fit(X, wider)
    assert_array_equal(model.predict_proba(X)[:, 1], 0)
    narrow = SoftLabelClassifier(LOGISTIC).fit(X, p_star)
    assert_allclose(model.predict_proba(X)[:, [0, 2, 3]], narrow.predict_proba(X))


def test_score_is_the_expected_accuracy(gaussian):
    X, y, p_star = gaussian
    weight = np.arange(len(X)) % 3 + 1.0
    model = SoftLabelClassifier(LOGISTIC).fit(X, p_star)
    chosen = p_star[np.arange(len(X)), model.predict(X)]
    assert model.score(X, p_star) == pytest.approx(chosen.mean())
    assert model.score(X, p_star, weight) == pytest.approx(np.average(chosen, weights=weight))
    assert model.score(X, np.eye(3)[y]) == pytest.approx((model.predict(X) == y).mean())


# What works with soft y -------------------------------------------------------------------


def test_cross_val_score_and_search_with_both_scorers(gaussian):
    X, _, p_star = gaussian
    cv = KFold(3, shuffle=True, random_state=0)
    model = SoftLabelClassifier(LOGISTIC)
    scores = cross_val_score(model, X, p_star, cv=cv)
    losses = cross_val_score(model, X, p_star, cv=cv, scoring=soft_log_loss_scorer)
    for fold, (train, test) in enumerate(cv.split(X)):
        by_hand = SoftLabelClassifier(LOGISTIC).fit(X[train], p_star[train])
        assert scores[fold] == by_hand.score(X[test], p_star[test])
        loss = soft_log_loss(p_star[test], by_hand.predict_proba(X[test]))
        assert losses[fold] == pytest.approx(-loss)
    grid = {"student__C": [1e-4, 1.0, 100.0]}
    search = GridSearchCV(model, grid, cv=cv, scoring=soft_log_loss_scorer).fit(X, p_star)
    assert search.best_params_["student__C"] == 100  # exact targets want no shrinkage


def test_soft_labels_in_a_pipeline_and_a_pipeline_in_it(gaussian):
    X, _, p_star = gaussian
    around = make_pipeline(StandardScaler(), SoftLabelClassifier(LOGISTIC)).fit(X, p_star)
    inside = SoftLabelClassifier(make_pipeline(StandardScaler(), LOGISTIC)).fit(X, p_star)
    assert_allclose(around.predict_proba(X), inside.predict_proba(X), atol=1e-8)


def test_cross_val_predict_of_labels_works(gaussian):
    X, _, p_star = gaussian
    predicted = cross_val_predict(SoftLabelClassifier(LOGISTIC), X, p_star, cv=3)
    assert set(predicted) <= {0, 1, 2}


def test_routing_hands_weights_to_a_student_that_requests_them(gaussian):
    X, _, p_star = gaussian
    weight = np.arange(len(X)) % 3 + 1.0
    expected = SoftLabelClassifier(GaussianNB()).fit(X, p_star, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        routed = SoftLabelClassifier(GaussianNB().set_fit_request(sample_weight=True))
        routed.fit(X, p_star, sample_weight=weight)
    assert_allclose(routed.predict_proba(X), expected.predict_proba(X))


# What scikit-learn gets wrong with soft y: documented in the docstring, with the remedy. A
# test that fails here means that scikit-learn supports it, so that the notes can go. ------


def test_folds_are_neither_stratified_nor_shuffled(gaussian):
    _, _, p_star = gaussian
    splitter = check_cv(5, p_star, classifier=True)
    assert type(splitter) is KFold
    assert splitter.shuffle is False


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss"])
def test_scorers_by_name_raise(gaussian, scoring):
    X, _, p_star = gaussian
    with pytest.raises(ValueError):
        cross_val_score(
            SoftLabelClassifier(LOGISTIC), X, p_star, scoring=scoring, error_score="raise"
        )


def test_cross_val_predict_rejects_soft_y_and_workaround_works(gaussian):
    X, y, p_star = gaussian
    with pytest.raises(ValueError):
        cross_val_predict(SoftLabelClassifier(LOGISTIC), X, p_star, method="predict_proba", cv=3)
    remedy = cross_val_predict(
        DistilledClassifier(student=LOGISTIC, alpha=1.0, teacher_temperature=1.0),
        X,
        y,
        method="predict_proba",
        cv=KFold(3),
        params={"teacher_proba": p_star},
    )
    for train, test in KFold(3).split(X):
        by_hand = SoftLabelClassifier(LOGISTIC).fit(X[train], p_star[train])
        assert_allclose(remedy[test], by_hand.predict_proba(X[test]), atol=1e-8)


def test_score_and_scorer_respect_the_column_order(gaussian):
    pd = pytest.importorskip("pandas")
    X, _, p_star = gaussian
    plain = SoftLabelClassifier(LOGISTIC).fit(X, p_star)
    names, order = ["a", "b", "c"], [2, 0, 1]
    odd = [names[k] for k in order]
    frame = pd.DataFrame(p_star[:, order], columns=odd)
    declared = SoftLabelClassifier(LOGISTIC, classes=odd).fit(X, p_star[:, order])
    named = SoftLabelClassifier(LOGISTIC).fit(X, frame)
    for model, y in [(declared, p_star[:, order]), (named, frame), (named, p_star)]:
        assert model.score(X, y) == pytest.approx(plain.score(X, p_star))
        expected = soft_log_loss_scorer(plain, X, p_star)
        assert soft_log_loss_scorer(model, X, y) == pytest.approx(expected, rel=1e-4)
        assert soft_log_loss_scorer(make_pipeline(model), X, y) == pytest.approx(expected, rel=1e-4)
