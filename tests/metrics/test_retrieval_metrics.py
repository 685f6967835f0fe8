"""Retrieval metrics equal their definitions and those of scikit-learn."""

import pickle
from inspect import signature
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from contracts.sklearn_estimators import meta_estimators
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import (
    load_digits,
    load_iris,
    make_classification,
    make_multilabel_classification,
)
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.metrics import ndcg_score, top_k_accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.utils import all_estimators

from skdistill.metrics import (
    _retrieval,
    label_propensities,
    ndcg_at_k,
    precision_at_k,
    propensity_scored_precision_at_k,
    recall_at_k,
    retrieval_scorer,
)

rng = np.random.default_rng(0)
N, L = 60, 12
SCORES = rng.normal(size=(N, L))
RANKED = np.argsort(-SCORES, axis=1)
Y = rng.integers(L, size=N)
INDICATOR = (rng.random((N, L)) < 0.3).astype(int)
INDICATOR[np.arange(N), Y] = 1
WEIGHT = rng.random(N)
METRICS = [precision_at_k, recall_at_k, ndcg_at_k]
KINDS = [np.asarray, sparse.csr_array, sparse.csc_array, lambda Y: Y.astype(bool)]


def by_hand(metric, labels_of_row, ranked, k, propensities):
    """Return a metric of one row: its value, or numerator and denominator."""
    hits = [label in labels_of_row for label in ranked[:k]]
    if metric is precision_at_k:
        return sum(hits) / k
    if metric is recall_at_k:
        return sum(hits) / len(labels_of_row)
    if metric is ndcg_at_k:
        gain = sum(hit / np.log2(2 + rank) for rank, hit in enumerate(hits))
        return gain / sum(1 / np.log2(2 + rank) for rank in range(min(k, len(labels_of_row))))
    inverse = [1 / propensities[label] for label in labels_of_row]
    found = sum(1 / propensities[label] for label in ranked[:k] if label in labels_of_row)
    return found, sum(sorted(inverse)[::-1][:k])


@pytest.mark.parametrize("k", [1, 3, L])
@pytest.mark.parametrize("kind", KINDS, ids=["dense", "csr", "csc", "bool"])
def test_several_labels_by_the_definitions(kind, k):
    propensities = rng.random(L) + 0.01
    sets = [set(np.flatnonzero(row)) for row in INDICATOR]
    for metric in METRICS:
        rows = [by_hand(metric, *each, k, None) for each in zip(sets, RANKED, strict=True)]
        got = metric(kind(INDICATOR), RANKED, k=k, sample_weight=WEIGHT)
        assert got == pytest.approx(np.average(rows, weights=WEIGHT), rel=1e-12)
    metric = propensity_scored_precision_at_k
    rows = [by_hand(metric, *each, k, propensities) for each in zip(sets, RANKED, strict=True)]
    found, best = WEIGHT @ np.array(rows)
    got = metric(kind(INDICATOR), RANKED, propensities, k=k, sample_weight=WEIGHT)
    assert got == pytest.approx(found / best, rel=1e-12)


@pytest.mark.parametrize("k", [1, 4])
def test_one_label_is_an_indicator_of_one(k):
    propensities, one_hot = rng.random(L) + 0.01, np.eye(L, dtype=int)[Y]
    for metric in METRICS:
        assert metric(Y, RANKED, k=k) == pytest.approx(metric(one_hot, RANKED, k=k), rel=1e-12)
    assert propensity_scored_precision_at_k(Y, RANKED, propensities, k=k) == pytest.approx(
        propensity_scored_precision_at_k(one_hot, RANKED, propensities, k=k), rel=1e-12
    )
    assert precision_at_k(Y, RANKED, k=k) == pytest.approx(recall_at_k(Y, RANKED, k=k) / k)


@pytest.mark.parametrize("k", [1, 5, L - 1])
def test_values_of_all_scores_equal_those_of_scikit_learn(k):
    expected = top_k_accuracy_score(Y, SCORES, k=k, labels=range(L), sample_weight=WEIGHT)
    assert recall_at_k(Y, RANKED, k=k, sample_weight=WEIGHT) == pytest.approx(expected)
    expected = ndcg_score(INDICATOR, SCORES, k=k, sample_weight=WEIGHT)
    assert ndcg_at_k(INDICATOR, RANKED, k=k, sample_weight=WEIGHT) == pytest.approx(expected)


def test_hand_computed_values():
    y_true, retrieved = [[1, 1, 0, 0], [0, 0, 1, 0]], [[2, 0, 1], [2, 3, 0]]
    assert precision_at_k(y_true, retrieved) == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert recall_at_k(y_true, retrieved, k=2) == pytest.approx((1 / 2 + 1) / 2)
    first = (1 / np.log2(3) + 1 / 2) / (1 + 1 / np.log2(3))
    assert ndcg_at_k(y_true, retrieved) == pytest.approx((first + 1) / 2)
    # inverse propensities 2, 4, 1, 10: found 2 + 1 of the best 4 + 1
    propensities = [0.5, 0.25, 1, 0.1]
    got = propensity_scored_precision_at_k(y_true, [[2, 0], [2, 3]], propensities)
    assert got == pytest.approx((2 + 1) / (2 + 4 + 1))
    assert propensity_scored_precision_at_k(y_true, [[0], [2]], propensities) == pytest.approx(
        (2 + 1) / (4 + 1)
    )


def test_perfect_and_useless_retrieval():
    best = np.argsort(-INDICATOR, axis=1, kind="stable")
    for metric in (recall_at_k, ndcg_at_k):
        assert metric(INDICATOR, best) == 1
        assert metric(Y, (Y[:, None] + [1, 2]) % L) == 0
    propensities = label_propensities(INDICATOR)
    assert propensity_scored_precision_at_k(INDICATOR, best, propensities) == pytest.approx(1)


def test_names_and_columns_in_any_order():
    names = np.array([f"label {code}" for code in range(L)])
    order = rng.permutation(L)
    for metric in METRICS:
        expected = metric(INDICATOR, RANKED, k=3)
        shuffled = INDICATOR[:, order]
        assert metric(shuffled, names[RANKED], k=3, classes=names[order]) == expected
    propensities = rng.random(L) + 0.01
    expected = propensity_scored_precision_at_k(Y, RANKED, propensities, k=3)
    got = propensity_scored_precision_at_k(
        names[Y], names[RANKED], propensities[order], k=3, classes=names[order]
    )
    assert got == pytest.approx(expected, rel=1e-12)


def test_columns_of_a_dataframe_have_their_names():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame([[1, 0], [0, 1]], columns=["dog", "cat"])
    for classes in (None, ["dog", "cat"], ["cat", "dog"]):  # their names say which is which
        assert recall_at_k(frame, [["dog"], ["cat"]], classes=classes) == 1
        assert recall_at_k(frame, [["dog"], ["dog"]], classes=classes) == 0.5
    with pytest.raises(ValueError, match=r"no column for \['cow'\]"):
        recall_at_k(frame, [["dog"], ["cat"]], classes=["cow", "dog"])


def test_labels_that_were_never_retrieved_are_missed():
    assert recall_at_k(["ant", "bee", "cow"], [["cow"]] * 3) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match=r"y holds \['ant', 'bee'\]"):
        recall_at_k(["ant", "bee", "cow"], [["cow"]] * 3, classes=["cow", "dog"])


def test_rows_without_a_label():
    y_true, retrieved = [[1, 0], [0, 0], [0, 1]], [[0], [0], [0]]
    for metric in (recall_at_k, ndcg_at_k):
        with pytest.warns(UserWarning, match="1 of 3 rows"):
            assert metric(y_true, retrieved, sample_weight=[3, 5, 1]) == pytest.approx(3 / 4)
        with pytest.raises(ValueError, match="None of the 2 rows"):
            metric([[0, 0], [0, 0]], [[0], [0]])
        with pytest.raises(ValueError, match="None of the 2 rows"):
            metric([[0, 1], [0, 0]], [[0], [0]], sample_weight=[0, 1])
    assert precision_at_k(y_true, retrieved) == pytest.approx(1 / 3)
    assert propensity_scored_precision_at_k(y_true, retrieved, [1, 1]) == pytest.approx(1 / 2)
    with pytest.raises(ValueError, match="None of the 2 rows"):
        propensity_scored_precision_at_k([[0, 0], [0, 0]], [[0], [0]], [1, 1])


@pytest.mark.parametrize(
    ("y_true", "retrieved", "given", "match"),
    [
        ([0, 1], [[0, 1], [1, 0]], {"k": 3}, "2 labels that were retrieved.*k=3"),
        ([0, 1], [[0, 1], [1, 0]], {"k": 0}, "k=0"),
        ([0, 1], [[0, 1], [1, 0]], {"k": 1.0}, "k=1.0"),
        ([0, 1], [0, 1], {}, r"got shape \(2,\)"),
        ([0, 1], [[0]], {}, "2 and 1"),
        ([0, 1], [["0"], ["1"]], {}, "labels of one kind; got 0 and '0'"),
        ([0, 1], [[7], [1]], {"classes": [0, 1]}, r"1 labels.*\[7\]"),
        ([[0, 1]], [[2]], {}, r"1 labels.*\[2\]"),
        ([[0, 1]], [[0.3, 0.7]], {}, "labels as retrieved, not scores"),
        ([[0.2, 0.8]], [[0]], {}, "y_true > 0.5"),
        ([[0, 1]], [[0]], {"classes": [0, 1, 2]}, "3 labels, 3 of them different, for 2"),
        ([[0, 1]], [[0]], {"classes": [0, 0]}, "2 labels, 1 of them different"),
        ([0, 1], [[0, 1], [1, 1]], {}, r"row 1: \[1, 1\]"),
        ([0, 1], [[0], [1]], {"sample_weight": [0, 0]}, "2 rows sum to 0"),
        ([0, 1], [[0], [1]], {"sample_weight": [1]}, r"shape \(2,\)"),
    ],
)
def test_bad_input_is_restated(y_true, retrieved, given, match):
    for metric in METRICS:
        with pytest.raises(ValueError, match=match):
            metric(y_true, retrieved, **given)
    with pytest.raises(ValueError, match=match):
        propensity_scored_precision_at_k(y_true, retrieved, [0.5, 0.5], **given)


@pytest.mark.parametrize(
    ("propensities", "match"), [([0.5], "each of the 2 labels"), ([0, 1], "smallest is 0")]
)
def test_bad_propensities(propensities, match):
    with pytest.raises(ValueError, match=match):
        propensity_scored_precision_at_k([0, 1], [[0], [0]], propensities)


def test_propensities_by_the_formula():
    counts = np.bincount(Y, minlength=L + 1)
    C = (np.log(N) - 1) * 2.5**0.55
    expected = 1 / (1 + C * (counts + 1.5) ** -0.55)
    np.testing.assert_allclose(label_propensities(Y, classes=range(L + 1)), expected, rtol=1e-12)
    one_hot = sparse.csr_array(np.eye(L + 1)[Y])
    np.testing.assert_allclose(label_propensities(one_hot), expected, rtol=1e-12)
    seen = counts[counts > 0]
    np.testing.assert_allclose(
        label_propensities(Y, A=1, B=2), 1 / (1 + (np.log(N) - 1) * 3 / (seen + 2)), rtol=1e-12
    )
    order = rng.permutation(L + 1)
    np.testing.assert_allclose(label_propensities(Y, classes=order), expected[order], rtol=1e-12)


@pytest.mark.parametrize(
    ("y", "given", "match"),
    [
        ([0, 1], {}, "at least 3 rows.*got 2"),
        ([0, 1, 2], {"A": 0}, "A=0"),
        ([0, 1, 2], {"classes": [0, 1]}, r"y holds \[2\]"),
    ],
)
def test_propensities_of_bad_input(y, given, match):
    with pytest.raises(ValueError, match=match):
        label_propensities(y, **given)


class Retriever(GaussianNB):
    """A classifier with `retrieve`, which records its arguments."""

    def retrieve(self, X, k):
        self.call_args = (X.shape, k)
        order = np.argsort(-self.predict_proba(X), axis=1)[:, :k]
        return self.classes_[order], np.take_along_axis(self.predict_proba(X), order, axis=1)


@pytest.mark.parametrize("block", [2**23, 25], ids=["one block", "blocks of two rows"])
@pytest.mark.parametrize("model", [GaussianNB(), Perceptron()], ids=["proba", "decision"])
def test_scorer_takes_the_best_of_all_scores(model, block, monkeypatch):
    monkeypatch.setattr(_retrieval, "SCORES_PER_BLOCK", block)
    X, y = load_digits(return_X_y=True)
    names = np.array([f"digit {code}" for code in range(10)])
    model.fit(X, names[y])
    X, y = X[:101], y[:101]
    scores_of = getattr(model, "decision_function", None) or model.predict_proba
    expected = top_k_accuracy_score(y, scores_of(X), k=3, sample_weight=np.arange(101))
    score = retrieval_scorer(recall_at_k, k=3)
    assert score(model, X, names[y], sample_weight=np.arange(101)) == pytest.approx(expected)
    ranked = names[np.argsort(-scores_of(X), axis=1, kind="stable")]
    got = retrieval_scorer(ndcg_at_k, k=10)(model, X, names[y])
    assert got == pytest.approx(ndcg_at_k(names[y], ranked), abs=1e-3)  # ties apart


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: make_pipeline(StandardScaler(), m)])
def test_scorer_uses_retrieve_if_available(wrap):
    X, y = load_digits(return_X_y=True)
    X = X + np.random.default_rng(0).normal(size=X.shape)
    with_retrieve, without = Retriever(), wrap(GaussianNB())
    model = wrap(with_retrieve).fit(X, y)
    score = retrieval_scorer(recall_at_k, k=2)
    assert score(model, X, y) == pytest.approx(score(without.fit(X, y), X, y))
    assert with_retrieve.call_args == (X.shape, 2)
    alone = Retriever().fit(X, y)
    assert score(make_pipeline(alone), X, y) == score(alone, X, y) > 0.5


def test_scorer_of_two_classes():
    X, y = rng.normal(size=(80, 2)), rng.integers(2, size=80)
    model = LogisticRegression().fit(X, y)
    assert retrieval_scorer(recall_at_k, k=1)(model, X, y) == model.score(X, y)
    assert retrieval_scorer(recall_at_k, k=2)(model, X, y) == 1


def test_scorer_of_an_indicator_uses_its_columns():
    X, Y = make_multilabel_classification(100, n_classes=6, allow_unlabeled=False, random_state=0)
    model = OneVsRestClassifier(LogisticRegression()).fit(X, Y)
    ranked = np.argsort(-model.decision_function(X), axis=1)
    for metric in METRICS:
        assert retrieval_scorer(metric, k=3)(model, X, Y) == metric(Y, ranked, k=3)
    p = label_propensities(Y)
    got = retrieval_scorer(propensity_scored_precision_at_k, k=3, propensities=p)(model, X, Y)
    assert got == propensity_scored_precision_at_k(Y, ranked, p, k=3)


def test_scorer_in_a_search_and_through_a_pickle():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    score = pickle.loads(pickle.dumps(retrieval_scorer(recall_at_k, k=3)))
    assert repr(score) == "retrieval_scorer(recall_at_k, k=3)"
    grid = {"gaussiannb__var_smoothing": [1e-9, 1e9]}
    model = make_pipeline(FunctionTransformer(), GaussianNB())
    search = GridSearchCV(model, grid, scoring=score, n_jobs=2).fit(X, y)
    assert search.best_params_ == {"gaussiannb__var_smoothing": 1e-9}
    assert search.score(X, y) == score(search.best_estimator_, X, y)


def test_scorer_of_more_labels_than_there_are():
    model = GaussianNB().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match=r"k=10.*GaussianNB.*Lower k"):
        retrieval_scorer(recall_at_k)(model, [[0.0]], [0])


def decision_readers():
    """Yield each classifier that has a decision_function, fitted on three and on five classes."""
    for name, cls in all_estimators(type_filter="classifier"):
        if not hasattr(cls, "decision_function"):
            continue
        shapes = (
            ["ovr", "ovo"] if "decision_function_shape" in signature(cls).parameters else [None]
        )
        for shape in shapes:
            yield pytest.param(cls, shape, id=name + (f"-{shape}" if shape else ""))


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize(("cls", "shape"), decision_readers())
def test_scorer_reads_columns_as_classes_or_refuses(cls, shape, n_classes):
    X, y = make_classification(
        250, 6, n_informative=6, n_redundant=0, n_classes=n_classes, n_clusters_per_class=1,
        random_state=0,
    )  # fmt: skip
    names = np.array(["e", "c", "d", "a", "b"])[:n_classes][y]
    try:
        model = cls() if shape is None else cls(decision_function_shape=shape)
    except TypeError:  # a wrapper, which requires an inner estimator
        model = cls(LogisticRegression())
    if not hasattr(model, "decision_function") or isinstance(model, ClassifierChain):
        pytest.skip("it has none with these parameters, or takes indicators only")
    try:
        model.fit(X, names)
    except ValueError as error:
        assert n_classes > 2 and "binary" in str(error)
        pytest.skip("it takes two classes only")
    score = retrieval_scorer(recall_at_k, k=1)
    if shape == "ovo" and n_classes > 2:
        with pytest.raises(ValueError, match='decision_function_shape="ovr"'):
            score(model, X, names)
        return
    scores = model.decision_function(X)
    best = model.classes_[scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)]
    assert score(model, X, names) == pytest.approx((best == names).mean(), abs=0.01)
    assert score(model, X, names) == pytest.approx(model.score(X, names), abs=0.03)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda svc: make_pipeline(StandardScaler(), svc),
        lambda svc: GridSearchCV(svc, {"C": [1.0]}, cv=2),
        lambda svc: BaggingClassifier(svc, 2, random_state=0),
        lambda svc: make_pipeline(GridSearchCV(make_pipeline(svc), {}, cv=2)),
    ],
)
def test_scorer_finds_one_versus_one_inside_of_others(wrap):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="decision_function_shape"):
        retrieval_scorer(recall_at_k, k=1)(wrap(SVC(decision_function_shape="ovo")).fit(X, y), X, y)
    first = SelectFromModel(LinearSVC())  # what is no scorer does not count
    model = make_pipeline(first, SVC(decision_function_shape="ovr")).fit(X, y)
    assert retrieval_scorer(recall_at_k, k=1)(model, X, y) > 0.9
    each = OneVsRestClassifier(SVC(decision_function_shape="ovo")).fit(X, y)
    assert retrieval_scorer(recall_at_k, k=1)(each, X, y) > 0.9


@pytest.mark.parametrize("inner", [SVC(decision_function_shape="ovo"), BaggingClassifier(SVC())])
@pytest.mark.parametrize(
    "meta",
    [meta for meta in meta_estimators() if meta.fits(SimpleNamespace(is_classifier=True))],
    ids=lambda meta: meta.name,
)
@pytest.mark.filterwarnings("ignore")
def test_scorer_reads_what_stands_around_others_or_refuses(meta, inner):
    """Three classes make three pairs: what counts is who makes the scores, not their number."""
    X, y = load_iris(return_X_y=True)
    try:
        model = meta.make(clone(inner)).fit(X, y)
    except (AttributeError, IndexError, ValueError) as error:
        pytest.skip(f"it cannot be fitted: {error}")
    if not hasattr(model, "decision_function"):
        pytest.skip("it has no scores")
    try:
        score = retrieval_scorer(recall_at_k, k=1)(model, X, y)
    except ValueError as error:
        assert "decision_function_shape" in str(error)
        assert isinstance(inner, SVC)
    else:
        assert score == pytest.approx(model.score(X, y), abs=0.02)


INDICATOR_CLASSIFIERS = [
    RandomForestClassifier(20, random_state=0),
    KNeighborsClassifier(),
    MultiOutputClassifier(GaussianNB()),
    MLPClassifier(max_iter=5, random_state=0),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*rows of y_true have no label")
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("constant", [None, 0, 1])
@pytest.mark.parametrize("model", INDICATOR_CLASSIFIERS, ids=lambda model: type(model).__name__)
def test_scorer_of_classifiers_with_numbered_columns(model, constant, named):
    X, Y = make_multilabel_classification(80, n_classes=4, allow_unlabeled=False, random_state=0)
    if constant is not None:
        Y[:, 1] = constant
    model = clone(model).fit(X, Y)
    proba = model.predict_proba(X)
    if isinstance(proba, list):
        proba = [
            each[:, list(values).index(1)] if 1 in values else np.zeros(80)
            for each, values in zip(proba, model.classes_, strict=True)
        ]
        proba = np.column_stack(proba)
    ranked = np.argsort(-proba, axis=1, kind="stable")
    y = pd.DataFrame(Y, columns=["d", "b", "c", "a"]) if named else Y
    score = retrieval_scorer(ndcg_at_k, k=4)
    assert score(model, X, y) == pytest.approx(ndcg_at_k(Y, ranked), abs=0.02)  # ties apart
    with_names = retrieval_scorer(ndcg_at_k, k=4, classes=["d", "b", "c", "a"])
    assert with_names(model, X, y) == score(model, X, y)


def test_scorer_of_columns_whose_names_may_be_positions():
    X, Y = make_multilabel_classification(50, n_classes=3, random_state=0)
    model = OneVsRestClassifier(LogisticRegression()).fit(X, Y)
    with pytest.raises(ValueError, match="names or positions"):
        retrieval_scorer(recall_at_k, k=1)(model, X, pd.DataFrame(Y, columns=[2, 0, 1]))


def test_scorer_of_several_outputs_needs_an_indicator():
    X, Y = make_multilabel_classification(50, n_classes=3, random_state=0)
    model = RandomForestClassifier(5).fit(X, Y)
    with pytest.raises(ValueError, match="fitted on an indicator"):
        retrieval_scorer(recall_at_k, k=1)(model, X, Y[:, 0])
