"""The ranker minimises the pairwise loss on its targets, and predicts as a binary classifier."""

import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from students.ranking.dense_pairs import dense_objective

from skdistill import DistilledBipartiteRanker, DistilledClassifier, SoftLabels
from skdistill.datasets import make_gaussian_classes
from skdistill.objectives import pairwise_loss
from skdistill.students.ranking import fit_ranker

SURROGATES = ["logistic", "exponential", "hinge", "squared_hinge"]
X, Y, P = make_gaussian_classes(200, 3, 2, class_sep=0.5, random_state=0)
ONE = np.ones(200)


class UnusedTeacher(GaussianNB):
    def fit(self, X, y, sample_weight=None):
        raise AssertionError("the teacher was used")


def tight(*parts, **params):
    return DistilledBipartiteRanker(*parts, tol=1e-9, **params)


def gradient_at(model, proba, weight=ONE, C=1.0):
    """Return the gradient of the whole objective, by a double sum."""
    return dense_objective(model.surrogate, model.coef_[0], X, proba, weight, C)[1]


@pytest.mark.parametrize("surrogate", ["logistic", "exponential", "squared_hinge"])
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_the_gradient_of_the_double_sum_vanishes(surrogate, C):
    weight = np.random.default_rng(0).random(200)
    model = tight(surrogate=surrogate, C=C)
    model.fit(X, Y, sample_weight=weight, teacher_proba=P)
    assert np.abs(gradient_at(model, P[:, 1], weight, C)).max() < 1e-9


def test_cross_fitted_labels_are_those_of_cross_val_predict():
    model = tight(GaussianNB()).fit(X, Y)
    proba = cross_val_predict(GaussianNB(), X, Y, method="predict_proba")
    assert np.abs(gradient_at(model, proba[:, 1])).max() < 1e-9
    by_classifier = DistilledClassifier(GaussianNB(), alpha=1.0, teacher_temperature=1.0).fit(X, Y)
    assert model.teacher_scores_ == by_classifier.teacher_scores_
    assert model.teacher_temperature_ == 1.0


@pytest.mark.parametrize("surrogate", ["logistic", "exponential", "squared_hinge"])
def test_alpha_zero_is_pairwise_loss_on_labels_without_teacher(surrogate):
    model = tight(UnusedTeacher(), surrogate=surrogate, alpha=0).fit(X, Y)
    assert np.abs(gradient_at(model, Y.astype(float))).max() < 1e-9
    assert model.teacher_scores_ is None


def test_alpha_mixes_the_targets():
    model = tight(alpha=0.3).fit(X, Y, teacher_proba=P)
    assert np.abs(gradient_at(model, 0.3 * P[:, 1] + 0.7 * Y)).max() < 1e-9


def test_hard_probabilities_are_hard_labels():
    one_hot = np.eye(2)[Y]
    distilled = tight().fit(X, Y, teacher_proba=one_hot)
    hard = tight(alpha=0).fit(X, Y)
    assert_allclose(distilled.coef_, hard.coef_, rtol=1e-12)


def test_temperature_tempers_the_teacher_only():
    root = np.sqrt(P) / np.sqrt(P).sum(axis=1, keepdims=True)
    model = tight(teacher_temperature=2, alpha=0.5).fit(X, Y, teacher_proba=P)
    assert np.abs(gradient_at(model, 0.5 * root[:, 1] + 0.5 * Y)).max() < 1e-9
    auto = tight(GaussianNB(), teacher_temperature="auto").fit(X, Y)
    assert auto.teacher_temperature_ != 1


def test_a_frozen_teacher_is_used_as_it_is():
    fitted = GaussianNB().fit(X[::2], Y[::2])
    model = tight(FrozenEstimator(fitted)).fit(X, Y)
    assert np.abs(gradient_at(model, fitted.predict_proba(X)[:, 1])).max() < 1e-9


def test_one_probability_per_row_is_that_of_the_second_class():
    pairs = tight().fit(X, Y, teacher_proba=P)
    for classes in (None, [0, 1], [1, 0]):
        single = tight(classes=classes).fit(X, Y, teacher_proba=P[:, 1])
        assert_allclose(single.coef_, pairs.coef_, rtol=1e-12)
    listed = tight().fit(X, Y, teacher_proba=P[:, 1].tolist())
    assert_allclose(listed.coef_, pairs.coef_, rtol=1e-12)
    names = np.array(["yes", "no"])[Y]  # sorted, "no" comes first
    named = tight().fit(X, names, teacher_proba=P[:, 0])
    assert_allclose(named.coef_, -pairs.coef_, rtol=1e-6)


def test_unlabelled_rows_have_their_own_weight():
    more = X[:50] + 0.1
    teacher = GaussianNB().fit(X, Y)
    model = tight(FrozenEstimator(teacher), alpha=0.25, unlabeled_weight=0.5)
    model.fit(X, Y, X_unlabeled=more)
    proba = np.concatenate(
        [0.25 * teacher.predict_proba(X)[:, 1] + 0.75 * Y, teacher.predict_proba(more)[:, 1]]
    )
    labels = SoftLabels(
        np.column_stack([1 - proba, proba]), sample_weight=np.r_[ONE, np.full(50, 0.5)]
    )
    by_hand = fit_ranker(LogisticRegression(tol=1e-9), np.vstack([X, more]), labels)
    assert_allclose(model.coef_, by_hand.coef_, rtol=1e-8)


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_weights_are_repeated_rows(surrogate):
    weight = np.arange(200) % 3
    rows = np.repeat(np.arange(200), weight)
    model = DistilledBipartiteRanker(
        surrogate=surrogate, tol=1e-3 if surrogate == "hinge" else 1e-9
    )
    weighted = model.fit(X, Y, sample_weight=weight, teacher_proba=P).coef_
    repeated = model.fit(X[rows], Y[rows], teacher_proba=P[rows]).coef_
    assert_allclose(weighted, repeated, atol=1e-3 if surrogate == "hinge" else 1e-7)


@pytest.mark.parametrize("student", [None, Ridge()])
def test_the_intercept_minimises_the_log_loss_of_the_targets(student):
    model = DistilledBipartiteRanker(student=student).fit(X, Y, teacher_proba=P)
    scores = model.decision_function(X)

    def log_loss(shift):
        s = scores + shift
        return (np.logaddexp(0, s) - P[:, 1] * s).sum()

    assert minimize_scalar(log_loss).x == pytest.approx(0, abs=1e-6)
    assert model.intercept_.shape == (1,)


def test_student_scores_are_log_odds_of_an_attainable_teacher():
    # Class probabilities are logistic in X, so that the optimum without a penalty is known.
    model = tight(C=np.inf).fit(X, Y, teacher_proba=P)
    assert_allclose(model.decision_function(X), np.log(P[:, 1] / P[:, 0]), atol=1e-6)


def test_the_default_student_is_a_plain_logistic_regression():
    model = DistilledBipartiteRanker(GaussianNB(), C=0.1).fit(X, Y)
    student = model.student_
    assert type(student) is LogisticRegression
    assert student.C == 0.1
    assert_array_equal(model.decision_function(X), student.decision_function(X))
    assert_array_equal(model.predict(X), student.predict(X))
    assert_array_equal(model.coef_, student.coef_)
    assert_array_equal(model.intercept_, student.intercept_)
    assert model.coef_.shape == (1, 3)
    assert model.n_iter_.dtype == np.int32
    assert not hasattr(model, "predict_proba")
    assert b"skdistill" not in pickle.dumps(student)
    same = DistilledBipartiteRanker(GaussianNB(), LogisticRegression(C=0.1)).fit(X, Y)
    assert_array_equal(same.coef_, model.coef_)


def test_student_predicts_without_skdistill_installed(tmp_path):
    student = make_pipeline(StandardScaler(), LogisticRegression())
    fitted = DistilledBipartiteRanker(GaussianNB(), student).fit(X, Y).student_
    (tmp_path / "student.pickle").write_bytes(pickle.dumps((fitted, X, fitted.predict(X))))
    code = f"""
import sys
sys.modules["skdistill"] = None  # importing it now fails
import pickle
student, X, expected = pickle.load(open({str(tmp_path / "student.pickle")!r}, "rb"))
assert (student.predict(X) == expected).all()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_another_fit_leaves_nothing_of_the_first():
    model = DistilledBipartiteRanker().fit(X, Y, teacher_proba=P)
    model.set_params(student=RandomForestRegressor(3)).fit(X, Y, teacher_proba=P)
    assert not hasattr(model, "coef_")
    assert_array_equal(model.n_iter_, [1])


def test_labels_of_strings_and_booleans():
    plain = tight(GaussianNB()).fit(X, Y)
    for labels in (np.array(["a", "b"])[Y], Y.astype(bool), Y * 2 - 1):
        model = tight(GaussianNB()).fit(X, labels)
        assert_allclose(model.coef_, plain.coef_, rtol=1e-10)
        assert_array_equal(model.classes_, np.unique(labels))
        assert_array_equal(model.predict(X), np.unique(labels)[plain.predict(X)])
        assert model.score(X, labels) == pytest.approx(roc_auc_score(Y, plain.decision_function(X)))


def test_the_score_is_the_auc():
    model = DistilledBipartiteRanker(GaussianNB()).fit(X, Y)
    weight = np.random.default_rng(0).random(200)
    scores = model.decision_function(X)
    assert model.score(X, Y) == roc_auc_score(Y, scores)
    assert model.score(X, Y, weight) == roc_auc_score(Y, scores, sample_weight=weight)


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_sparse_rows_are_dense_rows(surrogate):
    thin = np.where(np.abs(X) > 0.5, X, 0)
    model = DistilledBipartiteRanker(
        surrogate=surrogate, tol=1e-3 if surrogate == "hinge" else 1e-8
    )
    dense = model.fit(thin, Y, teacher_proba=P).decision_function(thin)
    for container in (sparse.csr_array, sparse.csr_matrix):
        rows = container(thin)
        sparsely = model.fit(rows, Y, teacher_proba=P).decision_function(rows)
        assert_allclose(sparsely, dense, atol=1e-6)


def test_it_plugs_into_scikit_learn():
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :10]
    ranker = DistilledBipartiteRanker(GaussianNB())
    model = make_pipeline(StandardScaler(), ranker)
    assert is_classifier(ranker)
    for scoring in ("roc_auc", "average_precision", None):
        assert cross_val_score(model, X, y, scoring=scoring, cv=2).mean() > 0.97
    grid = {"distilledbipartiteranker__alpha": [0, 1], "distilledbipartiteranker__C": [0.1, 1]}
    search = GridSearchCV(model, grid, scoring="roc_auc", cv=2).fit(X, y)
    assert search.best_score_ > 0.97
    calibrated = CalibratedClassifierCV(model, cv=2).fit(X, y)
    assert calibrated.predict_proba(X).shape == (569, 2)


def test_given_probabilities_in_a_search_are_cut_to_the_rows():
    search = GridSearchCV(DistilledBipartiteRanker(), {"C": [0.01, 1]}, scoring="roc_auc")
    for proba in (P, P[:, 1]):
        search.fit(X, Y, teacher_proba=proba)
        assert search.best_score_ > 0.6


def test_pipeline_student_transforms_rows_for_itself_only():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abc"))
    student = make_pipeline(StandardScaler(), LogisticRegression(tol=1e-9))
    model = DistilledBipartiteRanker(GaussianNB(), student).fit(frame, Y)
    scaled = StandardScaler().fit_transform(X)
    proba = cross_val_predict(GaussianNB(), X, Y, method="predict_proba")[:, 1]
    _, gradient = dense_objective("logistic", model.coef_[0], scaled, proba, ONE, 1.0)
    assert np.abs(gradient).max() < 1e-9
    assert list(model.feature_names_in_) == list("abc")
    assert_array_equal(model.predict(frame), model.student_.predict(frame))


def test_routed_weights_reach_the_default_student():
    weight = np.random.default_rng(0).random(200)
    plain = tight(GaussianNB()).fit(X, Y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        teacher = GaussianNB().set_fit_request(sample_weight=True)
        model = tight(teacher).set_fit_request(sample_weight=True)
        model.fit(X, Y, sample_weight=weight)
    assert_allclose(model.coef_, plain.coef_, rtol=1e-10)


def test_the_random_state_seeds_teacher_and_student():
    model = DistilledBipartiteRanker(RandomForestClassifier(5), random_state=0)
    assert_array_equal(model.fit(X, Y).coef_, model.fit(X, Y).coef_)
    other = DistilledBipartiteRanker(RandomForestClassifier(5), random_state=1).fit(X, Y)
    assert np.abs(other.coef_ - model.coef_).max() > 1e-6


def test_soft_labels_lower_the_pairwise_risk_of_the_truth():
    X, y, p = make_gaussian_classes(5100, 20, 2, class_sep=0.2, random_state=0)
    train, test = slice(100), slice(100, None)
    hard = DistilledBipartiteRanker(alpha=0).fit(X[train], y[train])
    soft = DistilledBipartiteRanker().fit(X[train], y[train], teacher_proba=p[train])
    risks = [
        pairwise_loss(model.decision_function(X[test]), p[test, 1])[0] for model in (soft, hard)
    ]
    assert risks[0] < risks[1] - 0.05
    assert soft.score(X[test], y[test]) > hard.score(X[test], y[test]) + 0.02


def test_every_parameter_is_documented_and_stored():
    for name, parameter in inspect.signature(DistilledBipartiteRanker).parameters.items():
        assert f"\n{name} : " in inspect.getdoc(DistilledBipartiteRanker)
        assert getattr(DistilledBipartiteRanker(), name) is parameter.default


def fails(error, match, *, X=X, y=Y, fit=None, **parameters):
    model = DistilledBipartiteRanker(**{"teacher": GaussianNB(), **parameters})
    with pytest.raises(error, match=match):
        model.fit(X, y, **(fit or {}))
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.mark.parametrize(
    "parameters",
    [
        {"surrogate": "log"},
        {"surrogate": None},
        {"C": 0},
        {"C": "1"},
        {"tol": 0.0},
        {"tol": np.nan},
        {"max_iter": 0},
        {"max_iter": 10.5},
        {"alpha": 2},
        {"teacher_temperature": 0},
    ],
    ids=str,
)
def test_parameters_outside_their_range(parameters):
    ((name, value),) = parameters.items()
    fails(ValueError, rf"{name} must be.*{name}={value!r}", **parameters)


def test_parameters_of_the_default_student_beside_another():
    fails(ValueError, r"C=0\.5 with student=Ridge\(\)", student=Ridge(), C=0.5)


def test_more_than_two_classes():
    fails(ValueError, r"two classes, and y has 3, \[0, 1, 2\].*Retriever", y=np.arange(200) % 3)
    fails(ValueError, "y has 4.*Retriever", classes=[0, 1, 2, 3])
    fails(ValueError, "Retriever", y=np.arange(200) % 3, fit={"teacher_proba": P[:, 1]})
    three = np.full((200, 3), 1 / 3)
    fails(ValueError, "Retriever", classes=[0, 1, 2], fit={"teacher_proba": three})


def test_one_class():
    fails(ValueError, r"only 1 class to rank: \[0\]", y=np.zeros(200, dtype=int))
    fails(ValueError, "only 1 class", y=np.zeros(200, dtype=int), alpha=0)
    fails(ValueError, "only 1 class to rank", y=0 * Y, fit={"teacher_proba": P[:, 1]})
    fails(ValueError, "2 columns but there are 1 classes", y=0 * Y, fit={"teacher_proba": P})
    DistilledBipartiteRanker(classes=[0, 1]).fit(X, 0 * Y, teacher_proba=P)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_a_teacher_that_gives_every_row_to_one_class(p):
    fails(ValueError, "No pair of rows carries weight", fit={"teacher_proba": np.full(200, p)})
    certain = np.full((200, 2), [1 - p, p])
    fails(ValueError, rf"are all {p:.0f}, and none gives", fit={"teacher_proba": certain})
    DistilledBipartiteRanker(alpha=0.5).fit(X, Y, teacher_proba=certain)  # the labels help


@pytest.mark.parametrize("bad", [np.inf, -0.1, 1.1])
def test_probabilities_that_are_none(bad):
    p = P[:, 1].copy()
    p[7] = bad
    fails(ValueError, r"teacher_proba must lie in \[0, 1\]; row 7", fit={"teacher_proba": p})
    columns = np.column_stack([1 - p, p])
    fails(ValueError, "^teacher_proba holds", fit={"teacher_proba": columns})
    fails(ValueError, "probabilities for 190 rows|190", fit={"teacher_proba": P[:190, 1]})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_none(bad):
    rows = X.copy()
    rows[5, 0] = bad
    fails(ValueError, "Input X contains", X=rows)
    fails(ValueError, "Input X contains", X=rows, fit={"teacher_proba": P})
    fails(ValueError, "Input X contains", X=rows, alpha=0)
    model = DistilledBipartiteRanker(GaussianNB()).fit(X, Y)
    with pytest.raises(ValueError, match="Input X contains"):
        model.decision_function(rows)


def test_a_student_whose_scores_are_none():
    class Broken(Ridge):
        def predict(self, X):
            return np.full(len(X), np.nan)

    fails(ValueError, "scores of the student contains NaN", student=Broken())


@pytest.mark.parametrize("inside", [lambda student: student, make_pipeline])
def test_a_student_that_cannot_rank(inside):
    student = inside(RandomForestClassifier())
    match = r"RandomForestClassifier\(\) cannot be fitted to rank"
    fails(TypeError, match, teacher=UnusedTeacher(), student=student)


def test_weights_that_are_all_zero():
    for own in ({"alpha": 0}, {"alpha": 1}):
        fails(ValueError, "weight zero", fit={"sample_weight": np.zeros(200)}, **own)


def test_unfitted():
    with pytest.raises(NotFittedError):
        DistilledBipartiteRanker().decision_function(X)
    with pytest.raises(NotFittedError):
        DistilledBipartiteRanker().predict(X)
    assert not hasattr(DistilledBipartiteRanker(), "coef_")
