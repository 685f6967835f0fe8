"""Metadata reach exactly the estimators that request them, at every level of nesting."""

import ast

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    BornAgainClassifier,
    CascadeClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
)

pytestmark = pytest.mark.filterwarnings("ignore:Self-distillation did not help")

LOGISTIC = LogisticRegression(tol=1e-8, max_iter=1000)
FOLDS = KFold(3)

MODELS = {
    "classifier": DistilledClassifier(
        GaussianNB(), LOGISTIC, alpha=1.0, teacher_temperature=1.0, cv=FOLDS
    ),
    "born again": BornAgainClassifier(LOGISTIC, n_generations=1, alpha=0.0, cv=FOLDS),
    "soft labels": SoftLabelClassifier(LOGISTIC),
    "ranker": DistilledBipartiteRanker(GaussianNB(), LOGISTIC, cv=FOLDS),
    "retriever": DistilledMulticlassRetriever(GaussianNB(), LOGISTIC, k=1, cv=FOLDS),
    "cascade": CascadeClassifier(GaussianNB(), LOGISTIC, max_disagreement=0.5, random_state=0),
}
# What a model predicts by has this name among its parameters; born again, it is its own teacher.
STUDENT = dict.fromkeys(MODELS, "student") | {"born again": "estimator"}
WITH_TEACHER = ["classifier", "ranker", "retriever"]
SPLITTING = [*WITH_TEACHER, "born again"]
# A cascade has no weights of its own, and its student is in a DistilledClassifier.
WEIGHTED = [name for name in MODELS if name != "cascade"]
SIDES = [*STUDENT.items(), *((name, "teacher") for name in [*WITH_TEACHER, "cascade"])]


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


@pytest.fixture
def rows(iris):
    """Two classes that overlap a little, a weight for each row, and its group."""
    X, y = iris
    order = 50 + np.random.default_rng(0).permutation(100)[:60]
    X = StandardScaler().fit_transform(X)[order]
    return X, y[order], np.arange(60) % 3 + 0.5, np.arange(60) % 7


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def requesting(name, *, teacher=False, student=False):
    """Return a model whose sides request weights, or say that they want none."""
    model = clone(MODELS[name])
    if (name, "teacher") in SIDES:
        model.teacher.set_fit_request(sample_weight=teacher)
    getattr(model, STUDENT[name]).set_fit_request(sample_weight=student)
    return model


# An inner estimator gets the first feature of each row as metadata, and checks that rows match.


class Diary(list):
    """What was seen; copies of its owner write into the same one."""

    def __deepcopy__(self, memo):
        return self


def seen(X, cost):
    if cost is None:
        return "nothing"
    return "its own" if np.array_equal(np.asarray(X)[:, 0], cost) else "of other rows"


class Witness(TransformerMixin, BaseEstimator):
    """Hands rows on, and notes whose costs it got."""

    def __init__(self, diary):
        self.diary = diary

    def fit(self, X, y=None, cost=None):
        self.diary.append(seen(X, cost))
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X


class WitnessFolds(KFold):
    """Splits rows, and notes whose costs it got."""

    def __init__(self, diary):
        super().__init__(3)
        self.diary = diary

    def split(self, X, y=None, groups=None, cost=None):
        self.diary.append(seen(X, cost))
        return super().split(X, y)


def watched(name, side):
    """Return a model with a witness on one side, the witness, and its diary."""
    diary = Diary()
    model = clone(MODELS[name])
    if side == "cv":
        witness = WitnessFolds(diary)
        model.set_params(cv=witness)
    else:
        witness = Witness(diary)
        model.set_params(**{side: make_pipeline(witness, getattr(model, side))})
    return model, witness, diary


def request(witness, cost):
    """Let a witness request costs."""
    if isinstance(witness, WitnessFolds):
        return witness.set_split_request(cost=cost)
    return witness.set_fit_request(cost=cost)


WATCHED = [*SIDES, *((name, "cv") for name in SPLITTING)]


@pytest.mark.parametrize(
    ("requests", "given", "sees"),
    [
        (True, "cost", "its own"),
        (False, None, "nothing"),
        ("price", "price", "its own"),
    ],
)
@pytest.mark.parametrize(("name", "side"), WATCHED)
def test_requested_metadata_is_routed(rows, routing, name, side, requests, given, sees):
    X, y, _, _ = rows
    model, witness, diary = watched(name, side)
    request(witness, requests)
    model.fit(X, y, **({given: X[:, 0]} if given else {}))
    assert set(diary) == {sees}


@pytest.mark.parametrize(("name", "side"), WATCHED)
def test_unset_request_error_names_the_object(rows, routing, name, side):
    X, y, _, _ = rows
    model, witness, diary = watched(name, side)
    method = "split" if side == "cv" else "fit"
    with pytest.raises(UnsetMetadataPassedError, match=rf"{type(witness).__name__}\.{method}"):
        model.fit(X, y, cost=X[:, 0])
    assert diary == []
    assert not hasattr(model, "student_")


@pytest.mark.parametrize("requests", [False, "price"])
@pytest.mark.parametrize(("name", "side"), WATCHED)
def test_unrequested_metadata_is_refused(rows, routing, name, side, requests):
    X, y, _, _ = rows
    model, witness, _ = watched(name, side)
    request(witness, requests)
    with pytest.raises(TypeError, match=r"\{'cost'\}, which are not routed to any object"):
        model.fit(X, y, cost=X[:, 0])


@pytest.mark.parametrize("name", WITH_TEACHER)
def test_teacher_and_student_may_alias_metadata_differently(rows, routing, name):
    X, y, _, _ = rows
    model, for_teacher, of_teacher = watched(name, "teacher")
    diary = Diary()
    for_student = Witness(diary).set_fit_request(cost=True)
    model.set_params(student=make_pipeline(for_student, LOGISTIC))
    request(for_teacher, "wrong")
    model.fit(X, y, cost=X[:, 0], wrong=X[:, 1])
    assert set(of_teacher) == {"of other rows"}
    assert diary == ["its own"]


# Weights: for the teacher, the student, both or none of them.


@pytest.mark.parametrize("student", [True, False])
@pytest.mark.parametrize("teacher", [True, False])
@pytest.mark.parametrize("name", WITH_TEACHER)
def test_weights_for_the_teacher_the_student_both_or_none(rows, name, teacher, student):
    X, y, weight, _ = rows
    proba = cross_val_predict(
        GaussianNB(), X, y, cv=FOLDS, method="predict_proba",
        params={"sample_weight": weight} if teacher else None,
    )  # fmt: skip
    weighted = clone(MODELS[name]).fit(X, y, sample_weight=weight, teacher_proba=proba)
    unweighted = clone(MODELS[name]).fit(X, y, teacher_proba=proba)
    with config_context(enable_metadata_routing=True):
        model = requesting(name, teacher=teacher, student=student).fit(X, y, sample_weight=weight)
    expected, other = (weighted, unweighted) if student else (unweighted, weighted)
    assert_allclose(model.decision_function(X), expected.decision_function(X), rtol=1e-6)
    assert abs(model.decision_function(X) - other.decision_function(X)).max() > 1e-3
    assert model.teacher_scores_ == weighted.teacher_scores_  # which no estimator requests


@pytest.mark.parametrize("student", [True, False])
@pytest.mark.parametrize("name", ["born again", "soft labels"])
def test_weights_for_a_student_without_a_teacher(rows, name, student):
    X, y, weight, _ = rows
    expected = clone(LOGISTIC).fit(X, y, sample_weight=weight if student else None)
    with config_context(enable_metadata_routing=True):
        model = requesting(name, student=student).fit(X, y, sample_weight=weight)
    assert_allclose(model.student_.coef_, expected.coef_, atol=1e-4)


@pytest.mark.parametrize(("name", "side"), [each for each in SIDES if each[0] != "cascade"])
def test_unset_weight_request_error_names_step_and_holder(rows, routing, name, side):
    X, y, weight, _ = rows
    model = requesting(name, teacher=True, student=True)
    unset = getattr(model, side).set_fit_request(sample_weight=None)
    who = rf"{type(unset).__name__}\.fit, which is used within {type(model).__name__}\.fit\."
    with pytest.raises(UnsetMetadataPassedError, match=who):
        model.fit(X, y, sample_weight=weight)


def test_no_request_needed_without_sample_weight_support(rows, routing):
    X, y, weight, _ = rows
    student = clone(LOGISTIC).set_fit_request(sample_weight=True)
    model = DistilledClassifier(
        KNeighborsClassifier(), student, alpha=1.0, teacher_temperature=1.0, cv=FOLDS
    )
    model.fit(X, y, sample_weight=weight)
    with config_context(enable_metadata_routing=False):
        proba = cross_val_predict(KNeighborsClassifier(), X, y, cv=FOLDS, method="predict_proba")
    by_hand = clone(model).fit(X, y, sample_weight=weight, teacher_proba=proba)
    assert_allclose(model.predict_proba(X), by_hand.predict_proba(X))


@pytest.mark.parametrize("name", WITH_TEACHER)
def test_frozen_teacher_needs_no_request(rows, name):
    X, y, weight, _ = rows
    frozen = FrozenEstimator(GaussianNB().fit(X, y))
    expected = clone(MODELS[name]).set_params(teacher=frozen).fit(X, y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        model = requesting(name, student=True).set_params(teacher=frozen)
        model.fit(X, y, sample_weight=weight)
    assert_array_equal(model.decision_function(X), expected.decision_function(X))


# Routing alone changes nothing.


@pytest.mark.parametrize("sides", ["given", pytest.param("default", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WEIGHTED)
def test_routing_changes_no_result(rows, name, sides):
    X, y, weight, groups = rows
    given = {"sample_weight": weight}
    model = clone(MODELS[name])
    if name in SPLITTING:
        model.set_params(cv=GroupKFold(3))
        given["groups"] = groups
    if sides == "default":
        model.set_params(**{side: None for of, side in SIDES if of == name})
        model.set_params(**({} if name == "soft labels" else {"random_state": 0}))
    expected = clone(model).fit(X, y, **given)
    with config_context(enable_metadata_routing=True):
        if sides == "given":
            model.set_params(**{
                side: getattr(model, side).set_fit_request(sample_weight=True)
                for of, side in SIDES if of == name
            })  # fmt: skip
        model.fit(X, y, **given)
    assert_array_equal(model.predict(X), expected.predict(X))
    method = "decision_function" if hasattr(model, "decision_function") else "predict_proba"
    assert_allclose(getattr(model, method)(X), getattr(expected, method)(X))


@pytest.mark.parametrize("given", [{}, {"sample_weight": None}])
def test_without_metadata_no_request_is_needed(rows, name, given):
    X, y, _, _ = rows
    expected = clone(MODELS[name]).fit(X, y)
    with config_context(enable_metadata_routing=True):
        model = clone(MODELS[name]).fit(X, y, **given)
    method = "predict_proba" if name == "cascade" else "decision_function"
    assert_array_equal(getattr(model, method)(X), getattr(expected, method)(X))


@pytest.mark.parametrize("name", SPLITTING)
def test_get_metadata_routing_does_not_exhaust_a_cv_generator(rows, name):
    X, y, weight, _ = rows
    expected = clone(MODELS[name]).fit(X, y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        model = requesting(name, teacher=True, student=True).set_params(cv=FOLDS.split(X))
        model.get_metadata_routing()
        model.fit(X, y, sample_weight=weight)
        assert_allclose(model.decision_function(X), expected.decision_function(X))
        with pytest.raises(ValueError, match=r"A generator can be used only once|got 0"):
            model.fit(X, y, sample_weight=weight)


# Through other estimators.


OUTER = {
    "a pipeline": lambda model: make_pipeline(Witness(Diary()).set_fit_request(cost=False), model),
    "a search": lambda model: GridSearchCV(model, {}, cv=FOLDS, error_score="raise"),
    "calibration": lambda model: CalibratedClassifierCV(model, cv=FOLDS),
    "voting": lambda model: VotingClassifier([("one", model), ("other", GaussianNB())]),
    "a tuned threshold": lambda model: TunedThresholdClassifierCV(model, thresholds=5, cv=FOLDS),
    "one against the rest": OneVsRestClassifier,
}


# All that one model holds, and the student of each; the others' teachers and folds go the same way.
PASSED_THROUGH = [
    (name, side)
    if name == "classifier" or side == STUDENT[name]
    else pytest.param(name, side, marks=pytest.mark.slow)
    for name, side in WATCHED
]


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize(("name", "side"), PASSED_THROUGH)
def test_metadata_pass_through_other_estimators(rows, routing, name, side, outer):
    X, y, _, _ = rows
    model, witness, diary = watched(name, side)
    request(witness, True)
    OUTER[outer](model).fit(X, y, cost=X[:, 0])
    assert set(diary) == {"its own"}


INNER = {
    "a pipeline": lambda last: make_pipeline("passthrough", last),
    "a search": lambda last: GridSearchCV(last, {}, cv=FOLDS, error_score="raise"),
    "calibration": lambda last: CalibratedClassifierCV(last, cv=FOLDS),
    "voting": lambda last: VotingClassifier(
        [("one", last), ("other", GaussianNB())], voting="soft"
    ),
    "distilled": lambda last: DistilledClassifier(
        last, LOGISTIC, alpha=1.0, teacher_temperature=1.0, cv=FOLDS
    ),
    "born again": lambda last: BornAgainClassifier(last, n_generations=1, cv=FOLDS),
}


@pytest.mark.parametrize("inner", INNER)
def test_metadata_pass_through_a_teacher_that_holds_others(rows, routing, inner):
    X, y, _, _ = rows
    diary = Diary()
    witness = Witness(diary).set_fit_request(cost=True)
    teacher = INNER[inner](make_pipeline(witness, GaussianNB()))
    model = clone(MODELS["classifier"]).set_params(teacher=teacher)
    model.fit(X, y, cost=X[:, 0])
    assert set(diary) == {"its own"}


@pytest.mark.parametrize("name", WEIGHTED)
def test_groups_reach_the_search_and_the_folds_inside_it(rows, name):
    X, y, _, groups = rows
    model = clone(MODELS[name])
    inside = {}
    if name in SPLITTING:
        model.set_params(cv=GroupKFold(3))
        inside = {"groups": groups}
    outer = GroupKFold(3)
    expected = []
    for train, test in outer.split(X, y, groups):
        given = {key: value[train] for key, value in inside.items()}
        by_hand = clone(model).fit(X[train], y[train], **given)
        expected.append(by_hand.score(X[test], y[test]))
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(model, {f"{STUDENT[name]}__C": [1.0]}, cv=outer)
        search.fit(X, y, groups=groups)
        scores = cross_validate(model, X, y, cv=outer, params={"groups": groups})["test_score"]
    found = [search.cv_results_[f"split{fold}_test_score"][0] for fold in range(3)]
    assert found == expected == scores.tolist()


@pytest.mark.parametrize("requests", [True, False, "emphasis"])
@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_of_a_score_are_requested_by_themselves(rows, name, requests):
    X, y, weight, _ = rows
    expected = []
    for train, test in FOLDS.split(X):
        by_hand = clone(MODELS[name]).fit(X[train], y[train])
        of_test = None if requests is False else weight[test]
        expected.append(by_hand.score(X[test], y[test], sample_weight=of_test))
    with config_context(enable_metadata_routing=True):
        model = requesting(name).set_fit_request(sample_weight=False)
        model.set_score_request(sample_weight=requests)
        given = {"emphasis" if requests == "emphasis" else "sample_weight": weight}
        search = GridSearchCV(model, {}, cv=FOLDS)
        if requests is False:
            with pytest.raises(TypeError, match="not routed to any object"):
                search.fit(X, y, **given)
            given = {}
        search.fit(X, y, **given)
    found = [search.cv_results_[f"split{fold}_test_score"][0] for fold in range(3)]
    assert_allclose(found, expected)


@pytest.mark.parametrize("name", WEIGHTED)
def test_search_error_names_the_model_with_unset_request(rows, routing, name):
    X, y, weight, _ = rows
    model = requesting(name, teacher=True, student=True)
    who = rf"{type(model).__name__}\.%s, which is used within GridSearchCV\.fit\."
    with pytest.raises(UnsetMetadataPassedError, match=who % "fit"):
        GridSearchCV(model, {}, cv=FOLDS).fit(X, y, sample_weight=weight)
    model.set_fit_request(sample_weight=True)
    with pytest.raises(UnsetMetadataPassedError, match=who % "score"):
        GridSearchCV(model, {}, cv=FOLDS).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("name", WEIGHTED)
def test_scorers_of_a_search_have_requests_of_their_own(rows, name):
    X, y, weight, _ = rows
    scoring = "roc_auc"  # a score of scores
    expected = []
    for train, test in FOLDS.split(X):
        by_hand = clone(MODELS[name]).fit(X[train], y[train], sample_weight=weight[train])
        scorer = get_scorer(scoring)
        expected.append(scorer(by_hand, X[test], y[test], sample_weight=X[test, 0] ** 2))
    with config_context(enable_metadata_routing=True):
        model = requesting(name, teacher=True, student=True).set_fit_request(sample_weight=True)
        scorer = get_scorer(scoring).set_score_request(sample_weight="emphasis")
        given = {"sample_weight": weight, "emphasis": X[:, 0] ** 2}
        result = cross_validate(model, X, y, cv=FOLDS, scoring=scorer, params=given)
    assert_allclose(result["test_score"], expected)


# Requests are displayed.


@pytest.mark.parametrize("requests", [None, True, False, "w"])
@pytest.mark.parametrize("name", WEIGHTED)
def test_repr_of_routing_shows_each_request(routing, name, requests):
    model = requesting(name, teacher=requests, student=requests)
    model.set_fit_request(sample_weight=True).set_score_request(sample_weight=requests)
    printed = ast.literal_eval(str(model.get_metadata_routing()))
    own = printed.pop("$self_request")
    more = (
        {"teacher_proba": None, "X_unlabeled": None, "unlabeled_proba": None}
        if name in WITH_TEACHER
        else {}
    )
    assert own == {"fit": {"sample_weight": True, **more}, "score": {"sample_weight": requests}}
    if name in SPLITTING:
        splitter = printed.pop("splitter")
        assert splitter["mapping"] == [{"caller": "fit", "callee": "split"}]
        assert not splitter["router"].get("split")
    assert set(printed) == {side for of, side in SIDES if of == name}
    for side in printed.values():
        assert side["mapping"] == [{"caller": "fit", "callee": "fit"}]
        assert side["router"]["fit"] == {"sample_weight": requests}


def test_group_splitters_request_groups_and_in_sample_nothing(routing):
    model = DistilledClassifier(cv=GroupKFold(3))
    printed = ast.literal_eval(str(model.get_metadata_routing()))
    assert printed["splitter"]["router"] == {"split": {"groups": True}}
    printed = ast.literal_eval(str(model.set_params(cv="in-sample").get_metadata_routing()))
    assert "splitter" not in printed


@pytest.mark.parametrize("name", WEIGHTED)
def test_the_default_sides_request_weights(routing, name):
    model = type(MODELS[name])()
    printed = ast.literal_eval(str(model.get_metadata_routing()))
    for side in [side for of, side in SIDES if of == name]:
        assert printed[side]["router"]["fit"]["sample_weight"] is True


@pytest.mark.parametrize("name", WEIGHTED)
def test_a_clone_requests_what_its_original_does(routing, name):
    model = requesting(name, teacher=True, student="w").set_fit_request(sample_weight="ours")
    assert str(clone(model).get_metadata_routing()) == str(model.get_metadata_routing())
    silent = clone(MODELS[name])
    assert str(clone(model).get_metadata_routing()) != str(silent.get_metadata_routing())


def test_without_routing_requests_cannot_be_set(name):
    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        clone(MODELS[name]).set_fit_request(sample_weight=True)


@pytest.mark.parametrize("name", WITH_TEACHER)
def test_groups_without_folds_warn_that_they_are_ignored(rows, name):
    X, y, _, groups = rows
    model = clone(MODELS[name]).set_params(cv="in-sample")
    with pytest.warns(UserWarning, match="groups is ignored: cv='in-sample'") as caught:
        model.fit(X, y, groups=groups)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", SPLITTING)
def test_without_routing_only_groups_pass(rows, name):
    X, y, _, _ = rows
    with pytest.raises(TypeError, match=r"got \['cost'\]\. Without metadata routing only `groups`"):
        clone(MODELS[name]).fit(X, y, cost=X[:, 0])


# Cascades: weights go to the fits of teacher and student alone, groups and strata are its own.


def weights_of(X, weight):
    return sorted(zip(X.sum(axis=1), weight, strict=True))


class Scales(GaussianNB):
    """Writes down the weights that it gets."""

    def __init__(self, diary=None):
        super().__init__()
        self.diary = diary

    def fit(self, X, y, sample_weight=None):
        self.diary.append(None if sample_weight is None else weights_of(X, sample_weight))
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("student", [True, False])
@pytest.mark.parametrize("teacher", [True, False])
def test_weights_reach_the_fits_of_a_cascade_that_request_them(rows, routing, teacher, student):
    X, y, weight, _ = rows
    of_teacher, of_student = Diary(), Diary()
    inside = Scales(of_student).set_fit_request(sample_weight=student)
    cascade = clone(MODELS["cascade"]).set_params(
        teacher=Scales(of_teacher).set_fit_request(sample_weight=teacher),
        student=SoftLabelClassifier(inside).set_fit_request(sample_weight=student),
    )
    given = {"sample_weight": weight} if teacher or student else {}
    cascade.fit(X, y, **given)
    expected = weights_of(X, weight)
    for diary, requests in ((of_teacher, teacher), (of_student, student)):
        (seen_weights,) = diary
        if requests:
            assert len(seen_weights) == 42  # of 60 rows; the others calibrate
            assert set(seen_weights) <= set(expected)
        else:
            assert seen_weights is None


def test_weights_that_no_side_of_a_cascade_requests_are_refused(rows, routing):
    X, y, weight, _ = rows
    with pytest.raises(UnsetMetadataPassedError, match=r"GaussianNB\.fit"):
        clone(MODELS["cascade"]).fit(X, y, sample_weight=weight)
    cascade = requesting("cascade")
    student = SoftLabelClassifier(cascade.student).set_fit_request(sample_weight=False)
    cascade.set_params(student=student)
    with pytest.raises(TypeError, match=r"sample_weight.*not routed to any object"):
        cascade.fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("name_of", ["groups", "strata"])
def test_groups_and_strata_of_a_cascade_pass_a_search(rows, routing, name_of):
    X, y, _, groups = rows
    sets = groups if name_of == "groups" else groups % 2
    cascade = clone(MODELS["cascade"]).set_params(max_disagreement=0.7)
    expected = clone(cascade).fit(X, y, **{name_of: sets})
    cascade.set_fit_request(**{name_of: True})
    search = GridSearchCV(cascade, {}, cv=FOLDS, error_score="raise").fit(X, y, **{name_of: sets})
    assert search.best_estimator_.threshold_ == expected.threshold_
    assert search.best_estimator_.n_calibration_ == expected.n_calibration_


def test_the_default_sides_of_a_cascade_request_weights(rows, routing):
    X, y, weight, _ = rows
    with_weights, without = (
        CascadeClassifier(max_disagreement=0.5, random_state=0).fit(X, y, **given)
        for given in ({"sample_weight": 10 * weight**3}, {})
    )
    assert abs(with_weights.student_.coef_ - without.student_.coef_).max() > 1e-3
