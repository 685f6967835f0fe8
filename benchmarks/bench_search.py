"""Cost of a search over student settings, with and without a cache of teacher predictions.

The same grid search over twenty settings, five outer and five inner folds, four times: without
`memory`, with an empty folder, with the folder that an earlier search left behind, and written out
by hand, where each split's teacher is cross-fitted once and its soft labels are given to all
students. The last one is the least that such a search can cost; the goal is to stay within 1.2
times of it. All four must find the same scores.

Only the ratios are meaningful: all sides are measured in turn on the same machine, each time in a
fresh process with one thread.
"""

from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from _measure import compare, print_table, write_json
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels

GOAL = 1.2  # with an empty folder, times the search that was written out by hand
N_FOLDS = 5
WARM_UP_ROWS = 200
SLOW = 30.0  # seconds from which one measurement is enough
RESULTS = Path(__file__).parent / "results" / "bench_search.json"


class CountedForest(RandomForestClassifier):
    """A forest that counts how often one has been fitted in this process."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        """Fit the forest and count it."""
        CountedForest.n_fits += 1
        return super().fit(X, y, sample_weight)


class Problem(NamedTuple):
    """A student and the settings of it that are searched over."""

    name: str
    student: object
    grid: dict


PROBLEMS = (
    Problem(
        "tree",
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [4, 6, 8, 10, None], "min_samples_leaf": [1, 3, 10, 30]},
    ),
    Problem(
        "logistic",
        LogisticRegression(max_iter=1000, tol=1e-3),
        {"C": np.logspace(-4, 0, 10).tolist(), "fit_intercept": [True, False]},
    ),
)


class Found(NamedTuple):
    """The results of a search, and how many teachers it has fitted."""

    scores: np.ndarray  # (n_settings,), mean log-loss over the splits
    n_fits: int


def main():
    """Measure every problem, print the table and write it."""
    options = parse_options()
    X, y = load_digits(return_X_y=True)
    X = X / 16
    teacher = CountedForest(options.trees, random_state=0)
    records = []
    for problem in PROBLEMS:
        print(f"{problem.name} ...", flush=True)
        records += compare_searches(problem, teacher, X, y, options.repeats)
    show(records)
    write_json(
        options.json,
        {
            "data": f"digits, {X.shape[0]} rows, {X.shape[1]} features",
            "teacher": repr(teacher),
            "outer_folds": N_FOLDS,
            "inner_folds": N_FOLDS,
            "repeats": options.repeats,
            "goal": GOAL,
            "records": records,
        },
    )


def parse_options():
    """Return the options of the command line."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trees", type=int, default=25, help="of the teacher (default: 25)")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement (default: 3)")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where the results are written")
    return parser.parse_args()


def compare_searches(problem, teacher, X, y, repeats):
    """Return the lines of the table for one student."""
    with TemporaryDirectory() as left_behind:

        def without_memory():
            return search(problem, teacher, X, y, memory=None)

        def empty_folder(rows=slice(None)):
            with TemporaryDirectory() as folder:
                return search(problem, teacher, X[rows], y[rows], memory=folder)

        def full_folder():
            return search(problem, teacher, X, y, memory=left_behind)

        def by_hand(rows=slice(None)):
            return search_by_hand(problem, teacher, X[rows], y[rows])

        def warm_up():
            empty_folder(slice(WARM_UP_ROWS))
            by_hand(slice(WARM_UP_ROWS))

        full_folder()  # which fills it
        sides = {
            "by hand": by_hand,
            "memory, empty": empty_folder,
            "memory, full": full_folder,
            "no memory": without_memory,
        }
        cost = compare(sides, repeats, warm_up=warm_up, slow=SLOW)
    least = cost["by hand"]
    for name, measured in cost.items():
        if not np.allclose(measured.returned.scores, least.returned.scores, rtol=1e-12):
            raise AssertionError(f"{problem.name}, {name}: the search finds other scores.")
    return [
        {
            "student": problem.name,
            "search": name,
            "teacher fits": measured.returned.n_fits,
            "seconds": measured.seconds,
            "of by hand": measured.seconds / least.seconds,
            "extra MB": measured.extra_mb,
        }
        for name, measured in cost.items()
    ]


def search(problem, teacher, X, y, *, memory):
    """Search over the student's settings with scikit-learn's own grid search."""
    before = CountedForest.n_fits
    model = DistilledClassifier(
        teacher, problem.student, cv=N_FOLDS, memory=memory, alpha=1.0, teacher_temperature=1.0
    )
    grid = {f"student__{name}": values for name, values in problem.grid.items()}
    found = GridSearchCV(model, grid, cv=N_FOLDS, scoring="neg_log_loss").fit(X, y)
    return Found(-found.cv_results_["mean_test_score"], CountedForest.n_fits - before)


def search_by_hand(problem, teacher, X, y):
    """Search over the same settings, with each split's teacher cross-fitted once."""
    before = CountedForest.n_fits
    settings = list(ParameterGrid(problem.grid))
    scores = np.zeros((len(settings), N_FOLDS))
    for fold, (train, test) in enumerate(StratifiedKFold(N_FOLDS).split(X, y)):
        soft_labels = cross_fitted(teacher, X[train], y[train])
        for number, setting in enumerate(settings):
            student = clone(problem.student).set_params(**setting)
            student = fit_soft_labels(student, X[train], soft_labels)
            scores[number, fold] = log_loss(y[test], student.predict_proba(X[test]))
    scores = scores.mean(axis=1)
    best = clone(problem.student).set_params(**settings[np.argmin(scores)])
    fit_soft_labels(best, X, cross_fitted(teacher, X, y))
    return Found(scores, CountedForest.n_fits - before)


def cross_fitted(teacher, X, y):
    """Return the soft labels of a teacher that is cross-fitted by scikit-learn."""
    proba = cross_val_predict(teacher, X, y, cv=N_FOLDS, method="predict_proba")
    return SoftLabels(proba, y=y)


def show(records):
    """Print the table, and whether the goal is reached."""
    print("\nGrid search over 20 settings, 5 outer and 5 inner folds. Processor time.\n")
    print_table(records)
    print()
    for record in records:
        if record["search"] == "memory, empty":
            reached = "reached" if record["of by hand"] <= GOAL else "not reached"
            print(
                f"{record['student']}: {record['of by hand']:.2f} times the least that it can "
                f"cost; the goal of {GOAL} is {reached}."
            )


if __name__ == "__main__":
    main()
