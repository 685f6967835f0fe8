"""Parameters that make a `fit` split or draw rows, so that weighted copies are not equivalent.

There are two problems. If a `fit` holds rows out, copies of one row are on both sides of the split,
and training rows are used for validation. If it draws rows uniformly, or counts them, the weights
are ignored: a copy of probability 0.01 is drawn as often as one of 0.99.
"""

import re
from typing import NamedTuple

from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from .._utils._sample_weight import BAGGING_DRAWS, FORESTS_DRAW


class RowSplitParam(NamedTuple):
    """A parameter that makes a `fit` split or draw rows."""

    active: object  # function of the value and all parameters of the same estimator
    does: str
    remedy: str  # {name} is the full (nested) name of the parameter


SPLITS = "splits the rows that it is fitted on"
USE_INNER_ESTIMATOR = (
    "use its inner estimator as student, and search or cross-validate the distilled "
    "classifier: GridSearchCV(DistilledClassifier(...), ...)"
)


def _always_holds_out(value, params):
    """Return whether a fraction of rows is held out, without a parameter that switches it off."""
    switches = {"early_stopping", "n_iter_no_change"} & params.keys()
    return value is not None and value is not False and value != 0 and not switches


ROW_SPLIT_PARAMS = {
    "batch_size": RowSplitParam(
        lambda value, _: not isinstance(value, str),
        "divides each gradient step by the weight of its few copies, so that improbable classes "
        "count as much as certain ones",
        'set {name}="auto"',
    ),
    "bootstrap": RowSplitParam(
        lambda value, _: not value,
        "draws rows without replacement, so that their weights have little effect",
        "set {name}=True",
    ),
    "class_weight": RowSplitParam(
        lambda value, _: isinstance(value, str) and value == "balanced_subsample",
        "counts the rows of each class in each bootstrap sample",
        'set {name}="balanced", which counts probability mass',
    ),
    "cv": RowSplitParam(lambda value, _: not _is_prefit(value), SPLITS, USE_INNER_ESTIMATOR),
    "early_stopping": RowSplitParam(
        lambda value, _: not (isinstance(value, str) or value is None or value is False),
        SPLITS,
        "set {name}=False",
    ),
    "n_iter_no_change": RowSplitParam(
        lambda value, params: value is not None and "early_stopping" not in params,
        SPLITS,
        "set {name}=None",
    ),
    "oob_score": RowSplitParam(lambda value, _: bool(value), SPLITS, "set {name}=False"),
    "probability": RowSplitParam(
        lambda value, _: value is True,
        f"{SPLITS} for Platt scaling",
        "calibrate it on original rows: wrap it in CalibratedClassifierCV(..., ensemble=False) "
        "with probability=False",
    ),
    "replacement": RowSplitParam(
        lambda value, _: isinstance(value, bool),
        "draws rows by the number of labels",
        'use a classifier with class_weight="balanced", such as '
        'RandomForestClassifier(class_weight="balanced"), which counts probability mass',
    ),
    "held_out": RowSplitParam(_always_holds_out, SPLITS, "set {name}=0"),
}
ROW_SPLIT_PARAMS["sampling_strategy"] = ROW_SPLIT_PARAMS["replacement"]._replace(
    active=lambda value, _: True
)

# Names in other packages of parameters for the number of held-out rows.
HELD_OUT = re.compile(
    "(val|valid|validation|eval|evaluation|holdout|test)_(size|split|frac|fraction|ratio)"
)

# Balanced bootstrap samples count drawn rows; if drawn uniformly, these are copies.
_FORESTS = ("oob_score",) if FORESTS_DRAW else ("oob_score", "class_weight")
# For each classifier of scikit-learn that takes weights: the parameters that can make its fit split
# or draw rows in a way that weights do not correct, as found empirically by
# `tests/students/test_internal_splits.py`. Early stopping, out-of-bag scores and cross-validation
# hold out copies of training rows. Other parameters respect weights: forests and `subsample` of
# gradient boosting draw copies at random, but without bias. So other parameters of these classes
# are accepted, even under the name of a hint.
PROBED = {
    AdaBoostClassifier: (),
    BaggingClassifier: ("oob_score", *(["bootstrap"] if BAGGING_DRAWS else [])),
    BernoulliNB: (),
    CategoricalNB: (),
    ComplementNB: (),
    DecisionTreeClassifier: (),
    DummyClassifier: (),
    ExtraTreeClassifier: (),
    ExtraTreesClassifier: _FORESTS,
    GaussianNB: (),
    GradientBoostingClassifier: ("n_iter_no_change",),
    HistGradientBoostingClassifier: ("early_stopping",),
    LinearSVC: (),
    LogisticRegression: (),
    LogisticRegressionCV: ("cv",),
    MLPClassifier: ("batch_size", "early_stopping"),
    MultinomialNB: (),
    NuSVC: ("probability",),
    Perceptron: ("early_stopping",),
    RandomForestClassifier: _FORESTS,
    RidgeClassifier: (),
    RidgeClassifierCV: ("cv",),
    SGDClassifier: ("early_stopping",),
    SVC: ("probability",),
}
# For any other class, every parameter whose name suggests splitting or drawing counts, except
# names that are common with other meanings.
UNKNOWN = tuple(
    name for name in ROW_SPLIT_PARAMS if name not in ("batch_size", "bootstrap", "held_out")
)


def _is_prefit(cv):
    """Return whether `cv` is "prefit": nothing is fitted inside, and nothing is split."""
    return isinstance(cv, str) and cv == "prefit"


def find_split(estimator, *, ignore=()):
    """Return (name, hint) of a parameter that makes a fit split or draw rows, or None.

    Nested parameters are included, under names such as `mlp__early_stopping`.
    """
    params = estimator.get_params(deep=True)
    for name, value in params.items():
        owner, _, leaf = name.rpartition("__")
        if name in ignore:
            continue
        hint = _hint(params.get(owner, estimator), leaf)
        if hint is None:
            continue
        prefix = f"{owner}__" if owner else ""
        siblings = {
            key.removeprefix(prefix): each for key, each in params.items() if key.startswith(prefix)
        }
        if hint.active(value, siblings):
            return name, hint
    return None


def _hint(owner, leaf):
    """Return the hint for a parameter name of an estimator, None if there is none."""
    cls = type(owner)
    names = next(
        (PROBED[base] for base in cls.__mro__ if base in PROBED and cls.fit is base.fit), UNKNOWN
    )
    if leaf in names:
        return ROW_SPLIT_PARAMS[leaf]
    if names is UNKNOWN and HELD_OUT.fullmatch(leaf):
        return ROW_SPLIT_PARAMS["held_out"]
    return None
