"""The teacher: any estimator with `predict_proba`, turned into honest probabilities for rows.

Honest means independent of the labels they stand for: out of fold. A teacher that has seen a
row repeats its label (a forest exactly), and its soft label is then a hard one.
"""

import time
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._rows import count_rows, rows_of
from ._validation import check_proba
from .metrics import brier_loss, expected_calibration_error, soft_log_loss


class TeacherProba(NamedTuple):
    """What a teacher says of the labelled rows, and of the unlabelled ones where there are any."""

    labelled: np.ndarray  # (n_samples, n_classes)
    unlabeled: np.ndarray | None  # (n_unlabeled, n_classes)
    unseen: np.ndarray  # (n_samples,), bool: rows whose class no teacher had seen


def check_teacher(teacher):
    """Raise unless `teacher` can be asked for class probabilities."""
    if isinstance(teacher, type):
        raise TypeError(f"teacher must be an estimator, not a class; got {teacher.__name__}. "
                        f"Write teacher={teacher.__name__}().")  # fmt: skip
    if not hasattr(teacher, "predict_proba"):
        raise TypeError(
            f"teacher must have predict_proba, which {teacher!r} has not. Wrap it, as in "
            "teacher=CalibratedClassifierCV(...), or give its probabilities to fit as "
            "teacher_proba."
        )


def given_proba(proba, teacher, X_unlabeled, classes):
    """Return probabilities that somebody else gave; a frozen teacher labels the unlabelled rows."""
    unlabeled = None
    if X_unlabeled is not None:
        check_frozen(teacher, classes)
        unlabeled = _ask(teacher, X_unlabeled, classes)
    return TeacherProba(proba, unlabeled, np.zeros(proba.shape[0], dtype=bool))


def frozen_proba(teacher, X, X_unlabeled, classes):
    """Return the probabilities of a teacher that is used as it is, a FrozenEstimator."""
    check_frozen(teacher, classes)
    return TeacherProba(
        labelled=_ask(teacher, X, classes),
        unlabeled=None if X_unlabeled is None else _ask(teacher, X_unlabeled, classes),
        unseen=np.zeros(count_rows(X), dtype=bool),
    )


def check_frozen(teacher, classes):
    """Raise unless a frozen teacher is fitted, and on the same classes."""
    if hasattr(teacher.estimator, "fit"):
        try:
            check_is_fitted(teacher.estimator)
        except NotFittedError as error:
            raise NotFittedError(
                f"The frozen teacher {teacher.estimator!r} is not fitted. Fit it before you "
                "freeze it, or pass it without FrozenEstimator to have it cross-fitted."
            ) from error
    known = getattr(teacher, "classes_", classes)
    if set(np.asarray(known).tolist()) != set(classes.tolist()):
        raise ValueError(
            f"The classes of the frozen teacher, {np.asarray(known).tolist()}, are not those of "
            f"y, {classes.tolist()}. Fit the teacher on the same labels, or, if y does not show "
            "every class, list them all in classes."
        )


def in_sample_proba(teacher, X, y, X_unlabeled, classes, *, fit_params, verbose):
    """Return the probabilities that a teacher gives to the rows that it was fitted on."""
    start = time.perf_counter()
    teacher = clone(teacher).fit(X, y, **fit_params)
    if verbose:
        print(f"[teacher] fitted in-sample in {time.perf_counter() - start:.1f} s")
    return TeacherProba(
        labelled=_ask(teacher, X, classes),
        unlabeled=None if X_unlabeled is None else _ask(teacher, X_unlabeled, classes),
        unseen=np.zeros(len(y), dtype=bool),
    )


def out_of_fold_proba(teacher, X, y, X_unlabeled, classes, *, folds, fit_params, n_jobs, verbose):
    """Return, for each row, the probabilities of the fold teachers that did not see it.

    A row that several folds test gets their mean; an unlabelled row gets the mean of all
    fold teachers. A row whose class the fold's teacher never saw keeps its one-hot label.
    """
    n_tested = np.bincount(np.concatenate([test for _, test in folds]), minlength=len(y))
    if (n_tested == 0).any():
        raise ValueError(
            f"The test folds of cv must cover every row; {(n_tested == 0).sum()} of {len(y)} rows "
            f"are in none of the {len(folds)}, the first is row {np.argmin(n_tested)}. Use a "
            "splitter that tests every row, such as KFold, StratifiedKFold or GroupKFold."
        )
    for number, (train, test) in enumerate(folds, start=1):
        shared = np.intersect1d(train, test)
        if len(shared):
            raise ValueError(
                f"Fold {number} of {len(folds)} tests {len(shared)} rows that it trains on, the "
                f"first is row {shared[0]}: its teacher would repeat their labels. Keep the two "
                'apart, or ask for that on purpose with cv="in-sample".'
            )
    answers = Parallel(n_jobs=n_jobs)(
        delayed(_ask_fold)(
            clone(teacher), X, y, X_unlabeled, classes, train, test, fit_params,
            f"[teacher] fold {number} of {len(folds)}" if verbose else None,
        )
        for number, (train, test) in enumerate(folds, start=1)
    )  # fmt: skip

    total = np.zeros((len(y), len(classes)))
    n_unseen = np.zeros(len(y), dtype=int)
    for number, ((_, test), (proba, _, known)) in enumerate(zip(folds, answers, strict=True), 1):
        columns = np.searchsorted(classes, y[test].astype(classes.dtype))
        unseen = ~np.isin(columns, known)
        if unseen.any():
            warnings.warn(
                f"The teacher of fold {number} of {len(folds)} never saw the classes "
                f"{np.unique(y[test][unseen]).tolist()}; {unseen.sum()} rows keep their one-hot "
                "label there. Use fewer folds, or stratified ones.",
                UserWarning,
                stacklevel=3,
            )
            proba[unseen] = 0
            proba[unseen, columns[unseen]] = 1
            n_unseen[test[unseen]] += 1
        np.add.at(total, test, proba)  # a bootstrap may test a row twice
    unlabeled = None
    if X_unlabeled is not None:
        unlabeled = sum(answer.unlabeled for answer in answers) / len(folds)
    return TeacherProba(total / n_tested[:, None], unlabeled, n_unseen == n_tested)


def teacher_scores(soft_labels):
    """Return how good probabilities are against the true labels of the same rows."""
    measures = {
        "log_loss": soft_log_loss,
        "brier": brier_loss,
        "ece": expected_calibration_error,
    }
    y = soft_labels.classes[soft_labels.codes]
    known = {"classes": soft_labels.classes, "sample_weight": soft_labels.weight}
    scores = {name: measure(y, soft_labels.proba, **known) for name, measure in measures.items()}
    right = soft_labels.first_choice() == y
    return {**scores, "accuracy": float(np.average(right, weights=soft_labels.weight))}


class _FoldAnswer(NamedTuple):
    """What one fold's teacher leaves behind; the teacher itself is let go."""

    tested: np.ndarray
    unlabeled: np.ndarray | None
    known: np.ndarray  # positions in classes of the classes that it saw


def _ask_fold(teacher, X, y, X_unlabeled, classes, train, test, fit_params, message):
    """Fit a teacher on the training rows of a fold and ask it about the others."""
    start = time.perf_counter()
    teacher.fit(_safe_indexing(X, train), y[train], **rows_of(fit_params, train, len(y)))
    known = getattr(teacher, "classes_", np.unique(y[train]))
    answer = _FoldAnswer(
        tested=_ask(teacher, _safe_indexing(X, test), classes, default=known),
        unlabeled=None if X_unlabeled is None else _ask(teacher, X_unlabeled, classes, known),
        known=np.flatnonzero(np.isin(classes, np.asarray(known).astype(classes.dtype))),
    )
    if message:
        print(f"{message}: fitted on {len(train)} rows in {time.perf_counter() - start:.1f} s")
    return answer


def _ask(teacher, X, classes, default=None):
    """Return the teacher's checked probabilities with one column per class, zeros where unknown."""
    known = np.asarray(getattr(teacher, "classes_", classes if default is None else default))
    name = f"{type(teacher).__name__}.predict_proba(X)"
    proba = check_proba(teacher.predict_proba(X), name=name)
    surplus = sorted(set(known.tolist()) - set(classes.tolist()), key=str)
    if surplus or len(known) != proba.shape[1]:
        raise ValueError(
            f"The columns of {name} are not the classes of y: it has {proba.shape[1]} columns "
            f"and its classes are {known.tolist()}, where y has {classes.tolist()}."
        )
    aligned = np.zeros((proba.shape[0], len(classes)))
    aligned[:, np.searchsorted(classes, known.astype(classes.dtype))] = proba
    return aligned
