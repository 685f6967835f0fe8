"""The expansion equals the student fitted to explicitly repeated, weighted rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill._utils._sample_weight import BAGGING_DRAWS
from skdistill.metrics import soft_log_loss
from skdistill.students import fit_by_expansion

STUDENTS = [
    LogisticRegression(tol=1e-10, max_iter=10_000),
    SGDClassifier(loss="log_loss", random_state=0),
    RidgeClassifier(),
    LinearSVC(random_state=0),
    SVC(),
    GaussianNB(),
    BernoulliNB(),
    DecisionTreeClassifier(random_state=0),
    RandomForestClassifier(5, random_state=0),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    HistGradientBoostingClassifier(min_samples_leaf=1, max_iter=5),
    AdaBoostClassifier(n_estimators=3, random_state=0),
    VotingClassifier([("nb", GaussianNB()), ("ridge", RidgeClassifier())]),
]


def repeated_by_hand(X, P, weight, classes):
    """Return the rows repeated once per class, by a double loop."""
    X = X.toarray() if sparse.issparse(X) else X
    triples = [
        (X[n], classes[k], weight[n] * P[n, k])
        for n in range(len(P))
        for k in range(P.shape[1])
        if weight[n] * P[n, k] > 0
    ]
    rows, labels, weights = zip(*triples, strict=True)
    return np.array(rows), np.array(labels), np.array(weights)


def outputs(student, X):
    method = "predict_proba" if hasattr(student, "predict_proba") else "predict"
    return getattr(student, method)(X)


@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: type(student).__name__)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_expansion_equals_manual_fit_on_repeated_rows(student, n_classes, gaussian):
    X, _, _ = gaussian
    rng = np.random.default_rng(0)
    P = rng.dirichlet(np.ones(n_classes), size=len(X)) * (rng.random((len(X), n_classes)) > 0.2)
    P[:, 0] += 1e-3
    P /= P.sum(axis=1, keepdims=True)
    weight = rng.integers(0, 3, size=len(X)).astype(float)
    names = np.array(["x", "y", "z"])[:n_classes]
    rows, labels, weights = repeated_by_hand(X, P, weight, names)
    by_hand = clone(student).fit(rows, labels, sample_weight=weights)
    fitted = fit_by_expansion(clone(student), X, SoftLabels(P, names, sample_weight=weight))
    assert_array_equal(fitted.predict(X), by_hand.predict(X))
    if hasattr(student, "predict_proba"):
        assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X), atol=1e-8)


def test_sparse_rows_and_sparse_probabilities(gaussian):
    X, _, p_star = gaussian
    student = LogisticRegression(tol=1e-10, max_iter=10_000)
    dense = fit_by_expansion(clone(student), X, SoftLabels(p_star))
    for Xs in (sparse.csr_matrix(X), sparse.csr_array(X)):
        labels = SoftLabels(sparse.csr_array(p_star))
        assert_allclose(fit_by_expansion(clone(student), Xs, labels).coef_, dense.coef_, rtol=1e-6)


@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: type(student).__name__)
def test_one_hot_rows_are_the_student_fitted_on_the_labels(student, gaussian):
    X, y, _ = gaussian
    fitted = fit_soft_labels(student, X, SoftLabels.from_labels(y))
    assert_array_equal(outputs(fitted, X), outputs(clone(student).fit(X, y), X))


def test_weighted_one_hot_rows_equal_plain_weighted_fit(gaussian):
    X, y, _ = gaussian
    weight = np.arange(len(y)) % 3 + 0.5
    labels = SoftLabels.from_labels(y, sample_weight=weight)
    fitted = fit_soft_labels(GaussianNB(), X, labels)
    by_hand = GaussianNB().fit(X, y, sample_weight=weight)
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X), rtol=1e-9)


class Recorder(ClassifierMixin, BaseEstimator):
    """A student that has a `partial_fit` only, and records what it is fed."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.classes_ = classes
        self.fed_ = [*getattr(self, "fed_", []), (X.copy(), y.copy(), sample_weight.copy())]
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_a_student_with_partial_fit_only_is_fed(gaussian):
    X, _, p_star = gaussian
    fitted = fit_soft_labels(Recorder(), X, SoftLabels(p_star))
    rows, labels, weight = repeated_by_hand(X, p_star, np.ones(len(X)), [0, 1, 2])
    ((fed_X, fed_y, fed_weight),) = fitted.fed_
    assert_array_equal(fed_X, rows)
    assert_array_equal(fed_y, labels)
    assert_allclose(fed_weight, weight)


def test_beyond_the_working_memory_chunks_stay_below_it():
    rng = np.random.default_rng(0)
    X, P = rng.normal(size=(5000, 50)), rng.dirichlet(np.ones(4), size=5000)
    with config_context(working_memory=1):
        fitted = fit_soft_labels(Recorder(), X, SoftLabels(P))
    assert len(fitted.fed_) > 1
    assert max(fed.nbytes for fed, _, _ in fitted.fed_) <= 2**20
    assert sum(len(fed) for fed, _, _ in fitted.fed_) == 4 * 5000
    assert_array_equal(fitted.classes_, [0, 1, 2, 3])


@pytest.mark.parametrize("student", [GaussianNB(), MultinomialNB(), BernoulliNB()])
def test_naive_bayes_in_chunks_is_naive_bayes_at_once(student):
    rng = np.random.default_rng(0)
    X, P = rng.random(size=(5000, 50)), rng.dirichlet(np.ones(4), size=5000)
    at_once = fit_soft_labels(student, X, SoftLabels(P))
    with config_context(working_memory=1):
        in_chunks = fit_soft_labels(student, X, SoftLabels(P))
    assert_allclose(in_chunks.predict_proba(X), at_once.predict_proba(X), rtol=1e-6)


def test_iterative_student_in_chunks_makes_several_passes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 50))
    p = 1 / (1 + np.exp(-4 * X[:, 0]))
    labels = SoftLabels(np.column_stack([1 - p, p]))
    student = SGDClassifier(loss="log_loss", random_state=0, max_iter=200)
    with config_context(working_memory=1):
        fitted = fit_soft_labels(student, X, labels)
        once = fit_soft_labels(clone(student).set_params(max_iter=1), X, labels)
    at_once = fit_soft_labels(student, X, labels)
    best = labels.expected_accuracy(p > 0.5)
    assert fitted.t_ > 2 * once.t_
    assert fitted.t_ < 200 * (once.t_ - 1)  # it stopped when nothing improved
    assert labels.expected_accuracy(fitted.predict(X)) > best - 0.02
    assert labels.expected_accuracy(at_once.predict(X)) > best - 0.02


def test_a_student_that_hands_weights_on_by_routing(gaussian):
    X, _, p_star = gaussian
    with config_context(enable_metadata_routing=True):
        inner = GaussianNB().set_fit_request(sample_weight=True)
        fitted = fit_soft_labels(OneVsRestClassifier(inner), X, SoftLabels(p_star))
    for k, binary in enumerate(fitted.estimators_):
        rest = SoftLabels(np.column_stack([1 - p_star[:, k], p_star[:, k]]))
        by_hand = fit_soft_labels(GaussianNB(), X, rest)
        assert_allclose(binary.predict_proba(X), by_hand.predict_proba(X))


@pytest.mark.parametrize("weight_request", [False, "their_weight"])
@pytest.mark.parametrize(
    "student",
    [
        lambda inner: OneVsRestClassifier(inner),
        lambda inner: CalibratedClassifierCV(inner, cv=3),
        lambda inner: VotingClassifier([("one", clone(inner)), ("other", inner)]),
        lambda inner: make_pipeline(StandardScaler(), OneVsRestClassifier(inner)),
    ],
)
def test_a_student_that_would_hand_no_soft_labels_on_is_refused(gaussian, student, weight_request):
    X, _, p_star = gaussian
    with config_context(enable_metadata_routing=True):
        inner = GaussianNB().set_fit_request(sample_weight=weight_request)
        with pytest.raises(
            ValueError, match=rf"GaussianNB inside .*\(sample_weight='?{weight_request}'?\)"
        ):
            fit_soft_labels(student(inner), X, SoftLabels(p_star))


@pytest.mark.skipif(not BAGGING_DRAWS, reason="before scikit-learn 1.8 bagging passes weights on")
def test_bagging_draws_rows_by_soft_labels_for_any_base(gaussian):
    X, _, p_star = gaussian
    bagging = BaggingClassifier(GaussianNB(), n_estimators=5, random_state=0)
    expected = fit_soft_labels(bagging, X, SoftLabels(p_star))
    with config_context(enable_metadata_routing=True):
        declining = clone(bagging)
        declining.estimator.set_fit_request(sample_weight=False)
        fitted = fit_soft_labels(declining, X, SoftLabels(p_star))
    assert_allclose(fitted.predict_proba(X), expected.predict_proba(X))


def test_row_aligned_fit_params_follow_their_rows(gaussian):
    X, _, p_star = gaussian

    class TakesCost(ClassifierMixin, BaseEstimator):
        def fit(self, X, y, sample_weight=None, cost=None, mode=None):
            self.X_, self.cost_, self.mode_ = X, cost, mode
            return self

        def predict(self, X):
            return np.zeros(len(X))

    fitted = fit_soft_labels(TakesCost(), X, SoftLabels(p_star), cost=X[:, 0], mode="fast")
    assert_array_equal(fitted.cost_, fitted.X_[:, 0])
    assert fitted.mode_ == "fast"


@pytest.mark.parametrize(
    ("student", "match"),
    [
        (SGDClassifier(early_stopping=True), "set early_stopping=False"),
        (MLPClassifier(early_stopping=True), "set early_stopping=False"),
        (GradientBoostingClassifier(n_iter_no_change=5), "set n_iter_no_change=None"),
        (BaggingClassifier(oob_score=True), "set oob_score=False"),
        (
            VotingClassifier([("sgd", SGDClassifier(early_stopping=True))]),
            "set sgd__early_stopping=False",
        ),
    ],
)
def test_students_that_would_split_copies_are_refused_by_name(student, match, gaussian):
    X, y, p_star = gaussian
    with pytest.raises(ValueError, match=match) as error:
        fit_soft_labels(student, X, SoftLabels(p_star))
    assert type(student).__name__ in str(error.value)
    fit_soft_labels(student, X, SoftLabels.from_labels(y))  # real rows may be split


def test_balanced_class_weights_count_mass_not_copies(gaussian):
    X, _, p_star = gaussian
    empty = np.column_stack([p_star, np.zeros(len(X))])
    student = SVC(class_weight="balanced")
    fitted = fit_soft_labels(student, X, SoftLabels(empty))
    mass = p_star.sum(axis=0)
    by_hand = SVC(class_weight=dict(enumerate(len(X) / (3 * mass))))
    rows, labels, weight = SoftLabels(p_star).expand()
    by_hand.fit(X[rows], labels, sample_weight=weight)
    assert_allclose(fitted.decision_function(X), by_hand.decision_function(X))
    assert fitted.class_weight == "balanced"


def test_students_without_weights_are_refused(gaussian):
    X, _, p_star = gaussian
    for student, same_job in [
        (KNeighborsClassifier(), "use KNeighborsRegressor"),
        (NearestCentroid(), "use a regressor of the same kind"),
    ]:
        with pytest.raises(TypeError, match=same_job):
            fit_soft_labels(student, X, SoftLabels(p_star))
    with pytest.raises(TypeError, match="takes no sample_weight"):
        fit_soft_labels(OneVsRestClassifier(KNeighborsClassifier()), X, SoftLabels(p_star))


@pytest.mark.parametrize(
    "student",
    [
        SGDClassifier(early_stopping=True, random_state=0),
        GradientBoostingClassifier(n_estimators=5, n_iter_no_change=3, random_state=0),
        LogisticRegression(),
        DecisionTreeClassifier(criterion="entropy", random_state=0),
        GaussianNB(),
    ],
    ids=repr,
)
def test_weighted_hard_labels_equal_plain_fit_despite_splits(student, gaussian):
    X, y, _ = gaussian
    weight = np.arange(len(y)) % 3 + 0.5
    fitted = fit_soft_labels(student, X, SoftLabels.from_labels(y, sample_weight=weight))
    by_hand = clone(student).fit(X, y, sample_weight=weight)
    assert_array_equal(fitted.predict(X), by_hand.predict(X))


def test_the_fit_in_chunks_is_weighed(gaussian):
    X, Y, P = gaussian
    from skdistill.students._chunks import fit_quality

    w = np.r_[np.full(75, 9.0), np.ones(75)]
    s = GaussianNB().fit(X, Y)
    assert fit_quality(s, X, SoftLabels(P, sample_weight=w)) == pytest.approx(
        -soft_log_loss(P, s.predict_proba(X), sample_weight=w)
    )


def test_as_many_copies_as_rows_are_not_the_rows():
    X3 = np.array([[0.0], [1.0], [2.0]])
    labels = SoftLabels([[1, 0], [0.5, 0.5], [0, 1]], sample_weight=[1, 1, 0])
    fitted = fit_by_expansion(GaussianNB(), X3, labels)
    assert_allclose(fitted.theta_, [[1 / 1.5 * 0.5], [1.0]])


def test_nested_auto_early_stopping_is_refused_beyond_limit():
    n = 10_001
    student = VotingClassifier([("h", HistGradientBoostingClassifier(max_iter=1))])
    with pytest.raises(ValueError, match="h__early_stopping='auto'"):
        fit_soft_labels(student, np.zeros((n, 1)), SoftLabels(np.full((n, 2), 0.5)))


def test_row_aligned_fit_params_follow_their_rows_in_chunks(gaussian):
    X, _, p_star = gaussian

    class Costly(ClassifierMixin, BaseEstimator):
        def partial_fit(self, X, y, classes=None, sample_weight=None, cost=None):
            assert_array_equal(cost, X[:, 0])
            return self

        def predict(self, X):
            return np.zeros(len(X))

    fit_soft_labels(Costly(), X, SoftLabels(p_star), cost=X[:, 0])
