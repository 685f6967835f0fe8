"""A skorch classifier whose targets may be probabilities."""

from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNetClassifier

from .._utils._typing import Floats, NDArray, Rows
from ._before_fit import check_criterion_call
from ._logits import check_logits
from ._losses import SoftCrossEntropy, soft_cross_entropy
from ._soft_input_net import SoftInputNet
from ._targets import SoftTargets


class SoftLabelNet(SoftInputNet, NeuralNetClassifier):
    """Train a Torch module on class probabilities, on the device, as a scikit-learn classifier.

    In everything else it is a skorch ``NeuralNetClassifier``: callbacks, optimiser, schedulers,
    `device`, `compile`, checkpoints, ``module__hidden_units=64`` and
    ``callbacks__early_stopping__patience=5`` in a search. It predicts labels of any type. Use it
    as a student or a teacher of :class:`skdistill.DistilledClassifier`, or by itself.

    Parameters
    ----------
    module : torch.nn.Module class or instance
        The network to train. It returns one logit per class, without a final softmax.

    criterion : class, default=SoftCrossEntropy
        The loss to minimise. :class:`skdistill.nets.SoftCrossEntropy`,
        :class:`~skdistill.nets.DistillationLoss` (tempers both sides),
        :class:`~skdistill.nets.LogitMatching`, or your own loss, called as
        ``criterion(logits, proba, y)`` with `y` the column of the true label or -1. With unequal
        sample weights it must have `reduction`, which is set to "none" temporarily.

    optimizer : class, default=torch.optim.Adam
        Optimiser; Adam with ``lr=0.001``, as in ``MLPClassifier``. skorch's default is SGD.

    lr : float, default=0.001
        Learning rate.

    train_split : callable, default=None
        Splits off validation rows, for example ``skorch.dataset.ValidSplit(5,
        stratified=True)``; none by default. They are scored by their true labels: `valid_loss`
        is the log-loss, for any criterion.

    iterator_train, iterator_valid : class, default=DeviceBatches
        The default keeps X and the soft labels on the device; use
        ``torch.utils.data.DataLoader`` for datasets that transform rows.

    iterator_train__shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.

    amp : {"bfloat16", "float16"} or None, default=None
        Automatic mixed precision: the module runs in this precision, the loss and the
        weights stay in float32. float16 scales the loss, and needs an optimiser without a
        closure. Prefer "bfloat16" if the GPU supports it.

    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, shuffling and dropout. Each epoch is seeded by itself, so that a
        fit resumed from a checkpoint equals an uninterrupted one. torch's global generators are
        restored; None draws from them. (A GPU may sum in a different order each time; see
        ``torch.use_deterministic_algorithms``.)

    verbose : int, default=0
        1, the default of skorch, prints a line per epoch.

    **kwargs : dict
        Further parameters of ``skorch.NeuralNet``. For example `max_epochs`, `batch_size`,
        `device`, `callbacks`, `compile`, ``module__...``, ``optimizer__...``, ...

    Attributes
    ----------
    module_ : torch.nn.Module
        The trained module. ``module_.state_dict()`` does not depend on skdistill.

    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    history_ : skorch.history.History
        One dict per epoch. ``pandas.DataFrame(list(net.history_))`` is a table.

    n_features_in_ : int
        Number of features, for X of two or more dimensions.

    See Also
    --------
    skdistill.DistilledClassifier : Adds the teacher.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skdistill.nets import SoftLabelNet
    >>> X = np.array([[-1.0], [1.0]])
    >>> P = np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> net = SoftLabelNet(torch.nn.Linear, module__in_features=1, module__out_features=2,
    ...                    classes=["no", "yes"], lr=0.1, max_epochs=200, random_state=0)
    >>> net.fit(X, P).predict(X)
    array(['no', 'yes'], dtype='<U3')
    >>> bool(abs(net.predict_proba(X) - P).max() < 0.1)
    True
    """

    keeps_sparse_rows = True

    def __init__(self, module: Any, *, criterion: Any = SoftCrossEntropy, **kwargs: Any):
        super().__init__(module, criterion=criterion, **kwargs)

    def get_loss(
        self, y_pred: Any, y_true: SoftTargets, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """Return the criterion of a training batch, the log-loss of a validation batch.

        Parameters
        ----------
        y_pred : Tensor of shape (n_samples, n_classes), or tuple that begins with it
            Logits.

        y_true : SoftTargets
            Targets of the batch.

        X : object, default=None
            Ignored; skorch passes it.

        training : bool, default=False
            Whether this is a training batch.

        Returns
        -------
        Tensor of shape ()
        """
        logits = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        all_weigh_one = y_true.all_weigh_one()
        targets = y_true.to(logits.device)
        if not training:
            rows = soft_cross_entropy(logits, targets.proba, reduction="none")
            return (rows * targets.weight).mean()
        if not self._output_is_checked:
            check_logits(logits, len(self.classes_))
            check_criterion_call(self.criterion_)
            self._output_is_checked = True
        return self._criterion_loss(logits, targets, all_weigh_one)

    def _criterion_loss(self, logits, targets, all_weigh_one):
        """Return the criterion of weighted rows, with its own reduction."""
        criterion, y = self.criterion_, targets.true_codes()
        if all_weigh_one:
            loss = criterion(logits, targets.proba, y)
            return loss.mean() if loss.ndim else loss
        reduction = getattr(criterion, "reduction", None)
        if reduction is None:
            raise ValueError(
                f"The sample weights differ, and {criterion!r} cannot return one loss per row. "
                'Give it an attribute `reduction` that supports "none", as in torch\'s losses, '
                "or give every row the same weight."
            )
        criterion.reduction = "none"
        try:
            rows = criterion(logits, targets.proba, y) * targets.weight
        finally:
            criterion.reduction = reduction
        return rows.sum() if reduction == "sum" else rows.mean()

    # Predictions

    def predict_proba(self, X: Rows) -> Floats:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix, dataframe, tensor or dict, of n_samples rows
            As in :meth:`fit`. Rows are predicted in batches of `batch_size`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), float32 (float64 for a module of that precision)
            The softmax of the logits, or `predict_nonlinearity` of them if it is not "auto";
            columns in the order of `classes_`.
        """
        if self.predict_nonlinearity != "auto":
            return super().predict_proba(X)
        return torch.softmax(self._logits(X), dim=1).numpy()

    def decision_function(self, X: Rows) -> Floats:
        """Return the logits; for two classes, the second minus the first.

        Parameters
        ----------
        X : array-like, sparse matrix, dataframe, tensor or dict, of n_samples rows
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
        """
        logits = self._logits(X).numpy()
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict(self, X: Rows) -> NDArray:
        """Return the most probable label.

        Parameters
        ----------
        X : array-like, sparse matrix, dataframe, tensor or dict, of n_samples rows
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`.
        """
        columns = self._logits(X).argmax(dim=1).numpy()
        return self.classes_[columns]

    def _logits(self, X):
        """Return the logits of all rows on the CPU, in float32 or float64."""
        check_is_fitted(self)
        self._check_features(X, reset=False)
        logits = self.forward(X)
        logits = (logits[0] if isinstance(logits, tuple) else logits).detach()
        check_logits(logits, len(self.classes_))
        return logits if logits.dtype is torch.float64 else logits.float()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
