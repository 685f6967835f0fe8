"""Quadratic discriminant analysis on soft labels equals its own fit on rows that are repeated."""

import warnings

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.covariance import LedoitWolf
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from students.repeated_rows import problem, repeated, soft

from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes

PRIORS = {2: [0.3, 0.7], 3: [0.2, 0.5, 0.3]}
VERSION = tuple(map(int, sklearn.__version__.split(".")[:2]))
DIVIDES_BY_ROWS = pytest.mark.skipif(
    VERSION < (1, 9),
    reason="svd divides by rows minus one before scikit-learn 1.9: repeating rows matters",
)
HAS_EIGEN = pytest.mark.skipif(
    "solver" not in QuadraticDiscriminantAnalysis().get_params(),
    reason="svd is the only solver before scikit-learn 1.8",
)
SVD = [
    pytest.param(params, marks=DIVIDES_BY_ROWS, id=repr(params))
    for params in ({}, {"store_covariance": True}, {"reg_param": 0.3, "store_covariance": True})
]
EIGEN = [
    pytest.param({"solver": "eigen", **params}, marks=HAS_EIGEN, id=f"eigen {params!r}")
    for params in ({}, {"shrinkage": 0.3, "store_covariance": True})
]


def assert_same(found, expected, X, rtol=1e-7):
    """Compare all fitted attributes; the directions of `rotations_` have no sign."""
    assert vars(found).keys() == vars(expected).keys()
    for name, value in vars(expected).items():
        if not name.endswith("_"):
            continue
        ours = getattr(found, name)
        assert type(ours) is type(value), name
        assert [np.asarray(each).dtype for each in np.atleast_1d(ours)] == [
            np.asarray(each).dtype for each in np.atleast_1d(value)
        ]
        if name == "rotations_":
            ours, value = np.abs(ours), np.abs(value)
        assert_allclose(ours, value, rtol=rtol, atol=rtol, err_msg=name)
    assert found.get_params() == expected.get_params()
    assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=rtol)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("with_priors", [False, True])
@pytest.mark.parametrize("params", SVD + EIGEN)
@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=5)
def test_it_is_its_own_fit_to_repeated_rows(params, with_priors, n_classes, form, seed):
    X, counts = problem(seed, n_classes, n_rows=60)
    priors = PRIORS[n_classes] if with_priors else None
    student = QuadraticDiscriminantAnalysis(**params, priors=priors)
    found = fit_soft_labels(student, X, soft(counts, form))
    assert_same(found, student.fit(*repeated(X, counts)), X)


@pytest.mark.parametrize("params", SVD + EIGEN)
def test_one_hot_rows_are_ordinary_training(params):
    X, y, _ = make_gaussian_classes(80, 3, 3, random_state=0)
    student = QuadraticDiscriminantAnalysis(**params)
    found = fit_soft_labels(student, X, SoftLabels(np.eye(3)[y]))
    twice = fit_soft_labels(student, X, SoftLabels(np.eye(3)[y], sample_weight=np.full(80, 2.0)))
    student.fit(X, y)
    assert_array_equal(found.scalings_, student.scalings_)
    assert_same(twice, student, X)


@pytest.mark.parametrize("params", SVD + EIGEN)
def test_a_class_that_is_most_probable_in_no_row(params):
    X, counts = problem(0, n_rows=60)
    counts[:, 2] = np.minimum(counts[:, 2], counts[:, 0])
    assert len(np.unique(soft(counts).argmax_labels())) == 2
    student = QuadraticDiscriminantAnalysis(**params)
    assert_same(fit_soft_labels(student, X, soft(counts)), student.fit(*repeated(X, counts)), X)


@pytest.mark.parametrize("params", SVD + EIGEN)
def test_a_covariance_that_only_hard_labels_make_singular(params):
    X, counts = np.repeat([[0.0], [1.0]], 5, axis=0), np.repeat([[3, 1], [1, 2]], 5, axis=0)
    student = QuadraticDiscriminantAnalysis(**params)
    assert_same(fit_soft_labels(student, X, soft(counts)), student.fit(*repeated(X, counts)), X)


@pytest.mark.parametrize(
    "params",
    [
        {"reg_param": 0.3},
        pytest.param({"solver": "eigen", "shrinkage": 0.3}, marks=HAS_EIGEN),
    ],
    ids=repr,
)
def test_more_columns_than_rows(params):
    X, counts = problem(0, n_rows=12, n_features=20)
    student = QuadraticDiscriminantAnalysis(**params)
    found = fit_soft_labels(student, X, soft(counts))
    expected = student.fit(*repeated(X, 1000 * counts))
    assert_allclose(found.scalings_, expected.scalings_, rtol=1e-4)
    unseen = X[::-1] + 0.1
    ours, theirs = found.decision_function(unseen), expected.decision_function(unseen)
    # Before scikit-learn 1.8, covariances were divided by the number of repeated rows minus one.
    assert_allclose(ours, theirs, rtol=1e-2)


@pytest.mark.parametrize(
    ("params", "remedy"),
    [
        ({}, "reg_param"),
        pytest.param({"solver": "eigen"}, "shrinkage", marks=HAS_EIGEN),
    ],
)
def test_a_covariance_that_is_singular_is_refused(params, remedy):
    X, counts = problem(0, n_rows=60)
    X = np.column_stack([X, np.full(len(X), 0.1)])
    student = QuadraticDiscriminantAnalysis(**params)
    message = rf"that of class 0 has 4 of 5 variances above tol=0.0001. Set {remedy} higher"
    with pytest.raises(ValueError, match=message):
        fit_soft_labels(student, X, soft(counts))
    assert fit_soft_labels(student.set_params(**{remedy: 0.1}), X, soft(counts)).tol == 1e-4


@pytest.mark.parametrize("params", SVD[:1] + EIGEN[:1])
def test_rows_far_from_zero_lose_few_digits(params):
    X, counts = problem(0, n_rows=60)
    student = QuadraticDiscriminantAnalysis(**params)
    near, far = (fit_soft_labels(student, each, soft(counts)) for each in (X, X + 1e6))
    assert_allclose(far.scalings_, near.scalings_, rtol=1e-8)


@pytest.mark.parametrize("params", SVD + EIGEN)
def test_the_dtype_and_the_names_of_columns_stay(params):
    pd = pytest.importorskip("pandas")
    X, counts = problem(0, n_rows=60)
    counts[:, 2] = np.minimum(counts[:, 2], counts[:, 0])
    X = X.astype(np.float32)
    frame = pd.DataFrame(X, columns=list("abcd"))
    student = QuadraticDiscriminantAnalysis(**params)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit_soft_labels(student, frame, soft(counts))
    assert list(found.feature_names_in_) == list("abcd")
    del found.feature_names_in_
    assert_same(found, student.fit(*repeated(X, counts)), X, rtol=1e-4)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"solver": "eigen", "shrinkage": "auto"},
            r"shrinkage=\"auto\".*Set shrinkage to a number",
        ),
        (
            {"solver": "eigen", "covariance_estimator": LedoitWolf()},
            "Set covariance_estimator=None",
        ),
    ],
)
@HAS_EIGEN
def test_what_counts_rows_is_refused_before_any_teacher(params, message):
    X, y, P = make_gaussian_classes(60, 3, 3, random_state=0)
    student = QuadraticDiscriminantAnalysis(**params)
    with pytest.raises(ValueError, match=message):
        fit_soft_labels(student, X, SoftLabels(P))
    found = fit_soft_labels(student, X, SoftLabels.from_labels(y))  # ordinary training
    assert_array_equal(found.scalings_, student.fit(X, y).scalings_)

    class NeverFitted(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("the teacher is fitted")

    for each in (student, make_pipeline(StandardScaler(), student)):
        with pytest.raises(ValueError, match=message):
            DistilledClassifier(NeverFitted(), each, alpha=0.5).fit(X, y)


@pytest.mark.parametrize(
    "params", [{"tol": -1}, pytest.param({"shrinkage": 0.5}, marks=HAS_EIGEN)], ids=repr
)
def test_illegal_parameters_end_in_the_error_of_scikit_learn(params):
    X, y, P = make_gaussian_classes(60, 3, 3, random_state=0)
    student = QuadraticDiscriminantAnalysis(**params)
    errors = []
    for fit in (lambda: student.fit(X, y), lambda: fit_soft_labels(student, X, SoftLabels(P))):
        with pytest.raises((ValueError, NotImplementedError)) as raised:
            fit()
        errors.append(str(raised.value))
    assert errors[0] == errors[1]
