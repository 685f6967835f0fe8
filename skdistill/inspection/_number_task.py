"""How regressors are distilled, predict and are scored in a comparison of students."""

from types import MappingProxyType

import numpy as np

from .._distilled_regressor import DistilledRegressor
from .._teachers._predict_numbers import RegressionOutput, check_regression_teacher
from ._evaluated_rows import checked_values
from ._number_scores import number_rows, number_scores

OUTPUT = RegressionOutput(1)


class NumberTask:
    """Regression of one number for each row, and the scores of predicted numbers."""

    kind = "regressor"
    has_hard_labels = False  # a predicted number is soft
    is_binary = False
    scorings = MappingProxyType({"neg_mean_squared_error": "mse", "r2": "r2"})
    default_scoring = "neg_mean_squared_error"
    higher_is_better = frozenset({"r2"})
    check_teacher = staticmethod(check_regression_teacher)

    def check_scoring(self, scoring):
        """Accept each score."""

    def check_student(self, student):
        """Accept each regressor."""

    def targets(self, y):
        """Return the values themselves."""
        return y

    def check_test(self, y):
        """Return the values of test rows."""
        return checked_values(y, "y_test")

    def check_evaluated(self, score, y):
        """Accept all values."""

    def distilled(self, teacher, student=None, **params):
        """Return the estimator that distils, unfitted."""
        return DistilledRegressor(teacher, student, **params)

    def predict_teacher(self, teacher, X, y_train):
        """Return a teacher's predictions."""
        return self.predict(teacher, X, "teacher")

    def predict(self, model, X, name):
        """Return a model's checked predictions, one number for each row."""
        return OUTPUT.predict_proba(model, X)[:, 0]

    def concatenate(self, parts):
        """Return the predictions of several blocks of rows."""
        return np.concatenate(parts)

    def rows(self, predictions, y, teacher=None):
        """Return the values whose weighted means are the moments that the scores need."""
        return number_rows(predictions, y, teacher)

    def scores(self, weights, rows):
        """Return each score under each row of weights; NaN where y or predictions are constant."""
        scores = dict.fromkeys(("r2", "calibration_slope"), np.full(len(weights), np.nan))
        scores |= number_scores(weights, rows)
        scores["observed_mean"] = scores["mean_prediction"] - scores["bias"]
        return {name: score for name, score in scores.items() if name != "residual_correlation"}

    def calibration(self, predictions, y, weight):
        """Return nothing: bias and slope are among the scores."""
        return {}
