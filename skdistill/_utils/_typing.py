"""Names for what comes in and goes out, for the type hints of the public surface."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

# Rows in whatever form teacher and student take them: array, sparse matrix, dataframe, texts.
Rows: TypeAlias = Any
# scikit-learn publishes no types, and an estimator is whatever behaves like one.
Estimator: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]
# Class probabilities: a dataframe counts as array-like at run time, which no stub says.
Proba: TypeAlias = ArrayLike | sparse.sparray | sparse.spmatrix | Any

__all__ = ["ArrayLike", "Estimator", "Floats", "NDArray", "Proba", "Rows"]
