"""A classifier distilled over partitions: the teacher labels them, the student passes over them."""

from .._utils._validation import check_top_k
from ._distillation import ask_about_partitions, record
from ._run import one_cluster
from ._students import check_learns_by_partitions, learn_by_partitions


@one_cluster()
def fit_classifier(estimator, X, y, sample_weight, teacher_proba, X_unlabeled, params):
    """Fit a DistilledClassifier on Dask collections."""
    check_top_k(estimator.top_k)
    student = estimator._unfitted_student()  # before anybody is asked in vain
    check_learns_by_partitions(student, weighted=sample_weight is not None)
    lesson = ask_about_partitions(
        estimator, X, y, sample_weight, teacher_proba, X_unlabeled, params, prepare=_nothing
    )
    with lesson.progress.task("fit-student"):
        student = learn_by_partitions(
            lesson.student, lesson.partitions.X, lesson.targets, lesson.classes,
            lesson.partitions.header,
        )  # fmt: skip
    return record(estimator, lesson, student)


def _nothing(partitions, classes):
    """Take any classes, and answers as they are given."""
