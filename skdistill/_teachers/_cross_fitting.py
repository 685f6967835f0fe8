"""Cross-fitting: each row's probabilities are predicted by teachers that have not seen its label.

A teacher that has seen a row repeats its label (a forest exactly), so that its soft label is a
hard one.
"""

import time
import warnings
from itertools import combinations

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed

from .._utils._rows import rows_of
from ._cache import FoldPredictions
from ._predict import TeacherProba, shown
from ._sample_weight import fit_teacher


def in_sample_proba(teacher, X, y, X_unlabeled, output, *, fit_params, cache, verbose, progress):
    """Return the probabilities that a teacher predicts for its training rows."""
    all_rows = np.arange(y.shape[0])
    (prediction,) = _predict_folds(
        teacher, X, y, X_unlabeled, output, [(all_rows, all_rows)], fit_params, cache,
        n_jobs=None, names=["in-sample"] if verbose else None, progress=progress,
    )  # fmt: skip
    return TeacherProba(prediction.tested, prediction.unlabeled, np.zeros(y.shape[0], dtype=bool))


def check_folds(folds, n_rows):
    """Return how often each row is tested; raise if one is not, or if a fold trains on it too."""
    if not folds:
        raise ValueError(
            "cv has no folds. A generator can be used only once: give a list, as in "
            "cv=list(splits)."
        )
    n_tested = np.bincount(np.concatenate([test for _, test in folds]), minlength=n_rows)
    if (n_tested == 0).any():
        raise ValueError(
            f"The test folds of cv must cover every row; {(n_tested == 0).sum()} of {n_rows} rows "
            f"are in none of the {len(folds)}, the first is row {np.argmin(n_tested)}. Use a "
            "splitter that tests every row, such as KFold, StratifiedKFold or GroupKFold."
        )
    for number, (train, test) in enumerate(folds, start=1):
        shared = np.intersect1d(train, test)
        if len(shared):
            raise ValueError(
                f"Fold {number} of {len(folds)} tests {len(shared)} rows that it trains on, the "
                f"first is row {shared[0]}: its teacher would repeat their labels. Use disjoint "
                'training and test rows; for in-sample probabilities, use cv="in-sample" with a '
                "teacher."
            )
    return n_tested


def out_of_fold_proba(
    teacher, X, y, X_unlabeled, output, *,
    folds, nested=False, fit_params, cache, n_jobs, verbose, progress,
):  # fmt: skip
    """Return, for each row, the probabilities of the fold teachers that did not see it.

    A row that several folds test gets their mean; an unlabelled row gets the mean of all
    fold teachers. A row whose class is not in the teacher's training data keeps its one-hot label.

    If `nested`, the training rows of each fold are predicted again, by teachers that have not seen
    the fold's test rows either. A teacher fitted without two folds is used for both, so that K
    folds need K (K - 1) / 2 further teachers.
    """
    check_folds(folds, y.shape[0])
    pairs = list(combinations(range(len(folds)), 2)) if nested else []
    names = [f"fold {number} of {len(folds)}" for number in range(1, len(folds) + 1)]
    names += [f"folds {one + 1} and {other + 1} of {len(folds)}" for one, other in pairs]
    all_folds = [*folds, *(_train_without_both(folds[one], folds[other]) for one, other in pairs)]
    predictions = _predict_folds(
        teacher, X, y, X_unlabeled, output, all_folds, fit_params, cache,
        n_jobs=n_jobs, names=names if verbose else None, progress=progress,
    )  # fmt: skip

    tested = [test for _, test in all_folds]
    outer = slice(len(folds))
    _warn_of_unseen(names[outer], predictions[outer], tested[outer], y, output)
    teacher_proba = _mean_proba(predictions[outer], tested[outer], y, output)
    if not nested:
        return teacher_proba
    nested_proba = []
    for fold, (train, _) in enumerate(folds):
        others = [len(folds) + number for number, pair in enumerate(pairs) if fold in pair]
        of_train = [np.isin(tested[number], train) for number in others]
        proba = _mean_proba(
            [predictions[number].take(rows) for number, rows in zip(others, of_train, strict=True)],
            [tested[number][rows] for number, rows in zip(others, of_train, strict=True)],
            y,
            output,
        )
        nested_proba.append(proba.take(train))
    n_unseen = sum(proba.unseen.sum() for proba in nested_proba)
    if n_unseen:
        warnings.warn(
            "Teachers fitted without two folds never saw a class of the rows that they predict; "
            f"in {n_unseen} cases a row keeps its label in the choice of alpha. Use fewer folds, "
            "or stratified ones.",
            UserWarning,
            stacklevel=3,
        )
    return teacher_proba._replace(nested_proba=nested_proba)


def _train_without_both(fold, other):
    """Return the rows that both folds train on, and the test rows that only one trains on."""
    (train, test), (other_train, other_test) = fold, other
    tested = np.concatenate(
        [test[np.isin(test, other_train)], other_test[np.isin(other_test, train)]]
    )
    return train[np.isin(train, other_train)], tested


def _mean_proba(predictions, tested, y, output):
    """Return each row's mean probabilities over the teachers that test it."""
    n_rows = y.shape[0]
    total = None
    n_tested, n_unseen = np.zeros((2, n_rows), dtype=int)
    for (proba, _, seen), test in zip(predictions, tested, strict=True):
        unseen = output.unseen(y[test], seen)
        if unseen.any():
            proba = output.impute_unseen_classes(proba, y[test], seen)
        n_tested += np.bincount(test, minlength=n_rows)
        n_unseen += np.bincount(test[unseen], minlength=n_rows)
        # Sums by row, since a bootstrap may test a row twice.
        ones = np.ones(len(test))
        positions = sparse.csr_array((ones, (test, np.arange(len(test)))), (n_rows, len(test)))
        total = positions @ proba if total is None else total + positions @ proba
    share = 1 / np.maximum(n_tested, 1)
    if sparse.issparse(total):
        mean = sparse.csr_array(sparse.diags_array(share) @ total)
    else:
        mean = total * share[:, None]
    unlabeled = None
    if predictions[0].unlabeled is not None:
        unlabeled = sum(prediction.unlabeled for prediction in predictions) / len(predictions)
    return TeacherProba(mean, unlabeled, n_unseen == n_tested)


def _warn_of_unseen(names, predictions, tested, y, output):
    """Warn of teachers that have not seen the class of a row that they predict."""
    for name, prediction, test in zip(names, predictions, tested, strict=True):
        n_unseen = np.count_nonzero(output.unseen(y[test], prediction.seen))
        if n_unseen:
            lacking = np.setdiff1d(output.classes, output.classes[prediction.seen])
            warnings.warn(
                f"The teacher of {name} never saw the classes {shown(lacking)}; {n_unseen} "
                "rows keep their label there. Use fewer folds, or stratified ones.",
                UserWarning,
                stacklevel=4,
            )


def _predict_folds(
    teacher, X, y, X_unlabeled, output, folds, fit_params, cache, *, n_jobs, names, progress
):
    """Return the predictions of each fold's teacher; cached ones need no fit.

    With `names`, print for each fold whether its predictions were cached.
    """
    entries = [cache.predictions(train, test) for train, test in folds]
    predictions = [None if entry is None else entry.get() for entry in entries]
    names = names or [None] * len(folds)
    for name, prediction in zip(names, predictions, strict=True):
        if name and prediction is not None:
            print(f"[teacher] {name}: cached")
    fresh = iter(
        _parallel(n_jobs)(
            delayed(_predict_fold)(
                clone(teacher), X, y, X_unlabeled, output, train, test, fit_params, cache, name
            )
            for (train, test), prediction, name in zip(folds, predictions, names, strict=True)
            if prediction is None
        )
    )
    with progress.task("fit-teacher", max_tasks=len(folds)) as task:
        for number, prediction in enumerate(predictions):
            with task.task("fold"):
                predictions[number] = next(fresh) if prediction is None else prediction
    return [*predictions, *fresh]  # exhausts the generator, so that joblib cleans up


def _parallel(n_jobs):
    """Return a Parallel that yields results in order as soon as they are ready, if it can."""
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # some backends of joblib return all results at once
        return Parallel(n_jobs=n_jobs)


def _predict_fold(teacher, X, y, X_unlabeled, output, train, test, fit_params, cache, name):
    """Fit the teacher of a fold, predict its test rows and the unlabelled rows, and cache both."""
    entry = cache.predictions(train, test)
    teacher = _fit_fold(teacher, X, y, train, fit_params, cache, name)
    seen = output.seen_in(teacher, y[train])
    prediction = FoldPredictions(
        tested=output.predict_proba(teacher, _safe_indexing(X, test), seen),
        unlabeled=None if X_unlabeled is None else output.predict_proba(teacher, X_unlabeled, seen),
        # After the check of the predictions, since the classes may be invalid before.
        seen=output.positions_of(seen),
    )
    if entry is not None:
        entry.put(prediction)
    return prediction


def _fit_fold(teacher, X, y, train, fit_params, cache, name):
    """Return a teacher fitted on the training rows of a fold, from the cache if it is there."""
    entry = cache.teacher(train)
    cached = entry and entry.get()
    if cached is not None:
        if name:
            print(f"[teacher] {name}: not cached, its teacher is")
        return cached
    start = time.perf_counter()
    fit_teacher(teacher, _safe_indexing(X, train), y[train], rows_of(fit_params, train, y.shape[0]))
    if name:
        not_cached = "" if entry is None else "not cached, "
        seconds = time.perf_counter() - start
        print(f"[teacher] {name}: {not_cached}fitted on {len(train)} rows in {seconds:.1f} s")
    if cache.keeps_teachers:
        entry.put(teacher)
    return teacher
