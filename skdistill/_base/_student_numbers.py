"""Mixin for estimators that predict numbers with a fitted student."""

from __future__ import annotations

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.tree import DecisionTreeRegressor

from .._utils._rows import refuse_partitions
from .._utils._sample_weight import requesting_weights
from .._utils._typing import ArrayLike, Floats, Rows
from ._student_predictions import FittedStudentMixin, student_attribute


class RegressionStudentMixin(FittedStudentMixin, RegressorMixin):
    """Mixin for regressors whose predictions are those of `student_`."""

    intercept_ = student_attribute("intercept_", "Intercept of a linear student.")

    def _unfitted_student(self):
        if self.student is not None:
            return self.student
        return requesting_weights(DecisionTreeRegressor(max_depth=8))

    def _set_fitted_attributes(self, X, student, output_shape):
        """Set all fitted attributes at once; `output_shape` is that of the values of a row."""
        self._set_student(X, student)
        self._output_shape = output_shape

    def predict(self, X: Rows) -> Floats:
        """Predict the target of each row, as the student does.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted values, one column per output if `y` had columns.
        """
        self._check_is_fitted()
        refuse_partitions(self, X=X)
        self._check_features(X)
        return np.asarray(self.student_.predict(X)).reshape(-1, *self._output_shape)

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R², the coefficient of determination of the predictions.

        Parameters
        ----------
        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Input samples, in any form that `student_` accepts.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        Returns
        -------
        float
            At most 1; 0 is that of the mean of y for every row. The mean over outputs.
        """
        return super().score(X, y, sample_weight=sample_weight)
