"""Students that split rows inside `fit`, although the expansion has several copies of a row.

With copies of one row on both sides of a split, the student would be validated on training rows.
It is given folds of original rows where its `fit` supports that, and is rejected otherwise.
"""

from contextlib import contextmanager

import numpy as np
from sklearn import get_config
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import get_routing_for_object

from ._internal_splits import find_split
from ._nested_params import params_set_to
from ._row_counts import copies_for

# HistGradientBoostingClassifier(early_stopping="auto") stops early beyond this number of rows.
AUTO_EARLY_STOPPING_ROWS = 10_000


def refuse_to_split_copies(student, *, ignore=()):
    """Raise if the `fit` of a student, or of an inner estimator, splits or draws expanded rows."""
    found = find_split(student, ignore=ignore)
    if found is None:
        return
    name, hint = found
    value = student.get_params(deep=True)[name]
    raise ValueError(
        f"{type(student).__name__} ({name}={value!r}) {hint.does}. With soft labels it is fitted "
        "to several weighted copies of each row, and would treat the copies as independent rows; "
        f"{hint.remedy.format(name=name)}."
    )


def refuse_to_split_many_rows(student, n_rows):
    """Raise if `early_stopping="auto"` would split so many rows."""
    for name, value in _automatic_early_stopping(student).items():
        if n_rows > AUTO_EARLY_STOPPING_ROWS:
            raise ValueError(
                f"{type(student).__name__} ({name}={value!r}) stops early beyond "
                f"{AUTO_EARLY_STOPPING_ROWS} rows, and there are {n_rows}: it would split copies "
                f"of one row. Set {name}=False and choose the number of iterations."
            )


def _automatic_early_stopping(student):
    """Return the parameters `early_stopping="auto"`, nested ones included."""
    return params_set_to(student, "early_stopping", "auto")


@contextmanager
def early_stopping_on_original_rows(student, n_rows):
    """Resolve `early_stopping="auto"` by the number of original rows, not of expanded rows."""
    refuse_to_split_many_rows(student, n_rows)
    auto = _automatic_early_stopping(student)
    if not auto:  # some fitted students reject even an empty set_params
        yield
        return
    student.set_params(**dict.fromkeys(auto, False))
    try:
        yield
    finally:
        student.set_params(**auto)


@contextmanager
def folds_of_original_rows(student, X, soft_labels, fit_params):
    """Set a student's `cv` to folds of original rows, so that all copies of a row are in one fold.

    Yield the fit parameters without those that only `cv` takes, such as groups. With
    ``cv="prefit"`` nothing inside is fitted, and nothing is split.
    """
    if isinstance(student.cv, str):
        yield fit_params
        return
    cv, y = student.cv, soft_labels.hard_labels()
    rows, _, _ = copies_for(student, soft_labels)
    names = _names_of_split_params(cv, fit_params)
    split_params = {name: fit_params[alias] for name, alias in names.items()}
    folds = check_cv(cv, y, classifier=True).split(X, y, **split_params)
    student.set_params(
        cv=[
            (np.flatnonzero(np.isin(rows, train)), np.flatnonzero(np.isin(rows, test)))
            for train, test in folds
        ]
    )
    split_only = set(names.values())
    if split_only:
        split_only -= student.get_metadata_routing().consumes("fit", split_only)
    try:
        yield {name: value for name, value in fit_params.items() if name not in split_only}
    finally:
        student.set_params(cv=cv)


def _names_of_split_params(cv, fit_params):
    """Return {argument of the splitter's `split`: its name in `fit_params`}, as requested."""
    if not (get_config()["enable_metadata_routing"] and hasattr(cv, "split")):
        return {}
    requests = get_routing_for_object(cv).split.requests
    aliases = {name: name if request is True else request for name, request in requests.items()}
    return {name: alias for name, alias in aliases.items() if alias in fit_params}
