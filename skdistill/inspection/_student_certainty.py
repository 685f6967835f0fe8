"""How sure the choice among compared students is, and what more rows would bring, as sentences."""

from math import isnan

from ._student_layout import SCORES, best_of_each, described_costs

TEACHER = "teacher"
NEGLIGIBLE = 1e-9  # a difference by rounding


def on_certainty(comparison):
    """Return sentences on how sure the choice is: over the other students, and the teacher."""
    best = comparison.chosen()
    if best is None or not comparison.meets_budget(best):
        return []
    affordable = [row for row in comparison.ranked() if comparison.meets_budget(row)]
    rivals = [row for row in best_of_each(affordable) if row.student != best.student]
    return [*_over_rivals(best, rivals, comparison), *_against_teacher(best, comparison)]


def on_selection(comparison):
    """Say that the best of several models is a little lucky, and that leads are per pair."""
    n_models = len(comparison.ranked())
    if n_models <= 2:
        return []
    return [
        f"The first of {n_models} models on the same rows is a little lucky: on new rows, expect a "
        "slightly worse score. Each interval is for one pair of models, not for all pairs at once."
    ]


def _over_rivals(best, rivals, comparison):
    """Say whether the lead of the best student over each other one is certain."""
    within = " within the budget" if comparison.budget else ""
    if not rivals:
        return [f"{best.name} is the only student{within}."]
    leads = {row.name: comparison.paired.gain(best.name, row.name) for row in rivals}
    ties = [name for name, lead in leads.items() if not lead.low > 0]
    score = SCORES[comparison.scoring]
    if not ties:
        nearest, lead = min(leads.items(), key=lambda item: item[1].value)
        return [
            f"The lead of {best.name} over each other student{within} is certain at 95 %. In "
            f"{score} it leads {nearest}, the nearest, by {_with_interval(lead)}."
        ]
    shown = "; ".join(f"{name}, {_with_interval(leads[name])}" for name in ties)
    tied = [row for row in rivals if row.name in ties]
    return [
        f"The lead of {best.name} in {score} is not certain at 95 % over {shown}."
        f"{_cheapest(best, tied, comparison)}",
        "Four times as many evaluated rows would halve the standard errors.",
    ]


def _cheapest(best, tied, comparison):
    """Say which of several students that may be as good costs least; nothing if no less."""
    cost = next(iter(comparison.budget or ["kB"]))
    first, second = sorted([best, *tied], key=lambda row: row.costs[cost])[:2]
    least, next_least, own = (
        described_costs({cost: row.costs[cost]}) for row in (first, second, best)
    )
    if own == least and (first is not best or next_least == least):
        return ""
    return f" The smallest of these is {first.name}: {least}."


def _against_teacher(best, comparison):
    """Say what a student loses against the teacher."""
    lead = comparison.paired.gain(TEACHER, best.name)
    score = SCORES[comparison.scoring]
    if lead.low > 0:
        return [f"The teacher is better in {score}, by {_with_interval(lead)}."]
    if lead.high < 0:
        lead = lead.negative()
        return [f"{best.name} is better in {score} than the teacher, by {_with_interval(lead)}."]
    return [f"No certain difference to the teacher in {score}: {_with_interval(lead)}."]


def _with_interval(gain):
    """Write a difference with its standard error and interval."""
    shown = f"{gain.value:.4f}".replace("-", "−")
    if isnan(gain.low):
        return shown
    ends = " to ".join(f"{end:.4f}".replace("-", "−") for end in (gain.low, gain.high))
    return f"{shown} ± {gain.standard_error:.4f} ({ends})"


def on_more_rows(comparison):
    """Return sentences on what more rows would bring to the best student."""
    return [_on_halved(fit, comparison.chosen().name, comparison) for fit in comparison.halved]


def _on_halved(fit, name, comparison):
    """Say what half of the rows cost."""
    half = f"{name} on half of the {fit.n_rows:,} {fit.what}"
    if fit.failure:
        return f"{half}: the fit failed. {fit.failure}"
    if abs(fit.gain.value) < NEGLIGIBLE:
        return f"{half} predicts the same: it does not use them."
    score = SCORES[comparison.scoring]
    if fit.gain.low > 0:
        return (
            f"{half} is worse by {_with_interval(fit.gain)} in {score}. Twice as many rows as now "
            "may bring about as much again; usually it is less."
        )
    if fit.gain.high < 0:
        return (
            f"{half} is better by {_with_interval(fit.gain.negative())} in {score}: do not expect "
            "anything of more of them."
        )
    return (
        f"{half} is not certainly worse: by {_with_interval(fit.gain)} in {score}. Do not expect "
        "much of more of them."
    )
