"""Losses fused with a linear layer equal the layer followed by the loss."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

torch = pytest.importorskip("torch")
nets = pytest.importorskip("skdistill.nets")
F = torch.nn.functional
retrieval = pytest.importorskip("skdistill.nets._retrieval")

N_ROWS, N_FEATURES, N_LABELS = 11, 3, 6
NAMES = ["soft", "label_weighted", "double"]
FORMS = ["dense", "top-k"]
EVERY_LOSS = pytest.mark.parametrize("name", NAMES)
EVERY_FORM = pytest.mark.parametrize("form", FORMS)
WITH_OR_WITHOUT_BIAS = pytest.mark.parametrize("with_bias", [True, False])
SMALL_CHUNK = 3 * N_LABELS * 8  # three rows


def problem(form="dense", dtype=torch.float64, with_bias=True):
    """Return the input, weight and bias of a layer, codes and probabilities."""
    rng = np.random.default_rng(0)
    layer = [rng.normal(size=shape) for shape in ((N_ROWS, N_FEATURES), (N_LABELS, N_FEATURES))]
    layer = [torch.tensor(each, dtype=dtype).requires_grad_() for each in layer]
    bias = torch.tensor(rng.normal(size=N_LABELS), dtype=dtype).requires_grad_()
    proba = torch.tensor(rng.dirichlet(np.full(N_LABELS, 0.5), size=N_ROWS))
    proba[:, -2:] = 0
    proba /= proba.sum(dim=1, keepdim=True)
    y = torch.tensor(rng.integers(-1, N_LABELS, size=N_ROWS))
    if form == "top-k":
        values, indices = proba.topk(5)
        proba = nets.TopK(indices, values)  # the fifth of them is zero
    return [*layer, bias if with_bias else None], y, proba


def fused(name, layer, y, proba, **kwargs):
    if name == "soft":
        return nets.linear_soft_cross_entropy(*layer, proba, **kwargs)
    if name == "label_weighted":
        return nets.linear_label_weighted_cross_entropy(*layer, y, proba, **kwargs)
    return nets.linear_double_distillation_loss(*layer, proba, **kwargs)


def unfused(name, layer, y, proba, **kwargs):
    logits = F.linear(*layer)
    if name == "soft":
        return nets.soft_cross_entropy(logits, proba, **kwargs)
    if name == "label_weighted":
        return nets.label_weighted_cross_entropy(logits, y, proba, **kwargs)
    return nets.double_distillation_loss(logits, proba, **kwargs)


def results(loss, name, layer, y, proba, **kwargs):
    """Return loss and gradients of a loss that is part of a larger one."""
    leaves = [each for each in layer if each is not None]
    value = loss(name, layer, y, proba, **kwargs)
    return [value.detach(), *torch.autograd.grad(3 * value, leaves)]


@EVERY_LOSS
@EVERY_FORM
@WITH_OR_WITHOUT_BIAS
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("n_bytes", [1, SMALL_CHUNK, 2**24])
def test_it_is_the_layer_and_then_the_loss(name, form, with_bias, reduction, n_bytes, monkeypatch):
    monkeypatch.setitem(retrieval.CHUNK_BYTES, "cpu", n_bytes)
    given = problem(form, with_bias=with_bias)
    found = results(fused, name, *given, reduction=reduction)
    expected = results(unfused, name, *given, reduction=reduction)
    assert len(found) == 3 + with_bias
    for here, there in zip(found, expected, strict=True):
        assert_allclose(here, there, rtol=1e-12, atol=1e-15)


@EVERY_LOSS
@EVERY_FORM
@WITH_OR_WITHOUT_BIAS
def test_gradients_are_the_derivatives(name, form, with_bias, monkeypatch):
    monkeypatch.setitem(retrieval.CHUNK_BYTES, "cpu", SMALL_CHUNK)
    layer, y, proba = problem(form, with_bias=with_bias)
    leaves = [each for each in layer if each is not None]

    def loss(*leaves):
        return fused(name, [*leaves, *[None] * (3 - len(leaves))], y, proba)

    assert torch.autograd.gradcheck(loss, leaves)


@EVERY_FORM
def test_several_labels_of_a_row(form, monkeypatch):
    monkeypatch.setitem(retrieval.CHUNK_BYTES, "cpu", SMALL_CHUNK)
    layer, _, proba = problem(form)
    y = torch.rand(N_ROWS, N_LABELS, generator=torch.Generator().manual_seed(0)) < 0.4
    for here, there in zip(
        results(fused, "label_weighted", layer, y, proba),
        results(unfused, "label_weighted", layer, y, proba),
        strict=True,
    ):
        assert_allclose(here, there, rtol=1e-12, atol=1e-15)


@EVERY_LOSS
def test_one_hot_teacher_gives_torch_linear_cross_entropy(name):
    layer, y, _ = problem()
    y = y.clamp(min=0)
    proba = nets.TopK(y[:, None], torch.ones(N_ROWS, 1))
    plain = F.cross_entropy(F.linear(*layer), y)
    found = fused(name, layer, y, proba)
    assert found.item() == pytest.approx(plain.item(), rel=1e-14)
    gradients = [torch.autograd.grad(each, layer) for each in (found, plain)]
    for here, there in zip(*gradients, strict=True):
        assert_allclose(here, there, atol=1e-15)


@EVERY_LOSS
@EVERY_FORM
def test_only_required_gradients_are_computed(name, form):
    for wanted in range(3):
        layer, y, proba = problem(form)
        for number, each in enumerate(layer):
            each.requires_grad_(number == wanted)
        fused(name, layer, y, proba).backward()
        assert [each.grad is not None for each in layer] == [k == wanted for k in range(3)]
    with torch.no_grad():
        assert not fused(name, layer, y, proba).requires_grad


@EVERY_LOSS
def test_a_loss_can_be_derived_again_but_not_twice_over(name):
    layer, y, proba = problem()
    loss = fused(name, layer, y, proba)
    first = torch.autograd.grad(loss, layer, retain_graph=True)
    again = torch.autograd.grad(loss, layer)
    for here, there in zip(first, again, strict=True):
        assert torch.equal(here, there)
    graph = torch.autograd.grad(fused(name, layer, y, proba), layer, create_graph=True)
    with pytest.raises(RuntimeError, match=r"once_differentiable|does not require grad"):
        torch.autograd.grad(graph[0].sum(), layer)


@EVERY_LOSS
@EVERY_FORM
def test_what_it_is_given_stays_as_it_was(name, form):
    layer, y, proba = problem(form)
    before = [each.detach().clone() for each in (*layer, y)]
    fused(name, layer, y, proba).backward()
    for now, then in zip((*layer, y), before, strict=True):
        assert torch.equal(now, then)
    for now, then in zip(proba, problem(form)[2], strict=True):
        assert torch.equal(now, then)


@EVERY_LOSS
@EVERY_FORM
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_single(name, form, dtype):
    layer, y, proba = problem(form, dtype)
    single = [each.detach().float().requires_grad_() for each in layer]
    found = results(fused, name, layer, y, proba)
    expected = results(fused, name, single, y, proba)
    assert found[0].dtype == torch.float32
    assert torch.equal(found[0], expected[0])
    for here, there in zip(found[1:], expected[1:], strict=True):
        assert here.dtype == dtype
        assert torch.equal(here, there.to(dtype))


@EVERY_LOSS
@EVERY_FORM
def test_autocast_changes_nothing(name, form):
    layer, y, proba = problem(form, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = results(fused, name, layer, y, proba)
    for here, there in zip(inside, results(fused, name, layer, y, proba), strict=True):
        assert torch.equal(here, there)


@EVERY_LOSS
@EVERY_FORM
def test_no_value_is_looked_at(name, form):
    layer, y, proba = problem(form)
    layer = [each.detach().to("meta").requires_grad_() for each in layer]
    proba = type(proba)(*(each.to("meta") for each in proba)) if form == "top-k" else (
        proba.to("meta")
    )  # fmt: skip
    fused(name, layer, y.to("meta"), proba).backward()
    assert [each.grad.shape for each in layer] == [each.shape for each in layer]


@EVERY_LOSS
def test_a_batch_without_rows_adds_nothing(name):
    layer, y, proba = problem()
    layer[0] = layer[0].detach()[:0].requires_grad_()
    loss = fused(name, layer, y[:0], proba[:0], reduction="sum")
    loss.backward()
    assert loss == 0
    assert not layer[1].grad.any()


H, W, P, Y = torch.zeros(2, 4), torch.zeros(3, 4), torch.full((2, 3), 1 / 3), torch.tensor([0, 1])


@EVERY_LOSS
@pytest.mark.parametrize(
    ("layer", "proba", "kwargs", "message"),
    [
        ((H[0], W, None), P, {}, r"got shapes \(4,\) and \(3, 4\)"),
        ((H, W.T, None), P, {}, r"as in torch.nn.functional.linear; got shapes \(2, 4\) and \(4"),
        ((H, W, torch.zeros(4)), P, {}, r"one number per label, shape \(3,\).*got shape \(4,\)"),
        ((H, W, None), P[:1], {}, r"proba must have the shape of logits, \(2, 3\)"),
        ((H, W[:1], None), P[:, :1], {}, r"two classes; got shape \(2, 1\)"),
        ((H, W, None), nets.TopK(Y[:, None], P), {}, r"got shapes \(2, 1\) and \(2, 3\)"),
        ((H, W, None), P, {"reduction": "none"}, r"summed over rows at once; got 'none'. The same"),
        ((H, W, None), P, {"reduction": "average"}, "'mean', 'sum'.*got 'average'"),
    ],
)
def test_what_does_not_fit_is_refused(name, layer, proba, kwargs, message):
    with pytest.raises(ValueError, match=message):
        fused(name, layer, Y, proba, **kwargs)


def test_labels_that_do_not_fit_are_refused():
    for y in (None, Y[:1], Y.float(), P[:, :2]):
        with pytest.raises(ValueError, match=r"y must hold one integer per row.*got "):
            nets.linear_label_weighted_cross_entropy(H, W, None, y, P)
