"""Estimators work in scikit-learn's searches and pipelines, with dataframes and routing."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier, SoftLabelClassifier, SoftLabels, fit_soft_labels

LOGISTIC = LogisticRegression(max_iter=1000, tol=1e-8)


def test_nested_parameters_and_clone():
    model = DistilledClassifier(
        DecisionTreeClassifier(max_depth=2),
        LogisticRegression(),
        alpha=1.0,
        teacher_temperature=1.0,
    )
    model.set_params(student__C=0.5, teacher__max_depth=3, alpha=0.2)
    params = clone(model).get_params()
    assert (params["student__C"], params["teacher__max_depth"], params["alpha"]) == (0.5, 3, 0.2)


def test_it_fits_what_was_passed_and_changes_no_parameter(iris):
    X, y = iris
    teacher, student = DecisionTreeClassifier(), LogisticRegression(max_iter=500)
    model = DistilledClassifier(
        teacher, student, random_state=0, alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    assert model.teacher is teacher
    assert model.student is student
    assert not hasattr(teacher, "tree_")
    assert not hasattr(student, "coef_")


@pytest.mark.parametrize(
    "scoring",
    [None, "accuracy", "neg_log_loss", "roc_auc", "average_precision", "neg_brier_score", "f1"],
)
def test_any_scorer_in_a_search_over_both(iris, scoring):
    X, y = iris
    X, y = X[50:], y[50:] == 2
    model = DistilledClassifier(
        DecisionTreeClassifier(random_state=0), LOGISTIC, alpha=1.0, teacher_temperature=1.0
    )
    grid = {"teacher__max_depth": [1, 3], "student__C": [0.1, 1], "alpha": [0, 1]}
    search = GridSearchCV(model, grid, scoring=scoring, cv=3, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_score_ > 0.5 or scoring.startswith("neg")
    assert type(search.best_estimator_.student_) is LogisticRegression


def test_cross_validate_and_predict_in_a_pipeline(iris):
    X, y = iris
    model = make_pipeline(
        StandardScaler(),
        DistilledClassifier(GaussianNB(), LOGISTIC, alpha=1.0, teacher_temperature=1.0),
    )
    scores = cross_validate(model, X, y, scoring=["accuracy", "neg_log_loss"])
    assert scores["test_accuracy"].mean() > 0.9
    proba = cross_val_predict(model, X, y, method="predict_proba")
    assert proba.shape == (150, 3)


def test_a_search_cuts_given_probabilities_to_each_split(gaussian):
    X, y, p_star = gaussian
    model = DistilledClassifier(student=LOGISTIC, alpha=1.0, teacher_temperature=1.0)
    cv = KFold(3)
    search = GridSearchCV(model, {"student__C": [1.0]}, cv=cv, scoring="neg_log_loss")
    search.fit(X, y, teacher_proba=p_star)
    for fold, (train, test) in enumerate(cv.split(X)):
        by_hand = fit_soft_labels(LOGISTIC, X[train], SoftLabels(p_star[train]))
        expected = np.log(by_hand.predict_proba(X[test])[np.arange(len(test)), y[test]]).mean()
        score = search.cv_results_[f"split{fold}_test_score"][0]
        assert score == pytest.approx(expected, rel=1e-4)


def test_unlabelled_rows_in_a_search_without_routing(gaussian):
    X, y, _ = gaussian
    model = DistilledClassifier(GaussianNB(), LOGISTIC, alpha=1.0, teacher_temperature=1.0)
    scores = cross_val_score(model, X[:100], y[:100], params={"X_unlabeled": X[100:]})
    folds = StratifiedKFold(5).split(X[:100], y[:100])
    for score, (train, test) in zip(scores, folds, strict=True):
        by_hand = clone(model).fit(X[train], y[train], X_unlabeled=X[100:])
        assert score == by_hand.score(X[test], y[test])


def test_unlabelled_rows_behind_a_transforming_pipeline(gaussian):
    X, y, _ = gaussian
    with config_context(enable_metadata_routing=True):
        model = DistilledClassifier(
            GaussianNB(), LOGISTIC, alpha=1.0, teacher_temperature=1.0
        ).set_fit_request(X_unlabeled=True)
        pipeline = Pipeline(
            [("scale", StandardScaler()), ("distil", model)], transform_input=["X_unlabeled"]
        ).fit(X[:100], y[:100], X_unlabeled=X[100:])
    scaler = StandardScaler().fit(X[:100])
    by_hand = DistilledClassifier(GaussianNB(), LOGISTIC, alpha=1.0, teacher_temperature=1.0).fit(
        scaler.transform(X[:100]), y[:100], X_unlabeled=scaler.transform(X[100:])
    )
    assert_allclose(pipeline.predict_proba(X), by_hand.predict_proba(scaler.transform(X)))


def test_routing_of_weights_groups_and_given_probabilities(gaussian):
    X, y, p_star = gaussian
    weight, groups = np.arange(len(y)) % 3 + 1.0, np.arange(len(y)) % 5
    plain = DistilledClassifier(
        GaussianNB(), LOGISTIC, cv=GroupKFold(5), alpha=1.0, teacher_temperature=1.0
    )
    expected = clone(plain).fit(X, y, sample_weight=weight, groups=groups)
    with config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError):
            clone(plain).fit(X, y, sample_weight=weight, groups=groups)
        routed = DistilledClassifier(
            GaussianNB().set_fit_request(sample_weight=True),
            LogisticRegression(max_iter=1000, tol=1e-8).set_fit_request(sample_weight=True),
            cv=GroupKFold(5),
            alpha=1.0,
            teacher_temperature=1.0,
        ).set_fit_request(sample_weight=True, teacher_proba=True)
        routed.set_score_request(sample_weight=True)
        routed.fit(X, y, sample_weight=weight, groups=groups)
        assert_allclose(routed.predict_proba(X), expected.predict_proba(X), rtol=1e-5)
        assert routed.teacher_scores_ == expected.teacher_scores_
        search = GridSearchCV(routed, {"student__C": [1.0]}, cv=3)
        search.fit(X, y, teacher_proba=p_star, sample_weight=weight)
    by_hand = fit_soft_labels(LOGISTIC, X, SoftLabels(p_star, sample_weight=weight))
    assert_allclose(search.predict_proba(X), by_hand.predict_proba(X), atol=1e-5)


def test_a_student_that_requests_no_weights_gets_none(gaussian):
    X, y, _ = gaussian
    weight = np.arange(len(y)) % 3 + 1.0
    with config_context(enable_metadata_routing=True):
        model = DistilledClassifier(
            GaussianNB().set_fit_request(sample_weight=True),
            LogisticRegression(max_iter=1000, tol=1e-8).set_fit_request(sample_weight=False),
            alpha=1.0,
            teacher_temperature=1.0,
        ).fit(X, y, sample_weight=weight)
    proba = cross_val_predict(
        GaussianNB(), X, y, method="predict_proba", params={"sample_weight": weight}
    )
    by_hand = fit_soft_labels(LOGISTIC, X, SoftLabels(proba, y=y))
    assert_allclose(model.predict_proba(X), by_hand.predict_proba(X), atol=1e-5)


def test_defaults_request_weights(gaussian):
    X, y, _ = gaussian
    weight = np.arange(len(y)) % 3 + 1.0
    expected = DistilledClassifier(random_state=0, alpha=1.0, teacher_temperature=1.0).fit(
        X, y, sample_weight=weight
    )
    with config_context(enable_metadata_routing=True):
        routed = DistilledClassifier(random_state=0, alpha=1.0, teacher_temperature=1.0).fit(
            X, y, sample_weight=weight
        )
    assert_allclose(routed.predict_proba(X), expected.predict_proba(X))


def test_other_metadata_is_routed_to_its_requester(gaussian):
    X, y, _ = gaussian

    class Curious(GaussianNB):
        def fit(self, X, y, sample_weight=None, note=None):
            self.note_ = note
            return super().fit(X, y, sample_weight)

    with config_context(enable_metadata_routing=True):
        student = Curious().set_fit_request(note=True)
        model = DistilledClassifier(GaussianNB(), student, alpha=1.0, teacher_temperature=1.0).fit(
            X, y, note="hello"
        )
    assert model.student_.note_ == "hello"


def frame_of(library, X, names):
    frame = pytest.importorskip(library).DataFrame({n: X[:, k] for k, n in enumerate(names)})
    return frame


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_column_names_reach_teacher_and_student(library):
    rng = np.random.default_rng(0)
    frame_library = pytest.importorskip(library)
    colour = rng.choice(["red", "green", "blue"], size=120)
    X = frame_library.DataFrame(
        {"size": rng.normal(size=120), "colour": colour, "noise": rng.normal(size=120)}
    )
    y = np.where(colour == "red", "stop", "go")
    encode = ColumnTransformer(
        [
            ("colour", OneHotEncoder(sparse_output=False), ["colour"]),
            ("size", "passthrough", ["size"]),
        ]
    )
    teacher = make_pipeline(encode, DecisionTreeClassifier(random_state=0))
    student = make_pipeline(clone(encode), LogisticRegression())
    model = DistilledClassifier(teacher, student, alpha=1.0, teacher_temperature=1.0)
    model.fit(X[:100], y[:100], X_unlabeled=X[100:])
    assert list(model.feature_names_in_) == ["size", "colour", "noise"]
    assert model.n_features_in_ == 3
    assert model.score(X, y) == 1
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[["colour", "size", "noise"]])
    assert cross_val_score(model, X, y).min() == 1


def test_pandas_labels_and_given_probabilities_of_polars(gaussian):
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    X, y, p_star = gaussian
    names = np.array(["a", "b", "c"])
    plain = DistilledClassifier(student=LOGISTIC, alpha=1.0, teacher_temperature=1.0).fit(
        X, names[y], teacher_proba=p_star
    )
    frame = pl.DataFrame({n: p_star[:, k] for k, n in enumerate(names)})[["c", "a", "b"]]
    for labels in (pd.Series(names[y]), pd.Series(names[y], dtype="category"), list(names[y])):
        model = DistilledClassifier(student=LOGISTIC, alpha=1.0, teacher_temperature=1.0).fit(
            X, labels, teacher_proba=frame
        )
        assert list(model.classes_) == ["a", "b", "c"]
        assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-6)
    as_text = frame.rename({"a": "0", "b": "1", "c": "2"})
    of_ints = DistilledClassifier(student=LOGISTIC, alpha=1.0, teacher_temperature=1.0).fit(
        X, y, teacher_proba=as_text
    )
    assert list(of_ints.classes_) == [0, 1, 2]
    assert_allclose(of_ints.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_a_search_shares_one_frozen_teacher(iris):
    X, y = iris
    fitted = FrozenEstimator(GaussianNB().fit(X, y))
    search = GridSearchCV(
        DistilledClassifier(fitted, alpha=1.0, teacher_temperature=1.0),
        {"student": [LOGISTIC]},
        cv=3,
    ).fit(X, y)
    assert search.best_estimator_.teacher.estimator is fitted.estimator


def test_the_diagram_shows_teacher_and_student():
    html = DistilledClassifier(
        GaussianNB(), LOGISTIC, alpha=1.0, teacher_temperature=1.0
    )._repr_html_()
    assert "GaussianNB" in html
    assert "teacher" in html
    assert "student" in html


def test_selectors_of_columns_work_inside(iris):
    pd = pytest.importorskip("pandas")
    X, y = iris
    X = pd.DataFrame(X, columns=list("abcd"))
    scale = ColumnTransformer([("n", StandardScaler(), make_column_selector(dtype_include=float))])
    model = DistilledClassifier(
        GaussianNB(), make_pipeline(scale, LOGISTIC), alpha=1.0, teacher_temperature=1.0
    ).fit(X, y)
    assert model.score(X, y) > 0.9


def test_every_parameter_is_documented_and_stored():
    for name, parameter in inspect.signature(DistilledClassifier).parameters.items():
        assert f"\n{name} : " in inspect.getdoc(DistilledClassifier)
        assert getattr(DistilledClassifier(), name) is parameter.default


def test_strings_of_different_width(iris):
    X, y = iris
    names = np.array(["a", "longer", "z"])
    model = DistilledClassifier(
        GaussianNB(),
        LOGISTIC,
        classes=["a", "longer", "z", "longest"],
        alpha=1.0,
        teacher_temperature=1.0,
    )
    model.fit(X, names[y])
    assert_array_equal(model.classes_, ["a", "longer", "longest", "z"])
    assert model.predict_proba(X).shape == (150, 4)
    assert_array_equal(model.predict_proba(X)[:, 2], 0)


@pytest.mark.parametrize("scaler_asks", [True, False])
@pytest.mark.parametrize("last_asks", [True, False, "w"])
def test_pipeline_student_routes_weights_to_requesting_steps(gaussian, scaler_asks, last_asks):
    X, y, p_star = gaussian
    weight = np.arange(len(y)) % 3 + 1.0
    name = "w" if last_asks == "w" else "sample_weight"
    given = {"sample_weight": weight} if scaler_asks or name == "sample_weight" else {}
    given |= {"w": weight} if name == "w" else {}
    scaler = StandardScaler().fit(X, sample_weight=weight if scaler_asks else None)
    by_hand = fit_soft_labels(
        LOGISTIC,
        scaler.transform(X),
        SoftLabels(p_star, y=y, sample_weight=weight if last_asks else None),
    )
    with config_context(enable_metadata_routing=True):
        student = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=scaler_asks),
            clone(LOGISTIC).set_fit_request(sample_weight=last_asks),
        )
        distilled = DistilledClassifier(
            student=student, alpha=1.0, teacher_temperature=1.0
        ).set_fit_request(sample_weight=True)
        soft = SoftLabelClassifier(student).set_fit_request(sample_weight=True)
        fitted = [
            distilled.fit(X, y, teacher_proba=p_star, **given),
            soft.fit(X, p_star, **given),
        ]
    for model in fitted:
        assert_allclose(model.student_[0].mean_, scaler.mean_)
        assert_allclose(model.student_[-1].coef_, by_hand.coef_, atol=1e-4)


def test_metadata_of_labelled_rows_only_is_refused(gaussian):
    X, y, _ = gaussian

    class Costly(GaussianNB):
        def fit(self, X, y, sample_weight=None, cost=None):
            return super().fit(X, y, sample_weight)

    with config_context(enable_metadata_routing=True):
        model = DistilledClassifier(
            GaussianNB(), Costly().set_fit_request(cost=True), alpha=1.0, teacher_temperature=1.0
        )
        with pytest.raises(ValueError, match=r"\['cost'\] have one entry for each of the 100"):
            model.fit(X[:100], y[:100], cost=np.ones(100), X_unlabeled=X[100:])
