"""Parameters that count rows, in students fitted by expansion: they count original rows.

All copies of a row are equal, so a node of a tree has all of them or none. If each row has m
copies, a node of n rows has n · m copies, and the parameter is multiplied by m during the fit. A
row with fewer copies gets more by splitting its heaviest copy into parts, whose weights sum to
the weight of that copy.
"""

from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from .._utils._sample_weight import inner_fit

# Parameters that count the rows of a node, with the largest integer that has no effect: those of
# scikit-learn, and of LightGBM with its aliases.
COUNTS = {
    "min_samples_leaf": 1,
    "min_samples_split": 2,
    **dict.fromkeys(("min_child_samples", "min_data_in_leaf", "min_data_per_leaf", "min_data"), 1),
}


def row_counts(student):
    """Return {name: value} of the (nested) parameters of a student that limit row counts.

    A float is a fraction of the rows, which is the same for copies. In bootstrap samples, such as
    those of BaggingClassifier, each draw counts as a row and copies are drawn independently, so
    that nothing is multiplied.
    """
    params = student.get_params(deep=True)
    found = {}
    for name, value in params.items():
        limit = COUNTS.get(name.rpartition("__")[2])
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if limit is None or not is_number or _is_fitted_on_draws(student, name, params):
            continue
        if not isinstance(value, Integral) or value > limit:
            found[name] = value
    return found


def refuse_to_count_drawn_copies(student):
    """Raise if a forest with bootstrap samples of copies would count copies in its nodes."""
    params = student.get_params(deep=True)
    for name, value in row_counts(student).items():
        owner = params.get(name.rpartition("__")[0], student)
        is_forest = isinstance(owner, RandomForestClassifier | ExtraTreesClassifier)
        if is_forest and owner.bootstrap:
            prefix = name.removesuffix(name.rpartition("__")[2])
            raise ValueError(
                f"{type(student).__name__} ({name}={value!r}) is fitted on weighted copies of "
                f"rows, and {type(owner).__name__} draws bootstrap samples of them: it would count "
                f"copies of a row in its leaves as rows. Set {prefix}bootstrap=False. Or use the "
                "forest as the student itself, which is fitted without copies, with class_weight "
                'other than "balanced_subsample" and, with monotonic_cst, criterion="gini".'
            )


def copies_for(student, soft_labels):
    """Return rows, labels and weights of the expansion; even copies if the student counts rows."""
    return equal_copies(soft_labels) if row_counts(student) else soft_labels.expand()


def equal_copies(soft_labels):
    """Return rows, labels and weights of the expansion, with equally many copies of each row."""
    rows, labels, weight = soft_labels.expand()
    n_copies = np.bincount(rows, minlength=len(soft_labels))
    missing = n_copies.max(initial=0) - n_copies[rows]
    if not missing.any():
        return rows, labels, weight
    by_weight = np.lexsort((weight, rows))
    last_of_row = np.append(np.diff(rows[by_weight]) > 0, True)
    parts = np.ones(len(rows), dtype=int)
    heaviest = by_weight[last_of_row]
    parts[heaviest] += missing[heaviest]
    return np.repeat(rows, parts), np.repeat(labels, parts), np.repeat(weight / parts, parts)


@contextmanager
def counting_original_rows(student, rows):
    """Scale integer parameters that count rows, for copies of the original rows `rows`."""
    counts = row_counts(student)
    n_copies = np.bincount(rows).max() if len(rows) else 1
    integers = {name: value for name, value in counts.items() if isinstance(value, Integral)}
    if integers:  # some fitted students reject even an empty set_params
        student.set_params(**{name: int(value * n_copies) for name, value in integers.items()})
    try:
        yield
    finally:
        if integers:
            student.set_params(**integers)


def _is_fitted_on_draws(student, name, params):
    """Return whether the owner of a parameter is fitted on rows that an outer estimator draws."""
    parts = name.split("__")[:-1]
    outer = [student, *(params.get("__".join(parts[:k])) for k in range(1, len(parts)))]
    fits = map(inner_fit, outer[: len(parts)])
    return any(fit is not None and fit.draws for fit in fits)
