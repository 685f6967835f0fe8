"""Nets as rankers: all pairs of a batch, scored by a module with one output."""

from typing import Any

from skorch import NeuralNet, NeuralNetRegressor

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Rows
from ...nets import PairwiseLoss, RankingNet
from ...nets._before_fit import check_net
from ...nets._pair_batches import PairBatches, pairs_of_batch
from ...nets._soft_targets_net import SoftTargetsNet, temporary_class
from ._registry import register


def check_ranking_net(student, summary=None):
    """Raise unless a net can be trained; needs no rows."""
    check_net(student)


@register(RankingNet, check=check_ranking_net)
def fit_ranking_net(
    student: RankingNet, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> RankingNet:
    """Fit a RankingNet, with the surrogate set in its criterion."""
    check_net(student)
    student.set_params(criterion__surrogate=surrogate)
    return student.fit(X, soft_labels, **fit_params)


@register(NeuralNet, check=check_ranking_net)
@register(NeuralNetRegressor, check=check_ranking_net)
def fit_net_of_skorch(
    student: NeuralNet, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> NeuralNet:
    """Fit a net of skorch with one output on the pairs of its batches; its criterion is not used.

    Iterators, optimiser, callbacks and splits are used unchanged; their `y` are the true labels,
    0 and 1. Batches without a pair are skipped, as in :class:`skdistill.nets.RankingNet`.

    Parameters
    ----------
    student : NeuralNet or NeuralNetRegressor
        It is fitted in place.

    X : array-like or dataframe of shape (n_samples, ...)
        Rows, as the net takes them: in the precision of the module, mostly float32.

    soft_labels : SoftLabels
        Probabilities of two classes, and weights.

    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}
        Loss of a pair.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    NeuralNet
        The student, fitted: an instance of its own class again. Its `predict` is the score.

    Raises
    ------
    ValueError
        If the module has more than one output, if no batch of an epoch has a pair, or if a loss
        is not finite.
    """
    check_net(student)
    criterion = PairwiseLoss(surrogate)

    class PairwiseNet(PairBatches, SoftTargetsNet):
        def get_loss(self, y_pred, y_true, X=None, training=False):
            self._output_is_checked = True
            return pairs_of_batch(criterion, y_pred, y_true)

    with temporary_class(student, PairwiseNet):
        return student.fit(X, soft_labels, **fit_params)
