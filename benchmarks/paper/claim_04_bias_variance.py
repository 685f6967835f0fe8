"""Claim 4: the bias-variance bound, for teachers of several temperatures."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from skdistill import SoftLabels
from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import bias_variance

from ._tests import equal, smaller

CLAIM = (
    "The distilled objective's error is its variance and the teacher's squared bias, below the "
    "bound, and least at the calibrated temperature."
)
SOURCE = "Section 4, with the terms in the docstring of skdistill.inspection.bias_variance."
SETUP = """Gaussian classes (2 features, 3 classes), a logistic student fixed beforehand, N = 50.
Teachers: p*, whose calibrated temperature is 1, and naive Bayes fitted on 100 rows, 40 times, each
at temperature T. The terms are computed on 20,000 rows; measured: the mean squared error of the
objective in 10,000 fresh samples, which the teachers share among them. In nats². p* at T = 1 has no
bias: its bound is its error, so that it can only be tested for that."""
SEEDS = 16
TEMPERATURES = (0.5, 0.8, 1.0, 1.25, 2.0)
N, N_DRAWS = 50, 10_000
N_STUDENT, N_TEACHER, N_TEACHERS, N_TERMS = 1000, 100, 40, 20_000
SIZES = (N_STUDENT, N_TEACHER * N_TEACHERS, N_TERMS, N * N_DRAWS)
TEACHERS = ("p*", "naive Bayes")


def score(seed):
    """Return the terms and the measured error of each teacher's objective, and of the labels'."""
    rows = make_gaussian_classes(sum(SIZES), 2, 3, random_state=seed)
    parts = [np.split(each, np.cumsum(SIZES)[:-1]) for each in rows]
    for_student, for_teachers, for_terms, fresh = zip(*parts, strict=True)
    (X, y, p_star), (X_fresh, y_fresh, p_fresh) = for_terms, fresh
    student = LogisticRegression(C=0.05).fit(*for_student[:2])
    teachers = fitted_teachers(*for_teachers)
    losses = -student.predict_log_proba(X_fresh)
    risk = (p_fresh * losses).sum(axis=1).mean()
    blocks = zip(teachers, np.split(X_fresh, N_TEACHERS), strict=True)
    of_fitted = np.vstack([teacher.predict_proba(block) for teacher, block in blocks])
    probabilities = {
        "p*": ([p_star], p_fresh),
        "naive Bayes": ([each.predict_proba(X) for each in teachers], of_fitted),
    }
    scores = {}
    for teacher, (on_terms, on_fresh) in probabilities.items():
        for T in TEMPERATURES:
            given = np.stack([temper(each, T) for each in on_terms])
            terms = bias_variance(student, given, X, y, p_star=p_star, n_samples=N)
            measured = mean_squared_error((temper(on_fresh, T) * losses).sum(axis=1), risk)
            scores[f"{teacher}, T = {T:g}"] = {
                "variance": terms.variance_distilled, "squared bias": terms.squared_bias,
                "error": terms.error_distilled, "measured": measured,
                "measured / error": measured / terms.error_distilled, "bound": terms.bound,
            }  # fmt: skip
    measured = mean_squared_error(losses[np.arange(len(y_fresh)), y_fresh], risk)
    scores["labels"] = {
        "variance": terms.variance_one_hot, "error": terms.variance_one_hot, "measured": measured,
        "measured / error": measured / terms.variance_one_hot,
    }  # fmt: skip
    return scores


def fitted_teachers(X, y, _):
    """Return teachers, each fitted on its own rows."""
    parts = zip(np.split(X, N_TEACHERS), np.split(y, N_TEACHERS), strict=True)
    return [GaussianNB().fit(*part) for part in parts]


def temper(proba, temperature):
    """Return probabilities at a temperature."""
    return SoftLabels(proba).temper(temperature).proba


def mean_squared_error(row_losses, risk):
    """Return the mean squared error of an objective over samples of N rows."""
    return np.mean((row_losses.reshape(N_DRAWS, N).mean(axis=1) - risk) ** 2)


def tests(scores):
    """Return the tests of the claim; `scores` has a column of seeds for each row and name."""
    best = "p*, T = 1"  # its error is the bound itself
    exact = [
        equal(f"{row}: measured as computed, within 2 %", columns["measured / error"],
              np.ones(len(columns["error"])), within=0.02)
        for row, columns in scores.items()
    ]  # fmt: skip
    below = [
        smaller(f"{row}: measured below the bound", columns["measured"], columns["bound"])
        for row, columns in scores.items() if row not in (best, "labels")
    ]  # fmt: skip
    least = [
        smaller(f"{best}: less error than at T = {T:g}", scores[best]["measured"],
                scores[f"p*, T = {T:g}"]["measured"])
        for T in TEMPERATURES if T != 1
    ]  # fmt: skip
    return exact + below + least


def draw(scores, figure):
    """Draw the errors and their terms over temperatures, for each teacher."""
    panels = figure.subplots(1, len(TEACHERS), sharey=True)
    looks = {"bound": "^:", "error": "-", "measured": "o", "squared bias": "D-.", "variance": "s--"}
    for panel, teacher in zip(panels, TEACHERS, strict=True):
        for name, look in looks.items():
            values = np.array([scores[f"{teacher}, T = {T:g}"][name] for T in TEMPERATURES])
            error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
            mean = values.mean(axis=1)
            panel.errorbar(TEMPERATURES, mean, error, fmt=look, capsize=3, label=name)
        panel.axhline(scores["labels"]["measured"].mean(), color="0.4", ls="--", label="labels")
        panel.set(title=f"Teacher: {teacher}", xlabel="temperature T", xscale="log")
        panel.set_yscale("log", nonpositive="mask")  # p* has no bias at T = 1
        panel.set_xticks(TEMPERATURES, labels=[f"{T:g}" for T in TEMPERATURES])
        panel.minorticks_off()
    panels[0].set_ylabel(f"error of the objective, N = {N} (nats²)")
    least = min(columns["variance"].mean() for columns in scores.values())
    panels[0].set_ylim(bottom=least / 2)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
