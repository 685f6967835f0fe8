"""Sample weights of a net: factors of the rows' losses, with mean one."""

import numpy as np


def with_mean_weight_one(targets, mean=None):
    """Return SoftLabels or RetrievalTargets whose weights are divided by their mean.

    `fit` sees all rows and divides, so that only ratios matter and the scale of the loss does not
    change. `partial_fit` does not divide: the mean of one batch is not that of the others, and a
    row would weigh less in a batch of heavy rows. A caller that splits known rows into parts
    passes the `mean` over all parts.
    """
    weight = targets.weight
    if mean is None:
        mean = weight.mean()
        if (weight == 1).all():
            return targets
        if (weight == weight[0]).all():  # exactly one, despite the rounding of the mean
            mean, weight = 1.0, np.ones(len(weight))
    new = object.__new__(type(targets))
    new.__dict__.update(targets.__dict__, weight=weight / mean)
    return new
