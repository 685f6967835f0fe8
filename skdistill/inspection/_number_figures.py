"""The figures of a report on regressors."""

import numpy as np

from .._teachers._predict_numbers import RegressionOutput
from ._number_scores import number_rows, number_scores
from ._values import OutputUnits, columns_of_outputs


class NumberFigures:
    """Predictions of a continuous target, and their scores, in the units of its outputs."""

    rows = staticmethod(number_rows)
    scores = staticmethod(number_scores)

    def __init__(self, units):
        self.units = units
        self.output = RegressionOutput(len(units.scale))

    @classmethod
    def of(cls, models, y, weight):
        """Return the figures of these models, and the values in the units of their outputs."""
        values = columns_of_outputs(y).astype(np.float64)
        units = OutputUnits.of(values, weight)
        return cls(units), units.standardized(values)

    @property
    def note(self):
        """A sentence on several outputs, empty for one."""
        return self.units.note

    def predict(self, model, X, name):
        """Return a model's predictions, one column per output."""
        return self.units.standardized(self.output.predict_proba(model, X))

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
        return float(np.average(y.mean(axis=1), weights=weight))

    def missing(self, predictions, y):
        """Return a sentence for each score that is not available, with the reason."""
        sentences = (
            ["All test rows have the same value: no R²."] if (np.ptp(y, axis=0) == 0).all() else []
        )
        return sentences + [
            f"The {name} predicts the same value for all test rows: no calibration slope."
            for name, each in predictions.items()
            if (np.ptp(each, axis=0) == 0).all()
        ]
