"""Probabilities of a teacher that is used as it is, and those that the user gives."""

import warnings

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .._utils._labels import class_places
from ._predict import LabelsQuestion, TeacherProba, shown


def given_proba(proba, teacher, X_unlabeled, question):
    """Return probabilities that somebody else gave; a frozen teacher labels the unlabelled rows."""
    unlabeled = None
    if X_unlabeled is not None:
        known = check_frozen(teacher, question)
        lacking = np.setdiff1d(np.flatnonzero(proba.sum(axis=0)), known)
        if len(lacking):
            raise ValueError(
                f"The classes of the frozen teacher are not those of teacher_proba: it has "
                f"{shown(question.classes[known])}, y has {shown(question.classes)}, and "
                f"teacher_proba gives probability to {shown(question.classes[lacking])}. Give the "
                "model that teacher_proba is from, so that X_unlabeled is labelled alike."
            )
        unlabeled = question.ask(teacher, X_unlabeled)
    return TeacherProba(proba, unlabeled, np.zeros(proba.shape[0], dtype=bool))


def frozen_proba(teacher, X, y, X_unlabeled, question):
    """Return the probabilities of a teacher that is used as it is, a FrozenEstimator.

    A row whose class it never saw keeps its label, as with fold teachers.
    """
    known = check_frozen(teacher, question)
    unseen = question.unseen(y, known)
    if unseen.all():
        raise ValueError(
            f"The frozen teacher {teacher.estimator!r} has seen the class of none of the "
            f"{len(unseen)} rows: it knows {shown(question.classes[known])}. Give a teacher that "
            "was fitted on some of the classes of y."
        )
    proba = question.ask(teacher, X)
    if unseen.any():
        lacking = np.setdiff1d(question.classes, question.classes[known])
        warnings.warn(
            f"The frozen teacher never saw the classes {shown(lacking)}; {unseen.sum()} rows keep "
            "their own label. Fit it on rows of all classes, or pass it without FrozenEstimator.",
            UserWarning,
            stacklevel=5,
        )
        proba = question.with_labels(proba, y, known)
    return TeacherProba(
        labelled=proba,
        unlabeled=None if X_unlabeled is None else question.ask(teacher, X_unlabeled),
        unseen=unseen,
    )


def check_frozen(teacher, question):
    """Return the sorted positions of the classes that a frozen teacher knows.

    Raises unless it is fitted, and on no others than those of the question.
    """
    if hasattr(teacher.estimator, "fit"):
        try:
            check_is_fitted(teacher.estimator)
        except NotFittedError as error:
            raise NotFittedError(
                f"The frozen teacher {teacher.estimator!r} is not fitted. Fit it before you "
                "freeze it, or pass it without FrozenEstimator to have it cross-fitted."
            ) from error
    if isinstance(question, LabelsQuestion):
        # It has one column per label: its answers say how many.
        return np.arange(len(question.classes))
    known = np.asarray(getattr(teacher, "classes_", question.classes))
    places = class_places(known, question.classes)
    if (places < 0).any():
        lacking = np.delete(question.classes, places[places >= 0])
        raise ValueError(
            f"The classes of the frozen teacher are not those of y: it has {shown(known)}, y has "
            f"{shown(question.classes)}; it lacks {shown(lacking)}, and adds "
            f"{shown(known[places < 0])}. {_common_labels(known, question.classes, places)}"
        )
    return np.sort(places)


def _common_labels(known, classes, places):
    """Return how labels and a teacher that knows others are brought together."""
    if (places >= 0).any():
        return (
            "Fit the teacher on the same labels, or, if y does not show every class, list them all "
            "in classes."
        )
    if set(map(str, known.tolist())) & set(map(str, classes.tolist())):
        kinds = [type(labels.tolist()[0]).__name__ for labels in (known, classes)]
        return (
            f"They are alike but for their type, {kinds[0]} and {kinds[1]}: give y in the type of "
            f"the teacher's classes, as in np.asarray(y).astype({kinds[0]})."
        )
    return "Fit the teacher on the same labels."
