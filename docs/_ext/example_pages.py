"""How sphinx-gallery shows the examples: what it runs, their pictures and their titles."""

import re
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

# Each example is run with these options, in seconds. Two are only shown: WordNet is no Python
# package, and ten nets that learn too little in seconds show nothing.
OPTIONS = {
    "before_and_after.py": {"n_train": 1000, "n_unlabeled": 2000, "n_test": 2000, "draws": 1},
    "diamonds.py": {"n_train": 500, "n_unlabeled": 1000, "splits": 2},
    "flight_delays.py": {"n_samples": 2000, "splits": 2},
    "flight_destinations.py": {"n_train": 200, "splits": 2},
    "flights.py": {"n_samples": 1000, "splits": 2},
    "loans.py": {},
    "persons.py": {},
    "quickstart.py": {"splits": 2},
    "rank_flights.py": {"n_samples": 2000, "n_train": 500, "splits": 2},
    "train_a_net.py": {},
    "which_student.py": {"n_train": 600, "n_unlabeled": 600, "n_test": 1000},
}
COPIES = Path(__file__).parents[1] / "_build" / "examples"


def pictures_of(block, block_vars, gallery_conf):
    """Hand the picture that an example has written to the gallery."""
    shown = []
    for picture in sorted((COPIES / "output").glob("*.png")):
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
    app.connect("source-read", give_it_a_title)
    return {"parallel_read_safe": True}
