"""Each registered student has a published grid of at most eight settings, or is untuned."""

import warnings
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from sklearn.utils import all_estimators

from skdistill.datasets import make_gaussian_classes
from skdistill.inspection._class_task import ClassTask
from skdistill.inspection._number_task import NumberTask
from skdistill.inspection._student_costs import size_of
from skdistill.inspection._student_twins import GRIDS, SHRINKAGE, settings_of, tuned_twin
from skdistill.inspection._training_rows import TrainingRows
from skdistill.students import shrink_leaves
from skdistill.students._registry import FITTERS

SKLEARN = {f"sklearn.{name}": each for name, each in all_estimators()}
# Registered students without a grid.
UNTUNED = {
    "CalibratedClassifierCV": "it cross-validates itself",
    "LogisticRegressionCV": "it searches itself",
    "NeuralNet": "its parameters are those of the module",
    "NeuralNetBinaryClassifier": "its parameters are those of the module",
    "NeuralNetClassifier": "its parameters are those of the module",
    "NeuralNetRegressor": "its parameters are those of the module",
    "Perceptron": "it has no probabilities, and fails",
    "Pipeline": "it has the grid of its last step",
    "SoftLabelNet": "its parameters are those of the module",
    "StackingClassifier": "its parameters are those of the estimators inside it",
    "XGBRFClassifier": "a forest: XGBoost's has no leaves to shrink",
}
QUIET = {
    "ExplainableBoostingClassifier": {"max_rounds": 5, "outer_bags": 1, "n_jobs": 1},
    "ExplainableBoostingRegressor": {"max_rounds": 5, "outer_bags": 1, "n_jobs": 1},
    "CatBoostClassifier": {"iterations": 5, "allow_writing_files": False, "verbose": 0},
    "CatBoostRegressor": {"iterations": 5, "allow_writing_files": False, "verbose": 0},
    "LGBMClassifier": {"n_estimators": 5, "verbose": -1, "n_jobs": 1},
    "LGBMRegressor": {"n_estimators": 5, "verbose": -1, "n_jobs": 1},
    "XGBClassifier": {"n_estimators": 5, "n_jobs": 1},
    "XGBRegressor": {"n_estimators": 5, "n_jobs": 1},
    "HistGradientBoostingClassifier": {"max_iter": 5},
    "HistGradientBoostingRegressor": {"max_iter": 5},
    "ExtraTreesClassifier": {"n_estimators": 5},
    "ExtraTreesRegressor": {"n_estimators": 5},
    "RandomForestClassifier": {"n_estimators": 5},
    "RandomForestRegressor": {"n_estimators": 5},
    "MLPClassifier": {"max_iter": 20},
    "MLPRegressor": {"max_iter": 20},
    "SGDClassifier": {"loss": "log_loss"},
}


def student_of(key):
    """Return a small student of a class with a grid."""
    package, name = key.split(".")
    module = {"interpret": "interpret.glassbox"}.get(package, package)
    cls = SKLEARN[key] if package == "sklearn" else getattr(pytest.importorskip(module), name)
    student = cls(**QUIET.get(name, {}))
    return student.set_params(random_state=0) if "random_state" in student.get_params() else student


@pytest.fixture(scope="module")
def training():
    X, y, _ = make_gaussian_classes(150, 4, 2, random_state=0)
    return TrainingRows(np.abs(X), y)


def test_every_registered_student_has_a_grid_or_a_reason():
    for package in FITTERS.optional_packages:
        if package != "interpret" or find_spec(package):  # not in the environment of tests
            pytest.importorskip(package)
            import_module(f"skdistill.students.{package}")
    named = {key.split(".")[1] for key in GRIDS}
    packages = ("sklearn", "skdistill", *FITTERS.optional_packages)
    ours = {cls.__name__ for cls in FITTERS if cls.__module__.split(".")[0] in packages}
    assert len(ours) > 20 and ours - named - set(UNTUNED) == set()
    assert named & set(UNTUNED) == set()


@pytest.mark.parametrize("key", GRIDS)
def test_each_setting_fits_and_none_makes_the_student_larger(key, training):
    student = student_of(key)
    settings = settings_of(student, training)
    assert 2 <= len(settings) <= 8 and settings[0] == {}
    assert all(setting not in settings[:k] for k, setting in enumerate(settings))
    sizes = []
    for setting in settings:
        params = {name: value for name, value in setting.items() if name != SHRINKAGE}
        fitted = clone(student).set_params(**params)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few iterations
            fitted.fit(training.X, training.y)
        if setting.get(SHRINKAGE):
            fitted = shrink_leaves(fitted, setting[SHRINKAGE])
        sizes.append(size_of(fitted)[0])
    assert np.nanmax([0, *sizes]) == np.nanmax([0, sizes[0]])


def test_the_best_setting_is_the_one_of_the_smallest_loss(training):
    """A full tree overfits: its leaves are shrunk, or hold more rows."""
    task = ClassTask(np.array([0, 1]))
    tree = DecisionTreeClassifier(random_state=0)
    twin = tuned_twin(tree, training, task, "log_loss")
    assert twin.setting and twin.tuning == "grid"
    fitted = twin.fit(training)
    params = {name: value for name, value in twin.setting.items() if name != SHRINKAGE}
    plain = clone(tree).set_params(**params).fit(training.X, training.y)
    expected = shrink_leaves(plain, twin.setting.get(SHRINKAGE, 0.0))
    assert (fitted.predict_proba(training.X) == expected.predict_proba(training.X)).all()


def test_the_last_step_of_a_pipeline_is_tuned(training):
    pipeline = make_pipeline(MinMaxScaler(), LogisticRegression())
    inner = [setting["logisticregression__C"] for setting in settings_of(pipeline, training)[1:]]
    assert inner == [setting["C"] for setting in GRIDS["sklearn.LogisticRegression"]]
    trees = make_pipeline(MinMaxScaler(), RandomForestClassifier())
    assert {SHRINKAGE, "randomforestclassifier__min_samples_leaf"} == set().union(
        *settings_of(trees, training)
    )
    twin = tuned_twin(pipeline, training, ClassTask(np.array([0, 1])), "log_loss")
    assert type(twin.fit(training._replace(weight=np.ones(150)))) is type(pipeline)


def test_students_without_a_grid_are_untuned(training):
    class Tree(DecisionTreeClassifier):
        pass

    for student in (Tree(), LinearRegression()):
        assert settings_of(student, training) == [{}]
    twin = tuned_twin(Tree(), training, ClassTask(np.array([0, 1])), "log_loss")
    assert twin.tuning == "untuned" and twin.setting == {}


def test_linear_models_that_search_inside_fit_are_tuned(training):
    task = ClassTask(np.array([0, 1]))
    for student in (LogisticRegressionCV(), make_pipeline(MinMaxScaler(), LogisticRegressionCV())):
        assert tuned_twin(student, training, task, "log_loss").tuning == "search"
    calibrated = CalibratedClassifierCV(DecisionTreeClassifier())
    assert tuned_twin(calibrated, training, task, "log_loss").tuning == "untuned"


def test_a_setting_that_fails_is_left_out_but_not_the_given_one(training):
    """The grid has up to 100 neighbours, more than there are rows."""
    few = TrainingRows(training.X[:30], training.X[:30, 0])
    twin = tuned_twin(KNeighborsRegressor(), few, NumberTask(), "mse")
    assert twin.tuning == "grid" and twin.setting.get("n_neighbors", 5) <= 20
    with pytest.raises(ValueError, match="n_neighbors"):
        tuned_twin(KNeighborsRegressor(40), few, NumberTask(), "mse")


def test_inner_folds_hold_whole_groups(training, monkeypatch):
    groups = np.repeat(np.arange(15), 10)
    splits = []
    split = StratifiedGroupKFold.split

    def recorded(self, X, y=None, groups=None):
        splits.append(groups)
        return split(self, X, y, groups)

    monkeypatch.setattr(StratifiedGroupKFold, "split", recorded)
    rows = training._replace(groups=groups)
    tuned_twin(DecisionTreeClassifier(), rows, ClassTask(np.array([0, 1])), "log_loss")
    assert (splits[0] == groups).all()


TREES = (DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("limit", [{}, {"max_leaf_nodes": 30}, {"max_depth": 4}, {"max_depth": 1}])
@pytest.mark.parametrize("tree", TREES)
def test_twins_of_trees_may_have_fewer_leaves(tree, limit, piped, training):
    """A third and a tenth of the limit, or of the leaves of the fitted tree; at least two."""
    student = tree(random_state=0, **limit)
    n_leaves = limit.get("max_leaf_nodes") or (
        clone(student).fit(training.X, training.y).get_n_leaves()
    )
    expected = [max(2, n_leaves // 3), max(2, n_leaves // 10)] if n_leaves > 2 else []
    prefix = f"{tree.__name__.lower()}__" if piped else ""
    if piped:
        student = make_pipeline(FunctionTransformer(), student)
    name = f"{prefix}max_leaf_nodes"
    found = [each for each in settings_of(student, training) if name in each]
    assert found == [{name: each, SHRINKAGE: 10.0} for each in dict.fromkeys(expected)]
    assert limit == {"max_depth": 1} or found


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_where_a_small_tree_is_the_truth_its_twin_is_small(kind):
    """The labels depend on one split; the other leaves fit noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    if kind == "classifier":
        y = (rng.random(300) < np.where(X[:, 0] > 0, 0.7, 0.3)).astype(int)
        tree, task, score = DecisionTreeClassifier, ClassTask(np.array([0, 1])), "log_loss"
    else:
        y = (X[:, 0] > 0) + rng.normal(size=300)
        tree, task, score = DecisionTreeRegressor, NumberTask(), "mse"
    twin = tuned_twin(tree(max_leaf_nodes=20, random_state=0), TrainingRows(X, y), task, score)
    assert twin.setting["max_leaf_nodes"] in (2, 6)
    assert twin.fit(TrainingRows(X, y)).get_n_leaves() == twin.setting["max_leaf_nodes"]
