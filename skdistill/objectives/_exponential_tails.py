"""Far fields of the logistic kernels, as sums of exponentials of the distance.

Beyond some distance, a kernel is a constant or linear plus a power series in u = e^{−|d|}. Each
power separates: e^{−m (x − y)} is a function of x times one of y. So the sum over all points to the
left of a cell is that of the cell before, times a decay.
"""

from functools import cache

import numpy as np

# e^{-40} of a weight is below rounding.
NEGLIGIBLE = 40.0

TAILS = {
    "sigmoid": lambda u: 1 / (1 + u),
    "mirrored sigmoid": lambda u: 1 / (1 + u),
    "mirrored softplus": lambda u: np.log1p(u) / u,
    "sigmoid slope": lambda u: 1 / (1 + u) ** 2,
}


@cache
def tail_coefficients(name, nearest, n_terms):
    """Return the c_m of Σ_m c_m u^m, m = 1 … n_terms, for a kernel's tail from `nearest` on.

    The polynomial interpolates at Chebyshev's nodes. The nearest pole is u = −1, so that the error
    falls by the factor 4 e^{nearest} with each term: it is below 5e-16 for 8 terms from 3 on, and
    for 7 terms from 4 on.
    """
    scale = np.exp(-nearest)
    nodes = (1 + np.cos((np.arange(n_terms) + 0.5) * np.pi / n_terms)) / 2
    scaled = np.linalg.solve(np.vander(nodes, increasing=True), TAILS[name](scale * nodes))
    return scaled / scale ** np.arange(n_terms)


def sums_of_exponentials(ids, width, radius, moments):
    """Return Σ e^{−m (c_k − c_l)} μ_l over the cells l more than `radius` to the left of each k.

    Parameters
    ----------
    ids : ndarray of shape (n_cells,), int64
        Increasing numbers of the cells, with gaps; c is id · width.

    width : float
        Width of a cell.

    radius : int
        Number of cells next to each that are left out.

    moments : ndarray of shape (n_rows, n_terms, n_cells)
        μ for m = 1 … n_terms.

    Returns
    -------
    ndarray of shape (n_rows, n_terms, n_cells)
    """
    rates = width * np.arange(1, moments.shape[1] + 1)[:, None]
    sums, reach = moments.copy(), 1
    # Each round doubles the number of cells in a sum, as far as they matter.
    while reach < len(ids) and rates[0, 0] * reach < NEGLIGIBLE:
        n_terms = int(np.count_nonzero(rates * reach < NEGLIGIBLE))
        decay = np.exp(-rates[:n_terms] * (ids[reach:] - ids[:-reach]))
        if not decay.any():
            break
        sums[:, :n_terms, reach:] += decay * sums[:, :n_terms, :-reach]
        reach *= 2
    n_before = np.searchsorted(ids, ids - radius)
    last = np.maximum(n_before - 1, 0)
    decay = np.exp(-rates * (ids - ids[last])) * (n_before > 0)
    return decay * sums[:, :, last]
