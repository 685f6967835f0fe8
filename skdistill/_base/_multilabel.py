"""Training data and targets of multilabel problems: the teacher's marginals of each label."""

import numpy as np
from scipy import sparse
from sklearn.frozen import FrozenEstimator

from .._targets._label_sets import LabelSets, check_indicator, label_set_scores
from .._teachers._frozen import frozen_proba, given_proba
from .._teachers._predict import MultilabelOutput
from .._utils._concatenate import stack_rows
from .._utils._groups import group_codes
from .._utils._named import check_row_names, columns_by_name
from .._utils._progress import Progress
from .._utils._random_state import seeded_clones
from .._utils._sample_weight import pop_row_weights
from .._utils._validation import check_marginals, column_names
from ._distillation import DistillationData, TeacherMixin, check_no_aligned_params


class LabelSetTeacherMixin(TeacherMixin):
    """Mixin for estimators that also compute label sets with a multilabel teacher."""

    def _multilabel_data(self, X, y, sample_weight, teacher_proba, X_unlabeled, params, top_k=None):
        """Check the input and return the training data, with label sets as soft labels."""
        self._check_teacher_parameters(teacher_proba, X_unlabeled)
        if self.teacher_temperature != 1:
            raise ValueError(
                "With several labels per row the teacher's probabilities are marginals, which a "
                f"temperature does not soften; got "
                f"teacher_temperature={self.teacher_temperature!r}. Leave it at 1.0, and calibrate "
                "the teacher itself."
            )
        progress = Progress.of_fit(self, max_tasks=2)
        dense = not sparse.issparse(y)
        relevant, classes = check_indicator(y, self.classes)
        X, X_unlabeled, sample_weight = self._check_rows(X, relevant, X_unlabeled, sample_weight)
        teacher, student = seeded_clones(
            self.random_state, self._unfitted_teacher(), self._unfitted_student()
        )
        routed = self._route(sample_weight, params)
        weight = pop_row_weights(routed.student.fit, student)
        group_codes(routed.splitter.split.get("groups"), relevant.shape[0])  # for the check
        if self.alpha == 0:  # ordinary training
            labels = LabelSets(relevant, relevant, classes, sample_weight=weight, dense=dense)
            return DistillationData(X, labels, 1.0, None, student, routed.student.fit, progress)

        X, X_unlabeled = self._add_sampled_rows(X, X_unlabeled, sample_weight)
        output = MultilabelOutput(classes, top_k)
        if teacher_proba is not None:
            check_row_names(teacher_proba, X, name="teacher_proba")
            given = self._check_marginals(teacher_proba, relevant.shape, classes)
            predictions = given_proba(given, teacher, X_unlabeled, output)
        elif isinstance(teacher, FrozenEstimator):
            predictions = frozen_proba(teacher, X, relevant, X_unlabeled, output)
        else:
            # Forests, one of which is the default, take no sparse indicator.
            indicator = (
                relevant.toarray().astype(int) if dense or self.teacher is None else relevant
            )
            folds = self._folds(X, indicator, routed)
            predictions = self._compute_teacher_proba(
                teacher, X, indicator, X_unlabeled, output, routed, folds, progress
            )
        label_sets = LabelSets(
            predictions.labelled, relevant, classes, sample_weight=weight, dense=dense
        )
        evaluated = LabelSets(predictions.labelled, relevant, classes, sample_weight=sample_weight)
        if not evaluated.weight.any():
            raise ValueError(
                f"Every one of the {len(evaluated)} rows has weight zero. Give sample_weight with "
                "positive entries."
            )
        scores = {"raw": label_set_scores(evaluated)}
        if X_unlabeled is not None:
            check_no_aligned_params(routed.student.fit, X, X_unlabeled)
            no_labels = sparse.csr_array(predictions.unlabeled.shape)
            label_sets = label_sets.append(
                LabelSets(predictions.unlabeled, no_labels, classes, is_labelled=False)
            )
            X = stack_rows(X, X_unlabeled)
        return DistillationData(X, label_sets, 1.0, scores, student, routed.student.fit, progress)

    def _check_marginals(self, teacher_proba, shape, classes):
        """Return given marginals; the columns of a dataframe are matched to the labels by name."""
        given = check_marginals(teacher_proba, name="teacher_proba")
        names = column_names(teacher_proba)
        if names is not None:
            given = columns_by_name(given, names, classes)
        if given.shape != shape:
            raise ValueError(
                f"teacher_proba must have the shape of the indicator y, {shape}; got shape "
                f"{given.shape}."
            )
        return given


def count_empty_rows(label_sets):
    """Return how many labelled rows have no label."""
    return int((label_sets.is_labelled & (np.diff(label_sets.relevant.indptr) == 0)).sum())
