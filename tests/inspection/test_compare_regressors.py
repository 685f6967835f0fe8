"""Regressors as candidate teachers: scores against references, advice, and what is refused."""

from inspect import signature

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import all_estimators
from skorch import NeuralNetRegressor
from torch import nn

from skdistill import DistilledRegressor
from skdistill.datasets import make_hidden_function
from skdistill.inspection import compare_teachers
from skdistill.inspection._compare_teachers import _measures_of
from skdistill.inspection._number_measures import NumberMeasures
from skdistill.inspection._probability_measures import ProbabilityMeasures

TREE = DecisionTreeRegressor(max_depth=4, random_state=0)


class Reader(RegressorMixin, BaseEstimator):
    """A teacher that predicts slope · first column + shift, whatever it was fitted on."""

    def __init__(self, slope=1.0, shift=0.0):
        self.slope = slope
        self.shift = shift

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return self.slope * np.asarray(X)[:, 0] + self.shift


class Memory(Reader):
    """Reads as well, but repeats the values of the rows that it was fitted on."""

    def fit(self, X, y):
        self.seen_ = {row.tobytes(): value for row, value in zip(X, y, strict=True)}
        return self

    def predict(self, X):
        read = super().predict(X)
        return [self.seen_.get(row.tobytes(), r) for row, r in zip(X, read, strict=True)]


class Untagged:
    """A teacher of another package, without tags."""

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0]


@pytest.fixture(scope="module")
def exact():
    """Rows whose first column is the true conditional mean, and their values."""
    X, y, mean, _ = make_hidden_function(1000, random_state=0)
    return np.column_stack([mean, X]), y


def table(teachers, X, y, **options):
    return compare_teachers(teachers, X, y, **options).to_frame()


def advice(teachers, X, y, **options):
    return " | ".join(compare_teachers(teachers, X, y, **options).advice)


def test_scores_by_hand():
    """Four rows, two folds: every number can be checked with a pencil."""
    X = np.array([[1.0], [2.0], [3.0], [6.0]])
    y = np.array([0.0, 2.0, 6.0, 8.0])
    row = table({"reader": Reader()}, X, y, cv=2).loc["reader"]
    # Squared errors 1, 0, 9, 4: fold means .5 and 6.5.
    assert row["mse"] == pytest.approx(3.5)
    assert row["mse_se"] == pytest.approx(3)
    assert row["r2"] == pytest.approx(1 - 3.5 / 10)
    assert (row["mean_prediction"], row["observed_mean"], row["bias"]) == (3, 4, -1)
    assert row["bias_se"] == pytest.approx(1.5)  # fold means .5 and −2.5
    # Covariance (−2 · −4 − 1 · −2 + 0 + 3 · 4) / 4 over the variance (4 + 1 + 0 + 9) / 4.
    assert row["calibration_slope"] == pytest.approx(22 / 14)
    assert row["recalibrated_mse"] == pytest.approx(10 - 5.5**2 / 3.5)
    assert row["optimism"] == row["behind"] == 0


def test_scores_are_those_of_cross_val_predict(exact):
    X, y = exact
    row = table({"tree": TREE}, X, y).loc["tree"]
    predicted = cross_val_predict(TREE, X, y, cv=KFold(5))
    assert_allclose(row["mse"], mean_squared_error(y, predicted))
    assert_allclose(row["r2"], r2_score(y, predicted))
    assert_allclose(row["bias"], predicted.mean() - y.mean())
    line = LinearRegression().fit(predicted[:, None], y)
    assert_allclose(row["calibration_slope"], line.coef_[0])
    recalibrated = line.predict(predicted[:, None])
    assert_allclose(row["recalibrated_mse"], mean_squared_error(y, recalibrated))
    fold_means = [mean_squared_error(y[test], predicted[test]) for _, test in KFold(5).split(X, y)]
    assert_allclose(row["mse_se"], np.std(fold_means, ddof=1) / np.sqrt(5))
    in_sample = [
        mean_squared_error(y[train], TREE.fit(X[train], y[train]).predict(X[train]))
        for train, _ in KFold(5).split(X, y)
    ]
    assert_allclose(row["optimism"], row["mse"] - np.mean(in_sample))


def test_it_scores_as_distilling_does(exact):
    X, y = exact
    forest = ExtraTreesRegressor(10)
    row = table({"forest": forest}, X, y, random_state=3).iloc[0]
    model = DistilledRegressor(forest, alpha=1.0, random_state=3).fit(X, y)
    for name, score in model.teacher_scores_.items():
        assert_allclose(row[name], score)


def test_weights_count_like_repeated_rows(exact):
    X, y = exact[0][:200], exact[1][:200]
    weight = np.random.default_rng(0).integers(1, 4, len(y))
    folds = list(KFold(3).split(X, y))
    start = np.r_[0, np.cumsum(weight)]
    repeat = [
        [np.concatenate([np.arange(start[i], start[i + 1]) for i in rows]) for rows in fold]
        for fold in folds
    ]
    weighted = table({"linear": Ridge()}, X, y, cv=folds, sample_weight=weight)
    repeated = table(
        {"linear": Ridge()}, np.repeat(X, weight, axis=0), np.repeat(y, weight), cv=repeat
    )
    measured = [name for name in weighted if "seconds" not in name]
    assert_allclose(weighted[measured], repeated[measured], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("factor", "offset"), [(1e-6, 0.0), (-1e4, 1e6)])
def test_the_unit_of_y_changes_no_order_and_no_advice(exact, factor, offset):
    X, y = exact
    teachers = {"nearest": KNeighborsRegressor(1), "linear": LinearRegression()}
    before, after = (compare_teachers(teachers, X, each) for each in (y, factor * y + offset))
    assert after.names == before.names
    assert [text[:30] for text in after.advice] == [text[:30] for text in before.advice]
    one, two = before.to_frame(), after.to_frame()
    for name in ("r2", "r2_se", "calibration_slope"):
        assert_allclose(two[name], one[name], rtol=1e-6)
    assert_allclose(two["mse"], factor**2 * one["mse"], rtol=1e-6)
    assert_allclose(two["optimism_se"], factor**2 * one["optimism_se"], rtol=1e-6)
    assert_allclose(two["bias"], factor * one["bias"], rtol=1e-5)


def test_the_mean_is_the_best_of_teachers(exact):
    X, y = exact
    teachers = {"steep": Reader(1.5), "true": Reader(), "high": Reader(shift=0.5)}
    comparison = compare_teachers(teachers, X, y)
    assert comparison.best_name == "true"
    assert comparison.best_teacher is teachers["true"]
    frame = comparison.to_frame()
    assert frame.loc["true", "behind"] == frame.loc["true", "behind_se"] == 0
    assert frame.loc["high", "behind"] == pytest.approx(0.25 + 2 * 0.5 * frame.loc["true", "bias"])
    assert frame.loc["steep", "calibration_slope"] == pytest.approx(
        frame.loc["true", "calibration_slope"] / 1.5
    )


def test_folds_are_those_of_distilling(exact):
    """Not stratified, whatever the values are; whole groups where these are given."""
    X, y = exact
    counts = np.round(y).astype(int)
    row = table({"tree": TREE}, X, counts).iloc[0]
    assert_allclose(row["mse"], mean_squared_error(counts, cross_val_predict(TREE, X, counts)))
    groups = np.arange(len(y)) % 10
    row = table({"tree": TREE}, X, y, groups=groups).iloc[0]
    grouped = cross_val_predict(TREE, X, y, cv=GroupKFold(5), groups=groups)
    assert_allclose(row["mse"], mean_squared_error(y, grouped))


def test_copies_across_folds_favour_those_who_memorise(exact):
    X, y = exact[0][:100, 1:], exact[1][:100]
    person = np.tile(np.arange(100), 4)
    X, y = np.tile(X, (4, 1)), np.tile(y, 4)
    teachers = {"memoriser": KNeighborsRegressor(1), "linear": Ridge()}
    leaky = compare_teachers(teachers, X, y)
    assert (
        leaky.best_name == "memoriser" and "100% of the rows have a duplicate" in leaky.advice[-1]
    )
    honest = compare_teachers(teachers, X, y, groups=person)
    assert honest.best_name == "linear" and "duplicate" not in " ".join(honest.advice)


def test_a_teacher_without_flaws_gets_no_advice(exact):
    assert compare_teachers({"true": Reader()}, *exact).advice == []


def test_a_constant_teacher_is_useless(exact):
    X, y = exact
    said = advice({"mean": DummyRegressor()}, X, y)
    assert "No teacher is better than the mean of y alone" in said and "distil none" in said
    assert "distil none" not in advice({"mean": DummyRegressor(), "true": Reader()}, X, y)


def test_teachers_within_noise(exact):
    said = advice({"one": Reader(shift=0.03), "two": Reader(shift=-0.03)}, *exact)
    assert "one do not differ significantly" in said or "two do not differ significantly" in said
    assert "their mean squared errors differ by 0.00" in said
    assert "differ significantly" not in advice({"one": Reader(), "steep": Reader(3.0)}, *exact)


@pytest.mark.parametrize(
    ("teacher", "finding"),
    [
        (Reader(2.0), "its predictions vary too much (slope 0."),
        (Reader(0.5), "its predictions vary too little (slope 1."),
        (Reader(shift=0.6), "its bias is 0.5"),
    ],
)
def test_a_recalibration_that_helps(exact, teacher, finding):
    said = advice({"it": teacher, "true": Reader()}, *exact)
    assert f": {finding}" in said and "lower it's mean squared error by" in said
    assert "true's" not in said


def test_in_sample_optimism(exact):
    X, y = exact
    row = table({"memory": Memory()}, X, y).iloc[0]
    assert row["optimism"] == row["mse"]
    said = advice({"memory": Memory()}, X, y)
    assert "of memory are optimistic" in said and "0% of that" in said and "cross-fit" in said


def test_frozen_teacher_predicts_without_a_fit(exact):
    X, y = exact
    fitted = FrozenEstimator(Ridge().fit(X[:500], y[:500]))
    comparison = compare_teachers({"frozen": fitted}, X[500:], y[500:])
    assert_allclose(
        comparison.to_frame()["mse"], mean_squared_error(y[500:], fitted.predict(X[500:]))
    )
    assert "unbiased only if it has not seen" in comparison.advice[-1]


def test_what_it_looks_like(exact):
    comparison = compare_teachers({"<b>true</b>": Reader(), "steep": Reader(2.0)}, *exact)
    text, html = str(comparison), comparison._repr_html_()
    assert text.split()[:7] == ["teacher", "MSE", "behind", "R²", "bias", "slope", "optimism"]
    assert f"the mean of y, {exact[1].mean():.4g}." in text and "5 folds" in text
    assert all(sentence in text for sentence in comparison.advice)
    assert "&lt;b&gt;true" in html and "<b>" not in html


@pytest.mark.parametrize("form", [pd.DataFrame, sparse.csr_array])
def test_containers_of_rows(exact, form):
    X, y = exact
    teachers = {"linear": LinearRegression()}
    frame = table(teachers, form(X), pd.Series(y))
    assert_allclose(frame["mse"], table(teachers, X, list(y))["mse"], rtol=1e-6)


def test_teachers_of_other_packages(exact):
    X, y = (each.astype(np.float32) for each in exact)
    net = NeuralNetRegressor(
        nn.Linear, module__in_features=6, module__out_features=1, max_epochs=2, verbose=0
    )
    frame = table({"net": net, "untagged": Untagged(), "reader": Reader()}, X, y, cv=2)
    assert frame.loc["untagged", "mse"] == frame.loc["reader", "mse"]
    assert frame["r2"].notna().all()


def test_a_constant_target():
    frame = table({"linear": Ridge()}, X, np.ones(60))
    assert np.isnan(frame["r2"].iloc[0]) and frame["mse"].iloc[0] == pytest.approx(0)


def _unfitted(name, cls):
    parameters = {"estimators": [("a", Ridge())], "estimator": Ridge(), "base_estimator": Ridge()}
    names = signature(cls).parameters.keys() & parameters.keys()
    if "estimator" in names:
        names -= {"base_estimator"}  # its deprecated name, in scikit-learn 1.7
    return cls(**{name: parameters[name] for name in names})


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive")
@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_all_estimators_are_measured_by_their_kind(kind):
    measures = {"regressor": NumberMeasures, "classifier": ProbabilityMeasures}[kind]
    for name, cls in all_estimators(kind):
        assert _measures_of({name: _unfitted(name, cls)}) is measures


X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] + 1


@pytest.mark.parametrize(
    ("teachers", "y", "error", "match"),
    [
        (
            {"nb": GaussianNB(), "ridge": Ridge(), "logistic": LogisticRegression()}, Y,
            TypeError, r"\['ridge'\] are regressors, \['nb', 'logistic'\] are not",
        ),
        ({"class": Ridge}, Y, TypeError, r"Ridge\(\)"),
        ({1: Ridge()}, Y, TypeError, "must be strings; got 1"),
        ({"gp": GradientBoostingRegressor()}, np.c_[Y, Y], ValueError, "2 outputs, and Gradient"),
        ({"ridge": Ridge()}, np.r_[np.nan, Y[1:]], ValueError, "NaN"),
        ({"ridge": Ridge()}, np.r_[np.inf, Y[1:]], ValueError, "infinity"),
        ({"ridge": Ridge()}, np.tile(["a", "b"], 30), ValueError, "could not convert"),
        ({"ridge": Ridge()}, None, ValueError, "requires y"),
        ({"nb": GaussianNB()}, Y, ValueError, "For a continuous target"),
        ({"frozen": FrozenEstimator(Ridge())}, Y, Exception, "is not fitted"),
    ],
)  # fmt: skip
def test_teachers_that_cannot_be_compared(teachers, y, error, match):
    with pytest.raises(error, match=match):
        compare_teachers(teachers, X, y)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"cv": "in-sample"}, "has not seen; got cv='in-sample'"),
        ({"cv": [(np.arange(60), np.arange(10))] * 2}, "tests 10 rows that it trains on"),
        ({"cv": list(KFold(5).split(X)), "groups": np.arange(60) % 3}, "groups on both sides"),
        ({"cv": 61}, "n_splits=61"),
        ({"sample_weight": np.zeros(60)}, "weight zero"),
        ({"sample_weight": np.r_[np.zeros(12), np.ones(48)]}, "no score"),
    ],
)
def test_folds_that_give_no_honest_score(options, match):
    with pytest.raises(ValueError, match=match):
        compare_teachers({"ridge": Ridge()}, X, Y, **options)


class Slopes(RegressorMixin, BaseEstimator):
    """A teacher of two outputs: slope and 1000 times the first column."""

    def __init__(self, slope=1.0):
        self.slope = slope

    def fit(self, X, y, sample_weight=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.outer(np.asarray(X)[:, 0], [self.slope, 1000.0])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def test_several_outputs_count_alike():
    """The second output is predicted alike, in a unit that would hide the first."""
    noise = np.random.default_rng(1).normal(size=(60, 2))
    both = np.c_[X[:, 0], 1000 * X[:, 0]] + noise * [0.3, 300]
    weight = np.arange(60) % 3
    teachers = {"flat": Slopes(0.0), "right": Slopes()}
    comparison = compare_teachers(teachers, X, both, sample_weight=weight, cv=3)
    assert comparison.names == ["right", "flat"]
    frame = comparison.to_frame()
    for name, teacher in teachers.items():
        r2 = r2_score(both, teacher.predict(X), sample_weight=weight)
        assert frame.loc[name, "r2"] == pytest.approx(r2)
        assert frame.loc[name, "mse"] == pytest.approx(1 - r2)
    assert frame.loc["right", "observed_mean"] == pytest.approx(0, abs=1e-12)
    assert "y has 2 outputs: each is centred" in str(comparison)
    assert "outputs" not in str(compare_teachers({"ridge": Ridge()}, X, Y))


def test_one_output_twice_is_one_output():
    one = compare_teachers({"ridge": Ridge()}, X, Y**2).to_frame().iloc[0]
    twice = compare_teachers({"ridge": Ridge()}, X, np.c_[Y, Y] ** 2).to_frame().iloc[0]
    unit = (Y**2).std()
    for name in ("r2", "r2_se", "calibration_slope", "calibration_slope_se"):
        assert twice[name] == pytest.approx(one[name])
    for name in ("mse", "mse_se", "optimism", "optimism_se", "recalibrated_mse"):
        assert twice[name] == pytest.approx(one[name] / unit**2)
