"""CascadeClassifier: who predicts which row, what is certified, and what is refused."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    CascadeClassifier,
    DistilledClassifier,
    DistilledRegressor,
    SoftLabelClassifier,
    deployable,
)
from skdistill._cascade._bounds import largest_bound, upper_bound
from skdistill._cascade._thresholds import common_threshold
from skdistill.datasets import make_gaussian_classes
from skdistill.students import register_confidence

N = 3000
TREE = DecisionTreeClassifier(max_leaf_nodes=20, random_state=0)
FOREST = RandomForestClassifier(30, random_state=0)


class CountingTeacher(ClassifierMixin, BaseEstimator):
    """Predicts by the first feature, and writes down which rows it gets."""

    def __init__(self, n_classes=2):
        self.n_classes = n_classes
        self.rows = []

    def fit(self, X, y=None):
        self.classes_ = np.arange(self.n_classes)
        return self

    def predict(self, X):
        self.rows.append(np.array(X))
        return (np.asarray(X)[:, 0] > 0).astype(int)

    def predict_proba(self, X):
        return np.eye(self.n_classes)[self.predict(X)]


class NoisyStudent(ClassifierMixin, BaseEstimator):
    """Predicts by the first feature, flipped where the third one says so; the second is its
    confidence."""

    def fit(self, X, y=None):
        self.classes_ = np.arange(2)
        return self

    def predict_proba(self, X):
        second = (X[:, 0] > 0) ^ (X[:, 2] > 0)
        top = 0.5 + 0.5 * X[:, 1]
        return np.column_stack([np.where(second, 1 - top, top), np.where(second, top, 1 - top)])

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)


def noisy_rows(n_rows=N, rate=0.4, random_state=0):
    """Return rows of which NoisyStudent flips a share rate · (1 − confidence)."""
    rng = np.random.default_rng(random_state)
    confidence = rng.random(n_rows)
    flipped = rng.random(n_rows) < rate * (1 - confidence)
    return np.column_stack([rng.normal(size=n_rows), confidence, np.where(flipped, 1.0, -1.0)])


def frozen(estimator):
    return FrozenEstimator(estimator)


def noisy_cascade(**params):
    teacher = CountingTeacher().fit(None)
    return CascadeClassifier(frozen(teacher), frozen(NoisyStudent().fit(None)), **params), teacher


@pytest.fixture(scope="module")
def problem():
    X, y, _ = make_gaussian_classes(4000, n_features=4, n_classes=3, random_state=0)
    teacher = RandomForestClassifier(30, random_state=0).fit(X[:1000], y[:1000])
    student = DistilledClassifier(frozen(teacher), TREE, alpha=1.0).fit(X[1000:2000], y[1000:2000])
    return X, y, teacher, student


# Who predicts.


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_the_teacher_gets_exactly_the_deferred_rows(method):
    cascade, teacher = noisy_cascade(max_disagreement=0.05)
    cascade.fit(noisy_rows())
    teacher.rows.clear()
    X = noisy_rows(500, random_state=1)
    deferred = cascade.defers(X)
    assert 0 < deferred.sum() < 500
    assert teacher.rows == []
    getattr(cascade, method)(X)
    assert_array_equal(np.concatenate(teacher.rows), X[deferred])
    teacher.rows.clear()
    getattr(cascade, method)(X[~deferred])
    assert teacher.rows == []
    getattr(cascade, method)(X[deferred][:1])
    assert_array_equal(teacher.rows[0], X[deferred][:1])


def test_each_row_is_predicted_by_the_model_that_keeps_it(problem):
    X, _, teacher, student = problem
    cascade = CascadeClassifier(frozen(teacher), frozen(student), max_disagreement=0.05)
    cascade.fit(X[2000:3000])
    X = X[3000:]
    deferred = cascade.defers(X)
    assert 0 < deferred.mean() < 1
    for method in ("predict", "predict_proba"):
        by_teacher, by_student = (getattr(each, method)(X) for each in (teacher, student))
        where = deferred if method == "predict" else deferred[:, None]
        assert_array_equal(getattr(cascade, method)(X), np.where(where, by_teacher, by_student))
    with np.errstate(divide="ignore"):
        assert_array_equal(cascade.predict_log_proba(X), np.log(cascade.predict_proba(X)))
    singles = np.concatenate([cascade.predict(row[None]) for row in X[:50]])
    assert_array_equal(singles, cascade.predict(X[:50]))


def test_attributes_are_those_of_the_definition(problem):
    X, _, teacher, student = problem
    rows = X[2000:3000]
    cascade = CascadeClassifier(
        frozen(teacher), frozen(student), max_disagreement=0.05, confidence_score="max_proba"
    ).fit(rows)
    wrong = student.predict(rows) != teacher.predict(rows)
    scores = student.predict_proba(rows).max(axis=1)
    expected = common_threshold(scores, wrong, 0.05, 0.95)
    assert (cascade.threshold_, cascade.coverage_, cascade.bound_) == expected
    kept = ~cascade.defers(rows)
    assert cascade.coverage_ == kept.mean()
    assert cascade.bound_ == largest_bound(0.05, 1000, 0.95)
    assert upper_bound((wrong & kept).sum(), 1000, 0.95) <= cascade.bound_ <= 0.05
    assert cascade.n_calibration_ == 1000
    assert_array_equal(cascade.classes_, teacher.classes_)
    assert cascade.teacher_ is teacher
    assert cascade.student_ is student.student_
    assert cascade.n_features_in_ == 4


@pytest.mark.parametrize("n_rows", [299, 1000])
def test_a_student_equal_to_the_teacher_keeps_everything(n_rows):
    X, y, _ = make_gaussian_classes(2000, random_state=0)
    model = GaussianNB().fit(X[:500], y[:500])
    cascade = CascadeClassifier(frozen(model), frozen(model)).fit(X[500 : 500 + n_rows])
    assert (cascade.coverage_, cascade.threshold_) == (1, -np.inf)
    assert not cascade.defers(1e6 * X).any()  # also for rows less sure than any of them


class Opposite(CountingTeacher):
    def predict(self, X):
        return 1 - super().predict(X)


def test_a_student_that_always_fails_keeps_nothing():
    teacher = CountingTeacher().fit(None)
    cascade = CascadeClassifier(frozen(teacher), frozen(Opposite().fit(None)))
    X = noisy_rows(400)
    with pytest.warns(UserWarning, match=r"keeps no row.*surest predictions.*No budget would"):
        cascade.fit(X)
    assert (cascade.coverage_, cascade.bound_, cascade.threshold_) == (0, 0, np.inf)
    assert cascade.defers(X).all()
    assert_array_equal(cascade.predict(X), teacher.predict(X))


def test_the_budget_that_is_named_would_have_been_kept():
    cascade, _ = noisy_cascade(max_disagreement=0.0095)
    X = noisy_rows(350)
    X[X[:, 1].argmax(), 2] = 1  # the surest prediction fails
    with pytest.warns(UserWarning, match="The student keeps no row") as found:
        cascade.fit(X)
    message = str(found[0].message)
    budget = float(message.rpartition("max_disagreement=")[2].split(". ")[0])
    assert cascade.set_params(max_disagreement=budget).fit(X).coverage_ > 0


@pytest.mark.parametrize(("risk", "needed"), [(0.01, 299), (0.05, 59)])
def test_too_few_rows_are_named(risk, needed):
    cascade, _ = noisy_cascade(max_disagreement=risk)
    with pytest.warns(UserWarning, match=rf"{needed - 1} calibration rows are too few .*{needed}"):
        cascade.fit(noisy_rows(needed - 1, rate=0))
    assert cascade.fit(noisy_rows(needed, rate=0)).coverage_ == 1


# The guarantee, where the disagreement is known.


@pytest.mark.parametrize("risk", [0.02, 0.05])
def test_the_guarantee_holds_where_the_risk_is_known(risk):
    """The student fails with probability .4 (1 − c) at confidence c, so that the risk of a
    threshold t is .4 (1 − t)² / 2."""
    student, teacher = NoisyStudent().fit(None), CountingTeacher().fit(None)
    cascade = CascadeClassifier(frozen(teacher), frozen(student), max_disagreement=risk)
    broken, n_samples = 0, 200
    for seed in range(n_samples):
        threshold = cascade.fit(noisy_rows(600, random_state=seed)).threshold_  # of the margin
        broken += 0.2 * (1 - max(threshold, 0)) ** 2 > risk
    assert broken / n_samples <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_samples)


def test_coverage_approaches_that_of_the_known_risk():
    cascade, _ = noisy_cascade(max_disagreement=0.05)
    cascade.fit(noisy_rows(100_000))
    assert cascade.coverage_ == pytest.approx(np.sqrt(0.05 / 0.2), abs=0.02)


@pytest.mark.parametrize("with_groups", [True, False])
def test_the_guarantee_holds_for_groups_of_dependent_rows(with_groups):
    """Of 20 equal rows in each group one certifies; as independent rows they know too much."""
    cascade, _ = noisy_cascade(max_disagreement=0.05, random_state=0)
    broken, n_samples = 0, 200
    groups = np.repeat(np.arange(400), 20)
    for seed in range(n_samples):
        X = np.repeat(noisy_rows(400, random_state=seed), 20, axis=0)
        cascade.fit(X, groups=groups if with_groups else None)
        broken += 0.2 * (1 - max(cascade.threshold_, 0)) ** 2 > 0.05
    allowed = 0.05 + 2 * np.sqrt(0.05 * 0.95 / n_samples)
    assert (broken / n_samples <= allowed) == with_groups


def test_bayes_rules_of_two_gaussians():
    """The student knows one of two features: its disagreement with Bayes' rule is known."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60_000)
    X = rng.normal(size=(60_000, 2)) + np.where(y == 1, 0.5, -0.5)[:, None]
    teacher = LogisticRegression().fit(X[:20_000], y[:20_000])
    student = make_pipeline(FirstFeature(), LogisticRegression()).fit(X[:20_000], y[:20_000])
    # P(sign x1 ≠ sign(x1 + x2)) under the mixture, by symmetry that of one class.
    more = rng.normal(size=(10**6, 2)) + 0.5
    known = np.mean((more[:, 0] > 0) != (more.sum(axis=1) > 0))
    cascade = CascadeClassifier(frozen(teacher), frozen(student), max_disagreement=known + 0.02)
    assert cascade.fit(X[20_000:]).coverage_ == 1
    less = clone(cascade).set_params(max_disagreement=known - 0.02).fit(X[20_000:])
    assert 0 < less.coverage_ < 1


class FirstFeature(BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[:, :1]

    def __sklearn_is_fitted__(self):
        return True


# Criteria, and sets of rows.


@pytest.mark.parametrize("criterion", ["disagreement", "error", "regret"])
def test_criteria_count_their_failures(criterion, problem):
    X, y, teacher, student = problem
    rows, labels = X[2000:], y[2000:]
    cascade = CascadeClassifier(
        frozen(teacher), frozen(student), criterion=criterion, max_disagreement=0.1
    ).fit(rows, labels)
    s, t = student.predict(rows), teacher.predict(rows)
    fails = {
        "disagreement": s != t,
        "error": s != labels,
        "regret": (s != labels) & (t == labels),
    }[criterion]
    assert_array_equal(cascade.calibration_.failures, fails)
    count = (fails & ~cascade.defers(rows)).sum()
    assert upper_bound(count, 2000, 0.95) <= cascade.bound_ <= 0.1


@pytest.mark.parametrize("criterion", ["disagreement", "error"])
def test_the_budget_is_kept_within_each_class(criterion, problem):
    X, y, teacher, student = problem
    rows, labels = X[2000:], y[2000:]
    params = {"criterion": criterion, "max_disagreement": 0.08}
    pair = frozen(teacher), frozen(student)
    cascade = CascadeClassifier(*pair, within="class", **params).fit(rows, labels)
    of_class = labels if criterion == "error" else teacher.predict(rows)
    kept, fails = ~cascade.defers(rows), cascade.calibration_.failures
    bounds = [
        upper_bound((fails & kept)[of_class == k].sum(), (of_class == k).sum(), 0.95)
        for k in range(3)
    ]
    assert max(bounds) <= cascade.bound_ <= 0.08
    n_rows = [(of_class == k).sum() for k in range(3)]
    assert cascade.bound_ == max(largest_bound(0.08, n, 0.95) for n in n_rows)
    assert cascade.coverage_ <= CascadeClassifier(*pair, **params).fit(rows, labels).coverage_


def test_a_threshold_for_each_predicted_class(problem):
    X, _, teacher, student = problem
    rows = X[2000:]
    cascade = CascadeClassifier(
        frozen(teacher), frozen(student), within="prediction", max_disagreement=0.1,
        confidence_score="max_proba",
    ).fit(rows)  # fmt: skip
    assert cascade.threshold_.shape == (3,)
    predicted, scores = student.predict(rows), student.predict_proba(rows).max(axis=1)
    wrong = predicted != teacher.predict(rows)
    for k in range(3):
        of_class = predicted == k
        expected = common_threshold(scores[of_class], wrong[of_class], 0.1, 1 - 0.05 / 3)
        assert cascade.threshold_[k] == expected.threshold
    assert_array_equal(cascade.defers(rows), scores < cascade.threshold_[predicted])
    assert cascade.coverage_ == pytest.approx(np.mean(~cascade.defers(rows)))


def test_strata_keep_the_budget_in_each_set():
    X = noisy_rows()
    strata = np.where(X[:, 0] > 1, "rare", "common")
    X[strata == "rare", 2] = 1  # always wrong there
    cascade, _ = noisy_cascade(max_disagreement=0.25)

    def bounds():
        fails = ~cascade.defers(X) & (X[:, 2] > 0)
        sets = [strata == name for name in ("common", "rare")]
        return [float(upper_bound((fails & each).sum(), each.sum(), 0.95)) for each in sets]

    cascade.fit(X)
    assert bounds()[0] < 0.25 < bounds()[1]
    assert 0 < cascade.fit(X, strata=strata).coverage_ < 1
    assert max(bounds()) <= cascade.bound_ <= 0.25


def test_a_stratum_without_calibration_rows_keeps_nothing():
    """Its budget is not certified, wherever it stands in the order of strata."""
    X, y, _ = make_gaussian_classes(1000, random_state=0)
    strata = np.zeros(1000, dtype=int)
    for rare in (-1, 1):
        strata[:3] = rare
        cascade = CascadeClassifier(
            GaussianNB(), max_disagreement=0.3, calibration_size=100, random_state=0
        )
        with pytest.warns(UserWarning, match="0 calibration rows in the smallest set"):
            cascade.fit(X, y, strata=strata)
        assert cascade.coverage_ == 0


def test_labels_outside_the_classes_are_in_no_class():
    cascade, _ = noisy_cascade(criterion="error", within="class", max_disagreement=0.9)
    y = np.where(np.arange(N) < 5, 7, (noisy_rows()[:, 0] > 0).astype(int))
    with pytest.raises(ValueError, match=r"classes of the teacher, \[0, 1\], and 5 of 3000"):
        cascade.fit(noisy_rows(), y)
    assert cascade.set_params(within=None).fit(noisy_rows(), y).coverage_ > 0


def test_a_class_without_rows_is_named():
    teacher = CountingTeacher(n_classes=3).fit(None)
    cascade = CascadeClassifier(
        frozen(teacher), frozen(NoisyStudent().fit(None)), within="class", max_disagreement=0.5
    )
    with pytest.warns(UserWarning, match="0 calibration rows in the smallest set"):
        cascade.fit(noisy_rows())


def test_of_each_group_one_row_certifies():
    X = np.repeat(noisy_rows(400), 5, axis=0)
    groups = np.repeat(np.arange(400), 5)
    cascade, _ = noisy_cascade(max_disagreement=0.05, random_state=0)
    by_group = clone(cascade).fit(X, groups=groups)
    once = clone(cascade).fit(X[::5])
    assert by_group.n_calibration_ == 400
    assert by_group.threshold_ == once.threshold_
    assert clone(cascade).fit(X).coverage_ > once.coverage_  # repeated rows pretend to know more


# The measure of confidence.


def test_a_registered_measure_is_used():
    class Special(NoisyStudent):
        pass

    @register_confidence(Special)
    def second_feature(student, X):
        return X[:, 1] ** 2

    cascade = CascadeClassifier(
        frozen(CountingTeacher().fit(None)), frozen(Special().fit(None)), max_disagreement=0.05
    )
    X = noisy_rows()
    assert cascade.fit(X).confidence_score_ == "registered"
    assert_array_equal(cascade.defers(X), X[:, 1] ** 2 < cascade.threshold_)
    cascade.set_params(confidence_score="max_proba").fit(X)
    assert cascade.confidence_score_ == "max_proba"


@pytest.mark.parametrize("name", ["max_proba", "margin", "entropy", "leaf_counts"])
@pytest.mark.parametrize("student", [TREE, FOREST, make_pipeline(StandardScaler(), TREE)])
def test_measures_order_rows_as_they_say(name, student, problem):
    X, y, teacher, _ = problem
    fitted = clone(student).fit(X[1000:2000], y[1000:2000])
    cascade = CascadeClassifier(
        frozen(teacher), frozen(fitted), max_disagreement=0.1, confidence_score=name
    ).fit(X[2000:])
    assert cascade.coverage_ > 0
    proba = np.sort(fitted.predict_proba(X[2000:]))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = {
            "max_proba": proba[:, -1],
            "margin": proba[:, -1] - proba[:, -2],
            "entropy": np.nansum(proba * np.log(proba), axis=1),
        }.get(name, cascade.calibration_.scores)
    assert_allclose(cascade.calibration_.scores, expected)
    assert_array_equal(cascade.calibration_.scores < cascade.threshold_, cascade.defers(X[2000:]))


def test_leaves_of_few_rows_are_less_sure():
    X = np.repeat([[0.0], [1.0], [2.0]], [60, 3, 40], axis=0)
    y = np.repeat([0, 0, 1], [60, 3, 40])
    X, y = np.vstack([X, [[0.0]], [[2.0]]]), np.append(y, [1, 0])
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    rows = np.repeat([[0.0], [1.0], [2.0]], 200, axis=0)
    cascade = CascadeClassifier(frozen(tree), frozen(tree)).fit(rows)
    assert cascade.confidence_score_ == "leaf_counts"
    scores = cascade.calibration_.scores[[0, 200, 400]]
    assert tree.predict_proba([[1.0]]).max() == 1
    assert scores[1] < 1


def test_the_measure_is_chosen_on_rows_that_do_not_certify(problem):
    X, _, teacher, student = problem
    cascade = CascadeClassifier(
        frozen(teacher), frozen(student), confidence_score=["max_proba", "entropy", "leaf_counts"],
        max_disagreement=0.05, random_state=0,
    ).fit(X[2000:])  # fmt: skip
    assert cascade.n_calibration_ == 1600
    assert cascade.confidence_score_ in ("max_proba", "entropy", "leaf_counts")


def test_a_useless_measure_is_not_chosen():
    class Two(NoisyStudent):
        pass

    register_confidence(Two)(lambda student, X: -X[:, 1])  # the wrong way round
    cascade = CascadeClassifier(
        frozen(CountingTeacher().fit(None)), frozen(Two().fit(None)), max_disagreement=0.05,
        confidence_score=["registered", "max_proba"], random_state=0,
    ).fit(noisy_rows())  # fmt: skip
    assert cascade.confidence_score_ == "max_proba"


def test_a_student_without_probabilities_uses_its_decision(problem):
    X, y, teacher, _ = problem
    student = RidgeClassifier().fit(X[1000:2000], y[1000:2000])
    cascade = CascadeClassifier(frozen(teacher), frozen(student), max_disagreement=0.2)
    cascade.fit(X[2000:])
    assert cascade.confidence_score_ == "decision"
    assert cascade.coverage_ > 0
    assert not hasattr(cascade, "predict_proba")
    kept = ~cascade.defers(X)
    assert_array_equal(cascade.predict(X)[kept], student.predict(X)[kept])


def test_a_student_whose_prediction_is_not_the_most_probable():
    X, y, _ = make_gaussian_classes(3000, random_state=0)
    base = LogisticRegression().fit(X[:500], y[:500])
    student = FixedThresholdClassifier(frozen(base), threshold=0.3).fit(X[:500], y[:500])
    cascade = CascadeClassifier(frozen(base), frozen(student), max_disagreement=0.3).fit(X[500:])
    kept = ~cascade.defers(X)
    assert_array_equal(cascade.predict(X)[kept], student.predict(X)[kept])


class RareExceptions(NoisyStudent):
    """Predicts the less probable class where the fourth feature says so."""

    def predict(self, X):
        return super().predict(X) ^ (X[:, 3] > 0)


def test_calibration_rows_do_not_choose_what_predicts():
    """`predict` is the class of the largest probability in all of them, and elsewhere not."""
    student = RareExceptions().fit(None)
    cascade = CascadeClassifier(
        frozen(CountingTeacher().fit(None)), frozen(student), max_disagreement=0.05
    )
    X = np.column_stack([noisy_rows(), np.zeros(N)])
    cascade.fit(X)
    X[::7, 3] = 1
    kept = ~cascade.defers(X)
    assert kept[::7].any()
    assert_array_equal(cascade.predict(X)[kept], student.predict(X)[kept])


# Fitting.


def test_unfrozen_estimators_are_fitted_on_other_rows():
    X, y, _ = make_gaussian_classes(1000, random_state=0)
    seen = []

    class Recorder(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            seen.append(X)
            return super().fit(X, y, sample_weight)

    cascade = CascadeClassifier(Recorder(), calibration_size=400, random_state=0).fit(X, y)
    assert cascade.n_calibration_ == 400
    assert max(map(len, seen)) == 600
    assert isinstance(cascade.student_, LogisticRegression)
    fitted = np.unique(np.concatenate(seen), axis=0)
    assert len(fitted) == 600
    again = clone(cascade).fit(X, y)
    assert again.threshold_ == cascade.threshold_


def test_a_plain_student_is_distilled_from_the_teacher():
    X, y, _ = make_gaussian_classes(1500, n_features=4, random_state=0)
    forest = FOREST.fit(X[:500], y[:500])
    cascade = CascadeClassifier(
        frozen(forest), TREE, max_disagreement=0.1, calibration_size=0.5, random_state=0
    ).fit(X[500:], y[500:])
    values = cascade.student_.tree_.value[:, 0]
    n_rows = cascade.student_.tree_.n_node_samples
    counts = values * n_rows[:, None]
    assert np.abs(counts - counts.round()).max() > 0.01  # no shares of labels


@pytest.mark.parametrize(
    "student",
    [
        DistilledClassifier(student=TREE, alpha=1.0),
        make_pipeline(StandardScaler(), DistilledClassifier(student=TREE, alpha=1.0)),
        GridSearchCV(
            DistilledClassifier(student=TREE, alpha=1.0), {"student__max_leaf_nodes": [5, 20]}, cv=2
        ),
        SoftLabelClassifier(TREE),
    ],
    ids=lambda each: type(each).__name__,
)
def test_estimators_of_this_package_are_students(student):
    X, y, _ = make_gaussian_classes(1500, n_features=4, random_state=0)
    cascade = CascadeClassifier(GaussianNB(), student, max_disagreement=0.1, random_state=0)
    cascade.fit(X, y)
    assert cascade.coverage_ > 0
    assert cascade.confidence_score_ == "leaf_counts"
    assert not type(cascade.student_).__module__.startswith("skdistill")


def test_a_distilled_student_gets_the_teacher_of_the_cascade():
    counts = []

    class Counted(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            counts.append(len(X))
            return super().fit(X, y, sample_weight)

    X, y, _ = make_gaussian_classes(1000, random_state=0)
    student = DistilledClassifier(student=TREE, alpha=1.0)
    CascadeClassifier(Counted(), student, max_disagreement=0.1).fit(X, y)
    assert len(counts) == 6  # one, and five folds
    assert student.teacher is None


@pytest.mark.parametrize("form", ["dataframe", "sparse", "list"])
def test_rows_of_every_container(form, problem):
    X, y, _, _ = problem
    if form == "dataframe":
        pd = pytest.importorskip("pandas")
        rows = pd.DataFrame(X, columns=list("abcd"))
    else:
        rows = sparse.csr_array(X) if form == "sparse" else X.tolist()
    params = {"max_disagreement": 0.1, "random_state": 0}
    pair = ExtraTreesClassifier(20), LogisticRegression()
    found = CascadeClassifier(*pair, **params).fit(rows, y)
    expected = CascadeClassifier(*pair, **params).fit(X, y)
    assert found.coverage_ == pytest.approx(expected.coverage_, abs=0.01)
    assert np.mean(found.predict(rows) == expected.predict(X)) > 0.99
    if form == "dataframe":
        assert_array_equal(found.feature_names_in_, list("abcd"))


def test_rows_stay_unchanged(problem):
    X, y, teacher, _ = problem
    student = make_pipeline(StandardScaler(copy=False), LogisticRegression())
    student.fit(X[1000:2000].copy(), y[1000:2000])
    X = X[2000:].copy()
    before = X.copy()
    cascade = CascadeClassifier(frozen(teacher), frozen(student), max_disagreement=0.2).fit(X)
    cascade.predict(X)
    cascade.defers(X)
    assert_array_equal(X, before)


@pytest.mark.parametrize("kind", ["strings", "negative integers", "booleans"])
def test_labels_of_every_kind(kind):
    X, y, _ = make_gaussian_classes(1500, random_state=0)
    y = {"strings": np.array(["no", "yes"]), "negative integers": np.array([-5, 3])}.get(
        kind, np.array([False, True])
    )[y]
    cascade = CascadeClassifier(GaussianNB(), TREE, max_disagreement=0.1, random_state=0).fit(X, y)
    assert set(cascade.predict(X).tolist()) == set(y.tolist())
    assert cascade.predict(X).dtype == y.dtype
    assert cascade.score(X, y) > 0.8


def test_classes_in_another_order():
    """The classes of a teacher from elsewhere need not be sorted."""
    X = noisy_rows()

    class Reversed(CountingTeacher):
        def fit(self, X, y=None):
            self.classes_ = np.array([1, 0])
            return self

        def predict_proba(self, X):
            return super().predict_proba(X)[:, ::-1]

    plain, _ = noisy_cascade(max_disagreement=0.05)
    other = CascadeClassifier(
        frozen(Reversed().fit(None)), frozen(NoisyStudent().fit(None)), max_disagreement=0.05
    )
    plain.fit(X), other.fit(X)
    assert other.threshold_ == plain.threshold_
    assert_array_equal(other.predict(X), plain.predict(X))
    assert_array_equal(other.predict_proba(X), plain.predict_proba(X))


def test_a_student_that_lacks_a_class_never_predicts_it(problem):
    X, y, teacher, _ = problem
    two = y[1000:2000] < 2
    student = TREE.fit(X[1000:2000][two], y[1000:2000][two])
    cascade = CascadeClassifier(frozen(teacher), frozen(student), max_disagreement=0.3)
    cascade.fit(X[2000:])
    assert cascade.predict_proba(X).shape == (len(X), 3)
    assert (cascade.predict(X) == 2).any()
    assert (cascade.predict(X[~cascade.defers(X)]) < 2).all()


def test_a_teacher_with_predict_alone():
    class Api:
        """No estimator: it has classes, and predicts."""

        classes_ = np.array([0, 1])

        def predict(self, X):
            return (X[:, 0] > 0).astype(int)

    X = noisy_rows()
    cascade = CascadeClassifier(
        frozen(Api()), frozen(NoisyStudent().fit(None)), max_disagreement=0.05
    )
    cascade.fit(X)
    assert 0 < cascade.coverage_ < 1
    assert cascade.predict(X).shape == (N,)
    assert not hasattr(cascade, "predict_proba")


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.parametrize("form", ["objects", "lists", "dataframes"])
def test_a_teacher_is_called_once_whatever_it_returns(form, method):
    pd = pytest.importorskip("pandas")

    class Api(CountingTeacher):
        def fit(self, X, y=None):
            self.classes_ = np.array([0, 1])
            return self

        def predict(self, X):
            labels = super().predict(X)
            return labels.tolist() if form == "lists" else labels.astype(object)

        def predict_proba(self, X):
            proba = np.eye(2)[np.asarray(self.predict(X), dtype=int)]
            return pd.DataFrame(proba, columns=[0, 1]) if form == "dataframes" else proba

    teacher = Api().fit(None)
    plain, _ = noisy_cascade(max_disagreement=0.05)
    cascade = CascadeClassifier(frozen(teacher), plain.student, max_disagreement=0.05)
    X = noisy_rows()
    cascade.fit(X), plain.fit(X)
    teacher.rows.clear()
    found = getattr(cascade, method)(X)
    assert len(teacher.rows) == 1
    assert_array_equal(found, getattr(plain, method)(X))
    assert isinstance(found, np.ndarray)


@pytest.mark.parametrize("coverage", ["some", "none"])
def test_teachers_that_change_their_rows_change_no_one_elses(coverage):
    X, y, _ = make_gaussian_classes(2000, random_state=0)
    teacher = make_pipeline(StandardScaler(copy=False), FOREST).fit(X[:500].copy(), y[:500])
    student = GaussianNB().fit(X[500:1000], y[500:1000])
    cascade = CascadeClassifier(frozen(teacher), frozen(student), max_disagreement=0.1)
    cascade.fit(X[1000:])
    if coverage == "none":
        cascade.set_params(max_disagreement=0.001)
        with pytest.warns(UserWarning, match="The student keeps no row"):
            cascade.fit(X[1000:])
    before = X.copy()
    first = cascade.predict(X)
    cascade.predict_proba(X)
    assert_array_equal(X, before)
    assert_array_equal(cascade.predict(X), first)


def test_a_distilled_teacher_and_a_dataframe(problem):
    pd = pytest.importorskip("pandas")
    X, y, _, _ = problem
    table = pd.DataFrame(X, columns=list("abcd"))
    distilled = DistilledClassifier(frozen(FOREST.fit(table[:500], y[:500])), alpha=1.0)
    distilled.fit(table[500:1000], y[500:1000])
    tree = clone(TREE).fit(table[1000:2000], distilled.predict(table[1000:2000]))
    cascade = CascadeClassifier(frozen(distilled), frozen(tree), max_disagreement=0.1)
    cascade.fit(table[2000:])
    assert 0 < cascade.coverage_ < 1
    assert_array_equal(cascade.feature_names_in_, list("abcd"))
    kept = ~cascade.defers(table)
    expected = np.where(kept, tree.predict(table), distilled.predict(table))
    assert_array_equal(cascade.predict(table), expected)
    with pytest.raises(ValueError, match="feature names"):
        cascade.predict(table.rename(columns={"a": "z"}))


@pytest.mark.parametrize("student", [GaussianNB(), TREE], ids=["rejects NaN", "accepts NaN"])
def test_missing_values_that_one_model_rejects_are_refused(student):
    X, y, _ = make_gaussian_classes(2000, random_state=0)
    pair = [GaussianNB(), clone(TREE)] if student is TREE else [clone(TREE), GaussianNB()]
    pair = [frozen(each.fit(X[:1000], y[:1000])) for each in pair]
    cascade = CascadeClassifier(*pair, max_disagreement=0.3).fit(X[1000:])
    X[0, 0] = np.nan
    for rows in (X, X[:1], X[:1].astype(np.float32)):
        with pytest.raises(ValueError, match="contains NaN"):
            cascade.predict(rows)


def test_numbers_whose_sum_overflows_are_not_missing():
    """Whether rows are finite is seen by their sum first."""
    X, y, _ = make_gaussian_classes(2000, random_state=0)
    pair = [frozen(each.fit(X[:1000], y[:1000])) for each in (GaussianNB(), clone(TREE))]
    cascade = CascadeClassifier(*pair, max_disagreement=0.3).fit(X[1000:])
    assert cascade._reject_nan
    huge = np.full((1, 2), 3e38)
    expected = cascade.student_.predict(huge)
    for rows in (huge, huge.astype(np.float32), np.repeat(huge, 50, axis=0).astype(np.float32)):
        assert set(cascade.predict(rows)) == set(expected)
    assert_array_equal(cascade.predict(X[:5].astype(object)), cascade.predict(X[:5]))


def test_it_is_cloned_pickled_searched_and_validated():
    X, y, _ = make_gaussian_classes(1200, random_state=0)
    cascade = CascadeClassifier(GaussianNB(), TREE, max_disagreement=0.1, random_state=0)
    assert cross_val_score(cascade, X, y, cv=3).mean() > 0.8
    search = GridSearchCV(cascade, {"max_disagreement": [0.05, 0.2]}, cv=2).fit(X, y)
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert_array_equal(again.predict(X), search.predict(X))


def test_metadata_reach_the_fits_that_request_them():
    X, y, _ = make_gaussian_classes(1200, random_state=0)
    weight = np.random.default_rng(0).uniform(0.1, 2, size=1200)
    seen = []

    class Weighted(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            seen.append(None if sample_weight is None else len(sample_weight))
            return super().fit(X, y, sample_weight)

    with config_context(enable_metadata_routing=True):
        teacher = Weighted().set_fit_request(sample_weight=True)
        student = DecisionTreeClassifier(max_depth=2).set_fit_request(sample_weight=True)
        cascade = CascadeClassifier(teacher, student, max_disagreement=0.1, random_state=0)
        cascade.fit(X, y, sample_weight=weight)
    assert seen[0] == 840
    assert None not in seen


# What is refused.


REGRESSOR = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"max_disagreement": 0}, ValueError, "max_disagreement must be a number above 0"),
        ({"max_disagreement": 1}, ValueError, "below 1; got max_disagreement=1"),
        ({"max_disagreement": np.nan}, ValueError, "got max_disagreement=nan"),
        ({"max_disagreement": "0.1"}, ValueError, "max_disagreement='0.1'"),
        ({"confidence": 1.0}, ValueError, "confidence must be a number above 0 and below 1"),
        ({"confidence": np.nan}, ValueError, "got confidence=nan"),
        ({"criterion": "accuracy"}, ValueError, "criterion must be one of .*'regret'"),
        ({"criterion": None}, ValueError, "criterion must be one of"),
        ({"within": "group"}, ValueError, "within must be one of .*'prediction'"),
        ({"confidence_score": "best"}, ValueError, "confidence_score must be"),
        ({"confidence_score": []}, ValueError, "confidence_score must be"),
        ({"confidence_score": "leaf_counts"}, ValueError, "has no 'leaf_counts'"),
        ({"calibration_size": 1.5}, ValueError, "calibration_size must be"),
        ({"calibration_size": 0}, ValueError, "calibration_size must be"),
        ({"teacher": frozen(REGRESSOR)}, TypeError, "teacher must be a classifier"),
        ({"teacher": Ridge()}, TypeError, "Cascades are for classification only"),
        ({"student": frozen(REGRESSOR)}, TypeError, "student must be a classifier"),
        ({"student": Ridge()}, TypeError, r"student=DistilledClassifier\(student="),
        ({"student": DistilledRegressor()}, TypeError, "student must be a classifier"),
        ({"teacher": GaussianNB}, TypeError, r"teacher=GaussianNB\(\)"),
        ({"student": StandardScaler()}, TypeError, "student must have predict"),
        ({"teacher": frozen(GaussianNB())}, NotFittedError, "The frozen teacher"),
        ({"student": frozen(GaussianNB())}, NotFittedError, "The frozen student"),
    ],
)
def test_bad_parameters_are_named(params, error, message):
    cascade, teacher = noisy_cascade()
    with pytest.raises(error, match=message):
        cascade.set_params(**params).fit(noisy_rows(), np.arange(N) % 2)
    assert (
        "teacher" in params or teacher.rows == [] or params == {"confidence_score": "leaf_counts"}
    )


@pytest.mark.parametrize("criterion", ["error", "regret"])
def test_criteria_of_labels_need_labels(criterion):
    cascade, _ = noisy_cascade(criterion=criterion)
    with pytest.raises(ValueError, match=f"criterion='{criterion}' compares .* y is None"):
        cascade.fit(noisy_rows())


@pytest.mark.parametrize("part", ["teacher", "student"])
def test_estimators_that_are_fitted_need_labels(part):
    cascade, _ = noisy_cascade()
    with pytest.raises(ValueError, match="requires y to be passed"):
        cascade.set_params(**{part: GaussianNB()}).fit(noisy_rows())


def test_weights_are_refused_by_name():
    cascade, _ = noisy_cascade()
    with pytest.raises(TypeError, match="takes no sample_weight: its bound counts"):
        cascade.fit(noisy_rows(), sample_weight=np.ones(N))
    cascade.fit(noisy_rows(), sample_weight=None)


def test_unlabelled_rows_are_refused_with_what_to_do_instead(problem):
    X, y, teacher, _ = problem
    cascade, of_noise = noisy_cascade()
    message = "takes no X_unlabeled. Distil first.* on rows that neither has seen"
    with pytest.raises(TypeError, match=message):
        cascade.fit(noisy_rows(), X_unlabeled=noisy_rows())
    assert of_noise.rows == []
    student = GaussianNB()
    distilled = DistilledClassifier(teacher, student).fit(X[:500], y[:500], X_unlabeled=X[500:1500])
    instead = CascadeClassifier(frozen(teacher), frozen(distilled), max_disagreement=0.2)
    assert instead.fit(X[2000:]).bound_ <= 0.2


@pytest.mark.parametrize("labels", [np.array(["0", "1"]), np.array([0, 7]), np.array([0, 1, 2])])
def test_other_classes_are_refused(labels):
    X, y, _ = make_gaussian_classes(600, n_classes=len(labels), random_state=0)
    student = GaussianNB().fit(X, labels[y])
    cascade = CascadeClassifier(frozen(GaussianNB().fit(X, y % 2)), frozen(student))
    with pytest.raises(ValueError, match="The classes of the student are not those of the teacher"):
        cascade.fit(X)


def test_labels_of_other_classes_are_refused():
    cascade, _ = noisy_cascade(criterion="error")
    with pytest.raises(ValueError, match=r"None of the labels .* in the type of these classes"):
        cascade.fit(noisy_rows(), np.array(["a", "b"])[np.arange(N) % 2])


def test_one_class_is_refused():
    X, _, _ = make_gaussian_classes(600, random_state=0)
    with pytest.raises(ValueError, match="at least two classes"):
        CascadeClassifier(GaussianNB()).fit(X, np.zeros(600))
    one = GaussianNB().fit(X, np.zeros(600))
    with pytest.raises(ValueError, match="at least two classes"):
        CascadeClassifier(frozen(one), frozen(one)).fit(X)


class NanStudent(NoisyStudent):
    def predict_proba(self, X):
        proba = super().predict_proba(X)
        proba[X[:, 0] > 2.5] = np.nan
        return proba


def test_confidence_that_is_nan_is_refused_or_defers():
    cascade, teacher = noisy_cascade(max_disagreement=0.2)
    cascade.set_params(student=frozen(NanStudent().fit(None)))
    X = noisy_rows()
    with pytest.raises(ValueError, match="confidence 'margin' of the student is NaN"):
        cascade.fit(X)
    cascade.fit(X[X[:, 0] < 2.5])
    strange = X[X[:, 0] > 2.5]
    assert cascade.defers(strange).all()
    assert_array_equal(cascade.predict(strange), teacher.predict(strange))


@pytest.mark.parametrize("other", ["frozen", "fitted here"])
@pytest.mark.parametrize("role", ["teacher", "student"])
def test_calibration_on_training_rows_is_reported(role, other):
    X, y, _ = make_gaussian_classes(1000, n_features=4, random_state=0)
    pair = {
        name: frozen(clone(FOREST if name == role else GaussianNB()).fit(X, y))
        if name == role or other == "frozen"
        else GaussianNB()
        for name in ("teacher", "student")
    }
    with pytest.warns(UserWarning, match=f"The frozen {role} RandomForest.* bound does not hold"):
        CascadeClassifier(**pair, max_disagreement=0.5, random_state=0).fit(X, y)


@pytest.mark.parametrize("name", ["groups", "strata"])
def test_groups_and_strata_of_another_length(name):
    cascade, _ = noisy_cascade()
    with pytest.raises(ValueError, match=f"{name} must have one entry per row"):
        cascade.fit(noisy_rows(), **{name: np.arange(7)})


def test_strata_with_separate_thresholds_are_refused():
    cascade, _ = noisy_cascade(within="prediction")
    with pytest.raises(ValueError, match=r'strata have one threshold .* within="class"'):
        cascade.fit(noisy_rows(), strata=np.zeros(N))


def test_a_cascade_is_not_deployed_by_its_student_alone(problem):
    X, _, teacher, student = problem
    cascade = CascadeClassifier(frozen(teacher), frozen(student), max_disagreement=0.1)
    with pytest.raises(TypeError, match="student and teacher together"):
        deployable(cascade.fit(X[2000:]))


def test_an_unfitted_cascade_says_so():
    with pytest.raises(NotFittedError):
        noisy_cascade()[0].predict(noisy_rows(3))
