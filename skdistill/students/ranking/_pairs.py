"""The risk of a ranking: the mean loss over all pairs of rows, as a function of their scores."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.utils import assert_all_finite

from ..._utils._marks import remedy_for_marks
from ...objectives import pairwise_hessian_diagonal, pairwise_hessian_product, pairwise_loss
from ...objectives._pairwise import SURROGATES
from .._boosting import proba_of_second

# Relative precision that a loss must have; beyond it, the scores are too large.
PRECISION = 1e-3


class PairwiseRisk:
    """Σ_ij a_i b_j φ(s_i − s_j) / (Σ a · Σ b) with a = w p, b = w (1 − p), up to a constant.

    The pairs of a row with itself count, so that weights equal repeated rows. Their gradient is
    0; they only scale the loss by the fraction of the other pairs.
    """

    def __init__(self, proba, weight, surrogate):
        self.proba, self.weight, self.surrogate = proba, weight, surrogate
        self._pairs = {"proba": proba, "sample_weight": weight, "surrogate": surrogate}
        a, b = weight * proba, weight * (1 - proba)
        self.is_logistic = surrogate == "logistic"
        self._fraction = 1 - a @ b / (a.sum() * b.sum())

    def loss_and_gradient(self, scores):
        """Return the risk and its derivative by each score."""
        # The exponential may overflow; the loss is then infinite.
        with np.errstate(over="ignore", invalid="ignore"):
            loss, gradient = pairwise_loss(scores, **self._pairs)
            return self._fraction * loss, self._fraction * gradient

    def hessian_diagonal(self, scores):
        """Return the second derivative by each score."""
        return self._fraction * pairwise_hessian_diagonal(scores, **self._pairs)

    def hessian_product(self, scores, vector):
        """Return the product of the Hessian by the scores with a vector."""
        return self._fraction * pairwise_hessian_product(scores, vector=vector, **self._pairs)

    def of_rows(self, rows, weight):
        """Return the same risk of some rows, with other weights."""
        return PairwiseRisk(self.proba[rows], weight, self.surrogate)


class SmoothHinge:
    """The risk of the hinge, smoothed over a width h, so that it has a Hessian.

    The loss of a margin d is a parabola for 1 − h < d < 1 and falls below the hinge by h / 2 at
    most: (q(1 − d) − q(1 − h − d)) / 2h with q(t) = max(0, t)², two squared hinges.
    """

    def __init__(self, proba, weight, width):
        self.proba, self.weight, self.width = proba, weight, width
        self.is_logistic = False
        self._squared = PairwiseRisk(proba, weight, "squared_hinge")

    def loss_and_gradient(self, scores):
        """Return the risk and its derivative by each score."""
        inner = 1 - self.width
        loss, gradient = self._squared.loss_and_gradient(scores)
        # The mean hinge is about the root of the loss. If the rounding error of the difference
        # below is not small against it, the scores have diverged.
        if not np.finfo(np.float64).eps * loss / self.width <= PRECISION * (1 + np.sqrt(loss)):
            return np.inf, np.full_like(gradient, np.nan)
        inner_loss, inner_gradient = self._squared.loss_and_gradient(scores / inner)
        return (
            (loss - inner**2 * inner_loss) / (2 * self.width),
            (gradient - inner * inner_gradient) / (2 * self.width),
        )

    def hessian_diagonal(self, scores):
        """Return the second derivative by each score."""
        difference = self._squared.hessian_diagonal(scores) - self._squared.hessian_diagonal(
            scores / (1 - self.width)
        )
        return np.maximum(difference, 0) / (2 * self.width)

    def hessian_product(self, scores, vector):
        """Return the product of the Hessian by the scores with a vector."""
        difference = self._squared.hessian_product(scores, vector)
        difference -= self._squared.hessian_product(scores / (1 - self.width), vector)
        return difference / (2 * self.width)

    def of_rows(self, rows, weight):
        """Return the same risk of some rows, with other weights."""
        return SmoothHinge(self.proba[rows], weight, self.width)


def risk_of(soft_labels, surrogate):
    """Return the pairwise risk under soft labels, as a function of the scores."""
    return PairwiseRisk(proba_of_second(soft_labels), soft_labels.weight, surrogate)


def best_intercept(scores, soft_labels):
    """Return the shift of the scores that minimises the log-loss; the pairwise loss ignores shifts.

    The slope at c of Σ w [log(1 + e^{s + c}) − p (s + c)] is Σ w (σ(s + c) − p), which increases.
    """
    assert_all_finite(scores, input_name="scores of the student")
    scores = np.asarray(scores, dtype=np.float64)
    middle = scores.max() / 2 + scores.min() / 2
    centred = scores - middle  # so that large scores do not lose precision
    negative, positive = soft_labels.class_weight_sums

    def slope(c):
        return soft_labels.weight @ expit(centred + c) - positive

    # If all scores were equal, c would be the logit of the positive fraction minus that score.
    logit = np.log(positive) - np.log(negative)
    c = brentq(slope, logit - centred.max() - 1, logit - centred.min() + 1)
    return float(c - middle)


def check_surrogate(surrogate):
    """Raise unless `surrogate` is a known surrogate loss."""
    if not (isinstance(surrogate, str) and surrogate in SURROGATES):
        raise ValueError(
            f"surrogate must be one of {tuple(SURROGATES)}; got surrogate={surrogate!r}."
        )


def check_two_classes(classes):
    """Raise unless there are two classes."""
    refuse_more_than_two(classes)
    if len(classes) < 2:
        raise ValueError(
            f"There is only 1 class to rank: {classes.tolist()}. Give rows of two classes, or "
            "both in classes if y does not have both."
        )


def refuse_more_than_two(classes):
    """Raise if there are more than two classes."""
    if len(classes) > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is multiclass: "
            f"DistilledBipartiteRanker ranks rows of two classes, and y has {len(classes)}, "
            f"{classes.tolist()[:5]}{'...' if len(classes) > 5 else ''}. To rank the labels of "
            f"each row, use DistilledMulticlassRetriever. {remedy_for_marks(classes)}".rstrip()
        )


def check_pairs(soft_labels):
    """Raise unless there are two classes, both with positive weight."""
    classes, weight = soft_labels.classes, soft_labels.class_weight_sums
    if len(classes) != 2:
        raise ValueError(
            f"Ranking by pairs needs two classes; got {classes.tolist()}. To rank more labels, use "
            "skdistill.students.retrieval.fit_retriever."
        )
    if not weight.any():
        soft_labels.check_several_classes()  # raises that every row has weight zero
    if not weight.all():
        nonempty, empty = classes[np.argsort(-weight)].tolist()
        raise ValueError(
            f"No pair of rows carries weight: the targets of the {len(soft_labels)} rows are all "
            f"{nonempty!r}, and none gives {empty!r} any probability. Ranking compares rows of "
            "one class with rows of the other: use a less certain teacher, "
            "or mix with the true labels (alpha < 1)."
        )
