"""Trees and forests on soft labels: regression trees on the probability rows.

`_tree_regressions.py` describes the regression for each impurity.
"""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.metrics import accuracy_score
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from .._targets._soft_labels import SoftLabels
from .._utils._probabilities import entries
from .._utils._sample_weight import FORESTS_DRAW
from .._utils._typing import Estimator, Rows
from ._capabilities import DataSummary, check_expansion
from ._class_weight import class_weights
from ._registry import register
from ._tree_regressions import REGRESSIONS
from .expansion import fit_by_expansion, fit_on_copies, warn_of_expansion

# Errors for rows and parameters that scikit-learn rejects, and if a future version stores the
# state of a fitted tree differently.
REGRESSION_FAILED = (AttributeError, IndexError, KeyError, TypeError, ValueError)

REGRESSORS = {
    DecisionTreeClassifier: DecisionTreeRegressor,
    ExtraTreeClassifier: ExtraTreeRegressor,
    RandomForestClassifier: RandomForestRegressor,
    ExtraTreesClassifier: ExtraTreesRegressor,
}

# Attributes of regressors only; classifiers share all others.
REGRESSOR_ATTRIBUTES = {
    "class_weight",
    "estimator",
    "estimator_",
    "estimator_params",
    "estimators_",
    "oob_prediction_",
    "oob_score_",
    "tree_",
}


def check_tree(student: Estimator, summary: DataSummary) -> None:
    """Raise for monotonicity constraints on more than two classes, as in scikit-learn."""
    if student.monotonic_cst is not None and summary.n_classes > 2:
        raise ValueError(
            f"{type(student).__name__}(monotonic_cst={student.monotonic_cst!r}) is for two "
            f"classes, and there are {summary.n_classes}: scikit-learn constrains the probability "
            "of the second. Set monotonic_cst=None, or distil one class against the others."
        )


@register(DecisionTreeClassifier, check=check_tree)
@register(ExtraTreeClassifier, check=check_tree)
def fit_tree(student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any) -> Estimator:
    """Fit a classification tree to soft labels by one regression tree, without a copy of X.

    For Gini and the entropy it is the tree of the expansion, up to ties, except that
    `min_samples_split` and `min_samples_leaf` count original rows.
    ``class_weight="balanced"`` counts the probability mass of a class. Monotonicity constraints
    apply to the probability of the second of two classes; with the entropy the tree is fitted by
    expansion, with a warning.

    Parameters
    ----------
    student : DecisionTreeClassifier or ExtraTreeClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    estimator
        The student, an ordinary classification tree.

    Warns
    -----
    UserWarning
        If the student is fitted by expansion.
    """
    if soft_labels.is_one_hot or _needs_expansion(student):
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    regression, nonempty = _regression(student, soft_labels)
    try:
        regressor = _regressor_like(student, regression)
        regressor.fit(X, regression.targets, sample_weight=nonempty.weight, **fit_params)
        (tree,) = _classification_trees(regressor, X, nonempty, regression)
    except REGRESSION_FAILED as error:
        return _fall_back_to_expansion(student, X, soft_labels, error, **fit_params)
    _set_fitted_attributes(student, regressor, nonempty.classes)
    student.tree_ = tree
    return student


def check_forest(student: Estimator, summary: DataSummary) -> None:
    """Raise if a forest is fitted by expansion and would draw or count copies of rows."""
    check_tree(student, summary)
    if _unsupported_reason(student):
        check_expansion(student, summary)


@register(RandomForestClassifier, check=check_forest)
@register(ExtraTreesClassifier, check=check_forest)
def fit_forest(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a forest to soft labels by a forest of regression trees, without a copy of X.

    Bootstraps and `max_samples` draw original rows. (The expansion would draw as many copies as
    it has, so that nearly every bootstrap sample has all original rows.) Otherwise see
    :func:`fit_tree`. `oob_score_` is the accuracy for the true label of a row, or its most
    probable class without one. ``class_weight="balanced_subsample"`` uses the expansion, with a
    warning; before scikit-learn 1.9, which would count copies, it is an error.

    Trees without a size limit grow until all rows of a leaf have the same probabilities, and so
    larger than on hard labels: on 4,000 rows and 50 classes a random forest took 1.6 times as long
    and 1.5 times the memory, and extremely randomised trees, which use the targets little, 3 times
    as long. ``min_samples_split=4`` takes 1.3 and 2.4 times as long, and at 5 classes 1.1 and 1.5
    times; the log-loss and the Brier score of unseen rows changed by less than 2 %.

    Parameters
    ----------
    student : RandomForestClassifier or ExtraTreesClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    estimator
        The student, an ordinary forest of classification trees.

    Warns
    -----
    UserWarning
        If the student is fitted by expansion.
    """
    if soft_labels.is_one_hot or _needs_expansion(student):
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    regression, nonempty = _regression(student, soft_labels)
    try:
        regressor = _regressor_like(student, regression)
        regressor.fit(X, regression.targets, sample_weight=nonempty.weight, **fit_params)
        trees = _classification_trees(regressor, X, nonempty, regression)
    except REGRESSION_FAILED as error:
        return _fall_back_to_expansion(student, X, soft_labels, error, **fit_params)
    _set_fitted_attributes(student, regressor, nonempty.classes)
    student.n_classes_ = len(nonempty.classes)
    student.estimator_ = student.estimator
    student.estimators_ = []
    params = {name: getattr(student, name) for name in student.estimator_params}
    codes = np.arange(len(nonempty.classes), dtype=np.float64)  # a forest's trees use codes
    for regression_tree, tree in zip(regressor.estimators_, trees, strict=True):
        estimator = clone(student.estimator).set_params(**params)
        estimator.random_state = regression_tree.random_state
        _set_fitted_attributes(estimator, regression_tree, codes)
        estimator.tree_ = tree
        student.estimators_.append(estimator)
    if student.oob_score:
        _set_out_of_bag_score(student, regressor, nonempty, regression)
    return student


def _fall_back_to_expansion(student, X, soft_labels, error, **fit_params):
    """Fit by expansion: the student's own `fit` raises for invalid rows or parameters.

    If it does not raise, this version of scikit-learn is not supported.
    """
    fit_on_copies(student, X, soft_labels, **fit_params)
    warn_of_expansion(
        student,
        f"skdistill does not know the trees of this scikit-learn ({type(error).__name__}: {error})",
        "Please report it, with the version of scikit-learn.",
    )
    return student


def _needs_expansion(student):
    """Return whether a student must be fitted by expansion, with a warning if so."""
    reason = _unsupported_reason(student)
    if reason is None:
        return False
    warn_of_expansion(
        student,
        f"a regression tree on the probabilities does not support {reason}",
        'It supports class_weight="balanced", and criterion="gini" with monotonic_cst.',
    )
    return True


def _unsupported_reason(student):
    """Return the parameter that regression trees do not support, None if there is none."""
    params = student.get_params(deep=False)
    if params["monotonic_cst"] is not None and params["criterion"] != "gini":
        return f"criterion={params['criterion']!r} with monotonic_cst"
    if params["criterion"] not in list(REGRESSIONS):  # the student's own fit rejects it
        return f"criterion={params['criterion']!r}"
    if params["class_weight"] == "balanced_subsample":
        return 'class_weight="balanced_subsample"'
    return None


def _regression(student, soft_labels):
    """Return the regression that grows the tree, and the soft labels with the class weights."""
    soft_labels = soft_labels.reweight_classes(class_weights(student.class_weight, soft_labels))
    soft_labels = soft_labels.drop_empty_classes()
    proba = soft_labels.proba
    proba = proba.toarray() if sparse.issparse(proba) else proba
    return REGRESSIONS[student.criterion](proba, soft_labels.weight), soft_labels


def _regressor_like(student, regression):
    """Return an unfitted regressor that grows the same tree or forest."""
    classifier = next(base for base in type(student).__mro__ if base in REGRESSORS)
    regressor = REGRESSORS[classifier]()
    shared = student.get_params(deep=False).keys() & regressor.get_params(deep=False).keys()
    params = {name: getattr(student, name) for name in shared} | {"criterion": regression.criterion}
    for threshold in ("min_impurity_decrease", "ccp_alpha"):
        params[threshold] = params[threshold] * regression.per_impurity
    if "oob_score" in params:
        # A user-defined score is for labels.
        params["oob_score"] = True if callable(student.oob_score) else student.oob_score
    return regressor.set_params(**params)


def _set_fitted_attributes(student, regressor, classes):
    """Set the fitted attributes of a tree or forest, except its trees."""
    for name in vars(regressor).keys() - REGRESSOR_ATTRIBUTES.union(
        regressor.get_params(deep=False)
    ):
        setattr(student, name, getattr(regressor, name))
    student.n_outputs_ = 1
    student.classes_, student.n_classes_ = classes, np.intp(len(classes))


def _classification_trees(regressor, X, soft_labels, regression):
    """Return the regression trees of a fitted tree or forest as classification trees.

    Each is deleted when it is converted, so that a forest is not in memory twice.
    """
    is_forest = hasattr(regressor, "estimators_")
    estimators = regressor.estimators_ if is_forest else [regressor]
    impurities = [None] * len(estimators)
    if regressor.monotonic_cst is not None:
        leaves = regressor.apply(X).reshape(len(soft_labels), -1).T
        weight = soft_labels.weight
        weights = _bootstrap_weights(regressor, weight) if is_forest else [weight]
        impurities = [
            _gini_from_rows(each.tree_, leaves_of_rows, soft_labels, w)
            for each, leaves_of_rows, w in zip(estimators, leaves, weights, strict=True)
        ]
    trees = []
    for estimator, impurity in zip(estimators, impurities, strict=True):
        n_classes = len(soft_labels.classes)
        trees.append(_as_classification_tree(estimator.tree_, n_classes, regression, impurity))
        del estimator.tree_
    return trees


def _as_classification_tree(tree, n_classes, regression, impurity=None):
    """Return a regression tree of probabilities as a classification tree.

    By default the impurity of a node is computed from its probabilities.
    """
    state = tree.__getstate__()
    frequencies = regression.proba(state["values"][:, :, 0])
    # Not a copy: it would keep uninitialised padding between fields, which makes pickles differ.
    nodes = np.zeros(len(frequencies), dtype=state["nodes"].dtype)
    for name in nodes.dtype.names:
        nodes[name] = state["nodes"][name]
    nodes["impurity"] = regression.impurity(frequencies) if impurity is None else impurity
    classification = type(tree)(tree.n_features, np.array([n_classes], dtype=np.intp), 1)
    values = np.ascontiguousarray(frequencies[:, None, :])
    classification.__setstate__({**state, "nodes": nodes, "values": values})
    return classification


def _gini_from_rows(tree, leaves, soft_labels, weight):
    """Return the Gini impurity of each node, computed from its rows, for two classes.

    Monotonicity constraints clip the probabilities of nodes, but not the impurity.
    """
    of_second = weight * entries(soft_labels.proba, np.ones(len(weight), dtype=int))
    total, second = (
        np.bincount(leaves, weights=each, minlength=tree.node_count) for each in (weight, of_second)
    )
    left, right = tree.children_left, tree.children_right
    for node in np.flatnonzero(left >= 0)[::-1]:  # children come after their parents
        for sums in (total, second):
            sums[node] = sums[left[node]] + sums[right[node]]
    frequency = second / total
    return 2 * frequency * (1 - frequency)


def _bootstrap_weights(forest, weight):
    """Return the weight of each row in each tree of a fitted forest."""
    if not forest.bootstrap:
        return [weight] * len(forest.estimators_)
    counts = [np.bincount(rows, minlength=len(weight)) for rows in forest.estimators_samples_]
    return [each if FORESTS_DRAW else each * weight for each in counts]


def _set_out_of_bag_score(student, regressor, soft_labels, regression):
    """Set the attributes of `oob_score=True` from the out-of-bag predictions of the regressor."""
    proba = regression.proba(regressor.oob_prediction_)
    student.oob_decision_function_ = proba
    argmax_labels = student.classes_[proba.argmax(axis=1)]
    true = soft_labels.hard_labels()
    score = accuracy_score if student.oob_score is True else student.oob_score
    student.oob_score_ = score(true, argmax_labels)
