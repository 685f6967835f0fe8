"""The benchmark of the default: its pairs, its tables, its data sets and its shrunk tree."""

import math
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from benchmarks._quality_summary import (
    CEILING,
    HARD,
    LABELS,
    TUNED,
    attained,
    log_ratio,
    lost_pairs,
    mean_over_data_sets,
    pairs_of,
    summary,
)
from benchmarks._shrunk_tree import ShrunkTree, shrunk_values

METHOD = "default"


def records_of(losses, data="data", student="tree"):
    """Return the records of one pair: {method: a loss for each seed}."""
    return [
        {"data": data, "size": 300, "student": student, "seed": seed, "method": method,
         "log-loss": loss, "accuracy": 1 - loss / 10}
        for method, of_seeds in losses.items()
        for seed, loss in enumerate(of_seeds)
    ]  # fmt: skip


def pair_of(losses):
    """Return one pair."""
    return pairs_of(records_of(losses))["data", 300, "tree"]


def test_log_ratio_takes_the_seeds_of_both():
    pair = pair_of({LABELS: [1.0, 2.0, 9.0], METHOD: [0.5, 4.0]})
    assert log_ratio(pair, METHOD, LABELS) == pytest.approx(0)
    assert log_ratio(pair, METHOD, TUNED) is None


def test_perfect_students_are_equals():
    pair = pair_of({LABELS: [1e-15], CEILING: [1e-9], METHOD: [1e-5]})
    assert log_ratio(pair, METHOD, LABELS) == 0
    assert attained(pair, METHOD) is None


@pytest.mark.parametrize(("ceiling", "share"), [(0.5, 0.4), (0.96, None), (1.2, None)])
def test_attained_needs_a_ceiling_that_gains(ceiling, share):
    pair = pair_of({LABELS: [1.0], CEILING: [ceiling], METHOD: [0.8]})
    assert attained(pair, METHOD) == (share if share is None else pytest.approx(share))


def test_summary_of_pairs():
    won = {LABELS: [1.0], TUNED: [0.9], HARD: [0.7], CEILING: [0.5], METHOD: [0.8]}
    tied = {LABELS: [1.0], TUNED: [1.0], HARD: [1.0], CEILING: [1.0], METHOD: [1.005]}
    lost = {LABELS: [1.0], TUNED: [0.5], HARD: [1.2], METHOD: [1.1]}
    records = [*records_of(won, "a"), *records_of(tied, "b"), *records_of(lost, "c")]
    line = summary(METHOD, pairs_of(records))
    assert line["pairs"] == 3
    assert line["won/tied/lost"] == "1/1/1"
    assert line["won/tied/lost "] == "1/1/1"  # against the tuned student
    assert line["worst"] == "1.100"
    assert (line["attained"], line["of"]) == ("0.40", 1)
    assert line["behind hard"] == "1 of 3"
    assert line["ratio"].startswith(f"{(0.8 * 1.005 * 1.1) ** (1 / 3):.3f} ± ")
    assert lost_pairs(METHOD, pairs_of(records)) == ["c 300 tree 1.100"]


def test_summary_without_the_method():
    assert summary(METHOD, pairs_of(records_of({LABELS: [1.0]}))) is None


def test_standard_error_is_over_data_sets():
    values = {("a", 300, "tree"): 0.0, ("a", 300, "net"): 2.0, ("b", 300, "tree"): 3.0}
    centre, error = mean_over_data_sets(values)
    assert centre == pytest.approx(5 / 3)
    assert error == pytest.approx(np.std([1.0, 3.0], ddof=1) / math.sqrt(2))


def test_halves_have_no_data_set_in_common():
    pytest.importorskip("pandas")
    from benchmarks._quality_data import REPORT, SETTLE, TARGETS

    names = [*SETTLE, *REPORT]
    assert len(set(names)) == len(names) >= 20
    assert set(TARGETS) <= set(names)


def test_encoded_columns():
    pd = pytest.importorskip("pandas")
    from benchmarks._encode import encode

    table = pd.DataFrame(
        {
            "number": [1.0, np.nan, 3.0, 8.0],
            "constant": [2, 2, 2, 2],
            "two": ["a", "b", "b", "a"],
            "three": ["a", "b", None, "b"],
        }
    )
    X = encode(table)
    assert X.dtype == float
    assert X[:, 0].tolist() == [1, 3, 3, 8]  # the median where it is missing
    assert X.shape[1] == 1 + 1 + 3
    assert X[:, 2:].sum(axis=1).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("strength", [0.0, 10.0])
def test_shrunk_values_are_sums_along_the_path(strength):
    X, y = load_iris(return_X_y=True)
    fitted = ShrunkTree(strength=strength, max_leaf_nodes=8, random_state=0).fit(X, y)
    nodes = fitted.decision_path(X[:1]).indices
    proba, n_rows = fitted.tree_.value[:, 0, :], fitted.tree_.n_node_samples
    expected = proba[nodes[0]].copy()
    for parent, child in pairwise(nodes):
        expected += (proba[child] - proba[parent]) / (1 + strength / n_rows[parent])
    np.testing.assert_allclose(fitted.predict_proba(X[:1])[0], expected)
    np.testing.assert_allclose(shrunk_values(fitted.tree_, strength).sum(axis=1), 1)


def test_no_shrinkage_is_the_plain_tree():
    X, y = load_iris(return_X_y=True)
    plain = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0).fit(X, y)
    shrunk = ShrunkTree(strength=0.0, max_leaf_nodes=8, random_state=0).fit(X, y)
    np.testing.assert_allclose(shrunk.predict_proba(X), plain.predict_proba(X), atol=1e-15)
