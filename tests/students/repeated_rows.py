"""Soft labels that stand for rows repeated with several labels, and these rows themselves."""

import numpy as np

from skdistill import SoftLabels


def repeated(X, counts):
    """Return rows and labels, with row n `counts[n, k]` times under the label k."""
    rows, classes = np.nonzero(counts)
    times = counts[rows, classes]
    return X[np.repeat(rows, times)], np.repeat(classes, times)


def problem(seed, n_classes=3, n_rows=40, n_features=4):
    """Return rows, and how often each is repeated with each label; some never."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    counts = rng.multinomial(6, rng.dirichlet(np.full(n_classes, 0.5), size=n_rows))
    return X + counts[:, :1], counts * rng.integers(0, 3, size=(n_rows, 1))


def soft(counts, form=np.asarray):
    weight = counts.sum(axis=1)
    proba = counts / np.maximum(weight, 1)[:, None]
    proba[weight == 0, 0] = 1
    return SoftLabels(form(proba), sample_weight=weight / 7)
