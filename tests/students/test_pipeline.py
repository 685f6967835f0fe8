"""Each step of a student Pipeline gets the documented target, weights and rows."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectFromModel, SelectKBest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.manifold import TSNE
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler, TargetEncoder

from skdistill import (
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
    SoftLabels,
    fit_soft_labels,
)
from skdistill.students.ranking import fit_ranker

LOGISTIC = LogisticRegression(tol=1e-10, max_iter=10_000)


def as_frame(X):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(X, columns=[f"c{k}" for k in range(X.shape[1])])


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


def test_steps_that_want_labels_get_the_rows_with_true_ones(gaussian):
    X, y, p_star = gaussian
    labels = SoftLabels(p_star[:50], y=y[:50]).append(SoftLabels(p_star[50:]))
    fitted = fit_soft_labels(make_pipeline(SelectKBest(k=2), SeenRows(), LOGISTIC), X, labels)
    expected = SelectKBest(k=2).fit(X[:50], y[:50])
    assert_array_equal(fitted[0].scores_, expected.scores_)
    assert_array_equal(fitted[1].y_, y[:50])
    assert_array_equal(fitted[1].X_, expected.transform(X[:50]))


class OfOwnFitTransform(SeenRows):
    """A step whose `fit_transform` is not `fit` and then `transform`."""

    def fit_transform(self, X, y=None):
        return self.fit(X, y).X_ + 1


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, as_frame])
def test_rows_without_labels_are_transformed_in_their_places(gaussian, form):
    X, y, p_star = gaussian
    known = np.arange(len(X)) % 3 > 0
    labels = SoftLabels(p_star, y=y)
    labels.codes[~known] = -1
    keeper = make_pipeline(SelectKBest(k=2), SeenRows(), LOGISTIC)
    seen = fit_soft_labels(keeper, form(X), SoftLabels(p_star, y=y))[1].X_
    found = fit_soft_labels(make_pipeline(SelectKBest(k=2), LOGISTIC), form(X), labels)
    by_hand = fit_soft_labels(LOGISTIC, seen, SoftLabels(p_star))
    assert_allclose(found[-1].coef_, by_hand.coef_, atol=1e-5)
    cross_fitted = make_pipeline(OfOwnFitTransform(), LOGISTIC)
    found = fit_soft_labels(cross_fitted, X, labels)
    by_hand = fit_soft_labels(LOGISTIC, X + known[:, None], SoftLabels(p_star))
    assert_allclose(found[-1].coef_, by_hand.coef_, atol=1e-5)


def test_unknown_step_gets_y_none_if_all_rows_are_unlabelled(gaussian):
    X, _, p_star = gaussian
    with pytest.warns(UserWarning, match="SeenRows, a step of the Pipeline, is fitted without"):
        fitted = fit_soft_labels(make_pipeline(SeenRows(), LOGISTIC), X, SoftLabels(p_star))
    assert fitted[0].y_ is None


class NeedsLabels(SeenRows):
    """A step that takes neither weights nor numbers, and cannot do without a target."""

    def fit(self, X, y):
        return super().fit(X, y)


def test_step_that_needs_missing_labels_is_refused_by_name(gaussian):
    X, _, p_star = gaussian
    student = make_pipeline(StandardScaler(), NeedsLabels(), LOGISTIC)
    with pytest.raises(
        TypeError, match=r"NeedsLabels\(\), a step of the Pipeline.*FrozenEstimator"
    ):
        fit_soft_labels(student, X, SoftLabels(p_star))


class Weighted(SeenRows):
    """A step that takes weights, of which nothing else is known."""

    def fit(self, X, y, sample_weight=None):
        self.weight_ = sample_weight
        return super().fit(X, y)


class WeightedWithFolds(Weighted):
    """A step that would split copies of rows."""

    def __init__(self, cv=3):
        self.cv = cv


def test_a_step_that_takes_weights_gets_weighted_copies(gaussian):
    X, y, p_star = gaussian
    weight = np.arange(len(X)) % 3 + 0.5
    labels = SoftLabels(p_star, y=y, sample_weight=weight)
    step = fit_soft_labels(make_pipeline(Weighted(), LOGISTIC), X, labels)[0]
    rows, copies, of_copies = labels.expand()
    assert_array_equal(step.X_, X[rows])
    assert_array_equal(step.y_, copies)
    assert_array_equal(step.weight_, of_copies)
    step = fit_soft_labels(make_pipeline(WeightedWithFolds(), LOGISTIC), X, labels)[0]
    assert_array_equal(step.y_, y)
    with pytest.raises(TypeError, match=r"WeightedWithFolds.*cv=3"):
        fit_soft_labels(make_pipeline(WeightedWithFolds(), LOGISTIC), X, SoftLabels(p_star))


@pytest.mark.parametrize("requests", [True, False])
def test_with_routing_copies_weigh_what_the_step_requests(gaussian, requests):
    X, _, p_star = gaussian
    weight = np.arange(len(X)) % 3 + 0.5
    with config_context(enable_metadata_routing=True):
        student = make_pipeline(
            Weighted().set_fit_request(sample_weight=requests),
            clone(LOGISTIC).set_fit_request(sample_weight=True),
        )
        model = SoftLabelClassifier(student).fit(X, p_star, sample_weight=weight)
    labels = SoftLabels(p_star, sample_weight=weight if requests else None)
    assert_array_equal(model.student_[0].weight_, labels.expand()[2])
    assert_allclose(
        model.student_[-1].coef_,
        fit_soft_labels(LOGISTIC, X, SoftLabels(p_star, sample_weight=weight)).coef_,
        atol=1e-4,
    )


def test_encoder_and_selector_use_soft_targets_with_routing(gaussian):
    X, _, p_star = gaussian
    X = X.round()
    around = SelectFromModel(clone(LOGISTIC))
    without = fit_soft_labels(make_pipeline(around, LOGISTIC), X, SoftLabels(p_star))
    with config_context(enable_metadata_routing=True):
        selector = SelectFromModel(clone(LOGISTIC).set_fit_request(sample_weight=True))
        within = fit_soft_labels(make_pipeline(selector, LOGISTIC), X, SoftLabels(p_star))
        with pytest.raises(TypeError, match="has set_fit_request"):
            fit_soft_labels(make_pipeline(around, LOGISTIC), X, SoftLabels(p_star))
        encoder = make_pipeline(TargetEncoder(smooth=1), LOGISTIC)
        encoded = fit_soft_labels(encoder, X, SoftLabels(p_star))
    assert_allclose(within[0].estimator_.coef_, without[0].estimator_.coef_)
    same = fit_soft_labels(make_pipeline(TargetEncoder(smooth=1), LOGISTIC), X, SoftLabels(p_star))
    assert_allclose(encoded[0].encodings_[0], same[0].encodings_[0])


def around_columns(step):
    return ColumnTransformer([("it", step, [0, 2]), ("other", StandardScaler(), [1])])


def around_nested_columns(step):
    inner = make_pipeline("passthrough", FeatureUnion([("it", step), ("drop", "drop")]))
    return ColumnTransformer([("nested", inner, [0, 2])], remainder="passthrough")


CONTAINERS = {
    "columns": (around_columns, lambda c: c.named_transformers_["it"]),
    "nested": (
        around_nested_columns,
        lambda c: c.named_transformers_["nested"][-1].transformer_list[0][1],
    ),
    "a pipeline": (lambda step: make_pipeline(StandardScaler(), step), lambda c: c[-1]),
}


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("step", [SelectFromModel(LOGISTIC), TargetEncoder(smooth=1, cv=3)])
def test_steps_inside_containers_learn_soft_targets(gaussian, tmp_path, name, step, memory):
    X, _, p_star = gaussian
    X = X.round()
    around, fitted_in = CONTAINERS[name]
    student = Pipeline([("first", around(step)), ("last", LOGISTIC)])
    student.set_params(memory=str(tmp_path) if memory else None)
    model = SoftLabelClassifier(student).fit(X, p_star)
    inside = fitted_in(model.student_[0])
    own = StandardScaler().fit_transform(X) if name == "a pipeline" else X[:, [0, 2]]
    by_hand = fit_soft_labels(make_pipeline(step, LOGISTIC), own, SoftLabels(p_star))[0]
    assert type(inside) is type(step)
    if isinstance(step, TargetEncoder):
        assert_allclose(np.concatenate(inside.encodings_), np.concatenate(by_hand.encodings_))
    else:
        assert_allclose(inside.estimator_.coef_, by_hand.estimator_.coef_)
    assert b"skdistill" not in pickle.dumps(model.student_)
    assert repr(model.student_) == repr(clone(student))
    assert_array_equal(model.predict(X), model.student_.predict(X))
    clone(model.student_).fit(X, p_star.argmax(axis=1))  # an ordinary Pipeline again


@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_dataframes_go_through_encoders(gaussian, container, n_classes):
    pytest.importorskip(container)
    X, _, p_star = gaussian
    P = p_star if n_classes == 3 else np.c_[p_star[:, 0], 1 - p_star[:, 0]]
    frame = as_frame(X.round())
    encoder = TargetEncoder(cv=3, smooth=1)
    union = FeatureUnion([("it", encoder)]).set_output(transform=container)
    student = make_pipeline(union, SeenRows(), Ridge())
    fitted = fit_soft_labels(student, frame, SoftLabels(P, y=P.argmax(axis=1)))
    seen = fitted[1].X_
    assert type(seen).__module__.startswith(container)
    names = union.fit(frame, P.argmax(axis=1)).get_feature_names_out()
    assert list(seen.columns) == list(names)
    plain = make_pipeline(TargetEncoder(cv=3, smooth=1), Ridge())
    by_hand = fit_soft_labels(plain, frame, SoftLabels(P))
    assert_allclose(fitted[:1].transform(frame), by_hand[:1].transform(frame))


def test_a_supervised_step_for_the_remaining_columns_is_refused(gaussian):
    X, _, p_star = gaussian
    columns = ColumnTransformer([("a", "drop", [0])], remainder=TargetEncoder())
    with pytest.raises(TypeError, match="remainder=TargetEncoder"):
        fit_soft_labels(make_pipeline(columns, LOGISTIC), X, SoftLabels(p_star))


@pytest.mark.parametrize("step", [LabelEncoder(), TSNE(), LogisticRegression()])
def test_what_is_no_step_is_refused_before_any_fit(gaussian, step):
    X, _, p_star = gaussian
    with pytest.raises(TypeError, match=f"{type(step).__name__}.*cannot be a step before the last"):
        fit_soft_labels(make_pipeline(step, LOGISTIC), X, SoftLabels(p_star))


@pytest.mark.parametrize("step", [TargetEncoder(cv=3), SelectFromModel(LOGISTIC)])
def test_one_hot_rows_are_ordinary_training_whatever_they_weigh(gaussian, step):
    X, y, _ = gaussian
    weight = np.arange(len(X)) % 3 + 0.5
    seeded = make_pipeline(step, LOGISTIC)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        if isinstance(step, TargetEncoder):
            seeded[0].set_params(random_state=0)
        expected = clone(seeded).fit(X.round(), y, logisticregression__sample_weight=weight)
        labels = SoftLabels(np.eye(3)[y], sample_weight=weight)
        found = fit_soft_labels(seeded, X.round(), labels)
    assert_allclose(found[-1].coef_, expected[-1].coef_, atol=1e-4)


def test_a_class_that_weighs_nothing_is_encoded_all_the_same(gaussian):
    """Rows of weight 0 keep their probabilities: an encoder counts rows, and takes no weights."""
    X, y, p_star = gaussian
    weight = np.where(y == 2, 0.0, 1.0)
    student = make_pipeline(TargetEncoder(smooth=0), LOGISTIC)
    fitted = fit_soft_labels(student, X.round(), SoftLabels(p_star, y=y, sample_weight=weight))
    assert_allclose(fitted[0].target_mean_, p_star.mean(axis=0))


def test_a_class_that_no_row_has_gets_no_column(gaussian):
    X, _, p_star = gaussian
    P = np.c_[p_star[:, 0], np.zeros(len(X)), 1 - p_star[:, 0]]
    student = make_pipeline(TargetEncoder(smooth=0), LOGISTIC)
    fitted = fit_soft_labels(student, X.round(), SoftLabels(P))
    assert fitted[:1].transform(X.round()).shape == X.shape
    assert_allclose(fitted[0].target_mean_, P[:, 2].mean())


def test_steps_of_a_ranker_and_of_a_retriever(gaussian):
    X, y, p_star = gaussian
    P = np.c_[p_star[:, 0], 1 - p_star[:, 0]]
    student = make_pipeline(SelectFromModel(clone(LOGISTIC)), LogisticRegression())
    ranker = fit_ranker(student, X, SoftLabels(P))
    expected = fit_soft_labels(student, X, SoftLabels(P))
    assert_allclose(ranker[0].estimator_.coef_, expected[0].estimator_.coef_)
    model = DistilledMulticlassRetriever(
        GaussianNB(), make_pipeline(SelectKBest(k=2), LogisticRegression()), alpha=0.5, k=1, cv=2
    ).fit(X[:60], y[:60], X_unlabeled=X[60:])
    by_hand = SelectKBest(k=2).fit(X[:60], y[:60])
    assert_array_equal(model.student_[0].scores_, by_hand.scores_)


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
