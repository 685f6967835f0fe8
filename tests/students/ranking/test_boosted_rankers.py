"""Boosted rankers use the exact derivatives of the double sum over pairs."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from students.ranking.dense_pairs import dense_risk, surrogate_and_slope

from skdistill import DistilledBipartiteRanker, SoftLabels
from skdistill.students.ranking import fit_ranker

xgboost = pytest.importorskip("xgboost")
lightgbm = pytest.importorskip("lightgbm")
from xgboost import XGBRanker, XGBRegressor  # noqa: E402

from skdistill.students import lightgbm as ours  # noqa: E402
from skdistill.students.ranking._boosting import pair_objective  # noqa: E402

SURROGATES = ["logistic", "exponential", "hinge", "squared_hinge"]
FEW = {"n_estimators": 5, "n_jobs": 1}
XGB = [XGBRegressor(max_depth=2, **FEW), XGBRanker(max_depth=2, **FEW)]
LEAVES = {"num_leaves": 4, "min_child_samples": 2, "verbose": -1}
LGBM = [lightgbm.LGBMRegressor(**LEAVES, **FEW), lightgbm.LGBMRanker(**LEAVES, **FEW)]
STUDENTS = [*XGB, *LGBM]
NAMES = [type(student).__name__ for student in STUDENTS]


def problem(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    p = expit(2 * X[:, 0] * X[:, 1] + X[:, 2])
    return X, SoftLabels(np.column_stack([1 - p, p]), sample_weight=rng.random(n) + 0.5)


def dense_derivatives(name, scores, labels):
    """Return gradient and Hessian diagonal of the scaled mean loss over all pairs."""
    p, w = labels.proba[:, 1], labels.weight
    a, b = w * p, w * (1 - p)
    scale = 2 * a.sum() * b.sum() / w.sum()
    _, gradient = dense_risk(name, scores, p, w)
    if name == "hinge":
        return scale * gradient, (a * b.sum() + b * a.sum()) / w.sum() / 2
    step = 1e-5
    d = scores[:, None] - scores[None, :]
    curvature = surrogate_and_slope(name, d + step)[1] - surrogate_and_slope(name, d - step)[1]
    if name == "squared_hinge":
        curvature = 4 * step * (d < 1)
    pairs = np.outer(a, b) / (a.sum() * b.sum())
    curved = pairs * curvature / (2 * step)
    return scale * gradient, scale * (curved.sum(axis=0) + curved.sum(axis=1))


@pytest.mark.parametrize("name", SURROGATES)
def test_the_objective_is_that_of_the_double_sum(name):
    _, labels = problem()
    scores = np.random.default_rng(1).normal(size=60)
    gradient, hessian = pair_objective(labels, name)(None, scores)
    expected = dense_derivatives(name, scores, labels)
    assert_allclose(gradient, expected[0], atol=1e-12)
    assert_allclose(hessian, expected[1], rtol=1e-6)


def test_it_begins_as_the_log_loss_does():
    _, labels = problem(n=500)
    p, w = labels.proba[:, 1], labels.weight
    share = np.average(p, weights=w)
    gradient, hessian = pair_objective(labels, "logistic")(None, np.zeros(500))
    assert_allclose(gradient, w * (share - p), atol=1e-12)
    assert hessian.sum() == pytest.approx(w.sum() * share * (1 - share), rel=1e-9)
    _, of_hinge = pair_objective(labels, "hinge")(None, np.ones(500))
    assert_allclose(of_hinge, hessian, rtol=1e-9)


@pytest.mark.parametrize("name", SURROGATES)
def test_a_row_of_weight_two_has_the_derivatives_of_two_rows(name):
    rng = np.random.default_rng(0)
    proba, weight, scores = rng.dirichlet([1, 1], 8), rng.integers(1, 4, 8), rng.normal(size=8)
    copies = np.repeat(np.arange(8), weight)
    weighted = pair_objective(SoftLabels(proba, sample_weight=weight), name)(None, scores)
    repeated = pair_objective(SoftLabels(proba[copies]), name)(None, scores[copies])
    for of_weight, of_copies in zip(weighted, repeated, strict=True):
        assert_allclose(of_weight, np.bincount(copies, of_copies), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("student", STUDENTS, ids=NAMES)
def test_a_row_of_weight_two_is_two_rows(student, name):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 5, size=(30, 3)).astype(float)  # every value has a bin of its own
    proba, weight = rng.dirichlet([1, 1], 30), rng.integers(1, 4, 30)
    copies = np.repeat(np.arange(30), weight)
    student = clone(student)
    if isinstance(student, lightgbm.LGBMModel):  # what counts rows counts copies
        student.set_params(min_child_samples=1, min_data_in_bin=1)
    weighted = fit_ranker(student, X, SoftLabels(proba, sample_weight=weight), name)
    repeated = fit_ranker(student, X[copies], SoftLabels(proba[copies]), name)
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("student", XGB, ids=NAMES[:2])
def test_xgboost_boosts_on_the_dense_derivatives(student, name):
    X, labels = problem()

    def dense(y_true, scores, sample_weight=None):
        return dense_derivatives(name, scores.astype(float), labels)

    by_hand = XGBRegressor(max_depth=2, **FEW, objective=dense, base_score=0.0)
    by_hand.fit(X, np.zeros(60), sample_weight=labels.weight)
    fitted = fit_ranker(student, X, labels, name)
    assert type(fitted) is type(student)
    assert_allclose(fitted.predict(X), by_hand.predict(X), atol=1e-5)
    assert fitted.get_params() == student.get_params()


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("student", LGBM, ids=NAMES[2:])
def test_lightgbm_boosts_on_the_dense_derivatives(student, name):
    X, labels = problem()

    def dense(y_true, scores, weight):
        return dense_derivatives(name, scores.astype(float), labels)

    by_hand = lightgbm.LGBMRegressor(**LEAVES, **FEW, objective=dense)
    by_hand.fit(X, np.zeros(60), sample_weight=labels.weight)
    fitted = fit_ranker(student, X, labels, name)
    assert type(fitted) is type(student)
    assert_allclose(fitted.predict(X), by_hand.predict(X), atol=1e-5)
    assert fitted.get_params() == student.get_params()
    assert fitted.objective_ == ("lambdarank" if "Ranker" in str(student) else "regression")


@pytest.mark.parametrize("student", STUDENTS, ids=NAMES)
def test_it_ranks_more_rows_than_lightgbm_takes_in_a_query(student):
    X, labels = problem(n=10_500)
    fitted = fit_ranker(clone(student).set_params(n_estimators=150), X, labels)
    teacher = labels.proba[:, 1]
    y = teacher > np.random.default_rng(0).random(len(teacher))
    assert roc_auc_score(y, fitted.predict(X)) > roc_auc_score(y, teacher) - 0.02


def test_nothing_of_skdistill_stays_in_the_students(tmp_path):
    X, labels = problem()
    fitted = [fit_ranker(student, X, labels) for student in STUDENTS]
    pickled = pickle.dumps((fitted, X))
    assert b"skdistill" not in pickled
    (tmp_path / "students.pkl").write_bytes(pickled)
    code = (
        "import sys, pickle, pathlib\n"
        "sys.modules['skdistill'] = None\n"
        "students, X = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print(*(student.predict(X)[0] + student.n_features_in_ for student in students))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "students.pkl")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert_allclose([float(x) for x in printed], [s.predict(X)[0] + 3 for s in fitted], rtol=1e-5)


@pytest.mark.parametrize("student", LGBM, ids=NAMES[2:])
def test_relied_upon_behaviour_of_lightgbm(student):
    """If this fails, a ranker keeps the objective of skdistill: look at the new LightGBM."""
    assert "_objective" in ours.PRIVATE and set(ours.PRIVATE) <= vars(student).keys()
    fitted = fit_ranker(student, *problem())
    assert fitted.objective_ in ("regression", "lambdarank")


@pytest.mark.parametrize("student", LGBM, ids=NAMES[2:])
def test_where_lightgbm_keeps_its_objective_elsewhere(student, monkeypatch):
    X, labels = problem()
    known = fit_ranker(student, X, labels)
    monkeypatch.setattr(ours, "PRIVATE", ("_gone",))
    assert_array_equal(fit_ranker(student, X, labels).predict(X), known.predict(X))


@pytest.mark.parametrize("student", XGB, ids=NAMES[:2])
def test_xgboost_saves_and_loads(student, tmp_path):
    X, labels = problem()
    fitted = fit_ranker(student, X, labels)
    fitted.save_model(tmp_path / "model.json")
    loaded = type(student)()
    loaded.load_model(tmp_path / "model.json")
    assert_array_equal(loaded.predict(X), fitted.predict(X))
    name = "rank:ndcg" if type(student) is XGBRanker else "reg:squarederror"
    assert f'"name":"{name}"' in fitted.get_booster().save_config()


def test_early_stopping_by_a_metric_that_compares_scores():
    X, labels = problem(n=600)
    y = (labels.proba[:, 1] > np.random.default_rng(0).random(600)).astype(int)
    stops = XGBRegressor(n_estimators=300, eval_metric="auc", early_stopping_rounds=3, n_jobs=1)
    train = SoftLabels(labels.proba[:300], sample_weight=labels.weight[:300])
    fitted = fit_ranker(stops, X[:300], train, eval_set=[(X[300:], y[300:])], verbose=False)
    assert 0 < fitted.best_iteration < 290
    best = roc_auc_score(y[300:], fitted.predict(X[300:]))
    assert fitted.best_score == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize(
    ("student", "match"),
    [
        (XGBRegressor(objective="reg:logistic"), "objective='reg:logistic'.*surrogate"),
        (lightgbm.LGBMRegressor(objective="poisson"), "objective='poisson'.*surrogate"),
        (lightgbm.LGBMRegressor(boosting_type="rf"), "boosting_type='rf'.*objectives only"),
        (lightgbm.LGBMRanker(sigmoid=2.0), "sigmoid=2.0.*objectives only"),
    ],
)
def test_what_cannot_be_honoured_is_refused(student, match):
    X, labels = problem()
    with pytest.raises(ValueError, match=match):
        fit_ranker(student, X, labels)


@pytest.mark.parametrize("student", STUDENTS, ids=NAMES)
def test_as_the_student_of_a_ranker(student):
    X, labels = problem(n=300)
    y = np.where(labels.proba[:, 1] > np.random.default_rng(0).random(300), "yes", "no")
    model = DistilledBipartiteRanker(student=student, random_state=0).fit(X, y)
    scores = model.decision_function(X)
    assert_allclose(scores, model.student_.predict(X) + model.intercept_, rtol=1e-6)
    assert_array_equal(model.predict(X), np.where(scores > 0, "yes", "no"))
    assert model.score(X, y) == pytest.approx(roc_auc_score(y, scores))
    assert model.score(X, y) > 0.65
    assert type(model.student_) is type(student)


@pytest.mark.parametrize("alpha", [1.0, "auto"])
@pytest.mark.parametrize("few", [True, False], ids=["few rows", "constant columns"])
@pytest.mark.parametrize("student", [lightgbm.LGBMRegressor, lightgbm.LGBMRanker])
def test_where_no_feature_can_be_split_all_scores_are_equal(student, few, alpha):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(36, 2)) if few else np.ones((90, 2))
    y = rng.random(len(X)) < 0.5
    own = student(n_jobs=1, verbose=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = DistilledBipartiteRanker(LogisticRegression(), own, alpha=alpha, cv=3).fit(X, y)
    assert np.ptp(model.decision_function(X)) == 0
    assert model.student_.get_params() == own.get_params()
