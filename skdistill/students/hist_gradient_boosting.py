"""Histogram gradient boosting on soft labels: expansion, with early stopping on original rows."""

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from .._targets._soft_labels import SoftLabels
from .._utils._rows import rows_of
from .._utils._typing import Estimator, Rows
from ._class_weight import class_weights
from ._original_rows import AUTO_EARLY_STOPPING_ROWS
from ._registry import register
from .expansion import fit_by_expansion, fit_on_copies


@register(HistGradientBoostingClassifier)
def fit_hist_boosting(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit histogram gradient boosting to soft labels by expansion.

    Its public interface does not accept soft labels, so that K classes cost K rows for
    each of K trees: at 10 classes 47 times the time of hard labels. For many classes set
    `top_k`, or use LGBMClassifier or XGBClassifier, which cost the same with soft labels as with
    hard ones. `min_samples_leaf` counts original rows, which all have the same number of copies.

    Early stopping holds out rows with a true label and scores them by it; if no row has one, it
    holds out any rows and scores them by their soft labels. "auto" depends on the number of
    original rows. `class_weight` also applies to the held-out rows. Your own `X_val` and
    `y_val` may be given.

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
        The student, fitted.
    """
    early_stopping, class_weight = student.early_stopping, student.class_weight
    stops_early = (
        len(soft_labels) > AUTO_EARLY_STOPPING_ROWS
        if early_stopping == "auto"
        else early_stopping is True or early_stopping is np.True_
    )
    if soft_labels.is_one_hot or not stops_early:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    if "X_val" not in fit_params and student.validation_fraction is not None:
        train, held_out = _hold_out(student, soft_labels)
        factors = class_weights(class_weight, soft_labels)
        rows, y_val, weight_val = _validation_labels(soft_labels.take(held_out), factors)
        fit_params = {
            **rows_of(fit_params, train, len(soft_labels)),
            "X_val": _safe_indexing(X, held_out[rows]),
            "y_val": y_val,
            "sample_weight_val": weight_val,
        }
        X = _safe_indexing(X, train)
        soft_labels = soft_labels.take(train).reweight_classes(factors)
        student.set_params(class_weight=None)  # included in the weights, counted on all rows
    student.set_params(early_stopping=True)
    try:
        return fit_on_copies(student, X, soft_labels, **fit_params)
    finally:
        student.set_params(early_stopping=early_stopping, class_weight=class_weight)


def _hold_out(student, soft_labels):
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
