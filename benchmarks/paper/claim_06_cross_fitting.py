"""Claim 6: in-sample against cross-fitted teachers, also where cross-fitting should lose."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledClassifier
from skdistill.datasets import make_gaussian_classes, make_hidden_classes
from skdistill.metrics import brier_loss, pairwise_disagreement, soft_log_loss

from ._tests import equal, larger, smaller

CLAIM = """A teacher that interpolates must be cross-fitted; cross-fitting costs something where
rows are few, and nothing is lost in-sample with a teacher that does not interpolate."""
SOURCE = "Section 4 assumes a teacher independent of the sample; cross-fitting: Dao et al. (2021)."
SETUP = """Two classes, 5 features. A teacher predicts the rows that it was fitted on
(in-sample) or rows held out in 5 folds (cross-fitted). The student is one tree of at most 32
leaves, with at least 10 rows each, on all rows. Forests label hidden classes with noisy labels,
from 4,000 rows (100 trees) and from 1,000 (20 trees); a logistic teacher labels Gaussian classes,
60 rows that are noisy and 1,000 that are nearly free of noise. target distance: ‖target − p*‖². The
student is scored by p* on 10,000 test rows: excess log-loss and AUC."""
SEEDS = 16
N_TEST = 10_000
EXCESS = "excess log-loss"
SETTINGS = {
    "forest, 4,000 rows": (make_hidden_classes, 4000, {}),
    "small forest, 1,000 rows": (make_hidden_classes, 1000, {}),
    "logistic, 60 rows": (make_gaussian_classes, 60, {"class_sep": 0.6}),
    "logistic, clean labels": (make_gaussian_classes, 1000, {"class_sep": 2.0}),
}
FOREST, SMALL_FOREST, FEW_ROWS, CLEAN = SETTINGS
TARGETS = ("one-hot", "in-sample", "cross-fitted", "Bayes")


def score(seed):
    """Return for each setting the distance of each target to p*, and the scores of its student."""
    teachers = {
        FOREST: RandomForestClassifier(100, random_state=seed),
        SMALL_FOREST: RandomForestClassifier(20, random_state=seed),
        FEW_ROWS: LogisticRegression(),
        CLEAN: LogisticRegression(),
    }
    scores = {}
    for setting, (make, n_rows, options) in SETTINGS.items():
        X, y, p_star = make(n_rows + N_TEST, 5, 2, random_state=seed, **options)
        train, test = slice(n_rows), slice(n_rows, None)
        targets = targets_of(teachers[setting], X[train], y[train], p_star[train])
        for name, target in targets.items():
            proba = fit_student(X[train], y[train], target).predict_proba(X[test])
            scores[f"{setting}: {name}"] = {
                "target distance": brier_loss(p_star[train], target),
                EXCESS: soft_log_loss(p_star[test], proba)
                - soft_log_loss(p_star[test], p_star[test]),
                "AUC": 1 - pairwise_disagreement(p_star[test, 1], proba[:, 1]),
            }
    return scores


def targets_of(teacher, X, y, p_star):
    """Return the targets, those of DistilledClassifier with cv="in-sample" and cv=5 among them."""
    return {
        "one-hot": np.eye(2)[y],
        "in-sample": teacher.fit(X, y).predict_proba(X),
        "cross-fitted": cross_val_predict(teacher, X, y, cv=5, method="predict_proba"),
        "Bayes": p_star,
    }


def fit_student(X, y, target):
    """Return a student of these targets."""
    tree = DecisionTreeClassifier(max_leaf_nodes=32, min_samples_leaf=10, random_state=0)
    return DistilledClassifier(student=tree, alpha=1.0).fit(X, y, teacher_proba=target)


def tests(scores):
    """Return the tests of the claim; `scores` has a column of seeds for each row and name."""

    def both(setting, measure):
        return (scores[f"{setting}: {name}"][measure] for name in ("cross-fitted", "in-sample"))

    def against_labels(setting, name):
        return (scores[f"{setting}: {each}"][EXCESS] for each in (name, "one-hot"))

    return [
        *(
            smaller(f"{setting}: cross-fitted targets are nearer to p*",
                    *both(setting, "target distance"))
            for setting in (FOREST, SMALL_FOREST)
        ),
        smaller(f"{FOREST}: the cross-fitted student has the lower log-loss",
                *both(FOREST, EXCESS)),
        larger(f"{FOREST}: the cross-fitted student has the higher AUC", *both(FOREST, "AUC")),
        smaller(f"{SMALL_FOREST}: cross-fitting loses in AUC", *both(SMALL_FOREST, "AUC")),
        larger(f"{FEW_ROWS}: cross-fitted targets are farther from p*",
               *both(FEW_ROWS, "target distance")),
        larger(f"{FEW_ROWS}: cross-fitting loses in log-loss", *both(FEW_ROWS, EXCESS)),
        equal(f"{CLEAN}: the log-loss is the same within .005", *both(CLEAN, EXCESS),
              within=0.005),
        smaller(f"{FOREST}: cross-fitted beats one-hot in log-loss",
                *against_labels(FOREST, "cross-fitted")),
        smaller(f"{FOREST}: Bayes beats one-hot in log-loss", *against_labels(FOREST, "Bayes")),
    ]  # fmt: skip


def draw(scores, figure):
    """Draw how far targets are off, and the students' log-loss and AUC, for every setting."""
    figure.set_size_inches(10, 4.4)
    distances, losses, gains = figure.subplots(1, 3)
    for k, setting in enumerate(SETTINGS):
        rows = [scores[f"{setting}: {name}"] for name in TARGETS]
        columns = {
            distances: [row["target distance"] for row in rows],
            losses: [row[EXCESS] for row in rows],
            gains: [row["AUC"] - rows[0]["AUC"] for row in rows],
        }
        for panel, values in columns.items():
            means = [each.mean() for each in values]
            errors = [each.std(ddof=1) / len(each) ** 0.5 for each in values]
            panel.errorbar(TARGETS, means, errors, marker="os^D"[k], capsize=3, label=setting,
                           linestyle=("-", "--", ":", "-.")[k])  # fmt: skip
    distances.set_ylabel("‖target − p*‖²")
    losses.set(ylabel="student's excess log-loss (nats, log scale)", yscale="log",
               yticks=(0.02, 0.1, 0.5, 2), yticklabels=("0.02", "0.1", "0.5", "2"))  # fmt: skip
    gains.set_ylabel("student's AUC less that of one-hot")
    for panel in figure.axes:
        panel.tick_params("x", rotation=20)
    figure.legend(*distances.get_legend_handles_labels(), loc="outside upper center", ncols=4)
