"""Targets of multilabel problems: an indicator of labels, and a teacher's marginals of each."""

import numpy as np
from scipy import sparse

from .._targets._label_sets import check_indicator
from .._teachers._predict import MultilabelOutput, given_marginals
from .._utils._named import check_row_names


def check_multilabel(X, y, teacher_proba, *, classes, top_k, dense_teacher):
    """Return a checked indicator, the kind of the teacher's output, and given marginals.

    The indicator is sparse if `y` is, unless `dense_teacher`.
    """
    dense = not sparse.issparse(y)
    relevant, classes = check_indicator(y, classes)
    indicator = relevant.toarray().astype(int) if dense or dense_teacher else relevant
    if teacher_proba is not None:
        check_row_names(teacher_proba, X, name="teacher_proba")
        teacher_proba = given_marginals(teacher_proba, classes, name="teacher_proba")
        if teacher_proba.shape != relevant.shape:
            raise ValueError(
                f"teacher_proba must have the shape of the indicator y, {relevant.shape}; got "
                f"shape {teacher_proba.shape}."
            )
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
