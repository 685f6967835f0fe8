"""Whether the weights of a distilled student gave the teacher a part in it."""

LABELS_CHOSEN = "labels alone, as chosen"  # a distilled student whose teacher has no part


def has_no_teacher(weights):
    """Return whether a student was distilled in name only: alpha 0, and no unlabelled rows.

    `weights` are alpha and unlabeled_weight by name. The latter is NaN or missing where there are
    no unlabelled rows, alpha where the student is not distilled or does not say.
    """
    return weights.get("alpha") == 0 and not weights.get("unlabeled_weight", 0.0) > 0
