"""Parameters that count rows, in students that learn by expansion: they count original rows.

All copies of a row are equal, so that a node of a tree holds all of them or none. Where each row
has equally many, a node of so many rows holds that many times as many copies, and the parameter is
multiplied for the time of the fit. Rows of fewer classes than others get more copies by parts of
the heaviest one: parts of a weight add up to the weight.
"""

from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from .._utils._sample_weight import inner_fit

# What counts rows of a node, with the largest integer that limits nothing: in scikit-learn and,
# with the synonyms, in LightGBM.
COUNTS = {
    "min_samples_leaf": 1,
    "min_samples_split": 2,
    **dict.fromkeys(("min_child_samples", "min_data_in_leaf", "min_data_per_leaf", "min_data"), 1),
}


def row_counts(student):
    """Return {name: value} of the parameters of a student, and inside it, that limit row counts.

    A float is a share of the rows, which is the same of copies. In bags that are drawn with
    replacement, such as those of BaggingClassifier, a draw counts as a row, and each copy is drawn
    for itself: there is nothing to multiply.
    """
    params = student.get_params(deep=True)
    found = {}
    for name, value in params.items():
        limit = COUNTS.get(name.rpartition("__")[2])
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        if limit is None or not is_number or _is_drawn_around(student, name, params):
            continue
        if not isinstance(value, Integral) or value > limit:
            found[name] = value
    return found


def refuse_to_count_drawn_copies(student):
    """Raise if a forest that draws copies into its bags would count those in its nodes."""
    params = student.get_params(deep=True)
    for name, value in row_counts(student).items():
        owner = params.get(name.rpartition("__")[0], student)
        is_forest = isinstance(owner, RandomForestClassifier | ExtraTreesClassifier)
        if is_forest and owner.bootstrap:
            prefix = name.removesuffix(name.rpartition("__")[2])
            raise ValueError(
                f"{type(student).__name__} ({name}={value!r}) learns from weighted copies of rows, "
                f"and {type(owner).__name__} draws them into bags: it would count copies of a row "
                f"in its leaves as rows. Set {prefix}bootstrap=False; or let a forest learn "
                "without copies: as the student itself, with class_weight other than "
                '"balanced_subsample" and, beside monotonic_cst, criterion="gini".'
            )


def copies_for(student, soft_labels):
    """Return rows, labels and weights of the expansion, equally many of each row if they count."""
    return even_copies(soft_labels) if row_counts(student) else soft_labels.expand()


def even_copies(soft_labels):
    """Return rows, labels and weights of the expansion, with equally many copies of each row."""
    rows, labels, weight = soft_labels.expand()
    n_copies = np.bincount(rows, minlength=len(soft_labels))
    lacking = n_copies.max(initial=0) - n_copies[rows]
    if not lacking.any():
        return rows, labels, weight
    by_weight = np.lexsort((weight, rows))
    last_of_row = np.append(np.diff(rows[by_weight]) > 0, True)
    parts = np.ones(len(rows), dtype=int)
    heaviest = by_weight[last_of_row]
    parts[heaviest] += lacking[heaviest]
    return np.repeat(rows, parts), np.repeat(labels, parts), np.repeat(weight / parts, parts)


@contextmanager
def counting_original_rows(student, rows):
    """Let integers that count rows count original ones, of which `rows` are the copies."""
    own = row_counts(student)
    n_copies = np.bincount(rows).max() if len(rows) else 1
    integers = {name: value for name, value in own.items() if isinstance(value, Integral)}
    if integers:  # some students refuse even an empty set_params once they are fitted
        student.set_params(**{name: int(value * n_copies) for name, value in integers.items()})
    try:
        yield
    finally:
        if integers:
            student.set_params(**integers)


def _is_drawn_around(student, name, params):
    """Return whether the owner of a parameter is fitted on rows that one around it draws."""
    parts = name.split("__")[:-1]
    around = [student, *(params.get("__".join(parts[:k])) for k in range(1, len(parts)))]
    known = map(inner_fit, around[: len(parts)])
    return any(fit is not None and fit.draws for fit in known)
