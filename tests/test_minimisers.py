"""Every minimiser reaches the optimum, or issues a ConvergenceWarning.

On difficult problems: collinear columns, separable classes, constant columns, more columns than
rows, columns of very different scale. The losses are implemented independently here.
"""

import ast
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import LinAlgWarning
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Perceptron, SGDClassifier

import skdistill
from skdistill import SoftLabels, fit_soft_labels
from skdistill._targets._temperature import best_temperature
from skdistill.objectives import double_distillation_loss, label_weighted_cross_entropy
from skdistill.students.ranking import fit_ranker
from skdistill.students.ranking._pairs import best_intercept
from skdistill.students.retrieval import RetrievalTargets, fit_retriever
from skdistill.students.retrieval.linear import fit_low_rank

# The files that minimise, and which test below looks at them.
MINIMISE = {
    "students/linear.py": "linear",
    "objectives/_newton.py": "linear",
    "students/ranking/linear.py": "linear",
    "students/ranking/_pairs.py": "intercept",
    "students/retrieval/linear.py": "linear",
    "students/_chunks.py": "descent",
    "objectives/_logistic_blocks.py": "intercept",
    "_dask/_ranker.py": "tests/dask/test_dask_ranker.py: as in memory",
    "_dask/_students.py": "tests/dask/test_dask_classifier.py: as in memory",
    "_targets/_temperature.py": "temperature",
    "metrics/_smooth_calibration.py": "tests/metrics/test_smooth_calibration.py: a fixed point",
    "_base/_alpha_selection.py": "tests/base/test_alpha_selection.py: the best of the grid",
}


def test_every_file_that_minimises_is_listed():
    root = Path(skdistill.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", [])]
            by_scipy = getattr(node, "module", None) == "scipy.optimize"
            if isinstance(node, ast.ImportFrom) and (by_scipy or "minimise" in names):
                found.add(str(path.relative_to(root)))
    assert found <= set(MINIMISE)


def one_hot_columns(rng, n):
    levels = rng.integers(0, 3, size=(n, 2))
    return np.hstack([np.eye(3)[levels[:, 0]], np.eye(3)[levels[:, 1]]])


def problem(kind, n_classes):
    """Return rows and probabilities."""
    rng = np.random.default_rng(0)
    n = 8 if kind == "wide" else 60
    X = rng.normal(size=(n, 12 if kind == "wide" else 3))
    logits = X @ rng.normal(size=(X.shape[1], n_classes))
    if kind == "collinear":
        X = one_hot_columns(rng, n)
        logits = X @ rng.normal(size=(X.shape[1], n_classes))
    elif kind == "separable":
        logits *= 1e3
    elif kind == "constant":
        X[:, 1], X[:, 2] = 0.0, 7.0
    elif kind == "badly scaled":
        X *= [1.0, 1e3, 1e6]
    P = np.exp(log_softmax(logits, axis=1))
    return X, P / P.sum(axis=1, keepdims=True)


def cross_entropy(scores, P):
    return -(P * log_softmax(scores, axis=1)).sum(axis=1).mean()


SURROGATES = {
    "logistic": lambda d: np.logaddexp(0, -d),
    "exponential": lambda d: np.exp(np.minimum(-d, 700)),
    "hinge": lambda d: np.maximum(0, 1 - d),
    "squared_hinge": lambda d: np.maximum(0, 1 - d) ** 2,
}


def pairs(surrogate):
    def loss(scores, P):
        a, b = P[:, 1], P[:, 0]
        differences = scores[:, None] - scores[None, :]
        return a @ SURROGATES[surrogate](differences) @ b / (a.sum() * b.sum())

    return loss


RETRIEVAL = {
    "cross_entropy": cross_entropy,
    "double_distillation": lambda scores, P: double_distillation_loss(scores, P)[0],
    "label_weighted": lambda scores, P: label_weighted_cross_entropy(scores, P.argmax(axis=1), P)[
        0
    ],
}


def student_of(C, **params):
    return LogisticRegression(C=C, max_iter=1000, tol=1e-6, **params)


def by_solver(solver):
    def solve(X, P, C):
        fitted = fit_soft_labels(student_of(C, solver=solver), X, SoftLabels(P))
        return fitted.coef_, fitted.intercept_

    return solve


def by_pairs(surrogate):
    def solve(X, P, C):
        fitted = fit_ranker(student_of(C), X, SoftLabels(P), surrogate)
        return fitted.coef_, np.zeros(1)

    return solve


def by_labels(objective):
    def solve(X, P, C):
        soft_labels = SoftLabels(P, y=P.argmax(axis=1))
        fitted = fit_retriever(student_of(C), X, RetrievalTargets.of(soft_labels, objective))
        return fitted.coef_, fitted.intercept_

    return solve


MINIMISERS = {
    **{solver: (by_solver(solver), cross_entropy, 3) for solver in ("lbfgs", "newton-cholesky")},
    **{
        f"{solver}, two classes": (by_solver(solver), cross_entropy, 2)
        for solver in ("lbfgs", "newton-cholesky")
    },
    **{f"pairs, {name}": (by_pairs(name), pairs(name), 2) for name in SURROGATES},
    **{f"labels, {name}": (by_labels(name), RETRIEVAL[name], 3) for name in RETRIEVAL},
}


@pytest.mark.parametrize("C", [1.0, np.inf])
@pytest.mark.parametrize(
    "kind", ["collinear", "separable", "constant", "wide", "badly scaled", "plain"]
)
@pytest.mark.parametrize("name", MINIMISERS)
def test_linear(name, kind, C):
    solve, loss, n_classes = MINIMISERS[name]
    X, P = problem(kind, n_classes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coef, intercept = solve(X, P, C)
    scale = np.where(X.any(axis=0), np.abs(X).max(axis=0), 1.0)  # the reference is to find it, too
    ranks, binary = name.startswith("pairs"), len(coef) == 1

    def objective(flat):
        rows = flat.reshape(len(coef), -1)
        weights = rows[:, :-1] / scale
        scores = X @ weights.T + rows[:, -1]
        if ranks:
            scores = scores[:, 0]
        elif binary:
            scores = np.column_stack([0 * scores, scores])
        return loss(scores, P) + (weights**2).sum() / (2 * C * len(X))

    found = np.column_stack([coef * scale, intercept]).ravel()
    assert np.isfinite(found).all()
    value = objective(found)
    assert value <= objective(0 * found) + 1e-12
    warned = any(issubclass(each.category, ConvergenceWarning) for each in caught)
    # The gradient of the hinge jumps: rounding decides whether it gets below tol at the optimum.
    if not warned or (kind == "plain" and C == 1 and name == "pairs, hinge"):
        assert kind != "plain" or name == "pairs, hinge" or value < objective(0 * found)
        best = min(
            minimize(objective, start, method="L-BFGS-B", options={"maxfun": 10**5}).fun
            for start in (found, 0 * found)
        )
        # The hinge is smoothed until its mean is within tol.
        assert value <= best + (1e-4 if kind == "separable" else 2e-5)
    elif kind == "plain" and C == 1:
        raise AssertionError(f"{name} did not converge on an easy problem")


@pytest.mark.parametrize("kind", ["collinear", "constant", "wide", "plain"])
def test_a_low_rank(kind):
    X, P = problem(kind, 4)
    soft_labels = SoftLabels(P, y=P.argmax(axis=1))
    targets = RetrievalTargets.of(soft_labels, "cross_entropy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = fit_low_rank(student_of(1.0), X, targets, 2, 0)
    project, score = fitted.steps[0][1].components_.T, fitted[-1]
    shapes = [project.shape, score.coef_.shape, score.intercept_.shape]
    ends = np.cumsum([np.prod(shape) for shape in shapes])

    def objective(flat):
        U, W, b = (
            part.reshape(shape)
            for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)
        )
        penalty = ((U**2).sum() + (W**2).sum()) / (2 * len(X))
        return cross_entropy(X @ U @ W.T + b, P) + penalty

    found = np.concatenate([project.ravel(), score.coef_.ravel(), score.intercept_])
    if not any(issubclass(each.category, ConvergenceWarning) for each in caught):
        assert objective(found) <= minimize(objective, found, method="L-BFGS-B").fun + 2e-5


def test_the_singular_hessian_is_named():
    X, P = problem("collinear", 3)
    with pytest.warns(LinAlgWarning, match="singular Hessian"):
        fit_soft_labels(student_of(np.inf, solver="newton-cholesky"), X, SoftLabels(P))


def test_a_large_scale_is_not_a_singular_hessian():
    X, P = problem("badly scaled", 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit_soft_labels(student_of(np.inf, solver="newton-cholesky"), X, SoftLabels(P))
    scaled = fit_soft_labels(
        student_of(np.inf, solver="newton-cholesky"), X / [1.0, 1e3, 1e6], SoftLabels(P)
    )
    np.testing.assert_allclose(
        found.predict_proba(X), scaled.predict_proba(X / [1, 1e3, 1e6]), atol=1e-5
    )


@pytest.mark.parametrize("student", [SGDClassifier(loss="log_loss"), Perceptron()], ids=repr)
def test_descent_warns_if_it_did_not_converge(student):
    X, P = problem("plain", 3)
    student.set_params(max_iter=2, tol=1e-9, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        fit_soft_labels(student, X, SoftLabels(P))
    student.set_params(tol=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        fit_soft_labels(student, X, SoftLabels(P))


SCORES = {
    "spread": np.random.default_rng(0).normal(size=60) * 1e6,
    "equal": np.full(60, 3.0),
    "two values": np.repeat([-1e9, 1e9], 30),
    "far away": 1e12 + np.arange(60.0),
    "farther": np.full(60, 1e17),
    "one outlier": np.r_[np.zeros(59), 1e8],
}


@pytest.mark.parametrize("kind", SCORES)
@pytest.mark.parametrize("share", [1e-9, 0.3, 1 - 1e-9])
def test_intercept(kind, share):
    scores = SCORES[kind]
    P = np.column_stack([np.full(60, 1 - share), np.full(60, share)])
    intercept = best_intercept(scores, SoftLabels(P))

    def loss(c):
        margins = scores + c
        return np.mean(np.logaddexp(0, margins) - share * margins)

    for step in (1e-3, 1e-1, 1, 1e3):
        step = max(step, 4 * np.spacing(abs(intercept)))
        lowest = loss(intercept) - 1e-6 * max(1, abs(loss(intercept)))
        assert lowest <= min(loss(intercept - step), loss(intercept + step))


@pytest.mark.parametrize("kind", ["certain", "uniform", "wrong", "extreme", "tiny"])
def test_temperature(kind):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, size=200)
    P = {
        "certain": np.eye(3)[y],
        "uniform": np.full((200, 3), 1 / 3),
        "wrong": 0.8 * np.eye(3)[(y + 1) % 3] + 0.2 / 3,
        "extreme": np.where(np.eye(3)[y] > 0, 1 - 2e-300, 1e-300),
        "tiny": np.exp(log_softmax(1e-9 * rng.normal(size=(200, 3)), axis=1)),
    }[kind]
    soft_labels = SoftLabels(P, y=y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        best = best_temperature(soft_labels)

    def loss(temperature):
        with np.errstate(divide="ignore"):
            logs = log_softmax(np.log(P) / temperature, axis=1)
        return -logs[np.arange(200), y].mean()

    if not caught:
        grid = np.geomspace(1 / 20, 20, 41)
        assert loss(best) <= min(map(loss, grid)) + 1e-9
