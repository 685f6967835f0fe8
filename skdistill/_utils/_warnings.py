"""Warnings at the line of the user's call, however deep in the package they arise."""

import sys
import warnings

__all__ = ["warn"]

# skdistill, and what calls it on the way from the user's call: searches, schedulers, decorators.
PACKAGES = {"skdistill", "sklearn", "joblib", "dask", "contextlib", "functools"}


def warn(message, category=UserWarning):
    """Warn at the innermost line outside `PACKAGES`: the user's call, such as `fit`.

    In a worker's thread or process that call is not on the stack: the worker's line is reported.
    """
    frame, stacklevel = sys._getframe(1), 2
    while frame is not None and _package_of(frame) in PACKAGES:
        frame, stacklevel = frame.f_back, stacklevel + 1
    warnings.warn(message, category, stacklevel=stacklevel)


def _package_of(frame):
    """Return the name of a frame's top-level package, as filters by module see it."""
    return str(frame.f_globals.get("__name__")).partition(".")[0]
