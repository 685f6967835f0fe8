"""The losses in torch equal those in NumPy and hand-written loops."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdistill import objectives

torch = pytest.importorskip("torch")
nets = pytest.importorskip("skdistill.nets")
F = torch.nn.functional

N_ROWS, N_CLASSES = 8, 5
TEMPERATURE, ALPHA = 2.5, 0.7
NAMES = ["soft_cross_entropy", "distillation_loss", "logit_matching_loss"]
FORMS = ["dense", "top-k"]
EVERY_LOSS = pytest.mark.parametrize("name", NAMES)
EVERY_FORM = pytest.mark.parametrize("form", FORMS)
HALVES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)


def problem(dtype=torch.float64, seed=0):
    """Return logits, probabilities with at most three classes a row, codes, class weights."""
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.full(N_CLASSES, 0.5), size=N_ROWS)
    proba[np.arange(N_ROWS)[:, None], proba.argsort(axis=1)[:, :2]] = 0
    proba[0] = np.eye(N_CLASSES)[3]
    proba /= proba.sum(axis=1, keepdims=True)
    codes = rng.integers(-1, N_CLASSES, size=N_ROWS)
    codes[0] = -1
    logits = torch.tensor(3 * rng.normal(size=(N_ROWS, N_CLASSES)), dtype=dtype)
    weight = torch.tensor(rng.exponential(size=N_CLASSES))
    return logits.requires_grad_(), torch.tensor(proba), torch.tensor(codes), weight


def in_form(proba, form):
    """Return probabilities as they are or as a TopK, padded at an index that is in use."""
    if form == "dense":
        return proba
    values, indices = proba.topk(4, dim=1)
    indices = torch.where(values > 0, indices, indices[:, :1])
    return nets.TopK(indices, values)


def in_torch(name, logits, proba, codes, **kwargs):
    loss = getattr(nets, name)
    if name == "distillation_loss":
        return loss(logits, proba, codes, temperature=TEMPERATURE, alpha=ALPHA, **kwargs)
    return loss(logits, proba, **kwargs)


def in_numpy(name, logits, proba, codes, **kwargs):
    loss = getattr(objectives, name)
    logits, proba, codes = logits.detach().numpy(), proba.numpy(), codes.numpy()
    if name == "distillation_loss":
        return loss(logits, proba, codes, temperature=TEMPERATURE, alpha=ALPHA, **kwargs)
    return loss(logits, proba, **kwargs)


@EVERY_LOSS
@EVERY_FORM
@pytest.mark.parametrize("weighted", [True, False])
def test_losses_and_gradients_are_those_of_numpy(name, form, weighted):
    logits, proba, codes, weight = problem()
    label_weight = weight if weighted else None
    by_row = [
        in_numpy(
            name, *(part[[n]] for part in (logits, proba, codes)),
            label_weight=None if label_weight is None else weight.numpy(),
        )
        for n in range(N_ROWS)
    ]  # fmt: skip
    rows = np.array([loss for loss, _ in by_row])
    gradients = np.concatenate([gradient for _, gradient in by_row])
    proba = in_form(proba, form)
    scales = {"mean": N_ROWS, "sum": 1, "none": 1}
    expected = {"mean": rows.mean(), "sum": rows.sum(), "none": rows}
    for reduction, scale in scales.items():
        given = {"label_weight": label_weight, "reduction": reduction}
        loss = in_torch(name, logits, proba, codes, **given)
        assert_allclose(loss.detach(), expected[reduction], rtol=1e-12)
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert_allclose(gradient, gradients / scale, atol=1e-14)


@EVERY_LOSS
@EVERY_FORM
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_gradients_are_the_derivatives(name, form, reduction):
    logits, proba, codes, weight = problem()
    proba = in_form(proba, form)
    assert torch.autograd.gradcheck(
        lambda z: in_torch(name, z, proba, codes, label_weight=weight, reduction=reduction),
        logits,
    )


def test_dense_soft_cross_entropy_is_that_of_torch():
    logits, proba, _, weight = problem()
    for reduction in ("mean", "sum", "none"):
        assert torch.equal(
            nets.soft_cross_entropy(logits, proba, label_weight=weight, reduction=reduction),
            F.cross_entropy(logits, proba, weight, reduction=reduction),
        )


def test_distillation_is_the_loop_that_everybody_writes():
    logits, proba, codes, _ = problem()
    codes, proba = codes.abs(), (proba + 0.01) / (1 + N_CLASSES * 0.01)
    z, t = logits / TEMPERATURE, proba.log() / TEMPERATURE
    soft = F.kl_div(z.log_softmax(1), t.log_softmax(1), reduction="batchmean", log_target=True)
    by_hand = ALPHA * TEMPERATURE**2 * soft + (1 - ALPHA) * F.cross_entropy(logits, codes)
    loss = in_torch("distillation_loss", logits, proba, codes)
    assert_allclose(
        torch.autograd.grad(loss, logits)[0], torch.autograd.grad(by_hand, logits)[0], atol=1e-15
    )


def test_the_gradient_keeps_its_scale_as_the_temperature_rises():
    logits, proba, _, _ = problem()
    proba = (proba + 0.1) / (1 + N_CLASSES * 0.1)
    sizes = []
    for temperature in (10.0, 1000.0):
        loss = nets.distillation_loss(logits, proba, None, temperature=temperature, alpha=1)
        sizes.append(torch.autograd.grad(loss, logits)[0].abs().sum())
    assert 0.8 < sizes[0] / sizes[1] < 1.25  # 10,000 without the factor T²


@EVERY_FORM
def test_near_zero_temperature_keeps_the_most_probable_classes(form):
    logits = torch.zeros(1, 5, requires_grad=True)
    proba = in_form(torch.tensor([[0.3, 0.3, 0.2, 0.2, 0.0]]), form)
    nets.distillation_loss(logits, proba, None, temperature=1e-4, alpha=1).backward()
    assert_allclose(logits.grad, 1e-4 * (0.2 - torch.tensor([[0.5, 0.5, 0, 0, 0]])), rtol=1e-5)


def test_alpha_zero_is_plain_training_and_one_needs_no_labels():
    logits, proba, codes, _ = problem()
    hard = nets.distillation_loss(
        logits, proba, codes.abs(), temperature=3, alpha=0, reduction="none"
    )
    assert_allclose(
        hard.detach(), F.cross_entropy(logits, codes.abs(), reduction="none").detach(), rtol=1e-14
    )
    soft = nets.distillation_loss(logits, proba, None, temperature=1, alpha=1)
    assert torch.equal(soft, nets.soft_cross_entropy(logits, proba))


@EVERY_LOSS
@EVERY_FORM
def test_a_shift_of_a_rows_logits_changes_nothing(name, form):
    logits, proba, codes, weight = problem()
    shifted = logits + torch.linspace(-50, 50, N_ROWS, dtype=torch.float64)[:, None]
    here, there = (
        in_torch(name, z, in_form(proba, form), codes, label_weight=weight, reduction="none")
        for z in (logits, shifted)
    )
    assert_allclose(there.detach(), here.detach(), rtol=1e-12)


@EVERY_LOSS
@EVERY_FORM
@HALVES
def test_half_precision_is_computed_in_single(name, form, dtype):
    logits, proba, codes, weight = problem(dtype)
    proba = in_form(proba, form)
    half = in_torch(name, logits, proba, codes, label_weight=weight)
    single = logits.detach().float().requires_grad_()
    expected = in_torch(name, single, proba, codes, label_weight=weight)
    assert half.dtype == expected.dtype == torch.float32
    assert torch.equal(half, expected)
    (gradient,) = torch.autograd.grad(half, logits)
    assert gradient.dtype == dtype
    assert torch.equal(gradient, torch.autograd.grad(expected, single)[0].to(dtype))


@EVERY_LOSS
@EVERY_FORM
@HALVES
def test_the_largest_halves_leave_the_gradient_finite(name, form, dtype):
    _, proba, codes, _ = problem()
    for n_classes in (2, N_CLASSES):
        top = proba[:, -n_classes:] + 1e-6
        proba_here = in_form(top / top.sum(dim=1, keepdim=True), "dense")
        if form == "top-k":
            values, indices = proba_here.topk(n_classes, dim=1)
            proba_here = nets.TopK(indices, values)
        signs = torch.randint(2, top.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        logits = (6e4 * signs).to(dtype).requires_grad_()
        loss = in_torch(name, logits, proba_here, codes.clamp(max=n_classes - 1), reduction="none")
        assert loss.isfinite().all()
        (gradient,) = torch.autograd.grad(loss.sum(), logits)
        assert gradient.isfinite().all()
        assert (gradient != 0).any()


@EVERY_LOSS
@EVERY_FORM
def test_autocast_changes_nothing(name, form):
    logits, proba, codes, weight = problem(torch.float32)
    proba = in_form(proba, form)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = in_torch(name, logits, proba, codes, label_weight=weight)
    assert torch.equal(inside, in_torch(name, logits, proba, codes, label_weight=weight))


@EVERY_LOSS
@EVERY_FORM
def test_the_teacher_is_a_constant(name, form):
    logits, proba, codes, _ = problem()
    source = proba.clone().requires_grad_()
    in_torch(name, logits, in_form(source, form), codes).backward()
    assert source.grad is None
    assert logits.grad is not None


@EVERY_LOSS
@EVERY_FORM
def test_no_value_is_looked_at(name, form):
    logits, proba, codes, weight = problem()
    logits, proba, codes, weight = (
        part.detach().to("meta") for part in (logits, proba, codes, weight)
    )  # shapes without values
    logits.requires_grad_()
    if form == "top-k":
        proba = nets.TopK(*proba.topk(2)[::-1])
    loss = in_torch(name, logits, proba, codes, label_weight=weight)
    loss.backward()
    assert loss.shape == ()


MODULES = {
    "soft_cross_entropy": lambda **kwargs: nets.SoftCrossEntropy(**kwargs),
    "distillation_loss": lambda **kwargs: nets.DistillationLoss(TEMPERATURE, ALPHA, **kwargs),
    "logit_matching_loss": lambda **kwargs: nets.LogitMatching(**kwargs),
}


@EVERY_LOSS
@EVERY_FORM
def test_modules_compute_the_functions(name, form):
    logits, proba, codes, weight = problem()
    proba = in_form(proba, form)
    for reduction in ("mean", "none"):
        for given in (weight, weight.numpy(), weight.tolist(), None):
            module = MODULES[name](label_weight=given, reduction=reduction)
            expected = in_torch(
                name, logits, proba, codes, reduction=reduction,
                label_weight=None if given is None else weight,
            )  # fmt: skip
            found = module(logits, proba, codes)
            assert_allclose(found.detach(), expected.detach(), rtol=1e-6)
            assert torch.equal(copy.deepcopy(module)(logits, proba, codes), found)


@EVERY_LOSS
@EVERY_FORM
def test_modules_compile_in_one_piece(name, form):
    logits, proba, codes, weight = problem()
    proba = in_form(proba, form)
    module = MODULES[name](label_weight=weight)
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    assert torch.equal(compiled(logits, proba, codes), module(logits, proba, codes))


@EVERY_LOSS
def test_label_weights_are_a_buffer(name):
    module = MODULES[name](label_weight=[1, 2, 3])
    assert module.label_weight.dtype == torch.get_default_dtype()
    assert list(module.state_dict()) == ["label_weight"]
    assert module.to(torch.float64).label_weight.dtype == torch.float64
    assert list(module.parameters()) == []
    exact = torch.tensor([0.1, 0.2], dtype=torch.float64)
    assert torch.equal(MODULES[name](label_weight=exact).label_weight, exact)


def test_a_module_shows_how_it_is_set():
    assert repr(nets.DistillationLoss(3, 1)) == (
        "DistillationLoss(temperature=3.0, alpha=1.0, reduction='mean')"
    )
    assert repr(nets.LogitMatching()) == "LogitMatching(reduction='mean')"


def test_the_temperature_of_a_module_may_change_between_calls():
    logits, proba, codes, _ = problem()
    loss = nets.DistillationLoss(2.0)
    before = loss(logits, proba, codes)
    loss.temperature, loss.alpha = TEMPERATURE, ALPHA
    after = loss(logits, proba, codes)
    assert torch.equal(after, in_torch("distillation_loss", logits, proba, codes))
    assert before != after


Z, P, Y = torch.zeros(2, 3), torch.full((2, 3), 1 / 3), torch.tensor([0, -1])
IDS = torch.zeros(2, 2, dtype=torch.int64)


@EVERY_LOSS
@pytest.mark.parametrize(
    ("logits", "proba", "kwargs", "message"),
    [
        (Z[0], P, {}, r"two classes; got shape \(3,\)"),
        (Z[:, :1], P[:, :1], {}, r"got shape \(2, 1\).*needs two outputs"),
        (Z, P[:1], {}, r"shape of logits, \(2, 3\).*got shape \(1, 3\)"),
        (Z, Y, {}, r"got shape \(2,\). Codes of true labels go into y"),
        (Z, nets.TopK(IDS, P), {}, r"shape \(2, k\).*got shapes \(2, 2\) and \(2, 3\)"),
        (Z, nets.TopK(IDS[:1], P[:1, :2]), {}, r"got shapes \(1, 2\) and \(1, 2\)"),
        (Z, nets.TopK(Y, P[:, 0]), {}, r"got shapes \(2,\) and \(2,\)"),
        (Z, P, {"label_weight": torch.ones(2)}, r"shape \(3,\); got shape \(2,\)"),
        (Z, P, {"reduction": "batchmean"}, "reduction must be one of .*got 'batchmean'"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, logits, proba, kwargs, message):
    with pytest.raises(ValueError, match=message):
        in_torch(name, logits, proba, Y, **kwargs)


@pytest.mark.parametrize(
    ("y", "kwargs", "message"),
    [
        (None, {}, "y is None, but the loss uses true labels with alpha=0.5"),
        (Y[:1], {}, r"shape \(2,\); got shape \(1,\)"),
        (Y.float(), {}, "dtype torch.float32"),
        (Y > 0, {}, "dtype torch.bool"),
        (Y, {"temperature": 0}, "temperature must be a positive number.*got temperature=0"),
        (Y, {"alpha": -1}, r"alpha must be a number in \[0, 1\]"),
    ],
)
def test_what_distillation_does_not_support_is_refused(y, kwargs, message):
    given = {"temperature": 2.0, "alpha": 0.5, **kwargs}
    with pytest.raises(ValueError, match=message):
        nets.distillation_loss(Z, P, y, **given)
    with pytest.raises(ValueError, match=message):
        nets.DistillationLoss(**given)(Z, P, y)


@EVERY_LOSS
@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"label_weight": [1, -1]}, r"finite number >= 0 .* values \[1.0, -1.0\]"),
        ({"label_weight": [1, np.nan]}, "finite number >= 0"),
        ({"label_weight": [[1, 2]]}, r"got shape \(1, 2\)"),
        ({"reduction": "average"}, "got 'average'"),
    ],
)
def test_modules_refuse_what_they_cannot_hold(name, kwargs, message):
    with pytest.raises(ValueError, match=message):
        MODULES[name](**kwargs)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("unknown", [-1, -100])
def test_unknown_label_marker_equals_that_of_torch(reduction, unknown):
    logits = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    proba, y = logits.roll(1, 0).softmax(dim=1), torch.tensor([2, unknown, 0])
    params = {"temperature": 3.0, "alpha": 0.4, "reduction": reduction}
    hard = F.cross_entropy(logits, y, ignore_index=unknown, reduction="none")
    expected = nets.distillation_loss(logits, proba, None, **{**params, "alpha": 1.0}) * 0.4
    expected = expected + 0.6 * (hard if reduction == "none" else getattr(hard, reduction)())
    torch.testing.assert_close(nets.distillation_loss(logits, proba, y, **params), expected)
