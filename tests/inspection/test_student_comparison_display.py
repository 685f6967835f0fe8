"""The display of compared students draws what the comparison measured."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import StudentComparisonDisplay, compare_students

pytest.importorskip("matplotlib").use("agg")


@pytest.fixture(scope="module")
def compared():
    X, y, _ = make_gaussian_classes(500, 4, 2, random_state=0)
    students = {"tree": DecisionTreeClassifier(max_depth=3), "linear": LogisticRegression()}
    teacher = RandomForestClassifier(10, min_samples_leaf=5, random_state=0)
    test = {"X_test": X[200:], "y_test": y[200:]}
    given = {"budget": {"kB": 2.5}, "random_state": 0}
    return compare_students(students, teacher, X[:200], y[:200], **test, **given)


@pytest.mark.parametrize("cost", ["kB", "us_per_row", "ms_per_1000"])
def test_marks_are_at_cost_and_quality(cost, compared):
    display = StudentComparisonDisplay.from_comparison(compared, cost=cost)
    frame = compared.to_frame()
    frame = frame[frame["failure"] == ""]
    assert display.names == frame.index.tolist()
    found = np.concatenate([line.get_xydata() for line in display.lines_])
    np.testing.assert_allclose(found, frame[[cost, "log_loss"]].to_numpy(float))
    np.testing.assert_allclose(display.standard_error, frame["log_loss_se"])
    assert display.ax_.get_xscale() == "log"
    assert "log-loss (lower is better)" in display.ax_.get_ylabel()


def test_twins_are_hollow_and_an_arrow_leads_to_the_distilled(compared):
    display = StudentComparisonDisplay.from_comparison(compared)
    hollow = [line.get_markerfacecolor() == "white" for line in display.lines_]
    assert hollow == [name.endswith("(labels)") for name in display.names]
    arrows = [text for text in display.ax_.texts if text.arrow_patch is not None]
    ends = {(tuple(arrow.xyann), tuple(arrow.xy)) for arrow in arrows}
    frame = compared.to_frame()
    points = {name: tuple(frame.loc[name, ["kB", "log_loss"]]) for name in frame.index}
    assert ends == {(points[f"{name} (labels)"], points[name]) for name in ("tree", "linear")}
    markers = [line.get_marker() for line in display.lines_]
    assert len(set(markers)) == len(set(display.students)) + (markers.count("x") > 0)


def test_the_frontier_is_a_line_and_the_budget_a_region(compared):
    display = StudentComparisonDisplay.from_comparison(compared)
    assert display.limit == 2.5
    (frontier,) = [line for line in display.ax_.lines if line.get_label() == "frontier"]
    frame = compared.to_frame().loc[compared.frontier()]
    np.testing.assert_allclose(frontier.get_xydata(), frame[["kB", "log_loss"]].to_numpy(float))
    (region,) = display.ax_.patches
    assert region.get_x() == 2.5
    assert not StudentComparisonDisplay.from_comparison(compared, cost="us_per_row").ax_.patches


def test_style_is_passed_on(compared):
    display = StudentComparisonDisplay.from_comparison(compared, markersize=3)
    assert {line.get_markersize() for line in display.lines_} == {3}
    with pytest.raises(ValueError, match="A cost is one of"):
        StudentComparisonDisplay.from_comparison(compared, cost="euros")
