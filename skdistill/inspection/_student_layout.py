"""Layout of a comparison of students, for its text and its page."""

from math import isnan
from typing import NamedTuple

from ._figures import cost as write_cost

TITLE = "Which student?"
SCORES = {
    "log_loss": "log-loss",
    "brier": "Brier",
    "accuracy": "accuracy",
    "auc": "AUC",
    "mse": "MSE",
    "r2": "R²",
}
MEANINGS = {
    "log_loss": "Log-loss measures predicted probabilities: lower is better, and what is sure and "
    "wrong costs most.",
    "brier": "Brier is the squared error of predicted probabilities: lower is better.",
    "accuracy": "Accuracy is the share of correct labels: higher is better.",
    "auc": "AUC measures the order of the rows: higher is better, 0.5 is chance.",
    "mse": "MSE is the mean squared error: lower is better.",
    "r2": "R² is the explained share of the variance: higher is better.",
}
OF_NUMBERS = ("mse", "r2")  # scores of regressors
UNITS = {
    "kB": "kB",
    "us_per_row": "µs per row",
    "ms_per_1000": "ms per 1,000 rows",
    "onnx_kB": "kB as ONNX",
    "onnx_us_per_row": "µs per row as ONNX",
    "onnx_ms_per_1000": "ms per 1,000 rows as ONNX",
}


class Column(NamedTuple):
    """A column of a table: its head, and the function that writes the cell of a model."""

    head: str
    write: object  # of a row of the comparison, a string


class Table(NamedTuple):
    """Rows of written cells, the name of the model first, with a note that explains them."""

    title: str
    header: list
    rows: list
    note: str


def tables(comparison):
    """Return the tables of quality, fidelity, calibration, cost and groups that apply."""
    models = [row for row in comparison.rows() if not row.failure]
    notes = _NOTES_ON_NUMBERS if comparison.scoring in OF_NUMBERS else {}
    filled = [
        _filled(title, columns, notes.get(title, note), models) for title, columns, note in _TABLES
    ]
    return [table for table in filled if table.rows]


def summary(comparison):
    """Return the table of each student in its best way, best first, and of the teachers."""
    budget = comparison.budget
    costs = list(budget or ("kB", "ms_per_1000"))
    columns = [
        Column("within budget", lambda row: _meets(row, budget)),
        _score(comparison.scoring, SCORES[comparison.scoring]),
        Column("correct", _correct),
        *(_cost(cost, UNITS[cost]) for cost in costs),
    ]
    teachers = comparison.teachers()
    if all(cost.startswith("onnx_") for cost in costs):
        teachers = teachers[-1:]  # both have the cost of the same file
    students = best_of_each(comparison.ranked())
    pseudo = (
        "" if comparison.scoring in OF_NUMBERS
        else "(pseudo-labels) to the labels that the teacher predicts, "
    )  # fmt: skip
    note = (
        f"{MEANINGS[comparison.scoring]} ± is the standard error. Each student as the better of "
        f"its fits, best first: (labels) means fitted to the labels alone, {pseudo}others are "
        "distilled, unless their name says otherwise. ONNX is a file that runs without Python."
    )
    return _filled("In short", columns, note, [*students, *teachers])


def best_of_each(ranked):
    """Return the first row of each student among rows that are ranked."""
    first = {row.student: row for row in reversed(ranked)}
    return [row for row in ranked if first[row.student] is row]


def _meets(row, budget):
    """Write whether a model meets the budget; nothing without one."""
    if not budget:
        return ""
    return "yes" if row.excess(budget) <= 1 else "no"


def with_sign(value, standard_error):
    """Write a difference with its standard error."""
    shown = f"{value:+.4f}".replace("-", "−")
    return shown if isnan(standard_error) else f"{shown} ± {standard_error:.4f}"


def described_costs(costs):
    """Write costs with their units."""
    return ", ".join(f"{write_cost(value)} {UNITS[cost]}" for cost, value in costs.items())


def _filled(title, columns, note, models):
    """Return a table without its empty columns, and without models that would be empty rows."""
    written = {column.head: [column.write(model) for model in models] for column in columns}
    kept = {head: cells for head, cells in written.items() if any(cells)}
    rows = [
        [model.name, *cells]
        for model, *cells in zip(models, *kept.values(), strict=True)
        if any(cells)
    ]
    return Table(title, ["model", *kept], rows, note)


def _score(name, head):
    """Return the column of a figure and its standard error."""

    def write(row):
        figure = row.figure(name)
        return "" if isnan(figure.value) else str(figure)

    return Column(head, write)


def _correct(row):
    """Write the share of correct labels as a percentage."""
    accuracy = row.figure("accuracy").value
    return "" if isnan(accuracy) else f"{100 * accuracy:.1f} %"


def _observed(row):
    """Write the observed rate or mean, which is the same for all models."""
    value = row.figure("observed_mean").value
    return "" if isnan(value) else f"{value:.4f}"


def _gain(row):
    """Write the gain over the twin."""
    gain = row.figure("gain")
    return "" if isnan(gain.value) else with_sign(gain.value, gain.standard_error)


def _share(row):
    """Write the share of the teacher's lead as a percentage."""
    share = row.figure("share_of_lead").value
    return "" if isnan(share) else f"{100 * share:.0f} %"


def _cost(name, head):
    """Return the column of a cost."""

    def write(row):
        value = row.costs.get(name, float("nan"))
        return "" if isnan(value) else write_cost(value)

    return Column(head, write)


def _size(row):
    """Write the number of leaves or coefficients."""
    count = row.costs.get("size", float("nan"))
    return "" if isnan(count) else f"{count:,.0f} {row.costs['size_unit']}"


def _percentage(name, head):
    """Return the column of a detail that is a share of the rows."""

    def write(row):
        share = row.details.get(name, float("nan"))
        return "" if isnan(share) else f"{100 * share:.1f} %"

    return Column(head, write)


def _number(name, head):
    """Return the column of a detail that is a number of few digits."""

    def write(row):
        value = row.details.get(name, float("nan"))
        return "" if isnan(value) else f"{value:g}"

    return Column(head, write)


def _detail(name, head):
    """Return the column of a detail that is text."""
    return Column(head, lambda row: str(row.details.get(name, "")))


_TABLES = [
    (
        "Quality",
        [
            *(_score(name, head) for name, head in SCORES.items()),
            Column("gain", _gain),
            Column("share of lead", _share),
        ],
        "On rows that no model was fitted on. Gain: in the score that ranks, over the twin, the "
        "same student fitted to the labels alone; positive is better. Share of lead: of the "
        "teacher's lead over the twin, where it is at least two standard errors, and the teacher "
        "has a part in the student. Log-loss in nats; "
        "Brier in [0, 2].",
    ),
    (
        "Fidelity to the teacher",
        [
            _score("agreement", "agreement"),
            _percentage("max_disagreement", "differs at most (95 %)"),
            _percentage("kept_at_1_percent", "kept at 1 %"),
            _score("teacher_mse", "MSE to the teacher"),
        ],
        "Agreement: the same label. A student may rightly differ: this is not quality. Kept at "
        "1 %: rows that the student predicts alone if the teacher predicts those of which it is "
        "less sure, and at most 1 % of all rows may differ from the teacher (at 95 %).",
    ),
    (
        "Calibration",
        [
            _score("mean_prediction", "mean prediction"),
            Column("observed", _observed),
            _score("bias", "bias"),
            _score("calibration_slope", "slope"),
            _score("smooth_calibration_error", "smooth error"),
            _score("ks", "KS"),
        ],
        "Slope: 1 is right; below 1 predictions are too extreme. Smooth error: calibration error "
        "without bins, in [0, 1]. KS: largest distance between the distributions of the "
        "predictions for both classes.",
    ),
    (
        "Cost",
        [
            _cost("kB", "kB"),
            Column("file", lambda row: row.costs.get("file", "")),
            _cost("us_per_row", "µs, one row"),
            _cost("ms_per_1000", "ms, 1,000 rows"),
            _cost("onnx_kB", "kB, ONNX"),
            _cost("onnx_us_per_row", "µs, ONNX"),
            _cost("onnx_ms_per_1000", "ms, ONNX"),
            Column("size", _size),
            _cost("fit_seconds", "s to fit"),
            _number("alpha", "alpha"),
            _number("unlabeled_weight", "unlabelled weight"),
            _detail("tuning", "tuning"),
            _detail("setting", "chosen setting"),
        ],
        "kB: of the file that is shipped, of skops, or a pickle where skops is not installed or "
        "cannot write the model; kB, ONNX: of its ONNX file. A distillation report shows a third "
        "size, that of the pickle. Times of predictions: medians on one thread of this machine, "
        "for one row and for a thousand in one batch. ONNX: those of the model compiled to ONNX, "
        "where it converts, for rows that are prepared. Seconds to fit: of the student alone, "
        "tuning included; cross-fitting the teacher is counted once. Alpha: chosen weight of the "
        "teacher's predictions against the labels; unlabelled weight: chosen weight of a row "
        "without a label against one with. Alpha 0 with an unlabelled weight above 0: labelled "
        "rows keep their labels, the teacher labels the others. Chosen setting: of the twin, "
        "where it is not the given one.",
    ),
    (
        "Groups of rows",
        [
            _detail("worst_segment", "worst segment"),
            _score("worst_segment_score", "its score"),
            _score("group_gap", "gap of the score between groups"),
            _score("group_gap_prediction", "gap of the mean prediction"),
        ],
        "Worst segment: the value of the column with the worst score, of those with enough rows. "
        "Gap: largest minus smallest among the groups.",
    ),
]

# Of tables of regressors, where they differ.
_NOTES_ON_NUMBERS = {
    "Quality": "On rows that no model was fitted on. Gain: in the score that ranks, over the twin, "
    "the same student fitted to the labels alone; positive is better. Share of lead: of the "
    "teacher's lead over the twin, where it is at least two standard errors, and the teacher has a "
    "part in the student. MSE in the squared unit of y; R² is at most 1.",
    "Fidelity to the teacher": "MSE to the teacher: mean squared difference between the "
    "predictions of both. A student may rightly differ: this is not quality.",
    "Calibration": "Bias: mean prediction minus the mean of y. Slope: of the regression of y on "
    "the prediction; 1 is right, below 1 predictions vary too much, above 1 too little.",
}
