"""The steps of `fit` that all estimators with a teacher and a student share.

Validate, teacher probabilities, soften, fit the student, set attributes: each estimator's `fit`
calls them in this order, and each step returns values.
"""

from collections.abc import Callable

import numpy as np
from scipy import sparse
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing, check_consistent_length, indexable

from .._targets._soft_labels import aligned_proba
from .._targets._temperature import best_temperature
from .._teachers._cache import TeacherCache, cache_folder
from .._teachers._cross_fitting import TeacherFitter, in_sample_proba, out_of_fold_proba
from .._teachers._folds import LabelledRows, check_nested_folds, named_folds
from .._teachers._frozen import frozen_proba, given_proba
from .._teachers._predict import MulticlassOutput, check_teacher
from .._teachers._sample_weight import check_takes_weights
from .._utils._class_codes import check_codes
from .._utils._concatenate import align_rows, check_same_columns, stack_rows
from .._utils._groups import group_codes, make_folds
from .._utils._labels import check_classes, check_labels
from .._utils._marks import warn_of_marks
from .._utils._named import check_row_names
from .._utils._progress import CallbackSupportMixin, Progress
from .._utils._random_state import seeded_clones
from .._utils._rows import count_rows, mean_row_weight, refuse_queries
from .._utils._sample_weight import pop_row_weights, requesting_weights
from .._utils._shared_rows import warn_of_shared_rows
from .._utils._tags import intersect_tags
from .._utils._validation import (
    check_alpha,
    check_cv_string,
    check_temperature,
    check_unlabeled_weight,
)
from .._utils._warnings import warn
from ..augmentation._sampling import check_augmenter, sampled_rows
from ..students._capabilities import DataSummary
from ..students.leaf_shrinkage import shrink_leaves
from ._fit_log import log_fit
from ._routing import fit_router, route_fit
from ._training_data import LABELS_ALONE, DistillationData, FitInput, Weights, fold_data


class TeacherMixin(CallbackSupportMixin):
    """Mixin for estimators that compute soft labels with a teacher.

    Subclasses have the parameters `teacher`, `alpha`, `unlabeled_weight`, `teacher_temperature`,
    `cv`, `augmenter`, `classes`, `memory`, `n_jobs`, `random_state` and `verbose`. They define
    `_unfitted_student()`, and where they differ `_check_parameters()`, `_check_targets(...)`,
    `_truncation()`, `_check_selection()` and `_select_weights(data, weights)`.
    `_check_supported(student, summary)` raises if a student cannot be fitted, unless it is None;
    `_allows_single_class` is whether only one class may carry weight; `_default_unlabeled_weight`
    is that of the parameter; `_alpha_of_many_unlabeled` is the alpha, or how it is chosen, where
    unlabelled rows matter more. `_predictions` has the names of the arguments of `fit` that give
    predictions, of labelled and of unlabelled rows. `_check_teacher(teacher)` raises for a teacher
    that does not predict what is needed, and `_stratified` is whether a number of folds is
    stratified.
    """

    _allows_single_class = False
    _stratified = True
    _default_unlabeled_weight: float | str = 1.0
    _alpha_of_many_unlabeled: float | str = 0.0
    _predictions = ("teacher_proba", "unlabeled_proba")
    _check_teacher: Callable = staticmethod(check_teacher)
    _check_supported: Callable | None = None

    def _validate(self, given, params):
        """Check the arguments of `fit` (step 1), before any teacher is fitted."""
        refuse_queries(**given._asdict(), **params)
        self._check_parameters()
        self._check_combinations(given)
        y, output, teacher_proba = self._check_targets(given.X, given.y, given.teacher_proba)
        X, X_unlabeled, sample_weight = self._check_rows(given, y)
        unlabeled_proba = output.check_unlabeled(given.unlabeled_proba, X_unlabeled)
        if self.unlabeled_weight == 0:
            X_unlabeled = unlabeled_proba = None
        teacher, student = seeded_clones(
            self.random_state, self._unfitted_teacher(), self._unfitted_student()
        )
        check_codes(student, output.classes)
        routed = route_fit(self, sample_weight, params, ("teacher", "student"))
        weight = pop_row_weights(routed.student.fit, student)
        labels = output.targets(y, weight)
        scored_labels = labels if weight is sample_weight else output.targets(y, sample_weight)
        groups = group_codes(routed.splitter.split.get("groups"), y.shape[0])
        cross_fitted = teacher_proba is None and not isinstance(teacher, FrozenEstimator)
        # A teacher of one class would repeat the labels.
        single_class = self._allows_single_class and cross_fitted and labels.weighs_one_label
        of_labels_alone = self.alpha == 0 and not self._uses_unlabeled(given)
        folds, weights = None, LABELS_ALONE
        if not (of_labels_alone or single_class):
            X, X_unlabeled = self._add_sampled_rows(X, X_unlabeled, sample_weight)
            self._check_student(student, labels, X_unlabeled)
            weights = self._weights(X_unlabeled, labels, teacher_proba, cross_fitted)
            if cross_fitted or weights.selects:
                nested = cross_fitted and weights.fold_proba == "nested"
                folds = self._folds(X, y, routed, nested)
            if cross_fitted:
                labels.check_several_classes()
        progress = Progress.of_fit(self, max_tasks=3 if weights.selects else 2)
        return FitInput(
            LabelledRows(X, y, X_unlabeled), labels, scored_labels, output, teacher_proba,
            unlabeled_proba, teacher, student, routed, folds, groups, weights, progress,
        )  # fmt: skip

    def _predict_teacher_proba(self, inputs):
        """Return the teacher's probabilities: given, of a frozen teacher, or cross-fitted (step 2).

        None for ordinary training.
        """
        if inputs.weights == LABELS_ALONE:
            return None
        predictions = self._predict_rows_without_proba(inputs)
        if inputs.unlabeled_proba is None:
            return predictions
        return predictions.with_unlabeled(inputs.unlabeled_proba)

    def _predict_rows_without_proba(self, inputs):
        """Return the teacher's probabilities, for unlabelled rows only if none are given."""
        rows = inputs.predicted_rows
        if inputs.teacher_proba is not None:
            return given_proba(inputs.teacher_proba, inputs.teacher, rows, inputs.output)
        if isinstance(inputs.teacher, FrozenEstimator):
            return frozen_proba(inputs.teacher, rows, inputs.output)
        fit_params = inputs.params.teacher.fit
        if "sample_weight" in fit_params and not check_takes_weights(inputs.teacher):
            del fit_params["sample_weight"]
        cache = TeacherCache.for_fit(
            cache_folder(self.memory), inputs.teacher, rows, inputs.output, fit_params
        )
        fitter = TeacherFitter(inputs.teacher, inputs.output, fit_params, cache, self.verbose > 1)
        if inputs.folds is None:
            return in_sample_proba(fitter, rows, inputs.progress)
        return out_of_fold_proba(
            fitter, rows, inputs.folds, fold_proba=inputs.weights.fold_proba, n_jobs=self.n_jobs,
            progress=inputs.progress,
        )  # fmt: skip

    def _soften(self, inputs, predictions):
        """Return the student's rows with softened targets (step 3).

        The probabilities are tempered, truncated to the top k and mixed with the labels.
        """
        if predictions is None:  # ordinary training: only one class has weight, or alpha is 0
            alpha = 0.0 if self.alpha == "auto" else float(self.alpha)
            return DistillationData.of_labels(inputs)._replace(weights=Weights(alpha, 0.0))
        data = DistillationData.of_teacher(inputs, predictions)
        temperature = self._temperature(inputs)
        if inputs.teacher_proba is not None and predictions.unseen.all():
            name = self._predictions[0]
            temperature = _temperature_without_labels(temperature, predictions.unlabeled, name)
        else:
            evaluated = inputs.output.evaluated(inputs.scored_labels, predictions)
            if temperature == "auto":
                temperature = best_temperature(evaluated)
            data = data._replace(scores=inputs.output.scores(evaluated, temperature))
        if not inputs.weights.selects:
            data = data.soften(temperature, self._truncation())
            return data.mix_with_labels(inputs.weights)
        data = data._replace(folds=fold_data(inputs, predictions))
        data = data.soften(temperature, self._truncation())
        with data.progress.task("choose-weights"):
            curve = self._select_weights(data, inputs.weights)
        best = curve.best
        data = data._replace(alpha_curve=curve, leaf_shrinkage=best.leaf_shrinkage)
        return data.mix_with_labels(best.weights)

    def _temperature(self, inputs):
        """Return the given temperature; 1 for "auto" if no probabilities are out of fold."""
        given = inputs.teacher_proba is not None or isinstance(inputs.teacher, FrozenEstimator)
        in_sample, of_two_teachers = inputs.folds is None, inputs.unlabeled_proba is not None
        if self.teacher_temperature == "auto" and not given and (in_sample or of_two_teachers):
            return 1.0
        return self.teacher_temperature

    def _shrink_leaves(self, student, data):
        """Return a fitted student with its leaves shrunk, if a strength was chosen."""
        if data.leaf_shrinkage == 0:
            return student
        labelled = data.soft_labels.weight[data.soft_labels.is_labelled]
        return shrink_leaves(student, data.leaf_shrinkage, row_weight=mean_row_weight(labelled))

    def _set_selected_weights(self, data):
        """Set the fitted attributes that say how the targets were made."""
        self.alpha_, self.unlabeled_weight_, self.pseudo_labels_ = data.weights
        self.alpha_curve_ = data.alpha_curve

    def _set_teacher_attributes(self, data):
        """Set the fitted attributes that describe the teacher, and end the fit."""
        self.teacher_temperature_ = data.temperature
        self.teacher_scores_ = data.scores
        log_fit(self, data.progress)
        data.progress.end()
        return self

    def _partition_settings(self, given, params):
        """Return what a fit on Dask collections needs, after a check that they support it."""
        from .._dask import FitSettings, check_supported

        self._check_parameters()
        self._check_combinations(given)
        teacher, student = seeded_clones(
            self.random_state, self._unfitted_teacher(), self._unfitted_student()
        )
        settings = FitSettings(
            type(self).__name__, self.get_params(deep=False), teacher, student,
            Progress.of_fit(self, max_tasks=2),
        )  # fmt: skip
        check_supported(settings, given.X_unlabeled, params)
        return settings

    def _truncation(self):
        """Return the number of classes to keep in each row of the teacher's probabilities."""
        return None

    def _check_targets(self, X, y, teacher_proba):
        """Return checked labels, the kind of the teacher's output, and given probabilities."""
        y = check_labels(y)
        check_row_names(teacher_proba, X, name="teacher_proba")
        classes, teacher_proba = self._check_columns(y, teacher_proba)
        if self.classes is None:
            warn_of_marks(classes)
        return y, MulticlassOutput(classes), teacher_proba

    def _check_student(self, student, labels, X_unlabeled):
        """Raise, before a teacher is fitted, if a student cannot be fitted to soft labels."""
        if self._check_supported is None:
            return
        summary = DataSummary.of(labels)
        if X_unlabeled is not None:
            summary = summary._replace(
                n_rows=summary.n_rows + count_rows(X_unlabeled),
                weighted=summary.weighted or self.unlabeled_weight != 1,
            )
        self._check_supported(student, summary)

    def _uses_unlabeled(self, given):
        """Return whether there are unlabelled rows, given or sampled, of some weight."""
        has_unlabeled = given.X_unlabeled is not None or self.augmenter is not None
        return has_unlabeled and self.unlabeled_weight != 0

    def _weights(self, X_unlabeled, labels, teacher_proba, cross_fitted):
        """Return the weights of teacher and unlabelled rows, "auto" where they are chosen.

        To choose alpha, teachers are fitted on the rows outside each two folds. With many
        unlabelled rows, these matter more, and labelled rows keep their labels; those of a
        classifier unless the teacher alone is clearly better. They keep them as well if no labelled
        row has probabilities. Pseudo-labels are the sharpest temperature: they are compared where
        the temperature is chosen, too.
        """
        if X_unlabeled is None:
            return Weights(_as_float(self.alpha), 0.0)
        alpha, both_auto = self.alpha, self.alpha == self.unlabeled_weight == "auto"
        if cross_fitted and both_auto and count_rows(X_unlabeled) >= len(labels):
            alpha = self._alpha_of_many_unlabeled
        elif alpha == "auto" and has_no_row(teacher_proba):
            alpha = 0.0
        return Weights(
            _as_float(alpha), _as_float(self.unlabeled_weight), self._compared_pseudo_labels()
        )

    def _compared_pseudo_labels(self):
        """Return "auto" if pseudo-labels are compared with probabilities, otherwise False."""
        both_chosen = self.unlabeled_weight == self.teacher_temperature == "auto"
        return "auto" if both_chosen else False

    def _folds(self, X, y, routed, nested):
        """Return the folds of the labelled rows; None for in-sample."""
        if isinstance(self.cv, str):
            return None
        cv = (4 if nested else 5) if self.cv is None else self.cv
        split_params = routed.splitter.split
        folds = named_folds(make_folds(cv, X, y, split_params, by_class=self._stratified))
        if nested:
            check_nested_folds(folds)
        return folds

    def _check_rows(self, given, y):
        """Return rows that can be indexed, after a check that they are consistent."""
        X, X_unlabeled, sample_weight = (
            indexable(each)[0] for each in (given.X, given.X_unlabeled, given.sample_weight)
        )
        check_consistent_length(X, y, sample_weight)
        if X_unlabeled is not None:
            check_same_columns(X_unlabeled, X)
        return X, X_unlabeled, sample_weight

    def _add_sampled_rows(self, X, X_unlabeled, sample_weight):
        """Return X, and the unlabelled rows followed by those that the augmenter samples from X.

        Columns have the same dtypes in both.
        """
        if X_unlabeled is not None:
            X, X_unlabeled = align_rows(X, X_unlabeled)
            warn_of_shared_rows(X, X_unlabeled)
        if self.augmenter is None or self.unlabeled_weight == 0:
            return X, X_unlabeled
        weighted = X  # rows of weight 0 are not sampled from
        if sample_weight is not None:
            weighted = _safe_indexing(X, np.flatnonzero(sample_weight))
        new = sampled_rows(self.augmenter, weighted, self.random_state)
        X, new = align_rows(X, new, ("X", f"the rows of augmenter={self.augmenter!r}"))
        return X, new if X_unlabeled is None else stack_rows(X_unlabeled, new)

    def _check_columns(self, y, teacher_proba):
        """Return the sorted classes, and given probabilities with one column for each."""
        if teacher_proba is None:
            return check_classes(y, self.classes), None
        columns = np.unique(y) if self.classes is None else self.classes
        teacher_proba, classes = aligned_proba(
            teacher_proba, columns, name="teacher_proba", missing=True
        )
        if teacher_proba.shape[0] != len(y):
            raise ValueError(
                f"teacher_proba has {teacher_proba.shape[0]} rows but y has {len(y)} labels. Give "
                "one row of probabilities for each label, in the order of y."
            )
        check_classes(y, classes)
        return classes, teacher_proba

    def _check_parameters(self):
        """Check each parameter by itself."""
        self._check_common_parameters()
        check_temperature(self.teacher_temperature, name="teacher_temperature", auto=True)

    def _check_common_parameters(self):
        """Check the parameters that do not depend on the kind of the target."""
        check_alpha(self.alpha, auto=True)
        check_unlabeled_weight(self.unlabeled_weight, auto=True)
        check_cv_string(self.cv)
        cache_folder(self.memory)
        check_augmenter(self.augmenter)

    def _check_combinations(self, given):
        """Raise for parameters and arguments of `fit` that exclude each other."""
        teacher_proba, X_unlabeled = given.teacher_proba, given.X_unlabeled
        of_labelled, of_unlabeled = self._predictions
        if given.unlabeled_proba is not None:
            check_unlabeled_rows(X_unlabeled, self.augmenter, self._predictions)
        frozen = isinstance(self.teacher, FrozenEstimator)
        if teacher_proba is None:
            self._check_teacher(self._unfitted_teacher())
        more = "X_unlabeled" if X_unlabeled is not None else "augmenter"
        has_more = X_unlabeled is not None or self.augmenter is not None
        if not has_more and self.unlabeled_weight != self._default_unlabeled_weight:
            raise ValueError(
                f"unlabeled_weight={self.unlabeled_weight!r} is the weight of rows without labels, "
                "and there are none. Give such rows as X_unlabeled, set an augmenter, or leave "
                f"unlabeled_weight={self._default_unlabeled_weight!r}."
            )
        needs_teacher = has_more and given.unlabeled_proba is None
        if teacher_proba is not None and needs_teacher and not frozen:
            raise ValueError(
                f"{more} needs a teacher to label its rows, but with {of_labelled} no teacher is "
                f"fitted. Pass the model that predicted {of_labelled} as "
                "teacher=FrozenEstimator(model), or the predictions for these rows as "
                f"{of_unlabeled}."
            )
        if self.alpha != "auto" and not (has_more and self.unlabeled_weight == "auto"):
            return
        self._check_selection()
        selected = "alpha" if self.alpha == "auto" else "unlabeled_weight"
        if isinstance(self.cv, str):
            raise ValueError(
                f'{selected}="auto" compares students on held-out rows, and cv="in-sample" holds '
                f"out none. Use folds, such as cv=5, or set {selected} by hand."
            )

    def _check_selection(self):
        """Raise if students with different weights cannot be compared."""

    def _unfitted_teacher(self):
        if self.teacher is not None:
            return self.teacher
        return requesting_weights(ExtraTreesClassifier())

    def __sklearn_tags__(self):
        return intersect_tags(super().__sklearn_tags__(), self._unfitted_teacher())

    def get_metadata_routing(self):
        """Return which metadata goes to teacher, student and splitter.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            Metadata of `fit` goes to `fit` of teacher and student and to `split` of the splitter.
        """
        return fit_router(
            self, self.cv, teacher=self._unfitted_teacher(), student=self._unfitted_student()
        )


def _as_float(weight):
    """Return a weight as a float, or the word for how it is chosen."""
    return weight if isinstance(weight, str) else float(weight)


def has_no_row(proba):
    """Return whether given probabilities are NaN in every row."""
    return proba is not None and not sparse.issparse(proba) and bool(np.isnan(proba).all())


def check_unlabeled_rows(X_unlabeled, augmenter, names):
    """Raise if predictions of unlabelled rows are given without these, or beside sampled rows.

    `names` are those of the arguments with predictions of labelled and of unlabelled rows.
    """
    of_labelled, of_unlabeled = names
    if X_unlabeled is None:
        raise ValueError(
            f"{of_unlabeled} has the predictions for the rows of X_unlabeled, which is not given. "
            f"Give these rows as X_unlabeled; those of the rows of X are {of_labelled}."
        )
    if augmenter is not None:
        raise ValueError(
            f"augmenter={augmenter!r} samples rows that a teacher has to label, and with "
            f"{of_unlabeled} no teacher labels unlabelled rows. Sample the rows beforehand, and "
            "give them in X_unlabeled, or leave augmenter=None."
        )


def _temperature_without_labels(temperature, unlabeled, name):
    """Return the temperature where no row has both a label and a prediction.

    `name` is that of the argument with the predictions.
    """
    if unlabeled is None:
        raise ValueError(
            f"every row of {name} is NaN, and there are no unlabelled rows: no teacher has "
            "predicted anything. Leave teacher_proba out to have a teacher cross-fitted, or train "
            "with alpha=0."
        )
    if temperature != "auto":
        return temperature
    warn(
        'teacher_temperature="auto" needs rows with a label and probabilities, and every row of '
        "teacher_proba is NaN; 1.0 is used. Give probabilities for some labelled rows, or set the "
        "temperature by hand."
    )
    return 1.0
