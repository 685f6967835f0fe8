"""Distillation of any classifier with `predict_proba` into any student."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator

from ._base._alpha_selection import check_predicts_proba, select_by_log_loss
from ._base._distillation import TeacherMixin
from ._base._student_predictions import StudentPredictionsMixin
from ._base._training_data import LABELS_OR_TEACHER, FitArguments
from ._utils._progress import with_callbacks
from ._utils._rows import is_in_partitions
from ._utils._typing import ArrayLike, Estimator, Proba, Rows
from ._utils._validation import check_top_k
from ._utils._warnings import warn
from .students import fit_soft_labels
from .students._registry import check_student


class DistilledClassifier(TeacherMixin, StudentPredictionsMixin, BaseEstimator):
    """Distil a teacher into a student: fit it to the teacher's class probabilities.

    The teacher's probabilities are predicted out of fold and mixed with the labels. The
    student is fitted to these soft labels and makes all predictions. The teacher is then
    discarded.

    Parameters
    ----------
    teacher : estimator, default=None
        Any classifier with `predict_proba`, cloned and cross-fitted; a
        ``sklearn.frozen.FrozenEstimator`` is used as it is, without `cv`.
        ``ExtraTreesClassifier()`` by default. It is deterministic given a seed, exact under sample
        weights, and suited to many classes. For an ensemble, use
        ``VotingClassifier(voting="soft")``; for calibration, ``CalibratedClassifierCV``.

    student : estimator, default=None
        Estimator that is cloned and fitted to the soft labels. It is a classifier that takes
        `sample_weight`, any regressor (fitted to the probabilities), or a Pipeline that ends in one
        of them; see :func:`skdistill.fit_soft_labels`. ``LogisticRegression()`` by default.

    alpha : float in [0, 1] or "auto", default="auto"
        Weight of the teacher in the targets: alpha · teacher + (1 − alpha) · one-hot label. 1 uses
        the teacher alone; 0 is ordinary training, without a teacher if there are no unlabelled
        rows. No fixed value is safe: a teacher's errors contradict clean labels, and its good
        predictions correct noisy ones. "auto" chooses from the data; see Notes. Set a number to
        avoid the cost of the choice.

    unlabeled_weight : float or "auto", default="auto"
        Weight of a row without a label, of `X_unlabeled` or from `augmenter`, relative to the mean
        weight of a labelled row. 0 leaves these rows out. "auto" chooses 0, 0.2 or 1 from the data.
        If `alpha` is "auto", too, `alpha_` is 0 or 1 where the teacher is cross-fitted and there
        are at least as many unlabelled as labelled rows. The unlabelled rows then matter more, and
        the choice needs fewer teachers.

    teacher_temperature : float or "auto", default="auto"
        T in p^(1/T), renormalised. T > 1 softens the teacher, T < 1 sharpens it. A calibrated
        teacher needs T = 1. "auto" chooses the T in [1/20, 20] that minimises the teacher's
        out-of-fold log-loss. It is 1 where no probabilities are out of fold (``cv="in-sample"``),
        or if only those of unlabelled rows are given. A probability of exactly 0 stays 0.

    cv : int, splitter, iterable or "in-sample", default=None
        Folds for out-of-fold probabilities, as in scikit-learn; None is 5 folds, stratified. Every
        row must be tested. If alpha is chosen, None is 4 folds. One teacher is then fitted for each
        pair of folds, on the rows outside the pair: K (K − 1) / 2 teachers for K folds. More folds
        are better, and cost more. If alpha is a number and there are unlabelled rows, one more
        teacher is fitted on all labelled rows, and labels them. So the default fits at most six
        teachers. With `groups`, a number means that many folds of whole groups
        (``StratifiedGroupKFold``). Each row is predicted by teachers that have not seen it. If
        several folds test a row, the mean is used. "in-sample" fits one teacher on all rows, which
        then predicts its own training rows. Such a teacher tends to repeat the labels, a forest
        exactly. Use "in-sample" only for teachers that do not interpolate.

    top_k : int or None, default=None
        How many of the teacher's largest probabilities to keep in each row; None keeps all. Fewer
        classes make the expanded training set smaller. The true label is always kept, since it is
        mixed in afterwards.

    augmenter : object with `sample(X, random_state)`, default=None
        Samples further rows from those of `X`, which the teacher labels like `X_unlabeled`:
        :class:`skdistill.augmentation.MungeAugmenter`,
        :class:`skdistill.augmentation.MarginalAugmenter`, or your own object. Each new row has the
        weight `unlabeled_weight`. The augmenter is called in each :meth:`fit`, so that a search
        augments inside each split, with the rows of nonzero `sample_weight`. On the dependence
        between new rows and the teacher, see Notes.

    classes : array-like of shape (n_classes,), default=None
        All classes, in the order of the columns of given probabilities. By default those of `y`,
        sorted; needed if a split or `teacher_proba` may have more. A class without rows has
        probability 0, and a column in `student_` if possible: see :func:`deployable`.

    memory : str, path, joblib.Memory or None, default=None
        Folder of a cache for the predictions of fold teachers, like the `memory` of a ``Pipeline``.
        Each teacher is then fitted once for all settings of a search. None means no cache. The
        cache also works across processes and after an interruption. Its key depends on teacher,
        rows, labels, weights, folds and versions, not on `alpha`, `teacher_temperature`, `top_k` or
        the student; see Notes.

    n_jobs : int, default=None
        Number of jobs for the fits on the folds, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Seed for every `random_state` of the given estimators that is None. It also seeds
        `augmenter`.

    verbose : int, default=0
        If positive, print progress and the time of fits. 1 prints one line for each fit, with the
        weights that were used or chosen. 2 also prints one line for each fold's teacher: the time
        of its fit, or that its predictions were cached. From scikit-learn 1.9 on,
        ``set_callbacks(sklearn.callback.ProgressBar())``, on this estimator or on a search over it,
        shows the folds, the choice of `alpha` and the student as tasks.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    student_ : estimator
        The fitted student: an ordinary object of its class, which predicts and unpickles without
        skdistill. Its classes are your labels.

    alpha_ : float
        The alpha used.

    unlabeled_weight_ : float
        The weight of unlabelled rows used; 0.0 without such rows.

    pseudo_labels_ : bool
        Whether unlabelled rows had hard pseudo-labels as targets, the teacher's most probable
        class, in place of its probabilities. They are compared if both `unlabeled_weight` and
        `teacher_temperature` are "auto", and must be better by half a standard error.

    leaf_shrinkage_ : float
        Strength of the shrinkage of the leaves of `student_`, see
        :func:`skdistill.students.shrink_leaves`. It is chosen together with the weights, if the
        student is a tree or a forest, or a Pipeline that ends in one. Otherwise it is 0.0.

    alpha_curve_ : AlphaCurve or None
        If weights were chosen, the basis of the choice: `alpha`, `loss`, `candidates` and `nested`.
        `candidates` are the students that were compared. Each has its weights, its log-loss on
        held-out rows (nats, true labels), and the standard error of its improvement over the first
        candidate, the labels alone. `loss` is the log-loss of each mixture of two students: one
        fitted to the labels, one to the teacher. :class:`skdistill.inspection.AlphaCurveDisplay`
        plots it.

    teacher_temperature_ : float
        The temperature used; 1.0 if no teacher was fitted (``alpha=0``).

    teacher_scores_ : dict or None
        Scores of the teacher's probabilities, before and after tempering; None if no teacher was
        used. They are ``{"raw": ..., "tempered": ...}``, each with "log_loss" (nats), "brier" (in
        [0, 2]), "ece" (15 bins) and "accuracy". They refer to the labels of the training rows,
        weighted by `sample_weight`. They are out of fold if the teacher is cross-fitted, and
        optimistic with ``cv="in-sample"``. Those of a frozen teacher or of `teacher_proba` are
        optimistic if that model was fitted on these rows. Rows whose class no fold teacher has seen
        are excluded.

    coef_ : ndarray of shape (n_classes, n_features) or (1, n_features)
        Coefficients of a linear student. The array is that of the student, for its own `classes_`.
        For a regressor, the targets are probabilities, not logits. Like `intercept_` and
        `feature_importances_`, absent if the student has none.

    intercept_ : ndarray of shape (n_classes,) or (1,)
        Intercepts of a linear student.

    feature_importances_ : ndarray of shape (n_features,)
        Feature importances of a tree, a forest or a booster as student.

    n_features_in_ : int
        Number of features of `X`, if `X` has columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` is a dataframe.

    See Also
    --------
    SoftLabelClassifier : Fits the same students to probabilities that you already have.
    fit_soft_labels : Fits a student to soft labels, as a function.

    Notes
    -----
    The student minimises the distilled risk 1/N Σ_n p^t(x_n)ᵀ ℓ(f(x_n)) (Menon, Rawat, Reddi, Kim
    and Kumar, "A statistical perspective on distillation", ICML 2021, section 3). With exact
    probabilities its variance is lower than that of ordinary training. An estimated teacher adds a
    bias, which grows with its squared error E‖p^t − p*‖² (section 4). So the quality of the
    teacher's probabilities matters, not its accuracy. Cross-fitting keeps the probabilities
    independent of the labels that they replace (Dao et al., ICLR 2021).

    ``alpha="auto"`` fits the student twice on the training rows of each fold: to the labels alone,
    and to the teacher alone. It mixes the probabilities of the two students with the weight that
    minimises the log-loss of the held-out labels, a convex problem. Held-out rows are weighted by
    the student's `class_weight`, if it has one. A third fit per fold uses that weight as alpha. No
    teacher has seen the held-out labels: each is fitted without two folds. It predicts the rows of
    one of them, for the comparison on the other. The final student gets the mean of the teachers
    that have not seen a row. Given probabilities, and those of a frozen teacher, are not nested.

    ``unlabeled_weight="auto"`` compares students fitted with and without the unlabelled rows, which
    the teacher of the same fold labels. It uses the best alpha of these three fits, and 0. Then it
    tries hard pseudo-labels (Lee, 2013) for the unlabelled rows in place of the teacher's
    probabilities. The candidate with the smallest loss is chosen, if it improves on the labels
    alone by more than one standard error (1.5 without unlabelled rows). Each comparison also tries
    several strengths of shrinkage for the leaves of trees and forests (Agarwal et al., ICML 2022),
    for the labels alone, too. Shrinkage needs no further fits.

    With at least as many unlabelled as labelled rows, alpha is 0 or 1. A teacher that has not seen
    the held-out labels has seen those of the other labelled rows. So alpha = 1 is compared by
    students of the unlabelled rows alone. It must be better by half a standard error than the
    others that improve on the labels.

    The rows sampled by `augmenter` are labelled by a teacher that has seen the row that a new one
    was sampled from, and its label. So the closer a new row is to its origin, the closer is its
    soft label to that with ``cv="in-sample"``; this does not affect `teacher_scores_`. The
    comparison of students uses sampled rows near held-out ones, and favours them a little.

    Unless `memory` is set, a grid search refits the teachers for every setting, also for those of
    the student. With 20 settings, 5 outer and 5 inner folds, this is 505 fits without `memory` and
    30 with it (606 and 36 with ``alpha="auto"``). Details of the cache:

    - A teacher without a `random_state`, here or of its own, is cached at its first fit; later
      fits reuse those predictions. Folds that are shuffled differently each time have different
      keys.
    - `n_jobs`, `verbose`, metadata requests and the memory layout of rows do not change the key.
      Objects among the parameters are compared by content. A teacher whose parameters cannot be
      compared raises an error: they do not pickle, or a copy of them looks different, as for a
      fitted LightGBM or CatBoost booster inside a FrozenEstimator.
    - User code (a script, a notebook, a package without ``__version__``) is represented by its
      functions, decorated ones too, its class attributes, and the functions, classes and
      constants (numbers, texts, tuples) of modules that it names. Not detected: lists, objects
      and arrays among module variables, what code reaches by a string or through another
      object, class attributes and variables that the code itself assigns, compiled code, files.
      Use another folder after changing those. Packages are represented by their version.
    - Frozen teachers and `teacher_proba` are not cached.
    - With unlabelled rows, sampled ones included, the fitted teachers are cached too, as pickles,
      so that another setting of `augmenter` can use them. Do not let others write to the folder.
    - Files are never deleted: delete the folder when you no longer need it.

    A search with `teacher_proba` of the training rows is biased towards students that mimic the
    teacher, because the teacher has seen the held-out labels.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistilledClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DistilledClassifier(
    ...     teacher=RandomForestClassifier(n_estimators=50),
    ...     student=DecisionTreeClassifier(max_depth=3),
    ...     random_state=0,
    ... ).fit(X, y)
    >>> model.student_.get_depth()
    3
    >>> sorted(model.teacher_scores_["raw"])
    ['accuracy', 'brier', 'ece', 'log_loss']
    """

    _allows_single_class = True
    _default_unlabeled_weight = "auto"
    _alpha_of_many_unlabeled = LABELS_OR_TEACHER  # for numbers it gained nothing
    _check_supported = staticmethod(check_student)

    def __init__(
        self,
        teacher: Estimator = None,
        student: Estimator = None,
        *,
        alpha: float | Literal["auto"] = "auto",
        unlabeled_weight: float | Literal["auto"] = "auto",
        teacher_temperature: float | Literal["auto"] = "auto",
        cv: Any = None,
        top_k: int | None = None,
        augmenter: Any = None,
        classes: ArrayLike | None = None,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.teacher = teacher
        self.student = student
        self.alpha = alpha
        self.unlabeled_weight = unlabeled_weight
        self.teacher_temperature = teacher_temperature
        self.cv = cv
        self.top_k = top_k
        self.augmenter = augmenter
        self.classes = classes
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(
        self,
        X: Rows,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        teacher_proba: Proba | None = None,
        X_unlabeled: Rows | None = None,
        unlabeled_proba: Proba | None = None,
        **params: Any,
    ) -> Self:
        """Compute the teacher's probabilities, then fit the student to them.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Training samples, in any form that the given estimators accept.

        y : array-like of shape (n_samples,)
            True labels: strings, booleans or integers.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default. It is used for the student, for `teacher_scores_`, and
            for the teacher if it takes weights (with metadata routing, for the estimators that
            request it).

        teacher_proba : array-like, sparse matrix or dataframe of shape (n_samples, n_classes) or \
(n_samples,), default=None
            The teacher's probabilities for these rows, from an external source (an API, a GPU job,
            annotators); `teacher` is then not fitted. Columns are in the order of `classes`, or of
            the sorted labels. Those of a dataframe are matched by name. A class without a column
            has probability 0. A column that is neither in `classes` nor in `y` raises an error. The
            index must be that of `X`. For two classes, one number per row is enough, the
            probability of the second. The model must not have seen the labels of these rows. A row
            that is NaN in every column has no prediction: it keeps its label, and does not count in
            `teacher_temperature_` and `teacher_scores_`.

        X_unlabeled : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_features), default=None
            Unlabelled rows, each with the weight `unlabeled_weight`. A teacher fitted on all
            labelled rows labels them, or the frozen one. If alpha is chosen, the mean of all fold
            teachers does. A search passes them on whole, unless they are exactly as many as the
            rows of X: scikit-learn then takes those at the positions of the fold. Categories that X
            lacks are added to its own; a column of another dtype is converted if no value changes,
            otherwise an error is raised. In a transforming Pipeline they must be transformed too:
            set ``sklearn.set_config(enable_metadata_routing=True)``, then
            ``set_fit_request(X_unlabeled=True)`` of this estimator, and ``Pipeline(...,
            transform_input=["X_unlabeled"])``. It is simpler to make the Pipeline the student.

        unlabeled_proba : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_classes), default=None
            Probabilities of the rows of `X_unlabeled`, from an external source, in the form of
            `teacher_proba`; no teacher then predicts these rows. Not with `augmenter`, whose
            rows need a teacher.

        **params : dict
            `groups`, one entry per row, for the folds: rows of one group are not independent of
            each other. The groups also enter the standard error of ``alpha="auto"``. With metadata
            routing enabled, also the metadata that splitter, teacher and student request.

        Returns
        -------
        self : DistilledClassifier

        Raises
        ------
        ValueError
            If a parameter is invalid, if labels and probabilities are inconsistent, or if fewer
            than two classes have weight. If the test folds do not cover every row, or are fewer
            than the three that ``alpha="auto"`` needs. If a fold has rows of one group on both
            sides, if a group is missing, or if there are fewer groups than folds.

        TypeError
            If the teacher has no `predict_proba`, if the student cannot be fitted to soft
            labels, or has no `predict_proba` with ``alpha="auto"``, or if `memory` cannot
            distinguish the teacher from others.

        OSError
            If `memory` cannot be written to.

        Warns
        -----
        UserWarning
            If "auto" chooses the labels alone. If the leaves of a frozen teacher's trees show that
            it was fitted on these rows. If a fold's teacher, or a frozen one, has not seen the
            class of a row, which then keeps its one-hot label. If the teacher takes no
            `sample_weight`. If the best temperature is at the edge of its range. If a file of
            `memory` is damaged (its teacher is fitted anew) or cannot be written.
        """
        given = FitArguments(X, y, sample_weight, teacher_proba, X_unlabeled, unlabeled_proba)
        if is_in_partitions(*given):
            from ._dask import fit_classifier

            settings = self._partition_settings(given, params)
            data, student = fit_classifier(settings, X, y, sample_weight, teacher_proba)
            return self._set_distilled_attributes(data.partitions.header, data, student)
        inputs = self._validate(given, params)
        predictions = self._predict_teacher_proba(inputs)
        data = self._soften(inputs, predictions)
        student = self._fit_student(data)
        return self._set_distilled_attributes(X, data, student)

    def _fit_student(self, data):
        if not data.soft_labels.weighs_one_label:
            data.soft_labels.check_several_classes()
        with data.progress.task("fit-student"):
            student = fit_soft_labels(data.student, data.X, data.soft_labels, **data.student_params)
        return self._shrink_leaves(student, data)

    def _set_distilled_attributes(self, X, data, student):
        self._set_fitted_attributes(X, student, data.classes)
        self._set_selected_weights(data)
        self.leaf_shrinkage_ = data.leaf_shrinkage
        return self._set_teacher_attributes(data)

    def _check_targets(self, X, y, teacher_proba):
        y, output, teacher_proba = super()._check_targets(X, y, teacher_proba)
        _warn_of_numbers(y, output.classes)
        return y, output, teacher_proba

    def _check_parameters(self):
        super()._check_parameters()
        check_top_k(self.top_k)

    def _check_selection(self):
        check_predicts_proba(self._unfitted_student())

    def _truncation(self):
        return self.top_k

    def _select_weights(self, data, weights):
        return select_by_log_loss(data, weights, self.n_jobs)


def _warn_of_numbers(y, classes):
    """Warn if the labels look like a continuous target: many numbers, each in few rows."""
    if classes.dtype.kind == "f" and len(classes) > 20 and len(y) < 5 * len(classes):
        warn(
            f"y has {len(classes)} different numbers in {len(y)} rows, and each is taken as a "
            "class. If y is a continuous target, use DistilledRegressor; if it has classes, give "
            "them as integers or strings."
        )
