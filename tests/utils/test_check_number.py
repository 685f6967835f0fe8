"""Parameters that must be numbers above 0 refuse infinity, unless their docstring allows it."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import skdistill
from skdistill import augmentation, inspection, metrics
from skdistill.students import shrink_leaves

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.arange(60) % 3
P = np.eye(3)[Y] * 0.7 + 0.1


def reported(function):
    """Return the names of parameters, and whether infinity is allowed, in calls of check_number."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check_number":
            allowed = any(keyword.arg == "or_infinity" for keyword in node.keywords)
            yield node.args[0].value, allowed


def checked_parameters():
    """Return (owner, parameter, whether infinity is allowed) for each call of check_number."""
    found = set()
    for path in Path(skdistill.__file__).parent.rglob("*.py"):
        for owner in ast.parse(path.read_text()).body:
            if isinstance(owner, ast.ClassDef | ast.FunctionDef):
                found |= {(owner.name, *parameter) for parameter in reported(owner)}
    return sorted(found)


CHECKED = checked_parameters()


def calls(owner, parameters):
    """Return functions that call what has a parameter: an estimator, an augmenter, a function."""
    if owner == "number_of_new_rows":
        return [call for each in augmentation.__all__ for call in calls(each, parameters)]
    if owner == "shrink_leaves":
        tree = DecisionTreeClassifier().fit(X, Y)
        return [lambda: shrink_leaves(tree, 1.0, **parameters)]
    modules = (skdistill, augmentation, inspection, metrics)
    (public,) = {getattr(module, owner) for module in modules if hasattr(module, owner)}
    if hasattr(public, "fit"):
        y = Y == 0 if owner == "DistilledBipartiteRanker" else Y
        return [lambda: public(**parameters).fit(X, y)]
    if hasattr(public, "sample"):
        return [lambda: public(**parameters).sample(X, random_state=0)]
    if hasattr(public, "from_predictions"):
        pytest.importorskip("matplotlib")
        return [lambda: public.from_predictions(Y, P, **parameters)]
    given = (Y, P) if "proba" in inspect.signature(public).parameters else (Y,)
    return [lambda: public(*given, **parameters)]


def test_all_calls_are_found():
    assert len(CHECKED) >= 14
    assert ("DistilledBipartiteRanker", "C", True) in CHECKED


@pytest.mark.filterwarnings("ignore:k=10, but there are 3 labels")
@pytest.mark.parametrize("value", [0, -1, np.nan, -np.inf, np.inf, True, "1"])
@pytest.mark.parametrize(("owner", "name", "infinity_allowed"), CHECKED)
def test_numbers_out_of_range(owner, name, infinity_allowed, value):
    for call in calls(owner, {name: value}):
        if value == np.inf and infinity_allowed:
            call()
            described = inspect.getdoc(
                getattr(skdistill, owner, getattr(augmentation, owner, None))
            )
            assert re.search(rf"^{name} : .*\n(?:    .*\n)*.*np\.inf", described, re.M)
        else:
            with pytest.raises(ValueError, match=rf"^{name} must be .* above 0.*; got {name}="):
                call()
