"""Estimators with an augmenter use its rows as unlabelled rows, sampled in each fit."""

import numpy as np
import pytest
from contracts.augmenters import AUGMENTERS, make_augmenter
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
)
from skdistill.augmentation import MarginalAugmenter, MungeAugmenter
from skdistill.datasets import make_hidden_classes

TREE = DecisionTreeClassifier(max_depth=3, random_state=0)


class Recorder:
    """A user's augmenter that is not an estimator; it records its calls."""

    calls: list = []  # noqa: RUF012  (copies share it)

    def __init__(self, transform=lambda X: X[::2] + 0.25):
        self.transform = transform

    def sample(self, X, random_state):
        Recorder.calls.append((X, random_state))
        return self.transform(X)


class CountingTeacher(GaussianNB):
    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        CountingTeacher.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture(autouse=True)
def nothing_yet():
    Recorder.calls.clear()
    CountingTeacher.n_fits = 0


@pytest.fixture(params=["classifier", "ranker", "retriever"])
def problem(request, gaussian):
    """Each estimator, with rows it can learn from."""
    X, y, _ = gaussian
    if request.param == "classifier":
        return DistilledClassifier(GaussianNB(), TREE, alpha=1.0, unlabeled_weight=1.0), X, y
    if request.param == "ranker":
        return DistilledBipartiteRanker(GaussianNB()), X, y == 0
    return DistilledMulticlassRetriever(GaussianNB(), k=2), X, y


def scores_of(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.decision_function(X)


def test_sampled_rows_are_rows_without_labels(problem):
    model, X, y = problem
    model.set_params(alpha=0.6)
    augmented = clone(model).set_params(augmenter=Recorder()).fit(X, y)
    by_hand = clone(model).fit(X, y, X_unlabeled=X[::2] + 0.25)
    assert_array_equal(scores_of(augmented, X), scores_of(by_hand, X))
    without = clone(model).set_params(unlabeled_weight=type(model)().unlabeled_weight).fit(X, y)
    assert (scores_of(augmented, X) != scores_of(without, X)).any()


def test_they_follow_the_rows_of_X_unlabeled(problem):
    model, X, y = problem
    augmented = clone(model).set_params(augmenter=Recorder()).fit(X, y, X_unlabeled=X[:5] - 1)
    by_hand = clone(model).fit(X, y, X_unlabeled=np.vstack([X[:5] - 1, X[::2] + 0.25]))
    assert_array_equal(scores_of(augmented, X), scores_of(by_hand, X))
    assert_array_equal(Recorder.calls[0][0], X)  # sampled from the labelled rows alone


def test_unlabeled_weight_zero_does_not_augment(problem):
    model, X, y = problem
    augmented = clone(model).set_params(augmenter=Recorder(), unlabeled_weight=0).fit(X, y)
    default = type(model)().unlabeled_weight
    without = model.set_params(unlabeled_weight=default).fit(X, y)
    assert_array_equal(scores_of(augmented, X), scores_of(without, X))
    assert not Recorder.calls


def test_several_labels_per_row(gaussian):
    X, y, _ = gaussian
    Y = np.column_stack([y != 0, y != 1]).astype(int)
    teacher = RandomForestClassifier(5, random_state=0)
    model = DistilledMulticlassRetriever(teacher, k=1, objective="cross_entropy")
    augmented = clone(model).set_params(augmenter=Recorder()).fit(X, Y)
    by_hand = clone(model).fit(X, Y, X_unlabeled=X[::2] + 0.25)
    assert_array_equal(scores_of(augmented, X), scores_of(by_hand, X))


@pytest.mark.parametrize("augmenter", AUGMENTERS)
def test_one_seed_decides(gaussian, augmenter):
    X, y, _ = gaussian
    augmenter = make_augmenter(augmenter, 2)
    model = DistilledClassifier(
        GaussianNB(), TREE, augmenter=augmenter, random_state=3, alpha=1.0, unlabeled_weight=1.0
    )
    one, other = clone(model).fit(X, y), clone(model).fit(X, y)
    assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    another = clone(model).set_params(random_state=4).fit(X, y)
    assert (one.predict_proba(X) != another.predict_proba(X)).any()


def test_the_seed_that_an_augmenter_gets_is_an_integer(gaussian):
    X, y, _ = gaussian
    model = DistilledClassifier(
        GaussianNB(), TREE, augmenter=Recorder(), alpha=1.0, unlabeled_weight=1.0
    )
    for random_state in (None, 0, 0, np.random.RandomState(0)):
        clone(model).set_params(random_state=random_state).fit(X, y)
    seeds = [seed for _, seed in Recorder.calls]
    assert all(type(seed) is int for seed in seeds)
    assert seeds[1] == seeds[2] != seeds[0]


def test_rows_that_weigh_nothing_are_not_sampled_from(gaussian):
    X, y, _ = gaussian
    weight = np.arange(len(y)) % 2 * 3.0
    model = DistilledClassifier(
        GaussianNB(), TREE, augmenter=Recorder(), alpha=1.0, unlabeled_weight=1.0
    )
    model.fit(X, y, sample_weight=weight)
    assert_array_equal(Recorder.calls[0][0], X[1::2])


def test_a_frozen_teacher_labels_them(gaussian):
    X, y, _ = gaussian
    frozen = FrozenEstimator(GaussianNB().fit(X[:50], y[:50]))
    model = DistilledClassifier(frozen, TREE, alpha=1.0, unlabeled_weight=1.0)
    augmented = clone(model).set_params(augmenter=Recorder())
    by_hand = clone(model).fit(X, y, X_unlabeled=X[::2] + 0.25)
    proba = frozen.predict_proba(X)
    for given in ({}, {"teacher_proba": proba}):
        augmented.fit(X, y, **given)
        assert_array_equal(augmented.predict_proba(X), by_hand.predict_proba(X))


def test_search_augments_within_splits_with_one_more_teacher(gaussian):
    X, y, _ = gaussian
    for augmenter, n_fits in ((None, 5), (MungeAugmenter(), 6)):
        CountingTeacher.n_fits = 0
        model = DistilledClassifier(
            CountingTeacher(), TREE, augmenter=augmenter, random_state=0, alpha=1.0
        )
        grid = {"augmenter__size_factor": [1, 3]} if augmenter else {"alpha": [0.5, 1]}
        search = GridSearchCV(model, grid, cv=3).fit(X, y)
        assert CountingTeacher.n_fits == (2 * 3 + 1) * n_fits
        assert len(search.cv_results_["params"]) == 2
    GridSearchCV(
        DistilledClassifier(GaussianNB(), augmenter=Recorder(), alpha=1.0, unlabeled_weight=1.0),
        {},
        cv=3,
    ).fit(X, y)
    assert [len(rows) for rows, _ in Recorder.calls] == [100, 100, 100, 150]


def test_after_pipeline_transformers_transformed_rows_sampled(gaussian):
    X, y, _ = gaussian
    model = DistilledClassifier(
        GaussianNB(), TREE, augmenter=Recorder(), alpha=1.0, unlabeled_weight=1.0
    )
    make_pipeline(StandardScaler(), model).fit(X, y)
    assert_allclose(Recorder.calls[0][0], StandardScaler().fit_transform(X))


@pytest.mark.parametrize("augmenter", AUGMENTERS)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_dataframes(gaussian, library, augmenter):
    frames = pytest.importorskip(library)
    X, y, _ = gaussian
    X = frames.DataFrame({name: X[:, k] for k, name in enumerate("abc")})
    augmenter = make_augmenter(augmenter, 2)
    model = DistilledClassifier(
        GaussianNB(), TREE, augmenter=augmenter, random_state=0, alpha=1.0, unlabeled_weight=1.0
    )
    assert model.fit(X, y).feature_names_in_.tolist() == ["a", "b", "c"]
    on_array = clone(model).fit(X.to_numpy(), y)
    assert_array_equal(model.predict_proba(X), on_array.predict_proba(X.to_numpy()))


def test_sparse_rows_of_an_augmenter_of_ones_own(gaussian):
    X, y, _ = gaussian
    model = DistilledClassifier(
        RandomForestClassifier(5, random_state=0),
        LogisticRegression(),
        alpha=1.0,
        unlabeled_weight=1.0,
    )
    model.set_params(augmenter=Recorder(lambda X: X[:40] * 1.5)).fit(sparse.csr_array(X), y)
    by_hand = clone(model).set_params(augmenter=None).fit(X, y, X_unlabeled=X[:40] * 1.5)
    assert_allclose(model.predict_proba(X), by_hand.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize(
    ("transform", "match"),
    [
        (lambda X: None, "got a NoneType"),
        (lambda X: (X, np.ones(len(X))), "got a tuple.*without labels"),
        (lambda X: X[:0], "got a ndarray without rows"),
        (lambda X: X[:, :2], r"rows of X, \(3,\); got \(2,\)"),
        (lambda X: X[0], r"rows of X, \(3,\); got \(\)"),
        (lambda X: np.where(X.max() - 1e-9 < X, np.nan, X), r"missing values in column \d, 1 of"),
        (lambda X: X.astype(str), "has dtype <U32, expected float64"),
    ],
)
def test_hostile_augmenters(problem, transform, match):
    model, X, y = problem
    model.set_params(augmenter=Recorder(transform))
    with pytest.raises(ValueError, match=match):
        model.fit(X, y)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_hostile_augmenters_of_dataframes(gaussian):
    pd = pytest.importorskip("pandas")
    X, y, _ = gaussian
    frame = pd.DataFrame(X, columns=list("abc")).assign(kind=pd.Categorical(list("uv") * 75))
    for transform, match in [
        (lambda X: X.to_numpy(), "got an array without column names"),
        (lambda X: X[["b", "a", "c", "kind"]], r"in their order.*\['b', 'a', 'c', 'kind'\]"),
        (lambda X: X.assign(kind=X["kind"].astype(object)), "'kind' of .* object, expected categ"),
        (lambda X: X.assign(kind=X["kind"].where(X["a"] > 0)), "missing values in column 'kind'"),
    ]:
        model = DistilledClassifier(GaussianNB(), TREE, augmenter=Recorder(transform), alpha=1.0)
        with pytest.raises(ValueError, match=match):
            model.fit(frame, y)


@pytest.mark.parametrize("augmenter", [*AUGMENTERS, "Recorder"])
def test_missing_values_where_X_has_some_are_welcome(gaussian, augmenter):
    X, y, _ = gaussian
    X = np.where(X > 1, np.nan, X)
    teacher = DecisionTreeClassifier(max_depth=3, random_state=0)
    augmenter = Recorder() if augmenter == "Recorder" else make_augmenter(augmenter)
    DistilledClassifier(teacher, TREE, augmenter=augmenter, alpha=1.0).fit(X, y)


def test_what_is_no_augmenter(problem):
    model, X, y = problem
    for augmenter, match in [
        (MungeAugmenter, r"augmenter=MungeAugmenter\(\)"),
        (StandardScaler(), r"StandardScaler\(\) has none"),
    ]:
        with pytest.raises(TypeError, match=match):
            model.set_params(augmenter=augmenter).fit(X, y)


def test_augmenter_needs_a_teacher(problem):
    model, X, y = problem
    model.set_params(augmenter=Recorder())
    proba = np.full((len(y), len(np.unique(y))), 1 / len(np.unique(y)))
    with pytest.raises(ValueError, match="augmenter needs a teacher to label its rows"):
        model.fit(X, y, teacher_proba=proba)
    assert not Recorder.calls


def test_label_weighted_needs_labels(gaussian):
    X, y, _ = gaussian
    model = DistilledMulticlassRetriever(objective="label_weighted", augmenter=Recorder())
    with pytest.raises(ValueError, match="the rows of augmenter have none"):
        model.fit(X, y)


# Not every augmenter: those of which docs/more_rows.md claims it.
@pytest.mark.slow
@pytest.mark.parametrize("augmenter", [MungeAugmenter(4), MarginalAugmenter(4)])
def test_sampled_rows_lift_a_tree_student(augmenter):
    """Over ten problems the squared error of the probabilities falls by two standard errors."""
    falls = []
    for seed in range(10):
        X, y, p_star = make_hidden_classes(
            2500, n_features=15, n_classes=3, class_sep=4, random_state=seed
        )
        teacher = RandomForestClassifier(50, min_samples_leaf=3)
        student = DecisionTreeClassifier(max_leaf_nodes=30, min_samples_leaf=5)
        model = DistilledClassifier(teacher, student, random_state=seed, alpha=1.0)
        without = clone(model).fit(X[:500], y[:500])
        model.set_params(augmenter=augmenter, unlabeled_weight=1.0)
        having = model.fit(X[:500], y[:500])
        losses = [
            np.square(m.predict_proba(X[500:]) - p_star[500:]).sum() for m in (without, having)
        ]
        falls.append(losses[0] - losses[1])
    assert np.mean(falls) > 2 * np.std(falls, ddof=1) / np.sqrt(len(falls))
