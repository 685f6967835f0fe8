"""Run on a GPU what needs one: all tests marked `gpu` and the benchmark of nets; write one JSON.

``make gpu`` runs it. Without a GPU it says so and ends with status 2: nothing was measured.
"""

import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from xml.etree import ElementTree

import torch
from _measure import write_json

ROOT = Path(__file__).resolve().parent.parent


def main():
    """Run tests and benchmark, and write the results."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--json", type=Path, default=ROOT / "output" / "gpu.json", help="where results are written")
    add("--repeats", type=int, default=5, help="of each measurement of bench_torch.py")
    options = parser.parse_args()
    device = device_here()
    if device is None:
        print("No GPU here: neither CUDA nor MPS. Nothing was run.", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        tests = run_tests(Path(folder) / "tests.xml")
        benchmark = run_benchmark(device, Path(folder) / "bench_torch.json", options.repeats)
    failed = [name for name, outcome in tests.items() if outcome == "failed"]
    results = {"torch": torch.__version__, **describe(device), "failed": failed}
    write_json(options.json, results | {"tests": tests, "bench_torch": benchmark})
    print(f"{len(tests)} tests, failed: {failed or 'none'}")
    sys.exit(bool(failed))


def device_here():
    """Return "cuda" or "mps", None without a GPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def describe(device):
    """Return what the results were measured on."""
    if device != "cuda":
        return {"device": device}
    return {
        "device": torch.cuda.get_device_name(),
        "cuda": torch.version.cuda,
        "memory GB": round(torch.cuda.get_device_properties(0).total_memory / 1e9, 1),
    }


def run_tests(report):
    """Run the tests that are marked `gpu`; return the outcome of each."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests", f"--junit-xml={report}"]
    subprocess.run(command, cwd=ROOT, check=False)
    return outcomes(report)


def outcomes(report):
    """Return the outcome of each test of a JUnit report: passed, failed or skipped."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "passed"
        name = f"{case.get('classname')}.{case.get('name')}"
        found[name] = "skipped" if "skipped" in kinds else outcome
    return found


def run_benchmark(device, path, repeats):
    """Return the results of bench_torch.py on the device."""
    command = [sys.executable, "benchmarks/bench_torch.py", "--device", device]
    subprocess.run([*command, "--repeats", str(repeats), "--json", path], cwd=ROOT, check=True)
    return json.loads(path.read_text())


if __name__ == "__main__":
    main()
