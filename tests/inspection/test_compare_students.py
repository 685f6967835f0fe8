"""Students are compared by figures with known answers, with one teacher for all of them."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import binomtest, ks_2samp
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.metrics import log_loss, mean_squared_error, r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import CascadeClassifier, DistilledClassifier
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_students, distillation_report
from skdistill.inspection._class_task import calibration_slope, kolmogorov_smirnov
from skdistill.inspection._halved_rows import half_of, halvings
from skdistill.inspection._settings import settings
from skdistill.inspection._student_certainty import on_certainty, on_more_rows
from skdistill.inspection._student_models import described_models
from skdistill.inspection._teacher_part import LABELS_CHOSEN
from skdistill.inspection._training_rows import TrainingRows
from skdistill.metrics import smooth_calibration_error, soft_log_loss

TREE = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0)
FOREST = RandomForestClassifier(10, min_samples_leaf=5, random_state=0)
FITS = []  # one entry for each fit of a CountedTeacher


class CountedTeacher(GaussianNB):
    """A teacher whose fits are counted."""

    def fit(self, X, y, sample_weight=None):
        FITS.append(len(y))
        return super().fit(X, y, sample_weight)


class Bayes(ClassifierMixin, BaseEstimator):
    """A teacher that reads the true probabilities off the last columns of the rows."""

    def __init__(self, n_classes=2):
        self.n_classes = n_classes

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.asarray(X)[:, -self.n_classes :]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Failing(DecisionTreeClassifier):
    """A student that fails in a fit on too few rows, in predictions, or always."""

    def __init__(self, fails="always", max_depth=3):
        super().__init__(max_depth=max_depth)
        self.fails = fails

    def fit(self, X, y, sample_weight=None):
        if self.fails == "always" or (self.fails == "few" and len(y) < 250):
            raise RuntimeError("no luck")
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        if self.fails == "predict":
            raise RuntimeError("no answer")
        return super().predict_proba(X)


class NoSoftLabels(LogisticRegression):
    """A student that fits labels of few rows only: no expansion, and no pseudo-labels."""

    def fit(self, X, y, sample_weight=None):
        if len(y) > 300 or sample_weight is not None:
            raise RuntimeError("labels alone")
        return super().fit(X, y)


def features(X):
    """Return the rows without the true probabilities of two classes."""
    return X[:, :-2]


@pytest.fixture(scope="module")
def rows():
    X, y, _ = make_gaussian_classes(800, 4, 2, random_state=0)
    return {"X": X[:300], "y": y[:300], "X_test": X[300:], "y_test": y[300:]}


@pytest.fixture(scope="module")
def compared(rows):
    students = {"tree": TREE, "linear": LogisticRegression()}
    return compare_students(students, FOREST, **rows, random_state=0, budget={"kB": 50})


def test_the_rows_are_students_twins_and_teachers(compared):
    names = ["tree", "tree (labels)", "linear", "linear (labels)", "teacher", "teacher (ONNX)"]
    assert compared.names == names
    frame = compared.to_frame()
    assert frame.index.tolist() == names
    hows = {0.0: "labels alone, as chosen"}
    for name in ("tree", "linear"):
        assert frame.loc[name, "how"] == hows.get(frame.loc[name, "alpha"], "distilled")
        assert frame.loc[f"{name} (labels)", "how"] == "labels alone"
    assert frame.loc["tree", "size"] <= 8 and frame.loc["linear", "size"] == 5
    assert (frame[["kB", "us_per_row", "ms_per_1000"]].dropna() > 0).all(axis=None)
    assert frame["gain"].notna().tolist() == [True, False, True, False, False, False]


@pytest.mark.parametrize("name", ["tree", "linear"])
def test_figures_are_those_of_a_report_for_each_alone(name, compared, rows):
    student = {"tree": TREE, "linear": LogisticRegression()}[name]
    X, y, X_test, y_test = rows.values()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # alpha = 0
        distilled = DistilledClassifier(FOREST, student, random_state=0).fit(X, y)
    models = (clone(FOREST).fit(X, y), compared.models[f"{name} (labels)"], distilled)
    report = distillation_report(*models, X_test, y_test, random_state=0)
    names = {"teacher": "teacher", "student": f"{name} (labels)", "distilled": name}
    of_row = {row.name: row for row in compared.rows()}
    for score in ("log_loss", "brier", "accuracy", "auc"):
        for role, row in names.items():
            found, expected = of_row[row].figure(score), report.quality[score][role]
            np.testing.assert_allclose([found.value, *found[2:]], expected, rtol=1e-12)
    gain = of_row[name].figure("gain")
    np.testing.assert_allclose([gain.value, *gain[2:]], report.gain["log_loss"], atol=1e-14)
    agreement = of_row[name].figure("agreement").value
    assert agreement == report.fidelity["agreement"]["distilled"].value


def test_measures_are_their_definitions(compared, rows):
    y = rows["y_test"]
    for name, model in compared.models.items():
        row, proba = compared.to_frame().loc[name], model.predict_proba(rows["X_test"])
        p = proba[:, 1]
        tolerance = 1e-6 if name == "teacher (ONNX)" else 1e-10
        assert row["mean_prediction"] == pytest.approx(p.mean(), abs=tolerance)
        assert row["observed_mean"] == pytest.approx(y.mean())
        expected = smooth_calibration_error(y, proba)
        assert row["smooth_calibration_error"] == pytest.approx(expected, abs=1e-4)
        assert row["ks"] == pytest.approx(ks_2samp(p[y == 0], p[y == 1]).statistic, abs=0.01)
        assert row["auc"] == pytest.approx(roc_auc_score(y, p), abs=1e-3)


def test_the_slope_of_predictions_twice_as_extreme_is_half():
    rng = np.random.default_rng(0)
    logit = rng.normal(size=200_000)
    y = (rng.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(int)
    weight = np.ones(len(y))
    for factor in (0.5, 1.0, 2.0):
        p = 1 / (1 + np.exp(-factor * logit))
        assert calibration_slope(p, y, weight) == pytest.approx(1 / factor, rel=0.03)
    times = rng.integers(0, 3, size=1000)
    p, y = 1 / (1 + np.exp(-logit[:1000])), y[:1000]
    for measure in (calibration_slope, kolmogorov_smirnov):
        repeated = measure(np.repeat(p, times), np.repeat(y, times), np.ones(times.sum()))
        assert measure(p, y, times.astype(float)) == pytest.approx(repeated, rel=1e-4)


def test_with_a_bayes_teacher_the_share_of_the_lead_is_known():
    """The gain of a tree and the lead of the true probabilities follow from these."""
    X, y, p_star = make_gaussian_classes(6300, 4, 2, random_state=0)
    X = np.column_stack([X, p_star])
    tree = make_pipeline(FunctionTransformer(features), DecisionTreeClassifier(max_depth=4))
    test = {"X_test": X[300:], "y_test": y[300:]}
    compared = compare_students({"tree": tree}, Bayes(), X[:300], y[:300], **test, random_state=0)
    true = p_star[300:]
    loss = {
        name: soft_log_loss(true, compared.models[name].predict_proba(X[300:]))
        for name in ("tree", "tree (labels)", "teacher")
    }
    lead = loss["tree (labels)"] - loss["teacher"]
    row = compared.to_frame().loc["tree"]
    error = 4 * row["share_of_lead_se"]
    expected = (loss["tree (labels)"] - loss["tree"]) / lead
    assert 0.2 < expected < 1
    assert row["share_of_lead"] == pytest.approx(expected, abs=error) and error < 0.3
    assert row["alpha"] > 0
    assert "distilling pays" in compared.sentences[0]
    assert "of the teacher's lead" in compared.sentences[0]


def test_a_lead_within_two_standard_errors_has_no_share(rows):
    """The linear student is the truth here: the forest has no lead over it."""
    compared = compare_students(
        {"linear": LogisticRegression()}, FOREST, **rows, alpha=0.1, random_state=0
    )
    assert "share_of_lead" not in compared.to_frame()
    assert "no certain difference" in compared.sentences[0]


def test_a_student_that_dominates_is_alone_on_the_frontier(rows):
    students = {"good": LogisticRegression(), "bad": RandomForestClassifier(30, max_depth=1)}
    compared = compare_students(students, FOREST, **rows, random_state=0)
    assert {name.removesuffix(" (labels)") for name in compared.frontier()} == {"good"}
    assert compared.best().startswith("good")


def test_equal_students_tie(rows):
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    students = {"one": tree, "two": clone(tree)}
    compared = compare_students(students, FOREST, **rows, random_state=0)
    frame = compared.to_frame()
    scores = ["log_loss", "brier", "accuracy", "gain", "kB", "size"]
    assert (frame.loc["one", scores] == frame.loc["two", scores]).all()
    frontier = compared.frontier()
    assert ("one" in frontier) == ("two" in frontier)
    assert ("one (labels)" in frontier) == ("two (labels)" in frontier)


@pytest.mark.parametrize("cost", ["kB", "ms_per_1000"])
def test_the_frontier_is_its_definition(cost, compared):
    frame = compared.to_frame()
    students = frame[frame["student"] != ""]
    kept = [
        name
        for name, row in students.iterrows()
        if not (
            (students["log_loss"] <= row["log_loss"])
            & (students[cost] <= row[cost])
            & ((students["log_loss"] < row["log_loss"]) | (students[cost] < row[cost]))
        ).any()
    ]
    assert compared.frontier(cost) == sorted(kept, key=lambda name: students.loc[name, cost])


def test_the_best_within_a_budget(compared):
    frame = compared.to_frame()
    students = frame[frame["student"] != ""]
    assert compared.best({"kB": 1e6}) == students["log_loss"].idxmin()
    limit = students["kB"].min()
    assert compared.best({"kB": limit}) == students[students["kB"] <= limit]["log_loss"].idxmin()
    with pytest.raises(
        ValueError,
        match=r"budget 0.1 kB.*nearest is 'linear.* with [\d.]+ kB.*has the budget onnx_kB",
    ):
        compared.best({"kB": 0.1})
    for budget, match in (
        ({"euros": 1}, r"one of \['kB', 'us_per_row', .*'onnx_ms_per_1000'\]; got 'euros'"),
        ({"kB": 0}, "above 0; got 0"),
        ({}, "must be a dict of limits"),
    ):
        with pytest.raises(ValueError, match=match):
            compared.best(budget)
    with pytest.raises(ValueError, match="A cost is one of"):
        compared.frontier("euros")


@pytest.mark.parametrize("further", [{}, {"X_unlabeled": True}])
def test_each_fold_teacher_is_fitted_once_for_all_students(further, rows):
    X, y = rows["X"], rows["y"]
    if further:
        further = {"X_unlabeled": rows["X_test"][:100]}
    counts = []
    for n_students in (1, 3):
        FITS.clear()
        students = {f"tree {n}": clone(TREE).set_params(max_leaf_nodes=n + 2) for n in range(3)}
        chosen = dict(list(students.items())[:n_students])
        compare_students(chosen, CountedTeacher(), X, y, cv=2, random_state=0, **further)
        counts.append(len(FITS))
    # In two folds and on all rows: six fold teachers of the default, and the teacher itself.
    assert counts == [3 * 7, 3 * 7]


def test_a_cache_of_ones_own_serves_the_next_comparison(rows, tmp_path):
    given = rows | {"memory": tmp_path, "random_state": 0}
    FITS.clear()
    first = compare_students({"tree": TREE}, CountedTeacher(), **given)
    n_first = len(FITS)
    second = compare_students({"linear": LogisticRegression()}, CountedTeacher(), **given)
    assert n_first == 7 and len(FITS) == n_first + 1  # the teacher that is shipped
    scores = [each.to_frame().loc["teacher", "log_loss"] for each in (first, second)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("fails", "test"),
    [("always", True), ("always", False), ("predict", True), ("predict", False), ("few", False)],
)
def test_a_student_that_fails_is_reported_and_the_others_go_on(fails, test, rows):
    more = {"cv": 2, "X_unlabeled": rows["X_test"][:100]}
    given = rows if test else {"X": rows["X"], "y": rows["y"], **more}
    students = {"poor": Failing(fails), "tree": TREE}
    compared = compare_students(students, FOREST, **given, random_state=0)
    frame = compared.to_frame()
    assert "RuntimeError: no" in frame.loc["poor (labels)", "failure"]
    assert frame.loc["poor", "failure"]
    assert frame.loc["tree", "failure"] == "" and frame.loc["tree", "log_loss"] > 0
    assert any("poor: could not be compared" in each for each in compared.sentences)
    assert "poor" not in compared.models


def test_if_all_students_fail_best_says_why(rows):
    compared = compare_students({"poor": Failing()}, FOREST, **rows, random_state=0)
    for call in (compared.best, compared.frontier):
        with pytest.raises(ValueError, match=r"No student could be compared.*no luck"):
            call()
    assert "No student could be compared." in str(compared)


def test_a_student_without_probabilities_says_so_in_its_row(rows):
    compared = compare_students({"svc": LinearSVC(), "tree": TREE}, FOREST, **rows)
    failures = compared.to_frame()["failure"]
    assert "no predict_proba" in failures["svc"] and "no predict_proba" in failures["svc (labels)"]


def test_folds_are_scored_out_of_fold(rows):
    """The teacher's log-loss, by hand."""
    X, y = rows["X"], rows["y"]
    folds = list(KFold(3).split(X))
    compared = compare_students({"tree": TREE}, GaussianNB(), X, y, cv=folds, random_state=0)
    losses = [
        log_loss(y[test], GaussianNB().fit(X[train], y[train]).predict_proba(X[test]))
        for train, test in folds
    ]
    row = compared.to_frame().loc["teacher"]
    assert row["log_loss"] == pytest.approx(np.mean(losses))
    assert row["log_loss_se"] == pytest.approx(np.std(losses, ddof=1) / np.sqrt(3))
    assert not {"max_disagreement", "kept_at_1_percent"} & set(compared.to_frame())
    assert "out of fold" in compared.notes[0]


def test_weights_of_the_rows_count_in_scores(rows):
    X, y = rows["X"], rows["y"]
    weight = np.random.default_rng(0).uniform(0.5, 2, size=len(y))
    folds = list(KFold(2).split(X))
    given = {"cv": folds, "sample_weight": weight, "random_state": 0}
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    compared = compare_students({"linear": pipeline}, GaussianNB(), X, y, **given)
    proba = np.vstack(
        [
            GaussianNB().fit(X[train], y[train], weight[train]).predict_proba(X[test])
            for train, test in folds
        ]
    )
    tested = np.concatenate([test for _, test in folds])
    expected = log_loss(y[tested], proba, sample_weight=weight[tested])
    assert compared.to_frame().loc["teacher", "log_loss"] == pytest.approx(expected)
    assert type(compared.models["linear (labels)"]) is type(pipeline)


def test_the_bound_on_disagreement_is_exact(compared, rows):
    frame = compared.to_frame()
    teacher = compared.models["teacher"].predict(rows["X_test"])
    for name in ("tree", "linear (labels)"):
        other = compared.models[name].predict(rows["X_test"]) != teacher
        test = binomtest(int(other.sum()), len(other), alternative="less")
        expected = test.proportion_ci(0.95, method="exact").high
        assert frame.loc[name, "max_disagreement"] == pytest.approx(expected)


def test_the_share_that_is_kept_is_that_of_a_cascade(compared, rows):
    frame = compared.to_frame()
    teacher = FrozenEstimator(compared.models["teacher"])
    for name in ("tree", "tree (labels)", "linear"):
        student = FrozenEstimator(compared.models[name])
        cascade = CascadeClassifier(teacher, student, max_disagreement=0.01).fit(rows["X_test"])
        assert frame.loc[name, "kept_at_1_percent"] == cascade.coverage_
    assert frame["kept_at_1_percent"].max() > 0
    assert "kept at 1 %" in str(compared)


def test_segments_and_groups_by_hand(rows):
    y = rows["y_test"]
    part = np.where(np.arange(len(y)) % 3 == 0, "north", "south")
    part[:10] = "tiny"  # too few rows to be the worst segment
    columns = {"segments": part, "sensitive": part}
    compared = compare_students({"tree": TREE}, FOREST, **rows, **columns, random_state=0)
    row, proba = compared.to_frame().loc["tree"], compared.models["tree"].predict_proba
    losses = {
        name: log_loss(y[part == name], proba(rows["X_test"][part == name]), labels=[0, 1])
        for name in np.unique(part)
    }
    means = [proba(rows["X_test"][part == name])[:, 1].mean() for name in losses]
    worst = max(("north", "south"), key=losses.get)
    assert row["worst_segment"] == worst
    assert row["worst_segment_score"] == pytest.approx(losses[worst])
    assert row["group_gap"] == pytest.approx(max(losses.values()) - min(losses.values()))
    assert row["group_gap_prediction"] == pytest.approx(max(means) - min(means))
    assert "worst segment" in str(compared)


def test_columns_of_a_dataframe_by_name(rows):
    frames = {name: pd.DataFrame(rows[name]).add_prefix("x") for name in ("X", "X_test")}
    for frame in frames.values():
        frame["region"] = np.arange(len(frame)) % 2
    given = rows | frames
    by_name = compare_students({"tree": TREE}, FOREST, **given, segments="region", random_state=0)
    array = frames["X_test"]["region"].to_numpy()
    by_array = compare_students({"tree": TREE}, FOREST, **given, segments=array, random_state=0)
    column = "worst_segment_score"
    assert (by_name.to_frame()[column] == by_array.to_frame()[column]).tolist()[0]


def test_pseudo_labels_where_there_are_rows_without_labels(rows):
    further = {"X_unlabeled": rows["X_test"][:200]}
    X, y = rows["X"], rows["y"]
    compared = compare_students({"tree": TREE}, FOREST, X, y, cv=2, random_state=0, **further)
    assert compared.names[:3] == ["tree", "tree (labels)", "tree (pseudo-labels)"]
    twin = compared.models["tree (labels)"]
    labels = clone(FOREST).fit(X, y).predict(further["X_unlabeled"])
    pseudo = compared.models["tree (pseudo-labels)"]
    expected = clone(twin).fit(np.vstack([X, further["X_unlabeled"]]), np.append(y, labels))
    assert (pseudo.apply(X) == expected.apply(X)).all()


def test_a_search_is_its_own_tuning(rows):
    search = GridSearchCV(TREE, {"max_leaf_nodes": [2, 6]}, cv=3, scoring="neg_log_loss")
    students = {"search": search, "cv": LogisticRegressionCV(Cs=3, cv=3)}
    compared = compare_students(students, FOREST, **rows, random_state=0)
    assert compared.to_frame()["tuning"].tolist()[:4] == ["search"] * 4
    best = clone(search).fit(rows["X"], rows["y"]).best_estimator_
    twin = compared.models["search (labels)"]
    assert twin.get_params()["max_leaf_nodes"] == best.max_leaf_nodes
    assert compared.models["search"].max_leaf_nodes == best.max_leaf_nodes
    assert (twin.predict_proba(rows["X"]) == best.predict_proba(rows["X"])).all()


TEXTS = ["red round", "green round", "red square", "green square"] * 30
KINDS_OF_ROWS = {
    "sparse": (sparse.csr_array(np.eye(4)[np.arange(120) % 4]), MultinomialNB()),
    "list of texts": (TEXTS, make_pipeline(TfidfVectorizer(), MultinomialNB())),
    "dataframe": (pd.DataFrame(np.eye(4)[np.arange(120) % 4], columns=list("abcd")), GaussianNB()),
}


@pytest.mark.parametrize("kind", KINDS_OF_ROWS)
def test_rows_of_each_kind(kind):
    X, model = KINDS_OF_ROWS[kind]
    y = (np.arange(120) % 4 < 2) ^ (np.arange(120) % 7 == 0)
    compared = compare_students({"student": model}, model, X, y, cv=2, random_state=0)
    assert compared.to_frame().loc["student", "failure"] == ""


def test_a_search_over_a_pipeline_with_groups_and_weights(rows):
    X, y = rows["X"], rows["y"]
    groups = np.arange(300) // 10
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [0.01, 1]},
        cv=GroupKFold(3),
        scoring="neg_log_loss",
    )
    weight = np.where(y == 1, 2.0, 1.0)
    given = {"groups": groups, "sample_weight": weight, "cv": 2, "random_state": 0}
    compared = compare_students({"search": search}, GaussianNB(), X, y, **given)
    expected = clone(search).fit(X, y, groups=groups, logisticregression__sample_weight=weight)
    np.testing.assert_allclose(
        compared.models["search (labels)"].predict_proba(X), expected.predict_proba(X)
    )


def test_frozen_teachers_are_not_fitted(rows):
    teacher = FrozenEstimator(GaussianNB().fit(rows["X_test"], rows["y_test"]))
    compared = compare_students({"tree": TREE}, teacher, **rows, random_state=0)
    assert compared.models["teacher"] is teacher or isinstance(
        compared.models["teacher"], FrozenEstimator
    )


def test_text_labels_and_three_classes():
    X, y, _ = make_gaussian_classes(600, 4, 3, random_state=0)
    y = np.array(["low", "middle", "high"])[y]
    test = {"X_test": X[300:], "y_test": y[300:]}
    compared = compare_students({"tree": TREE}, FOREST, X[:300], y[:300], **test, random_state=0)
    frame = compared.to_frame()
    p = compared.models["tree"].predict_proba(X[300:])
    assert frame.loc["tree", "log_loss"] == pytest.approx(log_loss(y[300:], p))
    assert "auc" not in frame and "calibration_slope" not in frame
    assert frame["smooth_calibration_error"].notna().all()
    with pytest.raises(ValueError, match="needs two classes, and y has 3"):
        compare_students({"tree": TREE}, FOREST, X, y, scoring="roc_auc")


@pytest.mark.parametrize("scoring", ["neg_brier_score", "accuracy", "roc_auc"])
def test_the_score_that_ranks(scoring, rows):
    students = {"tree": TREE, "linear": LogisticRegression()}
    compared = compare_students(students, FOREST, **rows, scoring=scoring, random_state=0)
    frame = compared.to_frame()
    column = {"neg_brier_score": "brier", "accuracy": "accuracy", "roc_auc": "auc"}[scoring]
    sign = -1 if column == "brier" else 1
    gain = sign * (frame.loc["tree", column] - frame.loc["tree (labels)", column])
    assert frame.loc["tree", "gain"] == pytest.approx(gain)
    students = frame[frame["student"] != ""]
    assert (
        compared.best() in students.index[sign * students[column] == max(sign * students[column])]
    )


def test_regressors_are_scored_as_scikit_learn_does():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = 1000 + 5 * X[:, 0] * X[:, 1] + X[:, 2] + rng.normal(size=600)
    students = {
        "tree": DecisionTreeRegressor(max_depth=3, random_state=0),
        "linear": make_pipeline(StandardScaler(), Ridge()),
        "mean": DummyRegressor(),
    }
    teacher = RandomForestRegressor(20, random_state=0)
    test = {"X_test": X[300:], "y_test": y[300:]}
    compared = compare_students(students, teacher, X[:300], y[:300], **test, random_state=0)
    frame = compared.to_frame()
    for name in ("tree", "tree (labels)", "linear", "teacher"):
        p, row = np.ravel(compared.models[name].predict(X[300:])), frame.loc[name]
        assert row["mse"] == pytest.approx(mean_squared_error(y[300:], p))
        assert row["r2"] == pytest.approx(r2_score(y[300:], p))
        assert row["bias"] == pytest.approx((p - y[300:]).mean())
        slope = LinearRegression().fit(p[:, None], y[300:]).coef_[0]
        assert row["calibration_slope"] == pytest.approx(slope)
        assert row["mean_prediction"] == pytest.approx(p.mean())
    tree = compared.models["tree"].predict(X[300:])
    expected = mean_squared_error(compared.models["teacher"].predict(X[300:]), tree)
    assert frame.loc["tree", "teacher_mse"] == pytest.approx(expected)
    assert "MSE" in str(compared) and compared.best().startswith("tree")
    by_folds = compare_students(students, teacher, X, y, cv=2, random_state=0)
    assert by_folds.to_frame().loc["tree", "mse_se"] > 0


BAD_INPUT = [
    ({"students": []}, TypeError, "must be a dict of names and estimators"),
    ({"students": {}}, ValueError, "students is empty"),
    ({"students": {1: TREE}}, TypeError, "must be strings; got 1"),
    ({"students": {"tree": DecisionTreeClassifier}}, TypeError, r"students\['tree'\] must be an"),
    ({"students": {"teacher": TREE}}, ValueError, "Two rows .* called 'teacher'"),
    ({"students": {"a": TREE, "a (labels)": TREE}}, ValueError, r"called 'a \(labels\)'"),
    ({"students": {"a": TREE, "b": Ridge()}}, TypeError, "all classifiers or all regressors"),
    ({"students": {"a": StandardScaler()}}, TypeError, "classifier or a regressor"),
    ({"students": {"a": FrozenEstimator(TREE)}}, TypeError, "is frozen, and students are fitted"),
    ({"teacher": Ridge()}, TypeError, "the teacher is a regressor"),
    ({"teacher": LinearSVC()}, TypeError, "predict_proba"),
    ({"scoring": "r2"}, ValueError, "scoring must be None or one of .*neg_log_loss"),
    ({"budget": {"euros": 3}}, ValueError, "A cost is one of"),
    ({"budget": 50}, ValueError, "budget must be a dict"),
    ({"X_test": None}, ValueError, "X_test is missing"),
    ({"y_test": None}, ValueError, "y_test is missing"),
    ({"X_test": None, "y_test": None, "cv": "in-sample"}, ValueError, "cv must be a number"),
    ({"X_test": None, "y_test": None, "cv": 1}, ValueError, "got cv=1"),
    ({"y_test": "other"}, ValueError, "y holds"),
    ({"X_unlabeled": np.zeros((5, 9))}, ValueError, "X_unlabeled must have the columns of X"),
    ({"segments": "region"}, ValueError, "segments='region' is no column"),
    ({"segments": np.zeros(3)}, ValueError, "one entry for each evaluated row"),
    ({"sensitive": np.arange(500.0)}, ValueError, "500 different values"),
    ({"learning_curve": "no"}, ValueError, "learning_curve must be True or False; got .*'no'"),
    ({"memory": 3}, ValueError, "memory must be None, the path"),
    ({"y_test": "one", "scoring": "roc_auc"}, ValueError, "needs test rows of both classes"),
    ({"y": np.zeros(300, int)}, ValueError, "one class only"),
    ({"alpha": 2}, ValueError, "alpha must be a number in .*got alpha=2"),
    ({"unlabeled_weight": -1}, ValueError, "unlabeled_weight must be a number .*=-1"),
    ({"unlabeled_weight": 1.0}, ValueError, "there are none. Give such rows as X_unlabeled"),
    ({"groups_test": np.zeros(3)}, ValueError, "groups_test must have one entry per row"),
    (
        {"X_test": None, "y_test": None, "groups_test": np.zeros(500)},
        ValueError,
        "the groups of X_test, which is missing",
    ),
]


@pytest.mark.parametrize(("given", "kind", "match"), BAD_INPUT, ids=[str(k) for k in range(32)])
def test_bad_input_is_refused_before_any_fit(given, kind, match, rows):
    FITS.clear()
    arguments = {"students": {"tree": TREE}, "teacher": CountedTeacher(), **rows, **given}
    if arguments["y_test"] is not None and np.ndim(arguments["y_test"]) == 0:
        arguments["y_test"] = np.full(500, {"other": 7, "one": 1}[str(arguments["y_test"])])
    with pytest.raises(kind, match=match):
        compare_students(**arguments)
    assert FITS == []


def test_a_teacher_that_a_cache_cannot_tell_apart_is_refused(rows):
    teacher = GaussianNB(priors=(share for share in (0.5, 0.5)))
    with pytest.raises(TypeError, match="cannot tell the teacher") as caught:
        compare_students({"tree": TREE}, teacher, **rows)
    assert "all students share" in caught.value.__notes__[0]


def test_the_page_is_self_contained_and_escapes_names(rows, tmp_path):
    name = "<tree & co>"
    compared = compare_students({name: TREE}, FOREST, **rows, budget={"kB": 50}, random_state=0)
    compared.to_html(tmp_path / "students.html")
    page = (tmp_path / "students.html").read_text(encoding="utf-8")
    assert "&lt;tree &amp; co&gt;" in page and name not in page
    assert "http" not in page and "<script" not in page
    assert 'name="viewport"' in page and 'content="light dark"' in page
    assert "Best student within 50 kB" in page and "within budget" in page
    assert compared._repr_html_() in page
    assert str(compared).startswith("Which student?\n- <tree & co>: ")
    assert repr(compared) == f"StudentComparison(['{name}'])"


def test_the_page_says_what_was_compared_and_when(rows, tmp_path):
    students = {"tree": TREE, "linear": make_pipeline(StandardScaler(), LogisticRegression(C=0.5))}
    compared = compare_students(students, FOREST, **rows, random_state=0)
    compared.to_html(tmp_path / "students.html", title="Loans & others")
    page = (tmp_path / "students.html").read_text(encoding="utf-8")
    assert page.count("Loans &amp; others") == 2 and "Which student?" not in page
    assert compared.date in page and f"skdistill {compared.versions['skdistill']}" in page
    models = dict(described_models(compared))
    assert set(models) == set(compared.names) - {"teacher (ONNX)"}
    for name, text in models.items():
        assert f"<dt>{name}</dt><dd>{text}</dd>" in page
    leaves = compared.models["tree"].get_n_leaves()
    assert models["tree"].startswith(f"DecisionTreeClassifier; {leaves} leaves; ")
    assert "Pipeline of StandardScaler and LogisticRegression; " in models["linear"]
    assert "C=0.5" in models["linear"]
    for name, setting in compared.to_frame()["setting"].fillna("").items():
        assert not setting or models[name].endswith(f"tuning chose {setting}")


def test_a_lead_of_several_models_is_said_to_be_a_little_lucky(rows):
    compared = compare_students({"tree": TREE}, FOREST, **rows, random_state=0)
    lucky = "models on the same rows is a little lucky"
    assert lucky not in compared._repr_html_()  # two models
    students = {"tree": TREE, "linear": LogisticRegression()}
    compared = compare_students(students, FOREST, **rows, random_state=0)
    assert f"The first of 4 {lucky}" in compared._repr_html_()


@pytest.mark.parametrize(
    ("how", "alpha", "unlabeled", "expected"),
    [
        ("distilled", 0.0, float("nan"), True),
        ("distilled", 0.0, 0.0, True),
        ("distilled", 0.0, 0.5, False),  # the teacher predicts rows without labels
        ("distilled", 0.25, float("nan"), False),
        ("labels alone", float("nan"), float("nan"), False),
    ],
)
def test_distilled_students_without_the_teacher_are_marked(how, alpha, unlabeled, expected, rows):
    compared = compare_students({"tree": TREE}, FOREST, **rows, random_state=0)
    first = compared.rows()[0]
    details = first.details | {"alpha": alpha, "unlabeled_weight": unlabeled}
    row = dataclasses.replace(first, how=how, details=details)
    assert row.labels_alone_chosen is expected
    compared._rows = [row, *compared.teachers()]
    name = f"tree ({LABELS_CHOSEN})" if expected else "tree"
    chosen = f'<tr class="chosen"><th scope="row">{name}</th>'
    assert chosen in compared._repr_html_()
    assert dict(described_models(compared))["tree"].endswith(LABELS_CHOSEN) is expected


def test_settings_are_those_that_differ_from_the_defaults():
    assert settings(DecisionTreeClassifier()) == settings("no estimator") == ""
    tree = DecisionTreeClassifier(max_depth=3, class_weight={0: 1.0, 1: 2.0})
    assert settings(tree) == "class_weight={0: 1.0, 1: 2.0}, max_depth=3"
    assert settings(make_pipeline(StandardScaler(with_mean=False), tree)) == settings(tree)
    assert settings(FrozenEstimator(tree)) == f"estimator=DecisionTreeClassifier({settings(tree)})"


def test_a_teacher_that_meets_the_budget_is_said(rows):
    budget = {"kB": 10_000, "ms_per_1000": 60_000, "us_per_row": 1e7}
    compared = compare_students({"tree": TREE}, FOREST, **rows, budget=budget, random_state=0)
    said = [each for each in compared.sentences if "meets the budget itself" in each]
    assert len(said) == len(compared.teachers())


def test_the_same_seed_gives_the_same_scores(rows):
    given = {"students": {"tree": DecisionTreeClassifier(max_features=1)}, "teacher": FOREST}
    frames = [compare_students(**given, **rows, random_state=3).to_frame() for _ in range(2)]
    scores = ["log_loss", "log_loss_se", "accuracy", "gain", "gain_se"]
    pd.testing.assert_frame_equal(frames[0][scores], frames[1][scores])
    generator = np.random.RandomState(0)
    compare_students(**given, **rows, random_state=generator)


def test_how_sure_the_choice_is(rows):
    """Two equal students tie, a constant one is certainly worse, and the leads are paired."""
    students = {
        "linear": LogisticRegression(),
        "again": LogisticRegression(),
        "constant": DummyClassifier(),
    }
    compared = compare_students(students, FOREST, **rows, random_state=0)
    sentences = on_certainty(compared)
    first, second = compared.ranked()[0], compared.ranked()[-1]
    assert f"The lead of {first.name} in log-loss is not certain at 95 % over" in sentences[0]
    assert "constant" not in sentences[0] and "The smallest of these" not in sentences[0]
    lead = compared.paired.gain(first.name, second.name)
    losses = compared.to_frame()["log_loss"]
    assert lead.value == pytest.approx(losses[second.name] - losses[first.name])
    assert 0 < lead.low < lead.value < lead.high
    alone = {"linear": LogisticRegression(), "constant": DummyClassifier()}
    compared = compare_students(alone, FOREST, **rows, random_state=0)
    sentences = on_certainty(compared)
    assert "is certain at 95 %. In log-loss it leads constant" in sentences[0]
    assert "better in log-loss than the teacher" in sentences[1]
    assert on_more_rows(compared) == [] and "learning_curve=True" in compared._repr_html_()


def test_the_chosen_weights_are_those_of_the_estimator(rows):
    """That of rows without labels where there are any."""
    X, y, X_test, y_test = rows.values()
    given = {"X_test": X_test[200:], "y_test": y_test[200:], "random_state": 0}
    student = LogisticRegression()
    compared = compare_students(
        {"linear": student}, FOREST, X, y, X_unlabeled=X_test[:200], **given
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a weight of 0
        alone = DistilledClassifier(FOREST, student, random_state=0)
        alone.fit(X, y, X_unlabeled=X_test[:200])
    frame = compared.to_frame()
    assert frame.loc["linear", "alpha"] == alone.alpha_
    assert frame.loc["linear", "unlabeled_weight"] == alone.unlabeled_weight_
    assert frame["unlabeled_weight"].notna().sum() == 1
    assert "unlabelled weight" in str(compared)
    without = compare_students({"linear": student}, FOREST, X, y, **given)
    assert "unlabeled_weight" not in without.to_frame() and "alpha" in without.to_frame()
    assert "unlabelled weight" not in str(without).partition("Alpha: chosen weight")[0]


def test_groups_of_test_rows_count_instead_of_rows(rows):
    """Rows repeated five times, as groups of five, have the errors of the rows given once."""
    X, y, X_test, y_test = rows.values()
    groups = np.repeat(np.arange(500), 5)
    X_five, y_five = X_test[groups], y_test[groups]

    def errors(**test):
        given = {"X": X, "y": y, "random_state": 0, **test}
        return compare_students({"tree": TREE}, GaussianNB(), **given).to_frame()

    once = errors(X_test=X_test, y_test=y_test)
    grouped = errors(X_test=X_five, y_test=y_five, groups_test=groups)
    ignored = errors(X_test=X_five, y_test=y_five)
    for column in ("log_loss_se", "gain_se"):
        ratio = grouped.loc["tree", column] / once.loc["tree", column]
        assert ratio == pytest.approx(1, abs=0.15)
        ratio = grouped.loc["tree", column] / ignored.loc["tree", column]
        assert ratio == pytest.approx(5**0.5, rel=0.15)
    assert "max_disagreement" in ignored and "max_disagreement" not in grouped


def test_that_errors_ignore_groups_is_said(rows):
    given = {**rows, "groups": np.arange(300) // 3, "random_state": 0}
    students = {"tree": TREE}
    noted = compare_students(students, GaussianNB(), **given)
    assert any("give groups_test" in note for note in noted.notes)
    few = compare_students(students, GaussianNB(), **given, groups_test=np.arange(500) % 9)
    assert not any("give groups_test" in note for note in few.notes)
    assert np.isnan(few.rows()[0].figure("log_loss").standard_error)  # of 9 groups


def test_a_fitted_teacher_is_fitted_again_a_frozen_one_not(rows):
    """The scores of the teacher are those of a clone on all rows, or of the frozen model."""
    fitted = clone(FOREST).fit(rows["X_test"], rows["y_test"])  # knows the test labels
    losses = {}
    for name, teacher in {"fitted": fitted, "frozen": FrozenEstimator(fitted)}.items():
        compared = compare_students({"tree": TREE}, teacher, **rows, random_state=0)
        losses[name] = compared.to_frame().loc["teacher", "log_loss"]
    models = {"fitted": clone(FOREST).fit(rows["X"], rows["y"]), "frozen": fitted}
    for name, model in models.items():
        expected = log_loss(rows["y_test"], model.predict_proba(rows["X_test"]))
        assert losses[name] == pytest.approx(expected)


@pytest.mark.parametrize("test", [True, False], ids=["test rows", "folds"])
def test_what_more_rows_bring_is_a_fit_on_half_of_them(test, rows):
    """By hand: the student of the labels on half of the rows, and its loss."""
    X, y = rows["X"], rows["y"]
    folds = list(KFold(2).split(X))
    given = rows if test else {"X": X, "y": y, "cv": folds}
    students = {"linear": LogisticRegressionCV(Cs=[1.0], cv=2)}
    compared = compare_students(students, FOREST, **given, learning_curve=True, random_state=0)
    (halved,) = compared.halved
    splits = [(np.arange(300), None)] if test else folds
    losses, full = [], []
    for train, held_out in splits:
        X_test, y_test = (rows["X_test"], rows["y_test"]) if test else (X[held_out], y[held_out])
        kept = np.random.RandomState(0).permutation(len(train))[: len(train) // 2]
        half = train[np.sort(kept)]
        for some, found in ((half, losses), (train, full)):
            model = clone(students["linear"]).fit(X[some], y[some])
            found.append(log_loss(y_test, model.predict_proba(X_test)))
    assert compared.chosen().name in ("linear", "linear (labels)")
    assert halved.gain.value == pytest.approx(np.mean(losses) - np.mean(full), abs=1e-6)
    assert halved.n_rows == 300 and "half of the 300 rows with labels" in compared.sentences[-1]


def test_each_kind_of_rows_is_halved_and_groups_stay_whole(rows):
    further = {"X_unlabeled": rows["X_test"][:300], "groups": np.arange(300) // 10, "cv": 3}
    given = {"X": rows["X"], "y": rows["y"], **further, "random_state": 0}
    students = {"tree": TREE}
    compared = compare_students(students, GaussianNB(), **given, learning_curve=True)
    kinds = {"tree": 2, "tree (labels)": 2, "tree (pseudo-labels)": 0}
    assert len(compared.halved) == len(on_more_rows(compared)) == kinds[compared.chosen().name]
    training = TrainingRows(rows["X"], rows["y"], None, further["groups"], further["X_unlabeled"])
    half = half_of(training, "rows with labels", 0)
    counts = np.bincount(half.groups)
    assert len(half.y) == 150 and set(counts) <= {0, 10} and len(half.X_unlabeled) == 300
    half = half_of(training, "rows without labels", 0)
    assert len(half.y) == 300 and len(half.X_unlabeled) == 150
    assert halvings(training, "distilled") == ["rows with labels", "rows without labels"]
    assert halvings(training, "labels alone") == ["rows with labels"]


def test_a_best_twin_says_that_it_uses_no_unlabelled_rows(rows):
    """A student whose distilled form fails: its twin is the best."""
    X, y, X_test, y_test = rows.values()
    compared = compare_students(
        {"linear": NoSoftLabels()}, FOREST, X, y, X_unlabeled=X_test[:100], learning_curve=True,
        X_test=X_test[100:], y_test=y_test[100:], random_state=0, budget={"kB": 1e6},
    )  # fmt: skip
    best = compared.best()
    sentences = on_more_rows(compared)
    assert best == "linear (labels)"
    assert f"{best} on half of the 100 rows without labels predicts the same" in sentences[1]


def test_a_failing_fit_on_half_of_the_rows_is_said(rows):
    students = {"poor": make_pipeline(Failing("few"))}
    compared = compare_students(
        students, FOREST, rows["X_test"], rows["y_test"], X_test=rows["X"], y_test=rows["y"],
        learning_curve=True, random_state=0,
    )  # fmt: skip
    assert "the fit failed. RuntimeError: no luck" in on_more_rows(compared)[0]
