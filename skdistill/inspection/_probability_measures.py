"""What is measured of a teacher's class probabilities; the Brier score ranks."""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.frozen import FrozenEstimator

from .._targets._temperature import best_temperature
from .._teachers._frozen import check_frozen
from .._teachers._predict import MulticlassOutput, check_teacher
from .._teachers._scores import teacher_scores
from .._utils._labels import check_classes, check_labels, class_positions
from .._utils._probabilities import entries
from ..metrics._proba import SMALLEST
from ._advice import advise

# Scores with standard errors, and the heads of their columns.
COLUMNS = {
    "brier": "Brier", "behind": "behind", "log_loss": "log-loss", "ece": "ECE",
    "accuracy": "accuracy", "sharpness": "sharpness", "optimism": "optimism",
}  # fmt: skip


class ProbabilityDetails(NamedTuple):
    """Findings about probabilities that are no scores."""

    temperature: float  # of the lowest out-of-fold log-loss
    n_impossible: int  # tested rows whose true class got probability 0
    impossible_share: float  # of the log-loss that is theirs


@dataclass(frozen=True)
class ProbabilityMeasures:
    """Measures of predicted class probabilities, and how a table shows them."""

    output: MulticlassOutput

    by_class = True  # folds are stratified, and train on each class that they test
    ranked_by = "brier"
    loss = "log_loss"
    columns = COLUMNS

    @classmethod
    def of(cls, y, sample_weight=None):
        """Return the measures for labels, and the checked labels."""
        y = check_labels(y)
        return cls(MulticlassOutput(check_classes(y))), y

    def legend(self, ranked):
        """Return the explanation below a table."""
        return (
            "Best first, by the Brier score; ± is the standard error over folds. ECE: 15 bins of "
            "equal width over the confidence of the predicted label. Sharpness: mean of Σ p². "
            "Optimism: log-loss out of fold minus log-loss on the training rows."
        )

    def check_teacher(self, name, teacher):
        """Raise unless a teacher can predict the probabilities of these classes."""
        check_teacher(teacher)
        if not isinstance(teacher, FrozenEstimator):
            return  # it will be fitted on these labels
        classes = self.output.classes
        known = np.asarray(getattr(teacher, "classes_", classes)).tolist()
        if sorted(class_positions(known, classes)) != list(range(len(classes))):
            raise ValueError(
                f"teachers[{name!r}] is frozen and knows the classes {known}, where y has "
                f"{classes.tolist()}: only teachers of the same classes can be compared. Fit it on "
                "the labels of y, or pass it without FrozenEstimator to have it fitted here."
            )
        check_frozen(teacher, self.output)

    def shaped(self, teacher, y):
        """Return labels in the shape that a teacher is fitted to."""
        return y

    def row_losses(self, soft_labels):
        """Return each row's log-loss, in nats."""
        return -np.log(np.clip(entries(soft_labels.proba, soft_labels.codes), SMALLEST, 1))

    def measure(self, out_of_fold):
        """Return the estimates of all scores of a teacher, and further findings."""
        soft_labels = out_of_fold.targets
        scores = out_of_fold.estimates(_scores_and_sharpness)
        with warnings.catch_warnings():
            # Warnings about optima at the edge are for fits that use the temperature.
            warnings.simplefilter("ignore", UserWarning)
            temperature = best_temperature(soft_labels)
        tempered = out_of_fold._replace(targets=soft_labels.temper(temperature))
        at_best = tempered.estimates(teacher_scores)
        scores["tempered_log_loss"] = at_best["log_loss"]
        scores["tempered_brier"] = at_best["brier"]
        impossible = entries(soft_labels.proba, soft_labels.codes) == 0
        lost = -np.log(SMALLEST) * np.average(impossible, weights=soft_labels.weight)
        share = lost / scores["log_loss"].value if lost else 0.0
        return scores, ProbabilityDetails(temperature, int(impossible.sum()), share)

    def further_figures(self, teacher):
        """Return the figures of a dataframe that have no standard error."""
        return {
            "temperature": teacher.details.temperature,
            "tempered_log_loss": teacher.scores["tempered_log_loss"].value,
            "tempered_brier": teacher.scores["tempered_brier"].value,
        }

    def written(self, estimate):
        """Write a score with its standard error."""
        return str(estimate)

    def advise(self, ranked, soft_labels, duplicate_share):
        """Return recommendations about candidates, sorted best first."""
        frequencies = soft_labels.class_weight_sums / soft_labels.class_weight_sums.sum()
        prior_brier = 1 - float(frequencies @ frequencies)
        return advise(ranked, prior_brier=prior_brier, duplicate_share=duplicate_share)


def _scores_and_sharpness(soft_labels):
    """Return the teacher's scores, and the mean of Σ_y p_y²."""
    sharpness = np.average((soft_labels.proba**2).sum(axis=1), weights=soft_labels.weight)
    return {**teacher_scores(soft_labels), "sharpness": float(sharpness)}
