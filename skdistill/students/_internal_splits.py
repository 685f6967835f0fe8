"""Which parameters make a `fit` split or draw rows, so that copies of a row are not its equal.

Two things go wrong with weighted copies. Where a `fit` holds rows out, copies of one row stand on
both sides, and it checks itself on what it has learnt. Where it draws rows by their number, or
counts them, the weights do not count: a probability of 0.01 is drawn as often as one of 0.99.
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


class Hint(NamedTuple):
    """A parameter that makes a `fit` split or draw rows."""

    active: object  # function of the value and all parameters beside it
    does: str
    remedy: str  # {name} is the parameter, with the names of those around it


SPLITS = "splits the rows that it is fitted on"
GIVE_WHAT_IS_INSIDE = (
    "give the estimator inside it as student, and search or cross-validate around the distilled "
    "classifier: GridSearchCV(DistilledClassifier(...), ...)"
)


def _holds_out_always(value, params):
    """Return whether a share of rows is held out, with no parameter beside it that decides so."""
    decided_elsewhere = {"early_stopping", "n_iter_no_change"} & params.keys()
    return value is not None and value is not False and value != 0 and not decided_elsewhere


HINTS = {
    "batch_size": Hint(
        lambda value, _: not isinstance(value, str),
        "takes steps of so few copies, each divided by the weight of its copies, that improbable "
        "classes count as much as sure ones",
        'set {name}="auto"',
    ),
    "bootstrap": Hint(
        lambda value, _: not value,
        "draws rows without replacement, where their weights hardly count",
        "set {name}=True",
    ),
    "class_weight": Hint(
        lambda value, _: isinstance(value, str) and value == "balanced_subsample",
        "counts the rows of each class in each bag",
        'set {name}="balanced", which counts probability mass',
    ),
    "cv": Hint(lambda value, _: not _is_prefit(value), SPLITS, GIVE_WHAT_IS_INSIDE),
    "early_stopping": Hint(
        lambda value, _: not (isinstance(value, str) or value is None or value is False),
        SPLITS,
        "set {name}=False",
    ),
    "n_iter_no_change": Hint(
        lambda value, params: value is not None and "early_stopping" not in params,
        SPLITS,
        "set {name}=None",
    ),
    "oob_score": Hint(lambda value, _: bool(value), SPLITS, "set {name}=False"),
    "probability": Hint(
        lambda value, _: value is True,
        f"{SPLITS} for Platt scaling",
        "calibrate it by original rows, CalibratedClassifierCV(..., ensemble=False) around it with "
        "probability=False",
    ),
    "replacement": Hint(
        lambda value, _: isinstance(value, bool),
        "draws rows by the number of labels",
        'take a classifier with class_weight="balanced", such as '
        'RandomForestClassifier(class_weight="balanced"), which counts probability mass',
    ),
    "held_out": Hint(_holds_out_always, SPLITS, "set {name}=0"),
}
HINTS["sampling_strategy"] = HINTS["replacement"]._replace(active=lambda value, _: True)

# Names of parameters that say how many rows a fit holds out, in packages of others.
HELD_OUT = re.compile(
    "(val|valid|validation|eval|evaluation|holdout|test)_(size|split|frac|fraction|ratio)"
)

# Balanced bags count the rows that were drawn: drawn alike, those are copies.
_FORESTS = ("oob_score",) if FORESTS_DRAW else ("oob_score", "class_weight")
# What `tests/students/test_internal_splits.py` finds by probes, for each classifier of
# scikit-learn that takes weights: the parameters that can make its fit split or draw rows in a
# way that weights do not undo. Early stopping, bags that are scored and cross-validation hold
# copies of training rows out. The others weigh a copy as its weight says: forests and `subsample`
# of gradient boosting draw copies by chance, but fairly. So any other parameter of these classes
# may have the name of a hint.
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
# A class that no probe has seen: any parameter that hints at splitting or drawing counts, but
# for those whose names are common for other things.
UNKNOWN = tuple(name for name in HINTS if name not in ("batch_size", "bootstrap", "held_out"))


def _is_prefit(cv):
    """Return whether `cv` says that nothing is fitted inside, and so that nothing is split."""
    return isinstance(cv, str) and cv == "prefit"


def find_split(estimator, *, but_for=()):
    """Return (name, hint) of a parameter that makes a fit split or draw rows, of those inside too.

    None where there is none. Parameters inside have names like `mlp__early_stopping`.
    """
    params = estimator.get_params(deep=True)
    for name, value in params.items():
        owner, _, leaf = name.rpartition("__")
        if name in but_for:
            continue
        hint = _hint(params.get(owner, estimator), leaf)
        if hint is None:
            continue
        prefix = f"{owner}__" if owner else ""
        beside = {
            key.removeprefix(prefix): each for key, each in params.items() if key.startswith(prefix)
        }
        if hint.active(value, beside):
            return name, hint
    return None


def _hint(owner, leaf):
    """Return what a parameter of that name may do in an estimator; None if it does nothing."""
    cls = type(owner)
    names = next(
        (PROBED[base] for base in cls.__mro__ if base in PROBED and cls.fit is base.fit), UNKNOWN
    )
    if leaf in names:
        return HINTS[leaf]
    if names is UNKNOWN and HELD_OUT.fullmatch(leaf):
        return HINTS["held_out"]
    return None
