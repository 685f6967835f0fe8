"""Claim 3: teachers of the same accuracy whose probabilities are distorted."""

from itertools import pairwise

import numpy as np
from sklearn.linear_model import LogisticRegression

from skdistill import SoftLabelClassifier
from skdistill.datasets import make_gaussian_classes
from skdistill.metrics import expected_calibration_error, soft_log_loss

from ._tests import equal, larger

CLAIM = "Of teachers with the same accuracy, those with more distorted probabilities distil worse."
SOURCE = "Section 4: the bias is the probabilities' error, of which accuracy shows nothing."
SETUP = """Two noisy Gaussian classes (2 features); teachers that say Ψ_α(p*), where Ψ_α(u) =
½ (1 + sgn(2u − 1) |2u − 1|^(1/α)); a logistic student (scikit-learn's defaults) of N = 100 rows, 20
training samples per seed. All scores are those on 20,000 test rows. Student's excess: its log-loss
under p* over that of p* itself (nats). Labels: a student of the one-hot labels, to compare."""
SEEDS = 20
ALPHAS = (1, 2, 4, 8, np.inf)
N_TEST, N_TRAIN, N_SAMPLES = 20_000, 100, 20
EXCESS = "student's excess"


def score(seed):
    """Return the scores of each teacher and of its student."""
    X, y, p_star = make_gaussian_classes(
        N_TEST + N_TRAIN * N_SAMPLES, 2, 2, class_sep=0.5, random_state=seed
    )
    truth = p_star[:N_TEST]
    scores = {}
    for alpha in ALPHAS:
        teacher = distort(p_star, alpha)
        proba = teacher[:N_TEST]
        scores[row_of(alpha)] = {
            "teacher's accuracy": np.mean(proba.argmax(axis=1) == y[:N_TEST]),
            "teacher's ECE": expected_calibration_error(truth, proba),
            "teacher's squared error": ((proba - truth) ** 2).sum(axis=1).mean(),
            EXCESS: mean_excess(X, teacher, truth),
        }
    scores["labels"] = {EXCESS: mean_excess(X, np.eye(2)[y], truth)}
    return scores


def row_of(alpha):
    """Return the name of a teacher's row."""
    return "α = ∞" if alpha == np.inf else f"α = {alpha}"


def distort(proba, alpha):
    """Return Ψ_α of probabilities of two classes: the same first choice, more confident."""
    margin = 2 * proba[:, 1] - 1
    second = (1 + np.sign(margin) * np.abs(margin) ** (1 / alpha)) / 2
    return np.column_stack([1 - second, second])


def mean_excess(X, targets, truth):
    """Return the mean excess log-loss of students of N rows each, of rows that none shares."""
    starts = N_TEST + N_TRAIN * np.arange(N_SAMPLES)
    students = (
        SoftLabelClassifier(LogisticRegression()).fit(X[rows], targets[rows])
        for rows in (slice(start, start + N_TRAIN) for start in starts)
    )
    losses = [soft_log_loss(truth, student.predict_proba(X[:N_TEST])) for student in students]
    return np.mean(losses) - soft_log_loss(truth, truth)


def tests(scores):
    """Return the tests of the claim; `scores` has a column of seeds for each row and name."""
    rows = [row_of(alpha) for alpha in ALPHAS]
    accuracies = [scores[row]["teacher's accuracy"] for row in rows]
    same = [
        equal(f"{row}: the teacher is as accurate as p*", accuracy, accuracies[0], within=1e-12)
        for row, accuracy in zip(rows[1:], accuracies[1:], strict=True)
    ]
    worse = [
        larger(f"{row}: its student is worse than with {less}", scores[row][EXCESS],
               scores[less][EXCESS])
        for less, row in pairwise(rows)
    ]  # fmt: skip
    return same + worse


def draw(scores, figure):
    """Draw scores of the teacher, and its student's excess log-loss, over the distortion."""
    rows = [row_of(alpha) for alpha in ALPHAS]
    of_teacher, of_student = figure.subplots(1, 2)
    looks = {"teacher's accuracy": "s--", "teacher's ECE": "^:", "teacher's squared error": "D-."}
    for name, look in looks.items():
        draw_means(
            of_teacher, rows, [scores[row][name] for row in rows], look, name.split("'s ")[1]
        )
    draw_means(of_student, rows, [scores[row][EXCESS] for row in rows], "o-", "the teacher")
    draw_means(of_student, rows, [scores["labels"][EXCESS]] * len(rows), "--", "labels (one-hot)")
    of_teacher.set(title="Teacher", xlabel="distortion of p*", ylabel="teacher's score")
    of_student.set(
        title="Student", xlabel="distortion of p*", ylabel="excess log-loss (nats)", yscale="log"
    )
    of_teacher.legend()
    of_student.legend(title="learns from")


def draw_means(panel, rows, values, look, label):
    """Draw means over seeds with their standard errors."""
    values = np.array(values)
    error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    panel.errorbar(rows, values.mean(axis=1), error, fmt=look, capsize=3, label=label)
