"""A student that predicts where it is sure, and its teacher elsewhere, with a bound that holds."""

from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_random_state, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ._base._calibration_rows import CalibrationRows, one_row_of_each, sets_of_rows, split_rows
from ._base._cascade_predictions import (
    ScoredStudent,
    check_several,
    codes_among,
    common_classes,
    predicted_codes,
    predicts_classes,
    served,
)
from ._base._features import check_features
from ._base._routing import route_fit
from ._base._student_predictions import StudentMixin
from ._born_again import BornAgainClassifier
from ._cascade._bounds import rows_needed
from ._cascade._calibration import Calibration
from ._cascade._criteria import CRITERIA, Codes
from ._cascade._selection import best_score
from ._distilled_classifier import DistilledClassifier
from ._teachers._predict import MulticlassOutput
from ._teachers._seen_rows import warn_if_seen
from ._utils._class_codes import check_codes
from ._utils._fit import fitted as fit_estimator
from ._utils._groups import group_codes
from ._utils._labels import check_labels
from ._utils._methods import may_have_method
from ._utils._random_state import seeded_clones
from ._utils._rows import (
    copied,
    count_rows,
    predict_on_copy,
    refuse_partitions,
    rows_of,
    rows_where,
)
from ._utils._sample_weight import requesting_weights
from ._utils._tags import allows_nan, intersect_tags
from ._utils._typing import ArrayLike, Estimator, Floats, NDArray, Rows
from ._utils._warnings import warn
from .students._confidence import NAMES, available_scores
from .students._predictions import predicts_numbers

# Share of the calibration rows that choose a measure of confidence, if several are given.
SELECTION_SHARE = 0.2
# Estimators whose `fit` takes groups.
WITH_GROUPS = (BornAgainClassifier, DistilledClassifier)
OTHER_ROWS = (
    "Its predictions of them are better than those of new rows, so that the bound does not hold. "
    "Give rows that neither teacher nor student was fitted on."
)


def pair_has(method):
    """Return a check that teacher and student, fitted or not, have a method."""

    def check(cascade):
        if hasattr(cascade, "student_"):
            pair = cascade.teacher_, cascade.student_
        else:
            pair = cascade._unfitted_teacher(), cascade._unfitted_student()
        return all(may_have_method(each, method) or predicts_numbers(each) for each in pair)

    return check


class CascadeClassifier(ClassifierMixin, BaseEstimator):
    """A student that keeps the rows it is sure of, and defers the others to its teacher.

    With probability at least `confidence` over the calibration rows, the probability that the
    student keeps a row and differs from the teacher is at most `max_disagreement`, for new rows
    drawn like the calibration rows.

    Parameters
    ----------
    teacher : estimator, default=None
        Any classifier, fitted on the training part of the rows; a
        ``sklearn.frozen.FrozenEstimator`` is used as it is. It predicts the rows that the student
        defers. It needs `predict`, and `predict_proba` for :meth:`predict_proba`, or if the student
        is distilled from it.
        ``ExtraTreesClassifier()`` by default.

    student : estimator, default=None
        Classifier that predicts the rows it is sure of. A fitted one in a ``FrozenEstimator`` is
        used as it is. Others are fitted on the training part of the rows: an estimator of this
        package (or a Pipeline or search that ends in one) by itself, with `teacher` as its teacher
        if it has none of its own; any other classifier is distilled from `teacher`, by
        ``DistilledClassifier(teacher, student, alpha=1.0, teacher_temperature="auto")``.
        ``LogisticRegression()`` by default.

    max_disagreement : float in (0, 1), default=0.01
        Budget: the largest allowed probability that the student keeps a row and fails, as
        `criterion` says. At 0.01 and ``confidence=0.95`` at least 299 calibration rows are needed.

    confidence : float in (0, 1), default=0.95
        Probability, over the calibration rows, with which the budget is kept.

    criterion : {"disagreement", "error", "regret"}, default="disagreement"
        When a prediction fails: "disagreement", if the teacher predicts another class; "error", if
        it is not the true label; "regret", if it is not and the teacher's prediction is. The last
        two need labels.

    within : {None, "class", "prediction"}, default=None
        Sets of rows in which the budget is kept, so that a rare class does not pay for others.
        "class": within each class (the teacher's prediction for "disagreement", else the true
        label), by one threshold. "prediction": within the rows of each class that the student
        predicts, by one threshold for each. None: over all rows. See also `strata` in :meth:`fit`.

    confidence_score : str or list of str, default="auto"
        Measure of the student's confidence. "max_proba": the largest probability; "margin": the
        largest minus the second; "entropy": the negative entropy; "leaf_counts", for trees and
        forests: the largest probability, smoothed by the number of rows in the leaf; "decision":
        the largest value of `decision_function` minus the second; "registered": see
        :func:`skdistill.students.register_confidence`. "auto" is the first that the student has
        of "registered", "leaf_counts", "max_proba" and "decision". Of a list of measures the best
        is chosen, on a fifth of the calibration rows, which then do not certify.

    calibration_size : float in (0, 1) or int, default=0.3
        Share or number of the rows of `fit` that calibrate, drawn at random. Not used if teacher
        and student are frozen: then all rows calibrate.

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
        Upper bound, at the level `confidence`, for the probability that the student keeps a
        row and fails; at most `max_disagreement`, and 0 if it keeps no row. The largest one, if the
        budget is kept within several sets.

    n_calibration_ : int
        Number of rows that certify the bound.

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
    strictest first until the bound exceeds the budget; since the risk can only grow on the way, no
    correction for their number is needed. "class" tests each class at the full level, since the
    threshold must pass in all; "prediction" tests each at (1 − confidence) / n_classes.

    What is not guaranteed: anything for rows of another distribution; for rows that teacher or
    student were fitted on, which look too easy (a warning reports them where trees show it); for
    single rows or sets of rows that are not named in `within` or `strata`; and for several budgets
    at once, of which the best is kept: choose the budget beforehand.

    `sample_weight` is not supported for calibration, and an error without metadata routing: the
    bound counts rows. Draw the rows in proportion to their weights instead, or fit teacher and
    student with weights, and freeze them. A student's confidence of NaN defers the row.

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
            calibrate, and of each of these one row, drawn at random, certifies; the guarantee is
            then for a row drawn at random from a new group.

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
            If teacher or student is not a classifier, or for `sample_weight` without metadata
            routing.

        sklearn.exceptions.NotFittedError
            If a frozen estimator is not fitted.

        Warns
        -----
        UserWarning
            If the student keeps no row: with the number of rows that are needed, or the budget
            that would have been kept; if trees show that a frozen estimator was fitted on the
            calibration rows.
        """
        refuse_partitions(self, X=X, y=y, groups=groups, strata=strata, **params)
        self._check_parameters(strata)
        routed = self._route(params)
        (X,) = indexable(X)
        y = self._check_labels(y)
        check_consistent_length(X, y)
        groups = group_codes(groups, count_rows(X))
        strata = group_codes(strata, count_rows(X), name="strata")
        rng = check_random_state(self.random_state)
        given = CalibrationRows(X, y, groups, strata)
        train, held_out = self._split(given, rng)
        teacher, student = self._fit_pair(given, train, routed)
        self._warn_of_seen_rows(given, teacher, student)
        rows = given.take(held_out)
        classes = common_classes(teacher, student)
        self._calibrate(rows, teacher, served(student), classes, rng)
        self._set_features(X)
        return self

    def _check_parameters(self, strata):
        """Raise for invalid parameters, before anything is fitted."""
        for name in ("max_disagreement", "confidence"):
            check_inner_share(name, getattr(self, name))
        check_option("criterion", self.criterion, tuple(CRITERIA))
        check_option("within", self.within, (None, "class", "prediction"))
        check_score_names(self.confidence_score)
        check_size(self.calibration_size)
        check_classifier("teacher", self.teacher)
        check_classifier("student", self.student)
        if strata is not None and self.within == "prediction":
            raise ValueError(
                'strata have one threshold in common, and within="prediction" has one for each '
                'predicted class. Give strata with within=None or within="class".'
            )

    @property
    def _is_frozen(self):
        """Whether both estimators are frozen, so that no row is used to fit them."""
        return all(isinstance(each, FrozenEstimator) for each in (self.teacher, self.student))

    def _route(self, params):
        """Return the metadata for teacher and student."""
        if params.get("sample_weight") is None:
            params.pop("sample_weight", None)
        elif not get_config()["enable_metadata_routing"]:
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

    def _fit_pair(self, given, train, routed):
        """Return the fitted teacher and student."""
        pair = {"teacher": self._unfitted_teacher(), "student": self._unfitted_student()}
        for role, estimator in pair.items():
            if isinstance(estimator, FrozenEstimator):
                check_fitted(role, estimator)
        if train is None:
            return [each.estimator for each in pair.values()]
        seeded = seeded_clones(self.random_state, *pair.values())
        rows, n_rows = given.take(train), count_rows(given.X)
        check_several(rows.y)
        fitted = []
        for role, estimator in zip(pair, seeded, strict=True):
            if isinstance(estimator, FrozenEstimator):
                fitted.append(estimator.estimator)
                continue
            check_codes(estimator, np.unique(rows.y))
            if role == "student" and not is_distilled(self.student):
                estimator.set_params(cv=folds_of(rows.y))
            fit_params = rows_of(routed[role].fit, train, n_rows)
            if given.groups is not None and isinstance(estimator, WITH_GROUPS):
                fit_params["groups"] = rows.groups
            fitted.append(fit_estimator(estimator, rows.X, rows.y, **fit_params))
        return fitted

    def _warn_of_seen_rows(self, given, teacher, student):
        """Warn if a frozen estimator was visibly fitted on all rows, those that calibrate too."""
        labels = given.y
        if labels is None:
            labels = predict_on_copy(teacher.predict, given.X)
        for role, model in (("teacher", teacher), ("student", student)):
            if isinstance(getattr(self, role), FrozenEstimator):
                warn_if_seen(FrozenEstimator(served(model)), given.X, labels, OTHER_ROWS, role=role)

    def _calibrate(self, rows, teacher, student, classes, rng):
        """Choose the measure of confidence and the thresholds, and set the attributes."""
        criterion = CRITERIA[self.criterion]
        scored_students = [
            ScoredStudent.of(student, classes, name, rows.X) for name in self._score_names(student)
        ]
        predictions = [each.predict(rows.X) for each in scored_students]
        codes = Codes(
            predictions[0].codes,
            predicted_codes(teacher, copied(rows.X), classes, "teacher"),
            None if rows.y is None else codes_among(rows.y, classes),
        )
        failures = criterion.fails(codes)
        best, certifying = 0, np.arange(len(failures))
        if len(predictions) > 1:
            certifying, choosing = split_rows(failures, rows.groups, SELECTION_SHARE, rng)
            scores = [each.scores[choosing] for each in predictions]
            best = best_score(scores, failures[choosing], self.max_disagreement)
        if rows.groups is not None:
            certifying = one_row_of_each(rows.groups, certifying, rng)
        members = sets_of_rows(self.within, codes, criterion, rows.strata, len(classes))
        calibration = Calibration(
            check_scores(predictions[best].scores, scored_students[best].score_name)[certifying],
            failures[certifying],
            None if members is None else members[:, certifying],
            self.within == "prediction",
        )
        certificate = calibration.certify(self.max_disagreement, self.confidence)
        if certificate.coverage == 0:
            self._warn_that_all_is_deferred(calibration)
        self.classes_ = classes
        self.teacher_, self.student_ = teacher, student
        self._teacher_in_order = predicts_classes(teacher, classes)
        self.calibration_, self.n_calibration_ = calibration, len(certifying)
        self.threshold_, self.coverage_, self.bound_ = certificate
        _, _, self.confidence_score_, *self._prediction_state = scored_students[best]

    def _score_names(self, student):
        """Return the names of the measures of confidence to compare."""
        available = available_scores(student)
        if not available:
            raise TypeError(
                f"{student!r} as student has neither predict_proba nor decision_function, so that "
                "its confidence is not known. Register a measure, see "
                "skdistill.students.register_confidence."
            )
        if self.confidence_score == "auto":
            return available[:1]
        given = self.confidence_score
        names = [given] if isinstance(given, str) else list(given)
        lacking = [name for name in names if name not in available]
        if lacking:
            raise ValueError(
                f"confidence_score={given!r}: {type(student).__name__} as student has no "
                f"{lacking[0]!r}. Its measures are {available}."
            )
        return names

    def _warn_that_all_is_deferred(self, calibration):
        """Warn that no threshold keeps the budget, with the remedy."""
        n_rows, level = calibration.smallest_set(self.confidence)
        needed = rows_needed(self.max_disagreement, level)
        budget = f"max_disagreement={self.max_disagreement:g} at confidence={self.confidence:g}"
        if n_rows < needed:
            where = "" if calibration.members is None else " in the smallest set of rows"
            reason = (
                f"{n_rows} calibration rows{where} are too few for {budget}: {needed} are needed "
                "even without a failure"
            )
        else:
            reason = f"the surest predictions already exceed {budget}"
        smallest = calibration.smallest_budget(self.confidence)
        warn(
            f"The student keeps no row, and the teacher predicts all: {reason}. The smallest "
            f"budget that would have been kept is max_disagreement={smallest:.4g}. Give "
            "more calibration rows, a larger budget, or a better student."
        )

    def _set_features(self, X):
        """Set the attributes that describe the rows."""
        validate_data(self, X, skip_check_array=True)
        no_nan = not (isinstance(X, np.ndarray) and X.dtype.kind == "f" and np.isnan(X).any())
        pair = (self.teacher_, self.student_)
        self._reject_nan = any(map(allows_nan, pair)) and not allows_nan(self) and no_nan

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
            return self._teacher_labels(X)
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
            return self._teacher_proba(X)
        proba = predictions.proba
        if deferred.any():
            proba = np.array(proba, dtype=np.float64)
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
        refuse_partitions(self, X=X)
        check_features(self, X)
        if np.all(self.threshold_ == np.inf):
            return None, None
        scored_student = ScoredStudent(
            self.student_, self.classes_, self.confidence_score_, *self._prediction_state
        )
        predictions = scored_student.predict(X)
        separate = np.ndim(self.threshold_) > 0
        threshold = self.threshold_[predictions.codes] if separate else self.threshold_
        return predictions, ~(predictions.scores >= threshold)  # a confidence of NaN defers, too

    def _teacher_labels(self, X):
        """Return the teacher's predictions as labels from `classes_`."""
        if self._teacher_in_order:
            labels = np.ravel(self.teacher_.predict(X))  # CatBoost returns a column
            if labels.dtype == self.classes_.dtype:
                return labels
        return self.classes_[predicted_codes(self.teacher_, X, self.classes_, "teacher")]

    def _teacher_proba(self, X):
        """Return the teacher's probabilities, one column per class."""
        return MulticlassOutput(self.classes_).predict_proba(self.teacher_, X)

    # Inner estimators.

    def _unfitted_teacher(self):
        if self.teacher is not None:
            return self.teacher
        return requesting_weights(ExtraTreesClassifier())

    def _unfitted_student(self):
        """Return the student as it is fitted: distilled, unless it is so or frozen."""
        student = self.student
        if student is None:
            student = requesting_weights(LogisticRegression())
        if isinstance(student, FrozenEstimator) or is_distilled(student):
            return with_teacher(student, self._unfitted_teacher())
        return requesting_weights(DistilledClassifier(self._unfitted_teacher(), student, alpha=1.0))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        tags.target_tags.required = not self._is_frozen
        for inside in (self._unfitted_teacher(), self._unfitted_student()):
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
        return router.add(
            teacher=self._unfitted_teacher(), student=self._unfitted_student(),
            method_mapping=to_fit,
        )  # fmt: skip


def is_distilled(student):
    """Return whether an estimator, the last step of a Pipeline or of a search, is one of ours."""
    while isinstance(student, Pipeline) and student.steps:
        student = student.steps[-1][1]
    if isinstance(student, StudentMixin):
        return True
    is_search = hasattr(student, "get_params") and "refit" in student.get_params(deep=False)
    return is_search and is_distilled(student.estimator)


def folds_of(y):
    """Return the number of folds for so few rows; None is the default."""
    _, counts = np.unique(y, return_counts=True)
    return max(2, int(counts.max())) if counts.max() < 5 else None


def with_teacher(student, teacher):
    """Return a student that is distilled from a teacher, if it has none of its own."""
    if isinstance(student, DistilledClassifier) and student.teacher is None:
        return clone(student).set_params(teacher=teacher)
    return student


# Checks of parameters.


def check_inner_share(name, value):
    """Raise unless a parameter is a number between 0 and 1, both excluded."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_number and 0 < value < 1):
        raise ValueError(f"{name} must be a number above 0 and below 1; got {name}={value!r}.")


def check_option(name, value, options):
    """Raise unless a parameter is one of its options."""
    if not (value is None or isinstance(value, str)) or value not in options:
        raise ValueError(f"{name} must be one of {list(options)}; got {name}={value!r}.")


def check_score_names(given):
    """Raise unless `confidence_score` is "auto", a measure, or several."""
    names = [given] if isinstance(given, str) else given
    is_list = isinstance(names, list | tuple) and len(names) > 0
    allowed = ("auto", *NAMES) if isinstance(given, str) else NAMES
    if not is_list or not all(isinstance(each, str) and each in allowed for each in names):
        raise ValueError(
            f'confidence_score must be "auto", one of {list(NAMES)}, or a list of these; got '
            f"confidence_score={given!r}."
        )


def check_size(size):
    """Raise unless `calibration_size` is a share or a number of rows."""
    is_number = isinstance(size, Real) and not isinstance(size, bool)
    is_count = isinstance(size, Integral)
    if not is_number or not (size >= 1 if is_count else 0 < size < 1):
        raise ValueError(
            "calibration_size must be a share of the rows, above 0 and below 1, or a number of "
            f"rows, an integer of at least 1; got calibration_size={size!r}."
        )


def check_classifier(role, estimator):
    """Raise unless an estimator is a classifier that predicts."""
    if estimator is None:
        return
    if isinstance(estimator, type):
        raise TypeError(
            f"{role} must be an estimator, not a class; got {estimator.__name__}. Write "
            f"{role}={estimator.__name__}()."
        )
    inside = estimator.estimator if isinstance(estimator, FrozenEstimator) else estimator
    if predicts_numbers(inside):
        raise TypeError(
            f"{role} must be a classifier, and {estimator!r} predicts numbers, which agree never "
            "or always. A regressor that is fitted to probabilities is distilled: "
            "student=DistilledClassifier(student=...)."
        )
    if not may_have_method(estimator, "predict"):
        raise TypeError(f"{role} must have predict, which {estimator!r} has not.")


def check_fitted(role, frozen):
    """Raise unless a frozen estimator is fitted."""
    if not hasattr(frozen.estimator, "fit"):
        return
    try:
        check_is_fitted(frozen.estimator)
    except NotFittedError as error:
        raise NotFittedError(
            f"The frozen {role} {frozen.estimator!r} is not fitted. Fit it before you freeze it, "
            "or pass it without FrozenEstimator to have it fitted."
        ) from error


def check_scores(scores, name):
    """Return confidences, after a check that they are finite numbers, one for each row."""
    if scores.ndim != 1:
        raise ValueError(
            f"The confidence {name!r} of the student must have one number per row; got shape "
            f"{scores.shape}."
        )
    bad = ~np.isfinite(scores)
    if bad.any():
        raise ValueError(
            f"The confidence {name!r} of the student is NaN or infinite in {bad.sum()} of "
            f"{len(scores)} calibration rows, the first is row {np.argmax(bad)}. Use another "
            "measure, or a student that predicts finite numbers."
        )
    return scores
