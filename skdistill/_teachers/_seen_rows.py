"""Evidence that a fitted model has seen these rows: its trees count the rows they were fitted on.

A tree stores how many training rows reached each leaf, and so do the first trees of boosters. If
exactly as many rows reach them here, these are the training rows. If trees were fitted on samples
of the rows, stored losses or the spread of the counts show it. Accuracies are not compared: on easy
rows a model that has not seen them is as accurate.
"""

import warnings
from itertools import islice, pairwise

import numpy as np
from scipy.special import expit, gammaln, softmax, xlogy
from sklearn.frozen import FrozenEstimator
from sklearn.metrics.cluster import contingency_matrix
from sklearn.pipeline import Pipeline

from .._utils._rows import copied, count_rows
from .._utils._warnings import warn
from ._sampled_rows import vary_as_drawn
from ._stored_losses import are_losses, stored_losses

MIN_ROWS = 30
N_TREES = 20
# Log of the probability that other rows agree by chance, below which a model is reported.
CERTAIN = np.log(1e-4)
# Largest number of drawn rows of all trees together, since they are computed all at once.
MAX_DRAWN = 20_000_000


CROSS_FIT_PROBA = (
    "Its probabilities repeat their labels. Pass teacher_proba=cross_val_proba(model, X, y) to "
    "fit, with cross_val_proba of skdistill.teachers, or the model without FrozenEstimator."
)


def warn_if_seen(teacher, X, y, remedy=CROSS_FIT_PROBA, *, role="teacher"):
    """Warn if a frozen teacher was visibly fitted on these rows.

    Models that store no counts are not judged, nor are models in an unknown form.
    """
    if count_rows(X) < MIN_ROWS:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as columns without names
            seen = has_seen(teacher, X, y)
    except Exception:  # a foreign model: whatever its attributes are, `fit` goes on
        return
    if seen:
        warn(
            f"The frozen {role} {type(teacher.estimator).__name__} was fitted on these rows: they "
            f"reach the leaves of its trees as in its training. {remedy}"
        )


def has_seen(model, X, y):
    """Return whether a fitted model has certainly been fitted on these rows."""
    model, X = _last_step(model, X)
    y = np.unique(y, return_inverse=True)[1]
    if hasattr(model, "booster_"):  # LightGBM
        return _agree(_lightgbm_trees(model, X), y)
    if hasattr(model, "get_booster"):
        return _agree(_xgboost_trees(model, X), y)
    if hasattr(model, "get_leaf_weights"):  # CatBoost, which stores none for several classes
        return y.max() == 1 and _agree(_catboost_trees(model, X), y)
    if hasattr(model, "staged_decision_function"):
        stored = stored_losses(model, len(y))
        if stored is not None:
            return _have_losses(model, X, y, stored)
    if hasattr(model, "estimators_") or hasattr(model, "tree_"):
        return _agree(_sklearn_trees(model, X), y)
    if hasattr(model, "staged_decision_function"):  # histogram gradient boosting
        return _are_newton_steps(model.staged_decision_function(X), y)
    return False


def _last_step(model, X):
    """Return the model inside containers, and X as it gets it."""
    while isinstance(model, FrozenEstimator | Pipeline) or hasattr(model, "best_estimator_"):
        if isinstance(model, Pipeline):
            if len(model.steps) > 1:
                X = model[:-1].transform(copied(X))
            model = model[-1]
        else:
            model = getattr(model, "best_estimator_", None) or model.estimator
    return model, X


def _agree(trees, y):
    """Return whether the rows that reach each leaf are as many as stored, in each tree.

    `trees` yields the leaf of each row, the stored weight of each leaf, and the weight of each row.
    Where other numbers are stored, the trees may have been fitted on a part of the rows.
    """
    log_chance = 0.0
    judged = []
    trees = islice(trees, N_TREES)
    for leaves, stored, weight in trees:
        judged.append((leaves, stored, weight))
        found = np.bincount(leaves, weights=weight, minlength=len(stored))
        if not np.allclose(found, stored, rtol=1e-4, atol=0.01 * weight.mean()):
            return vary_as_drawn([*judged, *trees], y)
        rows = weight > 0
        log_chance += _log_chance(leaves[rows], y[rows])
        if log_chance < CERTAIN:
            return True
    return False


def _log_chance(leaves, y):
    """Return the log-probability that other rows reach the leaves in these numbers.

    Leaves of one majority class share a given number of rows: on separable classes a tree that has
    not seen the rows finds as many of each class, too.
    """
    table = contingency_matrix(leaves, y)
    counts = table.sum(axis=1)
    totals = np.bincount(table.argmax(axis=1), weights=counts)
    return np.sum(_log_density(counts)) - np.sum(_log_density(totals))


def _log_density(counts):
    """Return the logarithm of n^n / n!, of which multinomial probabilities are ratios."""
    return xlogy(counts, counts) - gammaln(counts + 1.0)


def _sklearn_trees(model, X):
    """Yield the leaves and counts of a tree, a forest, bagged trees or gradient boosting."""
    X = X if hasattr(X, "tocsr") else np.asarray(X)
    n_rows = X.shape[0]
    bags = hasattr(model, "estimators_samples_") and len(model.estimators_) * n_rows <= MAX_DRAWN
    trees = np.ravel(getattr(model, "estimators_", model))
    columns = getattr(model, "estimators_features_", [slice(None)] * len(trees))
    drawn = None
    for number, tree in enumerate(trees):
        is_leaf = tree.tree_.children_left < 0
        stored = np.where(is_leaf, tree.tree_.n_node_samples, 0)
        if stored.sum() > n_rows:
            return
        leaves, weight = tree.apply(X[:, columns[number]]), np.ones(n_rows)
        if stored.sum() < n_rows:  # a part of the rows was drawn
            if (np.bincount(leaves, minlength=len(stored)) < stored).any():
                return
            if bags:
                drawn = drawn or model.estimators_samples_
                weight = np.bincount(drawn[number], minlength=n_rows) > 0
        yield leaves, stored, weight


def _lightgbm_trees(model, X):
    """Yield the leaves and counts of the first trees of LightGBM."""
    n_rounds = max(1, N_TREES // getattr(model, "n_classes_", 1))
    trees = model.booster_.dump_model(num_iteration=n_rounds)["tree_info"]
    n_rows = count_rows(X)
    leaves = model.predict(X, pred_leaf=True, num_iteration=n_rounds).reshape(n_rows, -1)
    for number, tree in enumerate(trees):
        stored = np.zeros(tree["num_leaves"])
        nodes = [tree["tree_structure"]]
        while nodes:
            node = nodes.pop()
            if "left_child" in node:
                nodes += [node["left_child"], node["right_child"]]
            elif "leaf_index" in node:  # not a tree of one leaf
                stored[node["leaf_index"]] = node["leaf_count"]
            else:
                stored[0] = n_rows
        yield leaves[:, number].astype(int), stored, np.ones(n_rows)


def _xgboost_trees(model, X):
    """Yield the leaves and sums of second derivatives of the first trees of XGBoost.

    In the first round all rows have the same second derivative.
    """
    n_rows = count_rows(X)
    n_columns = model.n_classes_ if model.n_classes_ > 2 else 1
    share = model.subsample or 1.0  # None is the default
    for number in range(max(1, N_TREES // model.n_classes_)):
        weight = np.ones((n_rows, n_columns))
        if number:
            proba = model.predict_proba(X, iteration_range=(0, number))[:, -n_columns:]
            weight = proba * (1 - proba)
        leaves = model.apply(X, iteration_range=(0, number + 1)).reshape(n_rows, -1)
        if leaves.shape[1] != (number + 1) * n_columns:  # rounds of several trees
            return
        leaves = leaves[:, -n_columns:].astype(int)
        table = model.get_booster()[number : number + 1].trees_to_dataframe()
        for column, nodes in table.groupby("Tree"):
            is_leaf = (nodes["Feature"] == "Leaf").to_numpy()
            stored = np.zeros(nodes["Node"].max() + 1)
            stored[nodes["Node"][is_leaf]] = nodes["Cover"][is_leaf] / nodes["Cover"].iloc[0]
            of_class = weight[:, column]
            yield leaves[:, column], stored * share * of_class.sum(), of_class


def _catboost_trees(model, X):
    """Yield the leaves and counts of the first tree of CatBoost with two classes."""
    stored = model.get_leaf_weights()[: model.get_tree_leaf_counts()[0]]
    leaves = np.reshape(model.calc_leaf_indexes(X, ntree_end=1), -1).astype(int)
    yield leaves, stored, np.ones(len(leaves))


def _have_losses(model, X, y, stored):
    """Return whether losses that a model stores are those of these rows, and not by chance."""
    *_, scores = islice(model.staged_decision_function(X), len(stored))
    leaves = np.unique(np.round(scores, 10), axis=0, return_inverse=True)[1]
    if _log_chance(np.ravel(leaves), y) >= CERTAIN:
        return False
    return are_losses(stored, model.staged_decision_function(X), y)


def _are_newton_steps(stages, y):
    """Return whether the first rounds of scores are Newton steps on these rows.

    The step of a leaf is b G / (H + c), where G is the sum over its rows of label minus probability
    and H the sum of second derivatives: H times the step is linear in G and the step.
    """
    log_chance = 0.0
    stages = [np.reshape(scores, (len(y), -1)) for scores in islice(stages, N_TREES)]
    labels = y[:, None] == (np.arange(stages[0].shape[1]) if stages[0].shape[1] > 1 else 1)
    for before, scores in pairwise(stages):
        proba = softmax(before, axis=1) if scores.shape[1] > 1 else expit(before)
        for step, p, label in zip((scores - before).T, proba.T, labels.T, strict=True):
            step, leaves = np.unique(np.round(step, 10), return_inverse=True)
            gradient = np.bincount(leaves, weights=label - p)
            hessian = np.bincount(leaves, weights=p * (1 - p))
            terms = np.column_stack([gradient, step])
            solution = np.linalg.lstsq(terms, hessian * step)[0]
            if np.abs(terms @ solution - hessian * step).max() > 1e-5 * np.abs(gradient).max():
                return False
            n, s = np.bincount(leaves), np.bincount(leaves, weights=label)
            chances = np.sort(_log_density(s) + _log_density(n - s) - _log_density(n))
            log_chance += chances[2:].sum()  # two leaves determine the two numbers
            if log_chance < CERTAIN:
                return True
    return False
