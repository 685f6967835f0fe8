"""Naive Bayes with soft counts equals the expansion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB

from skdistill import SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import fit_by_expansion, naive_bayes

STUDENTS = [
    GaussianNB(),
    GaussianNB(priors=[0.2, 0.5, 0.3]),
    MultinomialNB(),
    MultinomialNB(alpha=0.1, fit_prior=False),
    ComplementNB(norm=True),
    BernoulliNB(binarize=0.5),
    BernoulliNB(binarize=None),
]
X, _, P = make_gaussian_classes(150, 3, 3, random_state=0)


def problem(seed, n_classes=3, sparse_proba=False):
    rng = np.random.default_rng(seed)
    X = (rng.random((60, 4)) > 0.5).astype(float) * rng.integers(1, 5, size=(60, 4))
    P = rng.dirichlet(np.full(n_classes, 0.5), size=60)
    weight = rng.integers(0, 3, size=60)
    P = sparse.csr_array(P) if sparse_proba else P
    return X, SoftLabels(P, sample_weight=weight)


@pytest.mark.parametrize("student", STUDENTS, ids=repr)
@given(seed=st.integers(0, 1000), sparse_proba=st.booleans())
@settings(deadline=None, max_examples=10)
def test_soft_counts_are_those_of_the_expansion(student, seed, sparse_proba):
    X, labels = problem(seed, sparse_proba=sparse_proba)
    X = np.minimum(X, 1) if getattr(student, "binarize", 0) is None else X
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, labels)
    assert set(vars(fast)) == set(vars(slow))
    for name, value in vars(slow).items():
        if name.endswith("_") and name != "epsilon_":
            assert_allclose(getattr(fast, name), value, rtol=1e-7, atol=1e-7, err_msg=name)
    assert fast.get_params() == student.get_params()


@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.parametrize("student", [GaussianNB(), MultinomialNB(), BernoulliNB()], ids=repr)
def test_other_numbers_of_classes(student, n_classes):
    X, labels = problem(0, n_classes)
    fast = fit_soft_labels(student, X, labels)
    slow = fit_by_expansion(clone(student), X, labels)
    assert_allclose(fast.predict_proba(X), slow.predict_proba(X), atol=1e-7)


@pytest.mark.parametrize("student", STUDENTS[2:6], ids=repr)
def test_sparse_rows(student):
    X, labels = problem(0)
    dense = fit_soft_labels(student, X, labels)
    on_sparse = fit_soft_labels(student, sparse.csr_array(X), labels)
    assert_allclose(on_sparse.feature_log_prob_, dense.feature_log_prob_)


def test_means_far_from_zero_lose_no_digits():
    X, labels = problem(0)
    near = fit_soft_labels(GaussianNB(), X, labels)
    far = fit_soft_labels(GaussianNB(), X + 1e6, labels)
    assert_allclose(far.var_, near.var_, rtol=1e-8)


@pytest.mark.parametrize("sparse_proba", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_rows_in_several_blocks(dtype, sparse_proba, monkeypatch):
    monkeypatch.setattr(naive_bayes, "ROWS_AT_ONCE", 7)
    X, labels = problem(0, sparse_proba=sparse_proba)
    given = X.astype(dtype)
    fast = fit_soft_labels(GaussianNB(), given, labels)
    slow = fit_by_expansion(GaussianNB(), X, labels)
    for name in ("theta_", "var_", "class_count_", "class_prior_"):
        assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-7, atol=1e-7)
        assert getattr(fast, name).dtype == np.float64
    assert_array_equal(given, X)


def test_names_and_classes_without_mass():
    pd = pytest.importorskip("pandas")
    X, labels = problem(0)
    frame = pd.DataFrame(X, columns=list("abcd"))
    for student in (GaussianNB(), MultinomialNB()):
        assert list(fit_soft_labels(student, frame, labels).feature_names_in_) == list("abcd")
    P = np.column_stack([labels.proba, np.zeros(60)])
    wider = SoftLabels(P, sample_weight=labels.weight)
    assert_array_equal(fit_soft_labels(GaussianNB(), X, wider).classes_, [0, 1, 2])


def test_negative_counts_are_refused():
    X, labels = problem(0)
    with pytest.raises(ValueError, match=r"negative ones \(the lowest is -1\)"):
        fit_soft_labels(MultinomialNB(), X - 1, labels)
    fit_soft_labels(BernoulliNB(), X - 1, labels)


def test_variances_are_not_negative():
    Xc = np.column_stack([X, np.full(150, 0.1)])
    s = fit_soft_labels(GaussianNB(var_smoothing=0), Xc, SoftLabels(P))
    assert (s.var_ >= 0).all()


def test_smoothing_is_relative_to_the_variance_of_the_rows():
    s = fit_soft_labels(GaussianNB(var_smoothing=0.1), X, SoftLabels(P))
    assert s.epsilon_ == pytest.approx(0.1 * X.var(axis=0).max())
