"""Display of bytes or time against a score, for teacher and students."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.utils import check_consistent_length

from ..._utils._rows import count_rows
from ..._utils._typing import ArrayLike, Estimator, Proba, Rows
from ..._utils._validation import check_row_weights
from .._cost import deployable, pickled_bytes, timings
from .._distillation_report import DistillationReport
from .._figures import LABELS, directed
from .._kinds import predicts_numbers
from .._number_figures import NumberFigures
from .._predictions import classes_in_common, proba_by_class
from .._row_scores import scores_on
from ._scores import score
from ._style import axes, look

COSTS = ("bytes", "batch", "single")
AXIS_LABELS = LABELS | {"bytes": "bytes, pickled"}  # numbers of an axis have no unit
SCORES_OF_NUMBERS = ("r2", "mse")
STYLE = {"linestyle": "none", "markersize": 8}


class CostQualityDisplay:
    """Cost against quality of named models, one mark for each.

    Make one with `from_estimator`, `from_predictions`, or with `from_report`, whose marks have
    intervals.

    Parameters
    ----------
    names : sequence of str, of length n_models
        Names of the models.

    cost : array-like of shape (n_models,)
        Cost of each, positive; it is shown on a logarithmic scale.

    quality : array-like of shape (n_models,)
        Score of each.

    interval : array-like of shape (n_models, 2), default=None
        Ends of an interval of each score, NaN where it has none.

    cost_label, quality_label : str
        Labels of the axes.

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        What `plot` drew into.

    lines_ : list of matplotlib Line2D
        The drawn lines. They are the mark of each model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill.inspection import CostQualityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> models = {
    ...     "teacher": RandomForestClassifier(random_state=0).fit(X[::2], y[::2]),
    ...     "student": GaussianNB().fit(X[::2], y[::2]),
    ... }
    >>> display = CostQualityDisplay.from_estimator(models, X[1::2], y[1::2], cost="bytes")
    >>> bool(display.cost[0] > 50 * display.cost[1])
    True
    """

    def __init__(
        self,
        *,
        names: Any,
        cost: ArrayLike,
        quality: ArrayLike,
        interval: ArrayLike | None = None,
        cost_label: str = "cost",
        quality_label: str = "quality",
    ):
        self.names = list(names)
        self.cost = np.asarray(cost, dtype=np.float64)
        self.quality = np.asarray(quality, dtype=np.float64)
        self.interval = None if interval is None else np.asarray(interval, dtype=np.float64)
        self.cost_label = cost_label
        self.quality_label = quality_label

    @classmethod
    def from_estimator(
        cls,
        estimators: Mapping[str, Estimator],
        X: Rows,
        y: ArrayLike,
        *,
        cost: str = "batch",
        quality: str = "log_loss",
        sample_weight: ArrayLike | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Measure fitted classifiers or regressors, and plot.

        Parameters
        ----------
        estimators : dict of {str: estimator}
            Fitted classifiers with `predict_proba`, or regressors. Of a model that holds its
            student, such as a DistilledClassifier, the `student_` is measured.

        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
            Rows to evaluate on. The estimators have not seen them.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their true labels. For regressors, their values.

        cost : {"batch", "single", "bytes"}, default="batch"
            Cost of each model. Milliseconds per thousand rows in one batch or row by row, or bytes
            when pickled.

        quality : {"log_loss", "accuracy", "brier", "ece", "auc"}, default="log_loss"
            The score. "auc" is for two classes. For regressors "r2" or "mse", of several outputs as
            in :func:`skdistill.inspection.distillation_report`.

        sample_weight, ax, **kwargs
            As for :meth:`from_predictions`.

        Returns
        -------
        CostQualityDisplay

        Raises
        ------
        ValueError
            If the models have different classes, or if cost or quality is not known, or is not one
            of regressors.
        """
        _check_cost(cost)
        if all(map(predicts_numbers, estimators.values())):
            scores = _scores_of_numbers(estimators, X, y, quality, sample_weight)
            display = cls(
                names=estimators, cost=list(_costs(estimators, X, cost).values()), quality=scores,
                cost_label=LABELS[cost], quality_label=directed(quality),
            )  # fmt: skip
            return display.plot(ax=ax, **kwargs)
        classes = classes_in_common(estimators)
        costs = _costs(estimators, X, cost)
        probas = {
            name: proba_by_class(each, X, classes, name=name) for name, each in estimators.items()
        }
        return cls.from_predictions(
            y, probas, costs,
            quality=quality, classes=classes, sample_weight=sample_weight,
            cost_label=AXIS_LABELS[cost], ax=ax, **kwargs,
        )  # fmt: skip

    @classmethod
    def from_predictions(
        cls,
        y_true: Proba,
        probas: Mapping[str, Proba],
        cost: Mapping[str, float],
        *,
        quality: str = "log_loss",
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        cost_label: str = "cost",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Score predicted probabilities whose cost is known, and plot.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_classes)
            True labels or soft labels.

        probas : dict of {str: array-like of shape (n_samples, n_classes)}
            Predictions of each model, columns in the order of the sorted classes.

        cost : dict of {str: float}
            Cost of each model. The names are those of the probabilities.

        quality : {"log_loss", "accuracy", "brier", "ece", "auc"}, default="log_loss"
            The score. "auc" is for two classes.

        classes : array-like of shape (n_classes,), default=None
            Label of each column of probabilities, sorted; those of `y_true` by default.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        cost_label : str, default="cost"
            Label of the cost axis, with its unit.

        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `errorbar`.

        Returns
        -------
        CostQualityDisplay

        Raises
        ------
        ValueError
            If names differ, if the score is not known, or if rows are not probabilities.
        """
        if probas.keys() != cost.keys():
            raise ValueError(
                f"probas and cost must name the same models; got {list(probas)} and {list(cost)}."
            )
        scores = [
            score(quality, y_true, proba, classes=classes, sample_weight=sample_weight)
            for proba in probas.values()
        ]
        display = cls(
            names=probas, cost=[cost[name] for name in probas], quality=scores,
            cost_label=cost_label, quality_label=directed(quality),
        )  # fmt: skip
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_report(
        cls,
        report: DistillationReport,
        *,
        cost: str = "batch",
        quality: str = "log_loss",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot what a distillation report has measured, with its intervals.

        Parameters
        ----------
        report : DistillationReport
            From :func:`skdistill.inspection.distillation_report`.

        cost : {"batch", "single", "bytes"}, default="batch"
            Cost of each model. Milliseconds per thousand rows in one batch or row by row, or bytes
            when pickled.

        quality : {"log_loss", "accuracy", "brier", "ece", "auc", "r2", "mse"}, default="log_loss"
            The score. "r2" and "mse" are those of regressors. Models that lack it are not shown.

        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `errorbar`.

        Returns
        -------
        CostQualityDisplay

        Raises
        ------
        ValueError
            If the report has no such cost or score.
        """
        _check_cost(cost)
        if quality not in report.quality:
            raise ValueError(
                f"quality must be one of the report's scores, {list(report.quality)}; got "
                f"{quality!r}."
            )
        scores = report.quality[quality]
        names = [name for name in scores if name in report.cost[cost]]
        display = cls(
            names=names, cost=[report.cost[cost][name].value for name in names],
            quality=[scores[name].value for name in names],
            interval=[scores[name][1:] for name in names],
            cost_label=AXIS_LABELS[cost], quality_label=directed(quality),
        )  # fmt: skip
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw a mark for each model; cheaper is further left.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `errorbar`.

        Returns
        -------
        CostQualityDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes(ax, figsize=(6, 4))
        self.lines_ = []
        for k, (name, cost, quality) in enumerate(
            zip(self.names, self.cost, self.quality, strict=True)
        ):
            # Intervals of models with equal cost overlap: caps of different size distinguish them.
            style = look(k, label=name, **(STYLE | {"capsize": 4 + 3 * k} | kwargs))
            drawn = ax.errorbar(cost, quality, self._error_bars_of(k), **style)
            self.lines_.append(drawn.lines[0])
        ax.set(xscale="log", xlabel=self.cost_label, ylabel=self.quality_label)
        ax.margins(0.12)
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _error_bars_of(self, k):
        """Return how far below and above a score its interval reaches; None if it has none."""
        if self.interval is None or np.isnan(self.interval[k]).any():
            return None
        return np.abs(self.interval[k] - self.quality[k])[:, None]


def _costs(estimators, X, cost):
    """Return one cost of each model, as it would be deployed."""
    return {
        name: pickled_bytes(deployable(each))
        if cost == "bytes"
        else timings(deployable(each), X)[cost]
        for name, each in estimators.items()
    }


def _scores_of_numbers(estimators, X, y, quality, sample_weight):
    """Return the score of each regressor."""
    if quality not in SCORES_OF_NUMBERS:
        raise ValueError(
            f"quality must be one of {list(SCORES_OF_NUMBERS)} for regressors; got {quality!r}."
        )
    check_consistent_length(X, y)
    weight = check_row_weights(sample_weight, count_rows(X))
    figures, true = NumberFigures.of(estimators, y, weight)
    rows = [figures.rows(figures.predict(each, X, name), true) for name, each in estimators.items()]
    scores = [scores_on(each, weight, figures.scores) for each in rows]
    if quality not in scores[0]:
        raise ValueError("All test rows have the same value: no R². Use quality='mse'.")
    return [each[quality] for each in scores]


def _check_cost(cost):
    """Raise unless a cost is one that is measured."""
    if cost not in COSTS:
        raise ValueError(f"cost must be one of {list(COSTS)}; got {cost!r}.")
