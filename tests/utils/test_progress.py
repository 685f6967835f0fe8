"""Callbacks of scikit-learn are called for each task of a fit; without any, nothing happens."""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import label_binarize
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledBipartiteRanker, DistilledClassifier, DistilledMulticlassRetriever

TREE = DecisionTreeClassifier(max_depth=2, random_state=0)
needs_callbacks = pytest.mark.skipif(
    not hasattr(DistilledClassifier, "set_callbacks"), reason="scikit-learn has no callbacks"
)
STUDENT = ["begin fit-student", "end fit-student"]


class Diary:
    """A callback that writes down what it hears, from whatever process."""

    max_propagation_depth = 1  # a search hands it on to what it fits

    def __init__(self, path):
        self.path = path

    def write(self, what, estimator, context):
        with Path(self.path).open("a") as lines:
            lines.write(f"{type(estimator).__name__}: {what} {context.task_name}\n")
            if what == "begin" and context.max_subtasks:
                lines.write(f"{type(estimator).__name__}: at most {context.max_subtasks}\n")

    def setup(self, estimator, context):
        self.write("set up", estimator, context)

    def on_fit_task_begin(self, estimator, context):
        self.write("begin", estimator, context)

    def on_fit_task_end(self, estimator, context):
        self.write("end", estimator, context)

    def teardown(self, estimator, context):
        self.write("tear down", estimator, context)

    def events_of(self, estimator):
        """Return what was written about an estimator, in order."""
        start = f"{type(estimator).__name__}: "
        lines = Path(self.path).read_text().splitlines()
        return [line.removeprefix(start) for line in lines if line.startswith(start)]


class TeacherWithDiary(GaussianNB):
    """Writes into the diary of its student that it is fitted."""

    def __init__(self, path=None):
        super().__init__()
        self.path = path

    def fit(self, X, y, sample_weight=None):
        with Path(self.path).open("a") as lines:
            lines.write("DistilledClassifier: a teacher is fitted\n")
        return super().fit(X, y, sample_weight)


@pytest.fixture
def diary(tmp_path):
    return Diary(str(tmp_path / "diary"))


def folds(n):
    each = ["begin fold", "end fold"] * n
    return ["begin fit-teacher", f"at most {n}", *each, "end fit-teacher"]


def whole_fit(*tasks, at_most=2):
    return ["begin fit", f"at most {at_most}", *tasks, "end fit"]


def alone(*tasks, **at_most):
    return ["set up fit", *whole_fit(*tasks, **at_most), "tear down fit"]


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_each_fold_begins_and_ends_in_order(diary, iris, n_jobs):
    model = DistilledClassifier(
        GaussianNB(), TREE, cv=4, n_jobs=n_jobs, alpha=1.0, teacher_temperature=1.0
    ).set_callbacks(diary)
    model.fit(*iris)
    assert diary.events_of(model) == alone(*folds(4), *STUDENT)


@needs_callbacks
def test_a_fold_ends_when_its_teacher_has_been_fitted(diary, iris):
    model = DistilledClassifier(
        TeacherWithDiary(diary.path), TREE, cv=3, alpha=1.0, teacher_temperature=1.0
    ).set_callbacks(diary)
    model.fit(*iris)
    each = ["begin fold", "a teacher is fitted", "end fold"]
    assert diary.events_of(model)[5:-5] == each * 3


@needs_callbacks
@pytest.mark.parametrize(
    ("model", "prepare"),
    [
        (DistilledBipartiteRanker(GaussianNB(), cv=3), lambda y: y == 1),
        (DistilledMulticlassRetriever(GaussianNB(), cv=3, k=2), lambda y: y),
        (
            DistilledMulticlassRetriever(TREE, cv=KFold(3, shuffle=True, random_state=0), k=2),
            lambda y: label_binarize(y, classes=[0, 1, 2]),
        ),
    ],
    ids=["ranker", "retriever", "label sets"],
)
def test_rankers_and_retrievers_report_progress(diary, iris, model, prepare):
    X, y = iris
    model = clone(model).set_callbacks(diary).fit(X / X.max(axis=0), prepare(y))
    assert diary.events_of(model) == alone(*folds(3), *STUDENT)


@needs_callbacks
@pytest.mark.filterwarnings("ignore:alpha")  # it may choose what it likes
@pytest.mark.parametrize("model", [DistilledClassifier, DistilledBipartiteRanker])
def test_the_choice_of_alpha_is_a_task(diary, iris, model):
    X, y = iris[0][50:] / iris[0].max(axis=0), iris[1][50:]
    model = model(GaussianNB(), cv=3, alpha="auto", n_jobs=2).set_callbacks(diary).fit(X, y)
    tasks = [*folds(3), "begin choose-weights", "end choose-weights", *STUDENT]
    assert diary.events_of(model) == alone(*tasks, at_most=3)


@needs_callbacks
def test_without_folds_there_are_fewer_tasks(diary, iris):
    frozen = FrozenEstimator(GaussianNB().fit(*iris))
    model = DistilledClassifier(
        GaussianNB(), TREE, alpha=1.0, teacher_temperature=1.0
    ).set_callbacks(diary)
    expected = []
    for params, tasks in [
        ({"cv": "in-sample"}, folds(1)),
        ({"teacher": frozen}, []),
        ({"teacher": frozen, "alpha": 0}, []),
    ]:
        model.set_params(**params).fit(*iris)
        expected += alone(*tasks, *STUDENT)
    assert diary.events_of(model) == expected


@needs_callbacks
def test_cached_folds_count_as_completed_in_progress(diary, iris, tmp_path):
    model = DistilledClassifier(
        TeacherWithDiary(diary.path),
        TREE,
        cv=3,
        memory=tmp_path / "memory",
        alpha=1.0,
        teacher_temperature=1.0,
    )
    model.fit(*iris)
    model.set_callbacks(diary).fit(*iris)
    fitted = ["a teacher is fitted"] * 3  # by the first fit
    assert diary.events_of(model) == [*fitted, *alone(*folds(3), *STUDENT)]


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_search_reports_the_folds_of_each_fit(diary, iris, n_jobs):
    model = DistilledClassifier(GaussianNB(), TREE, cv=3, alpha=1.0, teacher_temperature=1.0)
    search = GridSearchCV(model, {"alpha": [0.5, 1.0]}, cv=2, n_jobs=n_jobs).set_callbacks(diary)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no warning that the model takes no callbacks
        search.fit(*iris)
    events = diary.events_of(model)
    fit = whole_fit(*folds(3), *STUDENT)
    if n_jobs is None:
        assert events == fit * 5  # 2 settings, 2 splits, and once more at the end
    else:  # two at a time
        assert sorted(events) == sorted(fit * 5)
    assert diary.events_of(search)[0] == "set up fit"
    assert diary.events_of(search)[-1] == "tear down fit"


@needs_callbacks
def test_callbacks_change_no_prediction_and_skip_the_student(diary, iris):
    model = DistilledClassifier(
        GaussianNB(), TREE, cv=3, random_state=0, alpha=1.0, teacher_temperature=1.0
    )
    proba = model.fit(*iris).predict_proba(iris[0])
    before = set(vars(model))
    model.set_callbacks(diary).fit(*iris)
    assert_array_equal(model.predict_proba(iris[0]), proba)
    assert set(vars(model.set_callbacks())) == before
    assert set(vars(model.student_)) == set(vars(clone(TREE).fit(*iris)))
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(iris[0]), proba)


@needs_callbacks
def test_failed_fit_releases_its_callbacks(diary, iris):
    X, y = iris
    model = DistilledClassifier(
        GaussianNB(), TREE, cv=3, alpha=1.0, teacher_temperature=1.0
    ).set_callbacks(diary)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.where(X.max() == X, np.nan, X), y)
    events = diary.events_of(model)
    assert events[-1] == "tear down fit"
    assert "end fit" not in events
    model.fit(X, y)
    assert diary.events_of(model)[len(events) :] == alone(*folds(3), *STUDENT)


@needs_callbacks
@pytest.mark.parametrize("searching", [False, True])
def test_scikit_learns_bar_is_filled(iris, capsys, monkeypatch, searching):
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "200")  # room for whole lines
    from sklearn.callback import ProgressBar

    model = DistilledClassifier(GaussianNB(), TREE, cv=3, alpha=1.0, teacher_temperature=1.0)
    if searching:
        model = GridSearchCV(model, {"alpha": [0.5, 1.0]}, cv=2)
    model.set_callbacks(ProgressBar()).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    progress_lines = [line for line in lines if "DistilledClassifier - fit-teacher" in line]
    assert len(progress_lines) == (5 if searching else 1)
    assert all("100%" in line for line in progress_lines)


def test_multiprocessing_backend_gives_equal_results(iris):
    model = DistilledClassifier(
        GaussianNB(), TREE, cv=3, random_state=0, alpha=1.0, teacher_temperature=1.0
    ).fit(*iris)
    with parallel_config(backend="multiprocessing", n_jobs=2):
        again = clone(model).fit(*iris)
    assert_array_equal(model.predict_proba(iris[0]), again.predict_proba(iris[0]))


def test_warnings_name_the_line_that_called_fit(iris):
    X, y = iris
    model = DistilledClassifier(KNeighborsClassifier(), TREE, alpha=1.0, teacher_temperature=1.0)
    with pytest.warns(UserWarning, match="takes no sample_weight") as caught:
        model.fit(X, y, sample_weight=np.ones(len(y)))
    assert [warning.filename for warning in caught] == [__file__]
    with pytest.warns(UserWarning, match="k=10") as caught:
        DistilledMulticlassRetriever(GaussianNB(), cv=3).fit(X / X.max(axis=0), y)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_scikit_learn_without_callbacks_will_do():
    code = """
import sys
import warnings
import numpy as np
import sklearn.linear_model, sklearn.model_selection, sklearn.pipeline, sklearn.preprocessing
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier

sys.modules["sklearn.callback"] = None
from skdistill import DistilledClassifier
del sys.modules["sklearn.callback"]

X, y = load_iris(return_X_y=True)
model = DistilledClassifier(KNeighborsClassifier(), alpha=1.0, cv=3, verbose=2)
assert not hasattr(model, "set_callbacks")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.fit(X / 8, y, sample_weight=np.ones(len(y)))
assert [warning.filename for warning in caught] == ["<string>"], caught
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    *folds, whole = done.stdout.splitlines()
    assert [line[:21] for line in folds] == [
        f"[teacher] fold {number} of 3" for number in (1, 2, 3)
    ]
    assert whole.startswith("[DistilledClassifier] alpha 1, ")
