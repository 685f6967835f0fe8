"""A mean error of a teacher's predictions: the mark of one that predicts medians, not means."""

import numpy as np
from scipy.stats import t as student_t

from .._utils._warnings import warn
from ._alpha_selection import standard_error

# In standard deviations of y. On skewed targets of 300 to 10,000 rows, boosting, forests, ridge and
# nearest neighbours stay below it, the last with up to 12 standard errors. Teachers of medians have
# .17 to .4, less where they explain almost all of y.
LEAST_ERROR = 0.1
# Two-sided; four standard errors with many rows or groups.
SIGNIFICANCE = 1e-4


def warn_of_mean_error(targets, groups=None):
    """Warn if the mean error of predictions is significant, and not small in the spread of y.

    `targets` are those of labelled rows with predictions that have not seen them, as means.
    `groups` has the group number of each row: rows of one are not independent.
    """
    counted = targets.weight > 0
    if not counted.any():
        return
    errors = (targets.mean - targets.values)[counted] / targets.scale
    weight = targets.weight[counted]
    units = np.arange(len(errors)) if groups is None else groups[counted]
    means = np.array([significant_mean(each, weight, units) for each in errors.T])
    worst = int(np.argmax(np.abs(means)))
    share = abs(means[worst])
    if share > LEAST_ERROR:
        of_output = "" if len(means) == 1 else f" of output {worst}"
        warn(
            f"The teacher's predictions{of_output} have a mean error of "
            f"{means[worst] * targets.scale[worst]:.4g} (prediction minus y), {share:.2f} standard "
            "deviations of y, which a student learns. Teachers that predict medians or quantiles "
            "(absolute error, quantile loss) or back-transform a logarithm have such an error. Use "
            "a teacher that predicts means (squared error, Poisson or gamma deviance), or alpha=0 "
            "for the labels alone."
        )


def significant_mean(errors, weight, units):
    """Return the mean error, 0 if it may be chance."""
    n_units = len(np.unique(units))
    mean = float(np.average(errors, weights=weight)) if n_units > 1 else 0.0
    if mean == 0:
        return 0.0
    error = standard_error(errors, weight, unit=units)
    ratio = abs(mean) / error if error else np.inf
    return 0.0 if 2 * student_t.sf(ratio, n_units - 1) > SIGNIFICANCE else mean
