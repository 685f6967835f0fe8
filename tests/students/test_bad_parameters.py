"""Parameters that scikit-learn rejects are rejected for soft labels, too.

Every parameter of every registered student of scikit-learn is set to every value below; its `fit`
on hard labels determines which values are valid.
"""

import warnings
from inspect import signature

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students._registry import FITTERS
from skdistill.students.ranking import fit_ranker
from skdistill.students.retrieval import RetrievalTargets, fit_retriever

X, y, P = make_gaussian_classes(60, 3, 2, random_state=0)
X = np.abs(X)  # some students count
VALUES = [
    None,
    True,
    False,
    -1,
    0,
    1,
    2,
    -0.5,
    0.5,
    2.5,
    np.nan,
    np.inf,
    "foo",
    object(),
    [1.0],
    {},
]
# Refused by check_cv and check_random_state, whose messages name no parameter.
WITHOUT_NAME = {"cv", "random_state"}
# Objectives of ours have nothing to run in parallel; scikit-learn's are like them from 1.8 on.
UNUSED = {(LogisticRegression, "n_jobs")}
STUDENTS = sorted(
    {cls for cls in FITTERS if cls.__module__.startswith("sklearn.") and cls is not Pipeline},
    key=lambda cls: cls.__name__,
)


def small(cls):
    """Return a student that is quick to fit."""
    needs_estimators = "estimators" in signature(cls).parameters
    student = cls(estimators=[("nb", GaussianNB())]) if needs_estimators else cls()
    cheap = {"n_estimators": 2, "cv": 2, "Cs": 2, "max_iter": 20}
    own = student.get_params(deep=False)
    return student.set_params(**{name: cheap[name] for name in cheap.keys() & own})


# A value may be refused for what it does to soft labels.
FOR_WHAT_IT_DOES = ("splits the rows", "by the weight of so few copies")


def error_of(fit, *args):
    """Return what a fit raises, None if it takes everything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit(*args)
        except Exception as error:
            return error
    return None


def refused(cls):
    """Yield each parameter and value that the student's own fit refuses by the parameter's name."""
    for name in small(cls).get_params(deep=False):
        for value in VALUES:
            student = small(cls).set_params(**{name: value})
            error = error_of(clone(student, safe=False).fit, X, y)
            # Before scikit-learn 1.9 the tags of a tree raise if its criterion has no hash.
            has_tags = error_of(get_tags, student) is None
            if error is not None and name in str(error) and has_tags and (cls, name) not in UNUSED:
                yield name, value, student


def slowly(classes):
    """Return the classes, those that are slow to fit with a mark."""
    return [
        pytest.param(cls, marks=pytest.mark.slow)
        if {"cv", "max_bins"} & {*signature(cls).parameters}
        else cls
        for cls in classes
    ]


@pytest.mark.parametrize("cls", slowly(STUDENTS))
def test_what_the_student_refuses_is_refused_by_name(cls):
    cases = list(refused(cls))
    assert cases
    for name, value, student in cases:
        error = error_of(fit_soft_labels, student, X, SoftLabels(P))
        assert error is not None, f"{name}={value!r} is taken"
        assert name in str(error) or name in WITHOUT_NAME, f"{name}={value!r}: {error}"


@pytest.mark.parametrize("goal", ["ranking", "retrieval"])
def test_linear_scorers_reject_logistic_regression_parameters(goal):
    soft_labels = SoftLabels(P, y=y)
    for name, value, student in refused(LogisticRegression):
        if goal == "ranking":
            error = error_of(fit_ranker, student, X, soft_labels)
        else:
            targets = RetrievalTargets.of(soft_labels, "cross_entropy")
            error = error_of(fit_retriever, student, X, targets)
        assert error is not None, f"{name}={value!r} is taken"
        assert name in str(error), f"{name}={value!r}: {error}"


@pytest.mark.slow
@pytest.mark.parametrize("cls", STUDENTS)
def test_what_the_student_takes_is_not_refused_for_its_value(cls):
    for name in small(cls).get_params(deep=False):
        for value in VALUES:
            student = small(cls).set_params(**{name: value})
            if error_of(clone(student, safe=False).fit, X, y) is not None:
                continue
            error = error_of(fit_soft_labels, student, X, SoftLabels(P))
            meant = error is None or any(each in str(error) for each in FOR_WHAT_IT_DOES)
            assert meant, f"{name}={value!r}: {error}"
