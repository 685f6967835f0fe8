"""A probe finds which target each transformer of scikit-learn uses.

The probe fits it to two different targets, of classes and of numbers, and checks whether the
transformed rows differ. Transformers of new releases are included automatically.
"""

import dis
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from contracts.sklearn_transformers import FIRST, NUMERIC, SECOND, TRANSFORMERS, X
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler

from skdistill.students._step_kinds import (
    CLASSES,
    NOTHING,
    NUMBERS,
    RETURN_PAIRS,
    UNKNOWN,
    target_of,
)


def outputs(transformer, targets):
    """Return what a transformer makes of the rows, fitted to each target; None if it cannot."""
    made = []
    rows = X[:, 0] if type(transformer).__name__ == "IsotonicRegression" else X
    for target in targets:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made.append(clone(transformer).fit(rows, target).transform(rows))
        except Exception:
            return None
    return [np.asarray(each.toarray() if hasattr(each, "toarray") else each) for each in made]


def differ(made):
    one, other = made
    return one.shape != other.shape or not np.array_equal(one, other, equal_nan=True)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_the_kind_of_each_transformer_is_what_a_probe_finds(name):
    transformer = TRANSFORMERS[name]
    kind = target_of(transformer)
    of_classes, of_numbers = outputs(transformer, (FIRST, SECOND)), outputs(transformer, NUMERIC)
    if of_classes is None and of_numbers is None:
        # It transforms labels, texts or dicts, or cannot transform: none of them learns from y.
        assert kind == NOTHING or not hasattr(transformer, "transform") or "Label" in name, name
    elif (of_classes and differ(of_classes)) or (of_numbers and differ(of_numbers)):
        assert kind in ((NUMBERS, UNKNOWN) if isinstance(transformer, RETURN_PAIRS) else
                        (NUMBERS, CLASSES)), name  # fmt: skip
        if kind == NUMBERS:
            assert of_numbers is not None, name
    else:
        assert kind == NOTHING, name


def test_how_many_learn_from_a_target():
    kinds = {name: target_of(each) for name, each in TRANSFORMERS.items()}
    learn = [name for name, kind in kinds.items() if kind != NOTHING]
    print(f"{len(kinds)} transformers, {len(learn)} learn from their target")
    assert len(learn) >= 20 and len(kinds) > 75


class Ignoring(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class Looking(Ignoring):
    def fit(self, X, y=None):
        self.mean_ = np.mean(y)
        return self


class HandingOn(Ignoring):
    def fit(self, X, y=None):
        return super().fit(X, y)


class OfOwnFitTransform(Ignoring):
    def fit_transform(self, X, y=None):
        return X + np.mean(y)


class CountingRows(StandardScaler):
    def transform(self, X):
        return super().transform(X)


class Closing(Ignoring):
    def fit(self, X, y=None):
        self.mean_ = (lambda: np.mean(y))()
        return self


class OwnRegressor(RegressorMixin, Looking):
    pass


class OwnClassifier(ClassifierMixin, Looking):
    pass


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Ignoring(), NOTHING),
        (CountingRows(), NOTHING),
        (FrozenEstimator(SelectKBest()), NOTHING),
        (Looking(), UNKNOWN),
        (HandingOn(), UNKNOWN),
        (OfOwnFitTransform(), UNKNOWN),
        (Closing(), UNKNOWN),
        (OwnRegressor(), NUMBERS),
        (OwnClassifier(), CLASSES),
        (SelectKBest(), CLASSES),
        (SelectKBest(f_regression), NUMBERS),
        (SelectKBest(lambda X, y: np.arange(4.0)), CLASSES),
        (FeatureUnion([("a", StandardScaler()), ("b", "drop")]), NOTHING),
        (FeatureUnion([("a", SelectKBest(f_regression)), ("b", SelectKBest())]), CLASSES),
        (Pipeline([("a", "passthrough"), ("b", Looking())]), UNKNOWN),
        (ColumnTransformer([("a", SelectKBest(f_regression), [0])]), NUMBERS),
        (ColumnTransformer([("a", "drop", [0])], remainder=SelectKBest()), CLASSES),
    ],
)
def test_kinds_of_other_classes(step, kind):
    assert target_of(step) == kind


def test_code_in_an_unknown_form_may_read_its_target(monkeypatch):
    unnamed = [SimpleNamespace(argval=number) for number in range(3)]
    monkeypatch.setattr(dis, "get_instructions", lambda code: unnamed)
    assert target_of(Ignoring()) == UNKNOWN
