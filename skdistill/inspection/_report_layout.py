"""Layout of a report, for its text and its HTML."""

from typing import NamedTuple

from .._utils._groups import MIN_GROUPS_FOR_INTERVAL
from ._figures import LABELS, directed, interval, number, writer

TITLE = "Did distilling pay?"
# The models by their names in the figures, as a reader sees them.
MODELS = {"teacher": "teacher", "student": "student, labels alone", "distilled": "distilled"}
TITLES = {"quality": "Quality", "fidelity": "Fidelity to the teacher", "cost": "Cost"}
# Explanations of measures, below the table that has them.
NOTES = {
    "log_loss": "Log-loss: mean of −log of the probability of the true class, in nats; a "
    "probability of 0 counts as 2.2e-16.",
    "brier": "Brier: squared error of the probabilities, summed over the classes, in [0, 2].",
    "auc": "AUC: probability that a random row of the second class has a higher score than one of "
    "the first.",
    "ece": "ECE: mean distance between predicted probabilities and observed frequencies, in 15 "
    "bins of equal width; without an interval, since it is biased upwards on resampled rows.",
    "mse": "MSE: mean squared error, in the square of the unit of y.",
    "bias": "Bias: mean prediction minus the mean of y.",
    "calibration_slope": "Calibration slope: of the regression of y on the prediction; below 1, "
    "predictions vary too much, above 1 too little.",
    "agreement": "Agreement: share of rows with the same most probable class as the teacher.",
    "bytes": "Size, pickled: of the pickle. The skops and ONNX files of the same model have other "
    "sizes.",
    "onnx_bytes": "ONNX: of the file that runs without Python, on one thread and for rows that are "
    "prepared.",
    "kl": "KL: divergence KL(teacher ‖ model) of the probabilities, in nats, 0 if they are equal; "
    "a probability of 0 counts as 2.2e-16.",
    "kept_at_1_percent": "Kept at 1 %: share of the rows that the student predicts alone if the "
    "teacher predicts those of which it is less sure, and at most 1 % of all rows may differ from "
    "the teacher (at 95 %).",
    "teacher_mse": "MSE to the teacher: mean squared difference of the predictions.",
    "residual_correlation": "Correlation of residuals: of y minus the model's prediction with y "
    "minus the teacher's.",
}


# Weights by which the targets of a student were made, as a reader sees them.
WEIGHTS = {
    "alpha": "alpha {} (weight of the teacher's predictions against the labels)",
    "unlabeled_weight": "weight of rows without labels {}",
    "pseudo_labels": "hard pseudo-labels: {}",
    "leaf_shrinkage": "shrinkage of leaves {}",
    "teacher_temperature": "temperature of the teacher {}",
}


class Cell(NamedTuple):
    """A figure as written, and its interval, empty where it has none."""

    figure: str
    interval: str = ""


class Table(NamedTuple):
    """Rows of cells under their heads, with a note that explains them."""

    title: str
    heads: list[str]
    rows: list[tuple[str, list[Cell]]]
    note: str


def tables(report):
    """Return the tables of a report."""
    costs = "; ".join(f"{name}: {what}" for name, what in report.cost_of.items())
    return [
        _by_model(
            report, "quality", ("teacher", "student", "distilled"),
            f"Student: fitted on the labels alone. {_notes(report.quality)}",
        ),
        _gains(report),
        _by_model(
            report, "fidelity", ("student", "distilled"),
            f"{_notes(report.fidelity)} A student may rightly disagree: this is not quality.",
        ),
        _with_sizes(report, _by_model(
            report, "cost", ("teacher", "student", "distilled"),
            "Times of predict_proba, or predict where a model has no other: medians on this "
            "machine, which vary with its load. In a Pipeline, preprocessing is all steps before "
            "the last one. "
            f"{_notes(report.cost)} Pickled and timed were: {costs}.",
        )),
    ]  # fmt: skip


def _with_sizes(report, table):
    """Return the table with a row of leaves or coefficients, if a model has them."""
    if not report.sizes:
        return table
    cells = [Cell(report.sizes.get(model, "–")) for model in table.heads]
    return table._replace(rows=[("leaves or coefficients", cells), *table.rows])


def subtitle(report):
    """Return the number of rows and resamples behind the figures, and the units of outputs."""
    return f"{_rows_and_resamples(report)} {report.note}".rstrip()


def _rows_and_resamples(report):
    if report.n_groups is None:
        rows, resampled = f"{report.n_rows:,} test rows", "the test rows"
    else:
        rows = f"{report.n_rows:,} test rows of {report.n_groups:,} groups"
        resampled = "the groups"
    if report.n_groups is not None and report.n_groups < MIN_GROUPS_FOR_INTERVAL:
        return f"{rows}. No intervals: they need at least {MIN_GROUPS_FOR_INTERVAL} groups."
    return (
        f"{rows}. In brackets: 95 % intervals from {report.n_bootstrap:,} resamples of "
        f"{resampled}, the same for all models."
    )


def provenance(report):
    """Return the models, the weights, the versions and the date, as pairs of name and text."""
    names = "; ".join(f"{MODELS[name]}: {kind}" for name, kind in report.model_names.items())
    weights = "; ".join(
        WEIGHTS.get(name, f"{name} {{}}").format(_weight(value))
        for name, value in report.weights.items()
    )
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    pairs = [("Models", names), ("Weights of the distilled student", weights)]
    pairs += [("Versions", versions), ("Date", report.date)]
    return [(name, text) for name, text in pairs if text]


def _weight(value):
    """Write a chosen weight with three digits, a choice as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}"


def _notes(figures):
    """Return the explanations of the measures of a table."""
    return " ".join(NOTES[measure] for measure in figures if measure in NOTES)


def _by_model(report, part, models, note):
    """Return a table with one column for each model."""
    rows = [
        (
            _label(measure, report),
            [_cell(row[model], part, measure) if model in row else Cell("–") for model in models],
        )
        for measure, row in getattr(report, part).items()
    ]
    return Table(TITLES[part], list(models), rows, note)


def _label(measure, report):
    """Return the name of a measure with what is best; the mean of y beside that predicted."""
    if measure == "mean_prediction":
        return f"{LABELS[measure]} (mean of y: {number(report.observed_mean)})"
    return directed(measure)


def _gains(report):
    """Return the table of what distilling improved."""
    rows = [
        (
            LABELS[measure],
            [
                _cell(gained, "gain", measure),
                _cell(report.gap_recovered[measure], "gap_recovered", measure)
                if measure in report.gap_recovered
                else Cell("–"),
                _cell(report.gain_over_teacher[measure], "gain_over_teacher", measure)
                if measure in report.gain_over_teacher
                else Cell("–"),
            ],
        )
        for measure, gained in report.gain.items()
    ]
    note = (
        "Better by: the distilled student against the student from the labels alone; positive is "
        "better, also for losses. Gap recovered: that, over the teacher's own lead; undefined "
        "where the teacher was no better, without an interval where its lead is not certain; above "
        "100 % means better than the teacher. Over the teacher: the distilled student against it."
    )
    heads = ["better by", "gap recovered", "over the teacher"]
    return Table("What distilling changed", heads, rows, note)


def _cell(estimate, part, measure):
    """Write a figure and its interval."""
    write = writer(part, measure)
    return Cell(write(estimate.value), interval(estimate, write))
