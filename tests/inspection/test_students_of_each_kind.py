"""Students of each kind are compared; one that fails in any step says so in its row."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill.datasets import make_gaussian_classes
from skdistill.inspection import compare_students

X, Y, _ = make_gaussian_classes(500, 4, 2, random_state=0)
X = X.astype(np.float32)  # as nets take it
TEST = {"X_test": X[200:], "y_test": Y[200:]}
ROWS = {"X": X[:200], "y": Y[:200], "random_state": 0}
TREE = DecisionTreeClassifier(max_leaf_nodes=6, random_state=0)
LEAVES = {"max_leaf_nodes": [2, 6]}


def net():
    pytest.importorskip("torch")
    from torch import nn

    from skdistill.nets import SoftLabelNet

    size = {"module__in_features": 4, "module__out_features": 2}
    return make_pipeline(StandardScaler(), SoftLabelNet(nn.Linear, **size, max_epochs=3))


KINDS = {
    "grid search": (lambda: GridSearchCV(TREE, LEAVES, cv=2), "search"),
    "grid search of a Pipeline": (
        lambda: GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression()),
            {"logisticregression__C": [0.1, 1]},
            cv=2,
            scoring="neg_log_loss",
        ),
        "search",
    ),
    "random search": (
        lambda: RandomizedSearchCV(
            LogisticRegression(), {"C": loguniform(0.1, 10)}, n_iter=2, cv=2, random_state=0
        ),
        "search",
    ),
    "search as last step": (
        lambda: make_pipeline(StandardScaler(), GridSearchCV(TREE, LEAVES, cv=2)),
        "search",
    ),
    "Pipeline": (lambda: make_pipeline(StandardScaler(), LogisticRegression()), "grid"),
    "Pipeline in a Pipeline": (
        lambda: make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), TREE)),
        "grid",
    ),
    "net": (net, "untuned"),
    "perceptrons": (lambda: MLPClassifier(3, max_iter=20, random_state=0), "grid"),
    "vote": (
        lambda: VotingClassifier([("tree", TREE), ("bayes", GaussianNB())], voting="soft"),
        "untuned",
    ),
    "calibrated": (lambda: CalibratedClassifierCV(TREE, cv=2, ensemble=False), "untuned"),
    "constant": (DummyClassifier, "untuned"),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_students_of_each_kind(kind):
    make, tuning = KINDS[kind]
    student = make()
    compared = compare_students({"student": student}, GaussianNB(), **ROWS, **TEST)
    frame = compared.to_frame()
    assert frame.loc[["student", "student (labels)"], "failure"].tolist() == ["", ""]
    assert frame["tuning"].tolist()[:2] == [tuning] * 2
    assert frame.loc["student", "log_loss"] > 0
    assert not hasattr(compared.models["student"], "best_estimator_")
    assert not hasattr(student, "classes_")  # it is not changed


class Failing(DecisionTreeClassifier):
    """A student that fails in one step."""

    def __init__(self, step="fit", max_leaf_nodes=6):
        super().__init__(max_leaf_nodes=max_leaf_nodes)
        self.step = step

    def fit(self, X, y, sample_weight=None):
        if self.step == "fit":
            raise RuntimeError("no luck")
        if self.step == "soft labels" and sample_weight is not None:
            raise RuntimeError("no luck")
        if self.step == "pseudo-labels" and len(y) > 200:
            raise RuntimeError("no luck")
        if self.step == "memory":
            raise MemoryError("no luck")
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        if self.step == "predict" or (self.step == "one row" and len(X) == 1):
            raise RuntimeError("no luck")
        return {"NaN": np.nan * proba, "columns": proba[:, :1]}.get(self.step, proba)


class Uncloned(ClassifierMixin, BaseEstimator):
    """A student that cannot be cloned: its constructor changes a parameter."""

    def __init__(self, depth=3):
        self.depth = [depth]

    def fit(self, X, y):
        return self


class Unweighted(ClassifierMixin, BaseEstimator):
    """A student without sample_weight, which cannot be fitted to soft labels."""

    def fit(self, X, y):
        self.classes_, self.count_ = np.unique(y, return_counts=True)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[self.count_.argmax()], len(X))

    def predict_proba(self, X):
        return np.tile(self.count_ / self.count_.sum(), (len(X), 1))


# The student, a part of the reason, and the rows of the table that have none.
FAILURES = {
    "fit": (Failing("fit"), "RuntimeError: no luck", []),
    "soft labels": (Failing("soft labels"), "RuntimeError: no luck", ["labels", "pseudo-labels"]),
    "pseudo-labels": (Failing("pseudo-labels"), "RuntimeError: no luck", ["labels"]),
    "memory": (Failing("memory"), "MemoryError: no luck", []),
    "predict": (Failing("predict"), "RuntimeError: no luck", []),
    "one row": (Failing("one row"), "RuntimeError: no luck", []),
    "NaN": (Failing("NaN"), "NaN", []),
    "columns": (Failing("columns"), "Error", []),
    "clone": (Uncloned(), "Cannot clone", []),
    "no weights": (Unweighted(), "no sample_weight", ["labels", "pseudo-labels"]),
    "no probabilities": (SVC(), "predict_proba", []),
    "a bad parameter": (DecisionTreeClassifier(max_depth=-1), "max_depth", []),
    "a bad search": (GridSearchCV(TREE, LEAVES, refit=False), "Set refit=True", []),
    "a bad step": (make_pipeline(StandardScaler(with_mean=3), TREE), "with_mean", []),
}


@pytest.mark.parametrize("rows", ["test", "folds"])
@pytest.mark.parametrize("kind", FAILURES)
def test_a_student_that_fails_goes_into_its_row(kind, rows, capsys):
    if (kind, rows) == ("pseudo-labels", "folds"):
        pytest.skip("the same with more rows")
    student, reason, without = FAILURES[kind]
    further = TEST if rows == "test" else {"cv": 2}
    further = {**further, "X_unlabeled": X[200:260], "verbose": 1}
    students = {"poor": student, "good": TREE}
    compared = compare_students(students, GaussianNB(), **ROWS, **further)
    failures = compared.to_frame()["failure"].drop("teacher (ONNX)")
    fails = [name for name in ("poor", "poor (labels)", "poor (pseudo-labels)") if failures[name]]
    assert fails, failures
    for name in fails:
        assert reason in failures[name]
        assert name not in compared.models
    for how in without:
        assert failures[f"poor ({how})"] == ""
    assert (failures[[name for name in failures.index if "poor" not in name]] == "").all()
    assert compared.best().startswith(("good", "poor"))
    str(compared), compared._repr_html_()
    assert "good (2 of 2) in" in capsys.readouterr().out


def test_progress_is_printed_with_each_student(capsys):
    students = {"good": TREE, "poor": Failing("fit")}
    compare_students(students, GaussianNB(), **ROWS, cv=2, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 * 3  # on all rows and in two folds: the teacher and two students
    assert lines[0].startswith("[compare_students] all rows: teacher cross-fitted in ")
    assert lines[1].startswith("[compare_students] all rows: good (1 of 2) in ")
    assert lines[-1].startswith("[compare_students] fold 2 of 2: poor (2 of 2) in ")
    assert "; distilled failed: RuntimeError: no luck" in lines[-1]
    compare_students({"good": TREE}, GaussianNB(), **ROWS, **TEST)
    assert capsys.readouterr().out == ""


class FailingRegressor(DecisionTreeRegressor):
    """A regressor that fails."""

    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("no luck")


def test_a_regressor_that_fails_goes_into_its_row():
    students = {"poor": FailingRegressor(), "good": Ridge()}
    rows = {"X_test": X[200:], "y_test": X[200:, 0]}
    teacher = DecisionTreeRegressor(max_depth=3)
    compared = compare_students(students, teacher, X[:200], X[:200, 0], **rows, random_state=0)
    frame = compared.to_frame()
    assert "no luck" in frame.loc["poor", "failure"] and frame.loc["good", "failure"] == ""
