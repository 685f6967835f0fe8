"""Fit teacher and students, on all rows or fold by fold, and predict the rows that are left."""

import time
from typing import NamedTuple

from sklearn.utils import _safe_indexing

from ._failures import described
from ._student_fits import NAMES

TEACHER = "teacher"


class FittedModels(NamedTuple):
    """The teacher and the students, fitted on the same rows."""

    teacher: object  # TeacherFit
    students: dict  # {student: {how: Fit}}

    def fits(self):
        """Return {name: Fit} of the students."""
        return {
            NAMES[how].format(student): fit
            for student, fits in self.students.items()
            for how, fit in fits.items()
        }


class ModelPredictions(NamedTuple):
    """Predictions of the evaluated rows by name, and what failed."""

    found: dict
    failures: dict


def fit_models(fitter, students, training, progress):
    """Fit the teacher once, then each student in each way."""
    teacher = fitter.fit_teacher(training)
    progress.teacher(teacher)
    labels = None
    if training.X_unlabeled is not None and fitter.task.has_hard_labels:
        predictions = fitter.task.predict_teacher(teacher.model, training.X_unlabeled, training.y)
        labels = fitter.task.pseudo_labels(predictions)
    fitted = {}
    for number, (name, student) in enumerate(students.items(), start=1):
        start = time.perf_counter()
        fitted[name] = fitter.fit_student(student, training, labels)
        progress.student(name, number, len(students), fitted[name], start)
    return FittedModels(teacher, fitted)


def predict_models(task, models, X, y_train):
    """Return the predictions of the fitted models for other rows."""
    found = {TEACHER: task.predict_teacher(models.teacher.model, X, y_train)}
    failures = {}
    for name, fit in models.fits().items():
        if fit.failure:
            failures[name] = fit.failure
            continue
        try:
            found[name] = task.predict(fit.model, X, name)
        except Exception as error:
            failures[name] = described(error)
    return ModelPredictions(found, failures)


def predict_test_rows(task, training, X, fit):
    """Return the predictions of test rows by the model that a function fits."""
    return task.predict(fit(training), X, "student")


def predict_tested_rows(task, training, folds, fit):
    """Return the predictions of the tested rows by models that a function fits, fold after fold."""
    parts = [
        task.predict(fit(training.take(train)), _safe_indexing(training.X, test), "student")
        for train, test in folds
    ]
    return task.concatenate(parts)


def predict_out_of_fold(fitter, students, training, folds, progress):
    """Return the predictions of the tested rows, fold after fold; the models are discarded."""
    parts = []
    for number, (train, test) in enumerate(folds, start=1):
        inner = training.take(train)
        in_fold = progress._replace(rows=f"fold {number} of {len(folds)}")
        models = fit_models(fitter, students, inner, in_fold)
        X_test = _safe_indexing(training.X, test)
        parts.append(predict_models(fitter.task, models, X_test, inner.y))
    failures = {}
    for number, part in enumerate(parts, start=1):
        for name, failure in part.failures.items():
            failures.setdefault(name, f"In fold {number} of {len(folds)}: {failure}")
    found = {
        name: fitter.task.concatenate([part.found[name] for part in parts])
        for name in parts[0].found
        if name not in failures
    }
    return ModelPredictions(found, failures)
