"""Losses of many labels together with the layer that scores them, without all the logits."""

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
        What the layer takes. Half precisions are computed with in float32.

    weight : Tensor of shape (n_labels, n_features), float
        Weights of the layer, as in :func:`torch.nn.functional.linear`.

    bias : Tensor of shape (n_labels,), float, or None
        Bias of the layer.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p. They count as constants: no gradient flows to them.

    reduction : {"mean", "sum"}, default="mean"
        Mean over rows or sum over rows.

    Returns
    -------
    Tensor of shape (), float32 or float64
        :func:`soft_cross_entropy` of the logits hidden · weightᵀ + bias.

    Raises
    ------
    ValueError
        For shapes that do not fit or an unknown `reduction`; "none" is one, since gradients are
        summed over rows at once. Values are not looked at.

    See Also
    --------
    soft_cross_entropy : The same for logits.

    Notes
    -----
    The logits of a few rows are made at a time, and their gradient takes their place and goes
    into those of the layer before the next rows come. So the memory beside the gradients of
    `hidden`, `weight` and `bias` stays the same however many rows there are, and a TopK teacher
    costs nearly nothing. There are no second derivatives.

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
        What the layer takes. Half precisions are computed with in float32.

    weight : Tensor of shape (n_labels, n_features), float
        Weights of the layer, as in :func:`torch.nn.functional.linear`.

    bias : Tensor of shape (n_labels,), float, or None
        Bias of the layer.

    y : Tensor of shape (n_samples,), int, or (n_samples, n_labels)
        Column of each row's label, -1 where it is not known: such a row adds nothing. Or an
        indicator of the labels of each row, which may be several.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p, in [0, 1]; rows need not sum to one. They count as
        constants: no gradient flows to them.

    reduction : {"mean", "sum"}, default="mean"
        Mean over rows or sum over rows.

    Returns
    -------
    Tensor of shape (), float32 or float64
        :func:`label_weighted_cross_entropy` of the logits hidden · weightᵀ + bias.

    Raises
    ------
    ValueError
        For shapes that do not fit or an unknown `reduction`; "none" is one, since gradients are
        summed over rows at once. Values are not looked at.

    See Also
    --------
    label_weighted_cross_entropy : The same for logits.
    linear_soft_cross_entropy : Whose notes say how it goes.

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
        What the layer takes. Half precisions are computed with in float32.

    weight : Tensor of shape (n_labels, n_features), float
        Weights of the layer, as in :func:`torch.nn.functional.linear`.

    bias : Tensor of shape (n_labels,), float, or None
        Bias of the layer.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p, in [0, 1]; rows need not sum to one. They count as
        constants: no gradient flows to them.

    reduction : {"mean", "sum"}, default="mean"
        Mean over rows or sum over rows.

    Returns
    -------
    Tensor of shape (), float32 or float64
        :func:`double_distillation_loss` of the logits hidden · weightᵀ + bias.

    Raises
    ------
    ValueError
        For shapes that do not fit or an unknown `reduction`; "none" is one, since gradients are
        summed over rows at once. Values are not looked at.

    See Also
    --------
    double_distillation_loss : The same for logits.
    linear_soft_cross_entropy : Whose notes say how it goes.

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
    """Return the layer and its input in the precision to compute in, once the shapes fit."""
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
    # A tensor without values stands in for the logits.
    _check_shapes(torch.empty(len(hidden), len(weight), device="meta"), proba, None)
    dtype = torch.promote_types(hidden.dtype, weight.dtype)
    dtype = torch.promote_types(dtype, torch.float32)
    return hidden.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)


def _reduced(hidden, weight, bias, roles, reduction):
    """Return the mean or the sum of the rows' losses."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction must be one of {REDUCTIONS} together with a layer, whose gradients are "
            f"summed over rows at once; got {reduction!r}. The same loss of logits gives one "
            "number per row."
        )
    loss = _LinearRetrievalLoss.apply(hidden, weight, bias, roles)
    return loss / len(hidden) if reduction == "mean" else loss


class _LinearRetrievalLoss(torch.autograd.Function):
    """The sum of the losses of rows, which computes its gradients along with its value."""

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
        of_hidden, of_weight, of_bias = gradients
        loss, buffer = hidden.new_zeros(()), None
        for rows in chunks_of_rows(hidden, len(weight)):
            here = hidden[rows]
            if buffer is None:  # the first chunk is the largest
                buffer = hidden.new_empty(len(here), len(weight))
            logits = torch.mm(here, weight.T, out=buffer[: len(here)])
            if bias is not None:
                logits.add_(bias)
            loss += loss_then_gradient_(logits, roles(rows)).sum()
            if of_hidden is not None:
                torch.mm(logits, weight, out=of_hidden[rows])
            if of_weight is not None:
                of_weight.addmm_(logits.T, here)
            if of_bias is not None:
                of_bias += logits.sum(dim=0)
        ctx.save_for_backward(*gradients)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple:
        gradients = (None if each is None else each * upstream for each in ctx.saved_tensors)
        return *gradients, None
