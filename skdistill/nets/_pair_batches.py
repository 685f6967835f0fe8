"""Batches for pairwise losses: the loss of a batch, and skipping batches without a pair."""

from collections.abc import Iterator
from typing import Any

import torch
from skorch import NeuralNet

from ..objectives._bipartite_rows import LARGEST_SCORE
from ._device_batches import count_processes


class PairBatches(NeuralNet):
    """Skip batches without a pair: no step, no callback event, no part in the mean loss."""

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run an epoch over the batches that have a pair."""
        if iterator is not None:
            iterator = _batches_with_pairs(iterator, prefix, self.batch_size)
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)


def _batches_with_pairs(iterator: Any, prefix: str, batch_size: int) -> Iterator:
    """Yield the batches that have a pair; raise at the end if there was none."""
    n_batches = n_yielded = 0
    for batch in iterator:
        n_batches += 1
        if _some_process_has_pair(batch[1]):
            n_yielded += 1
            yield batch
        del batch  # so that the next one can have its memory
    if n_batches and not n_yielded:
        raise ValueError(
            f"No pair of rows carries weight in any {prefix} batch of an epoch ({n_batches} of "
            f"batch_size={batch_size}): each batch has rows of one class only. Use larger batches "
            "(batch_size=-1 takes all rows), shuffle them (iterator_train__shuffle=True), and "
            "hold out rows of both classes (ValidSplit(stratified=True))."
        )


def _some_process_has_pair(targets):
    """Return whether the batch has a pair in any of the processes that train together.

    Either all processes make a step, or none does.
    """
    a, b = _positive_and_negative_weights(targets)
    has_pair = a.sum() * b.sum() > (a * b).sum()
    if count_processes() > 1:
        has_pair = has_pair.int()
        torch.distributed.all_reduce(has_pair, torch.distributed.ReduceOp.MAX)
    return bool(has_pair)


def _positive_and_negative_weights(targets):
    """Return the weight of each row as a positive and as a negative."""
    if targets.proba.shape[1] != 2:
        raise ValueError(f"Ranking needs two classes; got {targets.proba.shape[1]}.")
    p = targets.proba[:, 1]
    return targets.weight * p, targets.weight * (1 - p)


def pairs_of_batch(criterion: Any, outputs: Any, targets: Any) -> torch.Tensor:
    """Return the mean loss over all pairs of a batch, times the mean weight of its rows.

    So a batch of heavy rows counts for more than one of light rows, as rows do in other losses.
    """
    scores = as_scores(outputs)
    targets = targets.to(scores.device)
    a, b = _positive_and_negative_weights(targets)
    if not a.sum() * b.sum() > (a * b).sum():
        return 0 * scores.float().sum()  # another process has a pair
    if not (scores.abs() <= LARGEST_SCORE).all():
        return scores.float().sum() * torch.nan  # reported at the end of the epoch
    p, weight = targets.proba[:, 1], targets.weight
    if isinstance(weight, float):
        return criterion(scores, p, None)
    mean = weight.mean()
    return mean * criterion(scores, p, weight / mean)


def as_scores(outputs):
    """Return the outputs of a module as one score per row."""
    outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    if outputs.ndim == 1 or (outputs.ndim == 2 and outputs.shape[1] == 1):
        return outputs.reshape(-1)
    raise ValueError(
        "The module of a ranker must return one score per row, shape (n_samples,) or "
        f"(n_samples, 1); got shape {tuple(outputs.shape)}. Set the width of its last layer to 1."
    )
