"""A comparison of students as HTML: a fragment for notebooks, and a self-contained page."""

from html import escape

from ._report_html import PAGE
from ._student_layout import TITLE, summary, tables
from ._student_verdict import on_choice, on_students
from ._tables import html_list, html_table

INTRODUCTION = (
    "A large model, the teacher, predicts well and is slow or large. Students are small models "
    "that could be used in its place. Each was fitted twice: to the labels alone, and "
    "distilled, to the teacher's probabilities as well. All were compared on rows that none of "
    "them has seen."
)
# Only weight of type and lines carry meaning, so that it reads in grey, dark, and on paper.
STYLE = """
.skdistill-students { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; }
.skdistill-students h2 { font-size: 1.5rem; margin: 0 0 .4em; }
.skdistill-students h3 { font-size: 1.1rem; margin: 1.8em 0 .4em; }
.skdistill-students .verdict { border-left: 4px solid; padding: .2em .8em; font-size: 1.15rem; }
.skdistill-students .scroll { overflow-x: auto; }
.skdistill-students table { border-collapse: collapse; margin: 0; }
.skdistill-students th, .skdistill-students td {
  border-bottom: 1px solid; padding: .35em .7em; text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; background: none;
}
.skdistill-students th:first-child { text-align: left; padding-left: 0; }
.skdistill-students tbody th { font-weight: 400; }
.skdistill-students thead th { border-bottom-width: 2px; white-space: normal; }
.skdistill-students .chosen th, .skdistill-students .chosen td { font-weight: 700; }
.skdistill-students .note { font-size: .85rem; margin: .4em 0 0; max-width: 45rem; }
.skdistill-students li { margin: .4em 0; }
@media (max-width: 34rem) {
  .skdistill-students { font-size: .95rem; }
  .skdistill-students th, .skdistill-students td { padding: .3em .4em; font-size: .85rem; }
  .skdistill-students tbody th { white-space: normal; min-width: 6.5rem; }
}
"""


def as_page(comparison):
    """Return the comparison as a whole page."""
    return PAGE.format(title=escape(TITLE), fragment=as_fragment(comparison))


def as_fragment(comparison):
    """Return the comparison as one element, with its style."""
    parts = [
        f"<h2>{escape(TITLE)}</h2>",
        *(f'<p class="verdict">{escape(sentence)}</p>' for sentence in on_choice(comparison)),
        f'<p class="note">{escape(INTRODUCTION)}</p>',
        _table(summary(comparison)),
        "<h3>Does distilling pay?</h3>",
        html_list(on_students(comparison)),
        *(_table(table) for table in tables(comparison)),
        f'<p class="note">{escape(" ".join(comparison.notes))}</p>',
    ]
    body = "\n".join(parts)
    return f'<div class="skdistill-students">\n<style>{STYLE}</style>\n{body}\n</div>'


def _table(table):
    """Return a table that scrolls sideways, with its title above and its note below."""
    return (
        f'<h3>{escape(table.title)}</h3>\n<div class="scroll" tabindex="0">'
        f"{html_table(table.header, table.rows)}</div>\n"
        f'<p class="note">{escape(table.note)}</p>'
    )
