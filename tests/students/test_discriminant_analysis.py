"""Linear discriminant analysis on soft labels equals its own fit on rows that are repeated."""

import warnings

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.covariance import LedoitWolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from students.repeated_rows import problem, repeated, soft

from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes

PRIORS = {2: [0.3, 0.7], 3: [0.2, 0.5, 0.3]}
DIVIDES_BY_ROWS = pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9),
    reason="svd divides by rows minus classes before scikit-learn 1.9: repeating rows matters",
)
SVD = pytest.param("svd", marks=DIVIDES_BY_ROWS)
PARAMS = [
    pytest.param({}, marks=DIVIDES_BY_ROWS),
    pytest.param({"store_covariance": True}, marks=DIVIDES_BY_ROWS),
    {"solver": "lsqr"},
    {"solver": "lsqr", "shrinkage": 0.3},
    {"solver": "eigen"},
    {"solver": "eigen", "shrinkage": 0.3},
]
SOLVERS = ["svd", "lsqr", "eigen"]


def assert_same(found, expected, X):
    """Compare all fitted attributes; the directions of `scalings_` have no sign."""
    assert vars(found).keys() == vars(expected).keys()
    for name, value in vars(expected).items():
        ours = getattr(found, name)
        if name == "scalings_":
            n = len(expected.explained_variance_ratio_)  # the others span what is left, anyhow
            ours, value = np.abs(ours[:, :n]), np.abs(value[:, :n])
        if name.endswith("_"):
            assert np.asarray(ours).dtype == np.asarray(value).dtype, name
            assert_allclose(ours, value, rtol=1e-7, atol=1e-7, err_msg=name)
    assert found.get_params() == expected.get_params()
    assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-9)
    if found.solver != "lsqr":
        assert_allclose(np.abs(found.transform(X)), np.abs(expected.transform(X)), atol=1e-7)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("with_priors", [False, True])
@pytest.mark.parametrize("params", PARAMS, ids=repr)
@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=5)
def test_it_is_its_own_fit_to_repeated_rows(params, with_priors, n_classes, form, seed):
    X, counts = problem(seed, n_classes)
    priors = PRIORS[n_classes] if with_priors else None
    student = LinearDiscriminantAnalysis(**params, priors=priors)
    found = fit_soft_labels(student, X, soft(counts, form))
    assert_same(found, student.fit(*repeated(X, counts)), X)


@pytest.mark.parametrize("params", PARAMS, ids=repr)
def test_one_hot_rows_are_ordinary_training(params):
    X, y, _ = make_gaussian_classes(80, 3, 3, random_state=0)
    student = LinearDiscriminantAnalysis(**params)
    found = fit_soft_labels(student, X, SoftLabels(np.eye(3)[y]))
    twice = fit_soft_labels(student, X, SoftLabels(np.eye(3)[y], sample_weight=np.full(80, 2.0)))
    student.fit(X, y)
    assert_array_equal(found.coef_, student.coef_)
    assert_same(twice, student, X)


@pytest.mark.parametrize("params", [PARAMS[0], {"solver": "lsqr"}], ids=repr)
def test_more_columns_than_rows(params):
    X, counts = problem(0, n_rows=12, n_features=30)
    found = fit_soft_labels(LinearDiscriminantAnalysis(**params), X, soft(counts))
    expected = LinearDiscriminantAnalysis(**params).fit(*repeated(X, counts))
    assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("solver", [SVD, "lsqr", "eigen"])
def test_a_class_that_is_most_probable_in_no_row(solver):
    X, counts = problem(0)
    counts[:, 2] = np.minimum(counts[:, 2], counts[:, 0])
    assert len(np.unique(soft(counts).argmax_labels())) == 2
    student = LinearDiscriminantAnalysis(solver=solver)
    assert_same(fit_soft_labels(student, X, soft(counts)), student.fit(*repeated(X, counts)), X)


@pytest.mark.parametrize("solver", [SVD, "lsqr", "eigen"])
def test_a_covariance_that_only_hard_labels_make_singular(solver):
    X, counts = np.repeat([[0.0], [1.0]], 5, axis=0), np.repeat([[3, 1], [1, 2]], 5, axis=0)
    student = LinearDiscriminantAnalysis(solver=solver)
    assert_same(fit_soft_labels(student, X, soft(counts)), student.fit(*repeated(X, counts)), X)


@pytest.mark.parametrize("solver", ["svd", "lsqr"])
def test_constant_columns_have_no_variance(solver):
    X, counts = problem(0)
    X = np.column_stack([X, np.full(len(X), 0.1)])
    student = LinearDiscriminantAnalysis(solver=solver)
    found = fit_soft_labels(student, X, soft(counts))
    assert_allclose(found.coef_[:, 4], 0, atol=1e-12)
    narrow = fit_soft_labels(student, X[:, :4], soft(counts))
    assert_allclose(found.predict_proba(X), narrow.predict_proba(X[:, :4]), atol=1e-9)


def test_constant_rows_are_refused():
    X, counts = problem(0)
    with pytest.raises(ValueError, match=r"LinearDiscriminantAnalysis\(tol=0.0001\) leaves no"):
        fit_soft_labels(LinearDiscriminantAnalysis(), np.ones_like(X), soft(counts))


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_far_from_zero_lose_few_digits(solver):
    X, counts = problem(0)
    student = LinearDiscriminantAnalysis(solver=solver)
    near, far = (fit_soft_labels(student, each, soft(counts)) for each in (X, X + 1e6))
    assert_allclose(np.diff(far.coef_, axis=0), np.diff(near.coef_, axis=0), atol=1e-6)


def test_the_dtype_and_the_names_of_columns_stay():
    pd = pytest.importorskip("pandas")
    X, counts = problem(0)
    frame = pd.DataFrame(X.astype(np.float32), columns=list("abcd"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit_soft_labels(LinearDiscriminantAnalysis(n_components=1), frame, soft(counts))
    assert list(found.feature_names_in_) == list("abcd")
    assert found.transform(frame).shape == (40, 1)
    assert found.transform(frame).dtype == np.float32


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"solver": "lsqr", "shrinkage": "auto"}, r"shrinkage=\"auto\".*Set shrinkage to a number"),
        (
            {"solver": "eigen", "covariance_estimator": LedoitWolf()},
            "Set covariance_estimator=None",
        ),
    ],
)
def test_what_counts_rows_is_refused_before_any_teacher(params, message):
    X, y, P = make_gaussian_classes(60, 3, 3, random_state=0)
    student = LinearDiscriminantAnalysis(**params)
    with pytest.raises(ValueError, match=message):
        fit_soft_labels(student, X, SoftLabels(P))
    found = fit_soft_labels(student, X, SoftLabels.from_labels(y))  # ordinary training
    assert_array_equal(found.coef_, student.fit(X, y).coef_)

    class NeverFitted(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("the teacher is fitted")

    for each in (student, make_pipeline(StandardScaler(), student)):
        with pytest.raises(ValueError, match=message):
            DistilledClassifier(NeverFitted(), each, alpha=0.5).fit(X, y)


def test_fewer_rows_than_classes_are_refused():
    with pytest.raises(ValueError, match=r"2 rows of 3 classes .* Give more rows"):
        soft_labels = SoftLabels([[0.5, 0.2, 0.3], [0.1, 0.3, 0.6]])
        fit_soft_labels(LinearDiscriminantAnalysis(), [[0.0], [1.0]], soft_labels)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_label_of_one_row_only_is_no_warning(solver):
    X, counts = problem(0)
    counts[:, 2] = np.minimum(counts[:, 2], counts[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_soft_labels(LinearDiscriminantAnalysis(solver=solver), X, soft(counts))


def test_priors_that_do_not_sum_to_one_warn_as_ever():
    X, counts = problem(0)
    student = LinearDiscriminantAnalysis(priors=[1, 1, 2])
    with pytest.warns(UserWarning, match="do not sum to 1"):
        found = fit_soft_labels(student, X, soft(counts))
    assert_allclose(found.priors_, [0.25, 0.25, 0.5])
