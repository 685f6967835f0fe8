"""`make gpu` collects what was run into one file; without a GPU it says so."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gpu import outcomes

ROOT = Path(__file__).parent.parent
REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="good"/>
<testcase classname="tests.a" name="bad"><failure message="no">why</failure></testcase>
<testcase classname="tests.b" name="broken"><error message="no">why</error></testcase>
<testcase classname="tests.b" name="absent"><skipped message="needs MPS"/></testcase>
</testsuite></testsuites>"""


def test_outcomes_are_read_from_the_report(tmp_path):
    report = tmp_path / "tests.xml"
    report.write_text(REPORT)
    assert outcomes(report) == {
        "tests.a.good": "passed",
        "tests.a.bad": "failed",
        "tests.b.broken": "failed",
        "tests.b.absent": "skipped",
    }


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_written(tmp_path):
    if torch.backends.mps.is_available():
        pytest.skip("there is a GPU")
    path = tmp_path / "gpu.json"
    command = [sys.executable, ROOT / "benchmarks" / "gpu.py", "--json", path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "No GPU here" in done.stderr
    assert not path.exists()
