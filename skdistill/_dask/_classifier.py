"""Fit a DistilledClassifier on partitions: predict soft labels, then call partial_fit on each."""

from .._utils._validation import check_top_k
from ._distillation import prepare_partitions, set_fitted_attributes
from ._run import one_cluster
from ._students import check_fits_by_partitions, fit_by_partitions


@one_cluster()
def fit_classifier(estimator, X, y, sample_weight, teacher_proba, X_unlabeled, params):
    """Fit a DistilledClassifier on Dask collections."""
    check_top_k(estimator.top_k)
    student = estimator._unfitted_student()  # checked before any teacher is fitted
    check_fits_by_partitions(student, weighted=sample_weight is not None)
    data = prepare_partitions(
        estimator, X, y, sample_weight, teacher_proba, X_unlabeled, params, prepare=_no_preparation
    )
    with data.progress.task("fit-student"):
        student = fit_by_partitions(
            data.student, data.partitions.X, data.targets, data.classes,
            data.partitions.header,
        )  # fmt: skip
    return set_fitted_attributes(estimator, data, student)


def _no_preparation(partitions, classes):
    """Accept any classes, and leave given probabilities unchanged."""
