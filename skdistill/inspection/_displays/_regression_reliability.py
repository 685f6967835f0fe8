"""Reliability diagram of a regressor: predicted against observed means."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np

from ..._teachers._predict_numbers import RegressionOutput
from ..._teachers._scores import regression_scores
from ..._utils._typing import ArrayLike, Estimator, Rows
from ..._utils._validation import check_number, check_row_weights
from .._figures import signed_number
from .._values import one_output
from ._style import axes, look, n_curves

OUTPUT = RegressionOutput(1)
NORMAL_975 = 1.96  # half the width of a 95 % interval, in standard errors


class RegressionReliabilityDisplay:
    """Reliability diagram of a regressor: the mean of y in groups of similar predictions.

    If predictions are conditional means, all marks lie on the diagonal. A line that is flatter
    means that predictions vary too much, a steeper one too little.

    Make one with `from_estimator` or `from_predictions`; pass the same `ax` to compare models.

    Parameters
    ----------
    predicted : array-like of shape (n_occupied_bins,)
        Mean prediction in each bin.

    observed : array-like of shape (n_occupied_bins,)
        Mean of y in each bin.

    standard_error : array-like of shape (n_occupied_bins,)
        Standard error of each value shown, NaN where it has none. A single row has none.

    slope : float
        Slope of the regression of y on the prediction.

    bias : float
        Mean prediction minus the mean of y.

    name : str, default=None
        Name of the model in the legend.

    Attributes
    ----------
    ax_, figure_, line_ : matplotlib objects
        What `plot` drew.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skdistill.datasets import make_hidden_function
    >>> from skdistill.inspection import RegressionReliabilityDisplay
    >>> X, y, _, _ = make_hidden_function(2000, random_state=0)
    >>> tree = DecisionTreeRegressor(max_depth=8, random_state=0).fit(X[::2], y[::2])
    >>> display = RegressionReliabilityDisplay.from_estimator(tree, X[1::2], y[1::2])
    >>> print(f"{display.slope:.1f}")
    0.5
    """

    def __init__(
        self,
        *,
        predicted: ArrayLike,
        observed: ArrayLike,
        standard_error: ArrayLike,
        slope: float,
        bias: float,
        name: str | None = None,
    ):
        self.predicted = np.asarray(predicted, dtype=np.float64)
        self.observed = np.asarray(observed, dtype=np.float64)
        self.standard_error = np.asarray(standard_error, dtype=np.float64)
        self.slope = slope
        self.bias = bias
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Rows,
        y: ArrayLike,
        *,
        n_bins: int = 10,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Predict by a fitted regressor, and plot.

        Parameters
        ----------
        estimator : regressor
            A fitted estimator.

        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows to evaluate on. The estimator has not seen them.

        y : array-like of shape (n_samples,)
            Their true values.

        n_bins, sample_weight, ax, **kwargs
            As for :meth:`from_predictions`.

        name : str, default=None
            Name in the legend. That of the estimator's class by default.

        Returns
        -------
        RegressionReliabilityDisplay
        """
        return cls.from_predictions(
            y, OUTPUT.predict_proba(estimator, X), n_bins=n_bins, sample_weight=sample_weight,
            name=name or type(estimator).__name__, ax=ax, **kwargs,
        )  # fmt: skip

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        n_bins: int = 10,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Put predictions into bins, and plot.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True values.

        y_pred : array-like of shape (n_samples,)
            Predicted values.

        n_bins : int, default=10
            Bins of about equal weight. Equal predictions share a bin, so that there may be fewer.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        name : str, default=None
            Name in the legend.

        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`.

        Returns
        -------
        RegressionReliabilityDisplay

        Raises
        ------
        ValueError
            If the shapes differ, or if values or predictions are not finite.
        """
        check_number("n_bins", n_bins, Integral)
        y = one_output(y_true, user="RegressionReliabilityDisplay")
        weight = check_row_weights(sample_weight, len(y))
        predicted = OUTPUT.check_given(y_pred, y, name="y_pred", of="y_true")[:, 0]
        counted = weight > 0
        y, predicted, weight = y[counted], predicted[counted], weight[counted]
        bins = _bins_of_equal_weight(predicted, weight, n_bins)
        total = np.bincount(bins, weight)
        observed = np.bincount(bins, weight * y) / total
        squares = np.bincount(bins, (weight * (y - observed[bins])) ** 2)
        alone = np.bincount(bins) == 1
        scores = regression_scores(y[:, None], predicted[:, None], weight)
        display = cls(
            predicted=np.bincount(bins, weight * predicted) / total,
            observed=observed,
            standard_error=np.where(alone, np.nan, np.sqrt(squares) / total),
            slope=scores["calibration_slope"],
            bias=scores["bias"],
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the diagram; bars are 95 % intervals of the observed means.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        name : str, default=None
            Name in the legend. `self.name` by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`.

        Returns
        -------
        RegressionReliabilityDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes(ax, figsize=(5, 5))
        n_before = n_curves(ax)
        if n_before == 0:
            dotted = {"color": "0.3", "linewidth": 1, "linestyle": (0, (1, 2))}
            ax.axline((self.observed[0],) * 2, slope=1, label="calibrated", zorder=0, **dotted)
        name = name or self.name
        scores = f"slope {self.slope:.2f}, bias {signed_number(self.bias)}"
        style = look(n_before, label=f"{name} ({scores})" if name else scores, **kwargs)
        (self.line_,) = ax.plot(self.predicted, self.observed, **style)
        ax.errorbar(
            self.predicted, self.observed, NORMAL_975 * self.standard_error,
            fmt="none", ecolor=self.line_.get_color(), capsize=3, zorder=self.line_.get_zorder(),
        )  # fmt: skip
        ax.set(xlabel="Mean prediction", ylabel="Mean of y")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _bins_of_equal_weight(predicted, weight, n_bins):
    """Return the number of the bin of each row, counted from 0; equal predictions share one."""
    values, position = np.unique(predicted, return_inverse=True)
    of_value = np.bincount(position, weight, minlength=len(values))
    middle = (np.cumsum(of_value) - of_value / 2) / of_value.sum()
    _, occupied = np.unique((middle * n_bins).astype(int), return_inverse=True)
    return occupied[position]
