"""Pair sums computed by blocks of rows add up to the sums over all pairs."""

import pickle
from functools import reduce
from operator import add

import numpy as np
import pytest

from skdistill import SoftLabels
from skdistill.objectives import pairwise_hessian_product, pairwise_loss
from skdistill.objectives._bipartite_rows import CheckedRows
from skdistill.objectives._exponential_pairs import Factors
from skdistill.objectives._logistic_blocks import Moments
from skdistill.students.ranking._pairs import best_intercept

PARTIALS = {"logistic": Moments, "exponential": Factors}


def make_rows(n=400, spread=3.0, offset=0.0, seed=0):
    rng = np.random.default_rng(seed)
    s = spread * rng.normal(size=n) + offset
    p, w = rng.random(n), rng.integers(0, 3, size=n).astype(float)
    return s, p, w


def blocks_of(s, p, w, borders):
    for rows in np.split(np.arange(len(s)), borders):
        yield rows, CheckedRows(s[rows], (w * p)[rows], (w * (1 - p))[rows])


@pytest.mark.parametrize("surrogate", PARTIALS)
@pytest.mark.parametrize("borders", [[], [1, 150, 399]], ids=["one block", "four blocks"])
@pytest.mark.parametrize("offset", [0.0, -1000.3])
def test_blocks_add_up_to_the_loss_and_gradient_of_all_rows(surrogate, borders, offset):
    s, p, w = make_rows(offset=offset)
    blocks = list(blocks_of(s, p, w, borders))
    expansions = reduce(add, [PARTIALS[surrogate].of(rows) for _, rows in blocks]).expansions()
    gradient = np.concatenate([expansions.gradient(rows) for _, rows in blocks])

    loss, expected = pairwise_loss(s, p, sample_weight=w, surrogate=surrogate)
    a, b = w * p, w * (1 - p)
    pair_weight = a.sum() * b.sum() - a @ b
    of_equals = {"logistic": np.log(2), "exponential": 1.0}[surrogate]
    assert (expansions.loss - of_equals * (a @ b)) / pair_weight == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(
        gradient / pair_weight, expected, rtol=0, atol=1e-13 * np.abs(expected).max()
    )


@pytest.mark.parametrize("surrogate", PARTIALS)
def test_blocks_add_up_to_the_hessian_product_of_all_rows(surrogate):
    s, p, w = make_rows()
    v = np.random.default_rng(1).normal(size=len(s))
    blocks = list(blocks_of(s, p, w, [3, 200]))
    expansions = reduce(
        add, [PARTIALS[surrogate].of(rows, v[at]) for at, rows in blocks]
    ).expansions()
    product = np.concatenate([expansions.product(rows, v[at]) for at, rows in blocks])
    expected = pairwise_hessian_product(s, p, v, sample_weight=w, surrogate=surrogate)
    a, b = w * p, w * (1 - p)
    pair_weight = a.sum() * b.sum() - a @ b
    np.testing.assert_allclose(
        product / pair_weight, expected, rtol=0, atol=1e-13 * np.abs(expected).max()
    )


@pytest.mark.parametrize("surrogate", PARTIALS)
def test_a_block_may_be_of_one_class(surrogate):
    s, _, _ = make_rows(n=6)
    p, w = np.array([1.0, 1, 1, 0, 0, 0]), np.ones(6)
    blocks = list(blocks_of(s, p, w, [3]))
    for order in (blocks, blocks[::-1]):
        expansions = reduce(add, [PARTIALS[surrogate].of(rows) for _, rows in order]).expansions()
        gradient = np.concatenate([expansions.gradient(rows) for _, rows in blocks])
        _, expected = pairwise_loss(s, p, surrogate=surrogate)
        np.testing.assert_allclose(gradient / 9, expected, rtol=1e-12, atol=1e-15)


def test_size_of_block_moments_is_independent_of_row_count():
    sizes = []
    for n in (1_000, 100_000):
        s = np.linspace(-6, 6, n)
        p = np.full(n, 0.5)
        moments = Moments.of(CheckedRows(s, p, 1 - p))
        sizes.append(len(pickle.dumps(moments)))
    assert sizes[0] == sizes[1] < 8 * 2 * 9 * 49 + 500  # 9 moments of a and b in each of 49 cells


def test_moments_are_none_for_too_wide_scores():
    s, p = np.array([0.0, 5000.0]), np.array([0.5, 0.5])
    assert Moments.of(CheckedRows(s, p, p)) is None
    near, far = (Moments.of(CheckedRows(s[[k]], p[[k]], p[[k]])) for k in (0, 1))
    assert near + far is None


@pytest.mark.parametrize("offset", [0.0, 700.0])
def test_the_best_shift_is_the_intercept_of_least_log_loss(offset):
    s, p, w = make_rows(offset=offset, spread=0.3)
    total = reduce(add, [Moments.of(rows) for _, rows in blocks_of(s, p, w, [100, 300])])
    soft_labels = SoftLabels(np.column_stack([1 - p, p]), sample_weight=w)
    shift = total.best_shift((w * p).sum(), (w * (1 - p)).sum())
    assert shift == pytest.approx(best_intercept(s, soft_labels), abs=1e-10)
