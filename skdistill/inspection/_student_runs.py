"""Fit teacher and students, on all rows or fold by fold, and predict the rows that are left."""

from typing import NamedTuple

from sklearn.utils import _safe_indexing

from ._student_fits import NAMES, described

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


def fit_models(fitter, students, training):
    """Fit the teacher once, then each student in each way."""
    teacher = fitter.fit_teacher(training)
    labels = None
    if training.X_unlabeled is not None:
        predictions = fitter.task.predict_teacher(teacher.model, training.X_unlabeled, training.y)
        labels = fitter.task.pseudo_labels(predictions)
    return FittedModels(
        teacher,
        {name: fitter.fit_student(each, training, labels) for name, each in students.items()},
    )


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


def predict_out_of_fold(fitter, students, training, folds):
    """Return the predictions of the tested rows, fold after fold; the models are discarded."""
    parts = []
    for train, test in folds:
        inner = training.take(train)
        models = fit_models(fitter, students, inner)
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
