"""Soft labels of partitions: out-of-fold teacher probabilities, with partitions as folds."""

from operator import attrgetter
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from .._targets._soft_labels import SoftLabels
from .._teachers._frozen import check_frozen
from .._teachers._predict import seen_classes
from .._teachers._sample_weight import check_takes_weights, fit_teacher
from .._teachers._scores import teacher_scores
from .._utils._concatenate import stack_rows
from .._utils._labels import check_labels
from .._utils._warnings import warn
from ..metrics._proba import calibration_gaps
from ._partitions import PARTITIONS, check_rows
from ._run import as_delayed, persist, run, task, total

DEFAULT_FOLDS = 5


class Targets(NamedTuple):
    """Soft targets of the rows of a partition, in a compact form."""

    proba: np.ndarray | sparse.csr_array
    weight: np.ndarray | None  # None if every row has weight 1

    def soft_labels(self, classes):
        """Return the targets as SoftLabels."""
        return SoftLabels(self.proba, classes, sample_weight=self.weight)


class PartitionResult(NamedTuple):
    """Targets of a partition, and its sums for the teacher's scores."""

    targets: Targets
    scores: "Scores"


class SofteningParams(NamedTuple):
    """Parameters that turn teacher probabilities into soft targets."""

    temperature: float
    top_k: int | None
    alpha: float


def label_partitions(partitions, teacher, output, softening, cv):
    """Return the targets of each partition, persisted on the workers, and the teacher's scores.

    Partition k is predicted by the teacher of fold k modulo the number of folds, which one task
    fits on the rows of all other folds.
    """
    if softening.alpha == 0:  # ordinary training, without a teacher
        labelled = [
            task(_one_hot, k, partitions.X[k], partitions.y[k], partitions.weight[k], output)
            for k in range(len(partitions))
        ]
        return persist(labelled), None
    teachers, n_folds = _teachers_of(partitions, teacher, output, cv)
    labelled = [
        task(_label, teachers[k % n_folds], output, softening, *partitions.of(k))
        for k in range(len(partitions))
    ]
    targets = [task(attrgetter("targets"), each) for each in labelled]
    scores = total([task(attrgetter("scores"), each) for each in labelled])
    *targets, scores = persist([*targets, scores])
    (scores,) = run([scores])
    _warn_of_unseen(scores.unseen, n_folds)
    return targets, scores.mean()


def _teachers_of(partitions, teacher, output, cv):
    """Return a task for each fold's teacher (None if probabilities are given), and n_folds."""
    n = len(partitions)
    if partitions.proba[0] is not None:
        return [None], 1
    if isinstance(teacher, FrozenEstimator):
        seen = output.classes[check_frozen(teacher, output)]
        return [as_delayed((teacher, seen))], 1
    weighted = partitions.weight[0] is not None and check_takes_weights(teacher)

    def fitted_on(rows):
        X, y = [partitions.X[k] for k in rows], [partitions.y[k] for k in rows]
        weight = [partitions.weight[k] if weighted else None for k in rows]
        return task(_fit_on, rows, teacher, X, y, weight)

    if cv == "in-sample":
        return [fitted_on(range(n))], 1
    n_folds = DEFAULT_FOLDS if cv is None else cv
    if not 2 <= n_folds <= n:
        raise ValueError(
            f"cv={cv!r} means {n_folds} folds of whole partitions: there must be at least 2, "
            f"and at least as many partitions as folds; X has {n} with rows. Give X more "
            "partitions (rechunk, repartition), or change cv."
        )
    folds = [fitted_on([k for k in range(n) if k % n_folds != fold]) for fold in range(n_folds)]
    return folds, n_folds


def _fit_on(numbers, teacher, X, y, weight):
    """Return a teacher fitted on the partitions of these numbers, after checking their lengths."""
    for k, rows, labels, row_weight in zip(numbers, X, y, weight, strict=True):
        check_rows(k, rows, y=labels, sample_weight=row_weight)
    return _fit(teacher, X, y, weight)


def _fit(teacher, X, y, weight):
    """Return a teacher fitted on some partitions, and the classes that it has seen."""
    y = np.concatenate([np.asarray(each) for each in y])
    weights = {} if weight[0] is None else {"sample_weight": np.concatenate(weight)}
    X = stack_rows(*X, names=PARTITIONS)
    teacher = fit_teacher(clone(teacher), X, check_labels(y), weights)
    return teacher, seen_classes(teacher, y)


def _one_hot(number, X, y, weight, output):
    """Return the labels themselves as targets."""
    check_rows(number, X, y=y, sample_weight=weight)
    y = check_labels(np.asarray(y))
    soft_labels = SoftLabels.from_labels(y, output.classes, sample_weight=weight)
    return _targets(soft_labels, weight)


def _label(teacher, output, softening, number, *partition):
    """Return the targets of a partition, and its sums for the scores."""
    X, y, weight, given = partition
    check_rows(number, X, y=y, sample_weight=weight, teacher_proba=given)
    y = check_labels(np.asarray(y))
    if teacher is None:
        prediction, unseen = given, np.zeros(len(y), dtype=bool)
    else:
        model, seen = teacher
        prediction = output.predict_proba(model, X, seen)
        prediction, unseen = output.impute_unseen_classes(prediction, y, output.positions_of(seen))
    soft_labels = SoftLabels(prediction, output.classes, y=y, sample_weight=weight)
    scores = Scores.of(soft_labels.take(~unseen), softening.temperature)
    scores.unseen[number] = int(unseen.sum())
    return PartitionResult(_targets(soft_labels.soften(*softening), weight), scores)


def _targets(soft_labels, weight):
    """Return soft labels as targets."""
    return Targets(soft_labels.proba, None if weight is None else soft_labels.weight)


class Scores:
    """Sums over rows for a teacher's scores; the sums of partitions can be added."""

    def __init__(self, weight, sums, unseen):
        self.weight, self.sums = weight, sums  # sums: {"raw": vector, "tempered": vector}
        self.unseen = unseen  # partition -> rows whose class its teacher had not seen

    @classmethod
    def of(cls, soft_labels, temperature):
        """Return the sums of a partition."""
        raw = _score_sums(soft_labels)
        tempered = raw if temperature == 1 else _score_sums(soft_labels.temper(temperature))
        return cls(soft_labels.weight.sum(), {"raw": raw, "tempered": tempered}, {})

    def __add__(self, other):
        """Return the sums of both partitions."""
        sums = {name: self.sums[name] + other.sums[name] for name in self.sums}
        return Scores(self.weight + other.weight, sums, self.unseen | other.unseen)

    def mean(self):
        """Return the scores, in the form of `teacher_scores_`."""
        if not self.weight > 0:
            raise ValueError(
                "No row carries weight whose class was seen by its fold's teacher. Put rows of "
                "each class into several partitions, and give some of them a positive "
                "sample_weight."
            )
        return {
            name: {
                **dict(zip(MEANS, (sums[: len(MEANS)] / self.weight).tolist(), strict=True)),
                "ece": float(np.abs(sums[len(MEANS) :]).sum() / self.weight),
            }
            for name, sums in self.sums.items()
        }


MEANS = ("log_loss", "brier", "accuracy")


def _score_sums(soft_labels):
    """Return the sums of the scores that are means, then the gaps of the calibration bins."""
    y, weight = soft_labels.classes[soft_labels.codes], soft_labels.weight
    labels = SoftLabels.from_labels(y, soft_labels.classes).proba
    gaps = calibration_gaps(labels, soft_labels.proba, weight)
    if not weight.any():
        return np.zeros(len(MEANS) + len(gaps))
    means = teacher_scores(soft_labels)
    return np.concatenate([weight.sum() * np.array([means[name] for name in MEANS]), gaps])


def _warn_of_unseen(unseen, n_folds):
    """Warn of fold teachers that have not seen the class of some rows that they predict."""
    for k, count in unseen.items():
        if count:
            name = f"teacher of fold {k % n_folds + 1} of {n_folds}"
            remedy = "Shuffle the rows, so that each class is in several partitions."
            if n_folds == 1:
                name, remedy = "frozen teacher", "Fit it on rows of all classes."
            warn(
                f"The {name} never saw the class of {count} rows of partition {k}, which keep "
                f"their own label. {remedy}"
            )
