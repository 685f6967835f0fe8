"""Input checks; each error message restates the input and the remedy."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite

# Rows of probabilities stored as float16 or in a text file differ from 1 by about this much.
ROW_SUM_TOLERANCE = 1e-3
# The rounding error of float64 arithmetic.
ROUNDING = 1e-12


def check_alpha(alpha, *, auto=False):
    """Return `alpha` as a float in [0, 1], or "auto" if that is allowed."""
    if auto and isinstance(alpha, str) and alpha == "auto":
        return alpha
    if isinstance(alpha, Real) and not isinstance(alpha, bool) and 0 <= alpha <= 1:
        return float(alpha)
    or_auto = ', or "auto" to choose from the data' if auto else ""
    raise ValueError(
        "alpha must be a number in [0, 1], where 0 is ordinary training on the labels "
        f"and 1 uses the teacher alone{or_auto}; got alpha={alpha!r}."
    )


def check_unlabeled_weight(weight, *, auto=False):
    """Return `unlabeled_weight` as a float of at least 0, or "auto" if that is allowed."""
    if auto and isinstance(weight, str) and weight == "auto":
        return weight
    if isinstance(weight, Real) and not isinstance(weight, bool) and 0 <= weight < np.inf:
        return float(weight)
    or_auto = ', or "auto" to choose from the data' if auto else ""
    raise ValueError(
        "unlabeled_weight must be a number of at least 0, where 1 is the mean weight of a labelled "
        f"row and 0 leaves unlabelled rows out{or_auto}; got unlabeled_weight={weight!r}."
    )


def check_temperature(temperature, *, name="temperature", auto=False):
    """Return `temperature` as a positive float, or "auto" if that is allowed."""
    if auto and isinstance(temperature, str) and temperature == "auto":
        return temperature
    is_number = isinstance(temperature, Real) and not isinstance(temperature, bool)
    if is_number and 0 < temperature < np.inf:
        return float(temperature)
    or_auto = ', or "auto"' if auto else ""
    raise ValueError(
        f"{name} must be a positive number, where 1.0 changes nothing and larger values soften"
        f"{or_auto}; got {name}={temperature!r}."
    )


def check_top_k(top_k):
    """Return `top_k` as a positive int, or None."""
    if top_k is None:
        return None
    is_count = isinstance(top_k, Integral) and not isinstance(top_k, bool)
    if is_count and top_k >= 1:
        return int(top_k)
    raise ValueError(
        f"top_k must be None (keep every class) or an integer of at least 1; got top_k={top_k!r}."
    )


def check_cv_string(cv):
    """Raise if `cv` is a string other than "in-sample"; scikit-learn checks the other types."""
    if isinstance(cv, str) and cv != "in-sample":
        raise ValueError(
            'cv must be a number of folds, a splitter, an iterable of splits, or "in-sample" for '
            f"one teacher that predicts its own training rows; got cv={cv!r}."
        )


def check_bool(name, value):
    """Raise unless a parameter is True or False: a text such as "False" would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False; got {name}={value!r}.")


def check_number(name, value, kind, *, or_infinity=False):
    """Raise unless a parameter is a finite number above 0; `kind` is Real or Integral."""
    is_number = isinstance(value, kind) and not isinstance(value, bool) and value > 0
    if not is_number or (value == np.inf and not or_infinity):
        what = "an integer" if kind is Integral else "a finite number"
        infinity = ", or np.inf" if or_infinity else ""
        raise ValueError(f"{name} must be {what} above 0{infinity}; got {name}={value!r}.")


def check_row_weights(sample_weight, n_rows):
    """Return one finite, non-negative float per row; ones by default."""
    if sample_weight is None:
        return np.ones(n_rows)
    weight = without_mask(np.asanyarray(sample_weight, dtype=np.float64))
    if weight.ndim == 0:
        weight = np.full(n_rows, weight)
    if weight.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must have one number per row, shape ({n_rows},); got shape "
            f"{weight.shape}."
        )
    assert_all_finite(weight, input_name="sample_weight")
    if (weight < 0).any():
        raise ValueError(
            f"sample_weight must not be negative; {(weight < 0).sum()} of {n_rows} are, "
            f"the first in row {np.argmax(weight < 0)} ({weight[weight < 0][0]:.6g}). "
            "Use weight 0 for rows to ignore."
        )
    return weight


def check_proba(proba, *, name="proba", missing=False):
    """Return probabilities as float64 rows that sum to one, dense or CSR.

    Rows whose sum differs from 1 by at most 1e-3 (rounding, float16) are renormalised; other
    rows that are no probability vectors raise a ValueError that names the row. If `missing`, dense
    rows may be NaN in every column, and stay so.
    """
    if sparse.issparse(proba):
        proba = sparse.csr_array(proba, dtype=np.float64, copy=True)
        proba.sum_duplicates()
        values, row_of = proba.data, lambda entry: np.searchsorted(proba.indptr, entry, "right") - 1
        _check_entries(values, row_of, name)
        proba.data /= np.repeat(_row_totals(proba, name), np.diff(proba.indptr))
        return proba
    proba = _dense_rows(proba, name)
    absent = _absent_rows(proba, name) if missing else None
    if missing:
        proba[absent] = 1 / proba.shape[1]
    _check_entries(proba.ravel(), lambda entry: entry // proba.shape[1], name)
    # Not in place: tempering and truncating such an array took 1.2 times as long.
    proba = proba / _row_totals(proba, name)[:, None]
    if missing:
        proba[absent] = np.nan
    return proba


def _dense_rows(proba, name):
    """Return a copy of probabilities as a float64 array of two dimensions."""
    try:
        proba = without_mask(np.array(proba, dtype=np.float64, subok=True))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold numbers, one row of class probabilities per sample: {error}"
        ) from error
    if proba.ndim != 2:
        raise ValueError(
            f"{name} must have shape (n_samples, n_classes); got shape {proba.shape}. "
            "For two classes, give both columns: np.column_stack([1 - p, p])."
        )
    return proba


def _check_entries(values, row_of, name):
    """Raise unless all entries are finite and not negative; `row_of` returns an entry's row."""
    finite = np.isfinite(values)
    if not finite.all():
        raise ValueError(
            f"{name} holds NaN or infinity in {(~finite).sum()} entries, the first in row "
            f"{row_of(np.argmin(finite))}. Find out why its source failed there; drop those "
            "rows or use the one-hot row of their label."
        )
    if (values < 0).any():
        raise ValueError(
            f"{name} holds {(values < 0).sum()} negative entries, the first "
            f"({values[values < 0][0]:.6g}) in row {row_of(np.argmax(values < 0))}. If these are "
            "scores or logits, turn them into probabilities first (scipy.special.softmax)."
        )


def _row_totals(proba, name):
    """Return the sums to divide rows by; raise for rows that do not sum to one."""
    total = proba.sum(axis=1)
    off = np.abs(total - 1)
    if (off > ROW_SUM_TOLERANCE).any():
        worst = np.argmax(off)
        raise ValueError(
            f"Each row of {name} must sum to 1 (to {ROW_SUM_TOLERANCE}); "
            f"{(off > ROW_SUM_TOLERANCE).sum()} of {len(off)} rows do not, row {worst} is farthest "
            f"off with a sum of {total[worst]:.6g} (off by {off[worst]:.3g}). If these are votes, "
            "divide each row by its sum; if scores, use scipy.special.softmax."
        )
    total[off <= ROUNDING] = 1  # these rows stay bitwise unchanged
    return total


def _absent_rows(proba, name):
    """Return which rows are NaN in every column; raise for rows that are so in some columns."""
    is_nan = np.isnan(proba)
    absent = is_nan.all(axis=1)
    partly = is_nan.any(axis=1) & ~absent
    if partly.any():
        raise ValueError(
            f"{name} is NaN in some columns of {partly.sum()} rows, the first is row "
            f"{np.argmax(partly)}. A row without a prediction must be NaN in every column; the "
            "probability of a class that the model does not know is 0."
        )
    return absent


def without_mask(values):
    """Return floats as a plain array, with NaN for masked entries."""
    return np.ma.filled(values, np.nan) if np.ma.is_masked(values) else np.asarray(values)


def check_marginals(proba, *, name="proba"):
    """Return marginal probabilities of labels, each in [0, 1], as CSR rows without zeros."""
    if not sparse.issparse(proba):
        proba = without_mask(np.asanyarray(proba, dtype=np.float64))
        if proba.ndim != 2:
            raise ValueError(
                f"{name} must have shape (n_samples, n_labels); got shape {proba.shape}."
            )
    rows = sparse.csr_array(proba, dtype=np.float64, copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    bad = ~((rows.data >= 0) & (rows.data <= 1))
    if bad.any():
        row = np.searchsorted(rows.indptr, np.argmax(bad), "right") - 1
        raise ValueError(
            f"{name} must lie in [0, 1]; {bad.sum()} entries do not, the first in row {row} "
            f"({rows.data[bad][0]:.6g}). If these are scores, turn them into probabilities first "
            "(scipy.special.expit)."
        )
    return rows


def column_names(X):
    """Return the column names of a dataframe as a list, None for other containers."""
    columns = getattr(X, "columns", None)
    return None if columns is None else list(columns)
