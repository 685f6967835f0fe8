"""Soft targets of partitions: the first steps of `fit`, common to all estimators."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from .._teachers._predict import MulticlassOutput
from .._utils._labels import check_classes, check_labels
from .._utils._progress import Progress
from .._utils._typing import Estimator
from ._partitions import Partitions, collect_labels, unite_categories
from ._teacher import SofteningParams, label_partitions

# Parameters that only rows in memory support: name -> (default, alternative).
ONLY_IN_MEMORY = {
    "augmenter": (None, "Sample the rows beforehand, and give them in X with teacher_proba"),
    "memory": (None, "Keep the teacher instead: fit it once and pass it as a FrozenEstimator"),
    "n_jobs": (None, "Dask's scheduler distributes the work: set its workers"),
    "verbose": (0, "Dask's dashboard, or dask.diagnostics.ProgressBar, shows the progress"),
}


class FitSettings(NamedTuple):
    """What the fit of an estimator needs to know besides its rows."""

    estimator: str  # name of its class, for errors
    params: dict  # its parameters
    teacher: Estimator  # an unfitted clone, seeded; or frozen
    student: Estimator  # an unfitted clone, seeded
    progress: Progress

    @property
    def softening(self):
        """How the teacher's probabilities are softened."""
        params, alpha = self.params, float(self.params["alpha"])
        temperature = 1.0 if alpha == 0 else float(params["teacher_temperature"])  # no teacher
        return SofteningParams(temperature, params.get("top_k"), alpha)


class PartitionedData(NamedTuple):
    """Partitions, their soft targets, and what is known of the teacher."""

    partitions: Partitions
    classes: np.ndarray
    targets: list  # tasks of Targets, already computed
    scores: dict | None
    temperature: float
    weights: tuple  # alpha, which is given; 0 and False, since there are no unlabelled rows
    student: Estimator
    progress: Progress
    alpha_curve: None = None
    leaf_shrinkage: float = 0.0


def load_partitions(settings, X, y, sample_weight, teacher_proba):
    """Check the collections (step 1); return their partitions and the classes."""
    if y is None:
        check_labels(y)
    partitions = Partitions(X, y, sample_weight, teacher_proba)
    labels = check_labels(collect_labels(partitions))
    return partitions, check_classes(labels, settings.params["classes"])


def soften_partitions(settings, partitions, classes):
    """Return the partitions with soft targets (steps 2 and 3), predicted by the teacher."""
    unite_categories(partitions)
    softening = settings.softening
    with settings.progress.task("fit-teacher"):
        targets, scores = label_partitions(
            partitions, settings.teacher, MulticlassOutput(classes), softening,
            settings.params["cv"],
        )  # fmt: skip
    return PartitionedData(
        partitions, classes, targets, scores,
        temperature=softening.temperature if scores is not None else 1.0,
        weights=(softening.alpha, 0.0, False), student=settings.student, progress=settings.progress,
    )  # fmt: skip


def check_supported(settings, X_unlabeled, fit_params):
    """Raise for parameters that Dask collections do not support, with the alternative."""
    params = settings.params
    unsupported = {}
    for name, (default, remedy) in ONLY_IN_MEMORY.items():
        if params[name] != default:
            unsupported[f"{name}={params[name]!r}"] = remedy
    cv = params["cv"]
    if not (cv is None or cv == "in-sample" or isinstance(cv, Integral)):
        unsupported[f"cv={cv!r}"] = "Folds are whole partitions here: give their number"
    if X_unlabeled is not None:
        unsupported["X_unlabeled"] = (
            "Label all rows beforehand by teacher.predict_proba over the partitions, and give the "
            "most probable labels as y with teacher_proba"
        )
    for name in fit_params:
        unsupported[f"fit parameter {name}"] = (
            "Partitions support only sample_weight and teacher_proba. To keep rows of a group in "
            "one fold, keep them in one partition"
        )
    for name in ("alpha", "teacher_temperature"):
        if params[name] == "auto" and params["alpha"] != 0:
            unsupported[f'{name}="auto"'] = (
                f"Choose it on a sample of the rows in memory, and pass the number: {name}_ of the "
                "estimator fitted there"
            )
    if unsupported:
        name, remedy = next(iter(unsupported.items()))
        raise ValueError(
            f"{settings.estimator} does not support {name} for Dask collections. {remedy}; "
            "or compute the collections and fit in memory."
        )
