"""Cross-fitting: each row's probabilities are predicted by estimators that have not seen its label.

A teacher that has seen a row repeats its label (a forest exactly), so that its soft label is a
hard one. Every cross-fit of the package is `predict_folds`, which runs one fit per fold, and
`mean_proba`, which averages what the folds predict. A fitter says how an estimator is fitted on
the training rows of a fold: `TeacherFitter` here, and those of generations in `_born_again.py`.
"""

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed

from .._utils._progress import Progress
from .._utils._rows import rows_of
from .._utils._typing import Estimator
from .._utils._warnings import warn
from ._cache import FoldPredictions, TeacherCache
from ._folds import Fold, check_folds, pairs_of_folds
from ._predict import MulticlassOutput, MultilabelOutput, TeacherProba, shown
from ._predict_numbers import RegressionOutput
from ._sample_weight import fit_teacher


@dataclass(frozen=True)
class TeacherFitter:
    """Fits clones of a teacher on the labels of folds, or takes predictions from the cache."""

    teacher: Estimator
    output: MulticlassOutput | MultilabelOutput | RegressionOutput
    fit_params: dict
    cache: TeacherCache
    verbose: int = 0
    predicts_unlabeled: bool = True

    def of_labelled_rows(self):
        """Return the fitter of teachers that predict labelled rows only."""
        cache = self.cache.of_output(self.output, X_unlabeled=None)
        return replace(self, cache=cache, predicts_unlabeled=False)

    def cached(self, fold):
        """Return the cached predictions of a fold, None if there are none."""
        entry = self.cache.predictions(fold.train, fold.test)
        predictions = None if entry is None else entry.get()
        if predictions is not None:
            self._report(fold, "cached")
        return predictions

    def fit_and_predict(self, fold, X, y, X_unlabeled):
        """Fit on the training rows of a fold, predict its test and the unlabelled rows."""
        if not self.predicts_unlabeled:
            X_unlabeled = None
        teacher = self._fit(fold, X, y)
        seen = self.output.seen_in(teacher, y[fold.train])
        tested = _safe_indexing(X, fold.test) if len(fold.test) else None
        tested, unlabeled = (
            None if rows is None else self.output.predict_proba(teacher, rows, seen)
            for rows in (tested, X_unlabeled)
        )
        # After the check of the predictions, since the classes may be invalid before.
        predictions = FoldPredictions(tested, unlabeled, self.output.positions_of(seen))
        entry = self.cache.predictions(fold.train, fold.test)
        if entry is not None:
            entry.put(predictions)
        return predictions

    def _fit(self, fold, X, y):
        """Return a teacher fitted on the training rows of a fold, from the cache if it is there."""
        entry = self.cache.teacher(fold.train)
        cached = entry and entry.get()
        if cached is not None:
            self._report(fold, "not cached, its teacher is")
            return cached
        start = time.perf_counter()
        fit_params = rows_of(self.fit_params, fold.train, y.shape[0])
        X_train, y_train = _safe_indexing(X, fold.train), y[fold.train]
        teacher = fit_teacher(clone(self.teacher), X_train, y_train, fit_params)
        seconds = time.perf_counter() - start
        not_cached = "" if entry is None else "not cached, "
        self._report(fold, f"{not_cached}fitted on {len(fold.train)} rows in {seconds:.1f} s")
        if self.cache.keeps_teachers:
            entry.put(teacher)
        return teacher

    def _report(self, fold, text):
        if self.verbose:
            print(f"[teacher] {fold.name}: {text}")


def in_sample_proba(fitter, rows, progress):
    """Return the probabilities that a teacher predicts for its training rows."""
    all_rows = np.arange(rows.y.shape[0])
    fold = Fold(all_rows, all_rows, "in-sample")
    (predictions,) = predict_folds([fitter], [fold], rows, progress=progress)
    unseen = np.zeros(len(all_rows), dtype=bool)
    return TeacherProba(predictions.tested, predictions.unlabeled, unseen)


def out_of_fold_proba(fitter, rows, folds, *, fold_proba=None, n_jobs=None, progress=None):
    """Return, for each row, the probabilities of the fold teachers that did not see it.

    A row that several folds test gets their mean. A row whose class is not in the teacher's
    training data keeps its one-hot label. Unlabelled rows are predicted by one more teacher, fitted
    on all labelled rows, which is better than the mean of the fold teachers.

    With `fold_proba`, the result also has the probabilities of each fold, for students that are
    compared on its test rows. Those of "nested" are described at `nested_proba`. "unlabeled" has
    the probabilities of unlabelled rows, by the fold's teacher.
    """
    if fold_proba == "nested":
        return nested_proba(fitter, rows, folds, n_jobs=n_jobs, progress=progress)
    y, output = rows.y, fitter.output
    check_folds(folds, y.shape[0])
    refits = [] if rows.X_unlabeled is None else [all_rows(y)]
    of_folds = fitter if fold_proba else fitter.of_labelled_rows()
    predictions = predict_folds(
        [of_folds] * len(folds) + [fitter] * len(refits), [*folds, *refits], rows,
        n_jobs=n_jobs, progress=progress,
    )  # fmt: skip
    of_refit = predictions[len(folds) :]
    predictions = predictions[: len(folds)]
    warn_of_unseen(predictions, folds, y, output)
    proba = mean_proba(predictions, folds, y, output)
    if refits:
        proba = proba._replace(unlabeled=of_refit[0].unlabeled)
    if fold_proba is None:
        return proba
    fold_probas = [
        proba.take(fold.train)._replace(unlabeled=prediction.unlabeled)
        for fold, prediction in zip(folds, predictions, strict=True)
    ]
    return proba._replace(fold_proba=fold_probas)


def nested_proba(fitter, rows, folds, *, n_jobs=None, progress=None):
    """Return out-of-fold probabilities, and those of each fold, by teachers of pairs of folds.

    Each teacher is fitted on the rows outside two folds, and predicts the rows of both, so that
    one set of teachers serves for the student and for the comparison of students. A row gets the
    mean of the teachers without its fold. For the comparison on the test rows of a fold, its
    training rows get that of the teachers without this fold, too. Unlabelled rows get the mean of
    the same teachers.
    """
    y, output = rows.y, fitter.output
    check_folds(folds, y.shape[0])
    pairs = pairs_of_folds(folds)
    predictions = predict_folds(
        [fitter] * len(pairs), list(pairs.values()), rows, n_jobs=n_jobs, progress=progress
    )
    fold_probas = [
        mean_proba(*_members(number, pairs, predictions), y, output).take(fold.train)
        for number, fold in enumerate(folds)
    ]
    warn_of_unseen_in_pairs(fold_probas)
    proba = mean_proba(predictions, list(pairs.values()), y, output)
    return proba._replace(fold_proba=fold_probas)


def all_rows(y):
    """Return the fold that trains on all labelled rows, and tests none."""
    rows = np.arange(y.shape[0])
    return Fold(rows, rows[:0], "all labelled rows")


def _members(number, pairs, predictions):
    """Return the predictions and the folds of the pairs that a fold is one of."""
    members = [
        (prediction, fold)
        for (both, fold), prediction in zip(pairs.items(), predictions, strict=True)
        if number in both
    ]
    return tuple(zip(*members, strict=True))


def predict_folds(fitters, folds, rows, *, n_jobs=None, progress=None):
    """Return the predictions of each fold, by one fit of its fitter unless they are cached."""
    predictions = [fitter.cached(fold) for fitter, fold in zip(fitters, folds, strict=True)]
    fresh = iter(
        _parallel(n_jobs)(
            delayed(_fit_and_predict)(fitter, fold, *rows)
            for fitter, fold, prediction in zip(fitters, folds, predictions, strict=True)
            if prediction is None
        )
    )
    progress = Progress() if progress is None else progress
    with progress.task("fit-teacher", max_tasks=len(folds)) as task:
        for number, prediction in enumerate(predictions):
            with task.task("fold"):
                predictions[number] = next(fresh) if prediction is None else prediction
    return [*predictions, *fresh]  # exhausts the generator, so that joblib cleans up


def _fit_and_predict(fitter, fold, X, y, X_unlabeled):
    """Run one fit; the rows are arguments of their own, so that joblib sends them once."""
    return fitter.fit_and_predict(fold, X, y, X_unlabeled)


def _parallel(n_jobs):
    """Return a Parallel that yields results in order as soon as they are ready, if it can."""
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # some backends of joblib return all results at once
        return Parallel(n_jobs=n_jobs)


def mean_proba(predictions, folds, y, output):
    """Return each row's mean probabilities over the folds that test it."""
    n_rows = y.shape[0]
    total = None
    n_tested, n_unseen = np.zeros((2, n_rows), dtype=int)
    for (proba, _, seen), fold in zip(predictions, folds, strict=True):
        proba, unseen = output.impute_unseen_classes(proba, y[fold.test], seen)
        n_tested += np.bincount(fold.test, minlength=n_rows)
        n_unseen += np.bincount(fold.test[unseen], minlength=n_rows)
        by_row = _sums_by_row(proba, fold.test, n_rows)
        total = by_row if total is None else total + by_row
    share = 1 / np.maximum(n_tested, 1)
    if sparse.issparse(total):
        mean = sparse.csr_array(sparse.diags_array(share) @ total)
    else:
        mean = total * share[:, None]
    unlabeled = None
    if predictions[0].unlabeled is not None:
        unlabeled = sum(prediction.unlabeled for prediction in predictions) / len(predictions)
    return TeacherProba(mean, unlabeled, n_unseen == n_tested)


def _sums_by_row(proba, rows, n_rows):
    """Return Σ of the probabilities of each row: a bootstrap may test one twice."""
    n_predicted = len(rows)
    starts = np.arange(n_predicted + 1)
    positions = sparse.csc_array((np.ones(n_predicted), rows, starts), (n_rows, n_predicted))
    return positions @ proba


def warn_of_unseen(predictions, folds, y, output):
    """Warn of teachers that have not seen the class of a row that they predict."""
    for prediction, fold in zip(predictions, folds, strict=True):
        n_unseen = np.count_nonzero(output.unseen(y[fold.test], prediction.seen))
        if n_unseen:
            lacking = np.setdiff1d(output.classes, output.classes[prediction.seen])
            warn(
                f"The teacher of {fold.name} never saw the classes {shown(lacking)}; {n_unseen} "
                "rows keep their label there. Use fewer folds, or stratified ones.",
            )


def warn_of_unseen_in_pairs(fold_probas):
    """Warn of rows whose class no teacher fitted without two folds has seen."""
    n_unseen = sum(proba.unseen.sum() for proba in fold_probas)
    if n_unseen:
        warn(
            "Teachers fitted without two folds never saw a class of the rows that they predict; "
            f"in {n_unseen} cases a row keeps its label there. Use more folds, or stratified "
            "ones, or merge rare classes.",
        )
