"""Claim 11: transfer sets, rows without labels that the teacher labels, of growing size."""

from itertools import pairwise

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.datasets import make_hidden_classes

from ._tests import larger, smaller

CLAIM = """Every larger transfer set of rows that only the teacher labels makes the student better,
until little is left of its distance to the teacher."""
SOURCE = "Bucilă et al. (2006) on transfer sets; more rows lower the variance of section 3."
SETUP = """A random net with 3 classes (5 features), 1,000 labelled rows. Teacher: a random forest,
cross-fitted on them, its fold models' mean for rows without labels. Student: a tree with leaves
of at least 10 rows, which grows with them; 16 × is that many rows without labels for each row
with one. Judged on 20,000 rows, as is the forest on all labelled rows (teacher)."""
SEEDS = 10
N_TRAIN, N_TEST = 1000, 20_000
TIMES = (0, 1, 4, 16)
SCORES = ("accuracy", "log-loss")


def score(seed):
    """Return accuracy and log-loss of teacher and students."""
    n_known = N_TRAIN * (1 + max(TIMES))
    X, y, _ = make_hidden_classes(n_known + N_TEST, n_classes=3, random_state=seed)
    labelled, more, test = np.split(np.arange(len(y)), [N_TRAIN, n_known])
    forest = RandomForestClassifier(50, min_samples_leaf=5, random_state=seed)
    tree = DecisionTreeClassifier(min_samples_leaf=10, random_state=seed)

    def judge(model):
        proba = model.predict_proba(X[test])
        return {
            "accuracy": accuracy_score(y[test], proba.argmax(axis=1)),
            "log-loss": log_loss(y[test], proba),
        }

    scores = {
        "teacher": judge(forest.fit(X[labelled], y[labelled])),
        "labels alone": judge(tree.fit(X[labelled], y[labelled])),
    }
    for times in TIMES:
        rows = X[more[: times * N_TRAIN]] if times else None
        student = DistilledClassifier(forest, tree, alpha=1.0)
        scores[f"{times} ×"] = judge(student.fit(X[labelled], y[labelled], X_unlabeled=rows))
    return scores


def tests(scores):
    """Return the tests of the claim."""
    steps = [f"{times} ×" for times in TIMES]
    teacher, first, last = (scores[row] for row in ("teacher", steps[0], steps[-1]))
    found = []
    for by, better in zip(SCORES, (larger, smaller), strict=True):
        found += [
            better(f"{more} beats {less} in {by}", scores[more][by], scores[less][by])
            for less, more in pairwise(steps)
        ]
        gap, left = (np.abs(np.subtract(student[by], teacher[by])) for student in (first, last))
        found.append(
            smaller(f"{steps[-1]}: less than a quarter of the gap in {by} is left", left, gap / 4)
        )
    return found


def draw(scores, figure):
    """Draw how far the students are from the teacher, by the size of their transfer set."""
    panels = figure.subplots(1, 2)
    steps = np.arange(len(TIMES))
    for panel, by in zip(panels, SCORES, strict=True):
        # Problems differ more than models do: the differences are paired by seed.
        found = np.array([scores[f"{times} ×"][by] - scores["teacher"][by] for times in TIMES])
        errors = found.std(axis=1, ddof=1) / np.sqrt(found.shape[1])
        panel.errorbar(steps, found.mean(axis=1), 2 * errors, fmt="o-", capsize=3, label="student")
        panel.axhline(0, color="0.5", linestyle="--", label="teacher")
        panel.set_xticks(steps, [f"{times} ×" for times in TIMES])
        panel.set_xlabel("rows without label; two standard errors")
    panels[0].set_ylabel("accuracy − teacher's")
    panels[1].set_ylabel("log-loss − teacher's, nats")
    panels[1].legend()
