"""The cases of the contract for students: a student, what it stands in, and its training data."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import combinations, product

import numpy as np
from contracts.sklearn_estimators import Maker, leaves, meta_estimators
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.naive_bayes import GaussianNB

from skdistill.students._registry import FITTERS

N_ROWS, N_FEATURES = 48, 2
# Names of classes in the order of the teacher's columns, which is no sorted one. Text that looks
# like numbers has two orders; booleans are two classes.
# Some students know the labels 0, 1, ... only.
LABELS = {
    "numbers as text": {2: ["10", "9"], 3: ["10", "9", "2"]},
    "text": {2: ["b", "a"], 3: ["b", "a", "c"]},
    "numbers": {2: [30, 20], 3: [30, 20, 10]},
    "codes": {2: [1, 0], 3: [2, 0, 1]},
    "booleans": {2: [True, False]},
}
CLASS_WEIGHTS = ["none", "balanced", "dict"]


@dataclass(frozen=True)
class Problem:
    """Rows, true labels, the probability of each class and the weight of each row."""

    X: np.ndarray
    y: np.ndarray
    proba: np.ndarray  # columns as in `classes`
    classes: np.ndarray  # sorted
    weight: np.ndarray | None

    @property
    def row_weights(self):
        return np.ones(len(self.X)) if self.weight is None else self.weight

    @property
    def class_weight_sums(self):
        return self.row_weights @ self.proba

    def copies(self):
        """Return positions, labels and weights of the copies: one for each row and class."""
        n_rows, n_classes = self.proba.shape
        rows = np.repeat(np.arange(n_rows), n_classes)
        labels = np.tile(self.classes, n_rows)
        weight = (self.row_weights[:, None] * self.proba).ravel()
        some = weight > 0
        return rows[some], labels[some], weight[some]


@dataclass(frozen=True)
class Case:
    """One cell of the contract."""

    student: Maker
    around: tuple[Maker, ...]  # meta-estimators, the outermost first
    labels: str
    weighted: bool
    class_weight: str
    n_classes: int

    @property
    def name(self):
        """The case in words."""
        return f"{self.student_name}: {self.data_name}"

    @property
    def student_name(self):
        """The student and what it stands in."""
        return " of ".join(maker.name for maker in (*self.around, self.student))

    @property
    def data_name(self):
        """What it learns from."""
        parts = [f"{self.n_classes} classes", self.labels, "weights" if self.weighted else ""]
        if self.class_weight != "none":
            parts.append(f"class_weight {self.class_weight}")
        return ", ".join(filter(None, parts))

    @property
    def columns(self):
        """The classes in the order of the teacher's columns."""
        return LABELS[self.labels][self.n_classes]

    @property
    def is_possible(self):
        """Whether there are so many labels of the kind, and class weights where they are set."""
        some = self.n_classes in LABELS[self.labels]
        return some and (self.class_weight == "none" or self.student.has_class_weight)

    def make(self):
        """Return the unfitted student."""
        estimator = self.student.make()
        if self.class_weight == "balanced":
            estimator.set_params(class_weight="balanced")
        elif self.class_weight == "dict":
            estimator.set_params(
                class_weight=dict(zip(self.columns, (4.0, 0.5, 1.0), strict=False))
            )
        for maker in reversed(self.around):
            estimator = maker.make(estimator)
        return estimator

    @cached_property
    def problem(self):
        """The training data, the same for all students."""
        rng = np.random.default_rng(0)
        X = rng.uniform(0, 3, size=(N_ROWS, N_FEATURES))
        columns = np.array(self.columns)
        proba = true_proba(X, self.n_classes)
        y = columns[(proba.cumsum(axis=1) > rng.random((N_ROWS, 1))).argmax(axis=1)]
        weight = rng.integers(0, 4, size=N_ROWS).astype(float) if self.weighted else None
        order = np.argsort(columns)
        return Problem(X, y, proba[:, order], columns[order], weight)

    def teacher(self):
        """Return a teacher that knows the probabilities, with columns in the order of `LABELS`."""
        return TrueProbaTeacher(tuple(self.columns))


def true_proba(X, n_classes):
    """Return probabilities of classes of which the first is far more frequent than the others."""
    slopes = np.array([[0.0, 0.0], [1.3, -0.6], [-0.9, 1.1]])[:n_classes]
    return softmax(X @ slopes.T - np.array([0.0, 2.0, 1.7])[:n_classes], axis=1)


class TrueProbaTeacher(ClassifierMixin, BaseEstimator):
    """A teacher that says the true probabilities whatever it is fitted on."""

    def __init__(self, columns):
        self.columns = columns

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.array(self.columns)
        return self

    def predict_proba(self, X):
        return true_proba(X, len(self.columns))


def students():
    """Return a maker for every student: all of scikit-learn, and all that are registered."""
    for package in FITTERS.optional_packages:
        if package != "interpret":  # not in the environment of tests
            import_module(f"skdistill.students.{package}")
    of_sklearn = [*leaves("classifier"), *leaves("regressor")]
    known = {maker.cls for maker in [*of_sklearn, *meta_estimators()]}
    # Nets need a module. These have test files of their own.
    elsewhere = ("interpret", "skorch", "skdistill")
    others = [cls for cls in FITTERS if cls not in known and package_of(cls) not in elsewhere]
    return of_sklearn + [Maker(cls) for cls in others]


def package_of(cls):
    """Return the name of the package that a class comes from."""
    return cls.__module__.partition(".")[0]


def registered_students():
    """Return an unfitted student of every class of scikit-learn that is registered, by its name."""
    metas = {meta.cls: meta for meta in reversed(meta_estimators())}
    return {
        cls.__name__: metas[cls].make(GaussianNB()) if cls in metas else Maker(cls).make()
        for cls in FITTERS
        if cls.__module__.startswith("sklearn.")
    }


def pairs():
    """Return (student, what stands around it): nothing, and each meta-estimator of its kind."""
    return [
        (student, around)
        for student in students()
        for around in [(), *((meta,) for meta in meta_estimators() if meta.fits(student))]
    ]


def deeper_pairs():
    """Return one student in each meta-estimator in each other."""
    (inner,) = [student for student in students() if student.name == "LogisticRegression"]
    around = [meta for meta in meta_estimators() if meta.fits(inner)]
    return [(inner, both) for both in product(around, around)]


def cases_of(student, around):
    """Return all cases of a student in a meta-estimator."""
    data = product(LABELS, (False, True), CLASS_WEIGHTS, (2, 3))
    cases = [Case(student, around, *each) for each in data]
    return [case for case in cases if case.is_possible]


def pairwise_cover(of_pairs):
    """Return one case for each pair, so that together they show any two settings.

    What a student, a meta-estimator and the settings of the data have been combined with least
    comes next.
    """
    seen = Counter()
    chosen = []
    for student, around in of_pairs:
        best = max(cases_of(student, around), key=lambda case: _news(case, seen))
        seen.update(_combinations(best))
        chosen.append(best)
    return chosen


def _news(case, seen):
    """Return how much a case shows that has not been seen often."""
    return sum(1 / (1 + seen[each]) for each in _combinations(case))


def _combinations(case):
    """Return the pairs of settings that a case shows."""
    data = [case.labels, case.weighted, f"class_weight {case.class_weight}", case.n_classes]
    around = tuple(maker.name for maker in case.around)
    return list(combinations([case.student.name, around, *data], 2))
