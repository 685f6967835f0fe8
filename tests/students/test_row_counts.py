"""Parameters that count rows count original rows, in every fitter."""

import re
import warnings
from inspect import signature
from numbers import Integral

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils import all_estimators
from sklearn.utils._param_validation import Interval

from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels
from skdistill._utils._sample_weight import FORESTS_DRAW
from skdistill.students import fit_by_expansion
from skdistill.students._row_counts import COUNTS, equal_copies, row_counts

# What sounds like a number of rows and is none, or is dealt with elsewhere.
OTHERS = {
    "batch_size": "made into as many copies: test_neural_network.py",
    "leaf_size": "of a search tree, which changes no neighbour",
    "max_leaf_nodes": "counts leaves",
    "max_samples": "counts draws: a copy is drawn as often as its weight says",
}


def problem(n_classes, n_rows=200):
    """Return rows and soft labels, of which some are one-hot: rows have few copies, or many."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3))
    scores = np.column_stack([np.zeros(n_rows), 2 * X[:, 0], 2 * X[:, 1], X[:, 2]])[:, :n_classes]
    P = np.exp(scores + rng.normal(size=scores.shape))
    P /= P.sum(axis=1, keepdims=True)
    P[::3] = np.eye(n_classes)[P[::3].argmax(axis=1)]
    return X, SoftLabels(P, sample_weight=rng.uniform(0.5, 1.5, n_rows))


def names_that_count(cls):
    """Return the parameters of a class that take integers and speak of rows."""
    sounds = re.compile("sampl|rows|leaf|split|batch|child|data")
    return [
        name
        for name, constraints in getattr(cls, "_parameter_constraints", {}).items()
        if sounds.search(name) and not isinstance(constraints, str)
        if any(
            isinstance(each, Interval) and issubclass(each.type, Integral) for each in constraints
        )
    ]


def methods_of(cls):
    """Return the methods by which a class learns."""
    return [
        getattr(cls, name) for name in ("fit", "partial_fit") if callable(getattr(cls, name, 0))
    ]


def test_all_that_counts_rows_is_known():
    """Who takes weights learns by expansion somewhere, inside another student if not alone."""
    found = {
        name
        for _, cls in all_estimators("classifier")
        if any("sample_weight" in signature(each).parameters for each in methods_of(cls))
        for name in names_that_count(cls)
    }
    assert found >= {"min_samples_leaf", "min_samples_split", "max_samples"}
    assert found <= {*COUNTS, *OTHERS}


def counting_students():
    """Return a student for each class of scikit-learn that has a least number of rows per leaf."""
    found = []
    for _, cls in all_estimators("classifier"):
        if "min_samples_leaf" in names_that_count(cls):
            known = cls().get_params()
            small = {"random_state": 0, "n_estimators": 3, "max_iter": 3, "max_leaf_nodes": None}
            student = cls(**{name: value for name, value in small.items() if name in known})
            found.append(student)
            if "criterion" in known and "gini" in str(cls._parameter_constraints["criterion"]):
                found.append(clone(student).set_params(criterion="entropy"))
    return found


def leaves_of(model, X):
    """Return the leaf of each row in each tree, of shape (n_samples, n_trees)."""
    if isinstance(model, HistGradientBoostingClassifier):
        return np.column_stack(
            [leaves_of_nodes(each.nodes, X) for t in model._predictors for each in t]
        )
    return np.reshape(model.apply(X), (len(X), -1))


def leaves_of_nodes(nodes, X):
    """Return the leaf of each row, by following the splits of histogram gradient boosting."""
    node = np.zeros(len(X), dtype=int)
    while not nodes["is_leaf"][node].all():
        value = X[np.arange(len(X)), nodes["feature_idx"][node]]
        side = np.where(
            value <= nodes["num_threshold"][node], nodes["left"][node], nodes["right"][node]
        )
        node = np.where(nodes["is_leaf"][node], node, side)
    return node


def fewest_rows(model, X):
    return min(np.unique(leaf, return_counts=True)[1].min() for leaf in leaves_of(model, X).T)


@pytest.mark.filterwarnings("ignore:.*is fitted to soft labels by expansion")
@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("student", counting_students(), ids=repr)
def test_leaves_hold_as_many_rows_as_they_must(student, n_classes, constrained):
    X, labels = problem(n_classes)
    student = clone(student).set_params(min_samples_leaf=15)
    if constrained:
        if "monotonic_cst" not in student.get_params() or n_classes > 2:
            pytest.skip("scikit-learn has no such constraint")
        student.set_params(monotonic_cst=[1, 0, 0])
        in_bags = getattr(student, "bootstrap", False)
        if in_bags and student.criterion == "entropy":
            with pytest.raises(ValueError, match=r"min_samples_leaf=15.*Set bootstrap=False"):
                fit_soft_labels(student, X, labels)
            return
    fitted = fit_soft_labels(student, X, labels)
    assert fewest_rows(fitted, X) >= 15
    assert fitted.get_params()["min_samples_leaf"] == 15
    if not isinstance(student, ExtraTreeClassifier):  # whose thresholds are drawn
        assert leaves_of(fitted, X).max() > 0


AROUND = {
    "pipeline": lambda tree: make_pipeline(StandardScaler(), tree),
    "vote": lambda tree: VotingClassifier([("tree", tree)], voting="soft"),
    "boosting": lambda tree: AdaBoostClassifier(tree, n_estimators=1),
    "calibration": lambda tree: CalibratedClassifierCV(tree, cv=2, ensemble=False),
}


@pytest.mark.parametrize("name", AROUND)
def test_so_do_those_of_trees_inside_another_student(name):
    X, labels = problem(3)
    tree = DecisionTreeClassifier(min_samples_leaf=30, random_state=0)
    fitted = fit_soft_labels(AROUND[name](tree), X, labels)
    inside = {
        "pipeline": lambda: fitted[-1],
        "vote": lambda: fitted.estimators_[0],
        "boosting": lambda: fitted.estimators_[0],
        "calibration": lambda: fitted.calibrated_classifiers_[0].estimator,
    }[name]()
    rows = fitted[:-1].transform(X) if name == "pipeline" else X
    assert fewest_rows(inside, rows) >= 15
    assert inside.get_n_leaves() > 1


@pytest.mark.parametrize(
    "student",
    [
        DecisionTreeClassifier(criterion="entropy", min_samples_split=60, random_state=0),
        DecisionTreeClassifier(criterion="entropy", min_samples_split=0.3, random_state=0),
        ExtraTreeClassifier(criterion="log_loss", min_samples_leaf=0.1, random_state=0),
        DecisionTreeClassifier(monotonic_cst=[1, 0, 0], min_samples_split=60, random_state=0),
        GradientBoostingClassifier(n_estimators=2, min_samples_split=60, random_state=0),
        GradientBoostingClassifier(n_estimators=2, min_samples_split=0.3, min_samples_leaf=0.1),
        HistGradientBoostingClassifier(max_iter=2),
    ],
    ids=repr,
)
def test_counts_and_shares_are_those_of_ordinary_training(student):
    """Copies of hardly any weight change nothing, if they are not counted."""
    X, labels = problem(2)
    y = labels.hard_labels()
    P = np.where(np.eye(2)[y] == 1, 1 - 1e-9, 1e-9)
    P[:3] = np.eye(2)[y[:3]]  # of these there is one copy
    found = fit_soft_labels(student, X, SoftLabels(P, sample_weight=labels.weight))
    expected = clone(student).fit(X, y, sample_weight=labels.weight)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-5)


def test_even_copies_are_the_same_expansion():
    X, labels = problem(4)
    rows, y, weight = equal_copies(labels)
    assert (np.bincount(rows) == 4).all()
    total = np.zeros((len(X), 4))
    np.add.at(total, (rows, y), weight)
    np.testing.assert_allclose(total, labels.proba * labels.weight[:, None], atol=1e-15)
    even = SoftLabels(np.full((5, 2), 0.5))
    for ours, theirs in zip(equal_copies(even), even.expand(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_limits_nothing_makes_no_more_copies():
    assert row_counts(DecisionTreeClassifier()) == {}
    assert row_counts(DecisionTreeClassifier(min_samples_leaf=0.1)) == {"min_samples_leaf": 0.1}
    inside = VotingClassifier([("tree", DecisionTreeClassifier(min_samples_split=9))])
    assert row_counts(inside) == {"tree__min_samples_split": 9}


FORESTS = {
    "alone": RandomForestClassifier(
        criterion="entropy", monotonic_cst=[1, 0, 0], min_samples_leaf=9
    ),
    "vote": VotingClassifier([("trees", ExtraTreesClassifier(bootstrap=True, min_samples_leaf=9))]),
}
if FORESTS_DRAW:
    FORESTS["subsample"] = RandomForestClassifier(
        class_weight="balanced_subsample", min_samples_leaf=9
    )


@pytest.mark.parametrize("name", FORESTS)
def test_bags_of_copies_are_refused_before_teacher_fits(name):
    X, labels = problem(2)

    class Teacher(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("a teacher is fitted")

    model = DistilledClassifier(Teacher(), FORESTS[name], alpha=1.0)
    with pytest.raises(ValueError, match=r"min_samples_leaf=9.*Set (trees__)?bootstrap=False"):
        model.fit(X, labels.hard_labels())
    prefix = "trees__" if name == "vote" else ""
    allowed = clone(FORESTS[name]).set_params(**{f"{prefix}bootstrap": False})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit_soft_labels(allowed, X, labels)


def test_three_class_constraints_refused_before_teacher_fits():
    X, labels = problem(3)
    for cls in (DecisionTreeClassifier, RandomForestClassifier):
        student = cls(monotonic_cst=[1, 0, 0])
        with pytest.raises(ValueError, match="is for two classes, and there are 3"):
            DistilledClassifier(None, student, alpha=1.0).fit(X, labels.hard_labels())


def test_boosters_by_expansion_count_original_rows():
    lightgbm = pytest.importorskip("lightgbm")
    X, labels = problem(3)
    student = lightgbm.LGBMClassifier(
        boosting_type="rf", bagging_freq=1, bagging_fraction=0.9, n_estimators=2, verbose=-1,
        min_child_samples=150,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="by expansion"):
        fitted = fit_soft_labels(student, X, labels)
    assert fitted.booster_.trees_to_dataframe().query("node_depth > 1").empty  # 200 rows: no split
    assert fitted.min_child_samples == 150


@pytest.mark.parametrize("n_classes", [2, 3])
def test_expansion_by_hand_counts_them_too(n_classes):
    X, labels = problem(n_classes)
    tree = DecisionTreeClassifier(min_samples_leaf=25, random_state=0)
    slow, fast = fit_by_expansion(clone(tree), X, labels), fit_soft_labels(tree, X, labels)
    np.testing.assert_allclose(slow.predict_proba(X), fast.predict_proba(X), atol=1e-12)
