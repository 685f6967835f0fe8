"""The automatic temperature minimises the log-loss, and warns at the edges of its range."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from skdistill import SoftLabels
from skdistill._targets._temperature import best_temperature
from skdistill.datasets import make_gaussian_classes


@pytest.mark.parametrize("distortion", [0.4, 1.0, 2.5])
def test_exact_teacher_distorted_by_t_gets_one_over_t(distortion):
    _, y, p_star = make_gaussian_classes(20_000, n_classes=4, random_state=0)
    distorted = SoftLabels(p_star, y=y).temper(distortion)
    assert best_temperature(distorted) == pytest.approx(1 / distortion, rel=0.05)


@pytest.mark.parametrize("top_k", [None, 3])
def test_it_is_the_minimum_of_the_log_loss(top_k):
    _, y, p_star = make_gaussian_classes(500, n_classes=4, random_state=1)
    weight = np.random.default_rng(0).random(500)
    labels = SoftLabels(p_star, y=y, sample_weight=weight).temper(0.3).truncate_top_k(top_k)
    best = best_temperature(labels)

    def loss(temperature):
        proba = labels.temper(temperature).proba
        proba = proba.toarray() if top_k else proba
        return log_loss(y, proba, sample_weight=weight, labels=[0, 1, 2, 3])

    grid = best * np.exp(np.linspace(-0.5, 0.5, 21))
    assert_allclose(min(grid, key=loss), best)


def test_rows_whose_class_got_zero_have_no_effect():
    proba = np.array([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.3, 0.7, 0.0]])
    labels = SoftLabels(proba, y=[0, 1, 1])
    with_a_miss = labels.append(SoftLabels([[0.9, 0.1, 0.0]], y=[2]))
    assert best_temperature(with_a_miss) == pytest.approx(best_temperature(labels))


def test_a_teacher_that_is_always_right_meets_the_edge():
    with pytest.warns(UserWarning, match="edge of its range, at 0.05"):
        assert best_temperature(SoftLabels([[0.9, 0.1], [0.2, 0.8]], y=[0, 1])) == 0.05


def test_a_teacher_that_is_always_wrong_meets_the_other_edge():
    with pytest.warns(UserWarning, match="edge of its range, at 20"):
        assert best_temperature(SoftLabels([[0.9, 0.1], [0.2, 0.8]], y=[1, 0])) == 20


def test_one_hot_probabilities_warn_without_tempering():
    with pytest.warns(UserWarning, match="all 0 or 1"):
        assert best_temperature(SoftLabels([[1.0, 0.0], [0.0, 1.0]], y=[0, 0])) == 1.0


def test_rows_without_a_label_have_no_effect():
    _, y, p_star = make_gaussian_classes(200, n_classes=3, random_state=0)
    labels = SoftLabels(p_star, y=y)
    both = labels.append(SoftLabels(p_star[::-1]))
    assert best_temperature(both) == pytest.approx(best_temperature(labels))
