"""The table of classes states what each `fit` does with copies of rows, as probes find it."""

import warnings

import numpy as np
import pytest
from imblearn import ensemble as imblearn_ensemble
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from skdistill import SoftLabels, fit_soft_labels
from skdistill._utils._sample_weight import BAGGING_DRAWS, INNER_FITS, takes_sample_weight
from skdistill.students._internal_splits import PROBED, ROW_SPLIT_PARAMS, UNKNOWN, find_split

# Values that switch on what the name of a hint says.
ACTIVE = {
    "batch_size": 1,
    "bootstrap": False,
    "class_weight": "balanced_subsample",
    "early_stopping": True,
    "n_iter_no_change": 3,
    "oob_score": True,
    "probability": True,
}
# The probe finds that copies are not the rows that they copy, and on average they are all the same.
DRAWS_FAIRLY = {
    "BaggingClassifier": "draws copies by their weights, with replacement",
    "RandomForestClassifier": "draws copies by chance, by their weights or weighing what it drew",
}
NOT_PROBED = {
    "Perceptron": "each copy is a step: skdistill feeds it by mini-batches of its own",
    "RidgeClassifierCV": "leaves out one copy at a time, which only its choice of alpha shows",
    "SGDClassifier": "each copy is a step: skdistill feeds it by mini-batches of its own",
}
# The probe looks at predictions, and these parameters need not change them.
OTHER_PROBES = {
    "bootstrap": "test_bagging_without_replacement_loses_the_weights",
    "class_weight": "test_balanced_bags_count_copies_as_tabulated",
    "early_stopping": "test_iterations_are_chosen_by_held_out_copies",
    "n_iter_no_change": "test_iterations_are_chosen_by_held_out_copies",
    "oob_score": "only a score changes: that of copies of rows that were in the bag",
}


def classifiers():
    """Return an instance of each classifier of scikit-learn that takes weights and fits itself."""
    return [
        cls()
        for _, cls in all_estimators(type_filter="classifier")
        if (cls not in INNER_FITS or cls in PROBED) and takes_sample_weight(cls())
    ]


def settled(student):
    """Return a clone with seeds, small, and that can be fitted on the problems below."""
    params = student.get_params()
    ours = {"random_state": 0, "nu": 0.3, "n_estimators": 30, "min_categories": 20}
    ours |= {"cv": 3} if "cv" in params else {}
    return clone(student).set_params(**{name: ours[name] for name in ours.keys() & params.keys()})


def mean_proba(student, X):
    """Return the mean probability of the second class, its frequency among the predictions."""
    if hasattr(student, "predict_proba"):
        return student.predict_proba(X)[:, 1].mean()
    return np.mean(student.predict(X) == 1)


def negligible_copies_change(student):
    """Return by how much copies that weigh next to nothing change what is predicted."""
    X, y = make_classification(
        1200, 5, n_informative=4, n_redundant=0, weights=[0.8], class_sep=0.5, random_state=0
    )
    X, X_test, y = np.abs(X[:400]), np.abs(X[400:]), y[:400]
    rows, labels, weight = SoftLabels(np.eye(2)[y] * (1 - 2e-9) + 1e-9).expand()
    alone = settled(student).fit(X, y)
    expanded = settled(student).fit(X[rows], labels, sample_weight=weight)
    return abs(mean_proba(alone, X_test) - mean_proba(expanded, X_test))


def copies_are_rows(student):
    """Return by how much splitting each row in halves changes the memorised share of a student."""
    X, y = np.eye(120), np.random.default_rng(0).integers(0, 2, 120)
    alone = settled(student).fit(X, y, sample_weight=np.ones(120))
    twice = settled(student).fit(np.r_[X, X], np.r_[y, y], sample_weight=np.full(240, 0.5))

    def by_heart(fitted):
        if hasattr(fitted, "predict_proba"):
            return fitted.predict_proba(X)[np.arange(120), y].mean()
        return np.mean(fitted.predict(X) == y)

    return abs(by_heart(alone) - by_heart(twice))


def probe(student):
    """Return whether a fit splits or draws rows, so that copies are not the rows that they copy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return max(negligible_copies_change(student), copies_are_rows(student)) > 0.1


def test_table_lists_every_weighted_sklearn_classifier():
    assert {type(student) for student in classifiers()} == PROBED.keys()


@pytest.mark.slow
@pytest.mark.parametrize("student", classifiers(), ids=lambda student: type(student).__name__)
def test_each_class_behaves_as_tabulated(student):
    name, listed = type(student).__name__, PROBED[type(student)]
    if name in NOT_PROBED:
        return
    assert probe(student) == (name in DRAWS_FAIRLY or "cv" in listed)
    for parameter, value in ACTIVE.items():
        if parameter not in student.get_params() or parameter in OTHER_PROBES:
            continue
        changed = clone(student).set_params(**{parameter: value})
        assert probe(changed) == (parameter in listed or name in DRAWS_FAIRLY), parameter


def balanced_and_expanded(student):
    """Return the mean probability of a rare class, by labels and by copies of hardly any weight."""
    X, y = make_classification(600, 5, weights=[0.9], class_sep=0.3, random_state=0)
    rows, labels, weight = SoftLabels(np.eye(2)[y] * (1 - 2e-9) + 1e-9).expand()
    alone = clone(student).fit(X, y)
    expanded = clone(student).fit(X[rows], labels, sample_weight=weight)
    return mean_proba(alone, X), mean_proba(expanded, X)


@pytest.mark.parametrize("forest", [RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize("bootstrap", [True, False])
def test_balanced_bags_count_copies_as_tabulated(forest, bootstrap, gaussian):
    student = forest(30, max_depth=2, bootstrap=bootstrap, random_state=0)
    student.set_params(class_weight="balanced_subsample")
    alone, expanded = balanced_and_expanded(student)
    assert alone > 0.35
    assert (expanded < 0.2) == ("class_weight" in PROBED[forest])
    if "class_weight" in PROBED[forest]:
        X, _, p_star = gaussian
        with pytest.raises(ValueError, match='set class_weight="balanced", which counts'):
            fit_soft_labels(student, X, SoftLabels(p_star))


@pytest.mark.parametrize("student", classifiers(), ids=lambda student: type(student).__name__)
def test_every_parameter_of_the_table_is_found(student):
    for name in PROBED[type(student)]:
        changed = clone(student).set_params(**{name: ACTIVE[name]} if name != "cv" else {})
        assert find_split(changed) == (name, ROW_SPLIT_PARAMS[name])


@pytest.mark.parametrize(
    ("student", "attribute"),
    [
        (GradientBoostingClassifier(max_depth=8, n_iter_no_change=3), "n_estimators_"),
        (HistGradientBoostingClassifier(min_samples_leaf=1, early_stopping=True), "n_iter_"),
        (
            MLPClassifier(early_stopping=True, learning_rate_init=0.01, n_iter_no_change=50),
            "best_validation_score_",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
@pytest.mark.filterwarnings("ignore")
def test_iterations_are_chosen_by_held_out_copies(student, attribute):
    rng = np.random.default_rng(0)  # labels are noise: held-out scores do not improve
    X, y = rng.normal(size=(300, 20)), rng.integers(0, 2, 300)
    alone = clone(student).set_params(random_state=0).fit(X, y)
    copies = clone(student).set_params(random_state=0).fit(np.r_[X, X], np.r_[y, y])
    assert getattr(copies, attribute) > 1.3 * getattr(alone, attribute)


@pytest.mark.skipif(not BAGGING_DRAWS, reason="before scikit-learn 1.8 bagging passes weights on")
@pytest.mark.filterwarnings("ignore:When fitting BaggingClassifier")
def test_bagging_without_replacement_loses_the_weights(gaussian):
    student = BaggingClassifier(GaussianNB(), bootstrap=False, random_state=0)
    alone, expanded = balanced_and_expanded(student)
    assert alone < 0.2
    assert expanded == pytest.approx(0.5)  # as many copies of each class
    X, _, p_star = gaussian
    with pytest.raises(ValueError, match=r"\(bootstrap=False\) draws .* set bootstrap=True"):
        fit_soft_labels(student, X, SoftLabels(p_star))


def named_balanced_ensembles():
    return [
        cls()
        for name, cls in vars(imblearn_ensemble).items()
        if name.endswith("Classifier") and isinstance(cls, type)
    ]


@pytest.mark.parametrize("student", named_balanced_ensembles(), ids=lambda s: type(s).__name__)
def test_ensembles_of_imbalanced_learn_are_refused_by_name(student, gaussian):
    X, _, p_star = gaussian
    with pytest.raises(ValueError, match=type(student).__name__ + r" \(.*RandomForestClassifier"):
        fit_soft_labels(student, X, SoftLabels(p_star))


@pytest.mark.filterwarnings("ignore")
def test_a_balanced_forest_draws_copies_as_if_they_were_sure():
    forest = imblearn_ensemble.BalancedRandomForestClassifier(30, max_depth=3, random_state=0)
    alone, expanded = balanced_and_expanded(forest)
    assert alone > 0.35
    assert expanded < 0.15


def unknown(**params):
    """Return an instance of a class that no probe has seen, with such parameters."""

    def init(self, **given):
        for name in params:
            setattr(self, name, given.get(name, params[name]))

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def get_params(self, deep=True):
        return {name: getattr(self, name) for name in params}

    members = {"__init__": init, "fit": fit, "get_params": get_params}
    members["predict"] = lambda self, X: np.full(len(X), self.classes_[0])
    return type("Unknown", (ClassifierMixin, BaseEstimator), members)()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, ACTIVE.get(name, 3)) for name in UNKNOWN if name != "replacement"],
        ("replacement", False),
        ("early_stopping", 10),
        ("validation_size", 0.15),
        ("validation_fraction", 0.1),
        ("eval_fraction", 0.2),
        ("test_size", 5),
    ],
)
def test_unknown_class_with_a_split_parameter_is_refused(gaussian, name, value):
    X, _, p_star = gaussian
    with pytest.raises(ValueError, match=rf"Unknown \({name}={value!r}\) .*; \w+"):
        fit_soft_labels(unknown(**{name: value}), X, SoftLabels(p_star))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"early_stopping": False, "validation_fraction": 0.1, "n_iter_no_change": 5},
        {"n_iter_no_change": None, "validation_fraction": 0.1},
        {"validation_size": 0, "oob_score": False, "probability": False, "bootstrap": False},
        {"validation_size": None, "early_stopping": None, "class_weight": None},
    ],
)
def test_unknown_class_without_split_parameter_is_expanded(gaussian, params):
    X, _, p_star = gaussian
    assert fit_soft_labels(unknown(**params), X, SoftLabels(p_star)).classes_.tolist() == [0, 1, 2]


def test_a_subclass_that_overrides_fit_is_unknown():
    class Own(SVC):
        def fit(self, X, y, sample_weight=None):
            return super().fit(X, y, sample_weight)

    class Renamed(SVC):
        pass

    assert find_split(Own(probability=True))[0] == "probability"
    assert find_split(Renamed(probability=True))[0] == "probability"
    assert find_split(Renamed()) is None
