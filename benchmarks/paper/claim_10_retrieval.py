"""Claim 10: objectives for retrieval, where several labels are relevant and one was observed."""

import numpy as np

from skdistill import DistilledMulticlassRetriever
from skdistill.datasets import make_multi_positive
from skdistill.metrics import precision_at_k, recall_at_k

from ._tests import larger

CLAIM = """Sparing negatives that the teacher finds plausible (label-weighted loss) retrieves better
than one-hot labels; smoothing the positives as well (double distillation) retrieves better still,
and better than plain distillation."""
SOURCE = "Section on multiclass retrieval: the label-weighted loss, and its expectation over y ~ p."
SETUP = """100 labels, 5 of them relevant to a row, one of these observed at random; 20 features.
Linear scorers with the same penalty; the teacher is p*, alpha 1. In the last problem relevance
depends on 40 hidden units, so that no linear scorer can rank all rows right. Judged on 10,000 rows
by their relevant labels."""
SEEDS = 10
N_TEST = 10_000
PROBLEMS = {
    "N = 500": {"n_train": 500},
    "N = 2000": {"n_train": 2000},
    "N = 2000, hidden units": {"n_train": 2000, "n_hidden": 40},
}
OBJECTIVES = {
    "one-hot": {"objective": "cross_entropy", "alpha": 0.0},
    "label-weighted": {"objective": "label_weighted"},
    "plain": {"objective": "cross_entropy"},
    "double": {"objective": "double_distillation"},
}
SCORES = ("P@1", "R@5")


def score(seed):
    """Return precision and recall of each objective on each problem."""
    return {name: judge(**problem, seed=seed) for name, problem in PROBLEMS.items()}


def judge(n_train, seed, n_hidden=None):
    """Return precision at 1 and recall at 5 of each objective."""
    X, y, p_star, relevant = make_multi_positive(
        n_train + N_TEST, n_hidden=n_hidden, random_state=seed
    )
    scores = {}
    for name, objective in OBJECTIVES.items():
        retriever = DistilledMulticlassRetriever(
            **objective, classes=np.arange(relevant.shape[1]), random_state=0
        ).fit(X[:n_train], y[:n_train], teacher_proba=p_star[:n_train])
        labels = retriever.retrieve(X[n_train:])[0]
        scores[f"{name} P@1"] = precision_at_k(relevant[n_train:], labels, k=1)
        scores[f"{name} R@5"] = recall_at_k(relevant[n_train:], labels, k=5)
    return scores


def tests(scores):
    """Return the tests of the claim."""
    predictions = [("label-weighted", "one-hot"), ("double", "label-weighted"), ("double", "plain")]
    return [
        larger(f"{row}: {ours} beats {theirs} in {by}", columns[f"{ours} {by}"],
               columns[f"{theirs} {by}"])
        for ours, theirs in predictions
        for row, columns in scores.items()
        for by in SCORES
    ]  # fmt: skip


def draw(scores, figure):
    """Draw both scores of each objective, with two standard errors."""
    panels = figure.subplots(1, len(SCORES), sharey=True)
    for panel, by, axis in zip(panels, SCORES, ("precision at 1", "recall at 5"), strict=True):
        for (row, columns), marker, style in zip(
            scores.items(), "os^", ("-", "--", ":"), strict=True
        ):
            found = np.array([columns[f"{name} {by}"] for name in OBJECTIVES])
            errors = found.std(axis=1, ddof=1) / np.sqrt(found.shape[1])
            panel.errorbar(list(OBJECTIVES), found.mean(axis=1), yerr=2 * errors, marker=marker,
                           linestyle=style, capsize=3, label=row)  # fmt: skip
        panel.set(xlabel="objective", title=axis, xmargin=0.15)
    panels[0].set(ylabel="share of labels, two standard errors", ylim=(0, 1.05))
    panels[1].legend(loc="lower right")
