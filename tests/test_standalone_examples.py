"""The gallery's copies of the examples are whole: no helpers to import, no command line."""

import ast
import builtins
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("[!_]*.py"))


def load(name):
    """Return a module of `docs/_ext`, which is no package."""
    path = ROOT / "docs" / "_ext" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


standalone_examples = load("standalone_examples")


def undefined_names(text):
    """Return the names that a script uses and never binds."""
    tree, bound = ast.parse(text), set(dir(builtins)) | {"__name__", "__doc__", "__file__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - bound


def twice_defined(text):
    """Return the functions and classes of a script that have one name."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = [node.name for node in ast.parse(text).body if isinstance(node, kinds)]
    return sorted({name for name in names if names.count(name) > 1})


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_whole_without_helpers_and_command_line(path):
    text = standalone_examples.standalone(path, {})
    assert undefined_names(text) == set()
    assert twice_defined(text) == []
    assert "argparse" not in text
    assert "from _" not in text
    tree = ast.parse(text)
    assert ast.get_docstring(tree) == ast.get_docstring(ast.parse(path.read_text()))
    assert text.count('if __name__ == "__main__":') == 1


def test_options_of_the_gallery_are_those_of_the_examples():
    text = (ROOT / "docs" / "_ext" / "example_pages.py").read_text()
    (node,) = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "OPTIONS"
    ]
    options = ast.literal_eval(node.value)
    not_run = {path.name for path in EXAMPLES} - set(options)
    assert not_run == {"ensemble_to_small_net.py", "wordnet_hypernyms.py"}
    for name, values in options.items():
        text = standalone_examples.standalone(ROOT / "examples" / name, values)  # raises if unknown
        assert all(f"{option}={value!r}" in text for option, value in values.items())


def test_undefined_names_are_found():
    assert undefined_names("import os\nprint(os.sep, x)\n") == {"x"}


def test_an_example_runs_alone_with_the_given_options(tmp_path, monkeypatch, capsys):
    (tmp_path / "_helper.py").write_text(
        "import math\n\nHALF, ONE = 0.5, 1\nOTHER = 1\n\n\nclass Box:\n    value = ONE\n\n\n"
        "def half(x):\n    return math.floor(HALF * x) * Box.value\n"
        "\n\ndef unused():\n    return OTHER\n"
    )
    script = tmp_path / "script.py"
    script.write_text(
        '"""Halves."""\n\nimport argparse\n\nfrom _helper import half\n\n\ndef main():\n'
        "    parser = argparse.ArgumentParser()\n"
        '    parser.add_argument("--n-rows", type=int, default=10_000, help="rows")\n'
        '    parser.add_argument("--name", default="x", help="a name")\n'
        "    arguments = parser.parse_args()\n"
        "    print(half(arguments.n_rows), arguments.name)\n\n\n"
        'if __name__ == "__main__":\n    main()\n'
    )
    text = standalone_examples.standalone(script, {"n_rows": 9})
    assert "OTHER" not in text
    assert "n_rows=9,  # rows (in the repository: 10000)" in text
    monkeypatch.setattr(sys, "argv", ["kernel", "-f", "connection.json"])  # as in a notebook
    exec(compile(text, "script.py", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out == "4 x\n"
    with pytest.raises(ValueError, match="no options \\['splits'\\]"):
        standalone_examples.standalone(script, {"splits": 2})
