"""The distilled bipartite ranking loss over all pairs, in linear or nearly linear time."""

from __future__ import annotations

import numpy as np

from .._utils._typing import ArrayLike, Floats
from . import _exponential_pairs, _hinge_pairs, _logistic_pairs, _squared_hinge_pairs
from ._bipartite_rows import LARGEST_SCORE as LARGEST_SCORE
from ._bipartite_rows import BipartiteRows

# Each module has the sums over all pairs, including i = j, and the loss of a pair i = j.
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
        Score s_i of each row; finite, at most 2^50 in absolute value.

    proba : array-like of shape (n_samples,), float
        The teacher's probabilities p. Each is the probability, in [0, 1], that the row is positive;
        labels 0 and 1 give the classical pairwise loss.

    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}, default="logistic"
        φ of the margin d = s_i − s_j: log(1 + e^{−d}), e^{−d}, max(0, 1 − d) or its square.
        The logistic, exponential and squared hinge are consistent for the AUC, the hinge is not.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight w >= 0 of each row; 1 by default.

    Returns
    -------
    loss : float
        Σ_{i≠j} w_i w_j p_i (1 − p_j) φ(s_i − s_j) / Σ_{i≠j} w_i w_j p_i (1 − p_j).

    gradient : ndarray of shape (n_samples,), float64
        Its derivative by each score. For the hinge, at d = 1 it is the right derivative.

    Raises
    ------
    ValueError
        For scores that are not finite or too large, probabilities outside [0, 1], or if no
        pair carries weight, for example if all probabilities are 0 or all are 1.

    See Also
    --------
    pairwise_hessian_diagonal : Second derivatives by one score.
    pairwise_hessian_product : The Hessian times a vector.

    Notes
    -----
    The distilled bipartite risk of Menon et al. (ICML 2021, section on bipartite ranking). Its
    pair weight is a product: with a = w p and b = w (1 − p) the sum over all i and j is
    Σ_i a_i Σ_j b_j φ(s_i − s_j). The pairs of a row with itself, φ(0) Σ a b, are subtracted.

    *Logistic*, O(n). With S_a(x) = Σ_j a_j σ(x − s_j) and S̄_b(x) = Σ_j b_j σ(s_j − x), the
    gradient is b_k S_a(s_k) − a_k S̄_b(s_k). Both sums have positive terms, so that there is no
    cancellation for separated hard labels. They are convolutions Σ_j w_j K(x − s_j) with a kernel
    that is analytic for ``|Im d| < π``, and computed by a fast multipole method. Scores are put
    into cells of width h = 1/4, or 1 if their range is above 64, with borders at multiples of h.
    Let t in [−1/2, 1/2) be the position of a score in its cell. For two cells at distance D

        K(D + h t − h t') = Σ_{k,l<p} A_kl(D) T_k(2t) T_l(2t')

    with Chebyshev polynomials T, and A(D) from interpolation at their nodes; the error is about
    2 (h/4π)^p, rounding for p = 9 or 14. A cell has the moments μ_l = Σ w T_l(2t') of its rows.
    The sum at x is the local expansion Σ_k c_k T_k(2t), with c = Σ_D A(D) μ over the near field,
    the cells within 3. In the far field K is 0 or 1, or linear for the loss, plus a polynomial of
    degree 8 in u = e^{−|d|}, by interpolation on [0, e^{−3}] (error 5e-16). Constants need
    cumulative sums of μ_0, linear parts also those of the rows' positions, and powers separate,
    u^m = e^{−m x} e^{m y}: cumulative sums with a decay from cell to cell. The loss is Σ μ_k c_k
    over cells, with μ of a and c of b.

    With many rows, cells are divided into fine cells, 1/8, 1/16, 1/32, 1/128 or 1/1024 wide: the
    narrowest with 8 rows on average. They need 8, 7, 6, 5 or 4 terms, so that a row costs only a
    few powers of its position t in the fine cell, for its moments Σ w t^m and for its sum
    Σ c_m t^m. On a fine cell, T_k of the coarse cell is Σ_m E_mk t^m to rounding: E maps moments of
    fine cells to those of the coarse cell, and its transpose maps local expansions back.

    If the range of the scores is above 64 + n/4, or above 16,384, they are sorted and processed in
    bands of 16,384 occupied cells of width 1. A band with at most 100 pairs per such cell that are
    in the same or adjacent cells of width 4 has no moments: these pairs are summed one by one, and
    all others by 7 exponentials. Up to 256 rows, all pairs are summed one by one.

    *Exponential*, O(n). The double sum is Σ_i a_i e^{l − s_i} · Σ_j b_j e^{s_j − h} · e^{h − l}, l
    the lowest score with a > 0 and h the highest with b > 0; the gradient has one exponential per
    row. It overflows to infinity if scores differ by more than about 700.

    *Hinge and squared hinge*, O(n log n). For sorted scores z, the j with d < 1 are a suffix of the
    ranks for each i, from rank f on, and the loss needs Σ_{j>=f} b_j (1 − z_i + z_j)^r for r <= 2.
    With R_r(f) = Σ_{j>=f} b_j (z_j − z_f)^r and the slack e = 1 − z_i + z_f, these are R_0,
    e R_0 + R_1 and e² R_0 + 2 e R_1 + R_2, and R is a cumulative sum over the gaps
    g = z_{f+1} − z_f: R_1(f) = R_1(f+1) + g R_0(f+1) and R_2(f) = R_2(f+1) + 2 g R_1(f+1) +
    g² R_0(f+1). No term is negative: nothing cancels. Likewise the i for each j are a prefix.

    *Memory.* Rows are read in blocks of 8192, and float32 input is not copied. Beyond its input
    and the gradient, a call with the logistic or exponential surrogate takes a few megabytes for
    any n, 20 for logistic scores with a range of 16,384. Bands of sorted scores also take eight
    vectors of length n, and less than 1 µs per row: up to 40 times a fast `numpy.argsort`. The
    hinges take up to eight vectors of length n.

    *Accuracy.* Entries are exact to about 1e-14 of the largest, for scores that spread over 1e-6
    as over 1e12. Contributions of the logistic surrogate beyond a margin of 40, at most e^{−40} of
    a pair's weight, may be 0.

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
    return float((full - sums.LOSS_OF_EQUALS * rows.self_weight) / rows.pair_weight), gradient


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
        T_b(x) = Σ_j b_j φ''(x − s_j) and T_a(x) = Σ_i a_i φ''(s_i − x); never negative. Boosters
        use it. For isolated rows the absolute error is small, not the relative one. Zero for the
        hinge.

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
        Vector to multiply by; finite.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        v ⊙ (a ⊙ T_b + b ⊙ T_a) − (a ⊙ T_{bv} + b ⊙ T_{av}) over the total pair weight, for
        Newton's method with conjugate gradients. Zero for the hinge.

    Raises
    ------
    ValueError
        As for :func:`pairwise_loss`, and if `vector` has not the shape of `scores` or is not
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
