"""Display of the held-out losses by which alpha was chosen."""

from typing import Any, Self

from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

from ..._base._alpha_selection import AlphaCurve
from ..._utils._typing import Estimator
from ._style import axes, look


class AlphaCurveDisplay:
    """Held-out losses of ``alpha="auto"``, and the chosen alpha.

    The curve is the loss of mixed predictions of two students, one fitted to the labels and one to
    the teacher. The marks are students fitted with one alpha; the best of these was chosen.

    Make one with `from_estimator`.

    Parameters
    ----------
    curve : AlphaCurve
        An estimator's `alpha_curve_`.

    loss_name : str, default="log-loss"
        Name of the loss on the axis.

    Attributes
    ----------
    ax_, figure_, line_, points_ : matplotlib objects
        What `plot` drew.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.datasets import make_gaussian_classes
    >>> from skdistill.inspection import AlphaCurveDisplay
    >>> X, y, _ = make_gaussian_classes(200, random_state=0)
    >>> model = DistilledClassifier(GaussianNB(), alpha="auto").fit(X, y)
    >>> display = AlphaCurveDisplay.from_estimator(model)
    >>> display.ax_.get_xlabel()
    'alpha, weight of the teacher'
    """

    def __init__(self, *, curve: AlphaCurve, loss_name: str = "log-loss"):
        self.curve = curve
        self.loss_name = loss_name

    @classmethod
    def from_estimator(cls, estimator: Estimator, *, ax: Any = None, **kwargs: Any) -> Self:
        """Plot the curve of a fitted estimator.

        Parameters
        ----------
        estimator : DistilledClassifier, DistilledRegressor or DistilledBipartiteRanker
            A fitted estimator. It was fitted with ``alpha="auto"``.

        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`.

        Returns
        -------
        AlphaCurveDisplay

        Raises
        ------
        ValueError
            If alpha was not chosen, so that there is no curve.
        """
        check_is_fitted(estimator, "student_")
        if getattr(estimator, "alpha_curve_", None) is None:
            raise ValueError(
                f"{estimator!r} was fitted with a given alpha, so that there is no curve to draw. "
                'Fit it with alpha="auto".'
            )
        return cls(curve=estimator.alpha_curve_, loss_name=_loss_name(estimator)).plot(
            ax=ax, **kwargs
        )

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the curve, and a mark for each student that was fitted with one alpha.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        **kwargs : dict
            Style, passed on to matplotlib. The arguments are those of `plot`.

        Returns
        -------
        AlphaCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes(ax, figsize=(5, 3.6))
        style = look(0, label="two students, mixed", **kwargs) | {"marker": ""}
        (self.line_,) = ax.plot(self.curve.alpha, self.curve.loss, **style)
        self.points_ = []
        weights = {candidate.unlabeled_weight for candidate in self.curve.candidates}
        for number, weight in enumerate(sorted(weights), start=1):
            points = [each for each in self.curve.candidates if each.unlabeled_weight == weight]
            label = "one student" + f", unlabelled rows weigh {weight:g}" * (weight > 0)
            marks = look(number, label=label) | {"linestyle": ""}
            self.points_ += ax.plot(
                [each.alpha for each in points], [each.loss for each in points], **marks
            )
        best = self.curve.best
        circle = {"marker": "o", "markersize": 12, "markerfacecolor": "none", "color": "black"}
        ax.plot([best.alpha], [best.loss], label="chosen", linestyle="", **circle)
        ax.set(xlabel="alpha, weight of the teacher", ylabel=f"Held-out {self.loss_name}")
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _loss_name(estimator):
    """Return the name of the loss by which an estimator chooses alpha."""
    if is_regressor(estimator):
        return "MSE / variance of y"
    surrogate = getattr(estimator, "surrogate", None)
    return "log-loss" if surrogate is None else f"{surrogate} loss of pairs"
