"""One probability per row: that of the second of two classes, wherever probabilities are given.

The second of the sorted classes, as scikit-learn has it for scores. Where the classes are declared
in another order, "the second" could be either one, and both columns are asked for.
"""

from numbers import Real

import numpy as np
from scipy import sparse

from ._named import match_columns
from ._validation import column_names, without_mask


def is_soft(y, classes=None):
    """Return whether `y` holds probabilities, of each class or of the second one, and no labels."""
    shape = _shape(y)
    if _is_one_column(shape):
        return _holds_probabilities(y, classes)
    return len(shape) == 2


def _shape(values):
    """Return the shape of whatever holds values; () where its rows have several lengths."""
    try:
        return values.shape if hasattr(values, "shape") else np.asarray(values).shape
    except ValueError:
        return ()


def _is_one_column(shape):
    """Return whether there is one number per row: shape (n_samples,) or (n_samples, 1)."""
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)


def _holds_probabilities(values, classes=None):
    """Return whether one number per row is a probability, and not a label.

    Numbers in [0, 1] with a fraction are no labels for scikit-learn. Of 0.0 and 1.0 alone either
    reading says the same, but where two other classes are declared, which are no such labels.
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


def both_columns(proba, classes=None, *, name="proba"):
    """Return probabilities with one column per class; one column becomes those of two classes.

    `classes` are the labels of the columns, 0 and 1 where they are not known. A dataframe's column
    belongs to the class that it is named after. All else is returned as it is, a column of the
    only class too, and what holds no numbers, for those who check probabilities.
    """
    shape, labels = _shape(proba), None if classes is None else np.asarray(classes)
    of_only_class = labels is not None and len(labels) == 1 and len(shape) == 2
    if not _is_one_column(shape) or of_only_class:
        return proba
    p = _as_floats(proba.toarray() if sparse.issparse(proba) else proba)
    if p is None:
        return proba
    place = _place_of_column(column_names(proba), labels, shape, name)
    outside = ~((p >= 0) & (p <= 1))
    if outside.any():
        row = np.argmax(outside)
        raise ValueError(
            f"{name} must lie in [0, 1]; row {row} has {p[row]:.6g}. If these are scores, turn "
            "them into probabilities first (scipy.special.expit); divide per cent by 100."
        )
    return np.column_stack([1 - p, p] if place else [p, 1 - p])


def _place_of_column(names, labels, shape, name):
    """Return the position, 0 or 1, of the class that a single column is about."""
    if labels is None and names is None:
        return 1
    what = f"{name} has one number per row, shape {shape}: the probability of"
    if labels is None:
        raise ValueError(
            f"{what} the class {names[0]!r}, and nothing says what the other class is. List both "
            "in classes, or give one column for each."
        )
    listed = labels.tolist()
    if len(listed) != 2:
        raise ValueError(
            f"{name} must have shape (n_samples, n_classes); got shape {shape}. One number per row "
            f"is enough for two classes, and these are {len(listed)}: {listed[:10]}. Give one "
            "column for each class, and list all of them in classes where the labels do not show "
            "every one."
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
    """Return whether the entries of an array are floats, or objects of which one at least is."""
    if values.dtype.kind != "O":
        return values.dtype.kind == "f"
    entries = values.ravel().tolist()
    return all(isinstance(each, Real) for each in entries) and any(
        isinstance(each, float | np.floating) for each in entries
    )


def _as_floats(values):
    """Return one number per row as an array of floats; None if they are no numbers."""
    try:
        return without_mask(np.asanyarray(values, dtype=np.float64)).ravel()
    except (TypeError, ValueError):
        return None
