"""Students fitted to soft labels by hand: one weighted copy per row and class, written out.

Of skdistill nothing is used here but the methods of `SoftLabels`. Every probability in the
contracts is positive, so that each row has exactly as many copies as there are classes: what counts
rows is multiplied by that number, and then counts original rows.
"""

import numpy as np
import sklearn
from numpy.linalg import LinAlgError
from sklearn.base import clone, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegressionCV, Perceptron, SGDClassifier
from sklearn.model_selection import check_cv, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils.class_weight import compute_sample_weight

from skdistill import SoftLabels

DISCRIMINANTS = (LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis)
TREES = (DecisionTreeClassifier, ExtraTreeClassifier)
# Whether forests draw heavy rows more often into a bag, or weigh them there.
BAGS_BY_WEIGHT = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
FORESTS = (RandomForestClassifier, ExtraTreesClassifier)
WITH_FOLDS = (LogisticRegressionCV, CalibratedClassifierCV)
# Parameters that count the rows of a node, and the values that hold for every node.
NO_LIMIT = {"min_samples_split": 2, "min_samples_leaf": 1}


def fit_by_hand(student, X, labels, **fit_params):
    """Return a clone of a student fitted to soft labels by hand."""
    student = clone(student)
    if is_regressor(student):
        return fit_numbers(student, X, labels)
    if isinstance(student, (SGDClassifier, Perceptron)):
        return fit_by_descent(student, X, labels)
    if isinstance(student, FORESTS) and student.bootstrap and not learns_by_regression(student):
        return fit_copies(balanced_by_hand(student, labels), X, labels)
    if isinstance(student, FORESTS) and student.bootstrap:
        return Forest(student, X, labels)
    if isinstance(student, HistGradientBoostingClassifier) and student.early_stopping is True:
        return fit_and_hold_out(student, X, labels)
    if isinstance(student, WITH_FOLDS):
        student.set_params(cv=folds_of_original_rows(student.cv, labels))
    if isinstance(student, MLPClassifier) and not isinstance(student.batch_size, str):
        n_rows = min(student.batch_size, len(X))  # in a batch
        student.set_params(batch_size=n_rows * len(labels.classes))
    by_family = {"LGBMClassifier": as_lightgbm, "CatBoostClassifier": as_catboost}
    adapt = by_family.get(type(student).__name__, as_scikit_learn)
    return fit_copies(adapt(student, X, labels), X, labels, **fit_params)


def fit_copies(student, X, labels, **fit_params):
    """Fit a student on one weighted copy per row and class."""
    rows, y, weight = labels.expand()
    return fit_weighted(student, X[rows], y, weight, **fit_params)


def fit_weighted(student, X, y, weight, **fit_params):
    """Fit a student to weighted rows; where it takes no weights, to each as often as it weighs."""
    if not isinstance(student, DISCRIMINANTS):
        return student.fit(X, y, sample_weight=weight, **fit_params)
    times = np.round(1e4 * weight).astype(int)
    fitted = student.fit(np.repeat(X, times, axis=0), np.repeat(y, times), **fit_params)
    if isinstance(fitted, QuadraticDiscriminantAnalysis) and lacks_rank(fitted):
        raise LinAlgError("A covariance is not of full rank; before 1.8 a warning.")
    return fitted


def lacks_rank(fitted):
    """Return whether the covariance of a class is not of full rank."""
    return any((variances <= fitted.tol).any() for variances in fitted.scalings_)


def learns_by_regression(student):
    """Return whether a regression on the probabilities grows the trees: no copy exists then."""
    if not isinstance(student, TREES + FORESTS) or student.class_weight == "balanced_subsample":
        return False
    return student.criterion == "gini" or student.monotonic_cst is None


def learns_without_copies(student):
    """Return whether no node of a tree has copies of a row, of which splits could be tried."""
    return learns_by_regression(student) or isinstance(student, HistGradientBoostingClassifier)


def fit_numbers(regressor, X, labels):
    """Fit a regressor to the probability of the second of two classes, of each of more."""
    target = labels.proba[:, 1] if len(labels.classes) == 2 else labels.proba
    return regressor.fit(X, target, sample_weight=labels.weight)


def fit_by_descent(student, X, labels):
    """Fit by stochastic gradient descent, with a penalty as on so many original rows."""
    student.set_params(alpha=student.alpha / len(labels.classes))
    return fit_copies(as_scikit_learn(student, X, labels), X, labels)


def as_scikit_learn(student, X, labels):
    """Return a student whose parameters count original rows, and classes by their weight."""
    student.set_params(**counts_of_copies(student, len(X), len(labels.classes)))
    return balanced_by_hand(student, labels)


def balanced_by_hand(student, labels):
    """Return a student whose "balanced" classes are weighed by their mass."""
    own = getattr(student, "class_weight", None)
    if isinstance(own, str) and own == "balanced":
        student.set_params(class_weight=balanced(labels))
    return student


def counts_of_copies(student, n_rows, n_copies):
    """Return what `min_samples_split` and `min_samples_leaf` are where rows are copied."""
    params, counts = student.get_params(deep=False), {}
    for name in params.keys() & NO_LIMIT.keys():
        value = params[name]
        if isinstance(value, float):  # a share of the rows
            value = int(np.ceil(value * n_rows))
            value = max(value, 2) if name == "min_samples_split" else value
        # Copies of a single row have nothing to be split by; but draws are made where it is tried.
        if learns_without_copies(student) or value > NO_LIMIT[name]:
            counts[name] = value * n_copies
    return counts


def balanced(labels):
    """Return the weights that make all classes weigh the same."""
    mass = labels.weight @ labels.proba
    return dict(zip(labels.classes.tolist(), mass.sum() / (len(mass) * mass), strict=True))


def folds_of_original_rows(cv, labels):
    """Return folds of the copies, drawn by the most probable class of the original rows."""
    rows, _, _ = labels.expand()
    y = labels.classes[labels.proba.argmax(axis=1)]
    folds = check_cv(cv, y, classifier=True).split(np.zeros((len(y), 1)), y)
    return [
        tuple(np.flatnonzero(np.isin(rows, side)) for side in (train, held_out))
        for train, held_out in folds
    ]


def fit_and_hold_out(student, X, labels):
    """Fit a booster that stops early by original rows, which weigh as its class weights say.

    Rows held out have no true label here: they are scored by each class, weighted by p.
    """
    train, held_out = train_test_split(
        np.arange(len(X)),
        test_size=student.validation_fraction,
        random_state=student.random_state,
    )
    rows, y, weight = labels.take(held_out).expand()
    of_classes = student.class_weight
    of_classes = balanced(labels) if of_classes == "balanced" else of_classes
    student.set_params(class_weight=of_classes)
    student.set_params(**counts_of_copies(student, len(train), len(labels.classes)))
    return fit_copies(
        student,
        X[train],
        labels.take(train),
        X_val=X[held_out][rows],
        y_val=y,
        sample_weight_val=weight * compute_sample_weight(of_classes, y),
    )


class Forest:
    """A forest whose bags are drawn from the original rows, tree by tree."""

    def __init__(self, student, X, labels):
        of_classes = as_scikit_learn(clone(student), X, labels).class_weight or {}
        labels = labels.reweight_classes([of_classes.get(label, 1) for label in labels.classes])
        y = labels.classes[np.arange(len(X)) % len(labels.classes)]
        drawn = clone(student).set_params(class_weight=None, oob_score=False)
        drawn.fit(X, y, sample_weight=labels.weight)
        self.classes_ = labels.classes
        self.trees_ = []
        for tree, bag in zip(drawn.estimators_, drawn.estimators_samples_, strict=True):
            tree = as_scikit_learn(clone(tree), X, labels)
            weight = np.bincount(bag, minlength=len(X)) * (1 if BAGS_BY_WEIGHT else labels.weight)
            in_bag = SoftLabels(labels.proba, labels.classes, sample_weight=weight)
            self.trees_.append(fit_copies(tree, X, in_bag))

    def predict_proba(self, X):
        return np.mean([tree.predict_proba(X) for tree in self.trees_], axis=0)


def as_lightgbm(student, X, labels):
    """Return a LightGBM student whose parameters count original rows."""
    n_copies = len(labels.classes)
    params = student.get_params()
    for name in params.keys() & COUNTS_OF_LIGHTGBM:
        student.set_params(**{name: params[name] * n_copies})
    for name in params.keys() & COSTS_OF_LIGHTGBM:
        student.set_params(**{name: np.divide(params[name], n_copies).tolist()})
    if isinstance(params.get("class_weight"), str):
        student.set_params(class_weight=balanced(labels))
    return student


# Parameters that are compared with a number of rows, and those that are paid for each row.
COUNTS_OF_LIGHTGBM = {
    *("min_child_samples", "min_data", "min_data_in_leaf", "min_data_per_leaf"),
    *("min_samples_leaf", "min_data_in_bin", "path_smooth"),
}
COSTS_OF_LIGHTGBM = {"cegb_penalty_split", "cegb_penalty_feature_lazy"}


def as_catboost(student, X, labels):
    """Return a CatBoost student regularised and balanced as on original rows.

    CatBoost multiplies `l2_leaf_reg` by the mean weight of a row, which copies make smaller.
    """
    params = student.get_params()
    automatic = params.pop("auto_class_weights", None)
    if automatic in ("Balanced", "SqrtBalanced"):
        mass = labels.weight @ labels.proba
        params["class_weights"] = (mass.max() / mass) ** (1 if automatic == "Balanced" else 0.5)
    strength = params.pop("reg_lambda", params.pop("l2_leaf_reg", 3.0))
    return type(student)(**params, l2_leaf_reg=strength * len(labels.classes))
