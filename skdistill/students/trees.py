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
from sklearn.utils.validation import validate_data

from .._soft_labels import SoftLabels
from .._typing import Estimator, Rows
from ._class_weight import class_weights
from ._dispatch import register
from .expansion import learn_by_expansion, warn_of_expansion

# What goes wrong below if a fitted tree keeps its state in another way some day.
REPRESENTATION_CHANGED = (AttributeError, IndexError, KeyError, TypeError, ValueError)

REGRESSORS = {
    DecisionTreeClassifier: DecisionTreeRegressor,
    ExtraTreeClassifier: ExtraTreeRegressor,
    RandomForestClassifier: RandomForestRegressor,
    ExtraTreesClassifier: ExtraTreesRegressor,
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
    taught = _regressor_like(student, present)
    taught.fit(X, targets, sample_weight=present.weight, **fit_params)
    _set_what_is_documented(student, X, present)
    try:
        student.tree_ = _as_classification_tree(taught.tree_, len(present.classes))
    except REPRESENTATION_CHANGED as error:
        return _expand_after_all(student, X, soft_labels, error, **fit_params)
    return student


@register(RandomForestClassifier)
@register(ExtraTreesClassifier)
def learn_forest(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a forest to soft labels by a forest of regression trees, without a copy of X.

    Bootstraps and `max_samples` draw real rows, which the expansion cannot: it draws as many
    copies as there are, so that every real row is in nearly every bag. Otherwise as
    :func:`learn_tree`. `oob_score_` is the accuracy for the true labels where they are known,
    the most probable class elsewhere. ``class_weight="balanced_subsample"`` learns by expansion,
    with a warning.

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
    taught = _regressor_like(student, present)
    taught.fit(X, targets, sample_weight=present.weight, **fit_params)
    for_now = {"oob_score": False, "max_samples": None, "warm_start": False}
    _set_what_is_documented(student, X, present, **for_now)
    own = set(student.get_params(deep=False)) | {"estimator", "estimator_", "estimators_"}
    own |= {"n_outputs_"}
    for name in vars(student).keys() & vars(taught).keys() - own:
        setattr(student, name, getattr(taught, name))  # such as how many rows a bag holds
    try:
        for tree, taught_tree in zip(student.estimators_, taught.estimators_, strict=True):
            tree.random_state = taught_tree.random_state
            tree.tree_ = _as_classification_tree(taught_tree.tree_, len(present.classes))
    except REPRESENTATION_CHANGED as error:
        return _expand_after_all(student, X, soft_labels, error, **fit_params)
    if student.oob_score:
        _set_out_of_bag_score(student, taught, present)
    return student


def _expand_after_all(student, X, soft_labels, error, **fit_params):
    """Learn by expansion from a scikit-learn whose trees are not what they were."""
    warn_of_expansion(
        student,
        "the trees of this scikit-learn are not as skdistill knows them "
        f"({type(error).__name__}: {error})",
        "Please report it, with the version of scikit-learn.",
    )
    return learn_by_expansion(clone(student), X, soft_labels, **fit_params)


def _must_expand(student):
    """Say, once, why a student learns by expansion; return whether it must."""
    params = student.get_params(deep=False)
    if params["criterion"] != "gini":
        obstacle = f"criterion={params['criterion']!r}"
    elif params["monotonic_cst"] is not None:
        obstacle = "monotonic_cst"
    elif params["class_weight"] == "balanced_subsample":
        obstacle = 'class_weight="balanced_subsample"'
    else:
        return False
    warn_of_expansion(
        student,
        f"{obstacle} is not what a regression tree on the probabilities does",
        'criterion="gini" with neither monotonic_cst nor "balanced_subsample" is.',
    )
    return True


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
        params["oob_score"] = bool(params["oob_score"])  # a score of one's own is for labels
    return regressor.set_params(**params)


def _set_what_is_documented(student, X, soft_labels, **for_now):
    """Fit the student on empty rows of each class, for the attributes that depend on no tree."""
    params = student.get_params(deep=False)
    allow_nan = {"ensure_all_finite": "allow-nan"}
    shape = validate_data(student, X, accept_sparse=True, dtype=None, **allow_nan).shape
    for_now = {name: value for name, value in for_now.items() if name in params}
    student.set_params(**for_now)
    try:
        # Three rows of each class: one alone looks like a continuous target, which is warned of.
        y = np.tile(soft_labels.classes, 3)
        student.fit(np.zeros((len(y), shape[1])), y)
    finally:
        student.set_params(**{name: params[name] for name in for_now})
    validate_data(student, X, accept_sparse=True, dtype=None, **allow_nan)


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
