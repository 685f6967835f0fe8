"""The figures of a report on classifiers."""

from dataclasses import dataclass

import numpy as np

from .._utils._typing import NDArray
from ..metrics import expected_calibration_error
from ._intervals import Estimate
from ._kept_share import kept_share
from ._predictions import classes_in_common, encode_test_labels, predict
from ._row_scores import row_scores, weighted_scores

N_BINS = 15


@dataclass(frozen=True)
class ClassFigures:
    """Predictions of classifiers with the same classes, and their scores."""

    classes: NDArray  # sorted

    rows = staticmethod(row_scores)
    scores = staticmethod(weighted_scores)
    note = ""

    @classmethod
    def of(cls, models, y, weight):
        """Return the figures of these models, and the position of each label among the classes."""
        classes = classes_in_common(models)
        return cls(classes), encode_test_labels(y, classes)

    def predict(self, model, X, name):
        """Return a model's predictions."""
        return predict(model, X, self.classes, name=name)

    def are_equal(self, first, second):
        """Return whether two models make the same predictions."""
        if (first.proba is None) != (second.proba is None):
            return False
        if first.proba is None:
            return np.array_equal(first.codes, second.codes)
        return np.array_equal(first.proba, second.proba)

    def further_quality(self, predictions, y_codes, weight):
        """Return the scores without intervals: the ECE of the models with probabilities."""
        errors = {
            name: Estimate(
                expected_calibration_error(
                    self.classes[y_codes], each.proba, classes=self.classes, n_bins=N_BINS,
                    sample_weight=weight,
                )
            )
            for name, each in predictions.items()
            if each.proba is not None
        }  # fmt: skip
        return {"ece": errors} if errors else {}

    def further_fidelity(self, models, predictions, X):
        """Return the share of the rows that each student keeps, where they are enough for it."""
        teacher = predictions["teacher"].codes
        shares = {
            name: Estimate(kept_share(models[name], X, self.classes, teacher))
            for name in ("student", "distilled")
        }
        shares = {name: share for name, share in shares.items() if not np.isnan(share.value)}
        return {"kept_at_1_percent": shares} if shares else {}

    def observed_mean(self, y_codes, weight):
        """Return None: labels have no mean."""

    def missing(self, predictions, y_codes):
        """Return a sentence for each score that is not available, with the reason."""
        sentences = []
        is_binary = len(self.classes) == 2
        for name, each in predictions.items():
            if each.proba is None:
                kl = "KL to it" if name == "teacher" else "KL to the teacher"
                sentences.append(
                    f"The {name} has no predict_proba: no log-loss, Brier, ECE or {kl}."
                )
                if is_binary and each.score is None:
                    sentences.append(f"The {name} has no decision_function either: no AUC.")
        if is_binary and len(np.unique(y_codes)) < 2:
            sentences.append("All test rows have the same label: no AUC.")
        return sentences
