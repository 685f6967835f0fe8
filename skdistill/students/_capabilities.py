"""Can a student learn soft labels? Each check raises, with a remedy, before anything is fitted.

A classifier gets soft labels as weighted copies of the rows: the weights must reach everything
that is fitted inside it, and nothing inside may split or draw the copies as if they were rows. A
regressor gets the rows themselves, with the probabilities as targets.
"""

from inspect import signature
from typing import NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import CCA, PLSCanonical
from sklearn.ensemble import BaggingRegressor
from sklearn.feature_selection import RFE, RFECV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RANSACRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

from .._utils._sample_weight import (
    ALWAYS,
    INNER_FITS,
    ROUTED,
    UNROUTED,
    inner_estimators,
    inner_fit,
    is_pipeline,
    takes_sample_weight,
    without_weights,
)
from ._class_weight import balanced_params, labels_around
from ._original_rows import refuse_to_split_copies, refuse_to_split_many_rows
from ._row_counts import refuse_to_count_drawn_copies
from ._step_kinds import NOTHING, target_of

# Classifiers that take no weights, and the regressor that learns probabilities in their way.
SAME_JOB = {
    "GaussianProcessClassifier": "GaussianProcessRegressor",
    "KNeighborsClassifier": "KNeighborsRegressor",
    "LinearDiscriminantAnalysis": "LinearRegression",
    "MLPClassifier": "MLPRegressor",
    "QuadraticDiscriminantAnalysis": "make_pipeline(PolynomialFeatures(2), LinearRegression())",
    "RadiusNeighborsClassifier": "RadiusNeighborsRegressor",
}
# Regressors that hand their target on to the one inside them, and its name. The searches have a
# base in common, which tells those that scikit-learn calls experimental, too.
SEARCH = GridSearchCV.__base__
HAND_TARGET_ON = {
    SEARCH: "estimator",
    BaggingRegressor: "estimator",
    RANSACRegressor: "estimator",
    RFE: "estimator",
    RFECV: "estimator",
    TransformedTargetRegressor: "regressor",
}


class DataSummary(NamedTuple):
    """What is known of soft labels before any teacher has given them."""

    n_classes: int
    n_rows: int
    weighted: bool = False  # some rows weigh more than others
    n_labelled: int = 0  # rows of which a label is known
    classes_are_text: bool = False  # or something else that is no number

    @classmethod
    def of(cls, soft_labels):
        """Return the summary of soft labels."""
        weight = soft_labels.weight
        weighted = len(weight) > 0 and not (weight == weight[0]).all()
        n_labelled = int(np.count_nonzero(soft_labels.codes >= 0))
        if n_labelled == 0 and soft_labels.is_one_hot:  # one-hot rows say it as well
            n_labelled = len(soft_labels)
        return cls(
            len(soft_labels.classes),
            len(soft_labels),
            weighted,
            n_labelled,
            not are_numbers(soft_labels.classes),
        )


def are_numbers(classes):
    """Return whether classes are numbers, so that what takes numbers takes them as they are."""
    return classes.dtype.kind in "biuf"


def check_expansion(student, summary, *, but_for=()):
    """Raise unless a classifier learns soft labels right from weighted copies of the rows.

    Parameters named in `but_for` may split rows: they are given folds of original rows.
    """
    refuse_own_pipeline(student)
    if isinstance(student, SelfTrainingClassifier):
        raise TypeError(
            f"{student!r} labels rows that have no label, and every row has a soft label: give the "
            "classifier inside it as student, and unlabelled rows as X_unlabeled."
        )
    if _has_tags(student) and not get_tags(student).target_tags.single_output:
        raise TypeError(
            f"{student!r} learns several outputs per row, and soft labels are one: give the "
            "classifier inside it as student."
        )
    refuse_to_split_copies(student, but_for=but_for)
    refuse_to_split_many_rows(student, summary.n_rows)
    if not (takes_sample_weight(student) or takes_sample_weight(student, "partial_fit")):
        raise TypeError(_no_weights(student))
    refuse_to_count_drawn_copies(student)
    _check_prefit(student)
    check_inside(student, student)
    for name in balanced_params(student):
        shown = labels_around(student, name)
        if "both" in shown:
            raise ValueError(
                f'{type(student).__name__} ({name}="balanced") would count copies of rows, one per '
                "class: with ensemble=False the estimator inside CalibratedClassifierCV is shown "
                "labels in one fit and their positions in others, so that no class weights serve "
                f"all of them. Set ensemble=True, or {name}=None."
            )
        if "binary" in shown:
            raise ValueError(
                f'{type(student).__name__} ({name}="balanced") would count copies of rows, one per '
                "class: each estimator inside it learns other classes, so that no class weights "
                f"serve all of them. Set {name}=None."
            )


def refuse_own_pipeline(student):
    """Raise if a student is a Pipeline of another package, whose `fit` is its own."""
    if isinstance(student, Pipeline) and not is_pipeline(student):
        raise TypeError(unknown_inside(student))


def check_cross_validating(student, summary):
    """As :func:`check_expansion`, for a student whose `cv` is given folds of original rows."""
    check_expansion(student, summary, but_for={"cv"})


def check_hist_boosting(student, summary):
    """Raise where early stopping cannot be given original rows, before scikit-learn 1.7."""
    if "X_val" not in signature(student.fit).parameters:
        check_expansion(student, summary)


def check_regression(student, summary):
    """Raise unless a regressor learns the probabilities of so many classes, and the weights."""
    name, n_classes = type(student).__name__, summary.n_classes
    _refuse_resampling(student)
    if n_classes > 2 and not _takes_columns(student):
        raise ValueError(
            f"The target has {n_classes} columns, the probabilities of the classes, and "
            f"{student!r} takes one column only. Wrap it: MultiOutputRegressor({name}(...))"
            f"{'' if hasattr(student, 'predict') else ', with a final_estimator of its own'}; a "
            "class of your own that takes several says so by the tag target_tags.multi_output."
        )
    n_targets = 1 if n_classes == 2 else n_classes
    inside = _fits_the_target(student)
    if isinstance(inside, CCA | PLSCanonical) and inside.n_components > n_targets:
        raise ValueError(
            f"{type(inside).__name__}(n_components={inside.n_components}) needs as many target "
            f"columns, and the probabilities of {n_classes} classes are {n_targets}. Set "
            f"n_components={n_targets}."
        )
    if summary.weighted and not takes_sample_weight(student):
        raise ValueError(f"{student!r} takes no sample_weight, {ROWS_DIFFER_IN_WEIGHT}")
    if summary.weighted:
        _check_decided(student)


def _refuse_resampling(student):
    """Raise if a Pipeline that ends in a regressor adds or drops rows by their labels."""
    if not isinstance(student, Pipeline):
        return
    for step in inner_estimators(student).values():
        if hasattr(step, "fit_resample"):
            raise TypeError(
                f"{type(step).__name__} in the student adds or drops rows by their labels, and a "
                "regressor learns probabilities. Use sklearn.pipeline.Pipeline without it, and let "
                "sample_weight balance the classes; or take a classifier with "
                'class_weight="balanced".'
            )


ROWS_DIFFER_IN_WEIGHT = (
    "but the rows weigh differently (from sample_weight, or unlabelled rows with alpha < 1). Use a "
    "regressor that takes it, or give every row the same weight."
)


def _has_tags(estimator):
    return hasattr(estimator, "__sklearn_tags__")


def _takes_columns(regressor):
    """Return whether a regressor takes a target of several columns; one without tags may."""
    inside = _fits_the_target(regressor)
    if not _has_tags(inside):
        return True
    # The tag of MLPRegressor says no, and it does.
    return isinstance(inside, MLPRegressor) or get_tags(inside).target_tags.multi_output


def needs_columns(regressor):
    """Return whether a regressor takes a single target only as an array of two dimensions."""
    inside = _fits_the_target(regressor)
    return _has_tags(inside) and not get_tags(inside).target_tags.single_output


def _fits_the_target(regressor):
    """Return the regressor that a target is handed on to, through those that hand it on."""
    if is_pipeline(regressor) and regressor.steps:
        return _fits_the_target(regressor.steps[-1][1])
    cls = type(regressor)
    name = HAND_TARGET_ON.get(SEARCH if issubclass(cls, SEARCH) else cls)
    if name is None:
        return regressor
    inside = getattr(regressor, name)
    if inside is None:  # the default of scikit-learn: a tree or least squares, which take columns
        return DecisionTreeRegressor()
    return _fits_the_target(inside)


def _no_weights(student):
    """Return why a student that takes no weights cannot learn soft labels, and what to do."""
    culprit = _estimator_without_weights(student)
    if culprit is not student:
        return _none_inside(student, culprit)
    routing = get_config()["enable_metadata_routing"]
    takes = getattr(inner_fit(student), "takes_weights", ALWAYS)
    if takes == UNROUTED and routing:
        return (
            f"{student!r} cannot learn from probabilities: its fit takes no sample_weight while "
            "metadata is routed. Disable it with sklearn.set_config(enable_metadata_routing=False)."
        )
    if takes == ROUTED and not routing:
        return (
            f"{student!r} cannot learn from probabilities: its fit takes no sample_weight unless "
            "metadata is routed. Enable it with sklearn.set_config(enable_metadata_routing=True) "
            "and let the estimator inside request them, set_fit_request(sample_weight=True); or "
            "give the estimator inside it as student."
        )
    same_job = SAME_JOB.get(type(student).__name__, "a regressor of the same kind")
    return (
        f"{student!r} cannot learn from probabilities: its fit takes no sample_weight. Any "
        f"regressor learns from them directly, so that {same_job} does the same job; or take "
        "LogisticRegression, a tree, a forest, a booster or naive Bayes as student."
    )


def _estimator_without_weights(student):
    """Return who takes no weights: a student itself, or one inside it."""
    inside = without_weights(student)
    if inside and inner_fit(student) is not None and not isinstance(student, Pipeline):
        return (
            inside[0] if takes_sample_weight(inside[0]) else _estimator_without_weights(inside[0])
        )
    return student


def _none_inside(student, inside):
    """Return why a student cannot learn soft labels with that estimator inside, and what to do."""
    begin = (
        f"{type(student).__name__} hands soft labels on as weights of copies of each row, and "
        f"{inside!r} inside it takes no sample_weight: it would learn from copies that are all "
        "alike. "
    )
    if isinstance(inside, Pipeline):
        return (
            f"{begin}Put the steps before it in front, "
            f"make_pipeline(StandardScaler(), {type(student).__name__}(...)); or enable metadata "
            "routing, sklearn.set_config(enable_metadata_routing=True), and let its steps request "
            "sample_weight."
        )
    return f"{begin}Take one that does, such as LogisticRegression, a tree or naive Bayes."


def unknown_inside(student):
    """Return why a meta-estimator that is not known is refused, and what to do."""
    inside = [type(each).__name__ for each in inner_estimators(student).values()]
    cls = type(student)
    package = cls.__module__.partition(".")[0]
    known = next((base for base in cls.__mro__ if base is Pipeline or base in INNER_FITS), None)
    own_fit = f" (it overrides the fit of {known.__name__})" if known else ""
    instead = "the estimator inside it"
    if known is Pipeline:
        instead = (
            "sklearn.pipeline.Pipeline, with steps that neither add nor drop rows; class_weight="
            '"balanced" does what resampling by classes does'
        )
    return (
        f"{package}'s {cls.__name__} fits estimators inside it ({', '.join(inside)}) in a way of "
        f"its own{own_fit}, and whether soft labels reach them is not known. As student, use "
        f"{instead}; or say how it learns with skdistill.students.register({cls.__name__})."
    )


def _check_prefit(student):
    """Raise if estimators that are said to be fitted would be cloned, which unfits them."""
    params = student.get_params(deep=False)
    if not (isinstance(params.get("cv"), str) and params["cv"] == "prefit"):
        return
    given = params.get("estimators") or [("estimator", params.get("estimator"))]
    unfrozen = [name for name, each in given if hasattr(each, "fit") and not _is_frozen(each)]
    if unfrozen:
        raise ValueError(
            f'{type(student).__name__}(cv="prefit") as student is cloned, and its estimators '
            f"{unfrozen} with it, which forgets what they have learnt. Wrap each of them: "
            "sklearn.frozen.FrozenEstimator(fitted)."
        )


def _is_frozen(estimator):
    return isinstance(estimator, FrozenEstimator)


def check_inside(student, outermost):
    """Raise unless the weights reach all that is fitted inside a student on copies of rows."""
    known = inner_fit(student)
    inside = inner_estimators(student)
    if is_pipeline(student):
        _check_steps(student, outermost)
        return
    if known is None and inside:
        raise TypeError(unknown_inside(student))
    for name, each in inside.items():
        if known.draws and not _consumes_weights(each):
            continue  # it sees the drawn rows
        if not takes_sample_weight(each):
            raise TypeError(_none_inside(student, each))
        # A final estimator of stacking gets what its `fit` got, whatever it requests.
        if name != "final_estimator" and get_config()["enable_metadata_routing"]:
            _check_request(student, each)
        check_inside(each, outermost)


def _check_steps(pipeline, outermost):
    """Raise unless the weights reach the steps of a Pipeline that learn from labels."""
    *before, (_, last) = pipeline.steps
    for _, step in before:
        if hasattr(step, "fit") and target_of(step) != NOTHING:
            if not takes_sample_weight(step):
                raise TypeError(_none_inside(outermost, step))
            _check_request(outermost, step)
        elif hasattr(step, "fit"):
            _check_request(outermost, step, or_none=True)
    _check_request(outermost, last)
    check_inside(last, outermost)


def _consumes_weights(estimator):
    """Return whether bagging would hand the weights of what it drew on to an estimator."""
    if get_config()["enable_metadata_routing"]:
        return _routing_of(estimator).consumes("fit", ("sample_weight",))
    return "sample_weight" in signature(estimator.fit).parameters


def _routing_of(estimator):
    """Return what an estimator requests; raise where one inside it cannot say."""
    try:
        return get_routing_for_object(estimator)
    except NotImplementedError as error:
        raise TypeError(
            f"{error} {estimator!r} gets no soft labels while metadata is routed: disable it with "
            "sklearn.set_config(enable_metadata_routing=False)."
        ) from error


def _check_decided(student):
    """Raise if metadata is routed, and something inside neither requests nor declines weights."""
    if not get_config()["enable_metadata_routing"] or not inner_estimators(student):
        return
    for owner, method in _undecided(_routing_of(student), "fit"):
        raise ValueError(
            f"{type(student).__name__} hands weights on as sample_weight while metadata is routed, "
            f"and {owner} inside it neither requests nor declines them in its {method}. Call "
            f"set_{method}_request(sample_weight=True) on it, or disable metadata routing."
        )


def _undecided(requests, method):
    """Yield who would raise when a method routes sample weights: its owner, and its method."""
    if isinstance(requests, MetadataRequest):
        if getattr(requests, method).requests.get("sample_weight", False) is None:
            yield requests.owner, method
        return
    for _, (mapping, inside) in requests:
        for pair in mapping:
            if pair.caller == method:
                yield from _undecided(inside, pair.callee)


def _check_request(student, inside, *, or_none=False):
    """Raise if metadata routing would not bring the weights to an estimator inside a student.

    With `or_none` it may decline them, as long as it says so, which scikit-learn asks for.
    """
    requests = _routing_of(inside)
    if not isinstance(requests, MetadataRequest):
        return
    asked = requests.fit.requests.get("sample_weight", False)
    if asked is not True and not (or_none and asked is False):
        raise ValueError(
            f"{type(student).__name__} hands soft labels on as sample_weight, and "
            f"{type(inside).__name__} inside it has set_fit_request(sample_weight={asked!r}): "
            "it would see each row once per class, all alike. Let it request "
            "sample_weight=True; to leave out the weights of rows, pass none."
        )
