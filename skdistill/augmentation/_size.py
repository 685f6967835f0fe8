"""Number of new rows, and the rows that they start from."""

import sys
from numbers import Real

import numpy as np

from .._utils._validation import check_number


def check_probability(name, value):
    """Raise unless a parameter is a number in [0, 1]."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number in [0, 1]; got {name}={value!r}.")


def number_of_new_rows(X, size_factor):
    """Return how many rows to sample, at least one."""
    check_number("size_factor", size_factor, Real)
    if size_factor > sys.maxsize / X.shape[0]:
        raise ValueError(
            f"size_factor, {size_factor!r:.20s}, times {X.shape[0]} rows are more rows than any "
            "memory holds. Set it to a smaller number; 1 to 20 is usual."
        )
    return max(1, round(size_factor * X.shape[0]))


def drawn_rows(X, size_factor, rng):
    """Return positions of rows in random order, each the same number of times to within one."""
    return np.resize(rng.permutation(X.shape[0]), number_of_new_rows(X, size_factor))
