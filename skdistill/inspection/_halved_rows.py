"""What more rows would bring: the chosen student once more, fitted on half of the rows."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing, check_random_state

from .._utils._rows import count_rows
from ._failures import described
from ._resampling import Figure
from ._student_fits import DISTILLED, LABELS, NAMES, PSEUDO_LABELS

LABELED, UNLABELED = "rows with labels", "rows without labels"


class HalvedFit(NamedTuple):
    """A student fitted on half of some rows, and what all of them gain in the score that ranks."""

    what: str
    n_rows: int  # all of them
    gain: Figure = Figure(float("nan"))
    failure: str = ""


def halvings(training, how):
    """Return the kinds of rows that can be halved for a way of fitting."""
    if training.X_unlabeled is None or how != DISTILLED:
        return [LABELED]
    return [LABELED, UNLABELED]


def half_of(training, what, seed):
    """Return training rows with a random half of one kind; groups stay whole."""
    rng = check_random_state(seed)
    if what == UNLABELED:
        n_rows = count_rows(training.X_unlabeled)
        kept = np.sort(rng.permutation(n_rows)[: n_rows // 2])
        return training._replace(X_unlabeled=_safe_indexing(training.X_unlabeled, kept))
    groups = np.arange(len(training.y)) if training.groups is None else training.groups
    unique = np.unique(groups)
    kept = rng.permutation(unique)[: len(unique) // 2]
    return training.take(np.flatnonzero(np.isin(groups, kept)))


class HalvedFits(NamedTuple):
    """Fits one of the compared students on half of the rows, and scores it on the same rows."""

    fitter: object
    training: object  # all rows to fit on
    scores: object
    predict: object  # from a function that fits a model on training rows, its predictions

    def of(self, name, student, how):
        """Return a HalvedFit for each kind of rows that were given."""
        if how == PSEUDO_LABELS:
            return []
        fits = [self._halved(what, name, student, how) for what in halvings(self.training, how)]
        X_unlabeled = self.training.X_unlabeled
        if how == LABELS and X_unlabeled is not None:  # without a fit: it does not use them
            fits.append(HalvedFit(UNLABELED, count_rows(X_unlabeled), Figure(0.0)))
        return fits

    def _halved(self, what, name, student, how):
        """Return the fit on half of the rows of a kind."""
        rows = self.training.X if what == LABELED else self.training.X_unlabeled
        fit = HalvedFit(what, count_rows(rows))
        try:
            predictions = self.predict(
                lambda training: self.fitter.fit_again(
                    student, how, half_of(training, what, self.fitter.seed)
                )
            )
        except Exception as error:
            return fit._replace(failure=described(error))
        return fit._replace(gain=self._gain(NAMES[how].format(name), predictions))

    def _gain(self, name, predictions):
        """Return the gain of a compared model over another with these predictions."""
        scores = self.scores
        of_half = scores.task.rows(predictions, scores.evaluated.y)
        rows = {"all": scores.rows[name], "half": of_half}
        return scores.paired_of(rows).gain("all", "half")
