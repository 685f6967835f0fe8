"""The functions that fit students, by the class of the student: one object for each goal."""

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, TypeAlias

from sklearn.base import clone

from .._utils._rows import count_rows
from .._utils._typing import Estimator, Rows
from ._capabilities import DataSummary

FitFunction: TypeAlias = Callable[..., Estimator]
# Raises, before any teacher is fitted, if a student is not supported.
Check: TypeAlias = Callable[..., None]


class Fitters(dict[type, FitFunction]):
    """Functions that fit students of a class: for soft labels, for ranking or for retrieval.

    A function also fits subclasses, unless they override `fit`.

    Parameters
    ----------
    folder : str
        Package with a module for each optional package, imported for its first student.

    optional_packages : iterable of str
        Names of these packages and modules.
    """

    def __init__(self, folder: str, optional_packages: Iterable[str]):
        super().__init__()
        self.folder, self.optional_packages = folder, tuple(optional_packages)
        self.checks: dict[FitFunction, Check] = {}

    def register(
        self, student_class: type, check: Check | None = None
    ) -> Callable[[FitFunction], FitFunction]:
        """Return a decorator that registers a function, and its check, for a class."""

        def decorator(fit):
            self[student_class] = fit
            if check is not None:
                self.checks[fit] = check
            return fit

        return decorator

    def find(self, student: Estimator) -> FitFunction | None:
        """Return the function registered for the class of a student, None if there is none."""
        cls: Any = type(student)
        packages = {base.__module__.partition(".")[0] for base in cls.__mro__}
        for package in packages.intersection(self.optional_packages):
            import_module(f"{self.folder}.{package}")
        for base in cls.__mro__:
            if base in self and cls.fit is base.fit:
                return self[base]
        return None

    def check(self, fit: FitFunction, student: Estimator, *summary: DataSummary) -> None:
        """Raise if a function does not support a student, with such data if these are known."""
        if fit in self.checks:
            self.checks[fit](student, *summary)


def check_same_length(X: Rows, targets: Any, what: str) -> None:
    """Raise unless there is one target for each row."""
    if len(targets) != count_rows(X):
        raise ValueError(f"X has {count_rows(X)} rows but there are {what} for {len(targets)}.")


def fit_clone(fit: FitFunction, student: Estimator, *args: Any, **fit_params: Any) -> Estimator:
    """Return a clone of a student, fitted by a function."""
    fitted = clone(student)
    fit(fitted, *args, **fit_params)
    return fitted  # not the result of the call: a user's function may return something else
