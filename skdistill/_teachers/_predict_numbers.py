"""Predictions of a teacher of a continuous target: checked, one column per output."""

from typing import NamedTuple

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

from .._targets._regression_targets import RegressionTargets
from .._utils._named import check_row_names
from .._utils._rows import count_rows, predict_on_copy
from .._utils._validation import column_names, without_mask
from ._scores import regression_scores
from ._seen_rows import warn_if_seen


class RegressionOutput(NamedTuple):
    """Predictions of numbers: one column per output.

    The methods are those of MulticlassOutput, whose probabilities are means here. No class is
    ever unseen.
    """

    n_outputs: int
    by_columns: bool = False  # whether y has two dimensions
    names: tuple | None = None  # of the columns of y, if it is a dataframe

    @property
    def top_k(self):
        """None: nothing is truncated."""
        return None

    @property
    def shape(self):
        """Shape of the values of one row."""
        return (self.n_outputs,) if self.by_columns else ()

    @property
    def classes(self):
        """Numbers of the outputs, in the place of the classes."""
        return np.arange(self.n_outputs)

    def targets(self, y, sample_weight=None):
        """Return values as targets of ordinary training."""
        return RegressionTargets.of_values(y.reshape(len(y), self.n_outputs), sample_weight)

    def check_given(self, numbers, X, *, name, of="X", missing=False):
        """Return given predictions as (n_rows, n_outputs); rows of NaN are allowed if `missing`."""
        check_row_names(numbers, X, name=name, of=of)
        columns = column_names(numbers)
        given = self._checked(numbers, count_rows(X), name, of)
        if columns is not None and self.names is not None:
            given = given[:, self._order_of(columns, name)]
        absent = np.isnan(given).all(axis=1) if missing else np.zeros(len(given), dtype=bool)
        _check_finite(given[~absent], np.flatnonzero(~absent), name, missing)
        return given

    def check_unlabeled(self, numbers, X_unlabeled):
        """Return given predictions of the unlabelled rows, one column per output."""
        if numbers is None:
            return None
        return self.check_given(numbers, X_unlabeled, name="unlabeled_pred", of="X_unlabeled")

    def impute_absent_rows(self, mean, y):
        """Give rows of NaN their own value; return also which rows these are."""
        absent = np.isnan(mean).any(axis=1)
        values = np.reshape(y, mean.shape)
        return np.where(absent[:, None], values, mean), absent

    def evaluated(self, labels, predictions):
        """Return the teacher's predictions of the rows that have one."""
        targets = labels.replace_proba(predictions.labelled).take(~predictions.unseen)
        targets.check_some_weight()
        return targets

    def scores(self, targets, temperature):
        """Return the scores of a teacher's predictions."""
        return regression_scores(targets.values, targets.mean, targets.weight)

    def predict_proba(self, teacher, X, seen=None):
        """Return a teacher's checked predictions, one column per output."""
        estimator = teacher.estimator if isinstance(teacher, FrozenEstimator) else teacher
        name = f"{type(estimator).__name__}.predict(X)"
        numbers = predict_on_copy(teacher.predict, X)  # the student is fitted on X later
        predicted = self._checked(numbers, count_rows(X), name, "X")
        _check_finite(predicted, np.arange(len(predicted)), name)
        return predicted

    def seen_in(self, teacher, y):
        """Return the outputs, all of which a teacher has seen."""
        return self.classes

    def positions_of(self, seen):
        """Return the positions of the outputs."""
        return self.classes

    def unseen(self, y, seen):
        """Return which rows have a value that the teacher cannot predict: none."""
        return np.zeros(len(y), dtype=bool)

    def impute_unseen_classes(self, mean, y, seen):
        """Return predictions unchanged: nothing is unseen."""
        return mean, self.unseen(y, seen)

    def warn_if_seen(self, teacher, X, y):
        """Warn if a frozen teacher was visibly fitted on these rows."""
        # The rows in each leaf are counted; values are all different, and show nothing more.
        warn_if_seen(
            teacher,
            X,
            np.zeros(len(y)),
            "Its predictions repeat their values. Pass teacher_pred=cross_val_predict(model, X, y) "
            "to fit, with cross_val_predict of sklearn.model_selection, or the model without "
            "FrozenEstimator.",
        )

    def _checked(self, numbers, n_rows, name, of):
        """Return numbers as float64 of shape (n_rows, n_outputs)."""
        try:
            numbers = without_mask(np.asanyarray(numbers, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must hold numbers, one row per row of {of}: {error}") from (
                error
            )
        columns = numbers[:, None] if numbers.ndim == 1 else numbers
        if columns.shape != (n_rows, self.n_outputs):
            one = f" or ({n_rows},)" if self.n_outputs == 1 else ""
            raise ValueError(
                f"{name} must have one prediction for each row of {of} and each output of y, shape "
                f"({n_rows}, {self.n_outputs}){one}; got shape {numbers.shape}."
            )
        return columns

    def _order_of(self, columns, name):
        """Return the positions of the columns of a dataframe in the order of those of y."""
        if self.n_outputs == 1:
            return [0]
        if sorted(map(str, columns)) != sorted(map(str, self.names)):
            raise ValueError(
                f"The columns of {name} are {columns}, and those of y {list(self.names)}. Rename "
                f"the columns of {name}, or give it as an array in the order of y."
            )
        positions = {str(column): position for position, column in enumerate(columns)}
        return [positions[str(output)] for output in self.names]


def check_regression_teacher(teacher):
    """Raise unless `teacher` predicts numbers."""
    check_predicts_numbers(teacher, "teacher")


def check_predicts_numbers(estimator, role):
    """Raise for a classifier, and for any other estimator that is no regressor.

    An object without scikit-learn tags needs `predict`.
    """
    if isinstance(estimator, type):
        raise TypeError(
            f"{role} must be an estimator, not a class; got {estimator.__name__}. Write "
            f"{role}={estimator.__name__}()."
        )
    kind = None
    if hasattr(estimator, "__sklearn_tags__"):
        kind = get_tags(estimator).estimator_type
    if kind == "classifier":
        raise TypeError(
            f"{role} must be a regressor, and {estimator!r} is a classifier. Use a regressor; for "
            "a target of classes, use DistilledClassifier."
        )
    if kind not in (None, "regressor") or not hasattr(estimator, "predict"):
        raise TypeError(
            f"{role} must be a regressor, an estimator whose predict returns numbers; got "
            f"{estimator!r}."
        )


def _check_finite(numbers, rows, name, missing=False):
    """Raise unless all entries are finite; `rows` numbers the rows."""
    bad = ~np.isfinite(numbers).all(axis=1)
    if bad.any():
        remedy = "A row without a prediction must be NaN in every column." if missing else ""
        raise ValueError(
            f"{name} holds NaN or infinity in {bad.sum()} rows, the first is row "
            f"{rows[np.argmax(bad)]}. Find out why its source failed there. {remedy}".rstrip()
        )
