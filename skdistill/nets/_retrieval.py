"""Multiclass retrieval with a teacher, for nets: what it finds plausible is no full negative."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ._losses import TopK, _check_reduction, _prepare, _reduce

# So many logits are worked on at a time: they stay in a CPU's cache, and keep a GPU busy.
CHUNK_BYTES = {"cpu": 2**24}
CHUNK_BYTES_ELSEWHERE = 2**28


class Roles(NamedTuple):
    """What each label is to each row; where both are TopK they have the same indices."""

    positives: Tensor | TopK  # a >= 0: how far it counts as a positive
    negative_discount: (
        Tensor | TopK | None
    )  # d in [0, 1]: how far it is spared as a negative; None: not


def label_weighted_cross_entropy(
    logits: Tensor, y: Tensor, proba: Tensor | TopK, *, reduction: str = "mean"
) -> Tensor:
    """Return the cross-entropy of labels against negatives that the teacher weighs.

    Parameters
    ----------
    logits : Tensor of shape (n_samples, n_labels), float
        The student's scores f. Half precisions are computed with in float32.

    y : Tensor of shape (n_samples,), int, or (n_samples, n_labels)
        Column of each row's label, -1 where it is not known: such a row adds nothing. Or an
        indicator of the labels of each row, which may be several.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p, in [0, 1]; rows need not sum to one. They count as
        constants: no gradient flows to them.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean over rows, sum over rows, or one number per row. The mean divides by the number of
        rows, whatever labels they have.

    Returns
    -------
    Tensor of shape () or (n_samples,), float32 or float64
        Σ_{l ∈ y} [log(e^{f_l} + Σ_{m ∉ y} (1 − p_m) e^{f_m}) − f_l] of each row, reduced.

    Raises
    ------
    ValueError
        For shapes that do not fit or an unknown `reduction`. Values are not looked at, which
        would make a GPU wait; a probability above one counts as one.

    See Also
    --------
    LabelWeightedCrossEntropy : The same as a module.
    linear_label_weighted_cross_entropy : The same with the last layer, in little memory.

    Notes
    -----
    The distilled retrieval loss of Menon et al. (ICML 2021, on multiclass retrieval): a label
    that the teacher finds probable is not pushed down for want of having been observed. A TopK
    teacher costs one pass over the logits, as plain cross-entropy does, and k entries of each
    row. There are no second derivatives.

    Examples
    --------
    The teacher takes the second label for a positive that was missed:

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
        The student's scores f. Half precisions are computed with in float32.

    proba : Tensor of shape (n_samples, n_labels), float, or TopK
        The teacher's probabilities p, in [0, 1]; rows need not sum to one. They count as
        constants: no gradient flows to them.

    reduction : {"mean", "sum", "none"}, default="mean"
        Mean over rows, sum over rows, or one number per row.

    Returns
    -------
    Tensor of shape () or (n_samples,), float32 or float64
        Σ_l p_l [log(e^{f_l} + Σ_{m ≠ l} (1 − p_m) e^{f_m}) − f_l] of each row, reduced.

    Raises
    ------
    ValueError
        For shapes that do not fit or an unknown `reduction`. Values are not looked at, which
        would make a GPU wait; a probability above one counts as one.

    See Also
    --------
    DoubleDistillation : The same as a module.
    linear_double_distillation_loss : The same with the last layer, in little memory.

    Notes
    -----
    "Double distillation" of Menon et al. (ICML 2021, on multiclass retrieval): the expectation of
    :func:`label_weighted_cross_entropy` over a label drawn from p, at O(n_labels) a row.
    The scores that minimise it have the teacher's order, but their softmax is not p. There are no
    second derivatives.

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
    """The cross-entropy of labels against negatives that the teacher weighs, as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}, default="mean"
        Mean over rows, sum over rows, or one number per row.

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
        Mean over rows, sum over rows, or one number per row.

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
        """Return the loss; true labels `y` are taken, so that all losses are called alike."""
        return double_distillation_loss(logits, proba, reduction=self.reduction)


# What labels are to rows


def check_labels_of_rows(y, shape):
    """Raise unless `y` has one column number per row, or says of each label whether it is one."""
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
    """Return the roles where observed labels are positives, and spared as such: d = Y + (1 − Y) p.

    `proba` is in the precision to compute in.
    """
    if isinstance(proba, TopK) and y.ndim == 1:
        return _roles_of_one_label(y[:, None], proba)
    p, Y = as_dense(proba, n_labels), _as_indicator(y, proba, n_labels)
    return Roles(Y, Y + (1 - Y) * p)


def _roles_of_one_label(y, top):
    """Return the roles of the label of each row, put before the teacher's entries.

    It may be among these as well: the weights of a label's entries as a negative multiply, and
    (1 − Y)(1 − p) = 1 − d.
    """
    is_known = (y >= 0).to(top.proba.dtype)
    indices = torch.cat([y.clamp(min=0), top.indices], dim=1)
    positives = torch.cat([is_known, torch.zeros_like(top.proba)], dim=1)
    return Roles(TopK(indices, positives), TopK(indices, torch.cat([is_known, top.proba], dim=1)))


def _as_indicator(y, proba, n_labels):
    """Return labels as an indicator in the precision of `proba`, a row of zeros where y is -1."""
    values = proba.proba if isinstance(proba, TopK) else proba
    if y.ndim == 2:
        return y.to(values.dtype)
    is_known = (y >= 0).to(values.dtype)[:, None]
    return as_dense(TopK(y.clamp(min=0)[:, None], is_known), n_labels)


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
    """Return probabilities in a precision."""
    if isinstance(part, TopK):
        return TopK(part.indices, part.proba.to(dtype))
    return None if part is None else part.to(dtype)


class _RetrievalLoss(torch.autograd.Function):
    """The general form, which computes its gradient along with its value."""

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
    """Yield slices of rows, as many at a time as there is to be room for the logits of."""
    n_bytes = CHUNK_BYTES.get(rows.device.type, CHUNK_BYTES_ELSEWHERE)
    size = max(1, n_bytes // (n_labels * rows.element_size()))
    for start in range(0, len(rows), size):
        yield slice(start, min(start + size, len(rows)))


def rows_of_part(part, rows):
    """Return some rows of probabilities."""
    if isinstance(part, TopK):
        return TopK(part.indices[rows], part.proba[rows])
    return None if part is None else part[rows]


def loss_then_gradient_(logits, roles):
    """Return the loss of each row, and overwrite its logits by the gradient.

    With Z = Σ_m (1 − d_m) e^{f_m} and D_l = Z + d_l e^{f_l}, the loss is Σ_l a_l (log D_l − f_l)
    and the gradient (1 − d_l) e^{f_l} Σ_m a_m / D_m − a_l Z / D_l: differences of logarithms and
    products of shares, in which nothing overflows and nothing cancels.
    """
    indices, a = _entries(roles.positives)
    scores = logits.clone() if indices is None else logits.gather(1, indices)
    if roles.negative_discount is not None:
        _, d = _entries(roles.negative_discount)
        d = d.clamp(max=1)  # rounding may have put it above
        _add_(logits, indices, torch.log1p(-d))
    top = logits.amax(dim=1, keepdim=True)
    top = top.masked_fill(top == -torch.inf, 0)  # where every label is spared altogether
    mass = logits.sub_(top).exp_().sum(dim=1, keepdim=True)
    gap = (top - scores).add_(mass.log())  # log Z − f
    losses, pulls = a * gap, a
    if roles.negative_discount is not None:
        gap.masked_fill_(a == 0, 0)  # which adds nothing, even where the gap is infinite
        log_d = d.log()
        losses, pulls = a * torch.logaddexp(gap, log_d), a * torch.sigmoid(gap - log_d)
    # A row with any negative has a term e^0, so that its mass is at least 1.
    logits.mul_(pulls.sum(dim=1, keepdim=True) / mass.clamp(min=1))
    _add_(logits, indices, -pulls)
    return losses.sum(dim=1)


def _entries(part):
    """Return indices and values; None for indices where each label has its column."""
    return part if isinstance(part, TopK) else (None, part)


def _add_(logits, indices, values):
    """Add values in place to the logits that they belong to."""
    if indices is None:
        logits.add_(values)
    else:
        logits.scatter_add_(1, indices, values)
