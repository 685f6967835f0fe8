"""A skorch net for ranking: all pairs of a batch, weighted by the teacher's probabilities."""

from __future__ import annotations

from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted

from .._utils._typing import ArrayLike, Floats, Rows
from ._pair_batches import PairBatches, as_scores, pairs_of_batch
from ._pairwise import PairwiseLoss
from ._soft_input_net import SoftInputNet
from ._targets import SoftTargets


class RankingNet(PairBatches, SoftInputNet):
    """Train a Torch module with one output to rank rows of two classes.

    A student for :class:`skdistill.DistilledBipartiteRanker` that scores rows by your own module.
    It shares the parameters and training features of :class:`skdistill.nets.SoftLabelNet`.

    Parameters
    ----------
    module : torch.nn.Module class or instance
        The network to train. It returns one score per row, shape (n_samples,) or (n_samples, 1).

    criterion : class, default=PairwiseLoss
        The loss to minimise. It is called as ``criterion(scores, proba, sample_weight)``,
        with the probability of the second class, and weights of mean one within the batch, or None
        for equal weights. As a student, its `surrogate` is that of the ranker.

    classes : array-like of shape (2,), default=None
        Both classes, if `y` may lack one.

    **kwargs : dict
        Further parameters of ``skorch.NeuralNet``. As for :class:`skdistill.nets.SoftLabelNet`:
        `optimizer` (Adam), `lr`, `max_epochs`, `batch_size`, `device`, `amp`, `random_state`,
        `train_split`, `callbacks`, ...

    Attributes
    ----------
    module_ : torch.nn.Module
        The trained module.

    classes_ : ndarray of shape (2,)
        The labels, sorted. Scores are higher for the second one.

    history_ : skorch.history.History
        One dict per epoch.

    See Also
    --------
    skdistill.DistilledBipartiteRanker : Adds the teacher and the threshold.
    skdistill.nets.pairwise_loss : The loss.

    Notes
    -----
    A step uses all pairs *within* its batch, in linear time; ``batch_size=-1`` uses all pairs of
    the data. The loss of a batch is its mean loss per pair, times the mean weight of its rows. A
    batch without a pair of both classes is skipped; hard labels of a rare class may give such
    batches. It has no optimiser step and no callback event, and does not count in the mean loss of
    the epoch.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from skdistill.nets import RankingNet
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> P = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    >>> net = RankingNet(torch.nn.Linear, module__in_features=1, module__out_features=1,
    ...                  batch_size=-1, lr=0.1, max_epochs=50, random_state=0)
    >>> net.fit(X, P).predict(X).argsort()
    array([0, 1, 2])
    """

    def __init__(
        self,
        module: Any,
        *,
        criterion: Any = PairwiseLoss,
        classes: ArrayLike | None = None,
        **kwargs: Any,
    ):
        super().__init__(module, criterion=criterion, **kwargs)
        self.classes = classes

    def get_loss(
        self, y_pred: Any, y_true: SoftTargets, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """Return the loss of all pairs of a batch.

        Parameters
        ----------
        y_pred : Tensor of shape (n_samples,) or (n_samples, 1), or tuple that begins with it
            Scores.

        y_true : SoftTargets
            Targets of the batch.

        X : object, default=None
            Ignored; skorch passes it.

        training : bool, default=False
            Ignored; skorch passes it.

        Returns
        -------
        Tensor of shape ()
        """
        self._output_is_checked = True
        return pairs_of_batch(self.criterion_, y_pred, y_true)

    def predict(self, X: Rows) -> Floats:
        """Return the score of each row.

        Parameters
        ----------
        X : array-like, sparse matrix, dataframe, tensor or dict, of n_samples rows
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples,), float32 (float64 for a module of that precision)
        """
        check_is_fitted(self)
        self._check_features(X, reset=False)
        scores = as_scores(self.forward(X))
        return (scores if scores.dtype is torch.float64 else scores.float()).numpy()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
