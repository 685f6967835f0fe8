"""Histogram gradient boosting on soft labels, without copies; it stops early by original rows."""

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing
from sklearn.utils.class_weight import compute_sample_weight

from .._targets._soft_labels import SoftLabels
from .._utils._probabilities import argmax_labels, entries
from .._utils._rows import rows_of
from .._utils._typing import Estimator, Rows
from ._chunks import drop_zero_weight_rows
from ._class_weight import class_weights
from ._original_rows import AUTO_EARLY_STOPPING_ROWS, early_stopping_on_original_rows
from ._registry import register
from ._soft_loss import LOSS_FAILED, fit_with_soft_loss
from .expansion import fit_by_expansion, fit_on_copies, warn_of_expansion


@register(HistGradientBoostingClassifier)
def fit_hist_boosting(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit histogram gradient boosting to soft labels at the cost of hard ones, without a copy of X.

    Gradients, Hessians and first scores are those of the expansion. Without row weights bins are
    those of hard labels; those of the expansion may differ, by rounding, in which of two
    neighbouring values begins a bin. `min_samples_leaf`, and the 10 rows that scikit-learn requires
    of a category, count original rows.

    Early stopping holds out rows with a true label and scores them by it; if no row has one, it
    holds out any rows and scores them by their soft labels. "auto" depends on the number of
    original rows. `class_weight` also applies to the held-out rows. Your own `X_val` and `y_val`
    may be given. With
    ``validation_fraction=None`` and ``scoring="loss"`` it stops by the loss of the soft labels.
    Scorers get the labels of the training rows, for `train_score_`.

    A `loss` of your own, and ``validation_fraction=None`` with another `scoring`, use the
    expansion, with a warning.

    Parameters
    ----------
    student : HistGradientBoostingClassifier
        It is fitted in place.

    X : array-like or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    HistGradientBoostingClassifier
        The student, fitted, without references to skdistill.

    Warns
    -----
    UserWarning
        If the student is fitted by expansion.
    """
    stops_early = _stops_early(student, soft_labels)
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    soft_labels.check_some_weight()
    X, soft_labels, fit_params = drop_zero_weight_rows(X, soft_labels, fit_params)
    soft_labels = soft_labels.drop_empty_classes()
    factors = _class_factors(student.class_weight, soft_labels)
    if stops_early and "X_val" not in fit_params and student.validation_fraction is not None:
        X, soft_labels, fit_params = _hold_out(student, X, soft_labels, factors, fit_params)
    early_stopping, class_weight = student.early_stopping, student.class_weight
    student.early_stopping = True if stops_early else early_stopping
    student.class_weight = None  # included in the weights, counted on all rows
    try:
        return _fit(student, X, soft_labels, factors, **fit_params)
    finally:
        student.set_params(early_stopping=early_stopping, class_weight=class_weight)


def _stops_early(student, soft_labels):
    """Return whether a student stops early, "auto" by the number of original rows."""
    if student.early_stopping == "auto":
        return len(soft_labels) > AUTO_EARLY_STOPPING_ROWS
    return student.early_stopping is True or student.early_stopping is np.True_


def _class_factors(class_weight, soft_labels):
    """Return the weight of each class; a dict names positions of classes, as in ordinary fits."""
    if isinstance(class_weight, dict):
        return compute_sample_weight(class_weight, np.arange(len(soft_labels.classes)))
    return class_weights(class_weight, soft_labels)


def _hold_out(student, X, soft_labels, factors, fit_params):
    """Return training rows, their soft labels, and fit parameters with a validation set."""
    train, held_out = _split(student, soft_labels)
    rows, y_val, weight_val = _validation_labels(soft_labels.take(held_out), factors)
    fit_params = {
        **rows_of(fit_params, train, len(soft_labels)),
        "X_val": _safe_indexing(X, held_out[rows]),
        "y_val": y_val,
        "sample_weight_val": weight_val,
    }
    return _safe_indexing(X, train), soft_labels.take(train), fit_params


def _split(student, soft_labels):
    """Return the training rows and the held-out rows, the latter with true labels if possible."""
    labelled = np.flatnonzero(soft_labels.codes >= 0)
    unlabelled = np.flatnonzero(soft_labels.codes < 0)
    candidates = labelled if len(labelled) else unlabelled
    train, held_out = train_test_split(
        candidates,
        test_size=student.validation_fraction,
        stratify=soft_labels.codes[candidates] if len(labelled) else None,
        random_state=student.random_state,
    )
    return (np.concatenate([train, unlabelled]) if len(labelled) else train), held_out


def _validation_labels(held_out, factors):
    """Return rows, labels and weights for scoring held-out rows: their true labels if available.

    Otherwise each row is scored by every class, weighted by its probability.
    """
    if (held_out.codes >= 0).all():
        weight = held_out.weight * factors[held_out.codes]
        return np.arange(len(held_out)), held_out.classes[held_out.codes], weight
    return held_out.reweight_classes(factors).expand()


def _fit(student, X, soft_labels, factors, **fit_params):
    """Fit a student on training rows, with a weight for each class; by expansion if need be."""
    nonempty = soft_labels.class_weight_sums > 0
    soft_labels = soft_labels.drop_empty_classes()
    codes = _labels_of_all_classes(soft_labels)
    soft_labels = soft_labels.reweight_classes(factors[nonempty])
    reason = _unsupported_reason(student, fit_params)
    if reason is not None:
        warn_of_expansion(student, reason)
    if reason is not None or codes is None or len(soft_labels.classes) < 2:
        return _fit_by_expansion(student, X, soft_labels, **fit_params)
    unfitted = deepcopy(vars(student))
    try:
        return fit_with_soft_loss(student, X, soft_labels, codes, **fit_params)
    except LOSS_FAILED as error:
        vars(student).clear()
        vars(student).update(unfitted)
        # The student's own `fit` raises for invalid rows or parameters. If it does not raise,
        # this version of scikit-learn is not supported.
        _fit_by_expansion(student, X, soft_labels, **fit_params)
        warn_of_expansion(
            student,
            "skdistill does not know how this scikit-learn uses its losses "
            f"({type(error).__name__}: {error})",
            "Please report it, with the version of scikit-learn.",
        )
        return student


def _unsupported_reason(student, fit_params):
    """Return why soft labels cannot replace labels in the loss of a student, None if they can."""
    if student.loss != "log_loss":
        return f"loss={student.loss!r} takes labels only"
    stops_by_training_rows = student.validation_fraction is None and "X_val" not in fit_params
    if student.early_stopping is True and stops_by_training_rows and student.scoring != "loss":
        return f"scoring={student.scoring!r} on the training rows takes labels only"
    return None


def _labels_of_all_classes(soft_labels):
    """Return positions of labels of positive probability, in which each class occurs.

    These are the true or most probable labels. A class that is not among them replaces the label of
    one row, that in which it is most probable. None if some class finds no such row.
    """
    codes = argmax_labels(soft_labels.proba)
    true = np.where(soft_labels.codes < 0, codes, soft_labels.codes)
    codes = np.where(entries(soft_labels.proba, true) > 0, true, codes)
    n_classes = len(soft_labels.classes)
    for missing in np.setdiff1d(np.arange(n_classes), codes):
        counts = np.bincount(codes, minlength=n_classes)
        proba = entries(soft_labels.proba, np.full(len(codes), missing))
        proba[counts[codes] == 1] = 0  # the only row of another class
        row = proba.argmax()
        if proba[row] == 0:
            return None
        codes[row] = missing
    return codes


def _fit_by_expansion(student, X, soft_labels, **fit_params):
    """Fit a student on copies of rows, where "auto" depends on the number of original rows."""
    with early_stopping_on_original_rows(student, len(soft_labels)):
        return fit_on_copies(student, X, soft_labels, **fit_params)
