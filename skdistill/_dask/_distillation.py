"""What a teacher gives a student that learns by partitions, for every estimator that has both."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from .._teachers._predict import MulticlassOutput
from .._utils._labels import check_classes, check_labels
from .._utils._progress import Progress
from .._utils._random_state import seeded_clones
from ._partitions import Partitions, collect_labels, unite_categories
from ._teacher import SofteningParams, label_partitions

# Parameters that rows in memory have, and those in partitions have not; with what there is instead.
ONLY_IN_MEMORY = {
    "augmenter": (None, "Sample the rows beforehand, and give them in X with teacher_proba"),
    "memory": (None, "Keep the teacher instead: fit it once and pass it as a FrozenEstimator"),
    "n_jobs": (None, "Dask's scheduler shares the work out: set its workers"),
    "verbose": (0, "Dask's dashboard, or dask.diagnostics.ProgressBar, shows what is done"),
}


class PartitionedData(NamedTuple):
    """Partitions, what they are to be taught, and how good the teacher was."""

    partitions: Partitions
    classes: np.ndarray
    targets: list  # tasks of Targets, already done
    scores: dict | None
    student: object  # an unfitted clone, seeded
    progress: Progress


def prepare_partitions(
    estimator, X, y, sample_weight, teacher_proba, X_unlabeled, params, *, prepare
):
    """Check what came in and return the lesson; `prepare` checks classes and given answers."""
    estimator._check_teacher_parameters(teacher_proba, X_unlabeled)
    refuse_what_needs_memory(estimator, X_unlabeled, params)
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
    treatment = SofteningParams(
        float(estimator.alpha),
        float(estimator.teacher_temperature),
        getattr(estimator, "top_k", None),
    )
    output = MulticlassOutput(classes)
    with progress.task("ask-teacher"):
        targets, scores = label_partitions(partitions, teacher, output, treatment, estimator.cv)
    return PartitionedData(partitions, classes, targets, scores, student, progress)


def refuse_what_needs_memory(estimator, X_unlabeled, params):
    """Raise for what is not there for Dask collections, and say what to do instead."""
    obstacles = {}
    for name in ("alpha", "teacher_temperature"):
        if getattr(estimator, name) == "auto":
            obstacles[f'{name}="auto"'] = (
                f"Choose it on rows in memory, a sample of these, and pass the number: {name}_ of "
                "an estimator that is fitted there"
            )
    for name, (default, remedy) in ONLY_IN_MEMORY.items():
        if getattr(estimator, name) != default:
            obstacles[f"{name}={getattr(estimator, name)!r}"] = remedy
    cv = estimator.cv
    if not (cv is None or cv == "in-sample" or isinstance(cv, Integral)):
        obstacles[f"cv={cv!r}"] = "Folds are whole partitions here: give their number"
    if X_unlabeled is not None:
        obstacles["X_unlabeled"] = (
            "Label all rows beforehand, teacher.predict_proba over the partitions, and give their "
            "first choice as y with teacher_proba"
        )
    for name in params:
        obstacles[f"fit parameter {name}"] = (
            "Only sample_weight and teacher_proba go along with partitions; rows that belong "
            "together are kept in one fold by keeping them in one partition"
        )
    if obstacles:
        name, remedy = next(iter(obstacles.items()))
        raise ValueError(
            f"{type(estimator).__name__} cannot follow {name} for Dask collections. {remedy}; or "
            "compute the collections and fit in memory."
        )


def set_fitted_attributes(estimator, data, student):
    """Set what every fit leaves behind."""
    estimator._set_fitted_attributes(data.partitions.header, student, data.classes)
    estimator.alpha_, estimator.alpha_curve_ = float(estimator.alpha), None
    asked = data.scores is not None
    estimator.teacher_temperature_ = float(estimator.teacher_temperature) if asked else 1.0
    estimator.teacher_scores_ = data.scores
    data.progress.end()
    return estimator
