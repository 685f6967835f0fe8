"""A public name of a submodule, looked up in the package, raises an error with its import."""

import pickle
import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

import skdistill

SUBMODULES = [
    each.name for each in iter_modules(skdistill.__path__) if not each.name.startswith("_")
]
NAMES = [
    (submodule, name)
    for submodule in SUBMODULES
    if submodule != "nets"  # needs Torch
    for name in import_module(f"skdistill.{submodule}").__all__
    if name not in skdistill.__all__
]


@pytest.mark.parametrize(("submodule", "name"), NAMES)
def test_the_import_is_the_remedy(submodule, name):
    if not hasattr(skdistill, name):
        with pytest.raises(AttributeError) as caught:
            getattr(skdistill, name)
        (remedy,) = str(caught.value).split("Write ")[1:]
        assert remedy == f"from skdistill.{submodule} import {name}."
        exec(remedy.removesuffix("."), {})
    else:  # the name of a submodule, too
        assert name in SUBMODULES


@pytest.mark.parametrize("name", ["nonsense", "__wrapped__"])
def test_other_names_are_absent(name):
    assert not hasattr(skdistill, name)
    with pytest.raises(AttributeError, match=f"no attribute '{name}'.$"):
        getattr(skdistill, name)


def test_in_a_new_process_submodules_are_imported_as_before():
    code = f"""
import pickle, sys, skdistill
assert "skdistill.inspection" not in sys.modules
for name in {SUBMODULES!r}:
    if f"skdistill.{{name}}" not in sys.modules:
        try:
            getattr(skdistill, name)
        except AttributeError as error:
            assert f"import skdistill.{{name}} first" in str(error)
        else:
            raise AssertionError(name)
assert not hasattr(skdistill, "compare_students") and "torch" not in sys.modules
from skdistill import *
from skdistill import inspection, metrics, teachers
pickle.loads(pickle.dumps(DistilledClassifier()))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_estimators_pickle():
    for name in skdistill.__all__:
        assert pickle.loads(pickle.dumps(getattr(skdistill, name))) is getattr(skdistill, name)
