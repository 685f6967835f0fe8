"""The linear scorer of labels minimises its objective, with full and with low rank."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import SoftLabels, fit_soft_labels
from skdistill._targets._retrieval_targets import RetrievalTargets
from skdistill.datasets import make_gaussian_classes
from skdistill.objectives import double_distillation_loss, label_weighted_cross_entropy
from skdistill.students.retrieval import fit_retriever, register
from skdistill.students.retrieval.linear import LowRankObjective, fit_low_rank

TIGHT = {"tol": 1e-8, "max_iter": 5000}


def make_targets(objective, *, n_classes=4, seed=0, weight=None):
    X, y, p = make_gaussian_classes(120, 3, n_classes, random_state=seed)
    return X, y, p, RetrievalTargets.of(SoftLabels(p, y=y, sample_weight=weight), objective)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, np.inf])
def test_cross_entropy_is_logistic_regression_on_soft_labels(n_classes, C):
    weight = np.random.default_rng(0).uniform(0.5, 2, size=120)
    X, y, p, targets = make_targets("cross_entropy", n_classes=n_classes, weight=weight)
    student = LogisticRegression(C=C, **TIGHT)
    found = fit_retriever(student, X, targets)
    soft_labels = SoftLabels(p, y=y, sample_weight=weight)
    expected = fit_soft_labels(student, X, soft_labels)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-5)
    assert found.coef_.shape == expected.coef_.shape


@pytest.mark.parametrize("objective", ["double_distillation", "label_weighted"])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_objective_is_the_loss_of_all_rows_and_the_penalty(objective, n_classes):
    X, y, p, targets = make_targets(objective, n_classes=n_classes)
    C, n_rows = 0.5, 1 if n_classes == 2 else n_classes

    def plain(flat):
        rows = flat.reshape(n_rows, 4)
        scores = X @ rows[:, :3].T + rows[:, 3]
        if n_classes == 2:
            scores = np.column_stack([0 * scores, scores])
        loss = (
            label_weighted_cross_entropy(scores, y, p)
            if objective == "label_weighted"
            else double_distillation_loss(scores, p)
        )[0]
        return loss + (rows[:, :3] ** 2).sum() / (2 * C * len(X))

    best = minimize(plain, np.zeros(4 * n_rows), tol=1e-10)
    found = fit_retriever(LogisticRegression(C=C, **TIGHT), X, targets)
    rows = np.column_stack([found.coef_, found.intercept_])
    assert plain(rows.ravel()) == pytest.approx(best.fun, abs=1e-8)
    np.testing.assert_allclose(found.coef_, best.x.reshape(n_rows, 4)[:, :3], atol=2e-4)


@pytest.mark.parametrize("objective", ["double_distillation", "label_weighted"])
def test_a_row_of_weight_two_counts_as_two(objective):
    weight = np.random.default_rng(0).integers(0, 3, size=120)
    X, y, p, targets = make_targets(objective, weight=weight)
    twice = np.repeat(np.arange(120), weight)
    soft_labels = SoftLabels(p[twice], y=y[twice])
    student = LogisticRegression(C=0.1, **TIGHT)
    repeated = fit_retriever(student, X[twice], RetrievalTargets.of(soft_labels, objective))
    np.testing.assert_allclose(fit_retriever(student, X, targets).coef_, repeated.coef_, atol=1e-7)


def test_sparse_and_single_precision_rows_are_the_same():
    X, _, _, targets = make_targets("double_distillation")
    student = LogisticRegression(**TIGHT)
    dense = fit_retriever(student, X, targets).decision_function(X)
    of_sparse = fit_retriever(student, sparse.csr_array(X), targets)
    np.testing.assert_allclose(of_sparse.decision_function(X), dense, atol=1e-6)
    single = fit_retriever(LogisticRegression(), X.astype(np.float32), targets)
    np.testing.assert_allclose(single.decision_function(X), dense, atol=0.05)


def test_without_an_intercept_there_is_none():
    X, _, _, targets = make_targets("double_distillation")
    found = fit_retriever(LogisticRegression(fit_intercept=False), X, targets)
    assert not found.intercept_.any()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_search_goes_on_whatever_the_scale(scale):
    # 300 labels, one direction each: the gradient is tiny from the start, and says everything.
    X = scale * np.eye(300)
    targets = RetrievalTargets.of(SoftLabels(np.eye(300)), "double_distillation")
    found = fit_retriever(LogisticRegression(C=1e6), X, targets)
    np.testing.assert_array_equal(found.predict(X), np.arange(300))


def test_single_precision_reaches_the_optimum_or_warns():
    X, y = load_wine(return_X_y=True)
    targets = RetrievalTargets.of(SoftLabels.from_labels(y), "cross_entropy")
    X, student = StandardScaler().fit_transform(X), LogisticRegression(max_iter=5000)
    with pytest.warns(ConvergenceWarning, match="for rounding, with a gradient"):
        fit_retriever(clone(student).set_params(tol=1e-12), X.astype(np.float32), targets)
    exact = fit_retriever(student, X, targets)
    single = fit_retriever(student, X.astype(np.float32), targets)
    np.testing.assert_allclose(single.coef_, exact.coef_, atol=1e-3)


def test_a_pipeline_sees_the_rows_once_and_its_last_step_learns():
    X, _, _, targets = make_targets("double_distillation")
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(**TIGHT))
    scaled = StandardScaler().fit_transform(X)
    by_hand = fit_retriever(LogisticRegression(**TIGHT), scaled, targets)
    np.testing.assert_allclose(
        fit_retriever(pipeline, X, targets).decision_function(X),
        by_hand.decision_function(scaled),
        atol=1e-8,
    )


def test_the_low_rank_gradient_is_that_of_its_objective():
    X, _, _, targets = make_targets("label_weighted")
    objective = LowRankObjective(X, targets, LogisticRegression(C=0.3), 2)
    rng = np.random.default_rng(0)
    flat = rng.normal(size=3 * 2 + 4 * 3)
    gradient = objective.loss_and_gradient(flat)[1]
    for _ in range(5):
        step = rng.normal(size=len(flat))
        above, below = (objective.loss_and_gradient(flat + h * step)[0] for h in (1e-6, -1e-6))
        assert (above - below) / 2e-6 == pytest.approx(gradient @ step, rel=1e-6)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_low_rank_is_found_where_there_is_one(container):
    # Scores of rank one: the full-rank scorer can do no better.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 6))
    scores = np.outer(X @ rng.normal(size=6), np.linspace(-2, 2, 5))
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    targets = RetrievalTargets.of(SoftLabels(p), "cross_entropy")
    student = LogisticRegression(C=1e4, **TIGHT)
    low = fit_low_rank(student, container(X), targets, 1, 0)
    assert low[0].components_.shape == (1, 6) and low[1].coef_.shape == (5, 1)
    np.testing.assert_allclose(low.predict_proba(container(X)), p, atol=0.01)


def test_a_low_rank_scorer_is_the_same_from_the_same_seed():
    X, _, _, targets = make_targets("double_distillation")
    first, second = (
        fit_low_rank(LogisticRegression(), X, targets, 2, 0).decision_function(X) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_what_a_linear_scorer_cannot_honour_is_refused():
    X, _, _, targets = make_targets("double_distillation")

    def fails(error, match, student, **fit_params):
        with pytest.raises(error, match=match):
            fit_retriever(student, X, targets, **fit_params)

    fails(ValueError, "liblinear", LogisticRegression(solver="liblinear"))
    fails(ValueError, "balanced", LogisticRegression(class_weight="balanced"))
    fails(TypeError, "no fit parameters; got \\['other'\\]", LogisticRegression(), other=1)
    fails(TypeError, "use it with DistilledClassifier", DecisionTreeClassifier())
    fails(TypeError, "cannot be fitted to rank labels", make_pipeline(StandardScaler(), Ridge()))
    with pytest.raises(ValueError, match=r"rank=3 and X of shape \(120, 3\)"):
        fit_low_rank(LogisticRegression(), X, targets, 3, 0)
    with pytest.raises(ValueError, match="X has 5 rows but there are targets for 120"):
        fit_retriever(LogisticRegression(), X[:5], targets)
    alone = RetrievalTargets.of(SoftLabels([[1.0, 0.0]] * 120), "cross_entropy")
    with pytest.raises(ValueError, match="only 1 class to learn: \\[0\\]"):
        fit_retriever(LogisticRegression(), X, alone)
    nothing = RetrievalTargets.of(SoftLabels([[0.5, 0.5]] * 120), "label_weighted")
    with pytest.raises(ValueError, match="None of the 120 rows has a label"):
        fit_retriever(LogisticRegression(), X, nothing)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        fit_retriever(LogisticRegression(max_iter=2), X, targets)


def test_a_student_of_ones_own_is_registered():
    class Own(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("it is make_targets another way")

    X, _, _, targets = make_targets("double_distillation")
    with pytest.raises(TypeError, match="cannot be fitted"):
        fit_retriever(Own(), X, targets)

    @register(Own)
    def fit_own(student, X, targets, **fit_params):
        student.classes_ = targets.classes
        return student

    assert fit_retriever(Own(), X, targets).classes_.tolist() == [0, 1, 2, 3]
