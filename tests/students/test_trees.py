"""Trees and forests on soft labels equal the expansion, without copies."""

import pickle
import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill._utils._sample_weight import FORESTS_DRAW
from skdistill.datasets import make_gaussian_classes
from skdistill.students import fit_by_expansion

# A node of one real row is a leaf here; the expansion tries to split its copies, in vain, and
# draws random numbers doing so. A limit by weight ends both before that, and makes random
# trees comparable number by number.
BY_WEIGHT = {"min_weight_fraction_leaf": 0.02, "random_state": 0}

TREES = [
    DecisionTreeClassifier(random_state=0, max_depth=4),
    DecisionTreeClassifier(random_state=0, max_depth=5, ccp_alpha=0.005),
    DecisionTreeClassifier(random_state=0, min_impurity_decrease=0.003),
    DecisionTreeClassifier(random_state=0, max_leaf_nodes=9),
    DecisionTreeClassifier(random_state=0, max_depth=4, class_weight="balanced"),
    DecisionTreeClassifier(class_weight={0: 5.0}, **BY_WEIGHT),
    DecisionTreeClassifier(max_features=2, **BY_WEIGHT),
    DecisionTreeClassifier(splitter="random", **BY_WEIGHT),
    ExtraTreeClassifier(**BY_WEIGHT),
    RandomForestClassifier(4, bootstrap=False, **BY_WEIGHT),
    ExtraTreesClassifier(4, **BY_WEIGHT),
    DecisionTreeClassifier(criterion="entropy", random_state=0, max_depth=4),
    DecisionTreeClassifier(criterion="entropy", random_state=0, max_depth=5, ccp_alpha=0.005),
    DecisionTreeClassifier(criterion="log_loss", random_state=0, min_impurity_decrease=0.003),
    DecisionTreeClassifier(
        criterion="entropy", class_weight="balanced", max_features=2, **BY_WEIGHT
    ),
    RandomForestClassifier(4, criterion="entropy", bootstrap=False, **BY_WEIGHT),
    ExtraTreesClassifier(4, criterion="log_loss", **BY_WEIGHT),
]
MONOTONE = [
    DecisionTreeClassifier(monotonic_cst=[1, -1, 0, 0], random_state=0, max_depth=3),
    DecisionTreeClassifier(monotonic_cst=[-1, 0, 0, 1], random_state=0, ccp_alpha=0.003),
    DecisionTreeClassifier(monotonic_cst=[1, 0, 0, 0], max_features=2, **BY_WEIGHT),
    ExtraTreesClassifier(4, monotonic_cst=[1, -1, 0, 0], **BY_WEIGHT),
    RandomForestClassifier(4, monotonic_cst=[1, 0, 0, 0], bootstrap=False, **BY_WEIGHT),
]


def problem(n_classes, n_rows=300, seed=0):
    X, y, P = make_gaussian_classes(n_rows, 4, n_classes, class_sep=0.7, random_state=seed)
    weight = np.random.default_rng(seed).random(n_rows) + 0.5
    return X, SoftLabels(P, y=y, sample_weight=weight)


def trees_of(student):
    return [tree.tree_ for tree in getattr(student, "estimators_", [student])]


def check_same_attributes(ours, theirs):
    assert vars(ours).keys() == vars(theirs).keys()
    for name in vars(ours).keys() - {"tree_", "_sample_weight"}:
        found, expected = getattr(ours, name), getattr(theirs, name)
        assert type(found) is type(expected), name
        if name == "estimators_":
            for one, other in zip(found, expected, strict=True):
                check_same_attributes(one, other)
        elif isinstance(found, np.ndarray):
            assert found.dtype == expected.dtype, name
            assert_array_equal(found, expected)
        elif name not in {"_n_samples", "_n_samples_bootstrap", "estimator", "estimator_"}:
            assert found == expected, name


@pytest.mark.parametrize("student", TREES, ids=repr)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_attributes_are_those_of_the_expansion(student, n_classes):
    pd = pytest.importorskip("pandas")
    X, labels = problem(n_classes, n_rows=60)
    names = np.array(["cat", "dog", "owl"])[:n_classes]
    labels = SoftLabels(labels.proba, names, sample_weight=labels.weight)
    if isinstance(student.class_weight, dict):
        student = clone(student).set_params(class_weight={"cat": 5.0})
    X = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    fast = fit_soft_labels(student, X, labels)
    check_same_attributes(fast, fit_by_expansion(clone(student), X, labels))


@pytest.mark.parametrize(
    ("student", "n_classes"),
    [*product(TREES, [2, 3, 10]), *((student, 2) for student in MONOTONE)],
    ids=repr,
)
def test_leaves_are_those_of_the_expansion(student, n_classes):
    X, labels = problem(n_classes)
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, labels)
    assert type(fast) is type(student)
    assert_allclose(fast.predict_proba(X), slow.predict_proba(X), atol=1e-12)
    assert_array_equal(fast.predict(X), slow.predict(X))
    ours, theirs = np.reshape(fast.apply(X), (len(X), -1)), np.reshape(slow.apply(X), (len(X), -1))
    for k, (tree, other) in enumerate(zip(trees_of(fast), trees_of(slow), strict=True)):
        # The same rows share a leaf; a tie may have named the two sides of a split differently.
        pairs = set(zip(ours[:, k], theirs[:, k], strict=True))
        assert len(pairs) == len(set(ours[:, k])) == len(set(theirs[:, k]))
        assert tree.node_count == other.node_count
        for name in ("impurity", "weighted_n_node_samples"):
            ours_sorted, theirs_sorted = (
                np.sort(getattr(each, name)[each.children_left >= 0]) for each in (tree, other)
            )
            assert_allclose(ours_sorted, theirs_sorted, atol=1e-12)


@pytest.mark.parametrize("student", TREES + MONOTONE, ids=repr)
def test_importances_are_those_of_the_expansion(student):
    X, labels = problem(2 if student.monotonic_cst else 3)
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, labels)
    assert_allclose(fast.feature_importances_, slow.feature_importances_, atol=1e-10)


@given(st.integers(2, 5), st.integers(0, 1000), st.integers(1, 6), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=25)
def test_leaves_for_any_soft_labels(n_classes, seed, depth, by_entropy, some_are_sure):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 3))
    P = rng.dirichlet(np.full(n_classes, 0.5), size=60)
    if some_are_sure:
        P[::4] = np.eye(n_classes)[P[::4].argmax(axis=1)]
    weight = rng.integers(0, 3, size=60) * rng.uniform(1, 2, size=60)  # equal ones make ties
    labels = SoftLabels(sparse.csr_array(P), sample_weight=weight)
    criterion = "entropy" if by_entropy else "gini"
    student = DecisionTreeClassifier(criterion=criterion, max_depth=depth, random_state=0)
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, labels)
    X = X[weight > 0]  # where no weight is, a threshold may lie anywhere
    assert_allclose(fast.predict_proba(X), slow.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_full_tree_returns_row_targets_as_expansion_does(n_classes):
    X, labels = problem(n_classes)  # which feature parts the last two rows of a node is a tie
    fast = fit_soft_labels(DecisionTreeClassifier(random_state=0), X, labels)
    slow = fit_by_expansion(DecisionTreeClassifier(random_state=0), X, labels)
    assert fast.tree_.node_count == slow.tree_.node_count == 2 * len(X) - 1
    assert_allclose(fast.predict_proba(X), labels.proba, atol=1e-12)
    assert_allclose(slow.predict_proba(X), labels.proba, atol=1e-12)


def test_it_is_one_regression_tree_on_the_probabilities():
    X, labels = problem(4)
    student = fit_soft_labels(DecisionTreeClassifier(max_depth=5, random_state=0), X, labels)
    regressor = DecisionTreeRegressor(max_depth=5, random_state=0)
    regressor.fit(X, labels.proba, sample_weight=labels.weight)
    assert_allclose(student.predict_proba(X), regressor.predict(X))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "student",
    [
        DecisionTreeClassifier(random_state=0, max_depth=4),
        RandomForestClassifier(3, random_state=0),
        ExtraTreesClassifier(3, random_state=0, bootstrap=True),
    ],
    ids=repr,
)
def test_the_student_has_all_that_its_class_documents(student, n_classes):
    X, labels = problem(n_classes)
    fast = fit_soft_labels(student, X, labels)
    plain = clone(student).fit(X, labels.hard_labels(), sample_weight=labels.weight)
    assert set(vars(fast)) == set(vars(plain))
    for name in ("classes_", "n_classes_", "n_features_in_", "n_outputs_", "max_features_"):
        if hasattr(plain, name):
            assert_array_equal(getattr(fast, name), getattr(plain, name))
    assert fast.get_params() == student.get_params()
    assert fast.decision_path(X) is not None
    assert fast.feature_importances_.sum() == pytest.approx(1)
    if hasattr(plain, "estimators_samples_"):
        assert all(len(rows) == len(X) for rows in fast.estimators_samples_)
        for ours, theirs in zip(fast.estimators_samples_, plain.estimators_samples_, strict=True):
            assert_array_equal(ours, theirs)
    copy = pickle.loads(pickle.dumps(fast))
    assert_array_equal(copy.predict_proba(X), fast.predict_proba(X))
    assert fast.score(X, labels.hard_labels()) > 0.5


@pytest.mark.parametrize("student", [DecisionTreeClassifier(), RandomForestClassifier(3)])
def test_files_hold_nothing_but_the_tree(student):
    """Between the fields of scikit-learn's nodes there are zeros: pickles are reproducible."""
    X, _, P = make_gaussian_classes(200, random_state=0)
    student = clone(student).set_params(max_depth=5, random_state=0)
    files = set()
    for _ in range(5):
        used = [np.full(size, 255, dtype=np.uint8) for size in range(500, 3000, 10)]
        del used  # memory that is not zero
        fitted = fit_soft_labels(student, X, SoftLabels(P))
        files.add(pickle.dumps(fitted))
        for tree in getattr(fitted, "estimators_", [fitted]):
            nodes = tree.tree_.__getstate__()["nodes"]
            between = np.ones(nodes.dtype.itemsize, dtype=bool)
            for dtype, offset in nodes.dtype.fields.values():
                between[offset : offset + dtype.itemsize] = False
            rows = np.ascontiguousarray(nodes).view(np.uint8).reshape(len(nodes), -1)
            assert not rows[:, between].any()
    assert len(files) == 1


def test_bootstraps_draw_real_rows():
    X, labels = problem(5)
    student = RandomForestClassifier(20, random_state=0, max_samples=0.5)
    fast = fit_soft_labels(student, X, labels)
    shares = [len(np.unique(rows)) / len(X) for rows in fast.estimators_samples_]
    assert np.mean(shares) == pytest.approx(1 - np.exp(-0.5), abs=0.03)
    assert fast.max_samples == 0.5
    whole = clone(student).set_params(max_samples=None)
    slow = fit_by_expansion(whole, X, labels)
    copies = [len(np.unique(rows // 5)) / len(X) for rows in slow.estimators_samples_]
    assert np.mean(copies) > 0.9  # the expansion leaves hardly a row out of any bag


@pytest.mark.parametrize("n_classes", [2, 3])
def test_out_of_bag_scores_are_honest(n_classes):
    X, labels = problem(n_classes, 1200)
    train, test = np.arange(400), np.arange(400, 1200)
    student = RandomForestClassifier(100, random_state=0, oob_score=True)
    fast = fit_soft_labels(student, X[train], labels.take(train))
    y = labels.hard_labels()
    fresh = fast.score(X[test], y[test])
    assert fast.oob_score_ == pytest.approx(fresh, abs=0.06)
    assert fast.oob_decision_function_.shape == (400, n_classes)
    assert_allclose(fast.oob_decision_function_.sum(axis=1), 1)
    expected = (fast.classes_[fast.oob_decision_function_.argmax(axis=1)] == y[train]).mean()
    assert fast.oob_score_ == expected


def test_limits_count_real_rows():
    X, labels = problem(3)
    student = DecisionTreeClassifier(min_samples_leaf=30, random_state=0)
    fast = fit_soft_labels(student, X, labels)
    assert np.bincount(fast.apply(X))[np.unique(fast.apply(X))].min() >= 30


def test_one_hot_weighted_rows_are_ordinary_training():
    X, labels = problem(3)
    y = labels.hard_labels()
    hard = SoftLabels.from_labels(y, sample_weight=labels.weight)
    for student in (DecisionTreeClassifier(random_state=0), TREES[-1]):
        fast = fit_soft_labels(student, X, hard)
        plain = clone(student).fit(X, y, sample_weight=labels.weight)
        assert_allclose(fast.predict_proba(X), plain.predict_proba(X), atol=1e-12)


def test_missing_values_and_sparse_rows():
    X, labels = problem(3)
    X[::5, 1] = np.nan
    student = DecisionTreeClassifier(max_depth=4, random_state=0)
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, labels)
    assert_allclose(fast.predict_proba(X), slow.predict_proba(X), atol=1e-12)
    X = sparse.csc_matrix(np.nan_to_num(X))
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X.tocsr(), labels)
    assert_allclose(fast.predict_proba(X), slow.predict_proba(X), atol=1e-12)


def test_names_strings_and_classes_without_mass():
    pd = pytest.importorskip("pandas")
    X, labels = problem(3)
    P = np.column_stack([labels.proba[:, :2], np.zeros(len(X)), labels.proba[:, 2]])
    wider = SoftLabels(P, ["a", "b", "c", "d"])
    for student in (DecisionTreeClassifier(max_depth=3), RandomForestClassifier(3)):
        fast = fit_soft_labels(student, pd.DataFrame(X, columns=list("wxyz")), wider)
        assert list(fast.feature_names_in_) == list("wxyz")
        assert_array_equal(fast.classes_, ["a", "b", "d"])


@pytest.mark.parametrize(
    ("student", "named"),
    [
        (
            DecisionTreeClassifier(criterion="entropy", monotonic_cst=[1, 0, 0, 0], random_state=0),
            "criterion='entropy' with monotonic_cst",
        ),
        (
            RandomForestClassifier(
                3, criterion="log_loss", monotonic_cst=[1, 0, 0, 0], random_state=0
            ),
            "criterion='log_loss' with monotonic_cst",
        ),
        pytest.param(
            RandomForestClassifier(3, class_weight="balanced_subsample", random_state=0),
            "balanced_subsample",
            marks=pytest.mark.skipif(not FORESTS_DRAW, reason="refused: it counts copies"),
        ),
    ],
    ids=repr,
)
def test_what_it_cannot_honour_expands_with_one_warning(student, named):
    X, labels = problem(2)
    with pytest.warns(UserWarning, match=named) as caught:
        fast = fit_soft_labels(student, X, labels)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slow = fit_by_expansion(clone(student), X, labels)
    assert_array_equal(fast.predict_proba(X), slow.predict_proba(X))


@pytest.mark.parametrize("student", [DecisionTreeClassifier(), RandomForestClassifier(2)], ids=repr)
def test_relied_upon_behaviour_of_trees(student):
    """If this fails, `fit_tree` has fallen back to expansion: look at the new scikit-learn."""
    X, labels = problem(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        fitted = fit_soft_labels(student, X, labels)
    tree = fitted.tree_ if isinstance(fitted, DecisionTreeClassifier) else fitted[0].tree_
    state = tree.__getstate__()
    assert state.keys() == {"max_depth", "node_count", "nodes", "values"}
    assert state["values"].shape == (tree.node_count, 1, 3)


@pytest.mark.parametrize("student", [DecisionTreeClassifier(), RandomForestClassifier(2)], ids=repr)
def test_unknown_tree_state_falls_back_to_expansion(student, monkeypatch):
    def changed(tree, n_classes):
        raise KeyError("nodes")

    monkeypatch.setattr("skdistill.students.trees._as_classification_tree", changed)
    X, labels = problem(3)
    student = student.set_params(random_state=0, max_depth=3)
    with pytest.warns(UserWarning, match="does not know the trees of this"):
        fitted = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, labels)
    assert_array_equal(fitted.predict_proba(X), slow.predict_proba(X))


@pytest.mark.parametrize("student", [RandomForestClassifier(3), ExtraTreesClassifier(3)], ids=repr)
def test_a_forest_can_be_fitted_again_to_labels(student):
    X, labels = problem(3)
    y = labels.hard_labels()
    student = clone(student).set_params(random_state=0)
    fitted = fit_soft_labels(student, X, labels)
    assert_array_equal(fitted.fit(X, y).predict_proba(X), student.fit(X, y).predict_proba(X))


def test_trees_keep_their_bag_seed_without_random_state():
    X, _, P = make_gaussian_classes(150, 3, 3, random_state=0)
    forest = fit_soft_labels(RandomForestClassifier(3), X, SoftLabels(P))
    for tree, rows in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        weight = np.bincount(rows, minlength=150).astype(float)
        again = DecisionTreeRegressor(max_features="sqrt", random_state=tree.random_state)
        again.fit(X.astype(np.float32), P, sample_weight=weight)
        assert_allclose(again.predict(X), tree.predict_proba(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_score_of_ones_own_out_of_bag(n_classes):
    X, labels = problem(n_classes)
    y = labels.hard_labels()
    forest = RandomForestClassifier(30, oob_score=balanced_accuracy_score, random_state=0)
    fitted = fit_soft_labels(forest, X, labels)
    held_out = fitted.classes_[fitted.oob_decision_function_.argmax(axis=1)]
    assert fitted.oob_score_ == balanced_accuracy_score(y, held_out)
    assert fitted.oob_score is balanced_accuracy_score


@pytest.mark.parametrize("student", [DecisionTreeClassifier(), RandomForestClassifier(2)], ids=repr)
def test_many_classes_are_nothing_to_warn_of(student):
    X, labels = problem(30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_soft_labels(clone(student).set_params(max_depth=3), X, labels)


def test_weights_and_probabilities_may_be_tiny():
    X, labels = problem(3)
    P = labels.proba.copy()
    P[:50] = np.eye(3)[P[:50].argmax(axis=1)]
    P[50:100] = [1e-200, 1e-20, 1]
    student = DecisionTreeClassifier(criterion="entropy", max_depth=4, random_state=0)
    expected = fit_soft_labels(student, X, SoftLabels(P, sample_weight=labels.weight))
    slow = fit_by_expansion(clone(student), X, SoftLabels(P, sample_weight=labels.weight))
    assert_allclose(expected.predict_proba(X), slow.predict_proba(X), atol=1e-12)
    for unit in (2.0**-480, 2.0**-40, 2.0**480):
        found = fit_soft_labels(student, X, SoftLabels(P, sample_weight=unit * labels.weight))
        assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-12)
    weight = np.where(np.arange(len(X)) % 3, labels.weight, 1e-12)
    uneven = SoftLabels(P, sample_weight=weight)
    found, slow = fit_soft_labels(student, X, uneven), fit_by_expansion(clone(student), X, uneven)
    heavy = weight > 0.1
    assert_allclose(found.predict_proba(X[heavy]), slow.predict_proba(X[heavy]), atol=1e-9)


def test_a_leaf_may_lack_a_class():
    X = np.arange(40.0)[:, None]
    P = np.column_stack([np.where(X[:, 0] < 20, 0.7, 0.0), np.zeros(40), np.zeros(40)])
    P[:, 1] = 1 - P[:, 0]
    P[39] = [0, 0, 1]
    tree = fit_soft_labels(
        DecisionTreeClassifier(criterion="entropy", random_state=0), X, SoftLabels(P)
    )
    assert_allclose(tree.predict_proba(X), P, atol=1e-15)
    assert (tree.predict_proba(X)[P == 0] == 0).all()
