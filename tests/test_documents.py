"""Every code block of the README and of the docs runs, and prints the text block below it.

The examples of CONTRIBUTING, a student and an augmenter, are tested in a copy of the package.
Blocks that the tests cannot run (downloads), or not everywhere (other packages), state this in
their first line.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from inspect import ismodule, signature
from pathlib import Path

import pytest

import skdistill
from skdistill import augmentation

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", re.DOTALL)
NOT_RUN = "# Not run by the tests"
NEEDS = re.compile(r"# Needs (\w+)\.\n")


def blocks_of(page):
    """Return the code blocks of a page that run here, each with what it prints.

    A block whose first line names a package is left out where that is not installed.
    """
    blocks = BLOCK.findall(page.read_text())
    return [
        (code, printed)
        for code, printed in blocks
        if not code.startswith(NOT_RUN)
        and not ((needed := NEEDS.match(code)) and find_spec(needed[1]) is None)
    ]


@pytest.mark.usefixtures("own_students")
@pytest.mark.parametrize("page", list(filter(blocks_of, PAGES)), ids=lambda page: page.name)
def test_code_blocks_run_in_order_and_print_as_shown(page, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for code, printed in blocks_of(page):
        exec(compile(code, page.name, "exec"), namespace)
        out = capsys.readouterr().out
        if printed:
            assert words_of(out) == words_of(printed)
            assert numbers_of(out) == pytest.approx(numbers_of(printed), abs=0.02)


@pytest.mark.parametrize(("package", "n_blocks"), [("numpy", 2), ("no_such_package", 1)])
def test_blocks_that_need_a_package_run_where_it_is_installed(package, n_blocks, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"```python\npass\n```\n\n```python\n# Needs {package}.\npass\n```\n")
    assert len(blocks_of(page)) == n_blocks


NUMBER = re.compile(r"\d+(?:\.\d+)?")


def words_of(text):
    return NUMBER.sub("#", text).split()


def numbers_of(text):
    """Return the numbers of a text; other machines and releases round them in other ways."""
    return [float(number) for number in NUMBER.findall(text)]


def test_links_between_pages_lead_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


# The files that CONTRIBUTING shows how to write: "**1. The file**, `path`: ..." and their code.
EXAMPLE_FILE = re.compile(
    r"^\*\*\d\. The \w+\*\*, `([\w/]+\.py)`.*?```python\n(.*?)```", re.M | re.S
)
EXAMPLES = dict(EXAMPLE_FILE.findall((ROOT / "CONTRIBUTING.md").read_text()))
FILES_TO_WRITE = {path for path in EXAMPLES if path.startswith("tests/")}
# What its steps "The registration", "The export" and "The documentation" add.
EXPORTS = {
    "skdistill/students/__init__.py": 'from . import ridge\n__all__ += ["ridge"]\n',
    "skdistill/augmentation/__init__.py": "from ._crossover import CrossoverAugmenter\n"
    '__all__ += ["CrossoverAugmenter"]\n',
    "docs/shipping.md": "\n`skdistill.augmentation._crossover.CrossoverAugmenter`\n",
}
TEST_FILES = sorted((ROOT / "tests").rglob("*.py"))
# A file of tests, followed by the names of its tests where the page gives them.
QUOTED_TESTS = re.compile(r"`([\w/]*test_\w+\.py)`(?:: (`[.\w]+`(?:, `[.\w]+`)*))?")
# A name may be shortened: `test_beginning_...`, `..._end`.
QUOTED_NAME = re.compile(r"`(test_\w+(?:\.\.\.)?|\.\.\._\w+)`")


def functions_of(files):
    """Return the names of the test functions in files."""
    return {
        name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)
    }


def files_named(name):
    """Return the files of `tests` whose path ends in a name."""
    return [file for file in TEST_FILES if f"/{file.as_posix()}".endswith(f"/{name}")]


def unknown_names(text, functions):
    """Return the names of tests in a text that match no function."""
    return [
        name
        for name in QUOTED_NAME.findall(text)
        if not any(re.fullmatch(name.replace("...", r"\w*"), function) for function in functions)
    ]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_tests_that_pages_quote_exist(page):
    text = page.read_text()
    paths = set(re.findall(r"\b(?:tests/[\w/]+|test_\w+)\.py\b", text)) - FILES_TO_WRITE
    assert [path for path in paths if not files_named(path)] == []
    for file, names in QUOTED_TESTS.findall(text):
        if file not in FILES_TO_WRITE:
            assert files_named(file), file
            assert unknown_names(names, functions_of(files_named(file))) == [], file
    assert unknown_names(text, functions_of(TEST_FILES)) == []


def test_names_that_contributing_quotes_exist():
    """A constant, function or attribute, `with_an_underscore` or `IN_CAPITALS`, occurs in code."""
    folders = ("skdistill", "tests", "benchmarks")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    code = "\n".join([*(file.read_text() for file in files), *EXAMPLES.values()])
    known = set(re.findall(r"\w+", code))
    text = (ROOT / "CONTRIBUTING.md").read_text()
    quoted = set(re.findall(r"`([A-Za-z]\w*_\w+|[A-Z]{3,})`", text))
    assert len(quoted) > 40
    assert quoted - known == set()


MAX_NAME_LENGTH = 59


def style_errors(path):
    """Return what a file of tests lacks: a docstring of the module, short names of tests."""
    module = ast.parse(path.read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = [node.name for node in ast.walk(module) if isinstance(node, functions)]
    errors = [
        f"{name} has {len(name)} characters"
        for name in names
        if name.startswith("test_") and len(name) > MAX_NAME_LENGTH
    ]
    return errors if ast.get_docstring(module) else ["no docstring", *errors]


def test_files_have_a_docstring_and_names_under_60_characters(tmp_path):
    errors = {path.relative_to(ROOT).as_posix(): style_errors(path) for path in TEST_FILES}
    assert {path: found for path, found in errors.items() if found} == {}
    names = ["test_" + "x" * 54, "test_" + "x" * 55]  # 59 and 60 characters
    path = tmp_path / "test_long.py"
    path.write_text("".join(f"def {name}(): ...\n" for name in names))
    assert style_errors(path) == ["no docstring", f"{names[1]} has 60 characters"]


@pytest.mark.parametrize("name", ["test_tests_that_pages_...", "..._that_pages_quote_exist"])
def test_shortened_names_of_tests_match(name):
    functions = functions_of([Path(__file__)])
    assert unknown_names(f"`{name}`", functions) == []
    assert unknown_names(f"`{name.replace('pages', 'readers')}`", functions) != []


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ('<a href="other.html#here">', ""),
        ('<a href="gone.html">', "gone.html leads nowhere"),
        ('<a href="other.html#there">', "other.html#there names a place that is not there"),
        ('<script src="https://cdn.example/x.js"></script>', "fetches https://cdn.example/x.js"),
    ],
)
def test_links_of_the_built_site_are_checked(link, complaint, tmp_path):
    (tmp_path / "index.html").write_text(link)
    (tmp_path / "other.html").write_text('<p id="here">')
    command = [sys.executable, ROOT / "docs" / "check_links.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == bool(complaint)
    assert complaint in done.stderr


def test_the_readme_names_the_commands_of_the_makefile():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for command in set(re.findall(r"make ([a-z-]+)", readme)) - {"sure"}:
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


MODULES = ["", ".augmentation", ".datasets", ".inspection", ".metrics", ".nets", ".objectives",
           ".teachers",
           ".students", ".students.ranking",
           ".students.retrieval"]  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_api_reference(module):
    page = (ROOT / "docs" / "api.rst").read_text()
    sections = re.split(r"^\.\. currentmodule:: ", page, flags=re.MULTILINE)[1:]
    listed = [
        name
        for section in sections
        if section.split()[0] == f"skdistill{module}"
        for name in re.findall(r"^   (\w+)$", section, re.MULTILINE)
    ]
    public = import_module(f"skdistill{module}")
    # Names that are listed elsewhere, and modules, need no entry.
    own = {
        name
        for name in public.__all__
        if not ismodule(getattr(public, name))
        and (module == "" or getattr(public, name) is not getattr(skdistill, name, None))
    }
    assert sorted(listed) == sorted(own)


def test_the_examples_of_contributing_pass_their_tests(tmp_path):
    assert len(EXAMPLES) == 4
    for folder in ("skdistill", "tests", "docs"):  # tests read some pages
        without = shutil.ignore_patterns("__pycache__", "_build", "generated", "images")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, code in EXAMPLES.items():
        assert not (tmp_path / path).exists(), path
        (tmp_path / path).write_text(code)
    for path, lines in EXPORTS.items():
        with (tmp_path / path).open("a") as file:
            file.write(lines)
    tests = ["tests/students/test_ridge.py", "tests/augmentation/test_crossover.py"]
    tests += [path for path in files_that_find_augmenters() if path != "tests/test_documents.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-rA", *tests, "-k", "ridge or crossover"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in tests:
        assert re.search(rf"^PASSED {path}::", done.stdout, re.MULTILINE), path


def files_that_find_augmenters():
    """Return the files of tests that the command of CONTRIBUTING finds."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (pattern,) = re.findall(r'-k Crossover \$\(grep -rlE "(.*?)" tests --include="test_', text)
    paths = [path for path in TEST_FILES if path.name.startswith("test_")]
    found = [path for path in paths if re.search(pattern, path.read_text())]
    return [path.relative_to(ROOT).as_posix() for path in found]


def augmenter_parameters():
    """Return the description of the parameter `augmenter` of each public class that has it."""
    return {
        f"the parameter `augmenter` of {name}": re.search(
            r"\n    augmenter : .*?\n\n", getattr(skdistill, name).__doc__, re.S
        )[0]
        for name in skdistill.__all__
        if "augmenter" in signature(getattr(skdistill, name)).parameters
    }


@pytest.mark.parametrize("name", augmentation.__all__)
def test_every_augmenter_is_documented(name):
    path = f"{getattr(augmentation, name).__module__}.{name}"
    link = f":class:`skdistill.augmentation.{name}`"
    assert len(augmenter_parameters()) >= 3
    for place, text, entry in [
        ("docs/api.rst", (ROOT / "docs" / "api.rst").read_text(), f"   {name}\n"),
        ("docs/more_rows.md", (ROOT / "docs" / "more_rows.md").read_text(), f"\n- `{name}`"),
        ("docs/shipping.md", (ROOT / "docs" / "shipping.md").read_text(), f"`{path}`"),
        *((place, text, link) for place, text in augmenter_parameters().items()),
    ]:
        assert entry in text, f"{place} does not contain {entry.strip()}"
