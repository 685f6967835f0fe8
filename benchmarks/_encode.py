"""Numbers from the columns of a dataframe, whatever its kinds of columns."""

import numpy as np
import pandas as pd

MOST_LEVELS = 15


def encode(table):
    """Return a dataframe as one float array: numbers, the median for missing ones, and indicators.

    Of a nominal column, its 15 commonest levels each have an indicator, with two levels only one;
    a missing value is a level. Labels are not looked at, so all rows may be encoded at once.
    """
    return np.column_stack([block for name in table for block in encode_column(table[name])])


def encode_column(column):
    """Return the arrays that stand for one column; none if it is constant."""
    numbers = pd.to_numeric(column, errors="coerce")
    if np.array_equal(numbers.isna(), column.isna()):
        numbers = numbers.fillna(numbers.median())
        return [numbers.to_numpy(float)] if numbers.nunique() > 1 else []
    levels = column.astype(object).where(column.notna(), "missing").astype(str).str.strip()
    commonest = levels.value_counts(sort=True).index[:MOST_LEVELS]
    shown = commonest[1:] if levels.nunique() <= 2 else commonest
    return [(levels == level).to_numpy(float) for level in shown]
