"""How far to trust a teacher, chosen from the data: what `alpha="auto"` does.

No fixed alpha is safe: a teacher that errs contradicts labels that were right, and repairs labels
that are noise. Which of the two it does shows on rows that neither students nor their teachers
have learnt from. Two students are compared there, one of the labels alone and one of the teacher
alone; the weight at which their mixed answers are best is what a third one is tried with. A gain
no larger than its standard error is not believed: where in doubt, the labels are right.
"""

import warnings
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
from ..metrics._proba import SMALLEST
from ..objectives import pairwise_loss
from ..students import fit_soft_labels
from ..students._class_factors import class_factors
from ..students._predictions import predicts_numbers, student_proba, student_scores
from ..students.ranking import fit_ranker

# A weight so near to 0 or to 1 is that; and a teacher so little trusted changes next to nothing.
LITTLE = 0.02
GRID = np.linspace(0, 1, 21)


class AlphaCurve(NamedTuple):
    """What `alpha="auto"` saw on held-out rows: the loss of their true labels.

    Attributes
    ----------
    alpha : ndarray of shape (21,)
        Weight of the student of the teacher in a mixture with the student of the labels.

    loss : ndarray of shape (21,)
        Loss of the mixed answers; a row counts by its weight and, where the student has a
        `class_weight`, by that of its class.

    tried : dict of {float: float}
        Loss of a student fitted with that alpha: 0, 1 and, if it lies between, the weight
        of the best mixture.

    noise : dict of {float: float}
        Standard error of what each alpha that was tried gains over alpha 0: for the log-loss
        over rows, or over groups where `groups` were given; for the pairwise loss over folds,
        which hold whole groups. With repeated folds a row counts once, by the mean of its gains,
        and as many folds count as hold out every row once.
    """

    alpha: Floats
    loss: Floats
    tried: dict[float, float]
    noise: dict[float, float]

    @property
    def best(self) -> float:
        """The alpha that is chosen: of the smallest loss, 0 if it gains no more than noise."""
        best = min(self.tried, key=self.tried.__getitem__)
        return best if self.tried[0.0] - self.tried[best] > self.noise[best] else 0.0


def check_predicts_proba(student):
    """Raise unless a student predicts what `alpha="auto"` compares."""
    if not (predicts_numbers(student) or may_have_method(student, "predict_proba")):
        raise TypeError(
            f'alpha="auto" compares students by the log-loss of their probabilities; {student!r} '
            "has no predict_proba. Set alpha by hand, search over it, or take a student that has."
        )


def alpha_by_log_loss(lesson, n_jobs):
    """Choose the trust by the log-loss of the true labels of held-out rows."""
    rows = np.concatenate([fold.test for fold in lesson.folds])
    weight = _weights_in_the_loss(lesson)[rows]
    unit = rows if lesson.groups is None else lesson.groups[rows]

    def answer(student, X, true):
        return entries(student_proba(student, X, true.classes), true.codes)

    def losses(answers):
        return -np.log(np.maximum(np.concatenate(answers), SMALLEST)), weight

    def noise(gains):
        return standard_error(gains, weight, unit=unit)

    return _choose(_learn_classes, answer, losses, noise, lesson, n_jobs)


def _weights_in_the_loss(lesson):
    """Return the weight of each labelled row: its own, times what its class weighs in the student.

    A student with class weights learns probabilities of other frequencies than those of the rows.
    """
    labels = lesson.soft_labels.take(np.flatnonzero(lesson.soft_labels.codes >= 0)).mix(0.0)
    return labels.weight * class_factors(lesson.student, labels)[labels.codes]


def alpha_by_pairs(lesson, surrogate, n_jobs):
    """Choose the trust by the pairwise loss of the true labels of held-out rows."""
    held_out = [lesson.soft_labels.take(fold.test) for fold in lesson.folds]
    # How often each row is held out: so many folds say no more than one.
    repeats = sum(map(len, held_out)) / np.count_nonzero(lesson.soft_labels.codes >= 0)

    def learn(student, X, soft_labels, **fit_params):
        soft_labels.check_several_classes()
        return fit_ranker(student, X, soft_labels, surrogate, **fit_params)

    def answer(student, X, true):
        return student_scores(student, X)

    def losses(answers):
        of_folds = [
            pairwise_loss(
                scores, true.codes.astype(float), surrogate=surrogate, sample_weight=true.weight
            )[0]
            for scores, true in zip(answers, held_out, strict=True)
            if len(np.unique(true.codes)) > 1  # else there is no pair to be in the wrong order
        ]
        return np.array(of_folds), np.ones(len(of_folds))

    def noise(gains):
        return np.sqrt(repeats) * standard_error(gains, np.ones(len(gains)))

    return _choose(learn, answer, losses, noise, lesson, n_jobs)


def _learn_classes(student, X, soft_labels, **fit_params):
    """Fit a student; to say the same class of all where a teacher of few rows knows no other."""
    choices = soft_labels.first_choice()
    if soft_labels.is_hard and len(np.unique(choices)) == 1:
        return DummyClassifier().fit(X, choices)
    return fit_soft_labels(student, X, soft_labels, **fit_params)


def _choose(learn, answer, losses, noise, lesson, n_jobs):
    """Compare students of the labels, of the teacher and of the best mixture of those two.

    `losses` returns what answers cost, by rows or by folds, and what each of these weighs; `noise`
    the standard error of the mean of what such costs gain.
    """
    shared = lesson._replace(folds=None)  # for each fold its own is enough

    def held_out(alpha):
        return Parallel(n_jobs=n_jobs)(
            delayed(_answer_fold)(learn, answer, shared, fold, alpha) for fold in lesson.folds
        )

    def loss(answers):
        values, weights = losses(answers)
        return float(np.average(values, weights=weights))

    by_labels, by_teacher = held_out(0.0), held_out(1.0)

    def mixed(alpha):  # convex: the losses are, in answers that are linear in alpha
        pairs = zip(by_labels, by_teacher, strict=True)
        return loss([(1 - alpha) * ours + alpha * theirs for ours, theirs in pairs])

    weight = float(minimize_scalar(mixed, bounds=(0, 1), method="bounded").x)
    answers = {0.0: by_labels, 1.0: by_teacher}
    if LITTLE < weight < 1 - LITTLE:
        answers[weight] = held_out(weight)
    of_labels, _ = losses(by_labels)
    curve = AlphaCurve(
        alpha=GRID.copy(),
        loss=np.array([mixed(alpha) for alpha in GRID]),
        tried={alpha: loss(of_alpha) for alpha, of_alpha in answers.items()},
        noise={
            alpha: noise(losses(of_alpha)[0] - of_labels) for alpha, of_alpha in answers.items()
        },
    )
    if curve.best == 0:
        warnings.warn(
            'alpha="auto" chose 0: on held-out rows a student of the labels alone has a loss of '
            f"{curve.tried[0.0]:.4g}, one of the teacher alone {curve.tried[1.0]:.4g}; mixing the "
            "two gains no more than one standard error. This teacher should not be distilled into "
            "this student: take or calibrate another one, or train on the labels.",
            UserWarning,
            stacklevel=5,
        )
    return curve


def standard_error(values, weights, unit=None):
    """Return the standard error of a weighted mean.

    `unit` names what each value is of, itself by default: the values of one unit are averaged
    first, since only units are drawn independently of each other.
    """
    if unit is not None:
        _, place = np.unique(unit, return_inverse=True)
        sums = np.bincount(place, weights=weights * values)
        weights = np.bincount(place, weights=weights)
        values = np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 0)
    values, weights = values[weights > 0], weights[weights > 0]
    if len(values) < 2:
        return np.inf  # one value says nothing of the next
    deviations = values - np.average(values, weights=weights)
    shares = weights / weights.sum()
    return float(np.sqrt(np.sum((shares * deviations) ** 2) * len(values) / (len(values) - 1)))


def _answer_fold(learn, answer, lesson, fold, alpha):
    """Return what a student with some alpha answers for the rows that a fold holds out."""
    everything = lesson.soft_labels
    n_labelled = np.count_nonzero(everything.codes >= 0)
    more = np.arange(n_labelled, len(everything)) if alpha > 0 else []
    rows = np.concatenate([fold.train, more]).astype(int)
    if alpha > 0 and fold.soft_labels is not None:
        learnt = fold.soft_labels.mix(alpha)
    else:
        learnt = everything.take(rows).mix(alpha)
    if alpha == 0:
        learnt.check_several_classes()
    params = rows_of(lesson.student_params, rows, len(everything))
    student = learn(lesson.student, _safe_indexing(lesson.X, rows), learnt, **params)
    return answer(student, _safe_indexing(lesson.X, fold.test), everything.take(fold.test))
