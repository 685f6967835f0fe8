"""A step of the optimiser: with a closure where it is needed, and of a compiled module."""

import shutil

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EpochScoring, GradientNormClipping, PrintLog

from skdistill.datasets import make_gaussian_classes
from skdistill.nets import SoftLabelNet

X, y, P = make_gaussian_classes(120, 4, 3, random_state=0)


def make_net(**params):
    defaults = {
        "module": torch.nn.Linear, "module__in_features": 4, "module__out_features": 3,
        "max_epochs": 4, "batch_size": 50, "lr": 0.1, "random_state": 0,
    }  # fmt: skip
    return SoftLabelNet(**{**defaults, **params})


class OwnSGD(torch.optim.Optimizer):
    """An optimiser that is not of torch, and calls a closure."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        with torch.enable_grad():
            loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for each in group["params"]:
                    each -= group["lr"] * each.grad
        return loss


class SeenGradients(Callback):
    """Keep the norm of the gradients of each step, which several callbacks may read."""

    def on_train_begin(self, net, **kwargs):
        self.norms = []

    def on_grad_computed(self, net, named_parameters=(), **kwargs):
        self.norms.append([each.grad.norm().item() for _, each in named_parameters])


@pytest.mark.parametrize("clip", [False, True])
def test_a_step_without_a_closure_is_the_one_with_it(clip):
    nets, norms = [], []
    for optimizer in (torch.optim.SGD, OwnSGD):
        seen = [SeenGradients(), SeenGradients()]
        callbacks = [seen[0], *([GradientNormClipping(0.1)] if clip else []), seen[1]]
        named = [(f"callback {k}", each) for k, each in enumerate(callbacks)]
        nets.append(make_net(optimizer=optimizer, callbacks=named).fit(X, P))
        norms.append([each.norms for each in seen])
    torch.testing.assert_close(nets[0].module_.weight, nets[1].module_.weight, rtol=1e-5, atol=1e-7)
    assert nets[0].history[:, "train_loss"] == pytest.approx(nets[1].history[:, "train_loss"])
    np.testing.assert_allclose(norms[0], norms[1], rtol=1e-5)
    assert np.shape(norms[0]) == (2, 12, 2)


def test_an_optimiser_that_needs_a_closure_gets_it():
    options = {"batch_size": -1, "lr": 0.5, "optimizer__max_iter": 10}
    net = make_net(optimizer=torch.optim.LBFGS, **options).fit(X, P)
    assert net.history[-1, "train_loss"] < net.history[0, "train_loss"]


def test_a_compiled_module_learns_the_same():
    plain = make_net(batch_size=30).fit(X, P)
    compiled = make_net(batch_size=30, compile=True, compile__backend="eager").fit(X, P)
    np.testing.assert_allclose(compiled.predict_proba(X), plain.predict_proba(X), atol=1e-5)
    torch.testing.assert_close(compiled.module_._orig_mod.weight, plain.module_.weight)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
def test_a_module_compiled_to_machine_code_learns_the_same():
    plain = make_net().fit(X, P)
    compiled = make_net(compile=True).fit(X, P)  # two sizes of batches
    np.testing.assert_allclose(compiled.predict_proba(X), plain.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("verbose", [0, 1])
def test_the_log_makes_a_table_only_if_it_is_shown(verbose, monkeypatch, capsys):
    tables = []
    make_table = PrintLog.table
    monkeypatch.setattr(PrintLog, "table", lambda *args: tables.append(1) or make_table(*args))
    make_net(verbose=verbose).fit(X, P)
    assert len(tables) == 4 * verbose
    assert ("train_loss" in capsys.readouterr().out) == bool(verbose)


def test_the_log_is_sent_to_a_sink_without_verbose():
    lines = []
    make_net(callbacks__print_log__sink=lines.append).fit(X, P)
    assert len(lines) == 2 + 4  # the header, and a line for each epoch


def test_scores_of_training_epochs_get_the_training_batches():
    score = EpochScoring("accuracy", name="train_acc", on_train=True, lower_is_better=False)
    net = make_net(callbacks=[score], iterator_train__shuffle=False).fit(X, y)
    assert len(net.history[:, "train_acc"]) == 4
