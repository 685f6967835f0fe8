"""Displays draw the computed values, and are readable without colour."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import (
    AlphaCurveDisplay,
    BiasVarianceDisplay,
    CostQualityDisplay,
    ReliabilityDisplay,
    TeacherStudentDisplay,
    distillation_report,
)
from skdistill.metrics import expected_calibration_error

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fitted():
    X, y, _ = make_gaussian_classes(300, 3, 2, random_state=0)
    forest = RandomForestClassifier(10, random_state=0)
    distilled = DistilledClassifier(
        forest, LogisticRegression(), random_state=0, alpha=1.0, teacher_temperature=1.0
    )
    distilled.fit(X[:150], y[:150])
    models = {
        "teacher": forest.fit(X[:150], y[:150]),
        "student": LogisticRegression().fit(X[:150], y[:150]),
        "distilled": distilled,
    }
    return models, X[150:], y[150:]


def looks(lines):
    """Return marker, line and whether hollow: what a print in black and white still shows."""
    return {
        (line.get_marker(), str(line.get_linestyle()), line.get_markerfacecolor() == "white")
        for line in lines
    }


def test_reliability_by_hand():
    proba = [[0.9, 0.1], [0.86, 0.14], [0.3, 0.7], [0.28, 0.72]]
    display = ReliabilityDisplay.from_predictions([0, 1, 1, 1], proba, n_bins=10)
    # Bins [.7, .8): .7 and .72, both right; [.8, .9): .86, wrong; [.9, 1]: .9, right.
    np.testing.assert_allclose(display.confidence, [0.71, 0.86, 0.9])
    np.testing.assert_allclose(display.frequency, [1, 0, 1])
    np.testing.assert_allclose(display.share, [0.5, 0.25, 0.25])
    assert display.calibration_error == pytest.approx(0.5 * 0.29 + 0.25 * 0.86 + 0.25 * 0.1)
    np.testing.assert_allclose(display.line_.get_xydata()[:, 1], display.frequency)
    np.testing.assert_allclose(display.points_.get_offsets()[:, 0], display.confidence)


def test_reliability_of_one_class_by_hand():
    proba = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.1, 0.7, 0.2]]
    display = ReliabilityDisplay.from_predictions(
        ["a", "b", "c", "c"], proba, n_bins=2, label="c", sample_weight=[1, 1, 2, 1]
    )
    np.testing.assert_allclose(display.confidence, [0.4 / 3, 0.8])
    np.testing.assert_allclose(display.frequency, [1 / 3, 1])
    np.testing.assert_allclose(display.share, [0.6, 0.4])
    assert "class c" in display.ax_.get_xlabel()


@pytest.mark.parametrize("weighted", [False, True])
def test_reliability_sums_to_the_calibration_error(weighted):
    rng = np.random.default_rng(0)
    proba, y = rng.dirichlet(np.ones(4), 200), rng.integers(0, 4, 200)
    given = {"classes": range(4), "sample_weight": rng.random(200) if weighted else None}
    display = ReliabilityDisplay.from_predictions(y, proba, **given)
    expected = expected_calibration_error(y, proba, **given)
    assert display.calibration_error == pytest.approx(expected, rel=1e-9)
    assert f"ECE {expected:.3f}" in display.ax_.get_legend().get_texts()[0].get_text()


def test_reliability_of_several_models_in_one_picture(fitted):
    models, X, y = fitted
    _, ax = plt.subplots()
    for name, model in models.items():
        display = ReliabilityDisplay.from_estimator(model, X, y, ax=ax, name=name)
        assert display.ax_ is ax
    handles = ax.get_legend().legend_handles
    assert len(looks(handles)) == 3
    texts = [text.get_text().split()[0] for text in ax.get_legend().get_texts()]
    assert texts == list(models)
    assert sum(text.get_text() == "calibrated" for text in ax.texts) == 1


def test_reliability_takes_the_style_it_is_given(fitted):
    models, X, y = fitted
    display = ReliabilityDisplay.from_estimator(models["teacher"], X, y, color="black")
    assert display.line_.get_color() == "black"
    assert display.plot(name="again").ax_ is not None
    assert "again" in display.ax_.get_legend().get_texts()[0].get_text()
    assert "RandomForestClassifier" not in display.ax_.get_legend().get_texts()[0].get_text()


def test_reliability_needs_bins():
    with pytest.raises(ValueError, match="n_bins must be an integer above 0; got n_bins=0"):
        ReliabilityDisplay.from_predictions([0, 1], [[0.5, 0.5]] * 2, n_bins=0)


def test_reliability_of_an_unknown_class():
    with pytest.raises(ValueError, match=r"one of the classes, \[0, 1\].*label=2"):
        ReliabilityDisplay.from_predictions([0, 1], [[0.5, 0.5]] * 2, label=2)


@pytest.mark.parametrize(
    ("quality", "reference"),
    [
        ("log_loss", lambda y, p: log_loss(y, p)),
        ("accuracy", lambda y, p: accuracy_score(y, p.argmax(axis=1))),
        ("brier", lambda y, p: 2 * brier_score_loss(y, p[:, 1])),
        ("ece", expected_calibration_error),
        ("auc", lambda y, p: roc_auc_score(y, p[:, 1])),
    ],
)
def test_cost_and_quality_are_those_of_the_models(fitted, quality, reference):
    models, X, y = fitted
    display = CostQualityDisplay.from_estimator(models, X, y, cost="bytes", quality=quality)
    expected = [reference(y, model.predict_proba(X)) for model in models.values()]
    np.testing.assert_allclose(display.quality, expected)
    assert display.cost[0] > 10 * display.cost[2]  # of the student, not of what holds it
    assert abs(display.cost[1] / display.cost[2] - 1) < 0.2
    drawn = [line.get_ydata()[0] for line in display.lines_]
    np.testing.assert_allclose(drawn, expected)
    assert len(looks(display.lines_)) == 3
    better = "higher" if quality in ("accuracy", "auc") else "lower"
    assert f"{better} is better" in display.ax_.get_ylabel()


def test_cost_and_quality_of_a_report_have_its_intervals(fitted):
    models, X, y = fitted
    report = distillation_report(*models.values(), X, y, n_bootstrap=100, random_state=0)
    display = CostQualityDisplay.from_report(report, cost="single", quality="accuracy")
    for k, name in enumerate(models):
        assert display.quality[k] == report.quality["accuracy"][name].value
        assert display.cost[k] == report.cost["single"][name].value
        low, high = display.ax_.containers[k].lines[2][0].get_segments()[0][:, 1]
        np.testing.assert_allclose([low, high], report.quality["accuracy"][name][1:])
    assert CostQualityDisplay.from_report(report, quality="ece").interval.shape == (3, 2)
    with pytest.raises(ValueError, match="recall"):
        CostQualityDisplay.from_report(report, quality="recall")


def test_cost_and_quality_of_predictions():
    probas = {"a": [[0.5, 0.5]] * 2, "b": [[1.0, 0.0], [0.0, 1.0]]}
    display = CostQualityDisplay.from_predictions(
        [0, 1], probas, {"b": 2.0, "a": 1.0}, quality="brier", cost_label="euros"
    )
    assert display.names == ["a", "b"]
    np.testing.assert_allclose(display.cost, [1, 2])
    np.testing.assert_allclose(display.quality, [0.5, 0])
    assert display.ax_.get_xlabel() == "euros"
    with pytest.raises(ValueError, match="must name the same models"):
        CostQualityDisplay.from_predictions([0, 1], probas, {"a": 1.0})
    with pytest.raises(ValueError, match="'kappa' for 2 classes"):
        CostQualityDisplay.from_predictions([0, 1], probas, {"a": 1, "b": 2}, quality="kappa")
    with pytest.raises(ValueError, match="cost must be one of"):
        CostQualityDisplay.from_estimator({}, None, None, cost="euros")


def test_teachers_against_students(fitted):
    models, X, y = fitted
    teachers = [models["teacher"], GaussianNB().fit(X, y)]
    students = [models["student"], models["distilled"]]
    display = TeacherStudentDisplay.from_estimator(
        teachers, students, X, y, complexity=[3, 30], complexity_label="depth"
    )
    proba = [each.predict_proba(X) for each in teachers]
    np.testing.assert_allclose(display.teacher["log_loss"], [log_loss(y, p) for p in proba])
    expected = [accuracy_score(y, p.argmax(axis=1)) for p in proba]
    np.testing.assert_allclose(display.teacher["accuracy"], expected)
    np.testing.assert_allclose(
        display.student, [log_loss(y, each.predict_proba(X)) for each in students]
    )
    assert list(display.teacher) == ["accuracy", "log_loss", "ece"]
    for panel, scores in zip(display.axes_, display.teacher.values(), strict=True):
        line = panel.containers[0].lines[0]
        np.testing.assert_allclose(line.get_xydata(), np.column_stack([scores, display.student]))
        assert [text.get_text() for text in panel.texts] == ["depth 3", "30"]


def test_teachers_against_students_of_two_kinds_in_one_picture():
    arrays = {"complexity": [1, 2], "teacher": {"accuracy": [0.7, 0.8], "ece": [0.1, 0.3]}}
    first = TeacherStudentDisplay(**arrays, student=[0.5, 0.6], student_error=[0.01, 0.02])
    first.plot(name="trees")
    second = TeacherStudentDisplay(**arrays, student=[0.4, 0.7]).plot(first.axes_, name="linear")
    assert len(looks(box.lines[0] for box in second.axes_[0].containers)) == 2
    names = [text.get_text() for text in second.axes_[0].get_legend().get_texts()]
    assert names == ["trees", "linear"]
    with pytest.raises(ValueError, match="one Axes for each panel"):
        first.plot(ax=plt.subplots()[1])


def test_models_of_other_classes_are_refused(fitted):
    models, X, y = fitted
    other = GaussianNB().fit(X, y + 1)
    with pytest.raises(ValueError, match=r"teacher has \[0, 1\], other has \[1, 2\]"):
        CostQualityDisplay.from_estimator({"teacher": models["teacher"], "other": other}, X, y)
    with pytest.raises(ValueError, match=r"teacher 1 has \[0, 1\], student 1 has \[1, 2\]"):
        TeacherStudentDisplay.from_estimator([models["teacher"]], [other], X, y)


def test_teachers_without_students_are_refused():
    with pytest.raises(ValueError, match="2 teachers, 1 students and 2 complexities"):
        TeacherStudentDisplay.from_predictions([0, 1], [[[0.5, 0.5]] * 2] * 2, [[[0.5, 0.5]] * 2])


def test_bias_and_variance_cross_where_they_break_even():
    display = BiasVarianceDisplay.from_terms(
        [10, 100, 1000], one_hot_variance=1.0, distilled_variance=0.2, squared_bias=0.004
    )
    assert display.break_even == pytest.approx(200)
    np.testing.assert_allclose(display.lines_["one_hot"].get_ydata(), [0.1, 0.01, 0.001])
    np.testing.assert_allclose(display.lines_["distilled"].get_ydata(), [0.024, 0.006, 0.0042])
    np.testing.assert_allclose(display.lines_["squared_bias"].get_ydata(), [0.004] * 3)
    at_200 = 1.0 / 200, 0.2 / 200 + 0.004
    assert at_200[0] == pytest.approx(at_200[1])
    assert "200 rows" in display.ax_.texts[0].get_text()
    assert len(looks(display.lines_.values())) == 4


@pytest.mark.parametrize(
    ("one_hot", "bias", "expected"), [(1.0, 0.0, np.inf), (0.1, 0.1, 0.0), (0.1, 0.0, 0.0)]
)
def test_break_even_at_its_limits(one_hot, bias, expected):
    display = BiasVarianceDisplay.from_terms(
        [10, 100], one_hot_variance=one_hot, distilled_variance=0.2, squared_bias=bias
    )
    assert display.break_even == expected
    assert not display.ax_.texts


def test_bias_and_variance_of_measured_curves():
    display = BiasVarianceDisplay(
        sample_sizes=[5, 50], one_hot_variance=[1, 0.1], distilled_variance=[0.3, 0.05],
        squared_bias=[0.2, 0.1],
    ).plot()  # fmt: skip
    np.testing.assert_allclose(display.lines_["distilled"].get_ydata(), [0.5, 0.15])
    with pytest.raises(ValueError, match=r"one_hot_variance .* 2 sizes.*shape \(3,\)"):
        BiasVarianceDisplay(
            sample_sizes=[5, 50], one_hot_variance=[1, 2, 3], distilled_variance=1, squared_bias=0
        )


def test_plotting_without_matplotlib_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install skdistill\[plot\]"):
        ReliabilityDisplay.from_predictions([0, 1], [[0.9, 0.1], [0.2, 0.8]])


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_figure_shows_in_a_browser(fitted, tmp_path):
    models, X, y = fitted
    display = ReliabilityDisplay.from_estimator(models["teacher"], X, y)
    figure, shot = tmp_path / "figure.svg", tmp_path / "shot.png"
    display.figure_.savefig(figure)
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         "--hide-scrollbars", "--window-size=600,600", f"--screenshot={shot}", figure.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    inked = (plt.imread(shot)[:, :, :3] < 0.6).any(axis=2)
    assert 0.005 < inked.mean() < 0.5


def test_the_curve_behind_an_alpha_that_was_chosen():
    X, y, p_star = make_gaussian_classes(300, 3, 2, random_state=0)
    teacher_proba = 0.5 * p_star + 0.25
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    model = DistilledClassifier(student=tree, alpha="auto").fit(X, y, teacher_proba=teacher_proba)
    display = AlphaCurveDisplay.from_estimator(model)
    alphas, losses, candidates, *_ = model.alpha_curve_
    np.testing.assert_array_equal(display.line_.get_xydata(), np.column_stack([alphas, losses]))
    (points,) = display.points_
    expected = [(each.alpha, each.loss) for each in candidates]
    np.testing.assert_array_equal(points.get_xydata(), expected)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["two students, mixed", "one student", "chosen"]
    with pytest.raises(ValueError, match='Fit it with alpha="auto"'):
        AlphaCurveDisplay.from_estimator(model.set_params(alpha=1.0).fit(X, y))
