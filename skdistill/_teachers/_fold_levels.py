"""Errors of fold teachers that are a level of the fold: the mark of rows that are sorted."""

import numpy as np
from scipy.stats import f as f_distribution

from .._utils._warnings import warn

# Rows in random order stay below .05 and have no significant levels; rows sorted by y reach .5.
LEAST_SHARE = 0.25
SIGNIFICANCE = 0.001


def warn_of_fold_levels(targets, folds):
    """Warn if a good part of the teachers' squared error is the mean error of each fold.

    Return whether that is so.

    `targets` are those of the labelled rows, with out-of-fold predictions as means.
    """
    counted = targets.weight > 0
    errors = (targets.mean - targets.values) / targets.scale
    tests = [fold.test[counted[fold.test]] for fold in folds]
    share = share_of_levels([errors[test] for test in tests if len(test)])
    if share > LEAST_SHARE:
        warn(
            f"{100 * share:.0f} % of the teachers' squared error is the mean error of each fold. "
            "The rows of a fold have a level of their own, which teachers fitted on the other "
            "folds cannot predict. If the rows are sorted, shuffle them: "
            f"cv=KFold({len(folds)}, shuffle=True, random_state=0). If groups or times differ in "
            "level, this is the error on new ones."
        )
    return share > LEAST_SHARE


def share_of_levels(errors):
    """Return the share of the squared error that the folds' mean errors have, 0 if it is chance.

    `errors` has an array (n_rows, n_outputs) for each fold. The share is that of an analysis of
    variance around 0, corrected for the number of folds: 0 in expectation for rows in random order.
    """
    n_rows, n_folds = sum(map(len, errors)), len(errors)
    if n_rows <= n_folds:
        return 0.0
    between = sum(len(each) * (each.mean(axis=0) ** 2).sum() for each in errors)
    within = sum(((each - each.mean(axis=0)) ** 2).sum() for each in errors)
    if between + within == 0:
        return 0.0
    error_of_row = within / (n_rows - n_folds)
    ratio = between / n_folds / error_of_row if error_of_row else np.inf
    if f_distribution.sf(ratio, n_folds, n_rows - n_folds) > SIGNIFICANCE:
        return 0.0
    return float(1 - error_of_row * n_rows / (between + within))
