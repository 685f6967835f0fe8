"""Display of the error of the objective by the number of rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..._utils._typing import ArrayLike
from ._style import axes, look


class BiasVarianceDisplay:
    """Error of the one-hot and of the distilled objective over the sample size.

    The one-hot objective has only variance. The distilled one has less variance, and the teacher's
    squared bias, which does not fall with the number of rows (Menon et al., ICML 2021, section 4).
    Below the break-even sample size distilling pays.

    Make one with `from_terms`, or give measured curves.

    Parameters
    ----------
    sample_sizes : array-like of shape (n_sizes,)
        Numbers of training rows, positive.

    one_hot_variance : array-like of shape (n_sizes,)
        Variance of the objective with the labels, at each size.

    distilled_variance : array-like of shape (n_sizes,)
        Variance of the objective with the teacher's probabilities, at each size.

    squared_bias : array-like of shape (n_sizes,) or float
        Squared bias that the teacher adds.

    break_even : float, default=None
        Sample size at which both have the same error, shown as a vertical line; infinite if
        distilling always pays.

    Attributes
    ----------
    ax_, figure_ : matplotlib objects
        What `plot` drew into.

    lines_ : dict of {str: matplotlib Line2D}
        The drawn lines. Their keys are "one_hot", "distilled", "distilled_variance" and
        "squared_bias".

    Examples
    --------
    >>> from skdistill.inspection import BiasVarianceDisplay
    >>> display = BiasVarianceDisplay.from_terms(
    ...     [10, 100, 1000], one_hot_variance=1.0, distilled_variance=0.2, squared_bias=0.004
    ... )
    >>> display.break_even
    200.0
    """

    def __init__(
        self,
        *,
        sample_sizes: ArrayLike,
        one_hot_variance: ArrayLike,
        distilled_variance: ArrayLike,
        squared_bias: ArrayLike,
        break_even: float | None = None,
    ):
        self.sample_sizes = np.asarray(sample_sizes, dtype=np.float64)
        self.one_hot_variance = self._at_each_size(one_hot_variance, "one_hot_variance")
        self.distilled_variance = self._at_each_size(distilled_variance, "distilled_variance")
        self.squared_bias = self._at_each_size(squared_bias, "squared_bias")
        self.break_even = break_even

    def _at_each_size(self, values, name):
        """Return one value for each sample size."""
        values = np.asarray(values, dtype=np.float64)
        if values.shape not in (self.sample_sizes.shape, ()):
            raise ValueError(
                f"{name} must have one value for each of the {len(self.sample_sizes)} sizes, "
                f"or be one number; got shape {values.shape}."
            )
        return np.broadcast_to(values, self.sample_sizes.shape)

    @classmethod
    def from_terms(
        cls,
        sample_sizes: ArrayLike,
        *,
        one_hot_variance: float,
        distilled_variance: float,
        squared_bias: float,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the curves from the terms of a single row, and plot.

        Parameters
        ----------
        sample_sizes : array-like of shape (n_sizes,)
            Numbers of training rows, N.

        one_hot_variance : float
            V[e_yᵀ ℓ(f(x))], the variance of one row's loss under its label.

        distilled_variance : float
            V[p^t(x)ᵀ ℓ(f(x))], the variance of one row's loss under the teacher.

        squared_bias : float
            (E[(p^t − p*)ᵀ ℓ(f(x))])². The error of the distilled objective is
            distilled_variance / N + squared_bias.

        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`.

        Returns
        -------
        BiasVarianceDisplay
            Its `break_even` is (one_hot_variance − distilled_variance) / squared_bias: 0 where
            the teacher saves no variance, infinite where it does and has no bias.
        """
        saved = max(one_hot_variance - distilled_variance, 0.0)
        always = np.inf if saved > 0 else 0.0
        break_even = saved / squared_bias if squared_bias > 0 else always
        n = np.asarray(sample_sizes, dtype=np.float64)
        display = cls(
            sample_sizes=n, one_hot_variance=one_hot_variance / n,
            distilled_variance=distilled_variance / n, squared_bias=squared_bias,
            break_even=break_even,
        )  # fmt: skip
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw both errors, and the two terms of the distilled one, on logarithmic scales.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`.

        Returns
        -------
        BiasVarianceDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes(ax, figsize=(6, 4.2))
        distilled = self.distilled_variance + self.squared_bias
        curves = {
            "one_hot": ("one-hot labels: variance", self.one_hot_variance),
            "distilled": ("distilled: variance + bias²", distilled),
            "distilled_variance": ("distilled: variance", self.distilled_variance),
            "squared_bias": ("distilled: the teacher's bias²", self.squared_bias),
        }
        self.lines_ = {}
        for k, (name, (label, values)) in enumerate(curves.items()):
            width = 2.0 if name in ("one_hot", "distilled") else 1.0
            style = look(k, label=label, linewidth=width, markersize=4 + width, **kwargs)
            (self.lines_[name],) = ax.plot(self.sample_sizes, values, **style)
        ax.set(xscale="log", yscale="log", xlabel="Training rows", ylabel="Error of the objective")
        low, high = self.sample_sizes.min(), self.sample_sizes.max()
        if self.break_even is not None and low <= self.break_even <= high:
            ax.axvline(self.break_even, color="0.4", linewidth=1, zorder=0)
            ax.annotate(
                f"break-even: {self.break_even:,.0f} rows", (self.break_even, 0.98), rotation=90,
                xycoords=("data", "axes fraction"), xytext=(-3, 0), textcoords="offset points",
                ha="right", va="top", fontsize="small",
            )  # fmt: skip
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
