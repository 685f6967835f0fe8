"""Class weights under soft labels: a class counts by its probability, not by its rows."""

from contextlib import contextmanager

import numpy as np


def class_weights(class_weight, soft_labels):
    """Return one weight per class of soft labels, for a `class_weight` as scikit-learn has it.

    "balanced" is n / (n_classes · mass), with the probability mass of the class in the place
    of its number of rows: the same as scikit-learn's for one-hot rows. Classes of no mass
    weigh 0 and are not counted.
    """
    classes = soft_labels.classes
    if class_weight is None:
        return np.ones(len(classes))
    if not isinstance(class_weight, dict):
        if not (isinstance(class_weight, str) and class_weight == "balanced"):
            raise ValueError(
                f'class_weight must be None, a dict or "balanced"; got {class_weight!r}.'
            )
        mass = soft_labels.mass
        present = mass > 0
        weights = np.zeros(len(classes))
        weights[present] = mass.sum() / (present.sum() * mass[present])
        return weights
    missing = [label for label in classes.tolist() if label not in class_weight]
    unknown = sorted(set(class_weight) - set(classes.tolist()), key=str)
    if missing and unknown:
        raise ValueError(
            f"class_weight names {unknown}, which are no classes, and leaves out {missing}, which "
            "are. A class that is left out weighs 1; check the spelling."
        )
    return np.array([class_weight.get(label, 1.0) for label in classes.tolist()])


@contextmanager
def balanced_by_mass(student, soft_labels):
    """Let ``class_weight="balanced"`` of a student count probability mass, not copies of rows."""
    own = student.get_params(deep=False).get("class_weight")
    if isinstance(own, str) and own == "balanced":
        present = soft_labels.drop_empty_classes()
        weights = class_weights(own, present)
        student.set_params(class_weight=dict(zip(present.classes.tolist(), weights, strict=True)))
    try:
        yield
    finally:
        if isinstance(own, str):
            student.set_params(class_weight=own)
