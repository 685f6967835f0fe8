"""How regressors are distilled, predict and are scored in a comparison of students."""

from types import MappingProxyType

import numpy as np

from .._distilled_regressor import DistilledRegressor
from .._teachers._predict_numbers import RegressionOutput, check_regression_teacher
from ._evaluated_rows import checked_values
from ._row_scores import RowScores

OUTPUT = RegressionOutput(1)


class NumberTask:
    """Regression of one number for each row, and the scores of predicted numbers."""

    kind = "regressor"
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

    def pseudo_labels(self, predictions):
        """Return the predictions, which stand for the values."""
        return predictions

    def rows(self, predictions, y, teacher=None):
        """Return the values whose weighted means are the moments that the scores need."""
        p_centred, y_centred = predictions - y.mean(), y - y.mean()  # far from 0, squares cancel
        columns = {
            "mse": (y - predictions) ** 2,
            "mean_prediction": predictions,
            "observed_mean": y,
            "p": p_centred,
            "y": y_centred,
            "pp": p_centred**2,
            "yy": y_centred**2,
            "py": p_centred * y_centred,
        }
        if teacher is not None:
            columns["teacher_mse"] = (predictions - teacher) ** 2
        return RowScores(list(columns), np.column_stack(list(columns.values())), None)

    def scores(self, weights, rows):
        """Return each score under each row of weights."""
        with np.errstate(invalid="ignore", divide="ignore"):  # a replicate without weight: NaN
            means = weights @ rows.values / weights.sum(axis=1, keepdims=True)
            moment = dict(zip(rows.names, means.T, strict=True))
            p, y = moment["p"], moment["y"]
            variance, spread = moment["yy"] - y**2, moment["pp"] - p**2
            scores = {
                "mse": moment["mse"],
                "r2": 1 - moment["mse"] / np.where(variance > 0, variance, np.nan),
                "bias": p - y,
                "mean_prediction": moment["mean_prediction"],
                "observed_mean": moment["observed_mean"],
                "calibration_slope": (moment["py"] - p * y) / np.where(spread > 0, spread, np.nan),
            }
        if "teacher_mse" in moment:
            scores["teacher_mse"] = moment["teacher_mse"]
        return scores

    def calibration(self, predictions, y, weight):
        """Return nothing: bias and slope are among the scores."""
        return {}
