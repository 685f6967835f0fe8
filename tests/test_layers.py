"""Imports run downwards only, optional packages are imported late, private names stay private."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skdistill

PACKAGE = Path(skdistill.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

CONTRIBUTING = Path(__file__).parent.parent / "CONTRIBUTING.md"


def layers():
    """Return what each row of the table in CONTRIBUTING names, from the top down."""
    text = CONTRIBUTING.read_text()
    table = text[text.index("| files and folders |") :].split("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [[name.removesuffix(".py") for name in re.findall(r"`([\w.]+)/?`", row)] for row in rows]


LAYERS = layers()[::-1]


def layer_of(name):
    return next(k for k, names in enumerate(LAYERS) if name in names)


def folder_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path):
    """Yield (module, name) of each import, relative ones with their folder in this package."""
    folder = path.relative_to(PACKAGE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else ()
            parts = [*(["skdistill", *base] if node.level else []), *(node.module or "").split(".")]
            for alias in node.names:
                yield ".".join(part for part in parts if part), alias.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path):
    own = folder_of(path)
    for module, name in imports_of(path):
        if module.split(".")[0] != "skdistill":
            continue
        folder = [*module.split(".")[1:], name][0]
        if folder != own:
            assert layer_of(folder) < layer_of(own), f"{own} imports {folder}, not below it"


def test_the_table_names_each_file_and_folder_once():
    named = sorted(name for names in LAYERS for name in names)
    assert named == sorted({folder_of(path) for path in FILES})


# No public name has a loss that takes soft labels; `test_foreign_state.py` asks for a canary.
PRIVATE_IMPORTS = {("students/_soft_loss.py", "sklearn._loss")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_public_names_of_scikit_learn(path):
    for module, name in imports_of(path):
        parts = module.split(".")
        if (path.relative_to(PACKAGE).as_posix(), module) in PRIVATE_IMPORTS:
            continue
        if parts[0] in ("sklearn", "scipy", "numpy"):
            assert not any(part.startswith("_") for part in parts), module
            assert not (name or "").startswith("_") or name == "_safe_indexing", (module, name)


def test_nothing_optional_is_imported_early():
    optional = "torch, skorch, pandas, polars, matplotlib, xgboost, lightgbm, catboost, dask"
    code = (
        "import sys, skdistill, skdistill.metrics, skdistill.datasets, skdistill.objectives, "
        "skdistill.inspection\n"
        f"print([name for name in {optional.split(', ')!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before = subprocess.run(
        [sys.executable, "-c", code.replace("skdistill, skdistill.metrics, skdistill.datasets, "
         "skdistill.objectives, skdistill.inspection", "sklearn.ensemble")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == before.stdout  # scikit-learn itself may import pandas
