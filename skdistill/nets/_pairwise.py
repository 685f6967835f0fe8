"""The distilled bipartite ranking loss over all pairs, for nets."""

import numpy as np
import torch
from torch import Tensor, nn

from ..objectives._bipartite_rows import LARGEST_SCORE
from ..objectives._kernel_sum import MIRRORED_SIGMOID, MIRRORED_SOFTPLUS, SIGMOID, Cells
from ..objectives._pairwise import SUMS, SURROGATES


def pairwise_loss(
    scores: Tensor,
    proba: Tensor,
    *,
    surrogate: str = "logistic",
    sample_weight: Tensor | None = None,
) -> Tensor:
    """Return the distilled bipartite ranking loss over all pairs of a batch.

    The torch version of :func:`skdistill.objectives.pairwise_loss`, whose notes have the formulas.

    Parameters
    ----------
    scores : Tensor of shape (n_samples,), float
        Score s_i of each row, on any device; finite, at most 2^50 in absolute value. Apply
        `squeeze(1)` to a net's output of shape (n_samples, 1).

    proba : Tensor of shape (n_samples,), float or int
        The teacher's probabilities p. Each is the probability, in [0, 1], that the row is positive;
        labels 0 and 1 give the classical pairwise loss. They are constants: no gradient flows to
        them.

    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}, default="logistic"
        φ of the margin d = s_i − s_j: log(1 + e^{−d}), e^{−d}, max(0, 1 − d) or its square.

    sample_weight : Tensor of shape (n_samples,), default=None
        Weight w >= 0 of each row; 1 by default.

    Returns
    -------
    Tensor of shape (), float32 or float64
        Σ_{i≠j} w_i w_j p_i (1 − p_j) φ(s_i − s_j) / Σ_{i≠j} w_i w_j p_i (1 − p_j), in the dtype
        of the scores, float32 for half precisions. Its backward gives the exact gradient, but no
        second derivative.

    Raises
    ------
    ValueError
        For inconsistent shapes, an unknown surrogate, scores that are not finite or too large,
        probabilities outside [0, 1], weights that are negative or not finite, and batches in
        which no pair carries weight, for example if all labels are 0 or all are 1.

    TypeError
        For scores that are not floating point.

    See Also
    --------
    PairwiseLoss : The same as a module.
    skdistill.objectives.pairwise_loss : The same for arrays, with its gradient and the formulas.

    Notes
    -----
    The distilled bipartite risk of Menon et al. (ICML 2021, section on bipartite ranking) over the
    all pairs of the batch: O(n) time, O(n log n) for the hinges, and memory of a dozen vectors of
    length n. Logistic scores with a range above 16,384 take about 1 kB for each interval of
    length 1 that contains scores. Sums are computed in float64; on MPS, which lacks it, in float32.

    The logistic loss sends the scores and the moments of the cells to the host, where the local
    expansions are computed, so that each step synchronises with the device.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import pairwise_loss
    >>> scores = torch.tensor([2.0, 0.0, 1.0], requires_grad=True)
    >>> loss = pairwise_loss(scores, torch.tensor([0.9, 0.2, 0.4]))
    >>> loss.backward()
    >>> round(loss.item(), 4)
    0.3486
    """
    if surrogate not in SURROGATES:
        raise ValueError(f"surrogate must be one of {SURROGATES}; got {surrogate!r}.")
    if not scores.is_floating_point():
        raise TypeError(f"scores must be of a floating point dtype; got {scores.dtype}.")
    if scores.dtype in (torch.float16, torch.bfloat16):
        scores = scores.float()
    return _AllPairs.apply(scores, proba, sample_weight, surrogate)


class PairwiseLoss(nn.Module):
    """The distilled bipartite ranking loss over all pairs of a batch, as a module.

    Parameters
    ----------
    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}, default="logistic"
        As for :func:`pairwise_loss`.

    See Also
    --------
    pairwise_loss : The same as a function.

    Examples
    --------
    >>> import torch
    >>> from skdistill.nets import PairwiseLoss
    >>> criterion = PairwiseLoss()
    >>> round(criterion(torch.tensor([2.0, 0.0, 1.0]), torch.tensor([0.9, 0.2, 0.4])).item(), 4)
    0.3486
    """

    def __init__(self, surrogate: str = "logistic"):
        super().__init__()
        self.surrogate = surrogate

    def forward(self, scores: Tensor, proba: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Return the loss; all three have shape (n_samples,)."""
        return pairwise_loss(scores, proba, surrogate=self.surrogate, sample_weight=sample_weight)

    def extra_repr(self) -> str:
        """Return the parameter, as torch shows it."""
        return f"surrogate={self.surrogate!r}"


class _AllPairs(torch.autograd.Function):
    """Loss over all pairs; the forward pass computes the gradient from the same sums."""

    @staticmethod
    def forward(ctx, scores, proba, sample_weight, surrogate):
        """Return the loss, and save the gradient."""
        dtype = torch.float32 if scores.device.type == "mps" else torch.float64
        s, a, b = _check(scores.detach().to(dtype), proba, sample_weight)
        self_weight = (a * b).sum()
        pair_weight = a.sum() * b.sum() - self_weight
        if not pair_weight > 0:
            raise ValueError(
                f"No pair of rows carries weight: the positive weights Σ w p sum to {a.sum():.6g}, "
                f"the negative ones Σ w (1 − p) to {b.sum():.6g}, over {len(s)} rows. Use batches "
                "with rows of both classes."
            )
        full, gradient = _SUMS[surrogate](s, a, b)
        ctx.save_for_backward(scores, (gradient / pair_weight).to(scores.dtype))
        loss = full - SUMS[surrogate].LOSS_OF_EQUALS * self_weight
        return (loss / pair_weight).to(scores.dtype)

    @staticmethod
    def backward(ctx, upstream):
        """Return the gradient by the scores."""
        return upstream * _FirstDerivative.apply(*ctx.saved_tensors), None, None, None


class _FirstDerivative(torch.autograd.Function):
    """The gradient by the scores, which raises if it is differentiated again."""

    @staticmethod
    def forward(ctx, scores, gradient):
        """Return the gradient."""
        return gradient.clone()

    @staticmethod
    def backward(ctx, upstream):
        """Raise: there are no second derivatives."""
        raise NotImplementedError(
            "pairwise_loss of skdistill.nets has no second derivatives, as a gradient penalty "
            "would need; skdistill.objectives.pairwise_hessian_product computes them."
        )


def _check(s, proba, sample_weight):
    """Return scores, and the weight of each row as a positive and as a negative."""
    p = proba.detach().to(s)
    w = torch.ones_like(s) if sample_weight is None else sample_weight.detach().to(s)
    if s.ndim != 1 or not s.shape == p.shape == w.shape:
        raise ValueError(
            "scores, proba and sample_weight must all have shape (n_samples,); got shapes "
            f"{tuple(s.shape)}, {tuple(p.shape)} and {tuple(w.shape)}. Apply squeeze(1) to a net's "
            "output of shape (n_samples, 1)."
        )
    rules = (
        ("scores", s, s.abs() <= LARGEST_SCORE, "be finite and at most 2^50 in absolute value"),
        ("proba", p, (p >= 0) & (p <= 1), "lie in [0, 1]"),
        ("sample_weight", w, (w >= 0) & w.isfinite(), "be finite and not negative"),
    )
    if not torch.stack([good for _, _, good, _ in rules]).all():  # one wait for the device
        _explain_bad_row(rules)
    return s, w * p, w * (1 - p)


def _explain_bad_row(rules):
    """Raise for the first row that breaks a rule."""
    for name, values, good, expected in rules:
        if not good.all():
            bad = int(good.int().argmin())
            raise ValueError(f"{name} must {expected}; row {bad} has {values[bad].item()}.")


def _logistic(s, a, b):
    """Return the sums over all pairs by cells of scores; expansions are computed on the host."""
    points = s.cpu().numpy()
    cells = Cells(points, points.min(), points.max())
    cell, position = _locate(s, cells)
    fine, terms = s.new_zeros(2, *cells.fine_shape), torch.stack([a, b])
    for power in fine.unbind(1):
        power.index_add_(1, cell, terms)
        terms = terms * position
    moments = cells.merge_moments(fine.cpu().numpy().astype(np.float64))
    pairs = [(SIGMOID, 0), (MIRRORED_SIGMOID, 1), (MIRRORED_SOFTPLUS, 1)]
    *sigmoids, losses = cells.local_expansions(moments, pairs)
    on_fine_cells = np.stack([cells.to_fine_cells(each) for each in sigmoids], axis=1)
    last, *others = torch.as_tensor(on_fine_cells[::-1].copy(), dtype=s.dtype, device=s.device)
    sums = last.index_select(1, cell)
    for coefficients in others:
        sums.mul_(position).add_(coefficients.index_select(1, cell))
    return float(np.vdot(moments[0], losses)), b * sums[0] - a * sums[1]


def _locate(s, cells):
    """Return the fine cell of each score, and its position in the cell."""
    position = s * (1 / cells.fine_width)
    number = position.floor()
    cell = number.long()
    if cells.has_gaps:
        ids, offset = (torch.as_tensor(each, device=s.device) for each in (cells.ids, cells.offset))
        cell -= offset[torch.searchsorted(ids, cell // cells.n_children)]
    else:
        cell -= int(cells.offset[0])
    return cell, position.sub_(number).sub_(0.5)


def _exponential(s, a, b):
    """Return the sums over all pairs as a product, each factor scaled by its largest term."""
    lowest = torch.where(a > 0, s, torch.inf).min()
    highest = torch.where(b > 0, s, -torch.inf).max()
    sum_a = _times_exp(a, lowest - s).sum()
    sum_b = _times_exp(b, s - highest).sum()
    as_positive, as_negative = _times_exp(a, highest - s) * sum_b, _times_exp(b, s - lowest) * sum_a
    return as_positive.sum(), as_negative - as_positive


def _times_exp(weight, x):
    """Return weight · e^x: 0 where the weight is 0, even if e^x overflows."""
    return torch.where(weight > 0, weight * x.exp(), 0)


def _hinge(s, a, b):
    """Return the sums over the pairs with a margin below 1, by sorted scores."""
    order, a, b, (count_b, slack_b, _), (count_a, _, _) = _active_sums(s, a, b)
    return a @ slack_b, _unsorted(b * count_a - a * count_b, order)


def _squared_hinge(s, a, b):
    """Return the same for the squared hinge."""
    order, a, b, (_, slack_b, square_b), (_, slack_a, _) = _active_sums(s, a, b)
    return a @ square_b, _unsorted(2 * b * slack_a - 2 * a * slack_b, order)


def _active_sums(s, a, b):
    """Return the order, sorted a and b, and Σ b (1 − d)^r and Σ a (1 − d)^r over active pairs."""
    z, order = s.sort()
    a, b, less_one = a[order], b[order], z - 1
    first = torch.searchsorted(z, less_one, right=True)
    last = torch.searchsorted(less_one, z) - 1
    of_b = _cumulative_sums(z.flip(0), b.flip(0)).flip(1)[:, first]
    of_a = _cumulative_sums(z, a)[:, last]
    return order, a, b, _slack_sums(1 - (z - z[first]), of_b), _slack_sums(1 - (z[last] - z), of_a)


def _cumulative_sums(z, w):
    """Return Σ w |z − z_k|^r up to each k, for r = 0, 1, 2; all terms have the same sign."""
    gap = z.diff(prepend=z[:1]).abs()
    count = w.cumsum(0)
    linear = (gap * _shifted(count)).cumsum(0)
    square = (gap * (gap * _shifted(count) + 2 * _shifted(linear))).cumsum(0)
    return torch.stack([count, linear, square])


def _shifted(values):
    """Return each value's predecessor, 0 for the first."""
    return torch.nn.functional.pad(values[:-1], (1, 0))


def _slack_sums(slack, sums):
    """Return Σ w (slack + distance)^r from Σ w distance^r."""
    count, linear, square = sums
    return count, slack * count + linear, slack * (slack * count + 2 * linear) + square


def _unsorted(values, order):
    """Return sorted values in the order of the rows."""
    return torch.empty_like(values).index_copy_(0, order, values)


_SUMS = {
    "logistic": _logistic,
    "exponential": _exponential,
    "hinge": _hinge,
    "squared_hinge": _squared_hinge,
}
