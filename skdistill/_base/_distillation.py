"""Training data and targets of a student, for every estimator with a teacher and a student."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Bunch, _safe_indexing, check_consistent_length, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from .._targets._soft_labels import SoftLabels
from .._targets._temperature import best_temperature
from .._teachers._cache import TeacherCache, cache_folder
from .._teachers._cross_fitting import in_sample_proba, out_of_fold_proba
from .._teachers._frozen import frozen_proba, given_proba
from .._teachers._predict import MulticlassOutput, check_teacher
from .._teachers._sample_weight import check_takes_weights
from .._teachers._scores import teacher_scores
from .._utils._class_codes import check_codes
from .._utils._concatenate import align_rows, check_same_columns, stack_rows
from .._utils._groups import group_codes, make_folds, splitter_for_routing
from .._utils._labels import check_classes, check_labels
from .._utils._named import check_row_names
from .._utils._one_column import both_columns
from .._utils._progress import CallbackSupportMixin, Progress
from .._utils._random_state import seeded_clones
from .._utils._rows import count_rows, refuse_queries
from .._utils._sample_weight import pop_row_weights, requesting_weights
from .._utils._tags import intersect_tags
from .._utils._validation import check_alpha, check_cv_string, check_proba, check_temperature
from ..augmentation._sampling import check_augmenter, sampled_rows
from ..students._capabilities import DataSummary


class FoldData(NamedTuple):
    """One fold of the labelled rows: training rows and test rows.

    Where teachers are fitted here, those of its soft labels have not seen its test rows. Else
    `soft_labels` is None, and those of the whole training data are used.
    """

    train: np.ndarray  # positions among the labelled rows
    test: np.ndarray
    soft_labels: SoftLabels | None  # of the training rows, then of the unlabelled rows


class DistillationData(NamedTuple):
    """Training data and targets of a student: rows and the teacher's soft labels for them."""

    X: object
    soft_labels: SoftLabels
    temperature: float
    scores: dict | None
    student: object  # an unfitted clone, seeded
    student_params: dict  # parameters routed to the student's fit
    progress: Progress  # of the fit that uses these data
    folds: list[FoldData] | None = None  # for the choice of alpha
    groups: np.ndarray | None = None  # group number of each labelled row

    def soften(self, top_k=None):
        """Return the data with tempered soft labels, truncated to the top k of each row."""

        def soften(data):
            if data.soft_labels is None:
                return data
            soft_labels = data.soft_labels.temper(self.temperature).truncate_top_k(top_k)
            return data._replace(soft_labels=soft_labels)

        return soften(self)._replace(folds=self.folds and [soften(fold) for fold in self.folds])

    def mix_with_labels(self, alpha):
        """Return the data with soft labels mixed with the labels.

        With alpha = 0, unlabelled rows are dropped.
        """
        if alpha > 0 or (self.soft_labels.codes >= 0).all():
            return self._replace(soft_labels=self.soft_labels.mix_with_labels(alpha))
        labelled = np.flatnonzero(self.soft_labels.codes >= 0)
        return self._replace(
            X=_safe_indexing(self.X, labelled),
            soft_labels=self.soft_labels.take(labelled).mix_with_labels(alpha),
        )


class TeacherMixin(CallbackSupportMixin):
    """Mixin for estimators that compute soft labels with a teacher.

    Subclasses have the parameters `teacher`, `alpha`, `teacher_temperature`, `cv`, `augmenter`,
    `classes`, `memory`, `n_jobs`, `random_state` and `verbose`. They define
    `_unfitted_student()`, and `_check_learns(student, summary)` if not every student can be
    fitted. `_allows_single_class` is whether only one class may carry weight.
    """

    _allows_single_class = False

    def _distillation_data(
        self, X, y, sample_weight, teacher_proba, X_unlabeled, params, top_k=None
    ):
        """Check the input and return the training data and targets.

        With `top_k`, the teacher's probabilities are truncated as they are predicted.
        """
        refuse_queries(
            X=X, y=y, sample_weight=sample_weight, teacher_proba=teacher_proba,
            X_unlabeled=X_unlabeled, **params,
        )  # fmt: skip
        self._check_teacher_parameters(teacher_proba, X_unlabeled)
        progress = Progress.of_fit(self, max_tasks=3 if self.alpha == "auto" else 2)
        y = check_labels(y)
        X, X_unlabeled, sample_weight = self._check_rows(X, y, X_unlabeled, sample_weight)
        check_row_names(teacher_proba, X, name="teacher_proba")
        classes, teacher_proba = self._check_columns(y, teacher_proba)
        teacher, student = seeded_clones(
            self.random_state, self._unfitted_teacher(), self._unfitted_student()
        )
        check_codes(student, classes)
        routed = self._route(sample_weight, params)
        weight = pop_row_weights(routed.student.fit, student)
        soft_labels = SoftLabels.from_labels(y, classes, sample_weight=weight)
        groups = group_codes(routed.splitter.split.get("groups"), len(y))
        cross_fitted = teacher_proba is None and not isinstance(teacher, FrozenEstimator)
        # A teacher of one class would repeat the labels.
        single_class = self._allows_single_class and cross_fitted and soft_labels.weighs_one_label
        if self.alpha == 0 or single_class:  # ordinary training
            return DistillationData(
                X, soft_labels, 1.0, None, student, routed.student.fit, progress
            )

        X, X_unlabeled = self._add_sampled_rows(X, X_unlabeled, sample_weight)
        self._check_student(student, soft_labels, X_unlabeled)
        output = MulticlassOutput(classes, top_k)
        folds = self._folds(X, y, routed) if cross_fitted or self.alpha == "auto" else None
        if cross_fitted and self.alpha == "auto" and len(folds) < 3:
            raise ValueError(
                f'alpha="auto" needs at least 3 folds, got {len(folds)}: it fits teachers on the '
                "rows outside two folds, and fewer folds leave no such rows. Use cv=3 or more, or "
                "set alpha by hand."
            )
        if teacher_proba is not None:
            predictions = given_proba(teacher_proba, teacher, X_unlabeled, output)
        elif isinstance(teacher, FrozenEstimator):
            predictions = frozen_proba(teacher, X, y, X_unlabeled, output)
        else:
            soft_labels.check_several_classes()
            predictions = self._compute_teacher_proba(
                teacher, X, y, X_unlabeled, output, routed, folds, progress
            )
        if predictions.unseen.all():
            raise ValueError(
                "No fold's teacher has seen the class of any of its test rows: the folds of cv "
                "leave out whole classes. Use stratified folds, or groups that hold several "
                "classes."
            )
        evaluated = SoftLabels(predictions.labelled, classes, y=y, sample_weight=sample_weight)
        evaluated = evaluated.take(~predictions.unseen)
        evaluated.check_some_weight()
        temperature = self.teacher_temperature
        if temperature == "auto":
            temperature = best_temperature(evaluated)
        raw = teacher_scores(evaluated)
        tempered = teacher_scores(evaluated.temper(temperature)) if temperature != 1 else dict(raw)
        scores = {"raw": raw, "tempered": tempered}
        if X_unlabeled is not None:
            check_no_aligned_params(routed.student.fit, X, X_unlabeled)
            X = stack_rows(X, X_unlabeled)
        return DistillationData(
            X,
            soft_labels_of(predictions, classes, y, weight),
            float(temperature),
            scores,
            student,
            routed.student.fit,
            progress,
            fold_data(folds, predictions, classes, y, weight) if self.alpha == "auto" else None,
            groups,
        )

    def _check_student(self, student, labels, X_unlabeled):
        """Raise, before a teacher is fitted, if a student cannot be fitted to soft labels."""
        summary = DataSummary.of(labels)
        if X_unlabeled is not None:  # these rows weigh alpha
            summary = summary._replace(
                n_rows=summary.n_rows + count_rows(X_unlabeled),
                weighted=summary.weighted or self.alpha != 1,
            )
        self._check_learns(student, summary)

    def _check_learns(self, student, summary):
        """Raise if a student cannot be fitted to such data; subclasses define the check."""

    def _folds(self, X, y, routed):
        """Return the training and test positions of each fold; None for in-sample."""
        if isinstance(self.cv, str):
            return None
        return make_folds(self.cv, X, y, routed.splitter.split)

    def _compute_teacher_proba(self, teacher, X, y, X_unlabeled, output, routed, folds, progress):
        """Return the probabilities of clones of a teacher, cross-fitted or in-sample as by `cv`."""
        fit_params = routed.teacher.fit
        if "sample_weight" in fit_params and not check_takes_weights(teacher, stacklevel=5):
            del fit_params["sample_weight"]
        cache = TeacherCache.for_fit(
            cache_folder(self.memory), teacher, X, y, X_unlabeled, output, fit_params
        )
        options = {
            "fit_params": fit_params,
            "cache": cache,
            "verbose": self.verbose,
            "progress": progress,
        }
        if folds is None:
            return in_sample_proba(teacher, X, y, X_unlabeled, output, **options)
        return out_of_fold_proba(
            teacher,
            X,
            y,
            X_unlabeled,
            output,
            folds=folds,
            nested=self.alpha == "auto",
            n_jobs=self.n_jobs,
            **options,
        )

    def _check_rows(self, X, y, X_unlabeled, sample_weight):
        """Return rows that can be indexed, after a check that they are consistent."""
        X, X_unlabeled, sample_weight = (
            indexable(each)[0] for each in (X, X_unlabeled, sample_weight)
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
        if self.augmenter is None:
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
        teacher_proba = both_columns(teacher_proba, columns, name="teacher_proba")
        check_proba(teacher_proba, name="teacher_proba")
        given = SoftLabels(teacher_proba, columns, y=y)
        return given.classes, given.proba

    def _check_teacher_parameters(self, teacher_proba, X_unlabeled):
        """Check each parameter, and combinations that are not allowed."""
        check_alpha(self.alpha, auto=True)
        check_temperature(self.teacher_temperature, name="teacher_temperature", auto=True)
        check_cv_string(self.cv)
        cache_folder(self.memory)
        frozen = isinstance(self.teacher, FrozenEstimator)
        if teacher_proba is None:
            check_teacher(self._unfitted_teacher())
        check_augmenter(self.augmenter)
        more = "X_unlabeled" if X_unlabeled is not None else "augmenter"
        has_more = X_unlabeled is not None or self.augmenter is not None
        if teacher_proba is not None and has_more and not frozen:
            raise ValueError(
                f"{more} needs a teacher to label its rows, but with teacher_proba no teacher is "
                "fitted. Pass the model that predicted teacher_proba as "
                "teacher=FrozenEstimator(model), or add the rows yourself with "
                "SoftLabelClassifier."
            )
        if self.alpha == "auto" and isinstance(self.cv, str):
            raise ValueError(
                'alpha="auto" compares students on held-out rows, and cv="in-sample" holds out '
                "none. Use folds, such as cv=5, or set alpha by hand."
            )
        in_sample = isinstance(self.cv, str) and teacher_proba is None and not frozen
        if self.teacher_temperature == "auto" and in_sample:
            raise ValueError(
                'teacher_temperature="auto" needs probabilities of held-out rows, and '
                'cv="in-sample" holds out none: the lowest temperature would always be chosen. '
                "Use folds, such as cv=5, or set the temperature by hand."
            )

    def _unfitted_teacher(self):
        if self.teacher is not None:
            return self.teacher
        return requesting_weights(ExtraTreesClassifier())

    def _route(self, sample_weight, params):
        """Return the parameters for the teacher's fit, the student's fit and the split."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **weights, **params)
            return Bunch(
                teacher=Bunch(fit=dict(routed.teacher.fit)),
                student=Bunch(fit=dict(routed.student.fit)),
                splitter=routed.get("splitter", Bunch(split={})),
            )
        unknown = sorted(set(params) - {"groups"})
        if unknown:
            raise TypeError(
                f"{type(self).__name__}.fit() got {unknown}. Without metadata routing only "
                "`groups` is passed on; enable it with "
                "sklearn.set_config(enable_metadata_routing=True) and let teacher or student "
                "request them, as in student.set_fit_request(...)."
            )
        if params.get("groups") is not None and isinstance(self.cv, str):
            warnings.warn(
                f"groups is ignored: cv={self.cv!r} makes no folds. Give a splitter, such as "
                "cv=GroupKFold(5).",
                UserWarning,
                stacklevel=5,
            )
        return Bunch(
            teacher=Bunch(fit=dict(weights)),
            student=Bunch(fit=dict(weights)),
            splitter=Bunch(split=params),
        )

    def __sklearn_tags__(self):
        return intersect_tags(super().__sklearn_tags__(), self._unfitted_teacher())

    def get_metadata_routing(self):
        """Return which metadata goes to teacher, student and splitter.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            Metadata of `fit` goes to `fit` of teacher and student and to `split` of the splitter.
        """
        to_fit = MethodMapping().add(caller="fit", callee="fit")
        router = (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(teacher=self._unfitted_teacher(), method_mapping=to_fit)
            .add(student=self._unfitted_student(), method_mapping=to_fit)
        )
        if not isinstance(self.cv, str):
            to_split = MethodMapping().add(caller="fit", callee="split")
            router.add(splitter=splitter_for_routing(self.cv), method_mapping=to_split)
        return router


def soft_labels_of(predictions, classes, y, weight):
    """Return soft labels of the labelled rows, then of the unlabelled rows."""
    soft_labels = SoftLabels(predictions.labelled, classes, y=y, sample_weight=weight)
    if predictions.unlabeled is None:
        return soft_labels
    return soft_labels.append(SoftLabels(predictions.unlabeled, classes))


def fold_data(folds, predictions, classes, y, weight):
    """Return the data of each fold; without soft labels if the teacher's are not nested."""
    if predictions.nested_proba is None:
        return [FoldData(train, test, None) for train, test in folds]

    def weight_of(rows):
        return None if weight is None else _safe_indexing(weight, rows)

    return [
        FoldData(
            train,
            test,
            soft_labels_of(nested, classes, y[train], weight_of(train)),
        )
        for (train, test), nested in zip(folds, predictions.nested_proba, strict=True)
    ]


def check_no_aligned_params(fit_params, X, X_unlabeled):
    """Raise if a student's fit parameters have one entry per labelled row only."""
    aligned = [name for name, value in fit_params.items() if count_rows(value) == count_rows(X)]
    if aligned:
        raise ValueError(
            f"The student's fit parameters {aligned} have one entry for each of the "
            f"{count_rows(X)} labelled rows and none for the {count_rows(X_unlabeled)} "
            "unlabelled ones. Let the student request none of them, or add the rows yourself "
            "with SoftLabelClassifier."
        )
