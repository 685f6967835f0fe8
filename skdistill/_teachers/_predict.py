"""A fitted teacher's probabilities, checked, in columns that follow the classes of y."""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, gen_batches

from .._utils._class_codes import takes_codes
from .._utils._labels import class_positions, encode, one_hot
from .._utils._methods import may_have_method
from .._utils._probabilities import row_sums, top_entries
from .._utils._rows import count_rows, predict_on_copy
from .._utils._validation import check_marginals, check_proba, column_names

# A teacher of whose answers only the top k are kept gives so many probabilities at once.
BLOCK = 2**22


class TeacherProba(NamedTuple):
    """What a teacher says of the labelled rows, and of the unlabelled ones where there are any."""

    labelled: np.ndarray | sparse.csr_array  # (n_samples, n_classes)
    unlabeled: np.ndarray | sparse.csr_array | None  # (n_unlabeled, n_classes)
    unseen: np.ndarray  # (n_samples,), bool: rows whose class no teacher had seen
    nested_proba: list | None = (
        None  # for each fold: of its training rows, by teachers of those alone
    )

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


class MulticlassOutput(NamedTuple):
    """Which class is it? Probabilities sum to one; sparse rows of the `top_k` if that is set."""

    classes: np.ndarray
    top_k: int | None = None

    def predict_proba(self, teacher, X, seen=None):
        """Return a teacher's checked probabilities, one column per class, 0 where unknown."""

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
        """Return which rows have a class that the teacher did not know."""
        return ~np.isin(encode(y, self.classes), seen)

    def impute_unseen_classes(self, proba, y, seen):
        """Give the rows of classes that the teacher did not know their one-hot label back."""
        unseen = self.unseen(y, seen)
        labels = one_hot(y, self.classes)
        if not sparse.issparse(proba):
            return np.where(unseen[:, None], labels.toarray(), proba)
        labels = sparse.diags_array(unseen.astype(float)) @ labels
        return sparse.diags_array((~unseen).astype(float)) @ proba + labels


class MultilabelOutput(NamedTuple):
    """Which labels has it? Sparse marginals, each in [0, 1], of the `top_k` if that is set."""

    classes: np.ndarray
    top_k: int | None = None

    def predict_proba(self, teacher, X, seen=None):
        """Return a teacher's checked marginals, one column per label."""

        def prediction(rows):
            return _marginals(teacher, rows, self.classes)

        return _in_blocks(prediction, X, len(self.classes), self.top_k)

    def seen_in(self, teacher, y):
        """Return the labels that some row of the training labels has."""
        return self.classes[row_sums(y.T) > 0]

    def positions_of(self, seen):
        """Return the positions of the labels that a teacher has seen."""
        return np.flatnonzero(np.isin(self.classes, seen))

    def unseen(self, y, seen):
        """Return which rows have a label that the teacher never saw."""
        return row_sums(self._never_seen(y, seen)) > 0

    def impute_unseen_classes(self, proba, y, seen):
        """Give rows the labels back that the teacher never saw: it could only say no."""
        saw = np.zeros(len(self.classes))
        saw[seen] = 1
        return sparse.csr_array(proba @ sparse.diags_array(saw) + self._never_seen(y, seen))

    def _never_seen(self, y, seen):
        """Return the labels of rows, but those that the teacher saw."""
        never_seen = np.ones(len(self.classes))
        never_seen[seen] = 0
        return sparse.csr_array(y) @ sparse.diags_array(never_seen)


def seen_classes(teacher, y):
    """Return the classes that a teacher has seen in its training labels, as its columns come."""
    seen = np.unique(y)
    return seen if takes_codes(teacher) else np.asarray(getattr(teacher, "classes_", seen))


def _class_proba(teacher, X, classes, seen=None):
    """Return the teacher's checked probabilities with one column per class, zeros where unknown."""
    has_codes = seen is not None and takes_codes(teacher)
    own = None if has_codes else getattr(teacher, "classes_", None)
    own_classes = np.asarray(own if own is not None else classes if seen is None else seen)
    name, prediction = _predict_rows(teacher, X)
    if has_codes and len(own_classes) == 1:
        prediction = prediction[:, :1]  # XGBoost has two columns all the same
    proba = check_proba(prediction, name=name)
    _check_one_row_each(proba, X, name)
    positions = class_positions(own_classes, classes)
    is_one_to_one = (positions >= 0).all() and len(np.unique(positions)) == len(positions)
    if not is_one_to_one or len(own_classes) != proba.shape[1]:
        raise ValueError(
            f"The columns of {name} are not the classes of y: it has {proba.shape[1]} columns "
            f"and its classes are {shown(own_classes)}, where y has {shown(classes)}. Let it give "
            "one column per class that it was fitted on, and list those in classes_, in that order."
        )
    order = _order_of_columns(prediction, own_classes)
    if own is not None and not np.array_equal(order, np.arange(len(own_classes))):
        raise ValueError(
            f"{name} names its columns {shown(own_classes[order])}, and its classes_ are in "
            f"another order, {shown(own_classes)}. Bring the columns into the order of classes_."
        )
    aligned = np.zeros((proba.shape[0], len(classes)))
    aligned[:, positions[order]] = proba.toarray() if sparse.issparse(proba) else proba
    return aligned


def _marginals(teacher, X, classes):
    """Return the teacher's checked marginals as CSR rows with one column per label."""
    name, prediction = _predict_rows(teacher, X)
    if isinstance(prediction, list):  # as forests answer: for each label, (n_samples, 2)
        own_classes = teacher.classes_
        prediction = np.column_stack(
            [
                _of_present(each, labels)
                for each, labels in zip(prediction, own_classes, strict=True)
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
    """Return what a question to a teacher is called, and the answer."""
    asked = teacher.estimator if isinstance(teacher, FrozenEstimator) else teacher
    if not hasattr(teacher, "predict_proba"):  # some say so only once they are fitted
        raise _no_proba(asked)
    prediction = predict_on_copy(teacher.predict_proba, X)  # the student is to learn from X
    return f"{type(asked).__name__}.predict_proba(X)", prediction


def _check_one_row_each(proba, X, name):
    """Raise unless a teacher says something of every row."""
    if proba.shape[0] != count_rows(X):
        raise ValueError(
            f"{name} has {proba.shape[0]} rows, and was asked about {count_rows(X)}. A "
            "teacher must answer for each row, in the order in which they come."
        )


def _order_of_columns(prediction, classes):
    """Return the position in `classes` of each column, by name where a dataframe names classes."""
    positions = {str(label): place for place, label in enumerate(classes.tolist())}
    names = [str(name) for name in column_names(prediction) or []]
    in_order = set(names) != set(positions)  # an array, or names of its own
    return np.arange(len(classes)) if in_order else np.array([positions[name] for name in names])


def _of_present(proba, classes):
    """Return the probability of 1 from that of each class, of which there may be one only."""
    column = np.flatnonzero(np.asarray(classes) == 1)
    return proba[:, column[0]] if len(column) else np.zeros(len(proba))


def _in_blocks(prediction, X, n_labels, top_k):
    """Return the largest entries of answers as CSR rows, asked for in blocks of rows."""
    blocks = gen_batches(max(1, count_rows(X)), max(1, BLOCK // n_labels))
    predictions = (prediction(_safe_indexing(X, rows)) for rows in blocks)
    if top_k is not None and top_k < n_labels:
        predictions = (top_entries(proba, top_k) for proba in predictions)
    return sparse.csr_array(sparse.vstack(list(predictions), format="csr"))


def shown(labels):
    """Return labels as text, no more than can be read."""
    labels = list(np.asarray(labels).tolist())
    return f"{labels[:10]} and {len(labels) - 10} more" if len(labels) > 12 else f"{labels}"
