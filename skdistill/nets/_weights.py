"""What a row's weight means to a net: a factor of its loss, beside rows of weight one."""

import numpy as np


def with_mean_weight_one(targets, mean=None):
    """Return SoftLabels or RetrievalTargets whose weights are divided by their mean.

    `fit` divides, so that only ratios matter and the learning rate keeps its meaning; it sees all
    rows. `partial_fit` does not: the mean of a piece says nothing of the others, and divided by
    it, a row would weigh less in a piece of heavy rows. Whoever cuts rows into pieces
    and knows all of them gives the `mean` over all pieces.
    """
    weight = targets.weight
    if mean is None:
        mean = weight.mean()
        if (weight == weight[0]).all():  # exactly one, whatever the mean is rounded to
            mean, weight = 1.0, np.ones(len(weight))
    new = object.__new__(type(targets))
    new.__dict__.update(targets.__dict__, weight=weight / mean)
    return new
