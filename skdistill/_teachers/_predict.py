"""Predicted probabilities of a fitted teacher: checked, with one column per class of y."""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, gen_batches

from .._targets._label_sets import LabelSets, label_set_scores
from .._targets._soft_labels import SoftLabels, aligned_proba
from .._utils._class_codes import takes_codes
from .._utils._labels import class_positions, encode, one_hot
from .._utils._methods import may_have_method
from .._utils._named import check_row_names, columns_by_name
from .._utils._probabilities import row_sums, top_entries
from .._utils._rows import count_rows, predict_on_copy
from .._utils._validation import check_marginals, check_proba, column_names
from ._scores import teacher_scores
from ._seen_rows import warn_if_seen

# Number of probabilities that are predicted at once if only the top k are kept.
BLOCK = 2**22


class TeacherProba(NamedTuple):
    """A teacher's probabilities for the labelled rows, and for the unlabelled rows if any."""

    labelled: np.ndarray | sparse.csr_array  # (n_samples, n_classes)
    unlabeled: np.ndarray | sparse.csr_array | None  # (n_unlabeled, n_classes)
    unseen: np.ndarray  # (n_samples,), bool: rows whose class no teacher has seen
    # For each fold: the probabilities of its training rows and of the unlabelled rows, by teachers
    # that have not seen its test rows.
    fold_proba: list | None = None

    def with_unlabeled(self, proba):
        """Return the same with probabilities of the unlabelled rows, in those of folds too."""
        of_folds = self.fold_proba and [each.with_unlabeled(proba) for each in self.fold_proba]
        return self._replace(unlabeled=proba, fold_proba=of_folds)

    def map(self, function):
        """Return a function of the probabilities of all rows, in those of folds too."""
        of_folds = self.fold_proba and [each.map(function) for each in self.fold_proba]
        unlabeled = None if self.unlabeled is None else function(self.unlabeled)
        return self._replace(
            labelled=function(self.labelled), unlabeled=unlabeled, fold_proba=of_folds
        )

    def take(self, rows):
        """Return the probabilities of some of the labelled rows."""
        return self._replace(labelled=self.labelled[rows], unseen=self.unseen[rows])


def check_teacher(teacher):
    """Raise unless `teacher` has `predict_proba`."""
    if isinstance(teacher, type):
        raise TypeError(f"teacher must be an estimator, not a class; got {teacher.__name__}. "
                        f"Write teacher={teacher.__name__}().")  # fmt: skip
    if not may_have_method(teacher, "predict_proba"):
        raise _no_proba(teacher)


def _no_proba(teacher):
    """Return the error for a teacher without probabilities."""
    remedy = "Wrap it, as in teacher=CalibratedClassifierCV(...)"
    if isinstance(teacher, VotingClassifier) and teacher.voting == "hard":
        remedy = 'Set voting="soft"'
    return TypeError(
        f"teacher must have predict_proba; {teacher!r} has none. {remedy}, or pass its "
        "probabilities to fit as teacher_proba."
    )


class MulticlassOutput(NamedTuple):
    """Multiclass predictions: probabilities that sum to one; with `top_k`, as sparse rows."""

    classes: np.ndarray
    top_k: int | None = None

    def targets(self, y, sample_weight=None):
        """Return labels as targets of ordinary training."""
        return SoftLabels._from_codes(encode(y, self.classes), self.classes, sample_weight)

    def check_unlabeled(self, proba, X_unlabeled):
        """Return given probabilities of the unlabelled rows, one column per class."""
        if proba is None:
            return None
        check_row_names(proba, X_unlabeled, name="unlabeled_proba", of="X_unlabeled")
        proba, _ = aligned_proba(proba, self.classes, name="unlabeled_proba")
        _check_one_row_each(proba, X_unlabeled, "unlabeled_proba", "X_unlabeled")
        return proba

    def impute_absent_rows(self, proba, y):
        """Give rows of NaN their one-hot label; return also which rows these are."""
        absent = np.zeros(proba.shape[0], dtype=bool)
        if not sparse.issparse(proba):
            absent = np.isnan(proba).any(axis=1)
        if not absent.any():
            return proba, absent
        return np.where(absent[:, None], one_hot(y, self.classes).toarray(), proba), absent

    def evaluated(self, labels, predictions):
        """Return the teacher's probabilities of the rows whose class some teacher has seen."""
        if predictions.unseen.all():
            raise ValueError(
                "No fold's teacher has seen the class of any of its test rows: the folds of cv "
                "leave out whole classes. Use stratified folds, or groups that hold several "
                "classes."
            )
        soft_labels = labels.replace_proba(predictions.labelled)
        if predictions.unseen.any():
            soft_labels = soft_labels.take(~predictions.unseen)
        soft_labels.check_some_weight()
        return soft_labels

    def scores(self, soft_labels, temperature):
        """Return the scores of a teacher's probabilities, before and after tempering."""
        raw = teacher_scores(soft_labels)
        if temperature == 1:
            return {"raw": raw, "tempered": dict(raw)}
        return {"raw": raw, "tempered": teacher_scores(soft_labels.temper(temperature))}

    def predict_proba(self, teacher, X, seen=None):
        """Return a teacher's checked probabilities, one column per class, 0 for unseen ones."""

        def prediction(rows):
            return _class_proba(teacher, rows, self.classes, seen)

        if self.top_k is None or self.top_k >= len(self.classes):
            return prediction(X)
        proba = _in_blocks(prediction, X, len(self.classes), self.top_k)
        proba.data /= np.repeat(row_sums(proba), np.diff(proba.indptr))
        return proba

    def seen_in(self, teacher, y):
        """Return the classes that a teacher has seen in its training labels."""
        return seen_classes(teacher, y)

    def positions_of(self, seen):
        """Return the sorted positions of the classes that a teacher has seen."""
        return np.sort(class_positions(seen, self.classes))

    def unseen(self, y, seen):
        """Return which rows have a class that the teacher has not seen."""
        if len(seen) == len(self.classes):
            return np.zeros(len(y), dtype=bool)
        return ~np.isin(encode(y, self.classes), seen)

    def impute_unseen_classes(self, proba, y, seen):
        """Give rows of unseen classes their one-hot label; return also which rows these are."""
        unseen = self.unseen(y, seen)
        if not unseen.any():
            return proba, unseen
        labels = one_hot(y, self.classes)
        if not sparse.issparse(proba):
            return np.where(unseen[:, None], labels.toarray(), proba), unseen
        labels = sparse.diags_array(unseen.astype(float)) @ labels
        return sparse.diags_array((~unseen).astype(float)) @ proba + labels, unseen

    def warn_if_seen(self, teacher, X, y):
        """Warn if a frozen teacher was visibly fitted on these rows."""
        warn_if_seen(teacher, X, y)


class MultilabelOutput(NamedTuple):
    """Multilabel predictions: sparse marginals, each in [0, 1], with `top_k` only the largest."""

    classes: np.ndarray
    top_k: int | None = None
    dense: bool = False  # whether the user's indicator is dense

    def targets(self, y, sample_weight=None):
        """Return an indicator as targets of ordinary training."""
        relevant = sparse.csr_array(y, dtype=np.float64)
        return LabelSets(relevant, self.classes, sample_weight=sample_weight, dense=self.dense)

    def check_unlabeled(self, proba, X_unlabeled):
        """Return given marginals of the unlabelled rows, one column per label."""
        if proba is None:
            return None
        check_row_names(proba, X_unlabeled, name="unlabeled_proba", of="X_unlabeled")
        proba = given_marginals(proba, self.classes, name="unlabeled_proba")
        if proba.shape[1] != len(self.classes):
            raise ValueError(
                f"unlabeled_proba must have one column for each of the {len(self.classes)} labels "
                f"of y; got shape {proba.shape}."
            )
        _check_one_row_each(proba, X_unlabeled, "unlabeled_proba", "X_unlabeled")
        return proba

    def impute_absent_rows(self, proba, y):
        """Return marginals unchanged: none are missing."""
        return proba, np.zeros(proba.shape[0], dtype=bool)

    def evaluated(self, labels, predictions):
        """Return the teacher's marginals of all rows."""
        label_sets = labels.replace_proba(predictions.labelled)
        label_sets.check_some_weight()
        return label_sets

    def scores(self, label_sets, temperature):
        """Return the scores of a teacher's marginals, which are not tempered."""
        return {"raw": label_set_scores(label_sets)}

    def predict_proba(self, teacher, X, seen=None):
        """Return a teacher's checked marginals, one column per label."""

        def prediction(rows):
            return _marginals(teacher, rows, self.classes)

        return _in_blocks(prediction, X, len(self.classes), self.top_k)

    def seen_in(self, teacher, y):
        """Return the labels that occur in the training labels."""
        return self.classes[row_sums(y.T) > 0]

    def positions_of(self, seen):
        """Return the positions of the labels that a teacher has seen."""
        return np.flatnonzero(np.isin(self.classes, seen))

    def unseen(self, y, seen):
        """Return which rows have a label that the teacher has not seen."""
        return row_sums(self._unseen_labels(y, seen)) > 0

    def impute_unseen_classes(self, proba, y, seen):
        """Give unseen labels the entries of y; return also which rows have such labels."""
        unseen = self.unseen(y, seen)
        if not unseen.any():
            return proba, unseen
        is_seen = np.zeros(len(self.classes))
        is_seen[seen] = 1
        seen_part = proba @ sparse.diags_array(is_seen)
        return sparse.csr_array(seen_part + self._unseen_labels(y, seen)), unseen

    def warn_if_seen(self, teacher, X, y):
        """Do nothing: label sets are not compared with what a teacher was fitted on."""

    def _unseen_labels(self, y, seen):
        """Return the labels of rows, without those that the teacher has seen."""
        is_unseen = np.ones(len(self.classes))
        is_unseen[seen] = 0
        return sparse.csr_array(y) @ sparse.diags_array(is_unseen)


def seen_classes(teacher, y):
    """Return the classes in a teacher's training labels, in the order of its columns."""
    seen = np.unique(y)
    return seen if takes_codes(teacher) else np.asarray(getattr(teacher, "classes_", seen))


def _class_proba(teacher, X, classes, seen=None):
    """Return the teacher's checked probabilities, one column per class, 0 for unseen ones."""
    name, prediction = _predict_rows(teacher, X)
    return checked_class_proba(teacher, prediction, X, classes, seen, name=name)


def checked_class_proba(teacher, prediction, X, classes, seen=None, *, name="predict_proba(X)"):
    """Return what a teacher predicted for rows, checked, one column per class, 0 for unseen."""
    has_codes = seen is not None and takes_codes(teacher)
    declared = None if has_codes else getattr(teacher, "classes_", None)
    if declared is not None:
        teacher_classes = np.asarray(declared)
    else:
        teacher_classes = np.asarray(classes if seen is None else seen)
    if has_codes and len(teacher_classes) == 1:
        prediction = np.ones((len(prediction), 1))  # XGBoost has two columns, or the sigmoid of 0
    proba = check_proba(prediction, name=name)
    _check_one_row_each(proba, X, name)
    positions = class_positions(teacher_classes, classes)
    is_one_to_one = (positions >= 0).all() and len(np.unique(positions)) == len(positions)
    if not is_one_to_one or len(teacher_classes) != proba.shape[1]:
        raise ValueError(
            f"The columns of {name} are not the classes of y: it has {proba.shape[1]} columns "
            f"and its classes are {shown(teacher_classes)}, but y has {shown(classes)}. Return "
            "one column per class of its training data, and list these in classes_, in that order."
        )
    order = _order_of_columns(prediction, teacher_classes)
    if declared is not None and not np.array_equal(order, np.arange(len(teacher_classes))):
        raise ValueError(
            f"{name} names its columns {shown(teacher_classes[order])}, and its classes_ are in "
            f"another order, {shown(teacher_classes)}. Bring the columns into the order of "
            "classes_."
        )
    aligned = np.zeros((proba.shape[0], len(classes)))
    aligned[:, positions[order]] = proba.toarray() if sparse.issparse(proba) else proba
    return aligned


def _marginals(teacher, X, classes):
    """Return the teacher's checked marginals as CSR rows with one column per label."""
    name, prediction = _predict_rows(teacher, X)
    if isinstance(prediction, list):  # of forests: one array (n_samples, 2) per label
        prediction = np.column_stack(
            [
                _positive_proba(each, labels)
                for each, labels in zip(prediction, teacher.classes_, strict=True)
            ]
        )
    proba = check_marginals(prediction, name=name)
    _check_one_row_each(proba, X, name)
    if proba.shape[1] != len(classes):
        raise ValueError(
            f"{name} must have one column for each of the {len(classes)} labels of y; got shape "
            f"{proba.shape}."
        )
    proba = proba[:, np.argsort(_order_of_columns(prediction, classes))]
    proba.sort_indices()
    return proba


def _predict_rows(teacher, X):
    """Return the name of the call for error messages, and the teacher's prediction."""
    estimator = teacher.estimator if isinstance(teacher, FrozenEstimator) else teacher
    if not hasattr(teacher, "predict_proba"):  # known for some estimators only after fit
        raise _no_proba(estimator)
    prediction = predict_on_copy(teacher.predict_proba, X)  # the student is fitted on X later
    return f"{type(estimator).__name__}.predict_proba(X)", prediction


def _check_one_row_each(proba, X, name, name_of_rows="X"):
    """Raise unless a prediction has one row per row of X."""
    if proba.shape[0] != count_rows(X):
        raise ValueError(
            f"{name} has {proba.shape[0]} rows, but {name_of_rows} has {count_rows(X)}. A teacher "
            f"must predict each row, in the order of {name_of_rows}."
        )


def given_marginals(proba, classes, *, name):
    """Return given marginals; the columns of a dataframe are matched to the labels by name."""
    given, names = check_marginals(proba, name=name), column_names(proba)
    if names is not None:
        given = columns_by_name(given, names, classes)
    return given


def _order_of_columns(prediction, classes):
    """Return the position in `classes` of each column, by name where a dataframe names classes."""
    positions = {str(label): position for position, label in enumerate(classes.tolist())}
    names = [str(name) for name in column_names(prediction) or []]
    in_order = set(names) != set(positions)  # an array, or unrelated names
    return np.arange(len(classes)) if in_order else np.array([positions[name] for name in names])


def _positive_proba(proba, classes):
    """Return the probability of class 1; 0 if it is not among the classes."""
    column = np.flatnonzero(np.asarray(classes) == 1)
    return proba[:, column[0]] if len(column) else np.zeros(len(proba))


def _in_blocks(prediction, X, n_labels, top_k):
    """Return the largest entries of predictions as CSR rows, predicted in blocks of rows."""
    blocks = gen_batches(max(1, count_rows(X)), max(1, BLOCK // n_labels))
    predictions = (prediction(_safe_indexing(X, rows)) for rows in blocks)
    if top_k is not None and top_k < n_labels:
        predictions = (top_entries(proba, top_k) for proba in predictions)
    return sparse.csr_array(sparse.vstack(list(predictions), format="csr"))


def shown(labels):
    """Return labels as text, abbreviated if there are more than twelve."""
    labels = list(np.asarray(labels).tolist())
    return f"{labels[:10]} and {len(labels) - 10} more" if len(labels) > 12 else f"{labels}"
