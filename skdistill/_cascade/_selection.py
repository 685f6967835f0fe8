"""The choice among several measures of confidence, on rows that do not certify."""

import numpy as np


def best_score(scores, failures, risk):
    """Return the number of the measure that puts most rows before the first failures.

    `scores` is a list of confidences. Each measure counts the rows before each of the first
    failures, twice as many as the budget allows; failures come first among equal scores. The first
    measure is preferred among equals.
    """
    n_failures = max(1, int(np.ceil(2 * risk * len(failures))))

    def rows_before(values):
        order = np.lexsort((~failures, -values))
        ranks = np.append(np.flatnonzero(failures[order]), len(failures))
        ranks = np.pad(ranks, (0, n_failures), constant_values=len(failures))
        return ranks[:n_failures].mean()

    return int(np.argmax([rows_before(values) for values in scores]))
