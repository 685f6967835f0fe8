"""`alpha="auto"` compares the documented candidates by held-out loss, at the documented cost."""

from itertools import combinations

import numpy as np
import pytest
from joblib import parallel_config
from scipy.stats import sem
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import (
    DistilledBipartiteRanker,
    DistilledClassifier,
    DistilledMulticlassRetriever,
    DistilledRegressor,
    SoftLabels,
    fit_soft_labels,
)
from skdistill._base._alpha_selection import (
    Candidate,
    Comparison,
    HeldOut,
    standard_error,
)
from skdistill._base._training_data import DistillationData, FitArguments, Weights, fold_data
from skdistill.datasets import make_hidden_classes
from skdistill.objectives import pairwise_loss
from skdistill.students import shrink_leaves


def candidate(curve, alpha, unlabeled_weight=0.0):
    """Return the candidate with these weights."""
    (found,) = (each for each in curve.candidates if each[:2] == (alpha, unlabeled_weight))
    return found


HARMLESS = pytest.mark.filterwarnings('ignore:alpha="auto" chose 0')


@pytest.fixture(scope="module")
def problem():
    X, y, p_star = make_hidden_classes(400, n_classes=3, random_state=0)
    return X, y, p_star


def test_the_curve_is_the_held_out_log_loss_of_mixed_students(problem):
    X, y, p_star = problem
    student = LogisticRegression()
    model = DistilledClassifier(student=student, teacher_temperature=1.0, cv=4)
    model.fit(X, y, teacher_proba=p_star)
    by_labels, by_teacher = np.zeros((2, len(y), 3))
    for train, test in StratifiedKFold(4).split(X, y):
        by_labels[test] = clone(student).fit(X[train], y[train]).predict_proba(X[test])
        fold_student = fit_soft_labels(student, X[train], SoftLabels(p_star[train]))
        by_teacher[test] = fold_student.predict_proba(X[test])
    losses = [log_loss(y, (1 - a) * by_labels + a * by_teacher) for a in model.alpha_curve_.alpha]
    np.testing.assert_allclose(model.alpha_curve_.loss, losses, rtol=1e-6)
    assert candidate(model.alpha_curve_, 0.0).loss == pytest.approx(losses[0], rel=1e-6)
    assert candidate(model.alpha_curve_, 1.0).loss == pytest.approx(losses[-1], rel=1e-6)


def test_alpha_grid_has_the_optimum_and_its_minimum_is_chosen(problem):
    X, y, p_star = problem
    rng = np.random.default_rng(0)
    teacher_proba = 0.5 * p_star + 0.5 * rng.dirichlet(np.ones(3), len(y))
    student = DecisionTreeClassifier(max_depth=3, random_state=0)
    model = DistilledClassifier(student=student, alpha="auto", cv=3)
    model.fit(X, y, teacher_proba=teacher_proba)
    alphas, losses, candidates, nested, _ = model.alpha_curve_
    assert not nested
    assert (np.diff(losses, 2) > -1e-12).all()  # convex
    mixed = next(each for each in candidates if 0 < each.alpha < 1)
    weight = mixed.alpha
    assert abs(weight - alphas[np.argmin(losses)]) <= 0.05
    held_out = np.zeros((len(y), 3))
    for train, test in StratifiedKFold(3).split(X, y):
        targets = SoftLabels(teacher_proba[train], y=y[train])
        targets = targets.soften(model.teacher_temperature_, alpha=weight)
        fold_student = fit_soft_labels(student, X[train], targets)
        held_out[test] = shrink_leaves(fold_student, mixed.leaf_shrinkage).predict_proba(X[test])
    expected = log_loss(y, np.maximum(held_out, np.finfo(float).eps))
    assert mixed.loss == pytest.approx(expected, rel=1e-6)
    assert model.alpha_ == model.alpha_curve_.best.alpha
    same = DistilledClassifier(
        student=student, alpha=model.alpha_, teacher_temperature=model.teacher_temperature_
    ).fit(X, y, teacher_proba=teacher_proba)
    shrunk = shrink_leaves(same.student_, model.leaf_shrinkage_)
    np.testing.assert_array_equal(model.predict_proba(X), shrunk.predict_proba(X))


def test_true_probabilities_get_high_alpha_on_noisy_labels(problem):
    X, y, p_star = problem
    student = DecisionTreeClassifier(random_state=0)
    model = DistilledClassifier(student=student, alpha="auto").fit(X, y, teacher_proba=p_star)
    assert model.alpha_ > 0.9


def test_wrong_teacher_gets_alpha_zero_with_a_warning(problem):
    X, _, p_star = problem
    clean = p_star.argmax(axis=1)
    wrong = np.roll(p_star, 1, axis=1)
    student = LogisticRegression()
    model = DistilledClassifier(student=student, alpha="auto")
    with pytest.warns(UserWarning, match="Do not distil this teacher into this student") as caught:
        model.fit(X, clean, teacher_proba=wrong)
    assert {each.filename for each in caught} == {__file__}
    assert model.alpha_ == 0
    np.testing.assert_array_equal(model.student_.coef_, student.fit(X, clean).coef_)


@HARMLESS
@pytest.mark.parametrize("model", [DistilledClassifier, DistilledBipartiteRanker])
def test_selected_alpha_zero_ignores_unlabelled_rows(problem, model):
    X, _, _ = problem
    clean = (X[:, 0] > 0).astype(int)
    student = RandomForestClassifier(5, random_state=0) if model is DistilledClassifier else None
    trusting = model(DummyClassifier(), student, alpha="auto", unlabeled_weight="auto", cv=3)
    trusting.fit(X[:300], clean[:300], X_unlabeled=X[300:])
    assert (trusting.alpha_, trusting.unlabeled_weight_) == (0, 0)
    ordinary = model(student=student, alpha=0.0).fit(X[:300], clean[:300])
    np.testing.assert_array_equal(trusting.student_.predict(X), ordinary.student_.predict(X))


def test_a_given_alpha_leaves_no_curve(problem):
    X, y, p_star = problem
    model = DistilledClassifier(alpha=0.25).fit(X, y, teacher_proba=p_star)
    assert (model.alpha_, model.alpha_curve_) == (0.25, None)


class ShuffledTwice:
    """Folds over which each row is tested twice."""

    def __init__(self, n_splits):
        self.n_splits = n_splits

    def split(self, X, y, groups=None):
        for seed in range(2):
            folds = StratifiedKFold(self.n_splits, shuffle=True, random_state=seed)
            yield from folds.split(X, y)

    def get_n_splits(self, X=None, y=None, groups=None):
        return 2 * self.n_splits


class CountingTeacher(GaussianNB):
    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


@HARMLESS
def test_a_teacher_that_lacks_two_folds_is_fitted_once_for_both(problem, tmp_path):
    X, y, _ = problem
    n_fits = {}
    for alpha in (1.0, "auto", 0.5):  # the last one needs no further predictions
        CountingTeacher.n_fits = 0
        DistilledClassifier(CountingTeacher(), alpha=alpha, cv=4, memory=tmp_path).fit(X, y)
        n_fits[alpha] = CountingTeacher.n_fits
    assert n_fits == {1.0: 4, "auto": 4 * 3 / 2, 0.5: 0}


@HARMLESS
@pytest.mark.parametrize("folds", [StratifiedKFold(4), ShuffledTwice(3)], ids=["4", "2 x 3"])
def test_each_fold_is_judged_by_a_cross_fit_of_its_own(problem, folds):
    """Shared teachers predict as teachers of each fold's training rows would."""
    X, y, _ = problem
    more, X, y = X[300:], X[:300], y[:300]
    teacher, student = ExtraTreesClassifier(10, random_state=0), LogisticRegression()
    model = DistilledClassifier(
        teacher, student, unlabeled_weight=1.0, teacher_temperature=1.0, cv=folds
    )
    model.fit(X, y, X_unlabeled=more)
    splits = list(folds.split(X, y))
    true = []
    for own, (train, test) in enumerate(splits):
        proba, n_asked, unlabeled = np.zeros((len(y), 3)), np.zeros(len(y)), []
        for other, (other_train, other_test) in enumerate(splits):
            if other != own:
                rows = np.intersect1d(train, other_train)
                fitted = clone(teacher).fit(X[rows], y[rows])
                proba[other_test] += fitted.predict_proba(X[other_test])
                n_asked[other_test] += 1
                unlabeled.append(fitted.predict_proba(more))
        given = [proba[train] / n_asked[train, None], np.mean(unlabeled, axis=0)]
        targets = SoftLabels(np.concatenate(given))
        fitted = fit_soft_labels(student, np.concatenate([X[train], more]), targets)
        true.append(fitted.predict_proba(X[test])[np.arange(len(test)), y[test]])
    expected = -np.log(np.concatenate(true)).mean()
    assert model.alpha_curve_.nested
    assert candidate(model.alpha_curve_, 1.0, 1.0).loss == pytest.approx(expected, rel=1e-6)


@HARMLESS
def test_the_student_gets_the_mean_of_teachers_without_its_fold(problem):
    X, y, _ = problem
    more, X, y = X[300:350], X[:300], y[:300]
    model = DistilledClassifier(
        GaussianNB(), unlabeled_weight=0.5, teacher_temperature=1.0, cv=StratifiedKFold(4)
    ).fit(X, y, X_unlabeled=more)
    tested = [test for _, test in StratifiedKFold(4).split(X, y)]
    proba, unlabeled = np.zeros((300, 3)), np.zeros((50, 3))
    for one, other in combinations(tested, 2):
        both = np.concatenate([one, other])
        fitted = GaussianNB().fit(np.delete(X, both, axis=0), np.delete(y, both))
        proba[both] += fitted.predict_proba(X[both]) / 3
        unlabeled += fitted.predict_proba(more) / 6
    given = clone(model).set_params(teacher=None, alpha=model.alpha_)
    given.fit(X, y, teacher_proba=proba, X_unlabeled=more, unlabeled_proba=unlabeled)
    np.testing.assert_allclose(given.student_.coef_, model.student_.coef_, rtol=1e-6, atol=1e-9)
    scores = [each.teacher_scores_["raw"]["log_loss"] for each in (given, model)]
    assert scores[0] == pytest.approx(scores[1])


def test_two_folds_are_too_few(problem):
    X, y, p_star = problem
    with pytest.raises(ValueError, match=r"at least 3 folds, got 2.*cv=3 or more"):
        DistilledClassifier(alpha="auto", cv=2).fit(X, y)
    DistilledClassifier(alpha="auto", cv=2).fit(X, y, teacher_proba=p_star)  # fits no teacher


@HARMLESS
def test_unseen_class_of_a_fold_teacher_warns_once(problem):
    X, y, _ = problem
    y = np.where(np.arange(len(y)) < 2, 3, y)  # in two folds: the teacher without both lacks it
    model = DistilledClassifier(GaussianNB(), alpha="auto", cv=4)
    with pytest.warns(UserWarning, match="never saw a class.*in 2 cases") as caught:
        model.fit(X, y)
    assert sum("never saw" in str(each.message) for each in caught) == 1


@pytest.mark.parametrize(("unlabeled_weight", "errors"), [(0, 1.5), (0.2, 1)])
def test_gain_within_the_standard_errors_keeps_the_labels(unlabeled_weight, errors):
    labels = Candidate(0, 0, False, 0, loss=1.0, standard_error=0)
    teacher = Candidate(1, unlabeled_weight, False, 0, loss=0.9, standard_error=0.11 / errors)
    comparison = Comparison(None, None, None)
    comparison.candidates = [labels, teacher]
    assert comparison.choose() == labels
    comparison.candidates[1] = better = teacher._replace(standard_error=0.09 / errors)
    assert comparison.choose() == better


def test_the_noise_is_the_standard_error_of_the_paired_gain(problem):
    X, y, p_star = problem
    student = LogisticRegression()
    model = DistilledClassifier(student=student, teacher_temperature=1.0, cv=4)
    model.fit(X, y, teacher_proba=p_star, sample_weight=np.full(len(y), 3.0))
    gains = []
    for train, test in StratifiedKFold(4).split(X, y):
        ours = clone(student).set_params(C=3.0).fit(X[train], y[train])
        theirs = fit_soft_labels(
            student, X[train], SoftLabels(p_star[train], sample_weight=np.full(len(train), 3.0))
        )
        right = np.arange(len(test)), y[test]
        gains.append(
            np.log(theirs.predict_proba(X[test])[right] / ours.predict_proba(X[test])[right])
        )
    assert candidate(model.alpha_curve_, 1.0).standard_error == pytest.approx(
        sem(np.concatenate(gains)), rel=1e-4
    )
    assert candidate(model.alpha_curve_, 0.0).standard_error == 0


def test_weights_count_in_the_standard_error():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=50), rng.uniform(size=50)
    weights[:5] = 0
    assert standard_error(values, weights) == standard_error(values[5:], 7 * weights[5:])
    assert standard_error(values, np.ones(50)) == pytest.approx(sem(values))
    assert standard_error(values[:1], np.ones(1)) == np.inf


@pytest.mark.parametrize("n_repeats", [1, 2, 5])
def test_values_of_one_unit_count_once(n_repeats):
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=50), rng.uniform(size=50)
    weights[:5] = 0
    unit = rng.permutation(np.repeat(np.arange(50), n_repeats))
    again = standard_error(values[unit], weights[unit], unit=unit)
    assert again == pytest.approx(standard_error(values, weights))


def noise_of(model, X, y, p_star, folds):
    fitted = clone(model).set_params(cv=folds).fit(X, y, teacher_proba=p_star)
    return candidate(fitted.alpha_curve_, 1.0).standard_error


@HARMLESS
def test_the_standard_error_does_not_shrink_with_repeats(problem):
    X, y, p_star = problem
    folds = list(StratifiedKFold(4).split(X, y))
    model = DistilledClassifier(student=GaussianNB())
    once = noise_of(model, X, y, p_star, folds)
    assert noise_of(model, X, y, p_star, 5 * folds) == pytest.approx(once)
    others = RepeatedStratifiedKFold(n_splits=4, n_repeats=9, random_state=0)
    assert 0.8 < noise_of(model, X, y, p_star, others) / once < 1.2


@HARMLESS
def test_repeated_folds_do_not_shrink_pair_standard_error(problem):
    X, y, p_star = problem
    y, p_star = y == 0, np.column_stack([1 - p_star[:, 0], p_star[:, 0]])
    folds = list(StratifiedKFold(10, shuffle=True, random_state=0).split(X, y))
    model = DistilledBipartiteRanker(alpha="auto")
    once = noise_of(model, X, y, p_star, folds)
    # Repeated folds say a little less of their spread: (k - 1) / k of it, as they are not fresh.
    assert 0.9 < noise_of(model, X, y, p_star, 3 * folds) / once <= 1
    others = RepeatedStratifiedKFold(n_splits=10, n_repeats=4, random_state=0)
    assert 0.6 < noise_of(model, X, y, p_star, others) / once < 1.6


class GroupsSeen(DecisionTreeClassifier):
    """A student that records the groups, its first feature, that it is fitted on and predicts."""

    notes: list = []  # noqa: RUF012

    def fit(self, X, y, sample_weight=None):
        self.groups_ = set(X[:, 0])
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        type(self).notes.append(self.groups_ & set(X[:, 0]))
        return super().predict_proba(X)


@HARMLESS
def test_teacher_may_predict_one_class_for_all_rows():
    X = np.array([[1.6], [2.1], [1.8], [1.6], [1.3], [1.9], [1.3], [2.7], [2.9], [1.2]])
    y = X[:, 0].astype(int)  # without two folds the teacher sees a 2 once, if at all
    model = DistilledClassifier(GaussianNB(), LogisticRegression()).fit(X, y)
    assert candidate(model.alpha_curve_, 1.0).loss > candidate(model.alpha_curve_, 0.0).loss
    np.testing.assert_array_equal(model.classes_, [1, 2])


@HARMLESS
def test_groups_are_held_out_as_a_whole(problem):
    X, y, _ = problem
    groups = np.arange(len(y)) // 10
    X = np.column_stack([groups, X])
    GroupsSeen.notes = []
    model = DistilledClassifier(GaussianNB(), GroupsSeen(), alpha="auto", cv=GroupKFold(4))
    model.fit(X, y, groups=groups)
    assert len(GroupsSeen.notes) >= 8
    assert not any(GroupsSeen.notes)


@HARMLESS
def test_unlabelled_rows_are_for_the_student_of_the_teacher(problem):
    X, y, _ = problem
    model = DistilledClassifier(ExtraTreesClassifier(20, random_state=0), alpha="auto", cv=3)
    without = model.fit(X[:250], y[:250]).alpha_curve_
    more = model.fit(X[:250], y[:250], X_unlabeled=X[250:]).alpha_curve_
    assert more.candidates[: len(without.candidates)] == without.candidates
    alphas = {each.alpha for each in more.candidates if each.unlabeled_weight}
    assert {0.0, min(without.candidates, key=lambda each: each.loss).alpha} == alphas


@HARMLESS
def test_rows_without_weight_have_no_effect(problem):
    X, y, _ = problem
    folds = list(StratifiedKFold(3).split(X[:300], y[:300]))
    model = DistilledClassifier(GaussianNB(), alpha="auto", cv=folds)
    expected = model.fit(X[:300], y[:300]).alpha_curve_.loss
    more = [(train, np.append(test, np.arange(300, 400))) for train, test in folds]
    weight = np.repeat([1.0, 0.0], [300, 100])
    model.set_params(cv=more).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(model.alpha_curve_.loss, expected, rtol=1e-6)


@HARMLESS
@pytest.mark.parametrize("student", [Ridge(), DecisionTreeRegressor(max_depth=3)])
def test_regressors_are_compared_by_their_probabilities(problem, student):
    X, y, p_star = problem
    model = DistilledClassifier(student=student, alpha="auto").fit(X, y, teacher_proba=p_star)
    assert np.isfinite(model.alpha_curve_.loss).all()


@HARMLESS
def test_processes_change_nothing(problem):
    X, y, _ = problem
    models = [DistilledClassifier(GaussianNB(), alpha="auto", n_jobs=n).fit(X, y) for n in (1, 2)]
    np.testing.assert_array_equal(*(model.alpha_curve_.loss for model in models))


@pytest.mark.filterwarnings("ignore:unlabeled_weight=.auto. chose 0")
@HARMLESS
@pytest.mark.parametrize("backend", ["threading", "loky"])
@pytest.mark.parametrize("estimator", [DistilledClassifier, DistilledRegressor])
def test_the_pool_of_students_changes_no_bit(problem, estimator, backend):
    X, y, _ = problem
    model = estimator(
        ExtraTreesRegressor(5, random_state=0) if estimator is DistilledRegressor else GaussianNB(),
        Ridge(),
        unlabeled_weight="auto",
        random_state=0,
    )
    alone = clone(model).fit(X[:150], y[:150], X_unlabeled=X[150:])
    with parallel_config(backend, n_jobs=2):
        pooled = clone(model).fit(X[:150], y[:150], X_unlabeled=X[150:])
    assert alone.alpha_curve_.candidates == pooled.alpha_curve_.candidates
    np.testing.assert_array_equal(alone.alpha_curve_.loss, pooled.alpha_curve_.loss)
    np.testing.assert_array_equal(alone.predict(X), pooled.predict(X))


def test_candidates_of_one_pool_are_those_of_one_after_another(problem):
    X, y, p_star = problem
    model = DistilledClassifier(student=GaussianNB(), cv=3)
    given = FitArguments(X, y, None, p_star, None, None)
    inputs = model._validate(given, {})
    predictions = model._predict_teacher_proba(inputs)
    data = DistillationData.of_teacher(inputs, predictions)
    data = data._replace(folds=fold_data(inputs, predictions)).soften(1.0, None)
    several = [Weights(0.0, 0.0), Weights(1.0, 0.0), Weights(0.5, 0.0)]
    together, one_by_one = Counting(data), Counting(data)
    both = together.add(*several), [one_by_one.add(each)[0] for each in several]
    for pooled, alone in zip(*both, strict=True):
        np.testing.assert_array_equal(np.concatenate(pooled), np.concatenate(alone))
    assert together.candidates == one_by_one.candidates
    assert together.n_fits == one_by_one.n_fits == 3 * len(several)


class Counting(Comparison):
    """A comparison of students by the squared error of their probabilities, which counts fits."""

    def __init__(self, data):
        self.n_fits = 0
        held_out = HeldOut(self.fit, self.predict, self.unit_losses_of, lambda gains: gains.std())
        super().__init__(held_out, data, n_jobs=None)

    def fit(self, student, X, soft_labels):
        self.n_fits += 1
        return fit_soft_labels(student, X, soft_labels)

    def predict(self, student, X, true):
        return student.predict_proba(X)[np.arange(len(X)), true.codes]

    def unit_losses_of(self, predictions):
        losses = (1 - np.concatenate(predictions)) ** 2
        return losses, np.ones(len(losses))


@HARMLESS
def test_a_frozen_teacher_is_judged_on_folds_of_the_students(problem):
    X, y, _ = problem
    teacher = FrozenEstimator(GaussianNB().fit(X[:200], y[:200]))
    model = DistilledClassifier(teacher, alpha="auto", cv=4).fit(X[200:], y[200:])
    assert 0 <= model.alpha_ <= 1


@HARMLESS
def test_a_grid_may_hold_it(problem):
    X, y, _ = problem
    search = GridSearchCV(DistilledClassifier(GaussianNB()), {"alpha": [0, 1, "auto"]}, cv=3)
    assert len(search.fit(X, y).cv_results_["params"]) == 3


@HARMLESS
@pytest.mark.parametrize("surrogate", ["logistic", "squared_hinge"])
def test_a_ranker_is_judged_by_its_own_loss(problem, surrogate):
    X, y, p_star = problem
    y, p = (y == 0).astype(int), p_star[:, 0]
    model = DistilledBipartiteRanker(alpha="auto", surrogate=surrogate, cv=4)
    model.fit(X, y, teacher_proba=p)
    losses = []
    for train, test in StratifiedKFold(4).split(X, y):
        ranker = DistilledBipartiteRanker(alpha=0.0, surrogate=surrogate).fit(X[train], y[train])
        scores = ranker.decision_function(X[test])
        losses.append(pairwise_loss(scores, y[test], surrogate=surrogate)[0])
    assert candidate(model.alpha_curve_, 0.0).loss == pytest.approx(np.mean(losses), rel=1e-4)
    assert model.alpha_ == model.alpha_curve_.best.alpha


def test_it_needs_rows_that_were_held_out(problem):
    X, y, _ = problem
    with pytest.raises(ValueError, match="cv=5, or set alpha by hand"):
        DistilledClassifier(alpha="auto", cv="in-sample").fit(X, y)


def test_it_needs_probabilities(problem):
    X, y, _ = problem
    with pytest.raises(
        TypeError, match=r"LinearSVC\(\) has no predict_proba. Set alpha to a number"
    ):
        DistilledClassifier(DummyClassifier(), LinearSVC(), alpha="auto").fit(X, y)
    with pytest.raises(ValueError, match="alpha must be a number"):
        DistilledMulticlassRetriever(alpha="auto").fit(X, y)


def test_another_word_is_refused(problem):
    X, y, _ = problem
    with pytest.raises(ValueError, match="\"auto\" to choose from the data; got alpha='best'"):
        DistilledClassifier(alpha="best").fit(X, y)


@pytest.mark.parametrize("weights", [(0, 1, True), (1, 1, False)])
def test_pseudo_labels_and_the_teacher_alone_need_a_margin(weights):
    """Half a standard error of the paired gain over the others, beside that over the labels."""
    rng = np.random.default_rng(0)
    soft, noise = rng.uniform(0.4, 0.6, size=1000), rng.standard_normal(1000)
    noise -= noise.mean()
    for gain, is_chosen in ((0.4, False), (0.6, True)):
        comparison = Comparison(HeldOut(None, None, None, sem), None, None)
        comparison.keeps_labels = True
        losses = [soft + 0.3, soft, soft + noise - gain * sem(noise)]
        for each, loss in zip([(0, 0), (0, 1), weights], losses, strict=True):
            comparison.unit_losses.append(loss)
            error = comparison.error_of_gain(-1, 0)
            comparison.candidates.append(Candidate(*Weights(*each), 0, loss.mean(), error))
        assert (comparison.choose().weights == weights) == is_chosen


def test_the_teacher_alone_needs_no_margin_over_what_is_chance():
    """Where no other candidate is better than the labels beyond the noise."""
    first = np.full(100, 1.0)
    loss = first - 0.2 + np.resize([-0.1, 0.1], 100)
    noisy = first - 0.19 + np.resize([-3.0, 3.0], 100)
    comparison = Comparison(HeldOut(None, None, None, sem), None, None)
    comparison.keeps_labels = True
    for weights, losses in [((0, 0), first), ((0, 1), noisy), ((1, 1), loss)]:
        comparison.unit_losses.append(losses)
        error = comparison.error_of_gain(-1, 0)
        comparison.candidates.append(Candidate(*Weights(*weights), 0, losses.mean(), error))
    assert not comparison.is_significant(comparison.candidates[1])
    assert comparison.choose().weights == (1, 1, False)
