"""The distilled bipartite ranking loss over all pairs, in linear or nearly linear time."""

import numpy as np

from .._utils._typing import ArrayLike, Floats
from . import _exponential_pairs, _hinge_pairs, _logistic_pairs, _squared_hinge_pairs
from ._bipartite_rows import LARGEST_SCORE as LARGEST_SCORE
from ._bipartite_rows import BipartiteRows

# Each gives the sums over all pairs, i = j among them, and what one such pair adds to the loss.
SUMS = {
    "logistic": _logistic_pairs,
    "exponential": _exponential_pairs,
    "hinge": _hinge_pairs,
    "squared_hinge": _squared_hinge_pairs,
}
SURROGATES = tuple(SUMS)


def pairwise_loss(
    scores: ArrayLike,
    proba: ArrayLike,
    *,
    surrogate: str = "logistic",
    sample_weight: ArrayLike | None = None,
) -> tuple[float, Floats]:
    """Return the distilled bipartite ranking loss over all pairs, and its gradient.

    Parameters
    ----------
    scores : array-like of shape (n_samples,), float
        Score s_i of each row; finite, at most 2^50 in size.

    proba : array-like of shape (n_samples,), float
        Probability p_i in [0, 1] that the row is positive; labels 0 and 1 give the classical
        pairwise loss.

    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}, default="logistic"
        φ of the margin d = s_i − s_j: log(1 + e^{−d}), e^{−d}, max(0, 1 − d) or its square.
        The logistic, exponential and squared hinge ones are consistent for the AUC, the hinge
        is not.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight w_i >= 0 of each row; 1 by default.

    Returns
    -------
    loss : float
        Σ_{i≠j} w_i w_j p_i (1 − p_j) φ(s_i − s_j) / Σ_{i≠j} w_i w_j p_i (1 − p_j).

    gradient : ndarray of shape (n_samples,), float64
        Its derivative by each score. For the hinge, whose derivative jumps where d = 1, the
        one of larger margins.

    Raises
    ------
    ValueError
        For scores that are not finite or too large, probabilities outside [0, 1], or if no
        pair carries weight, as when every probability is 0 or every one is 1.

    See Also
    --------
    pairwise_hessian_diagonal : Second derivatives by one score.
    pairwise_hessian_product : The Hessian times a vector.

    Notes
    -----
    The distilled bipartite risk of Menon et al. (ICML 2021, section on bipartite ranking). Its
    pair weight is a product: with a = w p and b = w (1 − p) the sum over all i and j is
    Σ_i a_i Σ_j b_j φ(s_i − s_j), from which the pairs of a row with itself, φ(0) Σ a b, are taken.

    *Logistic*, O(n). With S_a(x) = Σ_j a_j σ(x − s_j) and S̄_b(x) = Σ_j b_j σ(s_j − x), the
    gradient is b_k S_a(s_k) − a_k S̄_b(s_k): both sums are of positive terms, so that separated
    hard labels lose no digit. They are convolutions Σ_j w_j K(x − s_j) with a kernel that is
    analytic for ``|Im d| < π``. So scores are put into cells of width h = 1/4, or 1 if they spread
    over more than 64, whose borders are multiples of h. Let t in [−1/2, 1/2) be the place of a
    score in its cell. Within two cells whose centres are D apart

        K(D + h t − h t') = Σ_{k,l<p} A_kl(D) T_k(2t) T_l(2t')

    with Chebyshev polynomials T and A(D) from interpolation at their nodes; the error is about
    2 (h/4π)^p, rounding for p = 9 or 14. A cell keeps the moments μ_l = Σ w T_l(2t') of its rows;
    the sum at x is Σ_k c_k T_k(2t), with c = Σ_D A(D) μ over the cells within 40 of the own one.
    Beyond, K is 0 or 1, and cumulative sums of μ_0 do; or a line, for the loss, whose kernel is φ,
    and those of the rows' places do, too. The loss is Σ μ_k c_k over cells, with μ of a and c of b.

    Where rows are many, cells are parted into fine ones, 1/8, 1/16, 1/32, 1/128 or 1/1024 wide, the
    narrowest that 8 rows share on average. There 8, 7, 6, 5 or 4 terms suffice, so that a row costs
    a few powers of its place t in the fine cell, twice: Σ w t^m going in, Σ c_m t^m coming out. On
    a fine cell, T_k of the cell around it is Σ_m E_mk t^m to rounding: E takes the moments of the
    fine cells to those of the cell, and its transpose the answer of the cell to the fine ones.

    *Exponential*, O(n). The double sum is Σ_i a_i e^{l − s_i} · Σ_j b_j e^{s_j − h} · e^{h − l}, l
    the lowest score with a > 0 and h the highest with b > 0; the gradient has one e-power per
    row. It overflows to infinity where scores differ by more than about 700.

    *Hinge and squared hinge*, O(n log n). For sorted scores z, the j with d < 1 are a suffix of the
    ranks for each i, from rank f on, and the loss needs Σ_{j>=f} b_j (1 − z_i + z_j)^r for r <= 2.
    With R_r(f) = Σ_{j>=f} b_j (z_j − z_f)^r and the slack e = 1 − z_i + z_f, these are R_0,
    e R_0 + R_1 and e² R_0 + 2 e R_1 + R_2, and R comes by a cumulative sum over the gaps
    g = z_{f+1} − z_f: R_1(f) = R_1(f+1) + g R_0(f+1) and R_2(f) = R_2(f+1) + 2 g R_1(f+1) +
    g² R_0(f+1). No term is negative: nothing cancels. The i for each j are a prefix, likewise.

    *Memory.* Rows are read in blocks of 8192, and float32 input is not copied. Beyond its input
    and the gradient, a call with the logistic or exponential surrogate takes a few megabytes for
    any n, 20 for logistic scores that spread over 16,384. If they lie in more cells of width 1 than
    that, they are sorted and come in bands of 8192 cells, each with those within reach: that takes
    eight vectors of n as well, and about 20 µs for each cell that holds a score. The hinges take
    up to eight vectors of n.

    *Accuracy.* Entries are exact to about 1e-14 of the largest. What the logistic surrogate adds
    beyond a margin of 40, e^{−40} of a pair's weight or less, comes out 0.

    Examples
    --------
    >>> from skdistill.objectives import pairwise_loss
    >>> loss, gradient = pairwise_loss([2.0, 0.0, 1.0], [0.9, 0.2, 0.4])
    >>> round(loss, 4)
    0.3486
    """
    sums = _sums_of(surrogate)
    rows = BipartiteRows(scores, proba, sample_weight)
    full, gradient = sums.loss_and_gradient(rows)
    gradient /= rows.pair_weight
    return float((full - sums.LOSS_OF_EQUALS * rows.own_weight) / rows.pair_weight), gradient


def pairwise_hessian_diagonal(
    scores: ArrayLike,
    proba: ArrayLike,
    *,
    surrogate: str = "logistic",
    sample_weight: ArrayLike | None = None,
) -> Floats:
    """Return the second derivative of :func:`pairwise_loss` by each score.

    Parameters
    ----------
    scores, proba, surrogate, sample_weight
        As for :func:`pairwise_loss`.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        a_k T_b(s_k) + b_k T_a(s_k) − 2 φ''(0) a_k b_k over the total pair weight, with
        T_b(x) = Σ_j b_j φ''(x − s_j) and T_a(x) = Σ_i a_i φ''(s_i − x); never negative. It is what
        a booster needs. For isolated rows it is accurate absolutely, not relatively. All zero for
        the hinge.

    Raises
    ------
    ValueError
        As for :func:`pairwise_loss`.

    Examples
    --------
    >>> from skdistill.objectives import pairwise_hessian_diagonal
    >>> pairwise_hessian_diagonal([0.0, 0.0], [1.0, 0.0])
    array([0.25, 0.25])
    """
    sums = _sums_of(surrogate)
    rows = BipartiteRows(scores, proba, sample_weight)
    diagonal = sums.diagonal(rows)
    diagonal /= rows.pair_weight
    return np.maximum(diagonal, 0, out=diagonal)  # rounding


def pairwise_hessian_product(
    scores: ArrayLike,
    proba: ArrayLike,
    vector: ArrayLike,
    *,
    surrogate: str = "logistic",
    sample_weight: ArrayLike | None = None,
) -> Floats:
    """Return the Hessian of :func:`pairwise_loss` by the scores, times a vector.

    Parameters
    ----------
    scores, proba, surrogate, sample_weight
        As for :func:`pairwise_loss`.

    vector : array-like of shape (n_samples,), float
        What the Hessian is multiplied with; finite.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        v ⊙ (a ⊙ T_b + b ⊙ T_a) − (a ⊙ T_{bv} + b ⊙ T_{av}) over the total pair weight: what
        Newton's method with conjugate gradients needs. All zero for the hinge.

    Raises
    ------
    ValueError
        As for :func:`pairwise_loss`, and if `vector` has another shape than `scores` or is not
        finite.

    Examples
    --------
    >>> from skdistill.objectives import pairwise_hessian_product
    >>> pairwise_hessian_product([0.0, 0.0], [1.0, 0.0], [1.0, 0.0])
    array([ 0.25, -0.25])
    """
    sums = _sums_of(surrogate)
    rows = BipartiteRows(scores, proba, sample_weight)
    v = np.asarray(vector, dtype=np.float64)
    if v.shape != rows.s.shape:
        raise ValueError(f"vector must have the shape of scores, {rows.s.shape}; got {v.shape}.")
    if not np.isfinite(v).all():
        bad = np.argmin(np.isfinite(v))
        raise ValueError(f"vector must be finite; row {bad} has {v[bad]}.")
    product = sums.product(rows, v)
    product /= rows.pair_weight
    return product


def _sums_of(surrogate):
    """Return the module of a surrogate."""
    if surrogate not in SURROGATES:
        raise ValueError(f"surrogate must be one of {SURROGATES}; got {surrogate!r}.")
    return SUMS[surrogate]
