"""Classes of a teacher and its student in a cascade, and predictions as codes of them."""

import numpy as np

from .._teachers._predict import MulticlassOutput, checked_class_proba, shown
from .._utils._labels import class_positions, codes_of_labels
from .._utils._rows import count_rows
from ..students._predictions import labels_of_outputs, predicts_labels

# Sums of probabilities may differ from 1 by so much.
ROUNDING = 1e-6


def common_classes(teacher, student):
    """Return the sorted classes of a teacher, which those of its student must be among."""
    of_teacher = getattr(teacher, "classes_", None)
    of_student = getattr(student, "classes_", None)
    if of_teacher is None and of_student is None:
        raise TypeError(
            "Neither teacher nor student has classes_, so that their predictions cannot be "
            "compared. Give fitted classifiers; an API needs the attribute classes_, the sorted "
            "labels."
        )
    of_teacher = of_student if of_teacher is None else of_teacher
    of_student = of_teacher if of_student is None else of_student
    if isinstance(of_teacher, list) or isinstance(of_student, list):
        raise ValueError(
            "Teacher and student must have one label per row, not several. Fit one cascade for "
            "each label."
        )
    classes = np.unique(of_teacher)
    check_several(classes)
    of_student = np.asarray(of_student)
    other = class_positions(of_student, classes) < 0
    if other.any():
        raise ValueError(
            f"The classes of the student are not those of the teacher: it has "
            f"{shown(of_student[other])}, which are not among {shown(classes)} of the teacher. "
            "Fit both on the same labels, in the same type."
        )
    return classes


def check_several(labels):
    """Raise if labels show fewer than two classes."""
    seen = np.unique(labels)
    if len(seen) < 2:
        raise ValueError(
            f"A cascade needs at least two classes; got {shown(seen)} in the training labels, or "
            "as the classes of the teacher. Give rows of several classes."
        )


def codes_among(labels, classes):
    """Return the position of each label in the classes, -1 where it is none of them."""
    codes, unknown = codes_of_labels(labels, classes)
    if (codes < 0).all():
        raise ValueError(
            f"None of the labels {shown(unknown)} is a class of the teacher, {shown(classes)}. "
            "Give y in the type of these classes."
        )
    return codes


def predicted_codes(model, X, classes, role):
    """Return the codes of the classes that a fitted model predicts."""
    return codes_of_outputs(model, model.predict(X), classes, role)


def codes_of_outputs(model, outputs, classes, role):
    """Return the codes of the classes that the `predict` of a fitted model returned."""
    labels = labels_of_outputs(model, outputs, classes)
    codes, unknown = codes_of_labels(labels, classes)
    if len(unknown):
        raise ValueError(
            f"The {role} predicts {shown(unknown)}, which are not among its classes "
            f"{shown(classes)}. Its classes_ must list every label that it predicts."
        )
    return codes


def predicted_labels(model, X, classes, in_order):
    """Return the labels from the classes that a fitted teacher predicts for rows, in one call.

    `in_order` is whether its classes are these: then its labels mostly are what is returned.
    """
    outputs = model.predict(X)
    labels = np.ravel(outputs)  # CatBoost returns a column
    if in_order and labels.dtype == classes.dtype:
        return labels
    return classes[codes_of_outputs(model, outputs, classes, "teacher")]


def predicts_classes(model, classes):
    """Return whether a fitted model predicts labels from these classes, in the same order."""
    return predicts_labels(model) and np.array_equal(getattr(model, "classes_", None), classes)


def predicted_proba(model, X, classes, in_order):
    """Return the probabilities of a fitted teacher, one column per class, in one call.

    `in_order` is whether its classes are these. Then an array that holds probabilities is returned
    as it is; the checks of anything else take as long as a small teacher.
    """
    if not in_order:
        return MulticlassOutput(classes).predict_proba(model, X)
    proba = model.predict_proba(X)
    if type(proba) is np.ndarray and _is_proba(proba, (count_rows(X), len(classes))):
        return proba
    return checked_class_proba(model, proba, X, classes, name="predict_proba(X) of the teacher")


def _is_proba(proba, shape):
    """Return whether an array has this shape, and rows that sum to one."""
    if proba.dtype.kind != "f" or proba.shape != shape:
        return False
    sums = proba.sum(axis=1)
    return not len(sums) or (sums.min() > 1 - ROUNDING and sums.max() < 1 + ROUNDING)
