"""Dask collections as lists of partitions, each a task: rows, labels, weights, probabilities."""

import sys
from typing import NamedTuple

import dask.array as da
import numpy as np

from .._utils._concatenate import align_rows, have_same_dtypes
from .._utils._labels import check_labels
from .._utils._validation import column_names
from ._placement import persisted_on_workers
from ._run import persist, run, task

# Names in errors about two partitions with different columns.
PARTITIONS = ("the first partition of X", "another partition of X")

# Attribute of Dask's dataframes: a dataframe with their columns, without rows.
HEADER = "_meta"


class Partitions:
    """Rows, labels, weights and probabilities by partition; nothing is loaded yet.

    `y`, `weight` and `proba` are lists of None if not given.
    """

    def __init__(self, X, y=None, sample_weight=None, teacher_proba=None):
        # Keep references: the scheduler releases the data of a collection without references.
        self._collections = X, y, sample_weight, teacher_proba
        self.header = header_of(X)
        self.X = blocks_of(X, "X")
        check_weight_column(sample_weight)
        given = {
            "y": label_column(y),
            "sample_weight": sample_weight,
            "teacher_proba": teacher_proba,
        }
        for name, value in given.items():
            if value is not None:
                check_same_partitions(X, value, name)
        none_given = [None] * len(self.X)
        self.y, self.weight, self.proba = (
            none_given if value is None else blocks_of(value, name) for name, value in given.items()
        )

    def __len__(self):
        return len(self.X)

    def of(self, k):
        """Return the number of a partition, its rows, labels, weights and probabilities."""
        return k, self.X[k], self.y[k], self.weight[k], self.proba[k]

    def select(self, which):
        """Keep only some partitions."""
        for name in ("X", "y", "weight", "proba"):
            setattr(self, name, [getattr(self, name)[k] for k in which])


def blocks_of(collection, name):
    """Return the partitions of a Dask array or dataframe as tasks, whole rows in each."""
    if isinstance(collection, da.Array):
        if collection.ndim == 2 and len(collection.chunks[1]) > 1:
            collection = collection.rechunk({1: -1})
        return list(collection.to_delayed().ravel())
    if _is_tabular(collection):
        blocks = collection.to_delayed()
        if len(blocks) != collection.npartitions:
            # Dask's optimiser joins files if few columns are read: labels would no longer have
            # the partitions of their rows.
            blocks = collection.to_delayed(optimize_graph=False)
        return list(blocks)
    raise TypeError(
        f"{name} must be a Dask array or dataframe, as the other collections are; got a "
        f"{type(collection).__name__}. Write dask.array.from_array({name}, chunks=...), with the "
        "chunks of X."
    )


def label_column(y):
    """Return labels as a one-dimensional collection; a single column is selected."""
    if getattr(y, "ndim", 1) == 1:
        return y
    if y.shape[1] == 1:
        return y[:, 0] if isinstance(y, da.Array) else y[y.columns[0]]
    raise ValueError(
        f"y must have shape (n_samples,), one label for each row; got {y.ndim} dimensions, "
        f"{y.shape[1]} in the second one. Select the column of labels, as in y[:, 0]."
    )


def check_weight_column(sample_weight):
    """Raise unless weights have one dimension."""
    if getattr(sample_weight, "ndim", 1) != 1:
        raise ValueError(
            f"sample_weight must have shape (n_samples,), one weight for each row; got "
            f"{sample_weight.ndim} dimensions. Select its column, as in sample_weight[:, 0]."
        )


def check_same_partitions(X, other, name):
    """Raise if a collection has other partitions than X, if Dask knows their sizes."""
    expected, sizes = sizes_of(X, "X"), sizes_of(other, name)
    differ = len(expected) != len(sizes) or any(
        a != b for a, b in zip(expected, sizes, strict=True) if not np.isnan([a, b]).any()
    )
    if differ:
        raise ValueError(
            f"{name} must have the partitions of X: X has {_described(expected)}, {name} has "
            f"{_described(sizes)}. For arrays write {name}.rechunk((X.chunks[0], ...)); take both "
            "from one dataframe, before it is repartitioned, where they come from one."
        )


def sizes_of(collection, name):
    """Return the number of rows of each partition, NaN if Dask does not know it."""
    if isinstance(collection, da.Array):
        return collection.chunks[0]
    if _is_tabular(collection):
        return (np.nan,) * collection.npartitions
    return (np.nan,) * len(blocks_of(collection, name))  # which raises


def _is_tabular(collection):
    """Return whether a collection is a Dask dataframe or one of its columns."""
    dataframes = sys.modules.get("dask.dataframe")  # needs pandas, and is imported if one exists
    return dataframes is not None and isinstance(
        collection, (dataframes.DataFrame, dataframes.Series)
    )


def header_of(X):
    """Return an array or dataframe with the columns of X, without its rows."""
    if isinstance(X, da.Array):
        if X.ndim != 2:
            raise ValueError(
                f"X must have shape (n_samples, n_features); got {X.ndim} dimensions. A Dask array "
                "of one feature is X.reshape(-1, 1)."
            )
        return np.empty((1, X.shape[1]))
    if _is_tabular(X) and column_names(X) is not None:
        if hasattr(X, HEADER):
            return getattr(X, HEADER)
        return run([task(_without_rows, blocks_of(X, "X")[0])])[0]
    raise TypeError(
        "X must be a Dask array or dataframe, as the other collections are; got a "
        f"{type(X).__name__}. Write dask.array.from_array(X, chunks=...)."
    )


def check_rows(number, X, **others):
    """Raise unless labels, weights and probabilities have one entry per row of a partition."""
    for name, value in others.items():
        if value is not None and len(value) != X.shape[0]:
            raise ValueError(
                f"Partition {number} has {X.shape[0]} rows in X and {len(value)} in {name}. Take "
                "both from one collection, so that their partitions are the same."
            )


def collect_labels(partitions):
    """Return the distinct labels of each partition, concatenated; empty partitions are dropped.

    A partition is empty only if X has no rows, either. Rows without labels are an error, also if
    all labels of a partition are missing.
    """
    counts, labels = zip(*run([task(count_rows_and_labels, y) for y in partitions.y]), strict=True)
    empty = np.flatnonzero(np.equal(counts, 0))
    run([task(_check_rows_of, *partitions.of(k)) for k in empty])
    partitions.select(np.flatnonzero(counts))
    if not len(partitions):
        raise ValueError(
            f"X has no rows: all of its {len(counts)} partitions are empty. Give at least one row."
        )
    labels = [each for each in labels if len(each)]
    _check_one_kind(labels)
    return np.concatenate(labels)


def count_rows_and_labels(y):
    """Return the number of labels of a partition, and the distinct labels."""
    y = np.asarray(y)
    return len(y), np.unique(check_labels(y) if len(y) else y)


def _check_rows_of(number, X, y, weight, proba):
    """Raise unless labels, weights and probabilities have one entry per row of a partition."""
    check_rows(number, X, y=y, sample_weight=weight, teacher_proba=proba)


def _check_one_kind(labels):
    """Raise if some partitions hold text and others numbers: NumPy would turn them into text."""
    is_text = [each.dtype.kind in "OUS" for each in labels]
    if len(set(is_text)) > 1:
        text, number = (labels[is_text.index(kind)][0] for kind in (True, False))
        raise TypeError(
            f"Labels must be of one kind; some partitions of y hold text, such as {str(text)!r}, "
            f"and some hold numbers, such as {number}. Turn them all into strings, as in "
            "y.astype(str)."
        )


def unite_categories(partitions):
    """Give categorical columns the same categories in all partitions, in the same order.

    Dask does not do so if it does not know the categories. This takes one pass over them.
    """
    if not any(str(dtype) == "category" for dtype in getattr(partitions.header, "dtypes", ())):
        return
    heads = run([task(_without_rows, block) for block in partitions.X])
    united = heads[0]
    for head in heads:
        united, _ = align_rows(united, head, PARTITIONS)
    partitions.X = [
        block if have_same_dtypes(head, united) else task(_with_united_dtypes, block, united)
        for block, head in zip(partitions.X, heads, strict=True)
    ]


def _without_rows(X):
    """Return the columns of a partition, with dtypes and categories."""
    return X.iloc[:0]


def _with_united_dtypes(X, united):
    """Return a partition whose columns have the dtypes and categories of all partitions."""
    return align_rows(united, X, PARTITIONS)[1]


class Block(NamedTuple):
    """Rows of a partition and their targets."""

    X: object
    targets: object


def blocks_with(X, targets):
    """Return rows and targets of each partition as one argument for a task.

    Rows in the memory of workers are joined with their targets on one worker: a partition may have
    been labelled on another worker, which has its targets. Rows that are not loaded yet stay lazy.
    """
    pairs = list(zip(X, targets, strict=True))
    if not persisted_on_workers(X):
        return [list(pair) for pair in pairs]
    return persist([task(Block, *pair) for pair in pairs])


def _described(sizes):
    """Return partitions as text."""
    are_known = not np.isnan(sizes).any()
    rows = f" of {list(sizes[:4])}{' ...' if len(sizes) > 4 else ''} rows" if are_known else ""
    return f"{len(sizes)} partitions{rows}"
