"""Batches equal the rows that they are sliced from, on simulated devices too."""

import numpy as np
import pytest
import torch
from scipy import sparse
from skorch.dataset import Dataset
from torch.utils.data import Subset

from skdistill import SoftLabels
from skdistill.nets import DeviceBatches, SoftLabelNet, TopK, _device_batches
from skdistill.nets._targets import SoftLabelDataset, soft_targets

X = torch.arange(20.0).reshape(10, 2)
P = np.random.default_rng(0).dirichlet(np.ones(3), 10)


def dataset(rows=X, proba=P, **params):
    targets = soft_targets(SoftLabels(proba, **params), sparse_rows=True)
    return SoftLabelDataset(Dataset(rows, targets.codes.numpy()), targets)


def test_batches_are_the_rows_in_order():
    batches = list(DeviceBatches(dataset(), batch_size=4))
    assert [len(Xi) for Xi, _ in batches] == [4, 4, 2]
    assert len(DeviceBatches(dataset(), batch_size=4)) == 3
    assert torch.equal(torch.cat([Xi for Xi, _ in batches]), X)
    torch.testing.assert_close(torch.cat([t.proba for _, t in batches]), torch.as_tensor(P).float())


def test_shuffled_batches_reorder_rows_and_targets_together():
    batches = DeviceBatches(dataset(), batch_size=4, shuffle=True)
    passes = [list(batches) for _ in range(2)]
    order = [torch.cat([Xi[:, 0] for Xi, _ in each]) for each in passes]
    assert not torch.equal(*order)
    for each, rows in zip(passes, order, strict=True):
        assert torch.equal(rows.sort().values, X[:, 0])
        proba = torch.cat([targets.proba for _, targets in each])
        torch.testing.assert_close(proba, torch.as_tensor(P).float()[(rows / 2).long()])


@pytest.mark.parametrize("rows", [X.numpy(), {"a": X, "b": X.numpy()}, sparse.csr_array(X.numpy())])
@pytest.mark.parametrize("shuffle", [False, True])
def test_other_kinds_of_rows(rows, shuffle):
    for Xi, targets in DeviceBatches(dataset(rows), batch_size=3, shuffle=shuffle):
        first = Xi["b"] if isinstance(Xi, dict) else Xi
        assert isinstance(first, torch.Tensor)
        torch.testing.assert_close(
            targets.proba, torch.as_tensor(P).float()[(first[:, 0] / 2).long()]
        )


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_smaller_last_batch_can_be_left_out(shuffle):
    batches = DeviceBatches(dataset(), batch_size=4, shuffle=shuffle, drop_last=True)
    assert [len(Xi) for Xi, _ in batches] == [4, 4]
    assert len(batches) == 2


def test_a_part_of_a_dataset():
    part = Subset(dataset(sample_weight=np.arange(1, 11)), [7, 1, 5])
    ((Xi, targets),) = DeviceBatches(part)
    assert Xi[:, 0].tolist() == [14, 2, 10]
    assert targets.weight.tolist() == [8, 2, 6]


def test_everything_lands_on_the_device():
    for storage in ("device", "host"):
        batches = DeviceBatches(dataset(y=[0] * 10), 4, storage=storage, device="meta")
        for Xi, targets in batches:
            assert {Xi.device.type, targets.proba.device.type, targets.codes.device.type} == {
                "meta"
            }


def test_the_storage_is_chosen_by_the_room_that_there_is(monkeypatch):
    sent = []
    monkeypatch.setattr(DeviceBatches, "_send", lambda self, data: sent.append(data) or data)
    need = 10 * 2 * 4 + 10 * 3 * 4 + 10 * 8  # X, proba, codes
    for room, storage in ((need, "device"), (need - 1, "host")):
        monkeypatch.setattr(_device_batches, "_available_gpu_bytes", lambda device, room=room: room)
        assert DeviceBatches(dataset(y=[0] * 10), device="cuda").storage_ == storage
        assert DeviceBatches(dataset(y=[0] * 10), device="cpu").storage_ == "device"
    monkeypatch.setattr(_device_batches, "_available_gpu_bytes", lambda device: 1e9)
    assert DeviceBatches(dataset(sparse.csr_array(X.numpy())), device="cuda").storage_ == "host"


def test_what_cannot_be_sliced_is_refused():
    class Augmented(Dataset):
        pass

    with pytest.raises(TypeError, match=r"iterator_train=torch\.utils\.data\.DataLoader"):
        DeviceBatches(Augmented(X, np.zeros(10)))
    with pytest.raises(ValueError, match=r"storage must be one of .* got 'disk'"):
        DeviceBatches(dataset(), storage="disk")


def test_processes_share_out_each_batch(monkeypatch):
    monkeypatch.setattr(_device_batches, "count_processes", lambda: 2)
    shares = []
    for rank in (0, 1):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        torch.manual_seed(0)
        shares.append([Xi[:, 0] for Xi, _ in DeviceBatches(dataset(), 2, shuffle=True)])
    together = [torch.cat(pair) for pair in zip(*shares, strict=True)]
    assert [len(each) for each in together] == [4, 4, 2]
    assert torch.equal(torch.cat(together).sort().values, X[:, 0])


def test_targets_in_the_memory_of_their_entries():
    many = sparse.csr_array(np.pad(P, ((0, 0), (0, 20))))
    targets = soft_targets(SoftLabels(many), sparse_rows=True)
    assert isinstance(targets.proba, TopK)
    dense = torch.zeros(10, 23).scatter_add(1, targets.proba.indices, targets.proba.proba)
    np.testing.assert_allclose(dense, many.toarray(), rtol=1e-6)
    assert isinstance(soft_targets(SoftLabels(many), sparse_rows=False).proba, torch.Tensor)
    assert isinstance(soft_targets(SoftLabels(P), sparse_rows=True).proba, torch.Tensor)


def test_rows_without_a_true_label_stand_by_their_first_choice():
    soft_labels = SoftLabels(P[:4], y=[2, 2, 2, 2]).append(SoftLabels(P[4:]))
    targets = soft_targets(soft_labels, sparse_rows=True)
    assert targets.codes.tolist() == [2, 2, 2, 2, *P[4:].argmax(axis=1)]
    assert targets.true_codes().tolist() == [2, 2, 2, 2] + [-1] * 6


@pytest.mark.gpu
@pytest.mark.parametrize("storage", ["device", "host", "auto"])
@pytest.mark.parametrize("amp", [None, "bfloat16", "float16"])
def test_a_gpu_trains_what_the_cpu_does(storage, amp):
    device = "cuda" if torch.cuda.is_available() else "mps"
    if device == "mps" and not torch.backends.mps.is_available():
        pytest.skip("neither CUDA nor MPS is here")
    rows = np.random.default_rng(0).normal(size=(300, 2))
    proba = np.random.default_rng(1).dirichlet(np.ones(3), 300)
    state = torch.nn.Linear(2, 3).state_dict()
    nets = []
    for each in ("cpu", device):
        module = torch.nn.Linear(2, 3)
        module.load_state_dict(state)
        net = SoftLabelNet(
            module, device=each, random_state=0, amp=amp, iterator_train__storage=storage
        )
        nets.append(net.fit(rows, proba).predict_proba(rows))
    np.testing.assert_allclose(*nets, atol=1e-5 if amp is None else 0.02)
