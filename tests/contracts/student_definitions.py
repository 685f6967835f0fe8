"""What is right: students fitted by hand, with scikit-learn alone, to weighted copies of rows.

The definition is the expansion: one copy of a row for each class, weighing the row's weight times
the class's probability. It is none for a student that splits copies, that draws them whatever they
weigh, or inside which the weights do not arrive: such a student can only be refused.

`fits_by_hand` gives more than one fit where more than one is a definition: "balanced" class weights
of an inner estimator may count all rows, or those that it is shown.
"""

from dataclasses import replace
from inspect import signature

import numpy as np
import sklearn
from scipy.special import softmax
from sklearn.base import clone, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline

from skdistill.objectives import project_onto_simplex

# These weigh what they hold out, so that their folds may be folds of original rows.
WITH_FOLDS = (CalibratedClassifierCV, LogisticRegressionCV, StackingClassifier)
DISCRIMINANTS = (LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis)
FORESTS = (ExtraTreesClassifier, RandomForestClassifier)
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
# Before 1.8, bagging draws copies uniformly, and passes their weights on.
BAGGING_DRAWS_BY_WEIGHT = VERSION >= (1, 8)
FORESTS_DRAW_BY_WEIGHT = VERSION >= (1, 9)


def fits_by_hand(student, problem):
    """Return the student fitted in each way that defines what is right; [] where none does."""
    if isinstance(student, Pipeline):
        return _fits_of_last_step(student, problem)
    if is_regressor(student):
        return _fits_to_numbers(student, problem)
    if isinstance(student, DISCRIMINANTS):
        return [_fit_to_repeated_rows(student, problem)]
    if splits_copies(student) or not takes_weights(student):
        return []
    if type(student) in FORESTS and student.bootstrap:
        return [ForestOfOriginalRows(student, problem)]
    fits = [_fit_to_copies(each, problem) for each in _with_balance(student, problem)]
    if type(student).__name__ == "LGBMClassifier" and len(problem.classes) > 2:
        fits.append(LightGBMOnRows(student, problem))
    return [each for each in fits if each is not None]


def inner_estimators(estimator):
    """Return the estimators that are parameters, alone or in lists of (name, estimator)."""
    values = estimator.get_params(deep=False).values()
    lists = [value if isinstance(value, list) else [value] for value in values]
    flat = [item for each in lists for item in each]
    items = [item[1] if isinstance(item, tuple) and len(item) == 2 else item for item in flat]
    return [item for item in items if hasattr(item, "fit") and hasattr(item, "get_params")]


def takes_weights(student):
    """Return whether weights arrive at each estimator in a student that learns from rows."""
    if isinstance(student, BaggingClassifier) and BAGGING_DRAWS_BY_WEIGHT:
        return True
    inside = inner_estimators(student)
    return names_weights(student) and all(map(takes_weights, inside))


def takes_weights_of_rows(regressor):
    """Return whether weights of rows arrive in a regressor, or are what it draws rows by."""
    if isinstance(regressor, AdaBoostRegressor):
        return True
    if isinstance(regressor, BaggingRegressor) and BAGGING_DRAWS_BY_WEIGHT:
        return True
    if isinstance(regressor, Pipeline):
        return takes_weights_of_rows(regressor[-1])
    inside = inner_estimators(regressor)
    return names_weights(regressor) and all(map(takes_weights_of_rows, inside))


def names_weights(estimator):
    """Return whether `fit` has a parameter `sample_weight`, or one for whatever is handed on."""
    parameters = signature(estimator.fit).parameters
    handed_on = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    return "sample_weight" in parameters or handed_on


def splits_copies(student):
    """Return whether a student would split or draw copies, as its parameters say."""
    params = student.get_params(deep=True)
    own = {"cv"} if isinstance(student, WITH_FOLDS) else set()
    return any(
        (leaf == "cv" and name not in own) or (leaf == "probability" and params[name] is True)
        for name, leaf in ((name, name.rpartition("__")[2]) for name in params)
    )


def _fit_to_copies(student, problem):
    """Fit a student to the copies; None where scikit-learn cannot."""
    rows, labels, weight = problem.copies()
    student = adapted(student, problem)
    try:
        return student.fit(problem.X[rows], labels, sample_weight=weight)
    except Exception:  # whatever a library raises
        return None


def _fit_to_repeated_rows(student, problem):
    """Fit a student that takes no weights to each copy as many times as it weighs, up to 1e-4."""
    rows, labels, weight = problem.copies()
    times = np.round(1e4 * weight).astype(int)
    return clone(student).fit(problem.X[np.repeat(rows, times)], np.repeat(labels, times))


def adapted(student, problem):
    """Return a clone whose folds keep the copies of a row together, and that knows no text."""
    student = clone(student)
    if isinstance(student, WITH_FOLDS):
        rows, _, _ = problem.copies()
        folds = check_cv(student.cv, problem.y, classifier=True).split(problem.X, problem.y)
        student.set_params(
            cv=[
                tuple(np.flatnonzero(np.isin(rows, side)) for side in (train, held_out))
                for train, held_out in folds
            ]
        )
    return OnCodes(student) if type(student).__name__ == "XGBClassifier" else student


class OnCodes:
    """A student that is fitted to the positions of the sorted labels."""

    def __init__(self, student):
        self.student = student

    def fit(self, X, y, sample_weight=None):
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.student.fit(X, codes, sample_weight=sample_weight)
        return self

    def predict_proba(self, X):
        return self.student.predict_proba(X)

    def predict(self, X):
        return self.classes_[self.student.predict(X)]


def _with_balance(student, problem):
    """Return students whose "balanced" class weights count weight in place of copies."""
    names = [
        name
        for name, value in student.get_params(deep=True).items()
        if name.rpartition("__")[2] == "class_weight" and isinstance(value, str)
    ]
    if not names:
        return [student]
    weights = problem.class_weight_sums.sum() / (
        len(problem.class_weight_sums) * problem.class_weight_sums
    )
    of_all = dict(zip(problem.classes.tolist(), weights, strict=True)) | dict(enumerate(weights))
    return [_balanced(student, names, table) for table in (of_all, None)]


def _balanced(student, names, table):
    """Return a student in which the owners of some parameters balance by a table, or by weight."""
    student = clone(student)
    for name in names:
        owner = name.rpartition("__")[0]
        if not owner:
            return _balancing(student, table)
        student.set_params(**{owner: _balancing(student.get_params()[owner], table)})
    return student


def _balancing(estimator, table):
    """Return an estimator of a class that sets its class weights when it is fitted.

    They are those of a table, or make the classes of the rows that it is shown weigh the same.
    """
    cls = type(estimator)

    def weigh_classes(self, y, sample_weight=None):
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        mass = {label: weight[y == label].sum() for label in np.unique(y).tolist()}
        total = sum(mass.values()) / len(mass)
        weights = {label: table[label] if table else total / each for label, each in mass.items()}
        self.class_weight = as_looked_up(cls, weights)

    def fit_balanced(self, X, y, **fit_params):
        weigh_classes(self, y, **fit_params)
        try:
            return cls.fit(self, X, y, **fit_params)
        finally:
            self.class_weight = "balanced"

    def fit_with_weights(self, X, y, sample_weight=None):
        return fit_balanced(self, X, y, sample_weight=sample_weight)

    # Bagging looks for the name of the parameter.
    fit = fit_with_weights if names_weights(estimator) else fit_balanced
    own = type(cls.__name__, (cls,), {"fit": fit})
    return own(**estimator.get_params(deep=False))


def as_looked_up(cls, class_weight):
    """Return class weights under the keys that a class looks for.

    scikit-learn looks for text like "10" as 10 from 1.9 on, and in its histogram boosting for
    positions.
    """
    if cls is HistGradientBoostingClassifier:
        return dict(enumerate(class_weight[label] for label in sorted(class_weight)))
    if not cls.__module__.startswith("sklearn.") or VERSION < (1, 9):
        return class_weight
    return {
        int(label) if isinstance(label, str) and label.isdecimal() else label: weight
        for label, weight in class_weight.items()
    }


class LightGBMOnRows:
    """LightGBM on the rows themselves, by an objective of soft labels for more than two classes.

    It guesses how many rows are in a leaf from sums of Hessians, which it rounds for each bin:
    among copies it may see a split that it does not see among rows.
    """

    def __init__(self, student, problem):
        of_class = _weights_of_classes(student, problem)
        mass = problem.row_weights[:, None] * problem.proba * of_class
        some = mass.sum(axis=1) > 0
        mass, (_, n_classes) = mass[some], mass.shape
        weight = mass.sum(axis=1, keepdims=True)
        self.classes_, self.start = problem.classes, np.log(mass.sum(axis=0) / mass.sum())

        def gradient_and_hessian(_, scores):
            q = softmax(scores + self.start, axis=1)
            return weight * q - mass, n_classes / (n_classes - 1) * weight * q * (1 - q)

        self.model = clone(student).set_params(objective=gradient_and_hessian, class_weight=None)
        self.model.fit(problem.X[some], np.arange(len(mass)) % n_classes)

    def predict_proba(self, X):
        return softmax(self.model.predict(X, raw_score=True) + self.start, axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class ForestOfOriginalRows:
    """A forest whose bags hold original rows, each tree fitted to the copies of those."""

    def __init__(self, forest, problem):
        rows, labels, _ = problem.copies()
        self.classes_ = problem.classes
        of_class = _weights_of_classes(forest, problem)
        row_weight = problem.row_weights * (problem.proba @ of_class)
        drawn = clone(forest).set_params(class_weight=None)
        drawn.fit(problem.X, problem.y, sample_weight=row_weight)
        codes = np.searchsorted(problem.classes, labels)
        share = problem.proba[rows, codes] * of_class[codes] / (problem.proba @ of_class)[rows]
        weight = share if FORESTS_DRAW_BY_WEIGHT else share * row_weight[rows]
        self.trees = []
        for tree, bag in zip(drawn.estimators_, drawn.estimators_samples_, strict=True):
            in_bag = weight * np.bincount(bag, minlength=len(problem.X))[rows]
            some = in_bag > 0
            tree = clone(tree).fit(problem.X[rows][some], labels[some], sample_weight=in_bag[some])
            self.trees.append(tree)

    def predict_proba(self, X):
        return np.mean([tree.predict_proba(X) for tree in self.trees], axis=0)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _weights_of_classes(student, problem):
    """Return one weight for each sorted class."""
    if student.class_weight == "balanced":
        return problem.class_weight_sums.sum() / (
            len(problem.class_weight_sums) * problem.class_weight_sums
        )
    own = student.class_weight or {}
    return np.array([own.get(label, 1.0) for label in problem.classes.tolist()])


def mean_accuracies(student, X, problem, fit):
    """Return mean accuracies of descent and of the fit by hand, and the error of their difference.

    They are means over seeds, with the standard error. Both are weighed by rows, probabilities and
    class weights. `fit` fits a student with a seed.
    """
    of_class = _weights_of_classes(student, problem)
    gain = problem.row_weights[:, None] * problem.proba * of_class
    by_hand = adapted(student, problem)
    weights = dict(zip(problem.classes.tolist(), of_class, strict=True))
    # A penalty is added at each step, of which a row has as many as it has copies.
    alpha = student.alpha / len(problem.classes)
    by_hand.set_params(class_weight=as_looked_up(type(student), weights), alpha=alpha)
    rows, labels, weight = problem.copies()
    accuracies = []
    for seed in range(5):
        by_hand.set_params(random_state=seed).fit(X[rows], labels, sample_weight=weight)
        fits = fit(clone(student).set_params(random_state=seed)), by_hand
        chosen = [np.searchsorted(problem.classes, each.predict(X)) for each in fits]
        accuracies.append([gain[np.arange(len(X)), each].sum() / gain.sum() for each in chosen])
    error = np.std(np.diff(accuracies), ddof=1) / np.sqrt(len(accuracies))
    return *np.mean(accuracies, axis=0), error


def _fits_of_last_step(pipeline, problem):
    """Fit the steps before the last to each row once, and the last one by hand."""
    before = clone(pipeline[:-1]).fit(problem.X, problem.y)
    inside = replace(problem, X=before.transform(problem.X))
    return [BehindSteps(before, last) for last in fits_by_hand(pipeline[-1], inside)]


class BehindSteps:
    """A fitted estimator behind fitted transformers."""

    def __init__(self, before, last):
        self.before, self.last = before, last

    def __getattr__(self, name):
        value = getattr(self.last, name)
        return (lambda X: value(self.before.transform(X))) if callable(value) else value


def _fits_to_numbers(student, problem):
    """Fit a regressor to the probability of the second of two classes, of each of more."""
    weights = {} if problem.weight is None else {"sample_weight": problem.weight}
    if weights and not takes_weights_of_rows(student):
        return []
    for target in targets_of(problem):
        try:
            fitted = clone(student).fit(problem.X, target, **weights)
            return [Numbers(fitted)]
        except Exception:  # whatever a library raises
            continue
    return []


def targets_of(problem):
    """Return the forms that a regressor's target may have: of two classes the second is enough."""
    if len(problem.classes) == 2:
        return [problem.proba[:, 1], problem.proba[:, 1:]]
    return [problem.proba]


class Numbers:
    """A fitted regressor of probabilities, whose numbers are put onto the simplex."""

    def __init__(self, regressor):
        self.regressor = regressor

    def predict_proba(self, X):
        numbers = np.asarray(self.regressor.predict(X), dtype=float)
        if numbers.ndim == 1 or numbers.shape[1] == 1:
            second = np.clip(numbers.reshape(len(X)), 0, 1)
            return np.column_stack([1 - second, second])
        return project_onto_simplex(numbers)
