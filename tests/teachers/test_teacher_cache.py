"""The teacher cache saves fits, and detects and replaces damaged entries."""

import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from contracts.augmenters import AUGMENTERS, make_augmenter
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.metaestimators import available_if

from skdistill import DistilledBipartiteRanker, DistilledClassifier, DistilledMulticlassRetriever
from skdistill._teachers import _cache as memory_room

# So many lines; not an attribute of the class below, which would then be another teacher.
INTERRUPTED = {"at": None}


class CountedTeacher(GaussianNB):
    """Writes a line into a file each time that it is fitted."""

    def __init__(self, log=None, var_smoothing=1e-9, n_jobs=None, verbose=0, extra=None):
        super().__init__(var_smoothing=var_smoothing)
        self.log, self.n_jobs, self.verbose, self.extra = log, n_jobs, verbose, extra

    def fit(self, X, y, sample_weight=None):
        if fits(self.log) == INTERRUPTED["at"]:
            raise KeyboardInterrupt
        with Path(self.log).open("a") as log:
            log.write("fitted\n")
        X = X.toarray() if sparse.issparse(X) else X
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        return super().predict_proba(X.toarray() if sparse.issparse(X) else X)


def fits(log):
    """Return how often the teacher with that log has been fitted."""
    return len(Path(log).read_text().splitlines()) if Path(log).exists() else 0


def fits_of(log, function, *args, **params):
    """Return how many fits of the teacher a call needs."""
    before = fits(log)
    function(*args, **params)
    return fits(log) - before


@pytest.fixture
def log(tmp_path):
    return str(tmp_path / "log")


@pytest.fixture
def model(log, tmp_path):
    return DistilledClassifier(
        CountedTeacher(log),
        DecisionTreeClassifier(random_state=0),
        memory=tmp_path / "memory",
        alpha=1.0,
        teacher_temperature=1.0,
    )


def entries_of(model):
    return sorted(Path(model.memory).rglob("*.predictions"))


def teachers_of(model):
    return sorted(Path(model.memory).rglob("*.teacher"))


STUDENTS = {"student__max_depth": [1, 2, 3, 4, 5], "student__min_samples_leaf": [1, 3, 5, 7]}


def test_a_grid_search_fits_each_teacher_once_per_split(model, log, gaussian):
    X, y, _ = gaussian
    one = GridSearchCV(clone(model).set_params(memory=None), {"student__max_depth": [1]}, cv=5)
    assert fits_of(log, one.fit, X, y) == 30  # (5 splits + refit) x 5 folds
    search = GridSearchCV(model, STUDENTS, cv=5)
    assert fits_of(log, search.fit, X, y) == 30
    assert len(search.cv_results_["params"]) == 20


def test_a_search_finds_the_same_with_and_without(model, log, gaussian):
    X, y, _ = gaussian
    search = GridSearchCV(model, {"student__max_depth": [1, 2]}, cv=2, scoring="neg_log_loss")
    without = clone(search).set_params(estimator__memory=None)
    assert fits_of(log, search.fit, X, y) == (2 + 1) * 5
    assert fits_of(log, without.fit, X, y) == (2 * 2 + 1) * 5
    for scores in ("mean_test_score", "std_test_score"):
        assert_array_equal(search.cv_results_[scores], without.cv_results_[scores])
    assert_array_equal(search.predict_proba(X), without.predict_proba(X))
    assert fits_of(log, search.fit, X, y) == 0


def test_alpha_temperature_and_top_k_cost_no_fit(model, log, gaussian):
    X, y, _ = gaussian
    grid = {"alpha": [0, 0.5], "teacher_temperature": [0.5, "auto"], "top_k": [1, None]}
    assert fits_of(log, GridSearchCV(model, grid, cv=2).fit, X, y) == (2 + 1) * 5


@pytest.mark.parametrize("augmenter", AUGMENTERS)
@pytest.mark.parametrize("alpha", [0.5, "auto"])
@pytest.mark.filterwarnings("ignore:alpha=.auto. chose 0")
def test_an_augmenter_costs_one_fit(model, log, gaussian, alpha, augmenter):
    X, y, _ = gaussian
    model.set_params(alpha=alpha, cv=3, random_state=0)
    grid = {
        "augmenter": [make_augmenter(augmenter)],
        "augmenter__size_factor": [1, 2],
    }
    search = GridSearchCV(model, grid, cv=2, scoring="neg_log_loss")
    n_teachers = 3 + 1  # one predicts the sampled rows
    assert fits_of(log, search.fit, X, y) == (2 + 1) * n_teachers
    without = clone(search).set_params(estimator__memory=None).fit(X, y)
    assert_array_equal(
        search.cv_results_["mean_test_score"], without.cv_results_["mean_test_score"]
    )
    n_nested = 3 if alpha == "auto" else 0
    assert fits_of(log, clone(model).set_params(augmenter=None).fit, X, y) == n_nested


def test_top_k_of_a_retriever_costs_no_fit(log, tmp_path, gaussian):
    X, y, _ = gaussian
    retriever = DistilledMulticlassRetriever(
        CountedTeacher(log), memory=tmp_path, cv=3, k=1, top_k=1
    )
    assert fits_of(log, retriever.fit, X, y) == 3
    assert fits_of(log, retriever.set_params(top_k=2).fit, X, y) == 0


def test_teachers_are_cached_if_there_are_unlabelled_rows(model, gaussian):
    X, y, _ = gaussian
    model.fit(X, y)
    assert not teachers_of(model)
    model.fit(X, y, X_unlabeled=X)
    assert len(teachers_of(model)) == 6


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b""])
def test_a_damaged_teacher_is_fitted_anew_with_a_warning(model, log, gaussian, damage):
    X, y, _ = gaussian
    model.fit(X, y, X_unlabeled=X)
    kept = teachers_of(model)[0]
    kept.write_bytes(damage(kept.read_bytes()))
    with pytest.warns(UserWarning, match="cached in.*teacher.*is damaged"):
        assert fits_of(log, model.fit, X, y, X_unlabeled=X[1:]) == 1
    assert fits_of(log, model.fit, X, y, X_unlabeled=X[2:]) == 0


class WithLambda(GaussianNB):
    """Cannot be pickled once it is fitted."""

    def fit(self, X, y, sample_weight=None):
        self.inside_ = lambda: None
        return super().fit(X, y, sample_weight)


def test_a_teacher_that_does_not_pickle_is_used_and_not_kept(model, gaussian):
    X, y, _ = gaussian
    model.set_params(teacher=WithLambda())
    with pytest.warns(UserWarning, match=r"teacher could not be cached.*lambda.*is used"):
        model.fit(X, y, X_unlabeled=X)
    assert not teachers_of(model)
    assert len(entries_of(model)) == 6


def test_randomised_and_halving_searches(model, log, gaussian):
    X, y, _ = gaussian
    randomised = RandomizedSearchCV(model, STUDENTS, n_iter=6, cv=2, random_state=0)
    assert fits_of(log, randomised.fit, X, y) == (2 + 1) * 5
    grid = {"student__max_depth": [1, 2, 3, 4]}
    halving = HalvingGridSearchCV(model, grid, cv=2, min_resources=50, random_state=0)
    one = clone(halving).set_params(param_grid={"student__max_depth": [1]})
    # Each of its two rounds has rows of its own; the refit on all rows is remembered.
    assert fits_of(log, halving.fit, X, y) == 2 * 2 * 5
    assert fits_of(log, one.fit, X, y) == 0
    assert halving.n_iterations_ == 2


def test_two_processes_at_once(model, log, gaussian):
    X, y, _ = gaussian
    grid = {"student__max_depth": [1, 2, 3]}
    both = GridSearchCV(model, grid, cv=2, n_jobs=2, scoring="neg_log_loss")
    assert 15 <= fits_of(log, both.fit, X, y) <= 30
    alone = clone(both).set_params(n_jobs=None, estimator__memory=None).fit(X, y)
    assert both.best_params_ == alone.best_params_
    assert_array_equal(both.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_processes_that_fit_folds_remember_them(model, log, gaussian):
    X, y, _ = gaussian
    model.set_params(n_jobs=2)
    assert fits_of(log, model.fit, X, y) == 5
    assert fits_of(log, model.set_params(n_jobs=None).fit, X, y) == 0


class EditedTeacher(CountedTeacher):
    shift = 0.0

    def fit(self, X, y, sample_weight=None):
        return super().fit(np.add(X, self.shift), y, sample_weight)

    @available_if(lambda self: True)
    def predict_proba(self, X):
        return super().predict_proba(X)


def test_teacher_is_refitted_after_a_code_change(model, log, gaussian, monkeypatch):
    X, y, _ = gaussian
    model.set_params(teacher=EditedTeacher(log))
    assert fits_of(log, model.fit, X, y) == 5
    assert fits_of(log, model.fit, X, y) == 0
    monkeypatch.setattr(EditedTeacher, "shift", 3.0)
    assert fits_of(log, model.fit, X, y) == 5
    changed = available_if(lambda self: True)(lambda self, X: CountedTeacher.predict_proba(self, X))
    monkeypatch.setattr(EditedTeacher, "predict_proba", changed)
    assert fits_of(log, model.fit, X, y) == 5
    assert fits_of(log, clone(model).fit, X, y) == 0


def test_an_interrupted_fit_goes_on_where_it_stopped(model, log, gaussian, monkeypatch):
    X, y, _ = gaussian
    monkeypatch.setitem(INTERRUPTED, "at", 3)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    monkeypatch.undo()
    assert fits_of(log, model.fit, X, y) == 2


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
import numpy as np
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.metaestimators import available_if
from skdistill import DistilledClassifier
from skdistill.datasets import make_gaussian_classes
from test_teacher_cache import CountedTeacher

write, n_written = Path.write_bytes, 0

def write_half(path, content):
    global n_written
    n_written += 1
    if n_written < 3:
        return write(path, content)
    write(path, content[: len(content) // 2])
    os.kill(os.getpid(), signal.SIGKILL)

Path.write_bytes = write_half
X, y, _ = make_gaussian_classes(n_samples=150, n_features=3, n_classes=3, random_state=0)
log, memory = sys.argv[1:]
student = DecisionTreeClassifier(random_state=0)
DistilledClassifier(CountedTeacher(log), student, memory=Path(memory), alpha=1.0).fit(X, y)
"""


def test_a_writer_that_is_killed_leaves_nothing_that_is_read(model, log, gaussian):
    X, y, _ = gaussian
    path = ":".join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, log, str(model.memory)]
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert fits(log) == 3
    assert len(entries_of(model)) == 2
    assert len(list(Path(model.memory).rglob("*.tmp"))) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fits_of(log, model.fit, X, y) == 3
    plain = clone(model).set_params(memory=None).fit(X, y)
    assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def flipped(content):
    """Flip one bit of a probability; the positions of at most three classes follow."""
    position = len(content) - 40
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: content[:32],
        lambda content: b"",
        lambda content: bytes([content[0] ^ 128]) + content[1:],
        lambda content: content + b"\0",
    ],
    ids=["flipped bit", "cut", "half", "checksum only", "empty", "checksum flipped", "longer"],
)
def test_a_damaged_entry_is_fitted_anew_with_a_warning(model, log, gaussian, damage):
    X, y, _ = gaussian
    expected = model.fit(X, y).predict_proba(X)
    entry = entries_of(model)[2]
    content = entry.read_bytes()
    entry.write_bytes(damage(content))
    with pytest.warns(UserWarning, match=rf"{entry}.*damaged.*fitted anew"):
        assert fits_of(log, model.fit, X, y) == 1
    assert_array_equal(model.predict_proba(X), expected)
    assert entry.read_bytes() == content
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fits_of(log, model.fit, X, y) == 0


def test_an_entry_under_another_name_is_not_believed(model, log, gaussian):
    X, y, _ = gaussian
    model.fit(X, y)
    first, second, *_ = entries_of(model)
    first.write_bytes(second.read_bytes())
    with pytest.warns(UserWarning, match="damaged"):
        assert fits_of(log, model.fit, X, y) == 1


def test_an_entry_that_cannot_be_read_or_written_costs_no_fit(model, log, gaussian):
    X, y, _ = gaussian
    expected = model.fit(X, y).predict_proba(X)
    entry = entries_of(model)[0]
    entry.unlink()
    entry.mkdir()
    with pytest.warns(UserWarning) as caught:
        assert fits_of(log, model.fit, X, y) == 1
    messages = [str(each.message) for each in caught]
    assert any("cannot be read" in message for message in messages)
    assert any("could not be cached" in message for message in messages)
    assert_array_equal(model.predict_proba(X), expected)
    assert not list(Path(model.memory).rglob("*.tmp"))


def test_a_folder_that_cannot_be_made_is_refused_before_any_fit(model, log, tmp_path, gaussian):
    X, y, _ = gaussian
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", str(tmp_path / "file" / "below")):
        with pytest.raises(OSError, match=r"memory='.*file.*' cannot be written to.*memory=None"):
            model.set_params(memory=folder).fit(X, y)
    assert fits(log) == 0


@pytest.mark.parametrize("memory", [1, True, "", b"folder", [], object()])
def test_memory_must_be_a_folder_even_without_teacher_calls(model, gaussian, memory):
    X, y, p_star = gaussian
    for params in ({}, {"alpha": 0}):
        with pytest.raises(ValueError, match="memory must be None, the path of a folder"):
            clone(model).set_params(memory=memory, **params).fit(X, y)
    with pytest.raises(ValueError, match=r"got memory="):
        clone(model).set_params(memory=memory).fit(X, y, teacher_proba=p_star)


def test_a_memory_of_joblib_lends_its_folder(model, log, tmp_path, gaussian):
    X, y, _ = gaussian
    model.set_params(memory=joblib.Memory(tmp_path / "memory", verbose=0)).fit(X, y)
    assert fits_of(log, model.set_params(memory=tmp_path / "memory").fit, X, y) == 0
    assert fits_of(log, model.set_params(memory=joblib.Memory(None)).fit, X, y) == 5


def as_frame(X):
    return pytest.importorskip("pandas").DataFrame(X, columns=list("abc"))


def test_cache_is_hit_by_same_rows_in_another_container(model, log, tmp_path, gaussian):
    X, y, _ = gaussian
    weight = np.linspace(1, 2, len(y))
    model.fit(X, y, sample_weight=weight)
    np.save(tmp_path / "rows.npy", X)
    for rows in (
        np.asfortranarray(X),
        np.frombuffer(X.tobytes()).reshape(X.shape),  # read-only
        np.repeat(X, 2, axis=0)[::2],
        X.astype(">f8"),
        np.load(tmp_path / "rows.npy", mmap_mode="r"),
    ):
        assert fits_of(log, model.fit, rows, y.tolist(), sample_weight=weight[::-1][::-1]) == 0


def test_dataframes_and_sparse_rows(model, log, gaussian):
    pd = pytest.importorskip("pandas")
    X, y, _ = gaussian
    frame = pd.DataFrame(X, columns=list("abc"))
    by_columns = pd.DataFrame({name: frame[name].to_numpy().copy() for name in frame})
    renamed = frame.rename(columns={"a": "A"})
    assert [fits_of(log, model.fit, each, y) for each in (frame, by_columns, renamed)] == [5, 0, 5]
    with_zeros = sparse.csr_matrix(X * (X > 0))
    other = sparse.csr_array(X * (X > 0.1))
    rows = (with_zeros, with_zeros.tocsc(), other)
    assert [fits_of(log, model.fit, each, y) for each in rows] == [5, 0, 5]


def test_cache_key_depends_on_each_input_of_the_predictions(model, log, gaussian):
    X, y, _ = gaussian
    given = {
        "X": X[:100],
        "y": y[:100],
        "sample_weight": np.linspace(1, 2, 100),
        "X_unlabeled": X[100:],
    }
    model.fit(**given)
    changed = []
    for name, values in given.items():
        others = values.copy()
        others[7] = 2 - others[7]
        changed.append((name, others))
    for name, others in (*changed, ("sample_weight", None), ("X_unlabeled", None)):
        n_entries = len(entries_of(model))
        n_fits = 0 if name == "X_unlabeled" else 6  # other questions, to the same teachers
        assert fits_of(log, model.fit, **{**given, name: others}) == n_fits, name
        n_new = 5 if others is None and name == "X_unlabeled" else 6
        assert len(entries_of(model)) == n_entries + n_new, name
    for params, n_fits in (
        ({"teacher__var_smoothing": 0.1}, 6),
        ({"cv": 4}, 4),
        ({"cv": "in-sample", "unlabeled_weight": 1.0}, 0),
        (
            {"classes": [0, 1, 2, 3], "cv": "in-sample", "unlabeled_weight": 1.0},
            0,
        ),  # another question again
    ):
        other = clone(model).set_params(**params)
        assert fits_of(log, other.fit, **given) == n_fits, params
        assert fits_of(log, other.fit, **given) == 0, params
    assert fits_of(log, model.fit, **given) == 0


def test_cache_key_ignores_parameters_without_effect(model, log, gaussian):
    X, y, _ = gaussian
    model.fit(X, y)
    for params in (
        {"teacher__n_jobs": 2, "teacher__verbose": 1},
        {"alpha": 0.3, "teacher_temperature": 2.0, "top_k": 1},
        {"student": GaussianNB()},
        {"random_state": 3},  # this teacher has none to be seeded
        {"cv": StratifiedKFold(5)},
    ):
        assert fits_of(log, clone(model).set_params(**params).fit, X, y) == 0, params


def test_each_fold_has_an_entry_of_its_own(model, log, gaussian):
    X, y, _ = gaussian
    folds = list(StratifiedKFold(5).split(X, y))
    model.set_params(cv=folds).fit(X, y)
    (train, test), *others = folds
    shorter = train[1:]
    model.set_params(cv=[(shorter, test), *others])
    assert fits_of(log, model.fit, X, y) == 1


def test_versions_make_others(model, log, gaussian, monkeypatch):
    X, y, _ = gaussian
    model.fit(X, y)
    for package in ("skdistill", "sklearn"):
        monkeypatch.setattr(sys.modules[package], "__version__", "0.0.1", raising=False)
        assert fits_of(log, model.fit, X, y) == 5
        monkeypatch.undo()


def test_groups_count_by_the_folds_that_they_make(model, log, gaussian):
    X, y, _ = gaussian
    groups = np.arange(len(y)) % 5
    model.set_params(cv=GroupKFold(5)).fit(X, y, groups=groups)
    assert fits_of(log, model.fit, X, y, groups=groups * 10) == 0
    assert fits_of(log, model.fit, X, y, groups=np.arange(len(y)) // 30) == 5


def test_cache_key_depends_on_weight_requests_of_the_teacher(model, log, gaussian):
    X, y, _ = gaussian
    weight = np.linspace(1, 20, len(y))
    with config_context(enable_metadata_routing=True):
        for request in (True, False):
            voting = VotingClassifier([("a", clone(model.teacher))], voting="soft")
            voting.estimators[0][1].set_fit_request(sample_weight=request)
            other = DistilledClassifier(
                voting, DecisionTreeClassifier().set_fit_request(sample_weight=False),
                memory=model.memory, alpha=1.0, teacher_temperature=1.0,
).set_fit_request(sample_weight=True)  # fmt: skip
            assert fits_of(log, other.fit, X, y, sample_weight=weight) == 5


def test_a_teacher_without_a_seed_is_frozen_at_its_first_draw(tmp_path, gaussian):
    X, y, _ = gaussian
    student = DecisionTreeClassifier(random_state=0)
    model = DistilledClassifier(
        ExtraTreesClassifier(3), student, memory=tmp_path, alpha=1.0, teacher_temperature=1.0
    )
    first, second = (clone(model).fit(X, y).teacher_scores_ for _ in range(2))
    assert first == second
    seeded = [
        DistilledClassifier(
            ExtraTreesClassifier(3),
            student,
            memory=memory,
            random_state=seed,
            alpha=1.0,
            teacher_temperature=1.0,
        )
        .fit(X, y)
        .teacher_scores_
        for memory in (None, tmp_path)
        for seed in (1, 2, np.random.RandomState(1))
    ]
    assert seeded[:3] == seeded[3:]
    assert seeded[0] != seeded[1]


def one_label(y):
    return y


def two_classes(y):
    return y == 1


def several_labels(y):
    return np.column_stack([y != 0, y != 1, y == 2]).astype(int)


RETRIEVER = DistilledMulticlassRetriever(k=2, objective="cross_entropy")


@pytest.mark.parametrize(
    ("estimator", "labels"),
    [
        (DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0), one_label),
        (
            DistilledClassifier(
                student=GaussianNB(), cv="in-sample", alpha=1.0, unlabeled_weight=1.0
            ),
            one_label,
        ),
        (DistilledBipartiteRanker(), two_classes),
        (clone(RETRIEVER).set_params(top_k=None), one_label),
        (clone(RETRIEVER).set_params(top_k=2), one_label),
        (clone(RETRIEVER).set_params(top_k=2), several_labels),
        (clone(RETRIEVER).set_params(top_k=2, cv="in-sample"), several_labels),
    ],
)
def test_cached_predictions_equal_fresh_ones(estimator, labels, tmp_path, gaussian, monkeypatch):
    X, y, _ = gaussian
    y = labels(y)
    rows = {"X": X[:100], "y": y[:100], "X_unlabeled": X[100:]}
    model = clone(estimator).set_params(teacher=ExtraTreesClassifier(5), random_state=0)
    plain = clone(model).fit(**rows)
    canonical_form = clone(model).set_params(memory=tmp_path).fit(**rows)
    monkeypatch.setattr(ExtraTreesClassifier, "fit", None)  # no further fits are possible
    read = clone(model).set_params(memory=tmp_path).fit(**rows)
    scores = "decision_function" if hasattr(plain, "decision_function") else "predict_proba"
    for other in (canonical_form, read):
        assert other.teacher_scores_ == plain.teacher_scores_
        assert_array_equal(getattr(other, scores)(X), getattr(plain, scores)(X))


def test_rows_are_looked_through_once_per_fit(model, gaussian, monkeypatch):
    X, y, _ = gaussian
    seen = []
    write = memory_room.canonical_form
    monkeypatch.setattr(
        memory_room, "canonical_form", lambda value: seen.append(value) or write(value)
    )
    model.fit(X, y)
    assert len(seen) == 1
    assert seen[0][0] is X


def test_nothing_is_cached_without_teacher_predictions(model, gaussian):
    X, y, p_star = gaussian
    model.fit(X, y, teacher_proba=p_star)
    model.set_params(alpha=0).fit(X, y)
    assert not Path(model.memory).exists()


class LikeNoOther:
    """What it pickles as is never the same."""

    def __reduce__(self):
        return LikeNoOther, (), {"address": id(self)}

    def __setstate__(self, state):
        pass


class NeverPickled:
    """A connection, say, that copies share."""

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        raise TypeError("a connection does not pickle")


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (LikeNoOther(), "a copy of it looks different"),
        (NeverPickled(), "TypeError: a connection does not pickle"),
    ],
)
def test_teacher_without_a_stable_cache_key_is_refused(model, log, gaussian, extra, reason):
    X, y, _ = gaussian
    model.set_params(teacher__extra=[extra])
    with pytest.raises(TypeError, match=rf"(?s)cannot tell the teacher Co.*{reason}.*memory=None"):
        model.fit(X, y)
    assert fits(log) == 0
    assert fits_of(log, model.set_params(memory=None).fit, X, y) == 5


def test_a_lambda_inside_the_teacher_counts_by_its_code(model, log, gaussian):
    X, y, _ = gaussian

    def teacher(factor):
        return make_pipeline(FunctionTransformer(lambda X: X * factor), clone(model.teacher))

    n_fits = [
        fits_of(log, clone(model).set_params(teacher=teacher(factor)).fit, X, y)
        for factor in (1, 1, 2)
    ]
    assert n_fits == [5, 0, 5]


def test_verbose_reports_cached_predictions(model, capsys, gaussian):
    X, y, _ = gaussian
    model.set_params(cv=2, verbose=2)
    for _ in range(2):
        model.fit(X, y)
    model.set_params(cv="in-sample").fit(X, y)
    model.set_params(memory=None).fit(X, y)
    lines = re.findall(r"\[teacher\] .*", capsys.readouterr().out)
    fitted = r"fitted on \d+ rows in \d+\.\d s"
    for line, expected in zip(
        lines,
        [
            f"fold 1 of 2: not cached, {fitted}",
            f"fold 2 of 2: not cached, {fitted}",
            "fold 1 of 2: cached",
            "fold 2 of 2: cached",
            f"in-sample: not cached, {fitted}",
            f"in-sample: {fitted}",
        ],
        strict=True,
    ):
        assert re.fullmatch(rf"\[teacher\] {expected}", line)


def test_verbose_reports_a_cached_teacher(model, capsys, gaussian):
    X, y, _ = gaussian
    model.set_params(cv=2, verbose=2, alpha=1.0)
    model.fit(X[:100], y[:100], X_unlabeled=X[100:110])
    capsys.readouterr()
    for entry in entries_of(model):
        entry.unlink()
    model.fit(X[:100], y[:100], X_unlabeled=X[100:110])
    said = capsys.readouterr().out
    assert said.count("not cached, its teacher is") == 3


class DoesNotComeBack(GaussianNB):
    """A teacher that, once fitted, pickles and does not unpickle."""

    def __setstate__(self, state):
        if "classes_" in state:
            raise TypeError("of another make")
        super().__setstate__(state)


def test_teacher_that_fails_to_unpickle_is_refitted_and_warns(tmp_path, gaussian):
    X, y, _ = gaussian
    student = DecisionTreeClassifier(random_state=0)
    model = DistilledClassifier(
        DoesNotComeBack(), student, memory=tmp_path, cv=2, alpha=1.0, teacher_temperature=1.0
    )
    expected = model.fit(X[:100], y[:100], X_unlabeled=X[100:110]).predict_proba(X)
    with pytest.warns(UserWarning, match=r"cannot be unpacked \(TypeError: of another make\)"):
        model.fit(X[:100], y[:100], X_unlabeled=X[110:120])
    model.fit(X[:100], y[:100], X_unlabeled=X[100:110])
    assert_array_equal(model.predict_proba(X), expected)


@pytest.mark.parametrize("memory", ["~/cache", Path("~/cache")])
def test_a_folder_in_the_home_folder(memory, tmp_path, monkeypatch, gaussian):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    X, y = gaussian[:2]
    DistilledClassifier(GaussianNB(), alpha=1.0, teacher_temperature=1.0, memory=memory).fit(X, y)
    assert (tmp_path / "home" / "cache" / "skdistill").is_dir()
    assert not (tmp_path / "~").exists()
