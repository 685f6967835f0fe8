"""Teacher and student of a cascade, as they are fitted."""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from ._base._cascade_classes import check_several
from ._base._cascade_parameters import check_fitted
from ._base._student_predictions import StudentMixin
from ._born_again import BornAgainClassifier
from ._distilled_classifier import DistilledClassifier
from ._utils._class_codes import check_codes
from ._utils._fit import fitted as fit_estimator
from ._utils._methods import may_have_method
from ._utils._random_state import seeded_clones
from ._utils._rows import count_rows, rows_of
from ._utils._sample_weight import requesting_weights
from .students._predictions import predicts_numbers

# Estimators whose `fit` takes groups.
WITH_GROUPS = (BornAgainClassifier, DistilledClassifier)


def pair_has(method):
    """Return a check that teacher and student of a cascade, fitted or not, have a method."""

    def check(cascade):
        if hasattr(cascade, "student_"):
            pair = cascade.teacher_, cascade.student_
        else:
            pair = unfitted_pair(cascade.teacher, cascade.student)
        return all(may_have_method(each, method) or predicts_numbers(each) for each in pair)

    return check


def unfitted_pair(teacher, student):
    """Return teacher and student as they are fitted: the student distilled, unless it is so."""
    if teacher is None:
        teacher = requesting_weights(ExtraTreesClassifier())
    if student is None:
        student = requesting_weights(LogisticRegression())
    if isinstance(student, FrozenEstimator) or is_distilled(student):
        return teacher, with_teacher(student, teacher)
    return teacher, requesting_weights(DistilledClassifier(teacher, student, alpha=1.0))


def fit_pair(teacher, student, given, train, routed, random_state):
    """Return the fitted teacher and student; frozen ones are used as they are.

    `train` are the positions of the rows to fit on, None if both are frozen, and `routed` are the
    further arguments of each `fit`.
    """
    pair = unfitted_pair(teacher, student)
    for role, estimator in zip(("teacher", "student"), pair, strict=True):
        if isinstance(estimator, FrozenEstimator):
            check_fitted(role, estimator)
    if train is None:
        return [each.estimator for each in pair]
    rows, n_rows = given.take(train), count_rows(given.X)
    check_several(rows.y)
    seeded = seeded_clones(random_state, *pair)
    if not (isinstance(student, FrozenEstimator) or is_distilled(student)):
        seeded[1].set_params(cv=folds_of(rows))
    of_each = [rows_of(routed[role].fit, train, n_rows) for role in ("teacher", "student")]
    return [fit_on(rows, *each) for each in zip(seeded, of_each, strict=True)]


def fit_on(rows, estimator, fit_params):
    """Return an estimator fitted to rows, or the one that is frozen."""
    if isinstance(estimator, FrozenEstimator):
        return estimator.estimator
    check_codes(estimator, np.unique(rows.y))
    if rows.groups is not None and isinstance(estimator, WITH_GROUPS):
        fit_params["groups"] = rows.groups
    return fit_estimator(estimator, rows.X, rows.y, **fit_params)


def is_distilled(student):
    """Return whether an estimator, the last step of a Pipeline or of a search, is one of ours."""
    while isinstance(student, Pipeline) and student.steps:
        student = student.steps[-1][1]
    if isinstance(student, StudentMixin):
        return True
    is_search = hasattr(student, "get_params") and "refit" in student.get_params(deep=False)
    return is_search and is_distilled(student.estimator)


def folds_of(rows):
    """Return the number of folds for so few rows or groups; None is the default, five."""
    n_folds = int(np.unique(rows.y, return_counts=True)[1].max())
    if rows.groups is not None:
        n_folds = min(n_folds, len(np.unique(rows.groups)))
    return max(2, n_folds) if n_folds < 5 else None


def with_teacher(student, teacher):
    """Return a student that is distilled from a teacher, if it has none of its own."""
    if isinstance(student, DistilledClassifier) and student.teacher is None:
        return clone(student).set_params(teacher=teacher)
    return student
