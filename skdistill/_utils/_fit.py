"""Fitting of estimators whose `fit` may not return the estimator."""


def fitted(estimator, *args, **params):
    """Fit an estimator and return it.

    scikit-learn's meta-estimators ignore the return value of `fit`, so some estimators return
    None or something else.
    """
    estimator.fit(*args, **params)
    return estimator
