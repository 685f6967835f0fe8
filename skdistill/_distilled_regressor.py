"""Distillation of any regressor into any student regressor."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils import column_or_1d, get_tags

from ._base._distillation import TeacherMixin
from ._base._fit_log import log_fit
from ._base._mean_error import warn_of_mean_error
from ._base._squared_loss_selection import select_by_squared_loss
from ._base._student_numbers import RegressionStudentMixin
from ._base._training_data import LABELS_ALONE, FitArguments
from ._targets._regression_targets import checked_values
from ._teachers._fold_levels import warn_of_fold_levels
from ._teachers._predict_numbers import (
    RegressionOutput,
    check_predicts_numbers,
    check_regression_teacher,
)
from ._utils._progress import with_callbacks
from ._utils._rows import refuse_partitions
from ._utils._sample_weight import requesting_weights
from ._utils._typing import ArrayLike, Estimator, Rows
from ._utils._validation import column_names
from ._utils._warnings import warn
from .students._continuous import (
    check_outputs,
    check_weights,
    fit_regressor,
    shaped_target,
    takes_columns,
)
from .students._mean_losses import check_bound, check_loss, least_target, lower_bound


class DistilledRegressor(TeacherMixin, RegressionStudentMixin, BaseEstimator):
    """Distil a teacher into a student for a continuous target: fit it to the teacher's predictions.

    The teacher's predictions are made out of fold and mixed with the values of y. The student is
    fitted to these targets and makes all predictions. The teacher is then discarded.

    Parameters
    ----------
    teacher : estimator, default=None
        Any regressor that predicts means, cloned and cross-fitted; a
        ``sklearn.frozen.FrozenEstimator`` is used as it is, without `cv`.
        ``ExtraTreesRegressor()`` by default. It is deterministic given a seed, exact under sample
        weights, and takes missing values.

    student : estimator, default=None
        Regressor that is cloned and fitted to the targets, or a Pipeline that ends in one. Its loss
        must be linear in y: squared error, Poisson, gamma or Tweedie deviance. Absolute error,
        quantiles and Huber's loss raise an error, because the teacher's means would bias them.
        ``DecisionTreeRegressor(max_depth=8)`` by default. A tree of 256 leaves is small and needs
        no scaling. Of the students that we measured, single trees gained most, linear ones least.

    alpha : float in [0, 1] or "auto", default="auto"
        Weight of the teacher in the targets: alpha · teacher + (1 − alpha) · y. 1 uses the teacher
        alone; 0 is ordinary training, without a teacher if there are no unlabelled rows. No fixed
        value is safe: the errors of a weak teacher harm a student that could fit the labels
        exactly. "auto" chooses from the data; see Notes. Set a number to avoid the cost of the
        choice.

    unlabeled_weight : float or "auto", default="auto"
        Weight of a row without a label, of `X_unlabeled` or from `augmenter`, relative to the mean
        weight of a labelled row. 0 leaves these rows out. "auto" chooses 0, 0.2 or 1 from the data.
        If `alpha` is "auto", too, labelled rows keep their labels (`alpha_` is 0) where the teacher
        is cross-fitted and there are at least as many unlabelled as labelled rows.

    cv : int, splitter, iterable or "in-sample", default=None
        Folds for out-of-fold predictions, as in scikit-learn; None is 5 folds, not shuffled. Every
        row must be tested, which excludes ``TimeSeriesSplit``. If alpha is chosen, None is 4 folds,
        and one teacher is fitted for each pair of folds, on the rows outside the pair. If alpha is
        a number and there are unlabelled rows, one more teacher is fitted on all labelled rows, and
        labels them. So the default fits at most six teachers. Shuffle rows that are sorted:
        ``cv=KFold(4, shuffle=True, random_state=0)``. With `groups`, a number means that many folds
        of whole groups (``GroupKFold``). "in-sample" fits one teacher on all rows. It then predicts
        its own training rows and tends to repeat their values.

    augmenter : object with `sample(X, random_state)`, default=None
        Samples further rows from those of `X`, which the teacher labels like `X_unlabeled`:
        :class:`skdistill.augmentation.MungeAugmenter`,
        :class:`skdistill.augmentation.MarginalAugmenter`, or your own object. Each new row has the
        weight `unlabeled_weight`. See :class:`DistilledClassifier`.

    memory : str, path, joblib.Memory or None, default=None
        Folder of a cache for the predictions of fold teachers, like the `memory` of a ``Pipeline``.
        Each teacher is then fitted once for all settings of a search. None means no cache. See
        :class:`DistilledClassifier`.

    n_jobs : int, default=None
        Number of jobs for the fits on the folds, as in joblib.

    random_state : int, RandomState instance or None, default=None
        Seed for every `random_state` of the given estimators that is None. It also seeds
        `augmenter`.

    verbose : int, default=0
        If positive, print progress and the time of fits. 1 prints one line for each fit, with the
        weights that were used or chosen. 2 also prints one line for each fold's teacher: the time
        of its fit, or that its predictions were cached.

    Attributes
    ----------
    student_ : estimator
        The fitted student: an ordinary object of its class, which predicts and unpickles without
        skdistill.

    alpha_ : float
        The alpha used.

    unlabeled_weight_ : float
        The weight of unlabelled rows used; 0.0 without such rows.

    leaf_shrinkage_ : float
        Strength of the shrinkage of the leaves of `student_`, see
        :func:`skdistill.students.shrink_leaves`. It is chosen together with the weights, if the
        student is a tree or a forest, or a Pipeline that ends in one. Otherwise it is 0.0.

    alpha_curve_ : AlphaCurve or None
        If weights were chosen, the basis of the choice: `alpha`, `loss`, `candidates` and `nested`.
        Losses are mean squared errors of held-out rows, divided by the variance of y, and averaged
        over the outputs. The first candidate is the student fitted to the labels alone. See
        :class:`DistilledClassifier`.

    teacher_scores_ : dict or None
        Scores of the teacher's predictions; None if no teacher was used. They are "mse" (mean
        squared error), "r2", "bias" (mean of prediction minus y) and "calibration_slope" (slope of
        the regression of y on the prediction). With a slope below 1 the predictions vary too much,
        above 1 too little. The scores are weighted by `sample_weight`. They are floats, or arrays
        of shape (n_outputs,) for several outputs. They are out of fold if the teacher is
        cross-fitted. Rows of NaN in `teacher_pred` are excluded.

    coef_ : ndarray
        Coefficients of a linear student. Like `intercept_` and `feature_importances_`, absent if
        the student has none.

    intercept_ : float or ndarray
        Intercepts of a linear student.

    feature_importances_ : ndarray of shape (n_features,)
        Feature importances of a tree, a forest or a booster as student.

    n_features_in_ : int
        Number of features of `X`, if `X` has columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` is a dataframe.

    See Also
    --------
    DistilledClassifier : The same for classes.

    Notes
    -----
    With squared error, a noisy label adds the variance 4 f² σ²(x) to the loss of a row. Here f is
    the prediction and σ² the variance of y, up to terms without f. The conditional mean as target
    adds no variance. An estimated mean has an error instead, a bias that the student learns. So
    alpha weighs noise in y against the teacher's error.

    ``alpha="auto"`` fits the student twice on the training rows of each fold: to the labels alone,
    and to the teacher alone. Their residuals on the held-out rows are r and s. The best mixture has
    the weight Σ r (r − s) / Σ (r − s)², limited to [0, 1]. A third fit per fold uses it as alpha.
    Teachers have seen neither the held-out labels nor those of the student's training rows: each is
    fitted without two folds. The final student gets the mean of the teachers that have not seen a
    row. The candidate with the smallest squared error is chosen, if it improves on the labels alone
    by more than one standard error (over rows, or groups). ``unlabeled_weight="auto"`` compares
    students fitted with and without the unlabelled rows, which the teacher of the same fold labels.
    Each output is divided by its standard deviation, so that y → a y + b changes no choice. Given
    predictions, and those of a frozen teacher, are not nested.

    Poisson, gamma and Tweedie students are fitted to the teacher's mean, mixed on the scale of the
    mean: mixing logarithms would bias them. Predictions below their range are raised to its bound,
    with a warning. A ``TransformedTargetRegressor`` as student gets means on the original scale.
    Around a DistilledRegressor, ``TransformedTargetRegressor(DistilledRegressor(...))``, teacher
    and student see the transformed y: the inverse of a mean of logarithms is no mean.

    Examples
    --------
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skdistill import DistilledRegressor
    >>> X, y = make_friedman1(300, noise=3.0, random_state=0)
    >>> model = DistilledRegressor(
    ...     student=DecisionTreeRegressor(max_depth=4), random_state=0
    ... ).fit(X, y)
    >>> model.student_.get_depth()
    4
    >>> sorted(model.teacher_scores_)
    ['bias', 'calibration_slope', 'mse', 'r2']
    """

    _default_unlabeled_weight = "auto"
    _stratified = False
    _predictions = ("teacher_pred", "unlabeled_pred")
    _check_teacher = staticmethod(check_regression_teacher)

    def __init__(
        self,
        teacher: Estimator = None,
        student: Estimator = None,
        *,
        alpha: float | Literal["auto"] = "auto",
        unlabeled_weight: float | Literal["auto"] = "auto",
        cv: Any = None,
        augmenter: Any = None,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.teacher = teacher
        self.student = student
        self.alpha = alpha
        self.unlabeled_weight = unlabeled_weight
        self.cv = cv
        self.augmenter = augmenter
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
        teacher_pred: ArrayLike | None = None,
        X_unlabeled: Rows | None = None,
        unlabeled_pred: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Compute the teacher's predictions, then fit the student to them.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Training samples, in any form that the given estimators accept.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values. Several outputs need a teacher and a student that take them.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default. It is used for the student, for `teacher_scores_`, and
            for the teacher if it takes weights (with metadata routing, for the estimators that
            request it).

        teacher_pred : array-like or dataframe of shape (n_samples,) or (n_samples, n_outputs), \
default=None
            The teacher's predictions for these rows, from an external source; `teacher` is then not
            fitted. The model must not have seen the values of these rows. A row of NaN has no
            prediction: it keeps its value, and does not count in `teacher_scores_`. An index with
            the rows of X in another order, or with other rows, raises an error.

        X_unlabeled : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_features), default=None
            Unlabelled rows, each with the weight `unlabeled_weight`. A teacher fitted on all
            labelled rows labels them, or the frozen one. If alpha is chosen, the mean of all fold
            teachers does. See :class:`DistilledClassifier`.

        unlabeled_pred : array-like or dataframe of shape (n_unlabeled,) or \
(n_unlabeled, n_outputs), default=None
            Predictions for the rows of `X_unlabeled`, from an external source; no teacher then
            predicts these rows. Not with `augmenter`, whose rows need a teacher.

        **params : dict
            `groups`, one entry per row, for the folds: rows of one group are not independent of
            each other. The groups also enter the standard error of ``alpha="auto"``. With metadata
            routing enabled, also the metadata that splitter, teacher and student request.

        Returns
        -------
        self : DistilledRegressor

        Raises
        ------
        ValueError
            If a parameter is invalid, if values or predictions are not finite or have the wrong
            shape, or if no row has weight. If the loss of the student is not linear in y, or y is
            outside its range. If the test folds do not cover every row, or are fewer than the three
            that ``alpha="auto"`` needs. If a fold has rows of one group on both sides.

        TypeError
            If teacher or student is no regressor, or if `memory` cannot distinguish the teacher
            from others.

        OSError
            If `memory` cannot be written to.

        Warns
        -----
        UserWarning
            If "auto" chooses the labels alone. If the leaves of a frozen teacher's trees show that
            it was fitted on these rows. If teachers fitted on the other folds miss the level of a
            fold, as in sorted rows. If the mean error of a teacher's predictions is large, as for
            a teacher of medians. If predictions are raised to the bound of the student's loss.
            If the teacher takes no `sample_weight`. If a file of `memory` is damaged or cannot be
            written.
        """
        refuse_partitions(
            self, X=X, y=y, sample_weight=sample_weight, teacher_pred=teacher_pred,
            X_unlabeled=X_unlabeled, unlabeled_pred=unlabeled_pred, **params,
        )  # fmt: skip
        given = FitArguments(X, y, sample_weight, teacher_pred, X_unlabeled, unlabeled_pred)
        inputs = self._validate(given, params)
        predictions = self._within_range(inputs, self._predict_teacher_proba(inputs))
        self._warn_of_errors(inputs, predictions)
        data = self._soften(inputs, predictions)
        student = self._fit_student(data)
        self._set_fitted_attributes(X, student, inputs.output.shape)
        return self._set_distilled_attributes(data)

    def _validate(self, given, params):
        inputs = super()._validate(given, params)
        if inputs.weights != LABELS_ALONE and inputs.teacher_proba is None:
            check_outputs(inputs.teacher, inputs.output.n_outputs)
        return inputs

    def _check_targets(self, X, y, teacher_pred):
        """Return checked values, the kind of the teacher's output, and given predictions."""
        names = column_names(y)
        y = checked_values(y)
        if y.ndim == 2 and y.shape[1] == 1 and not get_tags(self).target_tags.multi_output:
            y = column_or_1d(y, warn=True)
        values = y.reshape(len(y), -1)
        output = RegressionOutput(values.shape[1], y.ndim == 2, names and tuple(map(str, names)))
        if teacher_pred is not None:
            teacher_pred = output.check_given(teacher_pred, X, name="teacher_pred", missing=True)
        return shaped_target(self._unfitted_teacher(), values), output, teacher_pred

    def _check_student(self, student, labels, X_unlabeled):
        """Raise, before a teacher is fitted, if a student cannot be fitted to means."""
        check_loss(student)
        check_bound(student, labels.values)
        check_outputs(student, labels.values.shape[1])
        weighted = X_unlabeled is not None and self.unlabeled_weight != 1
        if weighted or not (labels.weight == labels.weight[0]).all():
            check_weights(student)

    def _within_range(self, inputs, predictions):
        """Return predictions that are no less than the least target of the student's loss."""
        least = least_target(inputs.student, inputs.labels.values)
        if least is None or predictions is None:
            return predictions
        arrays = [predictions.labelled, predictions.unlabeled]
        n_below = sum(int((each < least).sum()) for each in arrays if each is not None)
        if n_below:
            warn(
                f"The teacher predicts less than {least:.6g}, the least target of the student's "
                f"loss, in {n_below} cases; these predictions are raised to it. Use a teacher with "
                "the same loss, or a student of squared error."
            )
        return predictions.map(lambda each: np.maximum(each, least))

    def _warn_of_errors(self, inputs, predictions):
        """Warn if predictions miss the level of each fold, or else that of all rows.

        Errors of teachers on their own training rows show nothing, nor those of rows without a
        prediction.
        """
        given = inputs.teacher_proba is not None or isinstance(inputs.teacher, FrozenEstimator)
        if predictions is None or (inputs.folds is None and not given):
            return
        targets = inputs.labels.replace_proba(predictions.labelled)
        if not given and warn_of_fold_levels(targets, inputs.folds):
            return
        predicted = ~predictions.unseen
        groups = None if inputs.groups is None else inputs.groups[predicted]
        warn_of_mean_error(targets.take(predicted), groups)

    def _fit_student(self, data):
        data.soft_labels.check_some_weight()
        with data.progress.task("fit-student"):
            student = fit_regressor(data.student, data.X, data.soft_labels, **data.student_params)
        return self._shrink_leaves(student, data)

    def _set_distilled_attributes(self, data):
        self.alpha_, self.unlabeled_weight_, _ = data.weights
        self.leaf_shrinkage_ = data.leaf_shrinkage
        self.alpha_curve_ = data.alpha_curve
        self.teacher_scores_ = data.scores
        log_fit(self, data.progress)
        data.progress.end()
        return self

    def _check_parameters(self):
        self._check_common_parameters()
        check_predicts_numbers(self._unfitted_student(), "student")
        if isinstance(self.student, FrozenEstimator):
            raise TypeError(
                f"{self.student!r} as student is frozen, and would not be fitted. Give the "
                "estimator inside it, or freeze the teacher instead."
            )

    def _compared_pseudo_labels(self):
        """Return False: numbers have no hard form."""
        return False

    def _select_weights(self, data, weights):
        return select_by_squared_loss(data, weights, self.n_jobs)

    def _temperature(self, inputs):
        """Return 1: a temperature softens probabilities, not numbers."""
        return 1.0

    def _unfitted_teacher(self):
        if self.teacher is not None:
            return self.teacher
        return requesting_weights(ExtraTreesRegressor())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inside = (self._unfitted_teacher(), self._unfitted_student())
        tags.target_tags.multi_output = all(map(takes_columns, inside))
        tags.target_tags.positive_only = lower_bound(inside[1]) is not None
        return tags
