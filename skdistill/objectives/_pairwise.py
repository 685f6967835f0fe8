"""The distilled bipartite ranking loss over all pairs, in linear or nearly linear time."""

import numpy as np

from .._typing import ArrayLike, Floats
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
    The distilled bipartite risk of Menon et al. (ICML 2021, section on bipartite ranking), whose
    pair weight is a product: with a = w p and b = w (1 − p) the full sum over all i and j is
    Σ_i a_i Σ_j b_j φ(s_i − s_j), and the pairs of a row with itself, φ(0) Σ a b, are taken off.

    *Logistic*, O(n). With S_a(x) = Σ_j a_j σ(x − s_j) and S̄_b(x) = Σ_j b_j σ(s_j − x), the
    gradient is b_k S_a(s_k) − a_k S̄_b(s_k): both sums are of positive terms, so that separated
    hard labels lose no digit. These sums are convolutions of the weights with a kernel that is
    analytic for |Im d| < π. The scores are put into cells of width 1/4 or 1; within two cells
    whose centres are D apart the kernel is Σ_kl A_kl(D) T_k(u) T_l(v) with Chebyshev polynomials
    T of the positions u, v in [−1, 1] and 9 or 14 terms, to rounding. So each cell keeps the
    moments Σ b T_l(v), and the sum at u is Σ_k T_k(u) Σ_D A_kl(D) · moments. Beyond 40 the kernel
    is constant, or a line, and cumulative sums do.

    *Exponential*, O(n): the double sum is a product of two sums, taken in logarithms. It
    overflows to infinity where scores differ by more than about 700.

    *Hinge and squared hinge*, O(n log n): for the sorted, centred scores the pairs with d < 1
    are a suffix of the j for each i, and a prefix of the i for each j; sums of b, b s and b s²
    over suffixes give the rest.

    Entries are exact to about 1e-14 of the largest. What the logistic surrogate adds beyond a
    margin of 40, e^{−40} of a pair's weight or less, comes out 0.

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
        a_k T_b(s_k) + b_k T_a(s_k) − 2 φ''(0) a_k b_k over the total pair weight, with T_w(x) =
        Σ_j w_j φ''(x − s_j); never negative. It is what a booster needs. For isolated rows it is
        accurate absolutely, not relatively. All zero for the hinge.

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
        As for :func:`pairwise_loss`, and if `vector` has another shape than `scores`.

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
    product = sums.product(rows, v)
    product /= rows.pair_weight
    return product


def _sums_of(surrogate):
    """Return the module of a surrogate."""
    if surrogate not in SURROGATES:
        raise ValueError(f"surrogate must be one of {SURROGATES}; got {surrogate!r}.")
    return SUMS[surrogate]
