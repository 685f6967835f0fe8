"""Irrelevant changes of the input do not change the result, for extreme values too.

Results are equal to the last bit where the same numbers are added in the same order, to 1e-9 where
the order differs, and to the tolerance of the student where it has one.
"""

import tracemalloc

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledBipartiteRanker, DistilledClassifier, DistilledMulticlassRetriever
from skdistill.datasets import make_gaussian_classes

N_ROWS = 90
X, Y, P = make_gaussian_classes(n_samples=N_ROWS, n_features=3, n_classes=3, random_state=0)
WEIGHT = np.random.default_rng(0).uniform(0.5, 2, size=N_ROWS)
FOLDS = [(np.flatnonzero(np.arange(N_ROWS) % 3 != k), np.arange(k, N_ROWS, 3)) for k in range(3)]
ORDERS = st.permutations(range(N_ROWS)).map(np.array)
few = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # a permutation of 90 rows is not made shorter
)
pytestmark = pytest.mark.filterwarnings("ignore:alpha=.auto. chose 0")

TREES = DistilledClassifier(
    DecisionTreeClassifier(max_depth=3, random_state=0),
    DecisionTreeClassifier(max_depth=4, random_state=0),
    cv=FOLDS,
)
BAYES = DistilledClassifier(
    GaussianNB(), GaussianNB(), alpha=0.7, teacher_temperature=1.0, cv=FOLDS
)
RANKER = DistilledBipartiteRanker(GaussianNB(), cv=FOLDS, tol=1e-8)
RETRIEVER = DistilledMulticlassRetriever(
    GaussianNB(), k=1, objective="cross_entropy", cv=FOLDS, tol=1e-8, max_iter=1000
)


def scores(model, X=X):
    """Return what a fitted model says of rows."""
    if isinstance(model, DistilledClassifier):
        return model.predict_proba(X)
    return model.decision_function(X)


def labels_for(model):
    return np.minimum(Y, 1) if isinstance(model, DistilledBipartiteRanker) else Y


# How near a student comes: exact ones to the last digits, others to their tolerance.
MODELS = [(BAYES, 1e-9), (RANKER, 1e-4), (RETRIEVER, 1e-3)]


@few
@given(order=ORDERS)
def test_the_order_of_rows_does_not_matter(order):
    place = np.argsort(order)
    folds = [(place[train], place[test]) for train, test in FOLDS]
    for model, atol in MODELS:
        y = labels_for(model)
        expected = clone(model).set_params(alpha=1.0).fit(X, y, sample_weight=WEIGHT)
        moved = clone(model).set_params(alpha=1.0, cv=folds)
        moved.fit(X[order], y[order], sample_weight=WEIGHT[order])
        assert_allclose(scores(moved), scores(expected), atol=atol)
        assert moved.teacher_scores_["raw"] == pytest.approx(expected.teacher_scores_["raw"])


@few
@given(order=ORDERS)
def test_alpha_is_chosen_alike_in_any_order_of_rows(order):
    place = np.argsort(order)
    folds = [(place[train], place[test]) for train, test in FOLDS]
    expected = clone(BAYES).set_params(alpha="auto").fit(X, Y).alpha_curve_.loss
    found = (
        clone(BAYES).set_params(alpha="auto", cv=folds).fit(X[order], Y[order]).alpha_curve_.loss
    )
    assert_allclose(found, expected, rtol=1e-9)


NAMES = st.one_of(
    st.lists(st.integers(-128, 127), min_size=3, max_size=3, unique=True),
    st.lists(st.text("abc \u00e9", max_size=9), min_size=3, max_size=3, unique=True),
    st.lists(st.integers(2**53 - 9, 2**63 - 1), min_size=3, max_size=3, unique=True),
)


@few
@given(names=NAMES, as_objects=st.booleans())
@pytest.mark.parametrize(("model", "atol"), [(BAYES, 1e-9), (RETRIEVER, 1e-3)])
def test_the_names_of_classes_do_not_matter(model, atol, names, as_objects):
    expected = clone(model).fit(X, Y)
    for renamed in (np.array(sorted(names)), np.array(names)):  # the first keeps the order
        # Numbers as objects are no labels to scikit-learn.
        y = renamed[Y].astype(object) if as_objects and renamed.dtype.kind == "U" else renamed[Y]
        other = clone(model).fit(X, y)
        assert other.classes_.tolist() == sorted(names)
        columns = np.searchsorted(other.classes_, renamed)
        found = scores(other)[:, columns]
        if (np.diff(columns) > 0).all():
            assert_array_equal(found, scores(expected))
            assert_array_equal(other.predict(X), renamed[expected.predict(X)])
        else:
            assert_allclose(found, scores(expected), atol=atol)


@few
@given(order=st.permutations(range(3)))
def test_the_order_of_named_columns_does_not_matter(order):
    pd = pytest.importorskip("pandas")
    names = np.array(["a", "bb", "c"])
    frame = pd.DataFrame(P, columns=names)
    for model in (BAYES, RETRIEVER):
        expected = scores(clone(model).fit(X, names[Y], teacher_proba=frame))
        found = clone(model).fit(X, names[Y], teacher_proba=frame[list(names[list(order)])])
        assert_array_equal(scores(found), expected)
    unsorted = clone(BAYES).set_params(classes=names[list(order)])
    unsorted.fit(X, names[Y], teacher_proba=P[:, order])
    assert_array_equal(
        unsorted.predict(X), clone(BAYES).fit(X, names[Y], teacher_proba=P).predict(X)
    )


@few
@given(power=st.integers(-480, 480))
def test_the_unit_of_weights_does_not_matter(power):
    # scikit-learn's naive Bayes takes a class of less than 1e-8 in all for one without rows.
    for model in [TREES] if power < -10 else [BAYES, TREES]:
        expected = clone(model).fit(X, Y, sample_weight=WEIGHT)
        scaled = clone(model).fit(X, Y, sample_weight=WEIGHT * 2.0**power)
        assert scaled.alpha_ == expected.alpha_
        assert scaled.teacher_scores_ == expected.teacher_scores_
        assert_array_equal(scores(scaled), scores(expected))


@few
@given(row=st.integers(0, N_ROWS - 1), share=st.floats(0.01, 0.99))
def test_a_row_may_come_in_two_parts(row, share):
    rows = np.r_[np.arange(N_ROWS), row]
    parts = WEIGHT[rows]
    parts[[row, -1]] *= share, 1 - share
    for model, atol in MODELS:
        y = labels_for(model)
        proba = P if len(np.unique(y)) == 3 else np.column_stack([P[:, 0], 1 - P[:, 0]])
        whole = clone(model).set_params(alpha=0.7)
        whole.fit(X, y, sample_weight=WEIGHT, teacher_proba=proba)
        split = clone(model).set_params(alpha=0.7)
        split.fit(X[rows], y[rows], sample_weight=parts, teacher_proba=proba[rows])
        assert_allclose(scores(split), scores(whole), atol=atol, rtol=1e-6)
        assert split.teacher_scores_["raw"] == pytest.approx(whole.teacher_scores_["raw"])


@few
@given(seed=st.integers(0, 99))
def test_content_of_a_zero_weight_row_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    weight = np.where(np.arange(N_ROWS) % 4, WEIGHT, 0)
    free = np.flatnonzero(weight == 0)
    others, y, proba = X.copy(), Y.copy(), P.copy()
    others[free] = others[rng.permutation(free)]  # naive Bayes smooths by the variance of all rows
    y[free], proba[free] = rng.permutation(y[free]), rng.dirichlet(np.ones(3), size=len(free))
    expected = clone(BAYES).fit(X, Y, sample_weight=weight, teacher_proba=P)
    found = clone(BAYES).fit(others, y, sample_weight=weight, teacher_proba=proba)
    assert_allclose(scores(found), scores(expected), atol=1e-9)
    assert found.teacher_scores_["raw"] == pytest.approx(expected.teacher_scores_["raw"])


WHOLE = np.random.default_rng(1).integers(0, 2, size=(N_ROWS, 6)) + np.eye(6)[np.arange(N_ROWS) % 6]
WITH_TEACHER = (WHOLE[:, 0] + WHOLE[:, 1] + np.arange(N_ROWS) % 2).astype(int) % 3


def memory_mapped(rows, folder):
    np.save(folder / "rows.npy", rows)
    return np.load(folder / "rows.npy", mmap_mode="r")


def read_only(rows, folder):
    rows = rows.copy()
    rows.setflags(write=False)
    return rows


FORMS = {
    **{
        f"{dtype}": lambda rows, folder, dtype=dtype: rows.astype(dtype)
        for dtype in ("i1", "u1", "i2", "i4", "i8", "f2", "f4", "f8", ">f8", "O")
    },
    "Fortran": lambda rows, folder: np.asfortranarray(rows),
    "strided": lambda rows, folder: np.repeat(rows, 2, axis=0)[::2],
    "read-only": read_only,
    "memory map": memory_mapped,
    "list": lambda rows, folder: rows.tolist(),
    "pandas": lambda rows, folder: pytest.importorskip("pandas").DataFrame(rows),
    "polars": lambda rows, folder: pytest.importorskip("polars").DataFrame(rows),
    "csr": lambda rows, folder: sparse.csr_array(rows),
    "csc": lambda rows, folder: sparse.csc_matrix(rows),
    "coo": lambda rows, folder: sparse.coo_array(rows),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_container_of_rows_does_not_matter(form, tmp_path):
    rows = FORMS[form](WHOLE, tmp_path)
    for alpha in (1.0, "auto"):
        model = clone(TREES).set_params(alpha=alpha)
        expected = clone(model).fit(WHOLE, WITH_TEACHER)
        found = clone(model).fit(rows, WITH_TEACHER)
        assert_allclose(scores(found, rows), scores(expected, WHOLE), atol=1e-12)
        assert found.teacher_scores_["raw"] == pytest.approx(expected.teacher_scores_["raw"])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float64, str, "U9"], ids=str)
@pytest.mark.parametrize("form", [np.asarray, list])
def test_the_dtype_of_labels_does_not_matter(dtype, form):
    y = form(Y.astype(dtype))
    found, expected = clone(BAYES).fit(X, y), clone(BAYES).fit(X, Y)
    assert_array_equal(scores(found), scores(expected))
    assert found.classes_.tolist() == np.unique(y).tolist()


def test_labels_of_unknown_type_are_an_error():
    for y in (Y.astype(object), Y.astype("S1")):  # numbers as objects, bytes
        with pytest.raises((TypeError, ValueError), match=r"Unknown label type|bytes"):
            clone(BAYES).fit(X, y)


def test_booleans_are_two_classes():
    found, expected = clone(BAYES).fit(X, Y == 1), clone(BAYES).fit(X, (Y == 1).astype(int))
    assert_array_equal(scores(found), scores(expected))
    assert found.predict(X).dtype == bool


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_huge_and_tiny_features(scale):
    """Naive Bayes knows no unit: neither do those that learn from it."""
    expected = clone(BAYES).fit(X, Y)
    found = clone(BAYES).fit(X * scale, Y)
    assert_allclose(scores(found, X * scale), scores(expected), atol=1e-3)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_features_that_trees_cannot_hold(scale):
    if scale > 1:  # trees work in single precision: scikit-learn's own error
        with pytest.raises(ValueError, match="too large for dtype"):
            clone(TREES).fit(X * scale, Y)
    else:
        found = clone(TREES).set_params(alpha=1.0).fit(X * scale, Y)
        assert np.isfinite(scores(found, X * scale)).all()


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_huge_and_tiny_weights(scale):
    mixed = np.where(np.arange(N_ROWS) % 2, 1.0, scale)  # one half hardly counts
    for model in (BAYES, TREES, RANKER, RETRIEVER):
        fitted = clone(model).fit(X, labels_for(model), sample_weight=mixed)
        assert np.isfinite(scores(fitted)).all()


@pytest.mark.parametrize("n_rows", [2, 3])
def test_one_row_per_class(n_rows):
    rows, y, proba = X[:n_rows], np.arange(n_rows), np.eye(n_rows) * 0.8 + 0.2 / n_rows
    for model in (
        DistilledClassifier(alpha=1.0, teacher_temperature=1.0),
        clone(RETRIEVER).set_params(cv=5),
    ):
        fitted = clone(model).fit(rows, y, teacher_proba=proba / proba.sum(axis=1, keepdims=True))
        assert_array_equal(fitted.predict(rows), y)
        in_sample = clone(model).set_params(cv="in-sample", teacher=LogisticRegression())
        assert_array_equal(in_sample.fit(rows, y).predict(rows), y)
        with pytest.raises(ValueError, match="n_splits=5"):
            clone(model).fit(rows, y)


@pytest.mark.parametrize(
    "model", [TREES, RANKER, RETRIEVER], ids=lambda model: type(model).__name__
)
@pytest.mark.parametrize(
    "rows", [X[:, :1], np.zeros((N_ROWS, 1)), np.c_[X, np.ones(N_ROWS)]], ids=["one", "0", "more"]
)
def test_one_feature_and_constant_features(model, rows):
    fitted = clone(model).set_params(teacher=TREES.teacher).fit(rows, labels_for(model))
    found = scores(fitted, rows)
    assert np.isfinite(found).all()
    if not rows.any():  # the same prediction for all
        assert_allclose(found, np.broadcast_to(found[:1], found.shape), atol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_naive_bayes_of_a_feature_that_is_constant():
    with pytest.raises(ValueError, match=r"GaussianNB.predict_proba\(X\) holds NaN"):
        clone(BAYES).fit(np.zeros((N_ROWS, 1)), Y)


@pytest.mark.slow
def test_ten_thousand_classes_are_never_held_densely():
    n_rows, n_classes, top_k = 1000, 10_000, 3
    rng = np.random.default_rng(0)
    rows, y = rng.normal(size=(n_rows, 2)), rng.integers(n_classes, size=n_rows)
    columns = np.concatenate([y[:, None], rng.integers(n_classes, size=(n_rows, 9))], axis=1)
    values = np.tile(np.r_[0.55, np.full(9, 0.05)], n_rows)
    proba = sparse.csr_array(
        (values, columns.ravel(), np.arange(n_rows + 1) * 10), (n_rows, n_classes)
    )
    model = DistilledClassifier(
        student=GaussianNB(),
        alpha=0.5,
        teacher_temperature=1.0,
        top_k=top_k,
        classes=np.arange(n_classes),
    )
    tracemalloc.start()
    model.fit(rows, y, teacher_proba=proba)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < n_rows * n_classes * 8 / 4
    assert model.predict_proba(rows[:5]).shape == (5, n_classes)
