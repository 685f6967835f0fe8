"""How classifiers are distilled, predict and are scored in a comparison of students."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from sklearn.linear_model import LogisticRegression

from .._cascade._bounds import upper_bound
from .._distilled_classifier import DistilledClassifier
from .._teachers._predict import MulticlassOutput, check_teacher
from .._utils._class_codes import check_codes, takes_codes
from .._utils._labels import encode
from .._utils._typing import NDArray
from ..metrics import smooth_calibration_error
from ._kept_share import CONFIDENCE, kept_share
from ._predictions import Predictions, encode_test_labels, predict
from ._row_scores import RowScores, row_scores, weighted_scores

# The logit of 0 and 1 is infinite.
SMALLEST = 1e-15
# The slope is that of maximum likelihood: with this C the penalty is no longer visible.
NO_PENALTY = 1e10


@dataclass(frozen=True)
class ClassTask:
    """Classification: the classes of all models, and the scores of their probabilities."""

    classes: NDArray  # sorted

    kind = "classifier"
    has_hard_labels = True
    scorings = MappingProxyType(
        {
            "neg_log_loss": "log_loss",
            "neg_brier_score": "brier",
            "accuracy": "accuracy",
            "roc_auc": "auc",
        }
    )
    default_scoring = "neg_log_loss"
    higher_is_better = frozenset({"accuracy", "auc", "agreement", "ks"})
    check_teacher = staticmethod(check_teacher)

    @property
    def is_binary(self):
        """Whether there are two classes."""
        return len(self.classes) == 2

    def check_scoring(self, scoring):
        """Raise if a score is not defined for these classes."""
        if scoring == "roc_auc" and not self.is_binary:
            raise ValueError(
                f"scoring='roc_auc' needs two classes, and y has {len(self.classes)}. Use "
                "scoring=None, the log-loss, 'neg_brier_score' or 'accuracy'."
            )

    def check_student(self, student):
        """Raise if a student does not take these classes as labels."""
        check_codes(student, self.classes)

    def targets(self, y):
        """Return the position of each label among the classes."""
        return encode(y, self.classes)

    def check_test(self, y):
        """Return the position of each true label of test rows, which must be known."""
        return encode_test_labels(y, self.classes)

    def check_evaluated(self, score, y):
        """Raise if the evaluated rows do not allow a score."""
        if score == "auc" and len(np.unique(y)) < 2:
            raise ValueError(
                "scoring='roc_auc' needs test rows of both classes, and y_test has one. Use "
                "scoring=None, the log-loss, or other test rows."
            )

    def distilled(self, teacher, student=None, **params):
        """Return the estimator that distils, unfitted."""
        return DistilledClassifier(teacher, student, **params)

    def predict_teacher(self, teacher, X, y_train):
        """Return a teacher's predictions; one that was fitted on codes returns probabilities."""
        if not takes_codes(teacher):
            return predict(teacher, X, self.classes, name="teacher")
        output = MulticlassOutput(self.classes)
        proba = np.asarray(output.predict_proba(teacher, X, np.unique(y_train)))
        return Predictions(proba.argmax(axis=1), proba, proba[:, 1] if self.is_binary else None)

    def predict(self, model, X, name):
        """Return a student's predictions."""
        predictions = predict(model, X, self.classes, name=name)
        if predictions.proba is None:
            raise TypeError(
                f"{type(model).__name__} has no predict_proba, which the scores need. Wrap it in "
                "CalibratedClassifierCV, or use a student with probabilities."
            )
        return predictions

    def concatenate(self, parts):
        """Return the predictions of several blocks of rows."""
        return Predictions(*(_concatenated(values) for values in zip(*parts, strict=True)))

    def pseudo_labels(self, predictions):
        """Return the most probable label of each row."""
        return self.classes[predictions.codes]

    def rows(self, predictions, y, teacher=None):
        """Return the values whose weighted means are the scores of a model."""
        rows = row_scores(predictions, y, teacher)
        if not self.is_binary:
            return rows
        values = np.column_stack([rows.values, predictions.proba[:, 1], y == 1])
        return RowScores([*rows.names, "mean_prediction", "observed_mean"], values, rows.ranking)

    def scores(self, weights, rows):
        """Return each score under each row of weights."""
        return weighted_scores(weights, rows)

    def calibration(self, predictions, y, weight):
        """Return the measures of calibration and separation, which have no interval."""
        proba = predictions.proba
        error = smooth_calibration_error(
            y, proba, classes=np.arange(len(self.classes)), sample_weight=weight
        )
        found = {"smooth_calibration_error": error}
        if self.is_binary and len(np.unique(y[weight > 0])) == 2:
            found["calibration_slope"] = calibration_slope(proba[:, 1], y, weight)
            found["ks"] = kolmogorov_smirnov(proba[:, 1], y, weight)
        return found

    def disagreement_bound(self, predictions, teacher):
        """Return the largest rate of other labels than the teacher's, at 95 %: Clopper-Pearson."""
        n_other = int((predictions.codes != teacher.codes).sum())
        return float(upper_bound(n_other, len(teacher.codes), CONFIDENCE))

    def kept_share(self, student, X, teacher):
        """Return the share of rows that a student keeps if at most 1 % may differ, at 95 %."""
        return kept_share(student, X, self.classes, teacher.codes)


def _concatenated(values):
    """Return values of several blocks of rows as one array, None where a block has none."""
    return None if any(each is None for each in values) else np.concatenate(values)


def calibration_slope(p, y, weight):
    """Return the slope of the logistic regression of the labels on the logit of predictions.

    1 for calibrated predictions; below 1 they are too extreme, above 1 too cautious.
    """
    clipped = np.clip(p, SMALLEST, 1 - SMALLEST)
    logit = np.log(clipped) - np.log1p(-clipped)
    if np.ptp(logit[weight > 0]) == 0:
        return float("nan")
    spread = logit.std()
    model = LogisticRegression(C=NO_PENALTY, max_iter=1000)
    model.fit(logit[:, None] / spread, y, sample_weight=weight)
    return float(model.coef_[0, 0] / spread)


def kolmogorov_smirnov(p, y, weight):
    """Return the largest difference between the distributions of predictions of both classes."""
    order = np.argsort(p, kind="stable")
    p, y, weight = p[order], y[order], weight[order]
    last_of_ties = np.append(np.diff(p) > 0, True)
    below = [np.cumsum(weight * (y == code)) for code in (0, 1)]
    shares = [each / each[-1] for each in below]
    return float(np.abs(shares[0] - shares[1])[last_of_ties].max())
