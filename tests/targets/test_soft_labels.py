"""SoftLabels validates its input, and softens, mixes and expands it as defined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import softmax

from skdistill import SoftLabels


def random_proba(n_rows, n_classes, seed, zeros=0.3):
    rng = np.random.default_rng(seed)
    proba = rng.random((n_rows, n_classes)) * (rng.random((n_rows, n_classes)) > zeros)
    proba[np.arange(n_rows), rng.integers(n_classes, size=n_rows)] += 0.1
    return proba / proba.sum(axis=1, keepdims=True)


@st.composite
def soft_labels(draw):
    n_rows, n_classes = draw(st.integers(1, 8)), draw(st.integers(2, 6))
    seed = draw(st.integers(0, 10_000))
    proba = random_proba(n_rows, n_classes, seed)
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=n_rows)
    weight = rng.integers(0, 3, size=n_rows)
    if draw(st.booleans()):
        proba = sparse.csr_array(proba)
    return SoftLabels(proba, y=y, sample_weight=weight)


def dense(labels):
    return labels.proba.toarray() if sparse.issparse(labels.proba) else labels.proba


def test_columns_are_sorted_by_class():
    labels = SoftLabels([[0.2, 0.8], [1.0, 0.0]], classes=["dog", "cat"], y=["dog", "cat"])
    assert_array_equal(labels.classes, ["cat", "dog"])
    assert_array_equal(labels.proba, [[0.8, 0.2], [0.0, 1.0]])
    assert_array_equal(labels.codes, [1, 0])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_dataframe_columns_are_matched_by_name(library):
    frame = pytest.importorskip(library).DataFrame({"1": [0.2, 0.7], "0": [0.8, 0.3]})
    labels = SoftLabels(frame, classes=[0, 1], y=[0, 1])
    assert_array_equal(labels.classes, [0, 1])
    assert_array_equal(labels.proba, [[0.8, 0.2], [0.3, 0.7]])


def test_rows_off_by_rounding_are_renormalised():
    proba = np.array([[0.3, 0.7005], [0.5, 0.5]])
    assert_allclose(SoftLabels(proba).proba, proba / proba.sum(axis=1, keepdims=True), rtol=1e-15)
    half = np.random.default_rng(0).dirichlet(np.ones(5), size=50).astype(np.float16)
    assert_allclose(SoftLabels(half).proba.sum(axis=1), 1, rtol=1e-15)


@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize(
    ("proba", "message"),
    [
        ([[0.5, 0.5], [0.5, np.nan]], r"NaN or infinity in 1 entries, the first in row 1"),
        ([[0.5, 0.5], [1.2, -0.2]], r"1 negative entries, the first \(-0.2\) in row 1"),
        ([[0.5, 0.5], [0.5, 0.6]], r"row 1 is farthest off with a sum of 1.1 \(off by 0.1\)"),
        ([[0.5, 0.5], [0.0, 0.0]], r"row 1 is farthest off with a sum of 0 \(off by 1\)"),
    ],
)
def test_rows_that_are_no_probabilities_are_refused(proba, message, container):
    with pytest.raises(ValueError, match=message):
        SoftLabels(container(proba))


def test_other_bad_input_is_refused_and_restated():
    with pytest.raises(ValueError, match=r"shape \(n_samples, n_classes\); got shape \(2,\)"):
        SoftLabels([0.5, 0.5])
    with pytest.raises(ValueError, match="must hold numbers"):
        SoftLabels([["a", "b"]])
    with pytest.raises(ValueError, match=r"2 columns but there are 3 classes"):
        SoftLabels([[0.5, 0.5]], classes=["a", "b", "c"])
    with pytest.raises(ValueError, match="must not repeat"):
        SoftLabels([[0.5, 0.5]], classes=["a", "a"])
    with pytest.raises(ValueError, match=r"y holds \['c'\]"):
        SoftLabels([[0.5, 0.5]], classes=["a", "b"], y=["c"])
    with pytest.raises(ValueError, match="1 rows but y has 2 labels"):
        SoftLabels([[0.5, 0.5]], y=[0, 1])
    with pytest.raises(ValueError, match=r"shape \(1,\); got shape \(2,\)"):
        SoftLabels([[0.5, 0.5]], sample_weight=[1, 2])
    with pytest.raises(ValueError, match=r"must not be negative; 1 of 1 are"):
        SoftLabels([[0.5, 0.5]], sample_weight=[-1])


def test_dataframe_with_other_columns_is_refused():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match=r"no column for \['b'\], no class for \['c'\]"):
        SoftLabels(pd.DataFrame({"a": [0.5], "c": [0.5]}), classes=["a", "b"])


def test_input_is_not_changed():
    proba, sparse_proba = np.array([[0.3, 0.7005]]), sparse.csr_array([[0.3, 0.7005]])
    SoftLabels(proba)
    SoftLabels(sparse_proba).temper(2.0)
    assert_array_equal(proba, [[0.3, 0.7005]])
    assert_array_equal(sparse_proba.toarray(), [[0.3, 0.7005]])


@given(soft_labels(), st.floats(0.05, 20))
@settings(deadline=None)
def test_temper_is_softmax_of_scaled_logits(labels, temperature):
    with np.errstate(divide="ignore"):
        logits = np.log(dense(labels))
    expected = softmax(logits / temperature, axis=1)
    assert_allclose(dense(labels.temper(temperature)), expected, atol=1e-13)


@given(soft_labels(), st.integers(1, 7))
@settings(deadline=None)
def test_keep_top_is_the_sort_by_hand(labels, k):
    kept = dense(labels.truncate_top_k(k))
    for row, p in zip(kept, dense(labels), strict=True):
        best = sorted(range(len(p)), key=lambda j: (-p[j], j))[:k]
        expected = np.zeros_like(p)
        expected[best] = p[best] / p[best].sum()
        assert_allclose(row, expected, atol=1e-15)


def test_keep_all_changes_nothing():
    labels = SoftLabels(random_proba(5, 3, 0))
    assert labels.truncate_top_k(3) is labels
    assert labels.truncate_top_k(None) is labels


@given(soft_labels(), st.floats(0, 1))
@settings(deadline=None)
def test_mix_is_the_weighted_mean_with_the_one_hot_label(labels, alpha):
    expected = alpha * dense(labels) + (1 - alpha) * np.eye(len(labels.classes))[labels.codes]
    mixed = labels.mix_with_labels(alpha)
    assert_allclose(dense(mixed), expected, atol=1e-15)
    assert_array_equal(mixed.weight, labels.weight)


def test_unlabelled_rows_keep_probabilities_and_weight():
    known = SoftLabels([[0.5, 0.5]], y=[1])
    both = known.append(SoftLabels([[0.2, 0.8]]))
    mixed = both.mix_with_labels(0.25)
    assert_allclose(mixed.proba, [[0.125, 0.875], [0.2, 0.8]])
    assert_array_equal(mixed.weight, [1, 1])
    sparse_mixed = both.truncate_top_k(1).mix_with_labels(0.25)
    assert_allclose(sparse_mixed.proba.toarray(), [[0.25, 0.75], [0, 1]])


def test_the_true_label_is_never_cut_away():
    labels = SoftLabels([[0.7, 0.2, 0.1]], y=[2]).truncate_top_k(1).mix_with_labels(0.9)
    assert_allclose(labels.proba.toarray(), [[0.9, 0, 0.1]])


@given(soft_labels())
@settings(deadline=None)
def test_expansion_is_the_double_loop(labels):
    expected = [
        (n, labels.classes[k], labels.weight[n] * p)
        for n, row in enumerate(dense(labels))
        for k, p in enumerate(row)
        if labels.weight[n] * p > 0
    ]
    rows, y, weight = labels.expand()
    assert list(zip(rows, y, strict=True)) == [(n, k) for n, k, _ in expected]
    assert_allclose(weight, [w for _, _, w in expected])
    assert labels.count_expanded_rows() == (dense(labels) > 0).sum()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("soft_row", [None, 0, 4500, 8999])
def test_a_single_soft_row_is_found(soft_row, form):
    proba = np.eye(3)[np.arange(9000) % 3]
    if soft_row is not None:
        proba[soft_row] = [0.5, 0.5, 0]
    assert SoftLabels(form(proba)).is_one_hot is (soft_row is None)


def test_one_hot_rows_are_ordinary_labels():
    labels = SoftLabels.from_labels(["b", "a", "b"], classes=["a", "b", "c"])
    assert labels.is_unweighted_one_hot
    assert labels.truncate_top_k(2).is_unweighted_one_hot
    assert labels.temper(3.0).is_unweighted_one_hot
    assert not SoftLabels([[0.5, 0.5]]).is_unweighted_one_hot
    assert not SoftLabels([[0.0, 1.0]], sample_weight=[2]).is_unweighted_one_hot
    assert_array_equal(labels.proba.toarray(), [[0, 1, 0], [1, 0, 0], [0, 1, 0]])
    assert_array_equal(labels.hard_labels(), ["b", "a", "b"])


def test_hard_labels_are_the_true_ones_where_known():
    labels = SoftLabels([[0.9, 0.1]], y=[1]).append(SoftLabels([[0.9, 0.1]]))
    assert_array_equal(labels.hard_labels(), [1, 0])
    assert_array_equal(labels.argmax_labels(), [0, 0])


def test_append_and_take_keep_rows_together():
    first, second = SoftLabels([[0.9, 0.1]], y=[1]), SoftLabels([[0.4, 0.6]], sample_weight=[2])
    both = first.append(second)
    assert_array_equal(both.proba, [[0.9, 0.1], [0.4, 0.6]])
    assert_array_equal(both.codes, [1, -1])
    assert_array_equal(both.take([1]).weight, [2])
    assert sparse.issparse(first.truncate_top_k(1).append(second).proba)
    with pytest.raises(ValueError, match="different classes"):
        first.append(SoftLabels([[0.4, 0.6]], classes=["a", "b"]))


def test_expected_accuracy_and_the_need_for_two_classes():
    labels = SoftLabels([[0.9, 0.1], [0.4, 0.6]], sample_weight=[1, 3])
    assert labels.expected_accuracy([0, 1]) == pytest.approx((0.9 + 3 * 0.6) / 4)
    with pytest.raises(ValueError, match=r"only 1 class to learn: \[1\]"):
        SoftLabels([[0, 1.0], [0, 1.0]]).check_several_classes()
    with pytest.raises(ValueError, match="weight zero"):
        SoftLabels([[0.5, 0.5]], sample_weight=[0]).check_several_classes()


def test_ties_go_to_the_class_that_sorts_first():
    P = np.full((1, 40), 1 / 40)
    for proba in (P, sparse.csr_array(P)):
        assert_array_equal(SoftLabels(proba).truncate_top_k(3).proba.indices, [0, 1, 2])


def test_codes_follow_when_a_class_is_dropped():
    P = np.array([[0, 0.5, 0.5], [0, 0.2, 0.8], [0, 0.9, 0.1]])
    labels = SoftLabels(P, ["a", "b", "c"], y=["c", "a", "b"]).append(
        SoftLabels(P[:1], ["a", "b", "c"])
    )
    left = labels.drop_empty_classes()
    assert_array_equal(left.codes, [1, -1, 0, -1])


def test_surplus_columns_are_refused():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [0.5], "b": [0.5], "c": [0.0]})
    with pytest.raises(ValueError, match=r"no class for \['c'\]"):
        SoftLabels(frame, classes=["a", "b"])


def test_cold_temperatures_do_not_underflow():
    assert_allclose(SoftLabels(np.full((1, 1000), 1e-3)).temper(1 / 200).proba, 1e-3)


def test_ties_in_long_rows_go_to_the_class_that_sorts_first():
    proba = np.random.default_rng(0).integers(1, 4, size=(5, 100)).astype(float)
    proba /= proba.sum(axis=1, keepdims=True)
    for each in (proba, sparse.csr_array(proba)):
        kept = SoftLabels(each).truncate_top_k(20).proba.toarray()
        for row, p in zip(kept, proba, strict=True):
            best = sorted(range(100), key=lambda j: (-p[j], j))[:20]
            assert set(np.flatnonzero(row)) == set(best)


def test_probabilities_stay_as_they_came_to_the_last_bit():
    proba = np.random.default_rng(0).dirichlet(np.ones(7), size=50)
    assert (proba.sum(axis=1) != 1).any()
    assert_array_equal(SoftLabels(proba).proba, proba)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_class_weights_move_probability_and_weight(form):
    proba = form(np.array([[0.5, 0.5], [1.0, 0.0]]))
    labels = SoftLabels(proba, sample_weight=[2, 1]).reweight_classes([3, 1])
    assert_allclose(dense(labels), [[0.75, 0.25], [1, 0]])
    assert_allclose(labels.weight, [4, 3])


def test_what_it_looks_like():
    labels = SoftLabels(sparse.csr_array([[0.5, 0.5], [1.0, 0.0]]), y=[0, 1])
    assert repr(labels) == "SoftLabels(2 rows, 2 classes, sparse, 2 with a true label)"


def test_one_weight_for_all_rows():
    assert_array_equal(SoftLabels([[0.5, 0.5], [1.0, 0.0]], sample_weight=3).weight, [3, 3])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_pseudo_labels_are_the_most_probable_classes(form):
    P = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.9, 0.0]])
    labels = SoftLabels(form(P)).append(SoftLabels(form(P), y=[0, 0, 0]))
    hard = labels.harden_unlabeled()
    proba = hard.proba.toarray() if sparse.issparse(hard.proba) else hard.proba
    np.testing.assert_array_equal(proba, np.vstack([np.eye(3)[[1, 0, 1]], P]))
    np.testing.assert_array_equal(hard.codes, labels.codes)
