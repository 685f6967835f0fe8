"""Map functions over blocks on the workers that hold them, by one task per worker thread.

With one task per block, Dask moves some blocks to idle workers, and sends their rows, in every
iteration. It does not do so for a task on all blocks of a thread, which are too large to send.
The task is not pinned to its worker: if the worker dies, Dask recomputes the blocks elsewhere.
"""

from dask.delayed import Delayed

from ._run import FAN_IN, add_up, client_of_cluster, run, scheduler_explained, task, total


def map_partitions(blocks, function, *args, each=None):
    """Return the results of a function of each block, in the order of the blocks.

    `each` is a list with an additional argument for each block.
    """
    groups = group_by_worker_thread(blocks)
    return _in_order(groups, run(_tasks_of(groups, blocks, function, args, each)))


def sum_over_partitions(blocks, function, *args):
    """Return the sum of a function over blocks; None if it returns None for one of them.

    The blocks are summed as a tree in their order, so that rounding does not depend on placement.
    """
    groups = group_by_worker_thread(blocks)
    if len(groups) == len(blocks):
        return run([total([task(function, block, *args) for block in blocks])])[0]
    partial_sums = _tasks_of(groups, blocks, function, args)
    return run([task(_sum_in_order, groups, partial_sums)])[0]


def group_by_worker_thread(blocks):
    """Return the numbers of the blocks of each task, grouped by the thread of their worker.

    A block that no worker holds (not loaded yet, or its worker has died) is a group by itself.
    """
    client = client_of_cluster()
    if client is None or not isinstance(blocks[0], Delayed):
        return [[k] for k in range(len(blocks))]
    with scheduler_explained():
        held, n_threads = client.who_has(blocks), client.nthreads()
    groups, on_worker = [], {}
    for k, block in enumerate(blocks):
        holders = held.get(block.key)
        if holders:
            on_worker.setdefault(holders[0], []).append(k)
        else:
            groups.append([k])
    for worker, numbers in on_worker.items():
        n = min(n_threads.get(worker, 1), len(numbers))
        groups.extend(numbers[start::n] for start in range(n))
    return groups


def persisted_on_workers(blocks):
    """Return whether workers of a cluster hold all blocks in memory."""
    client = client_of_cluster()
    if client is None:
        return False
    with scheduler_explained():
        held = client.who_has()
    return all(held.get(_key_on_workers(each)) for each in blocks)


def _key_on_workers(block):
    """Return the key of a block on the workers.

    The partitions of a persisted dataframe are aliases of the persisted keys.
    """
    node = block.dask.get(block.key)
    return node.target if type(node).__name__ == "Alias" else block.key


def _tasks_of(groups, blocks, function, args, each=None):
    """Return a task for each group, which maps the function over its blocks."""
    extra = [()] * len(blocks) if each is None else [(one,) for one in each]
    return [
        task(_map_each, function, [blocks[k] for k in group], [extra[k] for k in group], *args)
        for group in groups
    ]


def _map_each(function, blocks, extra, *args):
    """Return the results of a function of each block."""
    return [function(block, *args, *last) for block, last in zip(blocks, extra, strict=True)]


def _in_order(groups, results):
    """Return the results of groups in the order of their blocks."""
    of_block = {
        k: each
        for group, parts in zip(groups, results, strict=True)
        for k, each in zip(group, parts, strict=True)
    }
    return [of_block[k] for k in range(len(of_block))]


def _sum_in_order(groups, partial_sums):
    """Return the sum of all blocks, in the same tree order as `total`."""
    parts = _in_order(groups, partial_sums)
    while len(parts) > 1:
        parts = [add_up(parts[start : start + FAN_IN]) for start in range(0, len(parts), FAN_IN)]
    return parts[0]
