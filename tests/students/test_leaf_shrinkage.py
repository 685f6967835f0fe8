"""Shrunk leaves are those of the published formula, in an ordinary tree, forest or Pipeline."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_regression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill.students import shrink_leaves
from skdistill.students.leaf_shrinkage import WITH_LEAVES

X, Y = load_iris(return_X_y=True)
ESTIMATORS = [kind(random_state=0) for kind in WITH_LEAVES]
ESTIMATORS = [
    each.set_params(n_estimators=3) if "n_estimators" in each.get_params() else each
    for each in ESTIMATORS
]


def by_definition(tree, rows, strength):
    """Return the shrunk value of each row: a sum over the path from the root to its leaf."""
    values = []
    for path in tree.decision_path(rows.astype(np.float32)).toarray().astype(bool):
        nodes = np.flatnonzero(path)  # parents come before their children
        value = tree.value[nodes[0]].copy()
        for parent, child in pairwise(nodes):
            step = tree.value[child] - tree.value[parent]
            value += step / (1 + strength / tree.weighted_n_node_samples[parent])
        values.append(value)
    return np.array(values)


@pytest.mark.parametrize("strength", [0.5, 10.0])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
def test_leaves_are_those_of_the_formula(estimator, strength):
    fitted = estimator.fit(X, Y)
    shrunk = shrink_leaves(fitted, strength)
    trees = getattr(fitted, "estimators_", [fitted])
    expected = np.mean([by_definition(tree.tree_, X, strength) for tree in trees], axis=0)[:, 0]
    if hasattr(shrunk, "predict_proba"):
        np.testing.assert_allclose(shrunk.predict_proba(X), expected, atol=1e-6)
    else:
        np.testing.assert_allclose(shrunk.predict(X), expected[:, 0], atol=1e-6)
    assert type(shrunk) is type(fitted)


def test_the_original_is_unchanged_and_zero_changes_nothing():
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y)
    before = tree.predict_proba(X)
    np.testing.assert_array_equal(shrink_leaves(tree, 0).predict_proba(X), before)
    again = pickle.loads(pickle.dumps(shrink_leaves(tree, 30)))
    assert (again.predict_proba(X) != before).any()
    np.testing.assert_array_equal(tree.predict_proba(X), before)


@pytest.mark.parametrize("seed", range(5))
def test_no_probability_is_negative_by_rounding(seed):
    rows = np.random.default_rng(seed).normal(size=(300, 4))
    labels = np.random.default_rng(seed).integers(7, size=300)
    tree = DecisionTreeClassifier(random_state=seed).fit(rows, labels)
    for strength in (1e-15, 1e-9, 1, 10):
        assert shrink_leaves(tree, strength).predict_proba(rows).min() >= 0


def test_infinitely_many_rows_leave_the_root():
    shrunk = shrink_leaves(DecisionTreeClassifier(random_state=0).fit(X, Y), 1e12)
    np.testing.assert_allclose(shrunk.predict_proba(X), 1 / 3, atol=1e-6)


def test_the_unit_of_weights_is_taken_out():
    tree = DecisionTreeClassifier(random_state=0)
    one = shrink_leaves(fit_soft_labels(tree, X, SoftLabels.from_labels(Y)), 10)
    sevens = SoftLabels.from_labels(Y, sample_weight=np.full(150, 7.0))
    other = shrink_leaves(fit_soft_labels(tree, X, sevens), 10, row_weight=7)
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X))


def test_constraints_on_monotonicity_still_hold():
    rows, numbers = make_regression(300, 2, noise=60, random_state=0)
    labels = (numbers > 0).astype(int)
    tree = DecisionTreeClassifier(monotonic_cst=[1, 0], random_state=0).fit(rows, labels)
    grid = np.linspace(-3, 3, 50)
    for strength in (1, 10, 100):
        shrunk = shrink_leaves(tree, strength)
        for other in (-1.0, 0.0, 1.0):
            line = np.column_stack([grid, np.full(50, other)])
            assert (np.diff(shrunk.predict_proba(line)[:, 1]) >= -1e-12).all()


def test_the_last_step_of_a_pipeline_is_shrunk():
    tree = DecisionTreeClassifier(random_state=0)
    pipeline = make_pipeline(StandardScaler(), tree).fit(X, Y)
    expected = shrink_leaves(pipeline[-1], 5).predict_proba(pipeline[0].transform(X))
    np.testing.assert_array_equal(shrink_leaves(pipeline, 5).predict_proba(X), expected)


@pytest.mark.parametrize("strength", [-1, np.nan, np.inf, "auto", None])
def test_a_strength_is_a_number_of_at_least_zero(strength):
    tree = DecisionTreeClassifier().fit(X, Y)
    with pytest.raises(ValueError, match="strength must be a number of at least 0; got strength="):
        shrink_leaves(tree, strength)


def test_other_estimators_and_weights_are_refused():
    with pytest.raises(TypeError, match=r"trees and forests can be shrunk; got LogisticRegression"):
        shrink_leaves(LogisticRegression().fit(X, Y), 1)
    with pytest.raises(ValueError, match="row_weight must be a finite number above 0"):
        shrink_leaves(DecisionTreeClassifier().fit(X, Y), 1, row_weight=0)
