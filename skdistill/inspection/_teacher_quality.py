"""Quality of a candidate's probabilities on rows that it has not seen."""

import time
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import _safe_indexing

from .._targets._soft_labels import SoftLabels
from .._targets._temperature import best_temperature
from .._teachers._cross_fitting import predict_folds
from .._teachers._folds import named_folds
from .._teachers._predict import MulticlassOutput
from .._teachers._sample_weight import fit_teacher
from .._teachers._scores import teacher_scores
from .._utils._probabilities import entries
from .._utils._rows import copied, rows_of
from .._utils._typing import Estimator
from ..metrics._proba import SMALLEST
from ._jackknife import jackknife_over_folds


class TeacherQuality(NamedTuple):
    """All measurements of one candidate."""

    name: str
    scores: dict  # of Estimates, by the name of the measure
    temperature: float  # of the lowest out-of-fold log-loss
    n_impossible: int  # tested rows whose true class got probability 0
    n_tested: int
    impossible_share: float  # of the log-loss that is theirs
    fit_seconds: float  # per thousand training rows
    predict_seconds: float  # per thousand tested rows
    is_frozen: bool


class _FoldPredictions(NamedTuple):
    """Predictions and times of one fold's teacher; the teacher is discarded."""

    proba: np.ndarray  # (n_tested, n_classes)
    in_sample_losses: np.ndarray  # (n_train,)
    fit_seconds: float
    predict_seconds: float


@dataclass(frozen=True)
class MeasuredTeacher:
    """Fits clones of a teacher on folds, and measures times and in-sample losses."""

    teacher: Estimator
    output: MulticlassOutput
    fit_params: dict

    def cached(self, fold):
        """Return None: times are not cached."""

    def fit_and_predict(self, fold, X, y, X_unlabeled):
        """Fit on the training rows of a fold; predict the test rows, then the training rows."""
        X_train, X_test = _safe_indexing(X, fold.train), _safe_indexing(X, fold.test)
        fit_rows = copied(X_train)  # a teacher may change its rows in place
        y_train, fit_params = y[fold.train], rows_of(self.fit_params, fold.train, len(y))
        seen = np.unique(y_train)
        start = time.perf_counter()
        teacher = fit_teacher(clone(self.teacher), fit_rows, y_train, fit_params)
        fitted = time.perf_counter()
        proba = self.output.predict_proba(teacher, X_test, seen)
        predicted = time.perf_counter()
        in_sample = self.output.targets(y_train).replace_proba(
            self.output.predict_proba(teacher, X_train, seen)
        )
        return _FoldPredictions(proba, _row_losses(in_sample), fitted - start, predicted - fitted)


def measure_teacher(name, measured, rows, folds, weight, n_jobs):
    """Fit clones of a teacher on the folds and return their quality."""
    predictions = predict_folds([measured] * len(folds), named_folds(folds), rows, n_jobs=n_jobs)
    y = rows.y
    tested = np.concatenate([test for _, test in folds])
    fold_of = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])
    soft_labels = SoftLabels(
        np.vstack([prediction.proba for prediction in predictions]),
        measured.output.classes,
        y=y[tested],
        sample_weight=weight[tested],
    )
    scores = jackknife_over_folds(
        lambda rows: _scores_and_sharpness(soft_labels.take(rows)), fold_of, len(folds)
    )
    with warnings.catch_warnings():
        # Warnings about optima at the edge are for fits that use the temperature.
        warnings.simplefilter("ignore", UserWarning)
        temperature = best_temperature(soft_labels)
    tempered = soft_labels.temper(temperature)
    at_best = jackknife_over_folds(
        lambda rows: teacher_scores(tempered.take(rows)), fold_of, len(folds)
    )
    scores["tempered_log_loss"] = at_best["log_loss"]
    scores["tempered_brier"] = at_best["brier"]
    scores |= _optimism(soft_labels, tested, fold_of, folds, predictions, len(y))
    impossible = entries(soft_labels.proba, soft_labels.codes) == 0
    lost = -np.log(SMALLEST) * np.average(impossible, weights=soft_labels.weight)
    n_trained = sum(len(train) for train, _ in folds)
    return TeacherQuality(
        name=name,
        scores=scores,
        temperature=temperature,
        n_impossible=int(impossible.sum()),
        n_tested=len(tested),
        impossible_share=lost / scores["log_loss"].value if lost else 0.0,
        fit_seconds=1000 * sum(prediction.fit_seconds for prediction in predictions) / n_trained,
        predict_seconds=1000
        * sum(prediction.predict_seconds for prediction in predictions)
        / len(tested),
        is_frozen=isinstance(measured.teacher, FrozenEstimator),
    )


def _optimism(soft_labels, tested, fold_of, folds, predictions, n_rows):
    """Return Estimates of the in-sample log-loss, and of the out-of-fold one minus it.

    Both use the same rows, predicted by teachers that have seen them and by teachers that have
    not, so that the difference is paired. Rows that are never trained on are left out.
    """
    seen = np.concatenate([train for train, _ in folds])
    n_seen = np.bincount(seen, minlength=n_rows)
    losses = np.concatenate([prediction.in_sample_losses for prediction in predictions])
    in_sample = np.bincount(seen, weights=losses, minlength=n_rows) / np.maximum(n_seen, 1)
    weight = soft_labels.weight * (n_seen[tested] > 0)
    out_of_fold = _row_losses(soft_labels)

    def measure(rows):
        if not weight[rows].any():
            return {"in_sample_log_loss": np.nan, "optimism": np.nan}
        inside = np.average(in_sample[tested[rows]], weights=weight[rows])
        outside = np.average(out_of_fold[rows], weights=weight[rows])
        return {"in_sample_log_loss": float(inside), "optimism": float(outside - inside)}

    return jackknife_over_folds(measure, fold_of, len(folds))


def _row_losses(soft_labels):
    """Return each row's log-loss, in nats."""
    return -np.log(np.clip(entries(soft_labels.proba, soft_labels.codes), SMALLEST, 1))


def _scores_and_sharpness(soft_labels):
    """Return the teacher's scores, and the mean of Σ_y p_y²."""
    sharpness = np.average((soft_labels.proba**2).sum(axis=1), weights=soft_labels.weight)
    return {**teacher_scores(soft_labels), "sharpness": float(sharpness)}
