"""Students that split rows inside their `fit`, when a row stands in the expansion several times.

Copies of one row on both sides of a split would let the student check itself on what it has
learnt. Such a student is split by real rows where it can be told how, and refused otherwise.
"""

from contextlib import contextmanager

import numpy as np
from sklearn.model_selection import check_cv

# HistGradientBoostingClassifier(early_stopping="auto") stops early beyond so many rows.
AUTO_EARLY_STOPPING_ROWS = 10_000


def refuse_to_split_copies(student, *, but_for=()):
    """Raise if a student, or one inside it, would split the expanded rows by itself."""
    params = student.get_params(deep=True)
    for name, value in params.items():
        if name in but_for:
            continue
        owner, _, leaf = name.rpartition("__")
        beside = f"{owner}__early_stopping" if owner else "early_stopping"
        if leaf == "early_stopping" and value is True:
            remedy = f"set {name}=False"
        elif leaf == "n_iter_no_change" and value is not None and beside not in params:
            remedy = f"set {name}=None"
        elif leaf == "oob_score" and value:
            remedy = f"set {name}=False"
        elif leaf == "cv":
            remedy = (
                "give the estimator inside it as student, and search or cross-validate around the "
                "distilled classifier: GridSearchCV(DistilledClassifier(...), ...)"
            )
        else:
            continue
        raise ValueError(
            f"{type(student).__name__} ({name}={value!r}) splits the rows that it is fitted on. A "
            "soft label gives it several weighted copies of each row, which would stand on both "
            f"sides of the split; {remedy}."
        )


@contextmanager
def judged_by_real_rows(student, n_rows):
    """Let `early_stopping="auto"` be decided by the number of real rows, not of expanded ones."""
    params = student.get_params(deep=True)
    auto = [
        name
        for name, value in params.items()
        if name.rpartition("__")[2] == "early_stopping"
        and isinstance(value, str)
        and value == "auto"
    ]
    if auto and n_rows > AUTO_EARLY_STOPPING_ROWS:
        raise ValueError(
            f'{type(student).__name__} ({auto[0]}="auto") stops early beyond '
            f"{AUTO_EARLY_STOPPING_ROWS} rows, and you have {n_rows}: it would split copies of "
            f"one row. Set {auto[0]}=False and choose the number of iterations."
        )
    if not auto:  # some students refuse even an empty set_params once they are fitted
        yield
        return
    student.set_params(**dict.fromkeys(auto, False))
    try:
        yield
    finally:
        student.set_params(**{name: params[name] for name in auto})


@contextmanager
def folds_of_real_rows(student, X, soft_labels):
    """Let a student's own `cv` split real rows, each with all of its copies on one side."""
    cv, y = student.cv, soft_labels.hard_labels()
    rows, _, _ = soft_labels.expand()
    folds = check_cv(cv, y, classifier=True).split(X, y)
    student.set_params(
        cv=[
            (np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test)))
            for train, test in folds
        ]
    )
    try:
        yield
    finally:
        student.set_params(cv=cv)
