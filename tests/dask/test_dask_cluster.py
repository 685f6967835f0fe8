"""A cluster of two processes gives equal results, sends little data, and recovers from failures."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import cloudpickle
import dask
import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from partitioned import in_partitions, make_problem
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from skdistill import BornAgainClassifier, DistilledBipartiteRanker, DistilledClassifier
from skdistill._dask import _placement, _run
from skdistill._dask._pairs import PairsObjective, PairTargets, Sums
from skdistill._dask._partitions import Partitions, blocks_of, blocks_with
from skdistill._dask._placement import group_by_worker_thread, map_partitions, persisted_on_workers
from skdistill._dask._run import persist, task

distributed = pytest.importorskip("distributed")

# Workers cannot import this file: what it defines travels with the tasks.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

# One cluster for all tests of this file, with pytest-xdist, too (--dist loadgroup).
pytestmark = pytest.mark.xdist_group("cluster")


def on_threads(function):
    """Return what a function returns where Dask runs on the threads of this process."""
    with dask.config.set(scheduler="threads"):
        return function()


def test_the_cluster_ranks_to_the_last_bit_as_threads_do(client):
    X, p, y = make_problem()
    dX, dy, dp = in_partitions(5, X, y, p)

    def fit():
        return DistilledBipartiteRanker(tol=1e-11).fit(dX, dy, teacher_proba=dp)

    ours, by_threads = fit(), on_threads(fit)
    np.testing.assert_array_equal(ours.coef_, by_threads.coef_)
    assert ours.intercept_ == by_threads.intercept_
    in_memory = DistilledBipartiteRanker(tol=1e-11).fit(X, y, teacher_proba=p)
    np.testing.assert_allclose(ours.coef_, in_memory.coef_, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_ranker_on_worker_threads_is_bitwise_equal_to_threads():
    X, p, y = make_problem()
    dX, dy, dp = in_partitions(5, X, y, p)
    expected = on_threads(lambda: DistilledBipartiteRanker().fit(dX, dy, teacher_proba=dp).coef_)
    options = {"n_workers": 1, "threads_per_worker": 3, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        groups = group_by_worker_thread(persist([task(np.ones, 3) for _ in range(5)]))
        assert sorted(map(len, groups)) == [1, 2, 2]
        arrays = client.persist([dX, dy, dp])
        distributed.wait(arrays)
        ours = DistilledBipartiteRanker().fit(*arrays[:2], teacher_proba=arrays[2])
    np.testing.assert_array_equal(ours.coef_, expected)


def test_unreferenced_persisted_rows_stay_available(client):
    X, p, y = make_problem()
    dX, dy, dp = in_partitions(4, X, y, p)
    expected = on_threads(lambda: DistilledBipartiteRanker().fit(dX, dy, teacher_proba=dp).coef_)
    ours = DistilledBipartiteRanker()
    ours.fit(dX.persist(), dy.persist(), teacher_proba=dp.persist())
    np.testing.assert_array_equal(ours.coef_, expected)


@pytest.mark.parametrize(
    "student", [GaussianNB(), SGDClassifier(loss="log_loss", max_iter=3, tol=None)], ids=repr
)
def test_the_cluster_distils_to_the_last_bit_as_threads_do(client, student):
    X, _, y = make_problem()
    dX, dy = in_partitions(6, X, y)
    teacher = ExtraTreesClassifier(5, max_depth=4)

    def fit():
        model = DistilledClassifier(
            teacher, student, cv=3, random_state=0, alpha=1.0, teacher_temperature=1.0
        ).fit(dX, dy)
        return model, model.predict_proba(dX).compute()

    (ours, proba), (by_threads, expected) = fit(), on_threads(fit)
    assert ours.teacher_scores_ == by_threads.teacher_scores_
    np.testing.assert_array_equal(proba, expected)


def fit_in_a_task(seed):
    """Fit on collections, and score; what a task does that knows of no client."""
    X, p, y = make_problem(200)
    dX, dy, dP = in_partitions(4, X, y, np.column_stack([1 - p, p]))
    classifier = DistilledClassifier(
        student=GaussianNB(), alpha=1.0, teacher_temperature=1.0, random_state=seed
    )
    ranker = DistilledBipartiteRanker(max_iter=3, random_state=seed)
    return [model.fit(dX, dy, teacher_proba=dP).score(dX, dy) for model in (classifier, ranker)]


@pytest.mark.filterwarnings("ignore:.*did not converge")
def test_fits_inside_tasks_end_though_they_fill_all_threads(client):
    expected = on_threads(lambda: fit_in_a_task(0))
    futures = [client.submit(fit_in_a_task, seed, pure=False) for seed in range(3)]
    assert [each.result(timeout=60) for each in futures] == [expected] * 3


class DiesOnce:
    """Let rows through, but for one call that ends the process of the worker."""

    def __init__(self, folder, at):
        self.folder, self.at = folder, at

    def __call__(self, rows):
        n_calls = len(list(self.folder.iterdir()))
        (self.folder / f"{os.getpid()}-{time.time_ns()}").touch()
        if n_calls >= self.at and not (self.folder / "dead").exists():
            (self.folder / "dead").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return rows


@pytest.mark.parametrize("kind", ["ranker", pytest.param("classifier", marks=pytest.mark.slow)])
def test_a_worker_killed_in_the_middle_of_a_fit_changes_nothing(client, kind, tmp_path):
    X, p, y = make_problem()
    P = np.column_stack([1 - p, p])
    dX, dy, dP = in_partitions(4, X, y, P)
    if kind == "ranker":
        model = DistilledBipartiteRanker(tol=1e-11)
    else:
        student = SGDClassifier(loss="log_loss", max_iter=3, tol=None, random_state=0)
        model = DistilledClassifier(student=student, alpha=1.0, teacher_temperature=1.0)
    expected = on_threads(lambda: model.fit(dX, dy, teacher_proba=dP).student_.coef_)
    mortal = dX.map_blocks(DiesOnce(tmp_path, at=6), dtype=float, meta=np.empty((0, 0)))
    ours = model.fit(mortal, dy, teacher_proba=dP).student_.coef_
    assert (tmp_path / "dead").exists()
    assert len(list(tmp_path.iterdir())) > 8  # it went on after the death
    np.testing.assert_array_equal(ours, expected)


def test_lost_scheduler_error_leaves_the_estimator_unchanged(client, tmp_path):
    X, p, y = make_problem(200)
    dX, dy, dp = in_partitions(2, X, y, p)
    model = DistilledBipartiteRanker().fit(X, y, teacher_proba=p)
    before = dict(vars(model))
    address = tmp_path / "scheduler.json"
    scheduler = begin_process("scheduler", address, "--port", "0")
    try:
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
            distributed.Client(scheduler_file=str(address)),
        ):
            threading.Timer(0.5, scheduler.kill).start()  # it has no worker: the fit waits
            with pytest.raises(ConnectionError, match=r"(?s)scheduler was lost.*Start a cluster"):
                model.fit(dX, dy, teacher_proba=dp)
    finally:
        scheduler.kill()
        scheduler.wait()
    assert vars(model) == before


def test_persisted_rows_are_detected_on_workers(client):
    array = da.from_array(np.ones((8, 2)), chunks=(4, 2))
    frame = dd.from_pandas(pd.DataFrame(np.ones((8, 2)), columns=["a", "b"]), npartitions=2)
    for lazy in (array, frame, frame["a"]):
        assert not persisted_on_workers(blocks_of(lazy, "X"))
        persisted = lazy.persist()
        distributed.wait(persisted)
        assert persisted_on_workers(blocks_of(persisted, "X"))
    persisted = frame.persist()
    distributed.wait(persisted)
    assert not persisted_on_workers(blocks_of(persisted[["b"]], "X"))


def test_rows_on_workers_that_are_not_found_are_taken_as_lazy(client, monkeypatch):
    X, _, y = make_problem()
    rows = dd.from_pandas(pd.DataFrame(X), npartitions=3).persist()
    labels = dd.from_pandas(pd.Series(y), npartitions=3).persist()
    distributed.wait([rows, labels])
    model = DistilledClassifier(
        GaussianNB(), GaussianNB(), cv=3, alpha=0.5, teacher_temperature=1.0
    )
    expected = clone(model).fit(rows, labels).student_
    monkeypatch.setattr(_placement, "_key_on_workers", lambda block: block.key)
    assert not persisted_on_workers(blocks_of(rows, "X"))
    found = clone(model).fit(rows, labels).student_
    np.testing.assert_array_equal(found.theta_, expected.theta_)


@pytest.mark.slow
def test_scheduler_lost_between_iterations_raises_clear_error(tmp_path):
    address = tmp_path / "scheduler.json"
    scheduler = begin_process("scheduler", address, "--port", "0")
    worker = begin_process("worker", address, "--nthreads", "1", "--no-nanny")
    try:
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
            distributed.Client(scheduler_file=str(address)) as own,
        ):
            own.wait_for_workers(1, timeout=60)
            X, p, _ = make_problem(200)
            arrays = own.persist(in_partitions(2, X, np.column_stack([1 - p, p])))
            distributed.wait(arrays)
            partitions = Partitions(arrays[0], teacher_proba=arrays[1])
            targets = persist([task(pair_targets, each) for each in partitions.proba])
            blocks = blocks_with(partitions.X, targets)
            sums = map_partitions(blocks, Sums.of)
            objective = PairsObjective(blocks, sums, "logistic", 0.0, n_features=5)
            assert objective.loss_and_gradient(np.zeros(5))[0] == pytest.approx(np.log(2), abs=0.01)
            scheduler.kill()
            scheduler.wait()
            with pytest.raises(ConnectionError, match=r"(?s)scheduler was lost.*Start a cluster"):
                objective.loss_and_gradient(np.zeros(5))
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()


def begin_process(kind, address, *options):
    """Begin a scheduler or a worker of a cluster that others know by a file."""
    command = f"from distributed.cli.dask_{kind} import main; main()"
    options = ["--no-dashboard", "--scheduler-file", str(address), *options]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # it imports this file
    return subprocess.Popen(
        [sys.executable, "-c", command, *options], stderr=subprocess.DEVNULL, env=env
    )


def on_both_workers(client, array):
    """Return an array of four blocks, two of which lie on each worker."""
    halves = zip((slice(2), slice(2, 4)), client.nthreads(), strict=True)
    where = {"allow_other_workers": True}  # if one has died
    parts = [client.persist(array.blocks[half], workers=[one], **where) for half, one in halves]
    distributed.wait(parts)
    return client.persist(da.concatenate(parts))  # each block where its part lies


def make_objective(n, client, form=lambda rows: rows):
    """Return the objective of a problem, and its partitions, which lie on both workers."""
    X, p, _ = make_problem(n)
    arrays = in_partitions(4, np.clip(X, -3, 3), np.column_stack([1 - p, p]))
    X, P = (on_both_workers(client, each) for each in arrays)
    X = client.persist(form(X))
    distributed.wait(X)
    partitions = Partitions(X, teacher_proba=P)
    targets = client.persist([task(pair_targets, each) for each in partitions.proba])
    blocks = blocks_with(partitions.X, targets)
    sums = map_partitions(blocks, Sums.of)
    objective = PairsObjective(blocks, sums, "logistic", 0.0, n_features=5)
    return objective, partitions


@pytest.mark.slow
def test_rows_of_a_lost_worker_are_recomputed_mid_fit(client):
    objective, _partitions = make_objective(2_000, client)
    w = np.array([1.0, 0.5, -0.5, 0.2, 0.0])
    loss, gradient = objective.loss_and_gradient(w)
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
    again, gradient_again = objective.loss_and_gradient(w)
    # Rows made again may lie otherwise in memory, and be added up in another order.
    assert again == pytest.approx(loss, rel=1e-14)
    np.testing.assert_allclose(gradient_again, gradient, rtol=0, atol=1e-14)


def pair_targets(P):
    return PairTargets(P[:, 1], None)


def bytes_between_workers(client):
    return sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())


@pytest.mark.slow
@pytest.mark.parametrize("form", [da.asarray, dd.from_dask_array], ids=["array", "dataframe"])
def test_traffic_per_iteration_is_independent_of_row_count(client, form):
    w = np.array([1.0, 0.5, -0.5, 0.2, 0.0])
    travelled, partial_sums = [], []
    for n in (2_000, 100_000):
        objective, _partitions = make_objective(n, client, form)
        assert sorted(map(len, group_by_worker_thread(objective.blocks))) == [2, 2]
        before = bytes_between_workers(client)
        objective.loss_and_gradient(w)
        travelled.append(bytes_between_workers(client) - before)
        partial_sums.append(len(pickle.dumps(objective.partials(w, objective.partial_sums))))
    # 9 moments of a and of b in each cell of width 1/4 over scores in [-6.6, 6.6].
    assert max(partial_sums) <= 8 * 2 * 9 * 54 + 500
    # Half of the partitions tell another worker, and hear from it: far less than 100,000 scores.
    # Dask counts an estimate: less than our objects are, but rows for what they are.
    assert max(travelled) <= 4 * 3 * max(partial_sums) < 8 * 20_000


def test_rows_travel_to_the_workers_once_for_all_folds(client, monkeypatch):
    X, _, y = make_problem(2000)
    model = DistilledClassifier(
        ExtraTreesClassifier(5),
        DecisionTreeClassifier(max_depth=3),
        cv=4,
        random_state=0,
        alpha=1.0,
        teacher_temperature=1.0,
    )
    expected = model.fit(X, y).predict_proba(X)
    sent = count_scattered(monkeypatch, like=X)
    with joblib.parallel_config("dask"):
        model.fit(X, y)
    assert sent == [1]
    np.testing.assert_array_equal(model.predict_proba(X), expected)


@pytest.mark.slow
def test_searches_and_generations_send_rows_to_workers_once(client, monkeypatch):
    X, _, y = make_problem(500)
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    distilled = DistilledClassifier(
        ExtraTreesClassifier(5, random_state=0), tree, cv=3, alpha=1.0, teacher_temperature=1.0
    )
    search = GridSearchCV(distilled, {"alpha": [0.5, 1]}, cv=2, scoring="neg_log_loss")
    born_again = BornAgainClassifier(tree, n_generations=2, cv=3)
    expected = [each.fit(X, y).predict_proba(X) for each in (search, born_again)]
    sent = count_scattered(monkeypatch, like=X)
    with joblib.parallel_config("dask", scatter=[X]):
        ours = [each.fit(X, y).predict_proba(X) for each in (search, born_again)]
    assert sent == [1]
    for mine, theirs in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def count_scattered(monkeypatch, like):
    """Return a list of one number: how often an array of this size is sent to the workers."""
    count = [0]
    scatter = distributed.Client.scatter

    def counted(client, data, *args, **kwargs):
        for each in data if isinstance(data, list) else [data]:
            count[0] += getattr(each, "nbytes", 0) == like.nbytes
        return scatter(client, data, *args, **kwargs)

    monkeypatch.setattr(distributed.Client, "scatter", counted)
    return count


@pytest.mark.parametrize("status", ["connecting", "closed"])
@pytest.mark.parametrize("kind", [TimeoutError, OSError, distributed.comm.CommClosedError])
def test_closed_connection_is_reported_as_lost_scheduler(monkeypatch, kind, status):
    """Which error comes first depends on the moment; the state of the client tells them apart."""
    client = SimpleNamespace(status="running")
    monkeypatch.setattr(_run, "client_of_cluster", lambda: client)
    with pytest.raises(ConnectionError, match="scheduler was lost"), _run.scheduler_explained():
        client.status = status
        raise kind("Timed out trying to connect")


@pytest.mark.parametrize("client", [SimpleNamespace(status="running"), None])
@pytest.mark.parametrize("kind", [FileNotFoundError, TimeoutError, ValueError])
def test_an_error_of_a_task_stays_what_it_is(monkeypatch, kind, client):
    monkeypatch.setattr(_run, "client_of_cluster", lambda: client)
    with pytest.raises(kind, match=r"part\.7\.parquet"), _run.scheduler_explained():
        raise kind("part.7.parquet")
