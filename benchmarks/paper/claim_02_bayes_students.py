"""Claim 2: students of a Bayes teacher against students of the labels."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from skdistill import SoftLabelClassifier
from skdistill.datasets import make_gaussian_classes, make_hidden_classes
from skdistill.metrics import soft_log_loss

from ._tests import larger, smaller

CLAIM = "A Bayes teacher's students beat those of one-hot labels, by more the fewer rows they have."
SOURCE = "Section 3: the same risk, estimated with less variance."
SETUP = """Logistic students (scikit-learn's defaults). Well specified: Gaussian classes (5
features, 3 classes), whose p* is logistic. Misspecified: classes by a random net (5 features, 2
classes), whose p* is not. Excess log-loss (nats): under p*, over that of p* itself, on 10,000 test
rows. At each N, up to 8 training samples per seed, which share no row."""
SEEDS = 20
SIZES = (30, 100, 300, 1000, 3000)
N_TEST, N_TRAIN, N_SAMPLES = 10_000, 3000, 8
PROBLEMS = {
    "well specified": lambda seed, n_rows: make_gaussian_classes(n_rows, 5, 3, random_state=seed),
    "misspecified": lambda seed, n_rows: make_hidden_classes(
        n_rows, 5, 2, class_sep=1.0, random_state=seed
    ),
}


def score(seed):
    """Return the excess log-loss of both students, and the gain, for each problem and N."""
    scores = {}
    for problem, draw_rows in PROBLEMS.items():
        X, y, p_star = draw_rows(seed, N_TEST + N_TRAIN)
        one_hot = np.eye(p_star.shape[1])[y]
        for n in SIZES:
            of_labels, of_bayes = (
                mean_excess(X, targets, p_star, n) for targets in (one_hot, p_star)
            )
            scores[f"{problem}, N = {n}"] = {
                "one-hot": of_labels, "Bayes": of_bayes, "gain": of_labels - of_bayes,
            }  # fmt: skip
    return scores


def mean_excess(X, targets, p_star, n):
    """Return the mean excess log-loss of students of N rows each, of rows that none shares."""
    n_samples = min(N_SAMPLES, N_TRAIN // n)
    starts = N_TEST + n * np.arange(n_samples)
    return np.mean([excess(X, targets, p_star, slice(start, start + n)) for start in starts])


def excess(X, targets, p_star, rows):
    """Return by how much a student of these rows is worse than p*, in nats."""
    student = SoftLabelClassifier(LogisticRegression()).fit(X[rows], targets[rows])
    truth = p_star[:N_TEST]
    return soft_log_loss(truth, student.predict_proba(X[:N_TEST])) - soft_log_loss(truth, truth)


def tests(scores):
    """Return the tests of the claim; `scores` has a column of seeds for each row and name."""
    better = [
        smaller(f"{row}: better with a Bayes teacher", columns["Bayes"], columns["one-hot"])
        for row, columns in scores.items()
    ]
    fading = [
        larger(
            f"{problem}: more is gained at N = {SIZES[0]} than at N = {SIZES[-1]}",
            *(scores[f"{problem}, N = {n}"]["gain"] for n in (SIZES[0], SIZES[-1])),
        )
        for problem in PROBLEMS
    ]
    return better + fading


def draw(scores, figure):
    """Draw the excess log-loss of both students over N."""
    looks = {"one-hot": ("s--", "labels (one-hot)"), "Bayes": ("o-", "Bayes teacher")}
    panels = figure.subplots(1, len(PROBLEMS), sharey=True)
    for panel, problem in zip(panels, PROBLEMS, strict=True):
        for name, (look, label) in looks.items():
            values = np.array([scores[f"{problem}, N = {n}"][name] for n in SIZES])
            error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
            panel.errorbar(SIZES, values.mean(axis=1), error, fmt=look, capsize=3, label=label)
        panel.set(
            title=f"Logistic student, {problem}", xlabel="training rows N", xscale="log",
            yscale="log",
        )  # fmt: skip
    panels[0].set_ylabel("student's excess log-loss (nats)")
    panels[0].legend(title="learns from")
