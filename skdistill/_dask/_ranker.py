"""Fit a linear DistilledBipartiteRanker on partitions, exactly over all pairs of rows."""

from sklearn.utils.validation import validate_data

from ..objectives._logistic_blocks import Moments
from ..students.ranking._pairs import check_two_classes
from ..students.ranking._registry import resolve_ranking_fitter
from ..students.ranking.linear import (
    check_linear,
    fit_coefficients,
    fit_linear,
    penalty_of,
    set_linear_attributes,
    warn_unless_converged,
)
from ._distillation import load_partitions, soften_partitions
from ._pairs import PARTIALS, PairsObjective, PairTargets, Sums
from ._partitions import blocks_with
from ._placement import map_partitions
from ._run import one_cluster, persist, task


@one_cluster()
def fit_ranker_on_partitions(settings, X, y, sample_weight, teacher_proba):
    """Return the data of Dask collections with soft labels, and the ranker fitted to them."""
    surrogate = settings.params["surrogate"]
    check_ranks_partitions(settings.student, surrogate)
    partitions, classes = load_partitions(settings, X, y, sample_weight, teacher_proba)
    check_two_classes(classes)
    data = soften_partitions(settings, partitions, classes)
    with data.progress.task("fit-student"):
        student = rank_partitions(data, surrogate)
    return data, student


def check_ranks_partitions(student, surrogate):
    """Raise unless a student can be fitted to all pairs of rows in partitions."""
    if surrogate not in PARTIALS:
        raise ValueError(
            f"surrogate={surrogate!r} needs the scores of all rows in sorted order, which Dask "
            f"collections do not support. Use one of {tuple(PARTIALS)}."
        )
    if resolve_ranking_fitter(student) is not fit_linear:
        raise TypeError(
            f"{student!r} cannot rank Dask collections: only the linear scorer, student=None or a "
            "LogisticRegression, supports all pairs of rows in partitions. Scale or transform "
            "the collection itself (X.map_blocks, X.map_partitions); for any other student, "
            "compute a sample of the rows and fit in memory."
        )
    check_linear(student)
    if student.class_weight is not None:
        raise ValueError(
            f"class_weight={student.class_weight!r} is not supported for Dask collections. It "
            "multiplies all pairs by the same factor, and would change only the intercept. Give "
            "sample_weight."
        )


def rank_partitions(data, surrogate):
    """Return a LogisticRegression fitted to all pairs, as in memory."""
    student, X = data.student, data.partitions.X
    validate_data(student, data.partitions.header, skip_check_array=True)  # feature names
    targets = persist([task(PairTargets.of, each) for each in data.targets])
    data.targets.clear()  # release both columns
    blocks = blocks_with(X, targets)
    sums = map_partitions(blocks, Sums.of)
    n_features = data.partitions.header.shape[1]
    weight = sum(each.positive + each.negative for each in sums)
    l2 = penalty_of(student, weight)
    objective = PairsObjective(blocks, sums, surrogate, l2, n_features)
    check_pairs_carry_weight(objective.total, data.classes)
    w, gradient, n_iter = fit_coefficients([objective], n_features, student.tol, student.max_iter)
    warn_unless_converged(student, gradient, n_iter)
    intercept = 0.0
    if student.fit_intercept:
        moments = objective.partials(w, Moments)
        intercept = moments.best_shift(objective.total.positive, objective.total.negative)
    return set_linear_attributes(student, data.classes, w, intercept, n_iter)


def check_pairs_carry_weight(sums, classes):
    """Raise unless some pair of rows has a positive weight."""
    if not (sums.positive > 0 and sums.negative > 0):
        raise ValueError(
            f"No pair of rows carries weight: over {sums.n_rows:.0f} rows the weight of "
            f"{classes[1]!r} sums to {sums.positive:.6g}, that of {classes[0]!r} to "
            f"{sums.negative:.6g}. Ranking compares rows that may be of one class with rows that "
            "may be of the other: use a less confident teacher, or mix in the labels (alpha < 1)."
        )
