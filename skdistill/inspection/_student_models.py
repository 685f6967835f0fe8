"""What each compared model is: class, size and settings, and what its default chose, as text."""

from ._cost import kind_of
from ._settings import settings
from ._teacher_part import LABELS_CHOSEN


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
    if row.labels_alone_chosen:
        parts.append(LABELS_CHOSEN)
    return "; ".join(filter(None, parts))


def shown_name(row):
    """Return the name of a model, marked if the teacher has no part in a distilled student."""
    return f"{row.name} ({LABELS_CHOSEN})" if row.labels_alone_chosen else row.name
