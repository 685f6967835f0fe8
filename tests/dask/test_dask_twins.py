"""Each student fitted to partitions equals the student fitted to the same rows in memory."""

import pytest
from twins import CUTS, WEIGHTS, difference, difference_in_steps, twins

TWINS = twins()
FAST = [name for name in ("MultinomialNB", "ranker", "SoftLabelNet") if name in TWINS]


@pytest.mark.parametrize("name", FAST)
def test_twins_of_weighted_unequal_partitions_are_alike(name):
    twin = TWINS[name]
    assert difference(twin, "unequal", WEIGHTS["heavy partition"]) <= twin.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("way", CUTS)
@pytest.mark.parametrize(
    ("name", "weights"), [(name, what) for name, twin in TWINS.items() for what in twin.weights()]
)
def test_twins_are_alike_however_the_rows_are_cut(name, way, weights):
    twin = TWINS[name]
    assert difference(twin, way, WEIGHTS[weights]) <= twin.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("way", CUTS)
@pytest.mark.parametrize(
    ("name", "weights"),
    [(name, what) for name, twin in TWINS.items() if twin.stochastic for what in twin.weights()],
)
def test_stochastic_students_take_the_steps_of_partial_fit(name, way, weights):
    assert difference_in_steps(TWINS[name], way, WEIGHTS[weights]) <= 1e-12


def test_students_that_scikit_learn_has_are_found():
    assert {"GaussianNB", "MultinomialNB", "SGDClassifier", "ranker"} <= set(TWINS)
