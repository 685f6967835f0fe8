"""XGBoost on soft labels equals the expansion, and ordinary training for one-hot rows."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdistill import (
    BornAgainClassifier,
    DistilledClassifier,
    SoftLabelClassifier,
    SoftLabels,
    fit_soft_labels,
)
from skdistill.students import fit_by_expansion
from skdistill.students._registry import resolve_fitter

xgboost = pytest.importorskip("xgboost")
XGBClassifier = xgboost.XGBClassifier

from skdistill.students import xgboost as ours  # noqa: E402
from skdistill.students._boosting import soft_objective  # noqa: E402
from skdistill.students.xgboost import base_score_of_expansion, fit_xgboost  # noqa: E402

# XGBoost computes in float32, and sums the copies of a row in another order.
FLOAT32 = 2e-6


def problem(n_classes, *, n_samples=300, seed=0):
    """Return rows of few distinct values (so that weights cannot move a bin) and soft labels."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 20, size=(n_samples, 5)).astype(float)
    P = rng.dirichlet(np.ones(n_classes), size=n_samples)
    P *= rng.random(P.shape) > 0.2
    P[:, 0] += 1e-3
    P /= P.sum(axis=1, keepdims=True)
    return X, SoftLabels(P, sample_weight=rng.random(n_samples) + 0.5)


def student(**params):
    """Return a student of heavy leaves: in light ones two splits are often equally good."""
    own = {"n_estimators": 10, "max_depth": 4, "min_child_weight": 2}
    return XGBClassifier(**{**own, "n_jobs": 1, "random_state": 0, **params})


def learnable(n_samples, n_classes, seed):
    """Return rows, true labels, and the probabilities that they were drawn from."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 4))
    P = softmax(2 * X[:, :1] * np.arange(n_classes) + X[:, 1:2] ** 2, axis=1)
    y = (P.cumsum(axis=1) < rng.random((n_samples, 1))).sum(axis=1)
    return X, y, P


def derivatives_by_hand(P, weight, scores, factor):
    """Return gradient and Hessian summed over the labelled copies of each row, by a double loop."""
    binary = scores.ndim == 1
    q = softmax(np.column_stack([0 * scores, scores]) if binary else scores, axis=1)
    gradient, hessian = np.zeros_like(q), np.zeros_like(q)
    for n in range(len(P)):
        for label in range(P.shape[1]):
            copy = weight[n] * P[n, label]
            gradient[n] += copy * (q[n] - (np.arange(P.shape[1]) == label))
            hessian[n] += copy * factor * q[n] * (1 - q[n])
    return (gradient[:, 1], hessian[:, 1]) if binary else (gradient, hessian)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from([2, 3, 10]), st.integers(0, 10_000), st.sampled_from([1, 2, 1.5]))
def test_derivatives_are_sums_over_the_copies(n_classes, seed, factor):
    rng = np.random.default_rng(seed)
    P = rng.dirichlet(np.full(n_classes, 0.3), size=4)
    weight = rng.random(4)
    scores = rng.normal(scale=3, size=4 if n_classes == 2 else (4, n_classes))
    start = rng.normal(size=() if n_classes == 2 else n_classes)
    expected = derivatives_by_hand(P, weight, scores + start, factor)
    for proba in (P, sparse.csr_array(P)):
        labels = SoftLabels(proba, sample_weight=weight)
        objective = soft_objective(labels, hessian_factor=factor, start=start)
        gradient, hessian = objective(None, scores)
        assert_allclose(gradient, expected[0], atol=1e-14)
        assert_allclose(hessian, expected[1], atol=1e-14)


SETTINGS = [
    {},
    {"tree_method": "exact"},
    {"tree_method": "approx"},
    {"booster": "dart", "rate_drop": 0.5},
    {"booster": "gblinear"},
    {"monotone_constraints": (1, 0, 0, 0, -1)},
    {"reg_lambda": 0, "min_child_weight": 0, "max_depth": 2},
    {"base_score": 0.3},
    {"scale_pos_weight": 3.0},
    {"colsample_bytree": 0.6, "num_parallel_tree": 2},
]


@pytest.mark.filterwarnings(r"ignore:[\s\S]*scale_pos_weight")  # unused with 3 classes
@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("params", SETTINGS, ids=str)
def test_it_is_the_expansion(params, n_classes):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(**params), X, labels)
    expanded = fit_by_expansion(student(**params), X, labels)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)
    assert fitted.get_params() == expanded.get_params()
    assert_array_equal(fitted.classes_, np.arange(n_classes))
    if params.get("booster") != "gblinear":
        assert_allclose(fitted.intercept_, expanded.intercept_, atol=FLOAT32)
        assert_allclose(fitted.feature_importances_, expanded.feature_importances_, atol=1e-3)


def test_trees_with_one_leaf_vector_for_all_classes():
    X, labels = problem(3)
    vector = student(multi_strategy="multi_output_tree")
    fitted = fit_soft_labels(vector, X, labels)
    expanded = fit_by_expansion(clone(vector), X, labels)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)


def test_sparse_rows_and_sparse_probabilities():
    X, labels = problem(3)
    X[X < 10] = np.nan  # XGBoost takes what a sparse matrix leaves out for missing
    stored = np.nonzero(~np.isnan(X))
    rows = sparse.csr_matrix((X[stored], stored), shape=X.shape)
    dense = fit_soft_labels(student(), X, labels)
    thin = SoftLabels(sparse.csr_array(labels.proba), sample_weight=labels.weight)
    fitted = fit_soft_labels(student(), rows, thin)
    assert_allclose(fitted.predict_proba(rows), dense.predict_proba(X), atol=FLOAT32)


def test_dataframes_with_categories():
    X, labels = problem(3)
    frame = pd.DataFrame(X, columns=list("abcde")).astype({"a": int}).astype({"a": "category"})
    categorical = student(enable_categorical=True, tree_method="hist")
    fitted = fit_soft_labels(categorical, frame, labels)
    expanded = fit_by_expansion(clone(categorical), frame, labels)
    assert_array_equal(fitted.feature_names_in_, list("abcde"))
    assert_allclose(fitted.predict_proba(frame), expanded.predict_proba(frame), atol=FLOAT32)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_hot_rows_are_ordinary_training(n_classes):
    X, labels = problem(n_classes)
    y = labels.argmax_labels()
    plain = fit_soft_labels(student(), X, SoftLabels.from_labels(y))
    assert_array_equal(plain.predict_proba(X), student().fit(X, y).predict_proba(X))
    # Real-valued features in few bins: weights decide where the bins end.
    X, few_bins = np.random.default_rng(0).normal(size=X.shape), student(max_bin=8)
    weight = np.where(X[:, 0] > 0, 1.0, 5.0)
    weighted = SoftLabels.from_labels(y, sample_weight=weight)
    by_hand = clone(few_bins).fit(X, y, sample_weight=weight)
    fitted = fit_soft_labels(few_bins, X, weighted)
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X), atol=FLOAT32)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_probabilities(n_classes):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(n_estimators=200, learning_rate=1), X, labels)
    proba = fitted.predict_proba(X)
    assert proba.min() >= 0
    assert proba.max() <= 1
    assert_allclose(proba.sum(axis=1), 1, atol=1e-6)
    assert_array_equal(fitted.predict(X), proba.argmax(axis=1))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_by_true_labels(n_classes):
    X, _, P = learnable(500, n_classes, seed=0)
    X_val, y_val, _ = learnable(500, n_classes, seed=1)
    stops = student(n_estimators=300, early_stopping_rounds=5, max_depth=3)
    evaluation = {"eval_set": [(X_val, y_val)], "verbose": False}
    # Exact splits: the bins of real-valued features depend on how copies are weighted.
    stops.set_params(tree_method="exact")
    fitted = fit_soft_labels(stops, X, SoftLabels(P), **evaluation)
    expanded = fit_by_expansion(clone(stops), X, SoftLabels(P), **evaluation)
    assert fitted.best_iteration > 5
    assert abs(fitted.best_iteration - expanded.best_iteration) <= 3
    (name,) = fitted.evals_result()["validation_0"]
    assert name == ("logloss" if n_classes == 2 else "mlogloss")
    truth = fitted.predict_proba(X_val)[np.arange(500), y_val]
    assert_allclose(fitted.best_score, -np.log(truth).mean(), rtol=1e-5)
    assert fitted.get_params() == expanded.get_params()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("in_a_list", [False, True])
def test_metrics_of_the_users_get_probabilities(n_classes, in_a_list):
    X, y, P = learnable(200, n_classes, seed=0)
    seen = []

    def accuracy(y_true, q):
        seen.append(q)
        return np.mean(y_true == (q > 0.5 if q.ndim == 1 else q.argmax(axis=1)))

    name = "logloss" if n_classes == 2 else "mlogloss"
    metric = [name, accuracy] if in_a_list else accuracy
    with_metric = student(n_estimators=3, eval_metric=metric)
    fitted = fit_soft_labels(with_metric, X, SoftLabels(P), eval_set=[(X, y)], verbose=False)
    assert seen[-1].min() >= 0
    assert seen[-1].max() <= 1
    shares = fitted.predict_proba(X)
    assert_allclose(seen[-1], shares[:, 1] if n_classes == 2 else shares, atol=1e-6)
    assert fitted.eval_metric == metric


def test_scores_and_models_to_go_on_from():
    X, labels = problem(3)
    margin = np.random.default_rng(0).normal(size=(len(X), 3))
    fitted = fit_soft_labels(student(), X, labels, base_margin=margin)
    expanded = fit_by_expansion(student(), X, labels, base_margin=margin)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)
    other = SoftLabels(labels.proba**3 / (labels.proba**3).sum(axis=1, keepdims=True))
    more = fit_soft_labels(student(), X, other, xgb_model=fitted)
    expanded = fit_by_expansion(student(), X, other, xgb_model=fitted)
    assert more.get_booster().num_boosted_rounds() == 20
    assert_allclose(more.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)


@pytest.mark.parametrize("n_classes", [3, 4])
def test_a_class_without_mass_is_there_and_improbable(n_classes):
    X, labels = problem(n_classes)
    proba = labels.proba.copy()
    proba[:, 1] = 0
    proba /= proba.sum(axis=1, keepdims=True)
    fitted = fit_soft_labels(student(), X, SoftLabels(proba))
    assert_array_equal(fitted.classes_, np.arange(n_classes))
    assert fitted.predict_proba(X)[:, 1].max() < 0.1


def test_the_base_score_is_the_one_of_the_expansion():
    _, labels = problem(3)
    rows, codes, weight = labels.expand()
    expanded = student(n_estimators=1).fit(rows[:, None], codes, sample_weight=weight)
    assert_allclose(
        base_score_of_expansion(student(), labels), expanded.intercept_.squeeze(), atol=FLOAT32
    )


@pytest.mark.parametrize("written", ["{}", '{"learner": {"learner_model_param": null}}', "<xml>"])
def test_where_models_are_written_in_another_way(written, monkeypatch):
    X, labels = problem(3)
    with monkeypatch.context() as patch:
        patch.setattr(ours.Booster, "save_config", lambda booster: written)
        with pytest.warns(UserWarning, match="writes models in a way"):
            fitted = fit_soft_labels(student(), X, labels)
    expanded = fit_by_expansion(student(), X, labels)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("ending", ["json", "ubj"])
def test_saving_and_loading(n_classes, ending, tmp_path):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(), X, labels)
    fitted.save_model(tmp_path / f"model.{ending}")
    loaded = XGBClassifier()
    loaded.load_model(tmp_path / f"model.{ending}")
    assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert_array_equal(loaded.predict(X), fitted.predict(X))
    assert loaded.objective == fitted.objective
    name = "binary:logistic" if n_classes == 2 else "multi:softprob"
    assert f'"name":"{name}"' in fitted.get_booster().save_config()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_predicts_where_skdistill_is_not_installed(n_classes, tmp_path):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(), X, labels)
    pickled = pickle.dumps((fitted, X))
    assert b"skdistill" not in pickled
    (tmp_path / "student.pkl").write_bytes(pickled)
    code = (
        "import sys, pickle, pathlib\n"
        "sys.modules['skdistill'] = None\n"
        "student, X = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "print(student.predict_proba(X)[:, 1].sum())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "student.pkl")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert_allclose(float(printed), fitted.predict_proba(X)[:, 1].sum(), rtol=1e-5)


def test_which_classes_are_taken_for_xgbclassifier():
    class KeepsFit(XGBClassifier):
        pass

    class OverridesFit(XGBClassifier):
        def fit(self, X, y, **params):
            return super().fit(X, y, **params)

    assert resolve_fitter(XGBClassifier()) is fit_xgboost
    assert resolve_fitter(KeepsFit()) is fit_xgboost
    assert resolve_fitter(OverridesFit()) is fit_by_expansion
    assert resolve_fitter(xgboost.XGBRFClassifier()) is fit_xgboost


def two_argument_loss(y_true, scores, sample_weight=None):
    q = expit(scores)
    return (q - y_true) * sample_weight, np.maximum(q * (1 - q), 1e-6) * sample_weight


@pytest.mark.parametrize(
    ("n_classes", "objective", "match"),
    [
        (2, two_argument_loss, "custom objective"),
        (2, "binary:hinge", "binary:hinge"),
        (3, "multi:softmax", "gives no probabilities"),
    ],
)
def test_unsupported_options_expand_rows_with_one_warning(n_classes, objective, match):
    X, labels = problem(n_classes)
    other = student(objective=objective)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = fit_soft_labels(other, X, labels)
    (warning,) = caught
    assert match in str(warning.message)
    assert warning.filename == __file__
    expanded = fit_by_expansion(clone(other), X, labels)
    assert_array_equal(fitted.predict(X), expanded.predict(X))


def test_fewer_rows_than_classes():
    with pytest.warns(UserWarning, match="only 2 rows for 3 classes"):
        fitted = fit_soft_labels(student(), np.eye(2), SoftLabels(np.full((2, 3), 1 / 3)))
    assert_allclose(fitted.predict_proba(np.eye(2)), 1 / 3, atol=1e-6)


@pytest.mark.parametrize("classes", [["a", "b"], [1, 2], [0, 2]])
def test_labels_that_xgboost_does_not_take(classes):
    labels = SoftLabels([[0.3, 0.7], [0.6, 0.4]], classes=classes)
    with pytest.raises(ValueError, match=r"takes the labels 0, 1, \.\.\., 1 only.*LabelEncoder"):
        fit_soft_labels(student(), np.eye(2), labels)


def test_as_the_student_of_a_distilled_classifier():
    X, y, _ = learnable(300, 3, seed=0)
    model = DistilledClassifier(student=student(), alpha=1.0).fit(X, y)
    assert type(model.student_) is XGBClassifier
    assert_array_equal(model.predict_proba(X), model.student_.predict_proba(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_random_forests_of_xgboost_are_the_expansion(n_classes):
    X, labels = problem(n_classes)
    own = xgboost.XGBRFClassifier(
        n_estimators=5, subsample=1, colsample_bynode=1, min_child_weight=2, n_jobs=1
    )
    fitted = fit_soft_labels(own, X, labels)
    expanded = fit_by_expansion(clone(own), X, labels)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("params", [{}, {"objective": two_argument_loss}], ids=["own", "custom"])
@pytest.mark.parametrize("lacking", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["hard", "weighted", "soft"])
@pytest.mark.parametrize("cls", [XGBClassifier, xgboost.XGBRFClassifier])
def test_a_class_without_a_row_wherever_it_sorts(cls, kind, lacking, params):
    if params:
        params = {"objective": "multi:softmax"}  # has no soft form: the expansion
    X, labels = problem(4)
    proba = labels.proba + 1e-3
    proba[:, lacking] = 0
    proba /= proba.sum(axis=1, keepdims=True)
    if kind != "soft":
        proba = np.eye(4)[proba.argmax(axis=1)]
    weight = None if kind == "hard" else labels.weight
    fitted = fit_soft_labels(
        cls(n_estimators=5, n_jobs=1, **params), X, SoftLabels(proba, sample_weight=weight)
    )
    assert_array_equal(fitted.classes_, [0, 1, 2, 3])
    assert (fitted.predict(X) != lacking).all()
    assert (fitted.predict(X) == proba.argmax(axis=1)).mean() > 0.3


def test_without_a_class_the_others_are_what_they_are_alone():
    X, labels = problem(4)
    y = np.array([0, 2, 3])[labels.proba[:, :3].argmax(axis=1)]
    fitted = fit_soft_labels(student(), X, SoftLabels.from_labels(y, [0, 1, 2, 3]))
    alone = student().fit(X, np.array([0, 0, 1, 2])[y])
    proba = fitted.predict_proba(X)
    assert proba[:, 1].max() < 0.02
    rest = proba[:, [0, 2, 3]] / proba[:, [0, 2, 3]].sum(axis=1, keepdims=True)
    assert np.abs(rest - alone.predict_proba(X)).max() < 0.05


@pytest.mark.parametrize("alpha", [1.0, "auto"])
@pytest.mark.parametrize("rare", [0, 1, 2])
def test_a_class_that_folds_do_not_show(rare, alpha):
    X, y, _ = learnable(150, 3, seed=0)
    keep = np.r_[np.flatnonzero(y != rare), np.flatnonzero(y == rare)[:1]]
    model = DistilledClassifier(GaussianNB(), student(n_estimators=3), alpha=alpha)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X[keep], y[keep])
    assert_array_equal(model.student_.classes_, [0, 1, 2])
    assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, "auto"])
def test_a_class_that_is_declared_and_has_no_row(alpha):
    X, y, _ = learnable(150, 3, seed=0)
    y = np.array([0, 2, 3])[y]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = DistilledClassifier(GaussianNB(), student(), alpha=alpha, classes=range(4))
        model.fit(X, y)
    assert_array_equal(model.classes_, [0, 1, 2, 3])
    assert model.predict_proba(X)[:, 1].max() < 0.05


def test_labels_that_are_refused_before_any_teacher_is_fitted():
    fits = []

    class Counting(ExtraTreesClassifier):
        def fit(self, X, y):
            fits.append(len(X))
            return super().fit(X, y)

    X, y, _ = learnable(60, 3, seed=0)
    for own in (student(), make_pipeline(StandardScaler(), student())):
        for alpha in (0.5, "auto"):
            model = DistilledClassifier(Counting(3), own, alpha=alpha)
            with pytest.raises(ValueError, match=r"takes the labels 0, 1, \.\.\., 2 only"):
                model.fit(X, np.array(["a", "b", "c"])[y])
        with pytest.raises(ValueError, match=r"takes the labels 0, 1, \.\.\., 2 only"):
            BornAgainClassifier(own).fit(X, np.array(["a", "b", "c"])[y])
    assert not fits


@pytest.mark.parametrize(
    ("params", "fit_params"),
    [
        ({"scale_pos_weight": 5.0}, {}),
        ({}, {"sample_weight_eval_set": [np.linspace(0, 3, 300)]}),
        ({"scale_pos_weight": 5.0}, {"sample_weight_eval_set": [np.linspace(0, 3, 300)]}),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_evaluation_sets_weigh_as_they_do_for_the_expansion(n_classes, params, fit_params):
    if "scale_pos_weight" in params and n_classes == 3:
        return  # for two classes
    X, _, P = learnable(400, n_classes, seed=0)
    X_val, y_val, _ = learnable(300, n_classes, seed=1)
    X, X_val = X.round(1), X_val.round(1)
    labels = SoftLabels(P)
    evaluation = {"eval_set": [(X_val, y_val)], "verbose": False, **fit_params}
    own = student(**params, tree_method="exact")
    fitted = fit_soft_labels(own, X, labels, **evaluation)
    expanded = fit_by_expansion(clone(own), X, labels, **evaluation)
    for name, scores in expanded.evals_result()["validation_0"].items():
        assert_allclose(fitted.evals_result()["validation_0"][name], scores, atol=1e-5)


# XGBoost's own second names, as its documentation of parameters lists them.
SECOND_NAMES = {
    "eta": ("learning_rate", 0.05),
    "min_split_loss": ("gamma", 2.0),
    "lambda": ("reg_lambda", 30.0),
    "alpha": ("reg_alpha", 5.0),
    "seed": ("random_state", 3),
    "nthread": ("n_jobs", 1),
}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", SECOND_NAMES)
def test_a_second_name_is_the_first(name, n_classes):
    main, value = SECOND_NAMES[name]
    X, labels = problem(n_classes)
    one, other = (
        fit_soft_labels(XGBClassifier(n_estimators=5, **{key: value}), X, labels)
        for key in (name, main)
    )
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_boolean_labels_are_predicted_as_booleans():
    X, _, P = learnable(100, 2, seed=0)
    model = SoftLabelClassifier(student()).fit(X, SoftLabels(P, [False, True]))
    assert model.predict(X).dtype == bool
    assert_array_equal(model.predict(X), model.predict_proba(X)[:, 1] > 0.5)
