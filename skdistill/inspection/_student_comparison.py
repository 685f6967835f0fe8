"""Result of a comparison of students: the rows of its table, the frontier, and the choice."""

from dataclasses import dataclass, field, replace
from math import isinf, isnan
from numbers import Real
from pathlib import Path
from typing import Any

from .._utils._typing import Estimator
from ._provenance import today, versions
from ._resampling import Figure
from ._student_costs import COSTS
from ._student_html import as_fragment, as_page
from ._student_layout import described_costs
from ._student_table import as_text
from ._student_verdict import sentences
from ._tables import import_pandas
from ._teacher_part import LABELS_CHOSEN, has_no_teacher

COMPILED = "teacher (ONNX)"
NEGLIGIBLE = 1e-9  # a difference by rounding


@dataclass(frozen=True)
class ComparedModel:
    """A row of the comparison: a model that could be shipped, or why there is none."""

    name: str
    student: str  # name of the student; empty for the teacher
    how: str  # "distilled", "labels alone", "pseudo-labels", "teacher" or "teacher (ONNX)"
    model: Any = None
    figures: dict[str, Figure] = field(default_factory=dict)
    costs: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    onnx: bytes = b""  # the file that was measured; empty where there is none

    @property
    def labels_alone_chosen(self):
        """Whether it was to be distilled, and its weights gave the teacher no part."""
        return has_no_teacher(self.details)

    @property
    def described_how(self):
        """How it was fitted, for readers."""
        return LABELS_CHOSEN if self.labels_alone_chosen else self.how

    @property
    def is_student(self):
        """Whether it is a student that was compared, not a teacher and not a failure."""
        return bool(self.student) and not self.failure

    def failed(self, failure):
        """Return the row of a model that failed."""
        return replace(self, failure=failure)

    def measured(self, model, figures, costs, details):
        """Return the row with the fitted model and all that was measured."""
        return replace(self, model=model, figures=figures, costs=costs, details=details)

    def with_onnx(self, compiled):
        """Return the row with the file of a compiled model; unchanged without one."""
        return self if compiled is None else replace(self, onnx=compiled.onnx)

    def figure(self, name):
        """Return a figure, NaN if the model has none."""
        return self.figures.get(name, Figure(float("nan")))

    def excess(self, budget):
        """Return the largest ratio of a cost to its limit: at most 1 if the budget is met."""
        ratios = [self.costs[cost] / limit for cost, limit in budget.items()]
        return float("inf") if any(map(isnan, ratios)) else max(ratios)


class StudentComparison:
    """Result of :func:`compare_students`: every student, distilled and from the labels alone.

    Its rows have names. A distilled student has the name of the student, such as "tree". The same
    student fitted to the labels alone is "tree (labels)". Fitted to hard pseudo-labels, it is "tree
    (pseudo-labels)". The others are "teacher" and "teacher (ONNX)".

    Attributes
    ----------
    models : dict of {str: estimator}
        The fitted models by name, those that can be shipped: fitted on all rows of X.

    scoring : str
        The score that ranks: "log_loss", "brier", "accuracy" or "auc", "mse" or "r2".

    budget : dict or None
        The limits that were given.

    sentences : list of str
        What the table says about each student, and about the teacher and the budget.

    versions : dict of {str: str}
        Versions of Python, skdistill, scikit-learn and the packages of the models.

    date : str
        Day on which it was made, as YYYY-MM-DD.

    Examples
    --------
    See :func:`compare_students`.
    """

    def __init__(self, rows, scoring, paired, budget, weights, notes):
        self._rows = rows
        self.scoring = scoring
        self.paired = paired  # the score of each model, for differences
        self.budget = budget
        self.weights = weights  # alpha and unlabeled_weight of distilled students, as given
        self.notes = notes  # sentences on how the figures were made
        self.halved = []  # fits of the chosen student on half of the rows
        self.versions = versions(self.models)
        self.date = today()

    @property
    def names(self) -> list[str]:
        """The rows of the table."""
        return [row.name for row in self._rows]

    @property
    def models(self) -> dict[str, Estimator]:
        """The fitted models by name."""
        return {row.name: row.model for row in self._rows if not row.failure}

    @property
    def sentences(self) -> list[str]:
        """What the table says about each student."""
        return sentences(self)

    def frontier(self, cost: str | None = None) -> list[str]:
        """Return the students that no other beats in quality and cost, the cheapest first.

        Parameters
        ----------
        cost : str, default=None
            Cost of each model. "kB", "us_per_row" or "ms_per_1000", or one of these after `onnx_`,
            for the model compiled to ONNX. None is the first cost of the budget, "kB" without one.
            Times are measured, so that students of nearly equal times may change places.

        Returns
        -------
        list of str
            Names of rows, students only. One is beaten if another is as good in both, and better
            in one of them; equal ones are all named.

        Raises
        ------
        ValueError
            If the cost is not one of these, or if no student could be compared.
        """
        cost = next(iter(self.budget or ["kB"])) if cost is None else cost
        _check_costs([cost])
        rows = [row for row in self._compared() if not isnan(row.costs[cost])]
        beaten = {row.name for row in rows for other in rows if self._beats(other, row, cost)}
        kept = [row for row in rows if row.name not in beaten]
        return [row.name for row in sorted(kept, key=lambda row: row.costs[cost])]

    def best(self, budget: dict[str, float] | None = None) -> str:
        """Return the student of the best score within a budget.

        Parameters
        ----------
        budget : dict, default=None
            Largest allowed costs, as in ``{"kB": 50, "ms_per_1000": 1}``; the names are those of
            :meth:`frontier`. None takes that of the comparison; without any, costs
            do not count.

        Returns
        -------
        str
            Name of a row, a key of `models`. Of equal scores, the smaller student.

        Raises
        ------
        ValueError
            If no student meets the budget; the message names the nearest. If a limit is not
            positive, or of an unknown cost, or if no student could be compared.
        """
        budget = check_budget(self.budget if budget is None else budget) or {}
        rows = self._compared()
        affordable = [row for row in rows if not budget or row.excess(budget) <= 1]
        if not affordable:
            nearest = min(rows, key=lambda row: row.excess(budget))
            if isinf(nearest.excess(budget)):
                raise ValueError(
                    f"No student has all costs of the budget {described_costs(budget)}: it cannot "
                    "be written to a file, or was not compiled to ONNX. The columns kB and "
                    "not_compiled of to_frame() say which."
                )
            raise ValueError(
                f"No student meets the budget {described_costs(budget)}. The nearest is "
                f"{nearest.name!r} with "
                f"{described_costs({cost: nearest.costs[cost] for cost in budget})}. Raise the "
                f"budget, or compare smaller students.{_hint_at_onnx(budget)}"
            )
        return affordable[0].name

    def to_frame(self) -> Any:
        """Return every number as a dataframe, one row per model.

        Returns
        -------
        pandas.DataFrame
            Index: the names. Columns: "student", "how" ("labels alone, as chosen" where the weights
            of a distilled student gave the teacher no part); the scores, each followed by its
            standard error ("log_loss", "log_loss_se", ...), NaN where it has none; "gain" and
            "share_of_lead"; the costs; "failure" (empty where there is none). The gain is in the
            score that ranks, against the twin of the labels alone; positive is better. The share is
            that of the teacher's lead over the twin, NaN where the lead is below two standard
            errors.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_pandas("StudentComparison.to_frame")
        rows = []
        for row in self._rows:
            figures: dict[str, float] = {}
            for name, figure in row.figures.items():
                figures |= {name: figure.value, f"{name}_se": figure.standard_error}
            head = {"student": row.student, "how": row.described_how}
            rows.append(head | figures | row.details | row.costs | {"failure": row.failure})
        frame = pandas.DataFrame(rows, index=pandas.Index(self.names, name="model"))
        last = frame.pop("failure")
        frame["failure"] = last
        return frame.dropna(axis="columns", how="all")

    def to_html(self, path: str | Path, *, title: str | None = None) -> None:
        """Write the comparison as a self-contained HTML page.

        Parameters
        ----------
        path : str or Path
            File to write. It is in UTF-8. An existing one is replaced.

        title : str, default=None
            Title of the page, such as the name of the project. "Which student?" by default.
        """
        Path(path).write_text(as_page(self, title), encoding="utf-8")

    def to_onnx(self, path: str | Path, name: str | None = None) -> None:
        """Write the ONNX file of a model, the one that was measured and checked.

        It has one input "X", an array of float32. For a dataframe it has one input of shape
        (n_samples, 1) for each column: numbers as float32, other columns as str. (A dataframe of
        numbers only has the single input if no step of the model selects columns.) The outputs are
        the predicted labels and probabilities, or the predicted numbers.

        Parameters
        ----------
        path : str or Path
            File to write. An existing one is replaced.

        name : str, default=None
            Name of a row, such as "tree", "tree (labels)" or "teacher". None takes that of
            :meth:`best`.

        Raises
        ------
        ValueError
            If there is no such row, or if it was not converted to ONNX. The message has the reason.
        """
        Path(path).write_bytes(self._onnx(self.best() if name is None else name))

    @property
    def higher_is_better(self):
        """Whether a higher score is better."""
        return self.paired.higher_is_better

    def chosen(self):
        """Return the best student within the budget; without one, of all; None if all failed."""
        ranked = self.ranked()
        affordable = [row for row in ranked if self.meets_budget(row)]
        return next(iter(affordable or ranked), None)

    def meets_budget(self, row):
        """Return whether a row meets the budget; True without one."""
        return not self.budget or row.excess(self.budget) <= 1

    def is_better(self, row, other):
        """Return whether the score that ranks of a row is better, rounding apart."""
        return self._loss(row) < self._loss(other) - NEGLIGIBLE

    def rows(self):
        """Return the rows of the table in order, as objects."""
        return list(self._rows)

    def ranked(self):
        """Return the students that were compared, best first; of equal scores, the smallest."""
        rows = [row for row in self._rows if row.is_student]
        return sorted(rows, key=lambda row: (self._loss(row), row.costs["kB"]))

    def teachers(self):
        """Return the teacher, and the compiled one if there is one."""
        return [row for row in self._rows if not (row.student or row.failure)]

    def _onnx(self, name):
        """Return the ONNX file of a row; raise if there is none."""
        row = next((row for row in self._rows if row.name == name), None)
        if row is None:
            raise ValueError(f"There is no model {name!r}. The models are {self.names}.")
        if not row.onnx:
            reason = row.failure or row.details.get("not_compiled", "")
            convertible = [each.name for each in self._rows if each.onnx]
            raise ValueError(
                f"{name!r} has no ONNX file. The reason: {reason} These models have one: "
                f"{convertible}."
            )
        return row.onnx

    def _compared(self):
        """Return the students that were compared, best first; raise if there is none."""
        rows = self.ranked()
        if not rows:
            reasons = " ".join(f"{row.name}: {row.failure}" for row in self._rows if row.failure)
            raise ValueError(f"No student could be compared. The reasons: {reasons}")
        return rows

    def _loss(self, row):
        """Return the score that ranks, turned so that lower is better."""
        value = row.figure(self.scoring).value
        return -value if self.higher_is_better else value

    def _beats(self, row, other, cost):
        """Return whether a row is as good as another in score and cost, and better in one."""
        pairs = [
            (self._loss(row), self._loss(other)),
            (row.costs[cost], other.costs[cost]),
        ]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    def __str__(self):
        return as_text(self)

    def __repr__(self):
        students = list(dict.fromkeys(row.student for row in self._rows if row.student))
        return f"StudentComparison({students})"

    def _repr_html_(self):
        return as_fragment(self)


def check_budget(budget):
    """Return a budget; raise unless it is None or positive limits of known costs."""
    if budget is None:
        return None
    if not isinstance(budget, dict) or not budget:
        raise ValueError(
            f"budget must be a dict of limits, as in {{'kB': 50, 'ms_per_1000': 1}}; got "
            f"{budget!r}."
        )
    _check_costs(budget)
    for cost, limit in budget.items():
        if isinstance(limit, bool) or not isinstance(limit, Real) or not limit > 0:
            raise ValueError(f"budget[{cost!r}] must be a number above 0; got {limit!r}.")
    return dict(budget)


def _check_costs(names):
    """Raise for the name of a cost that is not measured."""
    unknown = [name for name in names if name not in COSTS]
    if unknown:
        raise ValueError(f"A cost is one of {list(COSTS)}; got {unknown[0]!r}.")


def _hint_at_onnx(budget):
    """Return a sentence on the same budget of ONNX files, which need no encoding in Python."""
    in_python = [cost for cost in budget if not cost.startswith("onnx_")]
    if not in_python:
        return ""
    return (
        " In Python, the time of a Pipeline includes its preprocessing; a service that runs ONNX "
        f"files has the budget {', '.join(f'onnx_{cost}' for cost in in_python)}."
    )
