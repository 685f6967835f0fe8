"""Cost of each student on soft labels, by expansion and by its own fitter, against hard labels.

Only the ratios are meaningful: the three fits are measured in turn on the same machine, each
time in a fresh process with one thread. A fit that takes more than a few seconds is measured
once. One that takes more than the limit is stopped, and shown as that lower bound (">"); one
that would exceed it, by its growth over fewer classes, is not run, and shown as the prediction
("~").
"""

import math
from argparse import ArgumentParser
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
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
# A Newton step grows with the square of the classes, whatever the labels: minutes beyond.
MOST_CLASSES = {"logistic-newton": 50}
WAYS = ("hard", "fast", "expansion")
N_CLASSES = (10, 50, 100)
N_FEATURES = 20
# Close enough together that even 10 classes are soft: the likeliest has about 0.7 on average.
CLASS_SEP = 0.5
WARM_UP_ROWS, WARM_UP_CLASSES = 200, 3
SLOW = 5.0  # seconds from which once is enough
MEMORY_LIMIT = 8000  # MB
# "Distilling costs what plain fitting costs": at so many classes,
GOAL_CLASSES = 50
GOAL_OF_HARD = 1.3  # times the hard labels' time and memory at most,
GOAL_SPEED_UP = 10  # times faster than the expansion at least.
LEGEND = f"""\
hard: fit(X, y); fast: fit_soft_labels; exp.: fit_by_expansion. s: processor time; MB: extra
peak memory; size: nodes of trees, iterations of solvers.
>: stopped after {{limit:g}} s. ~: not run, since its growth over fewer classes predicts that it
takes longer, or more than {MEMORY_LIMIT} MB.
Goals at {GOAL_CLASSES} classes: fast takes at most {GOAL_OF_HARD} × hard in time and memory,
and expansion at least {GOAL_SPEED_UP} × fast in time.
"""
SIGNS = {"measured": "", "stopped": ">", "predicted": "~"}
RESULTS = Path(__file__).parent / "results" / "bench_students.json"


def main():
    """Measure every student for every number of classes, print the tables and write them."""
    options = parse_options()
    students, skipped = choose_students(options.students)
    records = []
    for n_classes in sorted(options.classes):
        problem = make_problem(options.n_samples, n_classes)
        top = problem[2].proba.max(axis=1).mean()
        print(f"{n_classes} classes: mean probability of the likeliest is {top:.2f}", flush=True)
        for name, student in students.items():
            if n_classes <= MOST_CLASSES.get(name, math.inf):
                print(f"  {name}", flush=True)
                records.append(compare_ways(name, student, problem, records, options))
    growth = [growth_of(name, records) for name in students]
    show(records, growth, skipped, options)
    write_json(
        options.json,
        {
            "n_samples": options.n_samples,
            "n_features": N_FEATURES,
            "class_sep": CLASS_SEP,
            "repeats": options.repeats,
            "limit_seconds": options.expansion_limit,
            "students": {name: repr(student) for name, student in students.items()},
            "skipped": skipped,
            "records": records,
            "growth_exponent_of_time": growth,
        },
    )


def parse_options():
    """Return the options of the command line."""
    names = [*STUDENTS, *BOOSTERS]
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--students", nargs="+", choices=names, default=names, metavar="NAME", help=str(names))
    add("--classes", nargs="+", type=int, default=N_CLASSES, help="default: 10 50 100")
    add("--n-samples", type=int, default=20_000, help="rows (default: 20000)")
    add("--repeats", type=int, default=3, help="of each measurement (default: 3)")
    add("--expansion-limit", type=float, default=60, help="seconds a fit may take (default: 60)")
    add("--json", type=Path, default=RESULTS, help="where the results are written")
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


def compare_ways(name, student, problem, earlier, options):
    """Return what each way of fitting a student costs, given the records of fewer classes."""
    n_classes = len(problem[2].classes)
    earlier = [each for each in earlier if each["student"] == name]
    predicted = {way: predict(way, earlier, n_classes) for way in WAYS}
    ways = ways_to_fit(student, *problem)
    small = ways_to_fit(student, *make_problem(WARM_UP_ROWS, WARM_UP_CLASSES))
    measured = compare(
        {way: ways[way] for way in WAYS if not beyond_limits(predicted[way], options)},
        options.repeats,
        warm_up=lambda: [fit() for fit in small.values()],
        slow=SLOW,
        limit=options.expansion_limit,
    )
    costs = {way: cost_of(each, options.expansion_limit) for way, each in measured.items()}
    costs = {way: costs.get(way, predicted[way]) for way in WAYS}
    record = {"student": name, "classes": n_classes, **costs}
    return {**record, "missed": missed_goals(costs) if n_classes == GOAL_CLASSES else None}


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


def predict(way, earlier, n_classes):
    """Return the cost by its growth so far; None where nothing is known."""
    known = [(each["classes"], each[way]) for each in earlier]
    predicted = {
        key: extrapolate([(k, cost[key]) for k, cost in known if cost[key]], n_classes)
        for key in ("seconds", "mb")
    }
    return {**predicted, "size": None, "status": "predicted"}


def extrapolate(known, n_classes):
    """Return the value at so many classes by a power law; linear growth after one value."""
    if not known:
        return None
    exponent = max(1.0, power_law(known)) if len(known) > 1 else 1.0
    last_classes, last_value = known[-1]
    return last_value * (n_classes / last_classes) ** exponent


def power_law(known):
    """Return b of the least-squares fit: value = a · (number of classes)^b."""
    n_classes, values = zip(*known, strict=True)
    return float(np.polyfit(np.log(n_classes), np.log(values), 1)[0])


def beyond_limits(predicted, options):
    """Return whether a fit is not worth beginning."""
    too_long = (predicted["seconds"] or 0) > options.expansion_limit
    return too_long or (predicted["mb"] or 0) > MEMORY_LIMIT


def cost_of(measurement, limit):
    """Return a measurement as a cost, the limit where it was stopped."""
    if math.isinf(measurement.seconds):
        return {"seconds": limit, "mb": None, "size": None, "status": "stopped"}
    seconds, mb, size = measurement
    return {"seconds": seconds, "mb": mb, "size": size, "status": "measured"}


def missed_goals(costs):
    """Return the goals that are missed, as far as measured: a stopped way may have met them."""
    hard, fast, expansion = (costs[way] for way in WAYS)
    met = {
        "time": fast["seconds"] <= GOAL_OF_HARD * hard["seconds"],
        "memory": fast["mb"] is not None and fast["mb"] <= GOAL_OF_HARD * hard["mb"],
        "speed-up": expansion["seconds"] >= GOAL_SPEED_UP * fast["seconds"],
    }
    return [goal for goal, is_met in met.items() if not is_met]


def growth_of(name, records):
    """Return the exponent of growth in the number of classes of each way's measured time."""
    of_student = [each for each in records if each["student"] == name]
    growth = {"student": name}
    for way in WAYS:
        known = [
            (each["classes"], each[way]["seconds"])
            for each in of_student
            if each[way]["status"] == "measured"
        ]
        growth[way] = power_law(known) if len(known) > 1 else None
        growth[f"{way} at"] = " ".join(str(n_classes) for n_classes, _ in known)
    return growth


def show(records, growth, skipped, options):
    """Print the costs, students together, and their growth."""
    names = [each["student"] for each in growth]
    print(f"\n{options.n_samples} rows, {N_FEATURES} features.")
    print(LEGEND.format(limit=options.expansion_limit))
    lines = sorted(records, key=lambda each: names.index(each["student"]))
    print_table([line_of(each) for each in lines])
    for name, reason in skipped.items():
        print(f"{name} skipped: {reason}")
    print("\nMeasured time grows with the number of classes to the power of\n")
    print_table(growth)


def line_of(record):
    """Return one line of the table, as text."""
    hard, fast, expansion = (record[way] for way in WAYS)
    missed = record["missed"]
    return {
        "student": record["student"],
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
        "exp. size": expansion["size"],
        "misses": None if missed is None else " ".join(missed) or "nothing",
    }


def text(cost, key):
    """Return a cost with the sign of how it is known; a dash where it is not."""
    return "—" if cost[key] is None else SIGNS[cost["status"]] + cell(cost[key])


def ratio(cost, base, key):
    """Return a ratio of costs; a lower bound if the first one is, a guess if the second one is."""
    if cost[key] is None or base[key] is None:
        return "—"
    status = cost["status"] if base["status"] == "measured" else "predicted"
    return SIGNS[status] + cell(cost[key] / base[key])


if __name__ == "__main__":
    main()
