"""What a skorch net needs in order to train on soft labels, whatever its class."""

from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.utils import data_from_dataset, is_dataset
from torch.utils.data import DataLoader, Subset

from .._targets._retrieval_targets import RetrievalTargets
from .._targets._soft_labels import SoftLabels
from ._batch_errors import check_losses, explain_batch_error
from ._collate import CollateRows
from ._targets import SoftLabelDataset, SoftTargets, soft_targets
from ._weights import with_mean_weight_one


class SoftTargetsNet(NeuralNet):
    """Let a net train on `y`, SoftLabels or RetrievalTargets; all others see true labels.

    The loss gets soft targets. Callbacks, splitters and scorers, which are skorch's and the
    user's own, get the true labels that soft labels carry: in the form in which the net's
    `predict` gives its answers, the most probable one where the true one is not known.
    """

    keeps_sparse_rows = False  # a criterion of torch takes dense probabilities only
    _output_is_checked = False  # whether the module has taken a batch and given what it should

    def labels_of(self, codes: torch.Tensor) -> Any:
        """Return the labels of columns, as `predict` answers them; skorch's nets: the columns."""
        return codes

    def fit(self, X: Any, y: SoftLabels | RetrievalTargets, **fit_params: Any) -> Any:
        """Train on all rows, whose weights are divided by their mean: only ratios matter."""
        return super().fit(X, with_mean_weight_one(y), **fit_params)

    def check_data(self, X: Any, y: SoftLabels | RetrievalTargets) -> None:
        """Take the classes from the soft labels; skorch would take them from the labels seen."""
        self.classes_inferred_ = y.classes

    def get_dataset(self, X: Any, y: SoftLabels | RetrievalTargets | None = None) -> Any:
        """Return the dataset of the net, with soft targets where it gets soft labels."""
        if is_dataset(X) or y is None:
            return super().get_dataset(X, y)
        targets = soft_targets(y, sparse_rows=self.keeps_sparse_rows)
        labels = np.asarray(self.labels_of(targets.codes))
        return SoftLabelDataset(super().get_dataset(X, labels), targets)

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return batches; a `collate_fn` of the user's own sees rows and true labels."""
        iterator = super().get_iterator(dataset, training)
        options = self.get_params_for("iterator_train" if training else "iterator_valid")
        if "collate_fn" in options and isinstance(iterator, DataLoader) and _has_targets(dataset):
            iterator.collate_fn = CollateRows(options["collate_fn"])
        return iterator

    def get_split_datasets(
        self, X: Any, y: SoftLabels | RetrievalTargets, **split_params: Any
    ) -> tuple:
        """Split by real rows; what is held out is scored by its true labels.

        Rows without a true label are trained on. If no row that is held out has one, all of
        them are scored by their soft labels.
        """
        dataset: Any = self.get_dataset(X, y)
        if not self.train_split:
            return dataset, None
        train: Any
        valid: Any
        train, valid = self.train_split(dataset, dataset.y, **split_params)
        is_a_part = isinstance(valid, Subset) and valid.dataset is dataset
        if not is_a_part:
            return train, self._own_validation_set(valid, y)
        held_out = np.asarray(valid.indices)
        known = np.asarray(dataset.targets.true_codes())[held_out] >= 0
        if not known.any():
            return train, valid
        scored = held_out[known].tolist()
        train_rows = [*train.indices, *held_out[~known]]
        return Subset(dataset, train_rows), Subset(dataset.with_true_labels(scored), scored)

    def _own_validation_set(self, valid, y):
        """Return a validation set that the user brings, with labels, as one of this net's."""
        if valid is None:
            return None
        X, labels = data_from_dataset(valid)
        answers = np.asarray(self.labels_of(torch.arange(len(y.classes))))
        return self.get_dataset(X, SoftLabels.from_labels(np.asarray(labels), answers))

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch, which must have batches and finite losses."""
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        if iterator is not None:
            check_losses(self, prefix)

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Run the module on a batch, or say why it does not take it."""
        try:
            return super().infer(x, **fit_params)
        except (RuntimeError, ValueError) as error:
            explain_batch_error(self, x, error)
            raise

    def notify(self, method_name: str, **arguments: Any) -> None:
        """Call the callbacks with true labels in the place of soft targets."""
        if isinstance(arguments.get("y"), SoftLabels | RetrievalTargets):
            targets = soft_targets(arguments["y"], sparse_rows=True)
            arguments["y"] = self.labels_of(targets.codes)
        if "batch" in arguments:
            Xi, targets = arguments["batch"]
            if isinstance(targets, SoftTargets):
                arguments["batch"] = Xi, self.labels_of(targets.codes)
        super().notify(method_name, **arguments)


def _has_targets(dataset):
    """Return whether a dataset, or what it is a part of, has soft targets."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return isinstance(dataset, SoftLabelDataset)


@contextmanager
def temporary_class(net, net_class):
    """Let a net be of its own class and of `taught`, a SoftTargetsNet, for a time."""
    own_class = type(net)
    # A callback may pickle the net meanwhile: as what it is.
    as_its_own = {"__reduce__": lambda self: (object.__new__, (own_class,), self.__getstate__())}
    net.__class__ = type(own_class.__name__, (net_class, own_class), as_its_own)
    try:
        yield
    finally:
        net.__class__ = own_class
        vars(net).pop("_output_is_checked", None)
