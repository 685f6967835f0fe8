"""Each score equals a reference value, and each sentence of advice has its triggering teacher."""

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedStratifiedKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill._teachers._folds import LabelledRows
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_teachers
from skdistill.inspection._probability_measures import ProbabilityMeasures
from skdistill.inspection._teacher_quality import MeasuredTeacher, measure_teacher
from skdistill.metrics import brier_loss, expected_calibration_error


class Reader(ClassifierMixin, BaseEstimator):
    """A teacher that reads its probabilities off the rows, whatever it was fitted on."""

    def __init__(self, exponent=1.0, first=0):
        self.exponent = exponent
        self.first = first

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        proba = np.asarray(X)[:, self.first : self.first + len(self.classes_)] ** self.exponent
        return proba / proba.sum(axis=1, keepdims=True)


class Memory(Reader):
    """Reads as well, but repeats the labels of the rows that it was fitted on."""

    def fit(self, X, y):
        self.seen_ = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
        return super().fit(X, y)

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        for row, p_row in zip(X, proba, strict=True):
            if row.tobytes() in self.seen_:
                p_row[:] = 0.01
                p_row[self.seen_[row.tobytes()]] = 1 - 0.01 * (len(p_row) - 1)
        return proba


@pytest.fixture(scope="module")
def exact():
    """Rows that are the true class probabilities themselves, and labels drawn from them."""
    _, y, p_star = make_gaussian_classes(3000, 3, 3, random_state=0)
    return p_star, y


def advice(teachers, X, y, **options):
    return " | ".join(compare_teachers(teachers, X, y, **options).advice)


def test_scores_by_hand():
    """Four rows, two folds: every number can be checked with a pencil."""
    X = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])
    y = np.array([0, 1, 1, 0])
    folds = [([0, 1], [2, 3]), ([2, 3], [0, 1])]
    row = compare_teachers({"reader": Reader()}, X, y, cv=folds).to_frame().loc["reader"]
    # Σ (p − e_y)²: .02, 1.28, .32, .18; fold means .25 and .65.
    assert row["brier"] == pytest.approx(0.45)
    assert row["brier_se"] == pytest.approx(0.2)
    # Confidences .9 (right), .8 (wrong), .6 (right), .7 (right), each in a bin of its own.
    assert row["ece"] == pytest.approx((0.1 + 0.8 + 0.4 + 0.3) / 4)
    assert row["accuracy"] == 0.75
    assert row["sharpness"] == pytest.approx((0.82 + 0.68 + 0.52 + 0.58) / 4)
    assert row["log_loss"] == pytest.approx(-np.log([0.9, 0.2, 0.6, 0.7]).mean())
    assert row["optimism"] == pytest.approx(0)  # it is the same on the rows that it was fitted on


def test_scores_are_those_of_cross_val_predict(iris):
    X, y = iris
    row = compare_teachers({"nb": GaussianNB()}, X, y).to_frame().loc["nb"]
    proba = cross_val_predict(GaussianNB(), X, y, method="predict_proba")
    assert_allclose(row["brier"], brier_loss(y, proba))
    assert_allclose(row["log_loss"], log_loss(y, proba))
    assert_allclose(row["ece"], expected_calibration_error(y, proba, n_bins=15))
    assert_allclose(row["accuracy"], accuracy_score(y, proba.argmax(axis=1)))
    fold_means = [brier_loss(y[test], proba[test]) for _, test in StratifiedKFold(5).split(X, y)]
    assert_allclose(row["brier_se"], np.std(fold_means, ddof=1) / np.sqrt(5))
    in_sample = [
        log_loss(y[train], GaussianNB().fit(X[train], y[train]).predict_proba(X[train]))
        for train, _ in StratifiedKFold(5).split(X, y)
    ]
    assert_allclose(row["optimism"], log_loss(y, proba) - np.mean(in_sample))
    assert row["fit_seconds_per_1000"] > 0 and row["predict_seconds_per_1000"] > 0


def test_it_ranks_and_scores_as_distilling_does(gaussian):
    X, y, _ = gaussian
    forest = RandomForestClassifier(10)
    row = compare_teachers({"forest": forest}, X, y, random_state=3).to_frame().iloc[0]
    model = DistilledClassifier(forest, random_state=3, teacher_temperature="auto", alpha=1.0).fit(
        X, y
    )
    assert_allclose(row["brier"], model.teacher_scores_["raw"]["brier"])
    assert_allclose(row["tempered_log_loss"], model.teacher_scores_["tempered"]["log_loss"])
    assert_allclose(row["temperature"], model.teacher_temperature_)
    # Nor does the company that it is compared in matter.
    both = {"nb": GaussianNB(), "tree": DecisionTreeClassifier(max_depth=2), "forest": forest}
    beside = compare_teachers(both, X, y, random_state=3).to_frame().loc["forest"]
    assert beside["brier"] == row["brier"]


def test_weights_count_like_repeated_rows(gaussian):
    X, y, _ = gaussian
    weight = np.random.default_rng(0).integers(1, 4, len(y))
    folds = list(StratifiedKFold(3).split(X, y))
    start = np.r_[0, np.cumsum(weight)]
    repeat = [
        [np.concatenate([np.arange(start[i], start[i + 1]) for i in rows]) for rows in fold]
        for fold in folds
    ]
    weighted = compare_teachers({"nb": GaussianNB()}, X, y, cv=folds, sample_weight=weight)
    repeated = compare_teachers(
        {"nb": GaussianNB()}, np.repeat(X, weight, axis=0), np.repeat(y, weight), cv=repeat
    )
    measured = [name for name in weighted.to_frame() if "seconds" not in name]
    assert_allclose(weighted.to_frame()[measured], repeated.to_frame()[measured], rtol=1e-6)


def test_optimism_is_paired_by_rows():
    """Over fresh samples it varies about as much as its standard error says."""
    _, y, p_star = make_gaussian_classes(9000, 3, 3, class_sep=0.8, random_state=0)
    X = np.log(p_star)
    frames = [
        compare_teachers({"linear": LogisticRegression()}, X[k::30], y[k::30]).to_frame()
        for k in range(30)
    ]
    optimism = np.array([frame["optimism"].iloc[0] for frame in frames])
    reported = np.mean([frame["optimism_se"].iloc[0] for frame in frames])
    assert 0.4 < reported / optimism.std() < 2.5
    assert optimism.mean() > 4 * optimism.std() / np.sqrt(30)


def test_rows_never_trained_on_do_not_count_in_optimism(exact):
    X, y = exact[0][:300], exact[1][:300]
    a, b, c = np.split(np.arange(300), 3)
    forward = [(a, b), (np.r_[a, b], c)]  # c is never seen
    row = compare_teachers({"memory": Memory()}, X, y, cv=forward).to_frame().iloc[0]
    losses = -np.log(X[b, y[b]])
    assert row["optimism"] == pytest.approx(losses.mean() + np.log(0.98))
    never = [(a, b), (a, c)]
    assert np.isnan(
        compare_teachers({"memory": Memory()}, X, y, cv=never).to_frame()["optimism"].iloc[0]
    )


def test_impossible_rows_count_by_their_weight(exact):
    X, y = exact
    wrong = np.arange(3000) < 30
    X = np.where(wrong[:, None], np.eye(3)[(y + 1) % 3], X)
    quality = measure_teacher(
        "reader",
        MeasuredTeacher(Reader(), ProbabilityMeasures.of(y)[0], {}),
        LabelledRows(X, y),
        folds=list(StratifiedKFold(5).split(X, y)),
        weight=np.where(wrong, 10.0, 1.0),
        n_jobs=None,
    )
    lost = 10 * 30 * -np.log(np.finfo(float).eps)
    others = -np.log(X[~wrong, y[~wrong]]).sum()
    assert quality.details.n_impossible == 30
    assert quality.details.impossible_share == pytest.approx(lost / (lost + others))


def test_times_are_per_thousand_rows(monkeypatch, exact):
    """By a clock that ticks once whenever it is looked at."""
    clock = SimpleNamespace(perf_counter=count().__next__)
    monkeypatch.setattr("skdistill.inspection._teacher_quality.time", clock)
    X, y = exact
    row = compare_teachers({"true": Reader()}, X, y).to_frame().loc["true"]
    assert row["fit_seconds_per_1000"] == pytest.approx(1 / 2.4)
    assert row["predict_seconds_per_1000"] == pytest.approx(1 / 0.6)


def test_the_differences_are_paired(exact):
    X, y = exact
    frame = compare_teachers({"true": Reader(), "sharp": Reader(1.2)}, X, y).to_frame()
    assert frame.index.tolist() == ["true", "sharp"]
    unpaired = np.hypot(*frame["brier_se"])
    assert 0 < frame.loc["sharp", "behind_se"] < 0.3 * unpaired
    assert frame.loc["true", "behind"] == frame.loc["true", "behind_se"] == 0


def test_a_calibrated_teacher_scores_one_minus_its_sharpness(exact):
    X, y = exact
    frame = compare_teachers({"true": Reader(), "sharp": Reader(2.0)}, X, y).to_frame()
    gap = frame["brier"] - (1 - frame["sharpness"])
    assert abs(gap["true"]) < 0.02 < 0.1 < gap["sharp"]


def test_repeated_splitter_counts_every_prediction(gaussian):
    X, y, _ = gaussian
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    comparison = compare_teachers({"nb": GaussianNB()}, X, y, cv=cv)
    assert comparison.n_folds == 6
    once = [
        brier_loss(y[test], GaussianNB().fit(X[train], y[train]).predict_proba(X[test]))
        for train, test in cv.split(X, y)
    ]
    assert_allclose(comparison.to_frame()["brier"], np.mean(once))


def test_a_teacher_without_flaws_gets_no_advice(exact):
    X, y = exact
    assert compare_teachers({"true": Reader()}, X, y).advice == []


def test_less_accurate_but_better_probabilities(exact):
    X, y = exact
    # The first columns are nearly right, but overconfident; the last ones humble, at times wrong.
    rng = np.random.default_rng(0)
    humble = softmax(np.log(X) + 0.4 * rng.normal(size=X.shape), axis=1)
    both = np.hstack([X, humble])
    teachers = {"loud": Reader(8.0), "humble": Reader(first=3)}
    said = advice(teachers, both, y)
    assert "humble is less accurate than loud" in said and "prefer humble" in said
    accurate_and_better = {"loud": Reader(8.0, first=3), "true": Reader()}
    assert "less accurate" not in advice(accurate_and_better, both, y)


def test_teachers_within_noise(exact):
    X, y = exact
    said = advice({"one": Reader(), "two": Reader(1.01)}, X, y)
    assert "do not differ significantly" in said and "prefer" not in said
    assert "differ significantly" not in advice({"one": Reader(), "sharp": Reader(3.0)}, X, y)


def test_a_temperature_that_helps(exact):
    X, y = exact
    said = advice({"sharp": Reader(2.0)}, X, y)
    frame = compare_teachers({"sharp": Reader(2.0)}, X, y).to_frame().loc["sharp"]
    assert frame["temperature"] == pytest.approx(2, rel=0.1)
    saved = frame["log_loss"] - frame["tempered_log_loss"]
    assert f"would lower sharp's log-loss by {saved:.3f}" in said


def test_tempering_may_change_the_order(exact):
    X, y = exact
    blurred = softmax(np.log(X) + 0.5 * np.random.default_rng(0).normal(size=X.shape), axis=1)
    both = np.hstack([X, blurred])
    said = advice({"sharp": Reader(3.0), "blurred": Reader(first=3)}, both, y)
    assert "at its own best temperature sharp is better than blurred" in said
    assert "at its own" not in advice({"true": Reader(), "blurred": Reader(first=3)}, both, y)


def test_in_sample_optimism(exact):
    X, y = exact
    frame = compare_teachers({"memory": Memory()}, X, y).to_frame().loc["memory"]
    assert frame["optimism"] == pytest.approx(frame["log_loss"] + np.log(0.98))
    said = advice({"memory": Memory()}, X, y)
    assert f"memory are {frame['optimism']:.2f} more optimistic" in said and "cross-fit" in said


def test_impossible_rows(exact):
    X, y = exact
    said = advice({"knn": KNeighborsClassifier(1), "true": Reader()}, X, y)
    assert "knn gave probability 0 to the true class" in said and "100% of its log-loss" in said
    assert "true gave" not in said


def test_no_better_than_the_class_frequencies(exact):
    X, y = exact
    said = advice({"reversed": Reader(-1.0)}, X, y)
    assert "distil none of them" in said
    assert "distil none" not in advice({"reversed": Reader(-1.0), "true": Reader()}, X, y)


def test_frozen_teacher_predicts_without_a_fit(exact):
    X, y = exact
    fitted = LogisticRegression().fit(X[:1000], y[:1000])
    comparison = compare_teachers({"frozen": FrozenEstimator(fitted)}, X[1000:], y[1000:])
    proba = fitted.predict_proba(X[1000:])
    assert_allclose(comparison.to_frame()["brier"], brier_loss(y[1000:], proba))
    assert "unbiased only if it has not seen" in comparison.advice[-1]


@pytest.fixture(scope="module")
def patients():
    """Two hundred patients with five visits each, nearly alike, of one outcome."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    outcome = (rng.random(200) < expit(x[:, 0])).astype(int)
    X = np.repeat(x, 5, axis=0) + 0.01 * rng.normal(size=(1000, 4))
    return X, np.repeat(outcome, 5), np.repeat(np.arange(200), 5)


def test_leaky_folds_make_the_worse_teacher_look_better(patients):
    X, y, patient = patients
    teachers = {"memoriser": KNeighborsClassifier(4), "linear": LogisticRegression()}
    shuffled = StratifiedKFold(5, shuffle=True, random_state=0)
    assert compare_teachers(teachers, X, y, cv=shuffled).best_name == "memoriser"
    honest = compare_teachers(teachers, X, y, groups=patient)
    assert honest.best_name == "linear"
    by_splitter = compare_teachers(
        teachers, X, y, groups=patient, cv=StratifiedGroupKFold(5)
    ).to_frame()
    assert_allclose(honest.to_frame()["brier"], by_splitter["brier"])
    compare_teachers(teachers, X, y, groups=patient, cv=GroupKFold(5))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, list])
def test_duplicates_across_folds_give_advice_to_use_groups(patients, container):
    X, y, patient = patients
    twins = np.repeat(X[::5], 5, axis=0)
    shuffled = StratifiedKFold(5, shuffle=True, random_state=0)
    teachers = {"linear": LogisticRegression()}
    if container is list:
        twins, X = twins.tolist(), X.tolist()
    else:
        twins, X = container(twins), container(X)
    assert "give groups" in advice(teachers, twins, y, cv=shuffled)
    assert "give groups" not in advice(teachers, X, y, cv=shuffled)
    assert "give groups" not in advice(teachers, twins, y, groups=patient)
    assert "give groups" not in advice(teachers, twins, y, groups=np.arange(1000))  # they know


def test_nothing_that_came_in_is_changed(iris):
    X, y = iris
    forest = RandomForestClassifier(5)
    given = {"forest": forest}
    copies = X.copy(), y.copy()
    comparison = compare_teachers(given, X, y, random_state=0)
    assert given == {"forest": forest} and comparison.best_teacher is forest
    assert not hasattr(forest, "classes_") and forest.random_state is None
    assert np.array_equal(X, copies[0]) and np.array_equal(y, copies[1])


def test_what_it_looks_like(exact):
    X, y = exact
    teachers = {"<b>true</b>": Reader(), "sharp": Reader(2.0)}
    comparison = compare_teachers(teachers, X, y)
    text = str(comparison)
    header, first, second = text.splitlines()[:3]
    assert header.startswith("teacher") and first.startswith("<b>true") and second[:5] == "sharp"
    assert "15 bins of equal width" in text and "5 folds" in text
    assert all(sentence in text for sentence in comparison.advice)
    html = comparison._repr_html_()
    assert "&lt;b&gt;true" in html and "<b>" not in html and "<li>Temperature" in html
    assert repr(comparison) == "TeacherComparison(['<b>true</b>', 'sharp'], best first)"


def test_labels_of_any_kind_and_dataframes(labelled):
    pd = pytest.importorskip("pandas")
    X, y = labelled
    array = compare_teachers({"nb": GaussianNB()}, X, y).to_frame()
    frame = compare_teachers({"nb": GaussianNB()}, pd.DataFrame(X), list(y)).to_frame()
    assert_allclose(array["brier"], frame["brier"])


X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 3


@pytest.mark.parametrize(
    ("teachers", "error", "match"),
    [
        ({}, ValueError, "empty"),
        ([GaussianNB()], TypeError, "a dict of names and estimators; got list"),
        ({1: GaussianNB()}, TypeError, "must be strings; got 1"),
        ({"svm": LinearSVC()}, TypeError, r"teachers\['svm'\].*CalibratedClassifierCV"),
        ({"class": GaussianNB}, TypeError, r"GaussianNB\(\)"),
        (
            {"other": FrozenEstimator(GaussianNB().fit(X, Y % 2))},
            ValueError,
            r"teachers\['other'\] is frozen and knows the classes \[0, 1\], where y has \[0, 1,",
        ),
    ],
)
def test_teachers_that_cannot_be_compared(teachers, error, match):
    with pytest.raises(error, match=match):
        compare_teachers({**teachers, "nb": GaussianNB()} if "svm" in teachers else teachers, X, Y)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"cv": "in-sample"}, "has not seen; got cv='in-sample'"),
        ({"cv": [(np.arange(60), np.arange(10))]}, "at least 2 folds"),
        ({"cv": [(np.arange(60), np.arange(10))] * 2}, "tests 10 rows that it trains on"),
        ({"cv": list(KFold(5).split(X)), "groups": Y}, "3 groups on both sides, such as 0"),
        ({"cv": LeaveOneGroupOut(), "groups": Y}, "tests the class 0.*show none.*20 rows"),
        ({"cv": 21}, r"cv=21 folds need.*have \[20, 20, 20\] rows"),
        ({"sample_weight": np.zeros(60)}, "weight zero"),
        ({"sample_weight": np.r_[np.zeros(12), np.ones(48)], "cv": KFold(5)}, "no score"),
        (
            {
                "sample_weight": np.r_[np.zeros(6), np.ones(54)],
                "cv": [(np.arange(6), np.arange(6, 60))] * 2,
            },
            "trains on 6 rows of weight zero",
        ),
        ({"groups": Y[:50]}, "inconsistent numbers of samples"),
    ],
)
def test_folds_that_give_no_honest_score(options, match):
    with pytest.raises(ValueError, match=match):
        compare_teachers({"nb": GaussianNB()}, X, Y, **options)


def test_a_class_of_a_single_row():
    with (
        pytest.warns(UserWarning, match="least populated class"),
        pytest.raises(ValueError, match=r"tests the class 9.*1 rows of it.*merge rare classes"),
    ):
        compare_teachers({"nb": GaussianNB()}, X, np.r_[9, Y[1:]])


def test_error_names_the_failing_teacher():
    with pytest.raises(ValueError) as caught:
        compare_teachers({"nb": GaussianNB(), "bad": GaussianNB(priors=[1, 1, 1])}, X, Y)
    assert caught.value.__notes__ == ["This happened to teachers['bad']."]


def test_weights_unsupported_by_the_teacher_warn():
    with pytest.warns(UserWarning, match=r"teachers\['knn'\].*takes no sample_weight"):
        compare_teachers({"knn": KNeighborsClassifier()}, X, Y, sample_weight=np.ones(60))


def test_processes_change_nothing(iris):
    X, y = iris
    one, two = (compare_teachers({"nb": GaussianNB()}, X, y, n_jobs=n).to_frame() for n in (1, 2))
    assert_allclose(one["log_loss"], two["log_loss"], rtol=1e-12)
