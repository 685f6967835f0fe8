"""Mixins for estimators that predict with a fitted student."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils._methods import may_have_method
from .._utils._rows import is_in_partitions
from .._utils._sample_weight import requesting_weights
from .._utils._tags import allows_nan, intersect_tags
from .._utils._typing import ArrayLike, Floats, NDArray, Rows
from ..students._further_classes import add_classes
from ..students._predictions import (
    predicts_numbers,
    student_decision,
    student_labels,
    student_log_proba,
    student_proba,
)
from ._features import check_features


def student_has(method):
    """Return a check that an estimator's student, fitted or not, has a method."""

    def check(estimator):
        fitted = hasattr(estimator, "student_")
        student = estimator.student_ if fitted else estimator._unfitted_student()
        if predicts_numbers(student):
            return method in ("predict", "predict_proba")
        if fitted or not may_have_method(student, method):
            getattr(student, method)  # raises the AttributeError of the student
        return True

    return check


def student_attribute(name, doc):
    """Return a property for an attribute of the fitted student, absent where it has none."""

    def attribute(self):  # Sphinx needs a "def"
        return getattr(self._student_to_describe(), name)

    return property(attribute, doc=doc)


class FittedStudentMixin:
    """Mixin for estimators with the parameter `student` and the attribute `student_`.

    Subclasses define `_unfitted_student()`.
    """

    coef_ = student_attribute("coef_", "Coefficients of a linear student.")
    feature_importances_ = student_attribute(
        "feature_importances_", "Importance of each feature for a student of trees."
    )

    def _student_to_describe(self):
        """Return the student whose coefficients or importances are those of this estimator."""
        self._check_is_fitted()  # raises an AttributeError, so hasattr is False
        return self.student_

    def _set_student(self, X, student):
        """Set the attributes of the student, all at once, so that a failed fit changes nothing."""
        validate_data(self, X, skip_check_array=True)
        # If only the student accepts NaN, and X had none, NaN is rejected in predict.
        no_nan = not (isinstance(X, np.ndarray) and X.dtype.kind == "f" and np.isnan(X).any())
        self._reject_nan = allows_nan(student) and not allows_nan(self) and no_nan
        self.student_ = student

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        return intersect_tags(tags, self._unfitted_student())

    def _check_features(self, X):
        """Raise unless X has the features seen in fit; the student checks the rest."""
        check_features(self, X)

    def _check_is_fitted(self):
        """Raise unless there is a student; `check_is_fitted` takes 13 µs where there is one."""
        if not hasattr(self, "student_"):
            check_is_fitted(self, "student_")


class StudentMixin(FittedStudentMixin, ClassifierMixin):
    """Mixin for classifiers with the parameter `student` and the attribute `student_`."""

    def _unfitted_student(self):
        if self.student is not None:
            return self.student
        return requesting_weights(LogisticRegression())

    def _set_fitted_attributes(self, X, student, classes):
        """Set all fitted attributes at once."""
        self._set_student(X, student)
        self.classes_ = classes

    def _predict_rows(self, method, X, predict, **of_partitions):
        """Return the student's predictions; of Dask collections, those of a method as a lazy array.

        `predict` is a function of student, rows and classes.
        """
        self._check_features(X)
        if is_in_partitions(X):
            from .._dask import predict_partitions

            return predict_partitions(self, method, X, **of_partitions)
        return predict(self.student_, X, self.classes_)


class StudentPredictionsMixin(StudentMixin):
    """Mixin for classifiers whose predictions are those of `student_`."""

    def _set_fitted_attributes(self, X, student, classes):
        add_classes(student, classes)  # so that the deployed student has all columns
        super()._set_fitted_attributes(X, student, classes)

    intercept_ = student_attribute("intercept_", "Intercept of a linear student.")

    @available_if(student_has("predict"))
    def predict(self, X: Rows) -> NDArray:
        """Predict the class of each row, as the student does.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`; for a regressor, the class of the largest prediction.
        """
        self._check_is_fitted()
        return self._predict_rows("predict", X, student_labels, dtype=self.classes_.dtype)

    @available_if(student_has("predict_proba"))
    def predict_proba(self, X: Rows) -> Floats:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to one; columns are in the order of `classes_`. A class without weight
            in the training data has probability 0. Predictions of a regressor are projected
            onto the simplex.
        """
        self._check_is_fitted()
        tail = (len(self.classes_),)
        return self._predict_rows("predict_proba", X, student_proba, tail=tail)

    @available_if(student_has("predict_log_proba"))
    def predict_log_proba(self, X: Rows) -> Floats:
        """Predict the logarithm of the probability of each class, as the student does.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns are in the order of `classes_`. A class without weight in the training data
            has minus infinity. The method is absent if the student has none, as for regressors.
        """
        self._check_is_fitted()
        tail = (len(self.classes_),)
        return self._predict_rows("predict_log_proba", X, student_log_proba, tail=tail)

    @available_if(student_has("decision_function"))
    def decision_function(self, X: Rows) -> Floats:
        """Return the student's scores.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One score for two classes, else one per class in the order of `classes_`. A
            class without weight in the training data gets the lowest float.
        """
        self._check_is_fitted()
        tail = (len(self.classes_),) if len(self.classes_) > 2 else ()
        return self._predict_rows("decision_function", X, student_decision, tail=tail)

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        y : array-like of shape (n_samples,)
            True labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        Returns
        -------
        float
            In [0, 1], the share of rows whose label is predicted correctly.
        """
        if is_in_partitions(X, y, sample_weight):
            from .._dask import accuracy_on_partitions

            self._check_features(X)
            return accuracy_on_partitions(self, X, y, sample_weight)
        return super().score(X, y, sample_weight=sample_weight)
