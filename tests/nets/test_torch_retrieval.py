"""Retrieval losses in torch equal the sum over pairs of labels that defines them."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skdistill import SoftLabels

torch = pytest.importorskip("torch")
nets = pytest.importorskip("skdistill.nets")
F = torch.nn.functional
retrieval = pytest.importorskip("skdistill.nets._retrieval")

N_ROWS, N_LABELS = 9, 6
NAMES = ["label_weighted", "double"]
FORMS = ["dense", "top-k"]
EVERY_LOSS = pytest.mark.parametrize("name", NAMES)
EVERY_FORM = pytest.mark.parametrize("form", FORMS)
HALVES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)


def problem(dtype=torch.float64, seed=0):
    """Return logits, probabilities with at most four labels a row, and codes."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(N_LABELS, 0.5), size=N_ROWS)
    proba[np.arange(N_ROWS)[:, None], proba.argsort(axis=1)[:, :2]] = 0
    proba /= proba.sum(axis=1, keepdims=True)
    proba[0] = np.eye(N_LABELS)[3]
    proba[1] = rng.uniform(size=N_LABELS) * (np.arange(N_LABELS) < 4)  # marginals
    codes = rng.integers(0, N_LABELS, size=N_ROWS)
    codes[:3] = -1, 2, 5  # unknown; one that the teacher knows; one that it does not
    logits = torch.tensor(3 * rng.normal(size=(N_ROWS, N_LABELS)), dtype=dtype)
    return logits.requires_grad_(), torch.tensor(proba), torch.tensor(codes)


def in_form(proba, form):
    """Return probabilities as they are or as a TopK, padded at an index that is in use."""
    if form == "dense":
        return proba
    values, indices = proba.topk(min(5, proba.shape[1]), dim=1)
    indices = torch.where(values > 0, indices, indices[:, :1])
    return nets.TopK(indices, values)


def indicator(codes, n_labels=N_LABELS):
    return torch.tensor(np.eye(n_labels + 1)[codes.numpy()][:, :n_labels])


def loss_of(name, logits, proba, y, **kwargs):
    if name == "label_weighted":
        return nets.label_weighted_cross_entropy(logits, y, proba, **kwargs)
    return nets.double_distillation_loss(logits, proba, **kwargs)


def by_pairs(name, logits, proba, y):
    """Return each row's loss as it is defined: over pairs of a positive and a negative."""
    positives = indicator(y) if y.ndim == 1 else y
    if name == "double":
        weights, negative_discount = proba, proba
    else:
        weights, negative_discount = positives, torch.where(positives > 0, 1.0, proba)
    losses = []
    for f, a, d in zip(logits, weights, negative_discount, strict=True):
        loss = 0.0
        for label in range(len(f)):
            factor = 1 - d
            factor[label] = 1  # itself
            loss = loss + a[label] * ((factor * f.exp()).sum().log() - f[label])
        losses.append(loss)
    return torch.stack(losses)


@EVERY_LOSS
@EVERY_FORM
@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_and_gradients_are_those_of_the_definition(name, form, multilabel, reduction):
    logits, proba, y = problem()
    if multilabel:
        y = (torch.rand(proba.shape, generator=torch.Generator().manual_seed(0)) < 0.4).double()
    rows = by_pairs(name, logits, proba, y)
    expected = rows if reduction == "none" else getattr(rows, reduction)()
    found = loss_of(name, logits, in_form(proba, form), y, reduction=reduction)
    assert_allclose(found.detach(), expected.detach(), rtol=1e-12)
    upstream = torch.arange(1.0, found.numel() + 1).double().reshape(found.shape)
    gradients = [torch.autograd.grad(each, logits, upstream)[0] for each in (found, expected)]
    assert_allclose(*gradients, atol=1e-13)


@EVERY_LOSS
@EVERY_FORM
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_gradients_are_the_derivatives(name, form, reduction):
    logits, proba, y = problem()
    proba = in_form(proba, form)
    assert torch.autograd.gradcheck(
        lambda z: loss_of(name, z, proba, y, reduction=reduction), logits
    )


@EVERY_FORM
def test_label_weighted_loss_adds_weights_to_cross_entropy(form):
    logits, proba, y = problem()
    y = y.clamp(min=0)
    log_weight = torch.log1p(-torch.where(indicator(y) > 0, 0.0, proba))
    found = loss_of("label_weighted", logits, in_form(proba, form), y, reduction="none")
    expected = F.cross_entropy(logits + log_weight, y, reduction="none")
    assert_allclose(found.detach(), expected.detach(), rtol=1e-12)


@EVERY_LOSS
@EVERY_FORM
def test_one_hot_teacher_gives_plain_cross_entropy(name, form):
    logits, _, y = problem()
    y = y.clamp(min=0)
    found = loss_of(name, logits, in_form(indicator(y), form), y)
    expected = F.cross_entropy(logits, y)
    assert found.item() == pytest.approx(expected.item(), rel=1e-14)
    gradients = [torch.autograd.grad(each, logits)[0] for each in (found, expected)]
    assert_allclose(*gradients, atol=1e-16)


def test_zero_teacher_gives_plain_cross_entropy():
    logits, proba, y = problem()
    y = y.clamp(min=0)
    found = loss_of("label_weighted", logits, torch.zeros_like(proba), y)
    assert found.item() == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-14)


def test_double_distillation_averages_the_label_weighted_loss():
    logits, proba, _ = problem()
    by_label = [
        loss_of("label_weighted", logits, proba, torch.full((N_ROWS,), label), reduction="none")
        for label in range(N_LABELS)
    ]
    expected = (proba * torch.stack(by_label, dim=1)).sum(dim=1)
    found = loss_of("double", logits, proba, None, reduction="none")
    assert_allclose(found.detach(), expected.detach(), rtol=1e-12)


@EVERY_LOSS
def test_top_k_of_all_labels_equals_the_dense_teacher(name):
    logits, proba, y = problem()
    values, indices = proba.topk(N_LABELS, dim=1)
    results = []
    for each in (proba, nets.TopK(indices, values)):
        loss = loss_of(name, logits, each, y)
        results.append([loss.detach(), *torch.autograd.grad(loss, logits)])
    for dense, top in zip(*results, strict=True):
        assert_allclose(top, dense, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_an_indicator_of_one_label_is_its_column(dtype):
    logits, proba, y = problem()
    found = loss_of("label_weighted", logits, proba, indicator(y).to(dtype), reduction="none")
    assert torch.equal(found, loss_of("label_weighted", logits, proba, y, reduction="none"))


@EVERY_FORM
def test_a_row_without_a_label_adds_nothing(form):
    logits, proba, y = problem()
    loss = loss_of("label_weighted", logits, in_form(proba, form), y, reduction="none")
    loss.sum().backward()
    assert loss[0] == 0
    assert not logits.grad[0].any()
    assert logits.grad[1:].any(dim=1).all()


@EVERY_LOSS
@EVERY_FORM
def test_a_shift_of_a_rows_logits_changes_nothing(name, form):
    logits, proba, y = problem()
    shifted = logits + torch.linspace(-50, 50, N_ROWS, dtype=torch.float64)[:, None]
    here, there = (
        loss_of(name, z, in_form(proba, form), y, reduction="none") for z in (logits, shifted)
    )
    assert_allclose(there.detach(), here.detach(), rtol=1e-12)


@EVERY_LOSS
@EVERY_FORM
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("n_labels", [2, N_LABELS])
def test_extreme_logits_leave_all_finite(name, form, dtype, n_labels):
    _, proba, y = problem()
    signs = torch.randint(2, (N_ROWS, n_labels), generator=torch.Generator().manual_seed(0)) * 2 - 1
    logits = (1e4 * signs).to(dtype).requires_grad_()
    proba, y = in_form(proba[:, :n_labels].contiguous(), form), y.clamp(max=n_labels - 1)
    loss = loss_of(name, logits, proba, y, reduction="none")
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()
    assert loss.max() > 1e3
    assert (gradient != 0).any()


@EVERY_FORM
def test_nothing_is_left_to_push_once_every_negative_is_spared(form):
    logits, _, _ = problem(torch.float32)
    y = torch.zeros(N_ROWS, dtype=torch.int64)
    for name, proba in (
        ("label_weighted", 1 - indicator(y)),
        ("double", torch.ones(N_ROWS, N_LABELS)),
    ):
        values, indices = proba.topk(N_LABELS, dim=1)
        if form == "top-k":  # and one entry more, that repeats an index
            indices = torch.cat([indices, indices[:, :1]], dim=1)
            values = torch.cat([values, torch.zeros(N_ROWS, 1)], dim=1)
            proba = nets.TopK(indices, values)
        loss = loss_of(name, logits, proba, y, reduction="none")
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert not loss.any()
        assert not gradient.any()


def test_no_digit_is_lost_as_all_mass_becomes_spared():
    gap = 1e-14
    proba = torch.tensor([[0.0, 1 - gap, 1 - gap]], dtype=torch.float64)
    logits = torch.tensor([[0.5, 40.0, 39.0]], dtype=torch.float64, requires_grad=True)
    loss = loss_of("label_weighted", logits, proba, torch.tensor([0]))
    (gradient,) = torch.autograd.grad(loss, logits)
    masses = (1 - proba[0, 1:]) * torch.exp(logits[0, 1:] - logits[0, 0])
    expected = masses / (1 + masses.sum())
    assert loss.item() == pytest.approx(masses.sum().log1p().item(), rel=1e-12)
    assert_allclose(gradient[0, 1:], expected.detach(), rtol=1e-12)


def test_a_probability_rounded_above_one_counts_as_one():
    logits, _, y = problem(torch.float32)
    y = y.clamp(min=0)
    loss = loss_of("double", logits, indicator(y) * (1 + 1e-6), None)
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("proba", [[0.9, 0.1], [0.45, 0.3, 0.15, 0.1]])
def test_free_scores_take_the_order_of_the_teacher(proba):
    proba = torch.tensor([proba], dtype=torch.float64)
    logits = torch.zeros_like(proba).requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=100, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        loss = nets.double_distillation_loss(logits, proba)
        loss.backward()
        return loss

    optimizer.step(step)
    assert logits.grad.abs().max() < 1e-4
    gaps = -logits.detach().diff().numpy()
    assert (gaps > 0.1).all()
    if proba.shape[1] == 2:  # not the logit, 2.20
        assert gaps[0, 0] == pytest.approx(2.59, abs=0.01)


@EVERY_LOSS
@EVERY_FORM
def test_chunks_of_any_size_give_the_same(name, form, monkeypatch):
    logits, proba, y = problem()
    results = []
    for n_bytes in (1, 3 * N_LABELS * 8, 2**24):
        monkeypatch.setitem(retrieval.CHUNK_BYTES, "cpu", n_bytes)
        loss = loss_of(name, logits, in_form(proba, form), y, reduction="none")
        results.append(
            torch.cat([loss.detach(), torch.autograd.grad(loss.sum(), logits)[0].ravel()])
        )
    assert torch.equal(results[0], results[2])
    assert torch.equal(results[1], results[2])


@EVERY_LOSS
@EVERY_FORM
@HALVES
def test_half_precision_is_computed_in_single(name, form, dtype):
    logits, proba, y = problem(dtype)
    proba = in_form(proba, form)
    half = loss_of(name, logits, proba, y)
    single = logits.detach().float().requires_grad_()
    expected = loss_of(name, single, proba, y)
    assert half.dtype == expected.dtype == torch.float32
    assert torch.equal(half, expected)
    (gradient,) = torch.autograd.grad(half, logits)
    assert gradient.dtype == dtype
    assert torch.equal(gradient, torch.autograd.grad(expected, single)[0].to(dtype))


@EVERY_LOSS
@EVERY_FORM
def test_autocast_changes_nothing(name, form):
    logits, proba, y = problem(torch.float32)
    proba = in_form(proba, form)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss_of(name, logits, proba, y)
    assert torch.equal(inside, loss_of(name, logits, proba, y))


@EVERY_LOSS
@EVERY_FORM
def test_the_teacher_is_a_constant(name, form):
    logits, proba, y = problem()
    before = logits.detach().clone()
    source = proba.clone().requires_grad_()
    loss_of(name, logits, in_form(source, form), y).backward()
    assert source.grad is None
    assert logits.grad is not None
    assert torch.equal(logits, before)
    assert torch.equal(source, proba)


@EVERY_LOSS
@EVERY_FORM
def test_no_value_is_looked_at(name, form):
    logits, proba, y = (part.detach().to("meta") for part in problem())  # shapes without values
    logits.requires_grad_()
    if form == "top-k":
        proba = nets.TopK(*proba.topk(2)[::-1])
    loss = loss_of(name, logits, proba, y)
    loss.backward()
    assert loss.shape == ()


MODULES = {"label_weighted": nets.LabelWeightedCrossEntropy, "double": nets.DoubleDistillation}


@EVERY_LOSS
@EVERY_FORM
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_modules_compute_the_functions(name, form, reduction):
    logits, proba, y = problem()
    proba = in_form(proba, form)
    module = MODULES[name](reduction)
    expected = loss_of(name, logits, proba, y, reduction=reduction)
    assert torch.equal(module(logits, proba, y), expected)
    assert torch.equal(copy.deepcopy(module)(logits, proba, y), expected)
    assert repr(module) == f"{MODULES[name].__name__}(reduction={reduction!r})"


@EVERY_LOSS
@EVERY_FORM
def test_modules_compile_in_one_piece(name, form):
    logits, proba, y = problem()
    proba = in_form(proba, form)
    module = MODULES[name]()
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    assert torch.equal(compiled(logits, proba, y), module(logits, proba, y))


@EVERY_LOSS
@EVERY_FORM
def test_a_net_learns_by_them_from_soft_labels(name, form):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5)).astype(np.float32)
    p_star = torch.tensor(X @ rng.normal(size=(5, 4))).softmax(dim=1).numpy()
    y = np.array([rng.choice(4, p=each) for each in p_star])
    net = nets.SoftLabelNet(
        torch.nn.Linear(5, 4), criterion=MODULES[name], lr=0.1, max_epochs=30, random_state=0
    )
    proba = p_star if form == "dense" else sparse.csr_array(np.eye(4)[p_star.argmax(axis=1)])
    soft_labels = SoftLabels(proba, y=y, sample_weight=rng.uniform(size=200))
    net.fit(X, soft_labels)
    assert (net.predict(X) == p_star.argmax(axis=1)).mean() > 0.75


Z, P, Y = torch.zeros(2, 3), torch.full((2, 3), 1 / 3), torch.tensor([0, 1])


@EVERY_LOSS
@pytest.mark.parametrize(
    ("logits", "proba", "kwargs", "message"),
    [
        (Z[0], P, {}, r"two classes; got shape \(3,\)"),
        (Z, P[:1], {}, r"shape of logits, \(2, 3\).*got shape \(1, 3\)"),
        (Z, nets.TopK(Y[:, None], P), {}, r"shape \(2, k\).*got shapes \(2, 1\) and \(2, 3\)"),
        (Z, P, {"reduction": "average"}, "reduction must be one of .*got 'average'"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, logits, proba, kwargs, message):
    with pytest.raises(ValueError, match=message):
        loss_of(name, logits, proba, Y, **kwargs)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, r"y must hold one integer per row.*or be an indicator of shape \(2, 3\); got None"),
        (Y[:1], r"got shape \(1,\), dtype torch.int64"),
        (Y.float(), r"got shape \(2,\), dtype torch.float32"),
        (Y > 0, r"got shape \(2,\), dtype torch.bool"),
        (Z[:, :2], r"got shape \(2, 2\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        nets.label_weighted_cross_entropy(Z, y, P)
    with pytest.raises(ValueError, match=message):
        nets.LabelWeightedCrossEntropy()(Z, P, y)


@EVERY_LOSS
def test_modules_refuse_an_unknown_reduction(name):
    with pytest.raises(ValueError, match="got 'average'"):
        MODULES[name]("average")
