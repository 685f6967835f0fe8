"""The pairwise loss in torch equals the NumPy version, and its gradients pass autograd's check."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logit

from skdistill import objectives

torch = pytest.importorskip("torch")
nets = pytest.importorskip("skdistill.nets")

SURROGATES = ["logistic", "exponential", "hinge", "squared_hinge"]
DOUBLE = torch.float64


def loss_and_gradient(scores, proba, dtype=DOUBLE, **options):
    scores = torch.tensor(scores, dtype=dtype, requires_grad=True)
    loss = nets.pairwise_loss(scores, torch.tensor(proba), **options)
    loss.backward()
    return loss, scores.grad


def scores_of(kind, n, rng):
    return {
        "normal": lambda: rng.normal(size=n),
        "constant": lambda: np.zeros(n),
        "ties": lambda: rng.integers(0, 3, size=n).astype(float),
        "tiny": lambda: 1e-8 * rng.normal(size=n),
        "offset": lambda: 1e9 + rng.integers(-1024, 1024, size=n) / 256,
        "margins": lambda: rng.integers(-3, 4, size=n) / 2,
        "wide": lambda: rng.uniform(-5e5, 5e5, size=n),
        "outlier": lambda: np.concatenate([[1e15], rng.normal(size=n - 1)]),
    }[kind]()


KINDS = ["normal", "constant", "ties", "tiny", "offset", "margins", "wide", "outlier"]


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 3, 5000])
@pytest.mark.parametrize("hard", [True, False])
def test_it_is_the_numpy_function(name, kind, n, hard):
    if name == "exponential" and kind in ("wide", "outlier"):
        return  # e^{-d} is beyond float64 there
    rng = np.random.default_rng(n)
    scores, weight = scores_of(kind, n, rng), rng.random(n) + 0.1
    proba = (np.arange(n) % 2).astype(float) if hard else rng.random(n)
    expected, gradient = objectives.pairwise_loss(
        scores, proba, surrogate=name, sample_weight=weight
    )
    ours = loss_and_gradient(scores, proba, surrogate=name, sample_weight=torch.tensor(weight))
    assert ours[0].dtype == ours[1].dtype == DOUBLE
    assert ours[0].item() == pytest.approx(expected, rel=1e-12)
    assert_allclose(ours[1], gradient, rtol=0, atol=1e-12 * np.abs(gradient).max())


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_lower_precisions(name, dtype):
    rng = np.random.default_rng(0)
    scores = torch.tensor(rng.normal(size=3000), dtype=dtype)
    proba = rng.random(3000)
    loss, gradient = loss_and_gradient(scores.tolist(), proba, dtype, surrogate=name)
    expected = objectives.pairwise_loss(scores.double().numpy(), proba, surrogate=name)
    assert loss.dtype == torch.float32 and gradient.dtype == dtype
    assert loss.item() == pytest.approx(expected[0], rel=1e-5)
    rounding = {torch.float32: 1e-5, torch.float16: 1e-3, torch.bfloat16: 1e-2}[dtype]
    scale = np.abs(expected[1]).max()
    assert_allclose(gradient.double(), expected[1], rtol=0, atol=rounding * scale)


@pytest.mark.parametrize("name", SURROGATES)
def test_gradcheck(name):
    rng = np.random.default_rng(1)
    scores = torch.tensor(rng.normal(size=20), requires_grad=True)
    proba, weight = torch.tensor(rng.random(20)), torch.tensor(rng.random(20))
    given = {"surrogate": name, "sample_weight": weight}
    assert torch.autograd.gradcheck(lambda s: nets.pairwise_loss(s, proba, **given), scores)


def test_upstream_gradients_reach_the_net():
    rng = np.random.default_rng(0)
    X, proba = torch.tensor(rng.normal(size=(50, 3))), torch.tensor(rng.random(50))
    net = torch.nn.Linear(3, 1, dtype=DOUBLE)
    (7 * nets.PairwiseLoss()(net(X).squeeze(1), proba)).backward()
    _, gradient = objectives.pairwise_loss(net(X).squeeze(1).detach().numpy(), proba.numpy())
    assert_allclose(net.weight.grad[0], 7 * gradient @ X.numpy(), rtol=1e-10)
    assert net.bias.grad.abs() < 1e-13  # a shift changes nothing


def test_no_gradient_flows_to_probabilities_and_weights():
    scores, proba = torch.zeros(4, requires_grad=True), torch.rand(4, requires_grad=True)
    weight = torch.rand(4, requires_grad=True)
    nets.pairwise_loss(scores, proba, sample_weight=weight).backward()
    assert scores.grad is not None and proba.grad is None and weight.grad is None


def test_there_is_no_second_derivative():
    scores = torch.tensor([0.0, 1.0], requires_grad=True)
    loss = nets.pairwise_loss(scores, torch.tensor([0.3, 0.6]))
    (gradient,) = torch.autograd.grad(loss, scores, create_graph=True)
    with pytest.raises(NotImplementedError, match="pairwise_hessian_product"):
        (loss + gradient.square().sum()).backward()


@pytest.mark.parametrize(("name", "factor"), [("logistic", 1.0), ("exponential", 0.5)])
def test_a_net_of_free_scores_learns_the_logits(name, factor):
    proba = np.random.default_rng(0).uniform(0.02, 0.98, size=500)
    _, gradient = loss_and_gradient(factor * logit(proba) + 7.3, proba, surrogate=name)
    assert gradient.abs().max() < 1e-15
    _, elsewhere = loss_and_gradient(0.9 * factor * logit(proba), proba, surrogate=name)
    assert elsewhere.abs().max() > 1e-6


@pytest.mark.parametrize("name", SURROGATES)
def test_hard_labels_are_the_classical_pairwise_loss(name):
    rng = np.random.default_rng(0)
    scores, y = torch.tensor(rng.normal(size=60)), torch.tensor(rng.integers(0, 2, size=60))
    d = scores[y == 1][:, None] - scores[y == 0]
    expected = {
        "logistic": torch.nn.functional.softplus(-d),
        "exponential": torch.exp(-d),
        "hinge": (1 - d).clamp(min=0),
        "squared_hinge": (1 - d).clamp(min=0) ** 2,
    }[name].mean()
    loss = nets.PairwiseLoss(name)(scores, y)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-13)
    assert repr(nets.PairwiseLoss(name)) == f"PairwiseLoss(surrogate='{name}')"


@pytest.mark.parametrize(
    ("scores", "proba", "weight", "match"),
    [
        ([0.0, np.nan], [0, 1], None, "scores must be finite.*row 1 has nan"),
        ([0.0, np.inf], [0, 1], None, "scores must be finite.*row 1 has inf"),
        ([0.0, 2.0**51], [0, 1], None, r"at most 2\^50"),
        ([0.0, 1.0], [0.5, 1.5], None, r"proba must lie in \[0, 1\]; row 1 has 1.5"),
        ([0.0, 1.0], [0.5, np.nan], None, "proba must .*row 1 has nan"),
        ([0.0, 1.0], [0, 1], [1.0, -1.0], "sample_weight must .* not negative; row 1 has -1"),
        ([0.0, 1.0], [0, 1], [1.0, np.inf], "sample_weight must be finite.*row 1 has inf"),
        ([0.0, 1.0], [1, 1], None, "No pair of rows carries weight"),
        ([0.0, 1.0], [0, 0], None, "No pair of rows carries weight"),
        ([], [], None, "No pair of rows carries weight"),
        ([[0.0], [1.0]], [0, 1], None, r"got shapes \(2, 1\), \(2,\) .*squeeze\(1\)"),
    ],
)
def test_bad_input(scores, proba, weight, match):
    weight = None if weight is None else torch.tensor(weight)
    for name in SURROGATES:
        with pytest.raises(ValueError, match=match):
            nets.pairwise_loss(
                torch.tensor(scores), torch.tensor(proba), surrogate=name, sample_weight=weight
            )


def test_bad_names_and_dtypes():
    with pytest.raises(ValueError, match=r"must be one of .*; got 'auc'"):
        nets.pairwise_loss(torch.zeros(2), torch.tensor([0, 1]), surrogate="auc")
    with pytest.raises(TypeError, match=r"floating point dtype; got torch.int64"):
        nets.pairwise_loss(torch.tensor([0, 1]), torch.tensor([0, 1]))


@pytest.mark.gpu
@pytest.mark.parametrize("name", SURROGATES)
def test_on_the_device(name):
    device = "cuda" if torch.cuda.is_available() else "mps"
    rng = np.random.default_rng(0)
    scores, proba = torch.randn(3000), torch.tensor(rng.random(3000))
    at_home = nets.pairwise_loss(scores, proba, surrogate=name)
    away = nets.pairwise_loss(scores.to(device), proba.float().to(device), surrogate=name)
    assert away.device.type == device
    assert away.item() == pytest.approx(at_home.item(), rel=1e-5)
