"""Soft targets of partitions: the first steps of `fit`, common to all estimators."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from .._teachers._predict import MulticlassOutput
from .._utils._labels import check_classes, check_labels
from .._utils._progress import Progress
from .._utils._random_state import seeded_clones
from ._partitions import Partitions, collect_labels, unite_categories
from ._teacher import SofteningParams, label_partitions

# Parameters that only rows in memory support: name -> (default, alternative).
ONLY_IN_MEMORY = {
    "augmenter": (None, "Sample the rows beforehand, and give them in X with teacher_proba"),
    "memory": (None, "Keep the teacher instead: fit it once and pass it as a FrozenEstimator"),
    "n_jobs": (None, "Dask's scheduler distributes the work: set its workers"),
    "verbose": (0, "Dask's dashboard, or dask.diagnostics.ProgressBar, shows the progress"),
}


class PartitionedData(NamedTuple):
    """Partitions, their soft targets, and the scores of the teacher."""

    partitions: Partitions
    classes: np.ndarray
    targets: list  # tasks of Targets, already computed
    scores: dict | None
    student: object  # an unfitted clone, seeded
    progress: Progress


def prepare_partitions(
    estimator, X, y, sample_weight, teacher_proba, X_unlabeled, params, *, prepare
):
    """Check the input, and return partitions with soft targets.

    `prepare(partitions, classes)` checks the classes and prepares given probabilities.
    """
    estimator._check_teacher_parameters(teacher_proba, X_unlabeled)
    check_supported(estimator, X_unlabeled, params)
    if y is None:
        check_labels(y)
    partitions = Partitions(X, y, sample_weight, teacher_proba)
    classes = check_classes(check_labels(collect_labels(partitions)), estimator.classes)
    prepare(partitions, classes)
    unite_categories(partitions)
    progress = Progress.of_fit(estimator, max_tasks=2)
    teacher, student = seeded_clones(
        estimator.random_state, estimator._unfitted_teacher(), estimator._unfitted_student()
    )
    softening = SofteningParams(
        float(estimator.alpha),
        float(estimator.teacher_temperature),
        getattr(estimator, "top_k", None),
    )
    output = MulticlassOutput(classes)
    with progress.task("fit-teacher"):
        targets, scores = label_partitions(partitions, teacher, output, softening, estimator.cv)
    return PartitionedData(partitions, classes, targets, scores, student, progress)


def check_supported(estimator, X_unlabeled, params):
    """Raise for parameters that Dask collections do not support, with the alternative."""
    unsupported = {}
    for name in ("alpha", "teacher_temperature"):
        if getattr(estimator, name) == "auto":
            unsupported[f'{name}="auto"'] = (
                f"Choose it on a sample of the rows in memory, and pass the number: {name}_ of the "
                "estimator fitted there"
            )
    for name, (default, remedy) in ONLY_IN_MEMORY.items():
        if getattr(estimator, name) != default:
            unsupported[f"{name}={getattr(estimator, name)!r}"] = remedy
    cv = estimator.cv
    if not (cv is None or cv == "in-sample" or isinstance(cv, Integral)):
        unsupported[f"cv={cv!r}"] = "Folds are whole partitions here: give their number"
    if X_unlabeled is not None:
        unsupported["X_unlabeled"] = (
            "Label all rows beforehand by teacher.predict_proba over the partitions, and give the "
            "most probable labels as y with teacher_proba"
        )
    for name in params:
        unsupported[f"fit parameter {name}"] = (
            "Partitions support only sample_weight and teacher_proba. To keep rows of a group in "
            "one fold, keep them in one partition"
        )
    if unsupported:
        name, remedy = next(iter(unsupported.items()))
        raise ValueError(
            f"{type(estimator).__name__} does not support {name} for Dask collections. {remedy}; "
            "or compute the collections and fit in memory."
        )


def set_fitted_attributes(estimator, data, student):
    """Set the fitted attributes that all estimators have."""
    estimator._set_fitted_attributes(data.partitions.header, student, data.classes)
    estimator.alpha_, estimator.alpha_curve_ = float(estimator.alpha), None
    has_teacher = data.scores is not None
    estimator.teacher_temperature_ = float(estimator.teacher_temperature) if has_teacher else 1.0
    estimator.teacher_scores_ = data.scores
    data.progress.end()
    return estimator
