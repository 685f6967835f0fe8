"""Targets of multilabel problems: an indicator of labels, and a teacher's marginals of each."""

import numpy as np
from scipy import sparse

from .._targets._label_sets import check_indicator
from .._teachers._predict import MultilabelOutput
from .._utils._named import check_row_names, columns_by_name
from .._utils._validation import check_marginals, column_names


def check_multilabel(X, y, teacher_proba, *, classes, top_k, dense_teacher):
    """Return a checked indicator, the kind of the teacher's output, and given marginals.

    The indicator is sparse if `y` is, unless `dense_teacher`.
    """
    dense = not sparse.issparse(y)
    relevant, classes = check_indicator(y, classes)
    indicator = relevant.toarray().astype(int) if dense or dense_teacher else relevant
    if teacher_proba is not None:
        check_row_names(teacher_proba, X, name="teacher_proba")
        teacher_proba = _given_marginals(teacher_proba, relevant.shape, classes)
    return indicator, MultilabelOutput(classes, top_k, dense), teacher_proba


def check_no_temperature(temperature):
    """Raise for a temperature, which softens probabilities that sum to one."""
    if temperature != 1:
        raise ValueError(
            "With several labels per row the teacher's probabilities are marginals, which a "
            f"temperature does not soften; got teacher_temperature={temperature!r}. Leave it at "
            "1.0, and calibrate the teacher itself."
        )


def count_empty_rows(label_sets):
    """Return how many labelled rows have no label."""
    return int((label_sets.is_labelled & (np.diff(label_sets.relevant.indptr) == 0)).sum())


def _given_marginals(teacher_proba, shape, classes):
    """Return given marginals; the columns of a dataframe are matched to the labels by name."""
    given = check_marginals(teacher_proba, name="teacher_proba")
    names = column_names(teacher_proba)
    if names is not None:
        given = columns_by_name(given, names, classes)
    if given.shape != shape:
        raise ValueError(
            f"teacher_proba must have the shape of the indicator y, {shape}; got shape "
            f"{given.shape}."
        )
    return given
