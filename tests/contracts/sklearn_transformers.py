"""Every transformer of scikit-learn that is fitted to rows, small and seeded.

Read from ``sklearn.utils.all_estimators``: what a new release brings takes part by itself.
"""

import numpy as np
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import all_estimators

RNG = np.random.default_rng(0)
X = RNG.uniform(0.1, 1, size=(60, 4)).round(1)
FIRST = (X[:, 0] + 0.2 * RNG.normal(size=60) > 0.5).astype(int)
SECOND = (X[:, 3] + 0.2 * RNG.normal(size=60) > 0.5).astype(int)
NUMERIC = X[:, 0] + 0.1 * RNG.normal(size=60), X[:, 3] + 0.1 * RNG.normal(size=60)
SMALL = {"n_components": 1, "cv": 2, "random_state": 0, "n_features_to_select": 1, "k": 1}
SMALL |= {"max_iter": 20, "n_clusters": 2, "n_neighbors": 3, "percentile": 30, "max_features": 2}
CONTAINERS = (ColumnTransformer, FeatureUnion, Pipeline)
# What a transformer may be constructed with: nothing, an estimator, several, a dictionary.
GIVEN = {
    "": (),
    " of a classifier": (LogisticRegression(),),
    " of a regressor": (Ridge(),),
    " of classifiers": ([("a", LogisticRegression())],),
    " of regressors": ([("a", Ridge())],),
    " of a dictionary": (np.eye(4)[:2],),
}


def transformers():
    """Return each transformer of scikit-learn, around a classifier and around a regressor."""
    found = {}
    for name, cls in all_estimators(type_filter="transformer"):
        if cls in CONTAINERS:
            continue
        made = {"": instance(cls, "")}
        if made[""] is None:
            made = {suffix: instance(cls, suffix) for suffix in GIVEN}
        made = {f"{name}{key}": each for key, each in made.items() if each is not None}
        found |= made or {name: cls()}  # one of labels, texts or dicts
    return found


def instance(cls, suffix):
    """Return a transformer that can be fitted to rows, None if it wants something else inside."""
    try:
        estimator = cls(*GIVEN[suffix])
        known = estimator.get_params(deep=False)
        estimator.set_params(**{key: value for key, value in SMALL.items() if key in known})
        if suffix or not hasattr(estimator, "score_func"):
            clone(estimator).fit(X, NUMERIC[0] if "regress" in suffix else FIRST)
    except (TypeError, ValueError, AttributeError):
        return None
    return estimator


TRANSFORMERS = transformers()
