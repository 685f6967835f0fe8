"""Compare candidate teachers on rows that they have not seen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_consistent_length, indexable

from .._targets._soft_labels import SoftLabels
from .._teachers._folds import LabelledRows
from .._teachers._frozen import check_frozen
from .._teachers._predict import MulticlassOutput, check_teacher
from .._teachers._sample_weight import weight_params
from .._utils._labels import check_classes, check_labels, class_positions
from .._utils._random_state import seeded_clones
from .._utils._rows import refuse_queries
from .._utils._typing import ArrayLike, Estimator, Rows
from ._advice import advise
from ._folds import make_checked_folds, share_of_duplicates
from ._tables import html_list, html_table, import_pandas, text_table
from ._teacher_quality import MeasuredTeacher, measure_teacher

MEASURES = ("brier", "log_loss", "ece", "accuracy", "sharpness", "optimism")
HEADER = ("teacher", "Brier", "behind", "log-loss", "ECE", "accuracy", "sharpness", "optimism",
          "fit s/1000", "predict s/1000")  # fmt: skip
LEGEND = (
    "Best first, by the Brier score; ± is the standard error over folds. ECE: 15 bins of equal "
    "width over the confidence of the predicted label. Sharpness: mean of Σ p². Optimism: log-loss "
    "out of fold minus log-loss on the training rows."
)


class TeacherComparison:
    """Result of :func:`compare_teachers`: the candidates, best first, and advice.

    Attributes
    ----------
    names : list of str
        The candidates, sorted by their Brier score, the lowest first.

    best_name : str
        Name of the first candidate.

    best_teacher : estimator
        The first candidate, unfitted as it was given: ``DistilledClassifier(best_teacher)``.

    advice : list of str
        Recommendations from the numbers; may be empty.

    n_folds : int
        Number of folds behind the standard errors.

    Examples
    --------
    See :func:`compare_teachers`.
    """

    def __init__(self, ranked, teachers, advice, n_folds):
        self._ranked = ranked
        self._teachers = teachers
        self.advice = advice
        self.n_folds = n_folds

    @property
    def names(self) -> list[str]:
        """The candidates, best first."""
        return [teacher.name for teacher in self._ranked]

    @property
    def best_name(self) -> str:
        """The candidate with the best probabilities."""
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
            Index: the names. Columns: "brier", "log_loss" (nats), "ece", "accuracy",
            "sharpness", "optimism" (nats) and "behind" (Brier score minus that of the
            best, paired over folds), each followed by its standard error over folds
            ("brier_se", ...); "temperature" (of the lowest out-of-fold log-loss),
            "tempered_log_loss" and "tempered_brier" (at that temperature);
            "fit_seconds_per_1000" and "predict_seconds_per_1000" (rows).

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
            rows.append(
                row
                | {
                    "temperature": teacher.temperature,
                    "tempered_log_loss": teacher.scores["tempered_log_loss"].value,
                    "tempered_brier": teacher.scores["tempered_brier"].value,
                    "fit_seconds_per_1000": teacher.fit_seconds,
                    "predict_seconds_per_1000": teacher.predict_seconds,
                }
            )
        return pandas.DataFrame(rows, index=pandas.Index(self.names, name="teacher"))

    def _estimates(self, teacher):
        """Return the scores that have standard errors."""
        scores = {measure: teacher.scores[measure] for measure in MEASURES}
        return scores | {"behind": teacher.scores["brier"] - self._ranked[0].scores["brier"]}

    def _cells(self):
        """Return the table's cells as text."""
        for teacher in self._ranked:
            shown = self._estimates(teacher)
            order = ("brier", "behind", *MEASURES[1:])
            yield (
                teacher.name,
                *(str(shown[measure]) for measure in order),
                f"{teacher.fit_seconds:.2g}",
                f"{teacher.predict_seconds:.2g}",
            )

    def __str__(self):
        parts = [text_table(HEADER, list(self._cells())), f"{LEGEND} {self.n_folds} folds."]
        parts += [f"- {sentence}" for sentence in self.advice]
        return "\n".join(parts)

    def __repr__(self):
        return f"TeacherComparison({self.names}, best first)"

    def _repr_html_(self):
        table = html_table(HEADER, list(self._cells()))
        return f"<div>{table}<p>{LEGEND} {self.n_folds} folds.</p>{html_list(self.advice)}</div>"


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
    """Compare teachers by the probabilities that they give to rows that they have not seen.

    All candidates are fitted on the same folds; none of those passed in is changed.

    Parameters
    ----------
    teachers : dict of str to estimator
        The candidates, classifiers with `predict_proba`. A
        ``sklearn.frozen.FrozenEstimator`` is not refitted; its scores are unbiased only if it
        has not seen these rows.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows to evaluate on. Each fold is predicted by teachers fitted on the others. Any type that
        the teachers support.

    y : array-like of shape (n_samples,)
        Their true labels.

    cv : int, splitter or iterable, default=5
        Folds, as in scikit-learn (None is 5), at least two. An integer means stratified
        folds; with `groups`, ``StratifiedGroupKFold``.

    groups : array-like of shape (n_samples,), default=None
        Group of each row, such as a person with many rows. Folds hold whole groups; a splitter that
        splits one raises. Without groups, repeats of one entity in several folds favour teachers
        that memorise. Standard errors over folds are then over groups. Distil on the same folds:
        give the same `cv` and groups to ``DistilledClassifier``.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default. It is used in every score, and by the teachers that take
        it.

    n_jobs : int, default=None
        Number of jobs for fitting teachers, as in joblib. Times are then those of processes that
        share the machine.

    random_state : int, RandomState instance or None, default=None
        Seed of all random steps. It seeds every `random_state` of the teachers that is None, for
        each teacher as in ``DistilledClassifier``.

    Returns
    -------
    TeacherComparison
        The candidates, best first, with `to_frame()`, `best_name`, `best_teacher` and
        `advice`; printed, a table.

    Raises
    ------
    ValueError
        If there are no teachers, if they have other classes than `y`, if folds share rows,
        split groups, are more than groups, have no weight, or test a class that their training
        rows lack.

    TypeError
        If `teachers` is not a dict, or one of them has no `predict_proba`.

    Warns
    -----
    UserWarning
        If a teacher takes no `sample_weight` that was given.

    See Also
    --------
    skdistill.metrics.brier_loss : The score that ranks.
    skdistill.metrics.expected_calibration_error : ECE and its bins.

    Notes
    -----
    The error of distilling with a teacher p^t is bounded by a variance over 1/N and
    E‖p^t − p*‖² (Menon, Rawat, Reddi, Kim and Kumar, "A statistical perspective on
    distillation", ICML 2021, section 4). On rows that the teacher has not seen the Brier
    score is that squared distance plus a constant that is the same for every teacher; the
    accuracy is not. Hence the order by the Brier score.

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
    - times: wall-clock time of `fit` per thousand training rows, and of `predict_proba` in one
      batch per thousand tested rows.

    Scores are over all out-of-fold predictions together. Standard errors leave out each fold in
    turn (the jackknife); for a mean over equal folds that is the standard deviation over
    √n_folds. Differences are paired over folds, and count as noise inside Student's 95 %
    interval. They are the errors of the tested rows with these fold teachers: training rows
    of the folds overlap, so that another sample would move the scores by more (sharpness the
    most), and folds of a repeated splitter are less independent still.

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
    y = check_labels(y)
    refuse_queries(X=X, y=y, groups=groups, sample_weight=sample_weight)
    X, groups, sample_weight = indexable(X, groups, sample_weight)
    check_consistent_length(X, y, groups, sample_weight)
    classes = check_classes(y)
    labels = SoftLabels.from_labels(y, classes, sample_weight=sample_weight)
    labels.check_several_classes()
    candidates = dict(teachers)
    for name, teacher in candidates.items():
        _check_candidate(name, teacher, classes)
    folds = make_checked_folds(cv, X, y, groups, labels.weight)

    ranked = []
    for name, teacher in candidates.items():
        try:
            (seeded,) = seeded_clones(random_state, teacher)
            fit_params = weight_params(
                teacher, sample_weight, "the weights count in its scores only",
                name=f"teachers[{name!r}], a ",
            )  # fmt: skip
            measured = MeasuredTeacher(seeded, MulticlassOutput(classes), fit_params)
            rows = LabelledRows(X, y)
            quality = measure_teacher(name, measured, rows, folds, labels.weight, n_jobs)
        except Exception as error:
            error.add_note(f"This happened to teachers[{name!r}].")
            raise
        ranked.append(quality)
    ranked.sort(key=lambda teacher: teacher.scores["brier"].value)
    frequencies = labels.class_weight_sums / labels.class_weight_sums.sum()
    advice = advise(
        ranked,
        prior_brier=1 - float(frequencies @ frequencies),
        duplicate_share=None if groups is not None else share_of_duplicates(X, folds),
    )
    return TeacherComparison(ranked, candidates, advice, len(folds))


def _check_candidate(name, teacher, classes):
    """Raise unless a teacher can predict the probabilities of these classes."""
    if not isinstance(name, str):
        raise TypeError(f"The names in teachers must be strings; got {name!r}. Use {str(name)!r}.")
    try:
        check_teacher(teacher)
    except TypeError as error:
        raise TypeError(f"teachers[{name!r}]: {error}") from error
    if not isinstance(teacher, FrozenEstimator):
        return  # it will be fitted on these labels
    known = np.asarray(getattr(teacher, "classes_", classes)).tolist()
    if sorted(class_positions(known, classes)) != list(range(len(classes))):
        raise ValueError(
            f"teachers[{name!r}] is frozen and knows the classes {known}, where y has "
            f"{classes.tolist()}: only teachers of the same classes can be compared. Fit it on the "
            "labels of y, or pass it without FrozenEstimator to have it fitted here."
        )
    check_frozen(teacher, MulticlassOutput(classes))
