"""Labels of −1 that may mark rows without a label, as they do in sklearn.semi_supervised."""

import numpy as np

from ._warnings import warn

UNLABELED = "fit(X[known], y[known], X_unlabeled=X[~known])"
LEFT_OUT = "fit(X[known], y[known]); DistilledClassifier takes the others as X_unlabeled"


def may_mark(classes):
    """Return whether the classes are −1 beside the codes 0, 1, ... of several others."""
    if classes.dtype.kind != "i" or len(classes) < 3:
        return False
    return np.array_equal(classes, np.arange(-1, len(classes) - 1))


def remedy_for_marks(classes, remedy=UNLABELED):
    """Return a sentence on rows without a label where −1 may mark them, else nothing."""
    if not may_mark(classes):
        return ""
    return f"If -1 marks rows without a label, use known = y != -1 and {remedy}."


def warn_of_marks(classes, remedy=UNLABELED, *, declared="set classes={}"):
    """Warn if −1 may mark rows without a label; `declared` says what to do if it is a class."""
    if may_mark(classes):
        warn(
            f"y holds -1 beside {classes[1:].tolist()}, and -1 is a class here. "
            f"{remedy_for_marks(classes, remedy)} If it is a class, "
            f"{declared.format(classes.tolist())}."
        )
