"""Data sets that the tests of several files share: iris, noisy Gaussian classes, label kinds."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skdistill.datasets import make_gaussian_classes


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
