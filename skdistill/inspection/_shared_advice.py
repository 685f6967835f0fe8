"""Advice that does not depend on what teachers predict."""

# Differences below this share of a loss are not mentioned, even if significant.
MIN_SHARE = 0.02
# A share of rows with a duplicate in another fold that is more than chance.
MANY_DUPLICATES = 0.05


def distinct(value, other):
    """Write two scores with three decimals, or as many as make them differ."""
    for n_decimals in range(3, 10):
        written = f"{value:.{n_decimals}f}", f"{other:.{n_decimals}f}"
        if written[0] != written[1]:
            break
    return "{} against {}".format(*written)


def within_noise(ranked, measure, scores):
    """Say which teachers are as good as the best one; `scores` names the measure in the plural."""
    best = ranked[0]
    for other in ranked[1:]:
        lead = other.scores[measure] - best.scores[measure]  # paired over folds
        if not lead.exceeds_noise:
            yield (
                f"{best.name} and {other.name} do not differ significantly: their {scores} "
                f"differ by {lead.rounded()}, paired over {len(lead.without)} folds, and the 95 % "
                f"interval {lead.interval()} contains 0. Choose by cost."
            )


def frozen(teacher):
    """Say that the scores of a frozen teacher may be biased."""
    if teacher.is_frozen:
        yield (
            f"{teacher.name} is frozen and was not fitted here: its scores are unbiased only if it "
            "has not seen these rows."
        )


def duplicates(share):
    """Say that rows with duplicates in other folds make the folds leak."""
    if share is not None and share >= MANY_DUPLICATES:
        yield (
            f"{share:.0%} of the rows have a duplicate, equal in every feature, among "
            "the rows that their teacher was fitted on. If these are repeats of one entity (a "
            "patient, a product), the folds leak and favour teachers that memorise: give groups."
        )
