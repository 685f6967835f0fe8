"""Targets of the supervised steps of a student Pipeline under soft labels.

The `fit` of a step gets the first of these that it supports:

- the expected target of each original row, if it takes numbers: Σ_k p_k y_k for numeric
  classes, p of the second class for two classes of another type;
- weighted copies of the rows, one per class, if it takes `sample_weight` and splits no rows;
- the rows that have a true label, with that label.

Otherwise the Pipeline is rejected before any teacher is fitted. An unknown class with an optional
target is fitted without one if no row has a label, with a warning. The `transform` of a step gets
each row once. `TargetEncoder` gets the probabilities of one class at a time, see
`_target_encoder.py`.
"""

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
from .._utils._warnings import warn
from ._capabilities import DataSummary, are_numbers, check_expansion, check_inside
from ._step_kinds import (
    NOTHING,
    NUMBERS,
    RETURN_PAIRS,
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
    """Raise unless all steps before the last support soft labels; needs no rows."""
    for _, step in pipeline.steps[:-1]:
        if step is not None and not isinstance(step, str):
            _check_step(step, summary)


def _check_step(step, summary):
    if not _transforms_rows(step):
        raise TypeError(
            f"{step!r} cannot be a step before the last of a Pipeline: it must have transform, and "
            "a fit that takes rows X and a target y. Use a transformer of rows."
        )
    if is_container(step):
        for each in transformers_inside(step):
            _check_step(each, summary)
        _check_remainder(step)
    elif target_of(step) != NOTHING:
        resolve_step_target(step, summary)


def _transforms_rows(step):
    """Return whether a Pipeline can fit a step and transform rows with it."""
    fit = getattr(step, "fit_transform", None) or getattr(step, "fit", None)
    try:
        signature(fit).bind("X", "y")
    except TypeError:
        return False
    return hasattr(step, "transform")


def _check_remainder(container):
    """Raise if the `remainder` of a ColumnTransformer is a supervised step."""
    remainder = getattr(container, "remainder", None)
    if hasattr(remainder, "fit") and target_of(remainder) != NOTHING:
        raise TypeError(
            f"ColumnTransformer(remainder={remainder!r}): a supervised step supports soft targets "
            "only with named columns. List it, with its columns, in transformers."
        )


def resolve_step_target(step, summary):
    """Return the kind of target that a supervised step is fitted on; raise if there is none."""
    if any(is_fitted_as(type(step), base) for base in RETURN_PAIRS):
        raise TypeError(
            f"{step!r} before the last step of a Pipeline returns a pair of arrays, which no "
            f"other step takes. {FREEZE}, or use PCA."
        )
    kind = target_of(step)
    if is_fitted_as(type(step), TargetEncoder) and step.target_type != "continuous":
        check_target_encoder(step, summary)
        return PROBABILITIES
    if kind == NUMBERS:
        if not summary.classes_are_text or summary.n_classes == 2:
            return EXPECTED
        reason = f"it takes numbers, and the {summary.n_classes} classes are not numeric"
        raise TypeError(_unsupported_step_message(step, reason, "Encode the classes as numbers"))
    reason = _copies_unsupported_reason(step, kind, summary)
    if reason is None:
        return COPIES
    if summary.n_labelled:
        return TRUE_LABELS
    if kind == UNKNOWN and _target_is_optional(step):
        return NO_TARGET
    remedy = "Give the available true labels, SoftLabels(P, y=y) or DistilledClassifier"
    if hasattr(step, "score_func"):
        remedy = f"Use a score for numeric targets, such as f_regression; or g{remedy[1:]}"
    reason = f"no row has a true label, and {reason}"
    raise TypeError(_unsupported_step_message(step, reason, remedy))


def _target_is_optional(step):
    """Return whether the target of a step's `fit` is optional."""
    parameter = signature(step.fit).parameters.get("y")
    required = hasattr(step, "__sklearn_tags__") and get_tags(step).target_tags.required
    return parameter is not None and parameter.default is None and not required


FREEZE = (
    "Fit it beforehand and replace it by the frozen step, "
    "sklearn.frozen.FrozenEstimator(step.fit(X, y))"
)


def _unsupported_step_message(step, reason, remedy):
    """Return the error message for a supervised step that does not support soft labels."""
    return (
        f"{step!r}, a step of the Pipeline, is supervised and does not support soft "
        f"labels: {reason}. {remedy}; or f{FREEZE[1:]}."
    )


def _copies_unsupported_reason(step, kind, summary):
    """Return why a step cannot be fitted on weighted copies of rows, None if it can."""
    if not takes_sample_weight(step):
        return "its fit, or that of an estimator inside it, takes no sample_weight"
    if kind == UNKNOWN and not _fits_then_transforms(type(step)):
        return "its fit_transform may split rows"
    try:
        check_expansion(step, summary)
    except (TypeError, ValueError) as error:
        return f"it cannot be fitted on weighted copies of rows ({error})"
    return None


def _fits_then_transforms(cls):
    """Return whether `fit_transform` is `fit` and then `transform`."""
    return getattr(cls, "fit_transform", TransformerMixin.fit_transform) is (
        TransformerMixin.fit_transform
    )


def with_soft_targets(step, soft_labels):
    """Wrap a supervised step, and those inside it, so that they are fitted on soft targets.

    Containers are changed in place; :func:`without_soft_targets` undoes this after the fit.
    """
    if step is None or isinstance(step, str):
        return step
    if is_container(step):
        return _in_container(step, lambda each: with_soft_targets(each, soft_labels))
    return step if target_of(step) == NOTHING else SoftTargetStep(step, soft_labels)


def without_soft_targets(step):
    """Return a step with each wrapper replaced by its fitted transformer."""
    if isinstance(step, SoftTargetStep):
        return getattr(step, "step_", step.step)
    return _in_container(step, without_soft_targets) if is_container(step) else step


def _in_container(container, change):
    """Apply a function to the transformers inside a container, fitted ones included."""
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
    """Wrapper of a supervised step during the fit of its Pipeline: it is fitted on soft labels."""

    def __init__(self, step, soft_labels):
        self.step = step
        self.soft_labels = soft_labels

    def fit(self, X, y=None, **fit_params):
        """Fit the step."""
        self.fit_transform(X, y, **fit_params)
        return self

    def fit_transform(self, X, y=None, **fit_params):
        """Fit the step and return each row transformed once."""
        if count_rows(X) != len(self.soft_labels):
            raise ValueError(
                f"{type(self.step).__name__} gets {count_rows(X)} rows but there are soft labels "
                f"for {len(self.soft_labels)}: a step before it drops or adds rows. Remove that "
                "step."
            )
        self.step_ = clone(self.step)
        return fit_step(self.step_, X, self.soft_labels, **fit_params)

    def transform(self, X):
        """Return the rows transformed by the fitted step."""
        return self.step_.transform(X)

    def get_feature_names_out(self, *args):
        """Return the feature names of the fitted step."""
        return self.step_.get_feature_names_out(*args)

    def get_metadata_routing(self):
        """Return the metadata requests of the step."""
        return get_routing_for_object(self.step)


def fit_step(step, X, soft_labels, **fit_params):
    """Fit a supervised step in place to soft labels and return each row transformed once."""
    if not isinstance(soft_labels, SoftLabels):  # targets of a retriever have true labels
        return _fit_on_true_labels(step, X, soft_labels, fit_params)
    target_kind = resolve_step_target(step, DataSummary.of(soft_labels))
    if target_kind == TRUE_LABELS:
        return _fit_on_true_labels(step, X, soft_labels, fit_params)
    if target_kind == NO_TARGET:
        warn(
            f"{type(step).__name__}, a step of the Pipeline, is fitted without a target, y=None. "
            "No row has a true label, and it is not known whether the step is supervised. If it "
            "is, give the available labels, SoftLabels(P, y=y), or fit it beforehand and freeze "
            "it, sklearn.frozen.FrozenEstimator(step.fit(X, y))."
        )
        return _fit_transform(step, X, None, fit_params)
    if target_kind == PROBABILITIES:
        return fit_target_encoder(step, X, soft_labels, **fit_params)
    if fit_params.get("sample_weight") is not None:
        soft_labels = soft_labels.reweight_rows(fit_params.pop("sample_weight"))
    if target_kind == COPIES:
        return fit_on_copies(step, X, soft_labels, **fit_params).transform(X)
    if _takes_weights(step) and not (soft_labels.weight == 1).all():
        fit_params["sample_weight"] = soft_labels.weight
    target = expected_target(soft_labels)
    return _fit_transform(step, X, target, fit_params)


def expected_target(soft_labels):
    """Return the expected target of each row; two classes of text count as 0 and 1."""
    classes = soft_labels.classes
    values = classes if are_numbers(classes) else np.arange(len(classes))
    return soft_labels.proba @ values.astype(float)


def _takes_weights(step):
    """Return whether row weights reach a step and its inner estimators."""
    try:
        check_inside(step, step)
    except (TypeError, ValueError):
        return False
    return takes_sample_weight(step)


def _fit_on_true_labels(step, X, soft_labels, fit_params):
    """Fit a step to the rows that have a true label and transform all rows."""
    has_label = soft_labels.codes >= 0
    labelled, unlabelled = np.flatnonzero(has_label), np.flatnonzero(~has_label)
    labels = soft_labels.hard_labels()[labelled]
    if not len(unlabelled):
        return _fit_transform(step, X, labels, fit_params)
    fit_params = rows_of(fit_params, labelled, len(soft_labels))
    transformed = _fit_transform(step, _safe_indexing(X, labelled), labels, fit_params)
    stacked = stack_rows(transformed, step.transform(_safe_indexing(X, unlabelled)))
    return _safe_indexing(stacked, np.argsort(np.concatenate([labelled, unlabelled])))


def _fit_transform(step, X, target, fit_params):
    """Fit a step and transform the same rows, like a Pipeline."""
    if hasattr(step, "fit_transform"):
        return step.fit_transform(X, target, **fit_params)
    step.fit(X, target, **fit_params)
    return step.transform(X)
