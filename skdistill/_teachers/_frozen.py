"""Predictions of a frozen teacher, and those given by the user."""

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .._utils._labels import class_positions
from .._utils._warnings import warn
from ._predict import MulticlassOutput, TeacherProba, shown


def given_proba(proba, teacher, rows, output):
    """Return given probabilities, and those of a frozen teacher for the unlabelled rows.

    A row of NaN was not given any and keeps its label.
    """
    proba, absent = output.impute_absent_rows(proba, rows.y)
    unlabeled = None
    if rows.X_unlabeled is not None:
        seen = check_frozen(teacher, output)
        lacking = np.setdiff1d(np.flatnonzero(proba[~absent].sum(axis=0)), seen)
        if len(lacking):
            raise ValueError(
                f"The classes of the frozen teacher are not those of teacher_proba: it has "
                f"{shown(output.classes[seen])}, y has {shown(output.classes)}, and "
                f"teacher_proba gives probability to {shown(output.classes[lacking])}. Give the "
                "model that teacher_proba is from, so that it also labels X_unlabeled."
            )
        unlabeled = output.predict_proba(teacher, rows.X_unlabeled)
    return TeacherProba(proba, unlabeled, absent)


def frozen_proba(teacher, rows, output):
    """Return the probabilities of a frozen teacher.

    A row whose class is not in its training data keeps its label, as with fold teachers.
    """
    X, y, X_unlabeled = rows
    seen = check_frozen(teacher, output)
    unseen = output.unseen(y, seen)
    if unseen.all():
        raise ValueError(
            f"The frozen teacher {teacher.estimator!r} has seen the class of none of the "
            f"{len(unseen)} rows: its classes are {shown(output.classes[seen])}. Give a teacher "
            "that was fitted on some of the classes of y."
        )
    proba = output.predict_proba(teacher, X)
    if unseen.any():
        lacking = np.setdiff1d(output.classes, output.classes[seen])
        warn(
            f"The frozen teacher never saw the classes {shown(lacking)}; {unseen.sum()} rows keep "
            "their label. Fit it on rows of all classes, or pass it without FrozenEstimator."
        )
        proba, _ = output.impute_unseen_classes(proba, y, seen)
    else:
        output.warn_if_seen(teacher, X, y)
    return TeacherProba(
        labelled=proba,
        unlabeled=None if X_unlabeled is None else output.predict_proba(teacher, X_unlabeled),
        unseen=unseen,
    )


def check_frozen(teacher, output):
    """Return the sorted positions of the classes that a frozen teacher has seen.

    Raise unless it is fitted, and only on classes of `output`.
    """
    if hasattr(teacher.estimator, "fit"):
        try:
            check_is_fitted(teacher.estimator)
        except NotFittedError as error:
            raise NotFittedError(
                f"The frozen teacher {teacher.estimator!r} is not fitted. Fit it before you "
                "freeze it, or pass it without FrozenEstimator to have it cross-fitted."
            ) from error
    if not isinstance(output, MulticlassOutput):
        # One column per label or output: their number is checked in the predictions.
        return np.arange(len(output.classes))
    seen = np.asarray(getattr(teacher, "classes_", output.classes))
    positions = class_positions(seen, output.classes)
    if (positions < 0).any():
        lacking = np.delete(output.classes, positions[positions >= 0])
        raise ValueError(
            f"The classes of the frozen teacher are not those of y: it has {shown(seen)}, y has "
            f"{shown(output.classes)}; it lacks {shown(lacking)}, and adds "
            f"{shown(seen[positions < 0])}. {_common_labels(seen, output.classes, positions)}"
        )
    return np.sort(positions)


def _common_labels(seen, classes, positions):
    """Return the remedy for labels and a teacher whose classes differ."""
    if (positions >= 0).any():
        return (
            "Fit the teacher on the same labels, or, if y does not show every class, list them all "
            "in classes."
        )
    if set(map(str, seen.tolist())) & set(map(str, classes.tolist())):
        kinds = [type(labels.tolist()[0]).__name__ for labels in (seen, classes)]
        return (
            f"They differ only in their type, {kinds[0]} and {kinds[1]}: give y in the type of "
            f"the teacher's classes, as in np.asarray(y).astype({kinds[0]})."
        )
    return "Fit the teacher on the same labels."
