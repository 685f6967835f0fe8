"""Compare candidate teachers on rows that they have not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, indexable

from .._teachers._folds import LabelledRows
from .._teachers._sample_weight import weight_params
from .._utils._random_state import seeded_clones
from .._utils._rows import refuse_queries
from .._utils._typing import ArrayLike, Estimator, Rows
from ._folds import make_checked_folds, share_of_duplicates
from ._kinds import predicts_numbers
from ._number_measures import NumberMeasures
from ._probability_measures import ProbabilityMeasures
from ._tables import html_list, html_table, import_pandas, text_table
from ._teacher_quality import MeasuredTeacher, measure_teacher

TIMES = {"fit_seconds_per_1000": "fit s/1000", "predict_seconds_per_1000": "predict s/1000"}


class TeacherComparison:
    """Result of :func:`compare_teachers`: the candidates, best first, and advice.

    Attributes
    ----------
    names : list of str
        The candidates, sorted by their Brier score, or their mean squared error for regressors,
        the lowest first.

    best_name : str
        Name of the first candidate.

    best_teacher : estimator
        The first candidate, unfitted as it was given, for ``DistilledClassifier(best_teacher)``
        or ``DistilledRegressor(best_teacher)``.

    advice : list of str
        Recommendations from the numbers; may be empty.

    n_folds : int
        Number of folds behind the standard errors.

    Examples
    --------
    See :func:`compare_teachers`.
    """

    def __init__(self, ranked, teachers, advice, n_folds, measures):
        self._ranked = ranked
        self._teachers = teachers
        self._measures = measures
        self.advice = advice
        self.n_folds = n_folds

    @property
    def names(self) -> list[str]:
        """The candidates, best first."""
        return [teacher.name for teacher in self._ranked]

    @property
    def best_name(self) -> str:
        """The candidate with the best predictions."""
        return self.names[0]

    @property
    def best_teacher(self) -> Estimator:
        """The estimator behind `best_name`, as it was given."""
        return self._teachers[self.best_name]

    def to_frame(self) -> Any:
        """Return every number as a dataframe, one row per teacher, best first.

        Returns
        -------
        pandas.DataFrame
            Index: the names. Columns for classifiers: "brier", "behind" (Brier score minus that
            of the best, paired over folds), "log_loss" (nats), "ece", "accuracy", "sharpness"
            and "optimism" (nats), each followed by its standard error over folds
            ("brier_se", ...); "temperature" (of the lowest out-of-fold log-loss),
            "tempered_log_loss" and "tempered_brier" (at that temperature). Columns for
            regressors: "mse", "behind" (MSE minus that of the best), "r2", "bias",
            "calibration_slope" and "optimism" (MSE), each followed by its standard error;
            "mean_prediction", "observed_mean" (of y), and "recalibrated_mse" (after the linear
            regression of y on the prediction). For both "fit_seconds_per_1000" and
            "predict_seconds_per_1000" (rows).

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> from sklearn.naive_bayes import GaussianNB
        >>> from skdistill.datasets import make_gaussian_classes
        >>> from skdistill.inspection import compare_teachers
        >>> X, y, _ = make_gaussian_classes(100, random_state=0)
        >>> compare_teachers({"bayes": GaussianNB()}, X, y).to_frame().index.tolist()
        ['bayes']
        """
        pandas = import_pandas("TeacherComparison.to_frame")
        rows = []
        for teacher in self._ranked:
            row: dict[str, float] = {}
            for measure, estimate in self._estimates(teacher).items():
                row |= {measure: estimate.value, f"{measure}_se": estimate.standard_error}
            times = (teacher.fit_seconds, teacher.predict_seconds)
            row |= self._measures.further_figures(teacher) | dict(zip(TIMES, times, strict=True))
            rows.append(row)
        return pandas.DataFrame(rows, index=pandas.Index(self.names, name="teacher"))

    def _estimates(self, teacher):
        """Return the scores that have standard errors, in the order of the columns."""
        ranked_by = self._measures.ranked_by
        behind = teacher.scores[ranked_by] - self._ranked[0].scores[ranked_by]
        scores = teacher.scores | {"behind": behind}
        return {measure: scores[measure] for measure in self._measures.columns}

    def _header(self):
        """Return the table's head."""
        return ("teacher", *self._measures.columns.values(), *TIMES.values())

    def _cells(self):
        """Return the table's cells as text."""
        for teacher in self._ranked:
            yield (
                teacher.name,
                *map(self._measures.written, self._estimates(teacher).values()),
                f"{teacher.fit_seconds:.2g}",
                f"{teacher.predict_seconds:.2g}",
            )

    def _legend(self):
        """Return the explanation below the table."""
        return f"{self._measures.legend(self._ranked)} {self.n_folds} folds."

    def __str__(self):
        parts = [text_table(self._header(), list(self._cells())), self._legend()]
        parts += [f"- {sentence}" for sentence in self.advice]
        return "\n".join(parts)

    def __repr__(self):
        return f"TeacherComparison({self.names}, best first)"

    def _repr_html_(self):
        table = html_table(self._header(), list(self._cells()))
        return f"<div>{table}<p>{self._legend()}</p>{html_list(self.advice)}</div>"


def compare_teachers(
    teachers: Mapping[str, Estimator],
    X: Rows,
    y: ArrayLike,
    *,
    cv: Any = 5,
    groups: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> TeacherComparison:
    """Compare teachers by their predictions for rows that they have not seen.

    Classifiers are compared by their probabilities, regressors by the means that they predict.

    All candidates are fitted on the same folds; none of those passed in is changed.

    Parameters
    ----------
    teachers : dict of str to estimator
        The candidates, all of them classifiers with `predict_proba`, or all regressors. A
        ``sklearn.frozen.FrozenEstimator`` is not refitted; its scores are unbiased only if it
        has not seen these rows.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows to evaluate on. Each fold is predicted by teachers fitted on the others. Any type that
        the teachers support.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their true labels. For regressors, their values; several outputs are compared together, each
        centred and divided by its standard deviation.

    cv : int, splitter or iterable, default=5
        Folds, as in scikit-learn (None is 5), at least two. An integer means stratified
        folds; with `groups`, ``StratifiedGroupKFold``. For regressors it means ``KFold``, whose
        rows are not shuffled, and ``GroupKFold``.

    groups : array-like of shape (n_samples,), default=None
        Group of each row, such as a person with many rows. Folds hold whole groups; a splitter that
        splits one raises an error. Without groups, repeats of one entity in several folds favour
        teachers that memorise. Standard errors over folds are then over groups. Distil on the same
        folds: give the same `cv` and groups to ``DistilledClassifier`` or ``DistilledRegressor``.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default. It is used in every score, and by the teachers that take
        it.

    n_jobs : int, default=None
        Number of jobs for fitting teachers, as in joblib. Times are then those of processes that
        share the machine.

    random_state : int, RandomState instance or None, default=None
        Seed of all random steps. It seeds every `random_state` of the teachers that is None, for
        each teacher as in ``DistilledClassifier`` or ``DistilledRegressor``.

    Returns
    -------
    TeacherComparison
        The candidates, best first, with `to_frame()`, `best_name`, `best_teacher` and
        `advice`; printed, a table.

    Raises
    ------
    ValueError
        If there are no teachers, if they have other classes than `y`, or if they take fewer outputs
        than `y` has. If a fold tests rows that it trains on, splits a group, has no weight, or
        tests a class that its training rows lack. If there are fewer groups than folds.

    TypeError
        If `teachers` is not a dict, if one of them is neither a regressor nor has
        `predict_proba`, or if there are classifiers and regressors.

    Warns
    -----
    UserWarning
        If a teacher takes no `sample_weight` that was given.

    See Also
    --------
    skdistill.metrics.brier_loss : The score that ranks classifiers.
    skdistill.metrics.expected_calibration_error : ECE and its bins.

    Notes
    -----
    Two terms bound the error of distilling with a teacher p^t: a variance, which falls with 1/N,
    and E‖p^t − p*‖² (Menon, Rawat, Reddi, Kim and Kumar, "A statistical perspective on
    distillation", ICML 2021, section 4). On rows that the teacher has not seen, the Brier score is
    that squared distance plus a constant, the same for every teacher. The accuracy does not measure
    it. Hence the order by the Brier score. For a continuous target the mean squared error is the
    squared distance to the conditional mean plus the mean variance of y.

    Scores of classifiers:

    - "brier": mean of Σ_y (p_y − [y true])², in [0, 2].
    - "log_loss": mean of −log p_true, in nats, with p at least 2.2e-16.
    - "ece": Σ over bins of (share of rows) · ``|mean confidence − accuracy|``, with 15 bins of
      equal width over the confidence of the predicted label.
    - "accuracy": share of rows whose predicted label is correct.
    - "sharpness": mean of Σ_y p_y², from 1 / n_classes to 1. A calibrated teacher's Brier
      score is 1 − sharpness; where it is higher, the teacher is overconfident.
    - "optimism": log-loss of rows out of fold minus log-loss of the same rows by the fold
      teachers that were fitted on them: the bias of ``cv="in-sample"``. NaN if no tested row
      is ever trained on.

    Scores of regressors, with prediction f:

    - "mse": mean of (y − f)², in the square of the unit of y; for several outputs over all of them,
      in units of their standard deviations, as all scores here.
    - "r2": 1 − MSE / variance of y, at most 1.
    - "bias": mean of f minus the mean of y. If it is not small against its standard error,
      students learn a wrong level.
    - "calibration_slope": of the regression of y on f. Below 1, predictions vary too much, above
      1 too little.
    - "optimism": as above, of the mean squared error.

    For both:

    - times: wall-clock time of `fit` per thousand training rows, and of `predict_proba` (or
      `predict`) in one batch per thousand tested rows.

    Scores are over all out-of-fold predictions together. Standard errors leave out each fold in
    turn (the jackknife); for a mean over equal folds that is the standard deviation over √n_folds.
    Differences are paired over folds, and count as noise inside Student's 95 % interval. They
    describe the tested rows with these fold teachers. Another sample would move the scores by more,
    sharpness the most, because training rows of the folds overlap. Folds of a repeated splitter are
    even less independent.

    The temperature is chosen on the rows that it is scored on; for one parameter the bias is
    about 1/(2 n_samples) nats.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill.datasets import make_gaussian_classes
    >>> from skdistill.inspection import compare_teachers
    >>> X, y, _ = make_gaussian_classes(300, n_features=4, n_classes=3, random_state=0)
    >>> teachers = {"tree": DecisionTreeClassifier(), "linear": LogisticRegression()}
    >>> comparison = compare_teachers(teachers, X, y, random_state=0)
    >>> comparison.names
    ['linear', 'tree']
    >>> print(comparison.advice[-1])  # doctest: +ELLIPSIS
    In-sample probabilities of tree are ... more optimistic (log-loss ...): cross-fit.
    """
    if not isinstance(teachers, Mapping):
        raise TypeError(
            "teachers must be a dict of names and estimators; got "
            f"{type(teachers).__name__}. Write {{'forest': RandomForestClassifier(), ...}}."
        )
    if not teachers:
        raise ValueError("teachers is empty: there is nothing to compare. Give at least one.")
    candidates = dict(teachers)
    measures, y = _measures_of(candidates).of(y, sample_weight)
    refuse_queries(X=X, y=y, groups=groups, sample_weight=sample_weight)
    X, groups, sample_weight = indexable(X, groups, sample_weight)
    check_consistent_length(X, y, groups, sample_weight)
    targets = measures.output.targets(y, sample_weight)
    targets.check_several_classes()
    for name, teacher in candidates.items():
        _check_candidate(name, teacher, measures)
    folds = make_checked_folds(cv, X, y, groups, targets.weight, by_class=measures.by_class)

    ranked = []
    for name, teacher in candidates.items():
        try:
            (seeded,) = seeded_clones(random_state, teacher)
            fit_params = weight_params(
                teacher, sample_weight, "the weights count in its scores only",
                name=f"teachers[{name!r}], a ",
            )  # fmt: skip
            measured = MeasuredTeacher(seeded, measures, fit_params)
            rows = LabelledRows(X, measures.shaped(teacher, y))
            quality = measure_teacher(name, measured, rows, folds, targets.weight, n_jobs)
        except Exception as error:
            error.add_note(f"This happened to teachers[{name!r}].")
            raise
        ranked.append(quality)
    ranked.sort(key=lambda teacher: teacher.scores[measures.ranked_by].value)
    duplicate_share = None if groups is not None else share_of_duplicates(X, folds)
    advice = measures.advise(ranked, targets, duplicate_share)
    return TeacherComparison(ranked, candidates, advice, len(folds), measures)


def _measures_of(teachers):
    """Return what is measured: of numbers if all teachers are regressors; raise if only some."""
    predict_numbers = {name: predicts_numbers(teacher) for name, teacher in teachers.items()}
    if all(predict_numbers.values()):
        return NumberMeasures
    regressors = [name for name, numbers in predict_numbers.items() if numbers]
    if regressors:
        others = [name for name, numbers in predict_numbers.items() if not numbers]
        raise TypeError(
            "teachers must be all classifiers or all regressors, which have no score in common; "
            f"{regressors} are regressors, {others} are not. Compare them in two calls, or only "
            "those that suit y."
        )
    return ProbabilityMeasures


def _check_candidate(name, teacher, measures):
    """Raise unless a teacher can predict what is measured."""
    if not isinstance(name, str):
        raise TypeError(f"The names in teachers must be strings; got {name!r}. Use {str(name)!r}.")
    try:
        measures.check_teacher(name, teacher)
    except TypeError as error:
        raise TypeError(f"teachers[{name!r}]: {error}") from error
