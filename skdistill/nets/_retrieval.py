"""Multiclass retrieval with a teacher, for nets: labels it finds likely are weaker negatives."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ._losses import TopK, _check_reduction, _prepare, _reduce

# Bytes of logits per chunk: they stay in a CPU's cache, and keep a GPU busy.
CHUNK_BYTES = {"cpu": 2**24}
CHUNK_BYTES_ELSEWHERE = 2**28


class Roles(NamedTuple):
    """Weights of each label of each row; if both are TopK, they have the same indices."""

    positives: Tensor | TopK  # a >= 0: weight as a positive
    # d in [0, 1]: the weight as a negative is 1 − d; None means d = 0
    negative_discount: Tensor | TopK | None


def label_weighted_cross_entropy(
    logits: Tensor, y: Tensor, proba: Tensor | TopK, *, reduction: str = "mean"
) -> Tensor:
    """Return the cross-entropy of labels against negatives weighted by the teacher.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_labels), float
        The student's logits. They are the scores f in the formula. Half precisions are converted to
        float32.

    y : Tensor of shape (n_samples,), int, or (n_samples, n_labels)
        Column of each row's true label. -1 where it is unknown: such a row adds nothing. For
        several labels per row, an indicator.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p. They are in [0, 1]; rows need not sum to one. They are
        constants: no gradient flows to them.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row. The mean divides by the number of
        rows, with or without a label.

    Returns
    -------
    Tensor of shape () or (n_samples,), float32 or float64
        Σ_{l ∈ y} [log(e^{f_l} + Σ_{m ∉ y} (1 − p_m) e^{f_m}) − f_l] of each row, reduced.

    Raises
    ------
    ValueError
        For inconsistent shapes or an unknown `reduction`. Values are not checked, which would
        synchronise with the GPU; a probability above one counts as one.

    See Also
    --------
    LabelWeightedCrossEntropy : The same as a module.
    linear_label_weighted_cross_entropy : The same with the last layer, in little memory.

    Notes
    -----
    The distilled retrieval loss of Menon et al. (ICML 2021, on multiclass retrieval): an
    unobserved label that the teacher finds probable is not a full negative. A TopK teacher costs
    one pass over the logits, as plain cross-entropy does, and k entries of each row. Second
    derivatives are not available.

    Examples
    --------
    The teacher considers the second label a missed positive:

    >>> import torch
    >>> from skdistill.nets import label_weighted_cross_entropy
    >>> logits, y = torch.zeros(1, 3), torch.tensor([0])
    >>> label_weighted_cross_entropy(logits, y, torch.tensor([[0.5, 0.5, 0.0]]))
    tensor(0.9163)
    >>> torch.nn.functional.cross_entropy(logits, y)
    tensor(1.0986)
    """
    logits, proba, _ = _prepare(logits, proba, None)
    check_labels_of_rows(y, logits.shape)
    roles = label_weighted_roles(y, proba, logits.shape[1])
    return _reduce(_RetrievalLoss.apply(logits, roles), reduction)


def double_distillation_loss(
    logits: Tensor, proba: Tensor | TopK, *, reduction: str = "mean"
) -> Tensor:
    """Return the retrieval loss whose positives and negatives are both the teacher's.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_labels), float
        The student's logits. They are the scores f in the formula. Half precisions are converted to
        float32.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p. They are in [0, 1]; rows need not sum to one. They are
        constants: no gradient flows to them.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row.

    Returns
    -------
    Tensor of shape () or (n_samples,), float32 or float64
        Σ_l p_l [log(e^{f_l} + Σ_{m ≠ l} (1 − p_m) e^{f_m}) − f_l] of each row, reduced.

    Raises
    ------
    ValueError
        For inconsistent shapes or an unknown `reduction`. Values are not checked, which would
        synchronise with the GPU; a probability above one counts as one.

    See Also
    --------
    DoubleDistillation : The same as a module.
    linear_double_distillation_loss : The same with the last layer, in little memory.

    Notes
    -----
    "Double distillation" of Menon et al. (ICML 2021, on multiclass retrieval): the expectation of
    :func:`label_weighted_cross_entropy` over a label drawn from p, at O(n_labels) a row.
    The scores that minimise it have the teacher's order, but their softmax is not p. Second
    derivatives are not available.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import double_distillation_loss
    >>> double_distillation_loss(torch.zeros(1, 3), torch.tensor([[0.5, 0.5, 0.0]]))
    tensor(0.9163)
    """
    logits, proba, _ = _prepare(logits, proba, None)
    return _reduce(_RetrievalLoss.apply(logits, Roles(proba, proba)), reduction)


class _RetrievalModule(nn.Module):
    """A retrieval loss of logits, the teacher's probabilities and labels."""

    def __init__(self, reduction: str = "mean"):
        super().__init__()
        _check_reduction(reduction)
        self.reduction = reduction

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


class LabelWeightedCrossEntropy(_RetrievalModule):
    """The cross-entropy of labels against negatives weighted by the teacher, as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row.

    See Also
    --------
    label_weighted_cross_entropy : The formula.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import LabelWeightedCrossEntropy
    >>> loss = LabelWeightedCrossEntropy()
    >>> loss(torch.zeros(1, 3), torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([0]))
    tensor(0.9163)
    """

    def forward(self, logits: Tensor, proba: Tensor | TopK, y: Tensor) -> Tensor:
        """Return the loss; `y` holds codes, -1 where there is none, or an indicator."""
        return label_weighted_cross_entropy(logits, y, proba, reduction=self.reduction)


class DoubleDistillation(_RetrievalModule):
    """The retrieval loss whose positives and negatives are both the teacher's, as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default="mean"
        Mean or sum over rows. "none" returns one number per row.

    See Also
    --------
    double_distillation_loss : The formula.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import DoubleDistillation
    >>> DoubleDistillation()(torch.zeros(1, 3), torch.tensor([[0.5, 0.5, 0.0]]))
    tensor(0.9163)
    """

    def forward(self, logits: Tensor, proba: Tensor | TopK, y: Tensor | None = None) -> Tensor:
        """Return the loss; `y` is ignored, and present for API consistency."""
        return double_distillation_loss(logits, proba, reduction=self.reduction)


# Roles of labels


def check_labels_of_rows(y, shape):
    """Raise unless `y` has one column number per row, or is an indicator matrix."""
    is_indicator = y is not None and y.shape == shape
    if y is None or not (is_indicator or (y.shape == shape[:1] and _is_integer(y))):
        got = None if y is None else f"shape {tuple(y.shape)}, dtype {y.dtype}"
        raise ValueError(
            f"y must hold one integer per row, the column of its label, shape ({shape[0]},), or be "
            f"an indicator of shape {tuple(shape)}; got {got}."
        )


def _is_integer(y):
    return not (y.is_floating_point() or y.is_complex() or y.dtype == torch.bool)


def label_weighted_roles(y, proba, n_labels):
    """Return the roles with observed labels Y as positives, and d = Y + (1 − Y) p.

    `proba` is in the precision of the computation.
    """
    if isinstance(proba, TopK) and y.ndim == 1:
        return _roles_of_one_label(y[:, None], proba)
    p, Y = as_dense(proba, n_labels), _as_indicator(y, proba, n_labels)
    return Roles(Y, Y + (1 - Y) * p)


def _roles_of_one_label(y, top):
    """Return the roles with the label of each row as an entry before the teacher's entries.

    The label may occur among these, too: the negative weights of a label's entries multiply, and
    (1 − Y)(1 − p) = 1 − d.
    """
    has_label = (y >= 0).to(top.proba.dtype)
    indices = torch.cat([y.clamp(min=0), top.indices], dim=1)
    positives = torch.cat([has_label, torch.zeros_like(top.proba)], dim=1)
    return Roles(TopK(indices, positives), TopK(indices, torch.cat([has_label, top.proba], dim=1)))


def _as_indicator(y, proba, n_labels):
    """Return labels as an indicator in the precision of `proba`, a row of zeros where y is -1."""
    values = proba.proba if isinstance(proba, TopK) else proba
    if y.ndim == 2:
        return y.to(values.dtype)
    has_label = (y >= 0).to(values.dtype)[:, None]
    return as_dense(TopK(y.clamp(min=0)[:, None], has_label), n_labels)


def as_dense(proba, n_labels):
    """Return probabilities with a column for each label."""
    if not isinstance(proba, TopK):
        return proba
    zeros = proba.proba.new_zeros(len(proba.proba), n_labels)
    return zeros.scatter_add_(1, proba.indices, proba.proba)  # padding may repeat an index


# The general form


def retrieval_loss(logits, roles):
    """Return each row's Σ_l a_l [log(d_l e^{f_l} + Σ_m (1 − d_m) e^{f_m}) − f_l]."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    positives, negative_discount = (in_precision(each, logits.dtype) for each in roles)
    return _RetrievalLoss.apply(logits, Roles(positives, negative_discount))


def in_precision(part, dtype):
    """Return probabilities converted to a dtype."""
    if isinstance(part, TopK):
        return TopK(part.indices, part.proba.to(dtype))
    return None if part is None else part.to(dtype)


class _RetrievalLoss(torch.autograd.Function):
    """The general form; the forward pass also computes the gradient."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, roles: Roles) -> Tensor:
        gradient = logits.clone(memory_format=torch.contiguous_format)
        losses = logits.new_empty(len(logits))
        for rows in chunks_of_rows(logits, logits.shape[1]):
            part = Roles(*(rows_of_part(each, rows) for each in roles))
            losses[rows] = loss_then_gradient_(gradient[rows], part)
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple:
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[:, None], None


def chunks_of_rows(rows: Tensor, n_labels: int) -> Iterator[slice]:
    """Yield slices of rows whose logits fit into a chunk."""
    n_bytes = CHUNK_BYTES.get(rows.device.type, CHUNK_BYTES_ELSEWHERE)
    size = max(1, n_bytes // (n_labels * rows.element_size()))
    for start in range(0, len(rows), size):
        yield slice(start, min(start + size, len(rows)))


def rows_of_part(part, rows):
    """Return some rows of probabilities, None for None."""
    if isinstance(part, TopK):
        return TopK(part.indices[rows], part.proba[rows])
    return None if part is None else part[rows]


def loss_then_gradient_(logits, roles):
    """Return the loss of each row, and overwrite its logits by the gradient.

    With Z = Σ_m (1 − d_m) e^{f_m} and D_l = Z + d_l e^{f_l}, the loss is Σ_l a_l (log D_l − f_l)
    and the gradient (1 − d_l) e^{f_l} Σ_m a_m / D_m − a_l Z / D_l. It is computed from differences
    of logarithms and products of ratios, without overflow or cancellation.
    """
    indices, a = _entries(roles.positives)
    scores = logits.clone() if indices is None else logits.gather(1, indices)
    if roles.negative_discount is not None:
        _, d = _entries(roles.negative_discount)
        d = d.clamp(max=1)  # rounding may have made it larger
        _add_(logits, indices, torch.log1p(-d))
    top = logits.amax(dim=1, keepdim=True)
    top = top.masked_fill(top == -torch.inf, 0)  # if d = 1 for every label
    scaled_z = logits.sub_(top).exp_().sum(dim=1, keepdim=True)  # Z / e^top
    gap = (top - scores).add_(scaled_z.log())  # log Z − f
    losses, ratios = a * gap, a  # ratios: a Z / D
    if roles.negative_discount is not None:
        gap.masked_fill_(a == 0, 0)  # these add nothing, even if the gap is infinite
        log_d = d.log()
        losses, ratios = a * torch.logaddexp(gap, log_d), a * torch.sigmoid(gap - log_d)
    # A row with any negative has a term e^0, so that its scaled Z is at least 1.
    logits.mul_(ratios.sum(dim=1, keepdim=True) / scaled_z.clamp(min=1))
    _add_(logits, indices, -ratios)
    return losses.sum(dim=1)


def _entries(part):
    """Return indices and values; indices are None for dense values."""
    return part if isinstance(part, TopK) else (None, part)


def _add_(logits, indices, values):
    """Add values in place to the logits at these indices."""
    if indices is None:
        logits.add_(values)
    else:
        logits.scatter_add_(1, indices, values)
