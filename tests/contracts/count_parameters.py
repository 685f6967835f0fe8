"""Print how many cases of the contract for parameters end how, by student.

`PYTHONPATH=tests/contracts python -m count_parameters` counts the subset of `make test`; with
``--every``, every case; with names of classes, those of them.
"""

import sys
from collections import Counter

from test_parameters import ALL, FAST, RIGHT, outcome


def count(cases_by_key, only=()):
    """Print a line for each student, and each case that is wrong; return how many end how."""
    by_student = {}
    for (student_class, _, _), cases in cases_by_key.items():
        if not only or student_class.__name__ in only:
            by_student.setdefault(student_class.__name__, []).extend(cases)
    total = Counter()
    for name, cases in by_student.items():
        ends = [outcome(case) for case in cases]
        counts = Counter(end if end in RIGHT else "wrong" for end in ends)
        total += counts
        print(line(name, counts), flush=True)
        for case, end in zip(cases, ends, strict=True):
            if end not in RIGHT:
                print(f"    {case} {end}", flush=True)
    print(line("all", total))
    return total


def line(name, counts):
    """Return a line of the table."""
    numbers = ", ".join(f"{counts[end]} {end}" for end in (*RIGHT, "wrong"))
    return f"{name}: {counts.total()} cases, {numbers}"


if __name__ == "__main__":
    arguments = set(sys.argv[1:])
    count(ALL if "--every" in arguments else FAST, arguments - {"--every"})
