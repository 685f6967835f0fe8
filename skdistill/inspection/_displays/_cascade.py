"""Display of the share of rows that the student of a cascade keeps, by the budget."""

from typing import Any, Self

import numpy as np

from ..._utils._typing import Estimator, Rows
from .._cascade_curve import BUDGETS, CascadeCurve, cascade_curve
from ._style import axes, look, n_curves


class CascadeDisplay:
    """Share of rows that the student keeps at each budget, and the expected cost of a row.

    Make one with `from_estimator`.

    Parameters
    ----------
    curve : CascadeCurve
        The curve of :func:`skdistill.inspection.cascade_curve`.

    budget : float, default=None
        Budget of the estimator, marked on the curve.

    name : str, default=None
        Name of the model in the legend.

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        What `plot` drew into.

    line_, point_, cost_axis_ : matplotlib objects
        The curve, the mark of the budget, and the axis of the speed-up; None where there is none.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import CascadeClassifier
    >>> from skdistill.datasets import make_gaussian_classes
    >>> from skdistill.inspection import CascadeDisplay
    >>> X, y, _ = make_gaussian_classes(3000, random_state=0)
    >>> cascade = CascadeClassifier(GaussianNB(), random_state=0).fit(X, y)
    >>> display = CascadeDisplay.from_estimator(cascade, student_cost=1, teacher_cost=50)
    >>> display.ax_.get_ylabel()
    'Share kept by the student'
    """

    def __init__(
        self, *, curve: CascadeCurve, budget: float | None = None, name: str | None = None
    ):
        self.curve = curve
        self.budget = budget
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Estimator,
        X: Rows | None = None,
        *,
        student_cost: float | None = None,
        teacher_cost: float | None = None,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the curve of a fitted cascade, with its budget marked.

        Parameters
        ----------
        estimator : CascadeClassifier
            A fitted estimator. Its calibration rows are used.

        X : array-like, sparse matrix or dataframe of shape (n_samples, n_features), default=None
            Rows to evaluate on. Costs that are not given are measured on them.

        student_cost : float, default=None
            Cost of a row for the student, in any unit.

        teacher_cost : float, default=None
            Cost of a row for the teacher, in the same unit.

        name : str, default=None
            Name in the legend. By default the class of the student.

        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`.

        Returns
        -------
        CascadeDisplay
        """
        budgets = np.union1d(BUDGETS, estimator.max_disagreement)
        curve = cascade_curve(
            estimator, X, budgets=budgets, student_cost=student_cost, teacher_cost=teacher_cost
        )
        name = type(estimator.student_).__name__ if name is None else name
        display = cls(curve=curve, budget=estimator.max_disagreement, name=name)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the curve, on a logarithmic scale of budgets, with the speed-up on the right.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`.

        Returns
        -------
        CascadeDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes(ax, figsize=(5.6, 3.8))
        budgets, coverage = self.curve.budgets, self.curve.coverage
        style = look(n_curves(ax), label=self.name, drawstyle="steps-post", **kwargs)
        (self.line_,) = ax.plot(budgets, coverage, **(style | {"marker": ""}))
        self.point_ = None
        if self.budget is not None and budgets[0] <= self.budget <= budgets[-1]:
            at = coverage[np.searchsorted(budgets, self.budget, side="right") - 1]
            (self.point_,) = ax.plot([self.budget], [at], **(style | {"label": None, "gid": None}))
        ax.set(
            xscale="log", ylim=(0, 1.02), xlabel="Budget: largest probability of a failure",
            ylabel="Share kept by the student",
        )  # fmt: skip
        ax.xaxis.set_major_formatter(_percent)
        self.cost_axis_ = self._draw_speedup(ax)
        if self.name is not None:
            ax.legend(loc="lower right")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_speedup(self, ax):
        """Draw the speed-up on the right, at the shares with round numbers; None without costs."""
        kept = self.curve.coverage > 0
        if self.curve.expected_cost is None or not kept.any():
            return None
        first = int(kept.argmax())
        coverage, cost, speedup = (
            float(each[first])
            for each in (self.curve.coverage, self.curve.expected_cost, self.curve.speedup)
        )
        teacher = cost * speedup
        student = cost - (1 - coverage) * teacher

        def speedup_at(share):  # without a prediction, the student is not called
            return teacher / (student + (1 - share) * teacher) if share else 1

        twin = ax.secondary_yaxis("right")
        shares = np.linspace(0, 1, 6)
        twin.set_yticks(shares, [f"{speedup_at(share):.3g}×" for share in shares])
        twin.set_ylabel("Expected speed-up over the teacher")
        return twin


def _percent(value, position):
    """Return a share as a percentage, for an axis."""
    return f"{100 * value:g} %"
