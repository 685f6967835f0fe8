"""What the estimators that hold a student have in common: they predict by it, and only by it."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import assert_all_finite
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from .._utils._methods import may_have_method
from .._utils._rows import is_in_partitions, refuse_queries
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


def student_has(method):
    """Return a check that an estimator's student, fitted or not, has a method."""

    def check(estimator):
        fitted = hasattr(estimator, "student_")
        student = estimator.student_ if fitted else estimator._unfitted_student()
        if predicts_numbers(student):
            return method in ("predict", "predict_proba")
        if fitted or not may_have_method(student, method):
            getattr(student, method)  # its AttributeError says what the student lacks
        return True

    return check


def student_attribute(name, doc):
    """Return a property that is the fitted student's attribute, absent where the student's is."""

    def attribute(self):  # the builder of the docs looks for its "def"
        return getattr(self._student_to_describe(), name)

    return property(attribute, doc=doc)


class StudentMixin(ClassifierMixin):
    """Hold a student, and record what was fitted, in the attribute `student_`.

    Children have the parameter `student`.
    """

    coef_ = student_attribute("coef_", "Coefficients of a linear student.")
    feature_importances_ = student_attribute(
        "feature_importances_", "Importance of each feature for a student of trees."
    )

    def _unfitted_student(self):
        if self.student is not None:
            return self.student
        return requesting_weights(LogisticRegression())

    def _student_to_describe(self):
        """Return the student whose coefficients or importances are those of this estimator."""
        check_is_fitted(self, "student_")  # its error is an AttributeError: hasattr says no
        return self.student_

    def _set_fitted_attributes(self, X, student, classes):
        """Set what a fit leaves behind, all at once, so that a fit that fails changes nothing."""
        validate_data(self, X, skip_check_array=True)
        # A tree takes NaN, but has seen none if its teacher could take none.
        seen_none = not (isinstance(X, np.ndarray) and X.dtype.kind == "f" and np.isnan(X).any())
        self._nan_is_news = allows_nan(student) and not allows_nan(self) and seen_none
        self.classes_ = classes
        self.student_ = student

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        return intersect_tags(tags, self._unfitted_student())

    def _check_features(self, X):
        """Raise unless X has the features that were fitted; the student checks the rest."""
        refuse_queries(X=X)
        if getattr(X, "ndim", 2) == 1 and hasattr(self, "n_features_in_"):
            raise ValueError(
                f"Expected 2D array, got 1D array of shape {X.shape} instead. Reshape your data: "
                "X.reshape(1, -1) if it is a single row, X.reshape(-1, 1) if it is one feature."
            )
        validate_data(self, X, reset=False, skip_check_array=True)
        if self._nan_is_news and isinstance(X, np.ndarray):
            assert_all_finite(X, input_name="X")


class StudentPredictionsMixin(StudentMixin):
    """Predict as the attribute `student_` does, and only as it does."""

    def _set_fitted_attributes(self, X, student, classes):
        add_classes(student, classes)  # for those who ship it
        super()._set_fitted_attributes(X, student, classes)

    intercept_ = student_attribute("intercept_", "Intercept of a linear student.")

    @available_if(student_has("predict"))
    def predict(self, X: Rows) -> NDArray:
        """Predict the class of each row, as the student does.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows, in whatever form the student takes them.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes_`. A regressor as student predicts its most probable class.
        """
        check_is_fitted(self, "student_")
        if is_in_partitions(X):
            from .._dask import predict_partitions

            return predict_partitions(self, "predict", X, dtype=self.classes_.dtype)
        self._check_features(X)
        return student_labels(self.student_, X, self.classes_)

    @available_if(student_has("predict_proba"))
    def predict_proba(self, X: Rows) -> Floats:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows, in whatever form the student takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Rows sum to one; columns are in the order of `classes_`. A class that the
            student was given no weight for has probability 0. What a regressor predicts
            is projected onto the simplex.
        """
        check_is_fitted(self, "student_")
        if is_in_partitions(X):
            from .._dask import predict_partitions

            return predict_partitions(self, "predict_proba", X, tail=(len(self.classes_),))
        self._check_features(X)
        return student_proba(self.student_, X, self.classes_)

    @available_if(student_has("predict_log_proba"))
    def predict_log_proba(self, X: Rows) -> Floats:
        """Predict the logarithm of the probability of each class, as the student does.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows, in whatever form the student takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns are in the order of `classes_`. A class that the student was given no weight
            for has minus infinity. Students without this method, such as regressors, have none
            here either.
        """
        check_is_fitted(self, "student_")
        if is_in_partitions(X):
            from .._dask import predict_partitions

            return predict_partitions(self, "predict_log_proba", X, tail=(len(self.classes_),))
        self._check_features(X)
        return student_log_proba(self.student_, X, self.classes_)

    @available_if(student_has("decision_function"))
    def decision_function(self, X: Rows) -> Floats:
        """Return the student's scores.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows, in whatever form the student takes them.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            One score for two classes, else one per class in the order of `classes_`. A
            class that the student was given no weight for gets the lowest float.
        """
        check_is_fitted(self, "student_")
        if is_in_partitions(X):
            from .._dask import predict_partitions

            tail = (len(self.classes_),) if len(self.classes_) > 2 else ()
            return predict_partitions(self, "decision_function", X, tail=tail)
        self._check_features(X)
        return student_decision(self.student_, X, self.classes_)

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows.

        y : array-like of shape (n_samples,)
            True labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row.

        Returns
        -------
        float
            In [0, 1], the share of rows whose label is predicted.
        """
        if is_in_partitions(X, y, sample_weight):
            from .._dask import accuracy_on_partitions

            return accuracy_on_partitions(self, X, y, sample_weight)
        return super().score(X, y, sample_weight=sample_weight)
