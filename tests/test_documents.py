"""Every code block of the README and of the docs runs, and prints what stands below it."""

import os
import re
from pathlib import Path

import pytest

from skdistill.students import _dispatch

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_run_in_order_and_print_what_they_say(page, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_dispatch, "_ways", dict(_dispatch._ways))  # a page may register students
    blocks = BLOCK.findall(page.read_text())
    assert blocks
    namespace = {}
    for code, printed in blocks:
        exec(compile(code, page.name, "exec"), namespace)
        out = capsys.readouterr().out
        if printed:
            assert words_of(out) == words_of(printed)
            assert numbers_of(out) == pytest.approx(numbers_of(printed), abs=0.02)


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


def test_the_readme_names_the_commands_of_the_makefile():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for command in set(re.findall(r"make ([a-z-]+)", readme)) - {"sure"}:
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
