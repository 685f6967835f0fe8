"""A student that predicts where it is sure, and its teacher elsewhere, with a bound that holds."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_consistent_length, check_random_state, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ._base._calibration_rows import CalibrationRows, split_rows
from ._base._cascade_calibration import calibrate, warn_that_all_is_deferred
from ._base._cascade_classes import (
    common_classes,
    predicted_labels,
    predicted_proba,
    predicts_classes,
)
from ._base._cascade_parameters import check_parameters
from ._base._features import check_features
from ._base._routing import route_fit
from ._base._scored_student import ScoredStudent
from ._base._served import served
from ._cascade._criteria import CRITERIA
from ._cascade_pair import fit_pair, pair_has, unfitted_pair
from ._teachers._seen_rows import warn_if_seen
from ._utils._labels import check_labels
from ._utils._rows import copied, count_rows, predict_on_copy, refuse_partitions, rows_where
from ._utils._tags import allows_nan, intersect_tags
from ._utils._typing import ArrayLike, Estimator, Floats, NDArray, Rows

OTHER_ROWS = (
    "Its predictions of them are better than those of new rows, so that the bound does not hold. "
    "Give rows that neither teacher nor student was fitted on."
)


class CascadeClassifier(ClassifierMixin, BaseEstimator):
    """A student that keeps the rows it is sure of, and defers the others to its teacher.

    The student keeps a row and differs from the teacher with a probability of at most
    `max_disagreement`. This holds for new rows drawn like the calibration rows, with probability at
    least `confidence` over the calibration rows.

    Parameters
    ----------
    teacher : estimator, default=None
        Any classifier, fitted on the training part of the rows; a
        ``sklearn.frozen.FrozenEstimator`` is used as it is. It predicts the rows that the student
        defers. It needs `predict`. It also needs `predict_proba` if the student is distilled from
        it, and for :meth:`predict_proba`. ``ExtraTreesClassifier()`` by default.

    student : estimator, default=None
        Classifier that predicts the rows it is sure of. A fitted one in a ``FrozenEstimator`` is
        used as it is. Others are fitted on the training part of the rows. Any classifier is
        distilled from `teacher`, by ``DistilledClassifier(teacher, student, alpha=1.0,
        teacher_temperature="auto")``. An estimator of this package, or a Pipeline or search that
        ends in one, is fitted by itself; its teacher is `teacher` if it has none of its own.
        ``LogisticRegression()`` by default.

    max_disagreement : float in (0, 1), default=0.01
        Budget: the largest allowed probability that the student keeps a row and fails, as
        `criterion` says. At 0.01 and ``confidence=0.95`` at least 299 calibration rows are needed.

    confidence : float in (0, 1), default=0.95
        Probability, over the calibration rows, with which the budget is kept.

    criterion : {"disagreement", "error", "regret"}, default="disagreement"
        When a prediction fails. "disagreement": the teacher predicts another class. "error": it is
        not the true label. "regret": it is not the true label, and the teacher's prediction is. The
        last two need labels.

    within : {None, "class", "prediction"}, default=None
        Sets of rows in which the budget is kept, so that a rare class does not pay for others.
        None: over all rows. "class": within each class, by one threshold; the class is the
        teacher's prediction for "disagreement", otherwise the true label. "prediction": within the
        rows of each class that the student predicts, by one threshold for each. See also `strata`
        in :meth:`fit`.

    confidence_score : str or list of str, default="auto"
        Measure of the student's confidence. "margin": the largest probability minus the second.
        "max_proba": the largest probability. "entropy": the negative entropy. "leaf_counts": for
        trees and forests, the margin, smoothed by the number of rows in the leaf. "decision": the
        largest value of `decision_function` minus the second. "registered": see
        :func:`skdistill.students.register_confidence`. "auto" takes the first that the student has,
        in the order "registered", "leaf_counts", "margin", "decision". If a list is given, the best
        measure is chosen on a fifth of the calibration rows, which are then not used for the bound.

    calibration_size : float in (0, 1) or int, default=0.3
        Share or number of the rows of `fit` that are drawn at random for calibration. With
        `groups`, whole groups are drawn. Not used if teacher and student are frozen: then all rows
        calibrate.

    random_state : int, RandomState instance or None, default=None
        Seed for every `random_state` of the given estimators that is None. It also seeds the
        draws of the calibration rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

    teacher_ : estimator
        The fitted teacher.

    student_ : estimator
        The fitted student: an ordinary object of its class, which predicts and unpickles without
        skdistill.

    threshold_ : float or ndarray of shape (n_classes,)
        Smallest confidence at which the student keeps a row: minus infinity if it keeps every row,
        infinity if none. With ``within="prediction"``, one for each predicted class.

    coverage_ : float
        Share of the calibration rows that the student keeps.

    bound_ : float
        Upper bound, at the level `confidence`, for the probability that the student keeps a row and
        fails. It is at most `max_disagreement`, and 0 if the student keeps no row. It is computed
        for the largest number of failures that the budget allows, not for the failures that were
        observed: these rows chose the threshold, too. Only if every row is kept, the observed
        failures count, because nothing was chosen. With several sets of rows, it is the largest of
        their bounds.

    n_calibration_ : int
        Number of calibration rows that the bound is computed from.

    confidence_score_ : str
        The measure of confidence used.

    calibration_ : Calibration
        Confidences and failures of the rows that certify, for
        :func:`skdistill.inspection.cascade_curve`.

    n_features_in_ : int
        Number of features of `X`, if `X` has columns.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` is a dataframe.

    See Also
    --------
    DistilledClassifier : Distils the teacher into the student.
    skdistill.inspection.cascade_curve : Share kept, bound and cost for each budget.

    Notes
    -----
    The bound is exact for independent rows (Clopper and Pearson, 1934). Thresholds are tried
    strictest first, until the bound exceeds the budget. The risk can only grow on the way. So no
    correction for the number of thresholds is needed, and they may be the confidences of the
    calibration rows. Everything else is fixed beforehand, or chosen on other rows. "class" tests
    each class at the full level, because the threshold must pass in all of them. "prediction" tests
    each class at the level (1 − confidence) / n_classes.

    There is no guarantee for rows of another distribution. There is none if teacher or student were
    fitted on the calibration rows, because their predictions of these look too good; a warning says
    so where trees show it. There is none for single rows, or for sets of rows that are not named in
    `within` or `strata`. There is none if you try several budgets and keep the best: choose the
    budget beforehand.

    `sample_weight` is not supported, because the bound counts rows. (With metadata routing, the
    fits of teacher and student may use it.) Draw the rows in proportion to their weights instead,
    or fit teacher and student with weights, and freeze them. A row whose confidence is NaN is
    deferred.

    Examples
    --------
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdistill import CascadeClassifier, DistilledClassifier
    >>> from skdistill.datasets import make_gaussian_classes
    >>> X, y, _ = make_gaussian_classes(3000, random_state=0)
    >>> forest = RandomForestClassifier(random_state=0).fit(X[:1000], y[:1000])
    >>> student = DistilledClassifier(FrozenEstimator(forest), alpha=1.0)
    >>> student = student.fit(X[1000:2000], y[1000:2000])
    >>> cascade = CascadeClassifier(
    ...     FrozenEstimator(forest), FrozenEstimator(student), max_disagreement=0.05
    ... ).fit(X[2000:])
    >>> cascade.bound_ <= 0.05
    True
    >>> cascade.n_calibration_
    1000
    >>> deferred = cascade.defers(X)
    """

    def __init__(
        self,
        teacher: Estimator = None,
        student: Estimator = None,
        *,
        max_disagreement: float = 0.01,
        confidence: float = 0.95,
        criterion: Literal["disagreement", "error", "regret"] = "disagreement",
        within: Literal["class", "prediction"] | None = None,
        confidence_score: str | list[str] = "auto",
        calibration_size: float | int = 0.3,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.teacher = teacher
        self.student = student
        self.max_disagreement = max_disagreement
        self.confidence = confidence
        self.criterion = criterion
        self.within = within
        self.confidence_score = confidence_score
        self.calibration_size = calibration_size
        self.random_state = random_state

    def fit(
        self,
        X: Rows,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        strata: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Fit teacher and student, unless they are frozen, then choose the threshold.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Training samples, in any form that the given estimators accept. If teacher and student
            are frozen, all rows calibrate: neither must have been fitted on them.

        y : array-like of shape (n_samples,), default=None
            True labels: strings, booleans or integers. Only needed if teacher or student is not
            frozen, or by `criterion`.

        groups : array-like of shape (n_samples,), default=None
            Group of each row, such as a person: rows of one group are not independent. Whole groups
            are used for calibration, and the bound uses one row of each, drawn at random. The
            guarantee is then for a row drawn at random from a new group.

        strata : array-like of shape (n_samples,), default=None
            Set of each row, such as a region: the budget is kept within each, by one threshold.
            They are not needed to predict. Not with ``within="prediction"``.

        **params : dict
            With metadata routing enabled, metadata that teacher and student request.

        Returns
        -------
        self : CascadeClassifier

        Raises
        ------
        ValueError
            If a parameter is invalid, if labels are missing or the classes of teacher and student
            differ, if there are fewer than two classes, or if a confidence is not finite.

        TypeError
            If teacher or student is not a classifier, for `X_unlabeled`, or for `sample_weight`
            without metadata routing.

        sklearn.exceptions.NotFittedError
            If a frozen estimator is not fitted.

        Warns
        -----
        UserWarning
            If the student keeps no row; the message states how many rows are needed, or which
            budget would have been kept. If trees show that a frozen estimator was fitted on the
            calibration rows.
        """
        refuse_partitions(self, X=X, y=y, groups=groups, strata=strata, **params)
        check_parameters(self, strata)
        routed = self._route(params)
        (X,) = indexable(X)
        y = self._check_labels(y)
        check_consistent_length(X, y)
        given = CalibrationRows.of(X, y, groups, strata)
        rng = check_random_state(self.random_state)
        train, held_out = self._split(given, rng)
        teacher, student = fit_pair(
            self.teacher, self.student, given, train, routed, self.random_state
        )
        self._warn_of_seen_rows(given, teacher, student)
        self._calibrate(given.take(held_out), teacher, served(student), rng)
        self._set_features(X)
        return self

    @property
    def _is_frozen(self):
        """Whether both estimators are frozen, so that no row is used to fit them."""
        return all(isinstance(each, FrozenEstimator) for each in (self.teacher, self.student))

    def _route(self, params):
        """Return the metadata for teacher and student."""
        routing = get_config()["enable_metadata_routing"]
        if params.get("X_unlabeled") is not None and not routing:
            raise TypeError(
                "CascadeClassifier takes no X_unlabeled. Distil first: distilled = "
                "DistilledClassifier(teacher, student).fit(X, y, X_unlabeled=X_unlabeled), and fit "
                "the teacher. Then calibrate on rows that neither has seen: CascadeClassifier("
                "FrozenEstimator(teacher), FrozenEstimator(distilled)).fit(X_calibration)."
            )
        if params.get("sample_weight") is None:
            params.pop("sample_weight", None)
        elif not routing:
            raise TypeError(
                "CascadeClassifier takes no sample_weight: its bound counts calibration rows. Draw "
                "the rows in proportion to their weights, or fit teacher and student with weights "
                "and pass them as FrozenEstimator(...). With metadata routing, weights are passed "
                "on to their fit alone."
            )
        return route_fit(self, None, params, ("teacher", "student"))

    def _check_labels(self, y):
        """Return labels, None where there are none and none are needed."""
        if y is not None or not self._is_frozen:
            return check_labels(y)
        if CRITERIA[self.criterion].needs_labels:
            raise ValueError(
                f"criterion={self.criterion!r} compares predictions with true labels, and y is "
                'None. Give y, or set criterion="disagreement", which needs none.'
            )
        return None

    def _split(self, given, rng):
        """Return the rows that teacher and student are fitted on, and those that calibrate."""
        if self._is_frozen:
            return None, np.arange(count_rows(given.X))
        return split_rows(given.X, given.groups, self.calibration_size, rng)

    def _warn_of_seen_rows(self, given, teacher, student):
        """Warn if a frozen estimator was visibly fitted on all rows, those that calibrate too."""
        labels = given.y
        if labels is None:
            labels = predict_on_copy(teacher.predict, given.X)
        for role, model in (("teacher", teacher), ("student", student)):
            if isinstance(getattr(self, role), FrozenEstimator):
                warn_if_seen(FrozenEstimator(served(model)), given.X, labels, OTHER_ROWS, role=role)

    def _calibrate(self, rows, teacher, student, rng):
        """Compute the thresholds from rows, and set the attributes."""
        classes = common_classes(teacher, student)
        scored, calibration = calibrate(self, rows, teacher, student, classes, rng)
        certificate = calibration.certify(self.max_disagreement, self.confidence)
        if certificate.coverage == 0:
            warn_that_all_is_deferred(calibration, self.max_disagreement, self.confidence)
        self.classes_ = classes
        self.teacher_, self.student_ = teacher, student
        self._teacher_in_order = predicts_classes(teacher, classes)
        self.calibration_, self.n_calibration_ = calibration, len(calibration.scores)
        self.threshold_, self.coverage_, self.bound_ = certificate
        self._keeps_nothing = bool(np.all(self.threshold_ == np.inf))
        _, _, self.confidence_score_, *self._prediction_state = scored

    def _set_features(self, X):
        """Set the attributes that describe the rows."""
        validate_data(self, X, skip_check_array=True)
        no_nan = not (isinstance(X, np.ndarray) and X.dtype.kind == "f" and np.isnan(X).any())
        # The model that gets all rows may accept what the other rejects.
        first = self.teacher_ if self._keeps_nothing else self.student_
        self._reject_nan = allows_nan(first) and not allows_nan(self) and no_nan

    # Prediction.

    @available_if(pair_has("predict"))
    def predict(self, X: Rows) -> NDArray:
        """Predict the class of each row: by the student where it is sure, else by the teacher.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts. The teacher gets the deferred rows
            only, and is not called if there are none.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`.
        """
        predictions, deferred = self._predict_by_student(X)
        if predictions is None:
            return self._teacher_labels(copied(X))
        labels = self.classes_[predictions.codes]
        if deferred.any():
            labels[deferred] = self._teacher_labels(rows_where(X, deferred))
        return labels

    @available_if(pair_has("predict_proba"))
    def predict_proba(self, X: Rows) -> Floats:
        """Predict the probability of each class: by the student, or by the teacher.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts. The teacher gets the deferred rows
            only, and is not called if there are none.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to one; columns are in the order of `classes_`. Each row is that of the model
            which predicts it.
        """
        predictions, deferred = self._predict_by_student(X)
        if predictions is None:
            return self._teacher_proba(copied(X))
        proba = predictions.proba
        if deferred.any():
            proba = np.array(proba, dtype=np.float64)  # a student may have float32
            proba[deferred] = self._teacher_proba(rows_where(X, deferred))
        return proba

    @available_if(pair_has("predict_proba"))
    def predict_log_proba(self, X: Rows) -> Floats:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Logarithms of :meth:`predict_proba`; minus infinity for a probability of 0.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def defers(self, X: Rows) -> NDArray:
        """Return which rows the student defers to the teacher, which is not called.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,)
            Booleans: True where the teacher predicts.
        """
        predictions, deferred = self._predict_by_student(X)
        return np.ones(count_rows(X), dtype=bool) if predictions is None else deferred

    def _predict_by_student(self, X):
        """Return the student's predictions, and which rows it defers; None and None if all."""
        if not hasattr(self, "student_"):
            check_is_fitted(self, "student_")  # slow: it reads all tags
        if type(X) is not np.ndarray:
            refuse_partitions(self, X=X)
        check_features(self, X)
        if self._keeps_nothing:
            return None, None
        student = ScoredStudent(
            self.student_, self.classes_, self.confidence_score_, *self._prediction_state
        )
        predictions = student.predict(X)
        threshold = self.threshold_
        if isinstance(threshold, np.ndarray):  # one for each class
            threshold = threshold[predictions.codes]
        return predictions, ~(predictions.scores >= threshold)  # a confidence of NaN defers, too

    def _teacher_labels(self, X):
        """Return the teacher's labels from `classes_` for rows, which it may change."""
        return predicted_labels(self.teacher_, X, self.classes_, self._teacher_in_order)

    def _teacher_proba(self, X):
        """Return the teacher's probabilities, one column per class, for rows that it may change."""
        return predicted_proba(self.teacher_, X, self.classes_, self._teacher_in_order)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        tags.target_tags.required = not self._is_frozen
        for inside in unfitted_pair(self.teacher, self.student):
            tags = intersect_tags(tags, inside)
        return tags

    def get_metadata_routing(self):
        """Return which metadata goes to teacher and student.

        Returns
        -------
        sklearn.utils.metadata_routing.MetadataRouter
            Metadata of `fit` goes to `fit` of teacher and student.
        """
        to_fit = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        teacher, student = unfitted_pair(self.teacher, self.student)
        return router.add(teacher=teacher, student=student, method_mapping=to_fit)
