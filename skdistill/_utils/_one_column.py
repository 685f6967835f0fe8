"""One probability per row: that of the second of two classes.

It is the second of the sorted classes, as for scores in scikit-learn. If the classes are declared
in another order, "the second" is ambiguous, and both columns are required.
"""

from numbers import Real

import numpy as np
from scipy import sparse

from ._named import match_columns
from ._validation import column_names, without_mask


def is_soft(y, classes=None):
    """Return whether `y` contains probabilities, of each class or of the second, and not labels."""
    shape = _shape(y)
    if _is_one_column(shape):
        return _holds_probabilities(y, classes)
    return len(shape) == 2


def _shape(values):
    """Return the shape of values; () if rows have different lengths."""
    try:
        return values.shape if hasattr(values, "shape") else np.asarray(values).shape
    except ValueError:
        return ()


def _is_one_column(shape):
    """Return whether there is one number per row: shape (n_samples,) or (n_samples, 1)."""
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)


def _holds_probabilities(values, classes=None):
    """Return whether one number per row is a probability, and not a label.

    Fractions in [0, 1] are no labels in scikit-learn. If all are 0.0 or 1.0, both interpretations
    are equivalent, unless two other classes are declared: then they are probabilities.
    """
    if sparse.issparse(values):
        return True
    if not _are_floats(np.asarray(values)):
        return False
    p = _as_floats(values)
    if not ((p >= 0) & (p <= 1)).all():
        return False
    if (p % 1 != 0).any():
        return True
    return classes is not None and len(classes) == 2 and not np.isin(p, classes).any()


def both_columns(proba, classes=None, *, name="proba", missing=False):
    """Return probabilities with one column per class; one column is expanded to two.

    `classes` are the labels of the columns, by default 0 and 1. The column of a dataframe is that
    of the class in its name. Other input is returned unchanged and checked elsewhere: more
    columns, a column of the only class, or values that are no numbers.
    """
    shape, labels = _shape(proba), None if classes is None else np.asarray(classes)
    single_class = labels is not None and len(labels) == 1 and len(shape) == 2
    if not _is_one_column(shape) or single_class:
        return proba
    p = _as_floats(proba.toarray() if sparse.issparse(proba) else proba)
    if p is None:
        return proba
    position = _column_position(column_names(proba), labels, shape, name)
    outside = ~((p >= 0) & (p <= 1) | (missing & np.isnan(p)))
    if outside.any():
        row = np.argmax(outside)
        raise ValueError(
            f"{name} must lie in [0, 1]; row {row} has {p[row]:.6g}. If these are scores, turn "
            "them into probabilities first (scipy.special.expit); divide percentages by 100."
        )
    return np.column_stack([1 - p, p] if position else [p, 1 - p])


def _column_position(names, labels, shape, name):
    """Return the position, 0 or 1, of the class of a single column."""
    if labels is None and names is None:
        return 1
    what = f"{name} has one number per row, shape {shape}: the probability of"
    if labels is None:
        raise ValueError(
            f"{what} the class {names[0]!r}, and the other class is unknown. List both in classes, "
            "or give one column for each."
        )
    listed = labels.tolist()
    if len(listed) != 2:
        raise ValueError(
            f"{name} must have shape (n_samples, n_classes); got shape {shape}. One number per row "
            f"is enough for two classes, and these are {len(listed)}: {listed[:10]}. Give one "
            "column for each class, and list all of them in classes if not all are among the "
            "labels."
        )
    if names is not None:
        return listed.index(match_columns(names, labels).tolist()[0])
    if listed[0] > listed[1]:
        raise ValueError(
            f"{what} the second class. classes={listed} are not sorted, so that this may be "
            f"{listed[1]!r}, listed second, or {listed[0]!r}, second when sorted. Give both "
            "columns, in the order of classes."
        )
    return 1


def _are_floats(values):
    """Return whether an array contains floats, or numbers as objects with at least one float."""
    if values.dtype.kind != "O":
        return values.dtype.kind == "f"
    entries = values.ravel().tolist()
    return all(isinstance(each, Real) for each in entries) and any(
        isinstance(each, float | np.floating) for each in entries
    )


def _as_floats(values):
    """Return one number per row as an array of floats; None if values are not numbers."""
    try:
        return without_mask(np.asanyarray(values, dtype=np.float64)).ravel()
    except (TypeError, ValueError):
        return None
