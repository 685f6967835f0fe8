"""Label sets: the labels of multilabel rows, and a teacher's marginal probability of each."""

from typing import Self

import numpy as np
from scipy import sparse
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import type_of_target

from .._utils._labels import check_classes
from .._utils._probabilities import row_sums, top_entries
from .._utils._rows import mean_row_weight
from .._utils._validation import check_alpha, check_marginals, check_row_weights, column_names


class LabelSets:
    """Marginal probabilities of multilabel rows, each in [0, 1], with labels and row weights.

    The multilabel counterpart of SoftLabels, whose rows sum to one.
    """

    multilabel = True

    def __init__(self, relevant, classes, *, sample_weight=None, dense=False):
        n_rows = relevant.shape[0]
        self.relevant = relevant  # CSR (n, L) of ones: the labels that the rows have
        self.proba = relevant  # CSR (n, L): the marginals, at first those of the labels
        self.classes = classes
        self.weight = check_row_weights(sample_weight, n_rows)
        self.is_labelled = np.ones(n_rows, dtype=bool)  # False for unlabelled rows
        self.dense = dense  # whether the user's indicator is dense

    def check_several_classes(self):
        """Raise if every row has weight zero; one label is enough, since rows may lack it."""
        self.check_some_weight()

    def check_some_weight(self):
        """Raise if every row has weight zero."""
        if not self.weight.any():
            raise ValueError(
                f"Every one of the {len(self)} rows has weight zero. Give sample_weight with "
                "positive entries."
            )

    def __len__(self):
        return self.proba.shape[0]

    def truncate_top_k(self, k):
        """Return label sets with the k largest marginals of each row, unchanged."""
        if k is None or k >= len(self.classes):
            return self
        return self._with(proba=top_entries(self.proba, k))

    def mix_with_labels(self, alpha):
        """Return alpha · p + (1 − alpha) · indicator; unlabelled rows keep p."""
        alpha = check_alpha(alpha)
        if alpha == 1:
            return self
        alphas = np.where(self.is_labelled, alpha, 1.0)
        labels = sparse.diags_array(1 - alphas) @ self.relevant
        proba = sparse.csr_array(sparse.diags_array(alphas) @ self.proba + labels)
        proba.eliminate_zeros()
        return self._with(proba=proba)

    def soften(self, temperature=1.0, top_k=None, alpha=1.0):
        """Return truncated label sets, mixed with the labels; a temperature is refused before."""
        return self.truncate_top_k(top_k).mix_with_labels(alpha)

    def reweight_rows(self, sample_weight):
        """Return label sets with each row's weight multiplied by `sample_weight`."""
        return self._with(proba=self.proba, weight=self.weight * sample_weight)

    def replace_proba(self, proba):
        """Return other marginals for the same rows, labels and weights."""
        return self._with(proba=proba)

    def append_unlabeled(self, proba):
        """Return these rows followed by unlabelled rows of their mean weight."""
        n_rows = proba.shape[0]
        weight = np.full(n_rows, mean_row_weight(self.weight))
        new = self._with(
            proba=sparse.vstack([self.proba, proba], format="csr"),
            weight=np.concatenate([self.weight, weight]),
        )
        no_labels = sparse.csr_array(proba.shape)
        new.relevant = sparse.vstack([self.relevant, no_labels], format="csr")
        new.is_labelled = np.concatenate([self.is_labelled, np.zeros(n_rows, dtype=bool)])
        return new

    def _with(self, *, proba, weight=None) -> Self:
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__, proba=proba)
        new.weight = self.weight if weight is None else weight
        return new


def is_indicator(y):
    """Return whether `y` is a multilabel indicator."""
    shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
    return len(shape) == 2 and type_of_target(y) == "multilabel-indicator"


def check_indicator(y, classes=None):
    """Return a checked indicator as CSR rows of ones, and the labels of its columns."""
    names = column_names(y)
    if not sparse.issparse(y):
        y = np.asarray(y, dtype=np.float64)
        assert_all_finite(y, input_name="y")
    if names is None:
        names = range(y.shape[1]) if classes is None else classes
    if len(names) != y.shape[1]:
        raise ValueError(
            f"y as an indicator has {y.shape[1]} columns, and classes lists {len(names)} labels. "
            "Give one label per column, in the order of the columns."
        )
    if classes is not None and list(classes) != list(names):
        raise ValueError(
            f"The columns of y, {list(names)}, are not classes={list(classes)} in this order. "
            "Leave classes=None to take those of y."
        )
    check_classes(names, names)
    return check_marginals(y, name="y"), np.asarray(names)


def label_set_scores(label_sets):
    """Return the Brier score and the precision at 1 of marginals, given the labels of the rows."""
    difference = label_sets.proba - label_sets.relevant
    best = top_entries(label_sets.proba, 1)
    correct = row_sums(sparse.csr_array(best > 0).multiply(label_sets.relevant))
    row_scores = {
        "brier": row_sums(difference.multiply(difference)),
        "precision_at_1": correct,
    }
    weight = label_sets.weight
    return {name: float(np.average(rows, weights=weight)) for name, rows in row_scores.items()}
