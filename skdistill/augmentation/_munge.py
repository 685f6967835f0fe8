"""MUNGE: replace values of a row by values near those of its nearest neighbour."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_random_state

from .._utils._typing import ArrayLike, Rows
from .._utils._validation import check_number
from ._nominal import nominal_columns
from ._numbers import add_noise
from ._size import check_probability, drawn_rows
from ._table import check_table, columns_of, floats, table_of, take, values_of


class MungeAugmenter(BaseEstimator):
    """Sample rows near the rows of X, between a row and its nearest neighbour.

    Each new row starts as a row of X. Each value is replaced with probability `swap_probability`,
    independently of the other columns. The new value comes from the nearest other row: a nominal
    value is copied, a number is drawn from a normal distribution around it, whose width is the
    distance of the two values.

    Parameters
    ----------
    size_factor : float, default=1.0
        New rows per row of X, above 0; their number is rounded, and is at least one. Every
        row of X is the start of the same number of new rows, to within one.

    swap_probability : float in [0, 1], default=0.5
        p, the probability that a value is replaced. At 0 new rows are copies of rows.

    local_variance : float, default=1.0
        s, above 0: a number is drawn with standard deviation ``|e_a − e′_a| / s``. Larger values
        stay closer to the neighbour; ``np.inf`` copies its value.

    categorical_features : array-like of int, str or bool, default=None
        Numeric columns that are nominal, such as codes: by position, name or mask. Columns of
        strings, booleans, categories, dates and other objects are always nominal.

    See Also
    --------
    MarginalAugmenter : Draws the columns of a row independently of each other.
    skdistill.DistilledClassifier : Its `augmenter` samples rows for the teacher to label.

    Notes
    -----
    The algorithm is that of Bucilă, Caruana and Niculescu-Mizil, "Model compression" (KDD 2006),
    section 3, with one difference. There, both rows of a pair are changed, one pair after the
    other, so that a row may change several times. Here each new row is changed once, and depends
    only on its original row and the neighbour of that row.

    The nearest neighbour is the nearest row that differs: a repeated row is not its own
    neighbour. Distances are Euclidean. Numbers are standardised, and a missing number counts as
    the mean. Two different nominal values have distance one; missing is a nominal value like any
    other, also in a column that is all missing. If a number is missing in either row, the
    neighbour's value is copied.

    Columns keep their names, dtypes and categories. Integers are rounded, and stay within the range
    of their column, also in columns of objects. Other numbers may exceed it as far as their dtype
    allows. A new pandas dataframe has the index 0, 1, 2, ...

    The neighbour search takes time quadratic in the number of rows for more than about fifteen
    columns (a nominal column counts once for each of its values).

    Examples
    --------
    >>> import numpy as np
    >>> from skdistill.augmentation import MungeAugmenter
    >>> X = np.array([[0.0, 5.0], [1.0, 6.0], [20.0, 30.0], [21.0, 31.0]])
    >>> new = MungeAugmenter(size_factor=2, swap_probability=1, local_variance=np.inf)
    >>> new.sample(X, random_state=0).shape
    (8, 2)
    """

    def __init__(
        self,
        size_factor: float = 1.0,
        *,
        swap_probability: float = 0.5,
        local_variance: float = 1.0,
        categorical_features: ArrayLike | None = None,
    ):
        self.size_factor = size_factor
        self.swap_probability = swap_probability
        self.local_variance = local_variance
        self.categorical_features = categorical_features

    def sample(self, X: Rows, random_state: int | np.random.RandomState | None = None) -> Rows:
        """Sample new rows.

        Parameters
        ----------
        X : array-like or dataframe of shape (n_samples, n_features)
            Rows; NaN is a missing value. At least two must differ.

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
            all rows are the same.
        """
        check_probability("swap_probability", self.swap_probability)
        check_number("local_variance", self.local_variance, Real, or_infinity=True)
        X = check_table(X, self)
        nominal = nominal_columns(X, self.categorical_features)
        rng = check_random_state(random_state)
        rows = drawn_rows(X, self.size_factor, rng)
        neighbours = _nearest_other_rows(X, nominal)[rows]
        swapped = rng.uniform(size=(len(rows), X.shape[1])) < self.swap_probability
        columns = []
        for column, is_nominal, swap in zip(columns_of(X), nominal, swapped.T, strict=True):
            new = take(column, np.where(swap, neighbours, rows))
            if not is_nominal:
                values = floats(column)
                distance = np.abs(values[rows] - values[neighbours])
                with np.errstate(over="ignore"):  # `add_noise` limits it
                    spread = np.where(swap, np.nan_to_num(distance), 0) / self.local_variance
                    noise = spread * rng.standard_normal(len(rows))
                new = add_noise(new, noise, column)
            columns.append(new)
        return table_of(columns, like=X)


def _within_one(numbers):
    """Return numbers divided by a power of two, so that no square over- or underflows."""
    _, exponent = np.frexp(np.abs(np.nan_to_num(numbers)).max())
    return np.ldexp(numbers, -exponent)


def _nearest_other_rows(X, nominal):
    """Return, for each row, the position of the nearest row that differs from it."""
    values = values_of(X)
    _, first, which = np.unique(values, axis=0, return_index=True, return_inverse=True)
    if len(first) < 2:
        raise ValueError(
            "MungeAugmenter samples between a row and its nearest neighbour, and the "
            f"{len(values)} rows of X are all the same. Leave out the augmenter."
        )
    space = []
    if not nominal.all():
        numbers = [
            _within_one(floats(column)[first])
            for column, is_nominal in zip(columns_of(X), nominal, strict=True)
            if not is_nominal
        ]
        scaled = StandardScaler().fit_transform(np.column_stack(numbers))
        space.append(np.nan_to_num(scaled))  # a missing number counts as the mean
    if nominal.any():
        one_hot = OneHotEncoder(sparse_output=False).fit_transform(values[first][:, nominal])
        space.append(one_hot / np.sqrt(2))  # values that differ are one apart
    search = NearestNeighbors(n_neighbors=1).fit(np.hstack(space))
    nearest = search.kneighbors(return_distance=False)[:, 0]  # no row is its own neighbour
    return first[nearest][which.ravel()]
