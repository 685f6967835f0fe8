"""Scores as means of per-row values, so that a resample of test rows is one matrix product."""

from typing import Any, NamedTuple

import numpy as np

from .._typing import Floats

# log(0) is infinite; scikit-learn's log_loss clips at the same number.
SMALLEST = np.finfo(np.float64).eps
HIGHER_IS_BETTER = {"accuracy", "auc"}


class RowScores(NamedTuple):
    """The values of one model whose weighted means are its scores, and what ranks its rows."""

    names: list[str]
    values: Floats  # (n_samples, n_names)
    ranking: tuple[Floats, Any] | None  # score and whether positive, both (n_samples,)


def row_scores(answers, y_codes, teacher=None):
    """Return the values behind a model's scores, as far as its answers have them.

    Those of fidelity are left out where there is no teacher to compare it with.
    """
    columns = {"accuracy": answers.codes == y_codes}
    if answers.proba is not None:
        p_true = answers.proba[np.arange(len(y_codes)), y_codes]
        columns["log_loss"] = -np.log(np.clip(p_true, SMALLEST, 1))
        columns["brier"] = (answers.proba**2).sum(axis=1) - 2 * p_true + 1
    if teacher is not None:
        columns["agreement"] = answers.codes == teacher.codes
        if answers.proba is not None and teacher.proba is not None:
            p = teacher.proba
            log_p, log_q = (np.log(np.clip(each, SMALLEST, 1)) for each in (p, answers.proba))
            columns["kl"] = (p * (log_p - log_q)).sum(axis=1)
    values = np.column_stack(list(columns.values())).astype(np.float64)
    ranks = answers.score is not None and len(np.unique(y_codes)) == 2
    return RowScores(list(columns), values, (answers.score, y_codes == 1) if ranks else None)


def scores_under(weights, rows):
    """Return each score under each row of weights, shape (n_weightings, n_samples)."""
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample without weight: NaN
        means = weights @ rows.values / weights.sum(axis=1, keepdims=True)
    scores = dict(zip(rows.names, means.T, strict=True))
    if rows.ranking is not None:
        scores["auc"] = _auc_under(weights, *rows.ranking)
    return scores


def scores_on(rows, weight):
    """Return each score on the rows as they are weighted."""
    return {name: score[0] for name, score in scores_under(weight[None], rows).items()}


def resampled_weights(weight, n_bootstrap, rng):
    """Yield blocks of bootstrap weights: how often each row was drawn, times its own weight."""
    n_rows = len(weight)
    block = max(1, 2**22 // n_rows)
    for start in range(0, n_bootstrap, block):
        n = min(block, n_bootstrap - start)
        drawn = rng.randint(n_rows, size=(n, n_rows)) + n_rows * np.arange(n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=n * n_rows).reshape(n, n_rows) * weight


def bootstrap(rows, weight, n_bootstrap, rng):
    """Return {model: {score: (n_bootstrap,)}} for {model: RowScores}, on the same resamples."""
    blocks = [
        {model: scores_under(weights, each) for model, each in rows.items()}
        for weights in resampled_weights(weight, n_bootstrap, rng)
    ]
    return {
        model: {name: np.concatenate([block[model][name] for block in blocks]) for name in scores}
        for model, scores in blocks[0].items()
    }


def _auc_under(weights, score, positive):
    """Return the AUC under each row of weights; tied scores count half."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    weights, positive = weights[:, order], positive[order]
    up = np.add.reduceat(weights * positive, starts, axis=1)
    down = np.add.reduceat(weights * ~positive, starts, axis=1)
    below = np.cumsum(down, axis=1) - down / 2
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample of one class: NaN
        return (up * below).sum(axis=1) / (up.sum(axis=1) * down.sum(axis=1))
