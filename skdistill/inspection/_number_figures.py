"""The figures of a report on regressors."""

import numpy as np

from .._teachers._predict_numbers import RegressionOutput
from ._number_scores import number_rows, number_scores
from ._values import one_output

OUTPUT = RegressionOutput(1)


class NumberFigures:
    """Predictions of one continuous target, and their scores."""

    rows = staticmethod(number_rows)
    scores = staticmethod(number_scores)

    @classmethod
    def of(cls, models, y):
        """Return the figures of these models, and the checked values."""
        return cls(), one_output(y, user="distillation_report").astype(np.float64)

    def predict(self, model, X, name):
        """Return a model's predictions."""
        return OUTPUT.predict_proba(model, X)[:, 0]

    def are_equal(self, first, second):
        """Return whether two models make the same predictions."""
        return np.array_equal(first, second)

    def further_quality(self, predictions, y, weight):
        """Return no further scores: all have intervals."""
        return {}

    def further_fidelity(self, models, predictions, X):
        """Return nothing: all measures have intervals."""
        return {}

    def observed_mean(self, y, weight):
        """Return the mean of y."""
        return float(np.average(y, weights=weight))

    def missing(self, predictions, y):
        """Return a sentence for each score that is not available, with the reason."""
        sentences = ["All test rows have the same value: no R²."] if np.ptp(y) == 0 else []
        return sentences + [
            f"The {name} predicts the same value for all test rows: no calibration slope."
            for name, each in predictions.items()
            if np.ptp(each) == 0
        ]
