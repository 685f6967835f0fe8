"""`partial_fit` on chunks of the expansion, which is never in memory as a whole."""

from functools import partial

import numpy as np
from sklearn import get_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing, check_random_state, gen_batches

from .._utils._rows import bytes_per_row, predict_on_copy, rows_of
from .._utils._warnings import warn
from ..metrics import soft_log_loss
from ._predictions import student_labels, student_proba


def rows_per_chunk(X, soft_labels):
    """Return how many rows of X may be expanded at once within scikit-learn's working memory."""
    copies = max(soft_labels.count_expanded_rows() / len(soft_labels), 1)
    budget = get_config()["working_memory"] * 2**20
    if copies * bytes_per_row(X) * len(soft_labels) <= budget:
        return len(soft_labels)
    return max(1, int(budget / (copies * bytes_per_row(X))))


def drop_zero_weight_rows(X, soft_labels, fit_params):
    """Return X, soft labels and fit parameters without the rows of weight 0."""
    rows = np.flatnonzero(soft_labels.weight)
    if len(rows) == len(soft_labels):
        return X, soft_labels, fit_params
    fit_params = rows_of(fit_params, rows, len(soft_labels))
    return _safe_indexing(X, rows), soft_labels.take(rows), fit_params


def fit_in_chunks(student, X, soft_labels, chunk, class_factors=1, **fit_params):
    """Call `partial_fit` on chunks of the expansion.

    A student without `max_iter` (naive Bayes) is fitted in one pass. One with `max_iter` makes up
    to `max_iter` passes, each in a new order, and stops after `n_iter_no_change` passes that
    improved the fit to the soft labels by less than `tol`; the fit is judged with class weights.
    """
    params = student.get_params(deep=False)
    if "max_iter" not in params:
        return fit_one_pass(student, X, soft_labels, np.arange(len(soft_labels)), chunk, fit_params)
    judged = soft_labels.reweight_classes(class_factors)
    rng = check_random_state(params.get("random_state"))
    best, stale, n_iter = -np.inf, 0, 0
    while True:
        order = rng.permutation(len(soft_labels))
        fit_one_pass(student, X, soft_labels, order, chunk, fit_params)
        n_iter += 1
        if params.get("tol") is not None:
            quality = fit_quality(student, X, judged)
            stale = 0 if quality > best + params["tol"] else stale + 1
            best = max(best, quality)
        # Read here, because the first `partial_fit` validates these parameters.
        if n_iter >= params["max_iter"] or stale >= params.get("n_iter_no_change", 5):
            break
    warn_if_still_improving(student, stale)
    student.n_iter_ = n_iter
    return student


def warn_if_still_improving(student, stale):
    """Warn if the last passes still improved the fit, as the student's own `fit` does."""
    params = student.get_params(deep=False)
    if params.get("tol") is not None and stale < params.get("n_iter_no_change", 5):
        warn_of_max_iter(student)


def warn_of_max_iter(student):
    """Warn that `max_iter` ended the descent of a student."""
    params = student.get_params(deep=False)
    warn(
        f"{type(student).__name__} stopped after max_iter={params['max_iter']} passes that "
        f"still improved the fit (tol={params['tol']:g}). Raise max_iter or tol.",
        ConvergenceWarning,
    )


def fit_quality(student, X, soft_labels):
    """Return minus the soft log-loss, or the expected accuracy without `predict_proba`."""
    if hasattr(student, "predict_proba"):
        predict = partial(student_proba, student, classes=soft_labels.classes)
        proba = predict_on_copy(predict, X)
        return -soft_log_loss(soft_labels.proba, proba, sample_weight=soft_labels.weight)
    predict = partial(student_labels, student, classes=soft_labels.classes)
    return soft_labels.expected_accuracy(predict_on_copy(predict, X))


def fit_one_pass(student, X, soft_labels, order, chunk, fit_params):
    """Call `partial_fit` on every row once, in the given order."""
    for batch in gen_batches(len(order), chunk):
        rows, labels, weight = soft_labels.take(order[batch]).expand()
        if len(rows) == 0:
            continue  # all weights in this chunk are zero
        rows = order[batch][rows]
        student.partial_fit(
            _safe_indexing(X, rows),
            labels,
            classes=soft_labels.classes,
            sample_weight=weight,
            **rows_of(fit_params, rows, len(soft_labels)),
        )
    return student
