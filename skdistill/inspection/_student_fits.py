"""Fit a student in several ways on the same rows: distilled, to labels alone, to pseudo-labels."""

import time
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.frozen import FrozenEstimator

from .._base._training_data import FitArguments
from .._base._training_weights import without_training_weights
from .._teachers._sample_weight import fit_teacher, weight_params
from .._utils._concatenate import stack_rows
from .._utils._random_state import seeded_clones
from .._utils._rows import copied
from ._failures import described
from ._student_twins import ends_in_search, tuned_twin

DISTILLED, LABELS, PSEUDO_LABELS = "distilled", "labels alone", "pseudo-labels"
NAMES = {DISTILLED: "{}", LABELS: "{} (labels)", PSEUDO_LABELS: "{} (pseudo-labels)"}
CHOSE_LABELS = (
    '(alpha|unlabeled_weight)="auto" chose 0'  # a warning for a single fit, and a result here
)


class Fit(NamedTuple):
    """A fitted model, the seconds that it took, and how it came about; or why it failed."""

    model: object = None
    seconds: float = float("nan")
    tuning: str = ""
    setting: str = ""  # that the tuning chose, where it is not the given one
    alpha: float = float("nan")
    unlabeled_weight: float = float("nan")  # of rows without labels, if there are any
    failure: str = ""


class TeacherFit(NamedTuple):
    """A teacher fitted on all training rows, the seconds of that, and those of cross-fitting it."""

    model: object
    seconds: float
    cross_fit_seconds: float


class StudentFitter(NamedTuple):
    """Fits the teacher and the students of a comparison."""

    teacher: object  # unfitted, or frozen
    task: object
    scoring: str  # the score of the task by which twins are tuned
    weights: dict  # alpha and unlabeled_weight of the distilled students, as given
    memory: object  # folder of the teacher cache, which the students share
    n_jobs: int | None
    seed: int | None

    def fit_teacher(self, training):
        """Cross-fit the teacher, which fills the cache for all students; then fit it on all rows.

        The default student is checked here, but not fitted.
        """
        start = time.perf_counter()
        distilled = self._distilled(None)
        inputs = distilled._validate(_arguments(training), _groups(training))
        distilled._predict_teacher_proba(inputs)
        cross_fitted = time.perf_counter()
        (teacher,) = seeded_clones(self.seed, self.teacher)
        if not isinstance(teacher, FrozenEstimator):
            params = weight_params(teacher, training.weight, "the weights count in its scores only")
            fit_teacher(teacher, copied(training.X), training.y, params)
        seconds = time.perf_counter() - cross_fitted
        return TeacherFit(without_training_weights(teacher), seconds, cross_fitted - start)

    def fit_student(self, student, training, pseudo_labels=None):
        """Return {how: Fit} of a student; failures are reported there.

        A search is distilled with the setting that is best for the labels alone.
        """
        start = time.perf_counter()
        try:
            # The seed that it gets beside the teacher, so that all of its fits have the same.
            _, student = seeded_clones(self.seed, self.teacher, student)
            self.task.check_student(student)
            twin = tuned_twin(student, training, self.task, self.scoring)
        except Exception as error:
            hows = (DISTILLED, LABELS) if pseudo_labels is None else NAMES
            return dict.fromkeys(hows, Fit(failure=described(error)))
        seconds = time.perf_counter() - start
        of_labels = _attempt(lambda: Fit(twin.fit(training)))
        found = {
            DISTILLED: _attempt(lambda: self._distil(twin.student, training)),
            LABELS: of_labels._replace(
                seconds=seconds + of_labels.seconds,
                tuning=twin.tuning,
                setting=", ".join(f"{name}={value}" for name, value in twin.setting.items()),
            ),
        }
        if pseudo_labels is not None:
            more = _with_pseudo_labels(training, pseudo_labels)
            found[PSEUDO_LABELS] = _attempt(lambda: Fit(twin.fit(more)))
        return found

    def fit_again(self, student, how, training):
        """Return a student fitted in one way, distilled or to the labels, on other rows."""
        _, student = seeded_clones(self.seed, self.teacher, student)
        if how == DISTILLED and not ends_in_search(student):
            return self._distil(student, training).model
        twin = tuned_twin(student, training, self.task, self.scoring)
        return twin.fit(training) if how == LABELS else self._distil(twin.student, training).model

    def _distil(self, student, training):
        """Return a distilled student with the weights that were chosen for it."""
        distilled = self._distilled(student)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=CHOSE_LABELS, category=UserWarning)
            distilled.fit(
                training.X, training.y, training.weight, X_unlabeled=training.X_unlabeled,
                **_groups(training),
            )  # fmt: skip
        fit = Fit(distilled.student_, alpha=distilled.alpha_)
        if training.X_unlabeled is None:
            return fit
        return fit._replace(unlabeled_weight=distilled.unlabeled_weight_)

    def _distilled(self, student):
        """Return the estimator that distils the teacher into a student."""
        return self.task.distilled(
            self.teacher, student, **self.weights, memory=self.memory, n_jobs=self.n_jobs,
            random_state=self.seed,
        )  # fmt: skip


def _attempt(fit):
    """Return the Fit of a function with the seconds that it took, or the failure."""
    start = time.perf_counter()
    try:
        found = fit()
    except Exception as error:
        return Fit(failure=described(error))
    seconds = time.perf_counter() - start
    return found._replace(model=without_training_weights(found.model), seconds=seconds)


def _arguments(training):
    """Return training rows as the arguments of `fit`."""
    return FitArguments(training.X, training.y, training.weight, None, training.X_unlabeled, None)


def _groups(training):
    """Return the groups as a parameter of `fit`, if there are any."""
    return {} if training.groups is None else {"groups": training.groups}


def _with_pseudo_labels(training, pseudo_labels):
    """Return labelled rows followed by the unlabelled ones with the teacher's labels."""
    weight = training.weight
    if weight is not None:
        weight = np.append(weight, np.full(len(pseudo_labels), training.mean_weight))
    return training._replace(
        X=stack_rows(training.X, training.X_unlabeled),
        y=np.append(training.y, pseudo_labels),
        weight=weight,
        groups=None,
        X_unlabeled=None,
    )
