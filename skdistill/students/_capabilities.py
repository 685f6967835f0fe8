"""Checks that a student supports soft labels. They raise before anything is fitted.

A classifier is fitted on weighted copies of the rows. The weights must reach every inner estimator,
and no inner estimator may split or draw the copies as if they were rows. A regressor is fitted on
the original rows, with the probabilities as targets.
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
from sklearn.metrics import check_scoring
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
from ._class_weight import balanced_params, outer_label_kinds
from ._original_rows import refuse_to_split_copies, refuse_to_split_many_rows
from ._row_counts import refuse_to_count_drawn_copies
from ._step_kinds import NOTHING, target_of

# Classifiers that take no sample_weight, and the regressor of the same kind.
EQUIVALENT_REGRESSORS = {
    "GaussianProcessClassifier": "GaussianProcessRegressor",
    "KNeighborsClassifier": "KNeighborsRegressor",
    "MLPClassifier": "MLPRegressor",
    "RadiusNeighborsClassifier": "RadiusNeighborsRegressor",
}
# Meta-estimators that pass the target to an inner regressor, and the name of its parameter. The
# searches share a base class, which also covers the experimental ones.
SEARCH = GridSearchCV.__base__
INNER_REGRESSOR = {
    SEARCH: "estimator",
    BaggingRegressor: "estimator",
    RANSACRegressor: "estimator",
    RFE: "estimator",
    RFECV: "estimator",
    TransformedTargetRegressor: "regressor",
}


class DataSummary(NamedTuple):
    """Summary of soft labels that is available before any teacher is fitted."""

    n_classes: int
    n_rows: int
    weighted: bool = False  # row weights differ
    n_labelled: int = 0  # number of rows with a true label
    classes_are_text: bool = False  # or any other type that is not numeric

    @classmethod
    def of(cls, soft_labels):
        """Return the summary of soft labels."""
        weight = soft_labels.weight
        weighted = len(weight) > 0 and not (weight == weight[0]).all()
        n_labelled = int(np.count_nonzero(soft_labels.codes >= 0))
        if n_labelled == 0 and soft_labels.is_one_hot:  # a one-hot row is a label
            n_labelled = len(soft_labels)
        return cls(
            len(soft_labels.classes),
            len(soft_labels),
            weighted,
            n_labelled,
            not are_numbers(soft_labels.classes),
        )


def are_numbers(classes):
    """Return whether classes are numeric and can be used as a regression target."""
    return classes.dtype.kind in "biuf"


def check_expansion(student, summary, *, ignore=()):
    """Raise unless a classifier can be fitted correctly on weighted copies of the rows.

    Parameters named in `ignore` may split rows, because they get folds of original rows.
    """
    refuse_foreign_pipeline(student)
    if isinstance(student, SelfTrainingClassifier):
        raise TypeError(
            f"{student!r} labels rows that have no label, but every row has a soft label. Use its "
            "inner classifier as student, and pass unlabelled rows as X_unlabeled."
        )
    if _has_tags(student) and not get_tags(student).target_tags.single_output:
        raise TypeError(
            f"{student!r} predicts several outputs per row, and soft labels are a single output. "
            "Use its inner classifier as student."
        )
    refuse_to_split_copies(student, ignore=ignore)
    refuse_to_split_many_rows(student, summary.n_rows)
    if not (takes_sample_weight(student) or takes_sample_weight(student, "partial_fit")):
        raise TypeError(_no_weights_message(student))
    refuse_to_count_drawn_copies(student)
    _check_prefit(student)
    check_inside(student, student)
    for name in balanced_params(student):
        kinds = outer_label_kinds(student, name)
        if "both" in kinds:
            raise ValueError(
                f'{type(student).__name__} ({name}="balanced") would count copies of rows, one per '
                "class. With ensemble=False, some fits of the estimator inside "
                "CalibratedClassifierCV get labels and others their positions, so that no class "
                f"weights are valid for all fits. Set ensemble=True, or {name}=None."
            )
        if "binary" in kinds:
            raise ValueError(
                f'{type(student).__name__} ({name}="balanced") would count copies of rows, one per '
                "class. Its inner estimators are fitted on different classes, so that no class "
                f"weights are valid for all of them. Set {name}=None."
            )


def refuse_foreign_pipeline(student):
    """Raise if a student is a Pipeline of another package that overrides `fit`."""
    if isinstance(student, Pipeline) and not is_pipeline(student):
        raise TypeError(unknown_meta_estimator_message(student))


def check_cross_validating(student, summary):
    """Call :func:`check_expansion` for a student whose `cv` gets folds of original rows."""
    check_expansion(student, summary, ignore={"cv"})


def check_regression(student, summary):
    """Raise unless a regressor supports the number of target columns and the weights."""
    n_classes = summary.n_classes
    _refuse_resampling(student)
    _check_inner_regressors(student, n_classes)
    if n_classes > 2 and not supports_multioutput(student):
        inner = getattr(student, "regressor", None) or student  # of logit_regressor
        raise ValueError(
            f"The target has {n_classes} columns, the probabilities of the classes, and {inner!r} "
            f"takes one column only. Wrap it: MultiOutputRegressor({type(inner).__name__}(...))"
            f"{'' if hasattr(student, 'predict') else ', with a final_estimator of its own'}. If "
            "it is your class and takes several columns, set its tag target_tags.multi_output."
        )
    n_targets = 1 if n_classes == 2 else n_classes
    inside = _target_estimator(student)
    if isinstance(inside, CCA | PLSCanonical) and inside.n_components > n_targets:
        raise ValueError(
            f"{type(inside).__name__}(n_components={inside.n_components}) needs that many target "
            f"columns, and the probabilities of {n_classes} classes have {n_targets}. Set "
            f"n_components={n_targets}."
        )
    if summary.weighted and not takes_sample_weight(student):
        raise ValueError(f"{student!r} takes no sample_weight, {ROW_WEIGHTS_DIFFER}")
    if summary.weighted:
        check_weight_requests(student)


def _refuse_resampling(student):
    """Raise if a Pipeline that ends in a regressor adds or drops rows by their labels."""
    if not isinstance(student, Pipeline):
        return
    for step in inner_estimators(student).values():
        if hasattr(step, "fit_resample"):
            raise TypeError(
                f"{type(step).__name__} in the student adds or drops rows by their labels, and a "
                "regressor is fitted on probabilities. Use sklearn.pipeline.Pipeline without it, "
                "and balance the classes by sample_weight; or use a classifier with "
                'class_weight="balanced".'
            )


def _check_inner_regressors(student, n_classes):
    """Raise if a search or bagging cannot fit the regressor inside it."""
    for each in _target_chain(student):
        if isinstance(each, SEARCH):
            _check_default_scorer(each)
        if isinstance(each, BaggingRegressor) and n_classes == 2 and requires_2d_target(each):
            raise ValueError(
                f"{type(each).__name__} passes the probability of one class on as a 1-D array, and "
                f"{each.estimator!r} inside it takes 2-D targets only. Use a regressor of a single "
                "target inside it, such as ElasticNet."
            )


def _check_default_scorer(search):
    """Raise if a search cannot use the `score` of its estimator.

    scikit-learn 1.7 reads its metadata requests: an error for MultiTaskElasticNet and
    MultiTaskLasso.
    """
    if search.scoring is not None:
        return
    try:
        check_scoring(search.estimator)
    except ValueError as error:
        raise ValueError(
            f"{type(search).__name__} cannot use the score of {search.estimator!r} in this "
            f'scikit-learn ({error}). Set its scoring, such as scoring="r2".'
        ) from error


ROW_WEIGHTS_DIFFER = (
    "but the row weights differ (from sample_weight, or unlabelled rows with alpha < 1). Use a "
    "regressor that takes it, or give every row the same weight."
)


def _has_tags(estimator):
    return hasattr(estimator, "__sklearn_tags__")


def supports_multioutput(regressor):
    """Return whether a regressor takes several target columns; assume so without tags."""
    inside = _target_estimator(regressor)
    if not _has_tags(inside):
        return True
    # MLPRegressor supports it, although its tag is False.
    return isinstance(inside, MLPRegressor) or get_tags(inside).target_tags.multi_output


def requires_2d_target(regressor):
    """Return whether a regressor takes a single target only as a 2-D array."""
    inside = _target_estimator(regressor)
    return _has_tags(inside) and not get_tags(inside).target_tags.single_output


def _target_estimator(regressor):
    """Return the innermost regressor that the target is passed to."""
    return _target_chain(regressor)[-1]


def _target_chain(regressor):
    """Return a regressor, the one inside it that the target is passed to, and so on."""
    if is_pipeline(regressor) and regressor.steps:
        return [regressor, *_target_chain(regressor.steps[-1][1])]
    cls = type(regressor)
    name = INNER_REGRESSOR.get(SEARCH if issubclass(cls, SEARCH) else cls)
    if name is None or not hasattr(regressor, name):
        return [regressor]
    inside = getattr(regressor, name)
    if inside is None:  # scikit-learn's default, a tree or least squares, is multi-output
        return [regressor, DecisionTreeRegressor()]
    return [regressor, *_target_chain(inside)]


def _no_weights_message(student):
    """Return the error message for a student that takes no sample weights."""
    culprit = _estimator_without_weights(student)
    if culprit is not student:
        return _inner_without_weights_message(student, culprit)
    routing = get_config()["enable_metadata_routing"]
    takes = getattr(inner_fit(student), "takes_weights", ALWAYS)
    if takes == UNROUTED and routing:
        return (
            f"{student!r} cannot learn from probabilities: its fit takes no sample_weight while "
            "metadata is routed. Disable metadata routing, "
            "sklearn.set_config(enable_metadata_routing=False)."
        )
    if takes == ROUTED and not routing:
        return (
            f"{student!r} cannot learn from probabilities: its fit takes no sample_weight unless "
            "metadata is routed. Enable it with sklearn.set_config(enable_metadata_routing=True) "
            "and call set_fit_request(sample_weight=True) on the inner estimator; or use the inner "
            "estimator as student."
        )
    equivalent = EQUIVALENT_REGRESSORS.get(type(student).__name__, "a regressor of the same kind")
    return (
        f"{student!r} cannot learn from probabilities: its fit takes no sample_weight. Any "
        f"regressor learns from them directly: use {equivalent}; or use "
        "LogisticRegression, a tree, a forest, a booster or naive Bayes as student."
    )


def _estimator_without_weights(student):
    """Return the estimator that takes no weights: the student, or one inside it."""
    inside = without_weights(student)
    if inside and inner_fit(student) is not None and not isinstance(student, Pipeline):
        return (
            inside[0] if takes_sample_weight(inside[0]) else _estimator_without_weights(inside[0])
        )
    return student


def _inner_without_weights_message(student, inside):
    """Return the error message for an inner estimator that takes no sample weights."""
    begin = (
        f"{type(student).__name__} passes soft labels on as weights of copies of each row, and "
        f"{inside!r} inside it takes no sample_weight: it would give all copies the same weight. "
    )
    if isinstance(inside, Pipeline):
        return (
            f"{begin}Move its transformers in front, "
            f"make_pipeline(StandardScaler(), {type(student).__name__}(...)); or enable metadata "
            "routing, sklearn.set_config(enable_metadata_routing=True), and let its steps request "
            "sample_weight."
        )
    return f"{begin}Use one that does, such as LogisticRegression, a tree or naive Bayes."


def unknown_meta_estimator_message(student):
    """Return the error message for a meta-estimator that skdistill does not know."""
    inside = [type(each).__name__ for each in inner_estimators(student).values()]
    cls = type(student)
    package = cls.__module__.partition(".")[0]
    base_class = next(
        (each for each in cls.__mro__ if each is Pipeline or each in INNER_FITS), None
    )
    overrides = f" (it overrides the fit of {base_class.__name__})" if base_class else ""
    alternative = "its inner estimator"
    if base_class is Pipeline:
        alternative = (
            "sklearn.pipeline.Pipeline, with steps that neither add nor drop rows; class_weight="
            '"balanced" does what resampling by classes does'
        )
    return (
        f"{package}'s {cls.__name__} fits estimators inside it ({', '.join(inside)}) by its own "
        f"method{overrides}, and skdistill does not know whether soft labels reach them. Use "
        f"{alternative} as student; or register a function that fits it, "
        f"skdistill.students.register({cls.__name__})."
    )


def _check_prefit(student):
    """Raise if prefit inner estimators are not frozen: cloning the student would unfit them."""
    params = student.get_params(deep=False)
    if not (isinstance(params.get("cv"), str) and params["cv"] == "prefit"):
        return
    given = params.get("estimators") or [("estimator", params.get("estimator"))]
    unfrozen = [name for name, each in given if hasattr(each, "fit") and not _is_frozen(each)]
    if unfrozen:
        raise ValueError(
            f'{type(student).__name__}(cv="prefit") as student is cloned, and its estimators '
            f"{unfrozen} with it, so that they are no longer fitted. Wrap each of them: "
            "sklearn.frozen.FrozenEstimator(fitted)."
        )


def _is_frozen(estimator):
    return isinstance(estimator, FrozenEstimator)


def check_inside(student, outermost):
    """Raise unless the weights reach every inner estimator that is fitted on copies of rows."""
    fits_inside = inner_fit(student)
    inside = inner_estimators(student)
    if is_pipeline(student):
        _check_steps(student, outermost)
        return
    if fits_inside is None and inside:
        raise TypeError(unknown_meta_estimator_message(student))
    for name, each in inside.items():
        if fits_inside.draws and not _consumes_weights(each):
            continue  # it is fitted on the drawn rows
        if not takes_sample_weight(each):
            raise TypeError(_inner_without_weights_message(student, each))
        # Stacking passes sample_weight to its final estimator, whatever that requests.
        if name != "final_estimator" and get_config()["enable_metadata_routing"]:
            _check_request(student, each)
        check_inside(each, outermost)


def _check_steps(pipeline, outermost):
    """Raise unless the weights reach the supervised steps of a Pipeline."""
    *before, (_, last) = pipeline.steps
    for _, step in before:
        if hasattr(step, "fit") and target_of(step) != NOTHING:
            if not takes_sample_weight(step):
                raise TypeError(_inner_without_weights_message(outermost, step))
            _check_request(outermost, step)
        elif hasattr(step, "fit"):
            _check_request(outermost, step, or_none=True)
    _check_request(outermost, last)
    check_inside(last, outermost)


def _consumes_weights(estimator):
    """Return whether bagging would pass the weights of the drawn rows to an estimator."""
    if get_config()["enable_metadata_routing"]:
        return _routing_of(estimator).consumes("fit", ("sample_weight",))
    return "sample_weight" in signature(estimator.fit).parameters


def _routing_of(estimator):
    """Return the metadata requests of an estimator; raise if an inner one has no routing."""
    try:
        return get_routing_for_object(estimator)
    except NotImplementedError as error:
        raise TypeError(
            f"{error} {estimator!r} gets no soft labels while metadata is routed: disable metadata "
            "routing, sklearn.set_config(enable_metadata_routing=False)."
        ) from error


def check_weight_requests(student):
    """Raise if metadata is routed and an inner estimator has no request for sample_weight."""
    if not get_config()["enable_metadata_routing"] or not inner_estimators(student):
        return
    for owner, method in _unset_weight_requests(_routing_of(student), "fit"):
        raise ValueError(
            f"{type(student).__name__} passes sample_weight on while metadata is routed, "
            f"and {owner} inside it neither requests nor declines them in its {method}. Call "
            f"set_{method}_request(sample_weight=True) on it, or disable metadata routing."
        )


def _unset_weight_requests(requests, method):
    """Yield (owner, method) of each inner method without a request for sample_weight."""
    if isinstance(requests, MetadataRequest):
        if getattr(requests, method).requests.get("sample_weight", False) is None:
            yield requests.owner, method
        return
    for _, (mapping, inside) in requests:
        for pair in mapping:
            if pair.caller == method:
                yield from _unset_weight_requests(inside, pair.callee)


def _check_request(student, inside, *, or_none=False):
    """Raise if metadata routing would not pass the weights to an inner estimator.

    With `or_none`, it may also decline them by ``sample_weight=False``.
    """
    requests = _routing_of(inside)
    if not isinstance(requests, MetadataRequest):
        return
    requested = requests.fit.requests.get("sample_weight", False)
    if requested is not True and not (or_none and requested is False):
        raise ValueError(
            f"{type(student).__name__} passes soft labels on as sample_weight, and "
            f"{type(inside).__name__} inside it has set_fit_request(sample_weight={requested!r}): "
            "it would get one copy of each row per class, all of the same weight. Set "
            "set_fit_request(sample_weight=True) on it. To use no row weights, pass none."
        )
