"""Does the default make better students than their rivals? Thirty real data sets, five students.

For each data set, number of labelled rows (300, 1,000 and 4,000 where there are enough) and seed,
a quarter of the rows, 5,000 at most, is the test, and five times the labelled rows have
no label. Each student (a tree, logistic regression, LightGBM, a forest, a net) learns from:

- the labels; the labels again with its own regularisation tuned by five folds, trees by
  hierarchical shrinkage of their leaves (Agarwal et al., 2022);
- with the unlabelled rows, hard pseudo-labels of the teacher (self-training);
- DistilledClassifier as it is by default, with and without the unlabelled rows;
- ten times the labels, or all outside the test: the ceiling.

The teacher, the vote of a booster and of extremely random trees, is the same for all, and is fitted
once per fold, data set, size and seed. Half of the data sets settle settings, the other half
reports (`--half`). Each result is a line of a file when it is done; a run that is started again
does what is missing. Methods named "previous default" are only run if `--methods` names them, from
a checkout of the commit before the default was changed. To try another default, keep what does not
depend on it: `--cells FILE ANOTHER` reads both files and adds to the second.

What comes out is printed, losses too. Log-loss counts a probability of 0 as 2.2e-16.
"""

from functools import partial
from time import process_time
from typing import Any, NamedTuple

import numpy as np
from _cells import (
    Study,
    lines_by_student,
    lines_of,
    main,
    n_test_rows,
    show_tables,
)
from _quality_data import HALVES, load
from _quality_summary import LEGEND, lost_pairs, pairs_of, summary
from _shrunk_tree import ShrunkTree
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier

SIZES = (300, 1000, 4000)
UNLABELED, CEILING = 5, 10  # times the labelled rows, where there are so many
PREVIOUS = "previous default"
EXTRA = ", extra rows"
METHODS = ("labels", "tuned labels", "hard pseudo-labels", "ceiling", f"default{EXTRA}", "default")
# With extra rows first: the teachers that these cache serve the others, too.
PREVIOUS_METHODS = (f"{PREVIOUS}{EXTRA}", PREVIOUS)
CHOICES = ("alpha", "unlabeled_weight", "teacher_temperature")  # attributes, where there are any
TABLES = {
    "without extra rows": ("tuned labels", PREVIOUS, "default", "ceiling"),
    "with extra rows": ("hard pseudo-labels", f"{PREVIOUS}{EXTRA}", f"default{EXTRA}"),
}
STRENGTHS = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # of the shrinkage of leaves


class Split(NamedTuple):
    """The rows of one data set, size and seed."""

    X: np.ndarray
    y: np.ndarray
    X_unlabeled: np.ndarray
    X_ceiling: np.ndarray  # the labelled rows and more
    y_ceiling: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def draw(data, size, seed):
    """Return the rows of a seed: each has others for training and for the test."""
    everything = np.arange(len(data.y))
    stratified = partial(train_test_split, random_state=seed)
    others, test = stratified(everything, test_size=n_test_rows(len(data.y)), stratify=data.y)
    labeled, rest = stratified(others, train_size=size, stratify=data.y[others])
    ceiling = np.concatenate([labeled, rest])[: CEILING * size]
    rng = np.random.default_rng(seed)
    y = exchanged(data.y, data.flipped, rng)
    if data.X_shifted is None:
        X_unlabeled = data.X[rest[: UNLABELED * size]]
    else:
        n_unlabeled = min(UNLABELED * size, len(data.X_shifted))
        X_unlabeled = rng.choice(data.X_shifted, n_unlabeled, replace=False)
    return Split(
        X=data.X[labeled], y=y[labeled], X_unlabeled=X_unlabeled,
        X_ceiling=data.X[ceiling], y_ceiling=y[ceiling],
        X_test=data.X[test], y_test=data.y[test],
    )  # fmt: skip


def exchanged(y, share, rng):
    """Return labels, a share of which is exchanged for others."""
    n_classes = y.max() + 1
    shift = rng.integers(1, n_classes, size=len(y))
    shift[rng.uniform(size=len(y)) >= share] = 0
    return (y + shift) % n_classes


# Teacher and students.


def make_teacher(seed):
    """Return the teacher: boosted and extremely random trees, which vote."""
    booster = LGBMClassifier(
        n_estimators=80, learning_rate=0.08, num_leaves=15, min_child_samples=5,
        n_jobs=1, verbose=-1, random_state=seed,
    )  # fmt: skip
    trees = ExtraTreesClassifier(200, min_samples_leaf=2, n_jobs=1, random_state=seed)
    return VotingClassifier([("booster", booster), ("trees", trees)], voting="soft")


def make_net(seed):
    """Return one hidden layer behind a scaler."""
    net = MLPClassifier((32,), max_iter=60, random_state=seed)
    return make_pipeline(StandardScaler(), net)


def make_booster(seed):
    """Return a small LightGBM."""
    return LGBMClassifier(n_estimators=50, num_leaves=8, n_jobs=1, verbose=-1, random_state=seed)


# Each student of a seed, and the grid that tunes it.
STUDENTS: dict[str, Any] = {
    "tree": (lambda seed: DecisionTreeClassifier(max_leaf_nodes=30, random_state=seed), None),
    "logistic": (
        lambda seed: make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        {"logisticregression__C": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 10]},
    ),
    "LightGBM": (
        make_booster,
        {"learning_rate": [0.02, 0.05, 0.1], "n_estimators": [50, 100]},
    ),
    "forest": (
        lambda seed: RandomForestClassifier(40, n_jobs=1, random_state=seed),
        {"min_samples_leaf": [1, 2, 3, 5, 10, 20]},
    ),
    "net": (make_net, {"mlpclassifier__alpha": [0.0001, 0.01, 0.1, 1, 10]}),
}


class Fitter:
    """All methods on the rows of one data set, size and seed."""

    def __init__(self, split, seed, memory):
        self.split, self.seed, self.memory = split, seed, memory
        self.pseudo_labels = None

    def scores(self, student_name, method):
        """Return the scores of one student, and what it cost in seconds of the processor."""
        start = process_time()
        model = self.fit(student_name, method)
        seconds = process_time() - start
        proba, y_test = model.predict_proba(self.split.X_test), self.split.y_test
        proba = proba / proba.sum(axis=1, keepdims=True)  # float32 in LightGBM and nets
        chosen = {name: getattr(model, f"{name}_", None) for name in CHOICES}
        return {
            "log-loss": log_loss(y_test, proba, labels=model.classes_),
            "accuracy": float(np.mean(model.classes_[proba.argmax(axis=1)] == y_test)),
            "seconds": round(seconds, 3),
            **{name: value for name, value in chosen.items() if isinstance(value, float)},
        }

    def fit(self, student_name, method):
        """Return the fitted model of one student and method."""
        split, (make_student, grid) = self.split, STUDENTS[student_name]
        student = make_student(self.seed)
        if method == "labels":
            return student.fit(split.X, split.y)
        if method == "ceiling":
            return student.fit(split.X_ceiling, split.y_ceiling)
        if method == "tuned labels":
            return self.tune(student, grid)
        if method == "hard pseudo-labels":
            X = np.concatenate([split.X, split.X_unlabeled])
            return student.fit(X, np.concatenate([split.y, self.hard_labels()]))
        extra = {"X_unlabeled": split.X_unlabeled} if method.endswith(EXTRA) else {}
        teacher = make_teacher(self.seed)
        model = DistilledClassifier(teacher, student, memory=self.memory, random_state=self.seed)
        return model.fit(split.X, split.y, **extra)

    def tune(self, student, grid):
        """Return the student of the labels with the regularisation of the least held-out loss."""
        if isinstance(student, DecisionTreeClassifier):
            student = ShrunkTree(
                **{name: student.get_params()[name] for name in ("max_leaf_nodes", "random_state")}
            )
            grid = {"strength": STRENGTHS}
        folds = StratifiedKFold(5, shuffle=True, random_state=self.seed)
        search = GridSearchCV(student, grid, scoring="neg_log_loss", cv=folds, error_score="raise")
        return search.fit(self.split.X, self.split.y)

    def hard_labels(self):
        """Return what the teacher of all labelled rows takes for the labels of the others."""
        if self.pseudo_labels is None:
            teacher = clone(make_teacher(self.seed)).fit(self.split.X, self.split.y)
            self.pseudo_labels = teacher.predict(self.split.X_unlabeled)
        return self.pseudo_labels


# The tables.


def tables_of(records):
    """Return tables with and without extra rows, over all students and for each."""
    pairs = pairs_of(records)
    tables = {title: lines_of(methods, pairs, summary) for title, methods in TABLES.items()}
    for title, methods in TABLES.items():
        by_student = lines_by_student(methods, pairs, summary, STUDENTS)
        tables[f"{title}, by student"] = by_student
    tried = PREVIOUS_METHODS + METHODS
    lost = {method: lost_pairs(method, pairs) for method in tried if "default" in method}
    return {"tables": tables, "lost": lost}


def show(half, results):
    """Print the tables of one half, and where a default lost against the labels."""
    show_tables(half, results["tables"])
    print(LEGEND)
    for method, lost in results["lost"].items():
        print(f"\n{method} lost against the labels: {'; '.join(lost) or 'nowhere'}")


def reason_against_previous():
    """Return why "previous default" cannot be run here; nothing if it can."""
    if "unlabeled_weight" not in DistilledClassifier().get_params():
        return ""
    return f'"{PREVIOUS}" is run from a checkout of the commit before unlabeled_weight.'


def study():
    """Return what this benchmark compares."""
    return Study(
        name="bench_quality", description=__doc__, halves=HALVES, sizes=SIZES,
        students=tuple(STUDENTS), methods=METHODS,
        n_rows=lambda data: len(load(data).y),
        fitter=lambda data, size, seed, memory: Fitter(draw(load(data), size, seed), seed, memory),
        tables=tables_of, show=show,
        named_methods=dict.fromkeys(PREVIOUS_METHODS, reason_against_previous()),
    )  # fmt: skip


if __name__ == "__main__":
    main(study())
