"""Find nominal columns, whose values have no distance."""

import numpy as np

from .._utils._validation import column_names
from ._table import columns_of, kind_of, missing


def nominal_columns(X, categorical_features):
    """Return a mask of the columns that are not numeric, or whose numbers are codes."""
    nominal = np.array(
        [kind_of(column) == "nominal" or missing(column).all() for column in columns_of(X)]
    )
    if categorical_features is None:
        return nominal
    chosen = np.asarray(categorical_features)
    if chosen.dtype == bool and chosen.shape == nominal.shape:
        return nominal | chosen
    names = column_names(X) or []
    positions = [names.index(name) if name in names else name for name in chosen.ravel().tolist()]
    unknown = [position for position in positions if position not in range(X.shape[1])]
    if unknown or chosen.dtype == bool:
        raise ValueError(
            f"categorical_features must name columns of X, by position below {X.shape[1]}, by "
            f"mask{' or by name, out of ' + str(names) if names else ''}; got "
            f"{categorical_features!r}, of which {unknown or 'the length'} is unknown."
        )
    nominal[positions] = True
    return nominal
