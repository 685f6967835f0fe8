"""The linear scorer of labels: L2-penalised, by L-BFGS, dense or sparse, of full or low rank."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import validate_data

from ..._targets._retrieval_targets import RetrievalTargets
from ..._utils._typing import Estimator, Rows
from ..._utils._warnings import warn
from ...objectives._linear_retrieval import linear_loss
from ...objectives._retrieval import chunks_of
from .._logistic_parameters import check_parameters, unsupported_reason
from ._registry import check_targets, register


@register(LogisticRegression)
def fit_linear(
    student: LogisticRegression, X: Rows, targets: RetrievalTargets, **fit_params: Any
) -> Estimator:
    """Fit the coefficients of a LogisticRegression to a retrieval loss.

    With scores f = X Wᵀ + b it minimises ½‖W‖² + C · n · (mean loss) by L-BFGS, where n is the
    total weight of the rows; two labels have one row of coefficients, as in scikit-learn. It uses
    the student's parameters `C`, `tol`, `max_iter` and `fit_intercept`. `tol` bounds the largest
    entry of the gradient of the mean loss with its penalty, relative to that at the start, because
    entries decrease with the number of labels. Columns with a root mean square above 1 are divided
    by it. About a million scores are in memory at once.

    Parameters
    ----------
    student : LogisticRegression
        With an L2 penalty or none (``C=np.inf``). It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows; sparse ones stay sparse, and float32 stays float32.

    targets : RetrievalTargets
        Positives and discounted negatives.

    **fit_params : dict
        None: the `fit` of a logistic regression takes sample weights only.

    Returns
    -------
    LogisticRegression
        The student, with `classes_`, `coef_`, `intercept_` and `n_iter_`.

    Raises
    ------
    ValueError
        For an L1 or elastic-net penalty, solver="liblinear", and class weights.

    Warns
    -----
    ConvergenceWarning
        If the final gradient is larger than `tol`, by `max_iter` or by rounding.
    """
    _check_student(student, fit_params)
    X = validate_data(student, X, accept_sparse="csr", dtype=[np.float64, np.float32])
    objective = LinearObjective(X, targets, student)
    solution, n_iter = _minimise(objective, np.zeros(objective.size), student)
    return _set_fitted_attributes(student, targets, objective.coef_and_intercept(solution), n_iter)


def fit_low_rank(
    student: LogisticRegression,
    X: Rows,
    targets: RetrievalTargets,
    rank: int,
    random_state: int | np.random.RandomState | None,
) -> Pipeline:
    """Fit a projection to few dimensions jointly with a linear scorer of labels.

    With scores f = (X U) Wᵀ + b it minimises ½‖U‖² + ½‖W‖² + C · n · (mean loss), starting at the
    singular vectors of X. It has (n_features + n_labels) · rank coefficients instead of
    n_features · n_labels.

    Parameters
    ----------
    student : LogisticRegression
        Its parameters are used as in :func:`fit_linear`.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    targets : RetrievalTargets
        Positives and discounted negatives.

    rank : int
        Number of dimensions, less than the number of features.

    random_state : int, RandomState instance or None
        Seed of the singular vectors.

    Returns
    -------
    Pipeline
        A ``TruncatedSVD``, whose `components_` are replaced by Uᵀ, and the
        ``LogisticRegression``.
    """
    _check_student(student, {})
    check_targets(X, targets)
    check_rank(rank, X)
    svd = TruncatedSVD(rank, random_state=random_state)
    rows = validate_data(svd, X, accept_sparse="csr", dtype=[np.float64, np.float32])
    svd.fit(rows)
    validate_data(svd, X, skip_check_array=True)  # sets the feature names, which `fit` removed
    X = rows
    objective = LowRankObjective(X, targets, student, rank)
    start = np.concatenate([svd.components_.T.ravel(), np.zeros(objective.scorer.size)])
    solution, n_iter = _minimise(objective, start, student)
    svd.components_, coef_and_intercept = objective.parts(solution)
    student.n_features_in_ = rank
    _set_fitted_attributes(student, targets, coef_and_intercept, n_iter)
    return Pipeline([("project", svd), ("score", student)])


def check_rank(rank, X):
    """Raise unless `rank` is less than the number of features and at most that of rows."""
    shape = X.shape if hasattr(X, "shape") else np.shape(X)
    if len(shape) == 2 and (rank >= shape[1] or rank > shape[0]):
        raise ValueError(
            f"rank must be less than the number of features and at most the number of rows; got "
            f"rank={rank} and X of shape {tuple(shape)}. Lower it, or set rank=None for the linear "
            "scorer of full rank."
        )


class LinearObjective:
    """A retrieval loss of linear scores with its penalty, as a function of the coefficients."""

    def __init__(self, X, targets, student):
        self.X = X
        self.intercept = student.fit_intercept
        self.binary = len(targets.classes) == 2
        total = targets.weight.sum()
        self.l2 = 0.0 if student.penalty is None else 1 / (student.C * total)
        self.chunks = chunks_of(
            targets.positives, targets.negative_discount, targets.weight / total
        )
        self.shape = (1 if self.binary else len(targets.classes), X.shape[1] + self.intercept)

    def units_of_coefficients(self):
        """Return the unit of each coefficient, see :func:`unit_of_columns`."""
        of_row = unit_of_columns(self.X)
        return np.tile(np.append(of_row, 1.0) if self.intercept else of_row, self.shape[0])

    @property
    def size(self):
        """Return the number of coefficients."""
        return self.shape[0] * self.shape[1]

    def coef_and_intercept(self, flat):
        """Return `coef_` and `intercept_`, with one row for two labels as in scikit-learn."""
        rows = flat.reshape(self.shape)
        if self.intercept:
            return rows[:, :-1].copy(), rows[:, -1].copy()
        return rows.copy(), np.zeros(len(rows))

    def loss_and_gradient(self, flat):
        """Return the objective and its gradient."""
        loss, gradient, _ = self.with_features(self.X, flat, by_features=False)
        return loss, gradient

    def with_features(self, X, flat, *, by_features):
        """Return the objective, its gradient, and its gradient by X if `by_features`."""
        coef, intercept = self.coef_and_intercept(flat)
        weight, bias = coef, intercept
        if self.binary:  # the first label scores 0
            weight, bias = np.vstack([0 * coef, coef]), np.append(0, intercept)
        loss, gradient = linear_loss(
            X,
            weight.astype(X.dtype),
            bias.astype(X.dtype),
            self.chunks,
            by_features=by_features,
        )
        by_rows = np.zeros(self.shape)
        by_rows[:, : coef.shape[1]] = gradient.weight[-len(coef) :] + self.l2 * coef
        if self.intercept:
            by_rows[:, -1] = gradient.bias[-len(coef) :]
        penalty = self.l2 / 2 * np.vdot(coef, coef)
        return loss + penalty, by_rows.ravel(), gradient.X


class LowRankObjective:
    """The objective with a projection of the features, whose coefficients come first."""

    def __init__(self, X, targets, student, rank):
        self.X, self.rank = X, rank
        self.scorer = LinearObjective(np.empty((0, rank)), targets, student)

    def units_of_coefficients(self):
        """Return the unit of each coefficient, see :func:`unit_of_columns`."""
        of_projection = np.repeat(unit_of_columns(self.X), self.rank)
        return np.concatenate([of_projection, np.ones(self.scorer.size)])

    def parts(self, flat):
        """Return the components of the projection, and (coefficients, intercept) of the scorer."""
        n = self.X.shape[1] * self.rank
        return flat[:n].reshape(-1, self.rank).T.copy(), self.scorer.coef_and_intercept(flat[n:])

    def loss_and_gradient(self, flat):
        """Return the objective and its gradient."""
        n, l2 = self.X.shape[1] * self.rank, self.scorer.l2
        projection = flat[:n].reshape(-1, self.rank)
        hidden = self.X @ projection.astype(self.X.dtype)
        loss, by_scorer, by_hidden = self.scorer.with_features(hidden, flat[n:], by_features=True)
        by_projection = self.X.T @ by_hidden + l2 * projection
        loss += l2 / 2 * np.vdot(projection, projection)
        return loss, np.concatenate([by_projection.ravel(), by_scorer])


def _check_student(student, fit_params):
    """Raise for parameters that the linear retriever does not support."""
    if fit_params:
        raise TypeError(
            f"A linear scorer takes no fit parameters; got {sorted(fit_params)}. Leave them out."
        )
    reason = unsupported_reason(student)
    if student.class_weight is not None:
        reason = f"class_weight={student.class_weight!r}"
    if reason:
        raise ValueError(
            "A LogisticRegression that ranks labels must have an L2 penalty or none, and no class "
            f"weights; got {reason}. Leave it at its default, and weight rows by sample_weight."
        )
    check_parameters(student)


def unit_of_columns(X):
    """Return a unit for the coefficients of each column, below 1 for a column of large scale.

    Without it such a column alone would determine convergence.
    """
    squares = X.multiply(X).sum(axis=0) if sparse.issparse(X) else np.einsum("ij,ij->j", X, X)
    return 1 / np.sqrt(np.maximum(np.ravel(squares).astype(np.float64) / X.shape[0], 1))


def _minimise(objective, start, student):
    """Return the coefficients found by L-BFGS and the number of iterations."""
    units = objective.units_of_coefficients()

    def in_units(point):
        loss, gradient = objective.loss_and_gradient(point * units)
        return loss, gradient * units

    initial = np.abs(in_units(start / units)[1]).max()
    # If the start is the optimum, the gradient is 0 up to rounding.
    gtol = max(student.tol * initial, np.finfo(np.float64).eps)
    options = {"maxiter": student.max_iter, "maxls": 50, "gtol": gtol, "ftol": 0}
    found = minimize(in_units, start / units, jac=True, method="L-BFGS-B", options=options)
    final = np.abs(found.jac).max()
    if not final <= gtol:
        reason = (
            f"stopped after max_iter={student.max_iter} iterations"
            if found.nit >= student.max_iter
            else f"found no lower point after {found.nit} iterations, for rounding,"
        )
        warn(
            f"The linear scorer {reason} with a gradient of up to {final / initial:.2g} of that at "
            f"the start (tol={student.tol:g}). Scale the features (StandardScaler), give X in "
            "float64, or raise max_iter or tol.",
            ConvergenceWarning,
        )
    return found.x * units, found.nit


def _set_fitted_attributes(student, targets, coef_and_intercept, n_iter):
    """Set the fitted attributes of a LogisticRegression and return it."""
    student.classes_ = targets.classes
    student.coef_, student.intercept_ = coef_and_intercept
    student.n_iter_ = np.array([n_iter], dtype=np.int32)
    return student
