"""Students of imodels: greedy sums of trees by expansion, shrunk trees from a distilled one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import DistilledClassifier, DistilledRegressor, SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_students
from skdistill.students import shrink_leaves

imodels = pytest.importorskip("imodels")
X, Y, P = make_gaussian_classes(300, 4, 2, random_state=0)
X3, Y3, P3 = make_gaussian_classes(300, 4, 3, random_state=0)
FOREST = RandomForestClassifier(10, min_samples_leaf=5, random_state=0)


def test_one_hot_labels_are_ordinary_training():
    student = imodels.FIGSClassifier(max_rules=4, random_state=0)
    fitted = fit_soft_labels(student, X, SoftLabels(np.eye(2)[Y]))
    expected = imodels.FIGSClassifier(max_rules=4, random_state=0).fit(X, Y)
    assert_allclose(fitted.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize(("rows", "proba"), [(X, P), (X3, P3)], ids=["2 classes", "3 classes"])
def test_figs_is_fitted_by_expansion(rows, proba):
    student = imodels.FIGSClassifier(max_rules=4, random_state=0)
    fitted = fit_soft_labels(student, rows, SoftLabels(proba))
    copies, labels, weight = SoftLabels(proba).expand()
    expected = imodels.FIGSClassifier(max_rules=4, random_state=0)
    expected.fit(rows[copies], labels, sample_weight=weight)
    assert_allclose(fitted.predict_proba(rows), expected.predict_proba(rows))
    assert type(fitted) is imodels.FIGSClassifier


def test_figs_is_distilled():
    student = imodels.FIGSClassifier(max_rules=4, random_state=0)
    model = DistilledClassifier(FOREST, student, alpha=1.0, cv=3).fit(X, Y)
    assert model.score(X, Y) > 0.7
    regressor = imodels.FIGSRegressor(max_rules=4, random_state=0)
    teacher = RandomForestRegressor(10, min_samples_leaf=5, random_state=0)
    numbers = DistilledRegressor(teacher, regressor, alpha=1.0, cv=3).fit(X, X[:, 0])
    assert numbers.score(X, X[:, 0]) > 0.5


@pytest.mark.parametrize("strength", [1.0, 30.0])
def test_a_shrunk_tree_is_the_one_of_shrink_leaves(strength):
    """Shrinking needs no package: the default of trees does it, and so do the twins."""
    tree = DecisionTreeClassifier(max_leaf_nodes=12, random_state=0)
    theirs = imodels.HSTreeClassifier(tree, reg_param=strength).fit(X3, Y3)
    ours = shrink_leaves(tree.fit(X3, Y3), strength)
    assert_allclose(theirs.predict_proba(X3), ours.predict_proba(X3))
    tree = DecisionTreeRegressor(max_leaf_nodes=12, random_state=0)
    theirs = imodels.HSTreeRegressor(tree, reg_param=strength).fit(X, X[:, 0])
    assert_allclose(theirs.predict(X), shrink_leaves(tree.fit(X, X[:, 0]), strength).predict(X))


def test_a_shrunk_tree_is_made_from_a_distilled_one():
    tree = DecisionTreeClassifier(max_leaf_nodes=12, random_state=0)
    with pytest.raises(TypeError, match="Use its inner estimator as student"):
        DistilledClassifier(FOREST, imodels.HSTreeClassifier(tree)).fit(X, Y)
    distilled = DistilledClassifier(FOREST, tree, alpha=1.0, cv=3).fit(X, Y).student_
    expected = shrink_leaves(distilled, 10.0).predict_proba(X)
    shrunk = imodels.HSTreeClassifier(distilled, reg_param=10.0)
    assert_allclose(shrunk.estimator_.predict_proba(X), expected)


def test_figs_is_compared():
    students = {"figs": imodels.FIGSClassifier(max_rules=4, random_state=0)}
    test = {"X_test": X[150:], "y_test": Y[150:]}
    compared = compare_students(students, FOREST, X[:150], Y[:150], **test, random_state=0)
    frame = compared.to_frame()
    assert (frame["failure"].drop("teacher (ONNX)") == "").all()
    assert frame.loc["figs (labels)", "tuning"] == "untuned" and frame.loc["figs", "kB"] > 0
