"""Nets as retrievers: a module that scores all labels, trained on the objective of each batch."""

from typing import Any

import torch
from sklearn.pipeline import Pipeline
from skorch import NeuralNet, NeuralNetClassifier

from ..._targets._retrieval_targets import RetrievalTargets
from ..._utils._typing import Estimator, Floats, Rows
from ...nets import SoftLabelNet, soft_cross_entropy
from ...nets._before_fit import check_net
from ...nets._logits import check_logits
from ...nets._retrieval import Roles, retrieval_loss
from ...nets._soft_targets_net import SoftTargetsNet, temporary_class
from ._registry import register


@register(SoftLabelNet, check=check_net)
@register(NeuralNet, check=check_net)
@register(NeuralNetClassifier, check=check_net)
def fit_net(student: NeuralNet, X: Rows, targets: RetrievalTargets, **fit_params: Any) -> NeuralNet:
    """Fit a net with one output per label by the retriever's objective; its criterion is not used.

    Iterators, optimiser, callbacks and splits are used unchanged; their `y` are the true labels,
    the first one if a row has several. Held-out rows are scored by the cross-entropy of their
    true label, or by the objective if they have several.

    Parameters
    ----------
    student : SoftLabelNet, NeuralNet or NeuralNetClassifier
        It is fitted in place. Its module gives scores, without a softmax at its end.

    X : array-like, sparse matrix or dataframe of shape (n_samples, ...)
        Rows, as the net takes them: nets of skorch need the precision of the module, mostly
        float32.

    targets : RetrievalTargets
        Positives and discounted negatives of the rows, and weights.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    NeuralNet
        The student, fitted: an instance of its own class again.

    Raises
    ------
    ValueError
        If the module does not have one output per label or gives probabilities, if a loss is
        not finite, or if the device is not available.
    """
    check_net(student)
    with temporary_class(student, _RetrievalNet):
        return student.fit(X, targets, **fit_params)


class _RetrievalNet(SoftTargetsNet):
    """Net that is trained on the retrieval loss of a batch instead of its criterion."""

    keeps_sparse_rows = True

    def _soft_labels(self, y, sample_weight, classes, *, of_several_classes=False):
        """Return the targets unchanged; a SoftLabelNet would convert them to soft labels."""
        self._check_classes(self._given_classes(classes), y)
        return y

    def get_loss(self, y_pred, y_true, X=None, training=False):
        scores = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        all_weigh_one = y_true.all_weigh_one()
        targets = y_true.to(scores.device)
        if not self._output_is_checked:
            check_logits(scores, len(self.classes_inferred_))
            self._output_is_checked = True
        if isinstance(targets.proba, Roles):
            losses = retrieval_loss(scores, targets.proba)
        else:
            losses = soft_cross_entropy(scores, targets.proba, reduction="none")
        return losses.mean() if all_weigh_one else (losses * targets.weight).mean()


def scores_of_net(student: Estimator, X: Rows) -> Floats:
    """Return the scores of a net of skorch, which has no `decision_function`.

    Parameters
    ----------
    student : NeuralNet, or Pipeline that ends in one
        Fitted by :func:`fit_net`.

    X : array-like or dataframe of shape (n_samples, ...)
        Rows, as the net takes them.

    Returns
    -------
    ndarray of shape (n_samples, n_labels), or (n_samples,) for two labels
        The output of the module, at least in float32; for two labels the second minus the first.
    """
    if isinstance(student, Pipeline):
        X, student = student[:-1].transform(X), student[-1]
    outputs = student.forward(X)
    outputs = (outputs[0] if isinstance(outputs, tuple) else outputs).detach()
    scores = outputs.to(torch.promote_types(outputs.dtype, torch.float32)).numpy()
    return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores
