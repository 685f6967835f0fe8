"""The exact loss over all pairs of rows in partitions, as a function of linear coefficients.

Each evaluation makes two passes over the rows. The first computes the moments of each partition,
which are summed as a tree. The second computes the gradient of each partition's rows from the
local expansions of the sum; gradients are summed, too. Only coefficients, moments, expansions and
gradients are sent.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from ..objectives import _exponential_pairs, _logistic_pairs
from ..objectives._bipartite_rows import CheckedRows
from ..objectives._exponential_pairs import Factors
from ..objectives._logistic_blocks import Moments
from ..students.ranking._pairs import PairwiseRisk
from ..students.ranking.linear import LARGEST_SCORE, LinearObjective, draw_rows, n_rows_to_draw
from ._placement import map_partitions, sum_over_partitions
from ._run import as_delayed

# Class of a partition's partial sums, and the loss of a pair of equal scores.
PARTIALS = {
    "logistic": (Moments, _logistic_pairs.LOSS_OF_EQUALS),
    "exponential": (Factors, _exponential_pairs.LOSS_OF_EQUALS),
}


class PairTargets(NamedTuple):
    """The probability of the second class in each row of a partition, and the rows' weights."""

    p: np.ndarray
    weight: np.ndarray | None  # None if every row has weight 1

    @classmethod
    def of(cls, targets):
        """Return the pair targets of two-class targets."""
        p = targets.proba
        p = p[:, [1]].toarray().ravel() if sparse.issparse(p) else p[:, 1].copy()
        return cls(p, targets.weight)

    def shares(self):
        """Return the positive and the negative weight of each row."""
        w = 1.0 if self.weight is None else self.weight
        return w * self.p, w * (1 - self.p)


class Sums(NamedTuple):
    """Number of rows of a partition, and the sums of a, b and a b over them."""

    n_rows: int
    positive: float
    negative: float
    self_pairs: float

    @classmethod
    def of(cls, block):
        """Return the sums of a partition, after checking that its rows are finite."""
        X, targets = block
        check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], input_name="X")
        a, b = targets.shares()
        return cls(len(a), a.sum(), b.sum(), a @ b)


class PairsObjective:
    """The mean loss over all pairs of linear scores with an L2 penalty, over partitions."""

    def __init__(self, blocks, sums, surrogate, l2, n_features):
        self.blocks, self.sums = blocks, sums  # one for each partition
        self.total = Sums(*np.sum(sums, axis=0))
        self.surrogate, self.l2, self.n_features = surrogate, l2, n_features
        self.partial_sums, self.loss_of_equals = PARTIALS[surrogate]
        self._model = None

    @property
    def pair_weight(self):
        """Σ a · Σ b, including pairs of a row with itself, so that weights equal repeated rows."""
        return self.total.positive * self.total.negative

    def loss_and_gradient(self, w):
        """Return the objective and its gradient; infinite if scores diverge."""
        partial_sums = self.partials(w, self.partial_sums)
        if partial_sums is None:
            return np.inf, np.full_like(w, np.nan)
        expansions = partial_sums.expansions()
        loss = (expansions.loss - self.loss_of_equals * self.total.self_pairs) / self.pair_weight
        gradient = (
            sum_over_partitions(self.blocks, _gradient, as_delayed(w), as_delayed(expansions))
            / self.pair_weight
        )
        return loss + self.l2 / 2 * (w @ w), gradient + self.l2 * w

    def curvature(self, w):
        """Return a function for Hessian-vector products, and the approximate diagonal."""

        def multiply(v):
            expansions = sum_over_partitions(
                self.blocks, _slope_partial_sums, as_delayed(w), v, self.partial_sums
            ).expansions()
            product = sum_over_partitions(
                self.blocks, _slope_product, as_delayed(w), v, as_delayed(expansions)
            )
            return product / self.pair_weight + self.l2 * v

        _, diagonal = self.sample().curvature(w)
        return multiply, diagonal

    def sample(self):
        """Return the objective on sampled rows, in memory: the same rows as for a fit in memory.

        If a sample would save little, all rows are used.
        """
        if self._model is None:
            n_draws = n_rows_to_draw(self.total.n_rows, self.n_features)
            shares = [
                each.positive / self.total.positive + each.negative / self.total.negative
                for each in self.sums
            ]
            offsets = np.cumsum([0.0, *shares])
            drawn = map_partitions(self.blocks, _draw, self.total, n_draws, each=offsets[:-1])
            X, p, weight = zip(*drawn, strict=True)
            X = sparse.vstack(X, format="csr") if sparse.issparse(X[0]) else np.concatenate(X)
            risk = PairwiseRisk(np.concatenate(p), np.concatenate(weight), self.surrogate)
            self._model = LinearObjective(X, risk, self.l2)
        return self._model

    def partials(self, w, partial_sums):
        """Return the partial sums of all partitions, added; None if scores diverge."""
        return sum_over_partitions(self.blocks, _partial_sums_of, as_delayed(w), partial_sums)


def _numbers(X):
    """Return rows as an array or CSR matrix of floats.

    Arrays that came over a network may start at any byte; NumPy multiplies these in another order.
    """
    X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False)
    return X if sparse.issparse(X) else np.require(X, requirements="A")


def _scored(block, w):
    """Return rows as numbers, and their scores and weights; None if scores diverge."""
    X, targets = block
    X = _numbers(X)
    scores = (X @ w).astype(np.float64, copy=False)
    if not np.abs(scores).max() <= LARGEST_SCORE:
        return X, None
    return X, CheckedRows(scores, *targets.shares())


def _partial_sums_of(block, w, partial_sums):
    """Return the partial sums of a partition at its scores."""
    _, rows = _scored(block, w)
    return None if rows is None else partial_sums.of(rows)


def _gradient(block, w, expansions):
    """Return the part of the gradient that belongs to a partition."""
    X, rows = _scored(block, w)
    return X.T @ expansions.gradient(rows)


def _slope_partial_sums(block, w, v, partial_sums):
    """Return the partial sums of a partition, with the change of its scores along a vector."""
    X, rows = _scored(block, w)
    return partial_sums.of(rows, X @ v)


def _slope_product(block, w, v, expansions):
    """Return the part of the Hessian-vector product that belongs to a partition."""
    X, rows = _scored(block, w)
    return X.T @ expansions.product(rows, X @ v)


def _draw(block, sums, n_draws, offset):
    """Return the sampled rows of a partition, with probabilities and weights."""
    X, targets = block
    X, (a, b) = _numbers(X), targets.shares()
    if n_draws is None:
        return X, targets.p, a + b
    share = a / sums.positive + b / sums.negative
    rows, factor = draw_rows(share, n_draws, offset)
    return X[rows], targets.p[rows], (a + b)[rows] * factor
