"""Advice from a comparison of predicted numbers; each sentence has its own condition."""

from ._shared_advice import MIN_SHARE, duplicates, frozen, within_noise


def advise_on_numbers(ranked, *, duplicate_share):
    """Return the advice about candidates, sorted best first.

    `duplicate_share` is the share of rows with a duplicate in another fold (None if groups were
    given).
    """
    sentences = [
        *_best_is_useless(ranked),
        *within_noise(ranked, "mse", "mean squared errors"),
    ]
    for teacher in ranked:
        sentences += [*_recalibration(teacher), *_optimism(teacher), *frozen(teacher)]
    return [*sentences, *duplicates(duplicate_share)]


def _best_is_useless(ranked):
    best = ranked[0]
    r2 = best.scores["r2"].value
    if not r2 > 0:
        yield (
            f"No teacher is better than the mean of y alone (R² {r2:.3f} for {best.name}): distil "
            "none of them."
        )


def _recalibration(teacher):
    before, after = teacher.scores["mse"], teacher.scores["recalibrated_mse"]
    gain = before - after
    if gain.exceeds_noise and gain.value > MIN_SHARE * before.value:
        yield (
            f"A linear recalibration would lower {teacher.name}'s mean squared error by "
            f"{gain.value / before.value:.0%}: {_what_is_wrong(teacher.scores, gain)}."
        )


def _what_is_wrong(scores, gain):
    """Say whether the level of predictions is wrong, or how much they vary."""
    slope, bias = scores["calibration_slope"], scores["bias"]
    if bias.value**2 > gain.value / 2:
        return f"its bias is {bias.rounded()}; look at its loss, and whether it transforms y"
    much, more = ("much", "more") if slope.value < 1 else ("little", "less")
    return f"its predictions vary too {much} (slope {slope.rounded()}); regularise it {more}"


def _optimism(teacher):
    optimism, loss = teacher.scores["optimism"], teacher.scores["mse"].value
    if not teacher.is_frozen and optimism.exceeds_noise and optimism.value > MIN_SHARE * loss:
        yield (
            f"In-sample predictions of {teacher.name} are optimistic (their mean squared error is "
            f"{teacher.scores['in_sample_mse'].value / loss:.0%} of that on rows that it was not "
            "fitted on): cross-fit."
        )
