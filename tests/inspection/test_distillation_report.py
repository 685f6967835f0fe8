"""The figures, intervals, sentences and pages of a report equal independent computations."""

import dataclasses
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import CascadeClassifier, DistilledClassifier
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import _provenance, _report_layout, distillation_report
from skdistill.inspection._compiled import compile_model
from skdistill.inspection._figures import writer
from skdistill.inspection._intervals import Estimate, estimate
from skdistill.inspection._row_scores import RowScores, bootstrap, rank, weighted_scores
from skdistill.metrics import brier_loss, expected_calibration_error, teacher_agreement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class FixedProba(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose probabilities for row i are the i-th of a given array."""

    def __init__(self, proba, classes=(0, 1)):
        self.proba = proba
        self.classes = classes
        self.classes_ = np.asarray(classes)

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.asarray(self.proba, dtype=float)[np.asarray(X)[:, 0].astype(int)]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class FixedLabels(FixedProba):
    """The same, without its probabilities."""

    predict_proba = property()

    def predict(self, X):
        return self.classes_[np.argmax(self.proba, axis=1)[np.asarray(X)[:, 0].astype(int)]]


class Unconverted(LogisticRegression):
    """A student that no converter knows."""


def fixed_proba(p, kind=FixedProba):
    return kind(np.column_stack([1 - np.asarray(p), p]))


def numbered(n):
    return np.arange(n, dtype=float)[:, None]


def report_of(teacher, student, distilled, y, **params):
    models = [fixed_proba(p) if isinstance(p, list) else p for p in (teacher, student, distilled)]
    return distillation_report(
        *models, numbered(len(y)), np.asarray(y), random_state=0, n_bootstrap=200, **params
    )


@pytest.fixture(scope="module")
def fitted():
    X, y, _ = make_gaussian_classes(700, 4, 2, class_sep=0.7, random_state=1)
    train, test = slice(0, 300), slice(300, None)
    forest = RandomForestClassifier(20, min_samples_leaf=5, random_state=0)
    tree = DecisionTreeClassifier(max_leaf_nodes=20, random_state=0)
    distilled = DistilledClassifier(forest, tree, random_state=0, alpha=1.0).fit(X[train], y[train])
    models = forest.fit(X[train], y[train]), tree.fit(X[train], y[train]), distilled
    return models, X[test], y[test]


@pytest.fixture(scope="module")
def report(fitted):
    models, X, y = fitted
    return distillation_report(*models, X, y, random_state=0)


def test_figures_computed_by_hand():
    got = report_of([0.9, 0.8, 0.1, 0.2], [0.4, 0.6, 0.4, 0.4], [0.8, 0.6, 0.2, 0.4], [1, 1, 0, 0])
    quality = {name: {m: e.value for m, e in row.items()} for name, row in got.quality.items()}
    assert quality["accuracy"] == {"teacher": 1, "student": 0.75, "distilled": 1}
    assert quality["log_loss"]["student"] == pytest.approx(
        -(np.log(0.4) + 3 * np.log(0.6)) / 4, rel=1e-12
    )
    assert quality["brier"] == pytest.approx({"teacher": 0.05, "student": 0.42, "distilled": 0.2})
    # Confidences .6 of which three in four are right; .8 and .6, two each, all right.
    assert quality["ece"]["student"] == pytest.approx(0.15)
    assert quality["ece"]["distilled"] == pytest.approx((0.2 + 0.4) / 2)
    assert quality["auc"]["student"] == 0.75  # of four pairs two are won and two tie
    assert got.gain["brier"].value == pytest.approx(0.22)
    assert got.gap_recovered["brier"].value == pytest.approx(0.22 / 0.37)
    assert got.gap_recovered["accuracy"].value == 1
    assert got.fidelity["agreement"]["student"].value == 0.75
    kl = np.mean([
        0.9 * np.log(0.9 / 0.8) + 0.1 * np.log(0.1 / 0.2),
        0.8 * np.log(0.8 / 0.6) + 0.2 * np.log(0.2 / 0.4),
        0.1 * np.log(0.1 / 0.2) + 0.9 * np.log(0.9 / 0.8),
        0.2 * np.log(0.2 / 0.4) + 0.8 * np.log(0.8 / 0.6),
    ])  # fmt: skip
    assert got.fidelity["kl"]["distilled"].value == pytest.approx(kl, rel=1e-12)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_scores_equal_the_metrics_with_weights_and_strings(n_classes):
    rng = np.random.default_rng(0)
    classes = np.array(["c", "a", "d", "b"])[:n_classes]  # columns in an order of their own
    probas = rng.dirichlet(np.ones(n_classes), size=(3, 60))
    y, weight = rng.choice(classes, 60), rng.integers(0, 3, 60)
    models = [FixedProba(proba, classes) for proba in probas]
    got = distillation_report(
        *models, numbered(60), y, sample_weight=weight, n_bootstrap=100, random_state=0
    )
    order, ranked = np.argsort(classes), np.sort(classes)
    for name, proba in zip(("teacher", "student", "distilled"), probas, strict=True):
        mine = {measure: row[name].value for measure, row in got.quality.items()}
        given = {"sample_weight": weight}
        predicted = classes[proba.argmax(axis=1)]
        expected = {
            "accuracy": accuracy_score(y, predicted, **given),
            "log_loss": log_loss(y, proba[:, order], labels=ranked, **given),
            "brier": brier_loss(y, proba[:, order], classes=ranked, **given),
            "ece": expected_calibration_error(y, proba[:, order], classes=ranked, **given),
        }
        if n_classes == 2:
            expected["auc"] = roc_auc_score(y, proba[:, order[1]], **given)
        assert mine == pytest.approx(expected, rel=1e-9)
    agreement = teacher_agreement(probas[0], probas[2], sample_weight=weight)
    assert got.fidelity["agreement"]["distilled"].value == pytest.approx(agreement)
    assert got.n_rows == np.count_nonzero(weight)


def test_resampled_auc_is_that_of_the_repeated_rows():
    rng = np.random.default_rng(0)
    score, positive = np.round(rng.random(30), 1), rng.random(30) < 0.4
    weights = rng.multinomial(30, np.full(30, 1 / 30), size=5)
    rows = RowScores(["one"], np.ones((30, 1)), rank(score, positive))
    got = weighted_scores(weights.astype(float), rows)["auc"]
    for counts, auc in zip(weights, got, strict=True):
        drawn = np.repeat(np.arange(30), counts)
        assert auc == pytest.approx(roc_auc_score(positive[drawn], score[drawn]))


def test_intervals_of_a_paired_difference_cover_it():
    # Ours is better by 0.1 on average; the rows' own difficulty is shared, and ten times as wide.
    rng, widths = np.random.default_rng(0), []
    covered = covered_by_t = 0
    for seed in range(400):
        difficulty, gain = 10 * rng.normal(size=100), 0.1 + rng.normal(size=100)
        rows = {
            "ours": RowScores(["loss"], (difficulty - gain)[:, None], None),
            "theirs": RowScores(["loss"], difficulty[:, None], None),
        }
        drawn = bootstrap(rows, np.ones(100), 300, np.random.RandomState(seed))
        low, high = np.percentile(drawn["theirs"]["loss"] - drawn["ours"]["loss"], [2.5, 97.5])
        covered += low <= 0.1 <= high
        widths.append(high - low)
        # What is exact for normal differences: 1.984 is the 97.5 % point of Student's t with 99.
        covered_by_t += abs(gain.mean() - 0.1) <= 1.984 * gain.std(ddof=1) / 10
    assert covered / 400 == pytest.approx(covered_by_t / 400, abs=0.025)
    assert covered / 400 > 0.88
    assert np.mean(widths) == pytest.approx(2 * 1.96 / 10, rel=0.05)  # paired, not 10 √2 as wide


def test_resamples_keep_the_weights_of_the_rows():
    rng, weight = np.random.RandomState(0), np.tile([9.0, 1.0], 500)
    loss = RowScores(["loss"], np.tile([0.0, 1.0], 500)[:, None], None)
    drawn = bootstrap({"model": loss}, weight, 200, rng)["model"]["loss"]
    assert drawn.shape == (200,)
    assert drawn.mean() == pytest.approx(0.1, abs=0.003)  # 0.5 without weights
    # The standard error of a weighted mean of n rows: sqrt(Σ w² (x − mean)²) / Σ w.
    error = np.sqrt(500 * (81 * 0.1**2 + 0.9**2)) / 5000
    assert drawn.std() == pytest.approx(error, rel=0.15)


def test_an_interval_leaves_a_fortieth_out_at_either_end():
    assert estimate(7, np.arange(1001.0)) == (7, 25, 975)
    assert estimate(7, np.append(np.arange(1001.0), np.nan)) == (7, 25, 975)
    assert np.isnan(estimate(7, np.full(10, np.nan)).low)


def test_intervals_hold_the_figures_and_follow_the_seed(fitted, report):
    for part in (report.quality, report.fidelity):
        for measure, row in part.items():
            for each in row.values():
                without = measure in ("ece", "kept_at_1_percent")
                assert np.isnan(each.low) if without else each.low < each.value < each.high
    models, X, y = fitted
    again = distillation_report(*models, X, y, random_state=0)
    assert str(again.quality) == str(report.quality)  # NaN is not equal to itself
    assert again.gain == report.gain


def test_verdict_where_distilling_paid_and_recovered_the_gap():
    y = np.tile([0, 1], 100)
    sure, weak, half = (np.where(y, p, 1 - p) for p in (0.9, 0.6, 0.75))
    weak[:40] = 1 - weak[:40]
    got = distillation_report(
        fixed_proba(sure),
        fixed_proba(weak),
        fixed_proba(half),
        numbered(200),
        y,
        random_state=0,
        n_bootstrap=200,
    )
    text = " ".join(got.verdict)
    assert "Distilling paid in accuracy (by 0.200 [" in text
    assert "distilling recovered 100 % [100 %, 100 %] in accuracy" in text
    assert "as good" not in text
    assert "was better" not in text


def test_verdict_where_the_student_was_as_good():
    p = [0.9, 0.8, 0.3, 0.6] * 10
    other = [0.8, 0.9, 0.3, 0.6] * 10  # the same scores, other predictions
    got = report_of(p, p, other, [1, 1, 0, 0] * 10)
    text = " ".join(got.verdict)
    assert "from the labels alone was as good in accuracy (+0.000 [+0.000, +0.000])" in text
    assert "contains 0" in text
    assert "The teacher was no better than the student from the labels alone in accuracy" in text
    assert np.isnan(got.gap_recovered["log_loss"].value)
    assert "undefined" in str(got)
    assert "paid" not in text.lower()
    assert (
        "Distilling did not help here: use the student fitted to the labels alone." in got.summary
    )


P = [0.9, 0.8, 0.3, 0.6] * 10
OTHER = [0.8, 0.9, 0.3, 0.4] * 10


@pytest.mark.parametrize(
    ("models", "identical", "sentence"),
    [
        ((OTHER, P, P), ("student", "distilled"), "alone and the distilled student are identical"),
        ((P, OTHER, P), ("distilled", "teacher"), "student and the teacher are identical"),
        ((P, P, OTHER), ("student", "teacher"), "alone and the teacher are identical"),
    ],
)
def test_identical_models_are_said_to_be_identical(models, identical, sentence):
    got = report_of(*models, [1, 1, 0, 0] * 10)
    assert got.identical == (identical,)
    assert f"{sentence} on all 40 test rows" in " ".join(got.verdict)
    if identical == ("student", "distilled"):
        assert "Distilling changed nothing: use either of the two." in got.summary
        assert "as good" not in " ".join(got.verdict)
    labels = [fixed_proba(p, FixedLabels) for p in models]
    assert report_of(*labels, [1, 1, 0, 0] * 10).identical[0] == identical


def test_verdict_where_the_student_was_better():
    good, bad = [0.9, 0.1] * 50, [0.6, 0.4] * 50
    got = report_of(good, good, bad, [1, 0] * 50)
    text = " ".join(got.verdict)
    lost = np.log(0.9 / 0.6)
    assert f"was better in log-loss (by {lost:.3f} [{lost:.3f}, {lost:.3f}])" in text
    assert got.gain["log_loss"].value == pytest.approx(-lost)
    end = "Distilling harmed here: use the student fitted to the labels alone."
    assert got.summary.endswith(end)


def test_recovered_share_lacks_interval_if_lead_is_uncertain():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 80)
    probas = [np.clip(np.where(y, 0.6, 0.4) + rng.normal(0, 0.2, 80), 0.05, 0.95) for _ in "abc"]
    models = sorted((fixed_proba(p) for p in probas), key=lambda m: log_loss(y, m.proba))
    teacher, distilled, student = models
    got = distillation_report(
        teacher, student, distilled, numbered(80), y, random_state=0, n_bootstrap=200
    )
    gap = got.gap_recovered["log_loss"]
    assert 0 < gap.value < 1
    assert np.isnan(gap.low)
    assert "not certain" in " ".join(got.verdict)


def test_report_omits_metrics_that_need_missing_probabilities():
    y, p = [1, 1, 0, 0], [0.9, 0.4, 0.2, 0.1]
    got = report_of(p, fixed_proba(p, FixedLabels), p, y)
    assert got.quality["accuracy"]["student"].value == 0.75
    assert got.fidelity["agreement"]["student"].value == 1
    assert "accuracy" in got.gain
    for measure in ("log_loss", "brier", "ece", "auc"):
        assert "student" not in got.quality[measure]
        assert measure not in got.gain
    assert "The student has no predict_proba: no log-loss, Brier, ECE or KL" in str(got)
    assert "The student has no decision_function either: no AUC." in got.missing
    alone = report_of(*[fixed_proba(p, FixedLabels)] * 3, y)
    assert list(alone.quality) == ["accuracy"]
    assert list(alone.fidelity) == ["agreement"]
    assert len(alone._repr_html_()) > 1000


def test_scores_of_a_decision_function_rank(fitted):
    (forest, _, distilled), X, y = fitted
    machine = LinearSVC().fit(X, y)
    got = distillation_report(forest, machine, distilled, X, y, random_state=0, n_bootstrap=100)
    expected = roc_auc_score(y, machine.decision_function(X))
    assert got.quality["auc"]["student"].value == pytest.approx(expected)
    assert len(got.missing) == 1


def test_one_class_among_the_test_rows_has_no_auc():
    got = report_of([0.9, 0.8], [0.7, 0.8], [0.9, 0.4], [1, 1])
    assert "auc" not in got.quality
    assert got.missing == ("All test rows have the same label: no AUC.",)


def test_cost_is_that_of_the_student_within(report):
    assert report.cost["bytes"]["distilled"].value < 1.2 * report.cost["bytes"]["student"].value
    assert report.cost_of["distilled"] == (
        "student_ of a DistilledClassifier, a DecisionTreeClassifier"
    )
    assert report.cost_of["student"] == "DecisionTreeClassifier"
    assert all(each.value > 0 for row in report.cost.values() for each in row.values())
    assert report.cost_of["distilled"] in str(report).replace("\n", " ")


def test_a_model_that_does_not_pickle_has_no_bytes(fitted):
    (forest, _, distilled), X, y = fitted
    unpicklable = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    unpicklable.hook = lambda: None
    got = distillation_report(forest, unpicklable, distilled, X, y, n_bootstrap=100)
    assert set(got.cost["bytes"]) == {"teacher", "distilled"}
    assert any("student cannot be pickled" in each for each in got.missing)


def test_dataframes_come_in_and_go_out(fitted, report):
    pd = pytest.importorskip("pandas")
    _, X, y = fitted
    columns = pd.DataFrame(X, columns=list("abcd"))
    forest = RandomForestClassifier(5, random_state=0).fit(columns, y)
    got = distillation_report(forest, forest, forest, columns, pd.Series(y), n_bootstrap=100)
    frame = got.to_frame()
    assert list(frame) == ["part", "measure", "model", "value", "low", "high"]
    assert not frame.duplicated(["part", "measure", "model"]).any()
    picked = frame.query("part == 'quality' and measure == 'accuracy' and model == 'teacher'")
    assert picked["value"].item() == accuracy_score(y, forest.predict(columns))


def test_html_and_text_hold_every_figure_and_no_address(report, tmp_path):
    pytest.importorskip("pandas")
    path = tmp_path / "report.html"
    report.to_html(path)
    page = path.read_text(encoding="utf-8")
    for row in report.to_frame().itertuples():
        write = writer(row.part, row.measure)
        assert write(row.value) in page
        assert write(row.value) in str(report)
        if not np.isnan(row.low):
            interval = f"[{write(row.low)}, {write(row.high)}]"
            assert interval in page
            assert interval in str(report)
    for sentence in report.verdict:
        assert sentence.replace("'", "&#x27;") in page
    assert not re.search(r"https?:|//|src=|href=|@import|url\(|<script", page)
    assert 'name="viewport"' in page
    assert report._repr_html_() in page


def test_labels_in_the_page_are_escaped(fitted):
    y = np.array(["<b>", "a&b"] * 4)
    model = FixedProba(np.tile([[0.7, 0.3], [0.2, 0.8]], (4, 1)), ("<b>", "a&b"))
    model.__class__ = type("T<i>", (FixedProba,), {})
    got = distillation_report(model, model, model, numbered(8), y, n_bootstrap=100)
    assert "T<i>" not in got._repr_html_()


@pytest.mark.parametrize(
    ("models", "y", "match"),
    [
        ((0, 0, 2), [0, 1], r"teacher has \[0, 1\], distilled has \[0, 1, 2\].*adds \[2\].*Fit"),
        ((0, 0, 0), [0, 7], r"y holds \[7\] in 1 of 2 rows.*\[0, 1\].*leave those rows out"),
        ((0, 0, 3), [0, 1], r"distilled.predict\(X\) returns \[0.25, 0.5\].*wrap a regressor"),
        ((0, 0, 4), [0, 1], r"has 3 columns, and the models have 2 classes.*Fit .* on all"),
        ((5, 5, 3), [0, 1], r"None of the models .* has classes_"),
    ],
)
def test_what_does_not_fit_together_is_named(models, y, match):
    kinds = [
        fixed_proba([0.2, 0.9]),
        None,
        FixedProba(np.full((2, 3), 1 / 3), (0, 1, 2)),
        DecisionTreeRegressor().fit(numbered(2), [0.25, 0.5]),
        FixedProba(np.full((2, 3), 1 / 3), (0, 1)),
    ]
    kinds.append(FixedLabels([[0.2, 0.8]] * 2))
    del kinds[-1].classes_
    kinds[-1].fitted_ = True
    with pytest.raises(ValueError, match=match):
        distillation_report(*(kinds[each] for each in models), numbered(2), y)


def test_the_summary_has_ratios_and_the_part_of_the_lead(fitted, report):
    size = report.cost["bytes"]["teacher"].value / report.cost["bytes"]["distilled"].value
    assert size > 10
    kept = report.gap_recovered["auc"]
    assert kept.low > 0  # the lead is certain: else this is a test of another sentence
    start = f"The distilled student is {size:,.0f} times smaller than the teacher, "
    assert report.summary.startswith(start)
    assert re.match(
        "(about [1-9]0* times|about 1.5 times|no) (faster|slower) ", report.summary[len(start) :]
    )
    assert " in batches of 400 rows" in report.summary
    assert f", and keeps {100 * kept.value:.0f} % of the " in report.summary
    row = report.quality["auc"]
    assert f"AUC: {row['teacher'].value:.3f} for the teacher, {row['distilled'].value:.3f}" in (
        report.summary
    )
    assert str(report).split("\n\n")[1].replace("\n", " ") == report.summary


def test_the_summary_says_that_a_kept_part_may_be_none():
    y = np.tile([0, 1], 50)
    good, weak = (np.where(y, p, 1 - p) for p in (0.9, 0.6))
    weak[:40] = 1 - weak[:40]
    other = weak.copy()
    other[[0, 1]] = 1 - other[[0, 1]]  # two more are right, which may be chance
    other[40] = 1 - other[40]
    models = map(fixed_proba, (good, weak, other))
    got = distillation_report(*models, numbered(100), y, random_state=0, n_bootstrap=200)
    gap = got.gap_recovered["auc"]
    assert gap.low <= 0 < gap.value
    assert "fitted to the labels alone, with an interval that contains 0." in got.summary


def test_the_summary_of_a_larger_student_and_of_a_lost_lead():
    y = [1, 1, 0, 0] * 25
    good, fair, bad = (np.where(y, p, 1 - np.array(p)).tolist() for p in (0.9, 0.6, 0.55))
    got = report_of(good, fair, bad, y)
    cost = {"bytes": {"teacher": Estimate(10.0), "distilled": Estimate(1234.0)}}
    text = dataclasses.replace(got, cost=cost).summary
    assert text.startswith(
        "The distilled student is 123 times larger than the teacher, and is worse"
    )
    cost = {"bytes": {"teacher": Estimate(10.0), "distilled": Estimate(10.1)}}
    text = dataclasses.replace(got, cost=cost).summary
    assert text.startswith("The distilled student is no smaller than the teacher, and")
    assert dataclasses.replace(got, cost={}).summary.startswith("The distilled student is worse in")
    uncertain = {name: Estimate(-0.5, -5.0, 0.2) for name in got.gap_recovered}
    text = dataclasses.replace(got, cost={}, gap_recovered=uncertain).summary
    assert text.startswith("The distilled student has no certain gain in")


@pytest.mark.parametrize(
    ("batch", "single", "written"),
    [
        (5.3, 2.0, "about 5 times faster than the teacher in batches of 400 rows, and"),
        (13.4, 1.1, "about 10 times faster than the teacher in batches of 400 rows (but not faster "
         "one by one), and"),
        (1.6, 0.4, "about 1.5 times faster than the teacher in batches of 400 rows (but slower one "
         "by one), and"),
        (1.2, 3.0, "no faster than the teacher in batches of 400 rows, and"),
        (0.1, 0.1, "about 10 times slower than the teacher in batches of 400 rows, and"),
        (12_345, 9.0, "about 10,000 times faster than the teacher in batches of 400 rows, and"),
    ],
)  # fmt: skip
def test_ratios_of_times_are_rounded_and_single_rows_count(batch, single, written, report):
    ratios = {"batch": batch, "single": single}
    cost = {
        kind: {"teacher": Estimate(2.0 * ratio), "distilled": Estimate(2.0)}
        for kind, ratio in ratios.items()
    }
    text = dataclasses.replace(report, cost=cost).summary
    assert text.startswith(f"The distilled student is {written}")
    as_onnx = {f"onnx_{kind}": row for kind, row in cost.items()}
    as_onnx["onnx_bytes"] = {"teacher": Estimate(3e4), "distilled": Estimate(1e4)}
    text = dataclasses.replace(report, cost=cost | as_onnx).summary
    written = written.replace(" than the teacher", "")
    start = "As ONNX files, the distilled student is 3.0 times smaller than the teacher, "
    assert text.startswith(f"{start}{written}")
    del as_onnx["onnx_bytes"]["teacher"]  # it did not convert
    assert not dataclasses.replace(report, cost=cost | as_onnx).summary.startswith("As ONNX")


def test_a_share_above_all_and_an_equal_log_loss_are_in_words(report):
    gaps = report.gap_recovered | {"auc": Estimate(1.3, 0.9, 1.8)}
    text = dataclasses.replace(report, gap_recovered=gaps).summary
    assert "keeps 130 % of the" in text
    assert "(above 100 % means better than the teacher, though not certainly)" in text
    gaps["auc"] = Estimate(1.3, 1.1, 1.8)
    text = dataclasses.replace(report, gap_recovered=gaps).summary
    assert "(above 100 % means better than the teacher)" in text
    over = {"auc": Estimate(-0.2, -0.3, -0.1), "log_loss": Estimate(-0.01, -0.02, 0.005)}
    text = dataclasses.replace(report, gain_over_teacher=over).summary
    equal = "In log-loss there is no certain difference between the distilled student and the "
    assert f"{equal}teacher: -0.010 [-0.020, +0.005]." in text
    for auc, loss in [((-0.2, -0.3, 0.1), (0, -1, 1)), ((-0.2, -0.3, -0.1), (-2, -3, -1))]:
        over = {"auc": Estimate(*auc), "log_loss": Estimate(*loss)}
        assert equal not in dataclasses.replace(report, gain_over_teacher=over).summary


def test_the_gain_over_the_teacher_is_that_of_the_scores(report):
    for name, gain in report.gain_over_teacher.items():
        row = report.quality[name]
        sign = -1 if name in ("log_loss", "brier") else 1
        expected = sign * (row["distilled"].value - row["teacher"].value)
        assert gain.value == pytest.approx(expected) and gain.low <= gain.value <= gain.high


def test_leaves_and_weights_are_in_words(fitted, report):
    (forest, tree, distilled), _, _ = fitted
    leaves = {
        "teacher": f"{sum(each.get_n_leaves() for each in forest.estimators_):,} leaves",
        "student": f"{tree.get_n_leaves()} leaves",
        "distilled": f"{distilled.student_.get_n_leaves()} leaves",
    }
    assert report.sizes == leaves
    weights = {"pseudo_labels": False, "unlabeled_weight": 0.25}
    for text in (str(report), report._repr_html_()):
        assert all(each in text for each in leaves.values())
    text = str(dataclasses.replace(report, weights=weights))
    assert "hard pseudo-labels: no; weight of rows without labels 0.25" in text.replace("\n", " ")


def test_every_weight_has_words():
    assert set(_provenance.WEIGHTS.values()) == set(_report_layout.WEIGHTS)


def test_onnx_files_have_costs_or_a_reason(fitted):
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    (forest, _, distilled), X, y = fitted
    near = Unconverted().fit(X, y)
    got = distillation_report(forest, near, distilled, X, y, n_bootstrap=100, onnx=True)
    for kind in ("onnx_bytes", "onnx_batch", "onnx_single"):
        assert set(got.cost[kind]) == {"teacher", "distilled"}
    assert got.cost["onnx_bytes"]["teacher"].value == compile_model(forest, X).n_bytes
    assert got.summary.startswith("As ONNX files, the distilled student is ")
    (reason,) = (each for each in got.missing if "ONNX" in each)
    assert reason.startswith("The student was not converted to ONNX: ")
    for text in (str(got), got._repr_html_()):
        assert "size, ONNX" in text
        assert "The student was not converted to ONNX" in text


@pytest.mark.parametrize("package", ["skl2onnx", "onnxruntime"])
def test_onnx_without_its_packages_is_refused(package, fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    models, X, y = fitted
    with pytest.raises(ImportError, match=f"onnx=True\\) needs .*{package}"):
        distillation_report(*models, X, y, onnx=True)


def test_a_pipeline_has_preprocessing_and_model_apart(fitted):
    (forest, _, _), X, y = fitted
    slow = FunctionTransformer(wait)
    pipeline = make_pipeline(slow, LogisticRegression()).fit(X, y)
    got = distillation_report(forest, pipeline, pipeline, X, y, n_bootstrap=100)
    before = got.cost["batch_preprocessing"]
    assert set(before) == {"student", "distilled"}
    # The step sleeps for 20 ms, so that it takes the longer time.
    assert before["distilled"].value > got.cost["batch_model"]["distilled"].value
    assert got.model_names["distilled"] == "Pipeline of FunctionTransformer and LogisticRegression"
    assert "are preprocessing, which a smaller model would not save." in " ".join(got.verdict)
    assert (
        "preprocessing"
        not in str(distillation_report(forest, forest, forest, X, y)).split("Cost")[0]
    )


def wait(X):
    time.sleep(0.02)
    return X


def test_the_report_says_where_it_comes_from(report, tmp_path):
    assert report.model_names == {
        "teacher": "RandomForestClassifier",
        "student": "DecisionTreeClassifier",
        "distilled": "DecisionTreeClassifier",
    }
    assert report.weights["alpha"] == 1
    assert set(report.versions) == {"Python", "skdistill", "scikit-learn"}
    path = tmp_path / "report.html"
    report.to_html(path, title="Loans & others")
    page = path.read_text(encoding="utf-8")
    assert page.count("Loans &amp; others") == 2  # the title of the page and its heading
    for text in (*report.versions.values(), report.date, "alpha 1"):
        assert text in page
        assert text in str(report)


def test_measures_have_tooltips_and_the_chart_every_model(report):
    page = report._repr_html_()
    for measure in ("Brier", "ECE", "KL", "AUC"):
        assert re.search(f'<abbr title="{measure}: [^"]+">{measure}</abbr>', page)
    for part, measure in (("quality", "auc"), ("cost", "bytes"), ("cost", "batch")):
        for each in getattr(report, part)[measure].values():
            assert f'<span class="value">{writer(part, measure)(each.value)}</span>' in page
    places = [float(each) for each in re.findall(r'class="point" style="left:([\d.]+)%"', page)]
    auc = [row.value for row in report.quality["auc"].values()]
    assert np.argsort(places).tolist() == np.argsort(auc).tolist()
    assert 0 < min(places) < max(places) < 100


@pytest.mark.parametrize(
    ("n_bytes", "written"),
    [
        (999, "999 bytes"),
        (1234, "1.23 kB"),
        (99_990, "100 kB"),
        (999_600, "1 MB"),
        (676e6, "676 MB"),
    ],
)
def test_sizes_have_units(n_bytes, written):
    assert writer("cost", "bytes")(n_bytes) == written


def test_it_introduces_itself(report):
    assert repr(report).startswith("<DistillationReport on 400 test rows")


def test_bad_input_is_refused(fitted):
    (forest, tree, distilled), X, y = fitted
    with pytest.raises(ValueError, match=r"n_bootstrap=10\."):
        distillation_report(forest, tree, distilled, X, y, n_bootstrap=10)
    with pytest.raises(ValueError, match="None of the 400 test rows carries weight"):
        distillation_report(forest, tree, distilled, X, y, sample_weight=np.zeros(400))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        distillation_report(forest, tree, distilled, X, y[:-1])
    with pytest.raises(NotFittedError):
        distillation_report(forest, DecisionTreeClassifier(), distilled, X, y)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [1200, 400])
def test_the_page_shows_in_a_browser(report, tmp_path, width):
    plt = pytest.importorskip("matplotlib.pyplot")
    page, shot = tmp_path / "report.html", tmp_path / "shot.png"
    report.to_html(page)
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--enable-logging=stderr", f"--window-size={width},2000", f"--screenshot={shot}",
         page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in done.stderr
    image = plt.imread(Path(shot))[:, :, :3]
    assert image.shape[1] == width
    inked = (image < 0.5).any(axis=2)
    assert 0.005 < inked.mean() < 0.5
    assert not inked[:, -4:].any()  # nothing runs out of the right side


def test_the_share_that_is_kept_is_that_of_a_cascade(fitted):
    (forest, tree, distilled), X, y = fitted
    got = distillation_report(forest, tree, distilled, X, y, random_state=0, n_bootstrap=100)
    for name, model in (("student", tree), ("distilled", distilled)):
        frozen = FrozenEstimator(forest), FrozenEstimator(model)
        cascade = CascadeClassifier(*frozen, max_disagreement=0.01).fit(X)
        assert got.fidelity["kept_at_1_percent"][name].value == cascade.coverage_
    assert got.fidelity["kept_at_1_percent"]["student"].value > 0
    assert "kept at 1 %" in str(got)


@pytest.mark.parametrize(
    "given",
    [{"sample_weight": np.arange(1, 401)}, {"groups": np.arange(400) // 2}, {"few": True}],
    ids=["weights", "groups", "few rows"],
)
def test_without_a_bound_no_share_is_kept(given, fitted):
    models, X, y = fitted
    if given.pop("few", False):
        X, y = X[:298], y[:298]  # a bound of 1 % needs 299 rows
    got = distillation_report(*models, X, y, random_state=0, n_bootstrap=100, **given)
    assert "kept_at_1_percent" not in got.fidelity
