"""Soft labels reach each nested estimator of a student, or it is rejected before any teacher."""

import warnings
from inspect import signature
from types import SimpleNamespace

import numpy as np
import pytest
from contracts.sklearn_estimators import meta_estimators
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as imblearn_pipeline
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits, load_wine, make_classification
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.feature_selection import RFE, RFECV, SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LogisticRegression,
    MultiTaskElasticNet,
    MultiTaskLasso,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
)
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, SVR, NuSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators, get_tags
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    SoftLabelClassifier,
    SoftLabels,
    fit_soft_labels,
)
from skdistill._utils._sample_weight import BAGGING_DRAWS, INNER_FITS
from skdistill.students import logit_regressor, register
from skdistill.students._capabilities import INNER_REGRESSOR, SEARCH, DataSummary
from skdistill.students._class_weight import class_weights
from skdistill.students._registry import FITTERS, check_student

META_ESTIMATORS = {
    "AdaBoost": lambda inner: AdaBoostClassifier(inner, n_estimators=5, random_state=0),
    "Bagging": lambda inner: BaggingClassifier(inner, n_estimators=7, random_state=0),
    "Calibrated": lambda inner: CalibratedClassifierCV(inner, cv=3),
    "OneVsRest": OneVsRestClassifier,
    "OneVsOne": OneVsOneClassifier,
    "OutputCode": lambda inner: OutputCodeClassifier(inner, code_size=4, random_state=0),
    "Stacking": lambda inner: StackingClassifier([("one", inner)], cv=3),
    "Voting": lambda inner: VotingClassifier([("one", inner), ("nb", GaussianNB())]),
    "in a Pipeline": lambda inner: make_pipeline(MinMaxScaler(), VotingClassifier([("a", inner)])),
    "twice": lambda inner: BaggingClassifier(
        AdaBoostClassifier(inner, n_estimators=3, random_state=0), n_estimators=3, random_state=0
    ),
}
NOT_COMPARED = {
    "DummyClassifier": "learns nothing",
    "NuSVC": "its nu is infeasible in some of the subsets",
    "PassiveAggressiveClassifier": "deprecated",
    "Perceptron": "each copy of a row is a step",
    "SelfTrainingClassifier": "needs an estimator, and is refused",
}


def inner_classifiers():
    """Return each classifier of scikit-fit_unchanged that stands alone, and Pipelines of two."""
    alone = []
    for name, cls in all_estimators(type_filter="classifier"):
        if name in NOT_COMPARED:
            continue
        try:
            student = cls()
        except TypeError:  # it needs an estimator
            continue
        small = {"n_estimators": 5, "random_state": 0, "min_categories": 2}
        if "Boosting" in name or "MLP" in name:
            small["max_iter"] = 10 if "Boosting" in name else 150
        params = student.get_params()
        alone.append(student.set_params(**{key: small[key] for key in small.keys() & params}))
    pipelines = [make_pipeline(StandardScaler(), each) for each in (SVC(), LogisticRegression())]
    return [*alone, *pipelines, SVC(probability=True), NuSVC(probability=True)]


def is_refused(student, summary):
    try:
        check_student(student, summary)
    except (TypeError, ValueError) as error:
        assert len(str(error)) > 60
        return True
    return False


def smooth(y, epsilon=0.1):
    return np.eye(y.max() + 1)[y] * (1 - epsilon) + epsilon / (y.max() + 1)


def named(student):
    return student if isinstance(student, str) else repr(student).replace("\n", "")[:60]


@pytest.mark.slow
@pytest.mark.parametrize("meta", META_ESTIMATORS)
@pytest.mark.parametrize("inner", inner_classifiers(), ids=named)
@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_student_is_refused_or_scores_as_well_as_on_labels(meta, inner, routing):
    X, y = load_wine(return_X_y=True)
    X = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    with config_context(enable_metadata_routing=routing):
        inner = clone(inner)
        for each in [inner, *(inner.named_steps.values() if hasattr(inner, "steps") else [])]:
            if routing and has_fit_parameter(each, "sample_weight"):
                each.set_fit_request(sample_weight=True)
        student = META_ESTIMATORS[meta](inner)
        if is_refused(student, DataSummary(3, len(X))):
            with pytest.raises((TypeError, ValueError)):
                fit_soft_labels(student, X, SoftLabels(smooth(y)))
            return
        fitted = fit_soft_labels(student, X, SoftLabels(smooth(y, 0.02)))
        with config_context(enable_metadata_routing=False):
            alone = clone(student).fit(X, y)
    assert fitted.score(X, y) > alone.score(X, y) - 0.1


COPIES_ALIKE = [
    CalibratedClassifierCV(make_pipeline(StandardScaler(), SVC())),
    CalibratedClassifierCV(KNeighborsClassifier(), cv=3),
    StackingClassifier([("a", make_pipeline(StandardScaler(), SVC()))], LogisticRegression()),
    StackingClassifier([("a", SVC())], KNeighborsClassifier()),
    VotingClassifier([("a", GaussianNB()), ("b", KNeighborsClassifier())]),
    AdaBoostClassifier(make_pipeline(StandardScaler(), SVC())),
    VotingClassifier([("a", CalibratedClassifierCV(KNeighborsClassifier(), cv=3))]),
    RFE(make_pipeline(StandardScaler(), LogisticRegression())),
    OneVsRestClassifier(LogisticRegression()),
    FixedThresholdClassifier(LogisticRegression()),
    SelfTrainingClassifier(GaussianNB()),
    MultiOutputClassifier(GaussianNB()),
    ClassifierChain(GaussianNB()),
    GridSearchCV(GaussianNB(), {}),
    TunedThresholdClassifierCV(GaussianNB()),
    SVC(probability=True),
    NuSVC(probability=True),
    make_pipeline(StandardScaler(), SVC(probability=True)),
    VotingClassifier([("a", SVC(probability=True)), ("b", GaussianNB())], voting="soft"),
    KNeighborsClassifier(),
    imblearn_pipeline(SMOTE(), DecisionTreeClassifier()),
    imblearn_pipeline(StandardScaler(), DecisionTreeClassifier()),
    StackingClassifier([("a", GaussianNB().fit([[0], [1]], [0, 1]))], cv="prefit"),
    StandardScaler(),
]


class Counting(ExtraTreesClassifier):
    """A teacher that counts its fits."""

    fits = 0

    def fit(self, X, y, sample_weight=None):
        Counting.fits += 1
        return super().fit(X, y, sample_weight)


def check_no_teacher_is_fitted(model, X, y, **fit_params):
    Counting.fits = 0
    with pytest.raises((TypeError, ValueError)) as error:
        model.fit(X, y, **fit_params)
    assert Counting.fits == 0
    return str(error.value)


@pytest.mark.parametrize("alpha", [0.5, "auto"])
@pytest.mark.parametrize("student", COPIES_ALIKE, ids=named)
def test_it_is_refused_before_any_teacher_is_fitted(student, alpha):
    X, y = load_wine(return_X_y=True)
    model = DistilledClassifier(Counting(3), student, alpha=alpha, cv=3)
    message = check_no_teacher_is_fitted(model, X, y)
    inner = student.steps[-1][1] if type(student) is Pipeline else student
    assert type(inner).__name__ in message or "predict_proba" in message
    with pytest.raises((TypeError, ValueError)):
        SoftLabelClassifier(student).fit(X, smooth(y))


@pytest.mark.parametrize(
    "student", [each for each in COPIES_ALIKE if hasattr(each, "predict_proba")], ids=named
)
def test_born_again_refuses_before_any_generation_is_fitted(student, monkeypatch):
    X, y = load_wine(return_X_y=True)
    fits = []
    monkeypatch.setattr("skdistill._born_again.fit_soft_labels", lambda *args: fits.append(args))
    with pytest.raises((TypeError, ValueError)):
        BornAgainClassifier(student, n_generations=1, cv=3).fit(X, y)
    assert not fits


@pytest.mark.parametrize(
    ("student", "message"),
    [
        (COPIES_ALIKE[0], r"passes soft labels on .* Pipeline.* make_pipeline\(StandardScaler"),
        (COPIES_ALIKE[1], r"KNeighborsClassifier\(\) inside it takes no sample_weight"),
        (COPIES_ALIKE[6], r"VotingClassifier \(a__cv=3\) splits"),
        (OneVsRestClassifier(SVC()), "unless metadata is routed. Enable it"),
        (
            SVC(probability=True),
            r"\(probability=True\) splits .*CalibratedClassifierCV\(..., ensem",
        ),
        (imblearn_pipeline(SMOTE(), SVC()), r"overrides the fit of Pipeline.* sklearn.pipeline.Pi"),
        (StackingClassifier([("a", GaussianNB())], cv="prefit"), r"\['a'\].*FrozenEstimator\(fit"),
        (MultiOutputClassifier(GaussianNB()), "predicts several outputs per row"),
    ],
    ids=named,
)
def test_error_message_gives_the_cause_and_a_remedy(student, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_student(student, DataSummary(3, 100))


@pytest.mark.slow
def test_documented_substitute_for_platt_scaling_is_correct():
    X, y = load_digits(return_X_y=True)
    X, y, X_test, y_test = X[:300], y[:300], X[300:900], y[300:900]
    student = CalibratedClassifierCV(SVC(), ensemble=False, cv=3)
    alone = clone(student).fit(X, y)
    nearly_hard = fit_soft_labels(student, X, SoftLabels(smooth(y, 1e-3)))
    assert np.abs(nearly_hard.predict_proba(X_test) - alone.predict_proba(X_test)).mean() < 0.01
    fitted = fit_soft_labels(student, X, SoftLabels(smooth(y)))
    assert fitted.score(X_test, y_test) > alone.score(X_test, y_test) - 0.02
    rng = np.random.default_rng(0)  # the same risk, on average: labels drawn from the soft ones
    true, expected = (np.arange(600), y_test), []
    for _ in range(4):
        drawn = np.array([rng.choice(10, p=p) for p in smooth(y)])
        expected.append(clone(student).fit(X, drawn).predict_proba(X_test)[true].mean())
    found = fitted.predict_proba(X_test)[true].mean()
    assert found == pytest.approx(np.mean(expected), abs=0.05)


def test_calibration_around_a_student_with_weights_learns(gaussian):
    X, _, p_star = gaussian
    found = fit_soft_labels(
        CalibratedClassifierCV(GaussianNB(), cv=3), X, SoftLabels(p_star)
    ).predict_proba(X)
    assert np.abs(found - p_star).mean() < 0.1


@pytest.mark.skipif(not BAGGING_DRAWS, reason="before scikit-learn 1.8 bagging passes weights on")
@pytest.mark.parametrize(
    "inner", [KNeighborsClassifier(15), make_pipeline(StandardScaler(), GaussianNB())], ids=named
)
def test_bagging_fits_inner_estimators_on_drawn_rows(inner, gaussian):
    X, _, p_star = gaussian
    student = BaggingClassifier(inner, n_estimators=100, random_state=0)
    found = fit_soft_labels(student, X, SoftLabels(p_star)).predict_proba(X)
    assert np.abs(found - p_star).mean() < 0.12
    with pytest.raises(TypeError, match=r"(?s)Bagging.* AdaBoostClassifier\(.* inside it takes"):
        # It takes the weights itself, so that bagging draws no rows for it.
        fit_soft_labels(BaggingClassifier(AdaBoostClassifier(inner)), X, SoftLabels(p_star))


# Class weights

BALANCED = [
    DecisionTreeClassifier(class_weight="balanced", max_depth=2, random_state=0),
    LogisticRegression(class_weight="balanced"),
    RidgeClassifier(class_weight="balanced"),
    SVC(C=300, class_weight="balanced"),  # AdaBoost's weights sum to one
    RandomForestClassifier(5, class_weight="balanced", max_depth=3, random_state=0),
    HistGradientBoostingClassifier(class_weight="balanced", max_iter=5),
]
AROUND = {
    "AdaBoost": lambda inner: AdaBoostClassifier(inner, n_estimators=1, random_state=0),
    "Bagging": lambda inner: BaggingClassifier(inner, n_estimators=3, random_state=0),
    "Calibrated": lambda inner: CalibratedClassifierCV(inner, cv=3),
    "Stacking": lambda inner: StackingClassifier([("a", inner)], clone(inner), cv=3),
    "Voting": lambda inner: VotingClassifier([("a", inner), ("nb", GaussianNB())]),
    "RFE": RFE,
    "twice": lambda inner: VotingClassifier(
        [("b", BaggingClassifier(inner, n_estimators=2, random_state=0))]
    ),
    "in a Pipeline": lambda inner: make_pipeline(
        StandardScaler(), AdaBoostClassifier(inner, n_estimators=1, random_state=0)
    ),
}


@pytest.mark.parametrize("meta", AROUND)
@pytest.mark.parametrize("inner", BALANCED, ids=named)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_balanced_class_weights_inside_count_mass(meta, inner):
    X, y = make_classification(300, 5, weights=[0.85], class_sep=0.4, random_state=0)
    names = np.array(["z", "a"])  # sorted, the other way about
    P = smooth(y, 0.2)
    labels = SoftLabels(P[:, ::-1], ["a", "z"], y=names[y])
    student = AROUND[meta](inner)
    if meta == "RFE" and not hasattr(inner.fit(X, y), "coef_"):
        return
    fitted = fit_soft_labels(student, X, labels)
    weights = class_weights("balanced", labels)
    in_codes = meta in ("Bagging", "Stacking", "Voting", "twice")
    in_codes |= isinstance(inner, HistGradientBoostingClassifier)  # of scikit-fit_unchanged, always
    by_class = dict(zip([0, 1] if in_codes else ["a", "z"], weights, strict=True))
    by_hand = AROUND[meta](clone(inner).set_params(class_weight=by_class))
    expected = fit_soft_labels(by_hand, X, labels)
    assert_array_equal(fitted.predict(X), expected.predict(X))
    unweighted = AROUND[meta](clone(inner).set_params(class_weight=None))
    plain = fit_soft_labels(unweighted, X, labels)
    if meta not in ("Voting", "Calibrated"):  # the other half, and calibration, know nothing of it
        assert np.mean(fitted.predict(X) == "a") > np.mean(plain.predict(X) == "a") + 0.05
    left = [value for key, value in fitted.get_params().items() if key.endswith("class_weight")]
    assert set(left) == {"balanced"}


@pytest.mark.parametrize("meta", [OneVsRestClassifier, OneVsOneClassifier, OutputCodeClassifier])
def test_balanced_weights_in_one_vs_rest_are_refused(meta, gaussian):
    X, _, p_star = gaussian
    with config_context(enable_metadata_routing=True):
        inner = LogisticRegression(class_weight="balanced").set_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match="Set estimator__class_weight=None"):
            fit_soft_labels(meta(inner), X, SoftLabels(p_star))


# Stacking

PREFIT = StackingClassifier(
    [("nb", FrozenEstimator(GaussianNB().fit(*load_wine(return_X_y=True))))],
    LogisticRegression(),
    cv="prefit",
)


def test_stacking_of_fitted_estimators():
    X, y = load_wine(return_X_y=True)
    labels = SoftLabels(smooth(y))
    fitted = fit_soft_labels(PREFIT, X, labels)
    rows, copies, weight = labels.expand()
    by_hand = clone(PREFIT).fit(X[rows], copies, sample_weight=weight)
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X))
    assert fitted.cv == "prefit"
    model = DistilledClassifier(student=PREFIT, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("alpha", [0.5, "auto"])
@pytest.mark.parametrize("pipeline", [False, True])
def test_stacking_with_the_default_final_estimator_is_a_student(alpha, pipeline):
    X, y = load_wine(return_X_y=True)
    student = StackingClassifier([("tree", DecisionTreeClassifier(max_depth=3, random_state=0))])
    student = make_pipeline(StandardScaler(), student) if pipeline else student
    model = DistilledClassifier(GaussianNB(), student, alpha=alpha, cv=3)
    assert hasattr(model, "predict_proba")
    assert hasattr(model.fit(X, y), "predict_proba")
    assert model.score(X, y) > 0.85
    again = DistilledClassifier(student, GaussianNB(), alpha=alpha, cv=3)
    assert again.fit(X, y).score(X, y) > 0.85


@pytest.mark.parametrize("n_classes", [2, 3])
def test_stacking_of_regressors_is_a_student(n_classes):
    X, y = load_wine(return_X_y=True)
    X, y = X[y < n_classes], y[y < n_classes]
    student = StackingRegressor([("ridge", Ridge()), ("tree", DecisionTreeRegressor())])
    if n_classes == 3:
        message = check_no_teacher_is_fitted(DistilledClassifier(Counting(3), student), X, y)
        assert "MultiOutputRegressor(StackingRegressor(...)), with a final_estimator" in message
        student = MultiOutputRegressor(student.set_params(final_estimator=Ridge()))
    assert DistilledClassifier(GaussianNB(), student, cv=3).fit(X, y).score(X, y) > 0.9


# Regressors


def regressors():
    found = []
    for name, cls in all_estimators(type_filter="regressor"):
        if name in ("MultiOutputRegressor", "RegressorChain"):
            found.append(cls(Ridge()))
        elif name in ("StackingRegressor", "VotingRegressor"):
            found.append(cls([("ridge", Ridge())]))
        elif name not in ("IsotonicRegression", "GammaRegressor", "PassiveAggressiveRegressor"):
            found.append(cls())  # they take one feature, no zeros, and are deprecated
    more = [
        logit_regressor(MultiTaskLasso()),
        logit_regressor(SVR()),
        BaggingRegressor(SVR()),
        BaggingRegressor(Ridge()),
        GridSearchCV(MultiTaskElasticNet(), {}),
        GridSearchCV(Ridge(), {}),
        RFE(MultiTaskLasso()),
        RFE(SVR(kernel="linear")),
        MultiOutputRegressor(KNeighborsRegressor()),
        make_pipeline(StandardScaler(), MultiTaskLasso(0.01)),
    ]
    return [*found, *more]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("student", regressors(), ids=named)
@pytest.mark.filterwarnings("ignore")
def test_a_regressor_learns_or_is_refused_at_once(student, n_classes, weighted):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 6))
    P = rng.dirichlet(np.ones(n_classes), 80)
    weight = np.arange(80) % 2 + 1.0 if weighted else np.ones(80)
    summary = DataSummary(n_classes, 80, weighted)
    if is_refused(student, summary):
        for target in [P] if n_classes == 3 else [P[:, 1], P[:, 1:]]:
            with pytest.raises((TypeError, ValueError)):
                clone(student).fit(X, target, **({"sample_weight": weight} if weighted else {}))
                if isinstance(student, MLPRegressor):
                    raise ValueError
        return
    model = SoftLabelClassifier(clone(student)).fit(X, P, sample_weight=weight)
    proba = model.predict_proba(X)
    assert proba.shape == (80, n_classes)
    assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize(
    "student",
    [
        MultiOutputRegressor(Ridge()),
        RegressorChain(Ridge()),
        MultiTaskLasso(0.01),
        make_pipeline(StandardScaler(), MultiTaskElasticNet(0.01)),
        logit_regressor(MultiTaskLasso(0.01)),
    ],
    ids=named,
)
def test_regressors_of_several_outputs_learn_two_classes(student):
    X, y = load_wine(return_X_y=True)
    X, y = X[y < 2], np.array(["no", "yes"])[y[y < 2]]
    model = DistilledClassifier(GaussianNB(), student, cv=3).fit(X, y)
    assert model.score(X, y) > 0.9
    ranker = DistilledBipartiteRanker(GaussianNB(), clone(student), cv=3).fit(X, y)
    assert np.mean((ranker.decision_function(X) > 0) == (y == "yes")) > 0.9


def regressors_of_2d_targets():
    """Return every regressor of scikit-learn that stands alone and takes no 1-D target."""
    found = [cls for _, cls in all_estimators(type_filter="regressor")]
    outer = {"estimator", "estimators"}
    alone = [cls() for cls in found if outer.isdisjoint(signature(cls).parameters)]
    return [each for each in alone if not get_tags(each).target_tags.single_output]


def holders_of(inner):
    """Return an estimator of each class that passes its target to an inner regressor."""
    ransac = RANSACRegressor(inner, min_samples=0.9, residual_threshold=9)
    others = [cls for cls in INNER_REGRESSOR if cls not in (SEARCH, RANSACRegressor)]
    held = [cls(**{INNER_REGRESSOR[cls]: inner}) for cls in others]
    return [GridSearchCV(inner, {}), ransac, logit_regressor(inner), *held]


@pytest.mark.parametrize("in_pipeline", [False, True])
@pytest.mark.parametrize(
    "student",
    [each for inner in regressors_of_2d_targets() for each in holders_of(inner)],
    ids=named,
)
@pytest.mark.filterwarnings("ignore")
def test_a_regressor_of_2d_targets_inside_learns_or_is_refused(student, in_pipeline):
    X, y = load_wine(return_X_y=True)
    X, y = X[y < 2], y[y < 2]
    student = make_pipeline(StandardScaler(), student) if in_pipeline else student
    if is_refused(student, DataSummary(2, len(y))):
        check_no_teacher_is_fitted(DistilledClassifier(Counting(2), student, cv=3), X, y)
        with pytest.raises(ValueError):
            clone(student).fit(X, y[:, None].astype(float))
    else:
        SoftLabelClassifier(student).fit(X, np.eye(2)[y])


@pytest.mark.parametrize(
    ("student", "weighted", "message"),
    [
        (HistGradientBoostingRegressor(), False, "3 columns"),
        (make_pipeline(StandardScaler(), SVR()), False, r"MultiOutputRegressor\(SVR"),
        (KNeighborsRegressor(), True, "takes no sample_weight"),
        (MultiOutputRegressor(KNeighborsRegressor()), True, "takes no sample_weight"),
    ],
    ids=named,
)
def test_a_regressor_is_refused_before_any_teacher(student, weighted, message):
    X, y = load_wine(return_X_y=True)
    weight = {"sample_weight": np.arange(len(y)) + 1.0} if weighted else {}
    model = DistilledClassifier(Counting(3), student, alpha=0.5, cv=3)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **weight)
    check_no_teacher_is_fitted(model, X, y, **weight)
    if weighted:
        more = {"X_unlabeled": X[:5] + 0.1}
        check_no_teacher_is_fitted(model, X, y, **more)
        ranker = DistilledBipartiteRanker(Counting(3), student, cv=3)
        check_no_teacher_is_fitted(ranker, X[y < 2], y[y < 2], sample_weight=y[y < 2] + 1.0)


def known_meta_estimators(inner):
    """Return an estimator of every class of `INNER_FITS` that may stand around `inner`."""
    kind = SimpleNamespace(is_classifier=is_classifier(inner))
    known = [maker for maker in meta_estimators() if maker.cls in INNER_FITS and not maker.params]
    return [maker.make(inner) for maker in known if maker.fits(kind)]


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    "outer",
    [
        *known_meta_estimators(RFE(DecisionTreeClassifier())),
        *known_meta_estimators(RFE(DecisionTreeRegressor())),
        *known_meta_estimators(TransformedTargetRegressor(Ridge())),
    ],
    ids=named,
)
@pytest.mark.filterwarnings("ignore")
def test_weights_in_inner_fit_kwargs_are_routed_or_refused(outer, routing):
    """These take whatever is handed on; some meta-estimators look for the parameter's name."""
    X, y = load_wine(return_X_y=True)
    proba = np.eye(3)[y] * 0.8 + 0.2 / 3
    with config_context(enable_metadata_routing=routing):
        try:
            check_student(outer, DataSummary(3, len(y), weighted=True))
        except (TypeError, ValueError):
            return
        try:
            clone(outer).fit(X, y if is_classifier(outer) else proba)
        except ValueError:
            return  # scikit-fit_unchanged cannot fit it without weights either
        fit_soft_labels(outer, X, SoftLabels(proba, sample_weight=y + 1.0))


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_a_scorer_that_decides_nothing_about_weights_is_named(alpha):
    X, y = load_wine(return_X_y=True)
    with config_context(enable_metadata_routing=True):
        student = RFECV(Ridge().set_fit_request(sample_weight=True), cv=3)
        if not get_routing_for_object(get_scorer("r2")).score.requests:
            pytest.skip("scorers before scikit-learn 1.9 take no weights unless they request them")
        teacher = Counting(3).set_fit_request(sample_weight=True)
        model = DistilledClassifier(teacher, student, alpha=alpha, cv=3)
        with pytest.raises(ValueError, match=r"make_scorer.* inside it neither requests.*_score_"):
            model.fit(X, y, sample_weight=y + 1.0)
        check_no_teacher_is_fitted(model, X, y, sample_weight=y + 1.0)


# Classes that are not known


class OwnVote(ClassifierMixin, BaseEstimator):
    """A third-party meta-estimator that does not pass weights to inner estimators."""

    def __init__(self, estimator=None):
        self.estimator = estimator

    def fit(self, X, y, sample_weight=None):
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X):
        return self.estimator_.predict(X)


class OwnVoting(VotingClassifier):
    def fit(self, X, y, **fit_params):
        return super().fit(X, y)


@pytest.mark.parametrize(
    "student", [OwnVote(GaussianNB()), OwnVoting([("a", GaussianNB())])], ids=named
)
def test_unknown_meta_estimator_is_refused_until_registered(student, gaussian):
    X, _, p_star = gaussian
    labels = SoftLabels(p_star)
    cls = type(student)
    with pytest.raises(TypeError, match=rf"{cls.__name__} fits estimators inside it \(Gaussian"):
        fit_soft_labels(student, X, labels)
    with pytest.raises(TypeError, match=f"{cls.__name__} fits estimators inside it"):
        fit_soft_labels(VotingClassifier([("a", student)]), X, labels)
    seen = []

    @register(cls, check=lambda student, summary: seen.append(summary))
    def fit_unchanged(student, X, soft_labels, **fit_params):
        return student.fit(X, soft_labels.argmax_labels())

    try:
        fit_soft_labels(student, X, labels)
        assert seen == [DataSummary(3, len(X), False)]
    finally:
        del FITTERS[cls], FITTERS.checks[fit_unchanged]


def test_registered_fitter_without_a_check_is_accepted(gaussian):
    X, _, p_star = gaussian

    @register(OwnVote)
    def fit_unchanged(student, X, soft_labels, **fit_params):
        return student.fit(X, soft_labels.argmax_labels())

    try:
        assert fit_soft_labels(OwnVote(GaussianNB()), X, SoftLabels(p_star)).classes_.size == 3
    finally:
        del FITTERS[OwnVote]


def test_a_step_that_looks_at_labels_needs_the_weights(gaussian):
    X, _, p_star = gaussian
    with config_context(enable_metadata_routing=True):
        last = GaussianNB().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        fine = VotingClassifier([("a", make_pipeline(scaler, last))])
        fit_soft_labels(fine, X, SoftLabels(p_star))
        blind = VotingClassifier([("a", make_pipeline(SelectKBest(k=2), last))])
        with pytest.raises(TypeError, match=r"SelectKBest\(k=2\) inside it takes no sample_weight"):
            fit_soft_labels(blind, X, SoftLabels(p_star))


def test_rows_beyond_auto_early_stopping_limit_are_refused():
    X, y = np.zeros((10_001, 1)), np.arange(10_001) % 2
    student = VotingClassifier([("h", HistGradientBoostingClassifier())])
    model = DistilledClassifier(Counting(3), student, alpha=0.5)
    assert "h__early_stopping" in check_no_teacher_is_fitted(model, X, y)


def test_no_teacher_nothing_to_refuse():
    X, y = load_wine(return_X_y=True)
    model = DistilledClassifier(student=KNeighborsClassifier(), alpha=0).fit(X, y)
    assert_array_equal(model.predict(X), KNeighborsClassifier().fit(X, y).predict(X))
    soft = SoftLabelClassifier(SVC(probability=True, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        assert soft.fit(X, y).score(X, y) > 0.6
