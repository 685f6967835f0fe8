"""Regressors as students are fitted to probabilities or logits, and predict probabilities."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skdistill import DistilledClassifier, SoftLabelClassifier, SoftLabels, fit_soft_labels
from skdistill.objectives import centred_logits, project_onto_simplex
from skdistill.students import logit_regressor
from skdistill.students._predictions import proba_of_numbers


@pytest.mark.parametrize("student", [Ridge(), KNeighborsRegressor(), LinearRegression()])
def test_a_regressor_learns_the_probabilities(student, gaussian):
    X, _, p_star = gaussian
    model = SoftLabelClassifier(student).fit(X, p_star)
    raw = student.fit(X, p_star).predict(X)
    assert_array_equal(model.student_.predict(X), raw)
    assert_allclose(model.predict_proba(X), project_onto_simplex(raw))
    assert_array_equal(model.predict(X), project_onto_simplex(raw).argmax(axis=1))


@pytest.mark.parametrize("student", [SVR(), GradientBoostingRegressor(n_estimators=3)])
def test_two_classes_make_one_target_for_any_regressor(student, gaussian):
    X, _, p_star = gaussian
    p = np.column_stack([1 - p_star[:, 0], p_star[:, 0]])
    model = SoftLabelClassifier(student, classes=["no", "yes"]).fit(X, p)
    raw = student.fit(X, p[:, 1]).predict(X)
    assert_allclose(model.predict_proba(X)[:, 1], np.clip(raw, 0, 1))
    assert_array_equal(model.predict(X), np.where(np.clip(raw, 0, 1) > 0.5, "yes", "no"))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_linear_student_of_logits_finds_the_bayes_logits(gaussian, n_classes):
    X, _, p_star = gaussian  # the log-odds of Gaussian classes are linear in x
    if n_classes == 2:
        p_star = p_star[:, :2] / p_star[:, :2].sum(axis=1, keepdims=True)
    model = SoftLabelClassifier(logit_regressor(LinearRegression())).fit(X, p_star)
    assert isinstance(model.student_, TransformedTargetRegressor)
    assert_allclose(model.predict_proba(X), p_star, atol=1e-7)
    expected = centred_logits(p_star if n_classes == 3 else p_star[:, 1])
    assert_allclose(model.student_.regressor_.predict(X).reshape(expected.shape), expected)


def test_weights_reach_a_regressor_that_takes_them(gaussian):
    X, _, p_star = gaussian
    weight = np.arange(len(X)) % 3 + 1.0
    labels = SoftLabels(p_star, sample_weight=weight)
    for student in (Ridge(), logit_regressor(Ridge()), MultiOutputRegressor(Ridge())):
        target = centred_logits(p_star) if hasattr(student, "func") else p_star
        expected = Ridge().fit(X, target, sample_weight=weight).predict(X)
        fitted = fit_soft_labels(student, X, labels)
        inner = getattr(fitted, "regressor_", fitted)
        assert_allclose(inner.predict(X), expected)


def test_unsupported_regressor_weights_refused_unless_constant(gaussian):
    X, _, p_star = gaussian
    fit_soft_labels(KNeighborsRegressor(), X, SoftLabels(p_star, sample_weight=[2.0] * len(X)))
    with pytest.raises(ValueError, match="takes no sample_weight, but the row weights differ"):
        weight = np.r_[2, np.ones(len(X) - 1)]
        fit_soft_labels(KNeighborsRegressor(), X, SoftLabels(p_star, sample_weight=weight))


def test_one_column_regressor_error_gives_a_remedy(gaussian):
    X, _, p_star = gaussian
    with pytest.raises(ValueError, match=r"3 columns.* MultiOutputRegressor\(SVR\(...\)\)"):
        fit_soft_labels(SVR(), X, SoftLabels(p_star))
    fit_soft_labels(MultiOutputRegressor(SVR()), X, SoftLabels(p_star))


def test_a_regressor_distils():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])
    student = RandomForestRegressor(10, random_state=0)
    model = DistilledClassifier(student=student, random_state=0, alpha=1.0).fit(X, names[y])
    assert model.score(X, names[y]) > 0.9
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("student", [Ridge(), make_pipeline(StandardScaler(), Ridge())], ids=repr)
def test_plain_labels_reach_a_regressor_as_one_hot_rows(student):
    X, y = load_iris(return_X_y=True)
    names = np.array(["a", "b", "c"])
    model = DistilledClassifier(student=student, alpha=0).fit(X, names[y])
    by_hand = clone(student).fit(X, np.eye(3)[y])
    assert_allclose(model.predict_proba(X), project_onto_simplex(by_hand.predict(X)))


def test_one_column_regressor_output_gives_two_probabilities():
    assert_allclose(proba_of_numbers([[0.25], [1.5]]), [[0.75, 0.25], [0, 1]])
