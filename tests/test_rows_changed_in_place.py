"""Estimators that modify their input in place do not change rows that are used again.

They are found in scikit-learn's list of estimators: those with a parameter `copy`, `copy_X` or
`copy_x`.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
)
from skdistill.inspection import (
    CostQualityDisplay,
    ReliabilityDisplay,
    TeacherStudentDisplay,
    bias_variance,
    compare_teachers,
    distillation_report,
)

COPIES = ("copy", "copy_X", "copy_x")


def estimators_that_may_not_copy():
    """Return {name: (class, parameter)} of scikit-learn's estimators that can leave a copy out."""
    found = {}
    for name, kind in all_estimators():
        try:
            params = kind().get_params()
        except TypeError:  # it wraps another estimator
            continue
        for parameter in COPIES:
            if parameter in params:
                found[name] = kind, parameter
    return found


FOUND = estimators_that_may_not_copy()
ONE_COMPONENT = {"CCA", "PLSCanonical", "PLSRegression"}  # as many as there are targets


def make_problem():
    """Return rows whose columns have other means and scales, and their labels."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 9, size=(120, 4)) * [1, 10, 100, 3]
    y = (X[:, 0] + X[:, 1] / 10 + rng.normal(size=120) > 6).astype(int)
    return X, y


def models(name, copies):
    """Return a student, and a teacher, that copy or do not."""
    kind, parameter = FOUND[name]
    own = {parameter: copies}
    if "random_state" in kind().get_params():
        own["random_state"] = 0
    if name in ONE_COMPONENT:
        own["n_components"] = 1
    estimator = kind(**own)
    if hasattr(estimator, "transform") and not is_regressor(estimator):
        return make_pipeline(estimator, LinearRegression()), make_pipeline(estimator, GaussianNB())
    if hasattr(estimator, "predict") and is_regressor(estimator):
        return estimator, GaussianNB()
    return None, None


def is_right_in_scikit_learn(name):
    """Return whether an estimator that copies nothing is fitted as one that does."""
    X, y = make_problem()
    predicted = []
    for copies in (True, False):
        student, _ = models(name, copies)
        try:
            predicted.append(student.fit(X.copy(), y).predict(X.copy()))
        except (AttributeError, ValueError):  # no student, or one of several targets only
            return False
    return np.allclose(*predicted)


NAMES = [name for name in FOUND if is_right_in_scikit_learn(name)]


# The kinds of them that run in `make test`; the others are slow.
QUICK = {"ARDRegression", "PLSRegression", "PowerTransformer", "SimpleImputer", "StandardScaler"}


def test_the_list_of_estimators_is_what_it_should_be():
    assert {"StandardScaler", "PCA", "Lasso", "Ridge", "LinearRegression"} <= set(NAMES)
    assert len(NAMES) > 25


def predictions_of(make, name, copies):
    """Return what comes of an estimator that copies, or does not; the error if none can."""
    X, y = make_problem()
    try:
        return make(*models(name, copies), X, y)
    except ValueError as error:
        return str(error)


def by_distilling(student, teacher, X, y):
    fresh = X.copy()
    model = DistilledClassifier(teacher, student).fit(X, y)
    curve = model.alpha_curve_
    return model.predict_proba(fresh.copy()), [each.loss for each in curve.candidates], curve.loss


def by_in_sample_teachers(student, teacher, X, y):
    fresh = X.copy()
    model = DistilledClassifier(teacher, student, alpha=0.7, unlabeled_weight=0.7, cv="in-sample")
    model.fit(X, y, X_unlabeled=fresh[:40].copy())
    return (model.predict_proba(fresh.copy()),)


def by_generations(student, teacher, X, y):
    fresh = X.copy()
    model = BornAgainClassifier(student, ensemble=True, n_generations=2, cv=3).fit(X, y)
    losses = [scores["log_loss"] for scores in model.generation_scores_]
    return model.predict_proba(fresh.copy()), losses


def by_ranking(student, teacher, X, y):
    fresh = X.copy()
    model = DistilledBipartiteRanker(teacher, student, alpha=0.7).fit(X, y)
    return model.decision_function(fresh.copy()), model.intercept_


def by_comparing_teachers(student, teacher, X, y):
    found = compare_teachers({"changes": teacher, "other": GaussianNB()}, X, y, cv=3).to_frame()
    columns = [c for c in found.columns if "seconds" not in c]
    return (found[columns].sort_index().to_numpy(),)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in NAMES]
)
@pytest.mark.parametrize(
    "make",
    [by_distilling, by_in_sample_teachers, by_generations, by_ranking, by_comparing_teachers],
)
def test_an_estimator_that_copies_nothing_changes_no_result(make, name):
    if make is by_comparing_teachers:
        pytest.importorskip("pandas")
    expected, found = predictions_of(make, name, True), predictions_of(make, name, False)
    if isinstance(expected, str):
        known = "takes no sample_weight, but the row weights differ"
        assert known in expected and known in found  # whether it copies or not
        return
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one, other, rtol=1e-6, atol=1e-8)


class Doubling(ClassifierMixin, BaseEstimator):
    """A classifier whose every method doubles the rows that it gets, dense or sparse."""

    learner = GaussianNB

    def __init__(self, stays=False):
        self.stays = stays

    def fit(self, X, y, sample_weight=None):
        self.inner_ = self.learner().fit(X, y, sample_weight)
        self.classes_ = self.inner_.classes_
        self._change(X)
        return self

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.inner_ = getattr(self, "inner_", None) or GaussianNB()
        self.inner_.partial_fit(X, y, classes, sample_weight)
        self.classes_ = self.inner_.classes_
        self._change(X)
        return self

    def predict(self, X):
        predictions = self.inner_.predict(X)
        self._change(X)
        return predictions

    def predict_proba(self, X):
        predictions = self.inner_.predict_proba(X)
        self._change(X)
        return predictions

    def decision_function(self, X):
        return self.predict_proba(X)[:, 1]

    def _change(self, X):
        if not self.stays:
            X *= 2


def figures(report):
    """Return the figures of a report that are not times."""
    frame = report.to_frame()
    return frame[frame["part"] != "cost"].set_index(["part", "measure", "model"])


def by_report(model, X, y):
    return figures(
        distillation_report(
            model.fit(X.copy(), y), GaussianNB().fit(X, y), clone(model).fit(X.copy(), y), X, y,
            n_bootstrap=100, random_state=0,
        )
    ).to_numpy()  # fmt: skip


def by_bias_variance(model, X, y):
    found = bias_variance(
        GaussianNB().fit(X[:50], y[:50]), model, X[50:], y[50:], X_train=X[:50], y_train=y[:50],
        n_repeats=3, random_state=0,
    )  # fmt: skip
    return found.to_frame()["value"].to_numpy()


def by_displays(model, X, y):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    fitted = [clone(model).fit(X.copy(), y) for _ in range(2)]
    named = dict(zip("ab", fitted, strict=True))
    reliability = [ReliabilityDisplay.from_estimator(each, X, y) for each in fitted]
    pairs = TeacherStudentDisplay.from_estimator(fitted, fitted, X, y)
    costs = CostQualityDisplay.from_estimator(named, X, y)
    shown = [*(each.frequency for each in reliability), pairs.student, costs.quality]
    return np.concatenate([np.ravel(each) for each in shown])


class DoublingTree(Doubling):
    @staticmethod
    def learner():
        return DecisionTreeClassifier(min_samples_leaf=5, random_state=0)


def by_generations_of_trees(model, X, y):
    trees = DoublingTree(model.stays)
    generations = BornAgainClassifier(trees, ensemble=True, cv=3, n_generations=2)
    generations.fit(X.copy(), y)
    assert generations.n_generations_ > 0
    return generations.predict_proba(X)


def by_retrieving(model, X, y):
    retriever = DistilledMulticlassRetriever(model, LogisticRegression(max_iter=500), k=1)
    return retriever.fit(X, y, X_unlabeled=X[:30].copy()).decision_function(X)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "use",
    [by_report, by_bias_variance, by_displays, by_generations_of_trees, by_retrieving],
)
def test_a_classifier_that_changes_its_rows_in_every_method(use):
    pytest.importorskip("pandas")
    X, y = make_problem()
    found, expected = (use(Doubling(stays), X.copy(), y) for stays in (False, True))
    assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore")
def test_rows_of_the_report_are_as_they_were():
    X, y = make_problem()
    model = make_pipeline(StandardScaler(copy=False), LogisticRegression()).fit(X.copy(), y)
    before = X.copy()
    distillation_report(model, model, model, X, y, n_bootstrap=100)
    compare_teachers({"a": clone(model), "b": FrozenEstimator(model)}, X, y, cv=3)
    assert_array_equal(X, before)


def test_a_student_in_chunks_is_judged_on_rows_as_they_were():
    from sklearn import config_context

    from skdistill import SoftLabelClassifier

    class InPasses(Doubling):
        def __init__(self, stays=False, max_iter=5, tol=1e-3, random_state=0):
            self.stays, self.max_iter, self.tol = stays, max_iter, tol
            self.random_state = random_state

    X, y = make_problem()
    P = np.clip(np.column_stack([1 - y, y]), 0.1, 0.9)
    found = []
    for stays in (False, True):
        with config_context(working_memory=0.001):
            model = SoftLabelClassifier(InPasses(stays)).fit(X.copy(), P)
        found.append(model.predict_proba(X.copy()))
    assert_array_equal(*found)


def test_partitions_are_unchanged_by_repeated_predictions():
    da = pytest.importorskip("dask.array")
    X, y = make_problem()
    X = X.astype(float)
    model = DistilledClassifier(
        FrozenEstimator(Doubling().fit(X.copy(), y)), Doubling(), alpha=0.5, teacher_temperature=1.0
    )
    student = DistilledClassifier(
        GaussianNB(), Doubling(), alpha=1.0, teacher_temperature=1.0, cv=3
    ).fit(X.copy(), y)
    rows, labels = da.from_array(X, chunks=(40, 4)).persist(), da.from_array(y, chunks=40)
    before = rows.compute().copy()
    first = student.predict_proba(rows).compute()
    assert_array_equal(student.predict_proba(rows).compute(), first)
    student.score(rows, labels)
    model.fit(rows, labels)
    assert_array_equal(rows.compute(), before)
