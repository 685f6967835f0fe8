"""Soft labels as tensors, and as the dataset that a net is trained on."""

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
    """What the rows of a batch are taught: the `y` of the dataset and of `get_loss`."""

    proba: Any  # Tensor (n, n_classes), TopK of its k largest entries, or Roles of the labels
    codes: torch.Tensor  # (n,), int64: column of the true label, or of the most probable one
    known: torch.Tensor | bool  # (n,), bool: whether it is the true one; True if all are
    weight: torch.Tensor | float  # (n,), factors of the loss; 1.0 where all are

    def take(self, rows) -> Self:
        """Return the targets of some rows."""
        return self.move(lambda part: rows_of(part, rows))

    def move(self, function) -> Self:
        """Return the targets after `function`, from tensor to tensor, was applied to each part."""
        return type(self)(*(_apply(function, part) for part in self))

    def to(self, device: torch.device) -> Self:
        """Return the targets on a device."""
        if self.codes.device == device:
            return self
        return self.move(lambda part: part.to(device))

    def true_codes(self) -> torch.Tensor:
        """Return the column of the true label, -1 where it is not known."""
        if isinstance(self.known, bool):
            return self.codes
        return torch.where(self.known, self.codes, -1)

    def all_weigh_one(self) -> bool:
        """Return whether weights change nothing.

        A loader of torch makes a tensor of ones, on the CPU; one on a device, for whose values
        it would have to be waited, is there because they differ.
        """
        if isinstance(self.weight, float):
            return True
        return self.weight.device.type == "cpu" and bool((self.weight == 1).all())


def rows_of(tensor, rows):
    """Return some rows; `index_select` copies whole rows, several times as fast as indexing."""
    return tensor.index_select(0, rows) if isinstance(rows, torch.Tensor) else tensor[rows]


def _apply(function, part):
    if isinstance(part, torch.Tensor):
        return function(part)
    if isinstance(part, TopK | Roles):
        return type(part)(*(_apply(function, each) for each in part))
    return part


def soft_targets(soft_labels: SoftLabels | RetrievalTargets, *, sparse_rows: bool) -> SoftTargets:
    """Return soft labels, or what a retriever is taught, as tensors on the CPU.

    With `sparse_rows`, sparse soft labels become the k entries of each row where that takes less
    memory (an entry takes 12 bytes, 4 in a dense row; both twice where some labels are spared).
    """
    codes, weight = soft_labels.codes, soft_labels.weight
    known = codes >= 0
    if isinstance(soft_labels, RetrievalTargets):
        proba = _roles(soft_labels.positives, soft_labels.negative_discount, sparse_rows)
        likeliest = np.ravel(soft_labels.positives.argmax(axis=1))  # scipy 1.12 gives a column
        hard = np.where(known, codes, likeliest)
        known &= not soft_labels.several  # one label of several is not the truth about a row
    else:
        proba = _entries_of(soft_labels.proba, sparse_rows)
        hard = np.where(known, codes, argmax_labels(soft_labels.proba))
    return SoftTargets(
        proba,
        torch.as_tensor(hard, dtype=torch.int64),
        True if known.all() else torch.as_tensor(known),
        1.0 if (weight == 1).all() else torch.as_tensor(weight).float(),
    )


def _entries_of(proba, sparse_rows):
    """Return probabilities as a dense tensor, or as the entries of their rows."""
    if not sparse.issparse(proba):
        return torch.as_tensor(proba).float()
    k = _longest_row(proba)
    if sparse_rows and 3 * k < proba.shape[1]:
        return _padded_entries(proba, proba.data, k)
    return torch.as_tensor(proba.toarray()).float()


def _roles(positives, negative_discount, sparse_rows):
    """Return CSR positives and spared negatives as tensors, positives alone if none is spared."""
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
    """Return the number of entries of the CSR row that has most, at least one."""
    return int(np.diff(proba.indptr).max(initial=1))


def _padded_entries(proba, values, k):
    """Return values at the entries of CSR rows, each row padded with zeros to length k."""
    n_entries = np.diff(proba.indptr)
    row = np.repeat(np.arange(proba.shape[0]), n_entries)
    place = np.arange(proba.nnz) - np.repeat(proba.indptr[:-1], n_entries)
    indices = np.zeros((proba.shape[0], k), dtype=np.int64)
    padded = np.zeros((proba.shape[0], k), dtype=np.float32)
    indices[row, place] = proba.indices
    padded[row, place] = values.toarray() if sparse.issparse(values) else values
    return TopK(torch.as_tensor(indices), torch.as_tensor(padded))


class SoftLabelDataset(Dataset):
    """Rows with soft targets; to whoever asks for `y`, with labels.

    The rows are a dataset of the user's kind, whose own transformations of X stay at work.
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
        """Return the same rows with one-hot targets, of mean weight one over those to be scored."""
        codes, proba = self.targets.codes, self.targets.proba
        if isinstance(proba, Roles):  # of whatever objective: all of them are the cross-entropy
            proba = proba.positives  # of a label that is known for certain
        if isinstance(proba, TopK):
            proba = TopK(codes[:, None], torch.ones(len(codes), 1))
        else:
            proba = torch.nn.functional.one_hot(codes, proba.shape[1]).float()
        weight = self.targets.weight
        if not isinstance(weight, float):
            weight = weight / weight[scored].mean()
        return SoftLabelDataset(self.rows, self.targets._replace(proba=proba, weight=weight))
