"""Running tasks by whatever scheduler is set, and what is said when it is lost."""

import sys
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

import dask

# Sums of so many partitions are added up at once: a tree that the number of workers does not
# change, and with it no rounding.
FAN_IN = 8

CLIENT_OF_FIT = ContextVar("client of the fit under way", default=None)


def task(function, *args):
    """Return a task that is not yet done, of a name that the dashboard shows.

    Each is its own: equal arguments are not compared.
    """
    name = getattr(function, "__qualname__", type(function).__name__)
    key = f"{name}-{uuid4()}"
    return dask.delayed(function, pure=False, traverse=False)(*args, dask_key_name=key)


def as_delayed(value):
    """Return a value as a task, which travels once and not with each task that needs it."""
    return dask.delayed(value, pure=False, traverse=False)


def run(tasks):
    """Return the results of tasks, as a list."""
    with scheduler_explained():
        return list(dask.compute(*tasks, traverse=False))


def persist(tasks):
    """Run tasks and leave the results where they were made; return what refers to them.

    All are there when it returns: a cluster would go on without waiting.
    """
    with scheduler_explained():
        kept = list(dask.persist(*tasks, traverse=False))
        if client_of_cluster() is not None:
            wait_for(kept)
        return kept


def wait_for(kept):
    """Wait until a cluster has made what it is to keep; raise the first error that there is.

    In a task, whose thread would stay taken meanwhile, the thread is left to other tasks: they are
    what is waited for. `dask.compute` does so by itself.
    """
    from distributed import get_worker, worker_client

    try:
        get_worker()
    except ValueError:  # this is no task
        _raise_first_error(kept)
        return
    with worker_client():
        _raise_first_error(kept)


def _raise_first_error(kept):
    """Wait for tasks, and raise the first error at once: the others are not worth to be waited for.

    A task that takes its workers with it would take four of them for each partition.
    """
    from distributed import as_completed, futures_of

    for future in as_completed(futures_of(kept)):
        if future.status != "finished":
            future.result()


def client_of_cluster():
    """Return the client of a cluster, in a task that of its worker; None where there is none."""
    if "distributed" not in sys.modules:
        return None
    from distributed import get_client

    try:
        return get_client()
    except ValueError:
        return None


def total(tasks):
    """Return the task of the sum of what tasks return, as a tree; None if one returns None."""
    while len(tasks) > 1:
        tasks = [
            task(add_up, tasks[start : start + FAN_IN]) for start in range(0, len(tasks), FAN_IN)
        ]
    return tasks[0]


def add_up(parts):
    """Return the sum of parts in their order, None as soon as there is none."""
    result = parts[0]
    for part in parts[1:]:
        result = None if result is None or part is None else result + part
    return result


@contextmanager
def one_cluster():
    """Let a fit be of the cluster that there is when it begins.

    Dask runs tasks by itself once the client is closed, without what workers have kept for them.
    """
    token = CLIENT_OF_FIT.set(client_of_cluster())
    try:
        yield
    finally:
        CLIENT_OF_FIT.reset(token)


class scheduler_explained:
    """Say in plain words that the scheduler is lost, where that is what an error means."""

    def __enter__(self):
        self.client = CLIENT_OF_FIT.get() or client_of_cluster()
        return self

    def __exit__(self, kind, error, traceback):
        if tells_of_loss(error, self.client):
            raise ConnectionError(
                "The Dask scheduler was lost, or has let go of what the collections refer to "
                f"({kind.__name__}: {error}). The estimator is as it was before this call. Start a "
                "cluster, make a Client for it, load the collections again, and call again."
            ) from error


def tells_of_loss(error, client):
    """Return whether an error means that the scheduler of a client is lost.

    Which error comes depends on what notices first: a message that finds the connection closed, a
    new connection that is refused until its time is over, or tasks that lack what was kept. They
    are errors that tasks may have, too, so that the state of the client decides.
    """
    if "distributed" not in sys.modules:
        return False
    from distributed.comm import CommClosedError

    if isinstance(error, CancelledError | CommClosedError):
        return True
    return isinstance(error, Exception) and client is not None and client.status != "running"
