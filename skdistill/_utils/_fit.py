"""Fitting somebody's estimator: it is the estimator that counts, not what its `fit` returns."""


def fitted(estimator, *args, **params):
    """Fit an estimator and return it.

    scikit-learn's meta-estimators never use the value that a `fit` returns, so that there are
    estimators whose `fit` returns None or something else.
    """
    estimator.fit(*args, **params)
    return estimator
