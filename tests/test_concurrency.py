"""Concurrent and interrupted fits give correct results, and ordinary fits issue no warning."""

import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

import skdistill._distilled_classifier as classifier_room
from skdistill import (
    BornAgainClassifier,
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    SoftLabelClassifier,
)
from skdistill.datasets import make_gaussian_classes

X, Y, P = make_gaussian_classes(n_samples=150, n_features=3, n_classes=3, random_state=0)
STUDENT = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0)
MODELS = {
    "auto": DistilledClassifier(GaussianNB(), DecisionTreeClassifier(random_state=0), cv=3),
    "trees": DistilledClassifier(
        ExtraTreesClassifier(3), STUDENT, alpha=1.0, teacher_temperature=1.0, random_state=0
    ),
    "ranker": DistilledBipartiteRanker(GaussianNB(), cv=3),
    "retriever": DistilledMulticlassRetriever(GaussianNB(), k=1, cv=3),
    "born again": BornAgainClassifier(STUDENT, n_generations=1, cv=3),
}
pytestmark = pytest.mark.filterwarnings("ignore:Self-distillation did not help")


def predictions_of(model):
    """Return what a fitted model says of all rows."""
    predict = getattr(model, "predict_proba", None) or model.decision_function
    return predict(X)


def fit_and_predict(name):
    """Fit one of the models, and return what it says of all rows."""
    y = np.minimum(Y, 1) if name == "ranker" else Y
    return predictions_of(clone(MODELS[name]).fit(X, y))


def test_threads_that_fit_at_once_change_nothing():
    names = [*MODELS, *MODELS, "auto", "auto"]
    expected = {name: fit_and_predict(name) for name in MODELS}
    with ThreadPoolExecutor(4) as threads:
        for name, found in zip(names, threads.map(fit_and_predict, names), strict=True):
            assert_array_equal(found, expected[name], err_msg=name)


def test_threads_that_share_a_memory_change_nothing(tmp_path):
    model = clone(MODELS["trees"]).set_params(memory=tmp_path)
    expected = predictions_of(clone(model).set_params(memory=None).fit(X, Y))
    with ThreadPoolExecutor(4) as threads:
        for fitted in threads.map(lambda _: clone(model).fit(X, Y), range(8)):
            assert_array_equal(predictions_of(fitted), expected)
    assert len(list(tmp_path.rglob("*.predictions"))) == 5
    assert not list(tmp_path.rglob("*.tmp"))


def fit_in_processes(method):
    """Fit the models in processes that were started in some way, and compare with fits here."""
    names = list(MODELS)
    with get_context(method).Pool(2) as pool:
        found = pool.map(fit_and_predict, names)
    for name, of_process in zip(names, found, strict=True):
        assert_array_equal(of_process, fit_and_predict(name), err_msg=name)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param("fork", marks=pytest.mark.skipif(sys.platform == "win32", reason="no fork")),
        pytest.param("spawn", marks=pytest.mark.slow),
    ],
)
def test_processes_that_are_forked_or_spawned(method):
    """In a fresh Python: one with threads, as those of a test runner, is not to be forked."""
    code = f"import test_concurrency as t; t.fit_in_processes({method!r})"
    path = ":".join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def mapped(folder, **arrays):
    """Return arrays as read-only memory maps of joblib."""
    joblib.dump(arrays, folder / "arrays")
    return joblib.load(folder / "arrays", mmap_mode="r")


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["auto", "trees", "retriever"])
def test_read_only_memory_maps(name, n_jobs, tmp_path):
    given = {"X": X, "y": Y, "sample_weight": np.linspace(1, 2, 150), "X_unlabeled": X[:50]}
    maps = mapped(tmp_path, **given)
    assert isinstance(maps["X"], np.memmap)
    assert not maps["X"].flags.writeable
    model = clone(MODELS[name]).set_params(n_jobs=n_jobs)
    assert_array_equal(
        predictions_of(clone(model).fit(**maps)), predictions_of(clone(model).fit(**given))
    )


@pytest.mark.slow
def test_rows_that_joblib_maps_for_its_processes():
    with joblib.parallel_config(max_nbytes=1):  # every array, not only the large ones
        for name, model in MODELS.items():
            y = np.minimum(Y, 1) if name == "ranker" else Y
            assert_array_equal(
                predictions_of(clone(model).set_params(n_jobs=2).fit(X, y)),
                predictions_of(clone(model).fit(X, y)),
            )


class Teacher(GaussianNB):
    """Naive Bayes that can be interrupted."""


class Student(GaussianNB):
    """Another one."""


def interrupt(monkeypatch, owner, name, number):
    """Press Ctrl-C in the call of that number, counted from 1."""
    calls, function = [], getattr(owner, name)

    def interrupted(*args, **kwargs):
        calls.append(name)
        if len(calls) == number:
            raise KeyboardInterrupt
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, interrupted)


def write_half(path, content, write=Path.write_bytes):
    """Press Ctrl-C while a file is written."""
    write(path, content[: len(content) // 2])
    raise KeyboardInterrupt


PHASES = {
    "first teacher's fit": lambda patch: interrupt(patch, Teacher, "fit", 1),
    "last teacher's fit": lambda patch: interrupt(patch, Teacher, "fit", 3),
    "teacher's prediction": lambda patch: interrupt(patch, Teacher, "predict_proba", 3),
    "memory": lambda patch: patch.setattr(Path, "write_bytes", write_half),
    "renaming": lambda patch: interrupt(patch, Path, "replace", 2),
    "choice of alpha": lambda patch: interrupt(patch, Student, "fit", 4),
    "its last step": lambda patch: interrupt(patch, classifier_room, "select_by_log_loss", 1),
    "student's fit": lambda patch: interrupt(patch, classifier_room, "fit_soft_labels", 1),
}


@pytest.mark.filterwarnings("ignore:alpha=.auto. chose 0")
@pytest.mark.parametrize("phase", PHASES)
def test_an_interrupted_fit_leaves_all_as_it_was(phase, monkeypatch, tmp_path):
    model = DistilledClassifier(Teacher(), Student(), cv=3, memory=tmp_path)
    expected = predictions_of(clone(model).set_params(memory=None).fit(X, Y))
    fresh, fitted = clone(model), clone(model).set_params(memory=None).fit(X[:90], Y[:90])
    before = dict(vars(fitted.set_params(memory=tmp_path)))
    for each in (fresh, fitted):
        with monkeypatch.context() as patch:
            PHASES[phase](patch)
            # What the first fit left to be remembered is none of the second one's.
            each.set_params(teacher__var_smoothing=1e-9 if each is fresh else 1e-8)
            with pytest.raises(KeyboardInterrupt):
                each.fit(X, Y)
        assert not list(tmp_path.rglob("*.tmp"))
    assert not [name for name in vars(fresh) if name.endswith("_")]
    after = vars(fitted)
    assert all(after[name] is value for name, value in before.items() if name.endswith("_"))
    fitted.set_params(teacher__var_smoothing=1e-9)
    for each in (fresh, fitted):
        assert_array_equal(predictions_of(each.fit(X, Y)), expected)


# Its teachers begin to last only once there is a folder for them to say so.
INTERRUPTED_BY_KEYBOARD = """
import sys, time
from pathlib import Path
import numpy as np
from sklearn.naive_bayes import GaussianNB
from skdistill import DistilledClassifier
from skdistill.datasets import make_gaussian_classes

memory, begun = Path(sys.argv[1]), Path(sys.argv[2])

class Lasting(GaussianNB):
    def fit(self, X, y):
        if begun.is_dir():
            (begun / "fold").touch()
            time.sleep(60)
        return super().fit(X, y)

X, y, _ = make_gaussian_classes(n_samples=150, n_features=3, random_state=0)
model = DistilledClassifier(Lasting(), GaussianNB(), alpha=1.0, cv=3, n_jobs=2)
before = dict(vars(model.fit(X, y)))
expected = model.predict_proba(X)
begun.mkdir()
try:
    model.set_params(memory=memory).fit(X, y)
except KeyboardInterrupt:
    (begun / "fold").unlink()
    begun.rmdir()
model.set_params(memory=None)
assert vars(model) == before
assert not [path for path in memory.rglob("*") if path.is_file()]
assert np.array_equal(model.fit(X, y).predict_proba(X), expected)
print("as before")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals to a process and its workers")
def test_ctrl_c_while_workers_fit_leaves_all_as_it_was(tmp_path):
    script, begun = tmp_path / "script.py", tmp_path / "begun"
    script.write_text(INTERRUPTED_BY_KEYBOARD)
    (tmp_path / "memory").mkdir()
    command = [sys.executable, str(script), str(tmp_path / "memory"), str(begun)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    give_up = time.monotonic() + 60
    while not (begun / "fold").exists() and time.monotonic() < give_up:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, _ = process.communicate(timeout=50)  # less than a fold lasts
    assert out == b"as before\n"


@pytest.mark.parametrize("n_classes", [2, 3])
def test_plain_fits_do_not_warn(n_classes):
    X, y, p_star = make_gaussian_classes(300, 3, n_classes, random_state=1)
    noisy = np.where(np.arange(len(y)) % 4, y, (y + 1) % n_classes)
    student = DecisionTreeClassifier(random_state=0)  # full trees fit noise: a teacher helps them
    pair = {"teacher": GaussianNB(), "student": student}
    fits = [
        lambda: DistilledClassifier(**pair).fit(X, noisy),
        lambda: DistilledClassifier(alpha=1.0, teacher_temperature=1.0, random_state=0).fit(X, y),
        lambda: DistilledClassifier(**pair, alpha=1.0).fit(X, y, sample_weight=y + 1.0),
        lambda: DistilledClassifier(**pair, alpha=1.0).fit(X, y, X_unlabeled=X + 0.1),
        lambda: DistilledClassifier(alpha=1.0, teacher_temperature=1.0).fit(
            X, y, teacher_proba=p_star
        ),
        lambda: DistilledMulticlassRetriever(GaussianNB(), k=1).fit(X, y),
        lambda: BornAgainClassifier().fit(X, y),
        lambda: SoftLabelClassifier().fit(X, p_star),
    ]
    if n_classes == 2:
        fits.append(lambda: DistilledBipartiteRanker(GaussianNB()).fit(X, y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Self-distillation did not help")  # as it may be
        for fit in fits:
            assert fit().predict(X).shape == y.shape
