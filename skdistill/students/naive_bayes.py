"""Naive Bayes on soft labels: expected counts, without copies of the rows for each class."""

from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_array, validate_data

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._class_sums import class_sums
from ._registry import register
from .expansion import fit_by_expansion

ROWS_AT_ONCE = 4096


@register(MultinomialNB)
@register(ComplementNB)
@register(BernoulliNB)
def fit_counts(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit naive Bayes with counts to soft labels, exactly.

    Σ_n w_n p_nk x_n and Σ_n w_n p_nk of each class are sufficient statistics. So the student is
    fitted on one row per class, the mean row with the total weight of the class.

    Parameters
    ----------
    student : MultinomialNB, ComplementNB or BernoulliNB
        It is fitted in place.

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
    ValueError
        For negative features, if the student rejects them.
    """
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    binarize = student.get_params().get("binarize")
    if binarize is not None and not (isinstance(binarize, Real) and 0 <= float(binarize) < np.inf):
        return fit_by_expansion(student, X, soft_labels, **fit_params)  # its `fit` rejects it
    checked = check_array(X, accept_sparse="csr", estimator=student, input_name="X")
    if binarize is not None:
        checked = checked > binarize
    elif (checked.min() if checked.size else 0) < 0:
        raise ValueError(
            f"{type(student).__name__} takes counts, and X has negative ones (the lowest is "
            f"{checked.min():.6g}). Use GaussianNB, or scale the features to be non-negative."
        )
    soft_labels = soft_labels.drop_empty_classes()
    weight = soft_labels.class_weight_sums
    means = sparse.csr_array(
        class_sums(checked.astype(np.float64, copy=False), soft_labels) / weight[:, None]
    )
    if binarize is not None:
        student.set_params(binarize=None)
    try:
        _fit_class_means(student, means, soft_labels, weight, fit_params)
    finally:
        if binarize is not None:
            student.set_params(binarize=binarize)
    validate_data(student, X, skip_check_array=True)  # sets the names of the features
    return student


@register(GaussianNB)
def fit_gaussian(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit Gaussian naive Bayes to soft labels, exactly: weighted means and variances.

    The sums over rows and over squares are matrix products of the probabilities with blocks of
    rows: they take no longer than the means and variances of hard labels.

    Parameters
    ----------
    student : GaussianNB
        It is fitted in place. `var_smoothing` is relative to the variance of the original rows.

    X : array-like or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    GaussianNB
        The student, fitted.
    """
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    rows = check_array(X, dtype=(np.float64, np.float32), estimator=student, input_name="X")
    soft_labels = soft_labels.drop_empty_classes()
    weight, classes = soft_labels.class_weight_sums, soft_labels.classes
    centre = rows.mean(axis=0, dtype=np.float64)
    sums, squares, all_squares = _centred_sums(rows, centre, soft_labels)
    # On one row, for the checks of parameters; all fitted attributes are set below.
    first = rows[:1].astype(np.float64)
    student.partial_fit(first, classes[:1], classes=classes, **fit_params)
    validate_data(student, X, skip_check_array=True)  # sets the names of the features
    means = sums / weight[:, None]
    student.epsilon_ = student.var_smoothing * (all_squares / len(rows)).max()
    student.theta_ = means + centre
    student.var_ = np.maximum(squares / weight[:, None] - means**2, 0) + student.epsilon_
    student.class_count_ = weight
    if student.priors is None:
        student.class_prior_ = weight / weight.sum()
    return student


def _centred_sums(rows, centre, soft_labels):
    """Return Σ_n w_n p_nk x_n, the same of squares, and Σ_n x_n² without weights.

    Rows are centred, so that squares do not lose digits, and summed in blocks that fit the cache.
    """
    shape = len(soft_labels.classes), len(centre)
    sums, squares, all_squares = np.zeros(shape), np.zeros(shape), np.zeros(len(centre))
    for block in gen_batches(len(rows), ROWS_AT_ONCE):
        centred = rows[block] - centre
        labels = soft_labels.take(block)
        sums += class_sums(centred, labels)
        squares += class_sums(centred**2, labels)
        all_squares += (centred**2).sum(axis=0)
    return sums, squares, all_squares


def _fit_class_means(student, means, soft_labels, weight, fit_params):
    """Fit an unfitted student on one row per class, the mean row.

    It uses `partial_fit`, because tools that log `fit` would take the means for training rows and
    report scores on them. `partial_fit` validates the parameters of an unfitted student only.
    """
    classes = soft_labels.classes
    student.partial_fit(means, classes, classes=classes, sample_weight=weight, **fit_params)
