"""Class weights under soft labels: classes are counted by probability, not by rows."""

from contextlib import contextmanager

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier

from .._utils._sample_weight import inner_fit
from ._nested_params import params_set_to


def class_weights(class_weight, soft_labels):
    """Return one weight per class for scikit-learn's parameter `class_weight`.

    "balanced" is n / (n_classes · n_k), where n_k = Σ_n w_n p_nk replaces the number of rows of
    class k; with one-hot rows it equals scikit-learn's. Classes with n_k = 0 get weight 0 and are
    not counted.
    """
    classes = soft_labels.classes
    if class_weight is None:
        return np.ones(len(classes))
    if not isinstance(class_weight, dict):
        if not (isinstance(class_weight, str) and class_weight == "balanced"):
            raise ValueError(
                f'class_weight must be None, a dict or "balanced"; got {class_weight!r}.'
            )
        sums = soft_labels.class_weight_sums
        nonempty = sums > 0
        weights = np.zeros(len(classes))
        weights[nonempty] = sums.sum() / (nonempty.sum() * sums[nonempty])
        return weights
    missing = [label for label in classes.tolist() if label not in class_weight]
    unknown = sorted(set(class_weight) - set(classes.tolist()), key=str)
    if missing and unknown:
        raise ValueError(
            f"class_weight names {unknown}, which are no classes, and leaves out {missing}, which "
            "are. A class that is left out has weight 1; check the spelling."
        )
    return np.array([class_weight.get(label, 1.0) for label in classes.tolist()])


def as_class_weight(student, factors, labels):
    """Return the parameter `class_weight` by which a student weighs each label by its factor."""
    if student.class_weight is None:
        return None
    return {key: factors[code] for key, code in class_keys(student, "class_weight", labels)}


@contextmanager
def balanced_by_class_weight_sums(student, soft_labels):
    """Balance classes by probability mass, not by copies of rows, within the context.

    This replaces ``class_weight="balanced"`` of the student and of its inner estimators.
    """
    saved_params = balanced_params(student)
    nonempty = soft_labels.drop_empty_classes()
    weights = class_weights("balanced", nonempty)
    for name in saved_params:
        keys = class_keys(student, name, nonempty.classes.tolist())
        student.set_params(**{name: {key: weights[code] for key, code in keys}})
    try:
        yield
    finally:
        if saved_params:  # some fitted students reject even an empty set_params
            student.set_params(**saved_params)


def class_keys(student, name, labels):
    """Return (key, position of the class) for the class weights that an estimator looks up.

    Some meta-estimators pass the positions of the sorted classes to inner estimators instead of
    labels, and histogram boosting looks up positions itself. The rest of scikit-learn looks up
    text such as "10" as 10 from 1.9 on; LightGBM looks up the labels only.
    """
    owner = student.get_params(deep=True).get(name.rpartition("__")[0], student)
    codes = range(len(labels))
    if "codes" in outer_label_kinds(student, name) or isinstance(
        owner, HistGradientBoostingClassifier
    ):
        return list(zip(codes, codes, strict=True))
    keys = list(zip(labels, codes, strict=True))
    if type(owner).__module__.partition(".")[0] != "sklearn":
        return keys
    return keys + [(number, code) for label, code in keys for number in _as_number(label)]


def _as_number(label):
    """Return the integer that a text represents, in a list; an empty list if it does not."""
    try:
        return [int(label)] if isinstance(label, str) else []
    except ValueError:
        return []


def balanced_params(student):
    """Return the parameters ``class_weight="balanced"`` of a student and those inside it."""
    return params_set_to(student, "class_weight", "balanced")


def outer_label_kinds(student, name):
    """Return the kinds of labels that outer estimators pass to the owner of a parameter.

    `name` is the parameter, such as ``tree__class_weight``; the kinds are `InnerFit.labels`. "both"
    means class positions while calibration cross-validates, and labels in its fit on all rows.
    """
    params = student.get_params(deep=True)
    parts = name.split("__")[:-1]
    outer = [student, *(params.get("__".join(parts[:k])) for k in range(1, len(parts)))]
    outer = outer[: len(parts)]
    kinds = {fit.labels for fit in map(inner_fit, outer) if fit is not None}
    if any(isinstance(each, CalibratedClassifierCV) and each.ensemble is False for each in outer):
        kinds.add("both")
    return kinds
