"""Optimal trees of pystreed on probabilities: no other tree of this size has a smaller error."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledClassifier, DistilledRegressor, SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_students

pystreed = pytest.importorskip("pystreed")
FOREST = RandomForestClassifier(10, min_samples_leaf=5, random_state=0)


def optimal_tree(**params):
    return pystreed.STreeDRegressor(max_depth=2, cost_complexity=0.0, **params)


def binary_rows(n_classes):
    X, y, P = make_gaussian_classes(300, 5, n_classes, random_state=0)
    return (X > 0).astype(int), y, P


def test_no_tree_of_this_depth_is_closer_to_the_probabilities():
    X, _, P = binary_rows(2)
    fitted = fit_soft_labels(optimal_tree(), X, SoftLabels(P))
    greedy = DecisionTreeRegressor(max_depth=2).fit(X, P[:, 1])
    ours, theirs = (np.mean((each.predict(X) - P[:, 1]) ** 2) for each in (fitted, greedy))
    assert ours <= theirs + 1e-9
    assert len(np.unique(fitted.predict(X))) <= 4
    assert_allclose(fitted.predict(X), optimal_tree().fit(X, P[:, 1]).predict(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_optimal_trees_are_distilled(n_classes):
    X, y, _ = binary_rows(n_classes)
    student = optimal_tree()
    if n_classes > 2:
        with pytest.raises(ValueError, match=r"MultiOutputRegressor\(STreeDRegressor"):
            DistilledClassifier(FOREST, student).fit(X, y)
        student = MultiOutputRegressor(student)
    model = DistilledClassifier(FOREST, student, alpha=1.0, cv=3).fit(X, y)
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    assert model.score(X, y) > 1 / n_classes


def test_an_optimal_tree_of_numbers_is_compared():
    X, _, P = binary_rows(2)
    teacher = RandomForestRegressor(10, min_samples_leaf=5, random_state=0)
    model = DistilledRegressor(teacher, optimal_tree(), alpha=1.0, cv=3).fit(X, P[:, 1])
    assert model.score(X, P[:, 1]) > 0.2
    test = {"X_test": X[150:], "y_test": P[150:, 1]}
    students = {"optimal": optimal_tree()}
    compared = compare_students(students, teacher, X[:150], P[:150, 1], **test, random_state=0)
    assert compared.to_frame().loc["optimal", "failure"] == ""


def test_rows_of_different_weights_are_refused():
    X, _, P = binary_rows(2)
    labels = SoftLabels(P, sample_weight=np.arange(1, 301))
    with pytest.raises(ValueError, match="takes no sample_weight"):
        fit_soft_labels(optimal_tree(), X, labels)
