"""Soft labels: the probability of each class for each row, as one checked value."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy import sparse

from .._utils._labels import (
    as_labels,
    check_class_list,
    check_classes,
    check_labels,
    encode,
    one_hot_rows,
)
from .._utils._named import columns_by_name
from .._utils._one_column import both_columns, is_soft
from .._utils._probabilities import argmax_labels, entries, largest, row_sums, temper, top_entries
from .._utils._rows import mean_row_weight
from .._utils._typing import ArrayLike, Floats, NDArray, Proba
from .._utils._validation import (
    ROUNDING,
    check_alpha,
    check_proba,
    check_row_weights,
    check_temperature,
    check_top_k,
    column_names,
)

ROWS_AT_ONCE = 4096


class SoftLabels:
    """Class probabilities used as targets in place of labels, with row weights.

    Soft labels are independent of any model: a teacher predicts them and a student is
    fitted to them. They are immutable: every method returns new soft labels.

    Parameters
    ----------
    proba : array-like, sparse matrix or dataframe of shape (n_samples, n_classes)
        Probability of each class, one row per sample. Rows whose sum differs from 1 by at most 1e-3
        (rounding, float16) are renormalised. A sparse matrix stays sparse. The columns of a
        dataframe are matched to `classes` by name. A class without a column has probability 0. A
        column that is not a class raises an error. With two sorted `classes`, one number per row,
        of shape (n_samples,) or (n_samples, 1), is the probability of the second. The only column
        of a dataframe is that of the class in its name.

    classes : array-like of shape (n_classes,), default=None
        Label of each column of `proba`, in any order. By default the names of a
        dataframe's columns, and 0, 1, ... for anything else.

    y : array-like of shape (n_samples,), default=None
        The true labels, where known. :meth:`mix_with_labels` uses them.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row, non-negative; 1 by default.

    Attributes
    ----------
    proba : ndarray or csr_array of shape (n_samples, n_classes), float64
        Rows sum to one; columns are in the order of `classes`.

    classes : ndarray of shape (n_classes,)
        The labels, sorted.

    codes : ndarray of shape (n_samples,), intp
        Position in `classes` of each row's true label, -1 for unlabelled rows.

    weight : ndarray of shape (n_samples,), float64
        Weight of each row; 1 by default.

    Raises
    ------
    ValueError
        For probabilities that are NaN, negative or do not sum to one, column labels
        that do not match, a true label without a column, or negative weights. The message
        names the row and the deviation.

    Notes
    -----
    With p the soft labels, a student minimises the distilled risk Σ_n weight_n · p_nᵀ ℓ(f(x_n))
    (Menon et al., ICML 2021, section 3). One-hot rows give ordinary training.

    Examples
    --------
    >>> from skdistill import SoftLabels
    >>> soft_labels = SoftLabels([[0.9, 0.1], [0.4, 0.6]], classes=["cat", "dog"], y=["cat", "cat"])
    >>> soft_labels.mix_with_labels(alpha=0.5).proba
    array([[0.95, 0.05],
           [0.7 , 0.3 ]])
    """

    def __init__(
        self,
        proba: Proba,
        classes: ArrayLike | None = None,
        *,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ):
        self.proba, self.classes = aligned_proba(proba, classes)
        n_rows = self.proba.shape[0]
        self.weight = check_row_weights(sample_weight, n_rows)
        self.codes = np.full(n_rows, -1)
        if y is not None:
            true = check_labels(y)
            if len(true) != n_rows:
                raise ValueError(f"proba has {n_rows} rows but y has {len(true)} labels.")
            check_classes(true, self.classes)
            self.codes = encode(true, self.classes)

    @classmethod
    def from_labels(
        cls,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Return the one-hot soft labels of ordinary training.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            True labels.

        classes : array-like of shape (n_classes,), default=None
            All classes, if `y` may not contain each of them.

        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; 1 by default.

        Returns
        -------
        SoftLabels
            With `proba` a CSR array, one 1 per row.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels.from_labels(["b", "a"]).proba.toarray()
        array([[0., 1.],
               [1., 0.]])
        """
        true = check_labels(y)
        classes = check_classes(true, classes)
        return cls._from_codes(encode(true, classes), classes, sample_weight)

    @classmethod
    def _from_codes(cls, codes, classes, sample_weight=None):
        """Return the one-hot soft labels of checked labels."""
        new = object.__new__(cls)
        new.classes, new.codes = classes, codes
        new.proba = one_hot_rows(codes, len(classes))
        new.weight = check_row_weights(sample_weight, len(codes))
        return new

    def _with(self, *, proba=None, codes=None, weight=None):
        """Return soft labels with some arrays replaced, without checks."""
        new = object.__new__(type(self))
        new.classes = self.classes
        new.proba = self.proba if proba is None else proba
        new.codes = self.codes if codes is None else codes
        new.weight = self.weight if weight is None else weight
        return new

    def __len__(self) -> int:
        return self.proba.shape[0]

    def __repr__(self) -> str:
        kind = "sparse" if sparse.issparse(self.proba) else "dense"
        n_labelled = (self.codes >= 0).sum()
        return (
            f"SoftLabels({len(self)} rows, {len(self.classes)} classes, {kind}, "
            f"{n_labelled} with a true label)"
        )

    @property
    def is_labelled(self) -> NDArray[np.bool_]:
        """Whether each row has a true label."""
        return self.codes >= 0

    @property
    def is_unweighted_one_hot(self) -> bool:
        """Whether every row is one-hot and has weight one, as for ordinary labels."""
        return self.is_one_hot and bool((self.weight == 1).all())

    @property
    def is_one_hot(self) -> bool:
        """Whether every row is one-hot, so that the expansion copies no row."""
        starts = range(0, len(self), ROWS_AT_ONCE)  # soft rows are mostly found in the first block
        return all((largest(self.proba[k : k + ROWS_AT_ONCE]) == 1).all() for k in starts)

    @property
    def class_weight_sums(self) -> Floats:
        """Total weight of each class: Σ_n weight_n p_n."""
        return self.weight @ self.proba

    def hard_labels(self) -> NDArray:
        """Return the true label of each row, the most probable class for unlabelled rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes`; for transformers and splitters that need a hard `y`.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.6, 0.4]], y=[1]).hard_labels()
        array([1])
        """
        return np.where(self.codes >= 0, self.classes[self.codes], self.argmax_labels())

    def argmax_labels(self) -> NDArray:
        """Return the most probable class of each row; ties go to the first class.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels from `classes`.
        """
        return self.classes[argmax_labels(self.proba)]

    def count_expanded_rows(self) -> int:
        """Return the number of rows of :meth:`expand`, those of weight zero included."""
        return int(self.proba.nnz if sparse.issparse(self.proba) else (self.proba > 0).sum())

    def expected_accuracy(self, predicted: ArrayLike) -> float:
        """Return the weighted mean probability of predicted labels.

        Parameters
        ----------
        predicted : array-like of shape (n_samples,)
            One label from `classes` per row.

        Returns
        -------
        float
            In [0, 1]; equal to the accuracy if all rows are one-hot.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.6, 0.4], [0.1, 0.9]]).expected_accuracy([0, 1])
        0.75
        """
        columns = encode(np.asarray(predicted), self.classes)
        return float(np.average(entries(self.proba, columns), weights=self.weight))

    @property
    def weighs_one_label(self) -> bool:
        """Whether several classes occur, but only one of them has weight.

        This happens in the bootstrap samples of an ensemble that draws rows by weights.
        """
        with_weight = np.unique(self.codes[self.weight > 0])
        return self.is_one_hot and len(with_weight) == 1 and len(np.unique(self.codes)) > 1

    def check_some_weight(self) -> None:
        """Raise if every row has weight zero."""
        if not self.weight.any():
            raise ValueError(
                f"Every one of the {len(self)} rows has weight zero. Give sample_weight with "
                "positive entries for rows of at least two classes."
            )

    def check_several_classes(self) -> None:
        """Raise unless at least two classes have weight."""
        self.check_some_weight()
        nonempty = self.class_weight_sums > 0
        if nonempty.sum() < 2:
            raise ValueError(
                f"There is only 1 class to learn: {self.classes[nonempty].tolist()} carries all "
                f"the weight of the {len(self)} rows. Give rows of at least two classes."
            )

    def take(self, rows: slice | NDArray) -> Self:
        """Return the soft labels of some rows.

        Parameters
        ----------
        rows : slice, or array of int or bool
            Rows to select, in this order.

        Returns
        -------
        SoftLabels

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.6, 0.4], [0.1, 0.9]]).take([1]).proba
        array([[0.1, 0.9]])
        """
        return self._with(proba=self.proba[rows], codes=self.codes[rows], weight=self.weight[rows])

    def replace_proba(self, proba: Floats | sparse.csr_array) -> Self:
        """Return other probabilities for the same rows, labels and weights.

        Parameters
        ----------
        proba : ndarray or csr_array of shape (n_samples, n_classes)
            Valid probabilities, in the order of `classes`; only the shape is checked.

        Returns
        -------
        SoftLabels

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels.from_labels(["b", "a"]).replace_proba([[0.2, 0.8], [0.9, 0.1]]).proba
        array([[0.2, 0.8],
               [0.9, 0.1]])
        """
        proba = proba if sparse.issparse(proba) else np.asarray(proba, dtype=np.float64)
        if proba.shape != self.proba.shape:
            raise ValueError(f"proba must have shape {self.proba.shape}; got shape {proba.shape}.")
        return self._with(proba=proba)

    def append_unlabeled(self, proba: Floats | sparse.csr_array) -> Self:
        """Return these rows followed by unlabelled rows.

        Parameters
        ----------
        proba : ndarray or csr_array of shape (n_unlabeled, n_classes)
            Valid probabilities, in the order of `classes`; they are not checked.

        Returns
        -------
        SoftLabels
            Each further row has the mean weight of these rows, without those of weight 0, so that
            the unit of the weights has no effect.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels.from_labels([0, 1]).append_unlabeled([[0.2, 0.8]]).codes
        array([ 0,  1, -1])
        """
        proba = proba if sparse.issparse(proba) else np.asarray(proba, dtype=np.float64)
        n_rows = proba.shape[0]
        weight = np.full(n_rows, mean_row_weight(self.weight))
        return self.append(self._with(proba=proba, codes=np.full(n_rows, -1), weight=weight))

    def soften(
        self, temperature: float = 1.0, top_k: int | None = None, alpha: float = 1.0
    ) -> Self:
        """Return tempered, truncated and mixed soft labels, in this order.

        Parameters
        ----------
        temperature : float, default=1.0
            As in :meth:`temper`; 1 changes nothing.

        top_k : int, default=None
            As in :meth:`truncate_top_k`; None keeps every class.

        alpha : float in [0, 1], default=1.0
            As in :meth:`mix_with_labels`; 1 keeps the probabilities.

        Returns
        -------
        SoftLabels

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> soft_labels = SoftLabels([[0.6, 0.3, 0.1]], y=[1])
        >>> soft_labels.soften(top_k=2, alpha=0.5).proba.toarray().round(3)
        array([[0.333, 0.667, 0.   ]])
        """
        return self.temper(temperature).truncate_top_k(top_k).mix_with_labels(alpha)

    def append(self, other: SoftLabels) -> Self:
        """Return these rows followed by the rows of `other`.

        Parameters
        ----------
        other : SoftLabels
            Soft labels with the same classes.

        Returns
        -------
        SoftLabels
            Sparse if one of the two is.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> len(SoftLabels([[0.6, 0.4]]).append(SoftLabels([[0.1, 0.9]])))
        2
        """
        if not np.array_equal(self.classes, other.classes):
            raise ValueError(
                f"Soft labels of different classes cannot be joined: {list(self.classes)} and "
                f"{list(other.classes)}. Give both all classes (columns may be zero)."
            )
        if sparse.issparse(self.proba) or sparse.issparse(other.proba):
            proba = sparse.csr_array(sparse.vstack([self.proba, other.proba], format="csr"))
        else:
            proba = np.vstack([self.proba, other.proba])
        return self._with(
            proba=proba,
            codes=np.concatenate([self.codes, other.codes]),
            weight=np.concatenate([self.weight, other.weight]),
        )

    def temper(self, temperature: float) -> Self:
        """Return p^(1/T), renormalised: softmax(z / T) for a teacher with logits z.

        Parameters
        ----------
        temperature : float
            T > 0. 1 changes nothing, T > 1 softens, T < 1 sharpens. A probability of
            exactly 0 stays 0 at every T: no floor is needed, one-hot rows stay one-hot
            and sparse rows sparse.

        Returns
        -------
        SoftLabels

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.8, 0.2]]).temper(2.0).proba.round(3)
        array([[0.667, 0.333]])
        """
        temperature = check_temperature(temperature)
        if temperature == 1:
            return self
        return self._with(proba=temper(self.proba, temperature))

    def truncate_top_k(self, k: int | None) -> Self:
        """Return the k most probable classes of each row, renormalised, as sparse rows.

        Parameters
        ----------
        k : int or None
            Number of classes to keep per row; ties go to the first class. None, or a `k` of
            at least the number of classes, changes nothing.

        Returns
        -------
        SoftLabels
            With `proba` a CSR array of at most `k` entries per row.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.6, 0.3, 0.1]]).truncate_top_k(2).proba.toarray().round(3)
        array([[0.667, 0.333, 0.   ]])
        """
        k = check_top_k(k)
        if k is None or k >= len(self.classes):
            return self
        proba = top_entries(self.proba, k)
        proba.data /= np.repeat(proba.sum(axis=1), np.diff(proba.indptr))
        return self._with(proba=proba)

    def mix_with_labels(self, alpha: float) -> Self:
        """Return alpha · p + (1 - alpha) · one-hot true label.

        Parameters
        ----------
        alpha : float in [0, 1]
            Weight of the probabilities: with 1 they are unchanged, with 0 only the labels
            remain. An unlabelled row keeps its probabilities.

        Returns
        -------
        SoftLabels

        Notes
        -----
        This is the loss correction of Dao et al. (ICLR 2021) with gamma = 1 - alpha.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.6, 0.4]], y=[1]).mix_with_labels(0.5).proba
        array([[0.3, 0.7]])
        """
        alpha = check_alpha(alpha)
        if alpha == 1:
            return self
        labelled = np.flatnonzero(self.codes >= 0)
        if sparse.issparse(self.proba):
            ones = (np.ones(len(labelled)), (labelled, self.codes[labelled]))
            labels = sparse.csr_array(ones, shape=self.proba.shape)
            alphas = np.where(self.codes >= 0, alpha, 1.0)
            teacher_part = self.proba.copy()
            teacher_part.data *= np.repeat(alphas, np.diff(teacher_part.indptr))
            proba = sparse.csr_array(teacher_part + (1 - alpha) * labels)
            proba.eliminate_zeros()
        else:
            proba = self.proba.copy()
            proba[labelled] *= alpha
            proba[labelled, self.codes[labelled]] += 1 - alpha
        return self._with(proba=proba)

    def harden_unlabeled(self) -> Self:
        """Return hard pseudo-labels for the unlabelled rows: their most probable class alone.

        Returns
        -------
        SoftLabels
            Rows with a true label are unchanged. It is the limit of tempering at T = 0, except
            that of several most probable classes the first is taken.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.3, 0.7], [0.6, 0.4]]).harden_unlabeled().proba
        array([[0., 1.],
               [1., 0.]])
        """
        is_labelled = self.is_labelled
        hard = one_hot_rows(argmax_labels(self.proba), len(self.classes))
        if not sparse.issparse(self.proba):
            return self._with(proba=np.where(is_labelled[:, None], self.proba, hard.toarray()))
        kept, replaced = (
            sparse.diags_array(1.0 * is_labelled),
            sparse.diags_array(1.0 * ~is_labelled),
        )
        proba = sparse.csr_array(kept @ self.proba + replaced @ hard)
        proba.eliminate_zeros()
        return self._with(proba=proba)

    def reweight_classes(self, class_weights: ArrayLike) -> Self:
        """Return soft labels with class weights: p_k c_k, renormalised.

        Parameters
        ----------
        class_weights : array-like of shape (n_classes,)
            Weight c_k >= 0 of each class, in the order of `classes`.

        Returns
        -------
        SoftLabels
            Each row's weight is multiplied by Σ_k p_k c_k, so that row and class together
            weigh weight · p_k · c_k, as in the expansion with class weights. A row of
            classes of weight 0 gets weight 0 and keeps its probabilities.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.5, 0.5]]).reweight_classes([3, 1]).proba
        array([[0.75, 0.25]])
        """
        factors = np.asarray(class_weights, dtype=np.float64)
        if (factors == 1).all():
            return self
        proba = self.proba * factors
        proba = sparse.csr_array(proba) if sparse.issparse(proba) else proba
        total = row_sums(proba)
        is_zero = total == 0
        if sparse.issparse(proba):
            if is_zero.any():
                unchanged = sparse.diags_array(is_zero.astype(float)) @ self.proba
                proba = sparse.csr_array(proba + unchanged)
            proba.data /= np.repeat(np.where(is_zero, 1, total), np.diff(proba.indptr))
        else:
            proba[is_zero] = self.proba[is_zero]
            proba /= np.where(is_zero, 1, total)[:, None]
        return self._with(proba=proba, weight=self.weight * total)

    def reweight_rows(self, sample_weight: ArrayLike) -> Self:
        """Return soft labels with each row's weight multiplied by `sample_weight`.

        Parameters
        ----------
        sample_weight : array-like of shape (n_samples,)
            Factor >= 0 of each row's weight.

        Returns
        -------
        SoftLabels
        """
        return self._with(weight=self.weight * check_row_weights(sample_weight, len(self)))

    def drop_empty_classes(self) -> Self:
        """Return soft labels without the classes that have no weight.

        Returns
        -------
        SoftLabels
            With fewer classes and the same rows; for students that, as in scikit-learn, have
            only the classes of their training data. In rows of weight 0, the probability of
            dropped classes is added to the first remaining class.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> SoftLabels([[0.5, 0.0, 0.5]]).drop_empty_classes().classes
        array([0, 2])
        """
        nonempty = self.class_weight_sums > 0
        if nonempty.all():
            return self
        proba = self.proba[:, np.flatnonzero(nonempty)]
        lost = 1 - row_sums(proba)
        rows = np.flatnonzero(lost > ROUNDING)  # of weight 0
        if sparse.issparse(proba):
            added = (lost[rows], (rows, np.zeros_like(rows)))
            proba = sparse.csr_array(proba + sparse.csr_array(added, shape=proba.shape))
        else:
            proba[rows, 0] += lost[rows]
        new = self._with(proba=proba)
        new.classes = self.classes[nonempty]
        has_label = (self.codes >= 0) & nonempty[self.codes]
        new.codes = np.where(has_label, np.cumsum(nonempty)[self.codes] - 1, -1)
        return new

    def expand(self) -> tuple[NDArray[np.intp], NDArray, Floats]:
        """Return one weighted, labelled row per (row, class) of positive weight.

        Returns
        -------
        rows : ndarray of shape (n_expanded,), intp
            Original row of each expanded row, in order.

        labels : ndarray of shape (n_expanded,)
            Its class, from `classes`.

        weight : ndarray of shape (n_expanded,), float64
            The row's weight times the probability of the class; positive.

        Examples
        --------
        >>> from skdistill import SoftLabels
        >>> rows, labels, weight = SoftLabels([[0.25, 0.75], [0.0, 1.0]]).expand()
        >>> rows, labels, weight
        (array([0, 0, 1]), array([0, 1, 1]), array([0.25, 0.75, 1.  ]))
        """
        if sparse.issparse(self.proba):
            rows = np.repeat(np.arange(len(self)), np.diff(self.proba.indptr))
            columns, values = self.proba.indices, self.proba.data
        else:
            rows, columns = np.nonzero(self.proba)
            values = self.proba[rows, columns]
        weight = values * self.weight[rows]
        positive = weight > 0
        if positive.all():
            return rows, self.classes[columns], weight
        return rows[positive], self.classes[columns[positive]], weight[positive]


def aligned_proba(proba, classes=None, *, name="proba", missing=False):
    """Return checked probabilities with one column for each of the sorted classes, and these.

    If `missing`, rows may be NaN.
    """
    if classes is not None:  # otherwise a 1-D array is ambiguous
        proba = both_columns(proba, classes, name=name, missing=missing)
    names = column_names(proba)
    proba = check_proba(proba, name=name, missing=missing)
    if classes is not None:
        labels = as_labels(classes)
    elif names is not None:
        labels = as_labels(names, name=f"the columns of {name}")
    else:
        labels = np.arange(proba.shape[1])
    if names is not None:
        check_classes(labels, labels)
        proba = columns_by_name(proba, names, labels)
    if len(labels) != proba.shape[1]:
        raise ValueError(
            f"{name} has {proba.shape[1]} columns but there are {len(labels)} classes, "
            f"{list(labels)}. Give one column per class, in the order of classes; list "
            "every class in classes where the labels do not show them all."
        )
    classes = check_classes(labels, labels)
    if not np.array_equal(classes, labels):
        proba = proba[:, np.argsort(labels)]
    return proba, classes


def as_soft_labels(y, classes=None, sample_weight=None):
    """Return soft labels from soft labels, probabilities or labels."""
    if isinstance(y, SoftLabels):
        return y if sample_weight is None else y.reweight_rows(sample_weight)
    if classes is not None:
        check_class_list(classes)
    if is_soft(y, classes):
        y = both_columns(y, classes, name="y")
        return SoftLabels(y, classes, sample_weight=sample_weight)
    return SoftLabels.from_labels(y, classes, sample_weight=sample_weight)
