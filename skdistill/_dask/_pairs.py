"""The loss of all pairs of rows in partitions, exactly, as a function of linear coefficients.

Each evaluation passes twice over the rows: partitions tell their moments, which are added up as a
tree; the sum is answered, and each partition turns the answer into the gradient of its own rows,
which add up, too. Coefficients, moments, answers and gradients are all that travels.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from ..objectives import _exponential_pairs, _logistic_pairs
from ..objectives._bipartite_rows import KnownRows
from ..objectives._exponential_pairs import Factors
from ..objectives._logistic_blocks import Moments
from ..students.ranking._pairs import PairwiseRisk
from ..students.ranking.linear import LARGEST_SCORE, LinearObjective, draw_rows, draws_worth_it
from ._placement import map_partitions, sum_over_partitions
from ._run import as_delayed

# What partitions tell of their rows, and the loss of a pair of equal scores.
PARTIALS = {
    "logistic": (Moments, _logistic_pairs.LOSS_OF_EQUALS),
    "exponential": (Factors, _exponential_pairs.LOSS_OF_EQUALS),
}


class PairTargets(NamedTuple):
    """The probability of the second class in each row of a partition, and the rows' weights."""

    p: np.ndarray
    weight: np.ndarray | None  # None where every row weighs 1

    @classmethod
    def of(cls, targets):
        """Return what pairs need of targets of two classes."""
        p = targets.proba
        p = p[:, [1]].toarray().ravel() if sparse.issparse(p) else p[:, 1].copy()
        return cls(p, targets.weight)

    def shares(self):
        """Return the positive and the negative weight of each row."""
        w = 1.0 if self.weight is None else self.weight
        return w * self.p, w * (1 - self.p)


class Sums(NamedTuple):
    """Of a partition: its rows, and the sums of a, of b and of a b over them."""

    n_rows: int
    positive: float
    negative: float
    own: float

    @classmethod
    def of(cls, block):
        """Return the sums of a partition, once its rows are known to be finite numbers."""
        X, targets = block
        check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], input_name="X")
        a, b = targets.shares()
        return cls(len(a), a.sum(), b.sum(), a @ b)


class PairsObjective:
    """The mean loss over all pairs of linear scores, with its penalty, over partitions."""

    def __init__(self, blocks, sums, surrogate, l2, n_features):
        self.blocks, self.sums = blocks, sums  # one of each for each partition
        self.total = Sums(*np.sum(sums, axis=0))
        self.surrogate, self.l2, self.n_features = surrogate, l2, n_features
        self.partial_sums, self.loss_of_equals = PARTIALS[surrogate]
        self._model = None

    @property
    def pair_weight(self):
        """Σ a · Σ b, a row paired with itself included: so weights equal repeated rows."""
        return self.total.positive * self.total.negative

    def loss_and_gradient(self, w):
        """Return the objective and its gradient; infinite where the scores go astray."""
        partial_sums = self.partials(w, self.partial_sums)
        if partial_sums is None:
            return np.inf, np.full_like(w, np.nan)
        expansions = partial_sums.expansions()
        loss = (expansions.loss - self.loss_of_equals * self.total.own) / self.pair_weight
        gradient = (
            sum_over_partitions(self.blocks, _gradient, as_delayed(w), as_delayed(expansions))
            / self.pair_weight
        )
        return loss + self.l2 / 2 * (w @ w), gradient + self.l2 * w

    def curvature(self, w):
        """Return a function that multiplies the Hessian with a vector, and about its diagonal."""

        def multiply(v):
            expansions = sum_over_partitions(
                self.blocks, _tell_slopes, as_delayed(w), v, self.partial_sums
            ).expansions()
            product = sum_over_partitions(
                self.blocks, _slope_product, as_delayed(w), v, as_delayed(expansions)
            )
            return product / self.pair_weight + self.l2 * v

        _, diagonal = self.sample().curvature(w)
        return multiply, diagonal

    def sample(self):
        """Return the objective on fewer rows, in memory: those that it would draw in memory, too.

        Where rows are so few that drawing some would save little, it is all of them.
        """
        if self._model is None:
            n_draws = draws_worth_it(self.total.n_rows, self.n_features)
            shares = [
                each.positive / self.total.positive + each.negative / self.total.negative
                for each in self.sums
            ]
            before = np.cumsum([0.0, *shares])
            drawn = map_partitions(self.blocks, _draw, self.total, n_draws, each=before[:-1])
            X, p, weight = zip(*drawn, strict=True)
            X = sparse.vstack(X, format="csr") if sparse.issparse(X[0]) else np.concatenate(X)
            risk = PairwiseRisk(np.concatenate(p), np.concatenate(weight), self.surrogate)
            self._model = LinearObjective(X, risk, self.l2)
        return self._model

    def partials(self, w, partial_sums):
        """Return what all partitions tell of their scores; None where these go astray."""
        return sum_over_partitions(self.blocks, _tell, as_delayed(w), partial_sums)


def _numbers(X):
    """Return rows as an array or CSR matrix of floats."""
    return check_array(
        X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_all_finite=False
    )


def _scored(block, w):
    """Return rows as numbers, and their scores and weights; None for scores that went astray."""
    X, targets = block
    X = _numbers(X)
    scores = (X @ w).astype(np.float64, copy=False)
    if not np.abs(scores).max() <= LARGEST_SCORE:
        return X, None
    return X, KnownRows(scores, *targets.shares())


def _tell(block, w, partial_sums):
    """Return what a partition tells of its scores."""
    _, rows = _scored(block, w)
    return None if rows is None else partial_sums.of(rows)


def _gradient(block, w, expansions):
    """Return the part of the gradient that a partition has."""
    X, rows = _scored(block, w)
    return X.T @ expansions.gradient(rows)


def _tell_slopes(block, w, v, partial_sums):
    """Return what a partition tells of the change of its scores along a vector."""
    X, rows = _scored(block, w)
    return partial_sums.of(rows, X @ v)


def _slope_product(block, w, v, expansions):
    """Return the part that a partition has of the Hessian times a vector."""
    X, rows = _scored(block, w)
    return X.T @ expansions.product(rows, X @ v)


def _draw(block, sums, n_draws, before):
    """Return the rows of a partition that are drawn, with probabilities and weights."""
    X, targets = block
    X, (a, b) = _numbers(X), targets.shares()
    if n_draws is None:
        return X, targets.p, a + b
    share = a / sums.positive + b / sums.negative
    rows, factor = draw_rows(share, n_draws, before)
    return X[rows], targets.p[rows], (a + b)[rows] * factor
