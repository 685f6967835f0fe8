"""Batches sliced from tensors on the training device, without a DataLoader."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from scipy import sparse
from skorch.dataset import Dataset
from torch.utils.data import Subset

from ._targets import SoftLabelDataset, SoftTargets, rows_of

STORAGES = ("auto", "device", "host")
# The rest is for weights, activations and the optimiser.
SHARE_OF_FREE_MEMORY = 0.5


class DeviceBatches:
    """Iterate over a dataset in sliced batches, without collating row by row.

    A `DataLoader` fetches and stacks rows one at a time. For tabular data this takes longer than
    training a small net. DeviceBatches moves X and the soft labels to the device once; a batch is
    then one indexing operation. It is the default `iterator_train` and `iterator_valid` of
    :class:`skdistill.nets.SoftLabelNet`.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset or torch.utils.data.Subset of one
        Its `X` is an array, a tensor, a CSR matrix or a dict of arrays or tensors.

    batch_size : int, default=128
        Rows per batch; the last batch may have fewer. With several processes
        (``torch.distributed``) it is the number of rows per process. Rows that cannot be divided
        evenly at the end of an epoch are dropped.

    shuffle : bool, default=False
        Whether to shuffle in each pass, by torch's global generator on the CPU.

    drop_last : bool, default=False
        Whether to drop a smaller last batch: batch normalisation fails on a single row. The only
        batch is never dropped.

    storage : {"auto", "device", "host"}, default="auto"
        "device" holds the data on the device. "host" keeps them in host memory and sends each
        batch. Copies to a GPU are pinned and asynchronous, so that they overlap with training.
        "auto" is "device" if the data need at most half of the GPU's free memory, or if the device
        shares host memory. A CSR matrix always stays on the host; its batches are made dense.

    device : str or torch.device, default="cpu"
        Device of the batches.

    Attributes
    ----------
    storage_ : {"device", "host"}
        Storage that is used.

    Raises
    ------
    TypeError
        If the dataset transforms rows one by one. Use
        ``iterator_train=torch.utils.data.DataLoader`` in that case.

    Examples
    --------
    >>> import numpy as np
    >>> from skorch.dataset import Dataset
    >>> from skdistill.nets import DeviceBatches
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> batches = DeviceBatches(Dataset(X, np.array([0, 1, 0])), batch_size=2)
    >>> [tuple(Xi.shape) for Xi, _ in batches]
    [(2, 2), (1, 2)]
    """

    def __init__(
        self,
        dataset: Dataset | Subset,
        batch_size: int = 128,
        shuffle: bool = False,
        drop_last: bool = False,
        storage: str = "auto",
        device: Any = "cpu",
    ):
        if storage not in STORAGES:
            raise ValueError(f"storage must be one of {STORAGES}; got {storage!r}.")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.device = torch.device(device)
        X, targets = _all_rows(dataset)
        in_gpu_memory = self.device.type == "cuda"
        if _has_sparse(X):
            storage = "host"
        elif storage == "auto":
            fits = not in_gpu_memory or _n_bytes(X, targets) <= _available_gpu_bytes(self.device)
            storage = "device" if fits else "host"
        self.storage_ = storage
        self._pins = storage == "host" and in_gpu_memory
        if storage == "device":
            X, targets = self._send(X), targets.move(self._send)
        self._X, self._targets = X, targets

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not (self.drop_last and full))

    def __iter__(self) -> Iterator[tuple[Any, SoftTargets]]:
        n_rows = len(self.dataset)
        drops_smaller = self.drop_last and n_rows > count_processes() * self.batch_size
        for rows in self._rows_of_batches():
            if drops_smaller and _length(rows, n_rows) < self.batch_size:
                return
            yield self._batch(rows)  # unnamed, so that its memory is free for the next batch

    def _batch(self, rows):
        X, targets = _take(self._X, rows), self._targets.take(rows)
        if self.storage_ == "host":
            X, targets = self._send(X), targets.move(self._send)
        return X, targets

    def _rows_of_batches(self):
        """Yield the rows of each batch: slices, or positions on the device of the data."""
        n_rows = len(self.dataset)
        world = count_processes()
        if not self.shuffle and world == 1:
            for start in range(0, n_rows, self.batch_size):
                yield slice(start, start + self.batch_size)
            return
        order = torch.randperm(n_rows) if self.shuffle else torch.arange(n_rows)
        if self.storage_ == "device":
            order = order.to(self.device)
        rank = torch.distributed.get_rank() if world > 1 else 0
        for rows in order.split(world * self.batch_size):
            if world > 1:
                share = len(rows) // world
                rows = rows[rank * share : (rank + 1) * share]
            if len(rows):
                yield rows

    def _send(self, data):
        """Return dense data on the device."""
        if isinstance(data, Mapping):
            return {name: self._send(each) for name, each in data.items()}
        if sparse.issparse(data):
            data = torch.as_tensor(data.toarray())
        if self._pins:
            data = data.pin_memory()
        return data.to(self.device, non_blocking=True)


def _length(rows, n_rows):
    return len(range(*rows.indices(n_rows))) if isinstance(rows, slice) else len(rows)


def _all_rows(dataset):
    """Return X and the targets of all rows of a dataset or a Subset."""
    if isinstance(dataset, Subset):
        X, targets = _all_rows(dataset.dataset)
        rows = torch.as_tensor(np.asarray(dataset.indices))
        return _take(X, rows), targets.take(rows)
    rows = dataset.rows if isinstance(dataset, SoftLabelDataset) else dataset
    if type(rows) is not Dataset:
        raise TypeError(
            f"DeviceBatches slices arrays, and {type(rows).__name__} returns its rows one by one. "
            "Use iterator_train=torch.utils.data.DataLoader (and iterator_valid) with your own "
            "dataset class."
        )
    if isinstance(dataset, SoftLabelDataset):
        return _as_tensors(dataset.X), dataset.targets
    unused = torch.zeros(len(dataset))  # prediction needs no targets
    return _as_tensors(dataset.X), SoftTargets(unused, unused, True, 1.0)


def _as_tensors(X):
    if isinstance(X, Mapping):
        return {name: _as_tensors(each) for name, each in X.items()}
    return sparse.csr_array(X) if sparse.issparse(X) else torch.as_tensor(X)


def _take(X, rows):
    if isinstance(X, Mapping):
        return {name: _take(each, rows) for name, each in X.items()}
    if sparse.issparse(X):
        return X[rows if isinstance(rows, slice) else rows.numpy()]
    return rows_of(X, rows)


def _has_sparse(X):
    return any(map(_has_sparse, X.values())) if isinstance(X, Mapping) else sparse.issparse(X)


def _n_bytes(X, targets):
    """Return the bytes that the data take on the device."""
    parts = []
    targets.move(parts.append)
    parts += X.values() if isinstance(X, Mapping) else [X]
    return sum(part.numel() * part.element_size() for part in parts)


def _available_gpu_bytes(device):
    free, _ = torch.cuda.mem_get_info(device)
    return SHARE_OF_FREE_MEMORY * free


def count_processes():
    """Return the number of processes that train together."""
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_world_size() if together else 1
