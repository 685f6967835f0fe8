"""The choice of the mixing weight alpha from the data, for `alpha="auto"`.

No fixed alpha is safe: a teacher's errors contradict correct labels, and its good predictions
correct noisy ones. Held-out rows, unseen by the students and by their teachers, show which effect
is larger. One student is fitted to the labels and one to the teacher's probabilities. The weight
at which the mixture of their predictions has the smallest loss is the alpha of a third student. An
alpha must improve on alpha = 0 by more than one standard error, or 0 is chosen.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.dummy import DummyClassifier
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed

from .._utils._methods import may_have_method
from .._utils._probabilities import entries
from .._utils._rows import rows_of
from .._utils._typing import Floats
from .._utils._warnings import warn
from ..metrics._proba import SMALLEST
from ..objectives import pairwise_loss
from ..students import fit_soft_labels
from ..students._class_factors import class_factors
from ..students._predictions import predicts_numbers, student_proba, student_scores
from ..students.ranking import fit_ranker

# Weights this close to 0 or 1 count as 0 or 1: the third student would differ too little.
MARGIN = 0.02
GRID = np.linspace(0, 1, 21)


class AlphaCurve(NamedTuple):
    """Losses of the true labels of held-out rows, from which `alpha="auto"` chooses.

    Attributes
    ----------
    alpha : ndarray of shape (21,)
        Weight of the student fitted to the teacher in the mixture with the one fitted to labels.

    loss : ndarray of shape (21,)
        Loss of the mixed predictions. Rows are weighted by `sample_weight` and by the student's
        `class_weight`.

    losses : dict of {float: float}
        Loss of a student fitted with each alpha: 0, 1 and, if it lies between, the weight
        of the best mixture.

    standard_errors : dict of {float: float}
        Standard error of the improvement of each alpha over alpha = 0: for the log-loss over rows,
        or over groups where `groups` were given; for the pairwise loss over folds, which contain
        whole groups. With repeated folds, the improvements of a row are averaged first.
    """

    alpha: Floats
    loss: Floats
    losses: dict[float, float]
    standard_errors: dict[float, float]

    @property
    def best(self) -> float:
        """The alpha of the smallest loss; 0 if it improves by less than one standard error."""
        best = min(self.losses, key=self.losses.__getitem__)
        return best if self.losses[0.0] - self.losses[best] > self.standard_errors[best] else 0.0


def check_predicts_proba(student):
    """Raise unless a student predicts probabilities, which `alpha="auto"` compares."""
    if not (predicts_numbers(student) or may_have_method(student, "predict_proba")):
        raise TypeError(
            f'alpha="auto" compares students by the log-loss of their probabilities; {student!r} '
            "has no predict_proba. Set alpha to a number, search over it, or use another student."
        )


def alpha_by_log_loss(data, n_jobs):
    """Return the losses of each alpha: log-losses of the true labels of held-out rows."""
    rows = np.concatenate([fold.test for fold in data.folds])
    weight = _weights_in_the_loss(data)[rows]
    unit = rows if data.groups is None else data.groups[rows]

    def predict(student, X, true):
        return entries(student_proba(student, X, true.classes), true.codes)

    def unit_losses(predictions):
        return -np.log(np.maximum(np.concatenate(predictions), SMALLEST)), weight

    def error_of_mean(gains):
        return standard_error(gains, weight, unit=unit)

    return _alpha_curve(_fit_classifier, predict, unit_losses, error_of_mean, data, n_jobs)


def _weights_in_the_loss(data):
    """Return the weight of each labelled row, times the student's weight of its class.

    A student with class weights estimates probabilities under other class frequencies.
    """
    labels = data.soft_labels.take(np.flatnonzero(data.soft_labels.codes >= 0)).mix_with_labels(0.0)
    return labels.weight * class_factors(data.student, labels)[labels.codes]


def alpha_by_pairs(data, surrogate, n_jobs):
    """Return the losses of each alpha: pairwise losses of the true labels of held-out rows."""
    held_out = [data.soft_labels.take(fold.test) for fold in data.folds]
    # How often each row is held out: repeated folds are not independent of each other.
    repeats = sum(map(len, held_out)) / np.count_nonzero(data.soft_labels.codes >= 0)

    def fit(student, X, soft_labels, **fit_params):
        soft_labels.check_several_classes()
        return fit_ranker(student, X, soft_labels, surrogate, **fit_params)

    def predict(student, X, true):
        return student_scores(student, X)

    def unit_losses(predictions):
        of_folds = [
            pairwise_loss(
                scores, true.codes.astype(float), surrogate=surrogate, sample_weight=true.weight
            )[0]
            for scores, true in zip(predictions, held_out, strict=True)
            if len(np.unique(true.codes)) > 1  # one class alone has no pairs
        ]
        return np.array(of_folds), np.ones(len(of_folds))

    def error_of_mean(gains):
        return np.sqrt(repeats) * standard_error(gains, np.ones(len(gains)))

    return _alpha_curve(fit, predict, unit_losses, error_of_mean, data, n_jobs)


def _fit_classifier(student, X, soft_labels, **fit_params):
    """Fit a student, or a constant where a teacher fitted on few rows predicts one class only."""
    labels = soft_labels.argmax_labels()
    if soft_labels.is_one_hot and len(np.unique(labels)) == 1:
        return DummyClassifier().fit(X, labels)
    return fit_soft_labels(student, X, soft_labels, **fit_params)


def _alpha_curve(fit, predict, unit_losses, error_of_mean, data, n_jobs):
    """Return the losses of students fitted to the labels, to the teacher, and to the best mixture.

    `unit_losses` returns the losses of predictions, one per row or fold, and the weights of these;
    `error_of_mean` the standard error of the mean of differences between such losses.
    """
    shared = data._replace(folds=None)  # each task gets its own fold only

    def predict_held_out(alpha):
        return Parallel(n_jobs=n_jobs)(
            delayed(_predict_fold)(fit, predict, shared, fold, alpha) for fold in data.folds
        )

    def mean_loss(predictions):
        values, weights = unit_losses(predictions)
        return float(np.average(values, weights=weights))

    by_labels, by_teacher = predict_held_out(0.0), predict_held_out(1.0)

    def mixture_loss(alpha):  # convex, since the losses are and predictions are linear in alpha
        pairs = zip(by_labels, by_teacher, strict=True)
        return mean_loss([(1 - alpha) * label + alpha * teacher for label, teacher in pairs])

    weight = float(minimize_scalar(mixture_loss, bounds=(0, 1), method="bounded").x)
    predictions = {0.0: by_labels, 1.0: by_teacher}
    if MARGIN < weight < 1 - MARGIN:
        predictions[weight] = predict_held_out(weight)
    baseline, _ = unit_losses(by_labels)
    curve = AlphaCurve(
        alpha=GRID.copy(),
        loss=np.array([mixture_loss(alpha) for alpha in GRID]),
        losses={alpha: mean_loss(each) for alpha, each in predictions.items()},
        standard_errors={
            alpha: error_of_mean(unit_losses(each)[0] - baseline)
            for alpha, each in predictions.items()
        },
    )
    if curve.best == 0:
        warn(
            'alpha="auto" chose 0: on held-out rows the loss of a student fitted to the labels is '
            f"{curve.losses[0.0]:.4g}, of one fitted to the teacher {curve.losses[1.0]:.4g}; a "
            "mixture improves by less than one standard error. Do not distil this teacher into "
            "this student: use or calibrate another teacher, or train on the labels."
        )
    return curve


def standard_error(values, weights, unit=None):
    """Return the standard error of a weighted mean.

    `unit` has the unit of each value, by default a separate one: the values of one unit are
    averaged first, since only units are independent of each other.
    """
    if unit is not None:
        _, position = np.unique(unit, return_inverse=True)
        sums = np.bincount(position, weights=weights * values)
        weights = np.bincount(position, weights=weights)
        values = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 0)
    values, weights = values[weights > 0], weights[weights > 0]
    if len(values) < 2:
        return np.inf  # not defined for one value
    deviations = values - np.average(values, weights=weights)
    shares = weights / weights.sum()
    return float(np.sqrt(np.sum((shares * deviations) ** 2) * len(values) / (len(values) - 1)))


def _predict_fold(fit, predict, data, fold, alpha):
    """Fit a student with some alpha, and return its predictions for the rows that a fold tests."""
    soft_labels = data.soft_labels
    n_labelled = np.count_nonzero(soft_labels.codes >= 0)
    unlabeled = np.arange(n_labelled, len(soft_labels)) if alpha > 0 else []
    rows = np.concatenate([fold.train, unlabeled]).astype(int)
    if alpha > 0 and fold.soft_labels is not None:
        targets = fold.soft_labels.mix_with_labels(alpha)
    else:
        targets = soft_labels.take(rows).mix_with_labels(alpha)
    if alpha == 0:
        targets.check_several_classes()
    params = rows_of(data.student_params, rows, len(soft_labels))
    student = fit(data.student, _safe_indexing(data.X, rows), targets, **params)
    return predict(student, _safe_indexing(data.X, fold.test), soft_labels.take(fold.test))
