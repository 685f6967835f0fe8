"""Reliability diagram: confidence against accuracy."""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import Any, Self

import numpy as np

from ..._utils._probabilities import argmax_labels, entries, largest
from ..._utils._rows import predict_on_copy
from ..._utils._typing import ArrayLike, Estimator, Proba, Rows
from ..._utils._validation import check_number
from ...metrics._proba import check_predictions, sorted_proba
from ._style import axes, look, n_curves


class ReliabilityDisplay:
    """Reliability diagram of a classifier with any number of classes.

    Make one with `from_estimator` or `from_predictions`; pass the same `ax` to compare models.

    Parameters
    ----------
    confidence : array-like of shape (n_occupied_bins,)
        Mean predicted probability in each bin that holds a row.

    frequency : array-like of shape (n_occupied_bins,)
        Accuracy of the predictions in each bin.

    share : array-like of shape (n_occupied_bins,)
        Share of the rows' weight in each bin.

    label : object, default=None
        The class whose probability is shown; None for that of the predicted label.

    name : str, default=None
        Name of the model in the legend.

    Attributes
    ----------
    calibration_error : float
        Σ share · |confidence − frequency|; for the predicted label the ECE of
        :func:`skdistill.metrics.expected_calibration_error`.

    ax_, figure_, line_, points_ : matplotlib objects
        What `plot` drew.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill.inspection import ReliabilityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = ReliabilityDisplay.from_estimator(GaussianNB().fit(X, y), X, y)
    >>> round(display.calibration_error, 3)
    0.033
    """

    def __init__(
        self,
        *,
        confidence: ArrayLike,
        frequency: ArrayLike,
        share: ArrayLike,
        label: Any = None,
        name: str | None = None,
    ):
        self.confidence = np.asarray(confidence, dtype=np.float64)
        self.frequency = np.asarray(frequency, dtype=np.float64)
        self.share = np.asarray(share, dtype=np.float64)
        self.label = label
        self.name = name

    @property
    def calibration_error(self) -> float:
        """Mean distance of the bins from the diagonal, weighted by their share of the rows."""
        return float(self.share @ np.abs(self.confidence - self.frequency))

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Rows,
        y: ArrayLike,
        *,
        n_bins: int = 15,
        label: Any = None,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Predict by a fitted classifier, and plot.

        Parameters
        ----------
        estimator : classifier
            A fitted estimator. It has `predict_proba`.

        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows to evaluate on. The estimator has not seen them.

        y : array-like of shape (n_samples,)
            Their true labels.

        n_bins, label, sample_weight, ax, **kwargs
            As for :meth:`from_predictions`.

        name : str, default=None
            Name in the legend. That of the estimator's class by default.

        Returns
        -------
        ReliabilityDisplay
        """
        proba, classes = predict_on_copy(partial(sorted_proba, estimator), X)
        return cls.from_predictions(
            y, proba, classes=classes, n_bins=n_bins, label=label,
            sample_weight=sample_weight, name=name or type(estimator).__name__, ax=ax, **kwargs,
        )  # fmt: skip

    @classmethod
    def from_predictions(
        cls,
        y_true: Proba,
        proba: Proba,
        *,
        classes: ArrayLike | None = None,
        n_bins: int = 15,
        label: Any = None,
        sample_weight: ArrayLike | None = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Put predicted probabilities into bins, and plot.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_classes)
            True labels or soft labels.

        proba : array-like of shape (n_samples, n_classes)
            Predicted probabilities, columns in the order of the sorted classes.

        classes : array-like of shape (n_classes,), default=None
            Label of each column of probabilities, sorted; those of `y_true` by default.

        n_bins : int, default=15
            Bins of equal width on [0, 1]; those without a row are not shown.

        label : object, default=None
            A class: shows its probability against how often it is the true one. By default the
            probability of the first choice is shown against how often that is right.

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
        ReliabilityDisplay

        Raises
        ------
        ValueError
            If the shapes differ, if rows are not probabilities, or if `label` is not a class.
        """
        check_number("n_bins", n_bins, Integral)
        target, proba, weight = check_predictions(y_true, proba, classes, sample_weight)
        if label is None:
            confidence, right = largest(proba), entries(target, argmax_labels(proba))
        else:
            column = _column_of(label, y_true, classes)
            every_row = np.full(proba.shape[0], column)
            confidence, right = entries(proba, every_row), entries(target, every_row)
        bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
        total = np.bincount(bins, weights=weight, minlength=n_bins)
        held = total > 0
        display = cls(
            confidence=np.bincount(bins, weight * confidence, n_bins)[held] / total[held],
            frequency=np.bincount(bins, weight * right, n_bins)[held] / total[held],
            share=total[held] / total.sum(),
            label=label,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw the diagram; a larger mark stands for more rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        name : str, default=None
            Name in the legend. `self.name` by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`, and replace the
            marker and line style that tell curves apart.

        Returns
        -------
        ReliabilityDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes(ax, figsize=(5, 5))
        n_before = n_curves(ax)
        if n_before == 0:
            ax.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle=(0, (1, 2)), zorder=0)
            ax.annotate(
                "calibrated", (0.04, 0.055), rotation=45, rotation_mode="anchor", color="0.35",
            )  # fmt: skip
        name = name or self.name
        kind = "ECE" if self.label is None else "calibration error"
        error = f"{kind} {self.calibration_error:.3f}"
        style = look(n_before, label=f"{name} ({error})" if name else error, **kwargs)
        (handle,) = ax.plot([], [], **style)  # for the legend, and counted as the curve
        (self.line_,) = ax.plot(
            self.confidence,
            self.frequency,
            linestyle=style["linestyle"],
            color=handle.get_color(),
            linewidth=handle.get_linewidth(),
        )
        self.points_ = ax.scatter(
            self.confidence, self.frequency, s=20 + 300 * self.share, marker=style["marker"],
            facecolor=handle.get_markerfacecolor(), edgecolor=handle.get_color(), zorder=3,
        )  # fmt: skip
        what = "the first choice" if self.label is None else f"class {self.label}"
        ax.set(
            xlabel=f"Predicted probability of {what}",
            ylabel="How often it was right" if self.label is None else "How often it was true",
            xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal",
        )  # fmt: skip
        ax.legend(loc="upper left")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _column_of(label, y_true, classes):
    """Return the column of a class."""
    known = np.unique(y_true) if classes is None else np.sort(classes)
    if label not in known.tolist():
        raise ValueError(
            f"label must be one of the classes, {known.tolist()}, or None for the first choice; "
            f"got label={label!r}."
        )
    return int(np.searchsorted(known, label))
