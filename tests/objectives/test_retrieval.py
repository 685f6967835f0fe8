"""The retrieval losses equal their definitions."""

from functools import partial

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import approx_fprime, minimize
from scipy.special import logsumexp, softmax

from skdistill.objectives import _retrieval as retrieval
from skdistill.objectives import (
    double_distillation_loss,
    label_weighted_cross_entropy,
    linear_retrieval_loss,
    soft_cross_entropy,
)

N, L = 7, 6


def problem(seed=0, spread=2.0):
    rng = np.random.default_rng(seed)
    z = spread * rng.normal(size=(N, L))
    p = softmax(2 * rng.normal(size=(N, L)), axis=1)
    p[0] = np.eye(L)[2]
    p[1, :3] = 0
    p[1] /= p[1].sum()
    return z, p, rng.integers(L, size=N), rng.uniform(0.5, 2, size=N)


def label_weighted(z, y, p):
    """The label-weighted loss of one row: cross-entropy of f + log alpha."""
    with np.errstate(divide="ignore"):
        log_alpha = np.where(np.arange(len(z)) == y, 0.0, np.log1p(-p))
    return logsumexp(z + log_alpha) - z[y]


def double(z, p):
    """The expectation of the label-weighted loss over labels drawn from p, label by label."""
    return sum(p[y] * label_weighted(z, y, p) for y in range(len(z)) if p[y] > 0)


def general(z, a, d):
    """The general form with several positives, label by label."""
    total = 0.0
    for y in range(len(z)):
        competitors = np.log(np.sum((1 - d) * np.exp(z)) + d[y] * np.exp(z[y]))
        total += a[y] * (competitors - z[y])
    return total


def numerical(loss, z):
    return approx_fprime(z.ravel(), lambda flat: loss(flat.reshape(z.shape)), 1e-7).reshape(z.shape)


def test_the_slide_form_is_cross_entropy_on_shifted_scores():
    z, p, y, w = problem()
    loss, gradient = label_weighted_cross_entropy(z, y, p, sample_weight=w)
    expected = np.average([label_weighted(*row) for row in zip(z, y, p, strict=True)], weights=w)
    assert loss == pytest.approx(expected, rel=1e-13)
    by_hand = numerical(lambda z: label_weighted_cross_entropy(z, y, p, sample_weight=w)[0], z)
    np.testing.assert_allclose(gradient, by_hand, atol=1e-6)


def test_the_double_form_is_the_expectation_of_the_slide_form():
    z, p, _, w = problem()
    loss, gradient = double_distillation_loss(z, p, sample_weight=w)
    expected = np.average([double(*row) for row in zip(z, p, strict=True)], weights=w)
    assert loss == pytest.approx(expected, rel=1e-13)
    by_hand = numerical(lambda z: double_distillation_loss(z, p, sample_weight=w)[0], z)
    np.testing.assert_allclose(gradient, by_hand, atol=1e-6)


def test_several_labels_follow_the_general_form():
    z = problem()[0]
    marginals = np.random.default_rng(1).uniform(size=(N, L))
    has = np.random.default_rng(2).uniform(size=(N, L)) < 0.4
    has[0], has[1] = False, True  # a row without a label, and one with all of them
    Y = has.astype(int)
    negative_discount = np.where(has, 1.0, marginals)
    loss, gradient = label_weighted_cross_entropy(z, Y, marginals)
    assert loss == pytest.approx(
        np.mean([general(*row) for row in zip(z, Y, negative_discount, strict=True)])
    )
    assert not gradient[0].any() and not gradient[1].any()
    loss, _ = double_distillation_loss(z, marginals)
    rows = zip(z, marginals, marginals, strict=True)
    assert loss == pytest.approx(np.mean([general(*row) for row in rows]))


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix, sparse.coo_array])
def test_sparse_probabilities_are_the_same(container):
    z, p, y, w = problem()
    for dense, of_sparse in (
        (double_distillation_loss(z, p), double_distillation_loss(z, container(p))),
        (
            label_weighted_cross_entropy(z, y, p, sample_weight=w),
            label_weighted_cross_entropy(z, container(np.eye(L)[y]), container(p), sample_weight=w),
        ),
    ):
        assert dense[0] == of_sparse[0]
        np.testing.assert_array_equal(dense[1], of_sparse[1])


def test_a_one_hot_teacher_gives_plain_cross_entropy():
    z, _, y, w = problem()
    one_hot = np.eye(L)[y]
    plain = soft_cross_entropy(z, one_hot, sample_weight=w)
    for loss, gradient in (
        double_distillation_loss(z, one_hot, sample_weight=w),
        label_weighted_cross_entropy(z, y, one_hot, sample_weight=w),
        label_weighted_cross_entropy(z, y, np.zeros((N, L)), sample_weight=w),
    ):
        assert loss == pytest.approx(plain[0], rel=1e-14)
        np.testing.assert_allclose(gradient, plain[1], atol=1e-15)


def test_confident_teacher_discounts_other_labels_fully():
    loss, gradient = label_weighted_cross_entropy([[0.3, 5.0, -1.0]], [0], [[0.0, 1.0, 0.0]])
    assert loss == pytest.approx(np.log(1 + np.exp(-1.3)))
    assert gradient[0, 1] == 0


def test_a_shift_of_all_scores_changes_nothing():
    z, p, y, _ = problem()
    for loss in (
        lambda z: double_distillation_loss(z, p),
        lambda z: label_weighted_cross_entropy(z, y, p),
    ):
        assert loss(z + 1e3)[0] == pytest.approx(loss(z)[0], rel=1e-9)
        np.testing.assert_allclose(loss(z)[1].sum(axis=1), 0, atol=1e-15)


def test_nothing_is_lost_where_all_the_weight_is_spared():
    # Σ p q is 1 to the last digit: 1 − Σ p q would have none left.
    z, p = np.array([[60.0, 0.0, -1.0]]), np.array([[1 - 1e-9, 1e-9, 0.0]])
    loss, gradient = label_weighted_cross_entropy(z, [1], p)
    with np.errstate(all="raise"):
        exact = np.log(np.exp(60) * 1e-9 + 1 + np.exp(-1))
    assert loss == pytest.approx(exact, rel=1e-8)
    assert np.isfinite(gradient).all()
    for z in ([[1e4, -1e4, 0.0]], [[-1e4, 1e4, 0.0]], [[-1e300, 1e300, 0.0]]):
        for loss, gradient in (
            double_distillation_loss(z, [[0.0, 1.0, 0.0]]),
            double_distillation_loss(z, [[0.5, 0.5, 0.0]]),
            label_weighted_cross_entropy(z, [2], [[0.0, 1.0, 0.0]]),
            label_weighted_cross_entropy(z, [[1, 1, 1]], [[0.0, 1.0, 0.0]]),
        ):
            assert np.isfinite(loss) and np.isfinite(gradient).all()


def _of_one_row(scores, p):
    loss, gradient = double_distillation_loss(scores[None], p)
    return loss, gradient[0]


def test_minimiser_keeps_teacher_order_but_differs_from_logits():
    p = np.array([[0.9, 0.1]])
    found = minimize(lambda z: double_distillation_loss([[0.0, z[0]]], p)[0], [0.0]).x[0]
    assert -found == pytest.approx(2.59, abs=0.01)
    assert np.log(9) == pytest.approx(2.20, abs=0.01)
    rng = np.random.default_rng(3)
    for _ in range(10):
        p = softmax(rng.normal(size=(1, 5)), axis=1)
        scores = minimize(partial(_of_one_row, p=p), np.zeros(5), jac=True).x
        np.testing.assert_array_equal(np.argsort(scores), np.argsort(p[0]))


def test_chunks_do_not_matter(monkeypatch):
    z, p, y, w = problem()
    X, weight = np.random.default_rng(0).normal(size=(N, 3)), z[:3].T.copy()
    whole = [
        *double_distillation_loss(z, p, sample_weight=w),
        *label_weighted_cross_entropy(z, y, p),
        *linear_retrieval_loss(X, weight, z[3], p, p)[1],
    ]
    monkeypatch.setattr(retrieval, "CHUNK", 2 * L)
    parts = [
        *double_distillation_loss(z, p, sample_weight=w),
        *label_weighted_cross_entropy(z, y, p),
        *linear_retrieval_loss(X, weight, z[3], p, p)[1],
    ]
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-15)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_linear_scores_have_the_loss_of_their_logits(container):
    _, p, y, w = problem()
    rng = np.random.default_rng(4)
    X, weight, bias = rng.normal(size=(N, 3)), rng.normal(size=(L, 3)), rng.normal(size=L)
    Y = np.eye(L)[y]
    for targets, (loss, gradient) in (
        ((p,), soft_cross_entropy(X @ weight.T + bias, p, sample_weight=w)),
        ((p, p), double_distillation_loss(X @ weight.T + bias, p, sample_weight=w)),
        (
            (Y, np.maximum(Y, p)),
            label_weighted_cross_entropy(X @ weight.T + bias, y, p, sample_weight=w),
        ),
    ):
        found, parts = linear_retrieval_loss(container(X), weight, bias, *targets, sample_weight=w)
        assert found == pytest.approx(loss, rel=1e-13)
        np.testing.assert_allclose(parts.weight, gradient.T @ X, atol=1e-14)
        np.testing.assert_allclose(parts.bias, gradient.sum(axis=0), atol=1e-15)
        if container is np.asarray:
            np.testing.assert_allclose(parts.X, gradient @ weight, atol=1e-14)
        else:
            assert parts.X is None


def test_float32_features_are_computed_with_in_float32():
    _, p, _, _ = problem()
    rng = np.random.default_rng(4)
    X, weight, bias = rng.normal(size=(N, 3)), rng.normal(size=(L, 3)), rng.normal(size=L)
    loss, gradient = linear_retrieval_loss(X.astype(np.float32), weight, bias, p, p)
    exact, exact_gradient = linear_retrieval_loss(X, weight, bias, p, p)
    assert gradient.weight.dtype == gradient.X.dtype == np.float32
    assert loss == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(gradient.weight, exact_gradient.weight, atol=1e-5)


def test_inputs_are_left_as_they_were():
    z, p, y, _ = problem()
    before = z.copy()
    double_distillation_loss(z, p)
    label_weighted_cross_entropy(z, y, p)
    np.testing.assert_array_equal(z, before)


def test_bad_input_raises_clear_errors():
    z, p, y, _ = problem()

    def fails(match, function, *arguments, **more):
        with pytest.raises(ValueError, match=match):
            function(*arguments, **more)

    fails(r"shapes \(7, 5\) and \(7, 6\)", double_distillation_loss, z, p[:, :5])
    fails(r"row 2 \(1.5\)", double_distillation_loss, z, np.where(np.arange(N) == 2, 1.5, p.T).T)
    fails(r"row 0 \(nan\)", double_distillation_loss, z, np.full((N, L), np.nan))
    fails("NaN", double_distillation_loss, np.full((N, L), np.nan), p)
    fails("at least two labels", double_distillation_loss, z[:, :1], p[:, :1])
    fails("carries weight", double_distillation_loss, z, p, sample_weight=np.zeros(N))
    fails("row 0 has 6", label_weighted_cross_entropy, z, np.full(N, 6), p)
    fails("row 0 has -1", label_weighted_cross_entropy, z, np.full(N, -1), p)
    fails("dtype float64", label_weighted_cross_entropy, z, y / 2, p)
    fails(r"got shape \(7, 5\)", label_weighted_cross_entropy, z, np.eye(5)[y % 5], p)
    fails("0 and 1", label_weighted_cross_entropy, z, np.full((N, L), 0.5), p)
    fails(
        r"weight must have shape \(n_labels, 2\)", linear_retrieval_loss, z[:, :2], z[:6], z[0], p
    )
    fails(r"shape \(7, 3\)", linear_retrieval_loss, z[:, :2], z[:3, :2], z[0, :3], p)
