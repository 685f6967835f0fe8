"""How much each class counts in the loss that a student's probabilities minimise.

A student with class weights learns probabilities of a population in which classes are as frequent
as the weights say. So its held-out loss is weighted in the same way; unweighted, the log-loss would
punish it for what it was told to do.
"""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier

from .._utils._sample_weight import inner_estimators, is_pipeline
from ._class_weight import class_keys, class_weights, labels_around

# Parameters that weigh classes: scikit-learn's name, and those of boosters.
NAMES = ("class_weight", "class_weights", "auto_class_weights", "scale_pos_weight")
# How far CatBoost's words go, as exponents of the weights that make all classes count the same.
BALANCING = {"Balanced": 1.0, "SqrtBalanced": 0.5}


def class_factors(student, labels):
    """Return the weight of each class in the loss that a student's probabilities minimise.

    `labels` are one-hot rows. Of several estimators that give the probabilities together, such as
    those of a vote, it is the mean.
    """
    params = student.get_params(deep=True)
    found = []
    for prefix in _prefixes(student):
        own = {leaf: params.get(prefix + leaf) for leaf in NAMES}
        given = {leaf: value for leaf, value in own.items() if not _is_none(value)}
        factors = np.ones(len(labels.classes))
        for leaf, value in given.items():
            factors = factors * _factors(student, prefix + leaf, value, labels)
        found.append(
            factors / np.average(factors, weights=labels.class_weight_sums) if given else factors
        )
    return np.mean(found, axis=0) if found else np.ones(len(labels.classes))


def _prefixes(student, prefix=""):
    """Yield what the names of parameters begin with, for each estimator that gives probabilities.

    Calibration gives those of the rows as they are, whatever classes weigh inside; a stack gives
    those of its final estimator.
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
    """Return the weight of each class that one parameter of a student, or inside it, gives."""
    leaf = name.rpartition("__")[2]
    n_classes = len(labels.classes)
    if leaf == "scale_pos_weight":  # is for two classes only
        return np.array([1.0, value]) if n_classes == 2 else np.ones(n_classes)
    if isinstance(value, str):
        balanced = class_weights("balanced", labels)
        return balanced ** BALANCING.get(value, 1.0)
    if not isinstance(value, dict):
        return np.asarray(value, dtype=float)[_catboost_positions(student, name, labels.classes)]
    if "binary" in labels_around(student, name):  # its keys are no classes
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
        try:  # it sorts text that looks like numbers as numbers
            names = sorted(labels, key=float)
        except ValueError:
            names = labels
    return [list(names).index(label) for label in labels]


def _is_none(value):
    """Return whether a parameter weighs nothing; CatBoost says so by a word, too."""
    return value is None or (isinstance(value, str) and value == "None")
