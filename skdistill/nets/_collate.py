"""Use a user's `collate_fn` for rows and labels together with soft targets."""

import numpy as np
import torch
from torch.utils.data import default_collate


class CollateRows:
    """Collate rows and true labels by a user's `collate_fn`, and add their soft targets.

    The function gets the labels as column numbers, as a skorch dataset gives them. It must return
    them unchanged: soft targets cannot follow rows that it mixes, sorts or drops.
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
                "in which it gets them, because soft targets are matched to labels by position. "
                "Pad or stack the rows there; mix or sort them in the module."
            )
        return X, default_collate(list(targets))
