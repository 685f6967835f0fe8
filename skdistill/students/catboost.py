"""CatBoost on soft labels: its cross-entropy for two classes, the expansion for more."""

import warnings
from io import StringIO
from typing import Any

import numpy as np
from catboost import CatBoost, CatBoostClassifier, Pool
from scipy import sparse

from .._targets._soft_labels import SoftLabels
from .._utils._labels import check_classes, check_labels, class_positions, encode
from .._utils._typing import Estimator, Rows
from ._boosting import placeholder_labels
from ._capabilities import DataSummary
from ._chunks import without_weightless_rows
from ._class_weight import class_weights
from ._registry import register
from ._row_counts import even_copies
from .expansion import fit_on_given_copies, warn_of_expansion

# Where CatBoostClassifier keeps its parameters; all else in it is the model.
PRIVATE = ("_init_params", "_canonized_params")

CLASS_WEIGHTS = ("class_weights", "auto_class_weights", "scale_pos_weight")
FEATURE_KINDS = ("cat_features", "text_features", "embedding_features")
DEFAULT_STRENGTH = 3.0

# Second names of parameters, with the one that CatBoost itself goes by.
MAIN_NAMES = {
    "objective": "loss_function",
    "eta": "learning_rate",
    "max_bin": "border_count",
    "max_depth": "depth",
    "colsample_bylevel": "rsm",
    "random_state": "random_seed",
    "reg_lambda": "l2_leaf_reg",
    "n_estimators": "iterations",
    "num_boost_round": "iterations",
    "num_trees": "iterations",
    "early_stopping_rounds": "od_wait",
    "custom_loss": "custom_metric",
    "num_leaves": "max_leaves",
    "min_child_samples": "min_data_in_leaf",
}

# How far CatBoost goes: the exponent of (largest mass / mass of the class).
BALANCING = {"Balanced": 1.0, "SqrtBalanced": 0.5}


def check_catboost(student: Estimator, summary: DataSummary) -> None:
    """Raise for class weights that contradict each other, and if copies would be split.

    They are where the student learns by expansion and holds rows out.
    """
    params = by_main_names(student.get_params())
    check_class_weights(params, summary.n_classes)
    if summary.n_classes == 2 and unsupported_reason(params) is None:
        return
    if params.get("eval_fraction"):
        raise ValueError(
            f"CatBoostClassifier (eval_fraction={params['eval_fraction']!r}) splits the rows that "
            "it is fitted on, and copies of one row would stand on both sides. Split them "
            "yourself and give the rows held out as eval_set, with their true labels."
        )


def _is_none(value):
    """Return whether automatic class weights are switched off, which CatBoost does by a word."""
    return isinstance(value, str) and value == "None"


def check_class_weights(params, n_classes):
    """Raise for two ways to weigh classes, and for another number of weights than of two classes.

    CatBoost itself refuses both; what it is given here does not show them.
    """
    given = {name: params[name] for name in CLASS_WEIGHTS if params.get(name) is not None}
    given = {name: value for name, value in given.items() if not _is_none(value)}
    if len(given) > 1:
        raise ValueError(
            f"CatBoostClassifier weighs classes by one parameter, and has {given}: drop all but "
            "one of them."
        )
    weights = given.get("class_weights")
    if n_classes == 2 and isinstance(weights, list | tuple) and len(weights) != 2:
        raise ValueError(
            f"CatBoostClassifier (class_weights={weights!r}) has {len(weights)} weights for 2 "
            "classes: give one for each, or a dict {label: weight}."
        )


@register(CatBoostClassifier, check=check_catboost)
def fit_catboost(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a CatBoostClassifier to soft labels: two classes at the cost of hard ones.

    Two classes learn by CatBoost's own CrossEntropy, with the probability of the second as
    target, and the model is called a Logloss one afterwards, which predicts the same. Its
    evaluation sets, with their true labels, are measured under the name "CrossEntropy".

    More classes learn by expansion, since CatBoost's softmax takes labels only: K rows for K
    classes, each with K scores. On 20,000 rows that took 9 times as long as hard labels at 10
    classes, and 87 times at 50. For many classes keep few of them per row (`top_k`), or give
    LGBMClassifier, XGBClassifier or, at about the cost of hard labels, too,
    ``CatBoostRegressor(loss_function="MultiRMSE")`` as student. `l2_leaf_reg` is raised by the
    number of copies, since CatBoost scales it by the mean weight of a row, so that it means
    what it means for labels. The statistics that CatBoost keeps of categorical, text and
    embedding features count copies, whatever they weigh: there is a warning.

    The automatic learning rate is the one for labels of so many rows, for which a first
    round is run; not on a GPU, where `learning_rate` is 0.03 unless it is given. A CatBoost
    that holds lists or dicts cannot be cloned by scikit-learn, since it copies them: give
    tuples, where it takes them, as for `cat_features`, or give these to `fit`.

    Parameters
    ----------
    student : CatBoostClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows; not a Pool.

    soft_labels : SoftLabels
        Their class probabilities and weights. Of more than two classes, those without any
        mass are not in `classes_`.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    CatBoostClassifier
        The student, fitted: nothing of skdistill stays in it.

    Raises
    ------
    ValueError
        With `eval_fraction`, where copies of a row would stand on both sides; with an `eval_set`
        of two classes that is not of the form (X, y).

    Warns
    -----
    UserWarning
        If two classes are learnt by expansion, or features have statistics of copies.
    """
    if soft_labels.is_unweighted_one_hot:
        return student.fit(X, soft_labels.argmax_labels(), **fit_params)
    # CatBoost would place its borders between rows of weight 0, too.
    X, soft_labels, fit_params = without_weightless_rows(X, soft_labels, fit_params)
    params = by_main_names(student.get_params())
    if "learning_rate" not in params and params.get("task_type") != "GPU":
        params["learning_rate"] = rate_for_labels(params, X, soft_labels, fit_params)
    obstacle = unsupported_reason(params)
    if len(soft_labels.classes) == 2 and obstacle is None:
        trained = train_on_probabilities(type(student), params, X, soft_labels, fit_params)
    else:
        if len(soft_labels.classes) == 2:
            warn_of_expansion(student, obstacle)
        trained = train_on_copies(type(student), params, X, soft_labels, fit_params)
    # The model only: the parameters stay as they came.
    model = {name: value for name, value in vars(trained).items() if name not in PRIVATE}
    student.__dict__.update(model)
    return student


def by_main_names(params):
    """Return parameters under their main names; two names for one thing are left to CatBoost.

    It raises for them, save for `objective`, which it prefers to `loss_function`.
    """
    renamed = dict(params)
    for name, main in MAIN_NAMES.items():
        if name in renamed and (main not in renamed or name == "objective"):
            renamed[main] = renamed.pop(name)
    return renamed


def unsupported_reason(params):
    """Return what keeps two classes from CatBoost's cross-entropy; None if nothing does."""
    loss = params.get("loss_function", "Logloss")
    if loss not in ("Logloss", "CrossEntropy"):
        return f"loss_function={loss!r} is not the cross-entropy"
    for name in ("class_names", "classes_count", "target_border"):
        if name in params:
            return f"{name}={params[name]!r} goes with labels only"
    return None


def train_on_probabilities(student_class, params, X, soft_labels, fit_params):
    """Return a model trained by CrossEntropy on the probabilities of the second class.

    Which one is the second says CatBoost.
    """
    loss = params.get("loss_function", "Logloss")
    of_labels = fitted_to_labels(soft_labels.classes)
    _, second = class_positions(of_labels.classes_, soft_labels.classes)
    factors = weights_of_classes(params, soft_labels, second)
    targets = soft_labels.reweight_classes(factors)
    target = targets.proba[:, [second]]
    target = np.ravel(target.toarray() if sparse.issparse(target) else target)
    kept = {name: value for name, value in params.items() if name not in CLASS_WEIGHTS}
    trained = student_class(**{**kept, "loss_function": "CrossEntropy", "allow_const_label": True})
    if fit_params.get("eval_set") is not None:
        kinds = {**params, **fit_params}
        kinds = {name: kinds[name] for name in FEATURE_KINDS if kinds.get(name) is not None}
        sets = evaluation_sets(fit_params["eval_set"], soft_labels.classes, second, factors, kinds)
        fit_params = {**fit_params, "eval_set": sets}
    trained.fit(X, target, sample_weight=targets.weight, **fit_params)

    metadata = trained.get_metadata()
    metadata["class_params"] = of_labels.get_metadata()["class_params"]
    metadata["params"] = metadata["params"].replace('"CrossEntropy"', f'"{loss}"')
    return trained


def fitted_to_labels(classes):
    """Return a model of CatBoost's that has seen these classes once each: it says their order.

    It sorts text that looks like numbers as numbers. This is its bare model, since a fit of
    the estimator would show up in the logs of experiment trackers.
    """
    loss = "Logloss" if len(classes) == 2 else "MultiClass"
    about = {"iterations": 1, "logging_level": "Silent", "allow_writing_files": False}
    rows = np.arange(len(classes), dtype=float)[:, None]
    return CatBoost({"loss_function": loss, "thread_count": 1, **about}).fit(rows, classes.tolist())


def evaluation_sets(given, classes, second, factors, feature_kinds):
    """Return evaluation sets with true labels as CrossEntropy has them: 1.0 for the second class.

    A row weighs what its class does, as CatBoost has it for labels.
    """
    sets = []
    for pair in given if isinstance(given, list) else [given]:
        if not isinstance(pair, tuple):
            raise ValueError(
                f"eval_set must be a tuple (X, y), or a list of them, for two classes with soft "
                f"labels; got a {type(pair).__name__}, whose labels cannot be read as numbers."
            )
        rows, y = pair
        labels = check_labels(y, name="the labels of eval_set")
        check_classes(labels, classes)
        codes = encode(labels, classes)
        target = (codes == second).astype(float)
        if (factors == 1).all():
            sets.append((rows, target))
        else:
            sets.append(Pool(rows, target, weight=factors[codes], **feature_kinds))
    return sets


def train_on_copies(student_class, params, X, soft_labels, fit_params):
    """Return a model trained on the expansion, regularised as on as many rows as there are."""
    warn_of_statistics(params, fit_params)
    own = dict(params)
    least = own.get("min_data_in_leaf", 1)
    copies = soft_labels.expand() if least == 1 else even_copies(soft_labels)
    rows, _, _ = copies
    if least != 1:  # it counts rows, of which there are as many copies each
        own["min_data_in_leaf"] = least * np.bincount(rows).max()
    strength = own.get("l2_leaf_reg", DEFAULT_STRENGTH)
    own["l2_leaf_reg"] = strength * len(rows) / len(soft_labels)
    automatic = own.pop("auto_class_weights", None)
    if automatic in BALANCING:
        # CatBoost would balance by their mass, too, but rounds it down to whole rows.
        names = own.get("class_names")
        if names is None:
            names = fitted_to_labels(soft_labels.drop_empty_classes().classes).classes_
        positions = class_positions(names, soft_labels.classes)
        weights = balancing_weights(automatic, soft_labels)[positions]
        own["class_weights"] = np.where(positions >= 0, weights, 0)
    return fit_on_given_copies(student_class(**own), X, soft_labels, copies, **fit_params)


def weights_of_classes(params, soft_labels, second):
    """Return the weights that the parameters give to two classes, in our order of them.

    CatBoost has its own, in which one of ours is `second`.
    """
    given, automatic = params.get("class_weights"), params.get("auto_class_weights")
    if isinstance(given, dict):
        return class_weights(given, soft_labels)
    if given is None and automatic in BALANCING:
        return balancing_weights(automatic, soft_labels)
    in_its_order = [1, params.get("scale_pos_weight", 1)] if given is None else list(given)
    return np.array(in_its_order if second == 1 else in_its_order[::-1], dtype=float)


def balancing_weights(automatic, soft_labels):
    """Return the weights that make all classes count as the heaviest, or halfway there."""
    mass = soft_labels.class_weight_sums
    weights = np.divide(mass.max(), mass, out=np.zeros_like(mass), where=mass > 0)
    return weights ** BALANCING[automatic]


def rate_for_labels(params, X, soft_labels, fit_params):
    """Return the learning rate that CatBoost chooses for labels; it has none for CrossEntropy."""
    own = {name: value for name, value in fit_params.items() if not name.startswith("save_snap")}
    labels = placeholder_labels(soft_labels)
    has_more = len(np.unique(labels)) > 2 and "target_border" not in params
    about = {"loss_function": "MultiClass" if has_more else "Logloss", **params}
    first_round = CatBoost({**about, "save_snapshot": False})
    first_round.fit(X, labels, **{**own, "callbacks": [StopAtOnce()], "log_cout": StringIO()})
    return first_round.learning_rate_


class StopAtOnce:
    """A callback that lets CatBoost train for one round."""

    def after_iteration(self, info):
        """Return whether to go on."""
        return False


def warn_of_statistics(params, fit_params):
    """Say which features have statistics that do not know the weights of copies."""
    kinds = [name for name in FEATURE_KINDS if params.get(name) or fit_params.get(name)]
    if kinds and "one_hot_max_size" not in params:
        warnings.warn(
            f"CatBoostClassifier learns more than two classes by expansion, where its statistics "
            f"of features ({', '.join(kinds)}) count one copy of a row per class, whatever its "
            "probability, and say next to nothing. Set one_hot_max_size to the largest number of "
            "categories, or encode such features before.",
            UserWarning,
            stacklevel=5,
        )
