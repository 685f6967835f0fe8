"""Operations on rows of probabilities, dense or CSR: largest entries, single entries, tempering."""

import numpy as np
from scipy import sparse


def largest(proba):
    """Return the largest probability of each row."""
    if sparse.issparse(proba):
        return proba.max(axis=1).toarray().ravel()
    return proba.max(axis=1)


def argmax_labels(proba):
    """Return the column of the largest probability of each row, ties to the first column."""
    return top_entries(proba, 1).indices if sparse.issparse(proba) else proba.argmax(axis=1)


def entries(proba, columns):
    """Return the probability of one column per row."""
    picked = proba[np.arange(proba.shape[0]), columns]
    return np.asarray(picked.toarray() if sparse.issparse(picked) else picked).ravel()


def row_sums(values):
    """Return the sum of each row as a one-dimensional array."""
    return np.asarray(values.sum(axis=1)).ravel()


def top_entries(proba, k):
    """Return a CSR array with the k largest entries of each row, ties to the first column."""
    if not sparse.issparse(proba):
        # All entries above the k-th largest, and the first of its ties, k in total.
        kth = -np.partition(-proba, k - 1, axis=1)[:, k - 1 : k]
        n_ties = k - (proba > kth).sum(axis=1, keepdims=True)
        equal = proba == kth
        kept = (proba > kth) | (equal & (equal.cumsum(axis=1) <= n_ties))
        return sparse.csr_array(np.where(kept, proba, 0))
    n_stored = np.diff(proba.indptr)
    row_of = np.repeat(np.arange(proba.shape[0]), n_stored)
    order = np.lexsort((proba.indices, -proba.data, row_of))
    rank = np.arange(len(order)) - np.repeat(proba.indptr[:-1], n_stored)
    kept = order[rank < k]
    return sparse.csr_array((proba.data[kept], (row_of[kept], proba.indices[kept])), proba.shape)


def temper(proba, temperature):
    """Return p^(1/T), renormalised; a probability of exactly 0 stays 0."""
    if sparse.issparse(proba):
        powers = proba.copy()
        powers.data /= np.repeat(largest(proba), np.diff(powers.indptr))
        powers.data **= 1 / temperature
        powers.data /= np.repeat(row_sums(powers), np.diff(powers.indptr))
        return powers
    # Relative to the row's largest entry, so that no row underflows at small T.
    powers = (proba / largest(proba)[:, None]) ** (1 / temperature)
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def best_columns(scores, k):
    """Return the columns of the k largest scores of each row, best first."""
    if k < scores.shape[1]:
        columns = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        columns.sort(axis=1)
    else:
        columns = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
