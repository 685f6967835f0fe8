"""Layout of a report, for its text and its HTML."""

from typing import NamedTuple

from .._utils._groups import MIN_GROUPS_FOR_INTERVAL
from ._figures import FORMATS, LABELS, directed, interval

TITLE = "Did distilling pay?"


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
            "Quality", "quality", report.quality, ("teacher", "student", "distilled"),
            "Student: fitted on the labels alone. Log-loss in nats, a probability of 0 counts as "
            "2.2e-16; Brier in [0, 2]; ECE with 15 bins of equal width, without an interval, since "
            "it is biased upwards on resampled rows.",
        ),
        _gains(report),
        _by_model(
            "Fidelity to the teacher", "fidelity", report.fidelity, ("student", "distilled"),
            "Agreement: same first choice. KL(teacher ‖ model) in nats, a probability of 0 counts "
            "as 2.2e-16. A student may rightly disagree: this is not quality.",
        ),
        _by_model(
            "Cost", "cost", report.cost, ("teacher", "student", "distilled"),
            "Of predict_proba, or predict where a model has no other; medians on this machine. "
            f"Pickled and timed was: {costs}.",
        ),
    ]  # fmt: skip


def subtitle(report):
    """Return the number of rows and resamples behind the figures."""
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


def _by_model(title, part, figures, models, note):
    """Return a table with one column for each model."""
    rows = [
        (
            directed(measure),
            [_cell(row[model], part) if model in row else Cell("–") for model in models],
        )
        for measure, row in figures.items()
    ]
    return Table(title, list(models), rows, note)


def _gains(report):
    """Return the table of what distilling improved."""
    rows = [
        (
            LABELS[measure],
            [_cell(gained, "gain"), _cell(report.gap_recovered[measure], "gap_recovered")]
            if measure in report.gap_recovered
            else [_cell(gained, "gain"), Cell("–")],
        )
        for measure, gained in report.gain.items()
    ]
    note = (
        "Better by: the distilled student against the student from the labels alone; positive is "
        "better, also for losses. Gap recovered: that, over the teacher's own lead; undefined "
        "where the teacher was no better, without an interval where its lead is not certain."
    )
    return Table("What distilling changed", ["better by", "gap recovered"], rows, note)


def _cell(estimate, part):
    """Write a figure and its interval."""
    return Cell(FORMATS[part](estimate.value), interval(estimate, FORMATS[part]))
