"""The settings of a model that differ from its defaults, as text."""

import inspect
import textwrap

from sklearn.pipeline import Pipeline

LONGEST = 60  # characters of a value


def settings(model):
    """Return "name=value, ..." of a model, of a Pipeline those of its last step.

    Only settings that differ from the defaults; empty for a model without parameters.
    """
    while isinstance(model, Pipeline):
        model = model.steps[-1][1]
    if not hasattr(model, "get_params"):
        return ""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(type(model)).parameters.items()
    }
    written = {  # by their text, since values may be arrays or NaN; XGBoost lists None only here
        name: _written(value)
        for name, value in model.get_params(deep=False).items()
        if repr(value) != repr(defaults.get(name))
    }
    return ", ".join(f"{name}={value}" for name, value in written.items())


def _written(value):
    """Write a value on one line; of an estimator, the settings too."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        return f"{type(value).__name__}({settings(value)})"
    return textwrap.shorten(repr(value), LONGEST, placeholder=" …")
