"""Neural networks of scikit-learn on soft labels: expansion, in batches of original rows."""

from numbers import Integral
from typing import Any

from sklearn.neural_network import MLPClassifier

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._capabilities import DataSummary, check_expansion
from ._registry import register
from .expansion import fit_by_expansion, fit_on_copies_or_chunks

AUTO_BATCH = 200  # scikit-learn's batch_size="auto"
MIN_ROWS = 4  # original rows per batch, so that batches have about the same weight


def check_mlp(student: Estimator, summary: DataSummary) -> None:
    """Raise if a network would split rows, or if its batches are too small."""
    size = student.batch_size
    if isinstance(size, Integral) and 0 < int(size) < MIN_ROWS:
        raise ValueError(
            f"MLPClassifier(batch_size={size}) divides each gradient step by the weight of so "
            "few copies of rows that improbable classes count as much as certain ones. Set "
            f'batch_size="auto", or to {MIN_ROWS} or more.'
        )
    check_expansion(student, summary, ignore={"batch_size"})


@register(MLPClassifier, check=check_mlp)
def fit_mlp(student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any) -> Estimator:
    """Fit an MLPClassifier to soft labels by expansion, with batches of original rows.

    scikit-learn divides the gradient of a batch by the weight of the batch. A batch of a few
    copies, all of improbable classes, would count as much as one of certain labels; with batches
    of single copies, a network predicts all classes as equally probable. So `batch_size` counts
    original rows, and a batch has all of their copies. ``batch_size="auto"`` takes 200 copies,
    or with more than 50 classes the copies of four rows: more and smaller steps than for hard
    labels.

    Parameters
    ----------
    student : MLPClassifier
        It is fitted in place.

    X : array-like or sparse matrix of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    MLPClassifier
        The student, fitted.

    Raises
    ------
    ValueError
        With ``early_stopping=True``, which would split copies of a row, or a `batch_size` below 4.
    """
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    check_mlp(student, DataSummary.of(soft_labels))
    batch_size = student.batch_size
    student.set_params(batch_size=batch_of_copies(batch_size, soft_labels))
    try:
        return fit_on_copies_or_chunks(student, X, soft_labels, **fit_params)
    finally:
        student.set_params(batch_size=batch_size)


def batch_of_copies(batch_size, soft_labels):
    """Return the number of copies per batch; a value that is not valid is returned unchanged."""
    copies = soft_labels.count_expanded_rows() / max(len(soft_labels), 1)
    if isinstance(batch_size, Integral) and batch_size > 0:
        return max(1, round(min(batch_size, len(soft_labels)) * copies))
    if isinstance(batch_size, str) and batch_size == "auto":
        return "auto" if MIN_ROWS * copies <= AUTO_BATCH else round(MIN_ROWS * copies)
    return batch_size
