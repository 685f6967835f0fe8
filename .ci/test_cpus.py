"""Run the tests whose figures depend on the processor under one setting of it at a time.

Run by `make test-cpus`. NumPy, Torch and OpenBLAS choose their kernels by what the processor
offers, and each can be set to an older one. Prints a table, and writes it to
`output/test_cpus.json`.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
COUNTS = ("passed", "skipped", "xfailed", "failed", "error")


def main():
    """Run every setting; the exit code is 1 if a test failed under one of them."""
    rows = [run(name, env, folders) for name, env, folders in settings()]
    (ROOT / "output").mkdir(exist_ok=True)
    (ROOT / "output" / "test_cpus.json").write_text(json.dumps(rows, indent=1))
    print(f"{'setting':44}" + "".join(f"{name:>9}" for name in (*COUNTS, "minutes")))
    for row in rows:
        counts = "".join(f"{row[name]:>9}" for name in COUNTS)
        print(f"{row['setting']:44}{counts}{row['minutes']:>9.1f}")
    sys.exit(any(row["exit_code"] for row in rows))


def settings():
    """Yield the name of each setting, its environment, and the tests that it may change.

    NumPy with all that the processor has is what the settings of OpenBLAS run with.
    """
    with_torch = [str(path) for path in test_files() if imports_torch(path)]
    others = [str(path) for path in test_files() if not imports_torch(path)]
    for level in ("default", "avx2", "avx512"):
        yield f"Torch: {level}", {"ATEN_CPU_CAPABILITY": level}, with_torch
    newest = [name for name in features_of_numpy() if name.startswith(("AVX512", "X86_V4"))]
    if newest:
        yield "NumPy: without AVX-512", {"NPY_DISABLE_CPU_FEATURES": " ".join(newest)}, others
    for kernel in ("Haswell", "SkylakeX"):
        yield f"OpenBLAS: {kernel}", {"OPENBLAS_CORETYPE": kernel}, others


def test_files():
    """Return the test files that compute something; tests of processes and pages are left out."""
    left_out = ("dask/", "inspection/", "test_examples", "test_layers", "test_progress")
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    return [path for path in paths if not any(part in path.as_posix() for part in left_out)]


def imports_torch(path):
    """Return whether a test file computes with Torch."""
    return re.search(r"\b(torch|skorch)\b", path.read_text()) is not None


def features_of_numpy():
    """Return the extensions of the processor that NumPy found and can do without."""
    return np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])


def run(name, env, folders):
    """Run tests under a setting, and return what pytest counted."""
    print(f"{name} ...", flush=True)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "loadgroup", *folders],
        env={**os.environ, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    *_, summary = done.stdout.strip().splitlines() or [""]
    failures = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
    print("\n".join([*failures, summary]), flush=True)
    return {
        "setting": name,
        **{count: counted(summary, count) for count in COUNTS},
        "minutes": (time.perf_counter() - start) / 60,
        "exit_code": done.returncode,
        "failures": failures,
    }


def counted(summary, what):
    """Return how many tests the last line of pytest counts under a word."""
    found = re.search(rf"(\d+) {what}s?\b", summary)
    return int(found.group(1)) if found else 0


if __name__ == "__main__":
    main()
