"""Verdicts on the paper's claims follow from the numbers, and the docs page shows them."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.paper import _report
from benchmarks.paper.__main__ import claims, columns_of, main, number_of
from benchmarks.paper._tests import FAILS, HOLDS, UNDECIDED, equal, larger, smaller, verdict_of

NOISE = np.array([-0.3, 0.1, 0.2, -0.1, 0.1])


@pytest.mark.parametrize(
    ("difference", "verdict"), [(-1.0, HOLDS), (1.0, FAILS), (0.05, UNDECIDED), (0.0, UNDECIDED)]
)
def test_smaller(difference, verdict):
    test = smaller("a prediction", difference + NOISE, np.zeros(5))
    assert (test.verdict, test.n_seeds) == (verdict, 5)
    assert test.difference == pytest.approx(difference)
    assert test.error == pytest.approx(NOISE.std(ddof=1) / np.sqrt(5))


def test_the_margin_is_that_of_a_paired_t_test():
    other = np.linspace(0, 100, 5)  # which is paired away
    for shift in np.linspace(-0.6, 0.6, 25):
        p = stats.ttest_rel(other + shift + NOISE, other).pvalue
        decided = smaller("a prediction", other + shift + NOISE, other).verdict != UNDECIDED
        assert decided == (p < 0.05)


def test_larger_is_smaller_the_other_way_round():
    test = larger("a prediction", 1 + NOISE, np.zeros(5))
    assert (test.verdict, test.difference) == (HOLDS, pytest.approx(1))
    assert larger("a prediction", -1 + NOISE, np.zeros(5)).verdict == FAILS


@pytest.mark.parametrize(
    ("difference", "within", "verdict"),
    [(0.0, 1.0, HOLDS), (0.0, 0.1, UNDECIDED), (1.0, 0.1, FAILS), (-1.0, 0.1, FAILS)],
)
def test_equal(difference, within, verdict):
    assert equal("", difference + NOISE, np.zeros(5), within=within).verdict == verdict


def test_a_claim_holds_if_all_of_it_does():
    holds, fails = (smaller("", shift + NOISE, np.zeros(5)) for shift in (-1, 1))
    undecided = smaller("", NOISE, np.zeros(5))
    assert verdict_of([holds, holds]) == HOLDS
    assert verdict_of([holds, undecided]) == UNDECIDED
    assert verdict_of([undecided, fails, holds]) == FAILS


def test_scores_of_seeds_become_columns():
    seeds = [{"N = 1": {"a": 1, "b": 2}}, {"N = 1": {"a": 3, "b": 4}}]
    assert columns_of(seeds) == {"N = 1": {"a": [1.0, 3.0], "b": [2.0, 4.0]}}


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234.5, "1234"), (12.345, "12.35"), (-0.5, "-0.5000"), (0.0, "0.0000"), (6e-5, "6.0e-05")],
)
def test_numbers(value, text):
    assert _report.number(value) == text


def test_every_claim_of_the_list_is_there():
    assert [number_of(name) for name in claims()] == list(range(1, 12))


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)


@pytest.mark.slow
def test_a_claim_runs_and_its_page_stands_alone(tmp_path, monkeypatch, capsys):
    arguments = ["--only", "1", "--seeds", "2", "--jobs", "1", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["paper", *arguments])
    main()
    assert "## Claim 1: " in capsys.readouterr().out
    result = json.loads((tmp_path / "claim_01_variance.json").read_text())
    assert result["n_seeds"] == 2
    page = (tmp_path / "report.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert tags.seen.count("img") == 1
    assert 'src="data:image/png;base64,' in page
    assert "http" not in page


def test_the_page_shows_what_was_measured():
    root = Path(_report.__file__).parents[2]
    page = (root / "docs" / "paper.md").read_text()
    assert _report.summary(root / "benchmarks" / "results" / "paper") in page
