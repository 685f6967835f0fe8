"""Rows without labels have a weight of their own, chosen on held-out rows where it is "auto"."""

from inspect import signature

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import skdistill
from skdistill import DistilledClassifier, SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import shrink_leaves

ESTIMATORS = {
    name: each
    for name in skdistill.__all__
    if "unlabeled_weight" in signature(each := getattr(skdistill, name)).parameters
}
TREE = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0)
STUMP = DecisionTreeRegressor(max_depth=1, random_state=0)
HARMLESS = pytest.mark.filterwarnings("ignore:.*auto. chose 0")


class CountingTeacher(GaussianNB):
    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        CountingTeacher.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture
def rows():
    """Labelled rows, their labels, and unlabelled rows."""
    X, y, _ = make_gaussian_classes(400, 4, 2, random_state=0)
    return X[:100], y[:100], X[100:]


def test_every_estimator_that_takes_unlabelled_rows_has_it():
    takes_rows = {
        name
        for name in skdistill.__all__
        if hasattr(each := getattr(skdistill, name), "fit")
        and "X_unlabeled" in signature(each.fit).parameters
    }
    assert takes_rows == set(ESTIMATORS)


@pytest.mark.parametrize("weight", [-0.1, np.nan, np.inf, "best", None, True])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_it_is_a_number_of_at_least_zero(rows, name, weight):
    X, y, more = rows
    model = ESTIMATORS[name](unlabeled_weight=weight)
    with pytest.raises(ValueError, match=f"unlabeled_weight must .*unlabeled_weight={weight!r}"):
        model.fit(X, y, X_unlabeled=more)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_weight_of_no_rows_is_refused(rows, name):
    X, y, _ = rows
    with pytest.raises(ValueError, match=r"unlabeled_weight=0.3 is the weight of rows without"):
        ESTIMATORS[name](unlabeled_weight=0.3).fit(X, y)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_unit_of_sample_weight_does_not_matter(rows, name):
    X, y, more = rows
    weight = np.linspace(0.5, 2, len(y))
    is_number = name == "DistilledRegressor"
    teacher = LinearRegression() if is_number else GaussianNB()
    model = ESTIMATORS[name](teacher, alpha=0.6, unlabeled_weight=0.5)
    has_tree = name in ("DistilledClassifier", "DistilledRegressor")
    if has_tree:
        model.set_params(student=STUMP if is_number else TREE)
    else:
        model.set_params(tol=1e-9)

    def scores(unit):
        fitted = clone(model).fit(X, y, sample_weight=unit * weight, X_unlabeled=more)
        methods = ("predict_proba", "decision_function", "predict")
        scorer = next(getattr(fitted, each) for each in methods if hasattr(fitted, each))
        return scorer(X)

    if has_tree:
        np.testing.assert_allclose(scores(1000.0), scores(1.0), rtol=1e-9)
    else:  # penalised, so that the unit is that of C
        model.set_params(C=np.inf, tol=1e-7)
        np.testing.assert_allclose(scores(8.0), scores(1.0), rtol=1e-3, atol=1e-3)


def test_alpha_zero_is_the_semi_supervised_student(rows):
    X, y, more = rows
    model = DistilledClassifier(
        GaussianNB(), LogisticRegression(), alpha=0.0, unlabeled_weight=0.5, teacher_temperature=1.0
    ).fit(X, y, X_unlabeled=more)
    targets = np.vstack([np.eye(2)[y], GaussianNB().fit(X, y).predict_proba(more)])
    weight = np.r_[np.ones(100), np.full(300, 0.5)]
    expected = fit_soft_labels(
        LogisticRegression(), np.vstack([X, more]), SoftLabels(targets, sample_weight=weight)
    )
    np.testing.assert_allclose(model.student_.coef_, expected.coef_, rtol=1e-6)


@HARMLESS
@pytest.mark.parametrize("n_more", [0, 50, 300])
def test_the_default_fits_at_most_six_teachers(rows, n_more):
    X, y, more = rows
    CountingTeacher.n_fits = 0
    given = {"X_unlabeled": more[:n_more]} if n_more else {}
    model = DistilledClassifier(CountingTeacher(), TREE).fit(X, y, **given)
    assert CountingTeacher.n_fits == 6
    assert model.alpha_curve_.nested


@HARMLESS
def test_many_unlabelled_rows_leave_labels_as_they_are(rows):
    X, y, more = rows
    model = DistilledClassifier(GaussianNB(), TREE, random_state=0).fit(X, y, X_unlabeled=more)
    weights = [each.weights for each in model.alpha_curve_.candidates]
    assert weights[:3] == [(0, 0, False), (0, 1, False), (0, 0.2, False)]
    best = model.alpha_curve_.best
    assert (model.alpha_, model.unlabeled_weight_, model.pseudo_labels_) == best.weights
    assert model.leaf_shrinkage_ == best.leaf_shrinkage


@HARMLESS
def test_the_chosen_student_is_the_one_with_these_weights(rows):
    X, y, more = rows
    model = DistilledClassifier(GaussianNB(), TREE).fit(X, y, X_unlabeled=more)
    Q = GaussianNB().fit(X, y).predict_proba(more)
    same = DistilledClassifier(None, TREE, alpha=0, unlabeled_weight=model.unlabeled_weight_)
    Q = SoftLabels(Q).temper(model.teacher_temperature_)
    if model.pseudo_labels_:
        Q = Q.harden_unlabeled()
    same.fit(X, y, X_unlabeled=more, unlabeled_proba=Q.proba)
    shrunk = shrink_leaves(same.student_, model.leaf_shrinkage_)
    np.testing.assert_array_equal(model.predict_proba(X), shrunk.predict_proba(X))


def test_misleading_unlabelled_rows_get_weight_zero(rows):
    X, y, _ = rows

    class Wrong(GaussianNB):
        """Is wrong about all rows but those of X."""

        def predict_proba(self, rows):
            proba = super().predict_proba(rows)
            return proba[:, ::-1] if np.min(rows) > 50 else proba

    shifted = np.abs(X[:100]) + 51
    trap = np.vstack([shifted, shifted, shifted])
    student = LogisticRegression(C=10)
    with pytest.warns(UserWarning, match='unlabeled_weight="auto" chose 0'):
        model = DistilledClassifier(Wrong(), student).fit(X, y, X_unlabeled=trap)
    assert model.unlabeled_weight_ == 0
    assert model.alpha_ == 0


@HARMLESS
@pytest.mark.parametrize("temperature", ["auto", 1.0])
def test_pseudo_labels_are_compared_where_temperature_is_auto(rows, temperature):
    X, y, more = rows
    model = DistilledClassifier(GaussianNB(), TREE, teacher_temperature=temperature)
    curve = model.fit(X, y, X_unlabeled=more).alpha_curve_
    hard = [each for each in curve.candidates if each.pseudo_labels]
    assert len(hard) == (temperature == "auto")
    assert all(each.weights == (0, 1, True) for each in hard)
    assert all(each.leaf_shrinkage > 0 for each in hard)  # probabilities of 0 are too dangerous


@HARMLESS
def test_the_loss_of_pseudo_labels_is_that_of_self_training(rows):
    X, y, more = rows
    student = LogisticRegression()
    curve = DistilledClassifier(GaussianNB(), student).fit(X, y, X_unlabeled=more).alpha_curve_
    (hard,) = [each for each in curve.candidates if each.pseudo_labels]
    true = []
    for train, test in StratifiedKFold(5).split(X, y):
        labels = np.r_[y[train], GaussianNB().fit(X[train], y[train]).predict(more)]
        weight = np.r_[np.ones(len(train)), np.full(len(more), hard.unlabeled_weight)]
        fitted = clone(student).fit(np.vstack([X[train], more]), labels, weight)
        true.append(fitted.predict_proba(X[test])[np.arange(len(test)), y[test]])
    assert hard.loss == pytest.approx(-np.log(np.concatenate(true)).mean(), rel=1e-3)
