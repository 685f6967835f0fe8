"""Sums over rows, one for each class, weighted by row weights and probabilities."""

from scipy import sparse


def class_sums(rows, soft_labels):
    """Return Σ_n w_n p_nk x_n as a dense array, one row per class."""
    weighted = soft_labels.proba
    if not (soft_labels.weight == 1).all():
        weighted = sparse.diags_array(soft_labels.weight) @ weighted
    sums = weighted.T @ rows
    return sums.toarray() if sparse.issparse(sums) else sums
