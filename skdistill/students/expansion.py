"""Fitting by expansion: one weighted row per (sample, class), for classifiers with weights.

It minimises the distilled risk Σ_n Σ_y p_ny ℓ(y, f(x_n)) term by term, at the cost of one row per
class and sample. All other fitters are tested against it.
"""

from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from .._targets._soft_labels import SoftLabels
from .._utils._fit import fitted
from .._utils._rows import count_rows, rows_of
from .._utils._sample_weight import takes_sample_weight
from .._utils._typing import Estimator, Rows
from .._utils._warnings import warn
from ._capabilities import DataSummary, check_expansion
from ._chunks import fit_in_chunks, rows_per_chunk
from ._class_weight import balanced_by_class_weight_sums
from ._original_rows import early_stopping_on_original_rows
from ._row_counts import copies_for, counting_original_rows


def fit_by_expansion(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a classifier on rows repeated once per class, weighted by the class's probability.

    Classes of probability zero give no row. If the expanded rows would take more than
    ``sklearn.get_config()["working_memory"]`` (in MiB, 1024 by default) and the student has
    a `partial_fit` that takes weights, they are created and fitted in chunks of that size. Other
    students are fitted on the whole expansion.

    Every positive probability gives a row, even 1e-12; `top_k` avoids this. `min_samples_leaf`,
    `min_samples_split` and similar parameters count original rows; each row then has as many
    copies as the row with the most classes. Bootstraps draw copies, and so do the steps of a
    mini-batch student, which trains for longer than on hard labels.

    Parameters
    ----------
    student : classifier
        Unfitted; it is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    estimator
        The student, fitted.

    Raises
    ------
    TypeError
        If neither `fit` nor `partial_fit` takes `sample_weight`, or an inner estimator does
        not.

    ValueError
        If the student splits or draws rows inside its `fit`, so that copies of one row would
        be on both sides of the split.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import SoftLabels
    >>> from skdistill.students import fit_by_expansion
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> soft_labels = SoftLabels([[0.9, 0.1], [0.7, 0.3], [0.3, 0.7], [0.1, 0.9]])
    >>> fit_by_expansion(GaussianNB(), X, soft_labels).class_count_
    array([2., 2.])
    """
    if soft_labels.is_unweighted_one_hot:
        return fitted(student, X, soft_labels.argmax_labels(), **fit_params)
    if soft_labels.is_one_hot and takes_sample_weight(student, "fit"):
        weights = {"sample_weight": soft_labels.weight, **fit_params}
        return fitted(student, X, soft_labels.argmax_labels(), **weights)
    check_expansion(student, DataSummary.of(soft_labels))
    return fit_on_copies_or_chunks(student, X, soft_labels, **fit_params)


def fit_on_copies_or_chunks(student, X, soft_labels, **fit_params):
    """Fit a student on the expanded rows, in chunks if they would take too much memory."""
    chunk = rows_per_chunk(X, soft_labels)
    if takes_sample_weight(student, "partial_fit") and (
        chunk < len(soft_labels) or not takes_sample_weight(student, "fit")
    ):
        return fit_in_chunks(student, X, soft_labels, chunk, **fit_params)
    with early_stopping_on_original_rows(student, len(soft_labels)):
        return fit_on_copies(student, X, soft_labels, **fit_params)


def warn_of_expansion(student, reason, remedy=""):
    """Warn that a student is fitted by expansion, and why."""
    warn(
        f"{type(student).__name__} is fitted to soft labels by expansion, one row per class: "
        f"slower by about the number of classes, because {reason}. {remedy}".rstrip()
    )


def fit_on_copies(student, X, soft_labels, **fit_params):
    """Fit a student on the expanded rows, with parameters that count rows scaled."""
    copies = copies_for(student, soft_labels)
    with counting_original_rows(student, copies[0]):
        return fit_on_given_copies(student, X, soft_labels, copies, **fit_params)


def fit_on_given_copies(student, X, soft_labels, copies, **fit_params):
    """Fit a student on given copies of rows: their positions, labels and weights."""
    rows, labels, weight = copies
    fit_params = rows_of(fit_params, rows, len(soft_labels))
    with balanced_by_class_weight_sums(student, soft_labels):
        return fitted(student, repeat_rows(X, rows), labels, sample_weight=weight, **fit_params)


def repeat_rows(X, rows):
    """Return the given rows of X, X itself if these are all rows in order."""
    if len(rows) == count_rows(X) and (rows == np.arange(len(rows))).all():
        return X
    return _safe_indexing(X, rows)
