"""Did distilling pay? Teacher, student from the labels alone, and distilled student compared."""

from __future__ import annotations

from itertools import combinations
from numbers import Integral

import numpy as np
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from .._utils._groups import MIN_GROUPS_FOR_INTERVAL, group_codes
from .._utils._rows import count_rows
from .._utils._typing import ArrayLike, Estimator, Rows
from .._utils._validation import check_row_weights
from ._class_figures import ClassFigures
from ._cost import costs, description
from ._distillation_report import DistillationReport
from ._intervals import FIDELITY, QUALITY, gains, gaps_recovered, table
from ._kinds import predicts_numbers
from ._number_figures import NumberFigures
from ._onnx_costs import check_onnx_packages, onnx_costs
from ._provenance import chosen_weights, model_names, model_sizes, today, versions
from ._row_scores import bootstrap, scores_on
from ._teacher_part import has_no_teacher

MIN_RESAMPLES = 100


def distillation_report(
    teacher: Estimator,
    student: Estimator,
    distilled: Estimator,
    X: Rows,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    n_bootstrap: int = 1000,
    onnx: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> DistillationReport:
    """Compare a teacher, a student from the labels alone and the distilled one on test rows.

    Parameters
    ----------
    teacher : estimator
        The fitted classifier or regressor that the student replaces, usually the model that was
        distilled. If the student was distilled from another model, still pass the one that is in
        use today, and name the other one in your text: the report says what the replacement costs
        and gains.

    student : estimator
        The fitted student to evaluate. It has the class of the distilled student and was fitted on
        the labels alone: what you would have without distilling.

    distilled : estimator
        The distilled student, a :class:`skdistill.DistilledClassifier`, a
        :class:`skdistill.DistilledRegressor`, or its `student_`.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows to evaluate on. Test rows, which none of the three models has seen.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their true labels. For regressors, their values; several outputs are scored together, each
        centred and divided by its standard deviation.

    groups : array-like of shape (n_samples,), default=None
        Group of each row, such as a person with many rows. Rows of one group are not independent,
        so that whole groups are resampled. Intervals need at least 10 groups with positive weight;
        with fewer there are none.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default. Rows of weight 0 are left out.

    n_bootstrap : int, default=1000
        Resamples of the test rows, or of the groups, for the 95 % intervals. With 1000, the ends of
        an interval are exact to about a tenth of its width. Takes about ten seconds for 100,000
        rows.

    onnx : bool, default=False
        Whether to compile each model to ONNX, too, and to measure the size and the times of its
        file. The summary is then about these files. This needs skl2onnx and onnxruntime
        (onnxmltools for LightGBM and XGBoost). A model that does not convert has no such figures;
        `missing` says why. False by default, since large models take minutes.

    random_state : int, RandomState instance or None, default=None
        Seed of all random steps. It seeds the resamples. Times are measured, and vary all the same.

    Returns
    -------
    DistillationReport
        Print it, show it in a notebook, or read its attributes. `summary`, `verdict` and
        `missing` are plain sentences. `quality` holds the scores of each model, `gain` what
        distilling improved, and `gap_recovered` the share of the teacher's lead. `fidelity` says
        how close each model is to the teacher. `cost` holds bytes and times. All scores and units
        are listed at :class:`DistillationReport`.

    Raises
    ------
    ValueError
        If the models have different classes, or if `y` holds a label that they lack. If a model's
        predictions do not match the classes or the outputs of `y`. If `y` of regressors is not
        finite. If a group is missing (NaN or None), or if no row carries weight.

    ImportError
        If `onnx` is True, and skl2onnx or onnxruntime is not installed.

    sklearn.exceptions.NotFittedError
        If a model is not fitted.

    Notes
    -----
    All models are scored on the same resamples. So the intervals of differences are paired: what
    makes a row hard for all models cancels. They are percentiles over test rows (a little too
    narrow on a hundred rows or fewer), and do not include the variation of training. The ECE has
    none: it is biased upwards on few rows, and more so on resampled ones.

    The gap recovered is (distilled − student) / (teacher − student) for each score. It is undefined
    where the teacher was no better than the student. It has no interval where the teacher's lead is
    not certain (its interval contains 0).

    "kept_at_1_percent" is `coverage_` of :class:`skdistill.CascadeClassifier` on the test rows.
    The student predicts the rows of which it is most sure, the teacher the others. At most 1 % of
    all rows may differ from the teacher, at 95 % confidence. It needs at least 299 rows, of equal
    weight and without `groups`.

    Fidelity is not quality: a student may rightly disagree (Stanton et al., NeurIPS 2021).

    Times are wall-clock times of `predict_proba` (or `predict`), with the threads that the model
    uses: the median of up to 20 calls. They vary with the load of the machine, so that the summary
    rounds their ratio to one digit. ONNX files run on one thread, on rows that are prepared. For a
    model that holds its student, such as a DistilledClassifier, time and bytes are those of its
    `student_`, the object to deploy.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill import DistilledClassifier
    >>> from skdistill.inspection import distillation_report
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    >>> forest = RandomForestClassifier(50, random_state=0)
    >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    >>> distilled = DistilledClassifier(forest, tree).fit(X, y)
    >>> report = distillation_report(
    ...     forest.fit(X, y), tree.fit(X, y), distilled, X_test, y_test, random_state=0
    ... )
    >>> sorted(report.quality)
    ['accuracy', 'auc', 'brier', 'ece', 'log_loss']
    >>> report.gain["log_loss"].value > 0
    True
    """
    models = {"teacher": teacher, "student": student, "distilled": distilled}
    _check_n_bootstrap(n_bootstrap)
    if onnx:
        check_onnx_packages("distillation_report(..., onnx=True)")
    for model in models.values():
        if hasattr(model, "fit"):
            check_is_fitted(model)
    check_consistent_length(X, y)
    of_numbers = all(map(predicts_numbers, models.values()))
    weight = check_row_weights(sample_weight, count_rows(X))
    figures, true = (NumberFigures if of_numbers else ClassFigures).of(models, y, weight)
    codes = group_codes(groups, count_rows(X))
    counted = np.flatnonzero(weight)
    if not len(counted):
        raise ValueError(
            f"None of the {len(weight)} test rows carries weight. Give rows to be counted a "
            "positive sample_weight."
        )
    X, true, weight = _safe_indexing(X, counted), true[counted], weight[counted]
    codes = None if codes is None else group_codes(codes[counted], len(counted))

    of_files, not_compiled = onnx_costs(models, X) if onnx else ({}, [])
    predictions = {name: figures.predict(model, X, name) for name, model in models.items()}
    rows = {
        name: figures.rows(each, true, None if name == "teacher" else predictions["teacher"])
        for name, each in predictions.items()
    }
    scores = {name: scores_on(each, weight, figures.scores) for name, each in rows.items()}
    rng = check_random_state(random_state)
    resampled = bootstrap(rows, weight, n_bootstrap, rng, codes, scores=figures.scores)
    n_groups = None if codes is None else int(codes.max()) + 1
    if n_groups is not None and n_groups < MIN_GROUPS_FOR_INTERVAL:
        resampled = _without_values(resampled)
    quality = table(QUALITY, models, scores, resampled)
    cost, not_pickled = costs(models, X)
    weights = chosen_weights(distilled)
    # The exact bound counts rows: not weights, and not rows that resemble one another.
    independent = codes is None and not np.ptp(weight)
    return DistillationReport(
        n_rows=len(weight),
        n_groups=n_groups,
        n_bootstrap=n_bootstrap,
        observed_mean=figures.observed_mean(true, weight),
        note=figures.note,
        quality=quality | figures.further_quality(predictions, true, weight),
        gain=gains("distilled", "student", scores, resampled),
        gap_recovered={} if has_no_teacher(weights) else gaps_recovered(scores, resampled),
        fidelity=table(FIDELITY, ("student", "distilled"), scores, resampled)
        | (figures.further_fidelity(models, predictions, X) if independent else {}),
        cost=cost | of_files,
        cost_of={name: description(model) for name, model in models.items()},
        missing=(
            *_missing_intervals(n_groups),
            *figures.missing(predictions, true),
            *not_pickled,
            *not_compiled,
        ),
        identical=tuple(
            pair
            for pair in combinations(("student", "distilled", "teacher"), 2)
            if figures.are_equal(*(predictions[name] for name in pair))
        ),
        model_names=model_names(models),
        weights=weights,
        versions=versions(models),
        date=today(),
        gain_over_teacher=gains("distilled", "teacher", scores, resampled),
        sizes=model_sizes(models),
    )


def _check_n_bootstrap(n_bootstrap):
    """Raise unless there are enough resamples for the ends of an interval."""
    is_count = isinstance(n_bootstrap, Integral) and not isinstance(n_bootstrap, bool)
    if not is_count or n_bootstrap < MIN_RESAMPLES:
        raise ValueError(
            f"n_bootstrap must be an integer of at least {MIN_RESAMPLES}, fewer resamples do "
            f"not show where 2.5 % lie; got n_bootstrap={n_bootstrap!r}. 1000 is the default."
        )


def _without_values(resampled):
    """Return resampled scores with NaN values, which give no interval."""
    return {
        model: {name: np.full_like(values, np.nan) for name, values in scores.items()}
        for model, scores in resampled.items()
    }


def _missing_intervals(n_groups):
    """Return a sentence if there are too few groups for intervals."""
    if n_groups is None or n_groups >= MIN_GROUPS_FOR_INTERVAL:
        return []
    return [
        f"The test rows are of {n_groups} {'groups' if n_groups > 1 else 'group'}: no intervals, "
        f"which need at least {MIN_GROUPS_FOR_INTERVAL}."
    ]
