"""What each compared model is: class, size and settings, and what its default chose, as text."""

from ._cost import kind_of
from ._settings import settings
from ._student_fits import DISTILLED

LABELS_ALONE = "labels alone, as chosen"


def described_models(comparison):
    """Return pairs of a name and the class, size and settings of that model."""
    students = [row for row in comparison.rows() if row.is_student]
    teacher = comparison.teachers()[:1]  # not the compiled one: it is the same model
    return [(row.name, _described(row)) for row in [*students, *teacher]]


def _described(row):
    """Write the class, the size, the settings, and whether the teacher has no part in it."""
    parts = [kind_of(row.model)]
    if row.costs.get("size_unit"):
        parts.append(f"{row.costs['size']:,.0f} {row.costs['size_unit']}")
    parts.append(settings(row.model))
    if row.details.get("setting"):
        parts.append(f"tuning chose {row.details['setting']}")
    if has_labels_alone(row):
        parts.append(LABELS_ALONE)
    return "; ".join(filter(None, parts))


def shown_name(row):
    """Return the name of a model, marked if the teacher has no part in a distilled student."""
    return f"{row.name} ({LABELS_ALONE})" if has_labels_alone(row) else row.name


def has_labels_alone(row):
    """Return whether the default of a distilled student gave the teacher no part in it.

    Then the weight of the teacher's predictions is 0, and that of unlabelled rows is 0 or there
    are none, which is NaN.
    """
    weight = row.details.get("unlabeled_weight", float("nan"))
    return row.how == DISTILLED and row.details["alpha"] == 0 and not weight > 0
