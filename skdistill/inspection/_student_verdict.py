"""What a comparison of students says, as sentences."""

from math import inf, isnan

from ._student_certainty import on_certainty, on_more_rows
from ._student_layout import SCORES, described_costs, with_sign

DISTILLED, COMPILED = "distilled", "teacher (ONNX)"
NEGLIGIBLE = 1e-9  # a difference by rounding


def sentences(comparison):
    """Return a sentence for each student, then those on the choice."""
    return [
        *on_students(comparison),
        *on_choice(comparison),
        *on_certainty(comparison),
        *on_more_rows(comparison),
    ]


def on_students(comparison):
    """Return a sentence for each student: whether distilling pays."""
    by_name = {row.name: row for row in comparison.rows()}
    return [
        _on_student(row, by_name, comparison) for row in comparison.rows() if row.how == DISTILLED
    ]


def _on_student(row, by_name, comparison):
    """Say whether distilling pays for a student."""
    if row.failure:
        return f"{row.name}: could not be compared. {row.failure}"
    gain = row.figure("gain")
    twin = f"its {'untuned' if row.details['tuning'] == 'untuned' else 'tuned'} twin"
    if isnan(gain.value):
        failure = by_name[f"{row.name} (labels)"].failure
        return f"{row.name}: there is nothing to compare it with. Its twin failed: {failure}"
    is_equal = abs(gain.value) < NEGLIGIBLE and not gain.standard_error > NEGLIGIBLE
    if is_equal:
        reason = f": {_labels_alone(comparison)}" if row.labels_alone_chosen else ""
        return f"{row.name}: no difference to {twin}{reason}."
    # The score itself is shown: a loss that falls is a gain.
    change = gain.value if comparison.higher_is_better else -gain.value
    shown = f"{SCORES[comparison.scoring]} {with_sign(change, gain.standard_error)} against {twin}"
    if row.labels_alone_chosen:
        return (
            f"{row.name}: {_labels_alone(comparison)}: {shown}. The difference comes from settings "
            "or shrunk leaves, not from the teacher."
        )
    if gain.low > 0:
        return f"{row.name}: distilling pays: {shown}{_share(row)}."
    if gain.high < 0:
        return f"{row.name}: distilling harms: {shown}. Ship the twin."
    if isnan(gain.low):
        return f"{row.name}: {shown}, without an interval."
    return f"{row.name}: no certain difference: {shown}. The labels alone will do."


def _labels_alone(comparison):
    """Say what gave the teacher no part: the default, or the weights set by hand."""
    if comparison.weights["alpha"] == "auto":
        return "the default chose the labels alone"
    return "its weights are those of the labels alone"


def _share(row):
    """Say which part of the teacher's lead a student recovers, where this is certain."""
    share = row.figure("share_of_lead").value
    return "" if isnan(share) else f", {100 * share:.0f} % of the teacher's lead"


def on_choice(comparison):
    """Return sentences on which student to ship, and on the teacher as an alternative."""
    rows = comparison.rows()
    if not comparison.ranked():
        return ["No student could be compared."]
    try:
        best = next(row for row in rows if row.name == comparison.best())
    except ValueError as error:  # the budget is met by none
        found = [str(error)]
    else:
        figure = best.figure(comparison.scoring)
        score = f"{SCORES[comparison.scoring]} {figure}"
        within = f"within {described_costs(comparison.budget)}" if comparison.budget else "of all"
        how = f" ({best.described_how})" if best.labels_alone_chosen else ""
        found = [f"Best student {within}: {best.name}{how}, {score}, {_costs(best, comparison)}."]
        found += _on_better_outside(best, comparison)
    found += _on_files(comparison)
    return found + [
        sentence for row in rows if not row.student for sentence in _on_teacher(row, comparison)
    ]


def _on_better_outside(best, comparison):
    """Name the best student outside the budget, if its score is better than that of the chosen."""
    budget = comparison.budget or {}
    better = [row for row in comparison.ranked() if comparison.is_better(row, best)]
    # Those without such a cost are the matter of another sentence.
    first = next((row for row in better if budget and 1 < row.excess(budget) < inf), None)
    if first is None:
        return []
    exceeded = {cost: limit for cost, limit in budget.items() if first.costs[cost] > limit}
    costs = described_costs({cost: first.costs[cost] for cost in exceeded})
    timed = any(cost.removeprefix("onnx_") != "kB" for cost in exceeded)
    return [
        f"Better, but outside the budget: {first.name}, {SCORES[comparison.scoring]} "
        f"{first.figure(comparison.scoring)}, {costs} against {described_costs(exceeded)}."
        f"{' Times are measured and vary.' if timed else ''}"
    ]


def _on_files(comparison):
    """Say why students have no ONNX file, where the budget is one of such files."""
    if not any(cost.startswith("onnx_") for cost in comparison.budget or ()):
        return []
    reasons = {}  # of each student once, whatever way it was fitted in
    for row in comparison.rows():
        if row.is_student and row.details["not_compiled"]:
            reasons.setdefault((row.student, row.details["not_compiled"]), []).append(row.name)
    return [
        f"{', '.join(names)}: no ONNX file, and thus not within the budget. {reason}"
        for (_, reason), names in reasons.items()
    ]


def _on_teacher(row, comparison):
    """Say whether a teacher meets the budget itself, or why there is no compiled one."""
    score = f"{SCORES[comparison.scoring]} {row.figure(comparison.scoring)}"
    if row.failure:
        yield f"{row.name}: {row.failure}"
    elif not comparison.budget:
        return
    elif comparison.meets_budget(row):
        yield (
            f"{row.name} meets the budget itself: {score}, {_costs(row, comparison)}. No student "
            "is needed."
        )
    elif row.how == COMPILED:
        yield f"{row.name} does not meet the budget: {score}, {_costs(row, comparison)}."


def _costs(row, comparison):
    """Write what a model costs, in the units of the budget."""
    names = comparison.budget or ("kB", "ms_per_1000")
    return described_costs({cost: row.costs[cost] for cost in names})
