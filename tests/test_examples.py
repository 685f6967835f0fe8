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
    ],
)
def test_it_prints_its_table_and_draws_its_picture(script, options, tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, EXAMPLES / script, *options, "--picture", picture]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "won / tied / lost" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
