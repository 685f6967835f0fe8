"""A mixin that lets a skorch net of any class train on soft labels."""

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
    """Train a net on `y`, SoftLabels or RetrievalTargets.

    The loss gets soft targets. Callbacks, splitters and scorers get true labels, in the form that
    the net's `predict` returns. Where the true label is unknown, this is the most probable one.
    """

    keeps_sparse_rows = False  # torch criteria take dense probabilities only
    _output_is_checked = False  # whether a batch has passed the checks of the module's output

    def labels_of(self, codes: torch.Tensor) -> Any:
        """Return the labels of columns, as `predict` returns them: skorch nets predict columns."""
        return codes

    def fit(self, X: Any, y: SoftLabels | RetrievalTargets, **fit_params: Any) -> Any:
        """Train on all rows, with weights divided by their mean: only ratios matter."""
        return super().fit(X, with_mean_weight_one(y), **fit_params)

    def check_data(self, X: Any, y: SoftLabels | RetrievalTargets) -> None:
        """Take the classes from the soft labels, not from the labels that occur, as in skorch."""
        self.classes_inferred_ = y.classes

    def get_dataset(self, X: Any, y: SoftLabels | RetrievalTargets | None = None) -> Any:
        """Return the dataset of the net, with soft targets if `y` is given."""
        if is_dataset(X) or y is None:
            return super().get_dataset(X, y)
        targets = soft_targets(y, sparse_rows=self.keeps_sparse_rows)
        labels = np.asarray(self.labels_of(targets.codes))
        return SoftLabelDataset(super().get_dataset(X, labels), targets)

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Return batches; a user's `collate_fn` gets rows and true labels."""
        iterator = super().get_iterator(dataset, training)
        options = self.get_params_for("iterator_train" if training else "iterator_valid")
        if "collate_fn" in options and isinstance(iterator, DataLoader) and _has_targets(dataset):
            iterator.collate_fn = CollateRows(options["collate_fn"])
        return iterator

    def get_split_datasets(
        self, X: Any, y: SoftLabels | RetrievalTargets, **split_params: Any
    ) -> tuple:
        """Split the original rows; held-out rows are scored by their true labels.

        Held-out rows without a true label are moved to the training rows. If no held-out row has
        one, all of them are scored by their soft labels.
        """
        dataset: Any = self.get_dataset(X, y)
        if not self.train_split:
            return dataset, None
        train: Any
        valid: Any
        train, valid = self._splitter()(dataset, dataset.y, **split_params)
        is_subset = isinstance(valid, Subset) and valid.dataset is dataset
        if not is_subset:
            return train, self._as_validation_dataset(valid, y)
        held_out = np.asarray(valid.indices)
        has_label = np.asarray(dataset.targets.true_codes())[held_out] >= 0
        if not has_label.any():
            return train, valid
        scored = held_out[has_label].tolist()
        train_rows = [*train.indices, *held_out[~has_label]]
        return Subset(dataset, train_rows), Subset(dataset.with_true_labels(scored), scored)

    def _splitter(self):
        """Return the function that splits off validation rows."""
        return self.train_split

    def _as_validation_dataset(self, valid, y):
        """Return a user's validation set with labels as a dataset of this net."""
        if valid is None:
            return None
        X, labels = data_from_dataset(valid)
        classes = np.asarray(self.labels_of(torch.arange(len(y.classes))))
        return self.get_dataset(X, SoftLabels.from_labels(np.asarray(labels), classes))

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch, which must have batches and finite losses."""
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        if iterator is not None:
            check_losses(self, prefix)

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Run the module on a batch; explain the error if it fails."""
        try:
            return super().infer(x, **fit_params)
        except (RuntimeError, ValueError) as error:
            explain_batch_error(self, x, error)
            raise

    def notify(self, method_name: str, **arguments: Any) -> None:
        """Call the callbacks with true labels instead of soft targets."""
        if isinstance(arguments.get("y"), SoftLabels | RetrievalTargets):
            targets = soft_targets(arguments["y"], sparse_rows=True)
            arguments["y"] = self.labels_of(targets.codes)
        if "batch" in arguments:
            Xi, targets = arguments["batch"]
            if isinstance(targets, SoftTargets):
                arguments["batch"] = Xi, self.labels_of(targets.codes)
        super().notify(method_name, **arguments)


def _has_targets(dataset):
    """Return whether a dataset, or the dataset of a Subset, has soft targets."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return isinstance(dataset, SoftLabelDataset)


@contextmanager
def temporary_class(net, net_class):
    """Temporarily add `net_class`, a SoftTargetsNet, as a base of the class of a net.

    If the class of a net cannot be changed, this is an error: see *Private state of other packages*
    in CONTRIBUTING.
    """
    original = type(net)
    # A callback may pickle the net meanwhile: it is pickled as its original class.
    methods = {"__reduce__": lambda self: (object.__new__, (original,), self.__getstate__())}
    try:
        net.__class__ = type(original.__name__, (net_class, original), methods)
    except TypeError as error:
        raise TypeError(
            f"{original.__name__} cannot take soft labels with this version of skorch: {error}. "
            "Use skdistill.nets.SoftLabelNet or RankingNet, whose own fit takes them, or another "
            "version of skorch."
        ) from error
    try:
        yield
    finally:
        net.__class__ = original
        vars(net).pop("_output_is_checked", None)
