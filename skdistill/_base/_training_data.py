"""Values that the steps of `fit` pass on: the checked input, then the student's training data."""

from typing import NamedTuple, TypeAlias

import numpy as np
from sklearn.utils import Bunch, _safe_indexing

from .._targets._label_sets import LabelSets
from .._targets._regression_targets import RegressionTargets
from .._targets._soft_labels import SoftLabels
from .._teachers._folds import LabelledRows
from .._teachers._predict import MulticlassOutput, MultilabelOutput
from .._teachers._predict_numbers import RegressionOutput
from .._utils._concatenate import stack_rows
from .._utils._progress import Progress
from .._utils._rows import count_rows
from .._utils._typing import ArrayLike, Estimator, Proba, Rows

Targets: TypeAlias = SoftLabels | LabelSets | RegressionTargets


class FitArguments(NamedTuple):
    """Arguments of `fit` as the user gave them; for numbers, predictions instead of probabilities.

    Values that steps share have names of probabilities; the means of RegressionTargets have their
    place.
    """

    X: Rows
    y: ArrayLike
    sample_weight: ArrayLike | None
    teacher_proba: Proba | None
    X_unlabeled: Rows | None
    unlabeled_proba: Proba | None


class Weights(NamedTuple):
    """How teacher and unlabelled rows enter the targets; "auto" where the data decide."""

    alpha: float | str
    unlabeled_weight: float | str
    pseudo_labels: bool | str = False  # whether unlabelled rows have the most probable class alone

    @property
    def selects(self):
        """Whether a weight is chosen."""
        return "auto" in self

    @property
    def fold_proba(self):
        """Which probabilities the students need that are compared to choose a weight."""
        if not self.selects:
            return None
        return "nested" if self.alpha == "auto" else "unlabeled"


LABELS_ALONE = Weights(0.0, 0.0)
# The alpha where unlabelled rows matter more: 0, or 1 if that is clearly better.
LABELS_OR_TEACHER = "labels or teacher"


class FitInput(NamedTuple):
    """Checked arguments of `fit`, with what they are routed to; no teacher is fitted yet."""

    rows: LabelledRows  # X_unlabeled: all unlabelled rows, those that the augmenter samples too
    labels: Targets  # of ordinary training, with the student's weights
    scored_labels: Targets  # the same, with the weights of teacher_scores_
    output: MulticlassOutput | MultilabelOutput | RegressionOutput  # of the teacher
    teacher_proba: Proba | None  # given by the user, checked; NaN in rows without any
    unlabeled_proba: Proba | None  # given for X_unlabeled, checked
    teacher: Estimator  # an unfitted clone, seeded; or frozen
    student: Estimator  # an unfitted clone, seeded
    params: Bunch  # metadata for the fit of teacher and student, and for the splitter
    folds: list | None  # of the labelled rows, where needed
    groups: np.ndarray | None  # group number of each labelled row
    weights: Weights
    progress: Progress

    @property
    def predicted_rows(self):
        """Labelled rows, and the unlabelled ones that the teacher has to predict."""
        if self.unlabeled_proba is None:
            return self.rows
        return self.rows._replace(X_unlabeled=None)


class FoldData(NamedTuple):
    """One fold of the labelled rows: training rows and test rows.

    Where teachers are fitted here, those of its soft labels have not seen its test rows, those of
    labelled rows only unless it leaks. Else `soft_labels` is None, and those of the whole training
    data are used.
    """

    train: np.ndarray  # positions among the labelled rows
    test: np.ndarray
    soft_labels: Targets | None  # of the training rows, then of the unlabelled rows
    leaks: bool = False  # whether the teachers of its training rows have seen its test rows


class DistillationData(NamedTuple):
    """Training rows and targets of a student."""

    X: Rows
    soft_labels: Targets
    student: Estimator  # an unfitted clone, seeded
    student_params: dict  # metadata routed to the student's fit
    progress: Progress  # of the fit that uses these data
    temperature: float = 1.0
    scores: dict | None = None  # of the teacher
    folds: list[FoldData] | None = None  # for the choice of alpha
    groups: np.ndarray | None = None  # group number of each labelled row
    weights: Weights = LABELS_ALONE  # those used; the weight is 0 without unlabelled rows
    leaf_shrinkage: float = 0.0  # of a tree or forest
    alpha_curve: object | None = None

    @property
    def classes(self):
        """The labels, sorted."""
        return self.soft_labels.classes

    @classmethod
    def of_labels(cls, inputs):
        """Return the data of ordinary training."""
        return cls(
            inputs.rows.X, inputs.labels, inputs.student, inputs.params.student.fit, inputs.progress
        )

    @classmethod
    def of_teacher(cls, inputs, predictions):
        """Return the data with a teacher's probabilities as targets, unlabelled rows at the end."""
        data = cls.of_labels(inputs)
        X, _, X_unlabeled = inputs.rows
        if X_unlabeled is not None:
            check_no_aligned_params(data.student_params, X, X_unlabeled)
            data = data._replace(X=stack_rows(X, X_unlabeled))
        soft_labels = teacher_targets(inputs.labels, predictions)
        return data._replace(soft_labels=soft_labels, groups=inputs.groups)

    def soften(self, temperature, top_k):
        """Return the data with tempered and truncated targets, for every fold too."""

        def soften(data):
            if data.soft_labels is None:
                return data
            return data._replace(soft_labels=data.soft_labels.soften(temperature, top_k))

        folds = self.folds and [soften(fold) for fold in self.folds]
        return soften(self)._replace(temperature=float(temperature), folds=folds)

    def mix_with_labels(self, weights):
        """Return the data with targets mixed with the labels, and weighted unlabelled rows."""
        rows, soft_labels = student_targets(self.soft_labels, weights)
        if len(rows) < len(self.soft_labels):
            self = self._replace(X=_safe_indexing(self.X, rows))
        return self._replace(soft_labels=soft_labels, weights=weights)


def student_targets(soft_labels, weights):
    """Return which rows a student is fitted to, and their targets: mixed, and weighted.

    With unlabeled_weight = 0, unlabelled rows are left out.
    """
    is_labelled = soft_labels.is_labelled
    targets = soft_labels.soften(alpha=weights.alpha)
    if is_labelled.all():
        return np.arange(len(soft_labels)), targets
    if weights.unlabeled_weight == 0:
        rows = np.flatnonzero(is_labelled)
        return rows, targets.take(rows)
    if weights.pseudo_labels:
        targets = targets.harden_unlabeled()
    row_weights = np.where(is_labelled, 1.0, weights.unlabeled_weight)
    return np.arange(len(soft_labels)), targets.reweight_rows(row_weights)


def targets_without_leak(soft_labels, weights):
    """Return the same where the teachers of labelled rows have seen held-out labels.

    Labelled rows keep their labels; with alpha = 1, where only the teacher counts, they are left
    out.
    """
    rows, targets = student_targets(soft_labels, weights._replace(alpha=0.0))
    if weights.alpha < 1:
        return rows, targets
    unlabeled = np.flatnonzero(~targets.is_labelled)
    return rows[unlabeled], targets.take(unlabeled)


def teacher_targets(labels, predictions):
    """Return labels with a teacher's probabilities as targets, followed by unlabelled rows."""
    targets = labels.replace_proba(predictions.labelled)
    if predictions.unlabeled is None:
        return targets
    return targets.append_unlabeled(predictions.unlabeled)


def fold_data(inputs, predictions):
    """Return the data of each fold; without soft labels if the teachers may have seen its rows."""
    if predictions.fold_proba is None:
        return [FoldData(fold.train, fold.test, None) for fold in inputs.folds]
    leaks = inputs.weights.alpha == LABELS_OR_TEACHER
    targets = [
        teacher_targets(inputs.labels.take(fold.train), proba)
        for fold, proba in zip(inputs.folds, predictions.fold_proba, strict=True)
    ]
    return [
        FoldData(fold.train, fold.test, soft_labels, leaks)
        for fold, soft_labels in zip(inputs.folds, targets, strict=True)
    ]


def check_no_aligned_params(fit_params, X, X_unlabeled):
    """Raise if a student's fit parameters have one entry per labelled row only."""
    aligned = [name for name, value in fit_params.items() if count_rows(value) == count_rows(X)]
    if aligned:
        raise ValueError(
            f"The student's fit parameters {aligned} have one entry for each of the "
            f"{count_rows(X)} labelled rows and none for the {count_rows(X_unlabeled)} "
            "unlabelled ones. Let the student request none of them, or add the rows yourself and "
            "train on all of them, as SoftLabelClassifier does for classes."
        )
