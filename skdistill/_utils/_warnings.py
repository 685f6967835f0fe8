"""Warnings at the line of the user's call, however deep in the package they arise."""

import warnings
from inspect import currentframe

__all__ = ["warn"]

# What calls skdistill on the way from the user's call: searches, schedulers, decorators.
CALLERS = {"skdistill", "sklearn", "joblib", "dask", "contextlib", "functools"}


def warn(message, category=UserWarning):
    """Warn at the line of the user's call, such as `fit`: the one that led into skdistill.

    In a worker's thread or process that call is not on the stack: the worker's line is reported.
    """
    packages = _packages_of_stack(currentframe().f_back)
    outermost = max(
        (depth for depth, package in enumerate(packages) if package == "skdistill"), default=-1
    )
    while outermost + 1 < len(packages) and packages[outermost + 1] in CALLERS:
        outermost += 1
    warnings.warn(message, category, stacklevel=outermost + 3)


def _packages_of_stack(frame):
    """Return the top-level package of each frame, the innermost first."""
    packages = []
    while frame is not None:
        packages.append(str(frame.f_globals.get("__name__")).partition(".")[0])
        frame = frame.f_back
    return packages
