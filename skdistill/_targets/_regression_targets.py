"""Regression targets: the true values of the rows, and a teacher's prediction of each."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from sklearn.utils import check_array

from .._utils._labels import NO_LABEL
from .._utils._rows import mean_row_weight
from .._utils._typing import Floats, NDArray
from .._utils._validation import check_alpha, check_row_weights, without_mask

NOT_NUMBERS = (
    "A regressor needs numbers as y. For classes use a classifier, such as DistilledClassifier; "
    "convert times to numbers of one unit first."
)


def checked_values(y):
    """Return y as floats of shape (n,) or (n, n_outputs); float32 stays float32.

    Raise for values that are missing, not finite or no numbers.
    """
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    if isinstance(y, np.ma.MaskedArray):
        y = without_mask(y.astype(np.float64))
    if np.asarray(y).dtype.kind in "mM":
        raise ValueError(f"y has the dtype {np.asarray(y).dtype}. {NOT_NUMBERS}")
    params = {"ensure_2d": False, "dtype": [np.float64, np.float32], "ensure_min_samples": 0}
    try:
        values = check_array(y, input_name="y", **params)
    except (TypeError, ValueError) as error:
        is_number = "convert" not in str(error) and isinstance(error, ValueError)
        remedy = NO_LABEL if "NaN" in str(error) else "" if is_number else NOT_NUMBERS
        raise ValueError(f"{error} {remedy}".strip()) from error
    if values.ndim == 0:
        raise ValueError(f"y must have one value per row, shape (n_samples,); got {y!r}.")
    return values


@dataclass(frozen=True, eq=False)
class RegressionTargets:
    """Values and means of rows with a continuous target, with row weights.

    The counterpart of SoftLabels for numbers: `mean`, what a student is fitted to, has the place of
    the probabilities, and methods of the same meaning have the same name. All methods return new
    targets.
    """

    values: Floats  # (n, n_outputs): the true values, NaN in unlabelled rows
    mean: Floats  # (n, n_outputs): the targets of a student, at first the values
    weight: Floats  # (n,)
    is_labelled: NDArray[np.bool_] = field(repr=False)  # False for unlabelled rows

    multilabel = False
    weighs_one_label = False  # a constant target is fitted like any other

    @classmethod
    def of_values(cls, values, sample_weight=None) -> Self:
        """Return values of shape (n, n_outputs) as the targets of ordinary training."""
        n_rows = len(values)
        weight = check_row_weights(sample_weight, n_rows)
        return cls(values, values, weight, np.ones(n_rows, dtype=bool))

    def __len__(self) -> int:
        return len(self.mean)

    def check_several_classes(self):
        """Raise if every row has weight zero; one value is enough."""
        self.check_some_weight()

    def check_some_weight(self):
        """Raise if every row has weight zero."""
        if not self.weight.any():
            raise ValueError(
                f"Every one of the {len(self)} rows has weight zero. Give sample_weight with "
                "positive entries."
            )

    def mix_with_labels(self, alpha) -> Self:
        """Return alpha · mean + (1 − alpha) · value; unlabelled rows keep their mean."""
        alpha = check_alpha(alpha)
        labelled = self.is_labelled
        mean = self.mean.copy()
        # At 0 and 1 these are exactly the values and the means.
        mean[labelled] = alpha * mean[labelled] + (1 - alpha) * self.values[labelled]
        return replace(self, mean=mean)

    def soften(self, temperature=1.0, top_k=None, alpha=1.0) -> Self:
        """Return targets mixed with the values; neither temperature nor top k apply to numbers."""
        return self.mix_with_labels(alpha)

    def take(self, rows) -> Self:
        """Return the targets of some rows: positions, or a mask."""
        return type(self)(
            self.values[rows], self.mean[rows], self.weight[rows], self.is_labelled[rows]
        )

    def reweight_rows(self, sample_weight) -> Self:
        """Return targets with each row's weight multiplied by `sample_weight`."""
        return replace(self, weight=self.weight * sample_weight)

    def replace_proba(self, mean) -> Self:
        """Return other means for the same rows, values and weights."""
        return replace(self, mean=mean)

    def append_unlabeled(self, mean) -> Self:
        """Return these rows followed by unlabelled rows of their mean weight."""
        n_rows = len(mean)
        weight = np.full(n_rows, mean_row_weight(self.weight))
        return type(self)(
            np.concatenate([self.values, np.full(mean.shape, np.nan)]),
            np.concatenate([self.mean, mean]),
            np.concatenate([self.weight, weight]),
            np.concatenate([self.is_labelled, np.zeros(n_rows, dtype=bool)]),
        )

    @property
    def scale(self) -> Floats:
        """Weighted standard deviation of the values of each output; 1 for a constant."""
        rows = self.is_labelled & (self.weight > 0)
        values, weight = self.values[rows], self.weight[rows]
        centred = values - np.average(values, axis=0, weights=weight)
        deviation = np.sqrt(np.average(centred**2, axis=0, weights=weight))
        is_constant = (values == values[0]).all(axis=0)  # rounding of the mean leaves a deviation
        return np.where(is_constant, 1.0, deviation)
