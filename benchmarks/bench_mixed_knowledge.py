"""One fit of rows with labels, with probabilities and with both, against fits of one of the two.

Of 600 training rows a third has a label alone, a third the probabilities of another model alone,
and a third has both. Three students are compared on test rows: of the labels alone (two thirds of
the rows), of the probabilities alone (two thirds), and of everything in one fit,

    DistilledClassifier(student=student).fit(
        X, y, teacher_proba=P, X_unlabeled=U, unlabeled_proba=Q)

with rows of NaN in P where there are none. The other model is the teacher of `bench_quality.py`,
fitted to 600 other rows, or to 60: a poor one. Six real data sets, three students, several seeds;
ratios of the log-loss to that of the better of the first two, chosen on the test rows.
"""

import math
import warnings
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np
from _measure import print_table, write_json
from _quality_data import load
from bench_quality import STUDENTS, make_teacher
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from skdistill import DistilledClassifier, SoftLabelClassifier

DATA = ("segment", "spambase", "banana", "optdigits", "credit_data", "ring")
NAMES = ("tree", "logistic", "LightGBM")
N_ROWS, N_TEST = 600, 1000
TEACHERS = {"good": 600, "poor": 60}  # rows that the other model was fitted to
RESULTS = Path(__file__).resolve().parent / "results" / "bench_mixed_knowledge.json"


def main():
    """Run every data set, print the table and write it."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the choice may be the labels alone
    lines = []
    for name in DATA:
        for quality in TEACHERS:
            with threadpool_limits(1):
                losses = [losses_of(name, quality, seed) for seed in range(options.seeds)]
            for student in NAMES:
                lines.append(line(name, quality, student, [each[student] for each in losses]))
                print(lines[-1], flush=True)
    print_table(lines)
    behind = sum(float(each["/ better"]) > 1.01 for each in lines)
    print(f"More than 1 % behind the better of the two: {behind} of {len(lines)}.")
    write_json(options.json, {"lines": lines, "behind": behind})


def losses_of(name, quality, seed):
    """Return the test log-losses of each student of one seed."""
    data = load(name)
    cut = partial(train_test_split, random_state=seed)
    train, others = cut(np.arange(len(data.y)), train_size=N_ROWS, stratify=data.y)
    known, test = cut(others, train_size=TEACHERS[quality], stratify=data.y[others])
    teacher = make_teacher(seed).fit(data.X[known], data.y[known])
    X, y, test = data.X[train], data.y[train], test[:N_TEST]
    proba = teacher.predict_proba(X)
    part = np.arange(N_ROWS) % 3  # labels, both, probabilities
    labelled, given = part < 2, part > 0
    P = np.where(given[:, None], proba, np.nan)[labelled]

    def loss(model):
        predicted = model.predict_proba(data.X[test])
        return log_loss(data.y[test], predicted / predicted.sum(axis=1, keepdims=True))

    losses = {}
    for student in NAMES:
        make = partial(STUDENTS[student][0], seed)
        everything = DistilledClassifier(student=make(), random_state=seed).fit(
            X[labelled], y[labelled], teacher_proba=P,
            X_unlabeled=X[part == 2], unlabeled_proba=proba[part == 2],
        )  # fmt: skip
        losses[student] = {
            "labels": loss(make().fit(X[labelled], y[labelled])),
            "probabilities": loss(SoftLabelClassifier(make()).fit(X[given], proba[given])),
            "everything": loss(everything),
        }
    return losses


def line(name, quality, student, losses):
    """Return the line of a table: mean losses, and the ratio to the better of two."""
    means = {each: mean(loss[each] for loss in losses) for each in losses[0]}
    logs = [
        math.log(loss["everything"] / min(loss["labels"], loss["probabilities"])) for loss in losses
    ]
    return {
        "data": name, "other model": quality, "student": student,
        **{each: f"{value:.3f}" for each, value in means.items()},
        "/ better": f"{math.exp(mean(logs)):.3f}",
    }  # fmt: skip


if __name__ == "__main__":
    main()
