"""CatBoost on soft labels: its cross-entropy for two classes, the expansion for more."""

from io import StringIO
from typing import Any

import numpy as np
from catboost import CatBoost, CatBoostClassifier, Pool
from scipy import sparse

from .._targets._soft_labels import SoftLabels
from .._utils._labels import check_classes, check_labels, class_positions, encode
from .._utils._typing import Estimator, Rows
from .._utils._warnings import warn
from ._boosting import placeholder_labels
from ._capabilities import DataSummary
from ._chunks import drop_zero_weight_rows
from ._class_weight import class_weights
from ._registry import register
from ._row_counts import equal_copies
from .expansion import fit_on_copies, fit_on_given_copies, warn_of_expansion

# Attributes that hold the parameters of CatBoostClassifier; all others hold the model.
PRIVATE = ("_init_params", "_canonized_params")

CLASS_WEIGHTS = ("class_weights", "auto_class_weights", "scale_pos_weight")
FEATURE_KINDS = ("cat_features", "text_features", "embedding_features")
DEFAULT_L2_LEAF_REG = 3.0

# Aliases of parameters, with CatBoost's main name.
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

# Exponents of (largest class weight sum / class weight sum).
BALANCING = {"Balanced": 1.0, "SqrtBalanced": 0.5}


def check_catboost(student: Estimator, summary: DataSummary) -> None:
    """Raise for contradictory class weights, and if the student would split expanded rows."""
    params = by_main_names(student.get_params())
    check_class_weights(params, summary.n_classes)
    if summary.n_classes == 2 and unsupported_reason(params) is None:
        return
    if params.get("eval_fraction"):
        raise ValueError(
            f"CatBoostClassifier (eval_fraction={params['eval_fraction']!r}) splits the rows that "
            "it is fitted on, and copies of one row would be on both sides. Split them "
            "yourself and pass the held-out rows as eval_set, with their true labels."
        )


def _is_none(value):
    """Return whether a parameter is CatBoost's "None", which disables automatic class weights."""
    return isinstance(value, str) and value == "None"


def check_class_weights(params, n_classes):
    """Raise for several class-weight parameters, and unless two classes have two weights.

    CatBoost rejects both, but does not see these parameters here.
    """
    given = {name: params[name] for name in CLASS_WEIGHTS if params.get(name) is not None}
    given = {name: value for name, value in given.items() if not _is_none(value)}
    if len(given) > 1:
        raise ValueError(
            f"CatBoostClassifier takes one class-weight parameter, and has {given}: remove all but "
            "one of them."
        )
    weights = given.get("class_weights")
    if n_classes == 2 and isinstance(weights, list | tuple) and len(weights) != 2:
        raise ValueError(
            f"CatBoostClassifier (class_weights={weights!r}) has {len(weights)} weights for 2 "
            "classes: give one per class, or a dict {label: weight}."
        )


@register(CatBoostClassifier, check=check_catboost)
def fit_catboost(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit a CatBoostClassifier to soft labels: two classes at the cost of hard ones.

    Two classes are fitted by CatBoost's CrossEntropy, with the probability of the second as
    target. The model is then saved as a Logloss model, which predicts the same. Evaluation sets,
    with their true labels, are scored under the name "CrossEntropy".

    More classes are fitted by expansion, because CatBoost's softmax takes labels only: K rows for
    K classes, each with K scores. On 20,000 rows this took 9 times as long as hard labels at 10
    classes, and on 4,000 rows 50 times at 50. ("MultiCrossEntropy" and "MultiRMSE" are as fast as
    hard labels, but minimise another loss; a custom objective leaves no CatBoostClassifier.)
    For many classes keep few of them per row (`top_k`), or use
    LGBMClassifier, XGBClassifier or ``CatBoostRegressor(loss_function="MultiRMSE")`` as student,
    at about the cost of hard labels. `l2_leaf_reg` is multiplied by the number of copies, because
    CatBoost scales it by the mean weight of a row; so its effect is the same as with hard labels.
    CatBoost's statistics of categorical, text and embedding features count copies and ignore
    their weights: there is a warning.

    The automatic learning rate is that for hard labels of as many rows, found by one extra
    round. On a GPU `learning_rate` is 0.03 unless it is given. A CatBoost with lists or dicts
    as parameters cannot be cloned by scikit-learn, because CatBoost copies them: use tuples if
    supported, as for `cat_features`, or pass them to `fit`.

    Parameters
    ----------
    student : CatBoostClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows; not a Pool.

    soft_labels : SoftLabels
        Class probabilities and weights of the rows. With more than two classes, those of total
        weight 0 are not in `classes_`.

    **fit_params : dict
        Further arguments of the student's `fit`.

    Returns
    -------
    CatBoostClassifier
        The student, fitted, without references to skdistill.

    Raises
    ------
    ValueError
        With `eval_fraction`, if copies of a row would be on both sides; with an `eval_set`
        of two classes that is not of the form (X, y).

    Warns
    -----
    UserWarning
        If two classes are fitted by expansion, or features have statistics of copies.
    """
    if soft_labels.is_unweighted_one_hot:
        return student.fit(X, soft_labels.argmax_labels(), **fit_params)
    # CatBoost would also place its borders between rows of weight 0.
    X, soft_labels, fit_params = drop_zero_weight_rows(X, soft_labels, fit_params)
    if not hasattr(student, PRIVATE[0]):
        warn_of_expansion(student, "this CatBoost keeps parameters in a way unknown to skdistill")
        return fit_on_copies(student, X, soft_labels, **fit_params)
    params = by_main_names(student.get_params())
    if "learning_rate" not in params and params.get("task_type") != "GPU":
        params["learning_rate"] = learning_rate_for_hard_labels(params, X, soft_labels, fit_params)
    reason = unsupported_reason(params)
    trained = None
    if len(soft_labels.classes) == 2 and reason is None:
        trained = train_on_probabilities(type(student), params, X, soft_labels, fit_params)
        reason = "this CatBoost writes models in a way unknown to skdistill"
    if trained is None:
        if len(soft_labels.classes) == 2:
            warn_of_expansion(student, reason)
        trained = train_on_copies(type(student), params, X, soft_labels, fit_params)
    # Copy the model only; the parameters of the student do not change.
    model = {name: value for name, value in vars(trained).items() if name not in PRIVATE}
    student.__dict__.update(model)
    return student


def by_main_names(params):
    """Return parameters under their main names; duplicates are left for CatBoost to reject.

    The exception is `objective`, which CatBoost prefers to `loss_function`.
    """
    renamed = dict(params)
    for name, main in MAIN_NAMES.items():
        if name in renamed and (main not in renamed or name == "objective"):
            renamed[main] = renamed.pop(name)
    return renamed


def unsupported_reason(params):
    """Return why two classes cannot be fitted by CrossEntropy, None if they can."""
    loss = params.get("loss_function", "Logloss")
    if loss not in ("Logloss", "CrossEntropy"):
        return f"loss_function={loss!r} is not the cross-entropy"
    for name in ("class_names", "classes_count", "target_border"):
        if name in params:
            return f"{name}={params[name]!r} is for hard labels only"
    return None


def train_on_probabilities(student_class, params, X, soft_labels, fit_params):
    """Return a model trained by CrossEntropy on the probabilities of CatBoost's second class.

    None if the metadata of models has another form than is known here.
    """
    loss = params.get("loss_function", "Logloss")
    hard_label_model = fit_class_order(soft_labels.classes)
    hard_label_metadata = hard_label_model.get_metadata()
    if not {"class_params", "params"} <= set(hard_label_metadata.keys()):
        return None
    _, second = class_positions(hard_label_model.classes_, soft_labels.classes)
    factors = weights_of_classes(params, soft_labels, second)
    targets = soft_labels.reweight_classes(factors)
    target = targets.proba[:, [second]]
    target = np.ravel(target.toarray() if sparse.issparse(target) else target)
    kept = {name: value for name, value in params.items() if name not in CLASS_WEIGHTS}
    trained = student_class(**{**kept, "loss_function": "CrossEntropy", "allow_const_label": True})
    if fit_params.get("eval_set") is not None:
        kinds = {**params, **fit_params}
        kinds = {name: kinds[name] for name in FEATURE_KINDS if kinds.get(name) is not None}
        sets = convert_eval_sets(
            fit_params["eval_set"], soft_labels.classes, second, factors, kinds
        )
        fit_params = {**fit_params, "eval_set": sets}
    trained.fit(X, target, sample_weight=targets.weight, **fit_params)

    metadata = trained.get_metadata()
    metadata["class_params"] = hard_label_metadata["class_params"]
    metadata["params"] = metadata["params"].replace('"CrossEntropy"', f'"{loss}"')
    return trained


def fit_class_order(classes):
    """Return a CatBoost model fitted on one row per class, whose `classes_` have its order.

    CatBoost sorts numeric text as numbers. This uses the bare model, because experiment trackers
    would log a fit of the estimator.
    """
    loss = "Logloss" if len(classes) == 2 else "MultiClass"
    params = {"iterations": 1, "logging_level": "Silent", "allow_writing_files": False}
    rows = np.arange(len(classes), dtype=float)[:, None]
    model = CatBoost({"loss_function": loss, "thread_count": 1, **params})
    return model.fit(rows, classes.tolist())


def convert_eval_sets(given, classes, second, factors, feature_kinds):
    """Return evaluation sets with the targets of CrossEntropy: 1.0 for the second class.

    Rows get the weight of their class, as CatBoost does for hard labels.
    """
    sets = []
    for pair in given if isinstance(given, list) else [given]:
        if not isinstance(pair, tuple):
            raise ValueError(
                f"eval_set must be a tuple (X, y), or a list of them, for two classes with soft "
                f"labels; got a {type(pair).__name__}, whose labels cannot be converted."
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
    """Return a model trained on the expansion, with the regularisation of the original rows."""
    warn_of_statistics(params, fit_params)
    params = dict(params)
    min_data_in_leaf = params.get("min_data_in_leaf", 1)
    copies = soft_labels.expand() if min_data_in_leaf == 1 else equal_copies(soft_labels)
    rows, _, _ = copies
    if min_data_in_leaf != 1:  # it counts rows, which all have the same number of copies
        params["min_data_in_leaf"] = min_data_in_leaf * np.bincount(rows).max()
    l2_leaf_reg = params.get("l2_leaf_reg", DEFAULT_L2_LEAF_REG)
    params["l2_leaf_reg"] = l2_leaf_reg * len(rows) / len(soft_labels)
    automatic = params.pop("auto_class_weights", None)
    if automatic in BALANCING:
        # CatBoost balances by class weight sums too, but rounds them down to integers.
        names = params.get("class_names")
        if names is None:
            names = fit_class_order(soft_labels.drop_empty_classes().classes).classes_
        positions = class_positions(names, soft_labels.classes)
        weights = balancing_weights(automatic, soft_labels)[positions]
        params["class_weights"] = np.where(positions >= 0, weights, 0)
    return fit_on_given_copies(student_class(**params), X, soft_labels, copies, **fit_params)


def weights_of_classes(params, soft_labels, second):
    """Return the class weights of two classes, in the order of `soft_labels.classes`.

    `second` is the position there of CatBoost's second class.
    """
    given, automatic = params.get("class_weights"), params.get("auto_class_weights")
    if isinstance(given, dict):
        return class_weights(given, soft_labels)
    if given is None and automatic in BALANCING:
        return balancing_weights(automatic, soft_labels)
    catboost_order = [1, params.get("scale_pos_weight", 1)] if given is None else list(given)
    return np.array(catboost_order if second == 1 else catboost_order[::-1], dtype=float)


def balancing_weights(automatic, soft_labels):
    """Return the class weights of "Balanced" or "SqrtBalanced"."""
    sums = soft_labels.class_weight_sums
    weights = np.divide(sums.max(), sums, out=np.zeros_like(sums), where=sums > 0)
    return weights ** BALANCING[automatic]


def learning_rate_for_hard_labels(params, X, soft_labels, fit_params):
    """Return CatBoost's automatic learning rate for hard labels; CrossEntropy has none."""
    params_of_fit = {
        name: value for name, value in fit_params.items() if not name.startswith("save_snap")
    }
    labels = placeholder_labels(soft_labels)
    multiclass = len(np.unique(labels)) > 2 and "target_border" not in params
    params = {"loss_function": "MultiClass" if multiclass else "Logloss", **params}
    first_round = CatBoost({**params, "save_snapshot": False})
    first_round.fit(
        X,
        labels,
        **{**params_of_fit, "callbacks": [StopAfterFirstRound()], "log_cout": StringIO()},
    )
    return first_round.learning_rate_


class StopAfterFirstRound:
    """Callback that stops training after one round."""

    def after_iteration(self, info):
        """Return whether to continue."""
        return False


def warn_of_statistics(params, fit_params):
    """Warn about features whose statistics ignore the weights of copies."""
    kinds = [name for name in FEATURE_KINDS if params.get(name) or fit_params.get(name)]
    if kinds and "one_hot_max_size" not in params:
        warn(
            f"CatBoostClassifier fits more than two classes by expansion. Its statistics of "
            f"features ({', '.join(kinds)}) then count one copy of a row per class and ignore its "
            "probability, so that they are not informative. Set one_hot_max_size to the largest "
            "number of categories, or encode such features before."
        )
