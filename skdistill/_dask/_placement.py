"""Blocks that lie on workers are asked where they lie, by one task for each thread there.

With a task for each block, Dask hands some to a worker that is idle, and sends it their rows, in
every iteration. A task about all the blocks of a thread is not worth sending so much; and it is not
tied to its worker, whose death would leave it waiting: it goes to where Dask makes them again.
"""

from dask.delayed import Delayed

from ._run import FAN_IN, add_up, client_of_cluster, run, scheduler_explained, task, total


def map_partitions(blocks, function, *args, each=None):
    """Return what a function returns for each block, in the order of the blocks.

    `each` is a list of one more argument for each block.
    """
    groups = groups_where_they_lie(blocks)
    return _in_order(groups, run(_tasks_of(groups, blocks, function, args, each)))


def sum_over_partitions(blocks, function, *args):
    """Return the sum of what a function returns for each block; None if it returns None for one.

    The sum is a tree of the blocks in their order, wherever they lie: no rounding depends on that.
    """
    groups = groups_where_they_lie(blocks)
    if len(groups) == len(blocks):
        return run([total([task(function, block, *args) for block in blocks])])[0]
    partial_sums = _tasks_of(groups, blocks, function, args)
    return run([task(_sum_in_order, groups, partial_sums)])[0]


def groups_where_they_lie(blocks):
    """Return the numbers of the blocks that each task is asked about.

    Blocks that no worker holds, since they are still to be loaded or it has died, stand alone.
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
    """Return whether all blocks are in the memory of a cluster."""
    client = client_of_cluster()
    if client is None:
        return False
    with scheduler_explained():
        held = client.who_has()
    return all(held.get(_key_on_workers(each)) for each in blocks)


def _key_on_workers(block):
    """Return the key by which workers hold a block, if they do.

    The partitions of a persisted dataframe are other names of those that were persisted.
    """
    node = block.dask.get(block.key)
    return node.target if type(node).__name__ == "Alias" else block.key


def _tasks_of(groups, blocks, function, args, each=None):
    """Return a task for each group, which asks its blocks one after the other."""
    own = [()] * len(blocks) if each is None else [(one,) for one in each]
    return [
        task(_map_each, function, [blocks[k] for k in group], [own[k] for k in group], *args)
        for group in groups
    ]


def _map_each(function, blocks, own, *args):
    """Return what a function returns for each of several blocks."""
    return [function(block, *args, *last) for block, last in zip(blocks, own, strict=True)]


def _in_order(groups, partial_sums):
    """Return what groups have told, in the order of their blocks."""
    of_block = {
        k: each
        for group, parts in zip(groups, partial_sums, strict=True)
        for k, each in zip(group, parts, strict=True)
    }
    return [of_block[k] for k in range(len(of_block))]


def _sum_in_order(groups, partial_sums):
    """Return the sum that `total` makes of a task for each block."""
    parts = _in_order(groups, partial_sums)
    while len(parts) > 1:
        parts = [add_up(parts[start : start + FAN_IN]) for start in range(0, len(parts), FAN_IN)]
    return parts[0]
