"""The benchmark of the regressor: its cells, its data sets, its goals and its shrunk tree."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.tree import DecisionTreeRegressor

from benchmarks import _cells
from benchmarks._quality_summary import CEILING, LABELS, TUNED, pairs_of
from benchmarks._shrunk_tree import ShrunkTreeRegressor
from skdistill.students import shrink_leaves


class Fitter:
    """Scores that need no fit; one method fails."""

    def __init__(self, data, size, seed, memory):
        self.seed = seed

    def scores(self, student, method):
        if method == "fails":
            raise RuntimeError("It fails.")
        return {"mse": 1.0 + self.seed}


STUDY = _cells.Study(
    name="of_a_test",
    description="Cells of a test.",
    halves={"settle": ("small",), "report": ("large", "tiny")},
    sizes=(100,),
    students=("tree", "net"),
    methods=("labels", "fails"),
    n_rows={"small": 300, "large": 1000, "tiny": 200}.get,
    fitter=Fitter,
    tables=lambda records: {"n_records": len(records)},
    show=lambda half, results: print(half, results["n_records"]),
    named_methods={"absent": "It is not installed."},
)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the study with options; return what was printed."""

    def run_study(*options):
        files = ("--cells", str(tmp_path / "cells.jsonl"), "--json", str(tmp_path / "tables.json"))
        monkeypatch.setattr("sys.argv", ["of_a_test", *files, *options])
        _cells.main(STUDY)
        return capsys.readouterr().out

    return run_study


def test_cells_that_are_missing_are_run_and_counted(run, tmp_path):
    # Two data sets are large enough: two students, two seeds, and one method of two fails.
    printed = run("--seeds", "0", "1")
    lines = (tmp_path / "cells.jsonl").read_text().splitlines()
    assert len(lines) == 2 * 2 * 2
    assert "Missing: 8 cells." in printed
    assert "RuntimeError('It fails.')" in printed
    assert json.loads((tmp_path / "tables.json").read_text())["report"] == {"n_records": 4}
    assert "report 6" in run("--seeds", "0", "1", "2")
    assert (tmp_path / "cells.jsonl").read_text().splitlines()[:8] == lines
    assert "settle 6" in run("--show")


def test_no_cell_begins_after_the_time(run, tmp_path):
    run("--seeds", "0", "--methods", "labels")
    printed = run("--minutes", "0", "--seeds", "0", "1", "--methods", "labels", "--half", "settle")
    assert "Missing: 2 cells." in printed


def test_a_method_that_cannot_be_run_says_why(run):
    with pytest.raises(SystemExit, match="not installed"):
        run("--methods", "absent")


def test_halves_of_the_data_have_nothing_in_common():
    pytest.importorskip("pandas")
    from benchmarks._regression_data import HALVES, SOURCES

    names = [*HALVES["settle"], *HALVES["report"]]
    assert sorted(names) == sorted(SOURCES)
    assert len(set(names)) == len(names) >= 12
    for half in HALVES.values():
        assert any(SOURCES[name].ordinal for name in half)


def test_arrays_leave_out_what_is_not_known_before():
    pd = pytest.importorskip("pandas")
    from benchmarks._regression_data import Source, arrays

    table = pd.DataFrame(
        {
            "rownames": [1, 2, 3, 4],
            "y": [1.0, np.nan, 2.0, 3.0],
            "copy_of_y": [1.0, np.nan, 2.0, 3.0],
            "day": ["2024-02-29", "2024-03-01", "2025-03-01", "2024-02-28"],
            "state": ["b", "a", "c", "c"],
        }
    )
    source = Source("", "", "y", left_out=("copy_of_y",), dates=("day",), ordinal=("state",))
    data = arrays(table, source)
    order = np.argsort(data.y)
    assert data.y[order].tolist() == [1, 2, 3]
    state, year, month, day, thursday, *_ = data.X[order].T
    assert year.tolist() == [2024, 2025, 2024]
    assert month.tolist() == [2, 3, 2]
    assert day.tolist() == [29, 1, 28]
    assert sorted(thursday) == [0, 0, 1]
    assert state.tolist() == [0, 1, 1]


@pytest.fixture
def benchmark():
    """The script, whose imports are optional."""
    for name in ("lightgbm", "pandas"):
        pytest.importorskip(name)
    from benchmarks import bench_regression

    return bench_regression


def records_of(losses, student="tree", **more):
    """Return the records of one pair with one seed."""
    return [
        {"data": "data", "size": 500, "student": student, "seed": 0, "method": method, "mse": mse,
         "alpha": 1.0, "unlabeled_weight": 0.0, "promised": 0.2, "realised": 0.1, **more}
        for method, mse in losses.items()
    ]  # fmt: skip


def test_goals_are_met_or_missed(benchmark):
    losses = {LABELS: 1.0, TUNED: 0.7, benchmark.DEFAULT: 0.8, benchmark.IN_SAMPLE: 0.9}
    more = {benchmark.EXTRA: 0.75, CEILING: 0.5}
    lines = benchmark.goals(records_of(losses | more))
    verdicts = {(line["method"], line["figure"]): line[""] for line in lines}
    assert verdicts["default", "ratio to labels"] == "met"
    assert verdicts["default", "ratio, trees, 500 rows"] == "met"
    assert verdicts["default", "promised / realised gain"] == "missed"  # 2 times
    assert verdicts["default", "won or tied against tuned labels, %"] == "missed"
    assert verdicts["default", "won or tied against in-sample, %"] == "met"
    assert verdicts["default", "against AutoGluon"] == ""
    assert verdicts["default, extra rows", "attained, trees, 500 rows"] == "missed"  # .5 of .68


def test_tables_of_one_pair(benchmark):
    losses = {LABELS: 1.0, benchmark.DEFAULT: 1.2, benchmark.EXTRA: 0.75, CEILING: 0.5}
    results = benchmark.tables_of(records_of(losses, student="net"))
    assert results["lost"]["default"] == ["data 500 net 1.200"]
    promise = results["tables"]["promised and realised gain"][0]
    assert (promise["promised %"], promise["realised %"]) == ("20.00", "10.00")
    assert promise["labels alone"] == 0
    assert results["tables"]["trees, 500 rows"] == []
    assert benchmark.small_trees(pairs_of(records_of(losses))) != {}


def test_rows_of_a_split_have_nothing_in_common(benchmark):
    from benchmarks._regression_data import Data

    rows = np.arange(3000.0)
    split = benchmark.draw(Data(rows[:, None], rows), 500, seed=0)
    parts = [split.y, split.X_unlabeled[:, 0], split.y_test]
    assert [len(part) for part in parts] == [500, 1750, 750]
    assert len(np.unique(np.concatenate(parts))) == 3000
    np.testing.assert_array_equal(split.X_ceiling[:500, 0], split.y)
    assert not set(split.y_ceiling) & set(split.y_test)


@pytest.mark.parametrize("method", ["labels", "default", "default, extra rows", "in-sample"])
def test_scores_of_a_tree(benchmark, method, tmp_path):
    from benchmarks._regression_data import Data

    split = benchmark.draw(Data(*load_diabetes(return_X_y=True)), 100, seed=0)
    record = benchmark.Fitter(split, 0, tmp_path).scores("tree", method)
    assert 0 < record["mse"] < 3
    assert ("promised" in record) == method.startswith("default")


@pytest.mark.parametrize("strength", [0.0, 10.0])
def test_shrunk_regression_tree_is_that_of_the_package(strength):
    X, y = load_diabetes(return_X_y=True)
    y = y - 200  # of both signs
    ours = ShrunkTreeRegressor(strength=strength, max_leaf_nodes=8, random_state=0).fit(X, y)
    plain = DecisionTreeRegressor(max_leaf_nodes=8, random_state=0).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), shrink_leaves(plain, strength).predict(X))
