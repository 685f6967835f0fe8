import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import SoftLabels, fit_soft_labels

LOGISTIC = LogisticRegression(tol=1e-10, max_iter=10_000)


class SeenRows(TransformerMixin, BaseEstimator):
    """A step that records what it was fitted on."""

    def fit(self, X, y=None, note=None):
        self.X_, self.y_, self.note_ = X, y, note
        return self

    def transform(self, X):
        return X


def test_steps_before_see_x_once_and_the_last_learns(gaussian):
    X, y, p_star = gaussian
    pipeline = make_pipeline(StandardScaler(), SeenRows(), LOGISTIC)
    fitted = fit_soft_labels(pipeline, X, SoftLabels(p_star, y=y))
    scaled = StandardScaler().fit_transform(X)
    assert_array_equal(fitted[1].X_, scaled)
    assert_array_equal(fitted[1].y_, y)
    by_hand = fit_soft_labels(LOGISTIC, scaled, SoftLabels(p_star))
    assert_allclose(fitted[-1].coef_, by_hand.coef_)
    assert type(fitted) is Pipeline
    assert type(fitted[-1]) is LogisticRegression
    assert [name for name, _ in fitted.steps] == [name for name, _ in pipeline.steps]
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(scaled))


def test_steps_that_want_labels_get_the_true_ones_where_known(gaussian):
    X, y, p_star = gaussian
    labels = SoftLabels(p_star[:100], y=y[:100]).append(SoftLabels(p_star[100:]))
    fitted = fit_soft_labels(make_pipeline(SelectKBest(k=2), LOGISTIC), X, labels)
    hard = np.r_[y[:100], p_star[100:].argmax(axis=1)]
    assert_array_equal(fitted[0].get_support(), SelectKBest(k=2).fit(X, hard).get_support())


@pytest.mark.parametrize("inner", [LOGISTIC, make_pipeline(LOGISTIC)])
def test_short_and_nested_pipelines(gaussian, inner):
    X, _, p_star = gaussian
    fitted = fit_soft_labels(make_pipeline(inner), X, SoftLabels(p_star))
    by_hand = fit_soft_labels(LOGISTIC, X, SoftLabels(p_star))
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X))


def test_a_pipeline_that_ends_in_a_regressor(gaussian):
    X, _, p_star = gaussian
    fitted = fit_soft_labels(make_pipeline(StandardScaler(), Ridge()), X, SoftLabels(p_star))
    by_hand = make_pipeline(StandardScaler(), Ridge()).fit(X, p_star)
    assert_allclose(fitted.predict(X), by_hand.predict(X))


def test_memory_and_parameters_of_steps_work(gaussian, tmp_path):
    X, _, p_star = gaussian
    pipeline = Pipeline([("seen", SeenRows()), ("last", LOGISTIC)], memory=str(tmp_path))
    first = fit_soft_labels(pipeline, X, SoftLabels(p_star), seen__note="hello")
    again = fit_soft_labels(pipeline, X, SoftLabels(p_star), seen__note="hello")
    assert first["seen"].note_ == again["seen"].note_ == "hello"
    assert_array_equal(first["last"].coef_, again["last"].coef_)


def test_with_routing_a_step_gets_what_it_requests(gaussian):
    X, _, p_star = gaussian
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(SeenRows().set_fit_request(note=True), LOGISTIC)
        fitted = fit_soft_labels(pipeline, X, SoftLabels(p_star), note="hello")
    assert fitted[0].note_ == "hello"


def test_the_given_pipeline_is_not_changed(gaussian):
    X, _, p_star = gaussian
    pipeline = make_pipeline(StandardScaler(), LOGISTIC)
    fit_soft_labels(pipeline, X, SoftLabels(p_star))
    assert pipeline[-1] is LOGISTIC
    assert not hasattr(pipeline[0], "mean_")


def test_a_last_step_that_cannot_learn_is_named(gaussian):
    X, _, p_star = gaussian
    with pytest.raises(TypeError, match=r"KNeighborsClassifier\(\) cannot learn"):
        fit_soft_labels(
            make_pipeline(StandardScaler(), KNeighborsClassifier()), X, SoftLabels(p_star)
        )
