"""DistilledRegressor: a student of a continuous target learns from a teacher's predictions."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_friedman1
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    TimeSeriesSplit,
    cross_val_predict,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from skorch import NeuralNetRegressor
from torch import nn

from skdistill import DistilledClassifier, DistilledRegressor, deployable
from skdistill.augmentation import MungeAugmenter

FOREST = ExtraTreesRegressor(10, min_samples_leaf=3, random_state=0)
TREE = DecisionTreeRegressor(max_depth=4, random_state=0)
PAIR = DistilledRegressor(FOREST, TREE, alpha=0.5, random_state=0)
# For each step inside `fit`, students of several kinds.
STUDENTS = [
    TREE,
    Ridge(),
    LinearRegression(),
    GradientBoostingRegressor(n_estimators=5, random_state=0),
    RandomForestRegressor(3, random_state=0),
    make_pipeline(StandardScaler(), Ridge()),
    MultiOutputRegressor(Ridge()),
]


class Counting(Ridge):
    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        Counting.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture(scope="module")
def rows():
    """Labelled rows, their values, and unlabelled rows."""
    X, y = make_friedman1(240, noise=2.0, random_state=0)
    return X[:150], y[:150], X[150:]


def of_outputs(student, y):
    """Return y in a shape that a student takes."""
    return np.column_stack([y, -y]) if isinstance(student, MultiOutputRegressor) else y


@pytest.mark.parametrize("student", STUDENTS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("weighted", [False, True])
def test_alpha_zero_is_ordinary_training_to_the_bit(rows, student, weighted):
    X, y, _ = rows
    y = of_outputs(student, y)
    weight = np.linspace(0.5, 2, len(y)) if weighted else None
    model = DistilledRegressor(student=student, alpha=0.0).fit(X, y, weight)
    name = f"{student.steps[-1][0]}__sample_weight" if hasattr(student, "steps") else None
    expected = clone(student).fit(X, y, **({name or "sample_weight": weight} if weighted else {}))
    assert_array_equal(model.predict(X), expected.predict(X))
    assert (model.alpha_, model.teacher_scores_, model.alpha_curve_) == (0.0, None, None)


@pytest.mark.parametrize("student", STUDENTS, ids=lambda each: type(each).__name__)
def test_predictions_that_are_given_back_give_the_same_student(rows, student):
    X, y, _ = rows
    y = of_outputs(student, y)
    folds = KFold(4, shuffle=True, random_state=0)
    fitted = DistilledRegressor(FOREST, student, alpha=0.7, cv=folds).fit(X, y)
    teacher_pred = cross_val_predict(FOREST, X, y, cv=folds)
    given = DistilledRegressor(student=student, alpha=0.7).fit(X, y, teacher_pred=teacher_pred)
    assert_array_equal(given.predict(X), fitted.predict(X))
    assert given.teacher_scores_.keys() == fitted.teacher_scores_.keys()
    for name, score in given.teacher_scores_.items():
        assert_allclose(score, fitted.teacher_scores_[name])


def test_the_student_learns_the_mixed_targets(rows):
    X, y, more = rows
    model = clone(PAIR).set_params(alpha=0.3, unlabeled_weight=0.5).fit(X, y, X_unlabeled=more)
    teacher_pred = cross_val_predict(FOREST, X, y, cv=KFold(5))
    targets = np.r_[0.3 * teacher_pred + 0.7 * y, clone(FOREST).fit(X, y).predict(more)]
    weight = np.r_[np.ones(len(y)), np.full(len(more), 0.5)]
    expected = clone(TREE).fit(np.vstack([X, more]), targets, weight)
    assert_allclose(model.predict(X), expected.predict(X), rtol=1e-12)
    assert model.unlabeled_weight_ == 0.5


def test_a_row_that_several_folds_test_gets_the_mean(rows):
    X, y, _ = rows
    folds = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    model = DistilledRegressor(FOREST, Ridge(), alpha=1.0, cv=folds).fit(X, y)
    mean = np.zeros(len(y))
    for train, test in folds.split(X):
        mean[test] += clone(FOREST).fit(X[train], y[train]).predict(X[test]) / 2
    assert_allclose(model.coef_, Ridge().fit(X, mean).coef_, rtol=1e-10)


def test_scores_of_the_teacher(rows):
    X, y, _ = rows
    weight = np.linspace(0, 2, len(y))
    teacher_pred = 2 * y + 3
    scores = PAIR.fit(X, y, weight, teacher_pred=teacher_pred).teacher_scores_
    mse = np.average((y + 3) ** 2, weights=weight)
    variance = np.cov(y, aweights=weight, ddof=0)
    assert scores["mse"] == pytest.approx(mse)
    assert scores["r2"] == pytest.approx(1 - mse / variance)
    assert scores["bias"] == pytest.approx(np.average(y + 3, weights=weight))
    assert scores["calibration_slope"] == pytest.approx(0.5)
    scores = PAIR.fit(X, np.c_[y, y], teacher_pred=np.c_[y, y + 1]).teacher_scores_
    assert_allclose(scores["bias"], [0, 1], atol=1e-12)


def test_rows_without_a_prediction_keep_their_value(rows):
    X, y, _ = rows
    teacher_pred = 0.5 * y
    absent = np.arange(len(y)) % 3 == 0
    teacher_pred[absent] = np.nan
    model = DistilledRegressor(student=Ridge(), alpha=1.0).fit(X, y, teacher_pred=teacher_pred)
    expected = Ridge().fit(X, np.where(absent, y, teacher_pred))
    assert_allclose(model.coef_, expected.coef_)
    assert model.teacher_scores_["calibration_slope"] == pytest.approx(2)


def test_predictions_of_unlabelled_rows_are_enough(rows):
    X, y, more = rows
    unlabeled_pred = more[:, 0]
    model = DistilledRegressor(student=Ridge(), unlabeled_weight=1.0)
    model.fit(X, y, teacher_pred=np.full(len(y), np.nan), X_unlabeled=more,
              unlabeled_pred=unlabeled_pred)  # fmt: skip
    expected = Ridge().fit(np.vstack([X, more]), np.r_[y, unlabeled_pred])
    assert_allclose(model.coef_, expected.coef_)
    assert model.teacher_scores_ is None


@pytest.mark.parametrize("teacher", [FOREST, LinearRegression()])
def test_several_outputs(rows, teacher):
    X, y, more = rows
    Y = np.column_stack([y, -2 * y, X[:, 0]])
    model = DistilledRegressor(teacher, TREE, random_state=0).fit(X, Y, X_unlabeled=more)
    assert model.predict(X).shape == Y.shape
    assert model.teacher_scores_["mse"].shape == (3,)
    assert model.score(X, Y) > 0.3


def test_names_of_outputs_order_given_predictions(rows):
    X, y, _ = rows
    Y = pd.DataFrame({"a": y, "b": X[:, 0]})
    expected = DistilledRegressor(student=Ridge(), alpha=1.0).fit(X, Y, teacher_pred=Y + 1)
    swapped = clone(expected).fit(X, Y, teacher_pred=(Y + 1)[["b", "a"]])
    assert_array_equal(swapped.predict(X), expected.predict(X))
    with pytest.raises(ValueError, match=r"columns of teacher_pred are \['c', 'b'\]"):
        expected.fit(X, Y, teacher_pred=Y.rename(columns={"a": "c"}))


def test_weights_equal_repetition(rows):
    X, y, _ = rows
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    repeated = np.repeat(np.arange(len(y)), weight)
    folds = KFold(3)
    parts = [np.isin(repeated, test) for _, test in folds.split(X)]
    splits = [(np.flatnonzero(~part), np.flatnonzero(part)) for part in parts]
    tree = DecisionTreeRegressor(max_leaf_nodes=6, random_state=0)
    model = DistilledRegressor(LinearRegression(), tree, alpha=0.5, cv=folds)
    by_weight = clone(model).fit(X, y, weight)
    by_rows = clone(model).set_params(cv=splits).fit(X[repeated], y[repeated])
    assert_allclose(by_weight.predict(X), by_rows.predict(X), rtol=1e-9)
    for name, score in by_weight.teacher_scores_.items():
        assert score == pytest.approx(by_rows.teacher_scores_[name])


def test_a_bayes_teacher_lowers_the_variance_of_the_objective():
    """For a prediction f the variance falls by 4 (f − μ)² σ² + Var(ε²), here as computed by hand.

    The risk of a row is (y − f)² with y = μ + ε, and (μ − f)² with the mean in its place; up to
    terms without f these are −2 f y and −2 f μ, of variance 4 f² σ² and 0.
    """
    rng = np.random.default_rng(0)
    mu, f, sigma = 1.5, 2.0, 0.7
    y = mu + sigma * rng.normal(size=400_000)
    assert np.var(f**2 - 2 * f * y) == pytest.approx(4 * f**2 * sigma**2, rel=0.01)
    # The same for a fitted linear student: variance only from the rows, none from the noise.
    X = rng.normal(size=(40, 2))
    mean = X @ [1.0, -1.0]
    coefs = {0.0: [], 1.0: []}
    for _ in range(40):
        values = mean + rng.normal(size=40)
        for alpha, found in coefs.items():
            student = DistilledRegressor(student=LinearRegression(), alpha=alpha)
            found.append(student.fit(X, values, teacher_pred=mean).coef_)
    assert_allclose(np.var(coefs[1.0], axis=0), 0, atol=1e-20)
    noise = np.diag(np.linalg.inv((X - X.mean(axis=0)).T @ (X - X.mean(axis=0))))
    assert_allclose(np.var(coefs[0.0], axis=0), noise, rtol=0.7)


def test_poisson_students_learn_the_mean_of_drawn_counts():
    """The definition: many counts drawn from the mean of each row; logarithms would bias it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    mean = np.exp(0.3 + X @ [0.5, -0.3]) * rng.gamma(2, 0.5, size=60)
    student = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000)
    counts = rng.poisson(mean[:, None], size=(60, 4000))
    drawn = clone(student).fit(np.repeat(X, 4000, axis=0), counts.ravel())
    model = DistilledRegressor(student=student, alpha=1.0).fit(X, counts[:, 0], teacher_pred=mean)
    assert_allclose(model.coef_, drawn.coef_, atol=0.01)
    assert_allclose(np.mean(model.predict(X)), mean.mean(), rtol=1e-6)


@pytest.mark.parametrize(("student", "least"), [(PoissonRegressor(), 0.0), (GammaRegressor(), 0.5)])
@pytest.mark.parametrize("alpha", ["auto", 1.0])
def test_means_below_the_range_are_raised_with_a_warning(rows, student, least, alpha):
    X, _, _ = rows
    y = np.abs(X[:, 0]) + 0.5
    y[0] = 0.5
    teacher_pred = y - 0.8
    with pytest.warns(UserWarning, match=f"predicts less than {least:.6g}, the least target"):
        model = DistilledRegressor(student=student, alpha=alpha).fit(
            X, y, teacher_pred=teacher_pred
        )
    if alpha == 1.0:
        expected = clone(student).fit(X, np.maximum(teacher_pred, least))
        assert_allclose(model.predict(X), expected.predict(X), rtol=1e-6)


def test_a_search_fits_one_teacher_per_fold_with_memory(rows, tmp_path):
    X, y, _ = rows
    model = DistilledRegressor(Counting(), TREE, memory=tmp_path, random_state=0)
    Counting.n_fits = 0
    search = GridSearchCV(model, {"student__max_depth": [2, 3, 4]}, cv=2, refit=False).fit(X, y)
    assert Counting.n_fits == 2 * 6
    search.fit(X, y)
    assert Counting.n_fits == 2 * 6
    cached = clone(model).fit(X, y)
    assert_array_equal(cached.predict(X), model.set_params(memory=None).fit(X, y).predict(X))


def test_groups_stay_on_one_side(rows):
    X, y, _ = rows
    groups = np.arange(len(y)) % 10
    model = clone(PAIR).fit(X, y, groups=groups)
    expected = clone(PAIR).set_params(cv=list(GroupKFold(5).split(X, y, groups))).fit(X, y)
    assert_array_equal(model.predict(X), expected.predict(X))
    with pytest.raises(ValueError, match="groups on both sides"):
        clone(PAIR).set_params(cv=KFold(3)).fit(X, y, groups=groups)


@pytest.mark.parametrize("n_classes", [3, 100])
def test_integers_are_numbers_not_classes(rows, n_classes):
    """Folds are those of KFold, whatever the values."""
    X, y, _ = rows
    counts = np.round(y).astype(int) % n_classes
    model = DistilledRegressor(FOREST, Ridge(), alpha=1.0).fit(X, counts)
    expected = Ridge().fit(X, cross_val_predict(FOREST, X, counts, cv=KFold(5)))
    assert_allclose(model.coef_, expected.coef_)


def test_frozen_teachers_are_used_as_they_are(rows):
    X, y, more = rows
    frozen = FrozenEstimator(clone(FOREST).fit(X[:70], y[:70]))
    model = DistilledRegressor(frozen, Ridge(), alpha=1.0, unlabeled_weight=1.0)
    model.fit(X[70:], y[70:], X_unlabeled=more)
    both = np.vstack([X[70:], more])
    assert_allclose(model.coef_, Ridge().fit(both, frozen.predict(both)).coef_)


def test_a_frozen_forest_that_has_seen_the_rows_is_reported(rows):
    X, y, _ = rows
    frozen = FrozenEstimator(RandomForestRegressor(5, random_state=0).fit(X, y))
    with pytest.warns(UserWarning, match=r"fitted on these rows.*cross_val_predict"):
        DistilledRegressor(frozen, TREE, alpha=0.5).fit(X, y)


def test_metadata_is_routed(rows):
    X, y, _ = rows
    weight = np.linspace(0.5, 2, len(y))
    with config_context(enable_metadata_routing=True):
        student = Ridge().set_fit_request(sample_weight=True)
        teacher = LinearRegression().set_fit_request(sample_weight=False)
        model = DistilledRegressor(teacher, student, alpha=0.5, cv=KFold(3))
        model.fit(X, y, sample_weight=weight)
        teacher_pred = cross_val_predict(LinearRegression(), X, y, cv=KFold(3))
        pipeline = make_pipeline(StandardScaler(), student)
        pipeline[0].set_fit_request(sample_weight=False)
        routed = DistilledRegressor(teacher, pipeline, alpha=0.0).fit(X, y, sample_weight=weight)
    expected = Ridge().fit(X, 0.5 * (teacher_pred + y), weight)
    assert_allclose(model.coef_, expected.coef_)
    scaled = StandardScaler().fit_transform(X)
    assert_allclose(routed.student_[-1].coef_, Ridge().fit(scaled, y, weight).coef_)


def test_pipelines_get_the_weights_of_their_last_step(rows):
    X, y, more = rows
    student = make_pipeline(make_pipeline(StandardScaler()), make_pipeline(Ridge()))
    model = DistilledRegressor(FOREST, student, alpha=0.0, unlabeled_weight=0.3)
    model.fit(X, y, X_unlabeled=more)
    both = np.vstack([X, more])
    targets = np.r_[y, clone(FOREST).fit(X, y).predict(more)]
    weight = np.r_[np.ones(len(y)), np.full(len(more), 0.3)]
    expected = Ridge().fit(StandardScaler().fit_transform(both), targets, weight)
    assert_allclose(model.student_[-1][0].coef_, expected.coef_)
    assert type(model.student_) is type(student)


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csr_matrix, pd.DataFrame])
def test_containers_of_rows(rows, form):
    X, y, more = rows
    pair = DistilledRegressor(LinearRegression(), TREE, alpha=0.5, unlabeled_weight=0.5)
    expected = clone(pair).fit(X, y, X_unlabeled=more)
    model = clone(pair).fit(form(X), y, X_unlabeled=form(more))
    assert_allclose(model.predict(form(X)), expected.predict(X), rtol=1e-5)


def test_sampled_rows_are_labelled_by_the_teacher(rows):
    X, y, _ = rows
    model = clone(PAIR).set_params(augmenter=MungeAugmenter(0.5), unlabeled_weight=1.0)
    assert model.fit(X, y).unlabeled_weight_ == 1.0
    assert_array_equal(model.predict(X), clone(model).fit(X, y).predict(X))


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_nets_keep_the_precision_of_y(rows, shape):
    X, y, _ = rows
    X, y = X.astype(np.float32), y.astype(np.float32).reshape(shape)
    net = NeuralNetRegressor(
        nn.Linear, module__in_features=10, module__out_features=1, max_epochs=2, verbose=0
    )
    model = DistilledRegressor(FOREST, net, alpha=0.5, random_state=0).fit(X, y)
    assert model.predict(X).shape == y.shape
    teacher = DistilledRegressor(net, Ridge(), alpha=0.5, cv=2).fit(X, y)
    assert teacher.predict(X).shape == y.shape


def test_what_is_deployed_is_an_ordinary_regressor(rows):
    X, y, _ = rows
    model = make_pipeline(StandardScaler(), clone(PAIR)).fit(X, y)
    deployed = deployable(model)
    assert type(deployed[-1]) is DecisionTreeRegressor
    assert b"skdistill" not in pickle.dumps(deployed)
    assert_array_equal(deployed.predict(X), model.predict(X))


def test_fitting_changes_neither_arguments_nor_parameters(rows):
    X, y, _ = (each.copy() for each in rows)
    teacher_pred = np.where(np.arange(len(y)) % 5, y, np.nan)
    given = [each.copy() for each in (X, y, teacher_pred)]
    model = clone(PAIR).fit(X, y, teacher_pred=teacher_pred)
    for before, after in zip(given, (X, y, teacher_pred), strict=True):
        assert_array_equal(before, after)
    assert model.student is not model.student_
    assert not hasattr(model.teacher, "estimators_")


class Strange(RegressorMixin, BaseEstimator):
    """Teacher whose predictions have a shape or value of its own."""

    def __init__(self, prediction=None):
        self.prediction = prediction

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return self.prediction(len(X))


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (lambda n: np.zeros((n, 2)), r"Strange.predict\(X\) must have one prediction for each row"),
        (lambda n: np.zeros(n - 1), "must have one prediction for each row"),
        (lambda n: np.full(n, np.nan), r"Strange.predict\(X\) holds NaN or infinity in"),
        (lambda n: np.full(n, np.inf), "holds NaN or infinity"),
        (lambda n: np.full(n, "a"), "must hold numbers"),
    ],
)
def test_teachers_that_predict_no_numbers(rows, prediction, message):
    X, y, _ = rows
    with pytest.raises(ValueError, match=message):
        DistilledRegressor(Strange(prediction), TREE, alpha=1.0).fit(X, y)


class Unfitted(Ridge):
    """Teacher that must not be fitted."""

    def fit(self, X, y, sample_weight=None):
        raise AssertionError("a teacher was fitted")


NAN = np.full(150, np.nan)
POSITIVE = np.linspace(0.5, 2, 150)
BAD = {
    "classifier as teacher": (
        {"teacher": LogisticRegression()}, {}, "teacher must be a regressor, .*LogisticRegression",
    ),
    "classifier as student": (
        {"student": LogisticRegression()}, {}, "student must be a regressor, .*LogisticRegression",
    ),
    "frozen classifier": (
        {"teacher": FrozenEstimator(LogisticRegression())}, {}, "teacher must be a regressor",
    ),
    "clusters": ({"teacher": KMeans()}, {}, "teacher must be a regressor"),
    "transformer": ({"student": StandardScaler()}, {}, "student must be a regressor"),
    "class as teacher": ({"teacher": Ridge}, {}, r"Write teacher=Ridge\(\)"),
    "class as student": ({"student": Ridge}, {}, r"Write student=Ridge\(\)"),
    "frozen student": ({"student": FrozenEstimator(TREE)}, {}, "is frozen, and would not be"),
    "quantiles": ({"student": QuantileRegressor()}, {}, "does not estimate a mean"),
    "absolute error": (
        {"student": DecisionTreeRegressor(criterion="absolute_error")}, {},
        r"DecisionTreeRegressor\(criterion='absolute_error'\)",
    ),
    "negative for Poisson": (
        {"student": PoissonRegressor()}, {"y": POSITIVE - 1}, "y must be at least 0",
    ),
    "zero for gamma": ({"student": GammaRegressor()}, {"y": POSITIVE - 0.5}, "y must be positive"),
    "missing value": (
        {}, {"y": np.where(POSITIVE > 1, np.nan, 1)},
        r"Input y contains NaN\. .*X_unlabeled=X\[~known\]",
    ),
    "infinite value": ({}, {"y": np.where(POSITIVE > 1, np.inf, 1)}, "contains infinity"),
    "sparse y": ({}, {"y": sparse.csr_array(POSITIVE[:, None])}, "Sparse data was passed"),
    "text": ({}, {"y": np.full(150, "a")}, "could not convert string.*DistilledClassifier"),
    "objects": ({}, {"y": np.full(150, {}, dtype=object)}, "needs numbers as y"),
    "dates": ({}, {"y": np.full(150, "2026-01-01", "datetime64[D]")}, r"datetime64\[D\].*times"),
    "durations": ({}, {"y": pd.Series(pd.to_timedelta(np.arange(150)))}, "timedelta64.*times"),
    "no weight": ({}, {"sample_weight": np.zeros(150)}, "has weight zero"),
    "negative weight": ({}, {"sample_weight": -POSITIVE}, "must not be negative"),
    "columns of predictions": (
        {}, {"teacher_pred": np.zeros((150, 2))}, r"teacher_pred must have .* got shape \(150, 2\)",
    ),
    "rows of predictions": ({}, {"teacher_pred": POSITIVE[:9]}, r"got shape \(9,\)"),
    "infinite predictions": (
        {}, {"teacher_pred": np.where(POSITIVE > 1, np.inf, 1)}, "teacher_pred holds NaN or inf",
    ),
    "text as predictions": ({}, {"teacher_pred": ["a"] * 150}, "teacher_pred must hold numbers"),
    "no predictions at all": ({}, {"teacher_pred": NAN}, "every row of teacher_pred is NaN"),
    "predictions of no rows": ({}, {"unlabeled_pred": POSITIVE}, "unlabeled_pred has the pred"),
    "no teacher for rows": (
        {}, {"teacher_pred": POSITIVE, "X_unlabeled": np.ones((3, 10))}, "as unlabeled_pred",
    ),
    "missing predictions": (
        {}, {"X_unlabeled": np.ones((2, 10)), "unlabeled_pred": [1, np.nan]},
        "unlabeled_pred holds NaN",
    ),
    "folds that leave rows out": ({"cv": TimeSeriesSplit(3)}, {}, "must cover every row"),
    "two folds": ({"cv": 2}, {}, "Nested folds need at least 3 folds"),
    "in-sample": ({"cv": "in-sample"}, {}, "compares students on held-out rows"),
    "alpha": ({"alpha": 2}, {}, "alpha must be a number"),
    "outputs of the student": (
        {"student": GradientBoostingRegressor()}, {"y": np.ones((150, 2))},
        r"y has 2 outputs, .*MultiOutputRegressor\(GradientBoostingRegressor",
    ),
    "outputs of the teacher": (
        {"teacher": GradientBoostingRegressor()}, {"y": np.ones((150, 2))}, "y has 2 outputs",
    ),
    "weights of the student": (
        {"student": KNeighborsRegressor()}, {"sample_weight": POSITIVE}, "takes no sample_weight",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_a_teacher_is_fitted(rows, case):
    params, given, message = BAD[case]
    X, y, _ = rows
    model = DistilledRegressor(**{"teacher": Unfitted(), "student": Ridge(), **params})
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(X, **{"y": y, **given})
    assert not hasattr(model, "student_")


def test_rows_of_predictions_in_another_order(rows):
    X, y, _ = rows
    index = [f"row {number}" for number in range(len(y))]
    X, y = pd.DataFrame(X, index), pd.Series(y, index)
    with pytest.raises(ValueError, match="index of teacher_pred names the same rows in another"):
        clone(PAIR).fit(X, y, teacher_pred=y[::-1])


def test_partly_missing_predictions(rows):
    X, y, _ = rows
    Y = np.column_stack([y, y])
    predictions = Y.copy()
    predictions[4, 1] = np.nan
    with pytest.raises(ValueError, match=r"the first is row 4.*must be NaN in every column"):
        clone(PAIR).fit(X, Y, teacher_pred=predictions)


def test_students_that_take_columns_only(rows):
    X, y, _ = rows
    model = DistilledRegressor(LinearRegression(), MultiTaskLasso(0.01), alpha=0.5)
    assert model.fit(X, y[:, None]).predict(X).shape == (len(y), 1)


def test_classifiers_name_the_regressor_for_a_continuous_target(rows):
    X, y, _ = rows
    with pytest.raises(ValueError, match="DistilledRegressor"):
        DistilledClassifier().fit(X, y)


def test_many_numbers_as_classes_get_a_warning(rows):
    X, y, _ = rows
    with pytest.warns(UserWarning, match=r"\d+ different numbers .*DistilledRegressor"):
        DistilledClassifier(alpha=0.0).fit(X, np.round(y * 10))


def test_the_default_improves_a_tree():
    X, y = make_friedman1(2400, noise=3.0, random_state=0)
    _, truth = make_friedman1(2400, noise=0.0, random_state=0)
    train, test = slice(400), slice(400, None)
    model = DistilledRegressor(random_state=0).fit(X[train], y[train])
    tree = clone(model.student_).set_params(random_state=0).fit(X[train], y[train])
    losses = [np.mean((each.predict(X[test]) - truth[test]) ** 2) for each in (model, tree)]
    assert losses[0] < 0.85 * losses[1]
    assert 0 < model.alpha_ < 1
