"""A training step of a net does not wait for the device: each wait of the host is counted."""

import numpy as np
import pytest
import torch
from counting_device import DEVICE, CountingDevice
from scipy import sparse
from skorch.callbacks import EarlyStopping, GradientNormClipping
from skorch.dataset import ValidSplit
from torch.utils.data import DataLoader

from skdistill import SoftLabels, nets
from skdistill.datasets import make_gaussian_classes
from skdistill.nets import RankingNet, SoftLabelNet

N_ROWS, N_CLASSES, BATCH_SIZE = 60, 9, 10
X, y, P = make_gaussian_classes(N_ROWS, 4, N_CLASSES, random_state=0)
WEIGHT = np.random.default_rng(0).uniform(0.5, 2, N_ROWS)
TOP = SoftLabels(P, y=y).truncate_top_k(2)
SOME_LABELS = SoftLabels(P[:30], range(N_CLASSES), y=y[:30]).append_unlabeled(P[30:])
TWO_CLASSES = np.column_stack([P[:, :5].sum(axis=1), P[:, 5:].sum(axis=1)])


class SmallNet(torch.nn.Sequential):
    def __init__(self, n_outputs=N_CLASSES):
        super().__init__(
            torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(0.1),
            torch.nn.Linear(8, n_outputs),
        )  # fmt: skip


def waits_per_step(make_net, targets, sample_weight=None):
    """Return the places that wait in each step, and how often, and those that wait in each epoch.

    A place that waits once per fit is in neither: twice the epochs, or twice the batches, are
    compared with one.
    """

    def waits(max_epochs, batch_size):
        net = make_net(device=DEVICE, max_epochs=max_epochs, batch_size=batch_size, random_state=0)
        with CountingDevice() as device:
            net.fit(X, targets, sample_weight=sample_weight)
        return device.waits

    few, many = waits(1, 2 * BATCH_SIZE), waits(1, BATCH_SIZE)
    more_steps = N_ROWS // (2 * BATCH_SIZE)
    per_step = {place: (many[place] - few[place]) / more_steps for place in many}
    per_epoch = waits(2, 2 * BATCH_SIZE) - few
    steps = N_ROWS // (2 * BATCH_SIZE)
    in_epoch = {place: n - steps * per_step[place] for place, n in per_epoch.items()}
    return tuple({k: n for k, n in each.items() if n} for each in (per_step, in_epoch))


def make_net(**params):
    return SoftLabelNet(SmallNet, **params)


LOSSES_OF_THE_EPOCH = {"_device_trained_net.py:run_single_epoch": 1}
CASES = {
    "probabilities": (P, {}),
    "labels": (y, {}),
    "names of classes": (np.char.add("class ", y.astype(str)), {}),
    "some labels": (SOME_LABELS, {"criterion": nets.DistillationLoss}),
    "largest probabilities": (TOP, {}),
    "weights of classes": (P, {"criterion__label_weight": np.arange(1.0, 10.0)}),
    **{
        name: (P, {"criterion": getattr(nets, name)})
        for name in ("SoftCrossEntropy", "DistillationLoss", "LogitMatching",
                     "LabelWeightedCrossEntropy", "DoubleDistillation")
    },
    "matching of the largest": (TOP, {"criterion": nets.LogitMatching}),
    "clipping": (P, {"callbacks": [GradientNormClipping(1.0)]}),
    "rows on the host": (P, {"iterator_train__storage": "host"}),
}  # fmt: skip


@pytest.mark.parametrize("weighs", [False, True], ids=["equal", "weighted"])
@pytest.mark.parametrize("case", CASES)
def test_no_step_waits_and_an_epoch_waits_once(case, weighs):
    targets, params = CASES[case]
    weight = WEIGHT if weighs else None
    per_step, per_epoch = waits_per_step(lambda **more: make_net(**params, **more), targets, weight)
    assert per_step == {}
    assert per_epoch == LOSSES_OF_THE_EPOCH


def test_every_criterion_of_classes_is_a_case():
    modules = {
        name
        for name in nets.__all__
        if isinstance(getattr(nets, name), type)
        and issubclass(getattr(nets, name), torch.nn.Module)
    }
    assert modules - set(CASES) == {"PairwiseLoss"}  # that of RankingNet, below


def test_validation_waits_once_per_epoch_too():
    split = ValidSplit(0.3, random_state=0)
    per_step, per_epoch = waits_per_step(
        lambda **more: make_net(train_split=split, callbacks=[EarlyStopping()], **more), y
    )
    assert not {place for place in per_step if place.startswith("_device_trained_net")}
    assert per_epoch["_device_trained_net.py:run_single_epoch"] == 2


# A step of a ranker checks its pairs and its scores. Each place that waits is listed.
OF_RANKERS = {
    "_pair_batches.py:_some_process_has_pair": 1,
    "_pair_batches.py:pairs_of_batch": 2,
    "_pairwise.py:_check": 1,
    "_pairwise.py:forward": 1,
}


@pytest.mark.parametrize("surrogate", ["logistic", "exponential", "hinge", "squared_hinge"])
def test_the_waits_of_rankers_are_those_that_are_listed(surrogate):
    def make(**params):
        return RankingNet(SmallNet, module__n_outputs=1, criterion__surrogate=surrogate, **params)

    per_step, per_epoch = waits_per_step(make, TWO_CLASSES)
    on_the_host = {"_pairwise.py:_logistic": 2} if surrogate == "logistic" else {}
    assert per_step == OF_RANKERS | on_the_host
    assert per_epoch == LOSSES_OF_THE_EPOCH


# The counting test fails if a wait is put into the step: shown for every way to wait.
WAYS_TO_WAIT = {
    "item": lambda loss, x: loss.item(),
    "float": lambda loss, x: float(loss.detach()),
    "bool": lambda loss, x: bool(loss > 0),
    "if": lambda loss, x: 1 if loss > 0 else 0,
    "cpu": lambda loss, x: loss.detach().cpu(),
    "to": lambda loss, x: loss.to("cpu"),
    "tolist": lambda loss, x: x.tolist(),
    "nonzero": lambda loss, x: x.nonzero(),
    "where": lambda loss, x: torch.where(x > 0),
    "mask": lambda loss, x: x[x > 0],
    "unique": lambda loss, x: x.unique(),
    "equal": lambda loss, x: torch.equal(x, x),
    "repeat": lambda loss, x: x.repeat_interleave(torch.ones(len(x), device=x.device).long(), 0),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS_TO_WAIT)
def test_a_wait_that_is_put_into_the_step_is_counted(way, monkeypatch):
    get_loss = SoftLabelNet.get_loss

    def waiting_loss(net, y_pred, y_true, X=None, training=False):
        loss = get_loss(net, y_pred, y_true, X=X, training=training)
        WAYS_TO_WAIT[way](loss, X)
        return loss

    monkeypatch.setattr(SoftLabelNet, "get_loss", waiting_loss)
    per_step, _ = waits_per_step(make_net, P)
    assert set(per_step) == {"test_waits.py:<lambda>"}
    assert per_step["test_waits.py:<lambda>"] >= 1


def test_the_device_computes_what_the_cpu_does():
    on_cpu = make_net(max_epochs=2, random_state=0).fit(X, P)
    on_device = make_net(max_epochs=2, random_state=0, device=DEVICE)
    with CountingDevice():
        on_device.fit(X, P)
    assert on_device.history_[:, "train_loss"] == on_cpu.history_[:, "train_loss"]


@pytest.mark.parametrize("iterator", ["DeviceBatches", "DataLoader"])
def test_sparse_rows_are_sent_without_a_wait(iterator):
    loader = {"DeviceBatches": nets.DeviceBatches, "DataLoader": DataLoader}[iterator]
    rows = sparse.csr_matrix(X) if iterator == "DeviceBatches" else X
    net = make_net(device=DEVICE, random_state=0, iterator_train=loader, max_epochs=2)
    with CountingDevice() as device:
        net.fit(rows, P)
    assert device.waits["_device_trained_net.py:run_single_epoch"] == 2
    assert set(device.waits) <= {"_device_trained_net.py:run_single_epoch",
                                 "_logits.py:are_probabilities"}  # fmt: skip


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("amp", [None, "bfloat16"])
@pytest.mark.parametrize("case", CASES)
def test_cuda_reports_no_wait_in_a_step(case, amp):
    targets, params = CASES[case]
    net = make_net(**params, amp=amp, device="cuda", max_epochs=1, random_state=0).fit(X, targets)
    dataset = net.get_dataset(X, SoftLabels(P) if isinstance(targets, np.ndarray) else targets)
    batches = list(net.get_iterator(dataset, training=True))
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches:
            net.train_step(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
