"""The running of cells: a student that learned by one method from the rows of a data set and seed.

Each result is a line of a file as soon as it is done; a run that is started again does what is
missing. Cells of the same rows are run together, so that a teacher is fitted once for all of them.
"""

import json
import sys
import tempfile
import warnings
from argparse import ArgumentParser
from collections.abc import Callable
from itertools import product
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import numpy as np
from _measure import print_table, write_json
from threadpoolctl import threadpool_limits

TEST_SHARE, MOST_TEST_ROWS = 0.25, 5000
N_SEEDS = 4
ROOT = Path(__file__).resolve().parent.parent


class Cell(NamedTuple):
    """One result to be had."""

    seed: int
    size: int
    data: str
    student: str
    method: str


class Study(NamedTuple):
    """What a benchmark of students compares, and how."""

    name: str  # of its files
    description: str
    halves: dict[str, tuple[str, ...]]  # of the data sets: those that settle, those that report
    sizes: tuple[int, ...]  # numbers of labelled rows
    students: tuple[str, ...]
    methods: tuple[str, ...]
    n_rows: Callable  # data set -> its rows
    fitter: Callable  # data set, size, seed, folder -> object with scores(student, method)
    tables: Callable  # records of a half -> {"tables": ..., and what else is written}
    show: Callable  # half and its results are printed
    named_methods: dict[str, str]  # run only if named -> why they cannot be run here, or ""


def main(study):
    """Fill in the cells that are missing, print the tables and write them."""
    options = parse_options(study)
    if not options.show:
        run(study, options)
        write_json(options.json, report(study, read(options.cells)))
    results = json.loads(options.json.read_text())
    for half in study.halves:
        if half in results and options.half in (None, half):
            study.show(half, results[half])


def parse_options(study):
    """Return the options of the command line."""
    parser = ArgumentParser(description=study.description.splitlines()[0])
    add = parser.add_argument
    results = ROOT / "benchmarks" / "results" / f"{study.name}.json"
    cells = ROOT / "output" / f"{study.name}.jsonl"
    methods = (*study.methods, *study.named_methods)
    add("--half", choices=study.halves, help="of the data sets; both by default")
    add("--data", nargs="*", help="only these data sets, by name")
    add("--sizes", nargs="*", type=int, default=study.sizes, help="numbers of labelled rows")
    add("--seeds", nargs="*", type=int, default=range(N_SEEDS), help="by default 0 to 3")
    add("--students", nargs="*", default=study.students, help="only these students")
    add("--methods", nargs="*", default=study.methods, choices=methods)
    add("--minutes", type=float, default=np.inf, help="begin no more after so long")
    add("--cells", type=Path, nargs="+", default=[cells], help="files of results; the last grows")
    add("--memory", type=Path, help="keep fitted teachers in this folder, instead of deleting them")
    add("--json", type=Path, default=results, help="where the tables are written")
    add("--show", action="store_true", help="print the tables of a run that was written")
    return parser.parse_args()


def names_of(study, options):
    """Return the names of the data sets to run."""
    halves = study.halves if options.half is None else (options.half,)
    return options.data or [name for half in halves for name in study.halves[half]]


def run(study, options):
    """Run the cells that are missing, until the time is over."""
    for method in options.methods:
        if study.named_methods.get(method):
            sys.exit(study.named_methods[method])
    end = monotonic() + 60 * options.minutes
    done, names = cells_done(options), names_of(study, options)
    options.cells[-1].parent.mkdir(parents=True, exist_ok=True)
    for seed, size, data in product(options.seeds, options.sizes, names):
        cells = [
            Cell(seed, size, data, student, method)
            for student, method in product(options.students, options.methods)
        ]
        missing = [cell for cell in cells if cell not in done]
        if missing and monotonic() < end and has_size(study.n_rows(data), size):
            start = monotonic()
            run_together(study, missing, options, end)
            print(f"{data}, {size} rows, seed {seed}: {monotonic() - start:.0f} s", flush=True)
    print(f"\nMissing: {count_missing(study, options)} cells.")


def cells_done(options):
    """Return the cells that have a result."""
    return {Cell(*(each[name] for name in Cell._fields)) for each in read(options.cells)}


def count_missing(study, options):
    """Return how many cells of those asked for have no result."""
    done, names = cells_done(options), names_of(study, options)
    wanted = product(options.seeds, options.sizes, names, options.students, options.methods)
    return sum(cell not in done and has_size(study.n_rows(cell[2]), cell[1]) for cell in wanted)


def has_size(n_rows, size):
    """Return whether the rows outside the test are at least twice those with labels."""
    return n_rows - n_test_rows(n_rows) >= 2 * size


def n_test_rows(n_rows):
    """Return the number of test rows."""
    return min(round(TEST_SHARE * n_rows), MOST_TEST_ROWS)


def run_together(study, cells, options, end):
    """Run cells of one data set, size and seed, whose teachers are the same."""
    warnings.simplefilter("ignore")  # nets' epochs are few; the choice may be 0
    first = cells[0]
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        memory = folder if options.memory is None else options.memory
        fitter = study.fitter(first.data, first.size, first.seed, memory)
        for cell in cells:
            if monotonic() < end:
                try:
                    record = {**cell._asdict(), **fitter.scores(cell.student, cell.method)}
                except Exception as error:  # the cell stays missing, and is counted
                    print(f"{cell}: {error!r}", flush=True)
                else:
                    append(options.cells[-1], record)


def append(path, record):
    """Add one line; several processes may do so at once."""
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def read(paths):
    """Return all lines of files of results."""
    texts = [path.read_text() for path in paths if path.exists()]
    return [json.loads(line) for text in texts for line in text.splitlines()]


# The tables.


def report(study, records):
    """Return the tables of each half as they will be printed."""
    tables: dict = {}
    for half, names in study.halves.items():
        of_half = [each for each in records if each["data"] in names]
        if of_half:
            tables[half] = study.tables(of_half)
    return tables


def lines_of(methods, pairs, summary):
    """Return the lines of a table: those of the methods that any pair has."""
    return [line for line in (summary(method, pairs) for method in methods) if line]


def lines_by_student(methods, pairs, summary, students):
    """Return the lines of a table for each student."""
    return [
        {"student": student, **line}
        for student in students
        for line in lines_of(methods, only(student, pairs), summary)
    ]


def only(student, pairs):
    """Return the pairs of one student."""
    return {name: pair for name, pair in pairs.items() if name[-1] == student}


def show_tables(half, tables):
    """Print the tables of one half."""
    for title, lines in tables.items():
        if lines:
            print(f"\nData sets that {half}: {title}")
            print_table(lines)
