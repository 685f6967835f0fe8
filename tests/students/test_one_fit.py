"""A student is fitted once, on the original rows, and never on dummy data.

Experiment trackers that patch `fit` log the data of every fit: an estimator fitted to dummy data
would be logged as the student, with its score.
"""

import warnings

import numpy as np
import pytest

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes

BOOSTERS = [
    ("xgboost", "XGBClassifier", {"n_estimators": 3, "n_jobs": 1}),
    ("xgboost", "XGBRFClassifier", {"n_estimators": 3, "n_jobs": 1}),
    ("lightgbm", "LGBMClassifier", {"n_estimators": 3, "n_jobs": 1, "verbose": -1}),
    ("lightgbm", "LGBMClassifier", {"n_jobs": 1, "verbose": -1, "min_child_samples": 200}),
    ("catboost", "CatBoostClassifier", {"iterations": 3, "silent": True, "thread_count": 1}),
    (
        "catboost",
        "CatBoostClassifier",
        {"iterations": 3, "silent": True, "auto_class_weights": "Balanced", "thread_count": 1},
    ),
]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("package", "name", "params"), BOOSTERS)
def test_a_booster_is_fitted_once(package, name, params, n_classes, monkeypatch):
    module = pytest.importorskip(package)
    cls = getattr(module, name)
    if package == "catboost":
        params = {**params, "allow_writing_files": False}
    X, y, P = make_gaussian_classes(150, 3, n_classes, random_state=0)
    fits, own_fit = [], cls.fit

    def fit(self, X, y, **fit_params):
        fits.append((len(X), np.asarray(y)))
        return own_fit(self, X, y, **fit_params)

    monkeypatch.setattr(cls, "fit", fit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_soft_labels(cls(**params), X, SoftLabels(P, y=y))
    ((n_rows, given),) = fits
    assert n_rows >= len(X)
    if n_rows == len(X) and package != "catboost":  # that one is given probabilities
        assert (given == y).mean() > 0.9  # what a tracker scores is near the true labels
