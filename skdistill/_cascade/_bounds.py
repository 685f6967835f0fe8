"""Exact upper confidence bounds for the probability of a failure (Clopper and Pearson, 1934).

Of n independent rows, k fail; k is binomial with the unknown probability p. The bound is the p at
which k failures or fewer have the probability 1 − confidence, so that it is below p in at most that
share of samples, whatever p and n are.
"""

import numpy as np
from scipy.stats import beta


def upper_bound(n_failures, n_rows, confidence):
    """Return the exact upper bound for the probability of a failure; 1 without rows.

    `n_failures` is an integer or an array of them.
    """
    n_failures = np.asarray(n_failures, dtype=np.float64)
    certain = n_failures >= n_rows
    shape = np.where(certain, 1.0, n_rows - n_failures)
    return np.where(certain, 1.0, beta.ppf(confidence, n_failures + 1, shape))


def largest_bound(risk, n_rows, confidence):
    """Return the largest upper bound within `risk` that some number of failures has, 0 if none."""
    fewest, too_many = -1, n_rows + 1  # the bound rises with the number of failures
    while too_many - fewest > 1:
        middle = (fewest + too_many) // 2
        if upper_bound(middle, n_rows, confidence) <= risk:
            fewest = middle
        else:
            too_many = middle
    return 0.0 if fewest < 0 else float(upper_bound(fewest, n_rows, confidence))


def rows_needed(risk, confidence, n_failures=0):
    """Return the smallest number of rows whose bound is at most `risk` with so many failures."""
    low, high = n_failures, n_failures + 1
    while upper_bound(n_failures, high, confidence) > risk:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if upper_bound(n_failures, middle, confidence) > risk:
            low = middle
        else:
            high = middle
    return high
