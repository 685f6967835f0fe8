"""Every fit uses only rows and labels of the user, as tools that log `fit` require.

mlflow's `autolog` is an example: it replaces the `fit` of scikit-learn's classes, and logs the
score of each fitted estimator on its training rows. The test patches all of these classes alike.
"""

import warnings
from inspect import signature

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.utils import all_estimators

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students._registry import FITTERS
from skdistill.students.ranking import fit_ranker
from skdistill.students.retrieval import RetrievalTargets, fit_retriever

STUDENTS = sorted(
    {cls for cls in FITTERS if cls.__module__.startswith("sklearn.") and cls is not Pipeline},
    key=lambda cls: cls.__name__,
)


@pytest.fixture
def fits(monkeypatch):
    """Return a list that fills with the estimator, X and y of each fit of scikit-learn."""
    seen = []

    def watched(fit):
        def wrapper(self, X, y, *args, **kwargs):
            seen.append((self, X, y))
            return fit(self, X, y, *args, **kwargs)

        wrapper.__signature__ = signature(fit)
        return wrapper

    classes = [cls for _, cls in all_estimators(type_filter=["classifier", "regressor"])]
    for owner in {base for cls in classes for base in cls.__mro__ if "fit" in vars(base)}:
        monkeypatch.setattr(owner, "fit", watched(owner.fit))
    return seen


def check_given(fits, X, P):
    """Raise for a fit to a row that is not in X, or to a label without probability there."""
    place = {row.tobytes(): k for k, row in enumerate(X)}
    for estimator, rows, y in fits:
        rows = rows.toarray() if sparse.issparse(rows) else np.asarray(rows)
        assert len(rows) >= len(X) / 2, f"{estimator} was fitted to {len(rows)} rows"
        if is_classifier(estimator) and rows.shape[1] == X.shape[1]:
            assert (P[[place[row.tobytes()] for row in rows], y] > 0).all(), estimator


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("cls", STUDENTS)
def test_students_are_fitted_to_given_rows(cls, n_classes, fits):
    X, _, P = make_gaussian_classes(60, 4, n_classes, random_state=0)
    X = np.abs(X)
    P[:30, 0] = 0
    P /= P.sum(axis=1, keepdims=True)
    student = cls(estimators=[("nb", GaussianNB())]) if cls.__name__[:2] == "St" else cls()
    cheap = {"n_estimators": 2, "cv": 2, "Cs": 2, "max_iter": 20}
    solvers = getattr(cls, "_parameter_constraints", {}).get("solver", [])
    if any(each.is_satisfied_by("newton-cholesky") for each in solvers):
        cheap["solver"] = "newton-cholesky"  # its own way here; other students have other solvers
    student.set_params(**{name: cheap[name] for name in cheap.keys() & student.get_params()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit_soft_labels(student, X, SoftLabels(P))
    check_given(fits, X, P)


def test_scorers_are_fitted_to_given_rows(fits):
    X, y, P = make_gaussian_classes(60, 3, 2, random_state=0)
    fit_ranker(LogisticRegression(), X, SoftLabels(P))
    fit_retriever(LogisticRegression(), X, RetrievalTargets.of(SoftLabels(P, y=y), "cross_entropy"))
    assert not fits
