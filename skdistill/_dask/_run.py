"""Run tasks by the current scheduler, and explain errors when it is lost."""

import sys
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

import dask

# Number of partitions that are summed at once. The tree, and so the rounding, does not depend on
# the number of workers.
FAN_IN = 8

CLIENT_OF_FIT = ContextVar("client of the fit under way", default=None)


def task(function, *args):
    """Return a lazy task with a name for the dashboard.

    Each task has a unique key: equal arguments are not compared.
    """
    name = getattr(function, "__qualname__", type(function).__name__)
    key = f"{name}-{uuid4()}"
    return dask.delayed(function, pure=False, traverse=False)(*args, dask_key_name=key)


def as_delayed(value):
    """Return a value as a task, which is sent once and not with each task that needs it."""
    return dask.delayed(value, pure=False, traverse=False)


def run(tasks):
    """Return the results of tasks, as a list."""
    with scheduler_explained():
        return list(dask.compute(*tasks, traverse=False))


def persist(tasks):
    """Run tasks, leave the results on the workers, and return references to them.

    It waits until all are computed; on a cluster, `dask.persist` does not wait.
    """
    with scheduler_explained():
        kept = list(dask.persist(*tasks, traverse=False))
        if client_of_cluster() is not None:
            wait_for(kept)
        return kept


def wait_for(kept):
    """Wait until a cluster has computed persisted tasks; raise the first error.

    Within a task, it releases the thread meanwhile, as `dask.compute` does: the tasks that it waits
    for may need this thread.
    """
    from distributed import get_worker, worker_client

    try:
        get_worker()
    except ValueError:  # not within a task
        _raise_first_error(kept)
        return
    with worker_client():
        _raise_first_error(kept)


def _raise_first_error(kept):
    """Wait for tasks, and raise the first error at once, without waiting for the other tasks.

    Otherwise a task that kills its workers would kill four of them for each partition.
    """
    from distributed import as_completed, futures_of

    for future in as_completed(futures_of(kept)):
        if future.status != "finished":
            future.result()


def client_of_cluster():
    """Return the client of a cluster, within a task that of its worker; None without a cluster."""
    if "distributed" not in sys.modules:
        return None
    from distributed import get_client

    try:
        return get_client()
    except ValueError:
        return None


def total(tasks):
    """Return a task for the sum of tasks, as a tree; the sum is None if a task returns None."""
    while len(tasks) > 1:
        tasks = [
            task(add_up, tasks[start : start + FAN_IN]) for start in range(0, len(tasks), FAN_IN)
        ]
    return tasks[0]


def add_up(parts):
    """Return the sum of parts in their order, None if a part is None."""
    result = parts[0]
    for part in parts[1:]:
        result = None if result is None or part is None else result + part
    return result


@contextmanager
def one_cluster():
    """Bind a fit to the cluster that is current when it starts.

    If the client is closed, Dask runs tasks locally, without the data that workers hold.
    """
    token = CLIENT_OF_FIT.set(client_of_cluster())
    try:
        yield
    finally:
        CLIENT_OF_FIT.reset(token)


class scheduler_explained:
    """Raise a ConnectionError if an error means that the scheduler was lost."""

    def __enter__(self):
        self.client = CLIENT_OF_FIT.get() or client_of_cluster()
        return self

    def __exit__(self, kind, error, traceback):
        if means_scheduler_lost(error, self.client):
            raise ConnectionError(
                "The Dask scheduler was lost, or has released the data of the collections "
                f"({kind.__name__}: {error}). The estimator is unchanged by this call. Start a "
                "cluster, create a Client for it, load the collections again, and repeat the call."
            ) from error


def means_scheduler_lost(error, client):
    """Return whether an error means that the scheduler of a client is lost.

    The type of error depends on what fails first: a message on a closed connection, a new
    connection that times out, or tasks whose data are lost. Tasks may raise errors of the same
    types, so the status of the client decides.
    """
    if "distributed" not in sys.modules:
        return False
    from distributed.comm import CommClosedError

    if isinstance(error, CancelledError | CommClosedError):
        return True
    return isinstance(error, Exception) and client is not None and client.status != "running"
