"""Compare small models, distilled and from the labels alone, in quality and cost."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from numbers import Integral
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_consistent_length, check_random_state, indexable

from .._teachers._cache import cache_folder, teacher_key
from .._utils._concatenate import check_same_columns
from .._utils._groups import group_codes, make_folds
from .._utils._labels import check_classes, check_labels
from .._utils._rows import refuse_partitions
from .._utils._typing import ArrayLike, Estimator, Rows
from .._utils._validation import (
    check_alpha,
    check_bool,
    check_row_weights,
    check_unlabeled_weight,
)
from ..students._predictions import predicts_numbers
from ._class_task import ClassTask
from ._evaluated_rows import EvaluatedRows, checked_values, grouping
from ._folds import make_checked_folds
from ._halved_rows import HalvedFits
from ._number_task import NumberTask
from ._resampling import FoldReplicates, RowReplicates
from ._student_comparison import COMPILED, StudentComparison, check_budget
from ._student_figures import Scores
from ._student_fits import NAMES, StudentFitter
from ._student_progress import FitProgress
from ._student_rows import compared_models
from ._student_runs import (
    TEACHER,
    fit_models,
    predict_models,
    predict_out_of_fold,
    predict_test_rows,
    predict_tested_rows,
)
from ._training_rows import TrainingRows

N_BOOTSTRAP = 1000


def compare_students(
    students: Mapping[str, Estimator],
    teacher: Estimator,
    X: Rows,
    y: ArrayLike,
    *,
    X_test: Rows | None = None,
    y_test: ArrayLike | None = None,
    X_unlabeled: Rows | None = None,
    groups: ArrayLike | None = None,
    groups_test: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    segments: Any = None,
    sensitive: Any = None,
    cv: Any = 5,
    budget: dict[str, float] | None = None,
    scoring: str | None = None,
    alpha: float | Literal["auto"] = "auto",
    unlabeled_weight: float | Literal["auto"] = "auto",
    memory: Any = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = None,
    learning_curve: bool = False,
    verbose: int = 0,
) -> StudentComparison:
    """Compare students in quality and cost, each distilled and fitted to the labels alone.

    It answers two questions: which small model to ship, and does distilling pay?

    Each student is fitted in two ways on the same rows. One fit is distilled, by the default of
    :class:`skdistill.DistilledClassifier` or :class:`skdistill.DistilledRegressor`. The other, its
    twin, is fitted to the labels alone, and tuned. With `X_unlabeled` there is a third fit of each
    classifier, to hard pseudo-labels. The teacher is cross-fitted once for all students.

    Parameters
    ----------
    students : dict of str to estimator
        The candidates, all classifiers or all regressors; Pipelines, too. A search is distilled
        with the setting that is best for the labels alone. None of them is changed.

    teacher : estimator
        Any estimator of the same kind, a classifier with `predict_proba` or a regressor. It is
        cloned and cross-fitted, a fitted one, too. The row "teacher" has the scores and costs of a
        clone fitted on all rows of X (without `X_test`, the scores are those of clones fitted on
        the outer folds), not of the model that was given. A ``sklearn.frozen.FrozenEstimator`` is
        used as it is, and the row is that very model: then it must not have seen these rows.

    X : array-like, sparse matrix or dataframe of shape (n_samples, n_features)
        Rows to fit on. Without `X_test` they are evaluated, too: each outer fold is predicted by
        models fitted on the others.

    y : array-like of shape (n_samples,)
        Their true labels. For regressors, their values.

    X_test : array-like, sparse matrix or dataframe of shape (n_test, n_features), default=None
        Rows to evaluate on, which no model has seen. All models are then fitted once, on X.

    y_test : array-like of shape (n_test,), default=None
        True labels, or values, of `X_test`.

    X_unlabeled : array-like, sparse matrix or dataframe of shape (n_unlabeled, \
n_features), default=None
        Unlabelled rows. They are rows of no fold, and the teacher labels them.

    groups : array-like of shape (n_samples,), default=None
        Group of each row, such as a person with many rows. Folds hold whole groups. Those of
        `X_test` are `groups_test`.

    groups_test : array-like of shape (n_test,), default=None
        Group of each row of `X_test`. Whole groups are then resampled, which gives cluster-robust
        standard errors, and there is no bound on the disagreement with the teacher, which needs
        independent rows. By default rows of `X_test` count as independent. With fewer than 10
        groups there are no standard errors.

    sample_weight : array-like of shape (n_samples,), default=None
        Weight of each row; 1 by default. It is used by the models that take it, and without
        `X_test` in every score; rows of `X_test` have equal weights.

    segments : str or array-like of shape (n_evaluated,), default=None
        Column whose values are segments of the evaluated rows, such as a region. Give the name of a
        column of X, or an entry for each evaluated row. These are the rows of `X_test`, or of X if
        there is no `X_test`. The worst segment with at least 50 rows is reported for each model.

    sensitive : str or array-like of shape (n_evaluated,), default=None
        Protected column, given like `segments`. The difference between its groups in the score and
        in the mean prediction is reported for each model.

    cv : int, splitter or iterable, default=5
        Folds, as in scikit-learn (None is 5), at least two. These are the outer folds; they are
        not used with `X_test`.

    budget : dict, default=None
        Largest allowed costs, as in ``{"kB": 50, "ms_per_1000": 1}``; the names are "kB",
        "us_per_row" and "ms_per_1000", and the same after `onnx_` for models compiled to ONNX. It
        is used by `best`, the sentences and the display.

    scoring : str, default=None
        The score that ranks, and that twins are tuned by: "neg_log_loss", "neg_brier_score",
        "accuracy" or, for two classes, "roc_auc"; for numbers "neg_mean_squared_error" or "r2".
        None is the first of each.

    alpha : float in [0, 1] or "auto", default="auto"
        Weight of the teacher in the targets: alpha · teacher + (1 − alpha) · one-hot label. 1 uses
        the teacher alone; 0 is ordinary training, without a teacher if there are no unlabelled
        rows. "auto" chooses from the data. It is that of each distilled student. To compare a
        number with "auto", compare twice with the same `memory`.

    unlabeled_weight : float or "auto", default="auto"
        Weight of a row without a label, of `X_unlabeled`, relative to the mean weight of a labelled
        row. 0 leaves these rows out. "auto" chooses 0, 0.2 or 1 from the data. It is that of each
        distilled student; a number needs `X_unlabeled`.

    memory : str, path, joblib.Memory or None, default=None
        Folder of a cache for the predictions of fold teachers, as in
        :class:`skdistill.DistilledClassifier`. With None, a temporary one is used and deleted.

    n_jobs : int, default=None
        Number of jobs for fitting teachers, as in joblib. The fits on the folds inside each
        distilled student use them, too.

    random_state : int, RandomState instance or None, default=None
        Seed of all random steps. It seeds every `random_state` of the estimators that is None, and
        the resamples of test rows.

    learning_curve : bool, default=False
        Whether to estimate what more rows would bring. The best student within the budget is fitted
        again on half of the labelled rows, and on half of the unlabelled ones. This takes two more
        fits, and cross-fits the teacher on the halves.

    verbose : int, default=0
        If positive, print progress and the time of fits. For each student, and the teacher, it
        prints a line when it is fitted, with the reason if that failed.

    Returns
    -------
    StudentComparison
        Print it, show it in a notebook, or write it by `to_html()`. It has `best(budget)`,
        `frontier()`, `to_frame()`, `sentences`, and the fitted `models` to ship.

    Raises
    ------
    ValueError
        If there are no students, or if two rows of the table would have the same name. If the score
        is not defined for these models. If only one of `X_test` and `y_test` is given, or if
        `groups_test` is given without them or has not one entry for each of their rows. If
        `X_unlabeled` has other columns than X. If `alpha` or `unlabeled_weight` is outside its
        range, or if `unlabeled_weight` is a number without `X_unlabeled`. If `budget` is not a dict
        of positive limits. If folds give no unbiased score.

    TypeError
        If `students` is not a dict, if it mixes classifiers and regressors, or if the teacher is
        of another kind.

    Warns
    -----
    UserWarning
        If a teacher or a student takes no `sample_weight` that was given.

    See Also
    --------
    compare_teachers : The same question for teachers.
    distillation_report : One student in more detail, on test rows.
    StudentComparisonDisplay : A picture of the result.

    Notes
    -----
    A student whose fit fails is reported in its row, with the reason; the others go on.

    The twin of a search is that search. Other students of a registered class are tuned by a grid of
    at most eight settings, the given one first, in 3 folds of the training rows. No setting makes a
    student larger. For trees and forests, the grid shrinks leaves to their ancestors
    (:func:`skdistill.students.shrink_leaves`); for trees, it has fewer leaves, too. Students
    without a grid are called "untuned". The distilled student has the given setting, so that tuning
    favours its twin.

    The share of the teacher's lead is (distilled − twin) / (teacher − twin) in the score that
    ranks. It is left out where the lead is below two standard errors: the ratio would be noise. It
    is left out, too, where the weights give the teacher no part (`alpha` 0 and no unlabelled rows):
    a difference to the twin then comes from settings or shrunk leaves.

    Without `X_test`, standard errors leave out each outer fold in turn (the jackknife), and
    intervals are those of Student's t. With it they come from 1000 resamples of the test rows, or
    of their groups, the same for all models. Differences are paired. The models to ship, whose cost
    is measured, are fitted on all rows of X. With folds, the scores are those of models fitted on
    fewer rows.

    With `X_test`, "differs from the teacher on at most x % of rows" is the exact upper bound of the
    binomial distribution at 95 % (Clopper and Pearson, 1934). It is a statement on the two fitted
    models, for rows drawn like those of `X_test`.

    The teacher compiled to ONNX is a row, too. This needs onnxruntime and skl2onnx (onnxmltools for
    XGBoost and LightGBM). If the teacher is not converted, the row says why.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdistill.datasets import make_gaussian_classes
    >>> from skdistill.inspection import compare_students
    >>> X, y, _ = make_gaussian_classes(600, n_features=4, n_classes=2, random_state=0)
    >>> students = {
    ...     "tree": DecisionTreeClassifier(max_leaf_nodes=16),
    ...     "linear": LogisticRegression(),
    ... }
    >>> teacher = RandomForestClassifier(50, min_samples_leaf=5)
    >>> comparison = compare_students(
    ...     students, teacher, X[:300], y[:300], X_test=X[300:], y_test=y[300:], random_state=0
    ... )
    >>> comparison.best(budget={"kB": 50}) in ("linear", "linear (labels)")
    True
    """
    refuse_partitions(
        "compare_students", X=X, y=y, X_test=X_test, y_test=y_test, X_unlabeled=X_unlabeled
    )
    check_students(students)
    check_bool("learning_curve", learning_curve)
    budget = check_budget(budget)
    weights = _checked_weights(alpha, unlabeled_weight, X_unlabeled)
    y, task = task_of(students, y)
    score = _checked_scoring(scoring, task)
    check_teacher(teacher, task)
    training = _training_rows(X, y, sample_weight, groups, X_unlabeled)
    seed = _seed(random_state)
    plan = _Plan(training, task, seed, {"segments": segments, "sensitive": sensitive})
    if X_test is None and y_test is None:
        _check_no_test_groups(groups_test)
        folds = _outer_folds(cv, training, task)
        evaluated = plan.tested_rows(folds)
    else:
        folds = None
        evaluated = plan.test_rows(X_test, y_test, groups_test)
    task.check_evaluated(score, evaluated.y)
    progress = FitProgress(bool(verbose))
    with _teacher_cache(memory, teacher) as folder:
        fitter = StudentFitter(teacher, task, score, weights, folder, n_jobs, seed)
        shipped = fit_models(fitter, students, training, progress)
        if folds is None:
            predictions = predict_models(task, shipped, evaluated.X, y)
            predict_again = partial(predict_test_rows, task, training, evaluated.X)
        else:
            predictions = predict_out_of_fold(fitter, students, training, folds, progress)
            predict_again = partial(predict_tested_rows, task, training, folds)
        scores = Scores.of(predictions.found, evaluated, task, score)
        rows = compared_models(shipped, predictions, scores)
        notes = [*_notes(evaluated, shipped.teacher), *_on_test_groups(evaluated, training)]
        comparison = StudentComparison(rows, score, scores.paired, budget, weights, notes)
        if learning_curve and (chosen := comparison.chosen()):
            fits = HalvedFits(fitter, training, scores, predict_again)
            comparison.halved = fits.of(chosen.student, students[chosen.student], chosen.how)
    return comparison


def _checked_weights(alpha, unlabeled_weight, X_unlabeled):
    """Return the weights of the distilled students as parameters; raise for what they are not."""
    weight = check_unlabeled_weight(unlabeled_weight, auto=True)
    if weight != "auto" and X_unlabeled is None:
        raise ValueError(
            f"unlabeled_weight={unlabeled_weight!r} is the weight of rows without labels, and "
            'there are none. Give such rows as X_unlabeled, or leave unlabeled_weight="auto".'
        )
    return {"alpha": check_alpha(alpha, auto=True), "unlabeled_weight": weight}


def check_students(students):
    """Raise unless students are a dict of estimators with names of their own."""
    if not isinstance(students, Mapping):
        raise TypeError(
            "students must be a dict of names and estimators, so that no name is used twice; got "
            f"{type(students).__name__}. Write {{'tree': DecisionTreeClassifier(), ...}}."
        )
    if not students:
        raise ValueError("students is empty: there is nothing to compare. Give at least one.")
    for name, student in students.items():
        if not isinstance(name, str):
            raise TypeError(
                f"The names in students must be strings; got {name!r}. Use {str(name)!r}."
            )
        if isinstance(student, type) or not hasattr(student, "fit"):
            raise TypeError(f"students[{name!r}] must be an estimator; got {student!r}.")
        if isinstance(student, FrozenEstimator):
            raise TypeError(
                f"students[{name!r}] is frozen, and students are fitted. Pass the estimator "
                "inside it."
            )
    taken = [TEACHER, COMPILED]
    taken += [form.format(name) for name in students for form in NAMES.values()]
    twice = [name for name in taken if taken.count(name) > 1]
    if twice:
        raise ValueError(f"Two rows of the table would be called {twice[0]!r}: rename a student.")


def task_of(students, y):
    """Return checked labels or values, and the task that all students have."""
    kinds = {name: _kind(student) for name, student in students.items()}
    for name, kind in kinds.items():
        if kind is None:
            raise TypeError(
                f"students[{name!r}] must be a classifier or a regressor; got {students[name]!r}."
            )
    if len(set(kinds.values())) > 1:
        raise TypeError(
            f"students must be all classifiers or all regressors; got {kinds}. Compare them in "
            "two calls: their scores are different."
        )
    if "regressor" in kinds.values():
        return checked_values(y, "y"), NumberTask()
    y = check_labels(y)
    classes = check_classes(y)
    if len(classes) < 2:
        raise ValueError(
            f"y has one class only, {classes.tolist()}. Give rows of at least two classes."
        )
    return y, ClassTask(classes)


def _kind(student):
    """Return "classifier", "regressor" or None."""
    if is_classifier(student):
        return "classifier"
    return "regressor" if predicts_numbers(student) else None


def _checked_scoring(scoring, task):
    """Return the name of the score; raise if it is not one of the task."""
    scoring = task.default_scoring if scoring is None else scoring
    if not isinstance(scoring, str) or scoring not in task.scorings:
        raise ValueError(
            f"scoring must be None or one of {list(task.scorings)} for a {task.kind}; got "
            f"{scoring!r}."
        )
    task.check_scoring(scoring)
    return task.scorings[scoring]


def check_teacher(teacher, task):
    """Raise unless the teacher is of the kind of the students."""
    if hasattr(teacher, "__sklearn_tags__") and _kind(teacher) not in (task.kind, None):
        raise TypeError(
            f"The students are {task.kind}s, and the teacher is a {_kind(teacher)}: {teacher!r}. "
            f"Give a {task.kind} as teacher."
        )
    task.check_teacher(teacher)


def _training_rows(X, y, sample_weight, groups, X_unlabeled):
    """Return checked rows to fit on."""
    X, X_unlabeled = (indexable(each)[0] for each in (X, X_unlabeled))
    check_consistent_length(X, y, sample_weight, groups)
    if X_unlabeled is not None:
        check_same_columns(X_unlabeled, X)
    weight = None if sample_weight is None else check_row_weights(sample_weight, len(y))
    return TrainingRows(X, y, weight, group_codes(groups, len(y)), X_unlabeled)


def _outer_folds(cv, training, task):
    """Return the outer folds; raise if they give no unbiased score."""
    X, y, groups = training.X, training.y, training.groups
    if task.kind == "classifier":
        return make_checked_folds(cv, X, y, groups, training.weight)
    if isinstance(cv, str):
        raise ValueError(f"cv must be a number of folds, a splitter or an iterable; got {cv!r}.")
    folds = make_folds(5 if cv is None else cv, X, y, {"groups": groups}, by_class=False)
    if len(folds) < 2:
        raise ValueError(
            f"cv must have at least 2 folds, to estimate errors over them; got {len(folds)}."
        )
    return folds


def _seed(random_state):
    """Return an integer, which all fits get, or None: a generator would differ from fit to fit."""
    if random_state is None or isinstance(random_state, Integral):
        return random_state
    return int(check_random_state(random_state).randint(2**31 - 1))


class _Plan(NamedTuple):
    """What the rows that are evaluated are made from."""

    training: TrainingRows
    task: Any
    seed: int | None
    columns: dict  # segments and sensitive, as they were given

    def tested_rows(self, folds):
        """Return the tested rows of the outer folds, fold after fold."""
        training = self.training
        tested = np.concatenate([test for _, test in folds])
        fold_of = np.repeat(np.arange(len(folds)), [len(test) for _, test in folds])
        groupings = {
            name: None if each is None else each.take(tested)
            for name, each in self._groupings(training.X).items()
        }
        return EvaluatedRows(
            training.X, self.task.targets(training.y)[tested], training.row_weight[tested],
            FoldReplicates(fold_of), is_test=False, **groupings,
        )  # fmt: skip

    def test_rows(self, X_test, y_test, groups):
        """Return the test rows."""
        if X_test is None or y_test is None:
            lacking = "X_test" if X_test is None else "y_test"
            raise ValueError(f"Test rows need both X_test and y_test; {lacking} is missing.")
        (X_test,) = indexable(X_test)
        check_consistent_length(X_test, y_test)
        y = self.task.check_test(y_test)
        groups = group_codes(groups, len(y), name="groups_test")
        replicates = RowReplicates(N_BOOTSTRAP, self.seed, groups)
        return EvaluatedRows(
            X_test, y, np.ones(len(y)), replicates, is_test=True, has_groups=groups is not None,
            **self._groupings(X_test),
        )  # fmt: skip

    def _groupings(self, X):
        """Return the columns that split the rows into groups."""
        return {name: grouping(each, X, name=name) for name, each in self.columns.items()}


@contextmanager
def _teacher_cache(memory, teacher):
    """Yield the folder of the teacher cache; a temporary one is deleted at the end."""
    cache_folder(memory)  # raises for what is no folder
    if not isinstance(teacher, FrozenEstimator):
        try:
            teacher_key(teacher)
        except TypeError as error:
            error.add_note("compare_students needs this: all students share one teacher's cache.")
            raise
    if memory is not None:
        yield memory
        return
    with tempfile.TemporaryDirectory(prefix="skdistill-") as folder:
        yield folder


def _notes(evaluated, teacher):
    """Return sentences on how the figures were made."""
    rows = f"{len(evaluated.y):,} {'test rows' if evaluated.is_test else 'rows, out of fold'}"
    return [
        f"{rows}; {evaluated.replicates}.",
        f"Cross-fitting the teacher took {teacher.cross_fit_seconds:.1f} s, once for all students.",
    ]


def _on_test_groups(evaluated, training):
    """Say what the standard errors ignore where only the training rows have groups."""
    if evaluated.is_test and training.groups is not None and not evaluated.has_groups:
        yield (
            "The standard errors count test rows as independent: if they have groups, as the "
            "training rows do, give groups_test."
        )


def _check_no_test_groups(groups):
    """Raise for groups of test rows where there are none."""
    if groups is not None:
        raise ValueError(
            "groups_test are the groups of X_test, which is missing. Give X_test and y_test, or "
            "the groups of X as groups."
        )
