"""Schedules, patience and held-out rows after resuming are those of an uninterrupted training."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, LoadInitState, LRScheduler
from skorch.dataset import Dataset, ValidSplit
from skorch.helper import predefined_split
from torch.optim import lr_scheduler

from skdistill.datasets import make_gaussian_classes
from skdistill.nets import SoftLabelNet

X, y, P = make_gaussian_classes(120, 4, 3, random_state=0)
N_EPOCHS, CRASH = 9, 6
HELD_OUT = predefined_split(Dataset(X[:40].astype(np.float32), y[:40]))


def make_net(callbacks, **params):
    defaults = {
        "module": torch.nn.Linear, "module__in_features": 4, "module__out_features": 3,
        "max_epochs": N_EPOCHS, "lr": 0.1, "batch_size": 40, "random_state": 0,
        "train_split": HELD_OUT,
    }  # fmt: skip
    return SoftLabelNet(**{**defaults, **params}, callbacks=[Rates(), *callbacks])


class Crash(Callback):
    """A power cut before an epoch."""

    def __init__(self, epoch=CRASH):
        self.epoch = epoch

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise RuntimeError("power cut")


def resumed(make_callback, order, folder, **params):
    """Return a net that was resumed after a crash."""
    every_epoch = Checkpoint(monitor=None, dirname=folder)
    in_order = [make_callback(), every_epoch]
    in_order = in_order[::-1] if "checkpoint first" in order else in_order
    with pytest.raises(RuntimeError, match="power cut"):
        make_net([*in_order, Crash()], **params).fit(X, P)
    load = LoadInitState(every_epoch)
    callbacks = [make_callback(), every_epoch]
    callbacks = [load, *callbacks] if "load first" in order else [*callbacks, load]
    return make_net(callbacks, **params).fit(X, P)


def weights_of(net):
    return torch.cat([each.detach().ravel() for each in net.module_.parameters()])


# Every kind of schedule: chained, in closed form, of a score, per batch, and skorch's own.
SCHEDULES = {
    "StepLR": {"policy": lr_scheduler.StepLR, "step_size": 2, "gamma": 0.5},
    "StepLR by name": {"policy": "StepLR", "step_size": 3, "gamma": 0.1},
    "MultiStepLR": {"policy": lr_scheduler.MultiStepLR, "milestones": [5, 7], "gamma": 0.5},
    "ExponentialLR": {"policy": lr_scheduler.ExponentialLR, "gamma": 0.8},
    "CosineAnnealingLR": {"policy": lr_scheduler.CosineAnnealingLR, "T_max": N_EPOCHS},
    "LambdaLR": {"policy": lr_scheduler.LambdaLR, "lr_lambda": lambda epoch: 1 / (1 + epoch)},
    "ReduceLROnPlateau": {
        "policy": lr_scheduler.ReduceLROnPlateau, "monitor": "valid_loss", "patience": 0,
        "threshold": 0.5,
    },
    "OneCycleLR": {
        "policy": lr_scheduler.OneCycleLR, "max_lr": 0.2, "total_steps": 3 * N_EPOCHS + 1,
        "step_every": "batch",
    },
    "CyclicLR": {
        "policy": lr_scheduler.CyclicLR, "base_lr": 0.01, "max_lr": 0.2, "step_size_up": 4,
        "cycle_momentum": False, "step_every": "batch",
    },
    "MultiplicativeLR": {
        "policy": lr_scheduler.MultiplicativeLR, "lr_lambda": lambda epoch: 0.5 + epoch / 20,
    },
    "ConstantLR": {"policy": lr_scheduler.ConstantLR, "factor": 0.5, "total_iters": 7},
    "LinearLR": {"policy": lr_scheduler.LinearLR, "total_iters": 8},
    "PolynomialLR": {"policy": lr_scheduler.PolynomialLR, "total_iters": 12},
    "CosineAnnealingWarmRestarts": {
        "policy": lr_scheduler.CosineAnnealingWarmRestarts, "T_0": 4,
    },
    "WarmRestartLR": {"policy": "WarmRestartLR", "max_lr": 0.2, "base_period": 3},
}  # fmt: skip
# They take schedulers of an optimiser, which skorch's LRScheduler does not make.
OF_SCHEDULERS = {"SequentialLR", "ChainedScheduler"}
ORDERS = ["load first", "load last", "load first, checkpoint first"]


class Rates(Callback):
    """Write the learning rate of each step into the history."""

    def on_batch_begin(self, net, training=False, **kwargs):
        if training:
            rates = net.history[-1].setdefault("rates", [])
            rates.append(net.optimizer_.param_groups[0]["lr"])


def rates_of(net):
    return [rate for rates in net.history[:, "rates"] for rate in rates]


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_continues_as_if_never_interrupted(schedule, order, tmp_path):
    def make_callback():
        return LRScheduler(**SCHEDULES[schedule])

    whole = make_net([make_callback()]).fit(X, P)
    again = resumed(make_callback, order, tmp_path)
    assert rates_of(again) == rates_of(whole)
    assert len(set(rates_of(whole))) > 1
    torch.testing.assert_close(weights_of(again), weights_of(whole), rtol=0, atol=0)


def test_every_schedule_of_torch_is_a_case():
    public = set(lr_scheduler.__all__) - {"LRScheduler"}  # the base class
    assert public - OF_SCHEDULERS == public & set(SCHEDULES)


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning")
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("schedule", ["OneCycleLR", "CyclicLR"])
def test_cycles_of_momentum_continue_too(schedule, order, tmp_path):
    options = {**SCHEDULES[schedule], "cycle_momentum": True}
    sgd = {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.9}
    whole = make_net([LRScheduler(**options)], **sgd).fit(X, P)
    again = resumed(lambda: LRScheduler(**options), order, tmp_path, **sgd)
    assert rates_of(again) == rates_of(whole)
    torch.testing.assert_close(weights_of(again), weights_of(whole), rtol=0, atol=0)


def test_partial_fit_continues_the_schedule():
    def make_callback():
        return LRScheduler(policy=lr_scheduler.StepLR, step_size=2, gamma=0.5)

    whole = make_net([make_callback()], max_epochs=8).fit(X, P)
    parts = make_net([make_callback()], max_epochs=2)
    for _ in range(4):
        parts.partial_fit(X, P)
    warm = make_net([make_callback()], max_epochs=4, warm_start=True).fit(X, P).fit(X, P)
    for net in (parts, warm):
        assert rates_of(net) == rates_of(whole)


class Scripted(Callback):
    """Write chosen validation scores into the history."""

    def on_epoch_end(self, net, **kwargs):
        scores = [5.0, 4.0, 3.0, 2.0, 2.5, 2.4, 2.3, 2.2, 2.1, 1.9, 1.8, 1.7]
        net.history.record("score", scores[len(net.history) - 1])


@pytest.mark.parametrize("crash", [2, 5, 6, 7])
def test_patience_counts_the_epochs_before_the_checkpoint(crash, tmp_path):
    def callbacks():
        return [Scripted(), EarlyStopping(monitor="score", patience=3)]

    whole = make_net(callbacks(), max_epochs=12).fit(X, P)
    assert len(whole.history) == 7
    every_epoch = Checkpoint(monitor=None, dirname=tmp_path)
    with pytest.raises(RuntimeError, match="power cut"):
        make_net([Scripted(), every_epoch, Crash(crash)], max_epochs=12).fit(X, P)
    again = make_net([LoadInitState(every_epoch), *callbacks()], max_epochs=12).fit(X, P)
    assert len(again.history) == 7
    torch.testing.assert_close(weights_of(again), weights_of(whole), rtol=0, atol=0)


def test_a_training_that_was_stopped_stays_stopped(tmp_path):
    every_epoch = Checkpoint(monitor=None, dirname=tmp_path)
    for _ in range(2):
        stopping = EarlyStopping(monitor="score", patience=2)
        callbacks = [LoadInitState(every_epoch), Scripted(), every_epoch, stopping]
        net = make_net(callbacks, max_epochs=12).fit(X, P)
        assert len(net.history) == 6


def test_each_call_of_partial_fit_has_a_patience_of_its_own():
    stopping = EarlyStopping(monitor="score", patience=3)
    net = make_net([Scripted(), stopping], max_epochs=2)
    for _ in range(4):
        net.partial_fit(X, P)
    assert len(net.history) == 8


@pytest.mark.parametrize(("crash", "is_lost"), [(5, False), (6, True)])
def test_lost_weights_of_the_best_epoch_are_reported(crash, is_lost, tmp_path):
    every_epoch = Checkpoint(monitor=None, dirname=tmp_path)
    with pytest.raises(RuntimeError, match="power cut"):
        make_net([Scripted(), every_epoch, Crash(crash)]).fit(X, P)
    stopping = EarlyStopping(monitor="score", patience=20, load_best=True)
    net = make_net([LoadInitState(every_epoch), Scripted(), stopping], max_epochs=8)
    if is_lost:
        with pytest.warns(UserWarning, match=r"best epoch so far, 4 of 5, .* not known"):
            net.fit(X, P)
        return
    net.fit(X, P)
    whole = make_net([Scripted()], max_epochs=4).fit(X, P)
    torch.testing.assert_close(weights_of(net), weights_of(whole), rtol=0, atol=0)


def test_a_score_that_the_history_lacks_is_named(tmp_path):
    every_epoch = Checkpoint(monitor=None, dirname=tmp_path)
    with pytest.raises(RuntimeError, match="power cut"):
        make_net([every_epoch, Crash()]).fit(X, P)
    stopping = EarlyStopping(monitor="score")
    net = make_net([LoadInitState(every_epoch), Scripted(), stopping])
    with pytest.raises(ValueError, match=r"EarlyStopping\(monitor='score'\) cannot continue"):
        net.fit(X, P)
    plateau = LRScheduler(policy=lr_scheduler.ReduceLROnPlateau, monitor=lambda net: net.module_)
    net = make_net([LoadInitState(every_epoch), plateau])
    with pytest.raises(ValueError, match=r"LRScheduler.* cannot continue"):
        net.fit(X, P)


RANDOM_SPLITS = {
    "share": lambda: ValidSplit(0.3),
    "stratified share": lambda: ValidSplit(0.3, stratified=True),
    "ShuffleSplit": lambda: ValidSplit(ShuffleSplit(2, test_size=0.3)),
    "KFold": lambda: ValidSplit(KFold(3, shuffle=True)),
    "StratifiedKFold": lambda: ValidSplit(StratifiedKFold(3, shuffle=True), stratified=True),
}


class HeldOut(Callback):
    """Keep the rows that are held out."""

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        self.rows = np.sort(dataset_valid.indices).tolist()


@pytest.mark.parametrize("split", RANDOM_SPLITS)
def test_an_unseeded_split_is_seeded_by_the_net(split):
    rows = []
    for seed in (0, 0, 1):
        given = RANDOM_SPLITS[split]()
        held_out = HeldOut()
        make_net([held_out], train_split=given, max_epochs=1, random_state=seed).fit(X, y)
        rows.append(held_out.rows)
        assert given.random_state is None  # the user's own object is not changed
        assert getattr(given.cv, "random_state", None) is None
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize("split", RANDOM_SPLITS)
def test_an_unseeded_net_that_resumes_needs_a_seeded_split(split, tmp_path):
    checkpoint = Checkpoint(monitor=None, dirname=tmp_path)
    split = RANDOM_SPLITS[split]()
    net = make_net([LoadInitState(checkpoint)], train_split=split, random_state=None)
    with pytest.raises(ValueError, match="would hold out other rows than before"):
        net.fit(X, y)
    make_net([], train_split=split, random_state=None, max_epochs=1).fit(X, y)


@pytest.mark.parametrize("split", [ValidSplit(3), ValidSplit(0.3, random_state=1), HELD_OUT])
def test_other_splits_are_used_as_they_are(split, tmp_path):
    checkpoint = Checkpoint(monitor=None, dirname=tmp_path)
    net = make_net([LoadInitState(checkpoint)], train_split=split, random_state=None, max_epochs=1)
    assert net.fit(X, y)._splitter() is split
    seeded = make_net([], train_split=split, max_epochs=1).fit(X, y)
    assert seeded._splitter() is split


def test_precision_is_set_by_accelerate_alone():
    net = make_net([], amp="float16")
    net.accelerator = SimpleNamespace(distributed_type="DistributedType.NO")
    with pytest.raises(ValueError, match=r"Accelerator\(mixed_precision='fp16'\)"):
        net.fit(X, P)


def test_a_criterion_that_accelerate_cannot_wrap_is_named():
    net = make_net([])
    net.accelerator = SimpleNamespace(distributed_type="DistributedType.MULTI_CPU")
    with pytest.raises(ValueError, match="criterion=SoftCrossEntropy is a module, and accelerate"):
        net.fit(X, P)
