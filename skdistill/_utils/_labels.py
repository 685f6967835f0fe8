"""Class labels: checks, integer codes of the sorted classes, and one-hot rows."""

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

_REMEDY = (
    "For a continuous target, use DistilledRegressor. "
    "If {name} holds probabilities, they lie in [0, 1]: SoftLabelClassifier().fit(X, {name}) "
    "accepts them, one number per row as those of the second of two classes."
)
NO_LABEL = (
    "Leave out rows without a label; where fit takes X_unlabeled, give them there, as in "
    "fit(X[known], y[known], X_unlabeled=X[~known])."
)


def check_labels(y, *, name="y"):
    """Return class labels as a one-dimensional array, or raise if they are no labels."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    y = column_or_1d(y, warn=True)
    _check_known(y, name)
    _check_kinds(y.tolist() if y.dtype == object else [], name)
    try:
        check_classification_targets(y)
    except ValueError as error:
        raise ValueError(f"{error} {_REMEDY.format(name=name)}") from error
    return y


def _check_known(y, name):
    """Raise if a label is missing: NaN or None; and for an infinite one."""
    n_none = sum(label is None for label in y) if y.dtype == object else 0
    if n_none:
        raise ValueError(f"{name} is None in {n_none} of {len(y)} rows. {NO_LABEL}")
    try:
        assert_all_finite(y, input_name=name)
    except ValueError as error:
        raise ValueError(f"{error} {NO_LABEL}" if "NaN" in str(error) else str(error)) from error


def as_labels(classes, *, name="classes"):
    """Return declared classes as an array; raise for numbers mixed with text."""
    check_class_list(classes, name)
    _check_kinds(classes if isinstance(classes, list | tuple) else np.asarray(classes), name)
    return np.asarray(classes)


def check_class_list(classes, name="classes"):
    """Raise unless `classes` is one-dimensional."""
    if np.ndim(classes) != 1:
        raise ValueError(
            f"{name} must be a list of labels, shape (n_classes,); got {name}={classes!r}."
        )


def _check_kinds(labels, name):
    """Raise if labels mix text and other types, since 1 and "1" have the same name."""
    kinds = {str if isinstance(label, str) else type(label) for label in labels}
    if str in kinds and len(kinds) > 1:
        raise TypeError(
            f"Labels must be of one kind; {name} holds "
            f"{' and '.join(sorted(kind.__name__ for kind in kinds))}. Turn them all into strings, "
            f"as in {name}.astype(str)."
        )


def check_classes(y, classes=None):
    """Return the sorted classes: those of `y`, or the declared ones if they contain `y`."""
    seen = np.unique(y)
    if classes is None:
        return seen
    declared = np.unique(as_labels(classes))
    if len(declared) != len(classes):
        raise ValueError(f"classes must not repeat a label; got {list(classes)}.")
    unknown = sorted(set(seen.tolist()) - set(declared.tolist()), key=str)
    if unknown and set(map(str, unknown)) <= set(map(str, declared.tolist())):
        kinds = [type(label).__name__ for label in (unknown[0], declared.tolist()[0])]
        raise ValueError(
            f"y holds {unknown} of type {kinds[0]}, and classes={list(classes)} lists the same of "
            f"type {kinds[1]}. Give both in one type, as in np.asarray(y).astype({kinds[1]})."
        )
    if unknown:
        raise ValueError(
            f"y holds {unknown}, which classes={list(classes)} does not list. Add the "
            "missing labels to classes, or leave classes=None to take those of y."
        )
    return declared


def encode(y, classes):
    """Return the position in sorted `classes` of each label of `y`."""
    labels, codes = np.unique(y, return_inverse=True)
    return np.searchsorted(classes, labels.astype(classes.dtype))[codes]


def one_hot(y, classes):
    """Return labels as a CSR array with a single 1 per row, columns in the order of `classes`."""
    return one_hot_rows(encode(y, classes), len(classes))


def one_hot_rows(codes, n_classes):
    """Return class codes as a CSR array with a single 1 per row."""
    ones, starts = np.ones(len(codes)), np.arange(len(codes) + 1)
    return sparse.csr_array((ones, codes, starts), shape=(len(codes), n_classes))


def codes_of_labels(labels, classes):
    """Return the position in `classes` of each predicted or given label, and the unknown labels.

    The position of an unknown label is -1.
    """
    values, inverse = np.unique(labels, return_inverse=True)
    positions = class_positions(values, classes)
    return positions[inverse], values[positions < 0]


def class_positions(model_classes, classes):
    """Return the position in `classes` of each class of a fitted model, -1 if it is not there.

    Some libraries convert labels: XGBoost stores False and True as 0 and 1, which are equal, and
    CatBoost stores floats as float32.
    """
    model_classes = np.asarray(model_classes)
    if np.array_equal(model_classes, classes):
        return np.arange(len(classes))
    positions = _positions(model_classes, classes, lambda label: label)
    is_numeric = model_classes.dtype.kind in "iuf" and classes.dtype.kind in "iuf"
    if (positions < 0).any() and is_numeric:
        rounded = _positions(model_classes, classes, np.float32)
        if (rounded >= 0).all() and len(np.unique(rounded)) == len(rounded):
            return rounded
    return positions


def _positions(labels, classes, convert):
    """Return the position in `classes` of each label after conversion of both; -1 if none."""
    positions = {convert(label): position for position, label in enumerate(classes.tolist())}
    return np.array([positions.get(convert(label), -1) for label in labels.tolist()], dtype=int)
