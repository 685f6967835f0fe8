"""The examples run from end to end, on less than they show."""

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
        ("ensemble_to_small_net.py", ["--splits", "2", "--epochs", "3"]),
    ],
)
def test_it_prints_its_table_and_draws_its_picture(script, options, tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, EXAMPLES / script, *options, "--picture", picture]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "won / tied / lost" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_long_training_goes_on_where_it_was_interrupted(tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, EXAMPLES / "train_a_net.py", "--picture", picture]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "as if never interrupted: True" in done.stdout
    assert "The same history: True" in done.stdout
    assert done.stdout.count("the same probabilities: True") == 2
    assert picture.read_bytes().startswith(b"\x89PNG")
