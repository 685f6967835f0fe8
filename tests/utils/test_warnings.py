"""Warnings report the line of the user's call, and only one function issues them."""

import ast
import inspect
import threading
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
    SoftLabels,
    fit_soft_labels,
)
from skdistill._utils._warnings import warn
from skdistill.inspection import compare_teachers
from skdistill.metrics import recall_at_k

PACKAGE = Path(skdistill.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
FUNCTIONS = {"warn", "warn_explicit"}

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.arange(40) % 2
SIGN = (X[:, 0] > 0).astype(int)
RARE = np.where(np.arange(40) == 0, 2, Y)
P = RNG.dirichlet([1.0, 1.0], size=40)
WEIGHT = np.ones(40)
SETS = np.eye(2, dtype=int)[Y] * (np.arange(40)[:, None] > 2)
KNN = KNeighborsClassifier(3)
TREE = DecisionTreeClassifier(max_depth=2)
UNCONVERGED = LogisticRegression(max_iter=1, tol=1e-9)


def distilled(student=TREE, *, teacher=KNN, alpha=0.5, **params):
    return DistilledClassifier(teacher, student, alpha=alpha, cv=params.pop("cv", 3), **params)


def fit_in_search(model, alpha="alpha", **params):
    return GridSearchCV(model, {alpha: [0.5]}, cv=2, **params).fit(X, Y)


CALLS = {
    "teacher without weights": (
        "takes no sample_weight", lambda: distilled().fit(X, Y, sample_weight=WEIGHT)
    ),
    "groups without folds": (
        "groups is ignored", lambda: distilled(cv="in-sample").fit(X, Y, groups=Y)
    ),
    "temperature": (
        "no temperature changes them",
        lambda: distilled(teacher_temperature="auto").fit(X, Y, teacher_proba=np.eye(2)[Y]),
    ),
    "alpha": (
        "Do not distil",
        lambda: distilled(alpha="auto").fit(X, SIGN, teacher_proba=np.eye(2)[1 - SIGN]),
    ),
    "unseen class": ("never saw", lambda: distilled().fit(X, RARE)),
    "frozen teacher": (
        "never saw",
        lambda: distilled(teacher=FrozenEstimator(GaussianNB().fit(X, Y))).fit(X, RARE),
    ),
    "search": ("lbfgs stopped", lambda: fit_in_search(distilled(UNCONVERGED))),
    "search and pipeline": (
        "lbfgs stopped",
        lambda: fit_in_search(
            make_pipeline(StandardScaler(), distilled(UNCONVERGED)), "distilledclassifier__alpha"
        ),
    ),
    "student in a pipeline": (
        "lbfgs stopped",
        lambda: distilled(make_pipeline(StandardScaler(), UNCONVERGED)).fit(X, Y),
    ),
    "SoftLabelClassifier": (
        "lbfgs stopped", lambda: SoftLabelClassifier(UNCONVERGED).fit(X, P)
    ),
    "self-distillation": (
        "did not help", lambda: BornAgainClassifier(GaussianNB(), n_generations=1).fit(X, Y)
    ),
    "fit_soft_labels": ("lbfgs stopped", lambda: fit_soft_labels(UNCONVERGED, X, SoftLabels(P))),
    "expansion": (
        "by expansion",
        lambda: fit_soft_labels(LogisticRegression(solver="liblinear"), X, SoftLabels(P)),
    ),
    "passes": (
        "passes that still improved",
        lambda: fit_soft_labels(SGDClassifier(loss="log_loss", max_iter=1), X, SoftLabels(P)),
    ),
    "ranker": (
        "linear scorer stopped", lambda: DistilledBipartiteRanker(KNN, UNCONVERGED).fit(X, Y)
    ),
    "retriever": (
        "Set a smaller k", lambda: DistilledMulticlassRetriever(k=10).fit(X, Y, teacher_proba=P)
    ),
    "empty rows": (
        "have no label: they are",
        lambda: DistilledMulticlassRetriever(k=1).fit(X, SETS, teacher_proba=P),
    ),
    "metric": ("mean leaves them out", lambda: recall_at_k(SETS, Y[:, None], k=1)),
    "compare_teachers": (
        "takes no sample_weight",
        lambda: compare_teachers({"knn": KNN, "tree": TREE}, X, Y, sample_weight=WEIGHT, cv=3),
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_one_function_warns(path):
    """Others would count frames by hand, or report a line of the package."""
    if path == PACKAGE / "_utils" / "_warnings.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        line = f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', None)}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in FUNCTIONS, f"{line}: use warn of _utils/_warnings.py"
        elif isinstance(node, ast.ImportFrom) and node.module == "warnings":
            names = {alias.name for alias in node.names}
            assert not names & {*FUNCTIONS, "*"}, f"{line}: use warn of _utils/_warnings.py"


@pytest.mark.filterwarnings("ignore")  # those of scikit-learn
@pytest.mark.parametrize("name", CALLS)
def test_the_file_is_that_of_the_call(name):
    match, call = CALLS[name]
    with pytest.warns(UserWarning, match=match) as caught:
        call()
    ours = [each.filename for each in caught if match in str(each.message)]
    assert set(ours) == {__file__}


def test_the_line_is_that_of_the_call():
    with pytest.warns(UserWarning, match="takes no sample_weight") as caught:
        distilled(teacher=KNN).fit(X, Y, sample_weight=WEIGHT)
    frame = inspect.currentframe()
    assert caught[0].lineno == frame.f_lineno - 2


def test_each_line_is_reported_once_by_default():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            recall_at_k(SETS, Y[:, None], k=1)
        recall_at_k(SETS, Y[:, None], k=1)
    assert len(caught) == 2


def test_filters_by_the_module_of_the_caller():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=__name__.replace(".", r"\.") + "$")
        fit_soft_labels(UNCONVERGED, X, SoftLabels(P))
        warnings.filterwarnings("error", module="skdistill|sklearn")
        fit_soft_labels(UNCONVERGED, X, SoftLabels(P))


def called_from(module, function):
    """Call a function from a line of a module of this name."""
    source = {"__name__": module, "function": function}
    exec(compile("function()", f"<{module}>", "exec"), source)


@pytest.mark.parametrize(
    ("module", "filename"),
    [
        ("skdistill", __file__),
        ("skdistill.students.linear", __file__),
        ("sklearn.model_selection._search", __file__),
        ("joblib.parallel", __file__),
        ("dask.local", __file__),
        ("contextlib", __file__),
        ("skdistill_extra", "<skdistill_extra>"),
        ("__main__", "<__main__>"),
    ],
)
def test_which_callers_are_skipped(module, filename):
    with pytest.warns(FutureWarning, match="message") as caught:
        called_from(module, partial(warn, "message", FutureWarning))
    assert caught[0].filename == filename


def test_a_thread_has_no_line_of_the_user():
    """The line that runs the thread is reported."""
    with pytest.warns(UserWarning, match="message") as caught:
        thread = threading.Thread(target=partial(warn, "message"))
        thread.start()
        thread.join()
    assert caught[0].filename == threading.__file__
