"""A report as HTML: a fragment for notebooks, and a self-contained page."""

from html import escape

from . import _report_chart
from ._figures import LABELS
from ._report_layout import NOTES, TITLE, provenance, subtitle, tables

# Only borders and weight of type carry meaning, so that it reads in grey, dark, and on paper.
STYLE = """
.skdistill-report { font: 1rem/1.45 system-ui, sans-serif; max-width: 60rem; }
.skdistill-report h2 { font-size: 1.4rem; margin: 0 0 .3em; }
.skdistill-report h3 { font-size: 1.1rem; margin: 1.6em 0 .3em; }
.skdistill-report table { border-collapse: collapse; width: 100%; margin: 0; }
.skdistill-report th, .skdistill-report td {
  border-bottom: 1px solid; padding: .35em .5em; text-align: right; vertical-align: top;
  font-variant-numeric: tabular-nums; background: none;
}
.skdistill-report th { font-weight: 600; }
.skdistill-report thead th { border-bottom-width: 2px; }
.skdistill-report th:first-child { text-align: left; padding-left: 0; font-weight: 400; }
.skdistill-report .better, .skdistill-report .interval { display: block; font-size: .8rem; }
.skdistill-report .note { font-size: .85rem; margin: .4em 0 0; }
.skdistill-report li { margin: .3em 0; }
.skdistill-report .summary { border-left: 4px solid; padding: .2em .8em; font-size: 1.15rem; }
.skdistill-report abbr { text-decoration: underline dotted; cursor: help; }
.skdistill-report dt { font-weight: 600; }
.skdistill-report dd { margin: 0 0 .4em; }
.skdistill-report dl { font-size: .85rem; }
@media (max-width: 34rem) {
  .skdistill-report { font-size: .9rem; }
  .skdistill-report th, .skdistill-report td { padding: .3em .2em; }
  .skdistill-report .better, .skdistill-report .interval { font-size: .7rem; }
}
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body {{ margin: 1rem; }}</style>
</head>
<body>
<main>
{fragment}
</main>
</body>
</html>
"""
EXPLAINED = {LABELS[measure]: note for measure, note in NOTES.items()}


def as_page(report, title=None):
    """Return a report as a whole page."""
    title = TITLE if title is None else title
    return PAGE.format(title=escape(title), fragment=as_fragment(report, title))


def as_fragment(report, title=TITLE):
    """Return a report as one element, with its style."""
    parts = [
        f"<h2>{escape(title)}</h2>",
        f'<p class="summary">{escape(report.summary)}</p>',
        _report_chart.chart(report),
        _list(report.verdict),
        f'<p class="note">{escape(subtitle(report))}</p>',
        *(_table(table) for table in tables(report)),
    ]
    if report.missing:
        parts.append(f"<h3>Missing</h3>\n{_list(report.missing)}")
    parts.append(definitions(provenance(report)))
    body = "\n".join(filter(None, parts))
    style = STYLE + _report_chart.STYLE
    return f'<div class="skdistill-report">\n<style>{style}</style>\n{body}\n</div>'


def _table(table):
    """Return a table with its title above and its note below."""
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    rows = "\n".join(_row(label, cells) for label, cells in table.rows)
    return (
        f"<h3>{escape(table.title)}</h3>\n<table>\n"
        f'<thead><tr><th scope="col">measure</th>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>\n"
        f'<p class="note">{escape(table.note)}</p>'
    )


def _row(label, cells):
    """Return a row, with the direction and the intervals in small type on separate lines."""
    name, _, better = label.partition(" (")
    small = f'<span class="better">{escape(better.rstrip(")"))}</span>' if better else ""
    return (
        f'<tr><th scope="row">{_explained(name)}{small}</th>'
        + "".join(
            f"<td>{escape(cell.figure)}"
            + (f'<span class="interval">{escape(cell.interval)}</span>' if cell.interval else "")
            + "</td>"
            for cell in cells
        )
        + "</tr>"
    )


def _explained(name):
    """Return the name of a measure, with a tooltip where it has an explanation."""
    if name not in EXPLAINED:
        return escape(name)
    return f'<abbr title="{escape(EXPLAINED[name])}">{escape(name)}</abbr>'


def definitions(pairs):
    """Return names and texts as a list of definitions."""
    items = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs)
    return f"<dl>\n{items}\n</dl>"


def _list(sentences):
    """Return sentences as a list."""
    return "<ul>\n" + "\n".join(f"<li>{escape(each)}</li>" for each in sentences) + "\n</ul>"
