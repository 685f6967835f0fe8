"""Declared classes without rows have a column of probability 0 in the deployed student.

For every registered student; the students of scikit-learn are loaded without skdistill.
"""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from contracts.sklearn_estimators import Maker
from contracts.student_cases import package_of, registered_students
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    SoftLabelClassifier,
    SoftLabels,
    deployable,
    fit_soft_labels,
)
from skdistill.datasets import make_gaussian_classes
from skdistill.students import _further_classes, logit_regressor
from skdistill.students._registry import FITTERS

STUDENTS = {
    **registered_students(),
    **{cls.__name__: Maker(cls).make() for cls in FITTERS if package_of(cls) in ("xgboost",)},
    "SGDClassifier of log-loss": SGDClassifier(loss="log_loss", random_state=0),
    "LogisticRegression by liblinear": LogisticRegression(solver="liblinear"),
    "forest out of bag": RandomForestClassifier(5, oob_score=True, random_state=0),
    "network of one feature": MLPClassifier((), max_iter=20, random_state=0),
    "Pipeline of Pipelines": make_pipeline(
        MinMaxScaler(), make_pipeline(MinMaxScaler(), GaussianNB())
    ),
}
# They cannot be given further classes once they are fitted, and why.
REFUSED = {
    "CalibratedClassifierCV": "its calibrators belong to the classes that they saw",
    "ComplementNB": "it has no prior, and a row of zeros is as probable in each class",
    "HistGradientBoostingClassifier": "its trees and its loss are not public",
    "LinearDiscriminantAnalysis": "the logarithm that it gives of a probability of 0 is finite",
    "QuadraticDiscriminantAnalysis": (
        "its score of two classes is a difference, of more classes one of each"
    ),
    "StackingClassifier": "its final estimator is fitted on the probabilities of the seen classes",
}
LACKING = [(["a"], 2), (["c"], 2), (["b", "e"], 2), (["a"], 3), (["b", "d"], 3)]
METHODS = ["predict_proba", "predict_log_proba", "decision_function"]
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*is fitted to soft labels by expansion"),
    pytest.mark.filterwarnings("ignore:.*Some inputs do not have OOB scores"),
    pytest.mark.filterwarnings("ignore:divide by zero"),
]


def problem(lacking, n_seen):
    """Return rows, labels and probabilities of some classes, and these with the others."""
    X, codes, P = make_gaussian_classes(120, 3, n_seen, random_state=0)
    seen = np.setdiff1d(list("abcde"), lacking)[:n_seen]
    return np.abs(X), seen[codes], P, seen, np.sort(np.concatenate([seen, lacking]))


@pytest.mark.parametrize("soft", [True, False], ids=["soft", "hard"])
@pytest.mark.parametrize(("lacking", "n_seen"), LACKING, ids=str)
@pytest.mark.parametrize("name", [name for name in STUDENTS if name not in REFUSED])
def test_what_is_shipped_has_all_columns_and_is_else_the_same(name, lacking, n_seen, soft):
    if "liblinear" in name and n_seen > 2:
        pytest.skip("scikit-learn's own has two classes only")
    X, y, P, seen, every = problem(lacking, n_seen)
    if "XGB" in name:
        every, seen = np.arange(len(every)), np.searchsorted(every, seen)
        y = seen[np.searchsorted(np.unique(y), y)]
    proba = np.zeros((len(X), len(every)))
    proba[:, np.searchsorted(every, seen)] = P
    student = STUDENTS[name]
    target = proba if soft else y
    shipped = deployable(SoftLabelClassifier(student, classes=every).fit(X, target))
    assert type(shipped) is type(student)
    assert_array_equal(shipped.classes_, every)
    assert np.isin(shipped.predict(X), seen).all()
    if "XGB" in name:  # it learns a score for each class
        lacks = ~np.isin(every, seen)
        assert shipped.predict_proba(X).shape == (len(X), len(every))
        assert shipped.predict_proba(X)[:, lacks].max() < 0.1
        return
    plain = fit_soft_labels(
        student, X, SoftLabels(P, seen) if soft else SoftLabels.from_labels(y, seen)
    )
    assert_array_equal(shipped.predict(X), plain.predict(X))
    if hasattr(plain, "predict_proba"):
        expected = np.zeros((len(X), len(every)))
        expected[:, np.searchsorted(every, seen)] = plain.predict_proba(X)
        assert_allclose(shipped.predict_proba(X), expected, rtol=1e-9, atol=1e-15)
    pickle.loads(pickle.dumps(shipped)).predict(X)


@pytest.mark.parametrize("name", STUDENTS)
def test_outer_model_handles_classes_of_zero_weight(name):
    """Rows that carry no weight in a class: its column is 0, and scores stay finite."""
    X, _, P, seen, every = problem(["b"], 2)
    if "XGB" in name:
        pytest.skip("its labels are 0, 1, ...")
    model = SoftLabelClassifier(STUDENTS[name], classes=every)
    model.fit(X, np.column_stack([P[:, 0], np.zeros(len(X)), P[:, 1]]))
    assert_array_equal(model.classes_, ["a", "b", "c"])
    assert np.isin(model.predict(X), seen).all()
    if hasattr(model, "predict_proba"):
        assert_array_equal(model.predict_proba(X)[:, 1], 0)
    if hasattr(model, "predict_log_proba"):
        assert_array_equal(model.predict_log_proba(X)[:, 1], -np.inf)
    if hasattr(model, "decision_function"):
        scores = model.decision_function(X)
        assert np.isfinite(scores).all()
        assert_array_equal(scores[:, 1], np.finfo(scores.dtype).min)
        assert_array_equal(scores[:, 0], -scores[:, 2])  # the score of two classes
        plain = fit_soft_labels(STUDENTS[name], X, SoftLabels(P, seen)).decision_function(X)
        assert_allclose(scores[:, 2], plain, rtol=1e-9)


@pytest.mark.parametrize("soft", [True, False], ids=["soft", "hard"])
@pytest.mark.parametrize("name", REFUSED)
def test_deployable_refuses_students_that_lack_classes(name, soft):
    X, y, P, seen, every = problem(["b", "e"], 2)
    proba = np.zeros((len(X), len(every)))
    proba[:, np.searchsorted(every, seen)] = P
    model = SoftLabelClassifier(STUDENTS[name], classes=every).fit(X, proba if soft else y)
    assert model.predict_proba(X).shape == (len(X), len(every))
    with pytest.raises(ValueError, match=rf"{name}, lacks the classes \['b', 'e'\]"):
        deployable(model)


def test_every_student_that_refuses_classes_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "robustness.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith("| is registered, and a class")]
    assert [name for name in REFUSED if f"`{name}`" not in row] == []


@pytest.mark.parametrize("name", ["DecisionTreeClassifier", "RandomForestClassifier"])
def test_trees_of_an_unknown_state_are_refused(name, monkeypatch):
    X, _, P, seen, every = problem(["b", "e"], 2)
    known = SoftLabelClassifier(STUDENTS[name], classes=seen).fit(X, P)

    def changed(values, positions, n_classes, fill, axis=0):
        raise KeyError("values")

    monkeypatch.setattr(_further_classes, "pad_classes", changed)
    model = SoftLabelClassifier(STUDENTS[name], classes=every)
    model.fit(X, P @ np.eye(len(every))[np.searchsorted(every, seen)])
    found = model.predict_proba(X)[:, np.searchsorted(every, seen)]
    assert_array_equal(found, known.predict_proba(X))
    with pytest.raises(ValueError, match=rf"{name}, lacks the classes \['b', 'e'\]"):
        deployable(model)


@pytest.mark.parametrize(
    ("package", "name", "quiet"),
    [
        ("lightgbm", "LGBMClassifier", {"verbose": -1}),
        ("catboost", "CatBoostClassifier", {"verbose": 0, "allow_writing_files": False}),
    ],
)
def test_boosters_have_them_by_themselves_or_are_refused(package, name, quiet):
    """LightGBM learns a score for each class from soft labels, and drops it for hard ones."""
    X, y, P, _, every = problem(["c"], 2)
    student = getattr(pytest.importorskip(package), name)(n_estimators=5, **quiet)
    for target in (P @ np.eye(2, 3), y):
        model = SoftLabelClassifier(student, classes=every).fit(X, target)
        assert_array_equal(model.predict_proba(X)[:, 2].round(6), 0)
        if target is not y and package == "lightgbm":
            assert_array_equal(deployable(model).classes_, every)
            continue
        with pytest.raises(ValueError, match=rf"{name}, lacks the classes \['c'\]"):
            deployable(model)


@pytest.mark.parametrize("student", [GaussianNB(), SGDClassifier(random_state=0)])
def test_in_dask_too(student):
    da = pytest.importorskip("dask.array")
    X, y, _, _, every = problem(["b"], 2)
    model = DistilledClassifier(GaussianNB(), student, alpha=0.0, classes=every, cv=2)
    model.fit(da.from_array(X, chunks=(60, 3)), da.from_array(y, chunks=60))
    assert_array_equal(deployable(model).classes_, every)


def test_all_registered_students_of_scikit_learn_are_tried():
    assert set(registered_students()) <= STUDENTS.keys()
    assert STUDENTS.keys() >= REFUSED.keys()


def test_they_predict_where_skdistill_cannot_be_imported(tmp_path):
    X, _, P, seen, every = problem(["b", "e"], 2)
    proba = np.zeros((len(X), len(every)))
    proba[:, np.searchsorted(every, seen)] = P
    names = [name for name in registered_students() if name not in REFUSED]
    shipped = [
        deployable(SoftLabelClassifier(STUDENTS[name], classes=every).fit(X, proba))
        for name in names
    ]
    expected = [student.predict(X) for student in shipped]
    path = tmp_path / "students.pickle"
    path.write_bytes(pickle.dumps((shipped, X, expected)))
    code = f"""
import sys
sys.modules["skdistill"] = None  # importing it now fails
import pickle, warnings
warnings.simplefilter("error")
with open({str(path)!r}, "rb") as file:
    students, X, expected = pickle.load(file)
for student, labels in zip(students, expected):
    assert student.classes_.tolist() == ["a", "b", "c", "e"], student
    assert (student.predict(X) == labels).all(), student
    if hasattr(student, "predict_proba"):
        proba = student.predict_proba(X)
        assert proba.shape == (len(X), 4) and (proba[:, [1, 3]] == 0).all(), student
print(len(students))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert int(done.stdout) == len(names)


def test_the_pipeline_around_it_with_the_student_in_place():
    X, y, _ = make_gaussian_classes(120, 3, 3, random_state=0)
    X, y = X[y < 2], y[y < 2]
    inner = DistilledClassifier(
        ExtraTreesClassifier(5, random_state=0),
        alpha=0.5,
        teacher_temperature=1.0,
        classes=range(3),
    )
    for model in (
        make_pipeline(StandardScaler(), inner),
        make_pipeline(StandardScaler(), make_pipeline(MinMaxScaler(), inner)),
        GridSearchCV(make_pipeline(StandardScaler(), inner), {}, cv=2),
        make_pipeline(StandardScaler(), GridSearchCV(inner, {"alpha": [0.5, 1.0]}, cv=2)),
        FrozenEstimator(make_pipeline(StandardScaler(), inner).fit(X, y)),
    ):
        expected = model.fit(X, y).predict_proba(X)
        shipped = deployable(model)
        assert "skdistill" not in str(pickle.dumps(shipped))
        assert_allclose(shipped.predict_proba(X), expected, rtol=1e-12)
        assert_array_equal(shipped.classes_, range(3))
        assert_allclose(model.predict_proba(X), expected, rtol=0)  # which is left as it is


def test_what_is_no_student_to_ship():
    X, y, P = make_gaussian_classes(120, 3, 3, random_state=0)
    with pytest.raises(TypeError, match="deployable takes an estimator of skdistill"):
        deployable(LogisticRegression().fit(X, y))
    with pytest.raises(TypeError, match=r"Deploy each of estimators_"):
        model = BornAgainClassifier(DecisionTreeClassifier(max_depth=3), ensemble=True, cv=3)
        deployable(model.fit(X, y))
    with pytest.raises(TypeError, match=r"Deploy student_\.regressor_"):
        deployable(SoftLabelClassifier(logit_regressor(Ridge())).fit(X, P))
    assert type(deployable(SoftLabelClassifier(Ridge()).fit(X, P))) is Ridge
    ranker = DistilledBipartiteRanker(alpha=0.0).fit(X[y < 2], y[y < 2])
    assert deployable(ranker) is ranker.student_


def test_a_class_of_ones_own_may_override_fit():
    """A class that overrides `fit` is not changed."""

    class Own(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            return super().fit(X, y, sample_weight=sample_weight)

    X, y, _, _, every = problem(["b"], 2)
    model = SoftLabelClassifier(Own(), classes=every).fit(X, y)
    assert len(model.student_.classes_) == 2
    for student in (Own(), AdaBoostClassifier(n_estimators=2)):
        with pytest.raises(ValueError, match=r"lacks the classes \['b'\]"):
            deployable(SoftLabelClassifier(student, classes=every).fit(X, y))


def test_a_warm_start_from_a_student_with_further_classes():
    X, _, P, _, every = problem(["c"], 2)
    first = SoftLabelClassifier(LogisticRegression(), classes=every).fit(X, P @ np.eye(2, 3))
    X3, _, P3 = make_gaussian_classes(120, 3, 3, random_state=0)
    warm = clone(LogisticRegression(warm_start=True, tol=1e-8, max_iter=1000))
    vars(warm).update({k: v for k, v in vars(first.student_).items() if k.endswith("_")})
    expected = fit_soft_labels(clone(warm), X3, SoftLabels(P3, every)).coef_
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert_allclose(fit_soft_labels(warm, X3, SoftLabels(P3, every)).coef_, expected, atol=1e-4)
