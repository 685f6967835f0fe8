"""A `collate_fn` of the user's own, which knows rows and labels, before soft targets."""

import numpy as np
import torch
from torch.utils.data import default_collate


class CollateRows:
    """Let a user's `collate_fn` make a batch of rows and true labels, and add their soft targets.

    The function gets the labels as columns, like a dataset of skorch gives them. It must give
    them back as they came: soft targets cannot follow rows that it mixes, sorts or leaves out.
    """

    def __init__(self, collate_fn):
        self.collate_fn = collate_fn

    def __call__(self, rows_and_targets):
        rows, targets = zip(*rows_and_targets, strict=True)
        codes = [int(each.codes) for each in targets]
        X, y = self.collate_fn(list(zip(rows, codes, strict=True)))
        labels = y.numpy(force=True) if isinstance(y, torch.Tensor) else np.asarray(y)
        if not np.array_equal(labels.ravel(), codes):
            raise ValueError(
                f"collate_fn={self.collate_fn!r} must return the labels of the rows in the order "
                "in which it gets them: each row's soft targets stand beside its label. Pad or "
                "stack the rows there, and let mixing or sorting be done by the module."
            )
        return X, default_collate(list(targets))
