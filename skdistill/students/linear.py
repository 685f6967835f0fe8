"""Logistic regression on soft labels: the exact objective, without a copy of X.

The labels enter the objective 1/W Σ_n w_n [log Σ_k e^{f_nk} − Σ_k p_nk f_nk] + penalty only
through Σ_n w_n p_nk x_n, a matrix of the size of the coefficients. It is computed once; then an
iteration costs the same for soft and hard, dense and sparse labels.
"""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgWarning, cho_solve, lapack
from scipy.optimize import minimize
from scipy.special import expit
from sklearn import get_config
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import validate_data

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from .._utils._warnings import warn
from ..objectives._newton import minimise
from ._class_weight import class_weights
from ._logistic_parameters import check_parameters, unsupported_reason
from ._registry import register
from .expansion import fit_by_expansion, warn_of_expansion


@register(LogisticRegression)
def fit_logistic(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a logistic regression to soft labels at the cost of hard ones.

    It minimises scikit-learn's objective on the expansion, with the same scaling of the
    penalty, for L2 and for no penalty, binary or multinomial. ``solver="newton-cholesky"`` is a
    Newton method here too, as long as the Hessian fits into scikit-learn's working memory;
    "lbfgs", "newton-cg", "sag" and "saga" all use L-BFGS, because they share one optimum.
    ``class_weight="balanced"`` counts the probability mass of a class. An L1 or elastic-net
    penalty, "liblinear" (which penalises the intercept) and one-versus-rest use the expansion,
    with a warning.

    Parameters
    ----------
    student : LogisticRegression
        It is fitted in place. With ``warm_start=True``, optimisation starts from its
        coefficients.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities, dense or sparse, and weights.

    **fit_params : dict
        None: the `fit` of a logistic regression takes sample weights only.

    Returns
    -------
    LogisticRegression
        The student, with `classes_`, `coef_`, `intercept_` and `n_iter_`.

    Warns
    -----
    ConvergenceWarning
        If the largest entry of the gradient stays above `tol`, by `max_iter` or by rounding.

    LinAlgWarning
        If the Hessian is singular, for example with collinear columns and no penalty. L-BFGS
        then continues from the current point.

    UserWarning
        If the student is fitted by expansion.
    """
    if soft_labels.is_one_hot or fit_params:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    reason = unsupported_reason(student)
    if reason:
        warn_of_expansion(
            student,
            f"skdistill has no soft-label objective for {reason}",
            'It has one for an L2 penalty with solver="lbfgs" or "newton-cholesky".',
        )
        return fit_by_expansion(student, X, soft_labels)
    check_parameters(student)
    X = validate_data(student, X, accept_sparse="csr", dtype=[np.float64, np.float32])
    soft_labels = soft_labels.reweight_classes(class_weights(student.class_weight, soft_labels))
    soft_labels = soft_labels.drop_empty_classes()
    objective = _LogisticObjective(X, soft_labels, student)
    start = objective.start(student)
    by_newton = student.solver == "newton-cholesky" and objective.hessian_fits()
    solve = _newton if by_newton else _lbfgs
    solution, n_iter, gradient = solve(objective, start, student.tol, student.max_iter)
    max_gradient = np.abs(gradient).max()
    if not max_gradient <= student.tol:
        warn(
            f"{student.solver} stopped after {n_iter} iterations (max_iter={student.max_iter}) "
            f"with a gradient of up to {max_gradient:.2g} (tol={student.tol:g}). Scale the "
            "features (StandardScaler), or raise max_iter or tol.",
            ConvergenceWarning,
        )
    student.classes_ = soft_labels.classes
    student.coef_, student.intercept_ = objective.coef_and_intercept(solution)
    student.n_iter_ = np.array([n_iter], dtype=np.int32)
    return student


class _LogisticObjective:
    """The distilled log-loss of a linear model, as a function of its flat coefficients.

    One row of coefficients per class, the intercept last; for two classes a single row, that
    of the second, as in scikit-learn.
    """

    def __init__(self, X, soft_labels, student):
        self.X = X
        self.n_features = X.shape[1]
        self.intercept = student.fit_intercept
        self.binary = len(soft_labels.classes) == 2
        self.weight = soft_labels.weight / soft_labels.weight.sum()
        unpenalised = student.penalty is None or np.isinf(student.C)
        self.l2 = 0.0 if unpenalised else 1 / (student.C * soft_labels.weight.sum())
        targets = soft_labels.proba[:, [1]] if self.binary else soft_labels.proba
        self.n_rows = targets.shape[1]
        self.label_sums = self._weighted_sums(targets, self.weight)

    def _weighted_sums(self, values, weight=None):
        """Return Σ_n weight_n values_nk x_n, one row per column k, the intercept last."""
        if weight is not None:
            values = sparse.diags_array(weight) @ values
        sums = self.X.T @ values
        sums = (sums.toarray() if sparse.issparse(sums) else sums).T
        if self.intercept:
            sums = np.column_stack([sums, np.asarray(values.sum(axis=0)).ravel()])
        return sums

    def start(self, student):
        """Return the initial coefficients: zero, or those of a warm start."""
        shape = (self.n_rows, self.n_features + self.intercept)
        if student.warm_start and hasattr(student, "coef_"):
            rows = [student.coef_] + ([student.intercept_[:, None]] if self.intercept else [])
            flat = np.column_stack(rows).astype(np.float64).reshape(shape).ravel()
            return np.where(np.isfinite(flat), flat, 0)  # not finite for an added class
        return np.zeros(shape).ravel()

    def coef_and_intercept(self, flat):
        """Return `coef_` and `intercept_`."""
        rows = flat.reshape(self.n_rows, -1)
        if self.intercept:
            return rows[:, :-1].copy(), rows[:, -1].copy()
        return rows.copy(), np.zeros(self.n_rows)

    def _scores(self, rows):
        scores = self.X @ rows[:, : self.n_features].T
        if self.intercept:
            scores += rows[:, -1]
        return scores

    def _penalty(self, rows):
        """Return the penalty and its gradient; the intercept is not penalised."""
        penalised = rows.copy()
        if self.intercept:
            penalised[:, -1] = 0
        return 0.5 * self.l2 * (penalised**2).sum(), self.l2 * penalised

    def loss_and_gradient(self, flat):
        """Return the objective and its gradient."""
        rows = flat.reshape(self.n_rows, -1)
        normaliser, predicted = self._predict(self._scores(rows))
        predicted *= self.weight[:, None]
        penalty, penalty_gradient = self._penalty(rows)
        loss = self.weight @ normaliser - (self.label_sums * rows).sum() + penalty
        gradient = self._weighted_sums(predicted) - self.label_sums + penalty_gradient
        return loss, gradient.ravel()

    def _predict(self, scores):
        """Return log Σ e^f of each row and its probabilities; the scores are overwritten."""
        if self.binary:
            f = scores[:, 0]
            return np.logaddexp(0, f), expit(scores)
        largest = scores.max(axis=1)
        scores -= largest[:, None]
        np.exp(scores, out=scores)
        total = scores.sum(axis=1)
        scores /= total[:, None]
        return np.log(total) + largest, scores

    def hessian_fits(self):
        """Return whether the Hessian takes no more than scikit-learn's working memory."""
        size = self.n_rows * (self.n_features + self.intercept)
        return 8 * size**2 <= get_config()["working_memory"] * 2**20

    def hessian(self, flat):
        """Return the Hessian, block by block of classes, made positive definite.

        Softmax is invariant to a shift of all classes by one vector: along such shifts the
        gradient is that of the penalty only. Adding a positive definite matrix along these shifts
        makes the Hessian invertible and does not change Newton's step. Here it is the identity
        scaled by the curvature of each column, so that it works for columns of any scale.
        """
        rows = flat.reshape(self.n_rows, -1)
        _, q = self._predict(self._scores(rows))
        width = rows.shape[1]
        blocks = np.empty((self.n_rows, width, self.n_rows, width))
        for k in range(self.n_rows):
            for j in range(k + 1):
                curvature = self.weight * q[:, k] * ((k == j) - q[:, j])
                blocks[k, :, j, :] = self._gram(curvature)
                blocks[j, :, k, :] = blocks[k, :, j, :]
        penalised = np.full(width, self.l2)
        if self.intercept:
            penalised[-1] = 0
        for k in range(self.n_rows):
            blocks[k, :, k, :] += np.diag(penalised)
        if not self.binary:
            blocks += np.diag(np.einsum("kjkj->j", blocks) / self.n_rows**2)[None, :, None, :]
        return blocks.reshape(self.n_rows * width, -1)

    def _gram(self, curvature):
        """Return Xᵀ diag(curvature) X with a column of ones for the intercept."""
        weighted = sparse.diags_array(curvature) @ self.X
        gram = weighted.T @ self.X
        gram = gram.toarray() if sparse.issparse(gram) else gram
        if not self.intercept:
            return gram
        sums = np.asarray(weighted.sum(axis=0)).ravel()
        return np.block([[gram, sums[:, None]], [sums[None, :], curvature.sum()]])


def _lbfgs(objective, start, tol, max_iter):
    """Minimise with the settings of scikit-learn's L-BFGS."""
    options = {"maxiter": max_iter, "maxls": 50, "gtol": tol, "ftol": 64 * np.finfo(float).eps}
    found = minimize(
        objective.loss_and_gradient, start, jac=True, method="L-BFGS-B", options=options
    )
    return found.x, found.nit, found.jac


def _newton(objective, start, tol, max_iter):
    """Minimise by Newton steps, continued by L-BFGS if they fail."""
    flat, gradient, n_iter = minimise(objective, _CholeskySteps(objective), start, tol, max_iter)
    if np.abs(gradient).max() <= tol or n_iter == max_iter:
        return flat, n_iter, gradient
    flat, more, gradient = _lbfgs(objective, flat, tol, max_iter - n_iter)
    return flat, n_iter + more, gradient


class _CholeskySteps:
    """Newton steps from a Cholesky decomposition of the Hessian."""

    def __init__(self, objective):
        self.objective, self.n_steps = objective, 0

    def step(self, flat, gradient):
        """Return the step; None, with a warning, if the Hessian is singular."""
        step = _newton_step(self.objective.hessian(flat), gradient)
        if step is None:
            warn(
                f"newton-cholesky found a singular Hessian at iteration {self.n_steps} and "
                "continues with L-BFGS. Remove collinear columns (OneHotEncoder(drop='first')) or "
                'constant ones, set a penalty (C), or use solver="lbfgs".',
                LinAlgWarning,
            )
        self.n_steps += 1
        return step

    def refine(self):
        """Return False: the Hessian is exact."""
        return False


def _newton_step(hessian, gradient):
    """Return Newton's step, None if the Hessian is singular to working precision.

    The Hessian is scaled to a diagonal of 1, so that columns of different scale do not look
    singular. It is overwritten.
    """
    scale = np.sqrt(np.diagonal(hessian))
    scale = np.where(scale > 0, scale, 1.0)
    hessian /= scale
    hessian /= scale[:, None]
    norm = np.abs(hessian).sum(axis=0).max()
    factor, failed = lapack.dpotrf(hessian.T, overwrite_a=True)
    if failed:
        return None
    reciprocal_condition, _ = lapack.dpocon(factor, norm)
    if not reciprocal_condition > np.finfo(np.float64).eps:
        return None
    return -cho_solve((factor, False), gradient / scale) / scale
