"""Advice from a comparison of class probabilities; each sentence has its own condition."""

from ._shared_advice import MIN_SHARE, distinct, duplicates, frozen, within_noise


def advise(ranked, *, prior_brier, duplicate_share):
    """Return the advice about candidates, sorted best first.

    `prior_brier` is the score of the class frequencies, `duplicate_share` the share of rows with a
    duplicate in another fold (None if groups were given).
    """
    sentences = [
        *_best_is_useless(ranked, prior_brier),
        *_accurate_but_worse(ranked),
        *within_noise(ranked, "brier", "Brier scores"),
        *_better_when_tempered(ranked),
    ]
    for teacher in ranked:
        sentences += [
            *_temperature(teacher),
            *_impossible_rows(teacher),
            *_optimism(teacher),
            *frozen(teacher),
        ]
    return [*sentences, *duplicates(duplicate_share)]


def _best_is_useless(ranked, prior_brier):
    best = ranked[0]
    brier = best.scores["brier"].value
    if brier >= prior_brier:
        yield (
            f"No teacher is better than the class frequencies alone (Brier {brier:.3f} for "
            f"{best.name} against {prior_brier:.3f}): distil none of them."
        )


def _accurate_but_worse(ranked):
    # The main point of the paper: accuracy does not decide the quality of a teacher.
    best = ranked[0]
    for other in ranked[1:]:
        behind = other.scores["brier"] - best.scores["brier"]  # paired over folds
        accuracy, other_accuracy = best.scores["accuracy"].value, other.scores["accuracy"].value
        if accuracy < other_accuracy and behind.exceeds_noise:
            yield (
                f"{best.name} is less accurate than {other.name} "
                f"({distinct(accuracy, other_accuracy)}), but its probabilities are better (Brier "
                f"{distinct(best.scores['brier'].value, other.scores['brier'].value)}): prefer "
                f"{best.name}."
            )


def _better_when_tempered(ranked):
    best = ranked[0]
    tempered = min(ranked, key=lambda teacher: teacher.scores["tempered_brier"].value)
    lead = best.scores["tempered_brier"] - tempered.scores["tempered_brier"]
    if lead.exceeds_noise:
        scores = tempered.scores["tempered_brier"].value, best.scores["tempered_brier"].value
        yield (
            f"With each at its own best temperature {tempered.name} is better than {best.name} "
            f"(Brier {distinct(*scores)}): prefer {tempered.name} with "
            'teacher_temperature="auto".'
        )


def _temperature(teacher):
    before, after = teacher.scores["log_loss"], teacher.scores["tempered_log_loss"]
    gain = before - after
    if gain.exceeds_noise and gain.value > MIN_SHARE * before.value:
        yield (
            f"Temperature {teacher.details.temperature:.2f} would lower {teacher.name}'s log-loss "
            f"by {gain.value:.3f}, from {before.value:.3f} to {after.value:.3f}: use "
            'teacher_temperature="auto".'
        )


def _impossible_rows(teacher):
    _, n_impossible, share = teacher.details
    if share > MIN_SHARE:
        yield (
            f"{teacher.name} gave probability 0 to the true class of {n_impossible} of "
            f"{teacher.n_tested} rows, which no temperature can fix and which make up "
            f"{share:.0%} of its log-loss: compare by its Brier score or "
            "calibrate it."
        )


def _optimism(teacher):
    optimism, loss = teacher.scores["optimism"], teacher.scores["log_loss"].value
    if not teacher.is_frozen and optimism.exceeds_noise and optimism.value > MIN_SHARE * loss:
        yield (
            f"In-sample probabilities of {teacher.name} are {optimism.value:.2f} more optimistic "
            f"(log-loss {teacher.scores['in_sample_log_loss'].value:.2f} on rows that it was "
            f"fitted on, {loss:.2f} on others): cross-fit."
        )
