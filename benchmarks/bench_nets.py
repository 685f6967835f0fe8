"""How much of an ensemble's gain does one net keep? The experiment of Hinton et al., in full.

`examples/ensemble_to_small_net.py` has the rows, the nets and the recipes; here are five seeds,
temperatures 1, 2 and 4, and image shifts, in cells that are run one by one. Each result is a line
of a file when it is done; a run that is started again does what is missing, first what the example
shows, for all seeds. The ensemble's probabilities are kept beside that file.

What comes out is printed, losses too. --amp bfloat16 halves the time on processors that have it.
"""

import json
import sys
from argparse import ArgumentParser
from collections import defaultdict
from functools import cached_property
from itertools import chain, groupby, product
from pathlib import Path
from time import monotonic, process_time
from typing import NamedTuple

import numpy as np
import torch
from _measure import write_json

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "examples"))
from _images import draw_split, load_images, rows_of  # noqa: E402
from _net_figures import (  # noqa: E402
    COMPARED,
    DECIMALS,
    draw_curve,
    interval_text,
    mean_and_error,
    print_shares,
    print_table,
    share_kept,
)
from ensemble_to_small_net import (  # noqa: E402
    CONTROLS,
    ENSEMBLE,
    FIRST_SEED,
    HARD,
    IN_SAMPLE,
    LABELS,
    OUT_OF_FOLD,
    RECIPES,
    SMOOTHED,
    STUDENTS,
    Recipe,
    Teacher,
    fit_student,
    measure,
    recipes_of,
)

SEEDS = range(FIRST_SEED, FIRST_SEED + 5)
RESULTS = ROOT / "benchmarks" / "results" / "bench_nets.json"
TEMPERATURES = (1.0, 2.0, 4.0)
SHARES_OF_EXTRA = (0.1, 0.25, 0.5)  # of the unlabelled images, for the curve


class Cell(NamedTuple):
    """One result: a seed, a student and its recipe; the ensemble is a student without a recipe."""

    seed: int
    student: str
    recipe: str


# What is run first, for all seeds, comes first.
STAGES = {
    "example": tuple(each for each in RECIPES if each.targets != OUT_OF_FOLD),
    "out of fold": tuple(each for each in RECIPES if each.targets == OUT_OF_FOLD),
    "curve": tuple(Recipe(IN_SAMPLE, share) for share in SHARES_OF_EXTRA),
    "temperatures": tuple(
        Recipe(IN_SAMPLE, share, temperature=temperature)
        for temperature, share in product(TEMPERATURES[1:], (0.0, 1.0))
    ),
    "shifts": (
        *(Recipe(each, shifted=True) for each in (LABELS, SMOOTHED, HARD, IN_SAMPLE)),
        *(Recipe(each, 1.0, shifted=True) for each in (HARD, IN_SAMPLE)),
    ),
    "all combined": tuple(
        Recipe(targets, share, shifted, temperature)
        for targets, share, shifted, temperature in product(
            (IN_SAMPLE, OUT_OF_FOLD), (0.0, 1.0), (False, True), TEMPERATURES
        )
    ),
}


def main():
    """Fill in the cells that are missing, print the tables and write them."""
    options = parse_options()
    torch.set_num_threads(1)
    images = load_images()
    if not options.show:
        run(images, options)
    records = [each for each in read(options.cells) if each["images"] == images.name]
    results = results_of(records)
    print_table(results)
    print_shares(results)
    draw_curve(curves_of(results, images), options.picture, f"One net for ten: {images.name}")
    write_json(options.json, report(results, images, options))
    print(f"Missing: {len(cells_missing(records, options))} cells of {len(options.seeds)} seeds.")


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seeds", nargs="*", type=int, default=SEEDS, help="by default 1 to 5")
    add("--stages", nargs="*", choices=STAGES, default=list(STAGES), help="in this order")
    add("--students", nargs="*", choices=STUDENTS, default=list(STUDENTS))
    add("--minutes", type=float, default=np.inf, help="begin no more after so long")
    add("--amp", choices=("bfloat16",), help="mixed precision (default: none)")
    add("--cells", type=Path, default=ROOT / "output" / "bench_nets.jsonl", help="grows")
    add("--json", type=Path, default=RESULTS, help="where the tables are written")
    add("--picture", type=Path, default=ROOT / "output" / "bench_nets.png")
    add("--show", action="store_true", help="run nothing")
    return parser.parse_args()


def cells_wanted(options):
    """Return each cell with its recipe, in the order in which they are run."""
    wanted = {}
    for stage, seed in product(options.stages, options.seeds):
        wanted[Cell(seed, "teacher", ENSEMBLE)] = None
        for student in options.students:
            recipes = STAGES[stage]
            for recipe in recipes_of(student, recipes) if stage == "example" else recipes:
                wanted[Cell(seed, student, str(recipe))] = recipe
    return wanted


def cells_missing(records, options):
    """Return the cells without a result, with their recipes."""
    done = {Cell(*(each[name] for name in Cell._fields)) for each in records}
    return {cell: recipe for cell, recipe in cells_wanted(options).items() if cell not in done}


def run(images, options):
    """Run the cells that are missing, until the time is over."""
    end = monotonic() + 60 * options.minutes
    options.cells.parent.mkdir(parents=True, exist_ok=True)
    records = [each for each in read(options.cells) if each["images"] == images.name]
    missing = cells_missing(records, options)
    for seed, cells in groupby(missing.items(), key=lambda item: item[0].seed):
        split = draw_split(images, seed)
        teacher = KeptTeacher(split, seed, images.name, options)
        for cell, recipe in cells:
            if monotonic() > end:
                return
            start = process_time()
            scores = scores_of(cell, recipe, split, teacher, options.amp)
            seconds = round(process_time() - start, 1)
            record = {"images": images.name, **cell._asdict(), **scores, "seconds": seconds}
            append(options.cells, record | {"amp": options.amp})
            shown = f"accuracy {scores['accuracy']:.4f}, log-loss {scores['log-loss']:.4f}"
            print(f"{cell.seed}: {cell.student}, {cell.recipe}: {shown}, {seconds} s", flush=True)


def scores_of(cell, recipe, split, teacher, amp):
    """Return the test scores of a cell."""
    if recipe is None:
        return measure(teacher.ensemble, split.X_test, split.y_test)
    net = fit_student(STUDENTS[cell.student], recipe, split, teacher, amp=amp)
    return measure(net, split.X_test, split.y_test)


class KeptTeacher(Teacher):
    """A teacher whose probabilities are kept in files."""

    def __init__(self, split, seed, name, options):
        super().__init__(split, seed, amp=options.amp)
        self.folder = options.cells.with_suffix("") / name / f"{options.amp} {seed}"
        self.folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def ensemble(self):
        """The ensemble; its probabilities are kept at once, so that it is fitted once."""
        ensemble = super().ensemble
        for name in ("labeled", "unlabeled", "labeled, shifted", "unlabeled, shifted"):
            proba = ensemble.predict_proba(rows_of(self.split, name, self.seed))
            np.save(self.folder / f"{name}.npy", proba.astype(np.float32))
        return ensemble

    def compute(self, name):
        """Return the probabilities from a file, or compute them and keep them."""
        path = self.folder / f"{name}.npy"
        if not path.exists() and name != "out of fold":
            self.ensemble  # noqa: B018
        if not path.exists():
            np.save(path, super().compute(name).astype(np.float32))
        return np.load(path)


def append(path, record):
    """Add one line; several processes may do so at once."""
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def read(path):
    """Return all lines of a file of results."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# The tables.


def results_of(records):
    """Return the results by student and recipe, in the order of the stages."""
    results = defaultdict(list)
    for each in records:
        results[each["student"], each["recipe"]].append(each)
    staged = (*STAGES["example"], *CONTROLS, *chain(*STAGES.values()))
    recipes = list(dict.fromkeys(map(str, staged)))
    order = {("teacher", ENSEMBLE): -1}
    order |= {name: k for k, name in enumerate(product(STUDENTS, recipes))}
    return {name: results[name] for name in sorted(results, key=order.get)}


def curves_of(results, images):
    """Return the shares kept with T = 1 by student and number of extra images."""
    curves = {}
    for student, share in product(STUDENTS, (0.0, *SHARES_OF_EXTRA, 1.0)):
        name = student, str(Recipe(IN_SAMPLE, share))
        if name in results and (student, LABELS) in results:
            n_extra = round(share * images.n_unlabeled)
            points = curves.setdefault(student, {})
            points[n_extra] = {column: share_kept(results, name, column) for column in COMPARED}
    return curves


def report(results, images, options):
    """Return what is written: means, standard errors and shares of each student and recipe."""
    lines = []
    for name, seeds in results.items():
        line = {"student": name[0], "targets": name[1], "seeds": len(seeds)}
        line |= {column: mean_and_error(seeds, column) for column in DECIMALS}
        line |= {"parameters": seeds[0]["parameters"], "ms": median_of(seeds, "ms/1000")}
        for column in COMPARED:
            line[f"kept, {column}"] = ""
            if name[0] in STUDENTS and name[1] != LABELS and (name[0], LABELS) in results:
                line[f"kept, {column}"] = interval_text(share_kept(results, name, column))
        lines.append(line)
    records = [each for seeds in results.values() for each in seeds]
    missing = [list(cell) for cell in cells_missing(records, options)]
    return {
        "images": images.name, "labeled": images.n_labeled, "unlabeled": images.n_unlabeled,
        "table": lines, "missing": missing, "records": records,
    }  # fmt: skip


def median_of(seeds, column):
    """Return the median of a column, rounded."""
    return round(float(np.median([scores[column] for scores in seeds])), 1)


if __name__ == "__main__":
    main()
