"""Evidence that trees fitted on a part of the rows, such as a bag for each tree, drew it from here.

A leaf counts the drawn rows that reached it. Of n rows that reach it here, a share f was drawn if
they are the training rows: the count varies by f(1 − f)n around f·n. Other rows of the same
distribution vary, too, and it is f(1 + f)n: nine times as much at f = 0.8.
"""

import numpy as np
from scipy.stats import chi2
from sklearn.metrics.cluster import contingency_matrix

# Probability of other rows that vary so little, below which a model is reported.
CERTAIN = 1e-4
# Correlations between leaves are of so many rows: fewer show larger ones, and thus less certainty.
MAX_ROWS = 50_000


def vary_as_drawn(trees, y):
    """Return whether the rows in the leaves are certainly those that the trees were drawn from.

    `trees` are the leaf of each row, the stored weight of each leaf, and the weight of each row.
    """
    spreads = [_spread(leaves, stored, weight, y) for leaves, stored, weight in trees]
    statistic, n_free = np.sum(spreads, axis=0)
    if not n_free > 0 or chi2.cdf(statistic, n_free) >= CERTAIN:  # if trees were independent
        return False
    # Trees share the rows, so that their leaves vary together: the sum has fewer degrees of
    # freedom (Satterthwaite), from the correlations of all pairs of leaves.
    step = -(-len(y) // MAX_ROWS)
    n_effective = n_free**2 / _association([leaves[::step] for leaves, _, _ in trees])
    return bool(chi2.cdf(statistic * n_effective / n_free, n_effective) < CERTAIN)


def _spread(leaves, stored, weight, y):
    """Return how far stored counts are from expected ones, relative to other rows, and their df.

    Infinite if leaves store more than all rows that reach them. The drawn share is that of the
    leaves of a majority class: on separable classes others have as many rows of each, too.
    """
    n_leaves = len(stored)
    found = np.bincount(leaves, weights=weight, minlength=n_leaves)
    if stored[found == 0].any():
        return np.inf, 0
    variance = np.bincount(leaves, weights=weight**2, minlength=n_leaves)
    majority = _majorities(leaves, y, n_leaves)
    statistic, n_free = 0.0, 0
    for group in np.unique(majority[found > 0]):
        of_group = (majority == group) & (found > 0)
        share = stored[of_group].sum() / found[of_group].sum()
        if share > 1 + 1e-4:
            return np.inf, 0
        excess = (stored - share * found)[of_group]
        statistic += np.sum(excess**2 / variance[of_group]) / (share * (1 + share) + 1e-9)
        n_free += of_group.sum() - 1
    return statistic, n_free


def _majorities(leaves, y, n_leaves):
    """Return the code of the class that most rows of each leaf have."""
    table = contingency_matrix(leaves, y, sparse=True)
    majority = np.zeros(n_leaves, dtype=int)
    majority[np.unique(leaves)] = np.ravel(table.argmax(axis=1))
    return majority


def _association(trees):
    """Return the sum of squared correlations between the leaves of all pairs of trees."""
    pairs = [(a, b) for number, a in enumerate(trees) for b in trees[:number]]
    return sum(_chi_square(a, a) for a in trees) + 2 * sum(_chi_square(a, b) for a, b in pairs)


def _chi_square(leaves, others):
    """Return Pearson's statistic of two trees, divided by the number of rows."""
    table = contingency_matrix(leaves, others, sparse=True).tocoo()
    rows, columns = (np.ravel(table.sum(axis=axis)) for axis in (1, 0))
    counts = table.data.astype(np.float64)
    return np.sum(counts**2 / (rows[table.row] * columns[table.col])) - 1
