"""Checks of a module's output: logits or probabilities."""

import torch

from .._utils._validation import ROW_SUM_TOLERANCE

# With fewer rows, all may sum to one by chance.
MIN_ROWS = 8


def check_logits(logits, n_classes):
    """Raise unless a module's output can be one logit per class."""
    if logits.ndim != 2 or logits.shape[1] != n_classes:
        raise ValueError(
            f"The module must return one logit per class, shape (n_samples, {n_classes}); got "
            f"shape {tuple(logits.shape)}. Set the width of its last layer to {n_classes}."
        )
    if len(logits) >= MIN_ROWS and are_probabilities(logits):
        raise ValueError(
            "Every row of the module's output is non-negative and sums to one: it ends in a "
            "softmax already. The loss takes logits; the softmax of a softmax trains slowly and "
            "cannot reach high confidence. Remove the softmax from the module."
        )


def check_probabilities(outputs):
    """Raise unless a module's output can be probabilities, which skorch expects for NLLLoss."""
    if not are_probabilities(outputs):
        raise ValueError(
            "skorch's NLLLoss takes the logarithm of the module's output, which must be "
            "probabilities; its rows have negative entries or do not sum to one. Use "
            "criterion=torch.nn.CrossEntropyLoss for a module that returns logits, or add a "
            "softmax as its last layer."
        )


def are_probabilities(outputs):
    """Return whether every row is non-negative and sums to one, within its precision."""
    tolerance = max(ROW_SUM_TOLERANCE, 4 * torch.finfo(outputs.dtype).eps)
    rows = outputs.detach().float()
    return bool((rows >= 0).all() and ((rows.sum(dim=1) - 1).abs() < tolerance).all())
