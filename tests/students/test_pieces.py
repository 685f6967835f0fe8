"""Students that are fitted in pieces equal those fitted to all rows at once."""

from inspect import signature

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import Perceptron, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.utils import all_estimators

from skdistill import SoftLabels
from skdistill._utils._sample_weight import takes_sample_weight
from skdistill.students._chunks import fit_in_chunks, fit_one_pass

rng = np.random.default_rng(0)
X = rng.integers(0, 4, size=(24, 5)).astype(float)
P = rng.dirichlet(np.ones(3), 24)
P[:8, 2] = 0  # of some pieces, a class is absent
P /= P.sum(axis=1, keepdims=True)
WEIGHTS = {"none": None, "some": rng.uniform(0, 9, 24), "zeros": np.repeat([0.0, 3.0], 12)}
STUDENTS = [
    GaussianNB(), MultinomialNB(), ComplementNB(), BernoulliNB(), CategoricalNB(min_categories=4),
    SGDClassifier(loss="log_loss", shuffle=False, max_iter=3, tol=None),
    Perceptron(shuffle=False, max_iter=3, tol=None),
]  # fmt: skip
CUTS = {"one row each": range(1, 24), "unequal": [3, 4, 20], "empty ones": [0, 0, 12, 12, 24]}


def outputs(student):
    if hasattr(student, "predict_joint_log_proba"):
        return student.predict_joint_log_proba(X)
    return student.decision_function(X)


@pytest.mark.filterwarnings("ignore:.*PassiveAggressive:FutureWarning")
def test_each_student_that_learns_in_pieces_is_among_these():
    learns = set()
    for name, cls in all_estimators(type_filter="classifier"):
        wraps = "estimator" in signature(cls).parameters
        if hasattr(cls, "partial_fit") and not wraps and takes_sample_weight(cls(), "partial_fit"):
            learns.add(name)
    assert learns - {"MLPClassifier"} == {type(each).__name__ for each in STUDENTS}


@pytest.mark.parametrize("proba", [P, sparse.csr_array(P)], ids=["dense", "sparse"])
@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: type(student).__name__)
def test_one_pass_in_chunks_equals_the_whole_pass(student, cuts, weight, proba):
    soft_labels = SoftLabels(proba, sample_weight=weight)
    rows = np.arange(24)
    whole = fit_one_pass(clone(student), X, soft_labels, rows, 24, {})
    piecewise = clone(student)
    for part in np.split(rows, cuts):
        if soft_labels.take(part).weight.any():  # others are passed over
            fit_one_pass(piecewise, X, soft_labels, part, 24, {})
    np.testing.assert_allclose(outputs(piecewise), outputs(whole), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("chunk", [1, 7])
@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: type(student).__name__)
def test_the_size_of_a_chunk_changes_nothing(student, weight, chunk):
    soft_labels = SoftLabels(P, sample_weight=weight)
    seeded = clone(student)
    if "random_state" in seeded.get_params():
        seeded.set_params(random_state=0)
    whole, chunked = (fit_in_chunks(clone(seeded), X, soft_labels, size) for size in (24, chunk))
    np.testing.assert_allclose(outputs(chunked), outputs(whole), rtol=1e-7, atol=1e-9)
