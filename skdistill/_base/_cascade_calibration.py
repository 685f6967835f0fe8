"""Calibration of a cascade: a measure of confidence, and thresholds, each on rows of its own."""

from typing import NamedTuple

import numpy as np

from .._cascade._bounds import rows_needed
from .._cascade._calibration import Calibration
from .._cascade._criteria import CRITERIA, Codes
from .._cascade._selection import best_score
from .._utils._rows import copied
from .._utils._warnings import warn
from ..students._confidence import available_scores
from ._calibration_rows import one_row_of_each, sets_of_rows, split_rows
from ._cascade_classes import codes_among, predicted_codes
from ._scored_student import ScoredStudent

# Share of the calibration rows that choose a measure of confidence, if several are given.
SELECTION_SHARE = 0.2


class Calibrated(NamedTuple):
    """A student with the chosen measure of confidence, and the rows that certify."""

    student: ScoredStudent
    calibration: Calibration


def calibrate(cascade, rows, teacher, student, classes, rng):
    """Return the student with its measure of confidence, and the calibration for its thresholds.

    `rows` are those that neither teacher nor student was fitted on. Of several measures the best is
    chosen on a part of them, which then does not certify; nothing else is chosen.
    """
    students = [
        ScoredStudent.of(student, classes, name)
        for name in names_of_measures(cascade.confidence_score, student)
    ]
    predictions = [each.predict(rows.X) for each in students]
    criterion = CRITERIA[cascade.criterion]
    codes = Codes(
        predictions[0].codes,
        predicted_codes(teacher, copied(rows.X), classes, "teacher"),
        None if rows.y is None else codes_among(rows.y, classes),
    )
    failures = criterion.fails(codes)
    best, certifying = 0, np.arange(len(failures))
    if len(students) > 1:
        certifying, choosing = split_rows(failures, rows.groups, SELECTION_SHARE, rng)
        scores = [each.scores[choosing] for each in predictions]
        best = best_score(scores, failures[choosing], cascade.max_disagreement)
    if rows.groups is not None:
        certifying = one_row_of_each(rows.groups, certifying, rng)
    members = sets_of_rows(cascade.within, codes, criterion, rows.strata, classes)
    calibration = Calibration(
        check_scores(predictions[best].scores, students[best].score_name)[certifying],
        failures[certifying],
        None if members is None else members[:, certifying],
        cascade.within == "prediction",
    )
    return Calibrated(students[best], calibration)


def names_of_measures(given, student):
    """Return the names of the measures of confidence to compare: `given` or the preferred one."""
    available = available_scores(student)
    if not available:
        raise TypeError(
            f"{student!r} as student has neither predict_proba nor decision_function, so that "
            "its confidence is not known. Register a measure, see "
            "skdistill.students.register_confidence."
        )
    if isinstance(given, str) and given == "auto":
        return available[:1]
    names = [given] if isinstance(given, str) else list(given)
    lacking = [name for name in names if name not in available]
    if lacking:
        raise ValueError(
            f"confidence_score={given!r}: {type(student).__name__} as student has no "
            f"{lacking[0]!r}. Its measures are {available}."
        )
    return names


def check_scores(scores, name):
    """Return confidences, after a check that they are finite numbers, one for each row."""
    if scores.ndim != 1:
        raise ValueError(
            f"The confidence {name!r} of the student must have one number per row; got shape "
            f"{scores.shape}."
        )
    bad = ~np.isfinite(scores)
    if bad.any():
        raise ValueError(
            f"The confidence {name!r} of the student is NaN or infinite in {bad.sum()} of "
            f"{len(scores)} calibration rows, the first is row {np.argmax(bad)}. Use another "
            "measure, or a student that predicts finite numbers."
        )
    return scores


def warn_that_all_is_deferred(calibration, risk, confidence):
    """Warn that no threshold keeps the budget, with the remedy."""
    n_rows, level = calibration.smallest_set(confidence)
    needed = rows_needed(risk, level)
    budget = f"max_disagreement={risk:g} at confidence={confidence:g}"
    if n_rows < needed:
        where = "" if calibration.members is None else " in the smallest set of rows"
        reason = (
            f"{n_rows} calibration rows{where} are too few for {budget}: {needed} are needed "
            "even without a failure"
        )
    else:
        reason = f"even the surest predictions exceed {budget}"
    warn(
        f"The student keeps no row, so that the teacher predicts all rows: {reason}. "
        f"{named_budget(calibration.smallest_budget(confidence))} Give more calibration rows, a "
        "larger budget, or a better student."
    )


def named_budget(smallest):
    """Return a sentence with the smallest budget that would have been kept, rounded up."""
    unit = 10.0 ** (np.floor(np.log10(smallest)) - 3)
    rounded = np.ceil(smallest / unit) * unit
    if rounded >= 1:
        return "No budget would have been kept."
    return f"The smallest budget that would have been kept is max_disagreement={rounded:.4g}."
