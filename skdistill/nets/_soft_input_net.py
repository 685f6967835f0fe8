"""Input of a net: rows of any type, and labels, probabilities or SoftLabels."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from sklearn.utils.validation import validate_data
from skorch.dataset import Dataset
from skorch.utils import is_dataset
from torch.utils.data import TensorDataset

from .._targets._retrieval_targets import RetrievalTargets
from .._targets._soft_labels import SoftLabels, as_soft_labels
from .._utils._typing import ArrayLike, NDArray, Proba, Rows
from ._before_fit import check_net
from ._device_batches import DeviceBatches
from ._device_trained_net import DeviceTrainedNet
from ._rows import as_rows, check_rows_alike, has_named_parts
from ._soft_targets_net import SoftTargetsNet


class SoftInputNet(DeviceTrainedNet, SoftTargetsNet):
    """Fit to soft labels and rows of any supported type.

    Subclasses have the parameter `classes`.
    """

    def __init__(
        self,
        module: Any,
        *,
        criterion: Any,
        optimizer: Any = torch.optim.Adam,
        lr: float = 0.001,
        train_split: Any = None,
        iterator_train: Any = DeviceBatches,
        iterator_valid: Any = DeviceBatches,
        iterator_train__shuffle: bool = True,
        amp: str | None = None,
        random_state: Any = None,
        verbose: int = 0,
        **kwargs: Any,
    ):
        super().__init__(
            module,
            criterion=criterion,
            optimizer=optimizer,
            lr=lr,
            train_split=train_split,
            iterator_train=iterator_train,
            iterator_valid=iterator_valid,
            iterator_train__shuffle=iterator_train__shuffle,
            verbose=verbose,
            **kwargs,
        )
        self.amp = amp
        self.random_state = random_state

    @property
    def classes_(self) -> NDArray:
        """Labels of the soft labels' columns; before a fit, the parameter `classes`."""
        if hasattr(self, "classes_inferred_"):
            return self.classes_inferred_
        if self.classes is None:
            raise AttributeError(
                f"{type(self).__name__} knows its classes once it is fitted, or from its "
                "parameter `classes`."
            )
        return np.asarray(self.classes)

    def fit(
        self, X: Rows, y: Proba, sample_weight: ArrayLike | None = None, **fit_params: Any
    ) -> Self:
        """Train from new weights, or from the current ones with ``warm_start=True``.

        A module passed as an instance starts from its own weights, as in skorch. `max_epochs` is
        the length of the whole training: after ``skorch.callbacks.LoadInitState`` has loaded a
        checkpoint of 30 epochs, only the remaining epochs are trained.

        Parameters
        ----------
        X : array-like, sparse matrix, dataframe, tensor or dict, of n_samples rows
            Of any number of dimensions. Floats are converted to the module's precision, and so
            are integers unless the module has an embedding. In a dict, whose entries go to the
            module by name, integers stay integers.

        y : array-like of shape (n_samples, n_classes) or (n_samples,), or SoftLabels
            Class probabilities, or labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default. Only their ratios matter: weights are divided by
            their mean over all rows of this call.

        **fit_params : dict
            Passed to the module's `forward` and to `train_split`, as in skorch.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the module does not return one logit per class, or returns probabilities instead of
            logits; if the loss is not finite (the message has the epoch and the batch); if the
            device is not available; if probabilities or rows are invalid.
        """
        X, y = rows_and_labels(X, y)
        check_net(self)
        warm_start = self.warm_start and self.initialized_
        classes = getattr(self, "classes_inferred_", None) if warm_start else None
        soft_labels = self._soft_labels(y, sample_weight, classes, of_several_classes=True)
        self._check_features(X, reset=not warm_start)
        self.classes_inferred_ = soft_labels.classes
        self._counts_past_epochs = not warm_start
        try:
            with self._reproducible():
                return super().fit(X, soft_labels, **fit_params)
        finally:
            self._counts_past_epochs = False

    def partial_fit(
        self,
        X: Rows,
        y: Proba,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Train for `max_epochs` more epochs from the current weights.

        The rows may be a part of the data: a batch of a stream, or a partition.

        Parameters
        ----------
        X : array-like, sparse matrix, dataframe, tensor or dict, of n_samples rows
            As in :meth:`fit`.

        y : array-like of shape (n_samples, n_classes) or (n_samples,), or SoftLabels
            Class probabilities, or labels.

        classes : array-like of shape (n_classes,), default=None
            All classes; needed in the first call if `y` may lack some.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row, a factor of its loss; 1 by default. Unlike in :meth:`fit`, weights
            are not divided by their mean, so that they are comparable between calls: a row of
            weight 2 counts twice a row of weight 1, also of another call.

        **fit_params : dict
            As in :meth:`fit`.

        Returns
        -------
        self : object
        """
        X, y = rows_and_labels(X, y)
        check_net(self)
        classes = getattr(self, "classes_inferred_", classes)
        soft_labels = self._soft_labels(y, sample_weight, classes)  # maybe of one class only
        self._check_features(X, reset=not hasattr(self, "n_features_in_"))
        self.classes_inferred_ = soft_labels.classes
        self._labels_are_codes = np.array_equal(self.classes_, np.arange(len(self.classes_)))
        with self._reproducible():
            return super().partial_fit(X, soft_labels, **fit_params)

    def _soft_labels(self, y, sample_weight, classes, *, of_several_classes=False):
        """Return `y` as soft labels, with the given `classes` if any."""
        classes = self._given_classes(classes)
        soft_labels = as_soft_labels(y, classes, sample_weight)
        if not soft_labels.weight.any():
            raise ValueError(
                f"sample_weight is zero for every one of the {len(soft_labels)} rows. Give some "
                "rows a positive weight."
            )
        self._check_classes(classes, soft_labels)
        if of_several_classes:
            soft_labels.check_several_classes()
        return soft_labels

    def _given_classes(self, classes):
        """Return the classes, by default the parameter; None if neither is given."""
        is_wrapped = self.initialized_ and not hasattr(self, "classes_inferred_")
        if is_wrapped and self.classes is not None and list(self.classes) != sorted(self.classes):
            raise ValueError(
                f"The module's outputs stand for the classes {list(self.classes)}, in this order, "
                "and a net trains on sorted ones. Sort the classes, and the module's outputs alike."
            )
        return self.classes if classes is None else classes

    def _check_classes(self, classes, soft_labels):
        """Raise if the net and the soft labels have different classes."""
        if classes is not None and set(classes) != set(soft_labels.classes):
            raise ValueError(
                f"The net has the classes {list(classes)}, the soft labels have "
                f"{list(soft_labels.classes)}. Give both all classes, in any order."
            )

    def _check_features(self, X, reset):
        """Record or check the features of X; the module checks other types of rows."""
        if is_dataset(X) or has_named_parts(X) or isinstance(X, torch.Tensor):
            return
        check_rows_alike(X)
        if getattr(X, "ndim", 2) == 1:
            raise ValueError(
                f"Expected 2D array, got 1D array of shape {X.shape} instead. Reshape your data: "
                "X.reshape(1, -1) if it is a single row, X.reshape(-1, 1) if it is one feature."
            )
        validate_data(self, X, reset=reset, skip_check_array=True)

    def get_dataset(self, X: Any, y: SoftLabels | RetrievalTargets | None = None) -> Any:
        """Return the dataset of the net, with X in the module's precision."""
        return super().get_dataset(X if is_dataset(X) else as_rows(X, self.module_), y)

    def labels_of(self, codes: torch.Tensor) -> Any:
        """Return the labels of columns; codes stay on the device if they are the labels."""
        if self._labels_are_codes:
            return codes
        return self.classes_[codes.cpu().numpy()]


def rows_and_labels(X, y):
    """Return the rows and the labels of X, which may be a dataset; `y` replaces its labels."""
    if not is_dataset(X):
        return X, y
    if type(X) is Dataset:
        rows, labels = X.X, X.y
    elif type(X) is TensorDataset and len(X.tensors) == 2:
        rows, labels = X.tensors
    else:
        raise TypeError(
            f"X is a {type(X).__name__}, which returns its rows one by one, and soft labels need "
            "all rows. Give arrays or tensors as X and y. To transform rows, set the parameter "
            "`dataset` to a subclass of skorch.dataset.Dataset, and iterator_train to "
            "torch.utils.data.DataLoader."
        )
    return rows, labels if y is None else y
