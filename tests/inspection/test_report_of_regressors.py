"""Reports and displays of regressors equal independent computations."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledRegressor
from skdistill.datasets import make_hidden_function
from skdistill.inspection import (
    AlphaCurveDisplay,
    CostQualityDisplay,
    RegressionReliabilityDisplay,
    distillation_report,
)
from skdistill.inspection._figures import writer
from skdistill.inspection._number_scores import number_rows, number_scores

MODELS = ("teacher", "student", "distilled")


class Fixed(RegressorMixin, BaseEstimator):
    """A fitted regressor whose prediction for row i is the i-th of a given array."""

    def __init__(self, prediction):
        self.prediction = prediction
        self.fitted_ = True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.asarray(self.prediction, dtype=float)[np.asarray(X)[:, 0].astype(int)]


class Untagged:
    """A regressor of another package, without tags and `fit`."""

    def predict(self, X):
        return X[:, 0]


def numbered(n):
    return np.arange(n, dtype=float)[:, None]


def report_of(*predictions, y, **params):
    models = [Fixed(each) for each in predictions]
    return distillation_report(
        *models, numbered(len(y)), np.asarray(y), random_state=0, n_bootstrap=200, **params
    )


@pytest.fixture(scope="module")
def drawn():
    """Predictions of three models, values and weights."""
    rng = np.random.default_rng(0)
    mean = rng.normal(size=80)
    y = mean + rng.normal(size=80)
    predictions = mean, 2 * mean + rng.normal(size=80), mean + 0.5 * rng.normal(size=80) + 0.1
    return predictions, y, rng.integers(0, 4, 80)


@pytest.fixture(scope="module")
def fitted():
    X, y, _, _ = make_hidden_function(800, noise=0.7, random_state=1)
    train, test = slice(0, 300), slice(300, None)
    forest = ExtraTreesRegressor(20, min_samples_leaf=3, random_state=0)
    tree = DecisionTreeRegressor(max_depth=6, random_state=0)
    distilled = DistilledRegressor(forest, tree, random_state=0).fit(X[train], y[train])
    models = forest.fit(X[train], y[train]), tree.fit(X[train], y[train]), distilled
    return models, X[test], y[test]


@pytest.fixture(scope="module")
def report(fitted):
    models, X, y = fitted
    return distillation_report(*models, X, y, random_state=0)


def test_figures_computed_by_hand():
    got = report_of([1, 2, 3, 6], [1, 1, 1, 5], [0, 2, 2, 4], y=[0, 2, 3, 7])
    quality = {name: {m: e.value for m, e in row.items()} for name, row in got.quality.items()}
    assert quality["mse"] == pytest.approx({"teacher": 0.5, "student": 2.5, "distilled": 2.5})
    assert quality["r2"]["teacher"] == pytest.approx(1 - 0.5 / 6.5)
    assert got.observed_mean == 3
    assert quality["mean_prediction"] == {"teacher": 3, "student": 2, "distilled": 2}
    assert quality["bias"] == {"teacher": 0, "student": -1, "distilled": -1}
    assert quality["calibration_slope"]["student"] == pytest.approx((3 + 1 + 0 + 12) / 12)
    assert (got.gain["mse"].value, got.gain["r2"].value) == (0, 0)
    assert got.gap_recovered["r2"].value == 0 and "mse" not in got.gap_recovered
    assert got.fidelity["teacher_mse"]["distilled"].value == pytest.approx((1 + 0 + 1 + 4) / 4)
    # Residuals −1, 0, 0, 1 of the teacher, and 0, 0, 1, 3 of the distilled student.
    correlation = np.corrcoef([-1, 0, 0, 1], [0, 0, 1, 3])[0, 1]
    assert got.fidelity["residual_correlation"]["distilled"].value == pytest.approx(correlation)


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (-1e3, 1e6), (1e-6, 0.0)])
def test_scores_equal_the_metrics_in_any_unit(drawn, factor, offset):
    predictions, y, weight = drawn
    predictions = [factor * each + offset for each in predictions]
    y = factor * y + offset
    got = report_of(*predictions, y=y, sample_weight=weight)
    for name, predicted in zip(MODELS, predictions, strict=True):
        mine = {measure: row[name].value for measure, row in got.quality.items()}
        line = LinearRegression().fit(predicted[:, None], y, weight)
        expected = {
            "r2": r2_score(y, predicted, sample_weight=weight),
            "mse": mean_squared_error(y, predicted, sample_weight=weight),
            "mean_prediction": np.average(predicted, weights=weight),
            "bias": np.average(predicted - y, weights=weight),
            "calibration_slope": line.coef_[0],
        }
        assert mine == pytest.approx(expected, rel=1e-6)
        if name != "teacher":
            errors = np.cov([y - predicted, y - predictions[0]], aweights=weight)
            correlation = errors[0, 1] / np.sqrt(errors[0, 0] * errors[1, 1])
            found = {measure: row[name].value for measure, row in got.fidelity.items()}
            assert found["residual_correlation"] == pytest.approx(correlation)
            distance = mean_squared_error(predictions[0], predicted, sample_weight=weight)
            assert found["teacher_mse"] == pytest.approx(distance)
    assert got.n_rows == np.count_nonzero(weight)


def test_resampled_scores_are_those_of_the_repeated_rows(drawn):
    (teacher, _, predicted), y, _ = drawn
    weights = np.random.default_rng(0).multinomial(80, np.full(80, 1 / 80), size=5)
    rows = number_rows(predicted, y, teacher)
    got = number_scores(weights.astype(float), rows)
    for k, counts in enumerate(weights):
        repeated = np.repeat(np.arange(80), counts)
        again = number_rows(predicted[repeated], y[repeated], teacher[repeated])
        expected = number_scores(np.ones((1, 80)), again)
        assert {name: score[k] for name, score in got.items()} == pytest.approx(
            {name: score[0] for name, score in expected.items()}
        )


def test_intervals_hold_the_figures_and_follow_the_seed(fitted, report):
    for part in (report.quality, report.fidelity, {"": report.gain}):
        for row in part.values():
            assert all(each.low < each.value < each.high for each in row.values())
    models, X, y = fitted
    again = distillation_report(*models, X, y, random_state=0)
    assert (again.quality, again.gain) == (report.quality, report.gain)


def test_the_interval_of_the_mse_covers_that_of_fresh_rows(fitted):
    tree = clone(fitted[0][1])
    X, y, _, _ = make_hidden_function(40_800, noise=0.7, random_state=1)
    tree.fit(X[:300], y[:300])
    expected = mean_squared_error(y[800:], tree.predict(X[800:]))
    covered = 0
    for start in range(800, 40_800, 400):
        rows = slice(start, start + 400)
        got = report_of(*[tree.predict(X[rows])] * 3, y=y[rows])
        low, high = got.quality["mse"]["student"][1:]
        covered += low <= expected <= high
    assert 88 <= covered <= 100


def test_verdict_where_distilling_paid(report):
    text = " ".join(report.verdict)
    gain = report.gain["mse"]
    assert re.match(r"Distilling paid in R² \(by 0.\d{3} \[.*\) and MSE \(by ", text)
    assert f"MSE (by {gain.value:.4g} [{gain.low:.4g}, {gain.high:.4g}])" in text
    assert re.search(r"distilling recovered \d+ % \[\d+ %, \d+ %\] in R²\.", text)


def test_verdict_where_it_did_not_pay(drawn):
    (good, bad, _), y, _ = drawn
    mirrored = 2 * y - good  # the same squared errors
    same, worse = report_of(good, good, mirrored, y=y), report_of(good, good, bad, y=y)
    text = " ".join(same.verdict)
    assert "as good in R² (+0.000 [" in text
    assert "teacher was no better than the student from the labels alone in R²" in text
    assert "undefined" in str(same)
    assert "are identical" in " ".join(report_of(good, good, good, y=y).verdict)
    assert "alone was better in R² (by" in " ".join(worse.verdict)


def test_a_constant_has_no_slope_and_a_constant_target_no_r2():
    got = report_of([1, 2, 3], [2, 2, 2], [1, 2, 2], y=[1, 2, 4])
    assert set(got.quality["calibration_slope"]) == {"teacher", "distilled"}
    assert got.missing == (
        "The student predicts the same value for all test rows: no calibration slope.",
    )
    got = report_of([1, 2, 3], [2, 2, 2], [1, 2, 2], y=[2, 2, 2])
    assert "r2" not in got.quality and list(got.gain) == ["mse"]
    assert "All test rows have the same value: no R²." in str(got)
    assert got.fidelity.keys() == {"teacher_mse", "residual_correlation"}
    assert got.fidelity["residual_correlation"].keys() == {"distilled"}


def test_too_few_groups_have_no_interval(drawn):
    predictions, y, _ = drawn
    got = report_of(*predictions, y=y, groups=np.arange(80) % 5)
    assert np.isnan(got.quality["r2"]["teacher"].low)
    assert got.verdict[0] == "Too few groups to say whether distilling paid."


def test_cost_is_that_of_the_student_within(report):
    assert (
        report.cost_of["distilled"] == "student_ of a DistilledRegressor, a DecisionTreeRegressor"
    )
    assert report.cost["bytes"]["distilled"].value < report.cost["bytes"]["teacher"].value / 10


def test_html_and_text_hold_every_figure(report, tmp_path):
    path = tmp_path / "report.html"
    report.to_html(path)
    page, text = path.read_text(encoding="utf-8"), str(report)
    for row in report.to_frame().itertuples():
        write = writer(row.part, row.measure)
        written = [write(row.value)]
        if not np.isnan(row.low):
            written.append(f"[{write(row.low)}, {write(row.high)}]")
        assert all(each in page and each in text for each in written)
    assert f"mean prediction (mean of y: {report.observed_mean:.4g})" in text
    assert f"mean of y: {report.observed_mean:.4g}<" in page
    for note in ("log-loss", "Brier", "Agreement"):
        assert note not in text


@pytest.mark.parametrize(
    ("value", "written"), [(1234567.8, "1,234,568"), (12.3456, "12.35"), (0.000123456, "0.0001235")]
)
def test_numbers_are_written_in_their_unit(value, written):
    assert writer("quality", "mse")(value) == written
    assert writer("gain", "mse")(-value) == f"-{written}"
    assert writer("quality", "r2")(value) == f"{value:.3f}"


def test_models_of_other_packages_and_dataframes(fitted):
    (forest, tree, _), X, y = fitted
    columns = pd.DataFrame(X, columns=list("abcde"))
    forest = clone(forest).fit(columns, y)
    got = distillation_report(forest, forest, forest, columns, pd.Series(y), n_bootstrap=100)
    assert got.quality["r2"]["teacher"].value == pytest.approx(forest.score(columns, y))
    untagged = distillation_report(Untagged(), tree, tree, X, y, n_bootstrap=100)
    assert untagged.quality["mse"]["teacher"].value == pytest.approx(np.mean((y - X[:, 0]) ** 2))


X = numbered(4)
Y = [0.0, 1.0, 2.0, 4.0]
GOOD = Fixed(Y)


@pytest.mark.parametrize(
    ("models", "y", "error", "match"),
    [
        ([GOOD] * 3, np.c_[Y, Y], ValueError, r"Fixed.predict\(X\) must have one prediction"),
        ([GOOD] * 3, [0, 1, 2, np.nan], ValueError, "NaN"),
        ([GOOD] * 3, ["a", "b", "c", "d"], ValueError, "could not convert"),
        ([GOOD] * 3, Y[:3], ValueError, "inconsistent numbers of samples"),
        ([GOOD, GOOD, Fixed(np.eye(4))], Y, ValueError, r"Fixed.predict\(X\) must have one"),
        ([GOOD, GOOD, Fixed([0, 1, 2, np.inf])], Y, ValueError, "NaN or infinity"),
        ([GOOD, GOOD, LinearRegression()], Y, NotFittedError, "not fitted"),
        (
            [GOOD, LogisticRegression().fit(X, [0, 0, 1, 1]), GOOD], [0, 0, 1, 1],
            ValueError, "A report compares classifiers",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_refused(models, y, error, match):
    with pytest.raises(error, match=match):
        distillation_report(*models, X, y)


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_reliability_by_hand(plt):
    predicted, y = [1, 1, 1, 2, 3, 9], [0, 2, 4, 2, 4, 7]
    display = RegressionReliabilityDisplay.from_predictions(
        y, predicted, n_bins=2, sample_weight=[1, 1, 1, 1, 2, 0]
    )
    # Equal predictions share a bin: 1, 1, 1 and 2, 3, 3; the last row does not count.
    assert_allclose(display.predicted, [1, 8 / 3])
    assert_allclose(display.observed, [2, 10 / 3])
    assert_allclose(display.standard_error[0], np.sqrt(8) / 3)
    assert_allclose(display.standard_error[1], np.sqrt((4 / 3) ** 2 + (2 * 2 / 3) ** 2) / 3)
    assert display.bias == pytest.approx(11 / 6 - 16 / 6)
    line = LinearRegression().fit(np.c_[predicted[:5]], y[:5], [1, 1, 1, 1, 2])
    assert display.slope == pytest.approx(line.coef_[0])
    assert_allclose(display.line_.get_xydata(), np.c_[display.predicted, display.observed])
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["calibrated", f"slope {display.slope:.2f}, bias -0.8333"]


@pytest.mark.parametrize("n_bins", [1, 7, 100])
def test_bins_have_about_equal_weight(plt, n_bins):
    rng = np.random.default_rng(0)
    predicted, y = rng.normal(size=(2, 50))
    display = RegressionReliabilityDisplay.from_predictions(y, predicted, n_bins=n_bins)
    assert len(display.predicted) == min(n_bins, 50)
    assert (np.diff(display.predicted) > 0).all()
    assert np.isnan(display.standard_error).all() == (n_bins == 100)


def test_reliability_of_several_models_in_one_picture(plt, fitted):
    models, X, y = fitted
    _, ax = plt.subplots()
    for name, model in zip(MODELS, models, strict=True):
        display = RegressionReliabilityDisplay.from_estimator(model, X, y, ax=ax, name=name)
        assert display.ax_ is ax
    _, *handles = ax.get_legend().legend_handles
    looks = {(each.get_marker(), str(each.get_linestyle())) for each in handles}
    assert len(looks) == 3
    texts = [text.get_text().split()[0] for text in ax.get_legend().get_texts()]
    assert texts == ["calibrated", *MODELS]
    alone = RegressionReliabilityDisplay.from_estimator(models[0], X, y, color="black")
    assert alone.line_.get_color() == "black" and alone.name == "ExtraTreesRegressor"


@pytest.mark.parametrize(
    ("y_true", "y_pred", "options", "match"),
    [
        ([0, 1], [0, 1], {"n_bins": 0}, "n_bins must be an integer above 0"),
        ([0, 1], [0, 1, 2], {}, "y_pred must have one prediction for each row of y_true"),
        ([0, 1], [0, np.nan], {}, "y_pred holds NaN"),
        ([0, np.nan], [0, 1], {}, "NaN"),
        (np.eye(2), [0, 1], {}, "2 outputs"),
    ],
)
def test_reliability_of_bad_input(y_true, y_pred, options, match):
    with pytest.raises(ValueError, match=match):
        RegressionReliabilityDisplay.from_predictions(y_true, y_pred, **options)


def test_other_displays_take_regressors(plt, fitted, report):
    display = CostQualityDisplay.from_report(report, quality="r2")
    assert_allclose(display.quality, [report.quality["r2"][name].value for name in MODELS])
    assert display.ax_.get_ylabel() == "R² (higher is better)"
    with pytest.raises(ValueError, match=r"report's scores, \['r2', 'mse'"):
        CostQualityDisplay.from_report(report)
    curve = AlphaCurveDisplay.from_estimator(fitted[0][2])
    assert curve.ax_.get_ylabel() == "Held-out MSE / variance of y"


@pytest.mark.parametrize("quality", ["r2", "mse"])
def test_costs_of_fitted_regressors(plt, fitted, report, quality):
    models, X, y = fitted
    estimators = dict(zip(MODELS, models, strict=True))
    display = CostQualityDisplay.from_estimator(estimators, X, y, cost="bytes", quality=quality)
    assert_allclose(display.quality, [report.quality[quality][name].value for name in MODELS])
    assert_allclose(display.cost, [report.cost["bytes"][name].value for name in MODELS])
    weight = np.arange(len(y)) % 3
    rows = np.repeat(np.arange(len(y)), weight)
    by_weight, repeated = (
        CostQualityDisplay.from_estimator(estimators, *each, cost="bytes", quality=quality, **more)
        for each, more in (((X, y), {"sample_weight": weight}), ((X[rows], y[rows]), {}))
    )
    assert_allclose(by_weight.quality, repeated.quality)
    assert display.names == list(MODELS)


def test_costs_of_regressors_of_several_outputs(plt, drawn):
    (good, bad, _), y, _ = drawn
    models = {name: Fixed(np.c_[each, y]) for name, each in (("good", good), ("bad", bad))}
    display = CostQualityDisplay.from_estimator(
        models, numbered(80), np.c_[y, y], cost="bytes", quality="r2"
    )
    assert_allclose(display.quality, [(1 + r2_score(y, each)) / 2 for each in (good, bad)])


@pytest.mark.parametrize(
    ("quality", "y", "match"),
    [
        (
            "log_loss",
            [0.0, 1.0, 2.0, 4.0],
            r"one of \['r2', 'mse'\] for regressors; got 'log_loss'",
        ),
        ("r2", [1.0] * 4, "same value: no R²"),
        ("mse", [0.0, 1.0], "inconsistent numbers of samples"),
    ],
)
def test_costs_of_regressors_with_bad_input(plt, quality, y, match):
    with pytest.raises(ValueError, match=match):
        CostQualityDisplay.from_estimator({"good": GOOD}, X, y, cost="bytes", quality=quality)


def test_outputs_are_scored_in_units_of_their_deviations(drawn):
    (good, bad, fair), y, weight = drawn
    Y, unit = np.c_[y, y[::-1]], [1.0, 1e4]
    predictions = [np.c_[each, each[::-1]] for each in (good, bad, fair)]
    got, scaled = (
        distillation_report(
            *[Fixed(u * each + 7) for each in predictions], numbered(80), u * Y + 7,
            sample_weight=weight, random_state=0, n_bootstrap=200,
        )
        for u in (np.ones(2), np.array(unit))
    )  # fmt: skip
    for name, each in zip(MODELS, predictions, strict=True):
        expected = r2_score(Y, each, sample_weight=weight)
        assert got.quality["r2"][name].value == pytest.approx(expected)
        assert got.quality["mse"][name].value == pytest.approx(1 - expected)
        for measure, row in got.quality.items():
            assert scaled.quality[measure][name] == pytest.approx(row[name], abs=1e-9)
    assert got.observed_mean == pytest.approx(0, abs=1e-12)
    assert "y has 2 outputs: each is centred" in " ".join(str(got).split())
    assert "y has 2 outputs" not in str(report_of(good, bad, fair, y=y))
    with pytest.warns(DataConversionWarning, match="column-vector"):
        column = report_of(good, bad, fair, y=y[:, None])
    assert column.quality["mse"] == report_of(good, bad, fair, y=y).quality["mse"]


def test_intervals_of_several_outputs_resample_rows(drawn):
    """The same output twice adds no rows: intervals are those of one, in its units."""
    predictions, y, _ = drawn
    one = report_of(*predictions, y=y)
    twice = report_of(*[np.c_[each, each] for each in predictions], y=np.c_[y, y])
    for name in MODELS:
        assert twice.quality["r2"][name] == pytest.approx(one.quality["r2"][name])
    assert twice.gain["mse"] == pytest.approx(np.array(one.gain["mse"]) / y.var())
