"""Claim 5: more complex teachers are more accurate and distil worse."""

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabelClassifier
from skdistill.datasets import make_hidden_classes
from skdistill.inspection import TeacherStudentDisplay
from skdistill.metrics import brier_loss, expected_calibration_error, soft_log_loss

from ._tests import larger

CLAIM = """More complex teachers become more accurate and, past a point, distil worse; the quality
of the teacher's probabilities predicts the student, its accuracy does not."""
SOURCE = "Section 4, and the talk's three panels: accuracy, log-loss and ECE over complexity."
SETUP = """Two hidden classes (5 features), labels with much noise (class_sep 2) and with little
(6). A boosted teacher (trees of depth 3) is fitted on 1,000 rows of its own and stopped after so
many rounds; it labels 2,000 fresh rows, from which a tree (at least 20 rows a leaf) learns. 10,000
test rows: the teacher is scored by their labels as a user could (ECE: 15 bins; only the distance
‖p − p*‖² needs p*), the student by its excess log-loss, the mean of KL(p*, student). Correlations
are those of each score with the student's excess log-loss over the eight teachers of a seed."""
SEEDS = 12
ROUNDS = (5, 10, 20, 40, 80, 160, 320, 640)
CLASS_SEPS = {"much noise": 2.0, "little noise": 6.0}
PROBA_METRICS = ("log-loss", "ECE", "Brier", "distance to p*")
STUDENT = "student's excess log-loss"


def score(seed):
    """Return the scores of all teachers and of their students, and how they correlate."""
    scores = {}
    for noise, class_sep in CLASS_SEPS.items():
        rows = teachers_and_students(class_sep, seed)
        scores |= {f"{noise}, {n} rounds": row for n, row in rows.items()}
        for name, correlation in (("rank", spearmanr), ("linear", pearsonr)):
            scores[f"{noise}, {name} correlation"] = {
                measure: correlation(column(rows, measure), column(rows, STUDENT)).statistic
                for measure in ("accuracy", *PROBA_METRICS)
            }
    return scores


def teachers_and_students(class_sep, seed):
    """Return for each number of rounds the scores of the teacher and of its student."""
    X, y, p_star = make_hidden_classes(13_000, class_sep=class_sep, random_state=seed)
    own, fresh, test = slice(0, 1000), slice(1000, 3000), slice(3000, None)
    teacher = GradientBoostingClassifier(n_estimators=max(ROUNDS), random_state=seed)
    teacher.fit(X[own], y[own])
    rows = {}
    for n_rounds, proba in enumerate(teacher.staged_predict_proba(X), start=1):
        if n_rounds not in ROUNDS:
            continue
        tree = DecisionTreeClassifier(min_samples_leaf=20, random_state=0)
        student = SoftLabelClassifier(tree).fit(X[fresh], proba[fresh])
        rows[n_rounds] = {
            "training accuracy": accuracy(y[own], proba[own]),
            "accuracy": accuracy(y[test], proba[test]),
            "log-loss": soft_log_loss(y[test], proba[test]),
            "ECE": expected_calibration_error(y[test], proba[test]),
            "Brier": brier_loss(y[test], proba[test]),
            "distance to p*": brier_loss(p_star[test], proba[test]),
            STUDENT: soft_log_loss(p_star[test], student.predict_proba(X[test]))
            - soft_log_loss(p_star[test], p_star[test]),
        }
    return rows


def accuracy(y, proba):
    """Return the share of rows whose most probable class is right."""
    return np.mean(proba.argmax(axis=1) == y)


def column(rows, measure):
    """Return one score of all teachers."""
    return [row[measure] for row in rows.values()]


def tests(scores):
    """Return the tests of the claim; `scores` has a column of seeds for each row and name."""
    found = []
    for noise in CLASS_SEPS:
        few, some, many = (scores[f"{noise}, {n} rounds"] for n in (5, 40, 640))
        found += [
            larger(f"{noise}: 640 rounds are more accurate than 40 on training rows",
                   many["training accuracy"], some["training accuracy"]),
            larger(f"{noise}: 40 rounds are more accurate than 5 on test rows",
                   some["accuracy"], few["accuracy"]),
            larger(f"{noise}: 640 rounds distil worse than 40", many[STUDENT], some[STUDENT]),
        ]  # fmt: skip
        ranks = scores[f"{noise}, rank correlation"]
        found += [
            larger(f"{noise}: the student's rank follows {name} more than accuracy",
                   ranks[name], [-rank for rank in ranks["accuracy"]])
            for name in PROBA_METRICS
        ]  # fmt: skip
    clean = (scores[f"little noise, {n} rounds"]["accuracy"] for n in (640, 40))
    text = "little noise: 640 rounds are more accurate than 40 on test rows, too"
    return [*found, larger(text, *clean)]


def draw(scores, figure):
    """Draw the talk's three panels for both amounts of noise, means over seeds."""
    figure.set_size_inches(10, 6.4)
    for panels, noise in zip(figure.subplots(2, 3, sharey="row"), CLASS_SEPS, strict=True):
        rows = [scores[f"{noise}, {n} rounds"] for n in ROUNDS]
        TeacherStudentDisplay(
            complexity=ROUNDS, complexity_label="rounds",
            teacher={
                name: [row[column].mean() for row in rows]
                for name, column in (("accuracy", "accuracy"), ("log_loss", "log-loss"),
                                     ("ece", "ECE"))
            },
            student=[row[STUDENT].mean() for row in rows],
            student_error=[row[STUDENT].std(ddof=1) / len(row[STUDENT]) ** 0.5 for row in rows],
        ).plot(panels)  # fmt: skip
        panels[0].set_ylabel(f"{noise}\nstudent's excess log-loss (nats)")
        for panel in panels:
            panel.margins(x=0.4)  # room for the words next to the marks
        for panel in panels[1:]:
            panel.texts[-1].set_position((6, -12))  # "640" below its mark, off the other branch
