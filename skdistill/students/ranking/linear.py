"""The linear scorer: L2-penalised, by Newton's method on all pairs, dense or sparse."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import validate_data

from ..._targets._soft_labels import SoftLabels
from ..._utils._typing import Estimator, Rows
from ..._utils._warnings import warn
from ...objectives._newton import ConjugateGradientSteps, minimise
from .._class_weight import class_weights
from .._logistic_parameters import check_parameters, unsupported_reason
from ._binned_newton import BinnedObjective, BinnedThenExactSteps, minimise_binned
from ._pairs import SmoothHinge, best_intercept, proba_of_second, risk_of
from ._registry import register

# Number of rows drawn for the curvature: at least SAMPLE_SIZE, and SAMPLE_PER_FEATURE for each
# feature. Rows are sampled only if there are more than MIN_REDUCTION times as many.
SAMPLE_SIZE, SAMPLE_PER_FEATURE = 20_000, 20
MIN_REDUCTION = 4
# With more features, conjugate gradients are faster than a Hessian of binned scores.
MAX_BINNED_FEATURES = 64
# Larger scores count as divergence; pairwise_loss takes none beyond 2^50.
LARGEST_SCORE = 2.0**40
# Initial width of the smoothed hinge, and the factor by which it is reduced.
INITIAL_WIDTH, WIDTH_FACTOR = 0.5, 5
# Relative curvature below this counts as zero.
MIN_CURVATURE = 1e-10


@register(LogisticRegression)
def fit_linear(
    student: Estimator, X: Rows, soft_labels: SoftLabels, surrogate: str, **fit_params: Any
) -> Estimator:
    """Fit the coefficients of a LogisticRegression to pairs, and its intercept to rows.

    With s = X w it minimises ½‖w‖² + C · n · (mean loss over all pairs), where n is the total
    weight of the rows, and then the log-loss of s + intercept over the intercept. It uses the
    student's parameters `C`, `tol` (largest entry of the gradient of the mean loss with its
    penalty), `max_iter`, `fit_intercept` and `class_weight` (for the intercept and n only,
    because it multiplies all pairs of two classes by the same factor).

    It uses Newton's method. The logistic loss of up to 64 dense features starts with steps on
    scores in bins, then takes the exact loss and gradient: usually twice. Other problems use
    conjugate gradients on Hessian-vector products. Beyond 80,000 rows (or 80 per feature, if that
    is more) the initial point and the Hessian use 20,000 drawn rows, loss and gradient all rows:
    usually two to five sums over all pairs.
    The hinge has no Hessian and is smoothed with decreasing width, until the mean loss is
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
        None: the `fit` of a logistic regression takes sample weights only.

    Returns
    -------
    LogisticRegression
        The student, with `classes_`, `coef_`, `intercept_` and `n_iter_`, the Newton steps
        on all rows, those on scores in bins included.

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
        raise TypeError(
            f"A linear scorer takes no fit parameters; got {sorted(fit_params)}. Leave them out."
        )
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
    return set_linear_attributes(student, soft_labels.classes, w, intercept, n_iter)


def check_linear(student):
    """Raise unless the linear scorer supports the parameters of a LogisticRegression."""
    reason = unsupported_reason(student)
    if reason:
        raise ValueError(
            f"A LogisticRegression that ranks must have an L2 penalty or none; got {reason}. Leave "
            "it at its default."
        )
    check_parameters(student)


def penalty_of(student, weight):
    """Return the factor of ½‖w‖² relative to the mean loss, for rows of this total weight."""
    return 0.0 if student.penalty is None else 1 / (student.C * weight)


def warn_unless_converged(student, gradient, n_iter):
    """Warn if the gradient is above the student's `tol`."""
    if not np.abs(gradient).max() <= student.tol:
        warn(
            f"The linear scorer stopped after {n_iter} iterations (max_iter={student.max_iter}) "
            f"with a gradient of up to {np.abs(gradient).max():.2g} (tol={student.tol:g}). Scale "
            "the features (StandardScaler), or raise max_iter or tol.",
            ConvergenceWarning,
        )


def set_linear_attributes(student, classes, w, intercept, n_iter):
    """Set the fitted attributes of a LogisticRegression and return it."""
    student.classes_ = classes
    student.coef_, student.intercept_ = w[None, :], np.array([intercept])
    student.n_iter_ = np.array([n_iter], dtype=np.int32)
    return student


def risks_to_minimise(soft_labels, surrogate, tol):
    """Return the risks to minimise in sequence, each starting from the optimum of the previous.

    For the hinge the first is the squared hinge, which has curvature at equal scores.
    """
    if surrogate != "hinge":
        return [risk_of(soft_labels, surrogate)]
    narrowest = min(2 * tol, INITIAL_WIDTH)
    n_steps = 1 + int(np.ceil(np.log(INITIAL_WIDTH / narrowest) / np.log(WIDTH_FACTOR)))
    proba = proba_of_second(soft_labels)
    return [
        risk_of(soft_labels, "squared_hinge"),
        *(
            SmoothHinge(proba, soft_labels.weight, width)
            for width in np.geomspace(INITIAL_WIDTH, narrowest, n_steps)
        ),
    ]


def fit_coefficients(objectives, n_features, tol, max_iter):
    """Return the coefficients that minimise the last objective, its gradient and the steps.

    Each objective starts from the optimum of the previous one.
    """
    w, n_iter = np.zeros(n_features), 0
    for objective in objectives:
        sample = objective.sample()
        if sample is not objective:
            # The optimum of the sample is not more accurate than this.
            w, _, _ = minimise_from(w, sample, sample, 10 * tol, max_iter)
            if objective is not objectives[-1]:
                continue
        w, gradient, n_steps = minimise_from(w, objective, sample, tol, max_iter)
        n_iter += n_steps
    return w, gradient, n_iter


def minimise_from(w, objective, model, tol, max_iter):
    """Minimise an objective, with the curvature of a model of it, from these coefficients."""
    if not model.has_binned_scores:
        steps = ConjugateGradientSteps(objective, model)
        return minimise(objective, steps, w, tol, max_iter)
    expansion, n_binned = None, 0
    if model is objective:
        w, expansion, n_binned = minimise_binned(BinnedObjective(objective), w, max_iter)
    steps = BinnedThenExactSteps(objective, model, expansion)
    w, gradient, n_iter = minimise(objective, steps, w, tol, max_iter - n_binned)
    return w, gradient, n_binned + n_iter


class LinearObjective:
    """A risk of linear scores with its penalty, as a function of the coefficients."""

    def __init__(self, X, risk, l2):
        self.X, self.risk, self.l2 = X, risk, l2

    @property
    def has_binned_scores(self):
        """Whether the features are few and dense, and the loss is one that bins suit."""
        few = self.X.shape[1] <= MAX_BINNED_FEATURES
        return self.risk.is_logistic and few and not sparse.issparse(self.X)

    def loss_and_gradient(self, w):
        """Return the objective and its gradient; infinite if the scores diverge."""
        scores = self.X @ w
        if not np.abs(scores).max() <= LARGEST_SCORE:
            return np.inf, np.full_like(w, np.nan)
        loss, gradient = self.risk.loss_and_gradient(scores)
        return loss + self.l2 / 2 * (w @ w), self.X.T @ gradient + self.l2 * w

    def curvature(self, w):
        """Return the Hessian-vector product as a function, and an approximate diagonal."""
        scores = self.X @ w

        def multiply(v):
            return self.X.T @ self.risk.hessian_product(scores, self.X @ v) + self.l2 * v

        # Approximately the variance of each feature with the curvature of the rows as weights,
        # plus a small multiple of the row weights in case all curvatures are zero.
        weight = self.risk.hessian_diagonal(scores)
        weight += MIN_CURVATURE * self.risk.weight / self.risk.weight.sum()
        squares = self.X.multiply(self.X) if sparse.issparse(self.X) else self.X**2
        second_moment = squares.T @ weight
        variance = second_moment - (self.X.T @ weight) ** 2 / weight.sum()
        diagonal = np.maximum(variance, MIN_CURVATURE * second_moment) + self.l2
        return multiply, np.where(diagonal > 0, diagonal, 1.0)

    def sample(self):
        """Return the same objective on a sample of rows, or this one if there are few rows."""
        n_draws = n_rows_to_draw(*self.X.shape)
        if n_draws is None:
            return self
        weight, proba = self.risk.weight, self.risk.proba
        a, b = weight * proba, weight * (1 - proba)
        rows, factor = draw_rows(a / a.sum() + b / b.sum(), n_draws)
        risk = self.risk.of_rows(rows, weight[rows] * factor)
        return LinearObjective(self.X[rows], risk, self.l2)


def n_rows_to_draw(n_rows, n_features):
    """Return the number of rows to draw, None if sampling saves little."""
    n_draws = max(SAMPLE_SIZE, SAMPLE_PER_FEATURE * n_features)
    return n_draws if n_rows > MIN_REDUCTION * n_draws else None


def draw_rows(share, n_draws, before=0.0):
    """Return the drawn rows and the factor for the weight of each.

    This is systematic sampling: rows are drawn with probability proportional to `share`, their
    share of the positive weight plus their share of the negative weight (the shares of all rows
    sum to 2), and weighted by the inverse. So all positives of a rare class are drawn. Drawing
    from each block of rows gives the same rows as drawing from all; `before` is the total share
    of the blocks before it.
    """
    cumulated = before + np.cumsum(share)
    draws = 2 * (np.arange(n_draws) + 0.5) / n_draws
    inside = draws[(draws > before) & (draws <= cumulated[-1])]
    rows, count = np.unique(np.searchsorted(cumulated, inside), return_counts=True)
    return rows, count / share[rows]
