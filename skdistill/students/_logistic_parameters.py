"""Parameters of LogisticRegression that skdistill's own objectives support, and their validation.

scikit-learn validates them in its `fit`, which is not called here.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state

# They share one optimum; the sixth, "liblinear", penalises the intercept.
SOLVERS = ("lbfgs", "newton-cholesky", "newton-cg", "sag", "saga")


def unsupported_reason(student):
    """Return the parameter that skdistill's objectives do not support, None if there is none."""
    params = student.get_params()
    if student.solver == "liblinear":
        return 'solver="liblinear"'
    if params.get("multi_class", "deprecated") not in ("deprecated", "auto", "multinomial"):
        return f"multi_class={student.multi_class!r}"
    if student.penalty in ("l1", "elasticnet"):
        return f"penalty={student.penalty!r}"
    if student.penalty == "deprecated" and student.l1_ratio:  # from scikit-learn 1.8 on
        return f"l1_ratio={student.l1_ratio!r}"
    return None


def check_parameters(student):
    """Raise for parameter values that scikit-learn rejects; all parameters are supported."""
    params = student.get_params()
    for name, (expected, is_valid) in RULES.items():
        if not is_valid(params[name]):
            raise ValueError(
                f"The {name!r} parameter of {type(student).__name__} must be {expected}; got "
                f"{params[name]!r}."
            )


def _is_number(value, kind):
    return isinstance(value, kind)


def _is_bool(value):
    return isinstance(value, bool | np.bool_)


def _is_seed(value):
    try:
        check_random_state(value)
    except ValueError:
        return False
    return True


def _is_option(value, options):
    return isinstance(value, str) and value in options


# Parameter -> what it must be, and a function that validates a value.
RULES = {
    "C": ("a number above 0", lambda value: _is_number(value, Real) and value > 0),
    "tol": (
        "a number of at least 0",
        lambda value: _is_number(value, Real) and 0 <= value < np.inf,
    ),
    "max_iter": (
        "an integer of at least 0",
        lambda value: _is_number(value, Integral) and value >= 0,
    ),
    "fit_intercept": ("True or False", _is_bool),
    "warm_start": ("True or False", _is_bool),
    "class_weight": (
        'None, a dict or "balanced"',
        lambda value: value is None or isinstance(value, dict) or _is_option(value, ("balanced",)),
    ),
    "penalty": (
        'left at its default, "l2" or None',
        lambda value: value is None or _is_option(value, ("deprecated", "l2")),
    ),
    "solver": (f'"liblinear" or one of {SOLVERS}', lambda value: _is_option(value, SOLVERS)),
    "dual": (
        'False, except with solver="liblinear"',
        lambda value: _is_bool(value) and not value,
    ),
    "l1_ratio": (
        "None or a number in [0, 1]",
        lambda value: value is None or (_is_number(value, Real) and 0 <= value <= 1),
    ),
    "intercept_scaling": (
        "a finite number above 0",
        lambda value: _is_number(value, Real) and 0 < value < np.inf,
    ),
    "verbose": (
        "an integer of at least 0",
        lambda value: _is_bool(value) or (_is_number(value, Integral) and value >= 0),
    ),
    "random_state": ("None, a RandomState or an integer of at least 0", _is_seed),
    "n_jobs": ("None or an integer", lambda value: value is None or _is_number(value, Integral)),
}
