"""Trees and forests with Gini on soft labels: one regression tree on the probability rows.

The Gini impurity of weighted labels, 1 − Σ_k p̄_k², and the summed variance of the probability
rows, Σ_k (mean of p_k² − p̄_k²), differ by a sum over rows that no split changes. So both choose
the same splits, and the mean probabilities of a leaf are its class frequencies.
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

from .._soft_labels import SoftLabels
from .._typing import Estimator, Rows
from ._capabilities import DataSummary, check_expansion
from ._class_weight import class_weights
from ._dispatch import register
from .expansion import fit_on_copies, learn_by_expansion, warn_of_expansion

# What goes wrong below for rows and parameters that scikit-learn refuses, and if a fitted tree
# keeps its state in another way some day.
REGRESSION_FAILED = (AttributeError, IndexError, KeyError, TypeError, ValueError)

REGRESSORS = {
    DecisionTreeClassifier: DecisionTreeRegressor,
    ExtraTreeClassifier: ExtraTreeRegressor,
    RandomForestClassifier: RandomForestRegressor,
    ExtraTreesClassifier: ExtraTreesRegressor,
}

# What a regressor has for itself: the rest of its attributes is what the classifier has, too.
OF_REGRESSORS = {
    "class_weight",
    "estimator",
    "estimator_",
    "estimator_params",
    "estimators_",
    "oob_prediction_",
    "oob_score_",
    "tree_",
}


@register(DecisionTreeClassifier)
@register(ExtraTreeClassifier)
def learn_tree(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a classification tree to soft labels by one regression tree, without a copy of X.

    It is the tree of the expansion, up to ties, but for what counts rows: `min_samples_split`
    and `min_samples_leaf` count real rows here, copies there. ``class_weight="balanced"``
    counts the probability mass of a class. Criteria other than Gini, and monotonicity
    constraints, learn by expansion, with a warning.

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
        If the student learns by expansion.
    """
    if soft_labels.is_hard or _must_expand(student):
        return learn_by_expansion(student, X, soft_labels, **fit_params)
    targets, present = _targets(student, soft_labels)
    try:
        taught = _regressor_like(student, present)
        taught.fit(X, targets, sample_weight=present.weight, **fit_params)
        tree = _as_classification_tree(taught.tree_, len(present.classes))
    except REGRESSION_FAILED as error:
        return _expand_after_all(student, X, soft_labels, error, **fit_params)
    _set_fitted_attributes(student, taught, present.classes)
    student.tree_ = tree
    return student


def check_forest(student: Estimator, summary: DataSummary) -> None:
    """Raise if a forest must learn by expansion and would draw or count copies of rows."""
    if _obstacle(student):
        check_expansion(student, summary)


@register(RandomForestClassifier, check=check_forest)
@register(ExtraTreesClassifier, check=check_forest)
def learn_forest(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a forest to soft labels by a forest of regression trees, without a copy of X.

    Bootstraps and `max_samples` draw real rows, which the expansion cannot: it draws as many
    copies as there are, so that every real row is in nearly every bag. Otherwise as
    :func:`learn_tree`. `oob_score_` is the accuracy for the true labels where they are known,
    the most probable class elsewhere. ``class_weight="balanced_subsample"`` learns by
    expansion, with a warning; before scikit-learn 1.9, which would count copies, it is refused.

    Trees without a limit grow until no two rows of a leaf differ in their probabilities, and so
    larger than on hard labels: at 50 classes a random forest took 1.6 times as long and 2.5 times
    the memory, extremely randomised trees, which hardly look at the targets, 3.2 times as long.

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
        If the student learns by expansion.
    """
    if soft_labels.is_hard or _must_expand(student):
        return learn_by_expansion(student, X, soft_labels, **fit_params)
    targets, present = _targets(student, soft_labels)
    try:
        taught = _regressor_like(student, present)
        taught.fit(X, targets, sample_weight=present.weight, **fit_params)
        trees = [
            _as_classification_tree(each.tree_, len(present.classes)) for each in taught.estimators_
        ]
    except REGRESSION_FAILED as error:
        return _expand_after_all(student, X, soft_labels, error, **fit_params)
    _set_fitted_attributes(student, taught, present.classes)
    student.n_classes_ = len(present.classes)
    student.estimator_ = student.estimator
    student.estimators_ = []
    params = {name: getattr(student, name) for name in student.estimator_params}
    codes = np.arange(len(present.classes), dtype=np.float64)  # a forest's trees learn numbers
    for taught_tree, tree in zip(taught.estimators_, trees, strict=True):
        own = clone(student.estimator).set_params(**params)
        own.random_state = taught_tree.random_state
        _set_fitted_attributes(own, taught_tree, codes)
        own.tree_ = tree
        student.estimators_.append(own)
    if student.oob_score:
        _set_out_of_bag_score(student, taught, present)
    return student


def _expand_after_all(student, X, soft_labels, error, **fit_params):
    """Learn by expansion: the student's own `fit` refuses what is wrong with rows or parameters.

    What it takes, and the regression on the probabilities did not, is new to skdistill.
    """
    fit_on_copies(student, X, soft_labels, **fit_params)
    warn_of_expansion(
        student,
        "the trees of this scikit-learn are not as skdistill knows them "
        f"({type(error).__name__}: {error})",
        "Please report it, with the version of scikit-learn.",
    )
    return student


def _must_expand(student):
    """Say, once, why a student learns by expansion; return whether it must."""
    obstacle = _obstacle(student)
    if obstacle is None:
        return False
    warn_of_expansion(
        student,
        f"{obstacle} is not what a regression tree on the probabilities does",
        'criterion="gini" with neither monotonic_cst nor "balanced_subsample" is.',
    )
    return True


def _obstacle(student):
    """Return the parameter that no regression tree can honour; None if there is none."""
    params = student.get_params(deep=False)
    if params["criterion"] != "gini":
        return f"criterion={params['criterion']!r}"
    if params["monotonic_cst"] is not None:
        return "monotonic_cst"
    if params["class_weight"] == "balanced_subsample":
        return 'class_weight="balanced_subsample"'
    return None


def _targets(student, soft_labels):
    """Return the columns to regress on, and the soft labels with the class weights in them."""
    soft_labels = soft_labels.reweight_classes(class_weights(student.class_weight, soft_labels))
    soft_labels = soft_labels.drop_empty_classes()
    proba = soft_labels.proba
    proba = proba.toarray() if sparse.issparse(proba) else proba
    # Of two columns that sum to one, one says it all, in half the time.
    return (proba[:, 1] if proba.shape[1] == 2 else proba), soft_labels


def _regressor_like(student, soft_labels):
    """Return an unfitted regressor that grows the same tree or forest."""
    classifier = next(base for base in type(student).__mro__ if base in REGRESSORS)
    regressor = REGRESSORS[classifier]()
    shared = student.get_params(deep=False).keys() & regressor.get_params(deep=False).keys()
    shared -= {"criterion", "monotonic_cst"}
    params = {name: getattr(student, name) for name in shared}
    # The regression criterion is the mean over classes, Gini the sum.
    n_classes = len(soft_labels.classes)
    for threshold in ("min_impurity_decrease", "ccp_alpha"):
        params[threshold] = params[threshold] / n_classes
    if "oob_score" in params:
        # A score of one's own is for labels.
        params["oob_score"] = True if callable(student.oob_score) else student.oob_score
    return regressor.set_params(**params)


def _set_fitted_attributes(student, taught, classes):
    """Set what a fitted tree or forest has, but for the trees: as the regressor, with classes."""
    for name in vars(taught).keys() - OF_REGRESSORS.union(taught.get_params(deep=False)):
        setattr(student, name, getattr(taught, name))
    student.n_outputs_ = 1
    student.classes_, student.n_classes_ = classes, np.intp(len(classes))


def _as_classification_tree(tree, n_classes):
    """Return a regression tree of probabilities as a classification tree."""
    state = tree.__getstate__()
    means = state["values"][:, :, 0]
    frequencies = np.column_stack([1 - means, means]) if n_classes == 2 else means
    # A copy would keep whatever lay in memory between the fields, and the pickle with it.
    nodes = np.zeros(len(means), dtype=state["nodes"].dtype)
    for name in nodes.dtype.names:
        nodes[name] = state["nodes"][name]
    nodes["impurity"] = 1 - (frequencies**2).sum(axis=1)
    classification = type(tree)(tree.n_features, np.array([n_classes], dtype=np.intp), 1)
    values = np.ascontiguousarray(frequencies[:, None, :])
    classification.__setstate__({**state, "nodes": nodes, "values": values})
    return classification


def _set_out_of_bag_score(student, taught, soft_labels):
    """Set what `oob_score=True` documents, from what the regression forest held out."""
    held_out = taught.oob_prediction_
    if held_out.ndim == 1:
        held_out = np.column_stack([1 - held_out, held_out])
    student.oob_decision_function_ = held_out
    first_choice = student.classes_[held_out.argmax(axis=1)]
    true = soft_labels.hard_labels()
    score = accuracy_score if student.oob_score is True else student.oob_score
    student.oob_score_ = score(true, first_choice)
