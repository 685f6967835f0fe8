"""How sphinx-gallery shows `examples/`: plain scripts that know nothing of it."""

import ast
import re
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

# Those that take seconds are executed, with these options; the others are only shown.
OPTIONS = {"quickstart.py": ["--splits", "2"], "loans.py": [], "persons.py": []}
PICTURES = Path(__file__).parents[1] / "_build" / "pictures"


def options_of(gallery_conf, script_vars):
    """Return the command line of an example: a picture goes where `pictures_of` looks."""
    script = Path(script_vars["src_file"])
    # The gallery takes the docstring away, which the scripts show as their help.
    script_vars["example_globals"]["__doc__"] = ast.get_docstring(ast.parse(script.read_text()))
    if script.name not in OPTIONS:  # it is only shown
        return []
    if "--picture" not in script.read_text():
        return OPTIONS[script.name]
    return [*OPTIONS[script.name], "--picture", str(PICTURES / f"{script.stem}.png")]


def pictures_of(block, block_vars, gallery_conf):
    """Hand the picture that an example has written to the gallery."""
    shown = []
    for picture in sorted(PICTURES.glob("*.png")):
        shown.append(next(block_vars["image_path_iterator"]))
        picture.rename(shown[-1])
    return figure_rst(shown, gallery_conf["src_dir"])


def give_it_a_title(app, docname, source):
    """Underline the first line of an example's docstring, which Sphinx wants for a title."""
    if docname.startswith("generated/gallery/") and not docname.endswith("/index"):
        first = re.search(r"^\.\. _sphx_glr_\S+:\n\n+(\S.*)$", source[0], re.MULTILINE)
        title = first[1].rstrip(".")
        titled = f"{title}\n{'=' * len(title)}"
        source[0] = source[0][: first.start(1)] + titled + source[0][first.end() :]


def setup(app):
    """Connect the hook."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    app.connect("source-read", give_it_a_title)
    return {"parallel_read_safe": True}
