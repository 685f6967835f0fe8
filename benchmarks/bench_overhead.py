"""What skdistill adds to the student's own work: to a prediction, a remembered fit and an import.

- A row is predicted by `DistilledClassifier.predict_proba`, by its `student_`, and by a `Pipeline`
  of one step, which is what scikit-learn itself adds; arrays and dataframes.
- A fit finds its teacher's probabilities in `memory`; beside it the same student learns from the
  same soft labels. 1,797 rows, ten classes.
- `import skdistill` in a process that has everything else that it imports.
- Fits of the default classifier and regressor with `n_jobs` 1 and 2: wall time, and the share of
  the two cores that is idle with 2. 2,000 rows; workers are started beforehand.

Both sides are measured in turn in one process with one thread; what counts is the median of the
differences, and of the ratios. Absolute times are those of the machine.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import pandas as pd
from _measure import print_table, write_json
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from skdistill import DistilledClassifier, DistilledRegressor, SoftLabels, fit_soft_labels
from skdistill.teachers import cross_val_proba

STUDENTS = (
    GaussianNB(),
    DecisionTreeClassifier(max_depth=8, random_state=0),
    LogisticRegression(max_iter=200, tol=1e-3),
)
GOALS = {"a row of an array": 20e-6, "a fit": 10e-3, "the import": 50e-3}  # seconds added
SPEED_UP = 1.6  # of two cores
N_PREDICTIONS = 200  # are timed together, since the clock is too coarse for one
RESULTS = Path(__file__).parent / "results" / "bench_overhead.json"
LIST_OTHERS = (
    "import json, sys, skdistill; "
    "print(json.dumps([m for m in sys.modules if m.partition('.')[0] != 'skdistill']))"
)
TIME_IMPORT = """
import gc, importlib, json, sys, time
for module in json.loads(sys.argv[1]):
    try:
        importlib.import_module(module)
    except ImportError:  # __main__ and its like
        pass
gc.freeze()  # a full collection, wherever it falls, would look through the others' objects
start = time.process_time()
import skdistill
print(time.process_time() - start)
"""


def main():
    """Measure, print the table and write it."""
    options = parse_options()
    X, y = load_digits(return_X_y=True)
    with threadpool_limits(1):
        records = [
            record
            for student in STUDENTS
            for record in records_of_student(student, X / 16, y, options.repeats)
        ]
    records.append(record_of("the import", "", time_import(options.repeats)))
    print_table(records)
    in_parallel = [
        record_of_cores(model, rows, y, options.repeats) for model, (rows, y) in default_fits()
    ]
    print_table(in_parallel)
    results = {"repeats": options.repeats, "records": records, "two cores": in_parallel}
    write_json(options.json, results)


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15, help="of each measurement (default: 15)")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


def records_of_student(student, X, y, repeats):
    """Return the lines of the table for one student."""
    name = type(student).__name__
    containers = {"an array": X, "a dataframe": pd.DataFrame(X).add_prefix("pixel_")}
    for container, rows in containers.items():
        distilled = DistilledClassifier(student=student, alpha=1.0, random_state=0).fit(rows, y)
        pipeline = Pipeline([("student", distilled.student_)])
        row = rows[:1]
        for through, kind in ((distilled, ""), (pipeline, ", by a Pipeline")):
            times = alternate(
                repeated(through.predict_proba, row),
                repeated(distilled.student_.predict_proba, row),
                repeats,
            )
            yield record_of(f"a row of {container}{kind}", name, times / N_PREDICTIONS)
    yield record_of("a fit", name, time_fits(student, X, y, repeats))


def repeated(function, argument):
    """Return a function that calls another one many times."""

    def call():
        for _ in range(N_PREDICTIONS):
            function(argument)

    return call


def time_fits(student, X, y, repeats):
    """Return seconds of fits that find their teacher in `memory`, and of the student alone."""
    teacher = ExtraTreesClassifier(20, random_state=0)
    with TemporaryDirectory() as folder:
        distilled = DistilledClassifier(
            teacher, student, alpha=1.0, teacher_temperature=1.0, memory=folder, random_state=0
        )
        soft_labels = SoftLabels(cross_val_proba(teacher, X, y, cv=5), y=y)
        return alternate(
            lambda: distilled.fit(X, y), lambda: fit_soft_labels(student, X, soft_labels), repeats
        )


def default_fits():
    """Return the default classifier and regressor, each with its rows."""
    yield (
        DistilledClassifier(random_state=0),
        make_classification(2000, 20, n_informative=8, n_classes=5, random_state=0),
    )
    yield (
        DistilledRegressor(random_state=0),
        make_regression(2000, 20, noise=20.0, random_state=0),
    )


def record_of_cores(model, X, y, repeats):
    """Return a line of the table of fits on one core and on two, by wall time."""
    times = {1: [], 2: []}
    for repeat in range(repeats + 1):
        for n_jobs, of_jobs in times.items():
            start = perf_counter()
            model.set_params(n_jobs=n_jobs).fit(X, y)
            if repeat:  # the first starts the workers
                of_jobs.append(perf_counter() - start)
    speed_up = median(np.divide(times[1], times[2]))
    return {
        "of": type(model).__name__,
        "s, n_jobs=1": median(times[1]),
        "s, n_jobs=2": median(times[2]),
        "speed-up": speed_up,
        "idle share": 1 - speed_up / 2,
        "goal": SPEED_UP,
        "reached": bool(speed_up >= SPEED_UP),
    }


def alternate(with_it, without_it, repeats):
    """Return seconds with skdistill and without, of shape (n_repeats, 2), measured in turn."""
    functions = (with_it, without_it)
    for function in functions:
        function()  # warm
    return np.array([[seconds(function) for function in functions] for _ in range(repeats)])


def seconds(function):
    """Return the processor time of a call."""
    start = process_time()
    function()
    return process_time() - start


def time_import(repeats):
    """Return seconds of the import of skdistill and, beside it, of nothing."""
    others = json.loads(python(LIST_OTHERS))
    return np.array([[float(python(TIME_IMPORT, json.dumps(others))), 0] for _ in range(repeats)])


def python(code, *arguments):
    """Return what a fresh process prints that runs some code."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def record_of(what, student, times):
    """Return a line of the table: milliseconds with and without skdistill, and the difference."""
    added = median(np.subtract(*times.T))
    goal = GOALS.get(what)
    return {
        "of": what,
        "student": student,
        "ms with": 1e3 * median(times[:, 0]),
        "ms without": 1e3 * median(times[:, 1]),
        "ms added": 1e3 * added,
        "goal": goal and 1e3 * goal,
        "reached": goal and bool(added <= goal),
    }


if __name__ == "__main__":
    main()
