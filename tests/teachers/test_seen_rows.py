"""A frozen teacher that was fitted on these rows is reported, and no other one."""

import warnings

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdistill import DistilledBipartiteRanker, DistilledClassifier, DistilledMulticlassRetriever
from skdistill._teachers._sampled_rows import vary_as_drawn
from skdistill._teachers._seen_rows import has_seen
from skdistill._teachers._stored_losses import stored_losses
from skdistill.datasets import make_gaussian_classes
from skdistill.teachers import cross_val_proba

X, Y, _ = make_gaussian_classes(600, 4, 2, random_state=0)
SEEN, NEW = slice(300), slice(300, None)
FOREST = RandomForestClassifier(20, random_state=0)
MODELS = {
    "tree": DecisionTreeClassifier(random_state=0),
    "forest": FOREST,
    "shallow forest": RandomForestClassifier(20, max_depth=4, random_state=0),
    "extra trees": ExtraTreesClassifier(20, random_state=0),
    "bagging": BaggingClassifier(n_estimators=10, max_features=0.5, random_state=0),
    "AdaBoost": AdaBoostClassifier(DecisionTreeClassifier(max_depth=4), n_estimators=5),
    "gradient boosting": GradientBoostingClassifier(n_estimators=10, random_state=0),
    "histograms": HistGradientBoostingClassifier(max_iter=10, random_state=0),
    "pipeline": make_pipeline(StandardScaler(), FOREST),
    "search": GridSearchCV(FOREST, {"max_depth": [None, 5]}, cv=2),
}
BOOSTERS = {
    "lightgbm": ("LGBMClassifier", {"verbose": -1, "n_jobs": 1}),
    "xgboost": ("XGBClassifier", {"n_jobs": 1}),
    "catboost": ("CatBoostClassifier", {"verbose": 0, "allow_writing_files": False}),
}

# Fitted on samples of the rows, or on a part of them: of LightGBM, XGBoost and scikit-learn.
BAGGED = {"subsample": 0.8, "subsample_freq": 1}
SAMPLED = {
    "lightgbm": ("LGBMClassifier", {"verbose": -1, "n_jobs": 1} | BAGGED),
    "lightgbm, by its own name": (
        "LGBMClassifier",
        {"verbose": -1, "n_jobs": 1, "bagging_fraction": 0.8, "bagging_freq": 5},
    ),
    "xgboost": ("XGBClassifier", {"n_jobs": 1, "subsample": 0.8}),
    "gradient boosting": (GradientBoostingClassifier, {"subsample": 0.5}),
    "gradient boosting, stopped": (
        GradientBoostingClassifier,
        {"n_iter_no_change": 5, "max_depth": 5},
    ),
    "histograms": (HistGradientBoostingClassifier, {"early_stopping": True}),
    "forest": (RandomForestClassifier, {"max_samples": 0.5}),
}


def sampled_model(name, seed):
    cls, params = SAMPLED[name]
    if isinstance(cls, str):
        cls = getattr(pytest.importorskip(name.partition(",")[0]), cls)
    rounds = {"max_iter" if cls is HistGradientBoostingClassifier else "n_estimators": 20}
    return cls(random_state=seed, **rounds, **params)


def model_of(name):
    if name in MODELS:
        return MODELS[name]
    class_name, params = BOOSTERS[name]
    return getattr(pytest.importorskip(name), class_name)(n_estimators=10, **params)


def reports(fit):
    """Return the messages about seen rows among the warnings of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit()
    messages = [str(warning.message) for warning in caught]
    return [message for message in messages if "was fitted on these rows" in message]


def distilled(model, rows=SEEN, **params):
    student = DistilledClassifier(FrozenEstimator(model), GaussianNB(), alpha=1.0)
    return reports(lambda: student.fit(X[rows], Y[rows], **params))


@pytest.mark.parametrize("name", [*MODELS, *BOOSTERS])
def test_a_model_is_reported_on_its_own_rows_only(name):
    model = model_of(name).fit(X[SEEN], Y[SEEN])
    (message,) = distilled(model)
    assert "teacher_proba=cross_val_proba(model, X, y)" in message
    assert distilled(model, NEW) == []


@pytest.mark.parametrize("name", [*MODELS, *BOOSTERS, *(f"sampled {name}" for name in SAMPLED)])
def test_easy_rows_cause_no_false_report(name):
    """Classes far apart: each model is as accurate on rows that it has not seen."""
    easy = X + 20 * Y[:, None]
    sampled = name.removeprefix("sampled ")
    model = model_of(name) if sampled == name else sampled_model(sampled, 0)
    model.fit(easy[SEEN], Y[SEEN])
    assert model.score(easy[NEW], Y[NEW]) > 0.98
    student = DistilledClassifier(FrozenEstimator(model), GaussianNB(), alpha=1.0)
    assert reports(lambda: student.fit(easy[NEW], Y[NEW])) == []


def halves(seed, n_classes, *, stratified):
    """Return rows and labels, drawn twice; if stratified, both have as many of each class."""
    X, y, _ = make_gaussian_classes(1600, 4, n_classes, random_state=seed)
    order = np.argsort(y, kind="stable") if stratified else np.roll(np.arange(1600), seed)
    parts = (order[::2], order[1::2])
    return [(X[part], y[part]) for part in parts]


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_model_of_sampled_rows_is_reported(name, n_classes):
    for seed in range(2):
        seen, _ = halves(seed, n_classes, stratified=False)
        assert has_seen(sampled_model(name, seed).fit(*seen), *seen)


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("stratified", [False, True])
def test_a_model_of_sampled_rows_is_silent_on_as_many_others(name, stratified):
    for seed in range(5):
        seen, new = halves(seed, 2, stratified=stratified)
        assert not has_seen(sampled_model(name, seed).fit(*seen), *new)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9, 1.0])
def test_drawn_rows_vary_less_than_others(share):
    """Rows in equally probable cells, of which trees are functions."""
    y = np.zeros(1000, dtype=int)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        trees = [[], []]
        cells, new = rng.integers(200, size=(2, 1000))
        for _ in range(5):
            leaf_of = rng.integers(30, size=200)
            drawn = rng.permutation(1000)[: int(share * 1000)]
            stored = np.bincount(leaf_of[cells[drawn]], minlength=30)
            for kind, rows in zip(trees, (cells, new), strict=True):
                kind.append((leaf_of[rows], stored, np.ones(1000)))
        assert vary_as_drawn(trees[0], y)
        assert not vary_as_drawn(trees[1], y)


def test_stored_losses_of_scikit_learn_are_those_of_all_rows():
    """If this fails, scikit-learn stores other losses: models with early stopping go unreported."""
    (X, y), _ = halves(0, 3, stratified=False)
    for name in ("gradient boosting", "histograms"):
        model = sampled_model(name, 0).fit(X, y)
        stored = stored_losses(model, len(y))
        found = [log_loss(y, proba) for proba in model.staged_predict_proba(X)][: len(stored)]
        np.testing.assert_allclose(stored, found, rtol=1e-6)


@pytest.mark.parametrize("estimator", [DistilledBipartiteRanker, DistilledMulticlassRetriever])
def test_rankers_and_retrievers_report_it(estimator):
    model = estimator(FrozenEstimator(FOREST.fit(X[SEEN], Y[SEEN])), alpha=0.5)
    if estimator is DistilledMulticlassRetriever:
        model.set_params(k=1)
    assert len(reports(lambda: model.fit(X[SEEN], Y[SEEN]))) == 1
    assert reports(lambda: model.fit(X[NEW], Y[NEW])) == []


def test_the_remedy_is_not_reported():
    model = FOREST.fit(X[SEEN], Y[SEEN])
    assert distilled(model, teacher_proba=cross_val_proba(model, X[SEEN], Y[SEEN], cv=3)) == []


def test_few_rows_are_not_judged():
    few = slice(29)
    assert distilled(ExtraTreesClassifier(20, random_state=0).fit(X[few], Y[few]), few) == []


@pytest.mark.parametrize("attribute", ["booster_", "get_booster", "estimators_", "tree_"])
@pytest.mark.parametrize("value", [None, [], [np.nan], "text"])
def test_unknown_attributes_raise_nothing(attribute, value):
    model = GaussianNB().fit(X, Y)
    setattr(model, attribute, value)
    assert distilled(model) == []


def test_relied_upon_dump_of_lightgbm():
    """If this fails, the dump has another form: read the counts of leaves from there."""
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(X, Y)
    tree = model.booster_.dump_model(num_iteration=1)["tree_info"][0]
    node = tree["tree_structure"]
    assert node["internal_count"] == len(X)
    while "left_child" in node:
        node = node["left_child"]
    leaves = np.ravel(model.predict(X, pred_leaf=True, num_iteration=1))
    assert node["leaf_count"] == (leaves == node["leaf_index"]).sum()
    assert tree["num_leaves"] == len(np.unique(leaves))


def test_without_the_dump_nothing_is_reported(monkeypatch):
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(X[SEEN], Y[SEEN])
    monkeypatch.setattr(lightgbm.Booster, "dump_model", lambda *_, **__: {"trees": []})
    assert distilled(model) == []
