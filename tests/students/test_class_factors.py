"""Class weights of a student enter its held-out loss as they enter its fit."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators
from sklearn.utils.class_weight import compute_class_weight

from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels
from skdistill.students import shrink_leaves
from skdistill.students._class_factors import class_factors

TEXT = np.array(["a", "b", "c"])
Y = np.repeat([0, 1, 2], [60, 30, 10])
LABELS = SoftLabels.from_labels(TEXT[Y], TEXT)
BALANCED = compute_class_weight("balanced", classes=np.arange(3), y=Y)
GIVEN = {"a": 1.0, "b": 5.0}


def weighted_by_class():
    """Return an instance of every classifier of scikit-learn that has a class_weight."""
    found = [cls for _, cls in all_estimators("classifier")]
    return [cls() for cls in found if "class_weight" in getattr(cls, "_parameter_constraints", {})]


def logistic(class_weight=None):
    return LogisticRegression(class_weight=class_weight)


def as_shares(factors, labels=LABELS):
    """Return class weights as shares of all weight, which is what they mean in a loss."""
    weight = factors * labels.class_weight_sums
    return weight / weight.sum()


def same(found, expected, labels=LABELS):
    np.testing.assert_allclose(as_shares(found, labels), as_shares(expected, labels))


@pytest.mark.parametrize("student", weighted_by_class(), ids=lambda each: type(each).__name__)
def test_every_class_weight_of_scikit_learn(student):
    same(class_factors(student, LABELS), np.ones(3))
    same(class_factors(student.set_params(class_weight="balanced"), LABELS), BALANCED)
    of_codes = isinstance(student, HistGradientBoostingClassifier)
    given = {0: 1.0, 1: 5.0} if of_codes else GIVEN
    same(class_factors(student.set_params(class_weight=given), LABELS), [1, 5, 1])


INSIDE = {
    "pipeline": make_pipeline(StandardScaler(), logistic("balanced")),
    "nested": make_pipeline(
        StandardScaler(), make_pipeline(StandardScaler(), logistic("balanced"))
    ),
    "bag": BaggingClassifier(logistic("balanced")),
    "vote": VotingClassifier([("a", logistic("balanced")), ("b", logistic("balanced"))]),
    "stack": StackingClassifier([("a", logistic())], logistic("balanced")),
    "bag in pipeline": make_pipeline(StandardScaler(), BaggingClassifier(logistic("balanced"))),
}
OUTSIDE = {
    "none": logistic(),
    "regressor": Ridge(),
    "calibrated": CalibratedClassifierCV(logistic("balanced")),
    "stacked": StackingClassifier([("a", logistic("balanced"))], logistic()),
    "stacked by default": StackingClassifier([("a", logistic("balanced"))]),
    "one against the rest": OneVsRestClassifier(logistic({0: 1.0, 1: 3.0})),
}


@pytest.mark.parametrize("name", INSIDE)
def test_class_weights_of_what_gives_the_probabilities(name):
    same(class_factors(INSIDE[name], LABELS), BALANCED)


@pytest.mark.parametrize("name", OUTSIDE)
def test_class_weights_that_the_probabilities_do_not_show(name):
    np.testing.assert_array_equal(class_factors(OUTSIDE[name], LABELS), np.ones(3))


def test_keys_are_those_that_the_owner_looks_for():
    by_code = BaggingClassifier(logistic({0: 1.0, 1: 5.0}))  # a bag shows positions
    same(class_factors(by_code, LABELS), [1, 5, 1])
    numbers = SoftLabels.from_labels(np.array(["10", "9", "9"]))
    same(class_factors(logistic({10: 4.0, 9: 1.0}), numbers), [4, 1], numbers)
    subsample = RandomForestClassifier(class_weight="balanced_subsample")
    same(class_factors(subsample, LABELS), BALANCED)


def test_a_vote_of_several_weighs_by_their_mean():
    vote = VotingClassifier([("a", logistic("balanced")), ("b", logistic())], voting="soft")
    expected = (as_shares(BALANCED) + as_shares(np.ones(3))) / 2
    np.testing.assert_allclose(as_shares(class_factors(vote, LABELS)), expected)


def test_boosters():
    two = SoftLabels.from_labels(np.repeat(["a", "b"], [60, 20]))
    xgboost = pytest.importorskip("xgboost")
    same(class_factors(xgboost.XGBClassifier(scale_pos_weight=3), two), [1, 3], two)
    same(class_factors(xgboost.XGBClassifier(), two), [1, 1], two)
    lightgbm = pytest.importorskip("lightgbm")
    student = lightgbm.LGBMClassifier(class_weight={"a": 2.0}, scale_pos_weight=3)
    same(class_factors(student, two), [2, 3], two)
    catboost = pytest.importorskip("catboost")
    for params, expected in [
        ({"auto_class_weights": "Balanced"}, [1, 3]),
        ({"auto_class_weights": "SqrtBalanced"}, [1, np.sqrt(3)]),
        ({"auto_class_weights": "None"}, [1, 1]),
        ({"class_weights": [1, 4]}, [1, 4]),
        ({"class_weights": [1, 4], "class_names": ["b", "a"]}, [4, 1]),
        ({"class_weights": {"a": 1, "b": 4}}, [1, 4]),
        ({"scale_pos_weight": 5}, [1, 5]),
    ]:
        same(class_factors(catboost.CatBoostClassifier(**params), two), expected, two)


# In the choice of alpha.


@pytest.fixture(scope="module")
def rare():
    """Return rows, labels of which one in 200 is a 1, and the true probability of each class."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 3))
    p = 1 / (1 + np.exp(-(2 * X[:, 0] + X[:, 1] ** 2 - 9.6)))
    y = (rng.random(6000) < p).astype(int)
    return X, y, np.column_stack([1 - p, p])


@pytest.mark.filterwarnings('ignore:alpha="auto" chose 0')
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 50.0}, None])
def test_the_curve_is_the_weighted_loss_by_hand(rare, class_weight, weighted):
    X, y, p_star = (each[:2000] for each in rare)
    weight = np.random.default_rng(0).uniform(0.5, 1.5, size=2000) if weighted else None
    student = DecisionTreeClassifier(max_depth=3, class_weight=class_weight, random_state=0)
    model = DistilledClassifier(student=make_pipeline(student), teacher_temperature=1.0, cv=4)
    params = {} if weight is None else {"sample_weight": weight}
    model.fit(X, y, teacher_proba=p_star, **params)
    curve, held_out = model.alpha_curve_, np.zeros((2000, 2))
    for train, test in StratifiedKFold(4).split(X, y):
        own = None if weight is None else weight[train]
        fold_student = fit_soft_labels(
            student, X[train], SoftLabels(p_star[train], sample_weight=own)
        )
        row_weight = 1.0 if own is None else own.mean()
        shrunk = shrink_leaves(
            fold_student, curve.candidates[1].leaf_shrinkage, row_weight=row_weight
        )
        held_out[test] = shrunk.predict_proba(X[test])
    ones = np.ones(2000) if weight is None else weight
    if class_weight == "balanced":
        mass = np.bincount(y, weights=ones)
        factors = (mass.sum() / (2 * mass))[y]
    else:
        factors = np.array([1.0, 50.0])[y] if class_weight else np.ones(2000)
    held_out = np.maximum(held_out, np.finfo(float).eps)
    expected = log_loss(y, held_out, sample_weight=ones * factors)
    assert curve.candidates[1].loss == pytest.approx(expected, rel=1e-6)


def test_balanced_rare_class_student_is_scored_as_it_is_fitted(rare):
    X, y, p_star = rare
    assert 150 < len(y) / y.sum() < 250
    student = DecisionTreeClassifier(max_depth=6, class_weight="balanced", random_state=0)
    model = DistilledClassifier(student=student, cv=4).fit(X, y, teacher_proba=p_star)
    assert model.alpha_ > 0.5
    prior = np.log(2)  # the balanced loss of who knows nothing
    assert model.alpha_curve_.best.loss < prior < model.alpha_curve_.candidates[0].loss
    unweighted = log_loss(y, model.predict_proba(X))
    assert unweighted > 3 * log_loss(y, DummyClassifier().fit(X, y).predict_proba(X))


def test_naive_bayes_has_no_class_weight():
    np.testing.assert_array_equal(class_factors(GaussianNB(), LABELS), np.ones(3))
