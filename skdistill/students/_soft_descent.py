"""Stochastic gradient descent on soft labels: one step per row and class, by regression.

For a score f and a probability p the log-loss is log(1 + exp f) − p f, with the gradient σ(f) − p.
The loss of SGDClassifier calculates both for any p, but its `fit` makes labels of its targets.
SGDRegressor passes targets on as they are, and takes the losses of its `loss_functions`. So each
class against the rest is one regression, with the steps, learning rates and stopping rule of hard
labels. The squared error, up to a constant, is that of the mean label 2p − 1.
"""

import warnings
from functools import cache
from typing import ClassVar

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.utils import check_array, check_random_state
from sklearn.utils.parallel import Parallel, delayed

from ._chunks import warn_of_max_iter

LARGEST_SEED = np.iinfo(np.int32).max
# What `partial_fit` continues from if weights are averaged.
AVERAGES = ("_standard_coef", "_standard_intercept", "_average_coef", "_average_intercept")


class SoftSquaredError(SGDRegressor):
    """Regression on 2p − 1."""

    lowest = -1.0  # target of probability 0

    def score(self, X, y, sample_weight=None):
        """Return the expected accuracy of the signs of the scores; early stopping uses it."""
        proba = (y - self.lowest) / (1 - self.lowest)
        expected = np.where(self.predict(X) > 0, proba, 1 - proba)
        return float(np.average(expected, weights=sample_weight))


class SoftLogLoss(SoftSquaredError):
    """Regression on p, with the log-loss under the name of the default loss of SGDRegressor."""

    lowest = 0.0
    loss_functions: ClassVar = {
        "squared_error": getattr(SGDClassifier, "loss_functions", {}).get("log_loss", ())
    }


REGRESSORS = {"log_loss": SoftLogLoss, "squared_error": SoftSquaredError}


def has_regression(student):
    """Return whether the loss of a student on soft labels is that of a regression."""
    return isinstance(student, SGDClassifier) and student.loss in list(REGRESSORS)


@cache
def log_loss_takes_probabilities():
    """Return whether one step of the regression is that of the log-loss of a probability."""
    one_step = {"max_iter": 1, "tol": None, "learning_rate": "constant", "eta0": 1.0}
    regressor = SoftLogLoss(penalty=None, fit_intercept=False, **one_step)
    try:
        step = regressor.fit([[1.0]], [0.75]).coef_
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False
    return bool(np.allclose(step, 0.75 - 0.5))


def fit_by_regressions(student, X, soft_labels, factors, coef_init=None, intercept_init=None):
    """Fit a student to soft labels, in which each class has weight, by one regression per class."""
    X = check_array(
        X, accept_sparse="csr", dtype=[np.float64, np.float32], order="C",
        accept_large_sparse=False, estimator=student, input_name="X",
    )  # fmt: skip
    if student.warm_start and hasattr(student, "coef_"):
        coef_init = student.coef_.copy() if coef_init is None else coef_init
        intercept_init = student.intercept_.copy() if intercept_init is None else intercept_init
    _initialise(student, X[:1], soft_labels.classes)
    starts = _starts(student, coef_init, intercept_init)
    problems = list(_problems(soft_labels, factors))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # one for all classes, below
        regressors = Parallel(n_jobs=student.n_jobs, require="sharedmem")(
            delayed(_fit_one)(student, X, *problem(), seed, *start)
            for problem, seed, start in zip(problems, _seeds(student), starts, strict=True)
        )
    _set_fitted_attributes(student, regressors, len(soft_labels))
    if student.tol is not None and student.n_iter_ == student.max_iter:
        warn_of_max_iter(student)
    return student


def _initialise(student, row, classes):
    """Check the parameters of a student, and set what is not set from the regressions.

    `partial_fit` does both, on one row; it takes neither of the two parameters.
    """
    saved_params = {"early_stopping": student.early_stopping, "class_weight": student.class_weight}
    student.set_params(early_stopping=False, class_weight=None)
    try:
        student.partial_fit(row, classes[:1], classes=classes)
    finally:
        student.set_params(**saved_params)


def _starts(student, coef_init, intercept_init):
    """Return the coefficients and the intercept from which each regression starts."""
    n_problems = len(student.coef_)
    starts = []
    for name, value, shape in (
        ("coef_init", coef_init, student.coef_.shape),
        ("intercept_init", intercept_init, student.intercept_.shape),
    ):
        if value is None:
            starts.append([None] * n_problems)
            continue
        if np.size(value) != np.prod(shape):
            raise ValueError(
                f"{name} has the shape {np.shape(value)}, and that of the student would be "
                f"{shape}. Set warm_start=False, or give {name} of this shape."
            )
        starts.append(np.reshape(value, shape))
    return list(zip(*starts, strict=True))


def _seeds(student):
    """Return one seed per regression, drawn as for the binary problems of hard labels."""
    if len(student.coef_) == 1:
        return [student.random_state]
    return check_random_state(student.random_state).randint(LARGEST_SEED, size=len(student.coef_))


def _problems(soft_labels, factors):
    """Yield a function for each binary problem, which returns its probabilities and weights.

    As in ordinary training, a class is weighed where it is learnt against the rest, and both are of
    two classes. A label drawn from p with the weights a and b of the classes is one drawn from
    a p / (a p + b (1 − p)), and the weight is the denominator.
    """
    columns = soft_labels.proba
    if sparse.issparse(columns):
        columns = columns.tocsc()
    two = len(soft_labels.classes) == 2

    def problem(code):
        proba = columns[:, [code]]
        proba = (proba.toarray() if sparse.issparse(proba) else proba).ravel()
        of_class, of_rest = factors[code] * proba, (factors[0] if two else 1.0) * (1 - proba)
        total = of_class + of_rest
        proba = np.divide(of_class, total, out=np.zeros_like(total), where=total > 0)
        return proba, total * soft_labels.weight

    for code in range(1 if two else 0, len(soft_labels.classes)):
        yield lambda code=code: problem(code)


def _fit_one(student, X, proba, weight, seed, coef_init, intercept_init):
    """Return the regression of one class against the rest, fitted."""
    regression = REGRESSORS[student.loss]
    names = regression().get_params().keys() & student.get_params().keys() - {"loss", "warm_start"}
    params = {name: getattr(student, name) for name in names}
    regressor = regression(**{**params, "random_state": seed})
    target = proba * (1 - regression.lowest) + regression.lowest
    init = {"coef_init": coef_init, "intercept_init": intercept_init}
    return regressor.fit(X, target, sample_weight=weight, **init)


def _set_fitted_attributes(student, regressors, n_rows):
    """Set the fitted attributes of a student from one regression per class."""
    student.coef_ = np.stack([each.coef_ for each in regressors])
    student.intercept_ = np.concatenate([each.intercept_ for each in regressors])
    student.n_iter_ = max(each.n_iter_ for each in regressors)
    student.t_ = 1.0 + student.n_iter_ * n_rows
    for name in AVERAGES:
        if hasattr(student, name):
            values = [getattr(each, name) for each in regressors]
            setattr(student, name, np.stack(values) if "coef" in name else np.concatenate(values))
