"""Nets of skorch on soft labels: the loss gets probabilities, everything else true labels."""

from contextlib import contextmanager
from typing import Any

import torch
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier, NeuralNetRegressor

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Rows
from ..nets import DistillationLoss, LogitMatching, SoftCrossEntropy, SoftLabelNet
from ..nets._before_fit import check_criterion_call, check_net
from ..nets._logits import check_logits, check_probabilities
from ..nets._soft_targets_net import SoftTargetsNet, temporary_class
from ._registry import register

# Linear in a target of probabilities, so that a row's weight is a factor of its target.
LINEAR_IN_TARGET = (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss)
SOFT_LABEL_LOSSES = (SoftCrossEntropy, DistillationLoss, LogitMatching)


def check_soft_label_net(student, summary=None):
    """Raise unless a SoftLabelNet can be trained; `summary` is not used."""
    check_net(student)
    check_criterion_call(student.criterion)


@register(SoftLabelNet, check=check_soft_label_net)
def fit_soft_label_net(
    student: SoftLabelNet, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> SoftLabelNet:
    """Fit a SoftLabelNet, whose own `fit` takes soft labels."""
    check_soft_label_net(student)
    return student.fit(X, soft_labels, **fit_params)


def check_net_of_skorch(student, summary=None):
    """Raise unless a net of skorch supports soft labels."""
    check_criterion(student)
    check_net(student)


@register(NeuralNet, check=check_net_of_skorch)
@register(NeuralNetClassifier, check=check_net_of_skorch)
@register(NeuralNetBinaryClassifier, check=check_net_of_skorch)
@register(NeuralNetRegressor, check=check_net_of_skorch)
def fit_net_of_skorch(
    student: NeuralNet, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> NeuralNet:
    """Fit a net of one of skorch's classes by its criterion, with probabilities as target.

    ``NLLLoss`` (skorch's default, on probabilities) and ``CrossEntropyLoss`` (on logits) give
    the soft cross-entropy; any other criterion is called with the probabilities, those of the
    second class if the module has one output. Callbacks, optimiser, iterators and the
    user's dataset and `get_loss` are used unchanged; their `y` are the true labels, as
    columns 0, 1, ..., which such a net also predicts. (Overrides of
    `get_split_datasets` and `check_data` are not called.)

    Parameters
    ----------
    student : NeuralNet, NeuralNetClassifier, NeuralNetBinaryClassifier or NeuralNetRegressor
        It is fitted in place.

    X : array-like or dataframe of shape (n_samples, ...)
        Rows, as the net takes them: in the precision of the module, mostly float32.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    NeuralNet
        The student, fitted: an instance of its own class again.

    Raises
    ------
    ValueError
        If row weights differ and the criterion is not linear in its target; if the module does
        not have one output per class, or gives probabilities where the criterion takes logits, or
        the reverse; if a loss is not finite; if the device is not available.

    Notes
    -----
    As in torch's losses on probabilities, the mean divides by the number of rows, even if the
    criterion weights classes.
    """
    check_net_of_skorch(student)
    with _taking_soft_targets(student, takes_labels=soft_labels.is_unweighted_one_hot):
        return student.fit(X, soft_labels, **fit_params)


def check_criterion(net):
    """Raise for criteria that skorch would use incorrectly."""
    criterion = net.criterion
    if net.compile and criterion is torch.nn.NLLLoss:
        raise ValueError(
            "compile=True prevents skorch from detecting NLLLoss, so that it does not take "
            "logarithms. Use a module that gives logits, with "
            "criterion=torch.nn.CrossEntropyLoss, or use SoftLabelNet."
        )
    if isinstance(criterion, type) and issubclass(criterion, SOFT_LABEL_LOSSES):
        raise ValueError(
            f"skorch does not detect that {criterion.__name__} takes logits, and "
            f"{type(net).__name__} would predict them as probabilities. Use "
            "skdistill.nets.SoftLabelNet with it, or criterion=torch.nn.CrossEntropyLoss."
        )


@contextmanager
def _taking_soft_targets(net, takes_labels):
    """Make a net take soft targets within the context; `takes_labels` if they are hard labels."""
    net_class = type("SoftTargetNet", (_SoftTargetNet,), {"takes_labels": takes_labels})
    try:
        with temporary_class(net, net_class):
            if net.initialized_:
                _replace_class(net.criterion_, torch.nn.NLLLoss, _SoftNLLLoss)
            yield
    finally:
        _replace_class(getattr(net, "criterion_", None), _SoftNLLLoss, torch.nn.NLLLoss)


def _replace_class(criterion, old, new):
    if type(criterion) is old:
        criterion.__class__ = new


class _SoftTargetNet(SoftTargetsNet):
    """Mixin that converts soft targets to the target of a torch criterion."""

    takes_labels = False

    def initialize_criterion(self):
        super().initialize_criterion()
        _replace_class(self.criterion_, torch.nn.NLLLoss, _SoftNLLLoss)
        return self

    def get_loss(self, y_pred, y_true, X=None, training=False):
        outputs = y_pred[0] if isinstance(y_pred, tuple) else y_pred
        all_weigh_one = y_true.all_weigh_one()
        targets = y_true.to(outputs.device)
        target = targets.proba.to(outputs.dtype)
        if target.shape[1] == 2 and outputs.shape in (target.shape[:1], (len(target), 1)):
            target = target[:, 1].reshape(outputs.shape)
        if outputs.shape != target.shape:
            raise ValueError(
                f"The module must give one output per class, shape {tuple(target.shape)} for this "
                f"batch; got shape {tuple(outputs.shape)}. Set the width of its last layer to "
                f"{target.shape[1]}."
            )
        criterion = getattr(self.criterion_, "_orig_mod", self.criterion_)  # compiled
        linear = isinstance(criterion, LINEAR_IN_TARGET)
        if not self._output_is_checked:
            self._check_outputs(criterion, outputs)
            self._output_is_checked = True
        if not all_weigh_one:
            target = self._weighted(target, targets.weight, linear)
        elif linear and self.takes_labels:  # a criterion with class weights divides by their sum
            target = target.argmax(dim=1)
        return super().get_loss(y_pred, target, X=X, training=training)

    def _check_outputs(self, criterion, outputs):
        """Raise if the criterion takes logits and gets probabilities, or the reverse."""
        if isinstance(criterion, torch.nn.CrossEntropyLoss):
            check_logits(outputs, outputs.shape[1])
        elif isinstance(criterion, torch.nn.NLLLoss) and isinstance(self, NeuralNetClassifier):
            check_probabilities(outputs)

    def _weighted(self, target, weight, linear):
        if linear:
            return target * weight[:, None].to(target.dtype)
        raise ValueError(
            f"The row weights differ, which {self.criterion_!r} does not support. Use "
            "skdistill.nets.SoftLabelNet, whose losses take weights, or give every row the same "
            "weight."
        )


class _SoftNLLLoss(torch.nn.NLLLoss):
    """Negative log-likelihood with probabilities as target; torch's takes labels only."""

    def forward(self, input, target):
        if not target.is_floating_point():
            return super().forward(input, target)
        losses = -input * target
        rows = (losses if self.weight is None else losses * self.weight).sum(dim=1)
        return {"mean": rows.mean, "sum": rows.sum, "none": lambda: rows}[self.reduction]()
