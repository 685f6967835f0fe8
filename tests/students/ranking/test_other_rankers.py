"""Rankers work through the registry, in Pipelines, and with any regressor."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skdistill import SoftLabels
from skdistill.students.ranking import fit_ranker, register
from skdistill.students.ranking._pairs import PairwiseRisk
from skdistill.students.ranking._registry import resolve_ranking_fitter
from skdistill.students.ranking.linear import fit_linear
from skdistill.students.ranking.regression import fit_newton_step


def problem(n=400, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    p = expit(X @ [1.0, -1.0, 0.5, 0.0] - 1)
    y = (rng.random(n) < p).astype(int)
    return X, SoftLabels(np.column_stack([1 - p, p]), y=y, sample_weight=rng.random(n) + 0.5)


class Remembering(Ridge):
    """A regressor that keeps what it was fitted to."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = y, sample_weight
        return super().fit(X, y, sample_weight)


def test_a_regressor_learns_the_newton_step_from_equal_scores():
    X, labels = problem()
    target, weight = fit_ranker(Remembering(), X, labels).seen_
    risk = PairwiseRisk(labels.proba[:, 1], labels.weight, "logistic")
    _, gradient = risk.loss_and_gradient(np.zeros(400))
    # The diagonal with a row's pair with itself, which weighs next to nothing among 400.
    hessian = risk.hessian_diagonal(np.zeros(400))
    assert_allclose(target, -gradient / hessian, rtol=0.02)
    assert_allclose(weight / weight.sum(), hessian / hessian.sum(), rtol=0.02)
    assert np.average(weight / labels.weight, weights=labels.weight) == pytest.approx(1)


@pytest.mark.parametrize("student", [Ridge(), DecisionTreeRegressor(), RandomForestRegressor(20)])
def test_regressors_rank(student):
    X, labels = problem()
    fitted = fit_ranker(student, X, labels)
    y = labels.codes
    assert roc_auc_score(y, fitted.predict(X)) > roc_auc_score(y, labels.proba[:, 1]) - 0.03


def test_targets_are_monotone_in_probability_and_bounded():
    X, _ = problem()
    p = np.linspace(0, 1, 400)
    target, _ = fit_ranker(Remembering(), X, SoftLabels(np.column_stack([1 - p, p]))).seen_
    assert (np.diff(target) > 0).all()
    assert_allclose(target[[0, -1]], [-2, 2])


def test_weights_are_repeated_rows():
    X, labels = problem()
    weight = np.arange(400) % 3
    rows = np.repeat(np.arange(400), weight)
    weighted = fit_ranker(Ridge(), X, SoftLabels(labels.proba, sample_weight=weight))
    repeated = fit_ranker(Ridge(), X[rows], SoftLabels(labels.proba[rows]))
    assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8)


def test_a_regressor_without_weights():
    X, labels = problem()
    even = SoftLabels(labels.proba)
    fitted = fit_ranker(KNeighborsRegressor(20), X, even)
    assert roc_auc_score(labels.codes, fitted.predict(X)) > 0.7
    with pytest.raises(ValueError, match="takes no sample_weight, but the row weights differ"):
        fit_ranker(KNeighborsRegressor(20), X, labels)


def test_a_pipeline_is_its_steps_by_hand():
    X, labels = problem()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=1e-8))
    fitted = fit_ranker(pipeline, X, labels, "squared_hinge")
    by_hand = fit_ranker(pipeline[-1], StandardScaler().fit_transform(X), labels, "squared_hinge")
    assert_allclose(fitted[-1].coef_, by_hand.coef_)
    assert type(fitted[-1]) is LogisticRegression
    assert not hasattr(pipeline[-1], "coef_")
    other = fit_ranker(pipeline, X, labels, "exponential")
    assert np.abs(other[-1].coef_ - fitted[-1].coef_).max() > 0.01


def test_steps_that_select_features_see_labels():
    X, labels = problem()
    pipeline = make_pipeline(SelectKBest(f_classif, k=3), Ridge())
    fitted = fit_ranker(pipeline, X, labels)
    assert list(fitted[0].get_support()) == [True, True, True, False]
    assert fitted.predict(X).shape == (400,)


def test_resolved_ranking_fitter_of_each_class():
    class KeepsFit(LogisticRegression):
        pass

    assert resolve_ranking_fitter(KeepsFit()) is fit_linear
    assert resolve_ranking_fitter(Ridge()) is fit_newton_step
    for classifier in (RandomForestClassifier(), LogisticRegressionCV()):
        with pytest.raises(TypeError, match=r"cannot be fitted to rank by pairs.*Distilled"):
            resolve_ranking_fitter(classifier)
    X, labels = problem()
    with pytest.raises(TypeError, match="RandomForestClassifier"):
        fit_ranker(make_pipeline(StandardScaler(), RandomForestClassifier()), X, labels)


@pytest.mark.usefixtures("own_students")
def test_a_student_of_ones_own():
    class Constant(Ridge):
        pass

    @register(Constant)
    def fit_nothing(student, X, soft_labels, surrogate):
        student.coef_, student.intercept_ = np.zeros(X.shape[1]), 0.0
        return student

    Constant.fit = lambda self, X, y: self
    X, labels = problem()
    assert not fit_ranker(Constant(), X, labels).predict(X).any()


def test_what_does_not_fit_together():
    X, labels = problem()
    with pytest.raises(ValueError, match="X has 50 rows but there are soft labels for 400"):
        fit_ranker(Ridge(), X[:50], labels)
    with pytest.raises(ValueError, match=r"surrogate must be one of \('logistic'.*'log'"):
        fit_ranker(Ridge(), X, labels, "log")
