"""Cross-fitting: honest probabilities, by teachers that have not seen the labels they stand for.

A teacher that has seen a row repeats its label (a forest exactly), and its soft label is then a
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


def in_sample_proba(teacher, X, y, X_unlabeled, output, *, fit_params, memory, verbose, progress):
    """Return the probabilities that a teacher gives to the rows that it was fitted on."""
    all_rows = np.arange(y.shape[0])
    (prediction,) = _predict_folds(
        teacher, X, y, X_unlabeled, output, [(all_rows, all_rows)], fit_params, memory,
        n_jobs=None, names=["in-sample"] if verbose else None, progress=progress,
    )  # fmt: skip
    return TeacherProba(prediction.tested, prediction.unlabeled, np.zeros(y.shape[0], dtype=bool))


def check_folds(folds, n_rows):
    """Return how often each row is tested: at least once, and never by who has seen it."""
    if not folds:
        raise ValueError(
            "cv gave no folds. A generator gives them once only: use a list of them, as in "
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
                f"first is row {shared[0]}: its teacher would repeat their labels. Keep the two "
                'apart; where there is a teacher, cv="in-sample" asks for that on purpose.'
            )
    return n_tested


def out_of_fold_proba(
    teacher, X, y, X_unlabeled, output, *,
    folds, nested=False, fit_params, memory, n_jobs, verbose, progress,
):  # fmt: skip
    """Return, for each row, the probabilities of the fold teachers that did not see it.

    A row that several folds test gets their mean; an unlabelled row gets the mean of all
    fold teachers. A row whose class the fold's teacher never saw keeps its one-hot label.

    If `nested`, the training rows of each fold are asked about once more, by teachers that have
    seen nothing of the fold's test rows either. A teacher that saw neither of two folds serves
    both, so that K folds take K (K - 1) / 2 further teachers.
    """
    check_folds(folds, y.shape[0])
    pairs = list(combinations(range(len(folds)), 2)) if nested else []
    names = [f"fold {number} of {len(folds)}" for number in range(1, len(folds) + 1)]
    names += [f"folds {one + 1} and {other + 1} of {len(folds)}" for one, other in pairs]
    asked = [*folds, *(_without_both(folds[one], folds[other]) for one, other in pairs)]
    predictions = _predict_folds(
        teacher, X, y, X_unlabeled, output, asked, fit_params, memory,
        n_jobs=n_jobs, names=names if verbose else None, progress=progress,
    )  # fmt: skip

    tested = [test for _, test in asked]
    own = slice(len(folds))
    _warn_of_unseen(names[own], predictions[own], tested[own], y, output)
    everybody = _mean_proba(predictions[own], tested[own], y, output)
    if not nested:
        return everybody
    nested_proba = []
    for fold, (train, _) in enumerate(folds):
        others = [len(folds) + number for number, pair in enumerate(pairs) if fold in pair]
        of_train = [np.isin(tested[number], train) for number in others]
        proba = _mean_proba(
            [predictions[number].of(rows) for number, rows in zip(others, of_train, strict=True)],
            [tested[number][rows] for number, rows in zip(others, of_train, strict=True)],
            y,
            output,
        )
        nested_proba.append(proba.of(train))
    n_unseen = sum(proba.unseen.sum() for proba in nested_proba)
    if n_unseen:
        warnings.warn(
            "Teachers fitted without two folds never saw a class that they were asked about; "
            f"in {n_unseen} cases a row keeps its own label where alpha is chosen. Use fewer "
            "folds, or stratified ones.",
            UserWarning,
            stacklevel=3,
        )
    return everybody._replace(nested_proba=nested_proba)


def _without_both(fold, other):
    """Return the rows that both folds train on, and those of either one's test that it lacks."""
    (train, test), (other_train, other_test) = fold, other
    tested = np.concatenate(
        [test[np.isin(test, other_train)], other_test[np.isin(other_test, train)]]
    )
    return train[np.isin(train, other_train)], tested


def _mean_proba(predictions, tested, y, output):
    """Return each row's mean answer over the teachers that tested it."""
    n_rows = y.shape[0]
    total = None
    n_tested, n_unseen = np.zeros((2, n_rows), dtype=int)
    for (proba, _, seen), test in zip(predictions, tested, strict=True):
        unseen = output.unseen(y[test], seen)
        if unseen.any():
            proba = output.impute_unseen_classes(proba, y[test], seen)
        n_tested += np.bincount(test, minlength=n_rows)
        n_unseen += np.bincount(test[unseen], minlength=n_rows)
        # Each answer in the place of its row; a bootstrap may test a row twice.
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
    """Say which teachers were asked about rows of classes that they never saw."""
    for name, prediction, test in zip(names, predictions, tested, strict=True):
        n_unseen = np.count_nonzero(output.unseen(y[test], prediction.seen))
        if n_unseen:
            lacking = np.setdiff1d(output.classes, output.classes[prediction.seen])
            warnings.warn(
                f"The teacher of {name} never saw the classes {shown(lacking)}; {n_unseen} "
                "rows keep their own label there. Use fewer folds, or stratified ones.",
                UserWarning,
                stacklevel=4,
            )


def _predict_folds(
    teacher, X, y, X_unlabeled, output, folds, fit_params, memory, *, n_jobs, names, progress
):
    """Return what the teacher of each fold answers; those that are remembered are not fitted.

    With `names`, say of each fold how its answer was come by.
    """
    entries = [memory.predictions(train, test) for train, test in folds]
    predictions = [None if entry is None else entry.get() for entry in entries]
    names = names or [None] * len(folds)
    for name, prediction in zip(names, predictions, strict=True):
        if name and prediction is not None:
            print(f"[teacher] {name}: remembered")
    fresh = iter(
        _parallel(n_jobs)(
            delayed(_predict_fold)(
                clone(teacher), X, y, X_unlabeled, output, train, test, fit_params, memory, name
            )
            for (train, test), prediction, name in zip(folds, predictions, names, strict=True)
            if prediction is None
        )
    )
    with progress.task("ask-teacher", max_tasks=len(folds)) as asking:
        for number, prediction in enumerate(predictions):
            with asking.task("fold"):
                predictions[number] = next(fresh) if prediction is None else prediction
    return [*predictions, *fresh]  # none are left, and joblib tidies up when it is asked for more


def _parallel(n_jobs):
    """Return what runs jobs, and gives each result as soon as it can be had in its turn."""
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # some of joblib's backends give all results at once
        return Parallel(n_jobs=n_jobs)


def _predict_fold(teacher, X, y, X_unlabeled, output, train, test, fit_params, memory, name):
    """Ask the teacher of a fold about the rows that it has not seen, and remember its answer."""
    entry = memory.predictions(train, test)
    teacher = _fit_fold(teacher, X, y, train, fit_params, memory, name)
    seen = output.seen_in(teacher, y[train])
    prediction = FoldPredictions(
        tested=output.predict_proba(teacher, _safe_indexing(X, test), seen),
        unlabeled=None if X_unlabeled is None else output.predict_proba(teacher, X_unlabeled, seen),
        # Once the answers are checked: until then these may be anything.
        seen=output.positions_of(seen),
    )
    if entry is not None:
        entry.put(prediction)
    return prediction


def _fit_fold(teacher, X, y, train, fit_params, memory, name):
    """Return a teacher fitted on the training rows of a fold, now or by a fit that kept it."""
    entry = memory.teacher(train)
    kept = entry and entry.get()
    if kept is not None:
        if name:
            print(f"[teacher] {name}: not remembered, its teacher is")
        return kept
    start = time.perf_counter()
    fit_teacher(teacher, _safe_indexing(X, train), y[train], rows_of(fit_params, train, y.shape[0]))
    if name:
        not_remembered = "" if entry is None else "not remembered, "
        seconds = time.perf_counter() - start
        print(f"[teacher] {name}: {not_remembered}fitted on {len(train)} rows in {seconds:.1f} s")
    if memory.keeps_teachers:
        entry.put(teacher)
    return teacher
