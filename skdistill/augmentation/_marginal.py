"""Marginals: a new row is a row some of whose values come from any other row."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from .._utils._typing import Rows
from ._size import check_probability, drawn_rows
from ._table import check_table, columns_of, table_of, take, values_of

# So often a row that turns out to be a copy is drawn anew, before we say that there is no other.
ROUNDS = 100


class MarginalAugmenter(BaseEstimator):
    """Sample rows whose columns are drawn from their marginal distributions.

    Each new row starts as a row of X. With probability `resample_probability`, and for each
    column by itself, its value is replaced by that of a row drawn at random. No new row is
    the copy of a row of X.

    Parameters
    ----------
    size_factor : float, default=1.0
        New rows per row of X, above 0; their number is rounded, and is at least one. Every
        row of X is the start of equally many, to within one.

    resample_probability : float in (0, 1], default=0.5
        Probability that a value is replaced. At 1 the columns of a new row are independent
        of each other; small values keep near to the rows that there are.

    See Also
    --------
    MungeAugmenter : Samples between a row and its nearest neighbour.
    skdistill.DistilledClassifier : Its `augmenter` samples rows for the teacher to label.

    Notes
    -----
    At 1 this is the first baseline of Bucilă, Caruana and Niculescu-Mizil, "Model
    compression" (KDD 2006), section 3: it covers more than the data does, and asks the
    teacher about rows that hardly occur. Where columns depend on each other that can make a
    student worse: on digits it did (docs/more_rows.md), and MUNGE helped.

    Every value is one of the same column of X, missing ones included, so that columns keep
    their names, dtypes and categories. A draw that is a copy of a row of X is drawn anew,
    which shifts the marginal distributions where few combinations are new. A new dataframe
    of pandas has the index 0, 1, 2, ...

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill.augmentation import MarginalAugmenter
    >>> X = np.array([["red", "round"], ["green", "square"]])
    >>> new = MarginalAugmenter(size_factor=3).sample(X, random_state=0)
    >>> sorted(set(map(tuple, new.tolist())))
    [('green', 'round'), ('red', 'square')]
    """

    def __init__(self, size_factor: float = 1.0, *, resample_probability: float = 0.5):
        self.size_factor = size_factor
        self.resample_probability = resample_probability

    def sample(self, X: Rows, random_state: int | np.random.RandomState | None = None) -> Rows:
        """Sample new rows.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Rows. NaN is a missing value.

        random_state : int, RandomState instance or None, default=None
            Seeds the draw.

        Returns
        -------
        ndarray or dataframe of shape (n_new, n_features)
            New rows, of the type of `X` (an array, if it is a list).

        Raises
        ------
        TypeError
            If X is sparse.

        ValueError
            If a parameter is out of its range, if X is not two-dimensional or holds infinity,
            or if (nearly) every combination of its values is a row already.
        """
        check_probability("resample_probability", self.resample_probability)
        if self.resample_probability == 0:
            raise ValueError(
                "resample_probability must be above 0: at 0 every new row is a copy of a row."
            )
        X = check_table(X, self)
        rng = check_random_state(random_state)
        rows = drawn_rows(X, self.size_factor, rng)
        sources = _sources(values_of(X), rows, self.resample_probability, rng)
        columns = zip(columns_of(X), sources.T, strict=True)
        return table_of([take(column, source) for column, source in columns], like=X)


def _sources(values, rows, probability, rng):
    """Return the row that each value of each new row comes from, so that no row is a copy."""
    n_rows, n_columns = values.shape
    known = {row.tobytes() for row in values}
    sources = np.empty((len(rows), n_columns), dtype=int)
    copies = np.arange(len(rows))  # at first: nothing is drawn yet
    for _ in range(ROUNDS):
        shape = len(copies), n_columns
        replaced = rng.uniform(size=shape) < probability
        drawn = np.where(replaced, rng.randint(n_rows, size=shape), rows[copies, None])
        sources[copies] = drawn
        is_copy = [row.tobytes() in known for row in values[drawn, np.arange(n_columns)]]
        copies = copies[is_copy]
        if not len(copies):
            return sources
    raise ValueError(
        f"{len(copies)} of {len(rows)} new rows are still copies of rows after {ROUNDS} draws: "
        f"the {n_rows} rows of X hold nearly every combination of the values of its {n_columns} "
        "columns, or resample_probability is too small. Raise resample_probability, or leave out "
        "the augmenter."
    )
