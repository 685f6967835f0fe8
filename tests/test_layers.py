"""The structure: imports run downwards only, nothing optional early, nothing private of others."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skdistill

PACKAGE = Path(skdistill.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# From the ground up; a file may import from its own layer's folder or below.
LAYERS = [
    [
        "_fit",
        "_typing",
        "_probabilities",
        "_validation",
        "_labels",
        "_methods",
        "_named",
        "_one_column",
        "_tags",
        "_progress",
        "_random_state",
        "_sample_weight",
        "_class_codes",
        "_score_columns",
    ],
    ["objectives", "metrics", "_rows", "_concatenate", "datasets", "_code", "_fingerprint"],
    ["_utils"],
    ["_soft_labels", "_label_sets", "_teacher_memory"],
    ["_retrieval_targets"],
    ["nets"],
    ["_temperature", "_teacher", "students", "augmentation"],
    ["_lesson", "_student_predictions", "rankers", "retrievers", "_dask"],
    ["_label_set_lesson", "_trust"],
    [
        "_bipartite_ranker",
        "_born_again",
        "_distilled_classifier",
        "_multiclass_retriever",
        "_soft_label_classifier",
    ],
    ["inspection", "_deployable"],
    ["__init__"],
]


def layer_of(name):
    return next(k for k, names in enumerate(LAYERS) if name in names)


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path):
    """Yield (module, name) of each import, relative ones with their room in this package."""
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
    own = room_of(path)
    for module, name in imports_of(path):
        if module.split(".")[0] != "skdistill":
            continue
        room = [*module.split(".")[1:], name][0]
        if room != own:
            assert layer_of(room) <= layer_of(own), f"{own} imports {room} from above"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_public_names_of_scikit_learn(path):
    for module, name in imports_of(path):
        parts = module.split(".")
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
