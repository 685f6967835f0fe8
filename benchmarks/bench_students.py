"""Cost of each student on soft labels, by its own fitter and by expansion, against hard labels.

Only the ratios are meaningful: the fits are measured in turn on the same machine, each time in a
fresh process with one thread, and the medians are shown. A fit that takes more than a few seconds
is measured once. An expansion that takes more than the limit is stopped, and shown as that lower
bound (">"). A run that is started again does what is missing.
"""

import math
from argparse import ArgumentParser
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import numpy as np
from _cells import append, read
from _measure import cell, compare, print_table, write_json
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import fit_by_expansion

STUDENTS = {
    "logistic": LogisticRegression(),
    "logistic-newton": LogisticRegression(solver="newton-cholesky"),
    "sgd": SGDClassifier(loss="log_loss", random_state=0),
    "gaussian-nb": GaussianNB(),
    "multinomial-nb": MultinomialNB(),
    "tree-depth-10": DecisionTreeClassifier(max_depth=10, random_state=0),
    "tree-full": DecisionTreeClassifier(random_state=0),
    "forest": RandomForestClassifier(n_estimators=10, random_state=0),
    "extra-trees": ExtraTreesClassifier(n_estimators=10, random_state=0),
    "hist-boosting": HistGradientBoostingClassifier(max_iter=5, early_stopping=False),
}
# Package, class and parameters of the students that may not be installed.
SMALL_BOOSTER = {"n_estimators": 10, "max_depth": 4}
BOOSTERS = {
    "xgboost": ("xgboost", "XGBClassifier", {**SMALL_BOOSTER, "n_jobs": 1}),
    "lightgbm": ("lightgbm", "LGBMClassifier", {**SMALL_BOOSTER, "n_jobs": 1, "verbose": -1}),
    "catboost": (
        "catboost",
        "CatBoostClassifier",
        {**SMALL_BOOSTER, "thread_count": 1, "verbose": 0, "allow_writing_files": False},
    ),
}
FEW_ROWS, MANY_ROWS = 4_000, 300_000
MANY_CLASSES = 50
# Rows and classes. Of many rows there is no expansion: its cost is known from the few.
CASES = ((FEW_ROWS, MANY_CLASSES), (MANY_ROWS, 2), (MANY_ROWS, 5))
WAYS = ("hard", "fast", "expansion")
N_FEATURES = 20
# Close enough together that even 10 classes are soft: the likeliest has about 0.7 on average.
CLASS_SEP = 0.5
WARM_UP_ROWS, WARM_UP_CLASSES = 200, 3
SLOW = 5.0  # seconds from which once is enough
LEGEND = """\
hard: fit(X, y); fast: fit_soft_labels; exp.: fit_by_expansion. s: processor time; MB: peak memory
above the data. >: stopped after {limit:g} s.
"""
SIGNS = {"measured": "", "stopped": ">"}
ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "bench_students.json"
CELLS = ROOT / "output" / "bench_students.jsonl"


def fast_to_hard(record, key):
    """Return what soft labels cost in units of hard ones."""
    return record["fast"][key] / record["hard"][key]


def fast_to_expansion(record, key):
    """Return what soft labels cost in units of the expansion: an upper bound if it was stopped."""
    return record["fast"][key] / record["expansion"][key]


class Goal(NamedTuple):
    """What a student should cost at most in a case."""

    student: str
    case: tuple[int, int]
    most: float
    key: str = "seconds"
    figure: Callable = fast_to_hard


FEW_OF_MANY, MANY_OF_TWO, MANY_OF_FIVE = CASES
GOALS = (
    Goal("hist-boosting", FEW_OF_MANY, 1.3),
    Goal("hist-boosting", MANY_OF_TWO, 1.3),
    Goal("hist-boosting", MANY_OF_FIVE, 1.3),
    Goal("sgd", FEW_OF_MANY, 5.0),
    Goal("sgd", FEW_OF_MANY, 2.2),
    Goal("sgd", MANY_OF_FIVE, 1.3, "mb"),
    Goal("catboost", FEW_OF_MANY, 0.2, figure=fast_to_expansion),
    *(Goal("gaussian-nb", case, 1.2) for case in CASES),
    *(Goal("forest", case, 1.3) for case in CASES),
    *(Goal("extra-trees", case, 2.0) for case in CASES),
    *(
        Goal(student, MANY_OF_FIVE, 1.5, "mb")
        for student in ("xgboost", "lightgbm", "catboost", "hist-boosting", "gaussian-nb")
    ),
)


def main():
    """Measure what is missing, print the tables and write them."""
    options = parse_options()
    students, skipped = choose_students(options.students)
    if not options.show:
        run(students, options)
    records = in_order(read([options.cells]))
    goals = [line for line in map(result_of, GOALS, [records] * len(GOALS)) if line]
    show(records, goals, skipped, options)
    if not options.show:
        write_json(
            options.json,
            {
                "n_features": N_FEATURES,
                "class_sep": CLASS_SEP,
                "repeats": options.repeats,
                "limit_seconds": options.limit,
                "students": {name: repr(student) for name, student in students.items()},
                "skipped": skipped,
                "records": records,
                "goals": goals,
            },
        )


def run(students, options):
    """Measure the students and cases that are missing, at least one, until the time is over."""
    end = monotonic() + 60 * options.minutes
    done = {key_of(each) for each in read([options.cells])}
    options.cells.parent.mkdir(parents=True, exist_ok=True)
    for n_samples, n_classes in CASES:
        missing = [name for name in students if (name, n_samples, n_classes) not in done]
        problem = make_problem(n_samples, n_classes) if missing else None
        for name in missing:
            record = {"student": name, "rows": n_samples, "classes": n_classes}
            record |= costs_of(students[name], problem, options)
            append(options.cells, record)
            print(f"{name}, {n_samples} rows, {n_classes} classes", flush=True)
            if monotonic() > end:
                return


def key_of(record):
    """Return what a record is about."""
    return record["student"], record["rows"], record["classes"]


def in_order(records):
    """Return one record, the last, of each student and case, students together."""
    of_key = {key_of(each): each for each in records}
    names = [*STUDENTS, *BOOSTERS]
    wanted = [(name, *case) for name in names for case in CASES]
    return [of_key[key] for key in wanted if key in of_key]


def parse_options():
    """Return the options of the command line."""
    names = [*STUDENTS, *BOOSTERS]
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--students", nargs="+", choices=names, default=names, metavar="NAME", help=str(names))
    add("--minutes", type=float, default=math.inf, help="begin no more after so long")
    add("--repeats", type=int, default=3, help="of each measurement (default: 3)")
    add("--limit", type=float, default=60, help="seconds an expansion may take (default: 60)")
    add("--cells", type=Path, default=CELLS, help="file of results; it grows")
    add("--json", type=Path, default=RESULTS, help="where the tables are written")
    add("--show", action="store_true", help="print the tables of a run that was written")
    return parser.parse_args()


def choose_students(names):
    """Return the students of these names, and why those that cannot be measured are left out."""
    students, skipped = {}, {}
    for name in names:
        if name in STUDENTS:
            students[name] = STUDENTS[name]
            continue
        package, class_name, params = BOOSTERS[name]
        if find_spec(package) is None:
            skipped[name] = f"{package} is not installed"
        else:
            students[name] = getattr(import_module(package), class_name)(**params)
    return students, skipped


def make_problem(n_samples, n_classes):
    """Return rows, their labels, and the true probabilities as soft labels."""
    X, y, p_star = make_gaussian_classes(
        n_samples, N_FEATURES, n_classes, class_sep=CLASS_SEP, random_state=0
    )
    return X, y, SoftLabels(p_star, y=y)


def costs_of(student, problem, options):
    """Return what each way of fitting a student costs."""
    ways = ways_to_fit(student, *problem)
    small = ways_to_fit(student, *make_problem(WARM_UP_ROWS, WARM_UP_CLASSES))
    # Together, so that ratios are of the same minutes; the expansion, which may be slow, alone.
    both = {way: ways[way] for way in ("hard", "fast")}
    few = len(problem[2]) == FEW_ROWS

    def warm_up():
        return [fit() for fit in small.values()]

    measured = compare(both, options.repeats, warm_up=warm_up, slow=SLOW)
    if few:
        expansion = {"expansion": ways["expansion"]}
        measured |= compare(
            expansion, options.repeats, warm_up=warm_up, slow=SLOW, limit=options.limit
        )
    return {way: cost_of(measured[way], options.limit) if way in measured else None for way in WAYS}


def ways_to_fit(student, X, y, soft_labels):
    """Return a function for each way of fitting, which returns how large the fit became."""
    if isinstance(student, MultinomialNB):
        X = np.abs(X)  # it counts
    return {
        "hard": lambda: size_of(clone(student).fit(X, y)),
        "fast": lambda: size_of(fit_soft_labels(student, X, soft_labels)),
        "expansion": lambda: size_of(fit_by_expansion(clone(student), X, soft_labels)),
    }


def size_of(fitted):
    """Return how many nodes a tree or forest has, how many iterations a solver made, or None."""
    if hasattr(fitted, "tree_"):
        return fitted.tree_.node_count
    if hasattr(fitted, "estimators_"):
        return sum(tree.tree_.node_count for tree in fitted.estimators_)
    # Not every booster has it, and that of the others is max_iter.
    return int(np.max(fitted.n_iter_)) if hasattr(fitted, "coef_") else None


def cost_of(measurement, limit):
    """Return a measurement as a cost, the limit where it was stopped."""
    if math.isinf(measurement.seconds):
        return {"seconds": limit, "mb": None, "size": None, "status": "stopped"}
    seconds, mb, size = measurement
    return {"seconds": seconds, "mb": mb, "size": size, "status": "measured"}


def result_of(goal, records):
    """Return a goal with the figure measured, None where it was not measured."""
    costs = [each for each in records if key_of(each) == (goal.student, *goal.case)]
    if not costs:
        return None
    figure = goal.figure(costs[0], goal.key)
    base = "hard labels" if goal.figure is fast_to_hard else "expansion"
    return {
        "student": goal.student,
        "rows": goal.case[0],
        "classes": goal.case[1],
        "what": {"seconds": "time", "mb": "memory"}[goal.key],
        "in units of": base,
        "goal": goal.most,
        "measured": figure,
        "result": "reached" if figure <= goal.most else "missed",
    }


def show(records, goals, skipped, options):
    """Print the costs, students together, and what became of the goals."""
    print(f"\n{N_FEATURES} features.")
    print(LEGEND.format(limit=options.limit))
    print_table([line_of(each) for each in records])
    for name, reason in skipped.items():
        print(f"{name} skipped: {reason}")
    if goals:
        print("\nGoals, at most\n")
        print_table(goals)


def line_of(record):
    """Return one line of the table, as text."""
    hard, fast, expansion = (record[way] for way in WAYS)
    return {
        "student": record["student"],
        "rows": record["rows"],
        "classes": record["classes"],
        "hard s": text(hard, "seconds"),
        "fast s": text(fast, "seconds"),
        "exp. s": text(expansion, "seconds"),
        "fast/hard": ratio(fast, hard, "seconds"),
        "exp./fast": ratio(expansion, fast, "seconds"),
        "hard MB": text(hard, "mb"),
        "fast MB": text(fast, "mb"),
        "exp. MB": text(expansion, "mb"),
        "fast/hard MB": ratio(fast, hard, "mb"),
        "hard size": hard["size"],
        "fast size": fast["size"],
        "exp. size": None if expansion is None else expansion["size"],
    }


def text(cost, key):
    """Return a cost, with a sign if it is a bound; a dash where it was not measured."""
    if cost is None or cost[key] is None:
        return "—"
    return SIGNS[cost["status"]] + cell(cost[key])


def ratio(cost, base, key):
    """Return a ratio of costs; a lower bound if the first one is."""
    if cost is None or cost[key] is None or base[key] is None:
        return "—"
    return SIGNS[cost["status"]] + cell(cost[key] / base[key])


if __name__ == "__main__":
    main()
