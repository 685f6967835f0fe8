"""Naive Bayes on soft labels: soft counts, without copies of the rows for each class."""

from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.utils.validation import check_array, validate_data

from .._soft_labels import SoftLabels
from .._typing import Estimator, Rows
from ._dispatch import register
from .expansion import learn_by_expansion


@register(MultinomialNB)
@register(ComplementNB)
@register(BernoulliNB)
def learn_counts(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a naive Bayes of counts to soft labels, exactly.

    Such a student knows the rows only through Σ_n w_n p_nk x_n and the mass Σ_n w_n p_nk of
    each class: the mean row of a class, weighing its mass, says the same as all rows. So it
    learns one row per class.

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
        For negative features, where the student refuses them.
    """
    if soft_labels.is_hard:
        return learn_by_expansion(student, X, soft_labels, **fit_params)
    binarize = student.get_params().get("binarize")
    if binarize is not None and not (isinstance(binarize, Real) and 0 <= float(binarize) < np.inf):
        return learn_by_expansion(student, X, soft_labels, **fit_params)  # its `fit` refuses it
    checked = check_array(X, accept_sparse="csr", estimator=student, input_name="X")
    if binarize is not None:
        checked = checked > binarize
    elif (checked.min() if checked.size else 0) < 0:
        raise ValueError(
            f"{type(student).__name__} counts features, and X has negative ones (the lowest is "
            f"{checked.min():.6g}). Use GaussianNB, or scale the features to be non-negative."
        )
    soft_labels = soft_labels.drop_empty_classes()
    mass = soft_labels.mass
    means = sparse.csr_array(_class_sums(checked.astype(np.float64), soft_labels) / mass[:, None])
    if binarize is not None:
        student.set_params(binarize=None)
    try:
        _learn_means(student, means, soft_labels, mass, fit_params)
    finally:
        if binarize is not None:
            student.set_params(binarize=binarize)
    validate_data(student, X, skip_check_array=True)  # the features' names, where X has them
    return student


@register(GaussianNB)
def learn_gaussian(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit Gaussian naive Bayes to soft labels, exactly: weighted means and variances.

    Hard labels put each row into one class, soft ones into all: at 50 classes that takes twice as
    long (0.02 s for 20,000 rows).

    Parameters
    ----------
    student : GaussianNB
        It is fitted in place. `var_smoothing` is relative to the variance of the real rows.

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
    if soft_labels.is_hard:
        return learn_by_expansion(student, X, soft_labels, **fit_params)
    rows = check_array(X, dtype=np.float64, copy=True, estimator=student, input_name="X")
    soft_labels = soft_labels.drop_empty_classes()
    mass = soft_labels.mass
    centre = rows.mean(axis=0)  # squares of what is left lose no digits to a far-away mean
    rows -= centre
    moments = _class_sums(np.hstack([rows, rows**2]), soft_labels) / mass[:, None]
    means, squares = np.hsplit(moments, 2)
    _learn_means(student, means, soft_labels, mass, fit_params)  # sets what is documented
    student.epsilon_ = student.var_smoothing * rows.var(axis=0).max()
    student.theta_ = means + centre
    student.var_ = np.maximum(squares - means**2, 0) + student.epsilon_
    validate_data(student, X, skip_check_array=True)  # the features' names, where X has them
    return student


def _learn_means(student, means, soft_labels, mass, fit_params):
    """Let an unfitted student learn one row per class, the mean row.

    By `partial_fit`, which says what it is: statistics of rows. Tools that watch `fit` would take
    the means for the rows that a student is trained on, and report its scores on them. It checks
    the parameters of a student without attributes only.
    """
    classes = soft_labels.classes
    student.partial_fit(means, classes, classes=classes, sample_weight=mass, **fit_params)


def _class_sums(rows, soft_labels):
    """Return Σ_n w_n p_nk x_n as a dense array, one row per class."""
    weighted = soft_labels.proba
    if not (soft_labels.weight == 1).all():
        weighted = sparse.diags_array(soft_labels.weight) @ weighted
    sums = weighted.T @ rows
    return sums.toarray() if sparse.issparse(sums) else sums
