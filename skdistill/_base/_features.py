"""Check of the rows that a fitted estimator predicts."""

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data

from .._utils._rows import is_in_partitions, refuse_queries


def check_features(estimator, X):
    """Raise unless X has the features seen in fit; the inner estimator checks the rest.

    `estimator._reject_nan` is whether NaN is an error here, because only an inner estimator takes
    it.
    """
    if not _is_array_as_fitted(estimator, X):
        _check_names_and_number(estimator, X)
    if estimator._reject_nan and isinstance(X, np.ndarray) and not _has_finite_sum(X):
        assert_all_finite(X, input_name="X")


def _has_finite_sum(X):
    """Return whether the sum of an array is finite, and so each number; it may still overflow.

    For a single row the full check takes ten times as long.
    """
    with np.errstate(all="ignore"):
        return X.dtype.kind == "f" and bool(np.isfinite(X.sum()))


def _is_array_as_fitted(estimator, X):
    """Return whether X is an array with the right number of columns, all of them without names.

    For a single row the full check takes as long as a small student.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and getattr(estimator, "n_features_in_", None) == X.shape[1]
        and not hasattr(estimator, "feature_names_in_")
    )


def _check_names_and_number(estimator, X):
    """Raise unless X has the names and the number of features seen in fit."""
    refuse_queries(X=X)
    if is_in_partitions(X):
        from .._dask import header_of

        X = header_of(X)
    if getattr(X, "ndim", 2) == 1 and hasattr(estimator, "n_features_in_"):
        raise ValueError(
            f"Expected 2D array, got 1D array of shape {X.shape} instead. Reshape your data: "
            "X.reshape(1, -1) if it is a single row, X.reshape(-1, 1) if it is one feature."
        )
    validate_data(estimator, X, reset=False, skip_check_array=True)
