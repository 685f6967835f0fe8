"""CatBoost on soft labels equals the expansion, and ordinary training for one-hot rows."""

import pickle
import subprocess
import sys
import warnings
from inspect import signature
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone

from skdistill import DistilledClassifier, SoftLabelClassifier, SoftLabels, fit_soft_labels
from skdistill.students import fit_by_expansion
from skdistill.students._registry import resolve_fitter

catboost = pytest.importorskip("catboost")
CatBoostClassifier = catboost.CatBoostClassifier

from skdistill.students import catboost as ours  # noqa: E402

# CatBoost keeps targets, weights and gradients in float32.
FLOAT32 = 1e-6

NAMES = np.array(["ant", "bee", "cat", "dog"])


def student(**params):
    """Return a student that draws nothing at random."""
    own = {"iterations": 20, "depth": 4, "learning_rate": 0.1, "thread_count": 1}
    still = {"bootstrap_type": "No", "random_strength": 0, "allow_writing_files": False}
    return CatBoostClassifier(**{**own, **still, "verbose": False, **params})


def problem(n_classes, *, n_samples=300, seed=0):
    """Return rows of few distinct values and soft labels."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 20, size=(n_samples, 4)).astype(float)
    P = rng.dirichlet(np.ones(n_classes), size=n_samples)
    P *= rng.random(P.shape) > 0.2
    P[:, 0] += 1e-3
    P /= P.sum(axis=1, keepdims=True)
    return X, SoftLabels(P, NAMES[:n_classes], sample_weight=rng.random(n_samples) + 0.5)


def learnable(n_samples, n_classes, seed):
    """Return rows, true labels, and the probabilities that they were drawn from."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 4))
    P = softmax(2 * X[:, :1] * np.arange(n_classes) + X[:, 1:2] ** 2, axis=1)
    y = (P.cumsum(axis=1) < rng.random((n_samples, 1))).sum(axis=1)
    return X, NAMES[y], P


def expanded_by_hand(own, X, labels, **fit_params):
    """Return a student fitted on the expansion, regularised and balanced as on real rows.

    CatBoost multiplies `l2_leaf_reg` by the mean weight of a row, which copies make smaller,
    and balances classes by their weight in whole numbers.
    """
    rows, y, weight = labels.expand()
    params = own.get_params()
    balanced = params.pop("auto_class_weights", None)
    if balanced:
        mass = np.array([weight[y == label].sum() for label in labels.classes])
        params["class_weights"] = (mass.max() / mass) ** (1 if balanced == "Balanced" else 0.5)
    strength = params.pop("l2_leaf_reg", 3.0) * len(rows) / len(X)
    fitted = CatBoostClassifier(**params, l2_leaf_reg=strength)
    return fitted.fit(X[rows], y, sample_weight=weight, **fit_params)


def test_catboost_regularises_copies_less():
    """If this fails, CatBoost has changed, and train_on_copies must not raise l2_leaf_reg."""
    X, labels = problem(2)
    y = labels.argmax_labels()
    twice, halves = np.repeat(X, 2, axis=0), np.full(600, 0.5)
    plain = student().fit(X, y).predict_proba(X)
    copies = student().fit(twice, np.repeat(y, 2), sample_weight=halves)
    raised = student(l2_leaf_reg=6).fit(twice, np.repeat(y, 2), sample_weight=halves)
    assert np.abs(copies.predict_proba(X) - plain).max() > 0.01
    assert_allclose(raised.predict_proba(X), plain, atol=FLOAT32)


SETTINGS = [
    {},
    {"l2_leaf_reg": 10},
    {"class_weights": [1.0, 3.0]},
    {"class_weights": {"ant": 2.0, "bee": 0.5}},
    {"scale_pos_weight": 3.0},
    {"auto_class_weights": "Balanced"},
    {"auto_class_weights": "SqrtBalanced"},
    {"grow_policy": "Lossguide"},
    {"monotone_constraints": [1, 0, 0, -1]},
    {"boost_from_average": True},
    {"loss_function": "Logloss"},
]


@pytest.mark.parametrize("params", SETTINGS, ids=str)
def test_two_classes_are_the_expansion(params):
    X, labels = problem(2)
    # Not by fit_soft_labels: scikit-learn cannot clone a CatBoost that holds lists or dicts.
    fitted = ours.fit_catboost(student(**params), X, labels)
    expanded = expanded_by_hand(student(**params), X, labels)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)
    assert_array_equal(fitted.classes_, ["ant", "bee"])


@pytest.mark.parametrize("params", [{}, {"reg_lambda": 10}, {"auto_class_weights": "Balanced"}])
@pytest.mark.parametrize("n_classes", [3, 4])
def test_more_classes_are_the_expansion(n_classes, params):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(**params), X, labels)
    given = {"l2_leaf_reg": 10} if "reg_lambda" in params else params
    expanded = expanded_by_hand(student(**given), X, labels)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)
    assert_array_equal(fitted.classes_, NAMES[:n_classes])


def test_more_classes_descend_the_soft_cross_entropy():
    """CatBoost's own multi-target boosting by the softmax's derivatives on rows, not copies."""
    X, labels = problem(3, n_samples=150)

    class SoftCrossEntropy(catboost.MultiTargetCustomObjective):
        def calc_ders_multi(self, scores, targets, weight):
            q = softmax(scores)
            hessian = np.diag(q) - np.outer(q, q)
            return weight * (np.asarray(targets) - q), -weight * hessian

    custom = student(
        iterations=5,
        loss_function=SoftCrossEntropy(),
        eval_metric="MultiRMSE",
        leaf_estimation_method="Newton",
        leaf_estimation_iterations=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would like numba
        custom.fit(X, labels.proba, sample_weight=labels.weight)
    fitted = fit_soft_labels(student(iterations=5), X, labels)
    raw = custom.predict(X, prediction_type="RawFormulaVal")
    assert_allclose(fitted.predict_proba(X), softmax(raw, axis=1), atol=FLOAT32)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_all_that_a_fitted_student_shows(n_classes):
    X, labels = problem(n_classes)
    frame = pd.DataFrame(X, columns=list("abcd"))
    own = student()
    fitted = fit_soft_labels(own, frame, labels)
    ordinary = clone(own).fit(frame, labels.argmax_labels())
    assert fitted.get_params() == own.get_params()
    assert vars(fitted).keys() == vars(ordinary).keys()
    for name in ("n_features_in_", "feature_names_", "tree_count_", "learning_rate_"):
        assert getattr(fitted, name) == getattr(ordinary, name)
    assert fitted.classes_.tolist() == ordinary.classes_.tolist()
    assert fitted.classes_.dtype == ordinary.classes_.dtype
    assert fitted.feature_importances_.shape == (4,)
    shown = ("loss_function", "eval_metric")
    kept = fitted.get_all_params()
    assert {name: kept[name] for name in shown} == {
        name: ordinary.get_all_params()[name] for name in shown
    }
    again = clone(fitted).fit(frame, labels.argmax_labels())
    assert_array_equal(again.predict_proba(frame), ordinary.predict_proba(frame))


@pytest.mark.parametrize("classes", [[0, 1], [-1, 1], [False, True], ["no", "yes"], [0.5, 1.5]])
def test_labels_of_all_kinds(classes):
    X, labels = problem(2)
    own = SoftLabels(labels.proba, classes)
    fitted = fit_soft_labels(student(), X, own)
    ordinary = student().fit(X, own.argmax_labels())
    assert fitted.classes_.tolist() == ordinary.classes_.tolist() == classes
    assert fitted.predict(X).dtype == ordinary.predict(X).dtype
    likelier = fitted.predict_proba(X)[:, 1] > 0.5
    assert fitted.predict(X).tolist() == np.array(classes, dtype=object)[1 * likelier].tolist()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("params", [{"iterations": 30}, {"n_estimators": 300}, {"l2_leaf_reg": 1}])
def test_the_learning_rate_is_the_one_for_labels(params, n_classes):
    X, labels = problem(n_classes)
    own = CatBoostClassifier(
        **{"iterations": 20} | params if "n_est" not in str(params) else params
    )
    own.set_params(allow_writing_files=False, thread_count=1, verbose=False)
    fitted = fit_soft_labels(own, X, labels)
    assert fitted.learning_rate_ == clone(own).fit(X, labels.argmax_labels()).learning_rate_
    assert fitted.get_params() == own.get_params()


def test_sparse_rows_and_sparse_probabilities():
    X, labels = problem(2)
    X[X < 10] = 0
    dense = fit_soft_labels(student(), X, labels)
    thin = SoftLabels(sparse.csr_array(labels.proba), labels.classes, sample_weight=labels.weight)
    fitted = fit_soft_labels(student(), sparse.csr_matrix(X), thin)
    assert_allclose(fitted.predict_proba(X), dense.predict_proba(X), atol=FLOAT32)


def test_categories_of_two_classes():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"town": rng.integers(0, 30, size=600).astype(str)})
    p = rng.random(30)[frame["town"].astype(int)]
    labels = SoftLabels(np.column_stack([1 - p, p]))
    own = student(cat_features=("town",), iterations=100)
    fitted = fit_soft_labels(own, frame, labels)
    assert np.abs(fitted.predict_proba(frame)[:, 1] - p).mean() < 0.1


def test_categories_of_more_classes():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"town": rng.integers(0, 30, size=600).astype(str)})
    P = rng.dirichlet(np.full(3, 0.5), size=30)[frame["town"].astype(int)]
    own = student(cat_features=("town",), iterations=100)
    with pytest.warns(UserWarning, match=r"cat_features.*one_hot_max_size"):
        fitted = fit_soft_labels(own, frame, SoftLabels(P))
    bad = np.abs(fitted.predict_proba(frame) - P).mean()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one_hot = fit_soft_labels(own.set_params(one_hot_max_size=40), frame, SoftLabels(P))
    assert np.abs(one_hot.predict_proba(frame) - P).mean() < bad / 2


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
    fitted = fit_soft_labels(student(iterations=100, learning_rate=1), X, labels)
    proba = fitted.predict_proba(X)
    assert proba.min() >= 0
    assert proba.max() <= 1
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(fitted.predict(X).ravel(), NAMES[proba.argmax(axis=1)])


@pytest.mark.parametrize("in_a_list", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_by_true_labels(n_classes, in_a_list):
    X, _, P = learnable(400, n_classes, seed=0)
    X_val, y_val, _ = learnable(400, n_classes, seed=1)
    labels = SoftLabels(P, NAMES[:n_classes])
    evaluation = {"eval_set": [(X_val, y_val)] if in_a_list else (X_val, y_val)}
    own = student(iterations=300, early_stopping_rounds=10)
    fitted = fit_soft_labels(own, X, labels, **evaluation)
    expanded = expanded_by_hand(own, X, labels, **evaluation)
    assert 5 < fitted.best_iteration_ < 290
    assert abs(fitted.best_iteration_ - expanded.best_iteration_) <= 3
    assert fitted.tree_count_ == fitted.best_iteration_ + 1
    (score,) = fitted.best_score_["validation"].values()
    truth = fitted.predict_proba(X_val)[np.arange(400), NAMES.searchsorted(y_val)]
    assert_allclose(score, -np.log(truth).mean(), rtol=1e-5)
    assert fitted.get_params() == own.get_params()


def test_evaluation_labels_that_are_no_classes():
    X, labels = problem(2)
    with pytest.raises(ValueError, match="y holds \\['elk'\\]"):
        fit_soft_labels(student(), X, labels, eval_set=(X, np.full(len(X), "elk")))


def test_probabilities_that_are_all_the_same():
    X, _ = problem(2)
    labels = SoftLabels(np.tile([0.7, 0.3], (len(X), 1)))
    fitted = fit_soft_labels(student(iterations=200), X, labels)
    assert_allclose(fitted.predict_proba(X), labels.proba, atol=0.01)


def test_a_class_without_mass():
    X, labels = problem(2)
    sure = SoftLabels(np.tile([1.0, 0.0], (len(X), 1)), ["ant", "bee"], sample_weight=labels.weight)
    fitted = fit_soft_labels(student(iterations=200), X, sure)
    assert_array_equal(fitted.classes_, ["ant", "bee"])
    assert fitted.predict_proba(X)[:, 1].max() < 0.01
    X, labels = problem(4)
    proba = labels.proba.copy()
    proba[:, 1] = 0
    proba /= proba.sum(axis=1, keepdims=True)
    fitted = fit_soft_labels(student(), X, SoftLabels(proba, labels.classes))
    assert_array_equal(fitted.classes_, ["ant", "cat", "dog"])


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", ["cbm", "json"])
def test_saving_and_loading(n_classes, kind, tmp_path):
    X, labels = problem(n_classes)
    fitted = fit_soft_labels(student(), X, labels)
    fitted.save_model(tmp_path / "model", format=kind)
    loaded = CatBoostClassifier().load_model(tmp_path / "model", format=kind)
    assert_allclose(loaded.predict_proba(X), fitted.predict_proba(X), rtol=1e-12)
    assert_array_equal(loaded.predict(X), fitted.predict(X))
    assert_array_equal(loaded.classes_, labels.classes)
    assert loaded.get_params().get("loss_function", "MultiClass") != "CrossEntropy"


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
        "print(student.predict_proba(X)[:, 1].sum(), *student.classes_)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "student.pkl")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert_allclose(float(printed[0]), fitted.predict_proba(X)[:, 1].sum())
    assert printed[1:] == labels.classes.tolist()


def test_which_classes_are_taken_for_catboostclassifier():
    class KeepsFit(CatBoostClassifier):
        pass

    class OverridesFit(CatBoostClassifier):
        def fit(self, X, y, **params):
            return super().fit(X, y, **params)

    assert resolve_fitter(CatBoostClassifier()) is ours.fit_catboost
    assert resolve_fitter(KeepsFit()) is ours.fit_catboost
    assert resolve_fitter(OverridesFit()) is fit_by_expansion
    X, labels = problem(2)
    fitted = fit_soft_labels(
        KeepsFit(iterations=2, allow_writing_files=False, silent=True), X, labels
    )
    assert type(fitted) is KeepsFit


class Logistic:
    def calc_ders_range(self, scores, targets, weights):
        q = 1 / (1 + np.exp(-np.asarray(scores)))
        gradient, hessian = np.asarray(targets) - q, -q * (1 - q)
        weight = 1 if weights is None else np.asarray(weights)
        return np.column_stack([weight * gradient, weight * hessian])


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"loss_function": "Focal:focal_alpha=0.5;focal_gamma=1.0"}, "is not the cross-entropy"),
        ({"loss_function": Logistic(), "eval_metric": "Logloss"}, "is not the cross-entropy"),
        ({"class_names": ["ant", "bee"]}, "class_names=.* is for hard labels only"),
    ],
)
def test_unsupported_options_expand_rows_with_one_warning(params, match):
    X, labels = problem(2)
    other = student(**params)
    with pytest.warns(UserWarning, match=match) as caught:
        fitted = ours.fit_catboost(other, X, labels)
    assert len([each for each in caught if "fitted to soft labels by" in str(each.message)]) == 1
    expanded = expanded_by_hand(student(**params), X, labels)
    assert_array_equal(fitted.predict(X), expanded.predict(X))


def test_evaluation_sets_that_cannot_be_encoded():
    X, labels = problem(2)
    pool = catboost.Pool(X, labels.argmax_labels())
    with pytest.raises(ValueError, match=r"eval_set must be a tuple \(X, y\).*got a Pool"):
        fit_soft_labels(student(), X, labels, eval_set=pool)


def test_splitting_inside_is_refused_where_there_are_copies():
    X, labels = problem(3)
    with pytest.raises(ValueError, match=r"eval_fraction=0\.2.*splits the rows"):
        fit_soft_labels(student(eval_fraction=0.2), X, labels)
    X, labels = problem(2)
    assert "validation" in fit_soft_labels(student(eval_fraction=0.2), X, labels).best_score_


def test_relied_upon_behaviour_of_catboost():
    """If this fails, CatBoost keeps parameters elsewhere: see PRIVATE in fit_catboost."""
    unfitted = vars(CatBoostClassifier(depth=4))
    assert [name for name, value in unfitted.items() if isinstance(value, dict)] == ["_init_params"]
    assert "_init_params" in ours.PRIVATE
    X, labels = problem(2)
    metadata = fit_soft_labels(student(), X, labels).get_metadata()
    assert "ant" in metadata["class_params"]
    assert '"Logloss"' in metadata["params"]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_where_parameters_are_kept_elsewhere(n_classes, monkeypatch):
    X, labels = problem(n_classes)
    monkeypatch.setattr(ours, "PRIVATE", ("_gone",))
    with pytest.warns(UserWarning, match="keeps parameters in a way"):
        fitted = fit_soft_labels(student(), X, labels)
    rows, y, weight = labels.expand()
    expanded = student().fit(X[rows], y, sample_weight=weight)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)


def test_where_models_are_written_in_another_way(monkeypatch):
    X, labels = problem(2)
    known = ours.fit_class_order

    def changed(classes):
        return SimpleNamespace(classes_=known(classes).classes_, get_metadata=dict)

    monkeypatch.setattr(ours, "fit_class_order", changed)
    with pytest.warns(UserWarning, match="writes models in a way"):
        fitted = fit_soft_labels(student(), X, labels)
    expanded = expanded_by_hand(student(), X, labels)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)


def test_as_the_student_of_a_distilled_classifier():
    X, y, _ = learnable(200, 2, seed=0)
    model = DistilledClassifier(student=student(), alpha=1.0).fit(X, y)
    assert type(model.student_) is CatBoostClassifier
    assert_array_equal(model.predict_proba(X), model.student_.predict_proba(X))


def test_the_wrapper_predicts_a_row_of_labels():
    X, labels = problem(3)
    y = labels.hard_labels()
    model = DistilledClassifier(student=student(), alpha=0.5)
    model.fit(X, y, teacher_proba=labels.proba)
    assert model.predict(X).shape == y.shape


def order_of(fitted):
    return fitted.classes_.tolist()


@pytest.mark.parametrize("params", [{}, {"class_weights": [1.0, 4.0]}, {"scale_pos_weight": 4.0}])
def test_two_classes_in_an_order_of_catboosts_own(params):
    X, labels = problem(2)
    own = SoftLabels(labels.proba, ["10", "9"], sample_weight=labels.weight)  # "10" < "9" as text
    fitted = ours.fit_catboost(student(**params), X, own)
    expanded = expanded_by_hand(student(**params), X, own)
    assert order_of(fitted) == order_of(expanded) == ["9", "10"]
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)
    assert_array_equal(fitted.predict(X), expanded.predict(X))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("params", [{}, {"auto_class_weights": "Balanced"}])
def test_an_order_that_the_user_declares(params, n_classes):
    X, labels = problem(n_classes)
    names = NAMES[:n_classes][::-1].tolist()
    own = student(class_names=tuple(names), **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SoftLabelClassifier(own).fit(X, labels)
    by_default = fit_soft_labels(student(**params, loss_function="MultiClass"), X, labels)
    assert order_of(model.student_) == names
    if n_classes == 3:
        expected = by_default.predict_proba(X)
        assert_allclose(model.predict_proba(X), expected, atol=FLOAT32)
    assert_array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])


@pytest.mark.parametrize("names", [["10", "2", "9"], ["ant", "bee", "cat"]])
def test_balanced_classes_in_an_order_of_catboosts_own(names):
    X, labels = problem(3)
    own = SoftLabels(labels.proba ** [1, 2, 4] / (labels.proba ** [1, 2, 4]).sum(1)[:, None], names)
    fitted = fit_soft_labels(student(auto_class_weights="Balanced"), X, own)
    rows, codes = np.nonzero(own.proba)
    weight = own.proba[rows, codes] * (own.class_weight_sums.max() / own.class_weight_sums)[codes]
    by_hand = student(l2_leaf_reg=3 * len(rows) / len(X)).fit(X[rows], codes, sample_weight=weight)
    columns = [order_of(fitted).index(name) for name in names]
    assert_allclose(fitted.predict_proba(X)[:, columns], by_hand.predict_proba(X), atol=FLOAT32)


WEIGHTINGS = [
    {"class_weights": [1.0, 6.0]},
    {"class_weights": {"ant": 6.0, "bee": 1.0}},
    {"scale_pos_weight": 6.0},
    {"auto_class_weights": "Balanced"},
    {"auto_class_weights": "SqrtBalanced"},
]


@pytest.mark.parametrize("params", WEIGHTINGS, ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_evaluation_sets_weigh_as_in_the_student(params, n_classes):
    if n_classes == 3 and "auto_class_weights" not in params:
        if "scale_pos_weight" in params:
            return  # for two classes
        params = {"class_weights": [1.0, 6.0, 2.0]}
    X, _, P = learnable(400, n_classes, seed=0)
    P = P ** np.linspace(1, 3, n_classes)  # so that balancing has something to do
    labels = SoftLabels(P / P.sum(axis=1, keepdims=True), NAMES[:n_classes])
    X_val, y_val, _ = learnable(300, n_classes, seed=1)
    fitted = ours.fit_catboost(student(**params), X, labels, eval_set=(X_val, y_val))
    expanded = expanded_by_hand(student(**params), X, labels, eval_set=(X_val, y_val))
    scores = [next(iter(each.best_score_["validation"].values())) for each in (fitted, expanded)]
    assert_allclose(*scores, rtol=1e-5)
    assert fitted.best_iteration_ == expanded.best_iteration_


def test_evaluation_sets_with_categories_and_class_weights():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"town": rng.integers(0, 9, size=300).astype(str), "x": rng.random(300)})
    p = rng.random(9)[frame["town"].astype(int)]
    labels = SoftLabels(np.column_stack([1 - p, p]))
    for where in ("params", "fit"):
        feature = {"cat_features": ("town",)}
        own = student(scale_pos_weight=2.0, **(feature if where == "params" else {}))
        evaluation = {"eval_set": (frame, labels.argmax_labels())}
        evaluation |= {"cat_features": ["town"]} if where == "fit" else {}
        fitted = fit_soft_labels(own, frame, labels, **evaluation)
        assert "validation" in fitted.best_score_


def test_every_second_name_is_known():
    """CatBoost's own table decides; what it sorts out otherwise is not ours to read."""
    from catboost.core import _process_synonyms

    others = {"verbose", "verbose_eval", "silent", "logging_level", "metric_period"}
    names = set(signature(CatBoostClassifier).parameters) - others - {"scale_pos_weight"}
    for name in names:
        theirs = {name: 1}
        _process_synonyms(theirs)
        assert ours.by_main_names({name: 1}).keys() == theirs.keys(), name


SECOND_NAMES = {
    "objective": ("loss_function", "MultiClass"),
    "eta": ("learning_rate", 0.3),
    "max_depth": ("depth", 2),
    "reg_lambda": ("l2_leaf_reg", 20.0),
    "n_estimators": ("iterations", 7),
    "num_boost_round": ("iterations", 7),
    "num_trees": ("iterations", 7),
    "random_state": ("random_seed", 3),
    "early_stopping_rounds": ("od_wait", 2),
    "custom_loss": ("custom_metric", ("AUC",)),
    "max_bin": ("border_count", 8),
    "colsample_bylevel": ("rsm", 0.5),
    "min_child_samples": ("min_data_in_leaf", 4),
    "num_leaves": ("max_leaves", 4),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", SECOND_NAMES)
def test_a_second_name_is_the_first(name, n_classes):
    main, value = SECOND_NAMES[name]
    assert set(SECOND_NAMES) == set(ours.MAIN_NAMES)
    X, labels = problem(n_classes, n_samples=100)
    further = {"grow_policy": "Lossguide"} if name in ("num_leaves", "min_child_samples") else {}
    defaults = {"iterations": 20, "learning_rate": 0.1, "allow_writing_files": False}
    defaults |= {"verbose": False, "thread_count": 1, **further}
    defaults.pop(main, None)
    evaluation = {"eval_set": (X, labels.argmax_labels())} if "early" in name else {}
    if name == "custom_loss" and n_classes == 3:
        value = ("Accuracy",)
    one, other = (
        ours.fit_catboost(CatBoostClassifier(**defaults, **{key: value}), X, labels, **evaluation)
        for key in (name, main)
    )
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    assert name in one.get_params()


def test_two_names_for_one_parameter_are_left_to_catboost():
    X, labels = problem(2)
    with pytest.raises(catboost.CatBoostError, match="only one of the parameters"):
        fit_soft_labels(student(eta=0.2), X, labels)
    both = student(objective="Logloss", loss_function="MultiClass")
    fitted = fit_soft_labels(both, X, labels)  # it prefers objective
    assert_array_equal(
        fitted.predict_proba(X), fit_soft_labels(student(), X, labels).predict_proba(X)
    )


def test_labels_that_are_smoothed_under_the_second_name():
    X, labels = problem(2)
    smooth = SoftLabels(0.8 * np.eye(2)[labels.proba.argmax(axis=1)] + 0.1, ["ant", "bee"])
    fitted = fit_soft_labels(student(objective="Logloss"), X, smooth)
    expanded = expanded_by_hand(student(), X, smooth)
    assert_allclose(fitted.predict_proba(X), expanded.predict_proba(X), atol=FLOAT32)
