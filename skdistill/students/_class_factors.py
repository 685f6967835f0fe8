"""Weight of each class in the loss that a student's probabilities minimise.

A student with class weights estimates the probabilities of a population with reweighted classes.
So its held-out loss uses the same weights; the unweighted log-loss would penalise its class
weights.
"""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier

from .._utils._sample_weight import inner_estimators, is_pipeline
from ._class_weight import class_keys, class_weights, outer_label_kinds

# Parameters that weight classes: scikit-learn's name, and those of boosters.
NAMES = ("class_weight", "class_weights", "auto_class_weights", "scale_pos_weight")
# CatBoost's options, as exponents of the balanced weights.
BALANCING = {"Balanced": 1.0, "SqrtBalanced": 0.5}


def class_factors(student, labels):
    """Return the weight of each class in the loss that a student's probabilities minimise.

    `labels` are one-hot rows. If several estimators give the probabilities together, as in a vote,
    their weights are averaged.
    """
    params = student.get_params(deep=True)
    found = []
    for prefix in _prefixes(student):
        values = {leaf: params.get(prefix + leaf) for leaf in NAMES}
        given = {leaf: value for leaf, value in values.items() if not _is_none(value)}
        factors = np.ones(len(labels.classes))
        for leaf, value in given.items():
            factors = factors * _factors(student, prefix + leaf, value, labels)
        found.append(
            factors / np.average(factors, weights=labels.class_weight_sums) if given else factors
        )
    return np.mean(found, axis=0) if found else np.ones(len(labels.classes))


def _prefixes(student, prefix=""):
    """Yield the prefix of parameter names for each estimator that gives probabilities.

    Calibration removes the effect of inner class weights. A stack gives the probabilities of its
    final estimator.
    """
    inside = inner_estimators(student)
    if isinstance(student, CalibratedClassifierCV):
        return
    if is_pipeline(student):
        inside = dict(student.steps[-1:])
    elif isinstance(student, StackingClassifier):
        final = student.final_estimator
        inside = {} if final is None else {"final_estimator": final}
    if not inside or student.get_params(deep=False).keys() & set(NAMES):
        yield prefix
        return
    for name, each in inside.items():
        yield from _prefixes(each, f"{prefix}{name}__")


def _factors(student, name, value, labels):
    """Return the weight of each class that one (possibly nested) parameter gives."""
    leaf = name.rpartition("__")[2]
    n_classes = len(labels.classes)
    if leaf == "scale_pos_weight":  # for two classes only
        return np.array([1.0, value]) if n_classes == 2 else np.ones(n_classes)
    if isinstance(value, str):
        balanced = class_weights("balanced", labels)
        return balanced ** BALANCING.get(value, 1.0)
    if not isinstance(value, dict):
        return np.asarray(value, dtype=float)[_catboost_positions(student, name, labels.classes)]
    if "binary" in outer_label_kinds(student, name):  # its keys are not classes
        return np.ones(n_classes)
    factors = np.ones(n_classes)
    for key, code in class_keys(student, name, labels.classes.tolist()):
        factors[code] = value.get(key, factors[code])
    return factors


def _catboost_positions(student, name, classes):
    """Return the position of each class in a list of weights, which is in CatBoost's order."""
    prefix = name.removesuffix(name.rpartition("__")[2])
    names = student.get_params(deep=True).get(f"{prefix}class_names")
    labels = classes.tolist()
    if names is None:
        try:  # CatBoost sorts numeric text as numbers
            names = sorted(labels, key=float)
        except ValueError:
            names = labels
    return [list(names).index(label) for label in labels]


def _is_none(value):
    """Return whether a parameter is None, or CatBoost's "None"."""
    return value is None or (isinstance(value, str) and value == "None")
