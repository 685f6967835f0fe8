"""Every legal parameter value gives the correct fit, or an error before anything is fitted.

Students and parameters are read from the registry and from scikit-learn, so that new ones are
tested automatically. The reference is an explicit expansion (`by_hand.py`), for soft labels of two
and three classes with row weights, a constant column and a class that is likely in one row only.
For students fitted by expansion this reference is trivial. So nearly one-hot labels are fitted,
too, where the reference is ordinary training: copies of almost no weight must have no effect.
`exceptions_of_parameters.py` lists the exceptions, with the reason. Values that a booster itself
rejects are skipped.
"""

import linecache
import traceback
import warnings
from contextlib import contextmanager
from importlib import import_module
from inspect import Parameter, signature
from itertools import combinations, product
from typing import NamedTuple

import joblib
import numpy as np
import pytest
import sklearn
from boosters import (
    NOT_TRIED,
    booster_values,
    is_evaluated,
    main_name,
    parameters_of,
    small_booster,
)
from by_hand import balanced_by_hand, fit_by_hand, fit_weighted
from exceptions_of_parameters import REASONS_OF_NEARLY_HARD_LABELS, reason_not_equal
from parameters import legal_values
from sklearn.base import clone
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.utils import all_estimators

from skdistill import SoftLabels, fit_soft_labels
from skdistill._utils._sample_weight import takes_sample_weight
from skdistill.students._capabilities import DataSummary
from skdistill.students._registry import FITTERS, check_student

BOOSTERS = ("xgboost", "lightgbm", "catboost")

# Parameters that decide how a student learns: in the slow tests they meet every other one.
SELECTORS = (
    *("solver", "class_weight", "early_stopping", "penalty", "l1_ratio", "C", "dual", "loss"),
    *("warm_start", "criterion", "bootstrap", "average", "objective", "loss_function"),
    *("boosting", "booster", "tree_method", "multi_strategy", "data_sample_strategy"),
    *("early_stopping_rounds", "early_stopping_round", "od_type"),
    *("class_weights", "auto_class_weights", "scale_pos_weight", "bootstrap_type", "grow_policy"),
)

# Small students that reach their optimum, where they have one.
SMALL = {"n_estimators": 3, "random_state": 0}
SMALL_OF = {
    "LogisticRegression": {"tol": 1e-8, "max_iter": 5000},
    "LogisticRegressionCV": {
        **{"tol": 1e-8, "max_iter": 5000, "Cs": [0.1, 10.0], "cv": 3, "l1_ratios": (0.0,)},
        "use_legacy_attributes": False,
    },
    "HistGradientBoostingClassifier": {
        **{"max_iter": 6, "max_depth": 3, "min_samples_leaf": 1, "learning_rate": 0.5},
        **{"n_iter_no_change": 1, "validation_fraction": 0.3},  # so that it stops early
    },
    "NuSVC": {"max_iter": 10_000, "tol": 1e-6},
    "SVC": {"max_iter": 10_000},  # without a bound it never ends for C=inf
    "MLPClassifier": {"hidden_layer_sizes": (3,), "max_iter": 10},
    "MLPRegressor": {"hidden_layer_sizes": (3,), "max_iter": 10},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
    "SGDClassifier": {"loss": "log_loss", "alpha": 0.1, "max_iter": 30, "tol": None},
    "Perceptron": {"penalty": "l2", "alpha": 0.1, "eta0": 0.01, "max_iter": 5, "tol": None},
    "DecisionTreeClassifier": {"max_depth": 3},
    "ExtraTreeClassifier": {"max_depth": 3},
    "ExtraTreesClassifier": {"max_depth": 3},
    "RandomForestClassifier": {"max_depth": 3},
}

TOLERANCE = {
    "LinearDiscriminantAnalysis": 1e-3,  # by hand its weights are rounded
    "LogisticRegression": 1e-4,
    "LogisticRegressionCV": 1e-4,
    "QuadraticDiscriminantAnalysis": 1e-3,  # by hand its weights are rounded
    "SGDClassifier": 0.1,  # its steps come in another order
}


RIGHT = ("equal", "refused", "listed", "invalid")

# Too slow, or too much their own, to meet every value in `make test`.
SLOW = ("CalibratedClassifierCV", "LogisticRegressionCV", "Perceptron", "SGDClassifier")

# Registered students that learn by expansion all the same.
BY_EXPANSION = (MLPClassifier,)
# Labels that are all but hard are no ordinary training for trees, which split leaves with copies of
# hardly any weight further, nor for descent, which takes a step for each copy.
NO_LIMIT = (
    *("DecisionTreeClassifier", "ExtraTreeClassifier", "ExtraTreesClassifier", "Perceptron"),
    *("RandomForestClassifier", "SGDClassifier"),
)

# Pairs of parameters that meet in `make test`: what went wrong once, and what is close to it.
FAST_PAIRS = {
    "CatBoostClassifier": [
        *(("loss_function", "auto_class_weights"), ("class_weights", "early_stopping_rounds")),
        ("auto_class_weights", "early_stopping_rounds"),
    ],
    "DecisionTreeClassifier": [("class_weight", "min_samples_leaf")],
    "HistGradientBoostingClassifier": [("class_weight", "early_stopping")],
    "LGBMClassifier": [("class_weight", "early_stopping_round"), ("class_weight", "objective")],
    "LinearDiscriminantAnalysis": [("priors", "solver"), ("shrinkage", "solver")],
    "LogisticRegression": [("C", "solver"), ("class_weight", "solver")],
    "QuadraticDiscriminantAnalysis": [("reg_param", "solver"), ("shrinkage", "solver")],
    "RandomForestClassifier": [("class_weight", "bootstrap")],
    "XGBClassifier": [("scale_pos_weight", "early_stopping_rounds")],
}


def fast_pairs(cls):
    """Return the pairs of parameters that meet in `make test` and that this version has."""
    pairs = FAST_PAIRS.get(cls.__name__, ())
    if package_of(cls) in BOOSTERS:
        return pairs
    return [pair for pair in pairs if signature(cls).parameters.keys() >= set(pair)]


class Case(NamedTuple):
    """A small student with some parameters set, for so many classes."""

    student_class: type
    params: dict
    n_classes: int

    def __str__(self):
        params = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"{self.student_class.__name__}({params}), {self.n_classes} classes"

    def student(self):
        if package_of(self.student_class) in BOOSTERS:
            return small_booster(self.student_class, self.params)
        legal = signature(self.student_class).parameters
        own = {name: value for name, value in SMALL.items() if name in legal}
        return self.student_class(
            **{**own, **SMALL_OF.get(self.student_class.__name__, {}), **self.params}
        )

    def fit_params(self):
        """Return an evaluation set for boosters whose parameters speak of one."""
        if package_of(self.student_class) not in BOOSTERS:
            return {}
        if not is_evaluated(self.student_class, self.params):
            return {}
        X, labels = soft_problem(self.n_classes, seed=1)
        quiet = {} if package_of(self.student_class) == "lightgbm" else {"verbose": False}
        return {"eval_set": [(X, labels.argmax_labels())], **quiet}


def package_of(student_class):
    return student_class.__module__.partition(".")[0]


def soft_problem(n_classes, seed=0):
    """Return rows with a constant column, and soft labels; the last of three classes is rare."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 2, size=(40, 3))
    X[:, 2] = 1
    scores = np.zeros((40, n_classes))
    scores[:, 1] = 3 * (X[:, 0] - X[:, 1])
    scores[:, 2:] = -3
    scores[7, 2:] = 4  # the one row in which it is likely
    P = np.exp(scores + rng.normal(scale=0.5, size=scores.shape))
    return X, SoftLabels(
        P / P.sum(axis=1, keepdims=True), sample_weight=rng.uniform(0.5, 1.5, size=40)
    )


def students():
    """Return the classes under contract, by name: what is registered and needs nothing else."""
    for package in BOOSTERS:
        import_module(f"skdistill.students.{package}")
    packages = ("sklearn", *BOOSTERS)
    found = [cls for cls in FITTERS if package_of(cls) in packages and stands_alone(cls)]
    return sorted(found, key=name_of)


def stands_alone(student_class):
    """Return whether a class needs no other estimator: those are under another contract."""
    parameters = signature(student_class).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind is not Parameter.VAR_KEYWORD]
    return not needed


def others():
    """Return the other classifiers of scikit-learn that take weights, and so learn by expansion."""
    found = [cls for _, cls in all_estimators("classifier") if stands_alone(cls)]
    return [cls for cls in found if cls not in FITTERS and takes_weights(cls())]


def takes_weights(student):
    return takes_sample_weight(student) or takes_sample_weight(student, "partial_fit")


def name_of(value):
    """Return a name for a value in the names of tests."""
    return value.__name__ if isinstance(value, type) else str(value)


def values_of(student_class, n_classes):
    """Return {name: values} of all parameters of a class."""
    if package_of(student_class) in BOOSTERS:
        return booster_values(student_class)
    names = student_class().get_params()
    return {name: legal_values(student_class, name, n_classes) for name in names}


def nearly_hard_problem(n_classes):
    """Return rows, labels that overlap, their weights, and them as all but hard soft labels."""
    rng = np.random.default_rng(2)
    X = rng.uniform(0, 2, size=(60, 3))
    X[:, 2] = 1
    y = (X[:, 0] + rng.normal(scale=0.5, size=60) > 1).astype(int)
    if n_classes == 3:
        y[rng.random(60) < 0.3] = 2
    weight = rng.uniform(0.5, 1.5, size=60)
    P = np.full((60, n_classes), 1e-9)
    P[np.arange(60), y] = 1 - 1e-9 * (n_classes - 1)
    return X, y, weight, SoftLabels(P, sample_weight=weight)


def outcome(case):
    """Return how a case ends: one of `RIGHT`, or what is wrong with it.

    "invalid" is what the student itself refuses: values that are illegal together.
    """
    X, labels = soft_problem(case.n_classes)
    expected = attempt(lambda: fit_by_hand(case.student(), X.copy(), labels, **case.fit_params()))
    found = judge(case, X, labels, expected, TOLERANCE.get(case.student_class.__name__, 1e-5))
    return "listed" if is_excusable(found) and reason_not_equal(case) else found


def outcome_of_nearly_hard_labels(case):
    """Return the same where labels are all but hard, and ordinary training is right."""
    X, y, weight, labels = nearly_hard_problem(case.n_classes)
    expected = attempt(
        lambda: fit_weighted(
            balanced_by_hand(clone(case.student()), labels),
            *(X.copy(), y, weight),
            **case.fit_params(),
        )
    )
    found = judge(case, X, labels, expected, 1e-3)
    reason = reason_not_equal(case, REASONS_OF_NEARLY_HARD_LABELS)
    return "listed" if is_excusable(found) and reason else found


def is_excusable(found):
    """Return whether a reason may excuse an outcome: an error of ours it may not."""
    return found.endswith((" off", "other labels")) or found.startswith("is accepted")


def judge(case, X, labels, expected, tolerance):
    """Compare a student fitted to soft labels with the expected one, or the expected error."""
    with rows_that_are_split() as split:
        found = attempt(
            lambda: fit_soft_labels(case.student(), X.copy(), labels, **case.fit_params())
        )
    if isinstance(found, Exception):
        early = attempt(lambda: check_student(case.student(), DataSummary.of(labels)))
        if isinstance(early, Exception) and is_ours(early):
            return "refused"
        if isinstance(expected, Exception):
            return "invalid"
        if is_ours(found):
            return f"is refused, but not before the teacher is fitted: {str(found)[:200]}"
        return f"ends in {type(found).__name__}: {str(found)[:200]}"
    if isinstance(expected, Exception):
        return f"is accepted, though by hand {type(expected).__name__}: {str(expected)[:200]}"
    if max(split, default=0) > len(X):
        return "splits copies of the rows"
    return difference(found, expected, X, tolerance)


def difference(found, expected, X, tolerance):
    """Return "equal", or how far apart the predictions of two fitted students are."""
    ours, by_hand = (
        attempt(lambda: predictions(found, X)),
        attempt(lambda: predictions(expected, X)),
    )
    if isinstance(by_hand, Exception):
        return "invalid"
    if isinstance(ours, Exception):
        return f"cannot predict: {str(ours)[:200]}"
    if ours.shape != by_hand.shape:
        return f"has predictions of shape {ours.shape}, by hand {by_hand.shape}"
    if ours.dtype.kind in "OU":
        return "equal" if (ours == by_hand).all() else "predicts other labels"
    if not np.allclose(ours, by_hand, rtol=1e-5, atol=tolerance, equal_nan=True):
        return f"is {np.abs(ours - by_hand).max():.2g} off"
    ours, by_hand = measured(found), measured(expected)
    if len(ours) != len(by_hand) or not np.allclose(ours, by_hand, rtol=1e-4, equal_nan=True):
        return f"measures {ours} on rows held out, by hand {by_hand}"
    return "equal"


def measured(model):
    """Return what a booster of scikit-learn has measured on the rows that it holds out."""
    scores = getattr(model, "validation_score_", None)
    return [] if scores is None else list(scores)


def predictions(model, X):
    names = ("predict_proba", "decision_function", "predict")
    return np.asarray(
        next(getattr(model, name) for name in names if hasattr(model, name))(X.copy())
    )


def attempt(function):
    """Return what a function returns, or the error that it raises."""
    try:
        with warnings.catch_warnings(), joblib.parallel_config("threading"):
            warnings.simplefilter("ignore")
            return function()
    except Exception as error:
        return error


def is_ours(error):
    """Return whether a `raise` in skdistill, and nothing below it, raised an error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno)
    return "/skdistill/" in last.filename and line.strip().startswith("raise ")


@contextmanager
def rows_that_are_split():
    """Yield how many rows each splitter of scikit-learn is n_rows_split to split."""
    n_rows_split = []

    def recording(split):
        def record(self, X, *args, **kwargs):
            n_rows_split.append(len(X))
            return split(self, X, *args, **kwargs)

        return record

    with pytest.MonkeyPatch.context() as patch:
        for splitter in (BaseCrossValidator, BaseShuffleSplit):
            patch.setattr(splitter, "split", recording(splitter.split))
        yield n_rows_split


def never_ends(case):
    """Return whether liblinear would not end: without a penalty, before scikit-learn 1.8."""
    is_old = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8)
    params = case.params
    return is_old and params.get("solver") == "liblinear" and params.get("C") == np.inf


def check(cases, outcome=outcome):
    """Raise with all cases that are neither right nor refused nor listed."""
    ends = {str(case): outcome(case) for case in cases if not never_ends(case)}
    wrong = [f"{case} {end}" for case, end in ends.items() if end not in RIGHT]
    assert not wrong, "\n".join(wrong)


def alone(student_class, name, n_classes):
    """Return a case for each value of a parameter."""
    values = values_of(student_class, n_classes)[name]
    return [Case(student_class, {name: value}, n_classes) for value in values]


def paired(student_class, names, n_classes):
    """Return a case for each pair of values of two parameters."""
    values = values_of(student_class, n_classes)
    return [
        Case(student_class, dict(zip(names, pair, strict=True)), n_classes)
        for pair in product(*(values[name] for name in names))
    ]


def fast_cases():
    """Return {(class, names, number of classes): cases} of `make test`.

    Parameters take turns in having two classes and three; of LightGBM's hundreds of names those
    that decide how it learns.
    """
    found = {}
    for cls in STUDENTS:
        if cls.__name__ in SLOW:
            continue
        names = [name for name in values_of(cls, 2) if is_fast(cls, name)]
        for place, name in enumerate(names):
            both = main_name(cls, name) in SELECTORS
            for n_classes in (2, 3) if both else (2 + place % 2,):
                found[cls, (name,), n_classes] = alone(cls, name, n_classes)
        for names, n_classes in product(fast_pairs(cls), (2, 3)):
            found[cls, names, n_classes] = paired(cls, names, n_classes)
    return found


def is_fast(student_class, name):
    main = main_name(student_class, name)
    return package_of(student_class) != "lightgbm" or name == main or main in SELECTORS


def all_cases():
    """Return {(class, names, number of classes): cases}, of pairs of selectors among them."""
    found = {}
    for cls, n_classes in product([*STUDENTS, *others()], (2, 3)):
        names = list(values_of(cls, n_classes))
        for name in names:
            found[cls, (name,), n_classes] = alone(cls, name, n_classes)
        pairs = combinations([name for name in names if name in SELECTORS], 2)
        for pair in [*pairs, *fast_pairs(cls)] if cls in STUDENTS else ():
            found[cls, pair, n_classes] = paired(cls, pair, n_classes)
    return found


def nearly_hard_cases():
    """Return {(class, names, number of classes): cases} for labels that are all but hard."""
    return {
        key: cases
        for key, cases in ALL.items()
        if len(key[1]) == 1 and key[0].__name__ not in NO_LIMIT
    }


def is_fast_nearly_hard(key):
    """Return whether `make test` runs a case: of what learns by expansion, in turns."""
    student_class, (name,), n_classes = key
    place = list(values_of(student_class, 2)).index(name)
    by_expansion = student_class not in STUDENTS or student_class in BY_EXPANSION
    may_expand = by_expansion or name in ("loss_function", "objective")
    return may_expand and n_classes == 2 + place % 2


def key_name(key):
    student_class, names, n_classes = key
    return f"{student_class.__name__}-{'-'.join(names)}-{n_classes}"


STUDENTS = students()
FAST, ALL = fast_cases(), all_cases()
NEARLY_HARD = nearly_hard_cases()
FAST_NEARLY_HARD = [key for key in NEARLY_HARD if is_fast_nearly_hard(key)]
SLOW_NEARLY_HARD = [key for key in NEARLY_HARD if key not in FAST_NEARLY_HARD]


@pytest.mark.parametrize("key", FAST, ids=key_name)
def test_parameters(key):
    check(FAST[key])


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key in ALL if key not in FAST], ids=key_name)
def test_parameters_and_pairs_of_them(key):
    check(ALL[key])


@pytest.mark.parametrize("key", FAST_NEARLY_HARD, ids=key_name)
def test_labels_that_are_all_but_hard(key):
    check(NEARLY_HARD[key], outcome_of_nearly_hard_labels)


@pytest.mark.slow
@pytest.mark.parametrize("key", SLOW_NEARLY_HARD, ids=key_name)
def test_labels_that_are_all_but_hard_for_every_student(key):
    check(NEARLY_HARD[key], outcome_of_nearly_hard_labels)


@pytest.mark.parametrize("student_class", [c for c in STUDENTS if package_of(c) in BOOSTERS])
def test_every_parameter_of_a_booster_has_values_or_a_reason(student_class):
    not_tried = set(" ".join(NOT_TRIED.values()).split())
    tried = {main_name(student_class, name) for name in values_of(student_class, 2)}
    main_names = {main_name(student_class, name) for name in parameters_of(student_class)}
    assert main_names - tried - not_tried == set()
