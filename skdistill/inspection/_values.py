"""True values of rows, and the units of their outputs, for comparisons of regressors."""

from typing import NamedTuple, Self

import numpy as np
from sklearn.utils import column_or_1d

from .._targets._regression_targets import RegressionTargets, checked_values
from .._utils._typing import Floats


class OutputUnits(NamedTuple):
    """The units of the outputs of y, in which errors of several outputs count alike.

    One output keeps its own unit. Each of several is centred and divided by its standard deviation.
    """

    centre: Floats  # (n_outputs,)
    scale: Floats  # (n_outputs,)

    @classmethod
    def of(cls, values, sample_weight=None) -> Self:
        """Return the units of values of shape (n_rows, n_outputs)."""
        n_outputs = values.shape[1]
        if n_outputs == 1:
            return cls(np.zeros(1), np.ones(1))
        targets = RegressionTargets.of_values(values, sample_weight)
        targets.check_some_weight()
        return cls(np.average(values, axis=0, weights=targets.weight), targets.scale)

    @property
    def note(self):
        """A sentence on several outputs, empty for one."""
        if len(self.scale) == 1:
            return ""
        return (
            f"y has {len(self.scale)} outputs: each is centred and divided by its standard "
            "deviation, and the scores are over all of them."
        )

    def standardized(self, values):
        """Return values of shape (n_rows, n_outputs) in these units; one output is unchanged."""
        return (values - self.centre) / self.scale


def columns_of_outputs(y):
    """Return y as floats of shape (n_samples, n_outputs)."""
    values = checked_values(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = column_or_1d(values, warn=True)
    return values.reshape(len(values), -1)


def one_output(y, *, user):
    """Return y as floats of shape (n_samples,); raise for several outputs."""
    values = checked_values(y)
    if values.ndim > 1 and values.shape[1] > 1:
        raise ValueError(
            f"y has {values.shape[1]} outputs, and {user} takes one. Call it for one output after "
            "the other, y[:, 0] first."
        )
    return column_or_1d(values, warn=True)
