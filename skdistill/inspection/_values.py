"""True values of rows, for comparisons of regressors."""

from sklearn.utils import column_or_1d

from .._targets._regression_targets import checked_values


def one_output(y, *, user):
    """Return y as floats of shape (n_samples,); raise for several outputs."""
    values = checked_values(y)
    if values.ndim > 1 and values.shape[1] > 1:
        raise ValueError(
            f"y has {values.shape[1]} outputs, and {user} takes one. Call it for one output after "
            "the other, y[:, 0] first."
        )
    return column_or_1d(values, warn=True)
