"""The softmax losses equal their definitions in extended precision."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.metrics import log_loss

from skdistill import SoftLabels
from skdistill.objectives import (
    centred_logits,
    distillation_loss,
    logit_matching_loss,
    soft_cross_entropy,
    softmax_rows,
)

LONG = np.longdouble
N_ROWS, N_CLASSES = 12, 5
HINTON = {"temperature": 2.5, "alpha": 0.7}


def problem(seed=0, n=N_ROWS, k=N_CLASSES):
    """Return logits, probabilities (some 0), codes (some unknown), weights of classes and rows."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(k, 0.4), size=n)
    proba[rng.random((n, k)) < 0.3] = 0
    proba[:, 0] += proba.sum(axis=1) == 0
    proba /= proba.sum(axis=1, keepdims=True)
    codes = rng.integers(-1, k, size=n)
    codes[0] = -1
    weights = rng.exponential(size=k), rng.exponential(size=n)
    return 3 * rng.normal(size=(n, k)), proba, codes, *weights


def every_loss(logits, proba, codes, **weights):
    return [
        soft_cross_entropy(logits, proba, **weights),
        distillation_loss(logits, proba, codes, **HINTON, **weights),
        logit_matching_loss(logits, proba, **weights),
    ]


# The definitions, entry by entry.


def log_softmax_of(z, k):
    highest = max(z)
    return z[k] - highest - np.log(sum(np.exp(each - highest) for each in z))


def plain_cross_entropy(z, p, y, c):
    return -sum(c[k] * p[k] * log_softmax_of(z, k) for k in range(len(z)) if p[k] > 0)


def plain_distillation(z, p, y, c, temperature=2.5, alpha=0.7):
    powers = [each ** (1 / LONG(temperature)) if each > 0 else 0 for each in p]
    tempered = [each / sum(powers) for each in powers]
    soft = plain_cross_entropy(z / temperature, tempered, y, c)
    hard = -c[y] * log_softmax_of(z, y) if y >= 0 else 0
    return alpha * LONG(temperature) ** 2 * soft + (1 - LONG(alpha)) * hard


def plain_logit_matching(z, p, y, c):
    t = [np.log(min(max(each, LONG(1e-7)), 1 - LONG(1e-7))) for each in p]
    mean_z, mean_t = sum(z) / len(z), sum(t) / len(t)
    return sum(c[k] * (z[k] - mean_z - t[k] + mean_t) ** 2 for k in range(len(z))) / len(z)


PLAIN = [plain_cross_entropy, plain_distillation, plain_logit_matching]


def plain_mean(of_row, logits, proba, codes, label_weight, sample_weight):
    z, p, c, w = (np.asarray(x, dtype=LONG) for x in (logits, proba, label_weight, sample_weight))
    losses = [of_row(z[n], p[n], codes[n], c) for n in range(len(z))]
    return sum(w * losses) / sum(w)


def plain_gradient(of_row, logits, *rest):
    """Return central differences of the definition."""
    gradient, step = np.zeros(logits.shape), LONG(1e-5)
    for entry in np.ndindex(*logits.shape):
        ends = []
        for sign in (1, -1):
            moved = logits.astype(LONG)
            moved[entry] += sign * step
            ends.append(plain_mean(of_row, moved, *rest))
        gradient[entry] = (ends[0] - ends[1]) / (2 * step)
    return gradient


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("weighted", [True, False])
def test_loss_and_gradient_are_those_of_the_definition(as_rows, weighted):
    z, p, y, c, w = problem(n=4, k=3)
    given = {"label_weight": c, "sample_weight": w} if weighted else {}
    if not weighted:
        c, w = np.ones(3), np.ones(4)
    found = every_loss(z, as_rows(p), y, **given)
    for of_row, (loss, gradient) in zip(PLAIN, found, strict=True):
        assert type(loss) is float
        assert_allclose(loss, float(plain_mean(of_row, z, p, y, c, w)), rtol=1e-13)
        assert_allclose(gradient, plain_gradient(of_row, z, p, y, c, w), atol=1e-9)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_distillation_at_every_temperature(temperature, alpha):
    z, p, y, c, w = problem()

    def of_row(*row):
        return plain_distillation(*row, temperature, alpha)

    given = {"temperature": temperature, "alpha": alpha}
    loss, _ = distillation_loss(z, p, y, **given, label_weight=c, sample_weight=w)
    assert_allclose(loss, float(plain_mean(of_row, z, p, y, c, w)), rtol=1e-12)


@given(arrays(float, (3, 4), elements=st.floats(-1e300, 1e300)), st.integers(0, 100))
@settings(deadline=None, max_examples=50)
def test_logits_of_any_size(logits, seed):
    _, p, y, c, _ = problem(seed, 3, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [
            soft_cross_entropy(logits, p, label_weight=c),
            distillation_loss(logits, p, y, temperature=0.1, alpha=0.5, label_weight=c),
        ]
    for (loss, gradient), of_row in zip(
        found, [plain_cross_entropy, lambda *row: plain_distillation(*row, 0.1, 0.5)], strict=True
    ):
        assert_allclose(loss, float(plain_mean(of_row, logits, p, y, c, np.ones(3))), rtol=1e-10)
        assert np.isfinite(gradient).all()


def test_the_largest_logits_there_are():
    edge = np.finfo(float).max
    for p in ([[1.0, 0.0]], sparse.csr_array([[1.0, 0.0]])):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loss, gradient = soft_cross_entropy([[edge, -edge]], p)
        assert loss == 0
        assert_allclose(gradient, 0)
    loss, gradient = soft_cross_entropy([[edge, -edge]], [[0.0, 1.0]])
    assert loss == edge
    assert_allclose(gradient, [[1, -1]])


def test_one_hot_rows_give_the_log_loss_of_labels():
    z, _, y, _, w = problem()
    y = np.abs(y)
    one_hot = np.eye(N_CLASSES)[y]
    usual = log_loss(y, softmax_rows(z), sample_weight=w, labels=range(N_CLASSES))
    for loss, gradient in (
        soft_cross_entropy(z, one_hot, sample_weight=w),
        distillation_loss(z, one_hot, y, temperature=1, alpha=0.3, sample_weight=w),
        distillation_loss(z, np.full_like(z, 0.2), y, temperature=4, alpha=0, sample_weight=w),
    ):
        assert_allclose(loss, usual, rtol=1e-12)
        by_hand = (softmax_rows(z) - one_hot) * w[:, None] / w.sum()
        assert_allclose(gradient, by_hand, atol=1e-15)


def test_alpha_one_at_temperature_one_is_soft_cross_entropy():
    z, p, y, c, w = problem()
    weights = {"label_weight": c, "sample_weight": w}
    plain = soft_cross_entropy(z, p, **weights)
    for codes in (y, None):
        both = distillation_loss(z, p, codes, temperature=1, alpha=1, **weights)
        assert_allclose(both[0], plain[0], rtol=1e-14)
        assert_allclose(both[1], plain[1], atol=1e-15)


def test_at_temperature_one_it_is_the_mixture_of_soft_labels():
    z, p, y, _, w = problem()
    known = y >= 0
    labels = SoftLabels(p[known], y=y[known], sample_weight=w[known])
    unlabelled = SoftLabels(p[~known], sample_weight=0.3 * w[~known])
    mixed = labels.append(unlabelled).mix_with_labels(0.3)
    order = np.concatenate([np.flatnonzero(known), np.flatnonzero(~known)])
    loss, gradient = distillation_loss(z, p, y, temperature=1, alpha=0.3, sample_weight=w)
    of_mixed, by_mixed = soft_cross_entropy(z[order], mixed.proba, sample_weight=mixed.weight)
    assert_allclose(loss * w.sum(), of_mixed * mixed.weight.sum(), rtol=1e-12)
    assert_allclose(gradient[order] * w.sum(), by_mixed * mixed.weight.sum(), atol=1e-14)


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
def test_it_tempers_as_soft_labels_do(as_rows):
    z, p, y, c, _ = problem()
    tempered = SoftLabels(as_rows(p)).temper(3.0).proba
    loss, gradient = distillation_loss(z, as_rows(p), y, temperature=3, alpha=1, label_weight=c)
    of_tempered, by_tempered = soft_cross_entropy(z / 3, tempered, label_weight=c)
    assert_allclose(loss, 9 * of_tempered, rtol=1e-13)
    assert_allclose(gradient, 3 * by_tempered, atol=1e-15)


@pytest.mark.parametrize("as_rows", [np.array, sparse.csr_array])
def test_near_zero_temperature_keeps_the_most_probable_classes(as_rows):
    proba = as_rows([[0.3, 0.3, 0.2, 0.2]])
    loss, gradient = distillation_loss(np.zeros((1, 4)), proba, None, temperature=1e-4, alpha=1)
    assert_allclose(loss, 1e-8 * np.log(4))
    assert_allclose(gradient, [[-0.25e-4, -0.25e-4, 0.25e-4, 0.25e-4]])


def test_label_weights_are_those_of_soft_labels():
    z, p, _, c, w = problem()
    labels = SoftLabels(p, sample_weight=w).reweight_classes(c)
    loss, gradient = soft_cross_entropy(z, p, label_weight=c, sample_weight=w)
    by_hand = soft_cross_entropy(z, labels.proba, sample_weight=labels.weight)
    assert_allclose(loss * w.sum(), by_hand[0] * labels.weight.sum(), rtol=1e-12)
    assert_allclose(gradient * w.sum(), by_hand[1] * labels.weight.sum(), atol=1e-14)


def test_a_row_of_weight_two_is_two_rows():
    z, p, y, c, _ = problem()
    weight = np.arange(N_ROWS) % 3
    repeated = np.repeat(np.arange(N_ROWS), weight)
    once = every_loss(z, p, y, label_weight=c, sample_weight=weight)
    often = every_loss(z[repeated], p[repeated], y[repeated], label_weight=c)
    for (loss, gradient), (of_copies, by_copies) in zip(once, often, strict=True):
        assert_allclose(loss, of_copies, rtol=1e-12)
        summed = np.zeros_like(gradient)
        np.add.at(summed, repeated, by_copies)
        assert_allclose(gradient, summed, atol=1e-14)


@pytest.mark.parametrize("alpha", [1.0, 0.4])
def test_at_high_temperature_hinton_is_ba_and_caruana(alpha):
    z, p, y, _, w = problem()
    p = (p + 0.01) / (p + 0.01).sum(axis=1, keepdims=True)  # zeros stay zeros at every T
    _, matching = logit_matching_loss(z, p, sample_weight=w)
    _, hard = distillation_loss(z, p, y, temperature=1, alpha=0, sample_weight=w)
    limit = alpha / 2 * matching + (1 - alpha) * hard
    errors = []
    for temperature in (1e2, 1e4):
        _, gradient = distillation_loss(
            z, p, y, temperature=temperature, alpha=alpha, sample_weight=w
        )
        errors.append(np.abs(gradient - limit).max())
    assert errors[1] < 1e-3 * np.abs(limit).max()
    assert 50 < errors[0] / errors[1] < 200  # of order 1/T


def test_the_gradient_vanishes_at_the_teachers_logits():
    _, p, _, c, w = problem()
    p = (p + 0.01) / (p + 0.01).sum(axis=1, keepdims=True)
    z = np.log(p) + 7  # a shift changes nothing
    for _, gradient in (
        soft_cross_entropy(z, p, sample_weight=w),
        distillation_loss(z, p, None, temperature=3, alpha=1, sample_weight=w),
        logit_matching_loss(z, p, label_weight=c, sample_weight=w),
    ):
        assert_allclose(gradient, 0, atol=1e-14)


def test_logit_matching_has_the_floor_of_centred_logits():
    p = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    for rows in (p, sparse.csr_array(p)):
        loss, gradient = logit_matching_loss(centred_logits(p), rows)
        assert_allclose(loss, 0, atol=1e-25)
        assert_allclose(gradient, 0, atol=1e-12)


def test_a_shift_of_a_rows_logits_changes_nothing():
    z, p, y, c, w = problem()
    shift = np.linspace(-50, 50, N_ROWS)[:, None]
    here = every_loss(z, p, y, label_weight=c, sample_weight=w)
    there = every_loss(z + shift, p, y, label_weight=c, sample_weight=w)
    for (loss, gradient), (of_shifted, by_shifted) in zip(here, there, strict=True):
        assert_allclose(of_shifted, loss, rtol=1e-12)
        assert_allclose(by_shifted, gradient, atol=1e-13)
        assert_allclose(gradient.sum(axis=1), 0, atol=1e-14)


def test_sparse_probabilities_are_not_made_dense(monkeypatch):
    z, p, y, c, w = problem()
    dense = every_loss(z, p, y, label_weight=c, sample_weight=w)
    rows = sparse.csr_array(p)

    def refuse(array, *args, **kwargs):
        assert min(array.shape) == 1 or array.ndim == 1, "the rows were made dense"
        return original[type(array)](array, *args, **kwargs)

    kinds = [sparse.csr_array, sparse.coo_array, sparse.csc_array]
    original = {kind: kind.toarray for kind in kinds}
    for kind in kinds:
        monkeypatch.setattr(kind, "toarray", refuse)
    with pytest.raises(AssertionError, match="dense"):
        rows.todense()
    thin = every_loss(z, rows, y, label_weight=c, sample_weight=w)
    for (loss, gradient), (of_sparse, by_sparse) in zip(dense, thin, strict=True):
        assert_allclose(of_sparse, loss, rtol=1e-14)
        assert_allclose(by_sparse, gradient, atol=1e-15)


def test_nothing_that_comes_in_is_changed():
    z, p, y, c, w = problem()
    rows = sparse.csr_array(p)
    before = [each.copy() for each in (z, p, rows.data)]
    every_loss(z, p, y, label_weight=c, sample_weight=w)
    every_loss(z, rows, y, label_weight=c, sample_weight=w)
    for each, old in zip((z, p, rows.data), before, strict=True):
        assert (each == old).all()


Z, P = np.zeros((2, 3)), np.full((2, 3), 1 / 3)


@pytest.mark.parametrize("loss", [soft_cross_entropy, logit_matching_loss])
@pytest.mark.parametrize(
    ("logits", "proba", "weights", "message"),
    [
        (Z[:, :2], P, {}, r"shapes \(2, 2\) and \(2, 3\)"),
        (Z[0], P, {}, r"shapes \(3,\) and \(2, 3\)"),
        (Z[:, :1], np.ones((2, 1)), {}, "at least two classes"),
        (Z + np.inf, P, {}, "logits contains infinity"),
        (Z + np.nan, P, {}, "logits contains NaN"),
        (Z, P - 0.2, {}, "Each row of proba must sum to 1"),
        (Z, sparse.csr_array(2 * P), {}, "Each row of proba must sum to 1"),
        (Z, P, {"label_weight": [1, 2]}, r"shape \(3,\); got shape \(2,\)"),
        (Z, P, {"label_weight": [1, 2, -1]}, "finite number >= 0 per class"),
        (Z, P, {"label_weight": [1, 2, np.inf]}, "finite number >= 0 per class"),
        (Z, P, {"sample_weight": [1, -1]}, "sample_weight must not be negative"),
        (Z, P, {"sample_weight": [0, 0]}, "None of the 2 rows carries weight"),
        (Z[:0], P[:0], {}, "None of the 0 rows carries weight"),
    ],
)
def test_what_does_not_fit_is_refused(loss, logits, proba, weights, message):
    with pytest.raises(ValueError, match=message):
        loss(logits, proba, **weights)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y": None}, "y is None, but the loss uses true labels with alpha=0.7"),
        ({"y": [0]}, r"shape \(2,\); got shape \(1,\)"),
        ({"y": [0.0, 1.0]}, "dtype float64"),
        ({"y": [0, 3]}, "columns from 0 to 2.*row 1 has 3"),
        ({"y": [-2, 0]}, "row 0 has -2"),
        ({"temperature": 0}, "temperature must be a positive number.*got temperature=0"),
        ({"temperature": "auto"}, "got temperature='auto'"),
        ({"temperature": True}, "got temperature=True"),
        ({"alpha": 1.5}, r"alpha must be a number in \[0, 1\]"),
    ],
)
def test_what_distillation_does_not_support_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        distillation_loss(Z, P, **{"y": [0, 1], **HINTON, **changed})
