"""The menu of a cascade: what each budget buys."""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._utils._rows import refuse_partitions
from .._utils._typing import ArrayLike, Estimator, Floats, Rows
from ._cost import timings

BUDGETS = np.geomspace(0.001, 0.2, 60)


class CascadeCurve(NamedTuple):
    """What a cascade does at each budget.

    Attributes
    ----------
    budgets : ndarray of shape (n_budgets,)
        Values of `max_disagreement`.

    coverage : ndarray of shape (n_budgets,)
        Share of the calibration rows that the student keeps.

    bound : ndarray of shape (n_budgets,)
        Upper bound for the probability that the student keeps a row and fails.

    threshold : ndarray of shape (n_budgets,) or (n_budgets, n_classes)
        Smallest confidence at which the student keeps a row.

    expected_cost : ndarray of shape (n_budgets,) or None
        Expected cost of a row: that of the student, and that of the teacher in the share of rows
        that are deferred. If no row is kept, the student is not called. None without costs.

    speedup : ndarray of shape (n_budgets,) or None
        Cost of the teacher divided by `expected_cost`; None without costs.
    """

    budgets: Floats
    coverage: Floats
    bound: Floats
    threshold: Floats
    expected_cost: Floats | None
    speedup: Floats | None


def cascade_curve(
    estimator: Estimator,
    X: Rows | None = None,
    *,
    budgets: ArrayLike | None = None,
    student_cost: float | None = None,
    teacher_cost: float | None = None,
) -> CascadeCurve:
    """Return how many rows the student of a cascade keeps at each budget, and the expected cost.

    Parameters
    ----------
    estimator : CascadeClassifier
        A fitted estimator. Its calibration rows are used.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features), default=None
        Rows to evaluate on. Costs that are not given are measured on them: microseconds per row, in
        batches of 1,000 rows at most.

    budgets : array-like of shape (n_budgets,), default=None
        Values of `max_disagreement`, between 0 and 1; by default 60 from 0.001 to 0.2.

    student_cost : float, default=None
        Cost of a row for the student, in any unit. By default it is measured on `X`.

    teacher_cost : float, default=None
        Cost of a row for the teacher, in the same unit, such as the price of a call. By default it
        is measured on `X`.

    Returns
    -------
    CascadeCurve

    Raises
    ------
    ValueError
        If a budget or a cost is invalid, or only one cost is given, without `X`.

    Notes
    -----
    Each bound holds for a budget that was chosen beforehand, not for the best of several. To choose
    by the curve, fit the cascade again on other calibration rows, with the chosen budget.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdistill import CascadeClassifier
    >>> from skdistill.datasets import make_gaussian_classes
    >>> from skdistill.inspection import cascade_curve
    >>> X, y, _ = make_gaussian_classes(3000, random_state=0)
    >>> cascade = CascadeClassifier(GaussianNB(), random_state=0).fit(X, y)
    >>> curve = cascade_curve(cascade, budgets=[0.02, 0.1], student_cost=1, teacher_cost=50)
    >>> bool(curve.coverage[0] <= curve.coverage[1])
    True
    """
    check_is_fitted(estimator, "calibration_")
    refuse_partitions("cascade_curve", X=X)
    checked = _checked_budgets(budgets)
    costs = _costs(estimator, X, student_cost, teacher_cost)
    certificates = [
        estimator.calibration_.certify(budget, estimator.confidence) for budget in checked
    ]
    threshold, coverage, bound = (np.array(values) for values in zip(*certificates, strict=True))
    if costs is None:
        return CascadeCurve(checked, coverage, bound, threshold, None, None)
    cost = np.where(coverage > 0, costs[0] + (1 - coverage) * costs[1], costs[1])
    return CascadeCurve(checked, coverage, bound, threshold, cost, costs[1] / cost)


def _checked_budgets(budgets):
    """Return budgets as an array of numbers between 0 and 1."""
    budgets = np.array(BUDGETS if budgets is None else budgets, dtype=np.float64)
    if budgets.ndim != 1 or not len(budgets) or not ((budgets > 0) & (budgets < 1)).all():
        raise ValueError(
            f"budgets must be numbers above 0 and below 1; got budgets={budgets.tolist()}."
        )
    return budgets


def _costs(estimator, X, student_cost, teacher_cost):
    """Return the costs of a row for student and teacher, measured if not given; None without."""
    given = {"student_cost": student_cost, "teacher_cost": teacher_cost}
    for name, cost in given.items():
        is_number = isinstance(cost, Real) and not isinstance(cost, bool)
        if cost is not None and not (is_number and 0 < cost < np.inf):
            raise ValueError(f"{name} must be a number above 0; got {name}={cost!r}.")
    missing = [name for name, cost in given.items() if cost is None]
    if missing and X is None:
        if len(missing) == 1:
            raise ValueError(
                f"{missing[0]} is not given, and there are no rows to measure it on. Give it in "
                "the unit of the other cost, or give X and no costs."
            )
        return None
    pair = (estimator.student_, estimator.teacher_)
    return [
        timings(model, X)["batch"] if cost is None else cost  # ms per 1,000 rows: µs per row
        for model, cost in zip(pair, given.values(), strict=True)
    ]
