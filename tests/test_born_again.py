"""Generations have the documented targets, held-out scores and stopping rule."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdistill import BornAgainClassifier, SoftLabels, fit_soft_labels
from skdistill._born_again import GenerationChains
from skdistill._teachers._folds import LabelledRows, named_folds
from skdistill.datasets import make_hidden_classes
from skdistill.inspection import distillation_report

TREE = DecisionTreeClassifier(min_samples_leaf=5, random_state=0)
NO_HELP = pytest.mark.filterwarnings("ignore:Self-distillation did not help")


@pytest.fixture(scope="module")
def noisy():
    X, y, _ = make_hidden_classes(300, n_classes=3, class_sep=1, random_state=0)
    return X, y


def by_hand(estimator, X, y, n_generations, cv, alpha=1.0):
    """Return generations on all rows, and the held-out probabilities of each: written out."""
    labels = np.eye(3)[y]

    def fit_and_predict(targets, train, test):
        mixed = SoftLabels(targets[train], y=y[train]).mix_with_labels(alpha)
        return fit_soft_labels(estimator, X[train], mixed).predict_proba(X[test])

    folds = list(cv.split(X, y))
    on_all, held_out = [], []
    target, targets_of_lines = labels, [labels for _ in folds]
    for _ in range(n_generations + 1):
        on_all.append(fit_soft_labels(estimator, X, SoftLabels(target, y=y).mix_with_labels(alpha)))
        target, new = np.zeros((len(y), 3)), []
        for own, (train, test) in enumerate(folds):
            target[test] = fit_and_predict(targets_of_lines[own], train, test)
            within = np.full((len(y), 3), np.nan)
            for number, (_, other) in enumerate(folds):
                if number != own:
                    rest = np.setdiff1d(train, other)
                    within[other] = fit_and_predict(targets_of_lines[own], rest, other)
            new.append(within)
        targets_of_lines = new
        held_out.append(target)
    return on_all, held_out


@pytest.mark.parametrize("alpha", [1.0, 0.6])
def test_each_generation_is_the_one_by_hand(noisy, alpha):
    X, y = noisy
    cv = StratifiedKFold(4)
    model = BornAgainClassifier(TREE, n_generations=2, alpha=alpha, cv=cv, ensemble=True)
    model.fit(X, y)
    on_all, held_out = by_hand(TREE, X, y, 2, cv, alpha)
    means = np.cumsum(held_out, axis=0) / np.arange(1, 4)[:, None, None]
    assert model.n_generations_ == 2  # by the fixture's seed: all of it is compared
    for mine, theirs in zip(model.estimators_, on_all, strict=True):
        assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), atol=1e-12)
    losses = [log_loss(y, np.maximum(proba, np.finfo(float).eps)) for proba in means]
    assert_allclose([scores["log_loss"] for scores in model.generation_scores_], losses, rtol=1e-9)


def test_one_generation_is_fitted_on_out_of_fold_targets(noisy):
    X, y = noisy
    model = BornAgainClassifier(TREE, n_generations=1).fit(X, y)
    proba = cross_val_predict(TREE, X, y, cv=5, method="predict_proba")
    expected = fit_soft_labels(TREE, X, SoftLabels(proba))
    assert model.n_generations_ == 1
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-12)
    assert model.generation_scores_[0]["log_loss"] == pytest.approx(log_loss(y, proba))
    assert type(model.student_) is DecisionTreeClassifier
    assert not hasattr(model, "estimators_")


def test_an_ensemble_predicts_the_mean(noisy):
    X, y = noisy
    model = BornAgainClassifier(TREE, ensemble=True).fit(X, y)
    assert len(model.estimators_) == model.n_generations_ + 1 > 2
    mean = np.mean([each.predict_proba(X) for each in model.estimators_], axis=0)
    assert_allclose(model.predict_proba(X), mean)
    assert_array_equal(model.predict(X), mean.argmax(axis=1))
    assert_allclose(model.estimators_[0].predict_proba(X), TREE.fit(X, y).predict_proba(X))
    assert model.student_ is model.estimators_[-1]
    report = distillation_report(TREE.fit(X, y), TREE, model, X, y, random_state=0)
    assert "BornAgainClassifier" in str(report)  # the cost is that of all generations
    assert not hasattr(model.set_params(ensemble=False).fit(X, y), "estimators_")


def test_targets_of_a_row_are_independent_of_its_label(noisy):
    X, y = noisy

    def held_out(y):
        folds, labels = named_folds(list(KFold(4).split(X))), SoftLabels.from_labels(y)
        generations = GenerationChains(TREE, LabelledRows(X, y), labels, labels, {}, folds, None)
        targets, predictions = [labels] * 4, []
        for _ in range(3):
            predictions.append(generations.predict_held_out(targets).labelled)
            targets = generations.next_chains(targets, 0.7)
        return np.array(predictions)

    before = held_out(y)
    for row in (0, 100, 299):
        other = y.copy()
        other[row] = (y[row] + 1) % 3
        after = held_out(other)
        assert_array_equal(after[:, row], before[:, row])
        assert (after != before).any()


def test_alpha_zero_is_ordinary_training_and_stops_at_once(noisy):
    X, y = noisy
    with pytest.warns(UserWarning, match="did not help"):
        model = BornAgainClassifier(TREE, alpha=0).fit(X, y)
    assert model.n_generations_ == 0
    assert len(model.generation_scores_) == 2
    assert model.generation_scores_[0] == model.generation_scores_[1]
    assert_array_equal(model.predict_proba(X), TREE.fit(X, y).predict_proba(X))


def test_it_stops_where_there_is_nothing_to_smooth():
    X = np.repeat(np.arange(3.0), 20)[:, None]
    y = np.tile(np.repeat([0, 1], 10), 3)[np.random.default_rng(0).permutation(60)]
    with pytest.warns(UserWarning, match="generation 1 has a log-loss of"):
        model = BornAgainClassifier(LogisticRegression(C=1e-9), random_state=0).fit(X, y)
    assert (model.n_generations_, len(model.generation_scores_)) == (0, 2)


class CountingNB(GaussianNB):
    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


@NO_HELP
@pytest.mark.parametrize("ensemble", [False, True])
def test_number_of_fits_is_as_documented(noisy, ensemble):
    X, y = noisy
    CountingNB.n_fits = 0
    model = BornAgainClassifier(CountingNB(), n_generations=3, cv=4, ensemble=ensemble).fit(X, y)
    n_tried = len(model.generation_scores_)
    n_last = 4 if n_tried == 4 or n_tried - 1 > model.n_generations_ else 16
    expected = (n_tried - 1) * 16 + n_last + (model.n_generations_ + 1 if ensemble else 1)
    assert CountingNB.n_fits == expected
    assert n_tried == min(3, model.n_generations_ + 1) + 1


def test_first_generation_beats_zeroth_on_noisy_labels():
    gains = []
    for seed in range(8):
        X, y, _ = make_hidden_classes(1400, n_classes=3, class_sep=1, random_state=seed)
        train, test = slice(400), slice(400, None)
        first = TREE.fit(X[train], y[train]).predict_proba(X[test])
        model = BornAgainClassifier(TREE, n_generations=1, cv=4).fit(X[train], y[train])
        gains.append(log_loss(y[test], first) - log_loss(y[test], model.predict_proba(X[test])))
    assert np.mean(gains) > 4 * np.std(gains) / np.sqrt(len(gains))


def test_scores_are_those_of_fresh_rows_and_not_flattered():
    errors = []
    for seed in range(8):
        X, y, _ = make_hidden_classes(1400, n_classes=3, class_sep=1, random_state=seed)
        train, test = slice(400), slice(400, None)
        model = BornAgainClassifier(TREE, n_generations=1, cv=4).fit(X[train], y[train])
        fresh = log_loss(y[test], model.predict_proba(X[test]))
        errors.append(model.generation_scores_[1]["log_loss"] - fresh)
    # Held-out generations learn from fewer rows: if anything they are worse, never better.
    assert np.mean(errors) > -2 * np.std(errors) / np.sqrt(len(errors))


def test_rows_without_weight_have_no_effect(noisy):
    X, y = noisy
    folds = list(StratifiedKFold(3).split(X[:200], y[:200]))
    more = np.arange(200, 300)
    wider = [(np.append(train, more[:50]), np.append(test, more[50:])) for train, test in folds]
    wider.append((np.arange(200), more[:50]))
    weight = np.repeat([1.0, 0.0], [200, 100])
    leaves = DecisionTreeClassifier(max_depth=4, random_state=0)  # counts no rows
    expected = BornAgainClassifier(leaves, cv=folds, n_generations=1).fit(X[:200], y[:200])
    model = BornAgainClassifier(leaves, cv=wider, n_generations=1).fit(X, y, sample_weight=weight)
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), atol=1e-9)
    assert model.generation_scores_[0] == pytest.approx(expected.generation_scores_[0])


@NO_HELP
def test_labels_of_each_kind(labelled):
    X, y = labelled
    for estimator in (TREE, DecisionTreeRegressor(max_depth=3, random_state=0)):
        model = BornAgainClassifier(estimator, n_generations=1, cv=3, ensemble=True).fit(X, y)
        assert_array_equal(model.classes_, np.unique(y))
        assert model.score(X, y) > 0.9


@NO_HELP
def test_groups_stay_together_in_every_line(noisy):
    X, y = noisy
    groups = np.arange(len(y)) // 10

    class Careful(DecisionTreeClassifier):
        def fit(self, X, y, sample_weight=None):
            self.groups_ = set(X[:, 0])
            return super().fit(X, y, sample_weight)

        def predict_proba(self, X):
            assert not self.groups_ & set(X[:, 0])
            return super().predict_proba(X)

    X = np.column_stack([groups, X])
    BornAgainClassifier(Careful(max_depth=3), cv=GroupKFold(4)).fit(X, y, groups=groups)
    with pytest.raises(ValueError, match="groups"):
        BornAgainClassifier(TREE, cv=GroupKFold(4)).fit(X, y)


@NO_HELP
def test_in_a_pipeline_and_a_search(iris):
    X, y = iris
    inner = make_pipeline(StandardScaler(), TREE)
    model = make_pipeline(StandardScaler(), BornAgainClassifier(inner, cv=3, n_generations=1))
    name, step = "bornagainclassifier", "decisiontreeclassifier"
    grid = {f"{name}__alpha": [0.5, 1], f"{name}__estimator__{step}__max_depth": [1, 3]}
    search = GridSearchCV(model, grid, scoring="neg_log_loss", cv=3, error_score="raise").fit(X, y)
    assert search.best_estimator_.score(X, y) > 0.9


@NO_HELP
def test_weights_go_where_routing_sends_them(noisy):
    X, y = noisy
    weight = np.random.default_rng(0).integers(1, 4, size=len(y)).astype(float)
    plain = BornAgainClassifier(GaussianNB(), cv=3).fit(X, y, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        asking = GaussianNB().set_fit_request(sample_weight=True)
        routed = BornAgainClassifier(asking, cv=3).fit(X, y, sample_weight=weight)
        BornAgainClassifier(cv=GroupKFold(3)).fit(X, y, groups=np.arange(len(y)) % 9)
    assert_array_equal(routed.predict_proba(X), plain.predict_proba(X))
    with pytest.raises(TypeError, match=r"got \['spam'\]. Without metadata routing"):
        BornAgainClassifier().fit(X, y, spam=1)


@NO_HELP
def test_class_unseen_in_a_fold_keeps_labels_and_is_unscored(noisy):
    X, y = noisy
    y = y % 2
    y[:3] = 2
    folds = [(np.r_[75:300], np.r_[0:75])]
    folds += [
        (np.setdiff1d(np.arange(300), test), test) for test in np.split(np.arange(75, 300), 3)
    ]
    # Three rows in their own fold, and in each of the three pairs of folds with it.
    outer = pytest.warns(UserWarning, match=r"fold 1 of 4 never saw the classes \[2\]; 3 rows")
    nested = pytest.warns(UserWarning, match="in 9 cases a row keeps its label")
    with outer, nested:
        model = BornAgainClassifier(GaussianNB(), n_generations=1, cv=folds).fit(X, y)
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.generation_scores_[0]["log_loss"] < 5  # a row that had no chance costs 36


@NO_HELP
def test_the_random_state_and_processes(noisy):
    X, y = noisy
    model = BornAgainClassifier(DecisionTreeClassifier(max_features=1), cv=3, random_state=0)
    alone, many = clone(model).fit(X, y), clone(model).set_params(n_jobs=2).fit(X, y)
    assert alone.generation_scores_ == many.generation_scores_
    assert isinstance(alone.student_.random_state, int)


def test_verbose_reports_each_generation(noisy, capsys):
    X, y = noisy
    model = BornAgainClassifier(TREE, n_generations=1, verbose=1, cv=3).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    loss = model.generation_scores_[1]["log_loss"]
    assert lines[1].startswith(f"[generation 1] log-loss {loss:.4f} in ")


@pytest.mark.parametrize("n_generations", [0, -1, 1.5, "all", True, None])
def test_a_number_of_generations_that_is_none(noisy, n_generations):
    with pytest.raises(ValueError, match="fit the estimator itself"):
        BornAgainClassifier(n_generations=n_generations).fit(*noisy)


def test_what_cannot_be_born_again(noisy):
    X, y = noisy
    with pytest.raises(TypeError, match=r"predict_proba; LinearSVC\(\) has none"):
        BornAgainClassifier(LinearSVC()).fit(X, y)
    with pytest.raises(TypeError, match="takes no sample_weight"):
        BornAgainClassifier(KNeighborsClassifier()).fit(X, y)
    with pytest.raises(TypeError, match=r"Write estimator=GaussianNB\(\)"):
        BornAgainClassifier(GaussianNB).fit(X, y)
    with pytest.raises(ValueError, match="at least 3 folds, got 2"):
        BornAgainClassifier(cv=2).fit(X, y)
    with pytest.raises(ValueError, match="alpha must be a number"):
        BornAgainClassifier(alpha=2).fit(X, y)
