"""Forests and bagging keep the weights of their training rows, which predictions do not need.

From scikit-learn 1.9 on, `estimators_samples_` draws the rows again from these weights. A model
that is shipped would carry eight bytes for each training row.
"""

from copy import copy

from sklearn.ensemble import BaseEnsemble

from .._utils._sample_weight import is_pipeline


def without_training_weights(model):
    """Return a copy of a fitted model without the weights of its training rows.

    A model that keeps none is returned itself. The copy shares its trees with the model, and has no
    `estimators_samples_`: without the weights, these would be other rows.
    """
    if is_pipeline(model):
        *before, (name, last) = model.steps
        lighter = without_training_weights(last)
        if lighter is last:
            return model
        pipeline = copy(model)
        pipeline.steps = [*before, (name, lighter)]
        return pipeline
    if not isinstance(model, BaseEnsemble) or getattr(model, "_sample_weight", None) is None:
        return model
    lighter = copy(model)
    del lighter._sample_weight
    return lighter
