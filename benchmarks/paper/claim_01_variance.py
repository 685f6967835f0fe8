"""Claim 1: the variance of the objective with a Bayes teacher."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from skdistill.datasets import make_gaussian_classes

from ._tests import equal, smaller

CLAIM = "A Bayes teacher lowers the variance of the objective, by exactly the predicted gap."
SOURCE = "Section 3; the gap is 1/N · E_x V_{y|x}[ℓ(y, f(x))]."
SETUP = """Gaussian classes (2 features, 3 classes), a logistic student fixed beforehand. For each
N, 8,000 fresh samples of N rows give 8,000 values of each objective; variances are multiplied by
N. predicted: one-hot variance less the mean conditional variance of the loss."""
SEEDS = 20
SIZES = (10, 100)
N_DRAWS = 8000


def score(seed):
    """Return N times the variance of both objectives and of what the formula predicts."""
    n_rows = 1000 + N_DRAWS * sum(SIZES)
    X, y, p_star = make_gaussian_classes(n_rows, 2, 3, random_state=seed)
    student = LogisticRegression(C=0.05).fit(X[:1000], y[:1000])
    losses, y, p_star = -student.predict_log_proba(X[1000:]), y[1000:], p_star[1000:]
    of_labels = losses[np.arange(len(y)), y]
    of_bayes = (p_star * losses).sum(axis=1)
    gaps = (p_star * losses**2).sum(axis=1) - of_bayes**2
    scores, start = {}, 0
    for n in SIZES:
        rows = slice(start, start + N_DRAWS * n)
        start = rows.stop
        one_hot, bayes = (
            n * each[rows].reshape(N_DRAWS, n).mean(axis=1).var(ddof=1)
            for each in (of_labels, of_bayes)
        )
        scores[f"N = {n}"] = {
            "one-hot": one_hot, "Bayes": bayes, "predicted": one_hot - gaps[rows].mean(),
            "share left": bayes / one_hot, "predicted share": 1 - gaps[rows].mean() / one_hot,
        }  # fmt: skip
    return scores


def tests(scores):
    """Return the tests of the claim; `scores` has a column of seeds for each row and name."""
    return [
        test
        for row, columns in scores.items()
        for test in (
            smaller(f"{row}: lower variance with a Bayes teacher", columns["Bayes"],
                    columns["one-hot"]),
            equal(f"{row}: the predicted share of the variance is left, within .02",
                  columns["share left"], columns["predicted share"], within=0.02),
        )
    ]  # fmt: skip


def draw(scores, figure):
    """Draw the variance of every seed's objectives, and the prediction."""
    panels = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    for panel, (row, columns) in zip(panels, scores.items(), strict=True):
        panel.plot(columns["one-hot"], columns["Bayes"], "o", label="measured, a mark per seed")
        panel.plot(columns["one-hot"], columns["predicted"], "x", color="C1", label="predicted")
        most = max(columns["one-hot"]) * 1.05
        panel.plot([0, most], [0, most], ":", color="0.5", label="no gain")
        panel.set(title=row, xlabel="N · variance, one-hot labels", xlim=(0, most), ylim=(0, most))
    panels[0].set_ylabel("N · variance, Bayes teacher")
    panels[0].legend()
