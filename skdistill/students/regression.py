"""Fitting by regression: any regressor, on the probabilities or on logits."""

from typing import Any

from scipy import sparse
from sklearn.compose import TransformedTargetRegressor

from .._targets._soft_labels import SoftLabels
from .._utils._fit import fitted
from .._utils._sample_weight import takes_sample_weight
from .._utils._typing import Estimator, Rows
from ..objectives import centred_logits, softmax_rows
from ._capabilities import DataSummary, check_regression, requires_2d_target


def fit_by_regression(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a regressor to class probabilities, with its own loss such as the squared error.

    Two classes give one target, the probability of the second, which any regressor supports;
    more classes give one column each. For logits as targets see :func:`logit_regressor`.

    Parameters
    ----------
    student : regressor
        Unfitted; it is fitted in place.

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
        If row weights differ and the student takes no `sample_weight`, or if it takes
        a single target column only and there are more than two classes.
    """
    check_regression(student, DataSummary.of(soft_labels))
    proba = soft_labels.proba
    target = proba.toarray() if sparse.issparse(proba) else proba
    weight = soft_labels.weight
    if takes_sample_weight(student) and not (weight == 1).all():
        fit_params = {**fit_params, "sample_weight": weight}
    if len(soft_labels.classes) == 2:
        target = target[:, 1:] if requires_2d_target(student) else target[:, 1]
    return fitted(student, X, target, **fit_params)


def logit_regressor(regressor: Estimator) -> TransformedTargetRegressor:
    """Return a regressor that is fitted on centred logits and predicts probabilities.

    Parameters
    ----------
    regressor : regressor
        Any regressor; with more than two classes it must support several target columns.

    Returns
    -------
    sklearn.compose.TransformedTargetRegressor
        `regressor` with the transform :func:`skdistill.objectives.centred_logits` and the
        inverse transform :func:`skdistill.objectives.softmax_rows`. After `fit`, its
        `regressor_` is an ordinary regressor of the logits that does not need skdistill.

    References
    ----------
    Ba and Caruana, "Do deep nets really need to be deep?", NeurIPS 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.students import logit_regressor
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistilledClassifier(GaussianNB(), logit_regressor(Ridge())).fit(X, y)
    >>> model.student_.regressor_.coef_.shape
    (3, 4)
    """
    return TransformedTargetRegressor(
        regressor, func=centred_logits, inverse_func=softmax_rows, check_inverse=False
    )
