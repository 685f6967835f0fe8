"""Claim 8: distilled bipartite ranking, its objective and the rankers that it makes."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from skdistill import DistilledBipartiteRanker
from skdistill.datasets import make_gaussian_classes, make_hidden_classes
from skdistill.metrics import pairwise_disagreement
from skdistill.objectives import pairwise_loss

from ._tests import equal, larger, smaller

CLAIM = """A Bayes teacher lowers the variance of the pairwise objective and leaves its mean, and
rankers that learn from it have a higher AUC than those that learn from labels."""
SOURCE = "Section on bipartite ranking; given x, labels are summed over in the mean by p*."
SETUP = """Two problems: Gaussian classes (10 features, one row in five positive), whose best
order is linear, and a random net (5 features), whose is not. Objective: logistic loss of a fixed
linear scorer, summed over the pairs of N rows and divided by N(N − 1), on all samples that 30,000
fresh rows hold; standard deviation (SD) and mean over these, divided by the mean with labels. AUC:
linear rankers from N rows, judged under p* on 20,000 rows. The estimated teacher, a random forest
(out of fold for the rankers, from 1,000 other rows for the objective), comes without a
prediction."""
SEEDS = 10
SIZES = (100, 300, 1000)
N_FIXED, N_TEST, N_FRESH = 1000, 20_000, 30_000
FOREST = RandomForestClassifier(50, min_samples_leaf=5, random_state=0)


def score(seed):
    """Return deviation and mean of each objective, and the AUC of each ranker."""
    n_rows = N_FIXED + N_TEST + N_FRESH
    problems = {
        "Gaussian": make_gaussian_classes(
            n_rows, 10, class_sep=0.3, priors=[0.8, 0.2], random_state=seed
        ),
        "net": make_hidden_classes(n_rows, random_state=seed),
    }
    found = {}
    for name, (X, y, p_star) in problems.items():
        fixed, test, fresh = np.split(np.arange(n_rows), [N_FIXED, N_FIXED + N_TEST])
        forest = FOREST.fit(X[fixed], y[fixed])
        scores = LogisticRegression().fit(X[fixed], y[fixed]).decision_function(X[fresh])
        teachers = {
            "labels": y[fresh].astype(float),
            "estimated": forest.predict_proba(X[fresh])[:, 1],
            "Bayes": p_star[fresh, 1],
        }
        for n in SIZES:
            rankers = fit_rankers(X[fresh[:n]], y[fresh[:n]], p_star[fresh[:n]])
            found[f"{name}, N = {n}"] = deviations_and_means(scores, teachers, n) | {
                f"AUC, {teacher}": 1 - pairwise_disagreement(p_star[test, 1], ranker(X[test]))
                for teacher, ranker in rankers.items()
            }
    return found


def deviations_and_means(scores, teachers, n):
    """Return what the objective varies by over samples of n rows, and its mean."""
    risks = {
        teacher: np.array([
            pair_risk(scores[start : start + n], proba[start : start + n])
            for start in range(0, N_FRESH, n)
        ])
        for teacher, proba in teachers.items()
    }  # fmt: skip
    unit = risks["labels"].mean()
    deviations = {f"SD, {teacher}": risk.std(ddof=1) / unit for teacher, risk in risks.items()}
    return deviations | {
        f"mean, {name}": risks[name].mean() / unit for name in ("estimated", "Bayes")
    }


def fit_rankers(X, y, p_star):
    """Return how each ranker scores rows."""
    return {
        "labels": DistilledBipartiteRanker(alpha=0).fit(X, y).decision_function,
        "estimated": DistilledBipartiteRanker(FOREST).fit(X, y).decision_function,
        "Bayes": DistilledBipartiteRanker().fit(X, y, teacher_proba=p_star).decision_function,
    }


def pair_risk(scores, proba):
    """Return the logistic loss over all pairs, divided by their number instead of their weight."""
    n = len(proba)
    weight = proba.sum() * (1 - proba).sum() - proba @ (1 - proba)
    return pairwise_loss(scores, proba)[0] * weight / (n * (n - 1))


def tests(scores):
    """Return the tests of the claim; the mean is nearly the same for every N."""
    found = []
    for row, columns in scores.items():
        if row.endswith(f"N = {SIZES[0]}"):
            found.append(equal(f"{row}: the mean with a Bayes teacher is that with labels, "
                               "within 2 %", columns["mean, Bayes"], 1, within=0.02))  # fmt: skip
        found += [
            smaller(f"{row}: lower variance with a Bayes teacher", columns["SD, Bayes"],
                    columns["SD, labels"]),
            larger(f"{row}: higher AUC with a Bayes teacher", columns["AUC, Bayes"],
                   columns["AUC, labels"]),
        ]  # fmt: skip
    return found


def draw(scores, figure):
    """Draw deviation, and AUC against that with labels, over sample size."""
    panels = figure.subplots(2, 2, sharex=True)
    figure.set_size_inches(8, 6)
    for row, problem in zip(panels, ("Gaussian", "net"), strict=True):
        columns = [scores[f"{problem}, N = {n}"] for n in SIZES]
        for panel, what in zip(row, ("SD", "AUC"), strict=True):
            for teacher, look in {"labels": "o:", "estimated": "s--", "Bayes": "^-"}.items():
                found = np.array([each[f"{what}, {teacher}"] for each in columns])
                if what == "AUC":  # paired by seed: problems differ more than teachers do
                    found = found - np.array([each["AUC, labels"] for each in columns])
                errors = found.std(axis=1, ddof=1) / np.sqrt(found.shape[1])
                panel.errorbar(SIZES, found.mean(axis=1), 2 * errors, fmt=look, capsize=3,
                               label=teacher)  # fmt: skip
            panel.set(xscale="log", title=problem)
        row[0].set(yscale="log", ylabel="SD of objective / its mean")
        row[1].set(ylabel="AUC under p* − that of labels")
    for panel in panels[1]:
        panel.set_xticks(SIZES, SIZES)
        panel.minorticks_off()
        panel.set_xlabel("N, rows; two standard errors")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
