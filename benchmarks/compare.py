"""Time the key benchmarks on two commits, in turn, and say what has become slower.

python benchmarks/compare.py BASE HEAD     # any names that git knows, as HEAD~5 and HEAD

Each repeat runs each benchmark in a fresh process of either commit, since what an earlier benchmark
leaves in memory slows a later one by as much as a fifth; which commit goes first changes with every
repeat. The ratio is the median over repeats of HEAD's time over that of BASE, taken one right after
the other. A benchmark has become slower if that is over `--relative`, and the median of HEAD
`--absolute` milliseconds over that of BASE; then the exit code is 1.
"""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from _key_benchmarks import BENCHMARKS
from _measure import print_table, write_json

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "output" / "compare.json"


def main():
    """Time both commits, print the table, write it, and exit with 1 if something is slower."""
    options = parse_options()
    with checkout(options.base) as base, checkout(options.head) as head:
        times = time_in_turn({"base": base, "head": head}, options.repeats, options.only)
    records = [
        compare(name, each["base"], each["head"], options.relative, options.absolute)
        for name, each in times.items()
    ]
    print(f"{options.head} against {options.base}: median of {options.repeats}, processor time\n")
    print_table(records)
    slower = [each["benchmark"] for each in records if each["verdict"] == "slower"]
    write_json(
        options.json,
        {
            "base": commit_of(options.base),
            "head": commit_of(options.head),
            "relative": options.relative,
            "absolute ms": options.absolute,
            "records": records,
            "seconds": times,
            "slower": slower,
        },
    )
    if slower:
        sys.exit(f"Slower: {', '.join(slower)}.")


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="the commit to compare with")
    parser.add_argument("head", help="the commit that may have become slower")
    parser.add_argument("--repeats", type=int, default=7, help="of each commit (default: 7)")
    parser.add_argument(
        "--relative", type=float, default=1.15, help="slower from this ratio on (default: 1.15)"
    )
    parser.add_argument(
        "--absolute", type=float, default=0.05, help="and this many ms (default: 0.05)"
    )
    parser.add_argument("--only", nargs="+", default=[], choices=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


@contextmanager
def checkout(commit):
    """Give a folder that holds a commit, as a worktree of git that is taken away afterwards."""
    with TemporaryDirectory() as folder:
        folder = Path(folder).resolve() / "checkout"
        git("worktree", "add", "--detach", folder, commit_of(commit))
        try:
            yield folder
        finally:
            git("worktree", "remove", "--force", folder)


def commit_of(name):
    """Return the hash of a commit."""
    return git("rev-parse", "--verify", f"{name}^{{commit}}").strip()


def git(*arguments):
    """Return what git prints."""
    command = ["git", "-C", ROOT, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def time_in_turn(folders, repeats, only):
    """Return seconds by benchmark and commit, a list with one entry per repeat."""
    names = only or list(BENCHMARKS)
    times = {name: {which: [] for which in folders} for name in names}
    for repeat in range(repeats):
        turn = list(folders) if repeat % 2 == 0 else list(reversed(folders))
        for name, which in product(names, turn):
            times[name][which].append(time_once(folders[which], name))
    return times


def time_once(folder, name):
    """Return the seconds of a benchmark in a fresh process that imports one commit."""
    script = Path(__file__).with_name("_key_benchmarks.py")
    env = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, script, folder, name]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The benchmarks failed in {folder}:\n{done.stderr}")
    return json.loads(done.stdout)


def compare(name, base, head, relative, absolute):
    """Return a line of the table: medians in ms, their ratio, and what it means."""
    if None in base or None in head:
        return line(name, base, head, None, "not in both")
    before, after = 1e3 * median(base), 1e3 * median(head)
    ratio = median(np.divide(head, base))
    verdict = "same"
    if ratio >= relative and after - before >= absolute:
        verdict = "slower"
    elif 1 / ratio >= relative and before - after >= absolute:
        verdict = "faster"
    return line(name, base, head, ratio, verdict)


def line(name, base, head, ratio, verdict):
    """Return a record of one benchmark."""
    ms = {
        f"{which} ms": None if None in seconds else 1e3 * median(seconds)
        for which, seconds in (("base", base), ("head", head))
    }
    return {"benchmark": name, **ms, "ratio": ratio, "verdict": verdict}


if __name__ == "__main__":
    main()
