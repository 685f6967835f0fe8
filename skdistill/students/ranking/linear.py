"""The linear scorer: L2-penalised, by Newton's method on all pairs, dense or sparse."""

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import validate_data

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Estimator, Rows
from ...objectives._newton import minimise
from .._class_weight import class_weights
from .._logistic_parameters import check_parameters, unsupported_reason
from ._pairs import SmoothHinge, best_intercept, proba_of_second, risk_of
from ._registry import register

# So many draws of rows give the curvature, and so many for each feature; more rows than several
# times as many are sampled.
SAMPLE_SIZE, SAMPLE_PER_FEATURE = 20_000, 20
WORTH_SAMPLING = 4
# A step to larger scores went astray; pairwise_loss takes none beyond 2^50.
LARGEST_SCORE = 2.0**40
# A smoothed hinge begins with this width, and narrows by this factor.
WIDEST, NARROWING = 0.5, 5
# Less curvature than this, relatively, is taken for none.
FLAT = 1e-10


@register(LogisticRegression)
def fit_linear(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Fit the coefficients of a LogisticRegression to pairs, and its intercept to rows.

    With s = X w it minimises ½‖w‖² + C · n · (mean loss over all pairs), n the weight of all
    rows, then the log-loss of s + intercept by the intercept. Of the student's parameters `C`,
    `tol` (largest entry of the gradient of the mean loss with its penalty), `max_iter`,
    `fit_intercept` and `class_weight` count (the last one for the intercept and n only: the
    pairs of two classes all have the same factor).

    It is Newton's method, by conjugate gradients on products with the Hessian. Beyond 80,000
    rows (or 80 per feature, if that is more) the starting point and the Hessian come from
    20,000 draws, loss and gradient from all rows: two to five sums over all pairs are the rule.
    The hinge has no Hessian and is smoothed, more and more narrowly, until the mean loss is
    within `tol` of the hinge's.

    Parameters
    ----------
    student : LogisticRegression
        With an L2 penalty or none (``C=np.inf``). It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows; sparse ones stay sparse.

    soft_labels : SoftLabels
        Probabilities of two classes, and weights.

    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}
        Loss of a pair.

    **fit_params : dict
        None: the `fit` of a logistic regression takes nothing but weights.

    Returns
    -------
    LogisticRegression
        The student, with `classes_`, `coef_`, `intercept_` and `n_iter_`, the Newton steps
        on all rows.

    Raises
    ------
    ValueError
        For an L1 or elastic-net penalty, and solver="liblinear".

    Warns
    -----
    ConvergenceWarning
        If the largest entry of the gradient stays above `tol`.
    """
    if fit_params:
        raise TypeError(f"A linear scorer takes no fit parameters; got {sorted(fit_params)}.")
    check_linear(student)
    X = validate_data(student, X, accept_sparse="csr", dtype=[np.float64, np.float32])
    soft_labels = soft_labels.reweight_classes(class_weights(student.class_weight, soft_labels))
    l2 = penalty_of(student, soft_labels.weight.sum())
    objectives = [
        LinearObjective(X, risk, l2)
        for risk in risks_to_minimise(soft_labels, surrogate, student.tol)
    ]
    w, gradient, n_iter = fit_coefficients(objectives, X.shape[1], student.tol, student.max_iter)
    warn_unless_converged(student, gradient, n_iter)
    intercept = best_intercept(X @ w, soft_labels) if student.fit_intercept else 0.0
    return set_linear(student, soft_labels.classes, w, intercept, n_iter)


def check_linear(student):
    """Raise unless a LogisticRegression has parameters that a linear scorer can follow."""
    obstacle = unsupported_reason(student)
    if obstacle:
        raise ValueError(
            f"A LogisticRegression that ranks has an L2 penalty or none; got {obstacle}. Leave it "
            "at its default."
        )
    check_parameters(student)


def penalty_of(student, weight):
    """Return the factor of ½‖w‖² beside the mean loss, for rows that weigh so much together."""
    return 0.0 if student.penalty is None else 1 / (student.C * weight)


def warn_unless_converged(student, gradient, n_iter):
    """Say that a gradient is above the student's `tol`."""
    if not np.abs(gradient).max() <= student.tol:
        warnings.warn(
            f"The linear scorer stopped after {n_iter} iterations (max_iter={student.max_iter}) "
            f"with a gradient of up to {np.abs(gradient).max():.2g} (tol={student.tol:g}). Scale "
            "the features (StandardScaler), or raise max_iter or tol.",
            ConvergenceWarning,
            stacklevel=5,
        )


def set_linear(student, classes, w, intercept, n_iter):
    """Set what a fitted LogisticRegression has, and return it."""
    student.classes_ = classes
    student.coef_, student.intercept_ = w[None, :], np.array([intercept])
    student.n_iter_ = np.array([n_iter], dtype=np.int32)
    return student


def risks_to_minimise(soft_labels, surrogate, tol):
    """Return the risks to minimise one after the other, each from where the last one ended.

    For the hinge, it is the squared hinge first, which curves at equal scores, too.
    """
    if surrogate != "hinge":
        return [risk_of(soft_labels, surrogate)]
    narrowest = min(2 * tol, WIDEST)
    n_steps = 1 + int(np.ceil(np.log(WIDEST / narrowest) / np.log(NARROWING)))
    proba = proba_of_second(soft_labels)
    return [
        risk_of(soft_labels, "squared_hinge"),
        *(
            SmoothHinge(proba, soft_labels.weight, width)
            for width in np.geomspace(WIDEST, narrowest, n_steps)
        ),
    ]


def fit_coefficients(objectives, n_features, tol, max_iter):
    """Return coefficients that minimise the last of objectives, its gradient there, and the steps.

    Each begins where the one before it ended.
    """
    w, n_iter = np.zeros(n_features), 0
    for objective in objectives:
        sample = objective.sample()
        if sample is not objective:
            # The sample's optimum is off by more than this.
            w, _, _ = minimise(sample, sample, w, 10 * tol, max_iter)
            if objective is not objectives[-1]:
                continue
        w, gradient, steps = minimise(objective, sample, w, tol, max_iter)
        n_iter += steps
    return w, gradient, n_iter


class LinearObjective:
    """A risk of linear scores with its penalty, as a function of the coefficients."""

    def __init__(self, X, risk, l2):
        self.X, self.risk, self.l2 = X, risk, l2

    def loss_and_gradient(self, w):
        """Return the objective and its gradient; infinite where the scores go astray."""
        scores = self.X @ w
        if not np.abs(scores).max() <= LARGEST_SCORE:
            return np.inf, np.full_like(w, np.nan)
        loss, gradient = self.risk.loss_and_gradient(scores)
        return loss + self.l2 / 2 * (w @ w), self.X.T @ gradient + self.l2 * w

    def curvature(self, w):
        """Return a function that multiplies the Hessian with a vector, and about its diagonal."""
        scores = self.X @ w

        def multiply(v):
            return self.X.T @ self.risk.hessian_product(scores, self.X @ v) + self.l2 * v

        # About the variance of each feature, rows weighing by their curvature, or a little by
        # themselves where nothing curves.
        weight = self.risk.hessian_diagonal(scores)
        weight += FLAT * self.risk.weight / self.risk.weight.sum()
        squares = self.X.multiply(self.X) if sparse.issparse(self.X) else self.X**2
        second_moment = squares.T @ weight
        variance = second_moment - (self.X.T @ weight) ** 2 / weight.sum()
        diagonal = np.maximum(variance, FLAT * second_moment) + self.l2
        return multiply, np.where(diagonal > 0, diagonal, 1.0)

    def sample(self):
        """Return the same objective on fewer rows, this one if there are few."""
        n_draws = draws_worth_it(*self.X.shape)
        if n_draws is None:
            return self
        weight, proba = self.risk.weight, self.risk.proba
        a, b = weight * proba, weight * (1 - proba)
        rows, factor = draw_rows(a / a.sum() + b / b.sum(), n_draws)
        risk = self.risk.of_rows(rows, weight[rows] * factor)
        return LinearObjective(self.X[rows], risk, self.l2)


def draws_worth_it(n_rows, n_features):
    """Return how many rows to draw, None if that saves little."""
    n_draws = max(SAMPLE_SIZE, SAMPLE_PER_FEATURE * n_features)
    return n_draws if n_rows > WORTH_SAMPLING * n_draws else None


def draw_rows(share, n_draws, before=0.0):
    """Return which rows are drawn, and by how much the weight of each is to be multiplied.

    Rows are drawn by their share of the positive and of the negative weight, in equal parts (the
    shares of all rows sum to 2), at equal steps of the cumulated shares, and weigh by how seldom
    such a row is drawn: the few positives of a rare class are all there. Of a block of rows, those
    are drawn that would be drawn of all rows; `before` is the share of the blocks before it.
    """
    cumulated = before + np.cumsum(share)
    draws = 2 * (np.arange(n_draws) + 0.5) / n_draws
    inside = draws[(draws > before) & (draws <= cumulated[-1])]
    rows, count = np.unique(np.searchsorted(cumulated, inside), return_counts=True)
    return rows, count / share[rows]
