"""Projection onto the simplex is the nearest probability vector, and logits are invertible."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.optimize import brentq

from skdistill.objectives import centred_logits, project_onto_simplex, softmax_rows

rows = arrays(float, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(-5, 5))


@given(rows)
@settings(deadline=None)
def test_projection_is_max_of_v_minus_t_with_t_by_root_finding(outputs):
    projected = project_onto_simplex(outputs)
    for v, p in zip(outputs, projected, strict=True):
        t = brentq(lambda t, v=v: np.maximum(v - t, 0).sum() - 1, v.min() - 2, v.max())
        assert_allclose(p, np.maximum(v - t, 0), atol=1e-10)


@given(rows, st.integers(0, 1000))
@settings(deadline=None)
def test_projection_never_moves_away_from_a_probability_vector(outputs, seed):
    target = np.random.default_rng(seed).dirichlet(np.ones(outputs.shape[1]), size=len(outputs))
    before = ((outputs - target) ** 2).sum(axis=1)
    after = ((project_onto_simplex(outputs) - target) ** 2).sum(axis=1)
    assert (after <= before + 1e-12).all()


def test_probabilities_stay_where_they_are():
    proba = np.random.default_rng(0).dirichlet(np.ones(4), size=20)
    assert_allclose(project_onto_simplex(proba), proba, atol=1e-15)


@pytest.mark.parametrize("shape", [(20, 3), (20, 1), (20,)])
def test_logits_and_back(shape):
    proba = np.random.default_rng(0).uniform(0.01, 0.99, size=shape)
    if shape == (20, 3):
        proba /= proba.sum(axis=1, keepdims=True)
        assert_allclose(centred_logits(proba).sum(axis=1), 0, atol=1e-12)
    assert_allclose(softmax_rows(centred_logits(proba)), proba, rtol=1e-12)


def test_logits_of_certainty_are_finite():
    assert np.isfinite(centred_logits([[0.0, 1.0]])).all()
    assert np.isfinite(centred_logits([0.0, 1.0])).all()
