"""A comparison of students as HTML: a fragment for notebooks, and a self-contained page."""

from html import escape

from ._report_html import PAGE, definitions
from ._student_certainty import on_certainty, on_more_rows, on_selection
from ._student_layout import TITLE, summary, tables
from ._student_models import described_models, shown_name
from ._student_verdict import on_choice, on_students
from ._tables import html_list, html_table

INTRODUCTION = (
    "A large model, the teacher, predicts well and is slow or large. Students are small models "
    "that could be used in its place. Each was fitted to the labels alone, and distilled: to the "
    "teacher's probabilities, too. All were compared on rows that none of them has seen."
)
TWINS = (
    "A twin is the same student fitted to the labels alone, its settings tuned on them. A share of "
    "the teacher's lead above 100 % means better than the teacher."
)
MODELS = (
    "Class, size, and the settings that differ from the defaults; of a Pipeline, those of the last "
    "step."
)
NOT_EXAMINED = "Not examined. compare_students(..., learning_curve=True) does it."
# Only weight of type and lines carry meaning, so that it reads in grey, dark, and on paper.
STYLE = """
.skdistill-students { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; }
.skdistill-students h2 { font-size: 1.5rem; margin: 0 0 .4em; }
.skdistill-students h3 { font-size: 1.1rem; margin: 1.8em 0 .4em; }
.skdistill-students .verdict { border-left: 4px solid; padding: .2em .8em; max-width: 50rem; }
.skdistill-students .note + .verdict { font-size: 1.15rem; font-weight: 600; }
.skdistill-students .scroll { overflow-x: auto; }
.skdistill-students table { border-collapse: collapse; margin: 0; font-size: .9rem; }
.skdistill-students th, .skdistill-students td {
  border-bottom: 1px solid #8886; padding: .35em .6em; text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; background: none;
}
.skdistill-students th:first-child { text-align: left; padding-left: 0; }
.skdistill-students tbody th { font-weight: 400; }
.skdistill-students thead th { border-bottom-width: 2px; white-space: normal; }
.skdistill-students .chosen th, .skdistill-students .chosen td { font-weight: 700; }
.skdistill-students .note { font-size: .85rem; margin: .4em 0 0; max-width: 45rem; }
.skdistill-students ul { padding-left: 1.2em; max-width: 50rem; }
.skdistill-students li { margin: .4em 0; }
.skdistill-students summary { cursor: pointer; padding: .4em 0; font-weight: 600; }
.skdistill-students dl { font-size: .85rem; max-width: 50rem; overflow-wrap: anywhere; }
.skdistill-students dt { font-weight: 600; }
.skdistill-students dd { margin: 0 0 .4em; }
@media (max-width: 34rem) {
  .skdistill-students { font-size: .95rem; }
  .skdistill-students table { font-size: .8rem; }
  .skdistill-students th, .skdistill-students td { padding: .3em .3em; white-space: normal; }
  .skdistill-students tbody th { min-width: 5rem; }
  .skdistill-students details th { min-width: 4rem; }
}
"""


def as_page(comparison, title=None):
    """Return the comparison as a whole page."""
    title = TITLE if title is None else title
    return PAGE.format(title=escape(title), fragment=as_fragment(comparison, title))


def as_fragment(comparison, title=TITLE):
    """Return the comparison as one element, with its style."""
    chosen = comparison.chosen()
    parts = [
        f"<h2>{escape(title)}</h2>",
        f'<p class="note">{escape(INTRODUCTION)}</p>',
        *(f'<p class="verdict">{escape(sentence)}</p>' for sentence in on_choice(comparison)),
        _section("How sure is that?", _on_certainty(comparison)),
        _section(
            "What would more rows bring?",
            on_more_rows(comparison) or ([NOT_EXAMINED] if chosen else []),
        ),
        _table(_marked(summary(comparison), comparison), chosen and shown_name(chosen)),
        _section("Does distilling pay?", on_students(comparison)),
        f'<p class="note">{escape(TWINS)}</p>',
        "<h3>All figures</h3>",
        *(_folded(table) for table in tables(comparison)),
        f"<details>\n<summary>Models</summary>\n"
        f"{definitions(described_models(comparison))}\n"
        f'<p class="note">{escape(MODELS)}</p>\n</details>',
        f'<p class="note">{escape(" ".join(comparison.notes))}</p>',
        definitions(_provenance(comparison)),
    ]
    body = "\n".join(part for part in parts if part)
    return f'<div class="skdistill-students">\n<style>{STYLE}</style>\n{body}\n</div>'


def _on_certainty(comparison):
    """Return the sentences on certainty; with more than two models, on their selection."""
    sentences = on_certainty(comparison)
    return [*sentences, *on_selection(comparison)] if sentences else []


def _marked(table, comparison):
    """Return the table with marks on distilled students in which the teacher has no part."""
    shown = {row.name: shown_name(row) for row in comparison.rows() if row.is_student}
    return table._replace(rows=[[shown.get(name, name), *cells] for name, *cells in table.rows])


def _provenance(comparison):
    """Return the versions and the date, as pairs of name and text."""
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    return [("Versions", versions), ("Date", comparison.date)]


def _section(title, sentences):
    """Return sentences as a list below a title; nothing without any."""
    return f"<h3>{escape(title)}</h3>\n{html_list(sentences)}" if sentences else ""


def _table(table, chosen=None):
    """Return a table that scrolls sideways, with its title above and its note below."""
    return f"<h3>{escape(table.title)}</h3>\n{_scrolling(table, chosen)}"


def _folded(table):
    """Return a table that opens when its title is chosen."""
    return f"<details>\n<summary>{escape(table.title)}</summary>\n{_scrolling(table)}\n</details>"


def _scrolling(table, chosen=None):
    """Return a table that scrolls sideways, with its note below."""
    return (
        '<div class="scroll" tabindex="0">'
        f"{html_table(table.header, table.rows, chosen)}</div>\n"
        f'<p class="note">{escape(table.note)}</p>'
    )
