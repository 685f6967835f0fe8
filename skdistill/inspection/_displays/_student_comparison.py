"""Display of a comparison of students: quality against cost, from twin to distilled."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..._utils._typing import ArrayLike
from .._student_comparison import COMPILED, StudentComparison
from .._student_layout import SCORES, UNITS
from ._style import MARKERS, axes


class StudentComparisonDisplay:
    """Quality against cost of compared students, with an arrow from each twin to its distilled one.

    Make one with `from_comparison`. Filled marks are distilled students, hollow ones the twins
    that were fitted to the labels alone, crosses the teacher and its ONNX file. The line is the
    frontier, the shaded region costs more than the budget.

    Parameters
    ----------
    names : sequence of str, of length n_models
        Names of the models.

    cost : array-like of shape (n_models,)
        Cost of each, positive; it is shown on a logarithmic scale.

    quality : array-like of shape (n_models,)
        Score of each.

    standard_error : array-like of shape (n_models,), default=None
        Standard error of each value shown, NaN where it has none.

    students : sequence of str, default=None
        Name of the student behind each model; empty for a teacher. None: each is its own student.

    twin : array-like of shape (n_models,), default=None
        Whether each model is a twin, fitted to the labels alone.

    frontier : sequence of str, default=()
        Names of the models that no other beats.

    limit : float, default=None
        Largest allowed cost; none by default.

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
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from skdistill.inspection import StudentComparisonDisplay
    >>> display = StudentComparisonDisplay(
    ...     names=["tree", "tree (labels)", "teacher"],
    ...     cost=[4, 3, 900],
    ...     quality=[0.42, 0.47, 0.40],
    ...     students=["tree", "tree", ""],
    ...     twin=[False, True, False],
    ...     frontier=["tree (labels)", "tree"],
    ...     limit=50,
    ... ).plot()
    >>> len(display.lines_)
    3
    """

    def __init__(
        self,
        *,
        names: Any,
        cost: ArrayLike,
        quality: ArrayLike,
        standard_error: ArrayLike | None = None,
        students: Any = None,
        twin: ArrayLike | None = None,
        frontier: Any = (),
        limit: float | None = None,
        cost_label: str = "cost",
        quality_label: str = "quality",
    ):
        self.names = list(names)
        self.cost = np.asarray(cost, dtype=np.float64)
        self.quality = np.asarray(quality, dtype=np.float64)
        missing = np.full(len(self.names), np.nan)
        self.standard_error = (
            missing if standard_error is None else np.asarray(standard_error, dtype=np.float64)
        )
        self.students = self.names if students is None else list(students)
        self.twin = np.zeros(len(self.names), bool) if twin is None else np.asarray(twin, bool)
        self.frontier = list(frontier)
        self.limit = limit
        self.cost_label = cost_label
        self.quality_label = quality_label

    @classmethod
    def from_comparison(
        cls, comparison: StudentComparison, *, cost: str = "kB", ax: Any = None, **kwargs: Any
    ) -> Self:
        """Plot the result of a comparison.

        Parameters
        ----------
        comparison : StudentComparison
            From :func:`skdistill.inspection.compare_students`.

        cost : str, default="kB"
            Cost of each model. "kB", "us_per_row" or "ms_per_1000", or one of these after `onnx_`,
            for the model compiled to ONNX. Models without it are not shown, and neither are
            students of pseudo-labels.

        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `errorbar`.

        Returns
        -------
        StudentComparisonDisplay

        Raises
        ------
        ValueError
            If there is no such cost, or if no student could be compared.
        """
        frontier = comparison.frontier(cost)
        left_out = {"pseudo-labels"} | ({COMPILED} if cost.startswith("onnx_") else set())
        rows = [
            row
            for row in comparison.rows()
            if row.how not in left_out and not np.isnan(row.costs.get(cost, np.nan))
        ]
        figures = [row.figure(comparison.scoring) for row in rows]
        better = "higher" if comparison.higher_is_better else "lower"
        display = cls(
            names=[row.name for row in rows],
            cost=[row.costs[cost] for row in rows],
            quality=[figure.value for figure in figures],
            standard_error=[figure.standard_error for figure in figures],
            students=[row.student for row in rows],
            twin=[row.how == "labels alone" for row in rows],
            frontier=[name for name in frontier if name in {row.name for row in rows}],
            limit=(comparison.budget or {}).get(cost),
            cost_label=UNITS[cost],
            quality_label=f"{SCORES[comparison.scoring]} ({better} is better)",
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the models, the arrows, the frontier and the budget.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `errorbar`.

        Returns
        -------
        StudentComparisonDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes(ax, figsize=(9, 5))
        self.lines_ = [self._draw_mark(ax, k, kwargs) for k in range(len(self.names))]
        self._draw_arrows(ax)
        self._draw_frontier(ax)
        ax.set(xscale="log", xlabel=self.cost_label, ylabel=self.quality_label)
        ax.margins(0.15)
        if self.limit is not None:
            right = max(ax.get_xlim()[1], 1.5 * self.limit)
            ax.axvspan(self.limit, right, color="0.5", alpha=0.15, lw=0)
            ax.annotate(
                " over the budget", (self.limit, 0.01), xycoords=("data", "axes fraction"),
                fontsize="small",
            )  # fmt: skip
            ax.set_xlim(right=right)
        ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_mark(self, ax, k, chosen):
        """Draw the mark of a model, with its standard error, and return it."""
        student = self.students[k]
        number = sorted(set(self.students) - {""}).index(student) if student else 0
        color = f"C{number % 10}" if student else "black"
        style = {
            "marker": MARKERS[number % len(MARKERS)] if student else "+x"[k % 2],
            "color": color,
            "markerfacecolor": "white" if self.twin[k] else color,
            "linestyle": "none",
            "markersize": 8,
            # One entry of the legend for each student: that of a twin is the hollow mark.
            "label": f"_{self.names[k]}" if self.twin[k] else self.names[k],
        }
        error = self.standard_error[k]
        drawn = ax.errorbar(
            self.cost[k], self.quality[k], None if np.isnan(error) else error, **(style | chosen)
        )
        return drawn.lines[0]

    def _draw_arrows(self, ax):
        """Draw an arrow from each twin to the other fits of its student."""
        for k, student in enumerate(self.students):
            if not student or self.twin[k]:
                continue
            for twin in np.flatnonzero(self.twin):
                if self.students[twin] == student:
                    ax.annotate(
                        "",
                        (self.cost[k], self.quality[k]),
                        (self.cost[twin], self.quality[twin]),
                        arrowprops={"arrowstyle": "->", "color": "0.4", "lw": 0.8},
                    )

    def _draw_frontier(self, ax):
        """Draw a line through the models that no other beats."""
        on_it = [self.names.index(name) for name in self.frontier]
        ax.plot(
            self.cost[on_it], self.quality[on_it], drawstyle="steps-post", color="0.4", lw=1.2,
            zorder=0, label="frontier",
        )  # fmt: skip
        if self.twin.any():
            ax.plot(
                [], [], "o", color="0.4", markerfacecolor="white", label="labels alone (hollow)"
            )
