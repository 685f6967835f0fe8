"""The linear-time pairwise loss equals the double sum in extended precision."""

import tracemalloc
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import logit

from skdistill.objectives import (
    _bands,
    _bipartite_rows,
    _dense_pairs,
    _exponential_tails,
    _kernel_sum,
    _sparse_kernel_sum,
    pairwise_hessian_diagonal,
    pairwise_hessian_product,
    pairwise_loss,
)

SURROGATES = ["logistic", "exponential", "hinge", "squared_hinge"]
LONG = np.longdouble


def surrogate_and_derivatives(name, d):
    """Return φ, φ' and φ'' of margins, written out."""
    if name == "logistic":
        e = np.exp(-np.abs(d))
        # σ(−d) and σ(d), each without cancellation
        down, up = np.where(d > 0, e, 1) / (1 + e), np.where(d > 0, 1, e) / (1 + e)
        return np.maximum(-d, 0) + np.log1p(e), -down, up * down
    if name == "exponential":
        return np.exp(-d), -np.exp(-d), np.exp(-d)
    active = (d < 1).astype(LONG)
    if name == "hinge":
        return active * (1 - d), -active, 0 * d
    return active * (1 - d) ** 2, -2 * active * (1 - d), 2 * active


def double_sum(name, scores, proba, weight, vector):
    """Return loss, gradient, diagonal and Hessian-vector product over all pairs i ≠ j."""
    s, p, w, v = (np.asarray(each, dtype=LONG) for each in (scores, proba, weight, vector))
    phi, slope, curvature = surrogate_and_derivatives(name, s[:, None] - s[None, :])
    pairs = np.outer(w * p, w * (1 - p))
    np.fill_diagonal(pairs, 0)
    total = pairs.sum()
    gradient = (pairs * slope).sum(axis=1) - (pairs * slope).sum(axis=0)
    curved = pairs * curvature
    diagonal = curved.sum(axis=1) + curved.sum(axis=0)
    product = v * diagonal - curved @ v - curved.T @ v
    return [x / total for x in ((pairs * phi).sum(), gradient, diagonal, product)]


def everything(name, scores, proba, weight, vector):
    given = {"surrogate": name, "sample_weight": weight}
    return [
        *pairwise_loss(scores, proba, **given),
        pairwise_hessian_diagonal(scores, proba, **given),
        pairwise_hessian_product(scores, proba, vector, **given),
    ]


# Far beyond a margin of 40 logistic terms come out 0, and second derivatives there are exact
# absolutely only: floors, in units of the mean over pairs.
FLOORS = {"loss": 1e-3, "gradient": 1e-3, "diagonal": 0.1, "product": 0.1}


def compare(name, scores, proba, weight, vector, tolerance=1e-12):
    ours = everything(name, scores, proba, weight, vector)
    theirs = double_sum(name, scores, proba, weight, vector)
    scales = [np.abs(expected).max() for expected in theirs]
    scales[3] = max(scales[3], scales[2] * np.abs(vector).max())  # a difference of such products
    for what, own, expected, scale in zip(FLOORS, ours, theirs, scales, strict=True):
        floor = FLOORS[what] if name == "logistic" else 0
        error = np.abs(own - expected).max()
        assert error <= tolerance * max(scale, floor), (what, error, scale)


def draw(kind, n, rng):
    """Return scores of one of the kinds that break careless sums."""
    scores = {
        "normal": lambda: rng.normal(size=n),
        "constant": lambda: np.zeros(n),
        "ties": lambda: rng.integers(0, 3, size=n).astype(float),
        "tiny": lambda: 1e-8 * rng.normal(size=n),
        "spread": lambda: rng.uniform(0, 300, size=n),
        "wide": lambda: rng.uniform(-5e5, 5e5, size=n),
        "outlier": lambda: np.concatenate([[1e15], rng.normal(size=n - 1)]),
        "offset": lambda: 1e9 + rng.integers(-1024, 1024, size=n) / 256,
        "spread and offset": lambda: 1e9 + rng.integers(0, 2400, size=n) / 8,
        "heavy": lambda: rng.standard_cauchy(size=n),
        "separated": lambda: np.where(np.arange(n) % 2, 30.0, -30.0) + rng.normal(size=n),
        "margins": lambda: rng.integers(-3, 4, size=n) / 2,  # many margins of exactly 1
    }
    return scores[kind]()


KINDS = [
    "normal", "constant", "ties", "tiny", "spread", "wide", "outlier", "offset",
    "spread and offset", "heavy", "separated", "margins",
]  # fmt: skip
# There e^{-d} is beyond float64.
TOO_WIDE_FOR_EXPONENTIALS = ["wide", "outlier", "heavy", "spread", "spread and offset"]


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("kind", KINDS)
@given(n=st.sampled_from([2, 3, 40]), seed=st.integers(0, 10_000), hard=st.booleans(),
       dense=st.booleans())  # fmt: skip
@settings(deadline=None, max_examples=15)
def test_it_is_the_double_sum(name, kind, n, seed, hard, dense):
    if name == "exponential" and kind in (
        "wide",
        "outlier",
        "heavy",
        "spread",
        "spread and offset",
    ):
        return  # e^{-d} is beyond float64 there
    rng = np.random.default_rng(seed)
    scores = draw(kind, n, rng)
    proba = np.arange(n) % 2 if hard else rng.random(n)
    weight = rng.random(n) + 0.1
    with patch.object(_dense_pairs, "MAX_ROWS", n if dense else 0):
        compare(name, scores, proba, weight, rng.normal(size=n))


@pytest.fixture
def without_dense_sums(monkeypatch):
    """Few rows are summed as many are."""
    monkeypatch.setattr(_dense_pairs, "MAX_ROWS", 0)


WEIGHTS = {
    "huge and tiny": lambda rng, n: 10.0 ** rng.integers(-9, 10, size=n),
    "rows without": lambda rng, n: rng.integers(0, 2, size=n).astype(float),
}


@pytest.mark.parametrize("spread", 10.0 ** np.arange(-6, 13, 3))
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("max_pairs", [-1, 1e9], ids=["cells", "pairs"])
def test_the_stated_error_at_every_spread(spread, weights, ties, max_pairs, monkeypatch):
    """1e-14 of the largest entry, by moments of cells and by near pairs of sorted rows."""
    for module in (_kernel_sum, _bands):
        monkeypatch.setattr(module, "MAX_CELLS", 200)
    monkeypatch.setattr(_sparse_kernel_sum, "MAX_PAIRS_PER_POINT", max_pairs)
    monkeypatch.setattr(_dense_pairs, "MAX_ROWS", 0)
    n, rng = 200, np.random.default_rng(0)
    scores = spread * (rng.random(n) - 0.5)
    if ties:
        scores = rng.choice(scores[:20], size=n)
    proba = np.append(rng.random(n - 2), [1.0, 0.0])
    compare("logistic", scores, proba, WEIGHTS[weights](rng, n), rng.normal(size=n), 1e-14)


@pytest.mark.parametrize(
    ("nearest", "n_terms"),
    [
        (_kernel_sum.NEAR_FIELD, _kernel_sum.FAR_TERMS),
        (_sparse_kernel_sum.WIDTH, _sparse_kernel_sum.N_TERMS),
    ],
)
@pytest.mark.parametrize("name", _exponential_tails.TAILS)
def test_exponentials_are_the_tails_to_rounding(nearest, n_terms, name):
    u = np.exp(-nearest) * np.linspace(1e-9, 1, 1001)
    terms = _exponential_tails.tail_coefficients(name, nearest, n_terms)
    series = u * np.polynomial.polynomial.polyval(u, terms)
    assert_allclose(series, u * _exponential_tails.TAILS[name](u), rtol=0, atol=5e-16)


@pytest.mark.parametrize("width", _kernel_sum.FINE_WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hard", [True, False])
def test_cells_of_every_width(width, kind, hard, monkeypatch, without_dense_sums):
    monkeypatch.setattr(_kernel_sum, "FINE_WIDTHS", (width,))
    monkeypatch.setattr(_kernel_sum, "POINTS_PER_FINE_CELL", 1e-9)  # many points look the same
    rng = np.random.default_rng(0)
    scores, proba = draw(kind, 200, rng), np.arange(200) % 2 if hard else rng.random(200)
    compare("logistic", scores, proba, rng.random(200) + 0.1, rng.normal(size=200), 2e-14)


def test_more_points_have_cells_of_fewer_terms():
    rng = np.random.default_rng(0)
    terms = []
    for n in (100, 3_000, 30_000, 1_000_000):
        points = rng.uniform(-4, 4, size=n)
        terms.append(_kernel_sum.Cells(points, points.min(), points.max()).fine_shape[0])
    assert terms == [9, 6, 5, 4]
    assert [_kernel_sum.n_terms(width) for width in (1.0, *_kernel_sum.FINE_WIDTHS)] == [
        14, 4, 5, 6, 7, 8,
    ]  # fmt: skip


def test_more_cells_than_are_laid_out():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.uniform(-1e5, 1e5, size=500), rng.normal(size=200)])
    compare("logistic", scores, rng.random(700), rng.random(700), rng.normal(size=700))


@pytest.mark.parametrize("spread", [400, 4e3, 1e9])
@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("max_pairs", [-1, 20], ids=["cells", "pairs"])
def test_more_cells_than_are_held(spread, hard, max_pairs, monkeypatch):
    """Scores come in bands of 200 cells, of which each hears its neighbours."""
    for module in (_kernel_sum, _bands):
        monkeypatch.setattr(module, "MAX_CELLS", 200)
    monkeypatch.setattr(_sparse_kernel_sum, "MAX_PAIRS_PER_POINT", max_pairs)
    rng = np.random.default_rng(0)
    scores = 1e9 + np.rint(rng.uniform(0, spread, size=600) * 8) / 8
    assert _kernel_sum.Cells.contiguous_or_none(scores, scores.min(), scores.max()) is None
    assert _sparse_kernel_sum.SparseCells(np.sort(scores)).are_sparse == (max_pairs > 0)
    proba = rng.integers(0, 2, size=600) if hard else rng.random(600)
    compare("logistic", scores, proba, rng.random(600), rng.normal(size=600), 1e-14)


@pytest.mark.parametrize("name", SURROGATES)
@pytest.mark.parametrize("kind", ["normal", "ties", "spread", "margins"])
def test_blocks_of_rows_add_up(name, kind, monkeypatch, without_dense_sums):
    monkeypatch.setattr(_bipartite_rows, "BLOCK", 7)
    rng = np.random.default_rng(0)
    scores = draw(kind, 50, rng)
    if name == "exponential":
        scores /= 10
    compare(name, scores, rng.random(50), rng.random(50), rng.normal(size=50))


@pytest.mark.parametrize("name", SURROGATES)
def test_peak_memory_beyond_the_result(name):
    n = 500_000
    rng = np.random.default_rng(0)
    scores, proba = rng.normal(size=n), rng.random(n)
    functions = [
        pairwise_loss,
        pairwise_hessian_diagonal,
        lambda scores, proba, **given: pairwise_hessian_product(scores, proba, scores, **given),
    ]
    for function in functions:
        function(scores[:9000], proba[:9000], surrogate=name)
        tracemalloc.start()
        function(scores, proba, surrogate=name)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        vectors = (peak - scores.nbytes) / scores.nbytes
        assert vectors <= (8.2 if "hinge" in name else 0.8)  # 0.8 of them are 3 MB


@pytest.mark.parametrize(("spread", "most_mb"), [(16_000, 20), (80_000, 23)])
def test_memory_of_widely_spread_scores(spread, most_mb):
    """What 16,384 cells take; beyond, eight vectors as well."""
    rng = np.random.default_rng(0)
    scores = np.concatenate([[0.0, spread], rng.uniform(0, spread, size=50_000)])
    tracemalloc.start()
    pairwise_loss(scores, rng.random(len(scores)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - scores.nbytes < most_mb * 2**20


@pytest.mark.parametrize("name", SURROGATES)
def test_float32_input_is_taken_as_it_is(name):
    rng = np.random.default_rng(0)
    scores, proba, weight = rng.normal(size=(3, 100)).astype(np.float32)
    proba, weight = np.abs(np.tanh(proba)), np.abs(weight)
    single = everything(name, scores, proba, weight, scores)
    double = everything(name, *(x.astype(float) for x in (scores, proba, weight, scores)))
    for one, other in zip(single, double, strict=True):
        assert np.asarray(one).dtype == np.float64
        assert_allclose(one, other, rtol=1e-15)


@pytest.mark.parametrize("name", ["hinge", "squared_hinge"])
def test_far_away_rows_cost_no_digit_of_near_ones(name):
    """Positives at 1e9 keep clear of pairs that differ by 1e-8 near 0."""
    rng = np.random.default_rng(0)
    scores = np.concatenate([1e9 + rng.normal(size=60), 1e-8 * rng.normal(size=40)])
    proba = np.concatenate([np.ones(60), rng.random(40)])
    compare(name, scores, proba, rng.random(100), rng.normal(size=100), 1e-14)


def test_hinge_margins_that_round_to_one_stay_antisymmetric():
    scores = [-1e-17, -1.0]  # −1e-17 − 1 is −1 in float64, but −1 + 1 is above −1e-17
    _, gradient = pairwise_loss(scores, [1, 0], surrogate="hinge")
    assert gradient.sum() == 0


def test_exponential_of_well_ordered_rows_far_apart():
    """The e^{−s} of rows that are never positive overflows, but counts for none."""
    scores = np.array([-1000.0, -800.0, 0.0, 1.0, 2.5, 900.0])
    compare("exponential", scores, [0, 0, 0.3, 1, 0.2, 1], np.ones(6), np.arange(6.0))


@pytest.mark.parametrize("name", ["hinge", "squared_hinge"])
def test_a_barely_active_pair_keeps_its_digits(name):
    scores = [0.0, 1 - 2.0**-30, 1e6, 3e6]  # one pair counts, by a slack of 2^-30
    loss, gradient = pairwise_loss(scores, [0, 1, 1, 1], surrogate=name)
    slope, phi = (1.0, 2.0**-30) if name == "hinge" else (2.0**-29, 2.0**-60)
    assert loss == pytest.approx(phi / 3, rel=1e-15)
    assert_allclose(gradient, [slope / 3, -slope / 3, 0, 0], rtol=1e-15)


@pytest.mark.parametrize(("name", "factor"), [("logistic", 1.0), ("exponential", 0.5)])
def test_the_gradient_vanishes_where_scores_are_logits(name, factor):
    rng = np.random.default_rng(0)
    proba, weight = rng.uniform(0.02, 0.98, size=500), rng.random(500)
    for shift in (0.0, 7.3):
        given = {"surrogate": name, "sample_weight": weight}
        _, gradient = pairwise_loss(factor * logit(proba) + shift, proba, **given)
        _, elsewhere = pairwise_loss(0.9 * factor * logit(proba) + shift, proba, **given)
        assert np.abs(gradient).max() < 1e-13 * np.abs(elsewhere).max() * 1000
        assert np.abs(elsewhere).max() > 1e-6


@pytest.mark.parametrize("name", SURROGATES)
def test_a_shift_of_all_scores_changes_nothing(name):
    rng = np.random.default_rng(0)
    scores, proba = rng.integers(-512, 512, size=300) / 256, rng.random(300)
    v = rng.normal(size=300)
    near = everything(name, scores, proba, None, v)
    for shift in (3.0, 2.0**20):  # exact in float64, so that only the code can change anything
        for one, other in zip(near, everything(name, scores + shift, proba, None, v), strict=True):
            assert_allclose(other, one, rtol=1e-10, atol=1e-13)
    assert abs(near[1].sum()) < 1e-13  # hence the gradient has no part along the shift


@pytest.mark.parametrize("name", SURROGATES)
def test_hard_labels_are_the_classical_pairwise_loss(name):
    rng = np.random.default_rng(0)
    scores, y = rng.normal(size=200), rng.integers(0, 2, size=200)
    margins = (scores[y == 1][:, None] - scores[y == 0][None, :]).astype(LONG)
    expected = surrogate_and_derivatives(name, margins)[0].mean()
    assert pairwise_loss(scores, y, surrogate=name)[0] == pytest.approx(float(expected), rel=1e-13)


def test_soft_labels_are_the_expected_hard_labels():
    """Over independent labels y ~ p the expected classical sum is the distilled one."""
    rng = np.random.default_rng(0)
    scores, proba = rng.normal(size=4), rng.random(4)
    expected_sum, expected_weight = 0.0, 0.0
    for code in range(2**4):
        y = (code >> np.arange(4)) & 1
        chance = np.prod(np.where(y, proba, 1 - proba))
        margins = scores[y == 1][:, None] - scores[y == 0][None, :]
        expected_sum += chance * np.log1p(np.exp(-margins)).sum()
        expected_weight += chance * margins.size
    assert pairwise_loss(scores, proba)[0] == pytest.approx(expected_sum / expected_weight)


@pytest.mark.parametrize("name", ["logistic", "exponential", "squared_hinge"])
def test_derivatives_by_finite_differences(name):
    rng = np.random.default_rng(1)
    scores, proba, v = rng.normal(size=30), rng.random(30), rng.normal(size=30)
    h = 1e-6
    up, down = (pairwise_loss(scores + sign * h * v, proba, surrogate=name) for sign in (1, -1))
    gradient = pairwise_loss(scores, proba, surrogate=name)[1]
    assert (up[0] - down[0]) / (2 * h) == pytest.approx(gradient @ v, rel=1e-6)
    product = pairwise_hessian_product(scores, proba, v, surrogate=name)
    assert_allclose((up[1] - down[1]) / (2 * h), product, atol=1e-7)


@pytest.mark.parametrize(
    ("scores", "proba", "match"),
    [
        ([0.0, np.nan], [0, 1], "row 1 has nan"),
        ([0.0, np.inf], [0, 1], "row 1 has inf"),
        ([0.0, 2.0**51], [0, 1], "at most 2\\^50"),
        ([0.0, 1.0], [0.5, 1.5], r"lie in \[0, 1\]; row 1 has 1.5"),
        ([0.0, 1.0], [0.5, np.nan], "row 1 has nan"),
        ([0.0, 1.0], [1, 1], "No pair of rows carries weight"),
        ([0.0, 1.0], [0, 0], "No pair of rows carries weight"),
        ([0.0], [0.5], "No pair of rows carries weight"),
        ([], [], "are empty"),
        ([0.0, 1.0], [[0.5, 0.5]], r"got shapes \(2,\) and \(1, 2\)"),
    ],
)
def test_bad_input(scores, proba, match):
    for function in (pairwise_loss, pairwise_hessian_diagonal):
        with pytest.raises(ValueError, match=match):
            function(scores, proba)


def test_bad_names_vectors_and_weights():
    with pytest.raises(ValueError, match=r"must be one of .*; got 'auc'"):
        pairwise_loss([0.0, 1.0], [0, 1], surrogate="auc")
    with pytest.raises(ValueError, match=r"shape of scores, \(2,\); got \(3,\)"):
        pairwise_hessian_product([0.0, 1.0], [0, 1], np.ones(3))
    with pytest.raises(ValueError, match="vector must be finite; row 1 has nan"):
        pairwise_hessian_product([0.0, 1.0], [0, 1], [0.0, np.nan])
    with pytest.raises(ValueError, match="must not be negative"):
        pairwise_loss([0.0, 1.0], [0, 1], sample_weight=[1, -1])
    with pytest.raises(ValueError, match="No pair of rows carries weight"):
        pairwise_loss([0.0, 1.0, 2.0], [0, 1, 1], sample_weight=[1, 0, 0])
