"""A cluster that loses a worker or the scheduler gives a result or an error, in time."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import cloudpickle
import dask
import numpy as np
import pytest
from partitioned import in_partitions, make_problem
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB

from skdistill import DistilledBipartiteRanker, DistilledClassifier
from skdistill._dask import _run, _students

distributed = pytest.importorskip("distributed")

# Workers cannot import this file: what it defines travels with the tasks.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("losses")]

NO_WORKERS = "distributed.scheduler.no-workers-timeout"


def within(seconds, function):
    """Return what a function returns, or raise what it raises; fail if it takes longer."""
    outcome = []

    def call():
        try:
            outcome.append((function(), None))
        except BaseException as error:  # whatever it is, the test is to see it
            outcome.append((None, error))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"no result and no message within {seconds} s"
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


def die_once(marker):
    """End the process of a worker, if none has died of this marker; without one, in any case."""
    if marker is None or not Path(marker).exists():
        if marker is not None:
            Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)


class MortalTeacher(LogisticRegression):
    """Take a worker with it in `fit` or in `predict_proba`."""

    def __init__(self, marker=None, dies_in="predict_proba"):
        super().__init__()
        self.marker, self.dies_in = marker, dies_in

    def fit(self, X, y, sample_weight=None):
        if self.dies_in == "fit":
            die_once(self.marker)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        if self.dies_in == "predict_proba":
            die_once(self.marker)
        return super().predict_proba(X)


class SlowTeacher(LogisticRegression):
    def predict_proba(self, X):
        time.sleep(3)
        return super().predict_proba(X)


class MortalStudent(GaussianNB):
    """Take a worker with it in `partial_fit` or in `predict`."""

    def __init__(self, marker=None, dies_in="partial_fit"):
        super().__init__()
        self.marker, self.dies_in = marker, dies_in

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if self.dies_in == "partial_fit":
            die_once(self.marker)
        return super().partial_fit(X, y, classes, sample_weight)

    def predict(self, X):
        if self.dies_in == "predict":
            die_once(self.marker)
        return super().predict(X)


def mortal_model(phase, marker):
    """Return a model whose worker dies in a phase, once if there is a marker."""
    if phase.startswith("teacher"):
        _, dies_in = phase.split()
        return DistilledClassifier(
            MortalTeacher(marker, dies_in), GaussianNB(), cv=2, alpha=1.0, teacher_temperature=1.0
        )
    if phase.startswith("student"):
        _, dies_in = phase.split()
        return DistilledClassifier(student=MortalStudent(marker, dies_in), alpha=0)
    if phase == "net":
        return DistilledClassifier(student=make_net(), alpha=0)
    return DistilledBipartiteRanker(alpha=0, tol=1e-11)


def make_net():
    torch = pytest.importorskip("torch")
    from skdistill.nets import SoftLabelNet

    return SoftLabelNet(
        torch.nn.Linear, module__in_features=5, module__out_features=2, max_epochs=3, lr=0.02,
        batch_size=25, random_state=0,
    )  # fmt: skip


class MortalRows:
    """Let rows through, and end the worker when they were loaded so often."""

    def __init__(self, folder, at):
        self.folder, self.at = str(folder), at

    def __call__(self, rows):
        n_calls = len(list(Path(self.folder).iterdir()))
        Path(self.folder, str(n_calls)).touch()
        if n_calls >= self.at:
            die_once(self.folder + "-dead")
        return rows


PHASES = ["teacher fit", "teacher predict_proba", "student partial_fit", "student predict"]


def outcome_of(model, dX, dy):
    """Fit a model, and return its predictions over the partitions and its score."""
    model.fit(dX, dy)
    return model.predict(dX).compute(), model.score(dX, dy)


@pytest.mark.parametrize("phase", [*PHASES, "net", "ranker"])
def test_a_worker_that_dies_in_a_phase_changes_nothing(client, phase, tmp_path):
    X, _, y = make_problem(400)
    dX, dy = in_partitions(4, X, y)
    marker = str(tmp_path / "dead")
    (tmp_path / "loads").mkdir()
    with dask.config.set(scheduler="threads"):
        Path(marker).touch()  # no worker dies here
        expected = outcome_of(mortal_model(phase, marker), dX, dy)
        Path(marker).unlink()
    if phase in ("net", "ranker"):  # the rows are loaded again for each epoch or iteration
        marker = str(tmp_path / "loads") + "-dead"
        dX = dX.map_blocks(MortalRows(tmp_path / "loads", at=12), dtype=float, meta=X[:0])
    model = mortal_model(phase, marker)
    predicted, score = within(300, lambda: outcome_of(model, dX, dy))
    assert Path(marker).exists()
    np.testing.assert_array_equal(predicted, expected[0])
    assert score == expected[1]


@pytest.mark.parametrize("phase", ["teacher predict_proba", "student partial_fit"])
def test_task_that_kills_its_workers_raises_a_clear_error(phase):
    """The first error ends the fit: the tasks of other partitions are not waited for."""
    X, _, y = make_problem(400)
    dX, dy = in_partitions(4, X, y)
    model = mortal_model(phase, None)  # dies again and again
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True}
    with (
        dask.config.set({NO_WORKERS: "30s"}),  # if Dask gives a worker up
        distributed.LocalCluster(**options, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
        pytest.raises(Exception, match=r"all those workers died|without any running workers"),
    ):
        within(300, lambda: model.fit(dX, dy))
    assert not hasattr(model, "student_")


def lonely_cluster(**options):
    """Return a scheduler with one worker in this process, which no other follows."""
    return distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", **options
    )


@pytest.mark.parametrize("phase", ["labels", "students"])
def test_without_a_worker_the_documented_time_ends_the_wait(phase, monkeypatch):
    X, p, y = make_problem(200)
    dX, dy, dP = in_partitions(2, X, y, np.column_stack([1 - p, p]))
    model = DistilledClassifier(student=GaussianNB(), alpha=1.0, teacher_temperature=1.0)
    with (
        dask.config.set({NO_WORKERS: "2s"}),
        lonely_cluster() as cluster,
        distributed.Client(cluster),
    ):
        if phase == "labels":
            cluster.scale(0)
        else:
            visit = _students._visit

            def visit_alone(*args):
                cluster.scale(0)
                return visit(*args)

            monkeypatch.setattr(_students, "_visit", visit_alone)
        with pytest.raises(Exception, match=r"timed out after 2\.00 s waiting without any running"):
            within(60, lambda: model.fit(dX, dy, teacher_proba=dP))
    assert not hasattr(model, "student_")


def test_a_scheduler_that_goes_away_while_rows_are_labelled(monkeypatch):
    X, _, y = make_problem(200)
    dX, dy = in_partitions(2, X, y)
    model = DistilledClassifier(
        FrozenEstimator(SlowTeacher().fit(X, y)), GaussianNB(), alpha=1.0, teacher_temperature=1.0
    )
    cluster, wait_for = lonely_cluster(), _run.wait_for

    def wait_a_little(kept):
        threading.Timer(0.5, cluster.close, [10]).start()
        wait_for(kept)

    monkeypatch.setattr(_run, "wait_for", wait_a_little)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        cluster,
        distributed.Client(cluster),
        pytest.raises(ConnectionError, match=r"(?s)scheduler was lost.*Start a cluster"),
    ):
        within(60, lambda: model.fit(dX, dy))
    assert not hasattr(model, "student_")


@pytest.mark.parametrize(
    "student", [SGDClassifier(loss="log_loss", max_iter=5, tol=None), "net"], ids=["SGD", "net"]
)
def test_a_scheduler_that_goes_away_between_two_passes(student, monkeypatch):
    X, p, y = make_problem(200)
    dX, dy, dP = in_partitions(2, X, y, np.column_stack([1 - p, p]))
    if student == "net":
        student = make_net()
    model = DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0)
    visit, n_passes = _students._visit, []
    cluster = lonely_cluster()

    def visit_twice(*args):
        n_passes.append(1)
        if len(n_passes) == 2:
            cluster.close(timeout=10)
        return visit(*args)

    monkeypatch.setattr(_students, "_visit", visit_twice)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        cluster,
        distributed.Client(cluster),
        pytest.raises(ConnectionError, match=r"(?s)scheduler was lost.*Start a cluster"),
    ):
        within(60, lambda: model.fit(dX, dy, teacher_proba=dP))
    assert len(n_passes) == 2 and not hasattr(model, "student_")


def test_frozen_teacher_is_predicted_again_after_worker_loss(client, tmp_path):
    X, _, y = make_problem(400)
    dX, dy = in_partitions(4, X, y)
    teacher = MortalTeacher(str(tmp_path / "dead")).fit(X, y)
    model = DistilledClassifier(
        FrozenEstimator(teacher), GaussianNB(), alpha=1.0, teacher_temperature=1.0
    )
    within(300, lambda: model.fit(dX, dy))
    immortal = clone(model).set_params(teacher=FrozenEstimator(LogisticRegression().fit(X, y)))
    np.testing.assert_array_equal(model.student_.theta_, immortal.fit(dX, dy).student_.theta_)
