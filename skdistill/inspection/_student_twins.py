"""Students fitted to the labels alone, tuned: what they are compared with when distilled.

A search tunes itself. Other students have one published grid for their class, of at most eight
settings with the given one first; none of them makes a student larger. Students of other classes
are fitted as they are, and called untuned.
"""

from typing import NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .._teachers._sample_weight import fit_teacher, weight_params
from .._utils._groups import make_folds
from .._utils._rows import copied
from ..students._capabilities import SEARCH
from ..students.leaf_shrinkage import shrink_leaves

N_FOLDS = 3
FEWER_LEAVES = (3, 10)  # divisors of the leaves of a tree: a smaller one may be better
SHRINKAGE = "leaf_shrinkage"  # no parameter: the strength for `shrink_leaves`


def _values(name, *values):
    """Return a setting for each value of a parameter."""
    return [{name: value} for value in values]


_TREES = [
    *_values(SHRINKAGE, 1.0, 10.0, 100.0),
    {"min_samples_leaf": 20},
    {"min_samples_leaf": 20, SHRINKAGE: 10.0},
]
_FORESTS = [
    *_values(SHRINKAGE, 1.0, 10.0),
    *_values("min_samples_leaf", 5, 20),
    {"min_samples_leaf": 5, SHRINKAGE: 10.0},
]
_HISTOGRAMS = [
    *_values("learning_rate", 0.03, 0.3),
    {"l2_regularization": 10.0},
    {"min_samples_leaf": 100},
    {"learning_rate": 0.03, "min_samples_leaf": 100},
]
_XGBOOST = [
    *_values("learning_rate", 0.03, 0.1),
    {"reg_lambda": 10.0},
    {"min_child_weight": 20.0},
    {"learning_rate": 0.1, "min_child_weight": 20.0},
]
_LIGHTGBM = [
    *_values("learning_rate", 0.03, 0.3),
    {"reg_lambda": 10.0},
    {"min_child_samples": 100},
    {"learning_rate": 0.03, "min_child_samples": 100},
]
_EXPLAINABLE_BOOSTING = [
    *_values("learning_rate", 0.005, 0.04),
    {"reg_lambda": 10.0},
    {"min_samples_leaf": 50},
]
_CATBOOST = [*_values("learning_rate", 0.03, 0.1, 0.3), *_values("l2_leaf_reg", 10.0, 30.0)]
_PENALTIES = _values("alpha", 1e-3, 1e-2, 0.1, 10.0, 100.0)
_STEPS = _values("alpha", 1e-6, 1e-5, 1e-3, 1e-2, 0.1)
_COUNTS = _values("alpha", 0.01, 0.1, 3.0, 10.0, 100.0)
_NEIGHBORS = _values("n_neighbors", 3, 10, 20, 50, 100)
_WEIGHT_DECAY = _values("alpha", 1e-3, 1e-2, 0.1, 1.0, 10.0)
_LDA = [{"solver": "lsqr", "shrinkage": share} for share in (0.01, 0.1, 0.3, 0.6, 0.9)]

# Beside the given setting. By package and name of the class, so that nothing is imported.
GRIDS = {
    "sklearn.BernoulliNB": _COUNTS,
    "sklearn.ComplementNB": _COUNTS,
    "sklearn.DecisionTreeClassifier": _TREES,
    "sklearn.DecisionTreeRegressor": _TREES,
    "sklearn.ElasticNet": _PENALTIES,
    "sklearn.ExtraTreeClassifier": _TREES,
    "sklearn.ExtraTreeRegressor": _TREES,
    "sklearn.ExtraTreesClassifier": _FORESTS,
    "sklearn.ExtraTreesRegressor": _FORESTS,
    "sklearn.GaussianNB": _values("var_smoothing", 1e-6, 1e-4, 1e-2, 0.1, 1.0),
    "sklearn.HistGradientBoostingClassifier": _HISTOGRAMS,
    "sklearn.HistGradientBoostingRegressor": _HISTOGRAMS,
    "sklearn.KNeighborsRegressor": _NEIGHBORS,
    "sklearn.Lasso": _PENALTIES,
    "sklearn.LinearDiscriminantAnalysis": _LDA,
    "sklearn.LogisticRegression": _values("C", 1e-3, 1e-2, 0.1, 10.0, 100.0),
    "sklearn.MLPClassifier": _WEIGHT_DECAY,
    "sklearn.MLPRegressor": _WEIGHT_DECAY,
    "sklearn.MultinomialNB": _COUNTS,
    "sklearn.QuadraticDiscriminantAnalysis": _values("reg_param", 1e-3, 1e-2, 0.1, 0.3, 0.9),
    "sklearn.RandomForestClassifier": _FORESTS,
    "sklearn.RandomForestRegressor": _FORESTS,
    "sklearn.Ridge": _PENALTIES,
    "sklearn.SGDClassifier": _STEPS,
    "sklearn.SGDRegressor": _STEPS,
    "catboost.CatBoostClassifier": _CATBOOST,
    "catboost.CatBoostRegressor": _CATBOOST,
    "interpret.ExplainableBoostingClassifier": _EXPLAINABLE_BOOSTING,
    "interpret.ExplainableBoostingRegressor": _EXPLAINABLE_BOOSTING,
    "lightgbm.LGBMClassifier": _LIGHTGBM,
    "lightgbm.LGBMRegressor": _LIGHTGBM,
    "xgboost.XGBClassifier": _XGBOOST,
    "xgboost.XGBRegressor": _XGBOOST,
}


class Twin(NamedTuple):
    """A student and its setting that is best for the labels alone, and how it was found."""

    student: object  # unfitted
    setting: dict
    tuning: str  # "search", "grid" or "untuned"

    def fit(self, training):
        """Return the student fitted to labels with this setting, its leaves shrunk if it says."""
        params = {name: value for name, value in self.setting.items() if name != SHRINKAGE}
        fitted = fit_to_labels(clone(self.student).set_params(**params), training)
        strength = self.setting.get(SHRINKAGE, 0.0)
        if not strength:
            return fitted
        return shrink_leaves(fitted, strength, row_weight=training.mean_weight)


def tuned_twin(student, training, task, scoring):
    """Return a student with the best setting for the labels, by its own search or by its grid.

    `scoring` is the name of a score of the task.
    """
    if ends_in_search(student):
        return Twin(_best_of_search(student, training), {}, "search")
    if searches_inside_fit(student):
        return Twin(student, {}, "search")
    twins = [Twin(student, setting, "grid") for setting in settings_of(student, training)]
    if len(twins) == 1:
        return twins[0]._replace(tuning="untuned")
    return _best_twin(twins, training, _Judge(task, scoring))


def settings_of(student, training):
    """Return the settings that are compared for a student, the given one first.

    Those of a tree without `max_leaf_nodes` depend on how many leaves it has on the training rows.
    """
    prefix, last = _last_step(student)
    package = type(last).__module__.partition(".")[0]
    further = GRIDS.get(f"{package}.{type(last).__name__}", [])
    if further is _TREES:
        further = [*further, *_with_fewer_leaves(student, training)]
    renamed = [
        {name if name == SHRINKAGE else prefix + name: value for name, value in setting.items()}
        for setting in further
    ]
    return [{}, *renamed]


def _with_fewer_leaves(student, training):
    """Return settings with a part of the leaves that a tree may have, else of those that it has."""
    n_leaves = _last_step(student)[1].max_leaf_nodes
    if n_leaves is None:
        _, fitted = _last_step(fit_to_labels(student, training))
        n_leaves = fitted.get_n_leaves()
    fewer = dict.fromkeys(max(2, n_leaves // divisor) for divisor in FEWER_LEAVES)
    return [{"max_leaf_nodes": each, SHRINKAGE: 10.0} for each in fewer if each < n_leaves]


def ends_in_search(student):
    """Return whether a student, or the last step of a Pipeline, is a search over settings."""
    return isinstance(_last_step(student)[1], SEARCH)


def searches_inside_fit(student):
    """Return whether a student, or the last step of a Pipeline, chooses its penalty itself."""
    cls = type(_last_step(student)[1])
    return cls.__module__.startswith("sklearn.linear_model.") and cls.__name__.endswith("CV")


def _last_step(student):
    """Return the last step of nested Pipelines, after the prefix of its parameters."""
    prefix = ""
    while isinstance(student, Pipeline) and student.steps:
        name, student = student.steps[-1]
        prefix += f"{name}__"
    return prefix, student


class _Judge(NamedTuple):
    """Scores settings on held-out rows; higher is better."""

    task: object
    scoring: str  # name of a score of the task

    def score(self, twin, inner, held_out):
        """Return the score of a setting, minus infinity if it fails and is not the given one."""
        try:
            score = self._score(twin.fit(inner), held_out)
        except Exception:
            if not twin.setting:
                raise
            return -np.inf
        return -np.inf if np.isnan(score) else score

    def _score(self, model, held_out):
        y = self.task.targets(held_out.y)
        rows = self.task.rows(self.task.predict(model, held_out.X, "student"), y)
        score = float(self.task.scores(held_out.row_weight[None], rows)[self.scoring][0])
        return score if self.scoring in self.task.higher_is_better else -score


def _best_twin(twins, training, judge):
    """Return the twin of the best mean score over inner folds; ties to the first.

    A setting may fail, such as more neighbours than rows; the given one must not.
    """
    by_class = judge.task.kind == "classifier"
    params = {"groups": training.groups}
    folds = make_folds(N_FOLDS, training.X, training.y, params, by_class=by_class)
    scores = np.zeros(len(twins))
    for train, test in folds:
        inner, held_out = training.take(train), training.take(test)
        scores += [judge.score(twin, inner, held_out) for twin in twins]
    return twins[int(scores.argmax())]


def fit_to_labels(student, training, **params):
    """Return a clone of a student fitted to labels."""
    params |= _weights(student, training.weight)
    return fit_teacher(clone(student), copied(training.X), training.y, params)


def _weights(student, weight):
    """Return the fit parameters with the row weights; a Pipeline gets those of its last step.

    So its class stays that of scikit-learn, and the fitted Pipeline can be shipped.
    """
    params = weight_params(student, weight, "the weights count in its scores only")
    inside = student.estimator if isinstance(student, SEARCH) else student
    if type(inside) is not Pipeline or get_config()["enable_metadata_routing"]:
        return params
    return {f"{inside.steps[-1][0]}__{name}": value for name, value in params.items()}


def _best_of_search(search, training):
    """Return the best estimator of a search on the labels, unfitted; of a Pipeline's last step."""
    prefix, _ = _last_step(search)
    groups = {} if training.groups is None else {f"{prefix}groups": training.groups}
    fitted = fit_to_labels(search, training, **groups)
    _, last = _last_step(fitted)
    if not hasattr(last, "best_estimator_"):
        raise ValueError(
            f"{type(last).__name__}(refit=False) keeps no best estimator. Set refit=True."
        )
    best = clone(last.best_estimator_)
    return clone(search).set_params(**{prefix.removesuffix("__"): best}) if prefix else best
