"""Soft labels as tensors, and as the training dataset of a net."""

from typing import Any, NamedTuple, Self

import numpy as np
import torch
from scipy import sparse
from skorch.dataset import Dataset

from .._targets._retrieval_targets import RetrievalTargets
from .._targets._soft_labels import SoftLabels
from .._utils._probabilities import argmax_labels
from ._losses import TopK
from ._retrieval import Roles


class SoftTargets(NamedTuple):
    """Soft targets of the rows of a batch: the `y` of the dataset and of `get_loss`."""

    proba: Any  # Tensor (n, n_classes), TopK of its k largest entries, or Roles of the labels
    codes: torch.Tensor  # (n,), int64: column of the true label, or of the most probable one
    is_true: torch.Tensor | bool  # (n,), bool: whether it is the true one; True if all are
    weight: torch.Tensor | float  # (n,), factors of the loss; 1.0 if all are 1

    def take(self, rows) -> Self:
        """Return the targets of some rows."""
        return self.move(lambda part: rows_of(part, rows))

    def move(self, function) -> Self:
        """Return the targets with a function applied to each tensor."""
        return type(self)(*[_apply(function, part) for part in self])

    def to(self, device: torch.device) -> Self:
        """Return the targets on a device."""
        if self.codes.device == device:
            return self
        return self.move(lambda part: part.to(device))

    def true_codes(self) -> torch.Tensor:
        """Return the column of the true label, -1 where it is unknown."""
        if isinstance(self.is_true, bool):
            return self.codes
        return torch.where(self.is_true, self.codes, -1)

    def all_weigh_one(self) -> bool:
        """Return whether all weights are 1.

        A DataLoader makes a tensor of ones on the CPU. A tensor on another device exists only if
        weights differ, so its values are not read, which would synchronise with the device.
        """
        if isinstance(self.weight, float):
            return True
        return self.weight.device.type == "cpu" and bool((self.weight == 1).all())


def rows_of(tensor, rows):
    """Return some rows; `index_select` copies whole rows and is several times faster."""
    return tensor.index_select(0, rows) if isinstance(rows, torch.Tensor) else tensor[rows]


def _apply(function, part):
    if isinstance(part, torch.Tensor):
        return function(part)
    if isinstance(part, tuple):  # TopK or Roles
        return type(part)(*[_apply(function, each) for each in part])
    return part


def soft_targets(soft_labels: SoftLabels | RetrievalTargets, *, sparse_rows: bool) -> SoftTargets:
    """Return soft labels or retrieval targets as tensors on the CPU.

    With `sparse_rows`, sparse soft labels become the k entries of each row if that takes less
    memory (an entry takes 12 bytes, 4 in a dense row; both twice with a negative discount).
    """
    codes, weight = soft_labels.codes, soft_labels.weight
    is_true = codes >= 0
    all_true = is_true.all()
    if isinstance(soft_labels, RetrievalTargets):
        proba = _roles(soft_labels.positives, soft_labels.negative_discount, sparse_rows)
        hard = codes if all_true else np.where(is_true, codes, soft_labels.positives.argmax(axis=1))
        is_true &= not soft_labels.multilabel  # one label of several is not the row's true label
    else:
        proba = _entries_of(soft_labels.proba, sparse_rows)
        hard = codes if all_true else np.where(is_true, codes, argmax_labels(soft_labels.proba))
    return SoftTargets(
        proba,
        torch.as_tensor(hard, dtype=torch.int64),
        True if is_true.all() else torch.as_tensor(is_true),
        1.0 if (weight == 1).all() else torch.as_tensor(weight).float(),
    )


def _entries_of(proba, sparse_rows):
    """Return probabilities as a dense tensor, or as the TopK entries of their rows."""
    if not sparse.issparse(proba):
        return torch.as_tensor(proba).float()
    k = _longest_row(proba)
    if sparse_rows and 3 * k < proba.shape[1]:
        return _padded_entries(proba, proba.data, k)
    return torch.as_tensor(proba.toarray()).float()


def _roles(positives, negative_discount, sparse_rows):
    """Return CSR positives and negative discounts as tensors; positives alone if d = 0."""
    if not negative_discount.nnz:
        return _entries_of(positives, sparse_rows)
    either = positives + negative_discount
    k = _longest_row(either)
    if not (sparse_rows and 3 * k < either.shape[1]):
        return Roles(
            *(torch.as_tensor(part.toarray()).float() for part in (positives, negative_discount))
        )
    row = np.repeat(np.arange(either.shape[0]), np.diff(either.indptr))
    values = (part[row, either.indices] for part in (positives, negative_discount))
    return Roles(*(_padded_entries(either, each, k) for each in values))


def _longest_row(proba):
    """Return the largest number of entries in a CSR row, at least one."""
    return int(np.diff(proba.indptr).max(initial=1))


def _padded_entries(proba, values, k):
    """Return values at the entries of CSR rows, each row padded with zeros to length k."""
    n_entries = np.diff(proba.indptr)
    row = np.repeat(np.arange(proba.shape[0]), n_entries)
    position = np.arange(proba.nnz) - np.repeat(proba.indptr[:-1], n_entries)
    indices = np.zeros((proba.shape[0], k), dtype=np.int64)
    padded = np.zeros((proba.shape[0], k), dtype=np.float32)
    indices[row, position] = proba.indices
    padded[row, position] = values.toarray() if sparse.issparse(values) else values
    return TopK(torch.as_tensor(indices), torch.as_tensor(padded))


class SoftLabelDataset(Dataset):
    """Rows with soft targets; its attribute `y` holds labels.

    The rows are a dataset of the user's class, whose transformations of X are applied.
    """

    def __init__(self, rows: Dataset, targets: SoftTargets):
        self.rows = rows
        self.targets = targets
        self.X, self.y = rows.X, rows.y

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i):
        Xi, _ = self.rows[i]
        return Xi, self.targets.take(i)

    def with_true_labels(self, scored) -> "SoftLabelDataset":
        """Return the same rows with one-hot targets, and mean weight one over the scored rows."""
        codes, proba = self.targets.codes, self.targets.proba
        if isinstance(proba, Roles):  # for a certain label, every objective is the cross-entropy
            proba = proba.positives
        if isinstance(proba, TopK):
            proba = TopK(codes[:, None], torch.ones(len(codes), 1))
        else:
            proba = torch.nn.functional.one_hot(codes, proba.shape[1]).float()
        weight = self.targets.weight
        if not isinstance(weight, float):
            weight = weight / weight[scored].mean()
        return SoftLabelDataset(self.rows, self.targets._replace(proba=proba, weight=weight))
