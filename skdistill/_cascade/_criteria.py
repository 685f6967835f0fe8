"""When a prediction of the student fails: three criteria, functions of class codes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Codes(NamedTuple):
    """Codes of classes, one for each row; `true` is None without labels."""

    student: np.ndarray
    teacher: np.ndarray
    true: np.ndarray | None


class Criterion(NamedTuple):
    """A way in which predictions fail.

    `fails` is a function of codes, `needs_labels` is whether it uses the true ones.
    """

    fails: Callable[[Codes], np.ndarray]
    needs_labels: bool

    def class_of_rows(self, codes):
        """Return the class that a row counts for: the true one, without labels the teacher's."""
        return codes.true if self.needs_labels else codes.teacher


def _disagrees(codes):
    """Return where the student predicts another class than the teacher."""
    return codes.student != codes.teacher


def _errs(codes):
    """Return where the student is wrong."""
    return codes.student != codes.true


def _is_regretted(codes):
    """Return where the student is wrong and the teacher is right."""
    return _errs(codes) & (codes.teacher == codes.true)


CRITERIA = {
    "disagreement": Criterion(_disagrees, needs_labels=False),
    "error": Criterion(_errs, needs_labels=True),
    "regret": Criterion(_is_regretted, needs_labels=True),
}
