"""Row weights reach a teacher as in `cross_val_predict` of scikit-learn.

Every meta-estimator of scikit-learn around a classifier that takes weights, one that takes none,
and a Pipeline; with metadata routing and without; two and three classes. Estimators that take no
weights are fitted without, and a warning names the remedy. Without routing scikit-learn passes no
weights to a Pipeline inside another estimator: there one estimator contains the same steps.
"""

import warnings
from functools import cache
from itertools import product

import numpy as np
import pytest
import sklearn
from contracts.sklearn_estimators import Maker, leaves, meta_estimators
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledBipartiteRanker, DistilledClassifier
from skdistill.inspection import compare_teachers
from skdistill.students._registry import FITTERS

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Since .* does not appear to accept sample_weight"),
]

N_ROWS = 60
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 2))
SCORE = X[:, 0] + 0.7 * RNG.normal(size=N_ROWS)
LABELS = {2: (SCORE > 0).astype(int), 3: np.digitize(SCORE, [-0.5, 0.5])}
WEIGHT = RNG.uniform(0.2, 5, size=N_ROWS)
GROUPS = RNG.integers(12, size=N_ROWS)
CV = StratifiedGroupKFold(2)


class Keeper(ClassifierMixin, BaseEstimator):
    """A student that keeps the soft labels that it is given."""

    def fit(self, X, y):
        return self


def keep(student, X, soft_labels, **fit_params):
    student.classes_, student.soft_labels_ = soft_labels.classes, soft_labels
    return student


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Other tests read all that are registered: it is, for the time of a test only."""
    monkeypatch.setitem(FITTERS, Keeper, keep)


class Scaled(ClassifierMixin, BaseEstimator):
    """What a Pipeline of a scaler and a classifier is, written by hand: it takes weights."""

    def __init__(self, last):
        self.last = last

    def fit(self, X, y, sample_weight=None):
        self.scaler_ = StandardScaler().fit(X)
        self.last_ = clone(self.last).fit(
            self.scaler_.transform(X), y, **weights_for(self.last, sample_weight)
        )
        self.classes_ = self.last_.classes_
        return self

    def predict_proba(self, X):
        return self.last_.predict_proba(self.scaler_.transform(X))

    def decision_function(self, X):
        return self.last_.decision_function(self.scaler_.transform(X))

    def predict(self, X):
        return self.last_.predict(self.scaler_.transform(X))


def weights_for(estimator, sample_weight):
    return {} if sample_weight is None else {"sample_weight": sample_weight}


INNER = {
    "LogisticRegression": Maker(LogisticRegression).make(),
    "GaussianNB": GaussianNB(),
    "KNeighborsClassifier": KNeighborsClassifier(),
    "Pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
}
METAS = {
    meta.name: meta for meta in meta_estimators() if meta.fits(Maker(LogisticRegression))
}  # fmt: skip


def make(meta, inner):
    """Return a meta-estimator that says before its fit whether it has probabilities."""
    teacher = METAS[meta].make(inner)
    if "final_estimator" in teacher.get_params(deep=False):
        teacher.set_params(final_estimator=LogisticRegression())
    return teacher


def teacher_proba(teacher, y, weight=None, **options):
    """Return the probabilities that a student would learn from."""
    model = DistilledClassifier(
        teacher, Keeper(), alpha=1.0, teacher_temperature=1.0, cv=CV, **options
    )
    return model.fit(X, y, weight, groups=GROUPS).student_.soft_labels_.proba


def by_cross_val_predict(teacher, y, **params):
    """Return the out-of-fold probabilities that scikit-learn gives."""
    given = {"params": params, "groups": GROUPS}
    if sklearn.get_config()["enable_metadata_routing"]:
        given = {"params": {**params, "groups": GROUPS}}
    return cross_val_predict(clone(teacher), X, y, cv=CV, method="predict_proba", **given)


def spelled(teacher):
    """Return the weights as scikit-learn wants them named without routing."""
    name = "sample_weight"
    while isinstance(teacher, Pipeline):
        name, teacher = f"{teacher.steps[-1][0]}__{name}", teacher.steps[-1][1]
    return {name if "__" not in name else "__".join(_prefixes(name)): WEIGHT}


def _prefixes(name):
    """Return the steps of nested Pipelines from the outermost on: they were found inside out."""
    *steps, leaf = name.split("__")
    return [*reversed(steps), leaf]


def outcome(function, *args, **params):
    """Return what a function returns, or the error that it raises.

    That only the calibration is weighted is an error, too: scikit-learn calls it incorrect.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", "Since .* does not appear to accept sample_weight")
            return function(*args, **params)
    except Exception as error:
        return error


@cache
def with_and_without_routing(meta, inner):
    """Return a teacher, and the same one in a form that takes weights in scikit-learn."""
    teacher = make(meta, INNER[inner])
    if inner != "Pipeline" or METAS[meta].slot == "steps":
        return teacher, teacher
    return teacher, make(meta, Scaled(LogisticRegression()))


def cases(*more):
    """Return each meta-estimator around each inner one; the quick tests run some of them."""
    found = []
    for meta, inner, n_classes in product(METAS, INNER, (2, 3)):
        is_quick = n_classes == 2 and inner != "GaussianNB" and "Halving" not in meta
        for each in more or [()]:
            quick = is_quick and (not more or each == more[0] or inner == "Pipeline")
            marks = [] if quick else [pytest.mark.slow]
            found.append(pytest.param(meta, inner, n_classes, *each, marks=marks))
    return found


@pytest.mark.parametrize(("meta", "inner", "n_classes"), cases())
def test_weights_without_routing(meta, inner, n_classes):
    y = LABELS[n_classes]
    teacher, same = with_and_without_routing(meta, inner)
    unweighted = outcome(by_cross_val_predict, same, y)
    if isinstance(unweighted, Exception):
        return  # scikit-learn cannot fit it, or has no probabilities of it
    weighted = outcome(by_cross_val_predict, same, y, **spelled(same))
    if isinstance(weighted, Exception):
        remedy = "takes no sample_weight.*(Instead of|where metadata is routed)"
        with pytest.warns(UserWarning, match=f"(?s){type(teacher).__name__} {remedy}"):
            found = teacher_proba(teacher, y, WEIGHT)
        np.testing.assert_array_equal(found, unweighted)
    else:
        found = outcome(teacher_proba, teacher, y, WEIGHT)
        np.testing.assert_allclose(found, weighted, rtol=1e-12, atol=1e-12)


def request_weights(estimator):
    """Let all inside an estimator that can take weights request them."""
    for each in [estimator, *estimator.get_params().values()]:
        if hasattr(each, "set_fit_request") and hasattr(each, "fit"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    each.set_fit_request(sample_weight=True)
                except TypeError:  # it takes none
                    continue
    return estimator


@pytest.mark.parametrize(("meta", "inner", "n_classes", "requests"), cases((True,), (False,)))
def test_weights_with_routing(meta, inner, n_classes, requests):
    y = LABELS[n_classes]
    with config_context(enable_metadata_routing=True):
        teacher = make(meta, clone(INNER[inner]))
        if requests:
            request_weights(teacher)
        expected = outcome(by_cross_val_predict, teacher, y, sample_weight=WEIGHT)
        if "not routed to any object" in str(expected):  # here the student may want them
            expected = outcome(by_cross_val_predict, teacher, y)
        found = outcome(teacher_proba, clone(teacher), y, WEIGHT)
    if not isinstance(expected, Exception):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    elif not isinstance(outcome(teacher_proba, clone(teacher), y), Exception):
        assert type(found) is type(expected), (found, expected)


SCALED_FOREST = make_pipeline(StandardScaler(), ExtraTreesClassifier(5, random_state=0))
NESTED = {
    "Pipeline": SCALED_FOREST,
    "vote": VotingClassifier([("one", SCALED_FOREST), ("other", INNER["Pipeline"])], voting="soft"),
    "Pipeline of a vote": make_pipeline(
        StandardScaler(), VotingClassifier([("one", INNER["Pipeline"])], voting="soft")
    ),
    "Pipeline of a Pipeline": make_pipeline(StandardScaler(), INNER["Pipeline"]),
    "search of a calibrated Pipeline": GridSearchCV(
        CalibratedClassifierCV(INNER["Pipeline"], cv=2), {"method": ["sigmoid"]}, cv=2
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_equal_weights_are_no_weights(name):
    plain = teacher_proba(NESTED[name], LABELS[2])
    np.testing.assert_allclose(teacher_proba(NESTED[name], LABELS[2], np.ones(N_ROWS)), plain)


@pytest.mark.parametrize("name", ["vote", "Pipeline of a vote", "Pipeline of a Pipeline"])
def test_integer_weights_are_repeated_rows(name):
    y, count = LABELS[2], np.arange(N_ROWS) % 3 + 1
    last = LogisticRegression(tol=1e-10)
    teacher = clone(NESTED[name])
    teacher.set_params(**{
        key: last for key, value in teacher.get_params().items()
        if isinstance(value, LogisticRegression | ExtraTreesClassifier)
    } | {
        key: "passthrough" for key, value in teacher.get_params().items()
        if isinstance(value, StandardScaler)  # it takes no weights here, and repeated rows count
    })  # fmt: skip
    folds = list(CV.split(X, y, GROUPS))
    rows = np.repeat(np.arange(N_ROWS), count)
    again = [tuple(np.flatnonzero(np.isin(rows, side)) for side in fold) for fold in folds]
    found = DistilledClassifier(
        teacher, Keeper(), alpha=1.0, teacher_temperature=1.0, cv=folds
    ).fit(X, y, count)
    other = DistilledClassifier(
        teacher, Keeper(), alpha=1.0, teacher_temperature=1.0, cv=again
    ).fit(X[rows], y[rows])
    np.testing.assert_allclose(
        found.student_.soft_labels_.proba[rows], other.student_.soft_labels_.proba, atol=1e-5
    )


@pytest.mark.parametrize("name", NESTED)
def test_the_teacher_that_is_given_stays_as_it_is(name):
    teacher = clone(NESTED[name])
    before = repr(teacher), [type(each) for each in teacher.get_params().values()]
    teacher_proba(teacher, LABELS[2], WEIGHT)
    assert (repr(teacher), [type(each) for each in teacher.get_params().values()]) == before


def test_a_frozen_teacher_inside_a_pipeline_stays_as_it_is():
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, LABELS[2])
    teacher = VotingClassifier([("frozen", FrozenEstimator(fitted)), ("nb", GaussianNB())])
    teacher.set_params(voting="soft")
    with pytest.warns(UserWarning, match="takes no sample_weight|FrozenEstimator"):
        warnings.warn("FrozenEstimator", stacklevel=1)
        teacher_proba(teacher, LABELS[2], WEIGHT)
    assert type(fitted) is Pipeline


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_teachers_are_kept_and_fitted_in_other_processes(tmp_path, n_jobs):
    y = LABELS[2]
    expected = by_cross_val_predict(SCALED_FOREST, y, **spelled(SCALED_FOREST))
    for _ in range(2):
        found = teacher_proba(SCALED_FOREST, y, WEIGHT, memory=str(tmp_path), n_jobs=n_jobs)
        np.testing.assert_array_equal(found, expected)


class OwnPipeline(Pipeline):
    """A Pipeline that is fitted in a way of its own, as that of imbalanced-learn is."""

    def fit(self, X, y=None, **params):
        return super().fit(X, y, **params)


@pytest.mark.parametrize(
    ("teacher", "remedy"),
    [
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), "KNeighborsClassifier inside"),
        (OwnPipeline([("last", LogisticRegression())]), "use sklearn.pipeline.Pipeline"),
        (make_pipeline(OneVsRestClassifier(LogisticRegression())), "enable_metadata_routing=True"),
    ],
)
@pytest.mark.parametrize("how", ["distil", "compare"])
def test_what_takes_no_weights_is_named_with_the_remedy(teacher, remedy, how):
    with pytest.warns(UserWarning, match=f"takes no sample_weight.*{remedy}"):
        if how == "distil":
            teacher_proba(teacher, LABELS[2], WEIGHT)
        else:
            compare_teachers({"it": teacher}, X, LABELS[2], sample_weight=WEIGHT, cv=2)


def test_compared_teachers_get_weights_too():
    result = compare_teachers({"it": SCALED_FOREST}, X, LABELS[2], sample_weight=WEIGHT, cv=2)
    weighted = DistilledClassifier(SCALED_FOREST, alpha=1.0, teacher_temperature=1.0, cv=2).fit(
        X, LABELS[2], WEIGHT
    )
    scores = result.to_frame()["log_loss"]
    np.testing.assert_allclose(scores.iloc[0], weighted.teacher_scores_["raw"]["log_loss"])


def test_rankers_get_weights_too():
    ranker = DistilledBipartiteRanker(SCALED_FOREST, alpha=1.0, cv=2).fit(X, LABELS[2], WEIGHT)
    model = DistilledClassifier(SCALED_FOREST, alpha=1.0, teacher_temperature=1.0, cv=2).fit(
        X, LABELS[2], WEIGHT
    )
    assert ranker.teacher_scores_ == model.teacher_scores_


# Bad input.


@pytest.mark.parametrize("name", NESTED)
def test_weights_of_one_row_only_are_ordinary_training(name):
    """One class carries all the weight: a teacher would repeat its label."""
    model = DistilledClassifier(
        NESTED[name], GaussianNB(), alpha=1.0, teacher_temperature=1.0, cv=CV
    )
    model.fit(X, LABELS[2], np.eye(N_ROWS)[0])
    assert model.teacher_scores_ is None
    np.testing.assert_array_equal(model.predict(X), np.full(N_ROWS, LABELS[2][0]))


def test_a_class_of_weight_zero_gets_no_probability_from_a_tree():
    y = LABELS[3]
    teacher = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=2, random_state=0))
    proba = teacher_proba(teacher, y, np.where(y == 2, 0.0, 1.0))
    np.testing.assert_array_equal(proba[:, 2], 0)


@pytest.mark.slow
def test_every_classifier_as_last_step():
    """Weights reach each classifier of scikit-learn as last step, or it is named."""
    y, counts = LABELS[2], {"weighted": 0, "warned": 0}
    for maker in leaves("classifier"):
        teacher = make_pipeline(StandardScaler(), maker.make())
        unweighted = outcome(by_cross_val_predict, teacher, y)
        if isinstance(unweighted, Exception):
            continue
        weighted = outcome(by_cross_val_predict, teacher, y, **spelled(teacher))
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            found = teacher_proba(teacher, y, WEIGHT)
        warned = any(maker.cls.__name__ + " inside it takes none" in str(w.message) for w in seen)
        assert warned == isinstance(weighted, Exception), maker.name
        np.testing.assert_allclose(found, unweighted if warned else weighted, atol=1e-12)
        counts["warned" if warned else "weighted"] += 1
    assert counts["weighted"] > 10 and counts["warned"] > 3, counts
