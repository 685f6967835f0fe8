"""The choice of the weights of teacher and unlabelled rows from the data, for "auto".

No fixed weight is safe: a teacher's errors contradict correct labels, and its good predictions
correct noisy ones. Held-out rows, unseen by the students and by their teachers, show which effect
is larger. Students are fitted with a few candidates, and the one with the smallest loss of the
true labels of held-out rows is chosen: first `alpha`, from students fitted to the labels, to the
teacher's probabilities, and to the mixture of both at which their mixed predictions have the
smallest loss; then `unlabeled_weight`, with that alpha and with alpha = 0; then hard pseudo-labels
in place of the teacher's probabilities of unlabelled rows. Trees and forests are compared with
several strengths of shrinkage of their leaves, which need no further fits.

With many unlabelled rows, alpha is 0 or 1 (LABELS_OR_TEACHER). There, the teacher of a training row
has seen the labels of the other folds, held-out ones too. So the teacher alone is compared by
students of the unlabelled rows alone: the final student has its predictions of the labelled rows
besides.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.dummy import DummyClassifier
from sklearn.utils import _safe_indexing
from sklearn.utils.parallel import Parallel, delayed

from .._utils._methods import may_have_method
from .._utils._probabilities import entries
from .._utils._repr import short_repr
from .._utils._rows import mean_row_weight, rows_of
from .._utils._typing import Floats
from .._utils._warnings import warn
from ..metrics._proba import SMALLEST
from ..objectives import pairwise_loss
from ..students import fit_soft_labels
from ..students._class_factors import class_factors
from ..students._predictions import predicts_numbers, student_proba, student_scores
from ..students.leaf_shrinkage import has_leaves, shrink_leaves
from ..students.ranking import fit_ranker
from ._training_data import (
    LABELS_ALONE,
    LABELS_OR_TEACHER,
    Weights,
    student_targets,
    targets_without_leak,
)

# Weights this close to 0 or 1 count as 0 or 1: the third student would differ too little.
MARGIN = 0.02
GRID = np.linspace(0, 1, 21)
# Candidates for the weight of an unlabelled row, beside 0.
UNLABELED_WEIGHTS = (1.0, 0.2)
# By how many standard errors a candidate that needs a margin must be better than the others.
MARGIN_OVER_OTHERS = 0.5
# Candidates for the strength of shrinkage, in rows, beside 0.
LEAF_SHRINKAGES = (1.0, 10.0, 100.0)


class Candidate(NamedTuple):
    """Held-out loss of students that are fitted with one choice of weights.

    Attributes
    ----------
    alpha : float
        Weight of the teacher in the targets of labelled rows.

    unlabeled_weight : float
        Weight of an unlabelled row; 0 without such rows.

    pseudo_labels : bool
        Whether unlabelled rows have the teacher's most probable class alone.

    leaf_shrinkage : float
        Strength of the shrinkage of the leaves of a tree or forest; 0 for other students.

    loss : float
        Loss of the true labels of held-out rows.

    standard_error : float
        Standard error of the improvement over the first candidate; 0 for the first itself.
    """

    alpha: float
    unlabeled_weight: float
    pseudo_labels: bool
    leaf_shrinkage: float
    loss: float
    standard_error: float

    @property
    def weights(self) -> Weights:
        """The weights that the students were fitted with."""
        return Weights(self.alpha, self.unlabeled_weight, self.pseudo_labels)


class AlphaCurve(NamedTuple):
    """Losses of the true labels of held-out rows, from which "auto" chooses.

    Attributes
    ----------
    alpha : ndarray of shape (21,) or (0,)
        Weight of the student fitted to the teacher in the mixture with the one fitted to labels;
        empty if `alpha` was given.

    loss : ndarray of shape (21,) or (0,)
        Loss of the mixed predictions. Rows are weighted by `sample_weight` and by the student's
        `class_weight`.

    candidates : list of Candidate
        Students that were fitted and compared. The first is fitted to the labels alone, or with
        the given `alpha`.

    nested : bool
        Whether no teacher has seen the held-out labels of the fold that it is compared on. Given
        probabilities, those of a frozen teacher, and those of labelled rows with a given `alpha`
        are not nested.

    best : Candidate
        The one that was chosen: that of the smallest loss, or the first one if no improvement on it
        is significant. It must exceed one standard error with unlabelled rows, 1.5 without.
        Pseudo-labels must also improve on the probabilities by half a standard error, and the
        teacher alone (alpha = 1), where labelled rows otherwise keep their labels, on those of the
        others that are significant.
    """

    alpha: Floats
    loss: Floats
    candidates: list[Candidate]
    nested: bool
    best: Candidate


class HeldOut(NamedTuple):
    """How students are fitted and compared on held-out rows, by one loss."""

    fit: object  # (student, X, soft_labels, **fit_params) -> student
    predict: object  # (student, X, true) -> predictions, an array
    unit_losses: object  # predictions of all folds -> losses, their weights
    error_of_mean: object  # differences of losses -> standard error of their mean
    shrinkages: tuple = (0.0,)

    def shrinkages_with(self, weights):
        """Return the strengths to compare.

        Pseudo-labels leave many leaves with probabilities of 0, whose cost a few held-out rows do
        not show: such leaves are shrunk in any case.
        """
        return self.shrinkages[1:] or self.shrinkages if weights.pseudo_labels else self.shrinkages


def check_predicts_proba(student):
    """Raise unless a student predicts probabilities, which "auto" compares."""
    if not (predicts_numbers(student) or may_have_method(student, "predict_proba")):
        raise TypeError(
            f'alpha="auto" compares students by the log-loss of their probabilities; {student!r} '
            "has no predict_proba. Set alpha to a number, search over it, or use another student."
        )


def select_by_log_loss(data, weights, n_jobs):
    """Return the losses of the candidates: log-losses of the true labels of held-out rows."""
    rows = np.concatenate([fold.test for fold in data.folds])
    weight = _weights_in_the_loss(data)[rows]
    unit = rows if data.groups is None else data.groups[rows]

    def predict(student, X, true):
        return entries(student_proba(student, X, true.classes), true.codes)

    def unit_losses(predictions):
        return -np.log(np.maximum(np.concatenate(predictions), SMALLEST)), weight

    def error_of_mean(gains):
        return standard_error(gains, weight, unit=unit)

    shrinkages = (0.0, *LEAF_SHRINKAGES) if has_leaves(data.student) else (0.0,)
    held_out = HeldOut(_fit_classifier, predict, unit_losses, error_of_mean, shrinkages)
    return select(Comparison(held_out, data, n_jobs), weights)


def _weights_in_the_loss(data):
    """Return the weight of each labelled row, times the student's weight of its class.

    A student with class weights estimates probabilities under other class frequencies.
    """
    labels = data.soft_labels.take(np.flatnonzero(data.soft_labels.codes >= 0)).mix_with_labels(0.0)
    return labels.weight * class_factors(data.student, labels)[labels.codes]


def select_by_pairs(data, weights, surrogate, n_jobs):
    """Return the losses of the candidates: pairwise losses of the true labels of held-out rows."""
    true_labels = [data.soft_labels.take(fold.test) for fold in data.folds]
    # How often each row is held out: repeated folds are not independent of each other.
    repeats = sum(map(len, true_labels)) / np.count_nonzero(data.soft_labels.codes >= 0)

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
            for scores, true in zip(predictions, true_labels, strict=True)
            if len(np.unique(true.codes)) > 1  # one class alone has no pairs
        ]
        return np.array(of_folds), np.ones(len(of_folds))

    def error_of_mean(gains):
        return np.sqrt(repeats) * standard_error(gains, np.ones(len(gains)))

    held_out = HeldOut(fit, predict, unit_losses, error_of_mean)
    return select(Comparison(held_out, data, n_jobs), weights)


def _fit_classifier(student, X, soft_labels, **fit_params):
    """Fit a student, or a constant where a teacher fitted on few rows predicts one class only."""
    labels = soft_labels.argmax_labels()
    if soft_labels.is_one_hot and len(np.unique(labels)) == 1:
        return DummyClassifier().fit(X, labels)
    return fit_soft_labels(student, X, soft_labels, **fit_params)


def select(comparison, weights):
    """Return the losses of the candidates, for weights as given."""
    data = comparison.data
    if weights.alpha == LABELS_OR_TEACHER:
        comparison.keeps_labels, weights = True, weights._replace(alpha=0.0)
    weight = 0.0 if weights.unlabeled_weight == "auto" else weights.unlabeled_weight
    losses = np.empty(0)
    if weights.alpha == "auto":
        losses = comparison.add_alphas(weight)
    else:
        comparison.add(Weights(weights.alpha, weight))
    if weights.unlabeled_weight == "auto" and not data.soft_labels.is_labelled.all():
        comparison.add_unlabeled_weights(weights)
    nested = data.folds[0].soft_labels is not None and weights.alpha in ("auto", 0)
    best = comparison.choose()
    curve = AlphaCurve(GRID[: len(losses)].copy(), losses, comparison.candidates, nested, best)
    if curve.best.weights == LABELS_ALONE:
        name = "alpha" if weights.alpha == "auto" else "unlabeled_weight"
        _warn_of_labels_alone(curve, name, data.student)
    return curve


class Comparison:
    """Students that are compared on held-out rows; the first is fitted to the labels.

    An improvement on it must exceed one standard error with unlabelled rows, `alpha_margin`
    standard errors without: students of folds have fewer rows than the final one, which gains less
    from the teacher's probabilities of its own rows; that of more rows remains.
    """

    alpha_margin = 1.5
    # Whether labelled rows keep their labels, unless the teacher alone is clearly better.
    keeps_labels = False

    def __init__(self, held_out, data, n_jobs):
        self.held_out, self.data, self.n_jobs = held_out, data, n_jobs
        self.candidates, self.unit_losses = [], []

    @property
    def best(self):
        """The candidate of the smallest loss."""
        return min(self.candidates, key=lambda candidate: candidate.loss)

    def add(self, *several):
        """Compare students with each of these weights, all of them as one pool of tasks.

        Returns the best predictions for each fold, one list for each weights.
        """
        shared = self.data._replace(folds=None)  # each task gets its own fold only
        folds = self.data.folds
        predictions = Parallel(n_jobs=self.n_jobs)(
            delayed(_predict_fold)(self.held_out, shared, fold, weights)
            for weights in several
            for fold in folds
        )
        return [
            self._add(weights, predictions[number * len(folds) :][: len(folds)])
            for number, weights in enumerate(several)
        ]

    def _add(self, weights, of_folds):
        """Add the candidate of these weights, from its predictions for each fold."""
        of_shrinkages = list(zip(*of_folds, strict=True))
        losses = [self.mean_loss(predictions) for predictions in of_shrinkages]
        best = int(np.argmin(losses))
        unit_losses, _ = self.held_out.unit_losses(of_shrinkages[best])
        self.unit_losses.append(unit_losses)
        shrinkage = self.held_out.shrinkages_with(weights)[best]
        error = self.error_of_gain(-1, 0)
        self.candidates.append(Candidate(*weights, shrinkage, losses[best], error))
        return of_shrinkages[best]

    def error_of_gain(self, candidate, other):
        """Return the standard error of the improvement over another candidate, by positions."""
        gains = self.unit_losses[candidate] - self.unit_losses[other]
        return self.held_out.error_of_mean(gains)

    def mean_loss(self, predictions):
        """Return the weighted mean of the losses of predictions for each fold."""
        values, weights = self.held_out.unit_losses(predictions)
        return float(np.average(values, weights=weights))

    def add_alphas(self, unlabeled_weight):
        """Compare students of the labels, of the teacher and of their best mixture."""
        of_both = self.add(*(Weights(alpha, unlabeled_weight) for alpha in (0.0, 1.0)))
        weight = self.best_mixture(*of_both)
        if MARGIN < weight < 1 - MARGIN:
            self.add(Weights(weight, unlabeled_weight))
        return np.array([self.mixture_loss(alpha, *of_both) for alpha in GRID])

    def mixture_loss(self, alpha, by_labels, by_teacher):
        """Return the mean loss of mixed predictions: convex in alpha, since the loss is."""
        pairs = zip(by_labels, by_teacher, strict=True)
        return self.mean_loss([(1 - alpha) * one + alpha * other for one, other in pairs])

    def best_mixture(self, by_labels, by_teacher):
        """Return the weight in [0, 1] of the teacher's student in the best mixture."""
        found = minimize_scalar(
            self.mixture_loss, bounds=(0, 1), args=(by_labels, by_teacher), method="bounded"
        )
        return float(found.x)

    def add_unlabeled_weights(self, given):
        """Compare weights of unlabelled rows, and pseudo-labels where such rows are used.

        Where labelled rows keep their labels, the teacher alone is compared, too.
        """
        alphas = {self.best.alpha} | ({0.0} if given.alpha == "auto" else set())
        teacher_alone = [Weights(1.0, UNLABELED_WEIGHTS[0])] if self.keeps_labels else []
        self.add(
            *(Weights(alpha, weight) for alpha in sorted(alphas) for weight in UNLABELED_WEIGHTS),
            *teacher_alone,
        )
        best = self.best.weights
        if given.pseudo_labels == "auto" and best.unlabeled_weight > 0:
            alpha = 0.0 if self.keeps_labels else best.alpha
            self.add(Weights(alpha, UNLABELED_WEIGHTS[0], pseudo_labels=True))

    def is_significant(self, candidate):
        """Return whether a candidate is better than the first one beyond the noise."""
        first = self.candidates[0]
        more_rows = candidate.unlabeled_weight > first.unlabeled_weight
        margin = (1 if more_rows else self.alpha_margin) * candidate.standard_error
        return first.loss - candidate.loss > margin

    def has_margin(self, candidate, others):
        """Return whether a candidate is better than the best of others by the margin."""
        rival = min(others, key=lambda other: other.loss)
        error = self.error_of_gain(*map(self.candidates.index, (candidate, rival)))
        return rival.loss - candidate.loss > MARGIN_OVER_OTHERS * error

    def choose(self):
        """Return the chosen candidate.

        Pseudo-labels need a margin over all candidates before them; where labelled rows keep their
        labels, the teacher alone needs one over those that are significant, too.
        """
        eligible = [
            each
            for number, each in enumerate(self.candidates)
            if self.is_significant(each)
            and (not each.pseudo_labels or self.has_margin(each, self.candidates[:number]))
        ]
        best = min(eligible, key=lambda candidate: candidate.loss, default=self.candidates[0])
        of_labels = [each for each in eligible if each.alpha == 0]
        needs_margin = self.keeps_labels and best.alpha > 0 and of_labels
        if needs_margin and not self.has_margin(best, of_labels):
            return min(of_labels, key=lambda candidate: candidate.loss)
        return best


def _warn_of_labels_alone(curve, name, student):
    """Warn that neither the teacher nor unlabelled rows improve a student fitted to the labels."""
    others = [each.loss for each in curve.candidates if each.weights != LABELS_ALONE]
    has_unlabeled = any(each.unlabeled_weight for each in curve.candidates)
    unused, more = (", without the unlabelled rows,", "more ") if has_unlabeled else ("", "")
    warn(
        f'{name}="auto" chose 0: on held-out rows the loss of the student {short_repr(student)} '
        "fitted to the labels is "
        f"{curve.best.loss:.4g}, of the best one that uses the teacher {min(others):.4g}, and no "
        f"improvement is significant. The student is fitted to the labels alone{unused} and may be "
        f"used as it is. Do not distil this teacher into this student: give {more}unlabelled rows, "
        "use or calibrate another teacher, or use another student."
    )


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


def _predict_fold(held_out, data, fold, weights):
    """Return predictions for the rows that a fold tests, one array for each shrinkage."""
    rows, soft_labels = _fold_targets(data, fold)
    fitted_to = targets_without_leak if fold.leaks else student_targets
    used, targets = fitted_to(soft_labels, weights)
    rows = rows[used]
    if weights == LABELS_ALONE:
        targets.check_several_classes()
    params = rows_of(data.student_params, rows, len(data.soft_labels))
    student = held_out.fit(data.student, _safe_indexing(data.X, rows), targets, **params)
    X_test, true = _safe_indexing(data.X, fold.test), data.soft_labels.take(fold.test)
    row_weight = mean_row_weight(soft_labels.weight[soft_labels.is_labelled])
    predictions = []
    for strength in held_out.shrinkages_with(weights):
        shrunk = student
        if strength and has_leaves(student):  # a constant stands in where all targets are alike
            shrunk = shrink_leaves(student, strength, row_weight=row_weight)
        predictions.append(held_out.predict(shrunk, X_test, true))
    return predictions


def _fold_targets(data, fold):
    """Return the training rows of a fold, unlabelled ones at the end, and their soft labels."""
    unlabeled = np.flatnonzero(~data.soft_labels.is_labelled)
    rows = np.concatenate([fold.train, unlabeled])
    if fold.soft_labels is not None:
        return rows, fold.soft_labels
    return rows, data.soft_labels.take(rows)
