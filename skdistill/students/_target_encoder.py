"""Target encoders on soft labels: the encoding is the mean probability of a class.

`TargetEncoder` splits rows inside its `fit_transform`, so it cannot be fitted on copies of rows.
It is fitted on original rows, with the probability of a class as a continuous target. For two
classes one of them is enough; otherwise each class is encoded separately, with the same folds.
"""

import numpy as np
import sklearn
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import KFold, check_cv
from sklearn.utils import check_random_state

from .._utils._rows import count_rows

CV_TAKES_SPLITTERS = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9)


def check_target_encoder(encoder, summary):
    """Raise if an encoder is binary and there are more than two classes."""
    if encoder.target_type == "binary" and summary.n_classes > 2:
        raise ValueError(
            f'TargetEncoder(target_type="binary") in the Pipeline is for two classes, and there '
            f'are {summary.n_classes}. Set target_type="auto".'
        )


def fit_target_encoder(encoder, X, soft_labels, **fit_params):
    """Fit an encoder in place to class probabilities and return the encoded rows."""
    nonempty = np.flatnonzero(soft_labels.proba.sum(axis=0) > 0)
    proba = soft_labels.proba[:, nonempty]
    proba = proba.toarray() if sparse.issparse(proba) else proba
    saved_params = {name: getattr(encoder, name) for name in ("target_type", "cv", "random_state")}
    folds = _folds(encoder, X, soft_labels, len(nonempty) > 2, fit_params.pop("groups", None))
    try:
        encoder.set_params(target_type="continuous", **folds)
        # Groups are in the folds; scikit-learn 1.9 with routing requires groups.
        with config_context(enable_metadata_routing=False):
            if len(nonempty) <= 2:
                return encoder.fit_transform(X, proba[:, -1], **fit_params)
            return _fit_each(encoder, X, proba, soft_labels.classes[nonempty], fit_params)
    finally:
        encoder.set_params(**saved_params)


def _fit_each(encoder, X, proba, classes, fit_params):
    """Encode each class separately and combine them like scikit-learn's multiclass encoding."""
    encoders = [clone(encoder) for _ in classes]
    encoded = [
        np.asarray(each.fit_transform(X, column, **fit_params))
        for each, column in zip(encoders, proba.T, strict=True)
    ]
    # Initialises the fitted attributes, on labels in which each class occurs.
    labels = classes[np.arange(count_rows(X)) % len(classes)]
    encoder.set_params(target_type="multiclass").fit(X, labels)
    features = range(len(encoders[0].encodings_))
    encoder.encodings_ = [each.encodings_[feature] for feature in features for each in encoders]
    encoder.target_mean_ = np.array([each.target_mean_ for each in encoders])
    values = np.stack(encoded, axis=2).reshape(len(proba), -1)
    return _in_container_of(encoder.transform(X), values)


def _folds(encoder, X, soft_labels, multiclass, groups):
    """Return parameters so that each class is encoded with the same folds of original rows."""
    if not isinstance(encoder.cv, int):
        y = soft_labels.hard_labels()  # for splitters that stratify
        return {"cv": list(check_cv(encoder.cv, y, classifier=True).split(X, y, groups))}
    fixed = isinstance(encoder.random_state, int) or not encoder.shuffle
    if not multiclass or fixed:
        return {}
    if CV_TAKES_SPLITTERS and encoder.random_state == "deprecated":
        return {"cv": KFold(encoder.cv, shuffle=True, random_state=_seed(None))}
    return {"random_state": _seed(encoder.random_state)}


def _seed(random_state):
    return int(check_random_state(random_state).randint(2**31 - 1))


def _in_container_of(template, values):
    """Return values in the container of a template of their shape: array or dataframe."""
    if hasattr(template, "iloc"):
        return type(template)(values, index=template.index, columns=template.columns)
    if hasattr(template, "columns"):
        return type(template)(values, schema=list(template.columns))
    return values
