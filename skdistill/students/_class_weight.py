"""Class weights under soft labels: a class counts by its probability, not by its rows."""

from contextlib import contextmanager, suppress

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from .._sample_weight import inner_fit


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
    """Let ``class_weight="balanced"`` count probability mass, not copies of rows.

    That of a student itself and of all estimators inside it. Some meta-estimators show those
    inside the positions of the sorted classes, in the place of the labels.
    """
    own = balanced_params(student)
    present = soft_labels.drop_empty_classes()
    weights = class_weights("balanced", present)
    for name in own:
        codes = "codes" in labels_around(student, name)
        keys = range(len(weights)) if codes else present.classes.tolist()
        by_label = dict(zip(keys, weights, strict=True))
        student.set_params(**{name: by_label | _by_number(by_label)})
    try:
        yield
    finally:
        if own:  # some students refuse even an empty set_params once they are fitted
            student.set_params(**own)


def _by_number(class_weight):
    """Return the weights of labels that are text like "10", which scikit-learn looks for as 10."""
    numbers = {}
    for label in class_weight:
        if isinstance(label, str):
            with suppress(ValueError):
                numbers[int(label)] = class_weight[label]
    return numbers


def balanced_params(student):
    """Return the parameters ``class_weight="balanced"`` of a student and those inside it."""
    return {
        name: value
        for name, value in student.get_params(deep=True).items()
        if name.rpartition("__")[2] == "class_weight"
        and isinstance(value, str)
        and value == "balanced"
    }


def labels_around(student, name):
    """Return what the owner of a parameter learns in the place of labels: `InnerFit.labels`.

    Those of all estimators around it. `name` is that of the parameter: ``tree__class_weight``.
    """
    params = student.get_params(deep=True)
    parts = name.split("__")[:-1]
    around = [student, *(params.get("__".join(parts[:k])) for k in range(1, len(parts) + 1))]
    owner = around.pop()
    fits = [inner_fit(each) for each in around]
    labels = {each.labels for each in fits if each is not None}
    # Whatever the labels are, scikit-learn looks their positions up in its class weights.
    return labels | {"codes"} if isinstance(owner, HistGradientBoostingClassifier) else labels
