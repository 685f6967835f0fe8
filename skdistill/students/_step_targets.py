"""What the supervised steps of a student Pipeline learn from, where labels are soft.

A step's `fit` gets, whichever comes first,

- the expected target of each original row, where it takes numbers: Σ_k p_k y_k for classes that
  are numbers, p of the second class for two that are not;
- weighted copies of the rows, one per class, where its `fit` takes `sample_weight` and splits no
  rows;
- the rows that have a true label, with that label;

or the Pipeline is refused, before any teacher is fitted. A class of which nothing is known, and
which can do without a target, gets none where no row has a label, with a warning. The `transform`
of a step sees each row once.
`TargetEncoder` gets the probabilities, a class at a time: see `_target_encoder.py`.
"""

import warnings
from inspect import signature

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import TargetEncoder
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metadata_routing import get_routing_for_object

from .._targets._soft_labels import SoftLabels
from .._utils._concatenate import stack_rows
from .._utils._rows import count_rows, rows_of
from .._utils._sample_weight import takes_sample_weight
from ._capabilities import DataSummary, are_numbers, check_expansion, check_inside
from ._step_kinds import (
    HAND_PAIRS_ON,
    NOTHING,
    NUMBERS,
    UNKNOWN,
    is_container,
    is_fitted_as,
    target_of,
    transformers_inside,
)
from ._target_encoder import check_target_encoder, fit_target_encoder
from .expansion import fit_on_copies

EXPECTED, COPIES, TRUE_LABELS = "expected target", "weighted copies", "true labels"
PROBABILITIES, NO_TARGET = "probabilities", "no target"


def check_steps(pipeline: Pipeline, summary: DataSummary) -> None:
    """Raise unless all steps before the last can be given a target; no row is needed for that."""
    for _, step in pipeline.steps[:-1]:
        if step is not None and not isinstance(step, str):
            _check_step(step, summary)


def _check_step(step, summary):
    if not _transforms_rows(step):
        raise TypeError(
            f"{step!r} cannot be a step before the last of a Pipeline: it must have transform, and "
            "a fit that takes rows X and a target y. Take a transformer of rows."
        )
    if is_container(step):
        for each in transformers_inside(step):
            _check_step(each, summary)
        _check_remainder(step)
    elif target_of(step) != NOTHING:
        way_of_step(step, summary)


def _transforms_rows(step):
    """Return whether a Pipeline can fit a step, and transform rows by it."""
    fit = getattr(step, "fit_transform", None) or getattr(step, "fit", None)
    try:
        signature(fit).bind("X", "y")
    except TypeError:
        return False
    return hasattr(step, "transform")


def _check_remainder(container):
    """Raise if a ColumnTransformer has a supervised step for the columns that nobody names."""
    remainder = getattr(container, "remainder", None)
    if hasattr(remainder, "fit") and target_of(remainder) != NOTHING:
        raise TypeError(
            f"ColumnTransformer(remainder={remainder!r}): a supervised step gets soft targets only "
            "for columns that are named. List it, with its columns, among the transformers."
        )


def way_of_step(step, summary):
    """Return how a supervised step is fitted; raise where there is no right way."""
    if any(is_fitted_as(type(step), base) for base in HAND_PAIRS_ON):
        raise TypeError(
            f"{step!r} before the last step of a Pipeline hands a pair of arrays on, which no "
            f"other step takes. {FREEZE}, or take PCA."
        )
    kind = target_of(step)
    if is_fitted_as(type(step), TargetEncoder) and step.target_type != "continuous":
        check_target_encoder(step, summary)
        return PROBABILITIES
    if kind == NUMBERS:
        if not summary.classes_are_text or summary.n_classes == 2:
            return EXPECTED
        obstacle = f"it takes numbers, and the {summary.n_classes} classes are none"
        raise TypeError(_cannot_learn(step, obstacle, "Encode the classes as numbers"))
    obstacle = _obstacle_to_copies(step, kind, summary)
    if obstacle is None:
        return COPIES
    if summary.n_labelled:
        return TRUE_LABELS
    if kind == UNKNOWN and _can_do_without(step):
        return NO_TARGET
    remedy = "Give the true labels that there are, SoftLabels(P, y=y) or DistilledClassifier"
    if hasattr(step, "score_func"):
        remedy = f"Take a score of numbers, such as f_regression; or g{remedy[1:]}"
    raise TypeError(_cannot_learn(step, f"no row has a true label, and {obstacle}", remedy))


def _can_do_without(step):
    """Return whether the `fit` of a step says that its target may be left out."""
    parameter = signature(step.fit).parameters.get("y")
    needs = hasattr(step, "__sklearn_tags__") and get_tags(step).target_tags.required
    return parameter is not None and parameter.default is None and not needs


FREEZE = (
    "Fit it beforehand and freeze it, sklearn.frozen.FrozenEstimator(step.fit(X, y)), in its place"
)


def _cannot_learn(step, obstacle, remedy):
    """Return why a step cannot be given soft labels, and what to do."""
    return (
        f"{step!r}, a step of the Pipeline, learns from its target and cannot be given soft "
        f"labels: {obstacle}. {remedy}; or f{FREEZE[1:]}."
    )


def _obstacle_to_copies(step, kind, summary):
    """Return why weighted copies of rows are no way to fit a step, None if they are."""
    if not takes_sample_weight(step):
        return "its fit, or that of an estimator inside it, takes no sample_weight"
    if kind == UNKNOWN and not _fits_then_transforms(type(step)):
        return "its fit_transform may split rows"
    try:
        check_expansion(step, summary)
    except (TypeError, ValueError) as error:
        return f"weighted copies of rows cannot take their place ({error})"
    return None


def _fits_then_transforms(cls):
    """Return whether `fit_transform` is `fit` and then `transform`."""
    return getattr(cls, "fit_transform", TransformerMixin.fit_transform) is (
        TransformerMixin.fit_transform
    )


def with_soft_targets(step, soft_labels):
    """Return a step whose supervised transformers, itself or inside it, get soft targets.

    Containers are changed in place; :func:`without_soft_targets` takes it back once all is fitted.
    """
    if step is None or isinstance(step, str):
        return step
    if is_container(step):
        return _in_container(step, lambda each: with_soft_targets(each, soft_labels))
    return step if target_of(step) == NOTHING else SoftTargetStep(step, soft_labels)


def without_soft_targets(step):
    """Return a step with the transformers that were fitted, in the place of what fitted them."""
    if isinstance(step, SoftTargetStep):
        return getattr(step, "step_", step.step)
    return _in_container(step, without_soft_targets) if is_container(step) else step


def _in_container(container, change):
    """Change the transformers inside a container, the fitted ones, too."""
    if isinstance(container, ColumnTransformer):
        for name in ("transformers", "transformers_"):
            if hasattr(container, name):
                columns = [(key, change(each), of) for key, each, of in getattr(container, name)]
                setattr(container, name, columns)
    elif isinstance(container, FeatureUnion):
        container.transformer_list = [
            (key, change(each)) for key, each in container.transformer_list
        ]
    else:
        container.steps = [(key, change(each)) for key, each in container.steps]
    return container


class SoftTargetStep(BaseEstimator):
    """A supervised step while its Pipeline is being fitted: it learns from soft labels."""

    def __init__(self, step, soft_labels):
        self.step = step
        self.soft_labels = soft_labels

    def fit(self, X, y=None, **fit_params):
        """Fit the step."""
        self.fit_transform(X, y, **fit_params)
        return self

    def fit_transform(self, X, y=None, **fit_params):
        """Fit the step, and return each row transformed once."""
        if count_rows(X) != len(self.soft_labels):
            raise ValueError(
                f"{type(self.step).__name__} gets {count_rows(X)} rows and there are soft labels "
                f"for {len(self.soft_labels)}: a step before it drops or adds rows."
            )
        self.step_ = clone(self.step)
        return fit_step(self.step_, X, self.soft_labels, **fit_params)

    def transform(self, X):
        """Return rows as the fitted step transforms them."""
        return self.step_.transform(X)

    def get_feature_names_out(self, *args):
        """Return the names that the fitted step gives."""
        return self.step_.get_feature_names_out(*args)

    def get_metadata_routing(self):
        """Return what the step requests."""
        return get_routing_for_object(self.step)


def fit_step(step, X, soft_labels, **fit_params):
    """Fit a supervised step in place to soft labels, and return each row transformed once."""
    if not isinstance(soft_labels, SoftLabels):  # of a retriever: the labels themselves
        return _fit_on_true_labels(step, X, soft_labels, fit_params)
    fitter = way_of_step(step, DataSummary.of(soft_labels))
    if fitter == TRUE_LABELS:
        return _fit_on_true_labels(step, X, soft_labels, fit_params)
    if fitter == NO_TARGET:
        warnings.warn(
            f"{type(step).__name__}, a step of the Pipeline, is fitted without a target, y=None: "
            "no row has a true label, and whether it learns from labels is not known. If it does: "
            "give those that there are, SoftLabels(P, y=y), or fit it beforehand and freeze it, "
            "sklearn.frozen.FrozenEstimator(step.fit(X, y)).",
            UserWarning,
            stacklevel=2,
        )
        return _fit_transform(step, X, None, fit_params)
    if fitter == PROBABILITIES:
        return fit_target_encoder(step, X, soft_labels, **fit_params)
    if fit_params.get("sample_weight") is not None:
        soft_labels = soft_labels.reweight_rows(fit_params.pop("sample_weight"))
    if fitter == COPIES:
        return fit_on_copies(step, X, soft_labels, **fit_params).transform(X)
    if _takes_weights(step) and not (soft_labels.weight == 1).all():
        fit_params["sample_weight"] = soft_labels.weight
    target = expected_target(soft_labels)
    return _fit_transform(step, X, target, fit_params)


def expected_target(soft_labels):
    """Return the expected target of each row; text counts as 0 and 1."""
    classes = soft_labels.classes
    values = classes if are_numbers(classes) else np.arange(len(classes))
    return soft_labels.proba @ values.astype(float)


def _takes_weights(step):
    """Return whether row weights reach a step, and the estimators inside it."""
    try:
        check_inside(step, step)
    except (TypeError, ValueError):
        return False
    return takes_sample_weight(step)


def _fit_on_true_labels(step, X, soft_labels, fit_params):
    """Fit a step to the rows that have a true label, and transform all."""
    known = soft_labels.codes >= 0
    rows, others = np.flatnonzero(known), np.flatnonzero(~known)
    labels = soft_labels.hard_labels()[rows]
    if not len(others):
        return _fit_transform(step, X, labels, fit_params)
    own = _safe_indexing(X, rows)
    transformed = _fit_transform(step, own, labels, rows_of(fit_params, rows, len(soft_labels)))
    stacked = stack_rows(transformed, step.transform(_safe_indexing(X, others)))
    return _safe_indexing(stacked, np.argsort(np.concatenate([rows, others])))


def _fit_transform(step, X, target, fit_params):
    """Fit a step and transform the same rows, as a Pipeline does."""
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, target, **fit_params)
    step.fit(X, target, **fit_params)
    return step.transform(X)
