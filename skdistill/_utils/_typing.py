"""Type aliases for the type hints of the public API."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

# Rows in any form that teacher and student accept: array, sparse matrix, dataframe, texts.
Rows: TypeAlias = Any
# scikit-learn has no type hints, and estimators are duck-typed.
Estimator: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]
# Class probabilities: dataframes are array-like at run time, but not for type checkers.
Proba: TypeAlias = ArrayLike | sparse.sparray | sparse.spmatrix | Any

__all__ = ["ArrayLike", "Estimator", "Floats", "NDArray", "Proba", "Rows"]
