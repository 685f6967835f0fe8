"""LightGBM on soft labels equals the expansion, and ordinary training for one-hot rows."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone

from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels
from skdistill.students import fit_by_expansion
from skdistill.students._registry import resolve_fitter

lightgbm = pytest.importorskip("lightgbm")
LGBMClassifier = lightgbm.LGBMClassifier

from skdistill.students import lightgbm as ours  # noqa: E402

# LightGBM keeps gradients in float32, and sums the copies of a row in another order.
FLOAT32 = 2e-6

NAMES = np.array(["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibex", "jay"])


def problem(n_classes, *, n_samples=400, seed=0):
    """Return rows of few distinct values (one bin for each) and soft labels."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 20, size=(n_samples, 5)).astype(float)
    P = rng.dirichlet(np.ones(n_classes), size=n_samples)
    P *= rng.random(P.shape) > 0.2
    P[:, 0] += 1e-3
    P /= P.sum(axis=1, keepdims=True)
    return X, SoftLabels(P, NAMES[:n_classes], sample_weight=rng.random(n_samples) + 0.5)


def student(**params):
    """Return a student that counts no rows, only their weight, so that copies make no difference.

    Leaves are kept heavy: in light ones two splits are often equally good.
    """
    own = {"n_estimators": 10, "num_leaves": 7, "min_child_samples": 0, "min_child_weight": 2}
    bins = {"min_data_in_bin": 1, "verbosity": -1, "n_jobs": 1, "random_state": 0}
    return LGBMClassifier(**{**own, **bins, **params})


def learnable(n_samples, n_classes, seed):
    """Return rows, true labels, and the probabilities that they were drawn from."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 4)).round(1)
    P = softmax(2 * X[:, :1] * np.arange(n_classes) + X[:, 1:2] ** 2, axis=1)
    y = (P.cumsum(axis=1) < rng.random((n_samples, 1))).sum(axis=1)
    return X, NAMES[y], P


SETTINGS = [
    {},
    {"monotone_constraints": [1, 0, 0, 0, -1]},
    {"class_weight": "balanced"},
    {"class_weight": {"ant": 3.0, "bee": 0.5}},
    {"scale_pos_weight": 3.0},
    {"boost_from_average": False},
    {"reg_lambda": 1.0, "reg_alpha": 0.1},
    {"n_estimators": 1},
    {"min_child_weight": 1e6},  # no split at all: constant trees
]


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("params", SETTINGS, ids=str)
def test_it_is_the_expansion(params, n_classes):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(**params), X, labels)
    expanded = fit_by_expansion(student(**params), X, labels)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)
    assert_array_equal(fitted.feature_importances_, expanded.feature_importances_)
    assert_array_equal(fitted.classes_, NAMES[:n_classes])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_all_that_a_fitted_student_shows(n_classes):
    X, labels = problem(n_classes)
    frame = pd.DataFrame(X, columns=list("abcde"))
    own = student(class_weight="balanced", importance_type="gain")
    fitted = fit_soft_labels(own, frame, labels)
    ordinary = clone(own).fit(frame, labels.argmax_labels())
    assert fitted.get_params() == own.get_params()
    assert vars(fitted).keys() == vars(ordinary).keys()
    for name in ("objective_", "n_classes_", "n_features_in_", "n_estimators_", "best_iteration_"):
        assert getattr(fitted, name) == getattr(ordinary, name)
    assert_array_equal(fitted.feature_names_in_, list("abcde"))
    assert fitted.feature_importances_.shape == (5,)
    text, expected = fitted.booster_.model_to_string(), ordinary.booster_.model_to_string()
    about_objective = [line for line in expected.splitlines() if "objective" in line]
    assert [line for line in text.splitlines() if "objective" in line] == about_objective
    hard = NAMES.searchsorted(labels.argmax_labels())
    assert fitted.booster_.refit(X, hard).num_trees() == fitted.booster_.num_trees()
    again = clone(fitted).fit(frame, labels.argmax_labels())
    assert_array_equal(again.predict_proba(frame), ordinary.predict_proba(frame))


def test_dart_keeps_the_start():
    X, labels = problem(3)
    balanced = SoftLabels(np.vstack([labels.proba, labels.proba[:, [1, 2, 0]]]))
    balanced = balanced.append(SoftLabels(labels.proba[:, [2, 0, 1]]))
    rows = np.vstack([X, X, X])
    dart = student(boosting_type="dart", drop_rate=0.5)
    # Where the shares are equal the start says nothing, and it is the expansion.
    fitted = fit_soft_labels(dart, rows, balanced)
    expanded = fit_by_expansion(clone(dart), rows, balanced)
    assert_allclose(fitted.predict_proba(rows), expanded.predict_proba(rows), atol=FLOAT32)
    # Where not, LightGBM drops it along with the first tree; here it is kept.
    rare = SoftLabels(np.column_stack([np.full(len(X), 0.98), np.full((len(X), 2), 0.01)]))
    fitted = fit_soft_labels(dart, X, rare)
    assert_allclose(fitted.predict_proba(X), rare.proba, atol=1e-4)


def test_sparse_rows_and_sparse_probabilities():
    X, labels = problem(3)
    X[X < 10] = 0
    dense = fit_soft_labels(student(), X, labels)
    thin = SoftLabels(sparse.csr_array(labels.proba), labels.classes, sample_weight=labels.weight)
    fitted = fit_soft_labels(student(), sparse.csr_matrix(X), thin)
    assert_allclose(fitted.predict_proba(X), dense.predict_proba(X), atol=FLOAT32)


def test_dataframes_with_categories():
    X, labels = problem(3)
    frame = pd.DataFrame(X, columns=list("abcde")).astype({"a": int}).astype({"a": "category"})
    one_by_one = student(max_cat_to_onehot=100)  # else it counts the rows of categories
    fitted = fit_soft_labels(one_by_one, frame, labels)
    expanded = fit_by_expansion(clone(one_by_one), frame, labels)
    assert_allclose(fitted.predict_proba(frame), expanded.predict_proba(frame), atol=FLOAT32)
    loaded = lightgbm.Booster(model_str=fitted.booster_.model_to_string())
    assert_allclose(loaded.predict(frame), fitted.predict_proba(frame))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_one_hot_rows_are_ordinary_training(n_classes):
    X, labels = problem(n_classes)
    y = labels.argmax_labels()
    plain = fit_soft_labels(student(), X, SoftLabels.from_labels(y))
    assert_array_equal(plain.predict_proba(X), student().fit(X, y).predict_proba(X))
    weighted = SoftLabels.from_labels(y, sample_weight=labels.weight)
    by_hand = student().fit(X, y, sample_weight=labels.weight)
    fitted = fit_soft_labels(student(), X, weighted)
    assert_allclose(fitted.predict_proba(X), by_hand.predict_proba(X), atol=FLOAT32)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_probabilities(n_classes):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(n_estimators=200, learning_rate=1), X, labels)
    proba = fitted.predict_proba(X)
    assert proba.min() >= 0
    assert proba.max() <= 1
    assert_allclose(proba.sum(axis=1), 1, atol=1e-12)
    assert_array_equal(fitted.predict(X), NAMES[proba.argmax(axis=1)])


@pytest.mark.filterwarnings("ignore::lightgbm.basic.LGBMDeprecationWarning")
@pytest.mark.parametrize("by", ["callback", "parameter"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_by_true_labels(n_classes, by):
    X, _, P = learnable(500, n_classes, seed=0)
    X_val, y_val, _ = learnable(500, n_classes, seed=1)
    labels = SoftLabels(P, NAMES[:n_classes])
    own = student(n_estimators=300)
    evaluation = {"eval_set": [(X_val, y_val)]}
    if by == "callback":
        evaluation["callbacks"] = [lightgbm.early_stopping(5, verbose=False)]
    else:
        own.set_params(early_stopping_round=5)
    fitted = fit_soft_labels(own, X, labels, **evaluation)
    expanded = fit_by_expansion(clone(own), X, labels, **evaluation)
    assert fitted.best_iteration_ > 5
    assert abs(fitted.best_iteration_ - expanded.best_iteration_) <= 3
    assert fitted.booster_.num_trees() == expanded.booster_.num_trees()
    assert fitted.booster_.best_iteration == fitted.best_iteration_
    assert fitted.booster_.best_score == fitted.best_score_
    name = "binary_logloss" if n_classes == 2 else "multi_logloss"
    assert list(fitted.best_score_["valid_0"]) == [name]
    scores = fitted.evals_result_["valid_0"][name]
    assert_allclose(scores, expanded.evals_result_["valid_0"][name][: len(scores)], atol=1e-5)
    truth = fitted.predict_proba(X_val)[np.arange(500), NAMES.searchsorted(y_val)]
    assert_allclose(fitted.best_score_["valid_0"][name], -np.log(truth).mean())
    assert fitted.get_params() == own.get_params()


@pytest.mark.filterwarnings("ignore::lightgbm.basic.LGBMDeprecationWarning")
@pytest.mark.parametrize("n_classes", [2, 3])
def test_metrics_are_those_of_lightgbm(n_classes):
    X, y, P = learnable(300, n_classes, seed=0)
    weight = np.random.default_rng(0).random(300)

    def mean_of_truth(y_true, q, weight):
        p = np.where(y_true > 0, q, 1 - q) if n_classes == 2 else q[range(300), y_true.astype(int)]
        return "mean_of_truth", np.average(p, weights=weight), True

    ranking = "auc" if n_classes == 2 else "auc_mu"
    fit_params = {
        "eval_set": [(X, y)],
        "eval_metric": ["error", ranking, mean_of_truth],
        "eval_sample_weight": [weight],
    }
    labels = SoftLabels(P, NAMES[:n_classes])
    fitted = fit_soft_labels(student(), X, labels, **fit_params)
    expanded = fit_by_expansion(student(), X, labels, **fit_params)
    found, expected = fitted.evals_result_["valid_0"], expanded.evals_result_["valid_0"]
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert_allclose(found[name], values, atol=2e-3 if "error" in name else 1e-5)


def test_scores_and_models_to_go_on_from():
    X, labels = problem(3)
    scores = np.random.default_rng(0).normal(size=(len(X), 3))
    fitted = fit_soft_labels(student(), X, labels, init_score=scores)
    expanded = fit_by_expansion(student(), X, labels, init_score=scores)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)
    more = fit_soft_labels(student(), X, labels, init_model=fitted)
    expanded = fit_by_expansion(student(), X, labels, init_model=fitted)
    assert more.n_estimators_ == 20
    assert_allclose(more.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)


@pytest.mark.parametrize("n_classes", [3, 4])
def test_a_class_without_mass_is_there_and_improbable(n_classes):
    X, labels = problem(n_classes)
    proba = labels.proba.copy()
    proba[:, 1] = 0
    proba /= proba.sum(axis=1, keepdims=True)
    fitted = fit_soft_labels(student(), X, SoftLabels(proba, labels.classes))
    assert_array_equal(fitted.classes_, labels.classes)
    assert fitted.predict_proba(X)[:, 1].max() < 1e-6


@pytest.mark.parametrize("n_classes", [2, 3])
def test_saving_and_loading(n_classes, tmp_path):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(), X, labels)
    fitted.booster_.save_model(tmp_path / "model.txt")
    loaded = lightgbm.Booster(model_file=tmp_path / "model.txt").predict(X)
    proba = fitted.predict_proba(X)
    assert_array_equal(loaded, proba[:, 1] if n_classes == 2 else proba)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_it_predicts_where_skdistill_is_not_installed(n_classes, tmp_path):
    X, y, P = learnable(200, n_classes, seed=0)
    stop = {"eval_X": X, "eval_y": NAMES.searchsorted(y)}
    if "eval_X" not in LGBMClassifier.fit.__code__.co_varnames:
        stop = {"eval_set": [(X, y)]}
    fitted = fit_soft_labels(student(), X, SoftLabels(P, NAMES[:n_classes]), **stop)
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
    assert_allclose(float(printed), fitted.predict_proba(X)[:, 1].sum())


def test_which_classes_are_taken_for_lgbmclassifier():
    class KeepsFit(LGBMClassifier):
        pass

    class OverridesFit(LGBMClassifier):
        def fit(self, X, y, **params):
            return super().fit(X, y, **params)

    assert resolve_fitter(LGBMClassifier()) is ours.fit_lightgbm
    assert resolve_fitter(KeepsFit()) is ours.fit_lightgbm
    assert resolve_fitter(OverridesFit()) is fit_by_expansion


def squared_error(y_true, scores):
    return scores - y_true, np.ones_like(scores)


@pytest.mark.parametrize(
    ("n_classes", "params", "match"),
    [
        (2, {"objective": squared_error}, "custom objective"),
        (2, {"objective": "cross_entropy"}, "'cross_entropy' is none of"),
        (3, {"objective": "multiclassova"}, "'multiclassova' is none of"),
        (3, {"application": "multiclassova"}, "application='multiclassova' is none of"),
        (2, {"sigmoid": 2.0}, "sigmoid=2.0 works with"),
        (2, {"linear_tree": True}, "linear_tree=True works with"),
        (2, {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}, "random forests"),
    ],
)
def test_unsupported_options_expand_rows_with_one_warning(n_classes, params, match):
    X, labels = problem(n_classes)
    other = student(**params)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = fit_soft_labels(other, X, labels)
    (warning,) = [each for each in caught if "fitted to soft labels by" in str(each.message)]
    assert match in str(warning.message)
    assert warning.filename == __file__
    expanded = fit_by_expansion(clone(other), X, labels)
    assert_array_equal(fitted.predict(X), expanded.predict(X))


@pytest.mark.filterwarnings("ignore::lightgbm.basic.LGBMDeprecationWarning")
@pytest.mark.parametrize(
    ("params", "fit_params", "match"),
    [
        ({}, {"eval_metric": "kullback_leibler"}, "'kullback_leibler' would be evaluated on raw"),
        ({"metric": "auc"}, {}, "metric='auc' would be evaluated on raw scores"),
    ],
)
def test_metrics_that_would_see_raw_scores(params, fit_params, match):
    X, labels = problem(2)
    evaluation = {"eval_set": [(X, labels.argmax_labels())], **fit_params}
    with pytest.warns(UserWarning, match=match):
        fitted = fit_soft_labels(student(**params), X, labels, **evaluation)
    expanded = fit_by_expansion(student(**params), X, labels, **evaluation)
    assert fitted.evals_result_ == expanded.evals_result_
    fit_soft_labels(student(**params), X, labels)  # nothing to evaluate, nothing to say


def test_parameters_that_count_rows_are_refused():
    X, labels = problem(2)
    with pytest.raises(ValueError, match=r"is_unbalance=True.*class_weight"):
        fit_soft_labels(student(is_unbalance=True), X, labels)


def test_fewer_rows_than_classes():
    labels = SoftLabels(np.full((2, 3), 1 / 3))
    with pytest.warns(UserWarning, match="only 2 rows for 3 classes"):
        fitted = fit_soft_labels(student(), np.eye(2), labels)
    assert_allclose(fitted.predict_proba(np.eye(2)), 1 / 3, atol=1e-6)


def test_relied_upon_behaviour_of_lightgbm():
    """If this fails, fit_lightgbm has fallen back to expansion: look at the new LightGBM."""
    unfitted = vars(LGBMClassifier())
    assert set(ours.PRIVATE) <= unfitted.keys()
    X, labels = problem(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fitted = fit_soft_labels(student(), X, labels)
    assert "\nobjective=multiclass num_class:3\n" in fitted.booster_.model_to_string()


class Renaming(lightgbm.Booster):
    def model_to_string(self, *args, **kwargs):
        return super().model_to_string(*args, **kwargs).replace("\nobjective=", "\nloss=")


def refuse(model_str):
    raise lightgbm.basic.LightGBMError("Model format error")


@pytest.mark.parametrize(
    ("owner", "name", "changed"),
    [
        (ours, "Booster", Renaming),
        (ours, "Booster", refuse),
        (lightgbm.Booster, "dump_model", lambda booster, **params: {}),
        (lightgbm.Booster, "dump_model", lambda booster, **params: {"tree_info": [{}] * 3}),
    ],
)
def test_where_models_are_written_in_another_way(owner, name, changed, monkeypatch):
    X, labels = problem(3)
    monkeypatch.setattr(owner, name, changed)
    with pytest.warns(UserWarning, match="writes models in a way"):
        fitted = fit_soft_labels(student(class_weight="balanced"), X, labels)
    expanded = fit_by_expansion(student(class_weight="balanced"), X, labels)
    assert_array_equal(fitted.predict_proba(X), expanded.predict_proba(X))


def test_where_the_model_is_kept_elsewhere(monkeypatch):
    X, labels = problem(3)
    monkeypatch.setattr(ours, "PRIVATE", ("_gone",))
    with pytest.warns(UserWarning, match="keeps its model where"):
        fitted = fit_soft_labels(student(), X, labels)
    expanded = fit_by_expansion(student(), X, labels)
    assert_array_equal(fitted.predict_proba(X), expanded.predict_proba(X))


def test_as_the_student_of_a_distilled_classifier():
    X, y, _ = learnable(300, 3, seed=0)
    model = DistilledClassifier(student=student(), alpha=1.0).fit(X, y)
    assert type(model.student_) is LGBMClassifier
    assert_array_equal(model.predict_proba(X), model.student_.predict_proba(X))


def shares_by_hand(own, labels):
    """Return the shares of the classes, each probability times the weight of its class."""
    class_weight = own.get_params()["class_weight"]
    mass = labels.class_weight_sums
    if class_weight == "balanced":
        mass = np.ones(len(mass))
    elif class_weight:
        mass = mass * [class_weight.get(label, 1.0) for label in labels.classes.tolist()]
    return mass / mass.sum()


NO_SPLIT = {
    "few rows": ({"min_child_samples": 20}, lambda X: X[:36]),
    "few rows by another name": ({"min_data_in_leaf": 60}, lambda X: X[:100]),
    "constant columns": ({"min_child_samples": 20}, lambda X: np.ones((len(X), 2))),
    "rare ones": ({"min_child_samples": 20}, lambda X: 1.0 * (np.arange(len(X)) < 9)[:, None]),
    "small bags": (
        {"min_child_samples": 40, "subsample": 0.5, "subsample_freq": 1},
        lambda X: X[:100],
    ),
    "frame": ({}, lambda X: pd.DataFrame({"a": pd.Categorical(["x"] * len(X))})),
}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("weights", [None, "balanced", {"ant": 5.0, "bee": 1.0}], ids=str)
@pytest.mark.parametrize("case", NO_SPLIT)
def test_the_shares_where_no_feature_can_be_split(case, weights, n_classes):
    X, labels = problem(n_classes)
    params, change = NO_SPLIT[case]
    X = change(X)
    labels = labels.take(slice(len(X)))
    own = student(class_weight=weights, **params)
    fitted = fit_soft_labels(own, X, labels)
    shares = shares_by_hand(own, labels)
    assert_allclose(fitted.predict_proba(X), np.tile(shares, (len(X), 1)), atol=1e-6)
    assert fitted.get_params() == own.get_params()
    assert fitted.objective_ == ("binary" if n_classes == 2 else "multiclass")
    hard = SoftLabels.from_labels(labels.hard_labels())
    # LightGBM alone, of labels: the same.
    alone = clone(own).fit(X, hard.classes[hard.codes])
    assert_allclose(alone.predict_proba(X)[0], shares_by_hand(own, hard), atol=1e-6)


def test_evaluation_sets_are_scored_if_no_feature_can_split():
    X, labels = problem(3)
    flat = np.ones((len(X), 2))
    evaluation = {"eval_set": [(flat, labels.hard_labels())], "eval_metric": "multi_error"}
    fitted = fit_soft_labels(student(), flat, labels, **evaluation)
    truth = fitted.predict_proba(flat)[np.arange(len(X)), NAMES.searchsorted(labels.hard_labels())]
    assert_allclose(fitted.best_score_["valid_0"]["multi_logloss"], -np.log(truth).mean())


def test_other_errors_of_lightgbm_are_its_own():
    X, labels = problem(2)
    with pytest.raises(lightgbm.basic.LightGBMError, match="monotone"):
        fit_soft_labels(student(monotone_constraints=[1, 0]), X, labels)


def test_few_rows_in_the_folds_that_choose_alpha():
    X, y, _ = learnable(45, 2, seed=0)
    own = LGBMClassifier(n_jobs=1, verbose=-1)
    model = DistilledClassifier(student=own, random_state=0).fit(X, y)
    assert model.predict_proba(X).shape == (45, 2)


def aliases(name):
    """Return the names that LightGBM's own table has for a parameter."""
    table = lightgbm.basic._ConfigAliases
    return sorted(table.get(name))


# What we read, or set, ourselves: a value for two and for three classes.
READ = {
    "objective": ("binary", "multiclass"),
    "boosting": ("rf", "rf"),  # refused without bagging; DART differs from run to run
    "is_unbalance": (True, True),
    "metric": ("auc", "multi_error"),
    "min_data_in_leaf": (300, 300),  # of 400 rows: no split
    "linear_tree": (True, True),
    "pos_bagging_fraction": (0.5, 0.5),
    "neg_bagging_fraction": (0.5, 0.5),
    "early_stopping_round": (2, 2),
    "num_iterations": (4, 4),
    "verbosity": (-1, -1),
    "num_class": (1, 3),
}
# Where LightGBM itself goes by the parameter of its own signature.
OVERRULED = ("min_data_per_leaf",)


def outcome(params, n_classes):
    """Return what a student of some parameters predicts, or the kind of error that it raises."""
    X, labels = problem(n_classes)
    evaluation = {"eval_set": [(X, labels.hard_labels())]}
    small = {"num_leaves": 7, "min_data_in_bin": 1, "n_jobs": 1, "verbose": -1}
    # Else LightGBM sums row-wise or column-wise by what was faster in a trial of its own.
    own = LGBMClassifier(**small, force_col_wise=True, deterministic=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fit_soft_labels(own.set_params(**params), X, labels, **evaluation).predict_proba(
                X
            )
    except (ValueError, lightgbm.basic.LightGBMError) as error:
        return type(error)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", READ)
def test_another_name_is_the_main_name(name, n_classes):
    value = READ[name][n_classes - 2]
    main = "min_child_samples" if name == "min_data_in_leaf" else name
    expected = outcome({main: value}, n_classes)
    for alias in set(aliases(name)) - {*OVERRULED, main}:
        found = outcome({alias: value}, n_classes)
        if isinstance(expected, type):
            assert found is expected, alias
        else:
            assert_array_equal(found, expected, err_msg=alias)


def test_the_table_of_aliases_is_known():
    assert set(ours.OBJECTIVE) == set(aliases("objective")) - {"objective"}
    assert set(ours.MIN_ROWS) == set(aliases("min_data_in_leaf"))
    assert set(ours.BOOSTING) == set(aliases("boosting"))
    assert set(ours.METRIC) == set(aliases("metric"))
    assert set(ours.COUNT_ROWS) == set(aliases("is_unbalance"))
    for name in ("sigmoid", "linear_tree", "pos_bagging_fraction", "neg_bagging_fraction"):
        assert set(aliases(name)) <= set(ours.NEED_BUILTIN_OBJECTIVE)


@pytest.mark.filterwarnings("ignore::lightgbm.basic.LGBMDeprecationWarning")
@pytest.mark.parametrize(
    ("params", "fit_params"),
    [
        ({"class_weight": {"ant": 5.0, "bee": 0.5, "cat": 1.0}}, {}),
        ({"scale_pos_weight": 5.0}, {}),
        ({}, {"eval_class_weight": ["balanced"]}),
        ({}, {"eval_class_weight": [{"ant": 9.0, "bee": 1.0, "cat": 1.0}]}),
        ({}, {"eval_sample_weight": [np.linspace(0, 3, 300)]}),
        ({"class_weight": {"ant": 5.0}}, {"eval_sample_weight": [np.linspace(0, 3, 300)]}),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_evaluation_sets_weigh_as_they_do_for_the_expansion(n_classes, params, fit_params):
    X, _, P = learnable(400, n_classes, seed=0)
    X_val, y_val, _ = learnable(300, n_classes, seed=1)
    labels = SoftLabels(P, NAMES[:n_classes])
    class_weight = params.get("class_weight")
    if class_weight:
        known = labels.classes.tolist()
        weights = {label: class_weight[label] for label in known if label in class_weight}
        params = {"class_weight": weights}
    if "scale_pos_weight" in params and n_classes == 3:
        return  # for two classes
    if isinstance(fit_params.get("eval_class_weight", [None])[0], dict) and n_classes == 2:
        fit_params = {"eval_class_weight": [{"ant": 9.0, "bee": 1.0}]}
    evaluation = {"eval_set": [(X_val, y_val)], **fit_params}
    own = student(**params)
    fitted = fit_soft_labels(own, X, labels, **evaluation)
    expanded = fit_by_expansion(clone(own), X, labels, **evaluation)
    for name, scores in expanded.evals_result_["valid_0"].items():
        assert_allclose(fitted.evals_result_["valid_0"][name], scores, atol=1e-5)
