"""Share of rows that a student keeps in a cascade that differs from the teacher on at most 1 %.

It is `coverage_` of a CascadeClassifier of both fitted models, frozen, that calibrates on these
rows: the student keeps the rows of which it is most sure, the teacher predicts the others.
"""

import numpy as np

from .._base._scored_student import ScoredStudent
from .._base._served import served
from .._cascade._bounds import rows_needed
from .._cascade._calibration import Calibration
from ..students._confidence import available_scores

MAX_DISAGREEMENT, CONFIDENCE = 0.01, 0.95


def kept_share(student, X, classes, teacher_codes):
    """Return the share of rows that a fitted student keeps.

    NaN if the student has no finite confidence, or if the rows are too few for any to be kept.
    `teacher_codes` are the positions of the teacher's labels among the classes. The rows must be
    independent, and none may have been seen by a model.
    """
    student = served(student)
    names = available_scores(student)
    if not names or len(teacher_codes) < rows_needed(MAX_DISAGREEMENT, CONFIDENCE):
        return float("nan")
    predicted = ScoredStudent.of(student, classes, names[0]).predict(X)
    if not np.isfinite(predicted.scores).all():
        return float("nan")
    calibration = Calibration(predicted.scores, predicted.codes != teacher_codes)
    return calibration.certify(MAX_DISAGREEMENT, CONFIDENCE).coverage
