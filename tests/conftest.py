"""Data sets that the tests of several files share: iris, noisy Gaussian classes, label kinds."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skdistill.datasets import make_gaussian_classes
from skdistill.students import _registry
from skdistill.students.ranking import _registry as ranking
from skdistill.students.retrieval import _registry as retrieval


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture
def gaussian():
    """Noisy labels of three classes, with their exact probabilities."""
    return make_gaussian_classes(n_samples=150, n_features=3, n_classes=3, random_state=0)


@pytest.fixture(params=["iris", "strings", "booleans", "binary"])
def labelled(request, iris):
    """Rows with labels of each kind."""
    X, y = iris
    if request.param == "strings":
        y = np.array(["setosa", "versicolor", "virginica"])[y]
    elif request.param == "booleans":
        y = y == 1
    elif request.param == "binary":
        X, y = X[50:], y[50:]
    return X, y


@pytest.fixture
def own_students():
    """Remove the students that a test registers; those of optional packages stay."""
    registries = (_registry.FITTERS, ranking.FITTERS, retrieval.FITTERS)
    before = [set(fitters) for fitters in registries]
    yield
    for fitters, known in zip(registries, before, strict=True):
        for cls in set(fitters) - known:
            if not str(fitters[cls].__module__).startswith("skdistill."):  # None in executed pages
                fitters.checks.pop(fitters.pop(cls), None)
