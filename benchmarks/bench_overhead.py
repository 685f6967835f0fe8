"""What skdistill adds to the student's own work: to a prediction, a remembered fit and an import.

- A row is predicted by `DistilledClassifier.predict_proba`, by its `student_`, and by a `Pipeline`
  of one step, which is what scikit-learn itself adds; arrays and dataframes.
- A fit finds its teacher's probabilities in `memory`; beside it the same student learns from the
  same soft labels. 1,797 rows, ten classes.
- `import skdistill` in a process that has everything else that it imports.
- Rows are predicted by a `CascadeClassifier`; beside it `student_.predict_proba` of all of them and
  `teacher_.predict` of those that are deferred. `--cascades` measures these alone, and replaces
  their lines of the results.

Both sides are measured in turn in one process with one thread; what counts is the median of the
differences. Absolute times are those of the machine.
"""

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import pandas as pd
from _measure import print_table, write_json
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from skdistill import CascadeClassifier, DistilledClassifier, SoftLabels, fit_soft_labels
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
    if options.cascades:
        before = json.loads(options.json.read_text())["records"]
        records = [each for each in before if "cascade" not in each["of"]] + records
    else:
        records.append(record_of("the import", "", time_import(options.repeats)))
    print_table(records)
    write_json(options.json, {"repeats": options.repeats, "records": records})


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
