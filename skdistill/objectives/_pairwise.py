"""The distilled bipartite ranking loss over all pairs, in linear or nearly linear time."""

import numpy as np
from scipy.special import logsumexp

from .._typing import ArrayLike, Floats
from .._validation import check_row_weights
from ._kernel_sum import (
    MIRRORED_SIGMOID,
    MIRRORED_SOFTPLUS,
    SIGMOID,
    SIGMOID_SLOPE,
    kernel_sums,
)

SURROGATES = ("logistic", "exponential", "hinge", "squared_hinge")

# φ(0): what the pair of a row with itself adds to the full sum.
LOSS_OF_EQUALS = {"logistic": np.log(2), "exponential": 1.0, "hinge": 1.0, "squared_hinge": 1.0}
# φ''(0): the same for the diagonal of the Hessian, half of it from either side.
CURVATURE_OF_EQUALS = {"logistic": 0.25, "exponential": 1.0, "hinge": 0.0, "squared_hinge": 2.0}

# Cells are numbered by integers that a float64 holds exactly.
LARGEST_SCORE = 2.0**50


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
    s, a, b = _check(scores, proba, surrogate, sample_weight)
    if surrogate == "logistic":
        left, right, losses = kernel_sums(
            s, [a, b], [(SIGMOID, 0), (MIRRORED_SIGMOID, 1), (MIRRORED_SOFTPLUS, 1)]
        )
        full, gradient = a @ losses, b * left - a * right
    elif surrogate == "exponential":
        pulls, pushes = _exponential_sums(s, a, b)
        full, gradient = pulls.sum(), pushes - pulls
    else:
        full, gradient = _hinge_loss(_SortedPairs(s, a, b), squared=surrogate == "squared_hinge")
    total = _pair_weight(a, b)
    return float((full - LOSS_OF_EQUALS[surrogate] * (a @ b)) / total), gradient / total


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
    s, a, b = _check(scores, proba, surrogate, sample_weight)
    if surrogate == "logistic":
        of_a, of_b = kernel_sums(s, [a, b], [(SIGMOID_SLOPE, 0), (SIGMOID_SLOPE, 1)])
        full = a * of_b + b * of_a
    elif surrogate == "exponential":
        full = np.add(*_exponential_sums(s, a, b))
    else:
        of_a, of_b = _SortedPairs(s, a, b).active_sums(a, b)
        full = CURVATURE_OF_EQUALS[surrogate] * (a * of_b + b * of_a)
    own = 2 * CURVATURE_OF_EQUALS[surrogate] * a * b
    return np.maximum(full - own, 0) / _pair_weight(a, b)


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
    s, a, b = _check(scores, proba, surrogate, sample_weight)
    v = np.asarray(vector, dtype=np.float64)
    if v.shape != s.shape:
        raise ValueError(f"vector must have the shape of scores, {s.shape}; got {v.shape}.")
    if surrogate == "logistic":
        wanted = [(SIGMOID_SLOPE, row) for row in range(4)]
        of_a, of_b, of_av, of_bv = kernel_sums(s, [a, b, a * v, b * v], wanted)
        full = v * (a * of_b + b * of_a) - (a * of_bv + b * of_av)
    elif surrogate == "exponential":
        pulls, pushes = _exponential_sums(s, a, b)
        v_pulling, v_pushing = _exponential_means(s, a, b, v)
        full = pulls * (v - v_pulling) + pushes * (v - v_pushing)
    else:
        pairs = _SortedPairs(s, a, b)
        (of_a, of_b), (of_av, of_bv) = pairs.active_sums(a, b), pairs.active_sums(a * v, b * v)
        full = a * (v * of_b - of_bv) + b * (v * of_a - of_av)
        full *= CURVATURE_OF_EQUALS[surrogate]
    return full / _pair_weight(a, b)


def _check(scores, proba, surrogate, sample_weight):
    """Return scores and the weights of each row as a positive and as a negative one."""
    if surrogate not in SURROGATES:
        raise ValueError(f"surrogate must be one of {SURROGATES}; got {surrogate!r}.")
    s, p = np.asarray(scores, dtype=np.float64), np.asarray(proba, dtype=np.float64)
    if s.ndim != 1 or s.shape != p.shape:
        raise ValueError(
            "scores and proba must both have shape (n_samples,), proba the probability of the "
            f"positive class; got shapes {s.shape} and {p.shape}."
        )
    if not (np.abs(s) <= LARGEST_SCORE).all():
        bad = np.argmin(np.abs(s) <= LARGEST_SCORE)
        raise ValueError(
            f"scores must be finite and at most 2^50 in size; row {bad} has {s[bad]}. Scale the "
            "features, or lower the step size of whatever gave the scores."
        )
    if not ((p >= 0) & (p <= 1)).all():
        bad = np.argmin((p >= 0) & (p <= 1))
        raise ValueError(f"proba must lie in [0, 1]; row {bad} has {p[bad]}.")
    w = check_row_weights(sample_weight, len(s))
    return s, w * p, w * (1 - p)


def _pair_weight(a, b):
    """Return Σ_{i≠j} a_i b_j; raise if no pair carries weight."""
    total = a.sum() * b.sum() - a @ b
    if not total > 0:
        raise ValueError(
            f"No pair of rows carries weight: the positive weights Σ w p sum to {a.sum():.6g}, the "
            f"negative ones Σ w (1 − p) to {b.sum():.6g}, over {len(a)} rows. Ranking needs rows "
            "that may be positive and others that may be negative."
        )
    return total


def _exponential_sums(s, a, b):
    """Return a_k Σ_j b_j e^{−(s_k − s_j)} and b_k Σ_i a_i e^{−(s_i − s_k)} for each k."""
    log_a, log_b = _logarithms(s, a, b)
    with np.errstate(over="ignore"):
        return np.exp(log_a + logsumexp(log_b)), np.exp(log_b + logsumexp(log_a))


def _exponential_means(s, a, b, v):
    """Return the means of v under the weights b e^s and a e^{−s}."""
    log_a, log_b = _logarithms(s, a, b)
    return tuple(v @ np.exp(log - logsumexp(log)) for log in (log_b, log_a))


def _logarithms(s, a, b):
    """Return log a e^{−s} and log b e^s, for scores seen from their median: a shift is free."""
    s = s - np.median(s)
    with np.errstate(divide="ignore"):
        return np.log(a) - s, np.log(b) + s


class _SortedPairs:
    """The pairs (i, j) with margin s_i − s_j < 1, by sorted, centred scores."""

    def __init__(self, s, a, b):
        self.order = np.argsort(s)
        # Near zero the margin of 1 is not lost beside the size of the scores.
        self.z = s[self.order] - s[self.order[len(s) // 2]]
        self.a, self.b = a[self.order], b[self.order]
        # For each i the active j begin here; for each j the active i end here. The second bound
        # comes from the first, since z_i − 1 and z_j + 1 would round apart.
        self.first = np.searchsorted(self.z, self.z - 1, side="right")
        self.last = np.searchsorted(self.first, np.arange(len(s)), side="right")

    def sum_over_j(self, values):
        """Return Σ over the active j of each i, for sorted values."""
        return np.concatenate([np.cumsum(values[::-1])[::-1], [0]])[self.first]

    def sum_over_i(self, values):
        """Return Σ over the active i of each j, for sorted values."""
        return np.concatenate([[0], np.cumsum(values)])[self.last]

    def back(self, values):
        """Return sorted values in the order of the rows."""
        unsorted = np.empty_like(values)
        unsorted[self.order] = values
        return unsorted

    def active_sums(self, of_i, of_j):
        """Return, for each row, Σ of_i over its active i and Σ of_j over its active j."""
        return (
            self.back(self.sum_over_i(of_i[self.order])),
            self.back(self.sum_over_j(of_j[self.order])),
        )


def _hinge_loss(pairs, *, squared):
    """Return the full loss and gradient of the hinge, or of its square."""
    z, a, b = pairs.z, pairs.a, pairs.b
    u = 1 - z
    b0, b1 = pairs.sum_over_j(b), pairs.sum_over_j(b * z)
    a0 = pairs.sum_over_i(a)
    if not squared:
        return a @ (u * b0 + b1), pairs.back(b * a0 - a * b0)
    b2, a1 = pairs.sum_over_j(b * z**2), pairs.sum_over_i(a * z)
    loss = a @ (u**2 * b0 + 2 * u * b1 + b2)
    return loss, pairs.back(2 * b * ((1 + z) * a0 - a1) - 2 * a * (u * b0 + b1))
