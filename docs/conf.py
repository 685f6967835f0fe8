"""Sphinx, for `make docs`. Nothing here needs a network: no inventories, no fonts, no formulas."""

import re
import sys
from pathlib import Path

import skdistill

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

from example_pages import COPIES, OPTIONS  # noqa: E402
from standalone_examples import write_examples  # noqa: E402

project = "skdistill"
author = "The skdistill developers"
copyright = author
version = release = skdistill.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "example_pages",
    "results_table",
]
exclude_patterns = ["_build", "_ext", "_templates"]
templates_path = ["_templates"]
nitpicky = True

# Markdown, as a code forge shows it, too.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# The API. Types are in the docstrings; formulas are plain Unicode, which needs no MathJax.
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
autodoc_preserve_defaults = True
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
# Whatever is called names every parameter and no other. Not records, which say what they hold as
# attributes, nor classes of skdistill.nets, which take and override what torch and skorch document.
numpydoc_validation_checks = {"GL08", "PR01", "PR02"}
numpydoc_validation_exclude = {
    r"\.nets\.[A-Z]",
    r"\.(BiasVariance|CascadeCurve|DistillationReport|LinearGradient|RetrievalTargets)\b",
    r"\.(StudentComparison|TeacherComparison)\b",
}
# scikit-learn's and torch's own methods are documented there.
autodoc_default_options = {
    "exclude-members": "set_fit_request, set_score_request, set_partial_fit_request, "
    "set_predict_request, set_predict_proba_request, set_decision_function_request, "
    "set_retrieve_request",
}
nitpick_ignore_regex = [
    ("py:.*", r"(sklearn|scipy|numpy|pandas|torch|skorch|matplotlib|joblib)\..*"),
]

# The gallery. Its helpers are in `_ext/example_pages.py`.
write_examples(DOCS.parent / "examples", COPIES, OPTIONS)
sphinx_gallery_conf = {
    "examples_dirs": str(COPIES.relative_to(DOCS)),
    "gallery_dirs": "generated/gallery",
    "filename_pattern": "|".join(re.escape(f"/{name}") for name in OPTIONS),
    "ignore_pattern": "^_",
    "default_thumb_file": str(DOCS / "_static" / "not_run.png"),
    "image_scrapers": ["example_pages.pictures_of"],
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "abort_on_example_error": True,
}

# The pages.
html_theme = "pydata_sphinx_theme"
html_title = "skdistill"
html_static_path = ["_static"]
html_css_files = ["skdistill.css"]
html_show_sourcelink = False
html_copy_source = False
# Pages without pages below them have nothing to show at their left.
html_sidebars = {
    page: [] for page in ("index", "tutorial", "benchmarks", "how_it_is_built", "changelog")
}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "benchmarks": []},
}
