"""Estimators meet scikit-learn's requirements for meta-estimators, and work inside its own."""

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    KFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
)

pytestmark = pytest.mark.filterwarnings("ignore:Self-distillation did not help")

LOGISTIC = LogisticRegression(tol=1e-8, max_iter=1000)

MODELS = {
    "classifier": DistilledClassifier(
        GaussianNB(), LOGISTIC, alpha=1.0, teacher_temperature=1.0, cv=2
    ),
    "born again": BornAgainClassifier(LOGISTIC, n_generations=1, cv=3),
    "soft labels": SoftLabelClassifier(LOGISTIC),
    "ranker": DistilledBipartiteRanker(GaussianNB(), LOGISTIC, cv=2),
    "retriever": DistilledMulticlassRetriever(GaussianNB(), LOGISTIC, k=1, cv=2),
}
# What a model predicts by has this name among its parameters; born again, it is its own teacher.
STUDENT = dict.fromkeys(MODELS, "student") | {"born again": "estimator"}
WITH_TEACHER = ["classifier", "ranker", "retriever"]
SIDES = [*STUDENT.items(), *((name, "teacher") for name in WITH_TEACHER)]
PREDICTS_AS_ITS_STUDENT = ["classifier", "born again", "soft labels"]


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return clone(MODELS[name])


@pytest.fixture
def three_classes(iris):
    X, y = iris
    order = np.random.default_rng(0).permutation(len(y))
    return StandardScaler().fit_transform(X)[order], y[order]


@pytest.fixture
def rows(three_classes):
    """Two classes that overlap a little."""
    X, y = three_classes
    return X[y > 0][:60], y[y > 0][:60]


def inside(name, **sides):
    """Return a model with a student, or a teacher too, of other kinds."""
    model = clone(MODELS[name])
    if "teacher" in sides and name in WITH_TEACHER:
        model.set_params(teacher=sides["teacher"])
    return model.set_params(**{STUDENT[name]: sides["student"]}) if "student" in sides else model


# Methods come and go with those of the student.


def unless_lacking(method):
    """Return a decorator for a method that an estimator has unless its parameter says no."""

    def check(estimator):
        if estimator.lacks == method:
            raise AttributeError(f"no method {method}")
        return True

    return available_if(check)


class Shy(ClassifierMixin, BaseEstimator):
    """A classifier that may lack one of its methods, before it is fitted and after."""

    def __init__(self, lacks=None):
        self.lacks = lacks

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    @unless_lacking("predict")
    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    @unless_lacking("predict_proba")
    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    @unless_lacking("predict_log_proba")
    def predict_log_proba(self, X):
        return np.log(np.full((len(X), len(self.classes_)), 1 / len(self.classes_)))

    @unless_lacking("decision_function")
    def decision_function(self, X):
        return np.zeros(len(X))


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("lacking", METHODS)
@pytest.mark.parametrize("name", PREDICTS_AS_ITS_STUDENT)
def test_a_method_is_there_where_the_student_has_it(rows, name, lacking):
    X, y = rows
    unfitted = inside(name, student=Shy(lacking))
    models = [unfitted]
    if (name, lacking) != ("born again", "predict_proba"):  # which is what generations teach
        models.append(clone(unfitted).fit(X, y))
    for model in models:
        assert [method for method in METHODS if not hasattr(model, method)] == [lacking]
        with pytest.raises(AttributeError, match=f"no attribute '{lacking}'") as caught:
            getattr(model, lacking)
        by_whom = caught.value.__cause__  # the student, and behind that what it says itself
        assert f"'Shy' has no attribute '{lacking}'" in str(by_whom)
        assert str(by_whom.__cause__) == f"no method {lacking}"


@pytest.mark.parametrize("name", PREDICTS_AS_ITS_STUDENT)
def test_what_is_fitted_decides_and_not_what_will_be(rows, name):
    X, y = rows
    model = inside(name, student=Shy()).fit(X, y)
    model.set_params(**{STUDENT[name]: Shy("decision_function")})
    assert_array_equal(model.decision_function(X), 0)
    assert not hasattr(clone(model), "decision_function")


@pytest.mark.parametrize("name", PREDICTS_AS_ITS_STUDENT)
def test_regressor_has_predict_proba_but_no_decision_function(name):
    model = inside(name, student=Ridge())
    assert [method for method in METHODS if hasattr(model, method)] == ["predict", "predict_proba"]


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "score", "retrieve"]
)
def test_each_method_raises_not_fitted_error(rows, model, method):
    X, y = rows
    if not hasattr(model, method):
        pytest.skip("it has no such method")
    arguments = (X, y) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match=f"This {type(model).__name__} instance is not fitted"):
        getattr(model, method)(*arguments)


def test_fitted_is_what_has_been_fitted(rows, model):
    X, y = rows
    with pytest.raises(NotFittedError, match=type(model).__name__):
        check_is_fitted(model)
    with pytest.raises(ValueError, match=r"inconsistent|but there are"):
        model.fit(X, y[:-1])
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    check_is_fitted(model.fit(X, y))
    with pytest.raises(NotFittedError):
        check_is_fitted(clone(model))


# Data are looked at by those inside.


def test_rows_are_left_to_those_inside(name):
    words = make_pipeline(CountVectorizer(), MultinomialNB())
    texts = ["a fine day", "fine wine", "a fine line", "bad weather", "bad luck", "bad bad day"] * 3
    y = ["good"] * 3 + ["ill"] * 3
    model = inside(name, teacher=words, student=make_pipeline(CountVectorizer(), LOGISTIC))
    model.fit(texts, y * 3)
    assert_array_equal(model.classes_, ["good", "ill"])
    assert not hasattr(model, "n_features_in_")
    assert list(model.predict(["fine fine", "bad bad"])) == ["good", "ill"]


def test_feature_names_reach_the_student_and_reset_on_refit(rows, model):
    pd = pytest.importorskip("pandas")
    X, y = rows
    names = ["a", "b", "c", "d"]
    model.fit(pd.DataFrame(X, columns=names), y)
    for holder in (model, model.student_):
        assert_array_equal(holder.feature_names_in_, names)
        assert holder.n_features_in_ == 4
    model.fit(X[:, :2], y)
    for holder in (model, model.student_):
        assert not hasattr(holder, "feature_names_in_")
        assert holder.n_features_in_ == 2


@pytest.mark.parametrize("how", ["by the step", "by the configuration"])
def test_steps_inside_may_put_out_dataframes(rows, name, how):
    pytest.importorskip("pandas")
    X, y = rows
    scaler = StandardScaler()
    plain = inside(
        name, teacher=make_pipeline(scaler, GaussianNB()), student=make_pipeline(scaler, LOGISTIC)
    )
    expected = clone(plain).fit(X, y).decision_function(X)
    if how == "by the step":
        scaler = StandardScaler().set_output(transform="pandas")
        framed = inside(
            name,
            teacher=make_pipeline(scaler, GaussianNB()),
            student=make_pipeline(scaler, LOGISTIC),
        ).fit(X, y)
    else:
        with config_context(transform_output="pandas"):
            framed = clone(plain).fit(X, y)
    assert hasattr(framed.student_[-1], "feature_names_in_")
    assert not hasattr(framed, "set_output")
    with config_context(transform_output="pandas" if how == "by the configuration" else "default"):
        assert_allclose(framed.decision_function(X), expected, rtol=1e-6)


# Parameters go through to both sides, and a fit changes neither.


@pytest.mark.parametrize(("name", "side"), SIDES)
def test_parameters_of_both_sides(name, side):
    model = clone(MODELS[name])
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    model.set_params(**{side: pipeline, f"{side}__logisticregression__C": 0.5})
    params = model.get_params()
    assert params[side] is pipeline
    assert params[f"{side}__logisticregression__C"] == pipeline[-1].C == 0.5
    assert f"{side}__logisticregression" not in model.get_params(deep=False)
    with pytest.raises(ValueError, match="Invalid parameter 'depth' for estimator StandardScaler"):
        model.set_params(**{f"{side}__standardscaler__depth": 3})


@pytest.mark.parametrize(("name", "side"), SIDES)
def test_a_clone_shares_nothing_but_what_is_frozen(rows, name, side):
    X, y = rows
    model = clone(MODELS[name])
    model.set_params(**{side: clone(LOGISTIC).set_params(C=0.5).fit(X, y)})
    copy = getattr(clone(model), side)
    assert copy is not getattr(model, side)
    assert copy.C == 0.5
    assert not hasattr(copy, "coef_")
    if side == "teacher":
        model.set_params(teacher=FrozenEstimator(model.teacher))
        assert clone(model).teacher.estimator is model.teacher.estimator


@pytest.mark.parametrize("state", ["fitted", "unfitted"])
@pytest.mark.parametrize(("name", "side"), SIDES)
def test_a_fit_leaves_both_sides_as_they_were_given(rows, name, side, state):
    X, y = rows
    given = clone(LOGISTIC)
    if state == "fitted":
        given.fit(X[::2], y[::2])
    before = joblib.hash(given)
    model = clone(MODELS[name]).set_params(**{side: given}, random_state=0) if (
        name != "soft labels"
    ) else SoftLabelClassifier(given)  # which has no random_state  # fmt: skip
    model.fit(X, y)
    assert getattr(model, side) is given
    assert joblib.hash(given) == before


def test_html_diagram_shows_inner_estimators_and_fit_status(rows, name, model):
    X, y = rows
    diagram = model._repr_html_()
    assert STUDENT[name] in diagram
    assert "LogisticRegression" in diagram
    assert ("GaussianNB" in diagram) == (name in WITH_TEACHER)
    assert "<span>Not fitted</span>" in diagram
    assert "<span>Fitted</span>" in model.fit(X, y)._repr_html_()


# Tags: nothing is promised that one of the two sides cannot keep.


class Promising(ClassifierMixin, BaseEstimator):
    """A classifier that takes all there is, but for what it is said not to take."""

    def __init__(self, lacks=None):
        self.lacks = lacks

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.lacks != "sparse"
        tags.input_tags.allow_nan = self.lacks != "allow_nan"
        tags.classifier_tags.multi_class = self.lacks != "multi_class"
        return tags


def promises(model):
    tags = get_tags(model)
    return {
        "sparse": tags.input_tags.sparse,
        "allow_nan": tags.input_tags.allow_nan,
        "multi_class": tags.classifier_tags.multi_class,
    }


@pytest.mark.parametrize("lacking", [None, "sparse", "allow_nan", "multi_class"])
@pytest.mark.parametrize(("name", "side"), SIDES)
def test_it_takes_what_both_sides_take(name, side, lacking):
    expected = {tag: tag != lacking for tag in ("sparse", "allow_nan", "multi_class")}
    if name == "ranker":
        expected["multi_class"] = False
    model = inside(name, teacher=Promising(), student=Promising())
    model.set_params(**{side: Promising(lacking)})
    assert promises(model) == expected
    if side == "teacher":
        model.set_params(teacher=FrozenEstimator(Promising(lacking)))
        assert promises(model) == expected


def test_it_is_a_classifier_that_needs_labels(model):
    tags = get_tags(model)
    assert is_classifier(model)
    assert tags.target_tags.required
    assert not tags.classifier_tags.poor_score
    assert not tags.classifier_tags.multi_label
    assert is_classifier(inside("soft labels", student=Ridge()))  # whatever the student is


# Inside others: a model that distils nothing must be worth what its student is worth there.


ORDINARY = {
    "classifier": DistilledClassifier(GaussianNB(), LOGISTIC, alpha=0.0),
    "born again": BornAgainClassifier(LOGISTIC, n_generations=1, alpha=0.0, cv=3),
    "soft labels": SoftLabelClassifier(LOGISTIC),
}
# Generations take many fits.
WITHOUT_TEACHER = ["classifier", "soft labels", pytest.param("born again", marks=pytest.mark.slow)]
FOLDS = KFold(3, shuffle=True, random_state=0)


def some_unknown(y):
    unknown = y.copy()
    unknown[::3] = -1
    return unknown


PROBABILITIES = {
    "calibration": lambda model: CalibratedClassifierCV(model, cv=FOLDS),
    "calibration of all folds": lambda model: CalibratedClassifierCV(
        model, cv=FOLDS, ensemble=False
    ),
    "stacking": lambda model: StackingClassifier(
        [("one", model), ("other", GaussianNB())], cv=FOLDS, passthrough=True
    ),
    "voting": lambda model: VotingClassifier([("one", model), ("other", GaussianNB())]),
    "soft voting": lambda model: VotingClassifier(
        [("one", model), ("other", GaussianNB())], voting="soft"
    ),
    "one against the rest": OneVsRestClassifier,
    "one against one": OneVsOneClassifier,
    "bagging": lambda model: BaggingClassifier(
        model, n_estimators=2, max_features=3, random_state=0
    ),
    "a tuned threshold": lambda model: TunedThresholdClassifierCV(model, thresholds=5, cv=FOLDS),
}


def predictions_of(fitted, X):
    return getattr(fitted, "predict_proba", fitted.predict)(X)


OTHERS = {
    "self-training": lambda model, X, y: (
        SelfTrainingClassifier(model).fit(X, some_unknown(y)).predict_proba(X)
    ),
    "cross-validated labels": lambda model, X, y: cross_val_predict(model, X, y, cv=FOLDS),
    "cross-validated probabilities": lambda model, X, y: cross_val_predict(
        model, X, y, cv=FOLDS, method="predict_proba"
    ),
    "cross-validated scores": lambda model, X, y: cross_val_predict(
        model, X, y, cv=FOLDS, method="decision_function"
    ),
    "cross-validated log-probabilities": lambda model, X, y: cross_val_predict(
        model, X, y, cv=FOLDS, method="predict_log_proba"
    ),
    "log-probabilities of a fixed threshold": lambda model, X, y: (
        FixedThresholdClassifier(model).fit(X, y).predict_log_proba(X)
    ),
    "log-probabilities of a tuned threshold": lambda model, X, y: (
        TunedThresholdClassifierCV(model, thresholds=5, cv=FOLDS).fit(X, y).predict_log_proba(X)
    ),
    "log-probabilities of a search": lambda model, X, y: (
        GridSearchCV(model, {}, cv=FOLDS).fit(X, y).predict_log_proba(X)
    ),
    "a chain of log-probabilities": lambda model, X, y: (
        ClassifierChain(model, chain_method="predict_log_proba")
        .fit(X, np.column_stack([y == 1, X[:, 0] > 0]).astype(int))
        .predict_proba(X)
    ),
    "a learning curve": lambda model, X, y: learning_curve(
        model, X, y, cv=FOLDS, train_sizes=[0.5, 1.0]
    )[2],
    "a permuted column": lambda model, X, y: (
        permutation_importance(clone(model).fit(X, y), X, y, random_state=0).importances
    ),
    "partial dependence": lambda model, X, y: partial_dependence(
        clone(model).fit(X, y), X, [2], grid_resolution=5
    )["average"],
    "a selection forwards": lambda model, X, y: (
        SequentialFeatureSelector(model, n_features_to_select=1, cv=FOLDS).fit(X, y).get_support()
    ),
    "an elimination": lambda model, X, y: RFE(model, n_features_to_select=1).fit(X, y).ranking_,
    "a selection by coefficients": lambda model, X, y: (
        SelectFromModel(model).fit(X, y).get_support()
    ),
}


@pytest.mark.parametrize("outer", PROBABILITIES)
@pytest.mark.parametrize("name", WITHOUT_TEACHER)
def test_without_teacher_meta_estimators_match_the_student(three_classes, rows, name, outer):
    X, y = three_classes if outer.startswith("one against") else rows
    expected = predictions_of(PROBABILITIES[outer](LOGISTIC).fit(X, y), X)
    actual = predictions_of(PROBABILITIES[outer](ORDINARY[name]).fit(X, y), X)
    assert_allclose(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("outer", ["calibration", "stacking", "soft voting", "bagging"])
@pytest.mark.parametrize("name", WITHOUT_TEACHER)
def test_weights_pass_through_other_estimators(rows, name, outer):
    X, y = rows
    weight = np.arange(len(y)) % 3 + 0.5
    expected = PROBABILITIES[outer](LOGISTIC).fit(X, y, sample_weight=weight).predict_proba(X)
    actual = PROBABILITIES[outer](ORDINARY[name]).fit(X, y, sample_weight=weight).predict_proba(X)
    unweighted = PROBABILITIES[outer](LOGISTIC).fit(X, y).predict_proba(X)
    assert_allclose(actual, expected, atol=1e-5)
    assert abs(actual - unweighted).max() > 1e-3


@pytest.mark.parametrize("outer", OTHERS)
@pytest.mark.parametrize("name", WITHOUT_TEACHER)
def test_without_teacher_inspection_tools_match_the_student(rows, name, outer):
    X, y = rows
    assert_allclose(OTHERS[outer](ORDINARY[name], X, y), OTHERS[outer](LOGISTIC, X, y), rtol=1e-6)


def test_curves_run_over_nested_parameters(rows, name, model):
    X, y = rows
    strengths = [1e-4, 1.0]
    _, scores = validation_curve(
        model, X, y, param_name=f"{STUDENT[name]}__C", param_range=strengths, cv=FOLDS
    )
    by_hand = [
        inside(name, student=LogisticRegression(C=C, tol=1e-8, max_iter=1000)) for C in strengths
    ]
    splits = list(FOLDS.split(X))
    expected = [
        [clone(each).fit(X[train], y[train]).score(X[test], y[test]) for train, test in splits]
        for each in by_hand
    ]
    assert_allclose(scores, expected)


@pytest.mark.parametrize("outer", PROBABILITIES)
@pytest.mark.parametrize("name", WITH_TEACHER)
def test_distilled_models_work_inside_meta_estimators(three_classes, rows, name, outer):
    X, y = three_classes if outer.startswith("one against") else rows
    model = PROBABILITIES[outer](MODELS[name])
    if outer == "soft voting" and name != "classifier":
        with pytest.raises(AttributeError, match="predict_proba"):
            model.fit(X, y).predict_proba(X)
        return
    assert model.fit(X, y).score(X, y) > 0.85


@pytest.mark.parametrize("name", ["ranker", "retriever"])
def test_teacher_without_probabilities_is_calibrated(rows, name):
    X, y = rows
    with pytest.raises((AttributeError, ValueError), match="proba"):
        SelfTrainingClassifier(MODELS[name]).fit(X, some_unknown(y))
    calibrated = CalibratedClassifierCV(MODELS[name], cv=FOLDS)
    assert SelfTrainingClassifier(calibrated).fit(X, some_unknown(y)).score(X, y) > 0.85


def test_frozen_it_stays_as_it_is(rows, model):
    X, y = rows
    model.fit(X, y)
    scores = model.decision_function(X)
    frozen = FrozenEstimator(model)
    frozen.fit(X[::-1], y)
    clone(frozen).fit(X[::-1], y)
    assert_array_equal(model.decision_function(X), scores)
    proba = CalibratedClassifierCV(frozen).fit(X, y).predict_proba(X)
    assert np.corrcoef(proba[:, 1], scores)[0, 1] > 0.8


def test_distilled_model_can_be_a_teacher(rows):
    X, y = rows
    chain = DistilledClassifier(
        MODELS["classifier"], LOGISTIC, alpha=1.0, teacher_temperature=1.0, cv=FOLDS
    ).fit(X, y)
    proba = cross_val_predict(MODELS["classifier"], X, y, cv=FOLDS, method="predict_proba")
    by_hand = SoftLabelClassifier(LOGISTIC, classes=[1, 2]).fit(X, proba)
    assert_allclose(chain.predict_proba(X), by_hand.predict_proba(X), rtol=1e-5)
