"""Class weights under soft labels: a class counts by its probability, not by its rows."""

from contextlib import contextmanager

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier

from .._utils._sample_weight import inner_fit
from ._nested_params import params_set_to


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
        mass = soft_labels.class_weight_sums
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
def balanced_by_class_weight_sums(student, soft_labels):
    """Let ``class_weight="balanced"`` count probability mass, not copies of rows.

    That of a student itself and of all estimators inside it.
    """
    own = balanced_params(student)
    present = soft_labels.drop_empty_classes()
    weights = class_weights("balanced", present)
    for name in own:
        keys = class_keys(student, name, present.classes.tolist())
        student.set_params(**{name: {key: weights[code] for key, code in keys}})
    try:
        yield
    finally:
        if own:  # some students refuse even an empty set_params once they are fitted
            student.set_params(**own)


def class_keys(student, name, labels):
    """Return (key, position of the class) for a dict of class weights, as its owner looks them up.

    Some meta-estimators show those inside the positions of the sorted classes, in the place of the
    labels, and histogram boosting looks for positions itself. The rest of scikit-learn looks for
    text like "10" as 10; LightGBM does not, and knows no other keys than the labels.
    """
    owner = student.get_params(deep=True).get(name.rpartition("__")[0], student)
    codes = range(len(labels))
    if "codes" in labels_around(student, name) or isinstance(owner, HistGradientBoostingClassifier):
        return list(zip(codes, codes, strict=True))
    keys = list(zip(labels, codes, strict=True))
    if type(owner).__module__.partition(".")[0] != "sklearn":
        return keys
    return keys + [(number, code) for label, code in keys for number in _as_number(label)]


def _as_number(label):
    """Return the whole number that text looks like, in a list; an empty one where it does not."""
    try:
        return [int(label)] if isinstance(label, str) else []
    except ValueError:
        return []


def balanced_params(student):
    """Return the parameters ``class_weight="balanced"`` of a student and those inside it."""
    return params_set_to(student, "class_weight", "balanced")


def labels_around(student, name):
    """Return what those around a parameter's owner show those inside: a set of `InnerFit.labels`.

    `name` is that of the parameter, such as ``tree__class_weight``. "both" are positions of the
    classes where calibration cross-validates, and labels where it fits on all rows then.
    """
    params = student.get_params(deep=True)
    parts = name.split("__")[:-1]
    around = [student, *(params.get("__".join(parts[:k])) for k in range(1, len(parts)))]
    around = around[: len(parts)]
    shown = {fit.labels for fit in map(inner_fit, around) if fit is not None}
    if any(isinstance(each, CalibratedClassifierCV) and each.ensemble is False for each in around):
        shown.add("both")
    return shown
