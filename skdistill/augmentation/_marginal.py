"""MarginalAugmenter: replace values of a row by values of random rows."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from .._utils._typing import Rows
from ._size import check_probability, drawn_rows
from ._table import check_table, columns_of, table_of, take, values_of

# Maximum number of draws of a row that is a copy.
MAX_DRAWS = 100


class MarginalAugmenter(BaseEstimator):
    """Sample rows whose columns are drawn from their marginal distributions.

    Each new row starts as a row of X. Independently for each column, its value is replaced with
    probability `resample_probability` by that of a random row. No new row is a copy of a row of
    X.

    Parameters
    ----------
    size_factor : float, default=1.0
        New rows per row of X, above 0; their number is rounded, and is at least one. Every
        row of X is the start of the same number of new rows, to within one.

    resample_probability : float in (0, 1], default=0.5
        Probability that a value is replaced. At 1 the columns of a new row are independent;
        small values stay close to the rows of X.

    See Also
    --------
    MungeAugmenter : Samples between a row and its nearest neighbour.
    skdistill.DistilledClassifier : Its `augmenter` samples rows for the teacher to label.

    Notes
    -----
    At 1 this is the first baseline of Bucilă, Caruana and Niculescu-Mizil, "Model
    compression" (KDD 2006), section 3: it covers more than the distribution of X, and the
    teacher labels rows that hardly occur. If columns are dependent, this can make a student
    worse: on digits it did (docs/more_rows.md), and MUNGE helped.

    Every value comes from the same column of X, missing ones included, so that columns keep
    their names, dtypes and categories. A copy of a row of X is drawn again, which shifts the
    marginal distributions if few combinations are new. A new pandas dataframe has the index
    0, 1, 2, ...

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
            Rows; NaN is a missing value.

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
            If a parameter is out of range, if X is not two-dimensional or holds infinity, or if
            (nearly) every combination of its values is a row already.
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
    """Return the source row of each value of each new row, such that no new row is a copy."""
    n_rows, n_columns = values.shape
    existing = {row.tobytes() for row in values}
    sources = np.empty((len(rows), n_columns), dtype=int)
    copies = np.arange(len(rows))  # new rows still to draw
    for _ in range(MAX_DRAWS):
        shape = len(copies), n_columns
        replaced = rng.uniform(size=shape) < probability
        drawn = np.where(replaced, rng.randint(n_rows, size=shape), rows[copies, None])
        sources[copies] = drawn
        is_copy = [row.tobytes() in existing for row in values[drawn, np.arange(n_columns)]]
        copies = copies[is_copy]
        if not len(copies):
            return sources
    if n_columns == 1 or len(existing) == 1:
        found = "X has one column" if n_columns == 1 else "all rows of X are equal"
        raise ValueError(
            f"{found}, so that every combination of its values is a row already. Use "
            "MungeAugmenter for one column of numbers, or leave out the augmenter."
        )
    raise ValueError(
        f"{len(copies)} of {len(rows)} new rows are still copies of rows after {MAX_DRAWS} draws. "
        f"The {n_rows} rows of X hold nearly every combination of the values of its {n_columns} "
        "columns, or resample_probability is too small. Raise resample_probability, or leave out "
        "the augmenter."
    )
