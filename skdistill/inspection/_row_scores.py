"""Scores as means of per-row values, so that a resample of test rows is one matrix product."""

from typing import NamedTuple

import numpy as np

from .._utils._typing import Floats, NDArray

# log(0) is infinite; scikit-learn's log_loss clips at the same number.
SMALLEST = np.finfo(np.float64).eps
# Weights that are held at once: a megabyte, which fits into a core's cache.
BLOCK_ENTRIES = 2**17


class Ranking(NamedTuple):
    """The order of rows by their score, found once, for the AUC under any weights."""

    positives: NDArray[np.int_]  # rows, lowest score first
    negatives: NDArray[np.int_]
    below: NDArray[np.int_]  # for each positive: how many negatives score less
    up_to: NDArray[np.int_]  # and how many score no more


class RowScores(NamedTuple):
    """The values of one model whose weighted means are its scores, and the order of its rows."""

    names: list[str]
    values: Floats  # (n_samples, n_names)
    ranking: Ranking | None


def row_scores(predictions, y_codes, teacher=None):
    """Return the per-row values of the scores that a model's predictions allow.

    Those of fidelity are left out if `teacher` is None.
    """
    columns = {"accuracy": predictions.codes == y_codes}
    if predictions.proba is not None:
        p_true = predictions.proba[np.arange(len(y_codes)), y_codes]
        columns["log_loss"] = -np.log(np.clip(p_true, SMALLEST, 1))
        columns["brier"] = (predictions.proba**2).sum(axis=1) - 2 * p_true + 1
    if teacher is not None:
        columns["agreement"] = predictions.codes == teacher.codes
        if predictions.proba is not None and teacher.proba is not None:
            p = teacher.proba
            log_p, log_q = (np.log(np.clip(each, SMALLEST, 1)) for each in (p, predictions.proba))
            columns["kl"] = (p * (log_p - log_q)).sum(axis=1)
    values = np.column_stack(list(columns.values())).astype(np.float64)
    ranks = predictions.score is not None and len(np.unique(y_codes)) == 2
    return RowScores(
        list(columns), values, rank(predictions.score, y_codes == 1) if ranks else None
    )


def rank(score, positive):
    """Return the order of rows by their score, positives and negatives apart."""
    order = np.argsort(score)
    positives, negatives = order[positive[order]], order[~positive[order]]
    below, up_to = (
        np.searchsorted(score[negatives], score[positives], side) for side in ("left", "right")
    )
    return Ranking(positives, negatives, below, up_to)


def weighted_scores(weights, rows):
    """Return each score under each row of weights, shape (n_weightings, n_samples)."""
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample without weight: NaN
        means = weights @ rows.values / weights.sum(axis=1, keepdims=True)
    scores = dict(zip(rows.names, means.T, strict=True))
    if rows.ranking is not None:
        scores["auc"] = _weighted_auc(weights, rows.ranking)
    return scores


def scores_on(rows, weight, scores=weighted_scores):
    """Return each score on the rows as they are weighted."""
    return {name: score[0] for name, score in scores(weight[None], rows).items()}


def resampled_weights(weight, n_bootstrap, rng, groups=None):
    """Yield blocks of bootstrap weights: how often each row was drawn, times its own weight.

    With `groups`, the number of each row's group, whole groups are drawn, as many as there are.
    """
    n_rows = len(weight)
    n_units = n_rows if groups is None else groups.max() + 1
    block = max(1, BLOCK_ENTRIES // n_rows)
    for start in range(0, n_bootstrap, block):
        n = min(block, n_bootstrap - start)
        drawn = rng.randint(n_units, size=(n, n_units)) + n_units * np.arange(n)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * n_units).reshape(n, n_units)
        yield (times if groups is None else times[:, groups]) * weight


def bootstrap(rows, weight, n_bootstrap, rng, groups=None, *, scores=weighted_scores):
    """Return {model: {score: (n_bootstrap,)}} for {model: RowScores}, on the same resamples."""
    blocks = [
        {model: scores(weights, each) for model, each in rows.items()}
        for weights in resampled_weights(weight, n_bootstrap, rng, groups)
    ]
    return {
        model: {name: np.concatenate([block[model][name] for block in blocks]) for name in first}
        for model, first in blocks[0].items()
    }


def _weighted_auc(weights, ranking):
    """Return the AUC under each row of weights; tied scores count half."""
    up, down = weights[:, ranking.positives], weights[:, ranking.negatives]
    below = np.zeros((len(weights), down.shape[1] + 1))
    np.cumsum(down, axis=1, out=below[:, 1:])
    won = (up * (below[:, ranking.below] + below[:, ranking.up_to])).sum(axis=1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample of one class: NaN
        return won / (up.sum(axis=1) * down.sum(axis=1))
