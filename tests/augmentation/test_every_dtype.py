"""Augmenters handle columns of every dtype, with none, some or all values missing."""

import re
from datetime import datetime, timedelta

import numpy as np
import pytest
from contracts.augmenters import AUGMENTERS, make_augmenter

from skdistill.augmentation._table import as_list, columns_of, kind_of, missing

N = 60
DAYS = [datetime(2020, 1, day) for day in range(1, 10)]
WORDS = ["a", "b", "c"]

# dtype -> values of which a column is drawn; dtypes of NumPy that hold no missing value below.
PANDAS = {
    "float64": [0.5, 1.25, 3.0],
    "float32": [0.5, 1.25, 3.0],
    "Float64": [0.5, 1.25, 3.0],
    "Int64": [1, 2, 5],
    "UInt8": [1, 2, 255],
    "boolean": [True, False],
    "object": WORDS,
    "str": WORDS,
    "string": WORDS,
    "category": WORDS,
    "datetime64[ns]": DAYS,
    "datetime64[s]": DAYS,
    "datetime64[ns, UTC]": DAYS,
    "timedelta64[ns]": [timedelta(day) for day in range(9)],
    "period[D]": DAYS,
    "int64[pyarrow]": [1, 2, 5],
    "double[pyarrow]": [0.5, 1.25],
    "bool[pyarrow]": [True, False],
    "string[pyarrow]": WORDS,
    "timestamp[ns][pyarrow]": DAYS,
    "duration[ns][pyarrow]": [timedelta(day) for day in range(9)],
    "date32[pyarrow]": [day.date() for day in DAYS],
}
WITHOUT_MISSING = {"int64": [1, 2, 5], "uint8": [1, 2, 255], "bool": [True, False]}
OBJECTS = {
    "whole numbers": [1, 20, 300],
    "whole numbers and NaN": [1, 20, 300, np.nan],
    "dates": [day.date() for day in DAYS],
    "numbers": [1, 2.5, 3],
    "booleans": [True, False],
    "numbers and text": [1, "a"],
    "tuples": [(1, 2), (3,)],
}
POLARS = {
    "Float64": [0.5, 1.25, 3.0],
    "Int16": [1, 2, 5],
    "UInt64": [1, 2, 5],
    "Boolean": [True, False],
    "String": WORDS,
    "Categorical": WORDS,
    "Date": [day.date() for day in DAYS],
    "Datetime": DAYS,
    "Duration": [timedelta(day) for day in range(9)],
    "Time": [day.time().replace(hour=day.day) for day in DAYS],
}


def drawn(values, share, seed=0):
    """Return values at random, None in some places."""
    rng = np.random.RandomState(seed)
    column = [values[k] for k in rng.randint(len(values), size=N)]
    gone = rng.rand(N) < share if share < 1 else np.ones(N, dtype=bool)
    return [None if lacks else value for value, lacks in zip(column, gone, strict=True)]


def numbers():
    """Return two columns of which new rows can be made."""
    one, other = np.random.RandomState(1).randn(2, N)
    return {"one": one, "other": other}


def pandas_columns(share):
    pd = pytest.importorskip("pandas")
    columns = {}
    for dtype, values in (PANDAS if share else PANDAS | WITHOUT_MISSING).items():
        if "pyarrow" in dtype:
            pytest.importorskip("pyarrow")
        if dtype == "period[D]":
            columns[dtype] = pd.Series(pd.PeriodIndex(drawn(values, share), freq="D"))
        else:
            columns[dtype] = pd.Series(drawn(values, share), dtype=dtype)
    for name, values in OBJECTS.items():
        columns[name] = pd.Series(drawn(values, share), dtype=object)
    days = pd.Series(drawn(DAYS, share), dtype="datetime64[ns]")
    columns["category of dates"] = days.astype("category")
    columns["category of durations"] = (days - days.min()).astype("category")
    columns["category of numbers"] = pd.Series(drawn([1, 2, 5], share)).astype("category")
    columns["interval"] = pd.cut(pd.Series(drawn([0.5, 1.5], share), dtype=float), [0, 1, 2])
    columns["sparse"] = pd.Series(drawn([0.0, 1.0], share), dtype=float).astype("Sparse[float64]")
    return {name: pd.DataFrame({**numbers(), "x": column}) for name, column in columns.items()}


def polars_columns(share):
    pl = pytest.importorskip("polars")
    return {
        dtype: pl.DataFrame({**numbers(), "x": pl.Series(drawn(values, share)).cast(
            getattr(pl, dtype))})
        for dtype, values in POLARS.items()
    }  # fmt: skip


def values_of(column):
    """Return the values of a column that are not missing."""
    return [value for value, gone in zip(as_list(column), missing(column), strict=True) if not gone]


def check_values(new, column):
    """Raise unless new values are possible in a column.

    Integers lie within its range, other numbers are finite, and what has no distance is one of the
    old values. Each has a type of the old ones.
    """
    old, values = values_of(column), values_of(new)
    assert set(map(type, values)) <= set(map(type, old))
    kind = kind_of(column)
    if kind == "nominal":
        assert all(value in old for value in values)
    elif kind == "integer":
        assert all(min(old) <= value <= max(old) for value in values)
    else:
        assert np.isfinite(np.array(values, dtype=float)).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("augmenter", AUGMENTERS)
@pytest.mark.parametrize("share", [0, 0.3, 1])
@pytest.mark.parametrize("frames_of", [pandas_columns, polars_columns])
def test_missing_is_a_value(frames_of, share, augmenter):
    for name, X in frames_of(share).items():
        new = make_augmenter(augmenter, 2).sample(X, random_state=0)
        assert list(new.columns) == ["one", "other", "x"]
        assert new["x"].dtype == X["x"].dtype, name
        lacking = missing(new["x"])
        assert len(lacking) == 2 * N
        assert lacking.mean() == pytest.approx(missing(X["x"]).mean(), abs=0.15), name
        check_values(new["x"], X["x"])


def arrays(values, dtype):
    return np.array(list(zip(values, values[::-1], strict=True)), dtype=dtype)


def arrays_of_objects(values, dtype):
    return np.array(list(zip(values, "abcdefghij", strict=False)), dtype=object)


def pandas_frames(values, dtype):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(arrays(values, dtype), columns=["x", "y"])


def pandas_frames_with_missing(values, dtype):
    X = pandas_frames(values, dtype).astype(dtype.capitalize().replace("Ui", "UI"))
    X.iloc[0, 0] = None
    return X


def frames_of_arrow(values, dtype):
    pytest.importorskip("pyarrow")
    return pandas_frames(values, dtype).astype(f"{dtype}[pyarrow]")


def polars_frames(values, dtype):
    return pytest.importorskip("polars").DataFrame(arrays(values, dtype), schema=["x", "y"])


TABLES = [
    arrays,
    arrays_of_objects,
    pandas_frames,
    pandas_frames_with_missing,
    frames_of_arrow,
    polars_frames,
]
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


def check_columns(new, X):
    """Raise unless the columns have the dtypes of those of X, and values that these may hold."""
    for new_column, column in zip(columns_of(new), columns_of(X), strict=True):
        assert new_column.dtype == column.dtype
        check_values(new_column, column)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("augmenter", AUGMENTERS)
@pytest.mark.parametrize("table", TABLES)
def test_integers_near_the_limits_of_their_dtype(table, augmenter):
    for dtype in INTEGERS:
        smallest, largest = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        step = (largest - smallest) // 20  # floats must tell the values apart
        distances = [k * step for k in range(9)]
        for values in (
            [largest - each for each in distances],
            [smallest + each for each in distances],
        ):
            X = table(values, dtype)
            check_columns(make_augmenter(augmenter, 5).sample(X, random_state=0), X)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("augmenter", AUGMENTERS)
@pytest.mark.parametrize(
    ("table", "dtype"),
    [
        (arrays, "float16"),
        (arrays, "float32"),
        (pandas_frames, "float16"),
        (pandas_frames, "float32"),
        (pandas_frames_with_missing, "float32"),
        (frames_of_arrow, "float32"),
        (polars_frames, "float32"),
    ],
)
def test_floats_near_the_limits_of_their_dtype(table, dtype, augmenter):
    shares = np.array([-1, -0.9, 0.7, 0.8, 0.9, 1])
    X = table((shares * float(np.finfo(dtype).max)).tolist(), dtype)
    check_columns(make_augmenter(augmenter, 50).sample(X, random_state=0), X)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("augmenter", AUGMENTERS)
def test_objects_of_pandas_in_a_plain_array(augmenter):
    pd = pytest.importorskip("pandas")
    number = np.random.RandomState(1).randn(N)
    for gone in (None, np.nan, pd.NA, pd.NaT):
        words = [gone if word is None else word for word in drawn(WORDS, 0.3)]
        X = np.column_stack([number.astype(object), np.array(words, dtype=object)])
        new = make_augmenter(augmenter, 2).sample(X, random_state=0)
        lacking = [value is gone or value != value for value in new[:, 1]]
        assert 0.15 < np.mean(lacking) < 0.45
        assert {value for value in new[:, 1] if isinstance(value, str)} == set(WORDS)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[0.5, 1.25, 3.0], [1, 2, 5]], ids=["floats", "integers"])
@pytest.mark.parametrize("augmenter", AUGMENTERS)
def test_numbers_among_missing_objects_are_numbers(augmenter, values):
    """Whatever stands for a missing value, the column is numeric, and the value stays as it is."""
    pd = pytest.importorskip("pandas")
    number = np.random.RandomState(1).randn(N)
    sampled = []
    for gone in (None, np.nan, pd.NA):
        column = [gone if value is None else value for value in drawn(values, 0.3)]
        X = np.column_stack([number.astype(object), np.array(column, dtype=object)])
        new = make_augmenter(augmenter, 2).sample(X, random_state=0)[:, 1]
        is_missing = missing(new)
        assert all(value is gone or value != value for value in new[is_missing])
        check_values(new, X[:, 1])
        sampled.append(np.where(is_missing, -1, new))
    np.testing.assert_array_equal(sampled[0], sampled[1])
    np.testing.assert_array_equal(sampled[0], sampled[2])


@pytest.mark.parametrize("augmenter", AUGMENTERS)
def test_values_that_cannot_be_compared(augmenter):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"number": [1.0, 2.0], "tags": [["a"], ["a", "b"]]})
    try:
        new = make_augmenter(augmenter).sample(X, random_state=0)
    except TypeError as error:
        assert re.match(r"Column 'tags' holds values .* text or numbers", str(error))
    else:  # an augmenter that compares no values
        assert all(tags in (["a"], ["a", "b"]) for tags in new["tags"])


@pytest.mark.parametrize("augmenter", AUGMENTERS)
def test_two_columns_of_one_name_stay_two(augmenter):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(np.random.RandomState(0).randn(9, 3), columns=["a", "a", "b"])
    new = make_augmenter(augmenter).sample(X, random_state=0)
    assert list(new.columns) == ["a", "a", "b"]
    same = make_augmenter(augmenter).sample(X.to_numpy(), random_state=0)
    np.testing.assert_array_equal(new.to_numpy(), same)
