"""Linear discriminant analysis on soft labels: weighted means and covariance, without copies.

Its own `fit` takes no weights. The definition is its `fit` on rows repeated in proportion to weight
times probability: of these it uses class means, class shares and covariances only, which do not
depend on how often all rows are repeated.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import maximum_bipartite_matching
from sklearn.covariance import shrunk_covariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.validation import check_array

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Floats, Rows
from ._capabilities import DataSummary
from ._class_sums import class_sums
from ._registry import register
from .expansion import fit_by_expansion


def check_discriminant_analysis(student: Estimator, summary: DataSummary) -> None:
    """Raise if the covariance would depend on a number of rows that soft labels do not have."""
    if student.covariance_estimator is not None:
        raise ValueError(
            f"LinearDiscriminantAnalysis(covariance_estimator={student.covariance_estimator!r}) "
            "fits it to the rows of each class, and with soft labels each row belongs to several. "
            "Set covariance_estimator=None, and shrinkage to a number if needed."
        )
    shrinkage = student.shrinkage
    if isinstance(shrinkage, str) and shrinkage == "auto" and student.solver != "svd":
        raise ValueError(
            'LinearDiscriminantAnalysis(shrinkage="auto") shrinks the covariance of each class by '
            "its number of rows, and with soft labels each row belongs to several classes. Set "
            "shrinkage to a number in [0, 1], or to None."
        )


@register(LinearDiscriminantAnalysis, check=check_discriminant_analysis)
def fit_discriminant_analysis(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit linear discriminant analysis to soft labels, exactly, with each of its solvers.

    The result is that of rows repeated in proportion to weight times probability, as scikit-learn
    1.9 fits them; its "svd" divided the covariance by rows minus classes before. Each row counts
    once, and each class as one further row, so that it takes two to four times as long as with
    hard labels, at 10 to 100 classes.

    Parameters
    ----------
    student : LinearDiscriminantAnalysis
        It is fitted in place.

    X : array-like or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`, which has none.

    Returns
    -------
    LinearDiscriminantAnalysis
        The student, fitted.

    Raises
    ------
    ValueError
        With a `covariance_estimator` or ``shrinkage="auto"``, for so few rows that not every class
        can be the label of one, or if `tol` leaves no direction to the solver "svd".
    """
    if soft_labels.is_unweighted_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    check_discriminant_analysis(student, DataSummary.of(soft_labels))
    rows = check_array(X, dtype=[np.float64, np.float32], estimator=student, input_name="X")
    soft_labels = soft_labels.drop_empty_classes()
    _fit_to_labels(student, X, rows.shape, soft_labels, fit_params)
    counted = soft_labels.weight > 0
    moments = _moments(student, rows[counted].astype(np.float64), soft_labels.take(counted))
    fitted = SOLVERS[student.solver](student, moments) | {
        "means_": moments.means,
        "priors_": moments.priors,
    }
    if len(soft_labels.classes) == 2:
        for name in ("coef_", "intercept_"):
            fitted[name] = fitted[name][1:] - fitted[name][:1]
    for name, value in fitted.items():
        setattr(student, name, value.astype(rows.dtype))
    return student


def _fit_to_labels(student, X, shape, soft_labels, fit_params):
    """Fit a student to the original rows, with one label each: it sets all fitted attributes.

    The covariance within these labels may be singular where that of the soft labels is not. Only
    the least squares solver takes it; for more columns than rows its covariance is too large.
    """
    solver, (n_rows, n_features) = student.solver, shape
    is_small = student.shrinkage is None and n_features <= n_rows
    if solver == "eigen" or (solver == "svd" and is_small):
        student.set_params(solver="lsqr")
    try:
        with warnings.catch_warnings():
            # A class may be the label of a single row here, and still be probable in others.
            warnings.filterwarnings("ignore", message="Only one sample available")
            student.fit(X, _labels_of_every_class(soft_labels), **fit_params)
    finally:
        student.set_params(solver=solver)
    if solver == "svd" and is_small and not student.store_covariance:
        del student.covariance_


def _labels_of_every_class(soft_labels):
    """Return the labels of the rows, with each class as the label of a row that may have it."""
    labels, classes = soft_labels.hard_labels(), soft_labels.classes
    if len(np.unique(labels)) == len(classes):
        return labels
    may_have = sparse.csr_array(soft_labels.proba.T > 0)
    rows = maximum_bipartite_matching(may_have, perm_type="column")
    if (rows < 0).any():
        raise ValueError(
            f"LinearDiscriminantAnalysis takes more rows than classes, and these {len(labels)} "
            f"rows of {len(classes)} classes have no row of its own for each. Give more rows."
        )
    labels[rows] = classes
    return labels


class _Moments(NamedTuple):
    """What the solvers use of the rows. A matrix A stands for the covariance AᵀA."""

    means: Floats
    priors: Floats
    within: Floats  # around the means of the classes
    within_by_priors: Floats  # the same, with each class counted by its prior
    total: Floats  # around the mean of all rows
    n_components: int


def _moments(student, rows, soft_labels):
    """Return the moments of rows that all have positive weight."""
    mass = soft_labels.class_weight_sums
    shares = mass / mass.sum()
    centre = soft_labels.weight @ rows / mass.sum()
    is_constant = (rows == rows[0]).all(axis=0)
    centre[is_constant] = rows[0, is_constant]  # rounding errors would be taken for a variance
    rows = rows - centre
    means = class_sums(rows, soft_labels) / mass[:, None]
    priors, within = shares, _within(rows, means, soft_labels)
    within_by_priors = within
    if student.priors is not None:
        priors = student.priors_.astype(np.float64)
        by_priors = soft_labels.reweight_classes(priors / shares)
        within_by_priors = _within(rows, means, by_priors)
    return _Moments(
        means=means + centre,
        priors=priors,
        within=within,
        within_by_priors=within_by_priors,
        total=np.sqrt(soft_labels.weight / mass.sum())[:, None] * (rows - shares @ means),
        n_components=student.n_components or min(len(means) - 1, rows.shape[1]),
    )


def _within(rows, means, soft_labels):
    """Return A with AᵀA = Σ_nk w_nk (x_n - μ_k)(x_n - μ_k)ᵀ / Σ_nk w_nk, where w_nk = w_n p_nk.

    With m_n = Σ_k p_nk μ_k, it is the sum over rows of (x_n - m_n)(x_n - m_n)ᵀ, and over pairs of
    classes k < l of Σ_n w_n p_nk p_nl (μ_k - μ_l)(μ_k - μ_l)ᵀ, a Laplacian matrix. So A has a row
    for each row and one for each class, and one-hot rows leave the second part exactly 0.
    """
    total = soft_labels.weight.sum()
    around = np.sqrt(soft_labels.weight / total)[:, None] * (rows - soft_labels.proba @ means)
    overlap = class_sums(soft_labels.proba, soft_labels) / total
    np.fill_diagonal(overlap, 0)
    values, vectors = linalg.eigh(np.diag(overlap.sum(axis=1)) - overlap)
    return np.vstack([around, (vectors * np.sqrt(np.maximum(values, 0))).T @ means])


def _solve_svd(student, moments):
    """Return the attributes that the solver "svd" sets: it forms no covariance."""
    deviation = np.sqrt((moments.within**2).sum(axis=0))
    deviation[deviation == 0] = 1
    _, values, axes = linalg.svd(moments.within / deviation, full_matrices=False)
    rank = np.count_nonzero(values > student.tol)
    if rank == 0:  # scikit-learn ends in an IndexError
        raise ValueError(
            f"LinearDiscriminantAnalysis(tol={student.tol!r}) leaves no direction in which rows "
            "vary within the classes. Set tol lower, or use features that are not constant."
        )
    whiten = (axes[:rank] / deviation).T / values[:rank]
    mean = moments.priors @ moments.means
    spread = np.sqrt(moments.priors)[:, None] * (moments.means - mean) @ whiten
    _, values, axes = linalg.svd(spread, full_matrices=False)
    scalings = whiten @ axes[values > student.tol * values[0]].T
    projected = (moments.means - mean) @ scalings
    coef = projected @ scalings.T
    fitted = {
        "xbar_": mean,
        "scalings_": scalings,
        "explained_variance_ratio_": (values**2 / np.sum(values**2))[: moments.n_components],
        "coef_": coef,
        "intercept_": np.log(moments.priors) - 0.5 * (projected**2).sum(axis=1) - coef @ mean,
    }
    if student.store_covariance:
        fitted["covariance_"] = moments.within_by_priors.T @ moments.within_by_priors
    return fitted


def _solve_lsqr(student, moments):
    """Return the attributes that the solver "lsqr" sets."""
    covariance = _covariance(moments.within_by_priors, student)
    coef = linalg.lstsq(covariance, moments.means.T)[0].T
    return {"covariance_": covariance, **_linear(coef, moments)}


def _solve_eigen(student, moments):
    """Return the attributes that the solver "eigen" sets."""
    covariance = _covariance(moments.within_by_priors, student)
    between = _covariance(moments.total, student) - covariance
    values, vectors = linalg.eigh(between, covariance)
    return {
        "covariance_": covariance,
        "scalings_": vectors[:, ::-1],
        "explained_variance_ratio_": (values / values.sum())[::-1][: moments.n_components],
        **_linear(moments.means @ vectors @ vectors.T, moments),
    }


SOLVERS = {"svd": _solve_svd, "lsqr": _solve_lsqr, "eigen": _solve_eigen}


def _covariance(root, student):
    """Return AᵀA, shrunk; shrinking is linear, so that the classes may be pooled before."""
    covariance = root.T @ root
    if student.shrinkage is None:
        return covariance
    return shrunk_covariance(covariance, student.shrinkage)


def _linear(coef, moments):
    """Return coefficients, and the intercepts that belong to them."""
    intercept = np.log(moments.priors) - 0.5 * (moments.means * coef).sum(axis=1)
    return {"coef_": coef, "intercept_": intercept}
