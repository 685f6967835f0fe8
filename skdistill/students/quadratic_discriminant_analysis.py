"""Quadratic discriminant analysis on soft labels: weighted means and covariances, without copies.

Its own `fit` takes no weights. The definition is its `fit` on rows repeated in proportion to weight
times probability: of these it uses the share, the mean and the covariance of each class only.
"""

from typing import Any

import numpy as np
from scipy import linalg, sparse
from sklearn.covariance import shrunk_covariance
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_array

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._capabilities import DataSummary
from ._registry import register
from .expansion import fit_by_expansion

# With these every covariance counts as one of full rank, whatever the rows are. Versions of
# scikit-learn before 1.8 have the solver "svd" only, and no parameter for it.
FULL_RANK = {"solver": "svd", "shrinkage": None, "reg_param": 1.0, "tol": 0.0}


def check_quadratic_discriminant_analysis(student: Estimator, summary: DataSummary) -> None:
    """Raise if a covariance would depend on a number of rows that soft labels do not have."""
    params = student.get_params(deep=False)
    estimator = params.get("covariance_estimator")
    if estimator is not None:
        raise ValueError(
            f"QuadraticDiscriminantAnalysis(covariance_estimator={estimator!r}) fits it to the "
            "rows of each class, and with soft labels each row belongs to several. Set "
            "covariance_estimator=None, and shrinkage to a number if needed."
        )
    shrinkage = params.get("shrinkage")
    if isinstance(shrinkage, str) and shrinkage == "auto" and params["solver"] != "svd":
        raise ValueError(
            'QuadraticDiscriminantAnalysis(shrinkage="auto") shrinks the covariance of each class '
            "by its number of rows, and with soft labels each row belongs to several classes. Set "
            "shrinkage to a number in [0, 1], or to None."
        )


@register(QuadraticDiscriminantAnalysis, check=check_quadratic_discriminant_analysis)
def fit_quadratic_discriminant_analysis(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit quadratic discriminant analysis to soft labels, exactly, with each of its solvers.

    The result is that of rows repeated in proportion to weight times probability, as scikit-learn
    1.9 fits them; its "svd" divided the covariances by rows minus one before. Each row counts once
    for each class of which it has a positive probability, so that it takes three to twelve times as
    long as with hard labels, at 2 to 10 classes.

    Parameters
    ----------
    student : QuadraticDiscriminantAnalysis
        It is fitted in place.

    X : array-like or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`, which has none.

    Returns
    -------
    QuadraticDiscriminantAnalysis
        The student, fitted.

    Raises
    ------
    ValueError
        With a `covariance_estimator` or ``shrinkage="auto"``, or if the covariance of a class is
        not of full rank.
    """
    if soft_labels.is_unweighted_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    check_quadratic_discriminant_analysis(student, DataSummary.of(soft_labels))
    rows = check_array(X, dtype=[np.float64, np.float32], estimator=student, input_name="X")
    soft_labels = soft_labels.drop_empty_classes()
    members = _members(soft_labels)
    labelled, labels = _rows_with_labels(X, rows.shape[1], soft_labels, members)
    _fit_to_labels(student, labelled, labels, fit_params)
    gaussians = [
        _gaussian(student, label, rows[each].astype(np.float64), weight)
        for label, (each, weight) in zip(soft_labels.classes, members, strict=True)
    ]
    means, *others = zip(*gaussians, strict=True)
    student.means_ = np.asarray(means, dtype=rows.dtype)
    dtype = np.float64 if _is_eigen(student) else rows.dtype  # as scikit-learn's solvers
    scalings, rotations, covariances = ([each.astype(dtype) for each in value] for value in others)
    student.scalings_, student.rotations_ = scalings, rotations
    if student.store_covariance:
        student.covariance_ = covariances
    if student.priors is None:
        mass = soft_labels.class_weight_sums
        student.priors_ = mass / mass.sum()
    return student


def _members(soft_labels):
    """Return for each class the rows that belong to it, and the weights with which they do."""
    columns = sparse.csc_array(sparse.diags_array(soft_labels.weight) @ soft_labels.proba)
    columns.eliminate_zeros()
    ends = columns.indptr[1:-1]
    return list(zip(np.split(columns.indices, ends), np.split(columns.data, ends), strict=True))


def _rows_with_labels(X, n_features, soft_labels, members):
    """Return rows and one label each, with more rows of each class than there are features.

    Classes that are the label of fewer get rows again that belong to them.
    """
    labels, classes = soft_labels.hard_labels(), soft_labels.classes
    counts = [np.count_nonzero(labels == label) for label in classes]
    lacking = np.maximum(n_features + 1 - np.array(counts), 0)
    if not lacking.any():
        return X, labels
    again = [np.resize(rows, n) for (rows, _), n in zip(members, lacking, strict=True)]
    rows = np.concatenate([np.arange(len(labels)), *again])
    return _safe_indexing(X, rows), np.concatenate([labels, np.repeat(classes, lacking)])


def _fit_to_labels(student, X, labels, fit_params):
    """Fit a student to rows with one label each: it checks parameters and sets all attributes.

    The covariances within these labels may be singular where those of the soft labels are not.
    """
    params = student.get_params(deep=False)
    try:
        student.fit(X, labels, **fit_params)
    except linalg.LinAlgError:
        student.set_params(**{name: FULL_RANK[name] for name in FULL_RANK.keys() & params})
        try:
            student.fit(X, labels, **fit_params)
        finally:
            student.set_params(**params)


def _gaussian(student, label, rows, weight):
    """Return mean, variances along the axes, axes, and covariance of the rows of a class."""
    weight = weight / weight.sum()
    origin = rows[0].copy()  # around a row, constant columns have a variance of exactly 0
    rows = rows - origin
    mean = weight @ rows
    root = np.sqrt(weight)[:, None] * (rows - mean)  # the covariance is rootᵀ root
    solve = _solve_eigen if _is_eigen(student) else _solve_svd
    scalings, rotation, covariance = solve(student, root)
    if (scalings <= student.tol).any():
        name = "shrinkage" if _is_eigen(student) else "reg_param"
        raise ValueError(
            f"{student!r} takes covariances of full rank, and that of class {label} has "
            f"{np.count_nonzero(scalings > student.tol)} of {len(scalings)} variances above "
            f"tol={student.tol!r}. Set {name} higher, or use fewer features."
        )
    return mean + origin, scalings, rotation, covariance


def _is_eigen(student):
    """Return whether the solver is "eigen"; there was no other than "svd" before."""
    return getattr(student, "solver", "svd") == "eigen"


def _solve_svd(student, root):
    """Return variances, axes and covariance as the solver "svd" does: from the rows themselves."""
    _, values, axes = linalg.svd(np.linalg.qr(root, mode="r"))
    scalings = np.zeros(len(axes))
    scalings[: len(values)] = (1 - student.reg_param) * values**2
    scalings += student.reg_param
    return scalings, axes.T, scalings * axes.T @ axes


def _solve_eigen(student, root):
    """Return variances, axes and covariance as the solver "eigen" does."""
    covariance = root.T @ root
    if student.shrinkage is not None:
        covariance = shrunk_covariance(covariance, student.shrinkage)
    scalings, rotation = linalg.eigh(covariance)
    return scalings[::-1], rotation[:, ::-1], covariance
