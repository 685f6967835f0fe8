"""Fit students by `partial_fit`, partition by partition."""

from copy import deepcopy
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import Perceptron, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.utils import _safe_indexing, check_random_state

from .._utils._sample_weight import takes_sample_weight
from ..students._chunks import fit_one_pass, fit_quality, rows_per_chunk, warn_if_still_improving
from ..students._class_weight import as_class_weight, class_weights
from ..students._original_rows import refuse_to_split_copies
from ..students._soft_descent import fit_one_epoch, takes_probabilities
from ._partitions import blocks_with
from ._placement import map_partitions
from ._run import as_delayed, run, task

# Partitions of one Dask graph; all of them may be in memory at the same time.
PARTITIONS_AT_A_TIME = 4


def check_fits_by_partitions(student, *, weighted=False):
    """Raise unless a student can be fitted by partitions, with sample weights if `weighted`."""
    if _is_soft_label_net(student):
        from ..nets._epochs_in_parts import check_trains_in_parts

        check_trains_in_parts(student)
        return
    if not takes_sample_weight(student, "partial_fit"):
        raise TypeError(
            f"{student!r} cannot be fitted on Dask collections: it has no partial_fit that takes "
            'sample_weight. SGDClassifier(loss="log_loss"), GaussianNB, MultinomialNB, '
            "BernoulliNB, ComplementNB and skdistill.nets.SoftLabelNet have; for any other "
            "student, compute the collections, or a sample of their rows, and fit in memory."
        )
    refuse_to_split_copies(student)
    if weighted and isinstance(student, MLPClassifier):
        raise ValueError(
            f"{type(student).__name__} divides weights by their sum in each batch: a partition of "
            "heavy rows would count as much as one of light rows. Give no sample_weight, use "
            "SGDClassifier or skdistill.nets.SoftLabelNet, or compute the collections and fit in "
            "memory."
        )
    if getattr(student, "average", False):
        raise ValueError(
            f"{type(student).__name__}(average={student.average!r}) averages over whole passes, "
            "which fitting by partitions does not support. Set average=False."
        )


class LabelSummary(NamedTuple):
    """Summary of all targets, needed before a student is fitted."""

    n_rows: int
    n_copies: int  # (row, class) pairs of positive probability
    class_weight_sums: np.ndarray  # weight of each class

    @classmethod
    def of(cls, targets, classes):
        """Return the summary of a partition."""
        soft_labels = targets.soft_labels(classes)
        return cls(
            len(soft_labels), soft_labels.count_expanded_rows(), soft_labels.class_weight_sums
        )


def fit_by_partitions(data):
    """Return a student fitted by passes over the partitions, each in a new order.

    A pass calls `partial_fit` once for each partition (more often if its expanded rows would exceed
    scikit-learn's working memory). There are `max_iter` passes, or one if the student has no such
    parameter. With `tol`, fitting stops when `n_iter_no_change` passes have improved the fit by
    less, as in `fit`. A pass of a net is an epoch.
    """
    student, targets, classes = data.student, data.targets, data.classes
    summary = [
        LabelSummary(*each)
        for each in run([task(LabelSummary.of, each, classes) for each in targets])
    ]
    summary = LabelSummary(*(sum(each) for each in zip(*summary, strict=True)))
    _check_several_classes(summary, classes)
    blocks = blocks_with(data.partitions.X, targets)
    if _is_soft_label_net(student):
        return _train_net(student, blocks, summary, classes, data.partitions.header)
    params = student.get_params(deep=False)
    passes = params.get("max_iter")
    without_copies = takes_probabilities(student)
    saved_params, class_factors = _prepare(student, summary, classes, without_copies)
    factors = class_factors if without_copies else None
    rng = check_random_state(params.get("random_state"))
    best, stale, n_iter = -np.inf, 0, 0
    while n_iter < (passes or 1) and stale < params.get("n_iter_no_change", 5):
        student = _run_pass(student, blocks, classes, factors, rng, passes is not None)
        n_iter += 1
        if passes is not None and params.get("tol") is not None:
            quality = _quality(student, blocks, classes, class_factors)
            stale = 0 if quality > best + params["tol"] else stale + 1
            best = max(best, quality)
    if "max_iter" in params:
        warn_if_still_improving(student, stale)
        student.n_iter_ = n_iter
    return student.set_params(**saved_params)


def _run_pass(student, blocks, classes, factors, rng, shuffles):
    """Return the student after one call of `partial_fit` for each partition.

    With class `factors` each row is one step for each class; without, there is one per copy. The
    student is sent to the workers that hold the partitions.
    """
    n = len(blocks)
    order = rng.permutation(n) if shuffles else np.arange(n)
    seeds = rng.randint(2**31 - 1, size=n) if shuffles else [None] * n
    calls = [(blocks[k], classes, factors, seeds[k]) for k in order]
    return _call_in_order(student, _fit_partition, calls)


def _call_in_order(student, function, calls):
    """Return the student after one call of a function with each tuple of arguments, in order."""
    for start in range(0, len(calls), PARTITIONS_AT_A_TIME):
        student = as_delayed(student)
        for arguments in calls[start : start + PARTITIONS_AT_A_TIME]:
            student = task(function, student, *arguments)
        (student,) = run([student])
    return student


def _train_net(net, blocks, summary, classes, header):
    """Return a net trained on all partitions, with weights divided by the mean over all rows."""
    from ..nets._epochs_in_parts import train_in_parts

    mean_weight = summary.class_weight_sums.sum() / summary.n_rows

    def run_epoch(net, order, seeds):
        calls = zip(order, seeds, strict=True)
        return _call_in_order(
            net, _train, [(blocks[k], classes, mean_weight, seed) for k, seed in calls]
        )

    return train_in_parts(net, header, classes, len(blocks), run_epoch)


def _train(net, block, classes, mean_weight, seed):
    """Return a copy of a net, trained on a partition."""
    from ..nets._epochs_in_parts import train_on_part

    X, targets = block
    return train_on_part(deepcopy(net), X, targets.soft_labels(classes), mean_weight, seed)


def _fit_partition(student, block, classes, factors, seed):
    """Return a copy of the student, fitted to a partition.

    Dask may run a task again, so that its arguments must not change.
    """
    student, (X, targets) = deepcopy(student), block
    soft_labels = targets.soft_labels(classes)
    rows = np.flatnonzero(soft_labels.weight)  # others do not affect the order, as in memory
    if len(rows) == 0:
        return student
    if seed is not None:
        rows = check_random_state(seed).permutation(rows)
    if factors is not None:
        return fit_one_epoch(student, _safe_indexing(X, rows), soft_labels.take(rows), factors)
    return fit_one_pass(student, X, soft_labels, rows, rows_per_chunk(X, soft_labels), {})


def _quality(student, blocks, classes, class_factors):
    """Return how well the student fits the soft labels of all partitions."""
    parts = map_partitions(blocks, _quality_of, as_delayed(student), classes, class_factors)
    weight, gain = np.sum(parts, axis=0)
    return gain / weight


def _quality_of(block, student, classes, class_factors):
    """Return the weight of a partition, and the weight times the quality of the fit."""
    X, targets = block
    soft_labels = targets.soft_labels(classes).reweight_classes(class_factors)
    weight = soft_labels.weight.sum()
    return weight, weight * fit_quality(student, X, soft_labels) if weight > 0 else 0.0


def _prepare(student, summary, classes, without_copies):
    """Adjust parameters of a student to expanded rows; return the saved ones, and class factors.

    As :func:`skdistill.students.stochastic.fit_by_descent` does in memory: class weights are
    computed from probabilities, and the penalty, added at each step, is divided by the mean number
    of copies of a row.
    """
    if not isinstance(student, (SGDClassifier, Perceptron)):
        return {}, np.ones(len(classes))
    saved_params = {"class_weight": student.class_weight, "alpha": student.alpha}
    factors = class_weights(
        student.class_weight, _ClassWeightSums(classes, summary.class_weight_sums)
    )
    if without_copies:
        return {}, factors
    copies = max(summary.n_copies / summary.n_rows, 1)
    class_weight = as_class_weight(student, factors, classes.tolist())
    student.set_params(class_weight=class_weight, alpha=student.alpha / copies)
    return saved_params, factors


class _ClassWeightSums(NamedTuple):
    """The attributes of soft labels that `class_weights` uses."""

    classes: np.ndarray
    class_weight_sums: np.ndarray


def _check_several_classes(summary, classes):
    """Raise unless at least two classes carry weight in all partitions together."""
    nonempty = classes[summary.class_weight_sums > 0]
    if len(nonempty) < 2:
        raise ValueError(
            f"There is only 1 class to learn, or none: {nonempty.tolist()} carries "
            f"all the weight of the {summary.n_rows} rows. Give rows of at least two classes."
        )


def _is_soft_label_net(student):
    """Return whether a student is a SoftLabelNet, without importing torch."""
    return any(
        (base.__module__, base.__name__) == ("skdistill.nets._soft_label_net", "SoftLabelNet")
        for base in type(student).__mro__
    )
