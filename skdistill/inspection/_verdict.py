"""Conclusions from the figures of a report, as sentences."""

from math import isnan

from ._figures import LABELS, share, with_interval, writer
from ._intervals import Estimate
from ._report_summary import identical_pairs

MOST_OF_THE_TIME = 0.75


def verdict(report):
    """Return sentences: on identical models, the gain, the gap, and preprocessing."""
    further = (*identical_pairs(report), *_on_preprocessing(report.cost))
    if all(isnan(each.low) for each in report.gain.values()):
        return ("Too few groups to say whether distilling paid.", *further)
    if ("student", "distilled") in report.identical:
        return further
    if report.labels_alone:
        return (*_on_labels_alone(report.gain), *further)
    return (*_on_gain(report.gain), *_on_gap(report.gap_recovered), *further)


def _on_labels_alone(gains):
    """Say that the teacher had no part in the student, and where its differences come from."""
    listed = _join(
        f"{with_interval(each, writer('gain', name))} in {LABELS[name]}"
        for name, each in gains.items()
    )
    return [
        "The distilled student was fitted to the labels alone: its weights gave the teacher no "
        "part (alpha 0, and no unlabelled rows).",
        f"It is better than the student from the labels alone by {listed}. This comes from other "
        "settings or shrunk leaves, not from the teacher.",
    ]


def _on_gain(gains):
    """Say in which scores distilling paid, and where the student alone was as good, or better."""
    sentences = []
    ahead = {name: each for name, each in gains.items() if each.low > 0}
    if ahead:
        sentences.append(f"Distilling paid in {_by(ahead)}.")
    level = {name: each for name, each in gains.items() if each.low <= 0 <= each.high}
    if level:
        listed = _join(
            f"{LABELS[name]} ({with_interval(each, writer('gain', name))})"
            for name, each in level.items()
        )
        sentences.append(
            f"The student from the labels alone was as good in {listed}: the interval of the "
            "difference contains 0."
        )
    behind = {
        name: Estimate(-each.value, -each.high, -each.low)
        for name, each in gains.items()
        if each.high < 0
    }
    if behind:
        sentences.append(f"The student from the labels alone was better in {_by(behind)}.")
    return sentences


def _on_gap(gaps):
    """Say which part of the teacher's lead was recovered, where it had one."""
    sentences = []
    certain = {name: each for name, each in gaps.items() if not isnan(each.low)}
    if certain:
        listed = _join(
            f"{with_interval(each, share)} in {LABELS[name]}" for name, each in certain.items()
        )
        sentences.append(
            "Of the teacher's lead over the student from the labels alone, distilling recovered "
            f"{listed}."
        )
    uncertain = [
        LABELS[name] for name, each in gaps.items() if isnan(each.low) and not isnan(each.value)
    ]
    if uncertain:
        sentences.append(
            f"The teacher's lead in {_join(uncertain)} is not certain (its interval contains 0), "
            "so that the part recovered has no interval."
        )
    none = [LABELS[name] for name, each in gaps.items() if isnan(each.value)]
    if none:
        sentences.append(
            f"The teacher was no better than the student from the labels alone in {_join(none)}: "
            "there was no gap to recover."
        )
    return sentences


def _on_preprocessing(cost):
    """Say if a distilled Pipeline takes most of its time before its last step."""
    if "distilled" not in cost.get("batch_preprocessing", {}):
        return []
    whole, before = (cost[kind]["distilled"].value for kind in ("batch", "batch_preprocessing"))
    before = min(before, whole)  # both are measured
    if before < MOST_OF_THE_TIME * whole:
        return []
    write = writer("cost", "batch")
    return [
        f"Of the {write(whole)} ms per 1000 rows of the distilled student, {write(before)} ms are "
        "preprocessing, which a smaller model would not save."
    ]


def _by(gains):
    """Write scores and by how much each is better."""
    return _join(
        f"{LABELS[name]} (by {with_interval(each, writer('quality', name))})"
        for name, each in gains.items()
    )


def _join(words):
    """Write words as a list with "and"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
