"""Explainable boosting machines of interpret on soft labels: expansion with bags of real rows.

Their `fit` holds rows out in each outer bag, to stop early. Bags of copies would have copies of a
row on both sides, so that training rows would be held out.
"""

from typing import Any

import numpy as np
from interpret.glassbox import ExplainableBoostingClassifier
from sklearn.model_selection import ShuffleSplit

from .._targets._soft_labels import SoftLabels
from .._utils._typing import Estimator, Rows
from ._registry import register
from .expansion import fit_by_expansion, fit_on_copies


@register(ExplainableBoostingClassifier)
def fit_explainable_boosting(
    student: Estimator, X: Rows, soft_labels: SoftLabels, **fit_params: Any
) -> Estimator:
    """Fit an ExplainableBoostingClassifier to soft labels by expansion.

    The rows of each outer bag are drawn from the original rows: all copies of a row are fitted on,
    or all are held out. `min_samples_leaf` counts original rows. One-hot labels are ordinary
    training.

    Parameters
    ----------
    student : ExplainableBoostingClassifier
        It is fitted in place.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows.

    soft_labels : SoftLabels
        Their class probabilities and weights.

    **fit_params : dict
        Further arguments of the student's `fit`. `bags` has one row for each row of X.

    Returns
    -------
    ExplainableBoostingClassifier
        The student, an ordinary one.
    """
    if soft_labels.is_one_hot:
        return fit_by_expansion(student, X, soft_labels, **fit_params)
    if fit_params.get("bags") is None:
        fit_params["bags"] = draw_bags(student, len(soft_labels))
    return fit_on_copies(student, X, soft_labels, **fit_params)


def draw_bags(student, n_rows):
    """Return 1 for each row to fit on and −1 for each that is held out, one column for each bag.

    None without held-out rows: `validation_size` is 0, or a share of less than one row.
    """
    size = student.validation_size
    n_held_out = int(size if size >= 1 else n_rows * size)
    if n_held_out == 0:
        return None
    # Not stratified: with soft labels nearly every row has copies of every class.
    draws = ShuffleSplit(
        student.outer_bags, test_size=n_held_out, random_state=student.random_state
    )
    bags = np.ones((n_rows, student.outer_bags), dtype=np.int8)
    for bag, (_, held_out) in zip(bags.T, draws.split(np.empty((n_rows, 0))), strict=True):
        bag[held_out] = -1
    return bags
