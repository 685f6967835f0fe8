"""Legal values of constructor parameters, read from scikit-learn's own constraints."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import KFold
from sklearn.utils import _param_validation as validation
from sklearn.utils._param_validation import make_constraint


def legal_values(student_class, name, n_classes):
    """Return values of one parameter, at least one for each kind that scikit-learn allows.

    The kinds that give no value are those of `WITHOUT_VALUE`.
    """
    constraints = student_class._parameter_constraints[name]
    if isinstance(constraints, str):  # "no_validation"
        return []
    values = []
    for constraint in map(make_constraint, constraints):
        values += values_of(constraint, name, n_classes)
    return without_repeats(values)


def values_of(constraint, name, n_classes):
    """Return values that one constraint allows."""
    kind = type(constraint).__name__
    if kind == "Interval":
        return ends_and_inside(constraint)
    if name == "scoring" and kind == "StrOptions":
        return SCORINGS
    if kind in ("StrOptions", "Options"):
        return sorted(constraint.options)
    if kind == "_NoneConstraint":
        return [None]
    if kind == "_Booleans":
        return [False, True]
    if kind == "_VerboseHelper":
        return [0]  # what is printed changes nothing
    if kind == "_RandomStates":
        return [0, 7]
    if kind == "_CVObjects":
        return [3, KFold(3)]
    if kind == "Hidden":  # deprecated values and the mark of a parameter that was not given
        return values_of(constraint.constraint, name, n_classes)
    return OF_NAMES.get((kind_of(constraint), name), lambda n_classes: [])(n_classes)


def kind_of(constraint):
    """Return the kind of a constraint in one word."""
    kind = type(constraint).__name__
    return constraint.type.__name__ if kind == "_InstancesOf" else kind.strip("_")


def ends_and_inside(interval):
    """Return the ends of an interval, infinity too where it is legal, and values near the lower."""
    whole = issubclass(interval.type, validation.Integral)
    left, right = interval.left, interval.right
    lowest = 0 if left is None or np.isinf(left) else left
    inside = [lowest + step for step in ((1, 2, 5) if whole else (0.01, 0.3, 3.0))]
    ends = [end for end in (left, right) if end is not None] + ([] if whole else [np.inf])
    values = [value if whole else float(value) for value in [*ends, *inside]]
    return [value for value in values if value in interval]


def without_repeats(values):
    """Return values in their order, each once; True and 1 are two."""
    kept = {}
    for value in values:
        kept.setdefault(f"{type(value).__name__} {value!r}", value)
    return list(kept.values())


def class_weights(n_classes):
    """Return a dict that names every class, and one that leaves some out."""
    return [dict.fromkeys(range(n_classes), 1.0) | {1: 3.0}, {0: 0.25}]


def shares(n_classes):
    """Return prior probabilities."""
    weight = np.arange(1.0, n_classes + 1)
    return [weight / weight.sum()]


# Of the sixty names of scores: for labels, for probabilities, and for what classes are not.
SCORINGS = ["accuracy", "balanced_accuracy", "f1_macro", "neg_log_loss", "roc_auc_ovr", "r2"]

# Values of kinds that say too little by themselves, by kind and name. There are three features.
OF_NAMES = {
    ("dict", "class_weight"): class_weights,
    ("ArrayLikes", "class_prior"): shares,
    ("ArrayLikes", "priors"): shares,
    ("ArrayLikes", "alpha"): lambda n_classes: [np.array([0.5, 1.0, 2.0])],
    ("ArrayLikes", "alphas"): lambda n_classes: [[0.1, 1.0]],
    ("ArrayLikes", "monotonic_cst"): lambda n_classes: [[1, 0, -1]],
    ("dict", "monotonic_cst"): lambda n_classes: [{"x0": 1}],
    ("ArrayLikes", "categorical_features"): lambda n_classes: [[False, False, True]],
    ("list", "interaction_cst"): lambda n_classes: [[{0}, {1, 2}]],
    ("tuple", "interaction_cst"): lambda n_classes: [({0, 1}, {2})],
    ("ArrayLikes", "Cs"): lambda n_classes: [[0.1, 10.0]],
    ("ArrayLikes", "l1_ratios"): lambda n_classes: [[0.0], [0.0, 0.5]],
    ("ArrayLikes", "l1_ratio"): lambda n_classes: [[0.1, 0.9]],
    ("ArrayLikes", "hidden_layer_sizes"): lambda n_classes: [(3,), (3, 2)],
    ("ArrayLikes", "constant"): lambda n_classes: [1],
    ("int", "constant"): lambda n_classes: [1],
    ("int", "n_jobs"): lambda n_classes: [1, 2],
    ("str", "scoring"): lambda n_classes: ["loss", "accuracy", "neg_log_loss"],
    ("Callables", "scoring"): lambda n_classes: [make_scorer(accuracy_score)],
    ("Callables", "oob_score"): lambda n_classes: [accuracy_score],
    ("Callables", "kernel"): lambda n_classes: [linear_kernel],
    ("float", "epsilon"): lambda n_classes: [0.1],
    ("HasMethods", "estimator"): lambda n_classes: [LogisticRegression()],
}


def linear_kernel(X, Y):
    """Return inner products."""
    return X @ Y.T
