"""What is measured of a teacher's predicted numbers; the mean squared error ranks."""

import numpy as np
from sklearn.frozen import FrozenEstimator

from .._teachers._frozen import check_frozen
from .._teachers._predict_numbers import RegressionOutput, check_regression_teacher
from .._teachers._scores import regression_scores
from ..students._continuous import check_outputs, shaped_target
from ._number_advice import advise_on_numbers
from ._values import OutputUnits, columns_of_outputs

# Scores with standard errors, and the heads of their columns.
COLUMNS = {
    "mse": "MSE", "behind": "behind", "r2": "R²", "bias": "bias",
    "calibration_slope": "slope", "optimism": "optimism",
}  # fmt: skip


class NumberMeasures:
    """Measures of predictions of a continuous target, and how a table shows them.

    Several outputs are measured in their `OutputUnits`.
    """

    by_class = False
    ranked_by = "mse"
    loss = "mse"
    columns = COLUMNS

    def __init__(self, units):
        self.units = units
        self.output = RegressionOutput(len(units.scale))

    @classmethod
    def of(cls, y, sample_weight=None):
        """Return the measures for values, and the checked values, one column per output."""
        y = columns_of_outputs(y)
        return cls(OutputUnits.of(y, sample_weight)), y

    def legend(self, ranked):
        """Return the explanation below a table."""
        observed_mean = ranked[0].scores["observed_mean"].value
        note = f" {self.units.note}" if self.units.note else ""
        return (
            "Best first, by the mean squared error (MSE); ± is the standard error over folds. "
            f"Bias: mean prediction minus the mean of y, {observed_mean:.4g}. "
            "Slope: of the regression of y on the prediction. Optimism: MSE out of fold minus MSE "
            f"on the training rows.{note}"
        )

    def check_teacher(self, name, teacher):
        """Raise unless a teacher predicts numbers."""
        check_regression_teacher(teacher)
        check_outputs(teacher, self.output.n_outputs)
        if isinstance(teacher, FrozenEstimator):
            check_frozen(teacher, self.output)

    def shaped(self, teacher, y):
        """Return values in the shape that a teacher is fitted to."""
        return shaped_target(teacher, y)

    def row_losses(self, targets):
        """Return each row's squared error, the mean over the outputs."""
        errors = (targets.values - targets.mean) / self.units.scale
        return (errors**2).mean(axis=1)

    def measure(self, out_of_fold):
        """Return the estimates of all scores of a teacher; there are no further findings."""
        return out_of_fold.estimates(self._scores_and_recalibration), None

    def further_figures(self, teacher):
        """Return the figures of a dataframe that have no standard error."""
        names = ("mean_prediction", "observed_mean", "recalibrated_mse")
        return {name: teacher.scores[name].value for name in names}

    def written(self, estimate):
        """Write a score with its standard error, whatever its unit."""
        return estimate.rounded()

    def advise(self, ranked, targets, duplicate_share):
        """Return recommendations about candidates, sorted best first."""
        return advise_on_numbers(ranked, duplicate_share=duplicate_share)

    def _scores_and_recalibration(self, targets):
        """Return the teacher's scores, both means, and the error after a linear recalibration."""
        y, predicted = (
            self.units.standardized(each).ravel() for each in (targets.values, targets.mean)
        )
        weight = np.repeat(targets.weight, self.output.n_outputs)
        scores = regression_scores(y[:, None], predicted[:, None], weight)
        observed_mean, mean_prediction = (
            np.average(each, weights=weight) for each in (y, predicted)
        )
        slope = np.nan_to_num(scores["calibration_slope"])  # of a constant prediction: 0
        line = observed_mean + slope * (predicted - mean_prediction)
        return scores | {
            "observed_mean": float(observed_mean),
            "mean_prediction": float(mean_prediction),
            "recalibrated_mse": float(np.average((y - line) ** 2, weights=weight)),
        }
