"""The expansion fed to `partial_fit` in chunks, so that it never stands in memory as a whole."""

import numpy as np
from sklearn import get_config
from sklearn.utils import _safe_indexing, check_random_state, gen_batches

from .._rows import bytes_per_row, predict_on_copy, rows_of
from ..metrics import soft_log_loss


def rows_per_chunk(X, soft_labels):
    """Return how many rows of X may be expanded at once within scikit-learn's working memory."""
    copies = max(soft_labels.count_expanded() / len(soft_labels), 1)
    budget = get_config()["working_memory"] * 2**20
    if copies * bytes_per_row(X) * len(soft_labels) <= budget:
        return len(soft_labels)
    return max(1, int(budget / (copies * bytes_per_row(X))))


def learn_in_chunks(student, X, soft_labels, chunk, **fit_params):
    """Feed the expansion to `partial_fit` in chunks.

    A student without `max_iter` (naive Bayes) learns in one pass. One with it makes up to
    `max_iter` passes, each in a new order, and stops after `n_iter_no_change` of them in
    which the fit to the soft labels improved by less than `tol`.
    """
    params = student.get_params(deep=False)
    if "max_iter" not in params:
        return one_pass(student, X, soft_labels, np.arange(len(soft_labels)), chunk, fit_params)
    rng = check_random_state(params.get("random_state"))
    best, stale, n_iter = -np.inf, 0, 0
    while n_iter < params["max_iter"] and stale < params.get("n_iter_no_change", 5):
        order = rng.permutation(len(soft_labels))
        one_pass(student, X, soft_labels, order, chunk, fit_params)
        n_iter += 1
        if params.get("tol") is not None:
            quality = fit_quality(student, X, soft_labels)
            stale = 0 if quality > best + params["tol"] else stale + 1
            best = max(best, quality)
    student.n_iter_ = n_iter
    return student


def fit_quality(student, X, soft_labels):
    """Return minus the soft log-loss; the expected accuracy where there are no probabilities."""
    if hasattr(student, "predict_proba"):
        return -soft_log_loss(
            soft_labels.proba,
            predict_on_copy(student.predict_proba, X),
            sample_weight=soft_labels.weight,
        )
    return soft_labels.expected_accuracy(predict_on_copy(student.predict, X))


def one_pass(student, X, soft_labels, order, chunk, fit_params):
    """Feed every row once, in the given order."""
    for batch in gen_batches(len(order), chunk):
        rows, labels, weight = soft_labels.take(order[batch]).expand()
        if len(rows) == 0:
            continue  # nothing in this chunk carries weight
        rows = order[batch][rows]
        student.partial_fit(
            _safe_indexing(X, rows),
            labels,
            classes=soft_labels.classes,
            sample_weight=weight,
            **rows_of(fit_params, rows, len(soft_labels)),
        )
    return student
