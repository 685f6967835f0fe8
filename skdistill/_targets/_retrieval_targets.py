"""Retrieval targets: the weight of each label as a positive, and its discount as a negative."""

from typing import Self

import numpy as np
from scipy import sparse

from .._utils._typing import Floats, NDArray
from ._label_sets import LabelSets
from ._soft_labels import SoftLabels

OBJECTIVES = ("double_distillation", "label_weighted", "cross_entropy")


class RetrievalTargets:
    """Positives and negative discounts of each row: the general form of the retrieval losses.

    :meth:`of` computes them from soft labels.

    Parameters
    ----------
    positives : csr_array of shape (n_samples, n_labels), float64
        a in [0, 1]: weight of each label as a positive.

    negative_discount : csr_array of shape (n_samples, n_labels), float64
        d in [0, 1]: a label counts 1 − d times as a negative.

    classes : ndarray of shape (n_labels,)
        Label of each column.

    weight : ndarray of shape (n_samples,), float64
        Weight of each row; 1 by default.

    relevant : csr_array of shape (n_samples, n_labels)
        One for each label of a row.

    multilabel : bool, default=False
        Whether the problem is multilabel.

    dense : bool, default=False
        Whether :meth:`hard_labels` returns a multilabel indicator as a dense array.

    See Also
    --------
    skdistill.objectives.linear_retrieval_loss : The loss for these targets.
    """

    def __init__(
        self,
        positives: sparse.csr_array,
        negative_discount: sparse.csr_array,
        classes: NDArray,
        weight: Floats,
        relevant: sparse.csr_array,
        *,
        multilabel: bool = False,
        dense: bool = False,
    ):
        self.positives = positives
        self.negative_discount = negative_discount
        self.classes = classes
        self.weight = weight
        self.relevant = relevant
        self.multilabel = multilabel
        self.dense = dense

    @classmethod
    def of(cls, soft_labels: SoftLabels | LabelSets, objective: str) -> Self:
        """Return the targets of an objective, computed from soft labels.

        Parameters
        ----------
        soft_labels : SoftLabels
            Probabilities p, weights, and true labels where known. (Internally also LabelSets,
            for multilabel rows.)

        objective : {"double_distillation", "label_weighted", "cross_entropy"}
            See :class:`skdistill.DistilledMulticlassRetriever`.

        Returns
        -------
        RetrievalTargets

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> from skdistill.students.retrieval import RetrievalTargets
        >>> soft_labels = SoftLabels([[0.7, 0.3, 0.0]], y=[1])
        >>> targets = RetrievalTargets.of(soft_labels, "label_weighted")
        >>> targets.positives.toarray(), targets.negative_discount.toarray()
        (array([[0., 1., 0.]]), array([[0.7, 1. , 0. ]]))
        """
        check_objective(objective)
        proba = sparse.csr_array(soft_labels.proba)
        if isinstance(soft_labels, LabelSets):
            relevant, multilabel, dense = soft_labels.relevant, True, soft_labels.dense
        else:
            relevant, multilabel, dense = _one_hot(soft_labels), False, False
        if objective == "cross_entropy":
            positives, negative_discount = proba, sparse.csr_array(proba.shape)
        elif objective == "label_weighted":
            positives, negative_discount = relevant, relevant.maximum(proba)
        else:
            positives = negative_discount = proba
        return cls(
            positives,
            negative_discount,
            soft_labels.classes,
            soft_labels.weight,
            relevant,
            multilabel=multilabel,
            dense=dense,
        )

    def __len__(self) -> int:
        return self.positives.shape[0]

    @property
    def codes(self) -> NDArray[np.intp]:
        """Column of the first label of each row, -1 for rows without a label."""
        has_label = np.diff(self.relevant.indptr) > 0
        codes = np.full(len(self), -1)
        codes[has_label] = self.relevant.indices[self.relevant.indptr[:-1][has_label]]
        return codes

    def hard_labels(self) -> NDArray | sparse.csr_array:
        """Return the label of each row, or an indicator if the problem is multilabel.

        A row without a label gets the label of its largest positive.
        """
        if self.multilabel:
            return self.relevant.toarray().astype(int) if self.dense else self.relevant
        codes = self.codes
        largest = self.positives.argmax(axis=1)
        return self.classes[np.where(codes >= 0, codes, largest)]

    def reweight_rows(self, sample_weight: NDArray) -> Self:
        """Return targets with each row's weight multiplied by `sample_weight`."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__, weight=self.weight * np.asarray(sample_weight))
        return new

    def take(self, rows: slice | NDArray) -> Self:
        """Return the targets of some rows."""
        return type(self)(
            self.positives[rows],
            self.negative_discount[rows],
            self.classes,
            self.weight[rows],
            self.relevant[rows],
            multilabel=self.multilabel,
            dense=self.dense,
        )

    def check_something_to_learn(self) -> None:
        """Raise unless some row has a positive that competes with another label."""
        label_weights = self.weight @ self.positives
        if not label_weights.any():
            raise ValueError(
                f"None of the {len(self)} rows has a label that carries weight. Give rows with "
                "labels and positive sample_weight."
            )
        if len(self.classes) < 2 or (not self.multilabel and (label_weights > 0).sum() < 2):
            raise ValueError(
                "There is only 1 class to learn: "
                f"{self.classes[label_weights > 0].tolist()} carries all the weight of the "
                f"{len(self)} rows. Give rows of at least two labels."
            )


def check_objective(objective: str) -> None:
    """Raise for an unknown objective."""
    if objective not in OBJECTIVES:
        raise ValueError(
            f"objective must be one of {', '.join(map(repr, OBJECTIVES))}; got {objective!r}."
        )


def _one_hot(soft_labels):
    """Return the true labels as CSR rows of ones, empty for unlabelled rows."""
    labelled = np.flatnonzero(soft_labels.codes >= 0)
    ones = (np.ones(len(labelled)), (labelled, soft_labels.codes[labelled]))
    return sparse.csr_array(ones, shape=soft_labels.proba.shape)
