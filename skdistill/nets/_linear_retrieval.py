"""Losses of many labels fused with the last linear layer, without storing all logits."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ._losses import TopK, _check_shapes
from ._retrieval import (
    Roles,
    check_labels_of_rows,
    chunks_of_rows,
    in_precision,
    label_weighted_roles,
    loss_then_gradient_,
    rows_of_part,
)

REDUCTIONS = ("mean", "sum")


def linear_soft_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    proba: Tensor | TopK,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Return the cross-entropy of soft labels under a linear layer, in little memory.

    Parameters
    ----------
    hidden : Tensor of shape (n_samples, n_features), float
        Input of the layer. Half precisions are converted to float32.

    weight : Tensor of shape (n_labels, n_features), float
        Weights of the layer, as in :func:`torch.nn.functional.linear`.

    bias : Tensor of shape (n_labels,), float, or None
        Bias of the layer.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p. They are constants: no gradient flows to them.

    reduction : {"mean", "sum"}, default="mean"
        Mean or sum over rows.

    Returns
    -------
    Tensor of shape (), float32 or float64
        :func:`soft_cross_entropy` of the logits hidden · weightᵀ + bias.

    Raises
    ------
    ValueError
        For inconsistent shapes or an unknown `reduction`. "none" is not supported, since gradients
        are summed over rows at once. Values are not checked.

    See Also
    --------
    soft_cross_entropy : The same for logits.

    Notes
    -----
    Logits are computed for a few rows at a time, overwritten by their gradient, and added to the
    gradient of the layer before the next rows. So the memory beyond the gradients of `hidden`,
    `weight` and `bias` does not grow with the number of rows, and a TopK teacher costs almost
    nothing. Second derivatives are not available.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import linear_soft_cross_entropy
    >>> layer = torch.nn.Linear(4, 2)
    >>> hidden = torch.zeros(1, 4)
    >>> _ = torch.nn.init.zeros_(layer.bias)
    >>> loss = linear_soft_cross_entropy(
    ...     hidden, layer.weight, layer.bias, torch.tensor([[0.9, 0.1]])
    ... )
    >>> loss.backward()
    >>> layer.bias.grad
    tensor([-0.4000,  0.4000])
    """
    hidden, weight, bias = _prepare_layer(hidden, weight, bias, proba)

    def roles(rows):
        return Roles(in_precision(rows_of_part(proba, rows), hidden.dtype), None)

    return _reduced(hidden, weight, bias, roles, reduction)


def linear_label_weighted_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    y: Tensor,
    proba: Tensor | TopK,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Return the label-weighted cross-entropy under a linear layer, in little memory.

    Parameters
    ----------
    hidden : Tensor of shape (n_samples, n_features), float
        Input of the layer. Half precisions are converted to float32.

    weight : Tensor of shape (n_labels, n_features), float
        Weights of the layer, as in :func:`torch.nn.functional.linear`.

    bias : Tensor of shape (n_labels,), float, or None
        Bias of the layer.

    y : Tensor of shape (n_samples,), int, or (n_samples, n_labels)
        Column of each row's true label. -1 where it is unknown: such a row adds nothing. For
        several labels per row, an indicator.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p. They are in [0, 1]; rows need not sum to one. They are
        constants: no gradient flows to them.

    reduction : {"mean", "sum"}, default="mean"
        Mean or sum over rows.

    Returns
    -------
    Tensor of shape (), float32 or float64
        :func:`label_weighted_cross_entropy` of the logits hidden · weightᵀ + bias.

    Raises
    ------
    ValueError
        For inconsistent shapes or an unknown `reduction`. "none" is not supported, since gradients
        are summed over rows at once. Values are not checked.

    See Also
    --------
    label_weighted_cross_entropy : The same for logits.
    linear_soft_cross_entropy : Its notes describe the algorithm.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import linear_label_weighted_cross_entropy
    >>> linear_label_weighted_cross_entropy(
    ...     torch.ones(1, 2), torch.zeros(3, 2), None, torch.tensor([0]),
    ...     torch.tensor([[0.5, 0.5, 0.0]]),
    ... )
    tensor(0.9163)
    """
    hidden, weight, bias = _prepare_layer(hidden, weight, bias, proba)
    n_labels = len(weight)
    check_labels_of_rows(y, torch.Size((len(hidden), n_labels)))

    def roles(rows):
        part = in_precision(rows_of_part(proba, rows), hidden.dtype)
        return label_weighted_roles(y[rows], part, n_labels)

    return _reduced(hidden, weight, bias, roles, reduction)


def linear_double_distillation_loss(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    proba: Tensor | TopK,
    *,
    reduction: str = "mean",
) -> Tensor:
    """Return the double distillation loss under a linear layer, in little memory.

    Parameters
    ----------
    hidden : Tensor of shape (n_samples, n_features), float
        Input of the layer. Half precisions are converted to float32.

    weight : Tensor of shape (n_labels, n_features), float
        Weights of the layer, as in :func:`torch.nn.functional.linear`.

    bias : Tensor of shape (n_labels,), float, or None
        Bias of the layer.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p. They are in [0, 1]; rows need not sum to one. They are
        constants: no gradient flows to them.

    reduction : {"mean", "sum"}, default="mean"
        Mean or sum over rows.

    Returns
    -------
    Tensor of shape (), float32 or float64
        :func:`double_distillation_loss` of the logits hidden · weightᵀ + bias.

    Raises
    ------
    ValueError
        For inconsistent shapes or an unknown `reduction`. "none" is not supported, since gradients
        are summed over rows at once. Values are not checked.

    See Also
    --------
    double_distillation_loss : The same for logits.
    linear_soft_cross_entropy : Its notes describe the algorithm.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import linear_double_distillation_loss
    >>> linear_double_distillation_loss(
    ...     torch.ones(1, 2), torch.zeros(3, 2), None, torch.tensor([[0.5, 0.5, 0.0]])
    ... )
    tensor(0.9163)
    """
    hidden, weight, bias = _prepare_layer(hidden, weight, bias, proba)

    def roles(rows):
        part = in_precision(rows_of_part(proba, rows), hidden.dtype)
        return Roles(part, part)

    return _reduced(hidden, weight, bias, roles, reduction)


def _prepare_layer(hidden, weight, bias, proba):
    """Return the layer and its input in the precision of the computation; check the shapes."""
    shapes = [tuple(each.shape) for each in (hidden, weight)]
    if not (hidden.ndim == weight.ndim == 2 and hidden.shape[1] == weight.shape[1]):
        raise ValueError(
            "hidden and weight must have shapes (n_samples, n_features) and (n_labels, "
            f"n_features), as in torch.nn.functional.linear; got shapes {shapes[0]} and "
            f"{shapes[1]}."
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bias must have one number per label, shape ({len(weight)},), or be None; got shape "
            f"{tuple(bias.shape)}."
        )
    # A meta tensor has the shape of the logits, without values.
    _check_shapes(torch.empty(len(hidden), len(weight), device="meta"), proba, None)
    dtype = torch.promote_types(hidden.dtype, weight.dtype)
    dtype = torch.promote_types(dtype, torch.float32)
    return hidden.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)


def _reduced(hidden, weight, bias, roles, reduction):
    """Return the mean or the sum of the rows' losses."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction must be one of {REDUCTIONS} for a loss of a linear layer, whose gradients "
            f"are summed over rows at once; got {reduction!r}. The same loss of logits returns one "
            "number per row."
        )
    loss = _LinearRetrievalLoss.apply(hidden, weight, bias, roles)
    return loss / len(hidden) if reduction == "mean" else loss


class _LinearRetrievalLoss(torch.autograd.Function):
    """Sum of the losses of rows; the forward pass also computes the gradients."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Any,  # Tensor or None
        roles: Callable[[slice], Roles],
    ) -> Tensor:
        layer = zip((hidden, weight, bias), ctx.needs_input_grad[:3], strict=True)
        gradients = [torch.zeros_like(each) if needed else None for each, needed in layer]
        grad_hidden, grad_weight, grad_bias = gradients
        loss, buffer = hidden.new_zeros(()), None
        for rows in chunks_of_rows(hidden, len(weight)):
            chunk = hidden[rows]
            if buffer is None:  # the first chunk is the largest
                buffer = hidden.new_empty(len(chunk), len(weight))
            logits = torch.mm(chunk, weight.T, out=buffer[: len(chunk)])
            if bias is not None:
                logits.add_(bias)
            loss += loss_then_gradient_(logits, roles(rows)).sum()
            if grad_hidden is not None:
                torch.mm(logits, weight, out=grad_hidden[rows])
            if grad_weight is not None:
                grad_weight.addmm_(logits.T, chunk)
            if grad_bias is not None:
                grad_bias += logits.sum(dim=0)
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple:
        gradients = (None if each is None else each * upstream for each in ctx.saved_tensors)
        return *gradients, None
