"""Newton's method for the logistic pairwise loss of few dense features, with scores in bins.

The terms of a pair depend on the difference of its scores only. With scores rounded to bins of
width h, loss, gradient and Hessian Σ a_i b_j φ''(s_i − s_j) (x_i − x_j)(x_i − x_j)ᵀ need only the
sums of a, b, a x and b x over each bin: one pass over the rows. They are off by about h² / 24
relative. So they lead near the minimum, and the exact loss and gradient on from there.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, sparse
from scipy.special import expit

from ...objectives._newton import ConjugateGradientSteps

# Width of a bin, and the largest number of bins.
BIN_WIDTH, MAX_BINS = 0.125, 512
# The last step on binned scores is the first that promises no more than this.
SMALL_GAIN = 1e-3
# Rows of which a scaled copy stays in the processor's cache.
BLOCK = 2048


class Expansion(NamedTuple):
    """Loss, gradient and Hessian of an objective at a point."""

    loss: float
    gradient: Any
    hessian: Any

    def step(self):
        """Return Newton's step; None if the Hessian is singular or not finite."""
        # Features of unlike scale: the diagonal becomes 1.
        with np.errstate(invalid="ignore", divide="ignore"):
            scale = 1 / np.sqrt(self.hessian.diagonal())
            hessian = self.hessian * scale * scale[:, None]
        if not np.isfinite(hessian).all():
            return None
        try:
            factor = linalg.cho_factor(hessian, check_finite=False)
        except linalg.LinAlgError:  # without a penalty, features may be collinear
            return None
        return -scale * linalg.cho_solve(factor, scale * self.gradient, check_finite=False)


class BinnedObjective:
    """The objective of linear scores with its scores in bins.

    Parameters
    ----------
    objective : LinearObjective
        Of the logistic loss, with dense rows.
    """

    def __init__(self, objective):
        self.X, self.l2 = objective.X, objective.l2
        weight, proba = objective.risk.weight, objective.risk.proba
        self.a, self.b = weight * proba, weight * (1 - proba)
        self.pair_weight = self.a.sum() * self.b.sum()

    def expand(self, w):
        """Return the expansion at some coefficients; None if their scores need too many bins."""
        scores = self.X @ w
        low, high = scores.min(), scores.max()
        if not high - low < BIN_WIDTH * MAX_BINS:
            return None
        position = (scores - low) / BIN_WIDTH
        bins = position.astype(np.intp)
        d = BIN_WIDTH * np.arange(bins.max() + 1)
        sum_a, sum_b = (np.bincount(bins, each, len(d)) for each in (self.a, self.b))
        slope = linalg.toeplitz(expit(d), expit(-d))  # σ(s_k − s_j)
        pair_loss = linalg.toeplitz(np.logaddexp(0, -d), np.logaddexp(0, d))
        by_score = self.b * (slope @ sum_a)[bins] - self.a * (slope.T @ sum_b)[bins]
        # The loss at the middles of the bins, and its change up to the scores.
        loss = sum_a @ pair_loss @ sum_b + BIN_WIDTH * (by_score @ (position - bins - 0.5))
        hessian = self._hessian(bins, slope * slope.T, sum_a, sum_b) / self.pair_weight
        hessian.flat[:: len(w) + 1] += self.l2
        return Expansion(
            loss / self.pair_weight + self.l2 / 2 * (w @ w),
            self.X.T @ by_score / self.pair_weight + self.l2 * w,
            hessian,
        )

    def _hessian(self, bins, curvature, sum_a, sum_b):
        """Return the Hessian of the double sum."""
        weight = self.a * (curvature @ sum_b)[bins] + self.b * (curvature @ sum_a)[bins]
        rows = np.arange(len(bins) + 1)
        moments_a, moments_b = (
            sparse.csr_array((each, bins, rows), (len(bins), len(sum_a))).T @ self.X
            for each in (self.a, self.b)
        )
        cross = moments_a.T @ curvature @ moments_b
        return self._second_moments(weight) - cross - cross.T

    def _second_moments(self, weight):
        """Return Σ weight · x xᵀ, by blocks of rows that stay in the processor's cache."""
        moments, root = np.zeros((self.X.shape[1],) * 2), np.sqrt(weight)
        for start in range(0, len(weight), BLOCK):
            block = self.X[start : start + BLOCK] * root[start : start + BLOCK, None]
            moments += block.T @ block  # NumPy computes half of it
        return moments


def minimise_binned(binned, w, max_iter):
    """Return a point near the minimum of the binned objective, an expansion near it, and the steps.

    It stops where a step promises little, or where the loss does not fall.
    """
    expansion = binned.expand(w)
    for n_iter in range(max_iter):
        step = expansion.step()
        if step is None:
            return w, None, n_iter
        if -expansion.gradient @ step <= SMALL_GAIN:
            return w + step, expansion, n_iter + 1
        following = binned.expand(w + step)
        if following is None or not following.loss < expansion.loss:
            return w, expansion, n_iter
        w, expansion = w + step, following
    return w, expansion, max_iter


class BinnedThenExactSteps(ConjugateGradientSteps):
    """Steps of binned scores as long as they make progress, then those of conjugate gradients.

    Parameters
    ----------
    objective, model : LinearObjective
        The objective, and the same on all rows or on a sample, which gives the curvature.

    expansion : Expansion, default=None
        Gives the Hessian of the first step.
    """

    def __init__(self, objective, model, expansion=None):
        super().__init__(objective, model)
        self._binned, self._expansion = BinnedObjective(model), expansion

    def step(self, point, gradient):
        """Return the step from a point."""
        expansion = self._expansion or (self._binned and self._binned.expand(point))
        self._expansion = None
        step = expansion and expansion._replace(gradient=gradient).step()
        return super().step(point, gradient) if step is None else step

    def refine(self):
        """Replace the binned scores, then the sample; return whether that changes the steps."""
        if self._binned is None:
            return super().refine()
        self._binned = None
        return True
