"""Rows without labels have a weight of their own, chosen on held-out rows where it is "auto"."""

from inspect import signature
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import skdistill
from skdistill import DistilledClassifier, DistilledRegressor, SoftLabels, fit_soft_labels
from skdistill.datasets import make_gaussian_classes
from skdistill.students import shrink_leaves
from skdistill.teachers import cross_val_proba

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
def test_many_unlabelled_rows_leave_labels_or_the_teacher(rows):
    X, y, more = rows
    model = DistilledClassifier(GaussianNB(), TREE, random_state=0).fit(X, y, X_unlabeled=more)
    weights = [each.weights for each in model.alpha_curve_.candidates]
    assert weights[:4] == [(0, 0, False), (0, 1, False), (0, 0.2, False), (1, 1, False)]
    best = model.alpha_curve_.best
    assert (model.alpha_, model.unlabeled_weight_, model.pseudo_labels_) == best.weights
    assert model.leaf_shrinkage_ == best.leaf_shrinkage


@HARMLESS
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_chosen_student_is_the_one_with_these_weights(rows, alpha):
    X, y, more = rows
    student = TREE
    if alpha == 1:
        y = np.where(np.random.default_rng(3).uniform(size=len(y)) < 0.3, 1 - y, y)
        student = make_pipeline(PolynomialFeatures(2), GaussianNB())  # too sure of noisy labels
    model = DistilledClassifier(GaussianNB(), student).fit(X, y, X_unlabeled=more)
    assert model.alpha_ == alpha
    P = cross_val_proba(GaussianNB(), X, y)
    Q = GaussianNB().fit(X, y).predict_proba(more)
    P, Q = (SoftLabels(each).temper(model.teacher_temperature_) for each in (P, Q))
    if model.pseudo_labels_:
        Q = Q.harden_unlabeled()
    same = DistilledClassifier(
        None, student, alpha=alpha, unlabeled_weight=model.unlabeled_weight_, teacher_temperature=1
    )
    same.fit(X, y, teacher_proba=P.proba, X_unlabeled=more, unlabeled_proba=Q.proba)
    expected = same.student_
    if student is TREE:
        expected = shrink_leaves(expected, model.leaf_shrinkage_)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-6)


@HARMLESS
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_the_teacher_alone_is_compared_by_unlabelled_rows_alone(rows, temperature):
    """The teacher of a fold has seen the labels of all rows but those that it is compared on."""
    X, y, more = rows
    student = LogisticRegression()
    model = DistilledClassifier(GaussianNB(), student, teacher_temperature=temperature)
    weight = np.linspace(0.5, 2, len(y))
    curve = model.fit(X, y, sample_weight=weight, X_unlabeled=more).alpha_curve_
    (alone,) = [each for each in curve.candidates if each.alpha == 1]
    assert alone.weights == (1, 1, False)
    true = np.zeros(len(y))
    for train, test in StratifiedKFold(5).split(X, y):
        teacher = GaussianNB().fit(X[train], y[train], weight[train])
        Q = SoftLabels(teacher.predict_proba(more)).temper(temperature)
        targets = SoftLabels(Q.proba, sample_weight=np.full(len(more), weight[train].mean()))
        fitted = fit_soft_labels(student, more, targets)
        true[test] = fitted.predict_proba(X[test])[np.arange(len(test)), y[test]]
    assert alone.loss == pytest.approx(np.average(-np.log(true), weights=weight), rel=1e-6)


class Recorder(Ridge):
    """A student that keeps the targets and weights it was fitted to."""

    fits: ClassVar[list] = []

    def fit(self, X, y, sample_weight=None):
        Recorder.fits.append((np.array(X), np.array(y), sample_weight))
        return super().fit(X, y, sample_weight)


@pytest.mark.filterwarnings("ignore:.*auto. chose 0")
@pytest.mark.parametrize("n_more", [0, 40, 300])
@pytest.mark.parametrize("estimator", [DistilledClassifier, DistilledRegressor])
def test_no_student_of_a_fold_has_seen_its_held_out_labels(rows, estimator, n_more):
    """Neither by its own targets nor by those of its teachers, of labelled or unlabelled rows."""
    X, y, more = rows
    folds = list(StratifiedKFold(4).split(X, y))
    held_out = folds[0][1]  # of the first fold
    is_classifier = estimator is DistilledClassifier
    teacher = GaussianNB() if is_classifier else DecisionTreeRegressor(max_depth=4, random_state=0)
    of_teacher = (1, int(n_more == 300), False)
    if n_more == 300 and not is_classifier:
        of_teacher = (0, 1, False)  # labels of regressors stay as they are
    changed = y.copy()
    changed[held_out] = 1 - y[held_out]

    def fits_of(labels):
        """Return the fit of each candidate that is compared on the first fold."""
        Recorder.fits.clear()
        # A temperature that is chosen depends on all labels.
        fixed = {"teacher_temperature": 1.0} if is_classifier else {}
        model = estimator(teacher, Recorder(), cv=folds, **fixed)
        model.fit(X, labels, **({"X_unlabeled": more[:n_more]} if n_more else {}))
        weights = [each.weights for each in model.alpha_curve_.candidates]
        assert len(Recorder.fits) == len(folds) * len(weights) + 1
        return dict(zip(weights, Recorder.fits[:: len(folds)], strict=False))

    before, after = fits_of(y), fits_of(changed)
    compared = {each for each in before.keys() & after.keys() if each.alpha in (0, 1)}
    assert {(0, 0, False), of_teacher} <= compared
    for weights in compared:
        for one, other in zip(before[weights], after[weights], strict=True):
            np.testing.assert_array_equal(one, other)


@HARMLESS
@pytest.mark.parametrize("name", ["DistilledClassifier", "DistilledRegressor"])
def test_the_unit_of_sample_weight_changes_no_candidate(rows, name):
    X, y, more = rows
    is_number = name == "DistilledRegressor"
    weight = np.linspace(0.5, 2, len(y))
    model = ESTIMATORS[name](
        LinearRegression() if is_number else GaussianNB(), STUMP if is_number else TREE
    )
    losses = []
    for unit in (1.0, 1024.0):
        fitted = clone(model).fit(X, y, sample_weight=unit * weight, X_unlabeled=more)
        losses.append([(*each.weights, each.loss) for each in fitted.alpha_curve_.candidates])
    np.testing.assert_allclose(*losses, rtol=1e-6)


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
