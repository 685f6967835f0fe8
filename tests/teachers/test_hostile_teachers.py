"""Faulty and unusual teachers give the correct result or an error that names the fault.

Valid predictions in any container give the student of plain arrays. Invalid predictions raise an
error, and leave the estimator and the cache unchanged.
"""

import re
import threading

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledBipartiteRanker, DistilledClassifier, DistilledMulticlassRetriever
from skdistill.datasets import make_gaussian_classes

X, Y, P = make_gaussian_classes(n_samples=90, n_features=3, n_classes=3, random_state=0)
X.setflags(write=False)
NAMES = np.array(["a", "b", "c"])
FOLDS = [(np.flatnonzero(np.arange(90) % 3 != k), np.arange(k, 90, 3)) for k in range(3)]
IN_THIRD_FOLD = X[2]


class FaultyTeacher(ClassifierMixin, BaseEstimator):
    """Naive Bayes with a fault: `change_proba` changes its output, `change_fit` its fitted state.

    `change_rows` gets the rows before they are predicted.
    """

    def __init__(self, change_proba=None, change_fit=None, change_rows=None):
        self.change_proba = change_proba
        self.change_fit = change_fit
        self.change_rows = change_rows

    def fit(self, X, y):
        self.inner_ = GaussianNB().fit(X, y)
        self.classes_ = self.inner_.classes_
        if self.change_fit is not None:
            self.change_fit(self)
        return self

    def predict_proba(self, X):
        if self.change_rows is not None:
            self.change_rows(X)
        proba = self.inner_.predict_proba(X)
        return proba if self.change_proba is None else self.change_proba(proba)


STUDENT = DecisionTreeClassifier(max_depth=3, random_state=0)
ESTIMATORS = {
    "auto": DistilledClassifier(student=STUDENT),
    "alpha 1": DistilledClassifier(student=STUDENT, alpha=1.0, teacher_temperature=1.0),
    "ranker": DistilledBipartiteRanker(classes=None),
    "retriever": DistilledMulticlassRetriever(k=1, objective="cross_entropy"),
    "cut retriever": DistilledMulticlassRetriever(k=1, objective="cross_entropy", top_k=2),
}
pytestmark = pytest.mark.filterwarnings(
    "ignore:alpha=.auto. chose 0", "ignore:A teacher could not be cached"
)


@pytest.fixture(params=ESTIMATORS)
def estimator(request):
    return clone(ESTIMATORS[request.param]).set_params(cv=FOLDS)


def labels_for(estimator):
    """Return labels that the estimator learns: two classes for a ranker."""
    return np.minimum(Y, 1) if isinstance(estimator, DistilledBipartiteRanker) else Y


def scores_of(estimator, teacher, y=None, **given):
    """Return the predictions of a student of the teacher, and the log-loss of the teacher."""
    y = labels_for(estimator) if y is None else y
    model = clone(estimator).set_params(teacher=teacher).fit(X, y, **given)
    predict = getattr(model, "predict_proba", None) or model.decision_function
    return predict(X), model.teacher_scores_["raw"]["log_loss"]


def by(estimator, teacher, way):
    """Return a teacher as it is, or fitted and frozen."""
    return teacher if way == "fitted" else FrozenEstimator(teacher.fit(X, labels_for(estimator)))


def read_only(proba):
    proba = proba.copy()
    proba.setflags(write=False)
    return proba


def pandas_frame(proba):
    return pytest.importorskip("pandas").DataFrame(proba)


def polars_frame(proba):
    return pytest.importorskip("polars").DataFrame(proba)


def indexed_frame(proba):
    """Rows with names, which say nothing of their order."""
    return pytest.importorskip("pandas").DataFrame(proba, index=np.arange(len(proba))[::-1])


def nothing_masked(proba):
    return np.ma.masked_array(proba, mask=np.zeros(proba.shape, dtype=bool))


SAME = [
    read_only, pandas_frame, polars_frame, indexed_frame, nothing_masked, np.asfortranarray,
    np.ndarray.tolist, sparse.csr_matrix, sparse.csc_array, sparse.coo_array,
    lambda proba: proba.astype(object), lambda proba: proba.astype(">f8"),
    lambda proba: proba.astype(np.longdouble), lambda proba: np.repeat(proba, 2, axis=0)[::2],
]  # fmt: skip


@pytest.mark.parametrize("way", ["fitted", "frozen"])
def test_container_of_teacher_output_does_not_matter(estimator, way):
    expected, log_loss = scores_of(estimator, by(estimator, FaultyTeacher(), way))
    for form in SAME:
        scores, quality = scores_of(estimator, by(estimator, FaultyTeacher(form), way))
        np.testing.assert_array_equal(scores, expected, err_msg=str(form))
        assert quality == log_loss


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float16, 2e-3), (np.float32, 1e-6)])
def test_coarse_probabilities_are_renormalised(estimator, dtype, tolerance):
    _, log_loss = scores_of(estimator, FaultyTeacher())
    _, coarse = scores_of(estimator, FaultyTeacher(lambda proba: proba.astype(dtype)))
    assert coarse == pytest.approx(log_loss, abs=tolerance)


@pytest.mark.parametrize("name", ["auto", "alpha 1", "retriever"])
def test_the_form_of_given_probabilities_does_not_matter(name):
    expected, _ = scores_of(ESTIMATORS[name], None, teacher_proba=P)
    for form in SAME:
        if form is not polars_frame:  # whose columns have other names than the classes
            scores, _ = scores_of(ESTIMATORS[name], None, teacher_proba=form(P))
            np.testing.assert_allclose(scores, expected, rtol=1e-12, err_msg=str(form))
    with pytest.raises(ValueError, match=r"'column_0', .* are not the classes"):
        scores_of(ESTIMATORS[name], None, teacher_proba=polars_frame(P))


def reverse_classes(teacher):
    """Sort the classes the other way round, and with them the columns."""
    teacher.classes_ = teacher.classes_[::-1]


def reverse_columns(proba):
    return proba[:, ::-1]


@pytest.mark.parametrize("way", ["fitted", "frozen"])
def test_columns_in_the_order_of_unsorted_classes(estimator, way):
    expected = scores_of(estimator, by(estimator, FaultyTeacher(), way))
    backwards = by(estimator, FaultyTeacher(reverse_columns, reverse_classes), way)
    scores = scores_of(estimator, backwards)
    np.testing.assert_array_equal(scores[0], expected[0])
    assert scores[1] == expected[1]


def test_columns_that_change_their_order_between_folds(estimator):
    def turn(teacher):
        if not (teacher.inner_.theta_.sum() * 1e6) % 2 < 1:
            reverse_classes(teacher)
            teacher.change_proba = reverse_columns

    expected, log_loss = scores_of(estimator, FaultyTeacher())
    scores, quality = scores_of(estimator, FaultyTeacher(change_fit=turn))
    np.testing.assert_array_equal(scores, expected)
    assert quality == log_loss


class NoClasses(FaultyTeacher):
    """A teacher without `classes_` whose dataframe of probabilities has the classes as columns."""

    classes_ = property(doc="None.")

    def fit(self, X, y):
        self.inner_ = GaussianNB().fit(X, y)
        return self

    def predict_proba(self, X):
        proba = self.inner_.predict_proba(X)
        names = [str(label) for label in self.inner_.classes_]
        return pytest.importorskip("pandas").DataFrame(proba, columns=names)[names[::-1]]


def test_named_columns_are_matched_by_name(estimator):
    y = NAMES[labels_for(estimator)]
    expected, log_loss = scores_of(estimator, FaultyTeacher(), y)
    scores, quality = scores_of(estimator, NoClasses(), y)
    np.testing.assert_array_equal(scores, expected)
    assert quality == log_loss


def test_named_columns_of_several_labels():
    indicator = np.column_stack([Y != 0, Y != 1, Y == 2]).astype(int)
    marginals = np.column_stack([1 - P[:, 0], 1 - P[:, 1], P[:, 2]])

    class Marginals(FaultyTeacher):
        def fit(self, X, y):
            return self

        def __sklearn_is_fitted__(self):
            return True

        def predict_proba(self, X):
            rows = np.array([np.flatnonzero((x == X_all).all(axis=1))[0] for x in X])
            return self.change_proba(marginals[rows])

    X_all = X
    pd = pytest.importorskip("pandas")
    estimator = DistilledMulticlassRetriever(k=1, objective="cross_entropy", classes=NAMES)
    turned = [
        np.asarray,
        lambda proba: pd.DataFrame(proba, columns=NAMES)[list("cab")],
    ]
    plain, named = (
        clone(estimator)
        .set_params(teacher=FrozenEstimator(Marginals(form)))
        .fit(X, indicator)
        .decision_function(X)
        for form in turned
    )
    np.testing.assert_array_equal(plain, named)


def test_names_that_contradict_the_classes_are_an_error(estimator):
    pd = pytest.importorskip("pandas")
    labels = np.unique(labels_for(estimator))
    teacher = FaultyTeacher(lambda proba: pd.DataFrame(proba, columns=labels[::-1]))
    fails(estimator, teacher, r"names its columns.*Bring the columns into the order of classes_")


def with_entry(value):
    """Return the trick of one entry in one row."""

    def trick(proba):
        proba = proba.copy()
        proba[1, 0] = value
        return proba

    return trick


def masked(proba):
    return np.ma.masked_array(proba, mask=np.eye(*proba.shape, dtype=bool))


BAD = {
    "nan": (with_entry(np.nan), "holds NaN or infinity in 1 .*Find out why its source failed"),
    "inf": (with_entry(np.inf), "holds NaN or infinity in 1"),
    "masked": (masked, "holds NaN or infinity in"),
    "None": (lambda proba: with_entry(None)(proba.astype(object)), "holds NaN or infinity in 1"),
    "negative": (with_entry(-0.1), r"1 negative entries.*scipy.special.softmax"),
    "above one": (with_entry(1.5), r"must sum to 1.*row 1 is farthest"),
    "sums": (lambda proba: proba * 0.9, r"must sum to 1.*divide each row by its sum"),
    "zeros": (np.zeros_like, "must sum to 1"),
    "log": (lambda proba: np.log(proba + 1e-9), "negative entries"),
    "few columns": (lambda proba: proba[:, :1] * 0 + 1, "1 columns and its classes are"),
    "many columns": (
        lambda proba: np.hstack([proba, proba]) / 2,
        r"[46] columns and its classes are.*one column per class",
    ),
    "few rows": (lambda proba: proba[:-1], r"has \d+ rows, but X has \d+"),
    "many rows": (lambda proba: np.vstack([proba, proba]), r"has \d+ rows, but X has"),
    "one row": (lambda proba: proba[:1], r"has 1 rows, but X has"),
    "flat": (lambda proba: proba[:, 1], r"got shape \(\d+,\).*give both columns"),
    "deep": (lambda proba: proba[:, :, None], r"got shape \(\d+, \d, 1\)"),
    "words": (lambda proba: np.full(proba.shape, "sure"), "must hold numbers"),
    "nothing": (lambda proba: None, r"got shape \(\)"),
    "ragged": (lambda proba: [[1.0], [0.5, 0.5]], "must hold numbers"),
}


def fails(estimator, teacher, message, **given):
    """Check that a fit ends with an error that names the teacher, and leaves nothing behind."""
    model = clone(estimator).set_params(teacher=teacher)
    with pytest.raises(ValueError, match=rf"(?s)FaultyTeacher.predict_proba\(X\).*{message}"):
        model.fit(X, labels_for(estimator), **given)
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.mark.parametrize("trick", BAD)
def test_teacher_output_none_ends_the_fit(estimator, trick, tmp_path):
    change_proba, message = BAD[trick]
    fails(estimator.set_params(memory=tmp_path), FaultyTeacher(change_proba), message)
    assert not list(tmp_path.rglob("*.predictions"))  # nothing bad is cached
    assert not list(tmp_path.rglob("*.tmp"))
    fails(estimator, by(estimator, FaultyTeacher(change_proba), "frozen"), message)


@pytest.mark.parametrize("trick", ["nan", "few columns", "few rows"])
def test_bad_probabilities_of_unlabelled_rows_end_the_fit(estimator, trick):
    change_proba, message = BAD[trick]

    def of_few_rows(proba):
        return change_proba(proba) if len(proba) == 10 else proba

    for way in ("fitted", "frozen"):
        teacher = by(estimator, FaultyTeacher(of_few_rows), way)
        fails(estimator, teacher, message, X_unlabeled=X[:10])


def classes_of(labels):
    """Return the trick of other classes."""

    def trick(teacher):
        teacher.classes_ = labels

    return trick


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["0", "1", "2"]), NAMES, np.array([1, 2, 3]), np.array([0, 1, 1]), [0.5, 1, 2],
        np.array([0, 1]),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("name", ["auto", "alpha 1", "retriever", "cut retriever"])
def test_classes_that_are_not_those_of_y(name, labels):
    teacher = FaultyTeacher(change_fit=classes_of(labels))
    fails(ESTIMATORS[name], teacher, "are not the classes of y.*one column per class")


@pytest.mark.parametrize(
    "labels", [[0, 1, 2], np.arange(3.0), np.arange(3, dtype=object), np.arange(3, dtype=np.int8)]
)
@pytest.mark.parametrize("name", ["auto", "alpha 1", "retriever", "cut retriever"])
def test_classes_of_another_dtype(name, labels):
    expected, _ = scores_of(ESTIMATORS[name], FaultyTeacher())
    scores, _ = scores_of(ESTIMATORS[name], FaultyTeacher(change_fit=classes_of(labels)))
    np.testing.assert_array_equal(scores, expected)


def fail_in_third_fold(X):
    if (X == IN_THIRD_FOLD).all(axis=1).any():
        raise RuntimeError("the service said 503")


@pytest.mark.parametrize(
    ("n_jobs", "backend"),
    [(1, "loky"), (2, "threading"), pytest.param(2, "loky", marks=pytest.mark.slow)],
)
def test_an_exception_in_the_third_fold_reaches_the_user(estimator, n_jobs, backend, tmp_path):
    y = labels_for(estimator)
    broken = FaultyTeacher(change_rows=fail_in_third_fold)
    model = estimator.set_params(teacher=broken, n_jobs=n_jobs, memory=tmp_path)
    others = set(threading.enumerate())
    with (
        joblib.parallel_config(backend),
        pytest.raises(RuntimeError, match=r"^the service said 503$"),
    ):
        model.fit(X, y)
    if backend == "threading":  # a thread cannot be stopped: what it began to write it ends
        for thread in set(threading.enumerate()) - others:
            thread.join()
    assert not [name for name in vars(model) if name.endswith("_")]
    assert not list(tmp_path.rglob("*.tmp"))
    model.set_params(teacher=FaultyTeacher(), n_jobs=1).fit(
        X, y
    )  # what the broken one said is not used
    expected, _ = scores_of(clone(estimator).set_params(memory=None), FaultyTeacher())
    predict = getattr(model, "predict_proba", None) or model.decision_function
    np.testing.assert_array_equal(predict(X), expected)


def test_an_exception_leaves_the_last_fit_whole(estimator):
    y = labels_for(estimator)
    model = estimator.set_params(teacher=FaultyTeacher()).fit(X, y)
    before = dict(vars(model))
    with pytest.raises(RuntimeError, match="503"):
        model.set_params(teacher=FaultyTeacher(change_rows=fail_in_third_fold)).fit(X, y)
    after = vars(model)
    assert all(after[name] is value for name, value in before.items() if name.endswith("_"))


class RandomProba(FaultyTeacher):
    """What never says the same twice."""

    rng = np.random.default_rng(0)

    def predict_proba(self, X):
        return self.rng.dirichlet(np.ones(len(self.classes_)), size=len(X))


def test_stochastic_teacher_is_cached_at_its_first_fit(estimator, tmp_path):
    draws = [scores_of(estimator, RandomProba())[1] for _ in range(2)]
    assert draws[0] != draws[1]
    estimator.set_params(memory=tmp_path)  # what was said first is what it said
    first, second = (scores_of(estimator, RandomProba()) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1] == second[1]


@pytest.mark.parametrize("way", ["fitted", "frozen"])
@pytest.mark.parametrize("form", ["array", "frame", "csr"])
def test_rows_that_a_teacher_changes_stay_as_they_were(estimator, way, form):
    y = labels_for(estimator)
    rows = {
        "array": np.array,
        "frame": lambda rows: pytest.importorskip("pandas").DataFrame(rows.copy()),
        "csr": lambda rows: sparse.csr_array(rows.copy()),
    }[form]
    given, more = rows(X[:60]), rows(X[60:])

    class Changing(FaultyTeacher):
        """What changes rows once it has answered."""

        def fit(self, X, y):
            super().fit(dense(X), y)
            self.change_rows(X)
            return self

        def predict_proba(self, X):
            proba = super().predict_proba(dense(X).copy())
            change(X)
            return proba

    def change(X):
        if sparse.issparse(X):
            X.data *= -1
        else:
            X *= -1

    def dense(X):
        return X.toarray() if sparse.issparse(X) else np.array(X)

    def fitted(teacher):
        model = clone(estimator).set_params(teacher=teacher, cv=3)
        if way == "frozen":
            model.set_params(teacher=FrozenEstimator(teacher.fit(rows(X), y)))
        model.fit(given, y[:60], X_unlabeled=more)
        predict = getattr(model, "predict_proba", None) or model.decision_function
        return predict(rows(X))

    class Plain(Changing):
        def fit(self, X, y):
            return FaultyTeacher.fit(self, dense(X), y)

        def predict_proba(self, X):
            return FaultyTeacher.predict_proba(self, dense(X))

    expected = fitted(Plain())
    scores = fitted(Changing(change_rows=lambda X: None))
    np.testing.assert_array_equal(dense(given), X[:60])
    np.testing.assert_array_equal(dense(more), X[60:])
    np.testing.assert_array_equal(scores, expected)


def test_a_frozen_pipeline_that_scales_in_place():
    def teacher(copy):
        scaled = make_pipeline(StandardScaler(copy=copy), LogisticRegression())
        return FrozenEstimator(scaled.fit(X * 5 + 1, Y))

    given = X * 5 + 1
    students = [
        clone(ESTIMATORS["alpha 1"]).set_params(teacher=teacher(copy)).fit(given, Y)
        for copy in (True, False)
    ]
    np.testing.assert_array_equal(given, X * 5 + 1)
    np.testing.assert_array_equal(*(student.predict_proba(X) for student in students))


def test_the_teacher_that_is_named_is_the_one_that_was_frozen():
    frozen = FrozenEstimator(FaultyTeacher(with_entry(np.nan)).fit(X, Y))
    with pytest.raises(ValueError, match=re.escape("FaultyTeacher.predict_proba(X) holds NaN")):
        DistilledClassifier(frozen, STUDENT, alpha=1.0, teacher_temperature=1.0).fit(X, Y)
