"""Students that are known to predict the class of the largest probability, and rows they keep."""

import importlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from skdistill.datasets import make_gaussian_classes
from skdistill.students._most_probable import (
    CLASSIFIERS,
    leaves_rows_unchanged,
    predicts_most_probable,
)

LISTED = [(package, name) for package, names in CLASSIFIERS.items() for name in names]
QUICK = {
    "LGBMClassifier": {"n_estimators": 3, "n_jobs": 1, "verbose": -1},
    "XGBClassifier": {"n_estimators": 3, "n_jobs": 1},
    "GradientBoostingClassifier": {"n_estimators": 3},
    "HistGradientBoostingClassifier": {"max_iter": 3},
    "MLPClassifier": {"hidden_layer_sizes": (4,), "max_iter": 100},
    "ExtraTreesClassifier": {"n_estimators": 5},
    "RandomForestClassifier": {"n_estimators": 5},
    "LogisticRegressionCV": {"Cs": 2, "cv": 2},
}


def listed_class(package, name):
    if package == "sklearn":
        return dict(all_estimators("classifier"))[name]
    return getattr(pytest.importorskip(package), name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("package", "name"), [each for each in LISTED if each[0] != "skorch"])
def test_listed_students_predict_the_most_probable_class(package, name, n_classes):
    X, y, _ = make_gaussian_classes(300, n_features=3, n_classes=n_classes, random_state=0)
    X = np.floor(3 * (X - X.min(axis=0))) if name in ("CategoricalNB", "MultinomialNB") else X
    student = listed_class(package, name)(**QUICK.get(name, {})).fit(X, y)
    before = X.copy()
    most_probable = student.predict_proba(X).argmax(axis=1)
    assert_array_equal(student.predict(X), most_probable)
    assert len(np.unique(most_probable)) == n_classes
    assert predicts_most_probable(student)
    assert predicts_most_probable(make_pipeline(StandardScaler(), student))
    assert leaves_rows_unchanged(student)
    assert_array_equal(X, before)


def test_a_net_predicts_the_most_probable_class_and_may_change_rows():
    torch = pytest.importorskip("torch")
    skorch = pytest.importorskip("skorch")
    module = torch.nn.Sequential(torch.nn.ReLU(inplace=True), torch.nn.Linear(2, 2))
    net = skorch.NeuralNetClassifier(module).initialize()
    X = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    assert_array_equal(net.predict(X.copy()), net.predict_proba(X.copy()).argmax(axis=1))
    assert predicts_most_probable(net)
    assert not leaves_rows_unchanged(net)


class Subclass(GaussianNB):
    pass


@pytest.mark.parametrize(
    "student",
    [Subclass(), SVC(), FixedThresholdClassifier(LogisticRegression())],
    ids=lambda each: type(each).__name__,
)
def test_others_are_not_known(student):
    assert not predicts_most_probable(student)
    assert not leaves_rows_unchanged(student)
    assert not leaves_rows_unchanged(make_pipeline(StandardScaler(copy=False), GaussianNB()))


def test_numbers_are_projected_on_probabilities():
    assert predicts_most_probable(Ridge())


def test_all_that_is_listed_exists():
    for package, name in LISTED:
        try:
            importlib.import_module(package)
        except ImportError:
            continue
        assert listed_class(package, name).__name__ == name
