"""The paper's claims hold on problems whose true class probabilities, or means, are known.

Each test compares a mean over many draws with its standard error; seeds are fixed, so that the
tests are deterministic.
"""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeRegressor

from skdistill import DistilledClassifier, DistilledRegressor
from skdistill.datasets import make_gaussian_classes, make_hidden_function
from skdistill.metrics import brier_loss


def test_bayes_teacher_lowers_variance_as_the_formula_states():
    """Both risks are unbiased, and their variances differ by 1/N · E_x V_{y|x}[ℓ(y, f(x))]."""
    n, n_draws = 50, 4000
    X, y, p_star = make_gaussian_classes(n * n_draws, 2, 3, random_state=0)
    student = LogisticRegression(C=0.05).fit(X[:1000], y[:1000])  # any f fixed beforehand
    X, y, p_star = X[1000:], y[1000:], p_star[1000:]
    n_draws -= 1000 // n
    losses = -student.predict_log_proba(X)
    one_hot = losses[np.arange(len(y)), y].reshape(n_draws, n).mean(axis=1)
    bayes = (p_star * losses).sum(axis=1).reshape(n_draws, n).mean(axis=1)

    conditional = (p_star * losses**2).sum(axis=1) - (p_star * losses).sum(axis=1) ** 2
    check_unbiased_with_gap(one_hot, bayes, conditional.mean() / n)


def test_conditional_mean_lowers_variance_as_stated():
    """Squared loss up to terms without f: −2 f μ in place of −2 f y saves 1/N · E_x[4 f² σ²]."""
    n, n_draws = 50, 4000
    X, y, mean, variance = make_hidden_function(n * n_draws, random_state=0)
    student = DecisionTreeRegressor(max_depth=3, random_state=0).fit(
        X[:1000], y[:1000]
    )  # any fixed f
    X, y, mean, variance = X[1000:], y[1000:], mean[1000:], variance[1000:]
    f = student.predict(X)
    labels, bayes = ((f**2 - 2 * f * target).reshape(-1, n).mean(axis=1) for target in (y, mean))
    check_unbiased_with_gap(labels, bayes, np.mean(4 * f**2 * variance) / n)


def check_unbiased_with_gap(by_labels, by_bayes, formula):
    """Draws of two risks have the same mean, and variances that differ as the formula states."""
    difference = by_labels - by_bayes
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(difference))
    gap = by_labels.var() - by_bayes.var()
    # Standard error of the gap, from blocks of draws.
    blocks = [
        by_labels[block].var() - by_bayes[block].var()
        for block in np.array_split(np.arange(len(by_labels)), 40)
    ]
    standard_error = np.std(blocks) / np.sqrt(len(blocks))
    assert formula > 10 * standard_error  # the test can tell the gap from none
    assert abs(gap - formula) < 4 * standard_error


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_a_teacher_error_moves_a_linear_student(alpha):
    """With the error b of the teacher the expected student moves by alpha · S b, S its smoother."""
    X, _, mean, variance = make_hidden_function(60, random_state=0)
    error = 0.5 * np.sin(3 * X[:, 0])
    smoother = np.column_stack([Ridge().fit(X, unit).predict(X) for unit in np.eye(60)])
    rng = np.random.default_rng(0)
    students = []
    for _ in range(200):
        y = mean + np.sqrt(variance) * rng.standard_normal(60)
        model = DistilledRegressor(student=Ridge(), alpha=alpha)
        students.append(model.fit(X, y, teacher_pred=mean + error).predict(X))
    moved = np.mean(students, axis=0) - smoother @ mean
    spread = (1 - alpha) * np.sqrt((smoother**2) @ variance / len(students))
    assert (np.abs(moved - alpha * smoother @ error) <= 4 * spread + 1e-12).all()


@pytest.mark.parametrize("seed", range(3))
def test_cross_fitted_labels_are_more_accurate_than_in_sample(seed):
    X, y, p_star = make_gaussian_classes(600, 4, 3, random_state=seed)
    forest = RandomForestClassifier(50, min_samples_leaf=1, random_state=0)
    in_sample = forest.fit(X, y).predict_proba(X)
    out_of_fold = cross_val_predict(forest, X, y, method="predict_proba")
    assert brier_loss(p_star, out_of_fold) < 0.7 * brier_loss(p_star, in_sample)


def test_only_in_sample_teacher_scores_are_optimistic():
    X, y, _ = make_gaussian_classes(3000, 4, 3, random_state=0)
    forest = RandomForestClassifier(50, random_state=0)
    fresh = log_loss(y[1000:], forest.fit(X[:1000], y[:1000]).predict_proba(X[1000:]))
    X, y = X[:1000], y[:1000]
    scores = {
        cv: DistilledClassifier(forest, cv=cv, alpha=1.0)
        .fit(X, y)
        .teacher_scores_["raw"]["log_loss"]
        for cv in ("in-sample", 5)
    }
    assert scores["in-sample"] < 0.5 * fresh
    assert scores[5] == pytest.approx(fresh, rel=0.3)


def test_a_bayes_teacher_makes_a_better_student_than_the_labels():
    gains = []
    for seed in range(20):
        X, y, p_star = make_gaussian_classes(2050, 10, 3, class_sep=0.5, random_state=seed)
        train, test = slice(50), slice(50, None)
        student = LogisticRegression(max_iter=1000)
        distilled = DistilledClassifier(student=student, alpha=1.0)
        distilled.fit(X[train], y[train], teacher_proba=p_star[train])
        from_labels = student.fit(X[train], y[train])
        gains.append(
            log_loss(y[test], from_labels.predict_proba(X[test]))
            - log_loss(y[test], distilled.predict_proba(X[test]))
        )
    assert np.mean(gains) > 4 * np.std(gains) / np.sqrt(len(gains))


@pytest.mark.parametrize(
    "student", [LinearRegression(), DecisionTreeRegressor(max_depth=4, random_state=0)]
)
def test_means_make_a_better_regressor_than_values(student):
    gains = []
    for seed in range(20):
        X, y, mean, _ = make_hidden_function(2050, random_state=seed)
        train, test = slice(50), slice(50, None)
        distilled = DistilledRegressor(student=student, alpha=1.0, random_state=seed)
        distilled.fit(X[train], y[train], teacher_pred=mean[train])
        from_labels = student.fit(X[train], y[train])
        errors = [np.mean((mean - each.predict(X))[test] ** 2) for each in (from_labels, distilled)]
        gains.append((errors[0] - errors[1]) / mean.var())
    assert np.mean(gains) > 4 * np.std(gains) / np.sqrt(len(gains))
