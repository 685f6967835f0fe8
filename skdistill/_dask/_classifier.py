"""Fit a student on partitions: predict soft labels, then call partial_fit on each."""

from ._distillation import load_partitions, soften_partitions
from ._run import one_cluster
from ._students import check_fits_by_partitions, fit_by_partitions


@one_cluster()
def fit_classifier(settings, X, y, sample_weight, teacher_proba):
    """Return the data of Dask collections with soft labels, and the student fitted to them."""
    check_fits_by_partitions(settings.student, weighted=sample_weight is not None)
    partitions, classes = load_partitions(settings, X, y, sample_weight, teacher_proba)
    data = soften_partitions(settings, partitions, classes)
    with data.progress.task("fit-student"):
        student = fit_by_partitions(data)
    return data, student
