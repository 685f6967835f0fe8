"""Soft-label losses for nets: the torch versions of skdistill.objectives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .._utils._typing import ArrayLike
from .._utils._validation import check_alpha, check_temperature
from ..objectives._simplex import LOGIT_FLOOR
from ..objectives._softmax import check_codes_given

REDUCTIONS = ("mean", "sum", "none")
# The default ignore_index of torch's losses.
TORCH_IGNORE_INDEX = -100


class TopK(NamedTuple):
    """The largest probabilities of each row: the sparse form of a teacher's probabilities.

    Parameters
    ----------
    indices : Tensor of shape (n_samples, k), int64
        Class of each probability; those of a row differ.

    proba : Tensor of shape (n_samples, k), float
        Probabilities, which sum to one in each row. Rows with fewer classes are padded with
        probability 0, at any valid index, which may be a repeated one.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import TopK
    >>> top = torch.tensor([[0.7, 0.2, 0.1]]).topk(2)
    >>> TopK(top.indices, top.values / top.values.sum(dim=1, keepdim=True)).proba
    tensor([[0.7778, 0.2222]])
    """

    indices: Tensor
    proba: Tensor


def soft_cross_entropy(
    logits: Tensor,
    proba: Tensor | TopK,
    *,
    label_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the cross-entropy of soft labels.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_classes), float
        The student's logits. They are z in the formula. Half precisions are converted to float32.

    proba : Tensor of shape (n_samples, n_classes), float, or TopK
        The teacher's probabilities p. They are constants: no gradient flows to them.

    label_weight : Tensor of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row. The mean divides by the number of
        rows, not by the weights of their classes.

    Returns
    -------
    Tensor of shape () or (n_samples,), float32 or float64
        −Σ_k c_k p_k log softmax(z)_k of each row, reduced.

    Raises
    ------
    ValueError
        For inconsistent shapes or an unknown `reduction`. Values are not checked, which would
        synchronise with the GPU: probabilities that do not sum to one are not detected.

    See Also
    --------
    SoftCrossEntropy : The same as a module.
    skdistill.objectives.soft_cross_entropy : The same for arrays, with its gradient.

    Notes
    -----
    The distilled risk of Menon et al. (ICML 2021, section 3) with the softmax loss. For dense
    probabilities this is :func:`torch.nn.functional.cross_entropy`.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import soft_cross_entropy
    >>> soft_cross_entropy(torch.zeros(1, 2), torch.tensor([[0.9, 0.1]]))
    tensor(0.6931)
    """
    logits, proba, label_weight = _prepare(logits, proba, label_weight)
    return _cross_entropy(logits, proba, label_weight, reduction)


def distillation_loss(
    logits: Tensor,
    proba: Tensor | TopK,
    y: Tensor | None,
    *,
    temperature: float,
    alpha: float,
    label_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the loss of Hinton et al.: tempered soft labels, mixed with the true ones.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_classes), float
        The student's logits. They are z in the formula. Half precisions are converted to float32.

    proba : Tensor of shape (n_samples, n_classes), float, or TopK
        The teacher's probabilities p. They are constants: no gradient flows to them. A
        probability of exactly 0 stays 0 at every temperature.

    y : Tensor of shape (n_samples,), int, or None
        Column of each row's true label. -1 (or -100, torch's `ignore_index`) where it is unknown:
        such a row has no hard part, only alpha times its soft part. May be None if `alpha` is 1.

    temperature : float
        T > 0, applied to both the teacher and the student.

    alpha : float in [0, 1]
        Weight of the soft part: 1 uses the teacher alone, 0 is ordinary training.

    label_weight : Tensor of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default. It applies to both parts.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row. The mean divides by the number of
        rows, not by the weights of their classes or the number of true labels.

    Returns
    -------
    Tensor of shape () or (n_samples,), float32 or float64
        −alpha T² Σ_k c_k p̃_k log softmax(z/T)_k − (1 − alpha) c_y log softmax(z)_y of each row,
        reduced, with p̃ ∝ p^(1/T).

    Raises
    ------
    ValueError
        For inconsistent shapes, an unknown `reduction`, a temperature or alpha out of range, or
        no `y` with alpha below 1. The values of tensors are not checked.

    See Also
    --------
    DistillationLoss : The same as a module.
    skdistill.objectives.distillation_loss : The same for arrays, with its gradient.

    Notes
    -----
    Gradients of the soft part scale as 1/T². The factor T² compensates, so that `alpha` need not
    change with the temperature.

    References
    ----------
    Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015, section 2.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import distillation_loss
    >>> proba, y = torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([0, -1])
    >>> distillation_loss(
    ...     torch.zeros(2, 2), proba, y, temperature=2.0, alpha=0.5, reduction="none"
    ... )
    tensor([1.7329, 1.3863])
    """
    temperature, alpha = check_temperature(temperature), check_alpha(alpha)
    logits, proba, label_weight = _prepare(logits, proba, label_weight)
    check_codes_given(y, alpha)
    tempered = _temper(proba, temperature)
    soft = _cross_entropy(logits / temperature, tempered, label_weight, reduction)
    loss = alpha * temperature**2 * soft
    if alpha < 1:
        loss = loss + (1 - alpha) * _hard_cross_entropy(logits, y, label_weight, reduction)
    return loss


def logit_matching_loss(
    logits: Tensor,
    proba: Tensor | TopK,
    *,
    label_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the squared error between the logits of student and teacher, rows centred.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_classes), float
        The student's logits. They are z in the formula. Half precisions are converted to float32.

    proba : Tensor of shape (n_samples, n_classes), float, or TopK
        The teacher's probabilities p. They are constants: no gradient flows to them.
        Probabilities below 1e-7, including those that a TopK omits, count as 1e-7.

    label_weight : Tensor of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row.

    Returns
    -------
    Tensor of shape () or (n_samples,), float32 or float64
        Σ_k c_k (z̄_k − t_k)² / n_classes of each row, reduced, with z̄ the logits without their
        row mean and t the :func:`~skdistill.objectives.centred_logits` of the probabilities.

    Raises
    ------
    ValueError
        For inconsistent shapes or an unknown `reduction`. Values are not checked.

    See Also
    --------
    LogitMatching : The same as a module.
    skdistill.objectives.logit_matching_loss : The same for arrays, with its gradient.

    References
    ----------
    Ba and Caruana, "Do deep nets really need to be deep?", NeurIPS 2014, equation 2.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import logit_matching_loss
    >>> logit_matching_loss(torch.tensor([[1.0, -1.0]]), torch.tensor([[0.7, 0.3]]))
    tensor(0.3322)
    """
    logits, proba, label_weight = _prepare(logits, proba, label_weight)
    # The rows are centred once, after the subtraction: centring is linear.
    if isinstance(proba, TopK):
        gap = logits.scatter_add(1, proba.indices, -_logs_above_floor(proba.proba))
    else:
        gap = logits - _logs_above_floor(proba)
    squares = (gap - gap.mean(dim=1, keepdim=True)).square()
    return _reduce(_times(squares, label_weight).mean(dim=1), reduction)


class _SoftLabelLoss(nn.Module):
    """A loss of logits, the teacher's probabilities and, if it uses them, true labels."""

    label_weight: Tensor | None

    def __init__(self, label_weight, reduction):
        super().__init__()
        _check_reduction(reduction)
        self.register_buffer("label_weight", _as_label_weight(label_weight))
        self.reduction = reduction

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


class SoftCrossEntropy(_SoftLabelLoss):
    """The cross-entropy of soft labels, as a module.

    Parameters
    ----------
    label_weight : array-like of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default. A buffer: it moves with the module.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row.

    See Also
    --------
    soft_cross_entropy : The formula.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import SoftCrossEntropy
    >>> SoftCrossEntropy()(torch.zeros(1, 2), torch.tensor([[0.9, 0.1]]))
    tensor(0.6931)
    """

    def __init__(self, label_weight: ArrayLike | Tensor | None = None, reduction: str = "mean"):
        super().__init__(label_weight, reduction)

    def forward(self, logits: Tensor, proba: Tensor | TopK, y: Tensor | None = None) -> Tensor:
        """Return the loss; `y` is ignored, and present for API consistency."""
        return soft_cross_entropy(
            logits, proba, label_weight=self.label_weight, reduction=self.reduction
        )


class DistillationLoss(_SoftLabelLoss):
    """The loss of Hinton et al., as a module.

    Parameters
    ----------
    temperature : float, default=2.0
        T > 0, applied to both the teacher and the student.

    alpha : float in [0, 1], default=0.5
        Weight of the soft part: 1 uses the teacher alone, 0 is ordinary training.

    label_weight : array-like of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default. A buffer: it moves with the module.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row.

    See Also
    --------
    distillation_loss : The formula.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import DistillationLoss
    >>> loss = DistillationLoss(temperature=2.0, alpha=0.5)
    >>> loss(torch.zeros(1, 2), torch.tensor([[0.9, 0.1]]), torch.tensor([0]))
    tensor(1.7329)
    """

    def __init__(
        self,
        temperature: float = 2.0,
        alpha: float = 0.5,
        label_weight: ArrayLike | Tensor | None = None,
        reduction: str = "mean",
    ):
        super().__init__(label_weight, reduction)
        self.temperature = check_temperature(temperature)
        self.alpha = check_alpha(alpha)

    def extra_repr(self) -> str:
        return f"temperature={self.temperature}, alpha={self.alpha}, {super().extra_repr()}"

    def forward(self, logits: Tensor, proba: Tensor | TopK, y: Tensor | None = None) -> Tensor:
        """Return the loss; `y` may be None only if alpha is 1."""
        return distillation_loss(
            logits,
            proba,
            y,
            temperature=self.temperature,
            alpha=self.alpha,
            label_weight=self.label_weight,
            reduction=self.reduction,
        )


class LogitMatching(_SoftLabelLoss):
    """The squared error between centred logits, as a module.

    Parameters
    ----------
    label_weight : array-like of shape (n_classes,), default=None
        Weight c_k >= 0 of each class; 1 by default. A buffer: it moves with the module.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row.

    See Also
    --------
    logit_matching_loss : The formula.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import LogitMatching
    >>> LogitMatching()(torch.tensor([[1.0, -1.0]]), torch.tensor([[0.7, 0.3]]))
    tensor(0.3322)
    """

    def __init__(self, label_weight: ArrayLike | Tensor | None = None, reduction: str = "mean"):
        super().__init__(label_weight, reduction)

    def forward(self, logits: Tensor, proba: Tensor | TopK, y: Tensor | None = None) -> Tensor:
        """Return the loss; `y` is ignored, and present for API consistency."""
        return logit_matching_loss(
            logits, proba, label_weight=self.label_weight, reduction=self.reduction
        )


def _prepare(logits, proba, label_weight):
    """Return the arguments in the precision of the computation; check their shapes."""
    _check_shapes(logits, proba, label_weight)
    dtype = torch.promote_types(logits.dtype, torch.float32)
    if isinstance(proba, TopK):
        proba = TopK(proba.indices, _constant(proba.proba, dtype))
    else:
        proba = _constant(proba, dtype)
    label_weight = None if label_weight is None else label_weight.to(dtype)
    return logits if logits.dtype == dtype else logits.to(dtype), proba, label_weight


def _constant(tensor, dtype):
    """Return a tensor without gradient, in a precision; itself where it is so, which is faster."""
    tensor = tensor.detach() if tensor.requires_grad else tensor
    return tensor if tensor.dtype == dtype else tensor.to(dtype)


def _check_shapes(logits, proba, label_weight):
    """Raise unless the shapes of logits, probabilities and class weights are consistent."""
    shape = logits.shape
    if len(shape) != 2 or shape[1] < 2:
        raise ValueError(
            "logits must have shape (n_samples, n_classes) with at least two classes; got shape "
            f"{tuple(shape)}. A net for two classes needs two outputs."
        )
    if isinstance(proba, TopK):
        k = proba.proba.shape[-1:]
        if not proba.indices.shape == proba.proba.shape == (shape[0], *k):
            raise ValueError(
                f"TopK needs indices and proba of shape ({shape[0]}, k), one row for each row of "
                f"logits; got shapes {tuple(proba.indices.shape)} and {tuple(proba.proba.shape)}."
            )
    elif proba.shape != shape:
        raise ValueError(
            f"proba must have the shape of logits, {tuple(shape)}: one row of class probabilities "
            f"per sample; got shape {tuple(proba.shape)}. Codes of true labels go into y."
        )
    if label_weight is not None and label_weight.shape != shape[1:]:
        raise ValueError(
            f"label_weight must have one number per class, shape {tuple(shape[1:])}; got shape "
            f"{tuple(label_weight.shape)}."
        )


def _cross_entropy(logits, proba, label_weight, reduction):
    """Return −Σ_k c_k p_k log softmax(z)_k of each row, reduced."""
    _check_reduction(reduction)
    if not isinstance(proba, TopK):
        return F.cross_entropy(logits, proba, label_weight, reduction=reduction)
    target = proba.proba
    if label_weight is not None:
        target = target * label_weight[proba.indices]
    log_q = F.log_softmax(logits, dim=1).gather(1, proba.indices)
    return _reduce(-(target * log_q).sum(dim=1), reduction)


def _hard_cross_entropy(logits, y, label_weight, reduction):
    """Return −c_y log softmax(z)_y of each row, 0 where y is -1 or -100, reduced."""
    if y.shape != logits.shape[:1] or y.is_floating_point() or y.dtype == torch.bool:
        raise ValueError(
            f"y must hold one integer per row, the column of its true label, shape "
            f"({logits.shape[0]},); got shape {tuple(y.shape)}, dtype {y.dtype}."
        )
    y = y.long().masked_fill(y == TORCH_IGNORE_INDEX, -1)
    rows = F.cross_entropy(logits, y, label_weight, ignore_index=-1, reduction="none")
    return _reduce(rows, reduction)  # torch's own mean would divide by the weights of the labels


def _temper(proba, temperature):
    """Return p^(1/T), renormalised."""
    if isinstance(proba, TopK):
        return TopK(proba.indices, _temper(proba.proba, temperature))
    if temperature == 1:
        return proba
    return (proba.log() / temperature).softmax(dim=1)  # log 0 = −inf becomes 0 again


def _logs_above_floor(proba):
    """Return log p − log floor: log-probabilities shifted so that absent classes are 0."""
    return (proba / LOGIT_FLOOR).clamp(1, 1 / LOGIT_FLOOR - 1).log()


def _times(values, label_weight):
    """Return values times the weights of their classes."""
    return values if label_weight is None else values * label_weight


def _reduce(rows, reduction):
    """Return the mean, the sum or the rows themselves."""
    _check_reduction(reduction)
    return rows if reduction == "none" else getattr(rows, reduction)()


def _check_reduction(reduction):
    """Raise for an unknown reduction."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}; got {reduction!r}.")


def _as_label_weight(label_weight):
    """Return class weights as a tensor; one that is a tensor of floats keeps its precision."""
    if label_weight is None:
        return None
    if not isinstance(label_weight, Tensor) or not label_weight.is_floating_point():
        label_weight = torch.tensor(np.asarray(label_weight), dtype=torch.get_default_dtype())
    if label_weight.ndim != 1 or not ((label_weight >= 0) & label_weight.isfinite()).all():
        raise ValueError(
            "label_weight must be one finite number >= 0 per class, shape (n_classes,); got shape "
            f"{tuple(label_weight.shape)} with values {label_weight.tolist()}."
        )
    return label_weight
