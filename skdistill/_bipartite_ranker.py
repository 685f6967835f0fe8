"""Bipartite ranking: a teacher's probabilities weight all pairs of rows."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ._base._alpha_selection import select_by_pairs
from ._base._distillation import TeacherMixin
from ._base._student_predictions import StudentMixin
from ._base._training_data import FitArguments
from ._targets._soft_labels import aligned_proba
from ._utils._labels import check_classes
from ._utils._progress import with_callbacks
from ._utils._rows import copied, is_in_partitions
from ._utils._sample_weight import requesting_weights
from ._utils._typing import ArrayLike, Estimator, Floats, NDArray, Proba, Rows
from ._utils._validation import check_number
from .students._predictions import student_scores
from .students.pipeline import last_step
from .students.ranking import fit_ranker
from .students.ranking._pairs import (
    best_intercept,
    check_pairs,
    check_surrogate,
    check_two_classes,
    refuse_more_than_two,
)
from .students.ranking._registry import check_ranker, resolve_ranking_fitter


class DistilledBipartiteRanker(TeacherMixin, StudentMixin, BaseEstimator):
    """Distil a teacher into a student that ranks rows by the probability of the second class.

    The teacher predicts the probability of the second class out of fold; the student is fitted to
    rank rows in this order. Each pair of rows is weighted by the probability that its first row is
    in the second class and its other row is not. The sum over all pairs is computed in linear time.

    Parameters
    ----------
    teacher : estimator, default=None
        Any classifier with `predict_proba`, cloned and cross-fitted; a
        ``sklearn.frozen.FrozenEstimator`` is used as it is, without `cv`.
        ``ExtraTreesClassifier()`` by default.

    student : estimator, default=None
        Estimator that is cloned and fitted to the soft labels. By default a linear function of the
        features. A ``LogisticRegression`` is the same with its own parameters, for the end of a
        Pipeline. XGBRegressor, XGBRanker, LGBMRegressor and LGBMRanker are boosted on the exact
        loss of all pairs. Any other regressor is fitted to the first Newton step. A Pipeline may
        end in any of them. See :func:`skdistill.students.ranking.fit_ranker`.

    surrogate : {"logistic", "exponential", "hinge", "squared_hinge"}, default="logistic"
        Loss φ of the margin d of a pair, the score difference: log(1 + e^{−d}), e^{−d},
        max(0, 1 − d) or its square. The hinge is not consistent for the AUC, the others are.

    alpha : float in [0, 1] or "auto", default=1.0
        Weight of the teacher in the targets: alpha · teacher + (1 − alpha) · one-hot label. 1 uses
        the teacher alone; 0 is the usual pairwise loss on the labels. Targets are mixed, not
        losses, because each loss is a product of two targets. "auto" chooses from the data as in
        :class:`DistilledClassifier`, by the pairwise loss of mixed scores.

    unlabeled_weight : float or "auto", default=1.0
        Weight of a row without a label, of `X_unlabeled` or from `augmenter`, relative to the mean
        weight of a labelled row. 0 leaves these rows out. "auto" chooses 0, 0.2 or 1 from the data,
        by the pairwise loss. See :class:`DistilledClassifier`.

    teacher_temperature : float or "auto", default=1.0
        T in p^(1/T), renormalised. T > 1 softens the teacher, T < 1 sharpens it. A calibrated
        teacher needs T = 1. "auto" chooses the T in [1/20, 20] that minimises the teacher's
        out-of-fold log-loss. A probability of exactly 0 stays 0. A temperature does not change the
        teacher's order of rows, only the weights of pairs.

    cv : int, splitter, iterable or "in-sample", default=None
        Folds for out-of-fold probabilities, as in scikit-learn; None is 5 folds, stratified.
        Every row must be tested. If alpha is chosen, None is 3 folds. With `groups`, a number means
        that many folds of whole groups. "in-sample" fits one teacher on all rows; see
        :class:`DistilledClassifier`.

    augmenter : object with `sample(X, random_state)`, default=None
        Samples further rows from those of `X`, which the teacher labels like `X_unlabeled`:
        :class:`skdistill.augmentation.MungeAugmenter`,
        :class:`skdistill.augmentation.MarginalAugmenter`, or your own object. Each new row has the
        weight `unlabeled_weight`. See :class:`DistilledClassifier`.

    C : float, default=1.0
        Inverse strength of the L2 penalty of the default student. The student minimises ½‖w‖² + C ·
        n · (mean loss), with n the total weight of the rows. ``np.inf`` means no penalty. The mean
        is over all pairs.

    classes : array-like of shape (2,), default=None
        All classes, in the order of the columns of given probabilities. By default those of `y`,
        sorted; needed if a split or `teacher_proba` may have more.

    tol : float, default=1e-4
        Stopping criterion of the default student: the largest absolute entry of the gradient. It is
        the gradient of the mean loss, with the penalty.

    max_iter : int, default=100
        Maximum number of iterations of the default student. An iteration is a Newton step.

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
        of its fit, or that its predictions were cached. For a progress bar, see
        :class:`DistilledClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, sorted. Higher scores mean the second one.

    student_ : estimator
        The fitted student: an ordinary object of its class, which predicts and unpickles without
        skdistill. The linear one is a ``LogisticRegression`` with the `decision_function` of the
        ranker; for others, `predict` is that score up to `intercept_`. The `predict_proba` of a
        ``LogisticRegression`` is the logistic function of the score for all surrogates: see Notes.

    coef_ : ndarray of shape (1, n_features)
        Coefficients of a linear student. Absent for others.

    intercept_ : ndarray of shape (1,)
        Intercepts of a linear student. The intercept is the shift of the scores that minimises the
        log-loss of the targets; pairs do not depend on it. For any other student it is the same
        shift of its predictions.

    feature_importances_ : ndarray of shape (n_features,)
        Feature importances of a tree, a forest or a booster as student. Absent for others.

    n_iter_ : ndarray of shape (1,), int32
        Iterations of a linear student; 1 for any other. An iteration is a Newton step.

    alpha_ : float
        The alpha used.

    unlabeled_weight_ : float
        The weight of unlabelled rows used; 0.0 without such rows.

    pseudo_labels_ : bool
        Whether unlabelled rows had hard pseudo-labels as targets, the teacher's most probable
        class, in place of its probabilities. They are compared if both `unlabeled_weight` and
        `teacher_temperature` are "auto".

    alpha_curve_ : AlphaCurve or None
        If weights were chosen, the basis of the choice: `alpha`, `loss`, `candidates` and `nested`.
        As in :class:`DistilledClassifier`, but losses are the surrogate loss.

    teacher_temperature_ : float
        The temperature used; 1.0 if no teacher was fitted (``alpha=0``).

    teacher_scores_ : dict or None
        Scores of the teacher's probabilities, before and after tempering; None if no teacher was
        used. As in :class:`DistilledClassifier`.

    n_features_in_ : int
        Number of features of `X`, if `X` has columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` is a dataframe.

    See Also
    --------
    DistilledClassifier : Fits the probabilities of single rows, which also rank them.
    skdistill.objectives.pairwise_loss : The loss of all pairs, and its gradient.
    skdistill.metrics.pairwise_disagreement : The share of pairs in the wrong order.

    Notes
    -----
    The student minimises the distilled bipartite risk
    Σ_ij w_i w_j p_i (1 − p_j) φ(s_i − s_j), divided by Σ w p · Σ w (1 − p) (Menon, Rawat,
    Reddi, Kim and Kumar, "A statistical perspective on distillation", ICML 2021, on bipartite
    ranking). It includes the constant pairs of a row with itself, so that a row of weight 2 is
    equivalent to two rows.

    For unrestricted scores, the minimiser of the logistic surrogate is log p / (1 − p) plus a
    constant. That of the exponential one is half of it. The hinges have no such scale. So there is
    no `predict_proba`: use ``CalibratedClassifierCV(DistilledBipartiteRanker())``.

    The gain comes from the soft labels, not from the pairs. On real, noisy data (late flights)
    the pointwise student of :class:`DistilledClassifier` ranked as well with the same teacher.

    A search with `teacher_proba` of the training rows is biased towards students that mimic the
    teacher, because the teacher has seen the held-out labels. Let the search fit the teacher, or
    hold out rows that it has not seen.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skdistill import DistilledBipartiteRanker
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> ranker = DistilledBipartiteRanker(RandomForestClassifier(50), random_state=0)
    >>> model = make_pipeline(StandardScaler(), ranker)
    >>> bool(cross_val_score(model, X, y, scoring="roc_auc").mean() > 0.98)
    True
    """

    _check_supported = staticmethod(check_ranker)

    def __init__(
        self,
        teacher: Estimator = None,
        student: Estimator = None,
        *,
        surrogate: Literal["logistic", "exponential", "hinge", "squared_hinge"] = "logistic",
        alpha: float | Literal["auto"] = 1.0,
        unlabeled_weight: float | Literal["auto"] = 1.0,
        teacher_temperature: float | Literal["auto"] = 1.0,
        cv: Any = None,
        augmenter: Any = None,
        C: float = 1.0,
        classes: ArrayLike | None = None,
        tol: float = 1e-4,
        max_iter: int = 100,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.teacher = teacher
        self.student = student
        self.surrogate = surrogate
        self.alpha = alpha
        self.unlabeled_weight = unlabeled_weight
        self.teacher_temperature = teacher_temperature
        self.cv = cv
        self.augmenter = augmenter
        self.C = C
        self.classes = classes
        self.tol = tol
        self.max_iter = max_iter
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
        """Compute the teacher's probabilities, then fit the student to rank rows by them.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Training samples, in any form that the given estimators accept.

        y : array-like of shape (n_samples,)
            True labels: strings, booleans or integers. There must be two classes.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default. It is used for the student, for `teacher_scores_`, and
            for the teacher if it takes weights (with metadata routing, for the estimators that
            request it).

        teacher_proba : array-like, sparse matrix or dataframe of shape (n_samples, 2) or \
(n_samples,), default=None
            The teacher's probabilities for these rows, from an external source (an API, a GPU job,
            annotators); `teacher` is then not fitted. Columns are matched as in
            :class:`DistilledClassifier`; one number per row is the probability of the second of the
            sorted classes. The model must not have seen the labels of these rows. Rows of NaN keep
            their label.

        X_unlabeled : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_features), default=None
            Unlabelled rows, each with the weight `unlabeled_weight`. They are labelled by a teacher
            fitted on all labelled rows, or by the frozen one. See
            :class:`DistilledClassifier`.

        unlabeled_proba : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_classes), default=None
            Probabilities of the rows of `X_unlabeled`, from an external source, in the form of
            `teacher_proba`; no teacher then predicts these rows. Not with `augmenter`, whose
            rows need a teacher.

        **params : dict
            `groups`, one entry per row, for the folds: rows of one group are not independent of
            each other. With metadata routing enabled, also the metadata that splitter, teacher and
            student request.

        Returns
        -------
        self : DistilledBipartiteRanker

        Raises
        ------
        ValueError
            If a parameter is invalid, if there are not two classes, or if labels and probabilities
            are inconsistent. If no pair of rows has weight, for example because the teacher
            predicts one class for all rows.

        TypeError
            If the teacher has no `predict_proba`, if the student cannot rank, or if `memory`
            cannot distinguish the teacher from others.

        OSError
            If `memory` cannot be written to.

        Warns
        -----
        UserWarning
            As :class:`DistilledClassifier` does, also for a frozen teacher fitted on these rows.

        ConvergenceWarning
            If the gradient of a linear student exceeds `tol` after `max_iter` steps.
        """
        given = FitArguments(X, y, sample_weight, teacher_proba, X_unlabeled, unlabeled_proba)
        if is_in_partitions(*given):
            from ._dask import fit_ranker_on_partitions

            settings = self._partition_settings(given, params)
            data, student = fit_ranker_on_partitions(settings, X, y, sample_weight, teacher_proba)
            return self._set_distilled_attributes(data.partitions.header, data, student)
        inputs = self._validate(given, params)
        predictions = self._predict_teacher_proba(inputs)
        data = self._soften(inputs, predictions)
        student = self._fit_student(data)
        return self._set_distilled_attributes(X, data, student)

    def _fit_student(self, data):
        check_pairs(data.soft_labels)
        with data.progress.task("fit-student"):
            scores_itself = hasattr(data.student, "decision_function")
            rows = data.X if scores_itself else copied(data.X)  # X is predicted later
            return fit_ranker(
                data.student, rows, data.soft_labels, self.surrogate, **data.student_params
            )

    def _set_distilled_attributes(self, X, data, student):
        intercept, n_iter = _intercept_and_steps(student, data)
        self._set_fitted_attributes(X, student, data.classes)
        self.intercept_, self.n_iter_ = intercept, n_iter
        self._set_selected_weights(data)
        return self._set_teacher_attributes(data)

    def _select_weights(self, data, weights):
        return select_by_pairs(data, weights, self.surrogate, self.n_jobs)

    def decision_function(self, X: Rows) -> Floats:
        """Return the score of each row.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,)
            Higher for rows that are more likely of the second class.
        """
        self._check_is_fitted()
        return self._predict_rows("decision_function", X, self._scores)

    def predict(self, X: Rows) -> NDArray:
        """Predict the second class where the score is positive, else the first one.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`.
        """
        self._check_is_fitted()
        return self._predict_rows("predict", X, self._labels, dtype=self.classes_.dtype)

    def _scores(self, student, X, classes):
        scores = student_scores(student, X)
        return scores if hasattr(student, "decision_function") else scores + self.intercept_

    def _labels(self, student, X, classes):
        return classes[(self._scores(student, X, classes) > 0).astype(int)]

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the area under the ROC curve.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        y : array-like of shape (n_samples,)
            True labels. Both classes must occur.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        Returns
        -------
        float
            In [0, 1], the share of pairs of the two classes in the right order; ties count
            half.
        """
        if is_in_partitions(X, y, sample_weight):
            from ._dask import scored_partitions

            self._check_features(X)
            y, scores, sample_weight = scored_partitions(self, X, y, sample_weight)
        else:
            scores = self.decision_function(X)
        positive = np.asarray(y) == self.classes_[1]
        return float(roc_auc_score(positive, scores, sample_weight=sample_weight))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _unfitted_student(self):
        if self.student is not None:
            return self.student
        linear = LogisticRegression(C=self.C, tol=self.tol, max_iter=self.max_iter)
        return requesting_weights(linear)

    def _student_to_describe(self):
        return last_step(super()._student_to_describe())

    def _check_parameters(self):
        super()._check_parameters()
        check_surrogate(self.surrogate)
        resolve_ranking_fitter(
            last_step(self._unfitted_student())
        )  # raises before the teacher is fitted
        check_number("C", self.C, Real, or_infinity=True)
        check_number("tol", self.tol, Real)
        check_number("max_iter", self.max_iter, Integral)
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name, default in (("C", 1.0), ("tol", 1e-4), ("max_iter", 100))
            if getattr(self, name) != default
        ]
        if self.student is not None and changed:
            raise ValueError(
                f"C, tol and max_iter are those of the default student; got {', '.join(changed)} "
                f"with student={self.student!r}. Set the parameters of the student itself, as in "
                "student=LogisticRegression(C=0.1)."
            )

    def _check_columns(self, y, teacher_proba):
        """Return both classes, and given probabilities with one column for each."""
        classes = check_classes(y, self.classes)
        refuse_more_than_two(classes)
        if np.ndim(teacher_proba) == 1:  # of the second of the sorted classes
            check_two_classes(classes)
            proba, _ = aligned_proba(teacher_proba, classes, name="teacher_proba", missing=True)
            return classes, proba
        classes, teacher_proba = super()._check_columns(y, teacher_proba)
        check_two_classes(classes)
        return classes, teacher_proba


def _intercept_and_steps(student, data):
    """Return intercept and Newton steps of a linear student; else the best intercept and 1."""
    if hasattr(student, "decision_function"):
        linear = last_step(student)
        return linear.intercept_, linear.n_iter_
    scores = np.ravel(student.predict(data.X))
    return np.array([best_intercept(scores, data.soft_labels)]), np.array([1], dtype=np.int32)
