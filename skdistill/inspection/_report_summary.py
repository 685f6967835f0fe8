"""The first sentences of a report, for readers who know nothing of distillation."""

from math import isfinite, isnan

from ._figures import LABELS, share, writer

# The score that the summary is about is the first of these in which the teacher's lead is certain.
SCORES = ("auc", "r2", "accuracy", "log_loss", "brier")
# A ratio of times or bytes within this factor is called the same.
SAME = 1.05
WORDS = {"bytes": ("smaller", "larger"), "batch": ("faster", "slower")}
AS_BEFORE = "the student fitted to the labels alone"


def summary(report):
    """Return one to three sentences: cost and quality, the figures behind them, the conclusion."""
    costs = _join([_ratio(report.cost, kind) for kind in WORDS if _has_both(report.cost, kind)])
    measure = main_score(report)
    first = f"The distilled student is {costs} than the teacher" if costs else ""
    quality = _on_quality(report, measure)
    sentences = [f"{first}, and {quality}." if first else f"The distilled student {quality}."]
    if measure:
        sentences.append(_figures(report, measure))
    return " ".join([*sentences, *_conclusion(report)])


def main_score(report):
    """Return the score that the summary is about."""
    gaps = report.gap_recovered
    certain = [name for name in SCORES if name in gaps and not isnan(gaps[name].low)]
    return next(iter(certain or [name for name in SCORES if name in report.gain]), None)


def identical_pairs(report):
    """Return a sentence for each pair of models that predicts the same for all test rows."""
    names = {"student": AS_BEFORE, "distilled": "the distilled student", "teacher": "the teacher"}
    return [
        f"{_capital(names[first])} and {names[second]} are identical on all {report.n_rows:,} test "
        "rows: they make the same predictions."
        for first, second in report.identical
    ]


def _on_quality(report, measure):
    """Say what is kept of the teacher's lead in one score, or why this cannot be said."""
    if ("student", "distilled") in report.identical:
        return f"predicts as {AS_BEFORE}"
    if report.labels_alone:
        return "is fitted to the labels alone, too: its weights gave the teacher no part (alpha 0)"
    if measure is None:
        return "shares no score with the other models"
    label, gap = LABELS[measure], report.gap_recovered.get(measure)
    if gap is None or isnan(gap.low):
        return f"the teacher has no certain lead in {label} that it could keep"
    if gap.high < 0:
        return f"is worse in {label} than {AS_BEFORE}"
    if gap.value < 0:
        return f"has no certain gain in {label} over {AS_BEFORE}"
    doubt = "" if gap.low > 0 else ", with an interval that contains 0"
    return f"keeps {share(gap.value)} of the teacher's lead in {label} over {AS_BEFORE}{doubt}"


def _figures(report, measure):
    """Write one score of all models."""
    write, row = writer("quality", measure), report.quality[measure]
    names = {"teacher": "the teacher", "distilled": "the distilled student", "student": AS_BEFORE}
    listed = [
        f"{write(row[name].value)} for {words}" for name, words in names.items() if name in row
    ]
    return f"{LABELS[measure][:1].upper()}{LABELS[measure][1:]}: {_join(listed)}."


def _conclusion(report):
    """Say which student to use if no gain is certain."""
    gains = report.gain.values()
    if not gains or all(isnan(each.low) for each in gains):
        return ["There are too few groups to say whether distilling helped."] if gains else []
    if ("student", "distilled") in report.identical:
        return ["Distilling changed nothing: use either of the two."]
    if report.labels_alone:
        return ["Nothing here comes from the teacher: use the better one of the two students."]
    if any(each.low > 0 for each in gains):
        return []
    verb = "harmed" if any(each.high < 0 for each in gains) else "did not help"
    return [f"Distilling {verb} here: use {AS_BEFORE}."]


def _has_both(cost, kind):
    """Return whether a cost is known of teacher and distilled student."""
    return {"teacher", "distilled"} <= cost.get(kind, {}).keys()


def _ratio(cost, kind):
    """Write how many times smaller or faster the distilled student is."""
    less, more = WORDS[kind]
    ratio = cost[kind]["teacher"].value / cost[kind]["distilled"].value
    if not isfinite(ratio) or 1 / SAME < ratio < SAME:
        return f"no {less}"
    return f"{_times(ratio)} times {less}" if ratio > 1 else f"{_times(1 / ratio)} times {more}"


def _times(ratio):
    """Write a ratio: whole from ten on, else with one digit."""
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.1f}"


def _join(words):
    """Write words as a list with "and"."""
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _capital(text):
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]
