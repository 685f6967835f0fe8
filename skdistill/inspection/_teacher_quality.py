"""Quality of a candidate's predictions for rows that it has not seen, whatever is predicted."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing

from .._teachers._cross_fitting import predict_folds
from .._teachers._folds import named_folds
from .._teachers._sample_weight import fit_teacher
from .._utils._rows import copied, rows_of
from .._utils._typing import Estimator
from ._jackknife import jackknife_over_folds


class TeacherQuality(NamedTuple):
    """All measurements of one candidate."""

    name: str
    scores: dict  # of Estimates, by the name of the measure
    details: Any  # further findings of the measures
    n_tested: int
    fit_seconds: float  # per thousand training rows
    predict_seconds: float  # per thousand tested rows
    is_frozen: bool


class OutOfFold(NamedTuple):
    """Predictions of all folds together, and the fold of each."""

    targets: Any  # SoftLabels or RegressionTargets: the truth, predictions and weights
    fold_of: np.ndarray
    n_folds: int

    def estimates(self, measure):
        """Return the estimate of each number that `measure` gives for targets."""
        return self.estimates_of_rows(lambda rows: measure(self.targets.take(rows)))

    def estimates_of_rows(self, measure):
        """Return the estimate of each number that `measure` gives for a mask of the rows."""
        return jackknife_over_folds(measure, self.fold_of, self.n_folds)


class _FoldPredictions(NamedTuple):
    """Predictions and times of one fold's teacher; the teacher is discarded."""

    predicted: np.ndarray  # (n_tested, n_columns)
    in_sample_losses: np.ndarray  # (n_train,)
    fit_seconds: float
    predict_seconds: float


@dataclass(frozen=True)
class MeasuredTeacher:
    """Fits clones of a teacher on folds, and measures times and in-sample losses."""

    teacher: Estimator
    measures: Any  # ProbabilityMeasures or NumberMeasures
    fit_params: dict

    def cached(self, fold):
        """Return None: times are not cached."""

    def fit_and_predict(self, fold, X, y, X_unlabeled):
        """Fit on the training rows of a fold; predict the test rows, then the training rows."""
        output = self.measures.output
        X_train, X_test = _safe_indexing(X, fold.train), _safe_indexing(X, fold.test)
        fit_rows = copied(X_train)  # a teacher may change its rows in place
        y_train, fit_params = y[fold.train], rows_of(self.fit_params, fold.train, len(y))
        seen = np.unique(y_train)
        start = time.perf_counter()
        teacher = fit_teacher(clone(self.teacher), fit_rows, y_train, fit_params)
        fitted = time.perf_counter()
        tested = output.predict_proba(teacher, X_test, seen)
        predicted = time.perf_counter()
        in_sample = output.targets(y_train).replace_proba(
            output.predict_proba(teacher, X_train, seen)
        )
        losses = self.measures.row_losses(in_sample)
        return _FoldPredictions(tested, losses, fitted - start, predicted - fitted)


def measure_teacher(name, measured, rows, folds, weight, n_jobs):
    """Fit clones of a teacher on the folds and return their quality."""
    predictions = predict_folds([measured] * len(folds), named_folds(folds), rows, n_jobs=n_jobs)
    measures = measured.measures
    tested = np.concatenate([test for _, test in folds])
    targets = measures.output.targets(rows.y[tested], weight[tested]).replace_proba(
        np.vstack([prediction.predicted for prediction in predictions])
    )
    fold_of = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])
    out_of_fold = OutOfFold(targets, fold_of, len(folds))
    scores, details = measures.measure(out_of_fold)
    in_sample, n_seen = _mean_in_sample_losses(predictions, folds, len(rows.y))
    was_seen = n_seen[tested] > 0
    optimism = _optimism(measures, out_of_fold, in_sample[tested], was_seen)
    seconds = [(each.fit_seconds, each.predict_seconds) for each in predictions]
    fit_seconds, predict_seconds = 1000 * np.sum(seconds, axis=0)
    return TeacherQuality(
        name=name,
        scores=scores | optimism,
        details=details,
        n_tested=len(tested),
        fit_seconds=float(fit_seconds / n_seen.sum()),
        predict_seconds=float(predict_seconds / len(tested)),
        is_frozen=isinstance(measured.teacher, FrozenEstimator),
    )


def _mean_in_sample_losses(predictions, folds, n_rows):
    """Return each row's mean loss by teachers that were fitted on it, and how many these are."""
    seen = np.concatenate([train for train, _ in folds])
    n_seen = np.bincount(seen, minlength=n_rows)
    losses = np.concatenate([prediction.in_sample_losses for prediction in predictions])
    return np.bincount(seen, weights=losses, minlength=n_rows) / np.maximum(n_seen, 1), n_seen


def _optimism(measures, out_of_fold, in_sample, was_seen):
    """Return Estimates of the in-sample loss, and of the out-of-fold one minus it.

    Both use the same rows, predicted by teachers that have seen them and by teachers that have
    not, so that the difference is paired. Rows that are never trained on are left out.
    """
    in_sample_loss = f"in_sample_{measures.loss}"
    weight = out_of_fold.targets.weight * was_seen
    losses = measures.row_losses(out_of_fold.targets)

    def measure(rows):
        if not weight[rows].any():
            return {in_sample_loss: np.nan, "optimism": np.nan}
        inside = np.average(in_sample[rows], weights=weight[rows])
        outside = np.average(losses[rows], weights=weight[rows])
        return {in_sample_loss: float(inside), "optimism": float(outside - inside)}

    return out_of_fold.estimates_of_rows(measure)
