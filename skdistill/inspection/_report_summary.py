"""The first sentences of a report, for readers who know nothing of distillation."""

from math import isfinite, isnan

from ._cost import BATCH
from ._figures import LABELS, share, with_interval, writer

# The score that the summary is about is the first of these in which the teacher's lead is certain.
SCORES = ("auc", "r2", "accuracy", "log_loss", "brier")
# Ratios within these factors are called the same. Times vary with the load of the machine.
SAME_SIZE, SAME_TIME = 1.05, 1.3
# Scores of probabilities, which may equal those of the teacher where the ranking does not.
OF_PROBABILITIES = ("log_loss", "brier")
AS_BEFORE = "the student fitted to the labels alone"


def summary(report):
    """Return a few sentences: cost and quality, the figures behind them, the conclusion."""
    costs, measure = _costs(report), main_score(report)
    quality = _on_quality(report, measure)
    start = f"{'As ONNX files, the' if as_onnx(report.cost) else 'The'} distilled student"
    first = f"{start} is {', '.join(costs)}, and" if costs else "The distilled student"
    sentences = [f"{first} {quality}."]
    if measure:
        sentences += [_figures(report, measure), *_as_good_as_teacher(report, measure)]
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
    kept = f"keeps {share(gap.value)} of the teacher's lead in {label} over {AS_BEFORE}"
    return f"{kept}{_above_all(gap)}{doubt}"


def _above_all(gap):
    """Say what a share of the lead above 100 % means."""
    if gap.value <= 1:
        return ""
    certainly = "" if gap.low > 1 else ", though not certainly"
    return f" (above 100 % means better than the teacher{certainly})"


def _figures(report, measure):
    """Write one score of all models."""
    write, row = writer("quality", measure), report.quality[measure]
    names = {"teacher": "the teacher", "distilled": "the distilled student", "student": AS_BEFORE}
    listed = [
        f"{write(row[name].value)} for {words}" for name, words in names.items() if name in row
    ]
    return f"{LABELS[measure][:1].upper()}{LABELS[measure][1:]}: {_join(listed)}."


def _as_good_as_teacher(report, measure):
    """Say in which scores of probabilities the teacher is not certainly better, unlike in another.

    Nothing if the teacher is not certainly better in the score of the summary either.
    """
    over = report.gain_over_teacher
    if measure not in over or not over[measure].high < 0:
        return []
    return [
        f"In {LABELS[name]} there is no certain difference between the distilled student and the "
        f"teacher: {with_interval(over[name], writer('gain', name))}."
        for name in OF_PROBABILITIES
        if name in over and over[name].low <= 0 <= over[name].high
    ]


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


def _costs(report):
    """Write how the size and the times of the distilled student compare with the teacher's."""
    cost = report.cost
    prefix = "onnx_" if as_onnx(cost) else ""
    found = []
    if _has_both(cost, f"{prefix}bytes"):
        ratio = _ratio(cost, f"{prefix}bytes")
        found.append((_compared(ratio, SAME_SIZE, ("smaller", "larger"), _times), ""))
    if _has_both(cost, f"{prefix}batch"):
        ratio = _ratio(cost, f"{prefix}batch")
        rows = f" in batches of {min(report.n_rows, BATCH):,} rows"
        faster = _compared(ratio, SAME_TIME, ("faster", "slower"), _about)
        found.append((faster, f"{rows}{_one_by_one(cost, prefix, ratio)}"))
    # The first one names the other side of the comparison.
    return [
        f"{compared}{'' if k else ' than the teacher'}{rest}"
        for k, (compared, rest) in enumerate(found)
    ]


def as_onnx(cost):
    """Return whether ONNX files of both the teacher and the distilled student were measured."""
    return _has_both(cost, "onnx_bytes")


def _has_both(cost, kind):
    """Return whether a cost is known of teacher and distilled student."""
    return {"teacher", "distilled"} <= cost.get(kind, {}).keys()


def _ratio(cost, kind):
    """Return the cost of the teacher over that of the distilled student."""
    return cost[kind]["teacher"].value / cost[kind]["distilled"].value


def _one_by_one(cost, prefix, batch_ratio):
    """Say if a student that is faster in batches is not so for single rows."""
    kind = f"{prefix}single"
    if batch_ratio < SAME_TIME or not _has_both(cost, kind) or _ratio(cost, kind) >= SAME_TIME:
        return ""
    return f" (but {'slower' if _ratio(cost, kind) <= 1 / SAME_TIME else 'not faster'} one by one)"


def _compared(ratio, same, words, write):
    """Write how many times less or more the distilled student costs."""
    less, more = words
    if not isfinite(ratio) or 1 / same < ratio < same:
        return f"no {less}"
    return f"{write(ratio)} times {less}" if ratio > 1 else f"{write(1 / ratio)} times {more}"


def _times(ratio):
    """Write a ratio of sizes: whole from ten on, else with one digit."""
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.1f}"


def _about(ratio):
    """Write a ratio of times, which are measured: with a single digit, or 1.5."""
    return "about 1.5" if ratio < 1.75 else f"about {float(f'{ratio:.0e}'):,.0f}"


def _join(words):
    """Write words as a list with "and"."""
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _capital(text):
    """Return a text with a capital first letter."""
    return text[:1].upper() + text[1:]
