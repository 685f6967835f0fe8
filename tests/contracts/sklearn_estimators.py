"""Every classifier and regressor of scikit-learn, small and seeded, alone and inside another one.

Read from ``sklearn.utils.all_estimators``: what a new release brings takes part by itself.
"""

import warnings
from dataclasses import dataclass
from functools import cache, cached_property
from inspect import signature
from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

# Constructor parameters that hold an estimator, or a list of (name, estimator).
SLOTS = ("estimator", "base_estimator", "regressor", "classifier", "estimators", "steps")
# What makes each class quick and repeatable, where its constructor has the parameter.
SMALL = {
    "cv": 2,
    "max_depth": 2,
    # A node of one row is a leaf; that of its copies may be split, in vain, by random numbers.
    "min_weight_fraction_leaf": 0.1,
    "n_estimators": 3,
    "n_jobs": 1,
    "param_distributions": {},
    "param_grid": {},
    "random_state": 0,
    "thresholds": 5,
}
SMALL_OF: dict[str, dict[str, Any]] = {
    "ElasticNetCV": {"alphas": [0.1, 0.01]},
    "LassoCV": {"alphas": [0.1, 0.01]},
    "MultiTaskElasticNetCV": {"alphas": [0.1, 0.01]},
    "MultiTaskLassoCV": {"alphas": [0.1, 0.01]},
    # Of two classes CatBoost multiplies the penalty by the mean weight of a row.
    "CatBoostClassifier": {
        **{"allow_writing_files": False, "l2_leaf_reg": 0, "verbose": False},
        **{"leaf_estimation_iterations": 1, "learning_rate": 0.3, "boost_from_average": False},
        **{"bootstrap_type": "No", "random_strength": 0},
    },
    # One random border in one of the features leaves a tree without a split.
    "ExtraTreeClassifier": {"max_features": None, "random_state": 1},
    # By hand it would count copies.
    "HistGradientBoostingClassifier": {"max_iter": 3, "min_samples_leaf": 1},
    "HistGradientBoostingRegressor": {"max_iter": 3},
    # What counts rows counts copies.
    "LGBMClassifier": {"min_child_samples": 1, "min_data_in_bin": 1, "verbose": -1},
    "LogisticRegression": {"max_iter": 1000, "tol": 1e-10},
    "MLPClassifier": {"max_iter": 20},
    "MLPRegressor": {"max_iter": 20},
    "RandomizedSearchCV": {"n_iter": 1},
    "NuSVC": {"tol": 1e-6},
    # AdaBoost's weights add up to 1, with which C=1 lets a support vector machine learn nothing.
    "SVC": {"C": 50.0, "tol": 1e-6},
    # Rows that a bag leaves out have no weight, and not all that it draws may be of them.
    "RANSACRegressor": {"min_samples": 0.5},
    "SGDClassifier": {"alpha": 0.1},
    "TheilSenRegressor": {"max_subpopulation": 20},
    "XGBRFClassifier": {"colsample_bynode": 1, "subsample": 1},
}
# Further settings that change how a class fits: alone ("classifier" and "regressor" of LEAVES)
# or around another one.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "CalibratedClassifierCV": [{"ensemble": False}],
    "NuSVC": [{"probability": True}],
    "RandomForestClassifier": [{"bootstrap": False}],
    "SVC": [{"probability": True}],
    "StackingClassifier": [{"passthrough": True}],
    "VotingClassifier": [{"voting": "soft"}],
}


@dataclass(frozen=True)
class Maker:
    """A class of scikit-learn with settings, and the parameter that holds an inner estimator."""

    cls: type
    params: tuple[tuple[str, Any], ...] = ()
    slot: str | None = None

    @property
    def name(self):
        """The class, with the settings that are not its defaults."""
        settings = ", ".join(f"{name}={value!r}" for name, value in self.params)
        return f"{self.cls.__name__}({settings})" if settings else self.cls.__name__

    @cached_property
    def has_class_weight(self):
        """Whether classes can be weighed."""
        return "class_weight" in self.make().get_params()

    def make(self, inner=None):
        """Return an unfitted instance, around `inner` where it has a place for it."""
        known = signature(self.cls).parameters
        params = {name: value for name, value in SMALL.items() if name in known}
        params |= SMALL_OF.get(self.cls.__name__, {})
        if inner is not None:
            params[self.slot] = inner
            if self.slot == "estimators":
                params[self.slot] = [("inner", inner)]
            elif self.slot == "steps":
                params[self.slot] = [("scale", StandardScaler()), ("inner", inner)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # classes that scikit-learn deprecates
            return self.cls(**params, **dict(self.params))

    @cached_property
    def is_classifier(self):
        """Whether it is a classifier, where nothing inside decides that."""
        return is_classifier(self.make())

    def fits(self, inner):
        """Return whether it may stand around an estimator of the kind of `inner`, a maker."""
        if issubclass(self.cls, ClassifierMixin):
            return inner.is_classifier
        return not (issubclass(self.cls, RegressorMixin) and inner.is_classifier)


@cache
def leaves(kind):
    """Return a maker for each "classifier" or "regressor" that needs no other estimator."""
    return [
        maker
        for _, cls in all_estimators(kind)
        if _slot(cls) is None or signature(cls).parameters[_slot(cls)].default is None
        for maker in _with_variants(cls)
        if cls.__name__ != "SelfTrainingClassifier"  # its default is not usable
    ]


@cache
def meta_estimators():
    """Return a maker for each class that predicts by another estimator inside it."""
    return [
        maker
        for _, cls in all_estimators()
        if _slot(cls) is not None and hasattr(cls, "predict")
        for maker in _with_variants(cls, _slot(cls))
    ]


def _slot(cls):
    known = signature(cls).parameters
    return next((slot for slot in SLOTS if slot in known), None)


def _with_variants(cls, slot=None):
    settings = [{}, *VARIANTS.get(cls.__name__, [])]
    return [Maker(cls, tuple(each.items()), slot) for each in settings]
