"""The teacher: any estimator with `predict_proba`, turned into honest probabilities for rows.

Honest means independent of the labels they stand for: out of fold. A teacher that has seen a
row repeats its label (a forest exactly), and its soft label is then a hard one.
"""

import time
import warnings
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, gen_batches
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from ._class_codes import takes_codes, with_codes
from ._labels import class_places, encode, one_hot
from ._methods import may_have_method
from ._probabilities import row_sums, top_entries
from ._rows import count_rows, predict_on_copy, rows_of
from ._sample_weight import (
    how_to_hand_weights_on,
    let_pipelines_take_weights,
    teacher_takes_weights,
)
from ._teacher_memory import FoldAnswer
from ._validation import check_marginals, check_proba, column_names
from .metrics import brier_loss, expected_calibration_error, soft_log_loss

# A teacher of whose answers only the top k are kept gives so many probabilities at once.
BLOCK = 2**22


class TeacherProba(NamedTuple):
    """What a teacher says of the labelled rows, and of the unlabelled ones where there are any."""

    labelled: np.ndarray | sparse.csr_array  # (n_samples, n_classes)
    unlabeled: np.ndarray | sparse.csr_array | None  # (n_unlabeled, n_classes)
    unseen: np.ndarray  # (n_samples,), bool: rows whose class no teacher had seen
    within: list | None = None  # for each fold: of its training rows, by teachers of those alone

    def of(self, rows):
        """Return what is said of some of the labelled rows."""
        return self._replace(labelled=self.labelled[rows], unseen=self.unseen[rows])


def check_teacher(teacher):
    """Raise unless `teacher` can be asked for class probabilities."""
    if isinstance(teacher, type):
        raise TypeError(f"teacher must be an estimator, not a class; got {teacher.__name__}. "
                        f"Write teacher={teacher.__name__}().")  # fmt: skip
    if not may_have_method(teacher, "predict_proba"):
        raise _no_proba(teacher)


def _no_proba(teacher):
    """Return the error for a teacher without probabilities."""
    return TypeError(
        f"teacher must have predict_proba, which {teacher!r} has not. Wrap it, as in "
        "teacher=CalibratedClassifierCV(...), or give its probabilities to fit as teacher_proba."
    )


class ClassQuestion(NamedTuple):
    """Which class is it? Probabilities sum to one; sparse rows of the `top_k` if that is set."""

    classes: np.ndarray
    top_k: int | None = None

    def ask(self, teacher, X, seen=None):
        """Return a teacher's checked probabilities, one column per class, 0 where unknown."""

        def answer(rows):
            return _class_proba(teacher, rows, self.classes, seen)

        if self.top_k is None or self.top_k >= len(self.classes):
            return answer(X)
        proba = _in_blocks(answer, X, len(self.classes), self.top_k)
        proba.data /= np.repeat(row_sums(proba), np.diff(proba.indptr))
        return proba

    def seen_in(self, teacher, y):
        """Return the classes that a teacher has seen in its training labels."""
        return seen_classes(teacher, y)

    def places_of(self, known):
        """Return the sorted positions of the classes that a teacher has seen."""
        return np.sort(class_places(known, self.classes))

    def unseen(self, y, known):
        """Return which rows have a class that the teacher did not know."""
        return ~np.isin(encode(y, self.classes), known)

    def with_labels(self, proba, y, known):
        """Give the rows of classes that the teacher did not know their one-hot label back."""
        unseen = self.unseen(y, known)
        labels = one_hot(y, self.classes)
        if not sparse.issparse(proba):
            return np.where(unseen[:, None], labels.toarray(), proba)
        labels = sparse.diags_array(unseen.astype(float)) @ labels
        return sparse.diags_array((~unseen).astype(float)) @ proba + labels


class LabelsQuestion(NamedTuple):
    """Which labels has it? Sparse marginals, each in [0, 1], of the `top_k` if that is set."""

    classes: np.ndarray
    top_k: int | None = None

    def ask(self, teacher, X, seen=None):
        """Return a teacher's checked marginals, one column per label."""

        def answer(rows):
            return _marginals(teacher, rows, self.classes)

        return _in_blocks(answer, X, len(self.classes), self.top_k)

    def seen_in(self, teacher, y):
        """Return the labels that some row of the training labels has."""
        return self.classes[row_sums(y.T) > 0]

    def places_of(self, known):
        """Return the positions of the labels that a teacher has seen."""
        return np.flatnonzero(np.isin(self.classes, known))

    def unseen(self, y, known):
        """Return which rows have a label that the teacher never saw."""
        return row_sums(self._never_seen(y, known)) > 0

    def with_labels(self, proba, y, known):
        """Give rows the labels back that the teacher never saw: it could only say no."""
        saw = np.zeros(len(self.classes))
        saw[known] = 1
        return sparse.csr_array(proba @ sparse.diags_array(saw) + self._never_seen(y, known))

    def _never_seen(self, y, known):
        """Return the labels of rows, but those that the teacher saw."""
        never_seen = np.ones(len(self.classes))
        never_seen[known] = 0
        return sparse.csr_array(y) @ sparse.diags_array(never_seen)


def given_proba(proba, teacher, X_unlabeled, question):
    """Return probabilities that somebody else gave; a frozen teacher labels the unlabelled rows."""
    unlabeled = None
    if X_unlabeled is not None:
        known = check_frozen(teacher, question)
        lacking = np.setdiff1d(np.flatnonzero(proba.sum(axis=0)), known)
        if len(lacking):
            raise ValueError(
                f"The classes of the frozen teacher are not those of teacher_proba: it has "
                f"{_some(question.classes[known])}, y has {_some(question.classes)}, and "
                f"teacher_proba gives probability to {_some(question.classes[lacking])}. Give the "
                "model that teacher_proba is from, so that X_unlabeled is labelled alike."
            )
        unlabeled = question.ask(teacher, X_unlabeled)
    return TeacherProba(proba, unlabeled, np.zeros(proba.shape[0], dtype=bool))


def frozen_proba(teacher, X, y, X_unlabeled, question):
    """Return the probabilities of a teacher that is used as it is, a FrozenEstimator.

    A row whose class it never saw keeps its label, as with fold teachers.
    """
    known = check_frozen(teacher, question)
    unseen = question.unseen(y, known)
    if unseen.all():
        raise ValueError(
            f"The frozen teacher {teacher.estimator!r} has seen the class of none of the "
            f"{len(unseen)} rows: it knows {_some(question.classes[known])}. Give a teacher that "
            "was fitted on some of the classes of y."
        )
    proba = question.ask(teacher, X)
    if unseen.any():
        lacking = np.setdiff1d(question.classes, question.classes[known])
        warnings.warn(
            f"The frozen teacher never saw the classes {_some(lacking)}; {unseen.sum()} rows keep "
            "their own label. Fit it on rows of all classes, or pass it without FrozenEstimator.",
            UserWarning,
            stacklevel=5,
        )
        proba = question.with_labels(proba, y, known)
    return TeacherProba(
        labelled=proba,
        unlabeled=None if X_unlabeled is None else question.ask(teacher, X_unlabeled),
        unseen=unseen,
    )


def check_frozen(teacher, question):
    """Return the sorted positions of the classes that a frozen teacher knows.

    Raises unless it is fitted, and on no others than those of the question.
    """
    if hasattr(teacher.estimator, "fit"):
        try:
            check_is_fitted(teacher.estimator)
        except NotFittedError as error:
            raise NotFittedError(
                f"The frozen teacher {teacher.estimator!r} is not fitted. Fit it before you "
                "freeze it, or pass it without FrozenEstimator to have it cross-fitted."
            ) from error
    if isinstance(question, LabelsQuestion):
        # It has one column per label: its answers say how many.
        return np.arange(len(question.classes))
    known = np.asarray(getattr(teacher, "classes_", question.classes))
    places = class_places(known, question.classes)
    if (places < 0).any():
        lacking = np.delete(question.classes, places[places >= 0])
        raise ValueError(
            f"The classes of the frozen teacher are not those of y: it has {_some(known)}, y has "
            f"{_some(question.classes)}; it lacks {_some(lacking)}, and adds "
            f"{_some(known[places < 0])}. {_common_labels(known, question.classes, places)}"
        )
    return np.sort(places)


def _common_labels(known, classes, places):
    """Return how labels and a teacher that knows others are brought together."""
    if (places >= 0).any():
        return (
            "Fit the teacher on the same labels, or, if y does not show every class, list them all "
            "in classes."
        )
    if set(map(str, known.tolist())) & set(map(str, classes.tolist())):
        kinds = [type(labels.tolist()[0]).__name__ for labels in (known, classes)]
        return (
            f"They are alike but for their type, {kinds[0]} and {kinds[1]}: give y in the type of "
            f"the teacher's classes, as in np.asarray(y).astype({kinds[0]})."
        )
    return "Fit the teacher on the same labels."


def in_sample_proba(teacher, X, y, X_unlabeled, question, *, fit_params, memory, verbose, progress):
    """Return the probabilities that a teacher gives to the rows that it was fitted on."""
    all_rows = np.arange(y.shape[0])
    (answer,) = _ask_folds(
        teacher, X, y, X_unlabeled, question, [(all_rows, all_rows)], fit_params, memory,
        n_jobs=None, names=["in-sample"] if verbose else None, progress=progress,
    )  # fmt: skip
    return TeacherProba(answer.tested, answer.unlabeled, np.zeros(y.shape[0], dtype=bool))


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
    teacher, X, y, X_unlabeled, question, *,
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
    answers = _ask_folds(
        teacher, X, y, X_unlabeled, question, asked, fit_params, memory,
        n_jobs=n_jobs, names=names if verbose else None, progress=progress,
    )  # fmt: skip

    tested = [test for _, test in asked]
    own = slice(len(folds))
    _warn_of_unseen(names[own], answers[own], tested[own], y, question)
    everybody = _mean_proba(answers[own], tested[own], y, question)
    if not nested:
        return everybody
    within = []
    for fold, (train, _) in enumerate(folds):
        others = [len(folds) + number for number, pair in enumerate(pairs) if fold in pair]
        of_train = [np.isin(tested[number], train) for number in others]
        proba = _mean_proba(
            [answers[number].of(rows) for number, rows in zip(others, of_train, strict=True)],
            [tested[number][rows] for number, rows in zip(others, of_train, strict=True)],
            y,
            question,
        )
        within.append(proba.of(train))
    n_unseen = sum(proba.unseen.sum() for proba in within)
    if n_unseen:
        warnings.warn(
            "Teachers fitted without two folds never saw a class that they were asked about; "
            f"in {n_unseen} cases a row keeps its own label where alpha is chosen. Use fewer "
            "folds, or stratified ones.",
            UserWarning,
            stacklevel=3,
        )
    return everybody._replace(within=within)


def _without_both(fold, other):
    """Return the rows that both folds train on, and those of either one's test that it lacks."""
    (train, test), (other_train, other_test) = fold, other
    tested = np.concatenate(
        [test[np.isin(test, other_train)], other_test[np.isin(other_test, train)]]
    )
    return train[np.isin(train, other_train)], tested


def _mean_proba(answers, tested, y, question):
    """Return each row's mean answer over the teachers that tested it."""
    n_rows = y.shape[0]
    total = None
    n_tested, n_unseen = np.zeros((2, n_rows), dtype=int)
    for (proba, _, known), test in zip(answers, tested, strict=True):
        unseen = question.unseen(y[test], known)
        if unseen.any():
            proba = question.with_labels(proba, y[test], known)
        n_tested += np.bincount(test, minlength=n_rows)
        n_unseen += np.bincount(test[unseen], minlength=n_rows)
        # Each answer in the place of its row; a bootstrap may test a row twice.
        ones = np.ones(len(test))
        places = sparse.csr_array((ones, (test, np.arange(len(test)))), (n_rows, len(test)))
        total = places @ proba if total is None else total + places @ proba
    share = 1 / np.maximum(n_tested, 1)
    if sparse.issparse(total):
        mean = sparse.csr_array(sparse.diags_array(share) @ total)
    else:
        mean = total * share[:, None]
    unlabeled = None
    if answers[0].unlabeled is not None:
        unlabeled = sum(answer.unlabeled for answer in answers) / len(answers)
    return TeacherProba(mean, unlabeled, n_unseen == n_tested)


def _warn_of_unseen(names, answers, tested, y, question):
    """Say which teachers were asked about rows of classes that they never saw."""
    for name, answer, test in zip(names, answers, tested, strict=True):
        n_unseen = np.count_nonzero(question.unseen(y[test], answer.known))
        if n_unseen:
            lacking = np.setdiff1d(question.classes, question.classes[answer.known])
            warnings.warn(
                f"The teacher of {name} never saw the classes {_some(lacking)}; {n_unseen} "
                "rows keep their own label there. Use fewer folds, or stratified ones.",
                UserWarning,
                stacklevel=4,
            )


def teacher_scores(soft_labels):
    """Return how good probabilities are against the true labels of the same rows."""
    measures = {
        "log_loss": soft_log_loss,
        "brier": brier_loss,
        "ece": expected_calibration_error,
    }
    y = soft_labels.classes[soft_labels.codes]
    labels = one_hot(y, soft_labels.classes)  # as labels they would be looked through each time
    known = {"classes": soft_labels.classes, "sample_weight": soft_labels.weight}
    scores = {
        name: measure(labels, soft_labels.proba, **known) for name, measure in measures.items()
    }
    right = soft_labels.first_choice() == y
    return {**scores, "accuracy": float(np.average(right, weights=soft_labels.weight))}


def _ask_folds(
    teacher, X, y, X_unlabeled, question, folds, fit_params, memory, *, n_jobs, names, progress
):
    """Return what the teacher of each fold answers; those that are remembered are not fitted.

    With `names`, say of each fold how its answer was come by.
    """
    entries = [memory.answer(train, test) for train, test in folds]
    answers = [None if entry is None else entry.recall() for entry in entries]
    names = names or [None] * len(folds)
    for name, answer in zip(names, answers, strict=True):
        if name and answer is not None:
            print(f"[teacher] {name}: remembered")
    fresh = iter(
        _parallel(n_jobs)(
            delayed(_ask_fold)(
                clone(teacher), X, y, X_unlabeled, question, train, test, fit_params, memory, name
            )
            for (train, test), answer, name in zip(folds, answers, names, strict=True)
            if answer is None
        )
    )
    with progress.task("ask-teacher", max_tasks=len(folds)) as asking:
        for number, answer in enumerate(answers):
            with asking.task("fold"):
                answers[number] = next(fresh) if answer is None else answer
    return [*answers, *fresh]  # none are left, and joblib tidies up when it is asked for more


def _parallel(n_jobs):
    """Return what runs jobs, and gives each result as soon as it can be had in its turn."""
    try:
        return Parallel(n_jobs=n_jobs, return_as="generator")
    except ValueError:  # some of joblib's backends give all results at once
        return Parallel(n_jobs=n_jobs)


def _ask_fold(teacher, X, y, X_unlabeled, question, train, test, fit_params, memory, name):
    """Ask the teacher of a fold about the rows that it has not seen, and remember its answer."""
    entry = memory.answer(train, test)
    teacher = _fit_fold(teacher, X, y, train, fit_params, memory, name)
    known = question.seen_in(teacher, y[train])
    answer = FoldAnswer(
        tested=question.ask(teacher, _safe_indexing(X, test), known),
        unlabeled=None if X_unlabeled is None else question.ask(teacher, X_unlabeled, known),
        # Once the answers are checked: until then these may be anything.
        known=question.places_of(known),
    )
    if entry is not None:
        entry.keep(answer)
    return answer


def _fit_fold(teacher, X, y, train, fit_params, memory, name):
    """Return a teacher fitted on the training rows of a fold, now or by a fit that kept it."""
    entry = memory.teacher(train)
    kept = entry and entry.recall()
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
        entry.keep(teacher)
    return teacher


def check_takes_weights(teacher, *, stacklevel):
    """Return whether a teacher takes row weights; say so, with the remedy, where it does not.

    With metadata routing it gets what it requests, and nothing more is asked.
    """
    if get_config()["enable_metadata_routing"] or teacher_takes_weights(teacher):
        return True
    warnings.warn(
        f"{type(teacher).__name__} takes no sample_weight: the teacher is fitted without, and the "
        "weights count for the student and for teacher_scores_ only. "
        f"{how_to_hand_weights_on(teacher)}",
        UserWarning,
        stacklevel=stacklevel + 1,
    )
    return False


def fit_teacher(teacher, X, y, fit_params):
    """Fit a teacher in place; one that takes codes only is fitted on those of its labels."""
    y, fit_params = with_codes(teacher, y, fit_params)
    if "sample_weight" in fit_params:
        let_pipelines_take_weights(teacher)
    teacher.fit(X, y, **fit_params)
    return teacher


def seen_classes(teacher, y):
    """Return the classes that a teacher has seen in its training labels, as its columns come."""
    seen = np.unique(y)
    return seen if takes_codes(teacher) else np.asarray(getattr(teacher, "classes_", seen))


def _class_proba(teacher, X, classes, seen=None):
    """Return the teacher's checked probabilities with one column per class, zeros where unknown."""
    has_codes = seen is not None and takes_codes(teacher)
    own = None if has_codes else getattr(teacher, "classes_", None)
    known = np.asarray(own if own is not None else classes if seen is None else seen)
    name, answer = _answer(teacher, X)
    if has_codes and len(known) == 1:
        answer = answer[:, :1]  # XGBoost has two columns all the same
    proba = check_proba(answer, name=name)
    _check_one_row_each(proba, X, name)
    places = class_places(known, classes)
    is_one_to_one = (places >= 0).all() and len(np.unique(places)) == len(places)
    if not is_one_to_one or len(known) != proba.shape[1]:
        raise ValueError(
            f"The columns of {name} are not the classes of y: it has {proba.shape[1]} columns "
            f"and its classes are {_some(known)}, where y has {_some(classes)}. Let it give one "
            "column per class that it was fitted on, and list those in classes_, in that order."
        )
    order = _order_of_columns(answer, known)
    if own is not None and not np.array_equal(order, np.arange(len(known))):
        raise ValueError(
            f"{name} names its columns {_some(known[order])}, and its classes_ are in another "
            f"order, {_some(known)}. Bring the columns into the order of classes_."
        )
    aligned = np.zeros((proba.shape[0], len(classes)))
    aligned[:, places[order]] = proba.toarray() if sparse.issparse(proba) else proba
    return aligned


def _marginals(teacher, X, classes):
    """Return the teacher's checked marginals as CSR rows with one column per label."""
    name, answer = _answer(teacher, X)
    if isinstance(answer, list):  # as forests answer: for each label, (n_samples, 2)
        known = teacher.classes_
        answer = np.column_stack(
            [_of_present(each, labels) for each, labels in zip(answer, known, strict=True)]
        )
    proba = check_marginals(answer, name=name)
    _check_one_row_each(proba, X, name)
    if proba.shape[1] != len(classes):
        raise ValueError(
            f"{name} must have one column for each of the {len(classes)} labels of y; got shape "
            f"{proba.shape}."
        )
    proba = proba[:, np.argsort(_order_of_columns(answer, classes))]
    proba.sort_indices()
    return proba


def _answer(teacher, X):
    """Return what a question to a teacher is called, and the answer."""
    asked = teacher.estimator if isinstance(teacher, FrozenEstimator) else teacher
    if not hasattr(teacher, "predict_proba"):  # some say so only once they are fitted
        raise _no_proba(asked)
    answer = predict_on_copy(teacher.predict_proba, X)  # the student is to learn from X
    return f"{type(asked).__name__}.predict_proba(X)", answer


def _check_one_row_each(proba, X, name):
    """Raise unless a teacher says something of every row."""
    if proba.shape[0] != count_rows(X):
        raise ValueError(
            f"{name} has {proba.shape[0]} rows, and was asked about {count_rows(X)}. A "
            "teacher must answer for each row, in the order in which they come."
        )


def _order_of_columns(answer, classes):
    """Return the position in `classes` of each column, by name where a dataframe names classes."""
    places = {str(label): place for place, label in enumerate(classes.tolist())}
    names = [str(name) for name in column_names(answer) or []]
    in_order = set(names) != set(places)  # an array, or names of its own
    return np.arange(len(classes)) if in_order else np.array([places[name] for name in names])


def _of_present(proba, classes):
    """Return the probability of 1 from that of each class, of which there may be one only."""
    column = np.flatnonzero(np.asarray(classes) == 1)
    return proba[:, column[0]] if len(column) else np.zeros(len(proba))


def _in_blocks(answer, X, n_labels, top_k):
    """Return the largest entries of answers as CSR rows, asked for in blocks of rows."""
    blocks = gen_batches(max(1, count_rows(X)), max(1, BLOCK // n_labels))
    answers = (answer(_safe_indexing(X, rows)) for rows in blocks)
    if top_k is not None and top_k < n_labels:
        answers = (top_entries(proba, top_k) for proba in answers)
    return sparse.csr_array(sparse.vstack(list(answers), format="csr"))


def _some(labels):
    """Return labels as text, no more than can be read."""
    labels = list(np.asarray(labels).tolist())
    return f"{labels[:10]} and {len(labels) - 10} more" if len(labels) > 12 else f"{labels}"
