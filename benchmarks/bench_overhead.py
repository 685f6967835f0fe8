"""What skdistill adds to the student's own work: to a prediction, a remembered fit and an import.

- A row is predicted by `DistilledClassifier.predict_proba`, by its `student_`, and by a `Pipeline`
  of one step, which is what scikit-learn itself adds; arrays and dataframes.
- A fit finds its teacher's probabilities in `memory`; beside it the same student learns from the
  same soft labels. 1,797 rows, ten classes.
- `import skdistill` in a process that has everything else that it imports.
- Fits of the default classifier and regressor with `n_jobs` 1 and 2, 2,000 rows: wall time, and the
  schedule of their tasks on two cores. Workers are started beforehand.
- Rows are predicted by a `CascadeClassifier`; beside it `student_.predict_proba` of all of them and
  `teacher_.predict` of those that are deferred. `--cascades` measures these alone, and replaces
  their lines of the results.

Both sides are measured in turn in one process with one thread; what counts is the median of the
differences, and of the ratios. Absolute times are those of the machine.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from unittest.mock import patch

import numpy as np
import pandas as pd
from _measure import print_table, write_json
from joblib import Parallel, delayed
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from skdistill import (
    CascadeClassifier,
    DistilledClassifier,
    DistilledRegressor,
    SoftLabels,
    fit_soft_labels,
)
from skdistill._base import _alpha_selection
from skdistill._teachers import _cross_fitting
from skdistill.teachers import cross_val_proba

STUDENTS = (
    GaussianNB(),
    DecisionTreeClassifier(max_depth=8, random_state=0),
    LogisticRegression(max_iter=200, tol=1e-3),
)
GOALS = {  # seconds added
    "a row of an array": 20e-6, "a fit": 10e-3, "the import": 50e-3,
    "a cascade, a kept row": 20e-6, "a cascade, a deferred row": 20e-6,
    "a cascade, 100 rows": 20e-6, "a cascade, 1000 rows": 20e-6,
}  # fmt: skip
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
    parts = [records_of_cascade] if options.cascades else [records_of_student, records_of_cascade]
    with threadpool_limits(1):
        records = [
            record
            for part in parts
            for student in STUDENTS
            for record in part(student, X / 16, y, options.repeats)
        ]
    results = {"repeats": options.repeats}
    if options.cascades:
        results = json.loads(options.json.read_text())
        del results["versions"]  # those of now are written
        others = [each for each in results["records"] if "cascade" not in each["of"]]
        results["records"] = others + records
    else:
        records.append(record_of("the import", "", time_import(options.repeats)))
        results |= {"records": records, "two cores": lines_of_cores(options.repeats)}
        print_table(results["two cores"])
    print_table(records)
    write_json(options.json, results)


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15, help="of each measurement (default: 15)")
    parser.add_argument("--cascades", action="store_true", help="measure cascades alone")
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


def records_of_cascade(student, X, y, repeats):
    """Return the lines of the table for a cascade with one student."""
    teacher = LogisticRegression(max_iter=200, tol=1e-3).fit(X[:400], y[:400])  # a fast one
    student.fit(X[400:800], y[400:800])
    pair = FrozenEstimator(teacher), FrozenEstimator(student)
    cascade = CascadeClassifier(*pair, max_disagreement=0.15).fit(X[800:])
    X = X[-1000:]
    deferred = cascade.defers(X)
    parts = {"a kept row": X[~deferred][:1], "a deferred row": X[deferred][:1]}
    parts |= {f"{n} rows": X[:n] for n in (100, 1000)}
    for name, rows in parts.items():
        of_teacher = rows[cascade.defers(rows)]

        def alone(rows, of_teacher=of_teacher):
            student.predict_proba(rows)
            if len(of_teacher):
                teacher.predict(of_teacher)

        n_calls = max(5, N_PREDICTIONS // len(rows))
        times = alternate(
            repeated(cascade.predict, rows, n_calls), repeated(alone, rows, n_calls), repeats
        )
        yield record_of(f"a cascade, {name}", type(student).__name__, times / n_calls)


def repeated(function, argument, n_calls=N_PREDICTIONS):
    """Return a function that calls another one many times."""

    def call():
        for _ in range(n_calls):
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


def lines_of_cores(repeats):
    """Return the lines of the table of two cores."""
    return [record_of_cores(model, X, y, repeats) for model, (X, y) in default_fits()]


def record_of_cores(model, X, y, repeats):
    """Return a line of the table of fits on one core and on two.

    Speed-ups are of wall time: of the fit, and of tasks that only count, which shows what the
    machine gives to two processes. Scheduled: from the processor time of each task of a fit on one
    core, with a wait at the end of each pool, and as if all tasks were one pool.
    """
    speed_up = median(speed_ups(lambda n_jobs: model.set_params(n_jobs=n_jobs).fit(X, y), repeats))
    pools, total = times_of_tasks(model.set_params(n_jobs=1), X, y)
    n_tasks = sum(map(len, pools))
    alone = total - sum(map(sum, pools))  # outside of all pools
    scheduled = total / (alone + sum(map(makespan, pools)))
    return {
        "of": type(model).__name__,
        "tasks": n_tasks,
        "share in tasks": 1 - alone / total,
        "speed-up": speed_up,
        "of counting": median(speed_ups(count, repeats)),
        "scheduled": scheduled,
        "idle": 1 - scheduled / 2,
        "as one pool": total / (alone + sum(map(sum, pools)) / 2),
        "goal": SPEED_UP,
        "reached": bool(scheduled >= SPEED_UP),
    }


def speed_ups(function, repeats):
    """Return the wall time with one job over that with two, in turn."""
    times = {1: [], 2: []}
    for repeat in range(repeats + 1):
        for n_jobs, of_jobs in times.items():
            start = perf_counter()
            function(n_jobs)
            if repeat:  # the first starts the workers
                of_jobs.append(perf_counter() - start)
    return np.divide(times[1], times[2])


def count(n_jobs):
    """Run tasks that only count."""
    Parallel(n_jobs)(delayed(sum)(range(3_000_000)) for _ in range(8))


def times_of_tasks(model, X, y):
    """Return the processor time of each task in each pool of a fit, and of the whole fit."""
    pools = []

    def of_pool(function):
        def call(*arguments, **options):
            pools.append([])
            return function(*arguments, **options)

        return call

    def of_task(function):
        def call(*arguments):
            start = process_time()
            result = function(*arguments)
            pools[-1].append(process_time() - start)
            return result

        return call

    with ExitStack() as patches:
        for module, name, wrap in (
            (_cross_fitting, "predict_folds", of_pool),
            (_cross_fitting, "_fit_and_predict", of_task),
            (_alpha_selection.Comparison, "add", of_pool),
            (_alpha_selection, "_predict_fold", of_task),
        ):
            patches.enter_context(patch.object(module, name, wrap(getattr(module, name))))
        total = seconds(lambda: model.fit(X, y))
    return pools, total


def makespan(tasks, n_cores=2):
    """Return when the last task ends, if each starts as soon as a core is free."""
    cores = [0.0] * n_cores
    for task in tasks:
        cores[cores.index(min(cores))] += task
    return max(cores)


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
