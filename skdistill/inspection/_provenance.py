"""Where the figures of a report come from: the models, their weights, versions and the date."""

import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version

from sklearn.pipeline import Pipeline

from ._cost import deployable, kind_of
from ._student_costs import size_of

# Fitted attributes that say how the targets of a student were made, and their names in a report.
WEIGHTS = {
    "alpha_": "alpha",
    "unlabeled_weight_": "unlabeled_weight",
    "pseudo_labels_": "pseudo_labels",
    "leaf_shrinkage_": "leaf_shrinkage",
    "teacher_temperature_": "teacher_temperature",
}
ALWAYS_NAMED = ("scikit-learn", "skdistill")


def model_names(models):
    """Return what each model is: its class, of a distilled one the class of its student."""
    return {name: kind_of(_student_in(_last_step(model), model)) for name, model in models.items()}


def model_sizes(models):
    """Return {model: "10 leaves"} of the deployed models that have leaves or coefficients."""
    counted = {name: size_of(deployable(model)) for name, model in models.items()}
    return {name: f"{count:,.0f} {unit}" for name, (count, unit) in counted.items() if unit}


def chosen_weights(model):
    """Return the weights that a distilled model was fitted with, by name."""
    last = _last_step(model)
    return {name: getattr(last, each) for each, name in WEIGHTS.items() if hasattr(last, each)}


def versions(models):
    """Return the versions of Python, skdistill, scikit-learn and the packages of the models."""
    packages = {
        type(step).__module__.partition(".")[0]
        for model in models.values()
        for step in (_last_step(model), _student_in(_last_step(model), model))
    }
    found = {"Python": platform.python_version()}
    for package in (*ALWAYS_NAMED, *sorted(packages - {"sklearn", "skdistill"})):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a class of the user's own
            continue
    return found


def today():
    """Return the date, as YYYY-MM-DD."""
    return date.today().isoformat()


def _last_step(model):
    """Return the last step of a Pipeline or of the best model of a search, else the model."""
    while True:
        if isinstance(model, Pipeline):
            model = model.steps[-1][1]
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            return model


def _student_in(last, model):
    """Return the student of a model that holds one, else the model."""
    return getattr(last, "student_", model)
