"""Students that split rows inside their `fit`, when a row stands in the expansion several times.

Copies of one row on both sides of a split would let the student check itself on what it has
learnt. Such a student is split by real rows where it can be told how, and refused otherwise.
"""

from contextlib import contextmanager

import numpy as np
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import get_routing_for_object

from ._internal_splits import find_split
from ._nested_params import params_set_to
from ._row_counts import copies_for

# HistGradientBoostingClassifier(early_stopping="auto") stops early beyond so many rows.
AUTO_EARLY_STOPPING_ROWS = 10_000


def refuse_to_split_copies(student, *, but_for=()):
    """Raise if a student, or one inside it, would split or draw the expanded rows by itself."""
    found = find_split(student, but_for=but_for)
    if found is None:
        return
    name, hint = found
    value = student.get_params(deep=True)[name]
    raise ValueError(
        f"{type(student).__name__} ({name}={value!r}) {hint.does}. A soft label gives it several "
        "weighted copies of each row, which would not be told apart from rows of their own: they "
        f"would stand on both sides of a split, or be drawn like sure labels; "
        f"{hint.remedy.format(name=name)}."
    )


def refuse_to_split_many_rows(student, n_rows):
    """Raise if `early_stopping="auto"` would split so many rows."""
    for name, value in _automatic_early_stopping(student).items():
        if n_rows > AUTO_EARLY_STOPPING_ROWS:
            raise ValueError(
                f"{type(student).__name__} ({name}={value!r}) stops early beyond "
                f"{AUTO_EARLY_STOPPING_ROWS} rows, and you have {n_rows}: it would split copies of "
                f"one row. Set {name}=False and choose the number of iterations."
            )


def _automatic_early_stopping(student):
    """Return the parameters `early_stopping="auto"` of a student and those inside it."""
    return params_set_to(student, "early_stopping", "auto")


@contextmanager
def early_stopping_on_original_rows(student, n_rows):
    """Let `early_stopping="auto"` be decided by the number of real rows, not of expanded ones."""
    refuse_to_split_many_rows(student, n_rows)
    auto = _automatic_early_stopping(student)
    if not auto:  # some students refuse even an empty set_params once they are fitted
        yield
        return
    student.set_params(**dict.fromkeys(auto, False))
    try:
        yield
    finally:
        student.set_params(**auto)


@contextmanager
def folds_of_original_rows(student, X, soft_labels, fit_params):
    """Let a student's own `cv` split real rows, each with all of its copies on one side.

    Yield the further parameters of its `fit`, without those that only its `cv` takes, such as
    groups. With ``cv="prefit"`` nothing inside is fitted, and nothing is split.
    """
    if isinstance(student.cv, str):
        yield fit_params
        return
    cv, y = student.cv, soft_labels.hard_labels()
    rows, _, _ = copies_for(student, soft_labels)
    names = _names_of_split_params(cv, fit_params)
    split_params = {name: fit_params[given] for name, given in names.items()}
    folds = check_cv(cv, y, classifier=True).split(X, y, **split_params)
    student.set_params(
        cv=[
            (np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test)))
            for train, test in folds
        ]
    )
    others = set(names.values())
    if others:
        others -= student.get_metadata_routing().consumes("fit", others)
    try:
        yield {name: value for name, value in fit_params.items() if name not in others}
    finally:
        student.set_params(cv=cv)


def _names_of_split_params(cv, fit_params):
    """Return {argument of a splitter's `split`: its name in `fit_params`}, as it requests them."""
    if not (get_config()["enable_metadata_routing"] and hasattr(cv, "split")):
        return {}
    requests = get_routing_for_object(cv).split.requests
    asked = {name: name if request is True else request for name, request in requests.items()}
    return {name: given for name, given in asked.items() if given in fit_params}
