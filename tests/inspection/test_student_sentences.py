"""The sentences and notes on the choice: outside the budget, on sizes, on numbers."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_students
from skdistill.inspection._student_certainty import on_certainty
from skdistill.inspection._student_verdict import on_choice

X, Y, P = make_gaussian_classes(600, 4, 2, random_state=0)
ROWS = {"X": X[:200], "y": Y[:200], "X_test": X[200:], "y_test": Y[200:], "random_state": 0}
TREE = DecisionTreeClassifier(max_leaf_nodes=4, random_state=0)
FOREST = RandomForestClassifier(10, min_samples_leaf=5, random_state=0)


@pytest.fixture(scope="module")
def once():
    """The linear student is the truth, and the better one."""
    return compare_students({"tree": TREE, "linear": LogisticRegression()}, FOREST, **ROWS)


@pytest.fixture()
def compared(once):
    """A copy, so that a test may set costs and budget."""
    return copy(once)


@pytest.fixture(scope="module")
def equal():
    """Two equal students."""
    students = {"one": LogisticRegression(), "two": LogisticRegression()}
    return compare_students(students, FOREST, **ROWS)


def with_costs(comparison, cost, values):
    """Set a cost of the students, by the name of the student."""
    comparison._rows = [
        replace(row, costs=row.costs | {cost: values.get(row.student, 1000.0)})
        for row in comparison.rows()
    ]


@pytest.mark.parametrize("cost", ["kB", "us_per_row", "onnx_ms_per_1000"])
def test_a_better_student_outside_the_budget_is_named(cost, compared):
    with_costs(compared, cost, {"tree": 5.0, "linear": 12.0})
    compared.budget = {cost: 10.0}
    assert compared.best().startswith("tree")
    (said,) = [each for each in on_choice(compared) if each.startswith("Better, but outside")]
    assert "budget: linear" in said and " 12 " in said and "against 10 " in said
    assert ("Times are measured and vary." in said) == (cost != "kB")
    for budget in ({cost: 20.0}, None):
        compared.budget = budget
        assert compared.best().startswith("linear")
        assert not any("outside the budget" in each for each in on_choice(compared))


@pytest.mark.parametrize("linear", [2.0, float("nan")], ids=["worse", "without a file"])
def test_no_other_student_is_named_outside_the_budget(linear, compared):
    """One that is worse, or that has no such cost."""
    with_costs(compared, "onnx_kB", {"tree": 12.0 if linear == 2.0 else 5.0, "linear": linear})
    compared.budget = {"onnx_kB": 10.0}
    assert not any(each.startswith("Better, but") for each in on_choice(compared))


@pytest.mark.parametrize(
    ("sizes", "smallest"),
    [((5.0, 5.0), None), ((5.0, 5.0001), None), ((4.0, 5.0), "one"), ((5.0, 4.0), "two")],
)
def test_the_smallest_of_several_is_named_if_it_is_smaller(sizes, smallest, equal):
    compared = copy(equal)
    with_costs(compared, "kB", dict(zip(("one", "two"), sizes, strict=True)))
    said = on_certainty(compared)[0]
    assert "not certain" in said
    assert ("The smallest of these is" in said) == (smallest is not None)
    assert smallest is None or f"The smallest of these is {smallest}" in said


def test_the_frontier_is_in_the_cost_of_the_budget(compared):
    with_costs(compared, "kB", {"tree": 1.0, "linear": 2.0})
    with_costs(compared, "onnx_kB", {"tree": 2.0, "linear": 1.0})
    students = {name.partition(" ")[0] for name in compared.frontier()}
    assert students == {"tree", "linear"} and compared.frontier() == compared.frontier("kB")
    compared.budget = {"onnx_kB": 10.0, "kB": 10.0}
    assert {name.partition(" ")[0] for name in compared.frontier()} == {"linear"}
    assert compared.frontier() == compared.frontier("onnx_kB")


@pytest.mark.parametrize("numbers", [False, True])
def test_notes_speak_of_the_scores_of_their_kind(numbers):
    """Of classes or of numbers; a number has no hard form, and no row of pseudo-labels."""
    rows = {"X": X[:150], "X_unlabeled": X[150:300], "X_test": X[300:], "random_state": 0}
    y = P[:, 1] + np.random.default_rng(0).normal(size=600) if numbers else Y
    if numbers:
        students = {"tree": DecisionTreeRegressor(max_leaf_nodes=4), "linear": Ridge()}
        teacher = RandomForestRegressor(10, min_samples_leaf=5, random_state=0)
    else:
        students, teacher = {"tree": TREE}, FOREST
    found = compare_students(students, teacher, y=y[:150], y_test=y[300:], **rows)
    text, page = " ".join(str(found).split()), found._repr_html_()
    assert ("tree (pseudo-labels)" in found.names) == (not numbers)
    for word in ("Log-loss", "Brier", "both classes", "same label", "(pseudo-labels)"):
        assert (word in text) <= (not numbers) and (word in page) <= (not numbers)
    assert ("MSE in the squared unit" in text) == numbers
