"""What a skorch net needs in order to train on soft labels, whatever its class."""

from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.utils import is_dataset
from torch.utils.data import Subset

from .._soft_labels import SoftLabels
from ._targets import SoftLabelDataset, SoftTargets, soft_targets


class SoftTargetsNet(NeuralNet):
    """Let a net train on `y`, a SoftLabels, and let everybody else see true labels.

    The loss gets soft targets. Callbacks, splitters and scorers, which are skorch's and the
    user's own, get the true labels that soft labels carry: in the form in which the net's
    `predict` gives its answers, the most probable one where the true one is not known.
    """

    keeps_sparse_rows = False  # a criterion of torch takes dense probabilities only

    def labels_of(self, codes: torch.Tensor) -> Any:
        """Return the labels of columns, as `predict` answers them; skorch's nets: the columns."""
        return codes

    def check_data(self, X: Any, y: SoftLabels) -> None:
        """Take the classes from the soft labels; skorch would take them from the labels seen."""
        self.classes_inferred_ = y.classes

    def get_dataset(self, X: Any, y: SoftLabels | None = None) -> Any:
        """Return the dataset of the net, with soft targets where it gets soft labels."""
        if is_dataset(X) or y is None:
            return super().get_dataset(X, y)
        targets = soft_targets(y, sparse_rows=self.keeps_sparse_rows)
        labels = np.asarray(self.labels_of(targets.codes))
        return SoftLabelDataset(super().get_dataset(X, labels), targets)

    def get_split_datasets(self, X: Any, y: SoftLabels, **split_params: Any) -> tuple:
        """Split by real rows; what is held out is scored by its true labels.

        Rows without a true label are trained on. If no row that is held out has one, all of
        them are scored by their soft labels.
        """
        dataset = self.get_dataset(X, y)
        if not self.train_split:
            return dataset, None
        train, valid = self.train_split(dataset, dataset.y, **split_params)
        if not isinstance(valid, Subset):  # a validation set of the user's own, with labels
            answers = np.asarray(self.labels_of(torch.arange(len(y.classes))))
            true = SoftLabels.from_labels(np.asarray(valid.y), answers)
            return train, self.get_dataset(valid.X, true)
        held_out = np.asarray(valid.indices)
        known = np.asarray(dataset.targets.true_codes())[held_out] >= 0
        if not known.any():
            return train, valid
        train_rows = [*train.indices, *held_out[~known]]
        return Subset(dataset, train_rows), Subset(
            dataset.with_true_labels(), held_out[known].tolist()
        )

    def notify(self, method_name: str, **arguments: Any) -> None:
        """Call the callbacks with true labels in the place of soft targets."""
        if isinstance(arguments.get("y"), SoftLabels):
            targets = soft_targets(arguments["y"], sparse_rows=True)
            arguments["y"] = self.labels_of(targets.codes)
        if "batch" in arguments:
            Xi, targets = arguments["batch"]
            if isinstance(targets, SoftTargets):
                arguments["batch"] = Xi, self.labels_of(targets.codes)
        super().notify(method_name, **arguments)


@contextmanager
def lent_class(net, taught):
    """Let a net be of its own class and of `taught`, a SoftTargetsNet, for a time."""
    own_class = type(net)
    net.__class__ = type(own_class.__name__, (taught, own_class), {})
    try:
        yield
    finally:
        net.__class__ = own_class
